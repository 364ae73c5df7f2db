// What the VRRP core orders. The shell performs wire and kernel actions synchronously and in order;
// scripts and log lines of the same step wait until those are done.

import type { Script } from '../config/value.ts';
import type { Family, Ip } from '../lib/ip.ts';
import type { SyncDaemon } from '../lib/ipvs.ts';
import type { KernelAddress, MadeLink, Setting } from '../lib/link.ts';
import type { KernelRoute, KernelRule } from '../lib/route.ts';
import type { Duration, Instant } from '../lib/time.ts';

export type { KernelAddress } from '../lib/link.ts';

export type VrrpAction =
  | { readonly type: 'open'; readonly socket: SocketSpec }
  | { readonly type: 'close'; readonly socket: string }
  /** From now on the socket is for the virtual routers that its spec names now. */
  | { readonly type: 'filter'; readonly socket: SocketSpec }
  /** Datagrams that leave now. IPv4 bytes begin with the IP header, IPv6 bytes with the VRRP header. */
  | { readonly type: 'send'; readonly socket: string; readonly datagrams: readonly Datagram[] }
  /**
   * From now on the I/O thread sends `datagrams` at first, first + period, ... until replaced or silenced. Where there
   * are `later` ones, these take turns with them: each of a row in which no two are alike.
   */
  | {
      readonly type: 'pace';
      readonly pace: number;
      readonly socket: string;
      readonly period: Duration;
      readonly first: Instant;
      readonly datagrams: readonly Datagram[];
      readonly later?: readonly (readonly Datagram[])[];
    }
  /** New content for a pace whose schedule stands; whose turn it is stands too. */
  | {
      readonly type: 'replace';
      readonly pace: number;
      readonly datagrams: readonly Datagram[];
      readonly later?: readonly (readonly Datagram[])[];
    }
  /** Once performed, nothing more of this pace leaves. */
  | { readonly type: 'silence'; readonly pace: number }
  /** Each is made unless it is there, set, and raised, in this order; the monitor tells of it. */
  | { readonly type: 'makeLinks'; readonly links: readonly Making[] }
  | {
      readonly type: 'removeLinks';
      readonly links: readonly { readonly index: number; readonly name: string }[];
    }
  /** From these no reports of membership leave, and from no others any more. */
  | { readonly type: 'hush'; readonly links: readonly Hushed[] }
  /** What this changes is answered with `tuned`. */
  | { readonly type: 'tune'; readonly settings: readonly Setting[] }
  | { readonly type: 'addAddresses'; readonly addresses: readonly KernelAddress[] }
  | { readonly type: 'removeAddresses'; readonly addresses: readonly KernelAddress[] }
  /** From now on packets to and from these are dropped; what an earlier process has left is gone, even with none. */
  | { readonly type: 'shield'; readonly addresses: readonly Shielded[] }
  | { readonly type: 'unshield'; readonly addresses: readonly Shielded[] }
  /** `restored`: somebody took them away, perhaps in part. */
  | {
      readonly type: 'addRoutes';
      readonly routes: readonly KernelRoute[];
      readonly restored?: true;
    }
  | { readonly type: 'removeRoutes'; readonly routes: readonly KernelRoute[] }
  | { readonly type: 'addRules'; readonly rules: readonly KernelRule[] }
  | { readonly type: 'removeRules'; readonly rules: readonly KernelRule[] }
  /** Whole Ethernet frames (gratuitous ARP, unsolicited NA) to send on an interface. */
  | {
      readonly type: 'announce';
      readonly interface: number;
      readonly frames: readonly Uint8Array[];
      /** Others wait for it in this queue: who sends it later than ordered says so (`announced`). */
      readonly queue?: number;
    }
  | {
      readonly type: 'run';
      /** Scripts of one owner run one after the other. */
      readonly owner: string;
      /** What the owner is now; absent: it has heard something. What was not told before is old. */
      readonly state?: string;
      readonly script: Script;
      /** Appended to the script's own words. */
      readonly words: readonly string[];
    }
  /** A line, without its end, for whoever reads the FIFOs. */
  | { readonly type: 'fifo'; readonly line: string }
  /** For the people that notification_email names. */
  | { readonly type: 'mail'; readonly subject: string; readonly text: string }
  /** A script is asked how things are. It is named by `run`, and its end comes back as an event. */
  | { readonly type: 'probe'; readonly run: number; readonly script: Script }
  /** Sent to everything that the run has started. */
  | { readonly type: 'kill'; readonly run: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  /** The daemon of the kernel that tells of IPVS connections, or hears of them; see sync.ts. */
  | { readonly type: 'startSync'; readonly daemon: SyncDaemon }
  /** One that does not run is no failure. */
  | { readonly type: 'stopSync'; readonly role: SyncDaemon['role'] }
  | { readonly type: 'log'; readonly severity: Severity; readonly text: string }
  /** Everything is released: the process may end with this status. */
  | { readonly type: 'exit'; readonly status: number };

/** Orders that neither the wire nor the routing of packets has to do with: they wait until those that have are done. */
const ASIDES = [
  'run',
  'probe',
  'kill',
  'fifo',
  'mail',
  'startSync',
  'stopSync',
  'log',
  'exit',
] as const;
const ASIDE_TYPES: ReadonlySet<string> = new Set(ASIDES);

export type Aside = Extract<VrrpAction, { readonly type: (typeof ASIDES)[number] }>;

/** What the wire and the kernel see. */
export type WireAction = Exclude<VrrpAction, Aside>;

export const isWire = (action: VrrpAction): action is WireAction => !ASIDE_TYPES.has(action.type);

/** syslog severities in use: 3, 4, 6 and 7; 'detail' is printed only with -D. */
export type Severity = 'error' | 'warning' | 'info' | 'detail';

/** An interface to be made, with the ifindex of the one below, and of the VRF that both are in. */
export interface Making extends MadeLink {
  readonly below: number;
  readonly vrf?: number;
}

export interface SocketSpec {
  /** Made of the fields below except `vrids`: what differs in nothing else is one socket. */
  readonly key: string;
  readonly family: Family;
  /** Interface to bind to and to receive from; absent for a unicast instance without an interface. */
  readonly interface?: { readonly index: number; readonly name: string };
  /** Multicast group to join; absent for unicast. */
  readonly group?: Ip;
  /** Address that what is sent must come from (the checksum covers it), and that unicast adverts come to. */
  readonly source?: Ip;
  /** IPv6 hop limit (IPv4 datagrams carry their own). */
  readonly hopLimit: number;
  /** What is received and sent is under an authentication header. */
  readonly sealed?: true;
  /** The virtual routers it is for, ascending: the kernel drops what is for others. */
  readonly vrids: readonly number[];
  /** log_unknown_vrids: the kernel passes what is for others too. */
  readonly every?: true;
  /** Receive buffer in bytes; absent for the system's default. */
  readonly receiveBuffer?: number;
}

/** A link-local address is dropped on one interface only, told by its number or by its name. */
/** An interface, and the ifindex of the one below it. */
export interface Hushed {
  readonly name: string;
  readonly below: number;
}

export interface Shielded {
  readonly address: Ip;
  readonly index?: number;
  readonly interface?: string;
}

export interface Datagram {
  readonly to: Ip;
  readonly bytes: Uint8Array;
}
