// Virtual time: an agenda of what will happen, in order of time and then of planning, and the only source of chance.
// Nothing here knows what is planned.

import { next as draw, type Random } from '../../src/lib/random.ts';
import { after, type Duration, type Instant } from '../../src/lib/time.ts';

interface Entry {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class Clock {
  now = 0 as Instant;
  #random: Random;
  #order = 0;
  /** A binary heap. */
  readonly #agenda: Entry[] = [];

  constructor(seed: number) {
    this.#random = { seed };
  }

  /** What is planned for the past happens now. */
  at(at: Instant, run: () => void): void {
    const entry = { at: Math.max(at, this.now) as Instant, order: this.#order++, run };
    const heap = this.#agenda;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as Entry;
      if (before(parent, entry)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = entry;
  }

  in(wait: Duration, run: () => void): void {
    this.at(after(this.now, wait), run);
  }

  /** A number in [0, 1). */
  chance(): number {
    const { value, random } = draw(this.#random);
    this.#random = random;
    return value;
  }

  /** Anything up to `most`, in whole microseconds. */
  upTo(most: Duration): Duration {
    return Math.floor(this.chance() * most) as Duration;
  }

  run(duration: Duration, observe: () => void): void {
    const end = after(this.now, duration);
    for (let first = this.#agenda[0]; first !== undefined && first.at <= end; ) {
      this.#pop();
      this.now = first.at;
      first.run();
      observe();
      first = this.#agenda[0];
    }
    this.now = end;
    observe();
  }

  #pop(): void {
    const heap = this.#agenda;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry))
        child++;
      if (before(last, heap[child] as Entry)) break;
      heap[i] = heap[child] as Entry;
      i = child;
    }
    heap[i] = last;
  }
}
