// What the core of the checking process orders. The shell performs IPVS orders synchronously and in order; everything
// else of the same step waits until they are done.

import type { Script } from '../config/value.ts';
import type { IpvsOrder } from '../lib/ipvs.ts';
import type { Target } from './options.ts';

/** Real servers (idOfReal) that programs do not take for up, and those that they do again. */
export interface Standings {
  readonly down: readonly string[];
  readonly up: readonly string[] | 'others';
}

export type CheckAction =
  /** Changes of the kernel's table, in this order. Each that is refused comes back as an event. */
  | { readonly type: 'ipvs'; readonly orders: readonly IpvsOrder[] }
  /**
   * One attempt. It is named by `run`, and its verdict comes back as an event. `of`: of a MISC_CHECK, the servers whose check it
   * is (idOfReal).
   */
  | {
      readonly type: 'probe';
      readonly run: number;
      readonly target: Target;
      readonly of?: readonly string[];
    }
  /** Nobody waits for this attempt any more: it is aborted. */
  | { readonly type: 'cancel'; readonly run: number }
  | {
      readonly type: 'run';
      /** Scripts of one owner run one after the other. */
      readonly owner: string;
      /** What the owner is now: what was not told before is old. */
      readonly state: 'UP' | 'DOWN';
      readonly script: Script;
    }
  /** A line, without its end, for whoever reads notify_fifo and lvs_notify_fifo. */
  | { readonly type: 'fifo'; readonly line: string }
  /** For the people that notification_email names. */
  | { readonly type: 'mail'; readonly subject: string; readonly text: string }
  /** For a process that takes the place of this one. */
  | ({ readonly type: 'note' } & Standings)
  | { readonly type: 'log'; readonly severity: Severity; readonly text: string }
  /** Everything is released: the process may end with this status. */
  | { readonly type: 'exit'; readonly status: number };

/** syslog severities in use: 3, 4, 6 and 7; 'detail' is printed only with -D. */
export type Severity = 'error' | 'warning' | 'info' | 'routine' | 'detail';
