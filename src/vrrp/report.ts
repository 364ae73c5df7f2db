// The VRRP process's state files: keepalived.data and keepalived.stats. Loaded when the first one is asked for.

import type { Instant } from '../lib/time.ts';
import { dumpFolder, writeDump } from '../net/dump.ts';
import { dumpData, dumpStatistics } from './dump.ts';
import type { RouterState } from './router.ts';

export function writeData(
  state: RouterState,
  now: Instant,
  descriptors: ReadonlyMap<string, number>,
): void {
  const clock = { monotonic: now, wall: Date.now() * 1000 };
  writeDump(`${dumpFolder(process.env)}/keepalived.data`, dumpData(state, clock, descriptors));
}

export function writeStatistics(state: RouterState, now: Instant): void {
  writeDump(`${dumpFolder(process.env)}/keepalived.stats`, dumpStatistics(state, now));
}
