// Every message between the parent and its children. They are plain JSON; a message is added here first, and
// nowhere else do two processes meet. A configuration travels as a parcel (parcel.ts), because a big one inside
// a message would hold the parent while it is written.

import type { Standings } from '../check/action.ts';
import type { CheckerConfig } from '../check/resolve.ts';
import type { IpvsTimeouts } from '../lib/ipvs.ts';
import type { Inheritance } from '../vrrp/event.ts';
import type { VrrpConfig } from '../vrrp/keywords.ts';

/** The children that the parent can have: one runs virtual routers, one checks servers. */
export type Kind = 'vrrp' | 'check';

/** What each is given of the configuration. */
export interface Parts {
  readonly vrrp: VrrpConfig;
  readonly check: CheckerConfig;
}

/** What the command line asks of children. */
export interface Duties {
  /** -d: what was understood is logged, at the start and at each reload. */
  readonly tells: boolean;
  /** -a: addresses that come and go are logged. */
  readonly observes: boolean;
  /** -V: addresses, routes and rules stay at the end, and nobody is told of it. */
  readonly stays: boolean;
}

/** Comes with every configuration. */
interface Charge {
  /** This child starts what all children share: the program that reads notify_fifo. */
  readonly leads: boolean;
  readonly duties: Duties;
}

/** Parent to VRRP child, as the child's shell sees it. */
export type VrrpOrder =
  /** To a spare: what it will have to run. It loads and warms what it can, and touches nothing. Answered by `prepared`. */
  | ({ readonly type: 'prepare'; readonly config: VrrpConfig } & Charge)
  /**
   * What to run from now on, what a predecessor left, and the file in which the schedules of this one are noted for a
   * successor (native.ledger). Answered by `ready` once packets are received and sent.
   */
  | ({
      readonly type: 'configure';
      readonly config: VrrpConfig;
      readonly inheritance: Inheritance;
      readonly ledger: string;
    } & Charge)
  | Lasting<VrrpConfig>;

/** Parent to checker child. */
export type CheckOrder =
  /**
   * What to run from now on. `keeps`: IPVS stays as it is at the end (-I). `succeeds`: another child ran before, and what
   * IPVS holds of it tells what had failed. Answered by `ready` once checks are under way.
   */
  | ({
      readonly type: 'configure';
      readonly config: CheckerConfig;
      readonly keeps: boolean;
      readonly succeeds?: Predecessor;
    } & Charge)
  | Lasting<CheckerConfig>;

/** A checker child that ran before: what the kernel does not tell of it. */
export interface Predecessor {
  /** IPVS's own, before its. */
  readonly timeouts?: IpvsTimeouts;
  /** Real servers that programs do not take for up, by names of its own; absent where it had come to nothing. */
  readonly down?: readonly string[];
}

/** What any child is told while it runs. */
type Lasting<Config> =
  /** The new configuration; only differences act. Answered by `reloaded`. `ends`: nothing is left to do, `stop` follows. */
  | ({ readonly type: 'reload'; readonly config: Config; readonly ends?: true } & Charge)
  /** Write a dump file. `clear` writes the statistics and then sets them to 0. Answered by `dumped`. */
  | { readonly type: 'dump'; readonly kind: DumpKind }
  /** To be answered by the loop itself, never by a timer: the answer says that the loop turns. */
  | { readonly type: 'heartbeat'; readonly n: number }
  /** Release everything and end. Comes from SIGTERM, and from the parent's death. */
  | { readonly type: 'stop' };

export type Order = VrrpOrder | CheckOrder;

/** `statistics` and `clear` are of VRRP alone. */
export type DumpKind = 'data' | 'statistics' | 'clear' | 'json';

/** Child to parent. */
export type Report =
  /** It has read what it was to prepare for. */
  | { readonly type: 'prepared' }
  /** `timeouts`: what a successor has to know. */
  | { readonly type: 'ready'; readonly paces?: Paces; readonly timeouts?: IpvsTimeouts }
  | { readonly type: 'heartbeat'; readonly n: number }
  | { readonly type: 'reloaded'; readonly paces?: Paces }
  /** What a successor has to know too, as it changes. */
  | ({ readonly type: 'note' } & Standings)
  /** To be mailed; who gets it is for the parent to say. */
  | { readonly type: 'mail'; readonly subject: string; readonly text: string }
  | { readonly type: 'dumped'; readonly kind: DumpKind }
  /** SIGHUP was sent to it: a reload is of all. */
  | { readonly type: 'reload' }
  /** Everything is released: the process ends now. */
  | { readonly type: 'finished' };

/** VRRP: the slot of the ledger for each role. */
export type Paces = Readonly<Record<string, number>>;

type WithParcel<O extends Order> = O extends { readonly config: unknown }
  ? Omit<O, 'config'> & { readonly parcel: string }
  : O;

/** An order on the wire: a configuration is named by the file that holds it. */
export type Letter = WithParcel<Order>;
