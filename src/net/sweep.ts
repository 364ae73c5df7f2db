// Removes given addresses from the interfaces of the namespace that a socket was opened in, routes and rules from its tables, and
// interfaces that were made. For a process that has no
// I/O thread and does nothing else with the kernel: the parent, when a child has left addresses behind.

import type { Ip } from '../lib/ip.ts';
import {
  isThisLink,
  type KernelAddress,
  type Link,
  type LinkAddress,
  type MadeLink,
  PROTOCOL,
} from '../lib/link.ts';
import type { KernelRoute, KernelRule } from '../lib/route.ts';
import { native } from './native.ts';
import { decodeMessages, NETLINK_ROUTE } from './netlink.ts';
import { decodeAddress, encodeAddressDump, encodeDeleteAddress } from './rt-address.ts';
import { decodeLink, encodeLinkDump, encodeRemoveLink } from './rt-link.ts';
import { encodeDeleteRoute } from './rt-route.ts';
import { encodeDeleteRule } from './rt-rule.ts';

const ANSWERS = 4 << 20;
const CHUNK = 64;

export interface Placed {
  readonly address: Ip;
  readonly prefix: number;
  readonly peer?: Ip;
  /** Name of the interface. */
  readonly dev: string;
}

export class Sweeper {
  readonly #socket: number;

  /** The socket stays in the namespace that it is opened in. */
  constructor() {
    this.#socket = native.netlinkSocket(NETLINK_ROUTE, 0, ANSWERS);
  }

  /** How many of them were there. Those that vanish meanwhile are no failure. */
  sweep(addresses: readonly Placed[]): number {
    const there = this.#present(addresses);
    for (let from = 0; from < there.length; from += CHUNK) {
      const chunk = there.slice(from, from + CHUNK);
      const messages = chunk.map((address, i) =>
        encodeDeleteAddress(address, i + 1, i === chunk.length - 1),
      );
      native.request(this.#socket, Buffer.concat(messages), chunk.length);
    }
    return there.length;
  }

  /** How many of them were there; what they are depends on the links that there are. */
  sweepRouting(
    wanted: (links: readonly Link[]) => {
      readonly routes: readonly KernelRoute[];
      readonly rules: readonly KernelRule[];
    },
  ): number {
    const { routes, rules } = wanted(this.#links());
    const removed = (message: Uint8Array): boolean =>
      native.request(this.#socket, message, 1).length === 0;
    return [
      ...rules.map((rule) => encodeDeleteRule(rule, 1, true)),
      ...routes.map((route) => encodeDeleteRoute(route, 1, true)),
    ].filter(removed).length;
  }

  /** How many of them were there, and still what they were made as. */
  sweepLinks(made: readonly MadeLink[]): number {
    if (made.length === 0) return 0;
    const links = new Map(this.#links().map((link) => [link.name, link]));
    const left = made.flatMap((one) => {
      const link = links.get(one.name);
      const parent = links.get(one.parent);
      const is = link !== undefined && isThisLink(link, one, parent);
      return is ? [link] : [];
    });
    for (const { index } of left) native.request(this.#socket, encodeRemoveLink(index, 1), 1);
    return left.length;
  }

  /** Which of them are there, whoever put them there. */
  present<Entry extends Placed>(addresses: readonly Entry[]): readonly Entry[] {
    if (addresses.length === 0) return [];
    const there = new Set(this.#addresses().map(([key]) => key));
    return addresses.filter((entry) => there.has(keyOf(entry)));
  }

  #present(addresses: readonly Placed[]): readonly KernelAddress[] {
    if (addresses.length === 0) return [];
    const wanted = new Map(addresses.map((entry) => [keyOf(entry), entry]));
    return this.#addresses().flatMap(([key, { index, address, prefix, scope, protocol }]) => {
      const entry = wanted.get(key);
      // The tag confirms: what somebody else has put there since stays.
      if (entry === undefined || (protocol ?? PROTOCOL) !== PROTOCOL) return [];
      const { peer } = entry;
      return [{ index, address, prefix, scope, ...(peer === undefined ? {} : { peer }) }];
    });
  }

  #addresses(): (readonly [key: string, address: LinkAddress])[] {
    const names = new Map(this.#links().map(({ index, name }) => [index, name]));
    return this.#dump(encodeAddressDump()).flatMap((message) => {
      const known = decodeAddress(message);
      if (known === undefined) return [];
      const { address, prefix } = known;
      return [[keyOf({ address, prefix, dev: names.get(known.index) ?? '' }), known] as const];
    });
  }

  #links(): Link[] {
    return this.#dump(encodeLinkDump()).flatMap((message) => decodeLink(message) ?? []);
  }

  #dump(request: Uint8Array) {
    return decodeMessages(native.dump(this.#socket, request));
  }
}

const keyOf = ({ address, prefix, dev }: Placed): string => `${dev} ${address}/${prefix}`;
