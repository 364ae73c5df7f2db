// The VRRP process's state files: keepalived.data, keepalived.stats and keepalived.json. Loaded when the first one is asked for.

import { type DumpFacts, dumpGlobals } from '../config/dump.ts';
import type { Instant } from '../lib/time.ts';
import { clockAt, dumpPath, savePath, writeDump } from '../net/dump.ts';
import { dumpConfiguration, dumpData, dumpReasons, dumpStatistics } from './dump.ts';
import { dumpJson } from './json.ts';
import type { RouterState } from './router.ts';

/** The interface that keepalived gives to static addresses without one. */
const DEFAULT_INTERFACE = 'eth0';

export async function writeData(
  state: RouterState,
  now: Instant,
  descriptors: ReadonlyMap<string, number>,
  leads: boolean,
): Promise<void> {
  await Promise.all([
    writeDump(dumpPath('data', '', state.config), dataText(state, now, descriptors, leads)),
    writeDump(dumpPath('data', '_reasons', state.config), dumpReasons(state)),
  ]);
}

function dataText(
  state: RouterState,
  now: Instant,
  descriptors: ReadonlyMap<string, number>,
  leads: boolean,
): string {
  const globals = dumpGlobals(state.config.global_defs, dumpFacts(state, leads));
  return [...globals, dumpData(state, clockAt(now), descriptors)].join('\n');
}

/** config_save_dir: what the process knew before (`pre`) and after (`post`) its reload `serial`, from 1. */
export async function saveData(
  when: 'pre' | 'post',
  serial: number,
  state: RouterState,
  now: Instant,
  descriptors: ReadonlyMap<string, number>,
  leads: boolean,
): Promise<void> {
  const { config_save_dir: folder } = state.config.global_defs;
  if (folder === undefined) return;
  const name = `keepalived_vrrp.${process.pid}.${serial}.${when}`;
  await writeDump(savePath(folder, name), dataText(state, now, descriptors, leads));
}

/** What -d logs. */
export const configurationLines = (
  state: RouterState,
  now: Instant,
  leads: boolean,
): readonly string[] => [
  ...dumpGlobals(state.config.global_defs, { ...dumpFacts(state, leads), realtime: undefined }),
  ...dumpConfiguration(state, clockAt(now)),
];

/** What the first section says of the instances and their machine; `leads` as in DumpFacts. */
export function dumpFacts({ config, kernel }: RouterState, leads: boolean): DumpFacts {
  const { global_defs: globals, vrrp_instance: instances } = config;
  const hasDefault = Object.values(kernel.links).some(({ name }) => name === DEFAULT_INTERFACE);
  const sync = instances.find((one) => one.lvs_sync_daemon_interface !== undefined);
  const nftables = instances.some(
    ({ accept, use_vmac, use_ipvlan }) => !accept || use_vmac || use_ipvlan,
  );
  const { net_namespace, net_namespace_ipvs, instance } = config;
  const { vrrp_rt_priority: priority, vrrp_rlimit_rttime: limit } = globals;
  return {
    process: 'vrrp',
    leads,
    ...(net_namespace === undefined ? {} : { net_namespace }),
    ...(net_namespace_ipvs === undefined ? {} : { net_namespace_ipvs }),
    ...(instance === undefined ? {} : { instance }),
    ...(priority > 0 ? { realtime: { priority, limit } } : {}),
    // keepalived without a system bus to be found goes on without it.
    bus: false,
    vrids: new Map(instances.map((one) => [one.name, one.virtual_router_id])),
    ...(hasDefault ? { default_interface: DEFAULT_INTERFACE } : {}),
    ...(nftables ? { nftables } : {}),
    ...(sync?.lvs_sync_daemon_interface === undefined
      ? {}
      : { sync: { instance: sync.name, interface: sync.lvs_sync_daemon_interface } }),
  };
}

export async function writeJson(state: RouterState, now: Instant): Promise<void> {
  if (state.members.length === 0) return;
  await writeDump(dumpPath('json', '', state.config), `${dumpJson(state, clockAt(now))}\n`);
}

export const writeStatistics = (state: RouterState, now: Instant): Promise<void> =>
  writeDump(dumpPath('stats', '', state.config), dumpStatistics(state, now));
