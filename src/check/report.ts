// The checking process's state file: keepalived_check.data. Loaded when the first one is asked for.

import { type DumpFacts, dumpGlobals } from '../config/dump.ts';
import { integerIn } from '../lib/number.ts';
import { clockAt, dumpPath, writeDump } from '../net/dump.ts';
import { native } from '../net/native.ts';
import { readNow } from '../net/watch.ts';
import { dumpCheck } from './dump.ts';
import { liveOf } from './live.ts';
import type { CheckerConfig } from './resolve.ts';
import type { DirectorState } from './state.ts';

export function writeData(state: DirectorState, leads: boolean): void {
  const text = dataLines(state, leads).join('\n');
  writeDump(dumpPath('data', '_check', state.config), `${text}\n`);
}

/** The file; -d logs the same. */
export function dataLines(state: DirectorState, leads: boolean): readonly string[] {
  const { config } = state;
  const { global_defs } = config;
  const files = config.track_file?.map((one) => ({
    ...one,
    status: Number(integerIn(readNow(one.file))),
  }));
  return [
    ...dumpGlobals(global_defs, dumpFacts(config, leads)),
    ...dumpCheck(config, global_defs, liveOf(state, clockAt(native.now())), files),
  ];
}

/** What the first section says of the process; `leads` as in DumpFacts. */
export function dumpFacts(
  { global_defs: globals, ...place }: CheckerConfig,
  leads: boolean,
): DumpFacts {
  const { net_namespace, instance } = place;
  const { checker_rt_priority: priority, checker_rlimit_rttime: limit } = globals;
  return {
    process: 'check',
    leads,
    ...(net_namespace === undefined ? {} : { net_namespace }),
    ...(instance === undefined ? {} : { instance }),
    ...(priority > 0 ? { realtime: { priority, limit } } : {}),
    bus: false,
  };
}
