// What the parent's machine orders. The shell (daemon.ts) carries it out at once and in order.

import type { DumpKind, Kind } from '../ipc/messages.ts';
import type { Condition } from './systemd.ts';

export type ParentAction =
  /**
   * Start a child, or the spare as the VRRP child, and configure it. `inherit`: it is told what its predecessor spoke
   * for. Answered by forked or forkFailed.
   */
  | { readonly type: 'fork'; readonly kind: Kind; readonly inherit: boolean }
  /** A spare VRRP child. Answered by spareGone one day. */
  | { readonly type: 'startSpare' }
  | { readonly type: 'dropSpare' }
  /** Remove the addresses that a VRRP child left: nobody goes on in its role. */
  | { readonly type: 'clean' }
  | { readonly type: 'kill'; readonly pid: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'heartbeat'; readonly pid: number; readonly number: number }
  /** Read the configuration in a process of its own. Answered by read. */
  | { readonly type: 'read' }
  /** What was read is the configuration from now on. */
  | { readonly type: 'adopt' }
  /** Send the adopted configuration. Answered by reloaded. */
  | { readonly type: 'reloadChild'; readonly pid: number }
  /** The same, and it ends: the configuration has nothing left for it, which it may have to tell of. */
  | { readonly type: 'dismissChild'; readonly pid: number }
  /** It ends, once it has read what it was told before. */
  | { readonly type: 'endChild'; readonly pid: number }
  | { readonly type: 'dumpChild'; readonly pid: number; readonly kind: DumpKind }
  | { readonly type: 'dumpParent' }
  /** The service manager wants to know. */
  | { readonly type: 'tell'; readonly condition: Condition }
  | { readonly type: 'log'; readonly severity: Severity; readonly text: string }
  | { readonly type: 'exit'; readonly status: number };

export type Severity = 'alert' | 'error' | 'warning' | 'info';
