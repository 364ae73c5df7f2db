// The kernel's links and addresses: what there is, what changes, and orders to change it.

import type { KernelAddress, Link, LinkAddress } from '../lib/link.ts';
import { native, type Refusal, type ShotPart } from './native.ts';
import {
  decodeMessages,
  NETLINK_ROUTE,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTMGRP_IPV4_IFADDR,
  RTMGRP_IPV6_IFADDR,
  RTMGRP_LINK,
} from './netlink.ts';
import {
  decodeAddress,
  encodeAddressDump,
  encodeDeleteAddress,
  encodeNewAddress,
} from './rt-address.ts';
import { decodeLink, encodeLinkDump } from './rt-link.ts';

export type News =
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'linkGone'; readonly index: number }
  | { readonly type: 'address'; readonly address: LinkAddress }
  | { readonly type: 'addressGone'; readonly address: LinkAddress };

/** A refused order; `address` is the one it was about. */
export interface RefusedAddress {
  readonly address: KernelAddress;
  readonly code: string;
  readonly message: string;
}

/** A receive buffer that takes the answers to thousands of refused requests. */
const ANSWERS = 4 << 20;
/** Messages in one sendmsg: enough to be cheap, few enough to keep the loop turning. */
const CHUNK = 64;

export class Route {
  readonly #commands: number;
  readonly #monitor: number;
  /** Shots have a socket of their own: their answers are read later. */
  readonly #shots: number;
  #sequence = 1;
  /** What the shot being prepared, or last fired, adds; by sequence. */
  readonly #shot = new Map<number, KernelAddress>();

  constructor() {
    this.#commands = native.netlinkSocket(NETLINK_ROUTE, 0, ANSWERS);
    this.#monitor = native.netlinkSocket(
      NETLINK_ROUTE,
      RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
      ANSWERS,
    );
    this.#shots = native.netlinkSocket(NETLINK_ROUTE, 0, ANSWERS);
    native.watch(this.#monitor);
  }

  /** Records of this descriptor are news; 'resync' records of it mean that news was lost. */
  get monitor(): number {
    return this.#monitor;
  }

  links(): Link[] {
    return decodeMessages(native.dump(this.#commands, encodeLinkDump())).flatMap(
      (m) => decodeLink(m) ?? [],
    );
  }

  addresses(): LinkAddress[] {
    return decodeMessages(native.dump(this.#commands, encodeAddressDump())).flatMap(
      (m) => decodeAddress(m) ?? [],
    );
  }

  /** What refused addresses are left; one that is there already is no failure. */
  add(addresses: readonly KernelAddress[]): RefusedAddress[] {
    return this.#order(addresses, encodeNewAddress, 'EEXIST');
  }

  /** One that is gone already, or whose interface is, is no failure. */
  remove(addresses: readonly KernelAddress[]): RefusedAddress[] {
    return this.#order(addresses, encodeDeleteAddress, 'EADDRNOTAVAIL', 'ENODEV');
  }

  /** Begins a new shot: what an earlier one added is settled. */
  beginShot(): void {
    this.#shot.clear();
  }

  /** Messages that add these addresses when the I/O thread sends them; no answer but refusals. */
  shotParts(addresses: readonly KernelAddress[]): ShotPart[] {
    const parts: ShotPart[] = [];
    for (let from = 0; from < addresses.length; from += CHUNK) {
      const messages = addresses.slice(from, from + CHUNK).map((address) => {
        const sequence = this.#sequence++;
        this.#shot.set(sequence, address);
        return encodeNewAddress(address, sequence, false);
      });
      parts.push({ fd: this.#shots, datagrams: [{ bytes: join(messages) }] });
    }
    return parts;
  }

  /** What was refused of the shot that has been fired; one that is there already is no failure. */
  shotRefusals(): RefusedAddress[] {
    return native.collect(this.#shots).flatMap((refusal) => {
      const address = this.#shot.get(refusal.sequence);
      if (address === undefined || refusal.code === 'EEXIST') return [];
      return [{ address, code: refusal.code, message: refusal.message ?? '' }];
    });
  }

  close(): void {
    native.close(this.#shots);
    native.close(this.#monitor);
    native.close(this.#commands);
  }

  #order(
    addresses: readonly KernelAddress[],
    encode: typeof encodeNewAddress,
    ...harmless: readonly string[]
  ): RefusedAddress[] {
    const refused: RefusedAddress[] = [];
    for (let from = 0; from < addresses.length; from += CHUNK) {
      const chunk = addresses.slice(from, from + CHUNK);
      const first = this.#sequence;
      this.#sequence += chunk.length;
      // Only the last asks for an answer: a refusal is always answered, each with its own sequence.
      const messages = chunk.map((a, i) => encode(a, first + i, i === chunk.length - 1));
      const refusals = native.request(this.#commands, join(messages), first + chunk.length - 1);
      for (const refusal of refusals)
        if (!harmless.includes(refusal.code)) refused.push(explain(chunk, first, refusal));
    }
    return refused;
  }
}

function explain(chunk: readonly KernelAddress[], first: number, refusal: Refusal): RefusedAddress {
  const address = chunk[refusal.sequence - first];
  if (address === undefined)
    throw new RangeError(`the kernel answered a request that was not made: ${refusal.sequence}`);
  return { address, code: refusal.code, message: refusal.message ?? '' };
}

export function readNews(bytes: Uint8Array): News[] {
  return decodeMessages(bytes).flatMap((message): News[] => {
    switch (message.type) {
      case RTM_NEWLINK: {
        const link = decodeLink(message);
        return link === undefined ? [] : [{ type: 'link', link }];
      }
      case RTM_DELLINK: {
        const link = decodeLink(message);
        return link === undefined ? [] : [{ type: 'linkGone', index: link.index }];
      }
      case RTM_NEWADDR: {
        const address = decodeAddress(message);
        return address === undefined ? [] : [{ type: 'address', address }];
      }
      case RTM_DELADDR: {
        const address = decodeAddress(message);
        return address === undefined ? [] : [{ type: 'addressGone', address }];
      }
      default:
        return [];
    }
  });
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
