// The one loop of a process: it queues events, steps the machine, performs its orders and keeps one alarm
// armed at the machine's next deadline. It never re-enters `step`, and knows no protocol.

import type { Machine } from './lib/machine.ts';
import type { Instant } from './lib/time.ts';

export interface Shell<State, Event, Action> {
  readonly machine: Machine<State, Event, Action>;
  /** The event that says a deadline has been reached. */
  readonly deadline: Event;
  /** Carries out one order at once. What went wrong comes back as events, never as an exception. */
  readonly perform: (action: Action, now: Instant) => readonly Event[];
  /** Arms the only alarm; undefined disarms it. */
  readonly alarm: (at: Instant | undefined) => void;
  /** Called when the queue is empty and the alarm is armed, with what the machine would do next. */
  readonly settled?: (state: State) => void;
  /** Sees every event before it is stepped. */
  readonly record?: (event: Event, at: Instant) => void;
}

interface Pending<Event, Action> {
  readonly event: Event;
  readonly at: Instant;
  /** Filters out orders that have been carried out already. */
  readonly remaining: (actions: readonly Action[]) => readonly Action[];
}

const all = <T>(actions: readonly T[]): readonly T[] => actions;

export class Loop<State, Event, Action> {
  readonly #shell: Shell<State, Event, Action>;
  readonly #queue: Pending<Event, Action>[] = [];
  #state: State;
  #armed: Instant | undefined;
  #running = false;

  constructor(state: State, shell: Shell<State, Event, Action>) {
    this.#state = state;
    this.#shell = shell;
  }

  get state(): State {
    return this.#state;
  }

  /** Takes an event that happened at `at`; everything it leads to is done when this returns. */
  take(event: Event, at: Instant): void {
    this.#queue.push({ event, at, remaining: all });
    this.#run();
  }

  /** Takes several events in order and re-arms the alarm once. */
  takeBatch(events: readonly (readonly [event: Event, at: Instant])[]): void {
    for (const [event, at] of events) this.#queue.push({ event, at, remaining: all });
    this.#run();
  }

  /** The alarm went off for the deadline `at`. */
  alarmed(at: Instant): void {
    this.#armed = undefined;
    this.take(this.#shell.deadline, at);
  }

  /**
   * The deadline was reached at `at` and part of what it orders has been done by someone else: the same
   * step is taken, and only the orders that `remaining` leaves are performed.
   */
  overtaken(at: Instant, remaining: (actions: readonly Action[]) => readonly Action[]): void {
    this.#armed = undefined;
    this.#queue.push({ event: this.#shell.deadline, at, remaining });
    this.#run();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift())
        this.#step(next);
      this.#arm();
    } finally {
      this.#running = false;
    }
    this.#shell.settled?.(this.#state);
  }

  #step({ event, at, remaining }: Pending<Event, Action>): void {
    this.#shell.record?.(event, at);
    const { state, actions } = this.#shell.machine.step(this.#state, event, at);
    this.#state = state;
    for (const action of remaining(actions))
      for (const consequence of this.#shell.perform(action, at))
        this.#queue.push({ event: consequence, at, remaining: all });
  }

  #arm(): void {
    const at = this.#shell.machine.nextDeadline(this.#state);
    if (at === this.#armed) return;
    this.#armed = at;
    this.#shell.alarm(at);
  }
}
