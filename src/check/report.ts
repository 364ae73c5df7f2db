// The checking process's state file: keepalived_check.data. Loaded when the first one is asked for.

import { dumpGlobals } from '../config/dump.ts';
import { dumpFolder, writeDump } from '../net/dump.ts';
import { dumpCheck } from './dump.ts';
import type { DirectorState } from './state.ts';

export function writeData({ config }: DirectorState): void {
  const { global_defs } = config;
  const text = [...dumpGlobals(global_defs, {}), ...dumpCheck(config, global_defs)].join('\n');
  writeDump(`${dumpFolder(process.env)}/keepalived_check.data`, `${text}\n`);
}
