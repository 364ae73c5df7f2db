// What is deliberately done wrong, to see that somebody notices. Every field is a defect that was, or could be, real.

import type { Step } from '../../src/lib/machine.ts';
import type { Instant } from '../../src/lib/time.ts';
import type { VrrpAction } from '../../src/vrrp/action.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import type { RouterState } from '../../src/vrrp/state.ts';

export type StepFunction = (
  state: RouterState,
  event: VrrpEvent,
  now: Instant,
) => Step<RouterState, VrrpAction>;

export interface Mutation {
  readonly step?: StepFunction;
  /** Alarms are stepped with the time of processing. */
  readonly stepsNow?: true;
  /** The I/O thread. */
  readonly pacer?: {
    /** Sends however late it is. */
    readonly sendsLate?: true;
    readonly deafToUnpace?: true;
    /** Its credit never ends. */
    readonly trusting?: true;
    /** Time in which nobody ran is taken off the credit. */
    readonly unforgiving?: true;
    /** Fires its shot whatever waits unprocessed. */
    readonly fearless?: true;
    /** Reports what arrived before it looks at what it did not send. */
    readonly readsFirst?: true;
    /** Believes the wall clock's stamps. */
    readonly believesStamps?: true;
    /** Believes them within the time since it looked last, whatever the wall clock did meanwhile. */
    readonly overlooksJumps?: true;
    /** Joins a schedule late, and sends what was first all the same. */
    readonly losesCount?: true;
    /** Sends the first of several again and again. */
    readonly repeats?: true;
    /** After being late it counts its period from now on. */
    readonly relative?: true;
  };
  readonly parent?: {
    /** Says of every role that its last advert left just now. */
    readonly flattering?: true;
    /** Removes the addresses of a child that died, then has it succeeded. */
    readonly tidy?: true;
    /** Does not remove anything, however often a child dies. */
    readonly careless?: true;
    /** Keeps no journal. */
    readonly forgetful?: true;
    /** Does not notice a child that is stopped or hangs. */
    readonly blind?: true;
  };
}
