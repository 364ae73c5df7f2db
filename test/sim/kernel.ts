// What outlives the processes of one machine: its link, its addresses, its wall clock, and the file that the daemon
// keeps its journal in. It tells whoever listens what has changed.

import type { KernelAddress } from '../../src/vrrp/action.ts';
import type { Facts, JournalEntry, VrrpEvent } from '../../src/vrrp/event.ts';
import { address, asNews, link } from './host.ts';

export const INDEX = 2;
export const NAME = 'eth0';

export class Kernel {
  up = true;
  /** Wall clock minus monotonic clock, in microseconds. */
  wall = 0;
  journal: readonly JournalEntry[] = [];
  listener: ((news: VrrpEvent) => void) | undefined;
  readonly source: string;
  readonly mac: string;
  readonly #addresses = new Map<string, KernelAddress>();

  constructor(position: number) {
    this.source = `10.0.0.${position + 1}`;
    this.mac = `02:00:00:00:00:0${position + 1}`;
  }

  get held(): ReadonlySet<string> {
    return new Set(this.#addresses.keys());
  }

  holds(text: string): boolean {
    return this.#addresses.has(text);
  }

  get size(): number {
    return this.#addresses.size;
  }

  facts(): Facts {
    return {
      links: [this.#link()],
      addresses: [address(this.source), ...[...this.#addresses.values()].map(asNews)],
    };
  }

  add(addresses: readonly KernelAddress[]): void {
    for (const each of addresses) {
      if (this.#addresses.has(each.address)) continue;
      this.#addresses.set(each.address, each);
      this.listener?.({ type: 'address', address: asNews(each) });
    }
  }

  remove(addresses: readonly { readonly address: string }[]): void {
    for (const { address: text } of addresses) {
      const held = this.#addresses.get(text);
      if (held === undefined) continue;
      this.#addresses.delete(text);
      this.listener?.({ type: 'addressGone', address: asNews(held) });
    }
  }

  setLink(up: boolean): void {
    this.up = up;
    this.listener?.({ type: 'link', link: this.#link() });
  }

  /** The machine lost its power. */
  reset(): void {
    this.#addresses.clear();
    this.journal = [];
  }

  #link() {
    return link(INDEX, NAME, { running: this.up, mac: this.mac });
  }
}
