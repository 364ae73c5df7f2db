// The children as processes, and the spare of the VRRP child: which of them is which, and how one takes the place of
// another. When that happens is for machine.ts to say.

import type { Kind } from '../ipc/messages.ts';
import { native } from '../net/native.ts';
import type { Child, ChildEvents } from './child.ts';

const SIGTERM = 15;

export interface CrewEvents extends ChildEvents {
  readonly spareGone: (pid: number) => void;
}

export class Crew {
  readonly #events: CrewEvents;
  readonly #children = new Map<Kind, Child>();
  /** A VRRP child that has nothing to run yet. */
  #spare: Child | undefined;

  constructor(events: CrewEvents, spare: Child | undefined) {
    this.#events = events;
    this.#spare = spare === undefined ? undefined : this.#listen(spare);
  }

  get spare(): Child | undefined {
    return this.#spare;
  }

  child(kind: Kind): Child | undefined {
    return this.#children.get(kind);
  }

  /** The child that is `pid`; a spare is none. */
  find(pid: number): Child | undefined {
    for (const child of this.#children.values()) if (child.pid === pid) return child;
    return undefined;
  }

  /** The spare, or a new process, is the VRRP child from now on. Throws where none can be started. */
  promote(start: () => Child): Child {
    const child = this.#spare?.alive === true ? this.#spare : this.#listen(start());
    this.#spare = undefined;
    this.#children.set('vrrp', child);
    // It is told to stop in any case: the sooner its priority 0 leaves, the sooner another takes over.
    native.relaySignal(SIGTERM, child.pid);
    return child;
  }

  /** A new process is the child of its kind from now on. Throws where none can be started. */
  add(start: () => Child): Child {
    const child = this.#listen(start());
    this.#children.set(child.kind, child);
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

  /** The pids of children that a signal has stopped. A stopped spare is of no use to anybody. */
  halted(): readonly number[] {
    if (this.#spare?.halted() === true) this.#spare.kill('SIGKILL');
    return [...this.#children.values()].filter((child) => child.halted()).map(({ pid }) => pid);
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
    for (const [kind, child] of this.#children) {
      if (child.pid !== pid) continue;
      this.#children.delete(kind);
      if (kind === 'vrrp') native.relaySignal(SIGTERM, 0);
    }
    this.#events.exited(pid, status, signal);
  }
}
