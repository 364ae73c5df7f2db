// A heap of things that are due, earliest first, that is never changed: taking one or adding one gives another heap and
// leaves the first as it was (a pairing heap: M. Fredman and others, 1986). Adding is one step; taking the first is as many
// as the number of items has bits, over a long series.

import type { Instant } from './time.ts';

export interface Heap<T> {
  readonly at: Instant;
  readonly item: T;
  /** The first of those below it; the others are its siblings. */
  readonly below: Heap<T> | undefined;
  readonly beside: Heap<T> | undefined;
}

export type Due<T> = Heap<T> | undefined;

export const withDue = <T>(heap: Due<T>, at: Instant, item: T): Heap<T> => {
  const one: Heap<T> = { at, item, below: undefined, beside: undefined };
  return heap === undefined ? one : meld(heap, one);
};

/** Without its earliest item. */
export function withoutFirst<T>({ below }: Heap<T>): Due<T> {
  // Neighbours are joined in pairs, and the pairs from the last to the first.
  const pairs: Heap<T>[] = [];
  for (let next = below; next !== undefined; ) {
    const second: Due<T> = next.beside;
    pairs.push(second === undefined ? next : meld(next, second));
    next = second?.beside;
  }
  let heap = pairs.pop();
  for (let pair = pairs.pop(); pair !== undefined && heap !== undefined; pair = pairs.pop())
    heap = meld(pair, heap);
  if (heap?.beside === undefined) return heap;
  const { at, item, below: rest } = heap;
  return { at, item, below: rest, beside: undefined };
}

/** Of two that are due at once the first comes first. */
function meld<T>(a: Heap<T>, b: Heap<T>): Heap<T> {
  const [top, other] = a.at <= b.at ? [a, b] : [b, a];
  const { at, item, below } = other;
  return {
    at: top.at,
    item: top.item,
    below: { at, item, below, beside: top.below },
    beside: undefined,
  };
}
