// The checking process's state file: keepalived_check.data. Loaded when the first one is asked for.

import { dumpGlobals } from '../config/dump.ts';
import { dumpPath, writeDump } from '../net/dump.ts';
import { dumpCheck } from './dump.ts';
import { liveOf } from './live.ts';
import type { DirectorState } from './state.ts';

export function writeData(state: DirectorState): void {
  const { config } = state;
  const { global_defs } = config;
  const lines = [...dumpGlobals(global_defs, {}), ...dumpCheck(config, global_defs, liveOf(state))];
  const text = lines.join('\n');
  writeDump(dumpPath('data', '_check', config), `${text}\n`);
}
