// What can happen to the process that checks servers. The shell turns answers of checkers, netlink news, files, signals
// and messages into these, each with the instant at which it happened.

import type { Ip } from '../lib/ip.ts';
import type { IpvsOrder, IpvsTimeouts } from '../lib/ipvs.ts';
import type { Verdict } from './checker.ts';
import type { Held } from './heir.ts';
import type { CheckerConfig } from './resolve.ts';

export type CheckEvent =
  /** A deadline of the state has been reached; `now` is that deadline, not the time of processing. */
  | { readonly type: 'deadline' }
  /** How things are at the start. Nothing is ordered before it. */
  | { readonly type: 'facts'; readonly facts: CheckFacts }
  /** A probe has ended. One that has been cancelled or forgotten tells nothing. */
  | { readonly type: 'answered'; readonly run: number; readonly verdict: Verdict }
  /** An address has come to this machine, or has gone from its last interface (ha_suspend). */
  | { readonly type: 'address'; readonly address: Ip }
  | { readonly type: 'addressGone'; readonly address: Ip }
  /** The beginning of what a track_file holds now; absent while it is not there. */
  | { readonly type: 'fileRead'; readonly name: string; readonly text?: string }
  /** A BFD session (its bfd_instance) has come up or gone down. */
  | { readonly type: 'session'; readonly name: string; readonly up: boolean }
  /** The kernel refused an order. `code` is 'EEXIST', 'ENOENT' and the like. */
  | {
      readonly type: 'refused';
      readonly order: IpvsOrder;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly type: 'reload';
      readonly config: CheckerConfig;
      /** What the files that the new configuration names hold now. */
      readonly files: Readonly<Record<string, string>>;
    }
  | { readonly type: 'stop' };

export interface CheckFacts {
  /** Of all interfaces. */
  readonly addresses: readonly Ip[];
  /** What track_files hold, by name; those that are there. */
  readonly files: Readonly<Record<string, string>>;
  /** Of IPVS: what a configuration without lvs_timeouts leaves, or has again. Absent is not known. */
  readonly timeouts?: IpvsTimeouts;
  /** What IPVS holds, where another process of this daemon has put it there; absent at the first start. */
  readonly held?: readonly Held[];
  /** Servers that programs did not take for up (idOfReal), as it had noted. */
  readonly down?: readonly string[];
}
