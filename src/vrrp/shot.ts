// Looking one deadline ahead: because the core is pure, what it will order at the next deadline can be asked before
// and handed to the I/O thread, which carries it out at that very instant unless a packet waits. When the thread
// says that it has, the loop takes the same step and skips what is done.

import type { Step } from '../lib/machine.ts';
import type { Instant } from '../lib/time.ts';
import { native, type ShotPart } from '../net/native.ts';
import { isWire, type VrrpAction } from './action.ts';
import type { Wire } from './wire.ts';

/** The only shot of the process. */
const SHOT = 1;

interface Prepared<State> {
  readonly state: State;
  /** How many of the step's actions, log lines and scripts not counted, the thread carries out. */
  readonly count: number;
}

export class Lookahead<State> {
  readonly #wire: Wire;
  readonly #ahead: (state: State, at: Instant) => Step<State, VrrpAction>;
  #prepared: Prepared<State> | undefined;
  /** Reports still to come of shots that were found fired when they should have been withdrawn. */
  #anticipated = 0;

  constructor(wire: Wire, ahead: (state: State, at: Instant) => Step<State, VrrpAction>) {
    this.#wire = wire;
    this.#ahead = ahead;
  }

  /** Arms what the core will order at `at`; does nothing where that begins with something only JavaScript can do. */
  prepare(state: State, at: Instant): void {
    if (this.#prepared?.state === state) return;
    this.#wire.beginShot();
    const parts: ShotPart[] = [];
    let count = 0;
    for (const action of this.#ahead(state, at).actions) {
      if (!isWire(action)) continue;
      const more = this.#wire.shotParts(action);
      if (more === undefined) break;
      parts.push(...more);
      count++;
    }
    if (count === 0) return;
    native.shot(SHOT, at, parts);
    this.#prepared = { state, count };
  }

  /** The thread's report that a shot has been fired: false where withdraw() has said so before. */
  reported(): boolean {
    if (this.#anticipated === 0) return true;
    this.#anticipated--;
    return false;
  }

  /**
   * Takes the shot back before anything else is stepped. 'fired' means that it was too late: the deadline's step must
   * be taken first, and the thread's own report of it is still to come.
   */
  withdraw(): 'nothing' | 'withdrawn' | 'fired' {
    if (this.#prepared === undefined) return 'nothing';
    if (!native.disarm(SHOT)) {
      this.#anticipated++;
      return 'fired';
    }
    this.#prepared = undefined;
    return 'withdrawn';
  }

  /** What is left to do of the deadline's step, after the thread has done its part. */
  remaining(actions: readonly VrrpAction[]): readonly VrrpAction[] {
    let done = this.#prepared?.count ?? 0;
    this.#prepared = undefined;
    return actions.filter((action) => {
      if (done === 0 || !isWire(action)) return true;
      done--;
      this.#wire.adopt(action);
      return false;
    });
  }
}
