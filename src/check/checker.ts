// What a checker is: one attempt to use a server, answered once. A checker keeps nothing between attempts and knows
// nothing of intervals, retries, weights or IPVS; those are pure and decided elsewhere.

import type { Ip } from '../lib/ip.ts';
import type { Recall } from '../lib/recall.ts';
import type { Duration } from '../lib/time.ts';

/** Where an attempt connects to, and from where; what the real server says is filled in. */
export interface Connection {
  readonly address: Ip;
  /** 0 where the service has no port. */
  readonly port: number;
  readonly bindAddress?: Ip;
  readonly bindPort?: number;
  /** SO_BINDTODEVICE; also the zone of a link-local address. */
  readonly device?: string;
  /** SO_MARK; 0 is none. */
  readonly mark: number;
  /** What one connection, and one answer on it, may take. */
  readonly timeout: Duration;
}

/** Bytes of a page that has come to its end. */
export interface PageLength {
  readonly came: number;
  /** What its header says; as many as came where it says nothing. */
  readonly told: number;
}

export type Verdict =
  | {
      readonly up: true;
      /** What the check says about the weight (MISC_CHECK with misc_dynamic). */
      readonly weight?: number;
      /** A command's exit status. */
      readonly status?: number;
      readonly length?: PageLength;
      /** Why nothing could be asked, and it counts as well all the same. */
      readonly unasked?: string;
    }
  | {
      readonly up: false;
      /** A short clause for the log: what was expected, what came. */
      readonly reason: string;
      /** It was ours: no route, no descriptor, no source address. The server may be well. */
      readonly local?: true;
      /** It is no program, or what it needs to be run is not there: trying again would not help. */
      readonly unfit?: true;
      readonly status?: number;
      readonly length?: PageLength;
    };

/**
 * One attempt. It settles exactly once, never rejects because of what the other end does, ends within the limits that
 * its options name, holds bounded memory whatever comes, and closes everything it opened. Aborted, it lets go at once
 * and may resolve with anything.
 */
export type Check<Options> = (options: Options, signal: Recall) => Promise<Verdict>;
