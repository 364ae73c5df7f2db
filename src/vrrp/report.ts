// The VRRP process's state files: keepalived.data, keepalived.stats and keepalived.json. Loaded when the first one is asked for.

import { type DumpFacts, dumpGlobals } from '../config/dump.ts';
import type { Duration, Instant } from '../lib/time.ts';
import { dumpPath, writeDump } from '../net/dump.ts';
import { dumpData, dumpReasons, dumpStatistics } from './dump.ts';
import { dumpJson } from './json.ts';
import type { RouterState } from './router.ts';
import type { Clock } from './stamp.ts';

/** The interface that keepalived gives to static addresses without one. */
const DEFAULT_INTERFACE = 'eth0';
const MINUTE = 60_000_000;

export function writeData(
  state: RouterState,
  now: Instant,
  descriptors: ReadonlyMap<string, number>,
  leads: boolean,
): void {
  const clock = clockAt(now);
  const text = [
    ...dumpGlobals(state.config.global_defs, dumpFacts(state, leads)),
    dumpData(state, clock, descriptors),
  ].join('\n');
  writeDump(dumpPath('data', '', state.config), text);
  writeDump(dumpPath('data', '_reasons', state.config), dumpReasons(state));
}

/** What the first section says of the instances and their machine; `leads` as in DumpFacts. */
export function dumpFacts({ config, kernel }: RouterState, leads: boolean): DumpFacts {
  const { global_defs: globals, vrrp_instance: instances } = config;
  const hasDefault = Object.values(kernel.links).some(({ name }) => name === DEFAULT_INTERFACE);
  const sync = instances.find((one) => one.lvs_sync_daemon_interface !== undefined);
  const nftables = instances.some(
    ({ accept, use_vmac, use_ipvlan }) => !accept || use_vmac || use_ipvlan,
  );
  const { net_namespace, instance } = config;
  const { vrrp_rt_priority: priority, vrrp_rlimit_rttime: limit } = globals;
  return {
    process: 'vrrp',
    leads,
    ...(net_namespace === undefined ? {} : { net_namespace }),
    ...(instance === undefined ? {} : { instance }),
    ...(priority > 0 ? { realtime: { priority, limit } } : {}),
    // keepalived without a system bus to be found goes on without it.
    bus: false,
    ...(hasDefault ? { default_interface: DEFAULT_INTERFACE } : {}),
    ...(nftables ? { nftables } : {}),
    ...(sync?.lvs_sync_daemon_interface === undefined
      ? {}
      : { sync: { instance: sync.name, interface: sync.lvs_sync_daemon_interface } }),
  };
}

function clockAt(monotonic: Instant): Clock {
  const wall = new Date();
  const zone = (-wall.getTimezoneOffset() * MINUTE) as Duration;
  return { monotonic, wall: wall.getTime() * 1000, zone };
}

export function writeJson(state: RouterState, now: Instant): void {
  if (state.members.length === 0) return;
  writeDump(dumpPath('json', '', state.config), `${dumpJson(state, clockAt(now))}\n`);
}

export function writeStatistics(state: RouterState, now: Instant): void {
  writeDump(dumpPath('stats', '', state.config), dumpStatistics(state, now));
}
