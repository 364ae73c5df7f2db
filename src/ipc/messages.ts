// Every message between the parent and its children. They are plain JSON; a message is added here first, and
// nowhere else do two processes meet. A configuration travels as a parcel (parcel.ts), because a big one inside
// a message would hold the parent while it is written.

import type { Inheritance } from '../vrrp/event.ts';
import type { VrrpConfig } from '../vrrp/keywords.ts';

/** Parent to child, as the child's shell sees it. */
export type Order =
  /** To a spare: what it will have to run. It loads and warms what it can, and touches nothing. Answered by `prepared`. */
  | { readonly type: 'prepare'; readonly config: VrrpConfig }
  /**
   * What to run from now on, what a predecessor left, and the file in which the schedules of this one are noted for a
   * successor (native.ledger). Answered by `ready` once packets are received and sent.
   */
  | {
      readonly type: 'configure';
      readonly config: VrrpConfig;
      readonly inheritance: Inheritance;
      readonly ledger: string;
    }
  /** The new configuration; only differences act. Answered by `reloaded`. */
  | { readonly type: 'reload'; readonly config: VrrpConfig }
  /** Write a dump file. `clear` writes the statistics and then sets them to 0. Answered by `dumped`. */
  | { readonly type: 'dump'; readonly kind: DumpKind }
  /** To be answered by the loop itself, never by a timer: the answer says that the loop turns. */
  | { readonly type: 'heartbeat'; readonly n: number }
  /** Release everything and end. Comes from SIGTERM, and from the parent's death. */
  | { readonly type: 'stop' };

export type DumpKind = 'data' | 'statistics' | 'clear' | 'json';

/** Child to parent. */
export type Report =
  /** It has read what it was to prepare for. */
  | { readonly type: 'prepared' }
  | { readonly type: 'ready'; readonly paces: Paces }
  | { readonly type: 'heartbeat'; readonly n: number }
  | { readonly type: 'reloaded'; readonly paces: Paces }
  /** To be mailed; who gets it is for the parent to say. */
  | { readonly type: 'mail'; readonly subject: string; readonly text: string }
  | { readonly type: 'dumped'; readonly kind: DumpKind }
  /** Everything is released: the process ends now. */
  | { readonly type: 'finished' };

/** The slot of the ledger for each role. */
export type Paces = Readonly<Record<string, number>>;

type WithParcel<O extends Order> = O extends { readonly config: VrrpConfig }
  ? Omit<O, 'config'> & { readonly parcel: string }
  : O;

/** An order on the wire: a configuration is named by the file that holds it. */
export type Letter = WithParcel<Order>;
