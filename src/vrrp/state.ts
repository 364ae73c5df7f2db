// What the VRRP process knows and has ordered, as plain data, so that a history can be recorded and replayed.
// Types only; who changes what is said in router.ts and member.ts.

import type { Ip } from '../lib/ip.ts';
import type { SyncDaemon } from '../lib/ipvs.ts';
import type { Link, LinkAddress, Setting } from '../lib/link.ts';
import type { KernelRoute, KernelRule } from '../lib/route.ts';
import type { Duration, Instant } from '../lib/time.ts';
import type {
  Datagram,
  Hushed,
  KernelAddress,
  Shielded,
  SocketSpec,
  VrrpAction,
} from './action.ts';
import type { Inheritance, Observed } from './event.ts';
import type { Fault } from './fault.ts';
import type { InstanceState } from './instance.ts';
import type { VrrpConfig, VrrpInstance } from './keywords.ts';
import type { SyncGroup } from './membership.ts';
import type { Numbering } from './numbering.ts';
import type { DropReason } from './packet.ts';
import type { Trackers } from './tracker.ts';

/** By the name of the interface that gets them. */
export type VirtualPlaces = ReadonlyMap<string | undefined, ReadonlySet<Ip>>;

export interface RouterState {
  /** 'new' until the first facts have come. */
  readonly phase: 'new' | 'running' | 'stopped';
  readonly config: VrrpConfig;
  /** Nobody becomes master before this. */
  readonly holdUntil?: Instant;
  /** In the order of the configuration. */
  readonly members: readonly Member[];
  readonly kernel: KernelFacts;
  /** Virtual addresses that must never be a source address: those of every instance that does not own them. */
  readonly virtual: VirtualPlaces;
  /** What was ordered, by key. */
  readonly sockets: Readonly<Record<string, SocketRecord>>;
  /** Announcements that garp_interval or gna_interval hold back, by ifindex; those that interfaces share have
   *  negative numbers. */
  readonly queues: Readonly<Record<number, AnnouncementQueue>>;
  /** Until when the last announcements have held back the next ones, also long ago; by the same numbers. */
  readonly paused?: Readonly<Record<number, Partial<Pick<AnnouncementQueue, 'arpAt' | 'naAt'>>>>;
  readonly trackers: Trackers;
  readonly groups: readonly GroupState[];
  readonly nextPace: number;
  readonly chatter: Chatter;
  /** What is there whatever the instances do. */
  readonly statics: Statics;
  readonly tended: Tended;
  /** Links whose last change is not believed yet, as they are, by ifindex. */
  readonly swaying: Readonly<Record<number, { readonly at: Instant; readonly link: Link }>>;
  /** What was ordered of lvs_sync_daemon; absent before the first order. */
  readonly sync?: SyncState;
}

export interface SyncState {
  readonly running: readonly SyncDaemon[];
  /** Those that the kernel would not start. */
  readonly refused: readonly SyncDaemon[];
}

/** What was ordered of interfaces themselves. */
export interface Tended {
  /** When an interface that is not there as wanted is asked for again, by name. */
  readonly asked: Readonly<Record<string, Instant>>;
  /** Why the kernel would not have it, as logged, by name. */
  readonly refused: Readonly<Record<string, string>>;
  /** Those whose reports are kept off; absent: nobody has asked. */
  readonly hushed?: readonly Hushed[];
  /** What was set where. */
  readonly tuned: Readonly<Record<string, string>>;
  /** What that was before. */
  readonly was: readonly Setting[];
  /** A start that waits for its interfaces. */
  readonly waiting?: {
    readonly inheritance: Inheritance;
    readonly observed: Observed;
    readonly until: Instant;
  };
}

/** Routes and rules that were ordered, for an instance or for the static blocks. */
export interface Routing {
  readonly routes: readonly KernelRoute[];
  readonly rules: readonly KernelRule[];
  /** Those among them that the kernel refused, tried again at `retryAt`. */
  readonly refused: {
    readonly routes: readonly KernelRoute[];
    readonly rules: readonly KernelRule[];
  };
  readonly retryAt?: Instant;
}

export interface Statics {
  readonly addresses: readonly KernelAddress[];
  readonly refused: readonly KernelAddress[];
  readonly retryAt?: Instant;
  readonly routing: Routing;
  /** Orders whose refusal has been logged. */
  readonly complained: Readonly<Record<string, true>>;
}

export interface GroupState {
  readonly config: SyncGroup;
  /** What it was last said to be. */
  readonly state: 'init' | 'backup' | 'master' | 'fault';
}

/** What was logged lately because of what others sent, and what was not. */
export interface Chatter {
  readonly lines: readonly { readonly at: Instant; readonly text: string }[];
  readonly withheld: number;
  /** Packets that were lost before they could be read, and not yet spoken of. */
  readonly lost: number;
}

/** A router on its way through one event, and the orders so far; never outlives the step that made it. */
export interface Draft {
  router: RouterState;
  readonly actions: VrrpAction[];
  readonly now: Instant;
}

export interface KernelFacts {
  readonly links: Readonly<Record<number, Link>>;
  /** By ifindex, in the kernel's order. */
  readonly addresses: Readonly<Record<number, readonly LinkAddress[]>>;
  /** net.ipv4.conf.*.rp_filter as it was when the facts were read; absent where nobody asks. */
  readonly filters?: readonly Setting[];
}

/** One instance and everything that was ordered on its behalf. */
export interface Member {
  readonly config: VrrpInstance;
  /** The configuration with the effective priority in place of the one that was configured. */
  readonly rules: VrrpInstance;
  /** The sum of the priority and of what trackers add, whatever an advert can carry. */
  readonly total: number;
  readonly state: InstanceState;
  /** Names the schedule of its adverts to the I/O thread; never used again for another instance. */
  readonly pace: number;
  readonly source?: Ip;
  /** Its own: those of other members of its group are not among them. */
  readonly faults: readonly Fault[];
  /** Key of the socket it uses; absent while it cannot have one. */
  readonly socket?: string;
  readonly speaking?: Speaking;
  /** A peer was heard whose checksum is that of keepalived up to 1.3.6: it is answered in kind. */
  readonly legacy?: true;
  /** Absent until an advert under an authentication header was sent or heard. */
  readonly numbering?: Numbering;
  /** The addresses it has put on interfaces, and must remove. */
  readonly held: readonly KernelAddress[];
  /** Orders the kernel refused, tried again at `repairAt`. */
  readonly refused: readonly KernelAddress[];
  readonly repairAt?: Instant;
  readonly routing: Routing;
  /** What is dropped on its behalf; absent: nothing. */
  readonly shield?: readonly Shielded[];
  readonly statistics: Statistics;
  /** When each kind of complaint was last logged: a flood must not fill the log. */
  readonly complained: Readonly<Record<string, Instant>>;
}

/** What the I/O thread was told to send for an instance. */
export interface Speaking {
  readonly socket: string;
  readonly phase: Instant;
  readonly period: Duration;
  /** The first advert of this schedule that the thread was asked for. */
  readonly first: Instant;
  readonly priority: number;
  readonly source: Ip;
  readonly legacy: boolean;
  readonly config: VrrpInstance;
  /** Without authentication header. */
  readonly datagrams: readonly Datagram[];
  /** When the thread needs adverts with new numbers. */
  readonly renewAt?: Instant;
}

export interface SocketRecord {
  readonly spec: SocketSpec;
  /** 'trying': asked for again after a refusal; open unless another refusal comes before `until`. */
  readonly state: 'open' | 'refused' | 'trying';
  readonly until?: Instant;
  /** Why it was refused, as logged. */
  readonly code?: string;
}

export interface QueuedAnnouncement {
  /** Pace of the instance it belongs to. */
  readonly owner: number;
  /** ifindex on which it leaves. */
  readonly interface: number;
  readonly address: Ip;
  readonly frame: Uint8Array;
  readonly interval: Duration;
}

export interface AnnouncementQueue {
  readonly waiting: readonly QueuedAnnouncement[];
  /** Next moment at which a gratuitous ARP, or an unsolicited NA, may leave. */
  readonly arpAt: Instant;
  readonly naAt: Instant;
}

export interface Statistics {
  readonly received: number;
  /** Adverts sent, without those of the schedule that runs now. */
  readonly sent: number;
  readonly becameMaster: number;
  readonly releasedMaster: number;
  readonly priorityZeroReceived: number;
  readonly priorityZeroSent: number;
  readonly drops: Readonly<Record<DropReason, number>>;
}

export const NO_STATISTICS: Statistics = {
  received: 0,
  sent: 0,
  becameMaster: 0,
  releasedMaster: 0,
  priorityZeroReceived: 0,
  priorityZeroSent: 0,
  drops: {
    length: 0,
    ttl: 0,
    version: 0,
    type: 0,
    checksum: 0,
    authType: 0,
    authMismatch: 0,
    authFailure: 0,
    interval: 0,
    addresses: 0,
    source: 0,
  },
};
