// Everything the parent and its children say to each other. Messages are plain JSON; they carry finished
// values, never text to be parsed. Knows neither how they travel nor what becomes of them.

import type { VrrpConfig } from '../vrrp/keywords.ts';

/** Parent to child. */
export type Order =
  /** The first order: what to be. Sent once the child has said `ready`. */
  | {
      readonly type: 'configure';
      readonly config: VrrpConfig;
      readonly options: ChildOptions;
      /** Present on a successor: when its predecessor was found dead, if it may take over what it left. */
      readonly adopt?: Adoption;
    }
  /** A new configuration, already found to be without errors. Answered by `reloaded`. */
  | { readonly type: 'reload'; readonly config: VrrpConfig }
  /** Write a dump file. Answered by `dumped`; 'clear' writes the statistics, then sets them to 0. */
  | { readonly type: 'dump'; readonly kind: DumpKind; readonly file: string }
  /** Answered with the same number by the loop itself, so that a stuck loop answers nothing. */
  | { readonly type: 'heartbeat'; readonly n: number }
  /** Release everything and end. Answered by `finished`. */
  | { readonly type: 'stop' };

/** Child to parent. */
export type Report =
  /** The code is loaded; a configuration can be used at once. */
  | { readonly type: 'ready' }
  | { readonly type: 'heartbeat'; readonly n: number }
  | { readonly type: 'reloaded' }
  /** The file is complete under its name, or `error` says why not. */
  | { readonly type: 'dumped'; readonly kind: DumpKind; readonly error?: string }
  /** Nothing of the configuration is left in the kernel; the process ends with this status. */
  | { readonly type: 'finished'; readonly status: number };

export type DumpKind = 'data' | 'statistics' | 'clear';

/** What the command line decided for the child. */
export interface ChildOptions {
  /** -D: lines of severity 'detail' are logged. */
  readonly detail: boolean;
  readonly log: LogOptions;
  /** -V: addresses stay at stop. */
  readonly keepAddresses: boolean;
  /** -a: log every address change. */
  readonly addressMonitoring: boolean;
}

export interface LogOptions {
  /** Lines go to /dev/log with this facility; absent with -G. */
  readonly facility?: number;
  /** Lines also go to standard error, each with a date. */
  readonly console: boolean;
}

export interface Adoption {
  /** Microseconds of CLOCK_MONOTONIC: when the predecessor is known to have last been alive. */
  readonly silentSince: number;
}
