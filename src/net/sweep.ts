// Removes given addresses from the interfaces of the namespace that a socket was opened in. For a process that has no
// I/O thread and does nothing else with the kernel: the parent, when a child has left addresses behind.

import type { Ip } from '../lib/ip.ts';
import { type KernelAddress, PROTOCOL } from '../lib/link.ts';
import { native } from './native.ts';
import { decodeMessages, NETLINK_ROUTE } from './netlink.ts';
import { decodeAddress, encodeAddressDump, encodeDeleteAddress } from './rt-address.ts';
import { decodeLink, encodeLinkDump } from './rt-link.ts';

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

  #present(addresses: readonly Placed[]): readonly KernelAddress[] {
    if (addresses.length === 0) return [];
    const names = new Map(
      this.#dump(encodeLinkDump()).flatMap((message) => {
        const link = decodeLink(message);
        return link === undefined ? [] : [[link.index, link.name] as const];
      }),
    );
    const wanted = new Map(
      addresses.map((entry) => [`${entry.dev} ${entry.address}/${entry.prefix}`, entry]),
    );
    return this.#dump(encodeAddressDump()).flatMap((message) => {
      const known = decodeAddress(message);
      // The tag confirms: what somebody else has put there since stays.
      if (known === undefined || (known.protocol ?? PROTOCOL) !== PROTOCOL) return [];
      const { index, address, prefix, scope } = known;
      const entry = wanted.get(`${names.get(index)} ${address}/${prefix}`);
      if (entry === undefined) return [];
      const { peer } = entry;
      return [{ index, address, prefix, scope, ...(peer === undefined ? {} : { peer }) }];
    });
  }

  #dump(request: Uint8Array) {
    return decodeMessages(native.dump(this.#socket, request));
  }
}
