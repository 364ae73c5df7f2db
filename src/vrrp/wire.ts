// Carries out the core's orders that concern sockets, schedules and addresses, at once and in order.
// What the kernel refuses comes back as events. It decides nothing.

import { type Instant, since } from '../lib/time.ts';
import { ROOMY } from '../net/buffer.ts';
import { admit } from '../net/filter.ts';
import { encodeHush } from '../net/hush.ts';
import { native, type ShotPart } from '../net/native.ts';
import { NETLINK_NETFILTER, Shield, type Table } from '../net/nftables.ts';
import type { Addition, Refused, Route } from '../net/route.ts';
import { changeSetting } from '../net/setting.ts';
import type { Hushed, Making, SocketSpec, WireAction } from './action.ts';
import type { VrrpEvent } from './event.ts';

const VRRP = 112;
const AH = 51;
const AH_HEADER = 24;
/**
 * Room for 10,000 packets a second of full Ethernet length while the I/O thread waits a third of a second for a
 * processor: the kernel doubles what it is asked for and charges 2,304 bytes for each. Nothing is used up before.
 */
const RECEIVE_BUFFER = 4 << 20;
/** What the kernel takes for a size: it doubles it. */
const MOST_BUFFER = 2 ** 30 - 1;

const TABLE: Table = { name: 'keepalived', priority: -1, counters: false };

interface Open {
  readonly fd: number;
  readonly spec: SocketSpec;
}

interface Pacing {
  readonly fd: number;
}

/**
 * RFC 9568 5.1: the VRID is the second byte of a header of eight; what has no whole header is no counter's, as with
 * keepalived. Unicast has no group; the address that the socket is bound to does the same.
 */
const program = ({ family, group, vrids, every, sealed }: SocketSpec): Uint8Array =>
  admit({
    family,
    at: (sealed === true ? AH_HEADER : 0) + 1,
    least: (sealed === true ? AH_HEADER : 0) + 8,
    ...(every === true ? {} : { values: vrids }),
    ...(group === undefined ? {} : { destination: group }),
  });

export class Wire {
  readonly #route: Route;
  readonly #table: Table;
  #shield: Shield | undefined;
  #netfilter: number | undefined;
  readonly #sockets = new Map<string, Open>();
  readonly #keys = new Map<number, string>();
  readonly #paces = new Map<number, Pacing>();
  /** Packet sockets for announcements, by ifindex. */
  readonly #announcers = new Map<number, number>();

  constructor(route: Route, table: Table = TABLE) {
    this.#route = route;
    this.#table = table;
  }

  /** The key of the socket with this descriptor. */
  keyOf(fd: number): string | undefined {
    return this.#keys.get(fd);
  }

  /** Descriptor of each open socket, for the dump. */
  descriptors(): ReadonlyMap<string, number> {
    return new Map([...this.#sockets].map(([key, { fd }]) => [key, fd]));
  }

  /** `at` is when it was ordered for. */
  perform(action: WireAction, at: Instant): readonly VrrpEvent[] {
    try {
      return this.#perform(action, at);
    } catch (error) {
      const { code = 'EUNKNOWN', message } = error as NodeJS.ErrnoException;
      return [{ type: 'refused', action, code, message }];
    }
  }

  beginShot(): void {
    this.#route.beginShot();
  }

  /** The action as the I/O thread can carry it out by itself, or undefined where it cannot. */
  shotParts(action: WireAction): readonly ShotPart[] | undefined {
    try {
      switch (action.type) {
        case 'send':
          return [{ fd: this.#fd(action.socket), datagrams: action.datagrams }];
        case 'pace': {
          const { pace, period, first } = action;
          return [{ fd: this.#fd(action.socket), pace, period, first, ticks: ticksOf(action) }];
        }
        case 'addAddresses':
          return this.#route.shotParts(action.addresses.map((what) => ({ kind: 'address', what })));
        case 'addRoutes':
          return this.#route.shotParts(action.routes.map((what) => ({ kind: 'route', what })));
        case 'addRules':
          return this.#route.shotParts(action.rules.map((what) => ({ kind: 'rule', what })));
        case 'announce': {
          const datagrams = action.frames.map((bytes) => ({ bytes }));
          return [{ fd: this.#announcer(action.interface), datagrams }];
        }
        default:
          return undefined;
      }
    } catch {
      // No socket, no interface: performed in the ordinary way it is refused, and the core hears of it.
      return undefined;
    }
  }

  /** The I/O thread has carried out this action by itself. */
  adopt(action: WireAction): void {
    if (action.type === 'pace') this.#paces.set(action.pace, { fd: this.#fd(action.socket) });
  }

  /** What the kernel refused of what a shot added. */
  shotRefusals(): readonly VrrpEvent[] {
    return this.#route.shotRefusals().map(({ about, code, message }) => ({
      type: 'refused',
      action: additionOf(about),
      code,
      message,
    }));
  }

  /** An interface index is no longer what it was. */
  forgetInterface(index: number): void {
    const fd = this.#announcers.get(index);
    if (fd === undefined) return;
    this.#announcers.delete(index);
    native.close(fd);
  }

  close(): void {
    for (const pace of this.#paces.keys()) native.unpace(pace);
    try {
      this.#shield?.close();
    } catch {
      // Somebody has flushed everything.
    }
    if (this.#netfilter !== undefined) native.close(this.#netfilter);
    for (const { fd } of this.#sockets.values()) native.close(fd);
    for (const fd of this.#announcers.values()) native.close(fd);
    this.#paces.clear();
    this.#sockets.clear();
    this.#announcers.clear();
  }

  #perform(action: WireAction, at: Instant): readonly VrrpEvent[] {
    switch (action.type) {
      case 'open':
        this.#open(action.socket);
        return [{ type: 'opened', socket: action.socket.key, hears: native.now() }];
      case 'close':
        this.#close(action.socket);
        return [];
      case 'filter':
        this.#filter(action.socket);
        return [];
      case 'send':
        native.send(this.#fd(action.socket), action.datagrams);
        return [];
      case 'pace': {
        const fd = this.#fd(action.socket);
        native.pace(action.pace, fd, action.period, action.first, ticksOf(action));
        this.#paces.set(action.pace, { fd });
        return [];
      }
      case 'replace': {
        const pacing = this.#paces.get(action.pace);
        // A pace that has stalled is gone; its own event is on the way.
        if (pacing !== undefined) native.repace(action.pace, pacing.fd, ticksOf(action));
        return [];
      }
      case 'silence':
        native.unpace(action.pace);
        this.#paces.delete(action.pace);
        return [];
      case 'makeLinks':
        return refusals(this.#makeLinks(action.links), (links) => ({ ...action, links }));
      case 'removeLinks':
        for (const { index } of action.links) this.forgetInterface(index);
        return refusals(this.#route.removeLinks(action.links), (links) => ({ ...action, links }));
      case 'tune':
        return tune(action);
      case 'addAddresses':
        return refusals(this.#route.add(action.addresses), (addresses) => ({
          ...action,
          addresses,
        }));
      case 'removeAddresses':
        return refusals(this.#route.remove(action.addresses), (addresses) => ({
          ...action,
          addresses,
        }));
      case 'hush':
        this.#hush(action.links);
        return [];
      case 'shield':
        this.#shielding().add(action.addresses);
        return [];
      case 'unshield':
        this.#shielding().remove(action.addresses);
        return [];
      case 'addRoutes': {
        const refused = this.#route.addRoutes(action.routes, action.restored === true);
        return refusals(refused, (routes) => ({ ...action, routes }));
      }
      case 'removeRoutes':
        return refusals(this.#route.removeRoutes(action.routes), (routes) => ({
          ...action,
          routes,
        }));
      case 'addRules':
        return refusals(this.#route.addRules(action.rules), (rules) => ({ ...action, rules }));
      case 'removeRules':
        return refusals(this.#route.removeRules(action.rules), (rules) => ({ ...action, rules }));
      case 'announce':
        native.send(
          this.#announcer(action.interface),
          action.frames.map((bytes) => ({ bytes })),
        );
        return action.queue === undefined
          ? []
          : [{ type: 'announced', queue: action.queue, late: since(native.now(), at) }];
    }
  }

  #makeLinks(links: readonly Making[]): Refused<Making>[] {
    return links.flatMap((link) => {
      const refused = this.#route.makeLink(link, link.below, link.vrf);
      return refused === undefined ? [] : [{ ...refused, about: link }];
    });
  }

  /** Nothing of it is there before it is asked for: loading nf_tables has a price for every packet. */
  /** Where the kernel cannot send a report by another interface, it is dropped. */
  #hush(links: readonly Hushed[]): void {
    try {
      this.#commit(encodeHush(this.#table, links, true));
    } catch (error) {
      if (links.length === 0) return;
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'EOPNOTSUPP') throw error;
      this.#commit(encodeHush(this.#table, links, false));
    }
  }

  #shielding(): Shield {
    this.#shield ??= new Shield(this.#table, (batch, last) => this.#commit({ batch, last }));
    return this.#shield;
  }

  #commit({ batch, last }: { readonly batch: Uint8Array; readonly last: number }): void {
    this.#netfilter ??= native.netlinkSocket(NETLINK_NETFILTER, 0, ROOMY);
    const [refusal] = native.request(this.#netfilter, batch, last);
    if (refusal !== undefined)
      throw Object.assign(new Error(refusal.message ?? refusal.code), { code: refusal.code });
  }

  #open(spec: SocketSpec): void {
    const fd = native.rawSocket({
      family: spec.family,
      protocol: spec.sealed === true ? AH : VRRP,
      header: spec.family === 4,
      hopLimit: spec.hopLimit,
      ...(spec.interface === undefined
        ? {}
        : { device: spec.interface.name, index: spec.interface.index }),
      ...(spec.group === undefined ? {} : { group: spec.group }),
      ...(spec.source === undefined ? {} : { source: spec.source }),
      filter: program(spec),
      receiveBuffer: Math.min(spec.receiveBuffer ?? RECEIVE_BUFFER, MOST_BUFFER),
    });
    native.watch(fd);
    this.#sockets.set(spec.key, { fd, spec });
    this.#keys.set(fd, spec.key);
  }

  #filter(spec: SocketSpec): void {
    const fd = this.#fd(spec.key);
    try {
      native.filter(fd, program(spec));
    } catch (error) {
      // The old program does not know whom the socket is for now: rather none, which takes no memory.
      native.filter(fd, new Uint8Array(0));
      throw error;
    }
  }

  #close(key: string): void {
    const open = this.#sockets.get(key);
    if (open === undefined) return;
    this.#sockets.delete(key);
    this.#keys.delete(open.fd);
    native.close(open.fd);
  }

  #fd(key: string): number {
    const open = this.#sockets.get(key);
    if (open === undefined) throw Object.assign(new Error(`no socket ${key}`), { code: 'EBADF' });
    return open.fd;
  }

  #announcer(index: number): number {
    const known = this.#announcers.get(index);
    if (known !== undefined) return known;
    const fd = native.packetSocket(index);
    this.#announcers.set(index, fd);
    return fd;
  }
}

const ticksOf = ({
  datagrams,
  later = [],
}: Extract<WireAction, { readonly type: 'pace' | 'replace' }>) => [datagrams, ...later];

/** One event for each, so that those that were accepted are not doubted. */
const refusals = <T>(
  refused: readonly Refused<T>[],
  action: (about: readonly T[]) => WireAction,
): readonly VrrpEvent[] =>
  refused.map(({ about, code, message }) => ({
    type: 'refused',
    action: action([about]),
    code,
    message,
  }));

function tune(action: Extract<WireAction, { readonly type: 'tune' }>): readonly VrrpEvent[] {
  const events: VrrpEvent[] = [];
  const was = action.settings.flatMap((setting) => {
    try {
      return changeSetting(setting) ?? [];
    } catch (error) {
      const { code = 'EUNKNOWN', message } = error as NodeJS.ErrnoException;
      const refused = { ...action, settings: [setting] };
      events.push({ type: 'refused', action: refused, code, message });
      return [];
    }
  });
  return was.length === 0 ? events : [{ type: 'tuned', was }, ...events];
}

function additionOf({ kind, what }: Addition): WireAction {
  switch (kind) {
    case 'address':
      return { type: 'addAddresses', addresses: [what] };
    case 'route':
      return { type: 'addRoutes', routes: [what] };
    case 'rule':
      return { type: 'addRules', rules: [what] };
  }
}
