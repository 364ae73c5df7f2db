// Everything that processes say to each other. Types only: what a message does is said where it is handled.

import type { VrrpConfig } from '../vrrp/keywords.ts';

/** What a child must know that is not in the configuration. */
export interface ChildOptions {
  /** -D: lines of severity 'detail' are logged. */
  readonly detail: boolean;
  /** -l: lines also go to stderr. */
  readonly console: boolean;
  /** Absent with -G: lines go to syslog with this facility (3 is daemon, 16 is local0). */
  readonly facility?: number;
  /** Name in syslog, for example Keepalived_vrrp. */
  readonly identity: string;
  /** Folder of the dump files. */
  readonly dumpFolder: string;
  /** What stands between the name and .data, for example '' or '.blue'. */
  readonly dumpSuffix: string;
  /** -V: addresses stay where they are at stop. */
  readonly keepAddresses: boolean;
}

/** Parent to child. */
export type Order =
  /** The first order: start with this configuration. */
  | { readonly type: 'configure'; readonly config: VrrpConfig; readonly options: ChildOptions }
  /** A configuration that has been found good replaces the running one. */
  | { readonly type: 'reload'; readonly config: VrrpConfig }
  /** Write a state file; 'clear' writes the statistics and then zeroes them. */
  | { readonly type: 'dump'; readonly kind: 'data' | 'statistics' | 'clear' }
  /** Answered at once by the loop itself, with the same number. */
  | { readonly type: 'heartbeat'; readonly number: number }
  /** Release everything and end with status 0. */
  | { readonly type: 'stop' };

/** Child to parent. */
export type Report =
  /** The code is loaded and orders are awaited. */
  | { readonly type: 'ready' }
  /** The answer to a heartbeat. */
  | { readonly type: 'heartbeat'; readonly number: number }
  /** The first configuration is in effect. */
  | { readonly type: 'running' }
  | { readonly type: 'reloaded' };
