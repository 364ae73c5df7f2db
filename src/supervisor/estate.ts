// What a VRRP child leaves when it ends, kept by the parent: the addresses it may have added (journal) and the adverts
// it sent (ledger). A successor inherits both; where nobody goes on in its role the addresses are removed here.

import { ftruncateSync, readSync, writeSync } from 'node:fs';
import type { Paces } from '../ipc/messages.ts';
import { openParcel, parcelPath } from '../ipc/parcel.ts';
import type { Instant } from '../lib/time.ts';
import { Sweeper } from '../net/sweep.ts';
import type { Inheritance, JournalEntry } from '../vrrp/event.ts';
import { Journal, keyOf } from './journal.ts';

/** Slots of 8 bytes in a sparse file: more than instances and reloads will ever use. */
const SLOTS = 1 << 17;

export class Estate {
  readonly #journal: Journal;
  readonly #sweeper = new Sweeper();
  readonly #ledger: number;
  #paces: Paces = {};
  /** An owner's addresses that were there before: they are the machine's. */
  #foreign = new Set<string>();

  /** Call it inside the namespace that the child works in. */
  constructor(journal: string, refused: (error: Error) => void) {
    this.#journal = new Journal(journal, refused);
    this.#ledger = openParcel();
    ftruncateSync(this.#ledger, 8 * SLOTS);
  }

  /** Where a child notes its adverts. */
  get ledger(): string {
    return parcelPath(process.pid, this.#ledger);
  }

  /** A configuration with these addresses is about to be given to a child. */
  extend(addresses: readonly JournalEntry[]): void {
    this.#foreign = new Set(
      this.#sweeper.present(addresses.filter(({ owned }) => owned)).map(keyOf),
    );
    for (const entry of this.#journal.entries) this.#foreign.delete(keyOf(entry));
    this.#journal.extend(this.#ours(addresses));
  }

  /** A child runs with these addresses and no others; undefined where it has not read the newest configuration yet. */
  settle(paces: Paces, addresses: readonly JournalEntry[] | undefined): void {
    this.#paces = paces;
    if (addresses !== undefined) this.#journal.settle(this.#ours(addresses));
  }

  /** For the next child; what it is told once nobody is told again. */
  bequeath(withRoles: boolean): Inheritance {
    const roles = Object.entries(this.#paces).flatMap(([role, pace]) => {
      const spokeAt = this.#take(pace);
      return withRoles && spokeAt > 0 ? [{ role, spokeAt: spokeAt as Instant }] : [];
    });
    this.#paces = {};
    return { journal: this.#journal.entries, roles };
  }

  /** No child is there: how many addresses had been left. */
  sweep(): number {
    const swept = this.#sweeper.sweep(this.#journal.entries);
    this.#journal.remove();
    return swept;
  }

  #ours(addresses: readonly JournalEntry[]): readonly JournalEntry[] {
    return addresses.filter((entry) => !this.#foreign.has(keyOf(entry)));
  }

  #take(pace: number): number {
    const slot = Buffer.alloc(8);
    if (readSync(this.#ledger, slot, 0, 8, 8 * pace) < 8) return 0;
    const spokeAt = slot.readDoubleLE();
    writeSync(this.#ledger, Buffer.alloc(8), 0, 8, 8 * pace);
    return spokeAt;
  }
}
