// Which addresses this machine has, on whatever interface, and what a change of them means: one that goes from an
// interface is still here where another has it.

import type { Ip } from '../lib/ip.ts';
import type { CheckEvent } from './event.ts';

interface Held {
  readonly index: number;
  readonly address: Ip;
}

type Change = Extract<CheckEvent, { readonly type: 'address' | 'addressGone' }>;

export class Presence {
  /** Indexes of the interfaces that have each. */
  #holders = new Map<Ip, Set<number>>();

  get addresses(): readonly Ip[] {
    return [...this.#holders.keys()];
  }

  add({ address, index }: Held): readonly Change[] {
    const holders = this.#holders.get(address);
    if (holders !== undefined) {
      holders.add(index);
      return [];
    }
    this.#holders.set(address, new Set([index]));
    return [{ type: 'address', address }];
  }

  remove({ address, index }: Held): readonly Change[] {
    const holders = this.#holders.get(address);
    holders?.delete(index);
    if (holders === undefined || holders.size > 0) return [];
    this.#holders.delete(address);
    return [{ type: 'addressGone', address }];
  }

  /** An interface has gone with all that it had. */
  forget(index: number): readonly Change[] {
    return this.addresses.flatMap((address) => this.remove({ address, index }));
  }

  /** All of them, as they are now. */
  replace(all: readonly Held[]): readonly Change[] {
    const before = this.#holders;
    this.#holders = new Map();
    const came = all.flatMap((held) => this.add(held));
    const gone = [...before.keys()].filter((address) => !this.#holders.has(address));
    return [
      ...gone.map((address): Change => ({ type: 'addressGone', address })),
      ...came.filter(({ address }) => !before.has(address)),
    ];
  }
}
