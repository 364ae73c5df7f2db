// What a VRRP child leaves when it ends, kept by the parent: the addresses it may have added, its routes and rules, the interfaces
// it may have made and what it may have set (journal), and the adverts it sent (ledger). A successor inherits both; where nobody goes on in its role the addresses are removed here.

import { ftruncateSync, readSync, writeSync } from 'node:fs';
import type { Paces } from '../ipc/messages.ts';
import { parcelPath } from '../ipc/parcel.ts';
import type { Setting } from '../lib/link.ts';
import type { Instant } from '../lib/time.ts';
import { native } from '../net/native.ts';
import { changeSetting, readSetting, readSettings } from '../net/setting.ts';
import { Sweeper } from '../net/sweep.ts';
import type { Inheritance, Leavings } from '../vrrp/event.ts';
import { wantedRouting } from '../vrrp/routes.ts';
import type { RoutingEntries } from '../vrrp/routing.ts';
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

  readonly #within: <T>(work: () => T) => T;

  /** Call it inside the namespace that the child works in; `within` does something there. */
  constructor(journal: string, refused: (error: Error) => void, within: <T>(work: () => T) => T) {
    this.#within = within;
    this.#journal = new Journal(journal, refused);
    // Never on a disk: the I/O thread writes to it between two adverts.
    this.#ledger = native.openMemory();
    ftruncateSync(this.#ledger, 8 * SLOTS);
  }

  /** Where a child notes its adverts. */
  get ledger(): string {
    return parcelPath(process.pid, this.#ledger);
  }

  /** A configuration with which it may leave this is about to be given to a child. */
  extend(leavings: Leavings): void {
    const { addresses, settings } = leavings;
    this.#foreign = new Set(
      this.#sweeper.present(addresses.filter(({ owned }) => owned)).map(keyOf),
    );
    for (const entry of this.#journal.entries) this.#foreign.delete(keyOf(entry));
    const was = settings.length === 0 ? [] : this.#within(() => settings.flatMap(asItIs));
    this.#journal.extend({ ...this.#ours(leavings), settings: was });
  }

  /** A child runs with these and no others; undefined where it has not read the newest configuration yet. */
  settle(paces: Paces, leavings: Leavings | undefined): void {
    this.#paces = paces;
    if (leavings !== undefined) this.#journal.settle(this.#ours(leavings));
  }

  /** For the next child; what it is told once nobody is told again. */
  bequeath(withRoles: boolean): Inheritance {
    const roles = Object.entries(this.#paces).flatMap(([role, pace]) => {
      const spokeAt = this.#take(pace);
      return withRoles && spokeAt > 0 ? [{ role, spokeAt: spokeAt as Instant }] : [];
    });
    this.#paces = {};
    const { entries: journal, links, settings, routing } = this.#journal;
    return {
      journal,
      roles,
      ...(links.length === 0 ? {} : { links }),
      ...(settings.length === 0 ? {} : { settings }),
      ...(isEmpty(routing) ? {} : { routing }),
    };
  }

  /** No child is there: how many addresses and interfaces had been left, and how many routes and rules. */
  sweep(): { readonly addresses: number; readonly routing: number } {
    const { entries, links, settings, routing } = this.#journal;
    // Rules and routes before the addresses that they come from, and before the interfaces that they lead to.
    const onward = isEmpty(routing)
      ? 0
      : this.#sweeper.sweepRouting((known) =>
          wantedRouting(routing, Object.fromEntries(known.map((link) => [link.index, link]))),
        );
    const addresses = this.#sweeper.sweep(entries) + this.#sweeper.sweepLinks(links);
    if (settings.length > 0) this.#within(() => settings.forEach(changeSetting));
    this.#journal.remove();
    return { addresses, routing: onward };
  }

  #ours(leavings: Leavings): Leavings {
    const addresses = leavings.addresses.filter((entry) => !this.#foreign.has(keyOf(entry)));
    return { ...leavings, addresses };
  }

  #take(pace: number): number {
    const slot = Buffer.alloc(8);
    if (readSync(this.#ledger, slot, 0, 8, 8 * pace) < 8) return 0;
    const spokeAt = slot.readDoubleLE();
    writeSync(this.#ledger, Buffer.alloc(8), 0, 8, 8 * pace);
    return spokeAt;
  }
}

const isEmpty = ({ routes, rules }: RoutingEntries): boolean =>
  routes.length === 0 && rules.length === 0;

/** The settings that it stands for with the values that they have now. */
function asItIs(setting: Setting): readonly Setting[] {
  if (setting.interface === '*') return readSettings(setting.family, setting.name);
  const value = readSetting(setting);
  return value === undefined ? [] : [{ ...setting, value }];
}
