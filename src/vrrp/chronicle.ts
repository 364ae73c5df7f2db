// config_save_dir: what the process knew before and after each reload, in files. Keeps the count of reloads, and nothing else.

import type { Instant } from '../lib/time.ts';
import type { RouterState } from './router.ts';

/** What a dump is made of. */
export type Snapshot = readonly [
  state: RouterState,
  at: Instant,
  descriptors: ReadonlyMap<string, number>,
  leads: boolean,
];

const savesNothing = ([{ config }]: Snapshot): boolean =>
  config.global_defs.config_save_dir === undefined;

export class Chronicle {
  #serial = 0;

  /** After each reload; `failed` is told what could not be written. States do not change, so there is time. */
  async save(before: Snapshot, after: Snapshot, failed: (text: string) => void): Promise<void> {
    const serial = ++this.#serial;
    if (savesNothing(before) && savesNothing(after)) return;
    try {
      // Most daemons never need it.
      const { saveData } = await import('./report.ts');
      await saveData('pre', serial, ...before);
      await saveData('post', serial, ...after);
    } catch (error) {
      failed(`Cannot write to config_save_dir: ${(error as Error).message}`);
    }
  }
}
