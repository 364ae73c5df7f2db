// The kernel's links, addresses, routes and rules: what there is, what changes, and orders to change it. Of routes and
// rules it asks for nothing but news of deletions: a full table may have millions.

import { family } from '../lib/ip.ts';
import type { KernelAddress, Link, LinkAddress, MadeLink } from '../lib/link.ts';
import {
  type GoneRoute,
  type GoneRule,
  KEEPALIVED_PROTOCOL,
  type KernelRoute,
  type KernelRule,
} from '../lib/route.ts';
import { ROOMY } from './buffer.ts';
import { admitMessages } from './filter.ts';
import { native, type Refusal, type ShotPart } from './native.ts';
import {
  decodeMessages,
  NETLINK_ROUTE,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTMGRP_IPV4_IFADDR,
  RTMGRP_IPV4_ROUTE,
  RTMGRP_IPV4_RULE,
  RTMGRP_IPV6_IFADDR,
  RTMGRP_IPV6_ROUTE,
  RTMGRP_IPV6_RULE,
  RTMGRP_LINK,
} from './netlink.ts';
import {
  decodeAddress,
  encodeAddressDump,
  encodeDeleteAddress,
  encodeNewAddress,
} from './rt-address.ts';
import {
  decodeLink,
  encodeLinkDump,
  encodeMakeLink,
  encodeRaiseLink,
  encodeRemoveLink,
} from './rt-link.ts';
import {
  decodeGoneRoute,
  encodeDeleteRoute,
  encodeNewRoute,
  encodeRestoredRoute,
} from './rt-route.ts';
import { decodeGoneRule, encodeDeleteRule, encodeNewRule } from './rt-rule.ts';
import { changeSetting } from './setting.ts';

export type News =
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'linkGone'; readonly index: number }
  | { readonly type: 'address'; readonly address: LinkAddress }
  | { readonly type: 'addressGone'; readonly address: LinkAddress }
  | { readonly type: 'routeGone'; readonly route: GoneRoute }
  | { readonly type: 'ruleGone'; readonly rule: GoneRule };

/** A refused order, and what it was about. */
export interface Refused<T> {
  readonly about: T;
  readonly code: string;
  readonly message: string;
}

/** How an order becomes a message. */
type Encode<T> = (what: T, sequence: number, acknowledge: boolean) => Uint8Array;

/** What a shot can add. */
export type Addition =
  | { readonly kind: 'address'; readonly what: KernelAddress }
  | { readonly kind: 'route'; readonly what: KernelRoute }
  | { readonly kind: 'rule'; readonly what: KernelRule };

/** rtm_protocol, behind struct nlmsghdr. */
const ROUTE_PROTOCOL_AT = 21;

/** Messages in one sendmsg: enough to be cheap, few enough to keep the loop turning. */
const CHUNK = 64;

export class Route {
  readonly #commands: number;
  readonly #monitor: number;
  /** Shots have a socket of their own: their answers are read later. */
  readonly #shots: number;
  #sequence = 1;
  /** What the shot being prepared, or last fired, adds; by sequence. */
  readonly #shot = new Map<number, Addition>();
  /** News of deleted routes and rules, once somebody has asked for them. */
  #routing: number | undefined;

  readonly #newsBuffer: number;

  /** Sizes of receive buffers in bytes, of what answers orders and of what tells news. */
  constructor(buffers: { readonly command?: number; readonly monitor?: number } = {}) {
    const { command = ROOMY, monitor = ROOMY } = buffers;
    this.#newsBuffer = monitor;
    this.#commands = native.netlinkSocket(NETLINK_ROUTE, 0, command);
    this.#monitor = native.netlinkSocket(
      NETLINK_ROUTE,
      RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
      monitor,
    );
    this.#shots = native.netlinkSocket(NETLINK_ROUTE, 0, command);
    native.watch(this.#monitor);
  }

  /** Whether records of this descriptor are news; 'resync' records of it mean that news was lost. */
  isMonitor(fd: number): boolean {
    return fd === this.#monitor || fd === this.#routing;
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

  /**
   * Makes it unless there is one, sets it before it comes up, puts it into the VRF (ifindex; 0 for none), raises it and
   * gives it its addresses. Undefined where all of that worked.
   */
  makeLink(made: MadeLink, below: number, vrf = 0): Refused<MadeLink> | undefined {
    const refused = this.#request(
      (sequence) => encodeMakeLink(made, below, sequence, vrf),
      'EEXIST',
    );
    if (refused !== undefined) return { about: made, ...refused };
    const links = this.links();
    const link = links.find(({ name }) => name === made.name);
    if (link === undefined) return { about: made, code: 'ENODEV', message: 'it has gone' };
    for (const setting of made.settings) {
      try {
        changeSetting({ ...setting, interface: made.name });
      } catch (error) {
        const { code = 'EUNKNOWN', message } = error as NodeJS.ErrnoException;
        return { about: made, code, message };
      }
    }
    const within = links.find(({ index, kind }) => index === link.master && kind === 'vrf');
    // It was there, and what it stands on has changed its VRF.
    const master = (within?.index ?? 0) === vrf ? undefined : vrf;
    const dormant = this.#request((sequence) => encodeRaiseLink(link.index, sequence, master));
    if (dormant !== undefined) return { about: made, ...dormant };
    const [missing] = this.add(
      made.addresses.map((address) => ({
        ...address,
        index: link.index,
        scope: 0,
        noDad: true,
        // Nothing else than adverts comes from it.
        ...(family(address.address) === 6 ? { deprecated: true } : {}),
      })),
    );
    return missing === undefined ? undefined : { ...missing, about: made };
  }

  removeLinks(
    links: readonly { readonly index: number; readonly name: string }[],
  ): Refused<{ readonly index: number; readonly name: string }>[] {
    return links.flatMap((link) => {
      const refused = this.#request((sequence) => encodeRemoveLink(link.index, sequence), 'ENODEV');
      return refused === undefined ? [] : [{ about: link, ...refused }];
    });
  }

  /** What refused addresses are left; one that is there already is no failure. */
  add(addresses: readonly KernelAddress[]): Refused<KernelAddress>[] {
    return this.#order(addresses, encodeNewAddress, 'EEXIST');
  }

  /** One that is gone already, or whose interface is, is no failure. */
  remove(addresses: readonly KernelAddress[]): Refused<KernelAddress>[] {
    return this.#order(addresses, encodeDeleteAddress, 'EADDRNOTAVAIL', 'ENODEV');
  }

  /** `restored`: parts of a route may still be there. */
  addRoutes(routes: readonly KernelRoute[], restored: boolean): Refused<KernelRoute>[] {
    return this.#order(routes, restored ? encodeRestoredRoute : encodeNewRoute, 'EEXIST');
  }

  removeRoutes(routes: readonly KernelRoute[]): Refused<KernelRoute>[] {
    return this.#order(routes, encodeDeleteRoute, 'ESRCH', 'ENODEV');
  }

  addRules(rules: readonly KernelRule[]): Refused<KernelRule>[] {
    return this.#order(rules, encodeNewRule, 'EEXIST');
  }

  removeRules(rules: readonly KernelRule[]): Refused<KernelRule>[] {
    return this.#order(rules, encodeDeleteRule, 'ENOENT');
  }

  /** From now on deleted rules are news, and deleted routes of keepalived's protocol. */
  watchRouting(): void {
    if (this.#routing !== undefined) return;
    const groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV6_RULE;
    const fd = native.netlinkSocket(NETLINK_ROUTE, groups, this.#newsBuffer);
    native.filter(
      fd,
      admitMessages([
        { type: RTM_DELRULE },
        { type: RTM_DELROUTE, at: ROUTE_PROTOCOL_AT, value: KEEPALIVED_PROTOCOL },
      ]),
    );
    native.watch(fd);
    this.#routing = fd;
  }

  /** Begins a new shot: what an earlier one added is settled. */
  beginShot(): void {
    this.#shot.clear();
  }

  /** Messages that add these when the I/O thread sends them; no answer but refusals. */
  shotParts(additions: readonly Addition[]): ShotPart[] {
    const parts: ShotPart[] = [];
    for (let from = 0; from < additions.length; from += CHUNK) {
      const messages = additions.slice(from, from + CHUNK).map((addition) => {
        const sequence = this.#sequence++;
        this.#shot.set(sequence, addition);
        return encodeAddition(addition, sequence);
      });
      parts.push({ fd: this.#shots, datagrams: [{ bytes: Buffer.concat(messages) }] });
    }
    return parts;
  }

  /** What was refused of the shot that has been fired; one that is there already is no failure. */
  shotRefusals(): Refused<Addition>[] {
    return native.collect(this.#shots).flatMap((refusal) => {
      const about = this.#shot.get(refusal.sequence);
      if (about === undefined || refusal.code === 'EEXIST') return [];
      return [{ about, code: refusal.code, message: refusal.message ?? '' }];
    });
  }

  close(): void {
    if (this.#routing !== undefined) native.close(this.#routing);
    native.close(this.#shots);
    native.close(this.#monitor);
    native.close(this.#commands);
  }

  #request(
    encode: (sequence: number) => Uint8Array,
    ...harmless: readonly string[]
  ): Omit<Refused<never>, 'about'> | undefined {
    const sequence = this.#sequence++;
    const [refusal] = native.request(this.#commands, encode(sequence), sequence);
    if (refusal === undefined || harmless.includes(refusal.code)) return undefined;
    return { code: refusal.code, message: refusal.message ?? '' };
  }

  #order<T>(wanted: readonly T[], encode: Encode<T>, ...harmless: readonly string[]): Refused<T>[] {
    const refused: Refused<T>[] = [];
    for (let from = 0; from < wanted.length; from += CHUNK) {
      const chunk = wanted.slice(from, from + CHUNK);
      const first = this.#sequence;
      this.#sequence += chunk.length;
      // Only the last asks for an answer: a refusal is always answered, each with its own sequence.
      const messages = chunk.map((a, i) => encode(a, first + i, i === chunk.length - 1));
      const refusals = native.request(
        this.#commands,
        Buffer.concat(messages),
        first + chunk.length - 1,
      );
      for (const refusal of refusals)
        if (!harmless.includes(refusal.code)) refused.push(explain(chunk, first, refusal));
    }
    return refused;
  }
}

function encodeAddition(addition: Addition, sequence: number): Uint8Array {
  switch (addition.kind) {
    case 'address':
      return encodeNewAddress(addition.what, sequence, false);
    case 'route':
      return encodeNewRoute(addition.what, sequence, false);
    case 'rule':
      return encodeNewRule(addition.what, sequence, false);
  }
}

function explain<T>(chunk: readonly T[], first: number, refusal: Refusal): Refused<T> {
  const about = chunk[refusal.sequence - first];
  if (about === undefined)
    throw new RangeError(`the kernel answered a request that was not made: ${refusal.sequence}`);
  return { about, code: refusal.code, message: refusal.message ?? '' };
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
      case RTM_DELROUTE: {
        const route = decodeGoneRoute(message);
        return route === undefined ? [] : [{ type: 'routeGone', route }];
      }
      case RTM_DELRULE: {
        const rule = decodeGoneRule(message);
        return rule === undefined ? [] : [{ type: 'ruleGone', rule }];
      }
      default:
        return [];
    }
  });
}
