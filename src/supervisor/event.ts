// What can happen to the parent. The shell (daemon.ts) turns signals, reports of children and their ends into these.

import type { DumpKind, Kind } from '../ipc/messages.ts';
import type { Settings } from './state.ts';

export type ParentEvent =
  | { readonly type: 'deadline' }
  /** The first event: everything is read. */
  | { readonly type: 'begin' }
  | { readonly type: 'forked'; readonly kind: Kind; readonly pid: number }
  | { readonly type: 'forkFailed'; readonly kind: Kind; readonly code: string }
  | { readonly type: 'running'; readonly pid: number }
  | { readonly type: 'answered'; readonly pid: number; readonly number: number }
  | { readonly type: 'reloaded'; readonly pid: number }
  | Exit
  /** It has been stopped by a signal (SIGSTOP). */
  | { readonly type: 'halted'; readonly pid: number }
  /** Its I/O thread says that its loop no longer turns. */
  | { readonly type: 'hung'; readonly pid: number }
  /** The spare has ended, or could not be started. */
  | { readonly type: 'spareGone' }
  | { readonly type: 'stop' }
  | { readonly type: 'reload' }
  /** The file has been read. `settings` absent: nothing may change, and the reasons have been logged. */
  | { readonly type: 'read'; readonly settings?: Settings }
  | { readonly type: 'dump'; readonly kind: DumpKind };

/** `status` is absent where a signal ended it. */
export interface Exit {
  readonly type: 'exited';
  readonly pid: number;
  readonly status?: number;
  readonly signal?: string;
}
