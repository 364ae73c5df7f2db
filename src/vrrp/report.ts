// The VRRP process's state files: keepalived.data, keepalived.stats and keepalived.json. Loaded when the first one is asked for.

import { type DumpFacts, dumpGlobals } from '../config/dump.ts';
import type { Duration, Instant } from '../lib/time.ts';
import { dumpFolder, writeDump } from '../net/dump.ts';
import { type Clock, dumpData, dumpStatistics } from './dump.ts';
import { dumpJson } from './json.ts';
import type { RouterState } from './router.ts';

/** The interface that keepalived gives to static addresses without one. */
const DEFAULT_INTERFACE = 'eth0';
const MINUTE = 60_000_000;

export function writeData(
  state: RouterState,
  now: Instant,
  descriptors: ReadonlyMap<string, number>,
  suffix: string,
): void {
  const clock = clockAt(now);
  const hasDefault = Object.values(state.kernel.links).some(
    ({ name }) => name === DEFAULT_INTERFACE,
  );
  const facts: DumpFacts = hasDefault ? { default_interface: DEFAULT_INTERFACE } : {};
  const text = [
    ...dumpGlobals(state.config.global_defs, facts),
    dumpData(state, clock, descriptors),
  ].join('\n');
  writeDump(`${dumpFolder(process.env)}/keepalived${suffix}.data`, text);
}

function clockAt(monotonic: Instant): Clock {
  const wall = new Date();
  const zone = (-wall.getTimezoneOffset() * MINUTE) as Duration;
  return { monotonic, wall: wall.getTime() * 1000, zone };
}

export function writeJson(state: RouterState, now: Instant): void {
  if (state.members.length === 0) return;
  writeDump(`${dumpFolder(process.env)}/keepalived.json`, `${dumpJson(state, clockAt(now))}\n`);
}

export function writeStatistics(state: RouterState, now: Instant): void {
  writeDump(`${dumpFolder(process.env)}/keepalived.stats`, dumpStatistics(state, now));
}
