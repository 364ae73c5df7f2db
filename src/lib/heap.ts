// A heap of things that are due, earliest first, that is never changed: taking one or adding one gives another heap and
// leaves the first as it was (a leftist heap: C. Crane, 1972). Both cost as many steps as the number of items has bits.

import type { Instant } from './time.ts';

export interface Heap<T> {
  readonly at: Instant;
  readonly item: T;
  readonly rank: number;
  readonly left: Heap<T> | undefined;
  readonly right: Heap<T> | undefined;
}

export type Due<T> = Heap<T> | undefined;

export const withDue = <T>(heap: Due<T>, at: Instant, item: T): Heap<T> =>
  merge(heap, { at, item, rank: 1, left: undefined, right: undefined }) as Heap<T>;

/** Without its earliest item. */
export const withoutFirst = <T>({ left, right }: Heap<T>): Due<T> => merge(left, right);

function merge<T>(a: Due<T>, b: Due<T>): Due<T> {
  if (a === undefined) return b;
  if (b === undefined) return a;
  const [top, other] = a.at <= b.at ? [a, b] : [b, a];
  // The right spine is short, so this recursion is.
  const merged = merge(top.right, other);
  const left = top.left;
  return (left?.rank ?? 0) >= (merged?.rank ?? 0)
    ? { ...top, rank: (merged?.rank ?? 0) + 1, right: merged }
    : { ...top, rank: (left?.rank ?? 0) + 1, left: merged, right: left };
}
