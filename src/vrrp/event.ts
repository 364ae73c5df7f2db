// What can happen to the VRRP process. The shell turns packets, netlink news, signals and messages into
// these, each with the instant at which it happened.

import type { Ip } from '../lib/ip.ts';
import type { Link, LinkAddress, MadeLink, Setting } from '../lib/link.ts';
import type { GoneRoute, GoneRule } from '../lib/route.ts';
import type { Duration, Instant } from '../lib/time.ts';
import type { VrrpAction } from './action.ts';
import type { VrrpConfig } from './keywords.ts';
import type { RoutingEntries } from './routing.ts';
import type { RunEnd } from './tracker.ts';

export type VrrpEvent =
  /** A deadline of the state has been reached; `now` is that deadline, not the time of processing. */
  | { readonly type: 'deadline' }
  | { readonly type: 'packet'; readonly socket: string; readonly packet: ReceivedPacket }
  /** So many packets came faster than they could be read, and are gone. */
  | { readonly type: 'overflow'; readonly lost: number }
  /** The kernel's whole truth about links and addresses: at start, and after the monitor lost news. */
  | {
      readonly type: 'facts';
      readonly facts: Facts;
      readonly inheritance?: Inheritance;
      readonly observed?: Observed;
    }
  | { readonly type: 'link'; readonly link: Link }
  | { readonly type: 'linkGone'; readonly index: number }
  | { readonly type: 'address'; readonly address: LinkAddress }
  | { readonly type: 'addressGone'; readonly address: LinkAddress }
  | { readonly type: 'routeGone'; readonly route: GoneRoute }
  | { readonly type: 'ruleGone'; readonly rule: GoneRule }
  /** Settings that were changed, as they were before. */
  | { readonly type: 'tuned'; readonly was: readonly Setting[] }
  /** Announcements of this queue left so much later than they were ordered for. */
  | { readonly type: 'announced'; readonly queue: number; readonly late: Duration }
  /** A socket that was ordered hears from this instant on: nobody can have been missed on it before. */
  | { readonly type: 'opened'; readonly socket: string; readonly hears: Instant }
  /** An action that the kernel refused. `code` is 'EPERM' and the like. */
  | {
      readonly type: 'refused';
      readonly action: VrrpAction;
      readonly code: string;
      readonly message: string;
    }
  /** The I/O thread stopped a pace: it was about to send more than a period late, or its credit ended. `missed` is when. */
  | { readonly type: 'stalled'; readonly pace: number; readonly missed: Instant }
  /** The kernel refused the adverts of one instant of a pace, which goes on; of several the first refusal. */
  | {
      readonly type: 'unsent';
      readonly pace: number;
      readonly errno: number;
      /** As strerror(3) says it. */
      readonly message: string;
    }
  /** A script that was asked has ended, or could not be started. */
  | { readonly type: 'probed'; readonly run: number; readonly end: RunEnd }
  /** The beginning of what a tracked file holds now; absent while it is not there. */
  | { readonly type: 'fileRead'; readonly name: string; readonly text?: string }
  /** How many processes of each kind run now. */
  | { readonly type: 'processes'; readonly counts: Readonly<Record<string, number>> }
  | { readonly type: 'reload'; readonly config: VrrpConfig; readonly observed?: Observed }
  | { readonly type: 'clearStatistics' }
  /** `stays`: what is on interfaces and in tables stays there, and nobody is told. */
  | { readonly type: 'stop'; readonly stays?: boolean };

/** What tracked files hold (those that are there), and how many there are of tracked processes. */
export interface Observed {
  readonly files: Readonly<Record<string, string>>;
  readonly counts: Readonly<Record<string, number>>;
}

export interface Facts {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
  /** net.ipv4.conf.*.rp_filter, where an interface is made that it matters for. */
  readonly filters?: readonly Setting[];
}

/** What the process before this one left, as far as the parent knows; only a start looks at it. */
export interface Inheritance {
  /** Addresses that it may have put on interfaces. */
  readonly journal: readonly JournalEntry[];
  /** What it spoke for until it ended (roleOf in start.ts), and when the last advert of each left. */
  readonly roles: readonly { readonly role: string; readonly spokeAt: Instant }[];
  /** Interfaces that it may have made. */
  readonly links?: readonly MadeLink[];
  /** What it may have set, as that was before. */
  readonly settings?: readonly Setting[];
  /** Routes and rules that its instances may have put into tables. */
  readonly routing?: RoutingEntries;
}

/** Everything that a process with a configuration may leave on the machine. */
export interface Leavings {
  readonly addresses: readonly JournalEntry[];
  readonly links: readonly MadeLink[];
  /** What it may change; the values are those that it sets. The interface * is every one. */
  readonly settings: readonly Setting[];
  /** Those of its instances: what is static is there for as long as the daemon runs. */
  readonly routing: RoutingEntries;
}

export const NOTHING_LEFT: Leavings = {
  addresses: [],
  links: [],
  settings: [],
  routing: { routes: [], rules: [] },
};

export interface JournalEntry {
  readonly address: Ip;
  readonly prefix: number;
  /** The far end of a point-to-point address. */
  readonly peer?: Ip;
  /** Name of the interface. */
  readonly dev: string;
  /** Of an address owner: if it was there before the daemon, it is the machine's own and not in the journal. */
  readonly owned?: true;
}

export interface ReceivedPacket {
  /** Source and destination from the IP header (v4) or the socket (v6). */
  readonly source: Ip;
  readonly destination: Ip;
  /** TTL or hop limit; -1 where the kernel did not say. */
  readonly hopLimit: number;
  /** ifindex the packet came in by. */
  readonly interface: number;
  /** IPv4: the whole datagram with its IP header; IPv6: what follows the IPv6 header. */
  readonly bytes: Uint8Array;
}
