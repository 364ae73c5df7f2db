// Collections that are never changed, beside an array that is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Due, withDue, withoutFirst } from '../../src/lib/heap.ts';
import type { Instant } from '../../src/lib/time.ts';
import { itemAt, itemsOf, vector, withItem } from '../../src/lib/vector.ts';

test('a heap gives what is due, earliest first, and older heaps stay as they were', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          { weight: 3, arbitrary: fc.nat(50) },
          { arbitrary: fc.constant('take'), weight: 2 },
        ),
      ),
      (events) => {
        let heap: Due<number>;
        let list: { readonly at: number; readonly item: number }[] = [];
        const versions: [Due<number>, typeof list][] = [];
        for (const [item, event] of events.entries()) {
          if (event !== 'take') {
            heap = withDue(heap, event as Instant, item);
            list = [...list, { at: event as number, item }];
          } else if (heap !== undefined) {
            const { item: taken, at } = heap;
            assert.equal(at, Math.min(...list.map((one) => one.at)));
            list = list.filter((one) => one.item !== taken);
            heap = withoutFirst(heap);
          }
          versions.push([heap, list]);
        }
        for (const [version, items] of versions) {
          const drained: number[] = [];
          for (let rest = version; rest !== undefined; rest = withoutFirst(rest))
            drained.push(rest.item);
          assert.deepEqual([...drained].sort(), items.map(({ item }) => item).sort());
          assert.deepEqual(
            drained.map((item) => items.find((one) => one.item === item)?.at),
            items.map(({ at }) => at).sort((a, b) => a - b),
          );
        }
      },
    ),
  );
});

test('a vector is an array whose versions stay as they were', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.array(fc.tuple(fc.nat(1999), fc.integer()), { maxLength: 20 }),
      (length, changes) => {
        const first = Array.from({ length }, (_, i) => i);
        let list = vector(first);
        const start = list;
        const array = [...first];
        for (const [at, value] of changes) {
          if (at >= length) {
            assert.throws(() => itemAt(list, at), RangeError);
            continue;
          }
          list = withItem(list, at, value);
          array[at] = value;
          assert.equal(itemAt(list, at), value);
        }
        assert.deepEqual([...itemsOf(list)], array);
        assert.deepEqual([...itemsOf(start)], first);
      },
    ),
  );
});
