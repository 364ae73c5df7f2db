// What every protocol in this program is: a function from a state and an event to a state and orders.
// A machine reads no clock, opens no socket and arms no timer; a pending timeout is a deadline
// in its state, and the shell asks nextDeadline() when to call again.

import type { Instant } from './time.ts';

export interface Step<State, Action> {
  readonly state: State;
  readonly actions: readonly Action[];
}

export interface Machine<State, Event, Action> {
  /** `now` is when the event happened, not when it is processed. */
  step(state: State, event: Event, now: Instant): Step<State, Action>;
  /** The earliest instant at which a `deadline` event would change anything; early ones are harmless. */
  nextDeadline(state: State): Instant | undefined;
}
