// The VRRP child and its spare as processes: which of them is which, and how one takes the place of the other. When that
// happens is for machine.ts to say.

import { native } from '../net/native.ts';
import type { Child, ChildEvents } from './child.ts';

const SIGTERM = 15;

export interface CrewEvents extends ChildEvents {
  readonly spareGone: (pid: number) => void;
}

export class Crew {
  readonly #events: CrewEvents;
  #child: Child | undefined;
  /** A child that has nothing to run yet. */
  #spare: Child | undefined;

  constructor(events: CrewEvents, spare: Child | undefined) {
    this.#events = events;
    this.#spare = spare === undefined ? undefined : this.#listen(spare);
  }

  get child(): Child | undefined {
    return this.#child;
  }

  get spare(): Child | undefined {
    return this.#spare;
  }

  /** The spare, or a new process, is the child from now on. Throws where none can be started. */
  promote(start: () => Child): Child {
    const child = this.#spare?.alive === true ? this.#spare : this.#listen(start());
    this.#spare = undefined;
    this.#child = child;
    // It is told to stop in any case: the sooner its priority 0 leaves, the sooner another takes over.
    native.relaySignal(SIGTERM, child.pid);
    return child;
  }

  /** Throws where none can be started. */
  addSpare(start: () => Child): Child {
    this.#spare = this.#listen(start());
    return this.#spare;
  }

  /** Nobody will need it, or it was born in the wrong place. */
  dropSpare(): void {
    this.#spare?.kill('SIGKILL');
    this.#spare = undefined;
  }

  /** The child's pid, if a signal has stopped it. A stopped spare is of no use to anybody. */
  halted(): number | undefined {
    if (this.#spare?.halted() === true) this.#spare.kill('SIGKILL');
    return this.#child?.halted() === true ? this.#child.pid : undefined;
  }

  #listen(child: Child): Child {
    const { report, hung } = this.#events;
    child.listen({ report, hung, exited: (...end) => this.#exited(...end) });
    return child;
  }

  #exited(...[pid, status, signal]: Parameters<ChildEvents['exited']>): void {
    if (this.#spare?.pid === pid) {
      this.#spare = undefined;
      this.#events.spareGone(pid);
      return;
    }
    if (this.#child?.pid === pid) {
      this.#child = undefined;
      native.relaySignal(SIGTERM, 0);
    }
    this.#events.exited(pid, status, signal);
  }
}
