// The parent's state file: keepalived_parent.data.

import { dumpGlobals } from '../config/dump.ts';
import { dumpPath, writeDump } from '../net/dump.ts';
import type { Common } from './reading.ts';

/** Rejects with what the system refuses. */
export function writeData(common: Common, reloadAt: string | undefined): Promise<void> {
  const facts = {
    ...common,
    process: 'parent' as const,
    ...(reloadAt === undefined ? {} : { reloadAt }),
  };
  const text = dumpGlobals(common.global_defs, facts).join('\n');
  return writeDump(dumpPath('data', '_parent', common), `${text}\n`);
}
