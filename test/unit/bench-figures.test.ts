// The arithmetic behind the published figures, on numbers whose answer is known.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fitPoints,
  histogram,
  median,
  percentile,
  percentileOf,
  ratioTable,
  reached,
  ticksOf,
} from '../bench/figures.ts';

test('a percentile is the value of the nearest rank, in any order', () => {
  const values = [5, 1, 4, 2, 3];
  assert.equal(median(values), 3);
  assert.equal(percentile(values, 0.2), 1);
  assert.equal(percentile(values, 0.21), 2);
  assert.equal(percentile(values, 1), 5);
  assert.ok(Number.isNaN(median([])));
  const thousand = Array.from({ length: 1000 }, (_, i) => i + 1);
  assert.equal(percentile(thousand, 0.999), 999);
});

test('a histogram has the percentiles of the values it was made of', () => {
  const values = [3.2, 2.9, -1, 7, 7, 7, 100];
  const counts = histogram(values);
  assert.deepEqual(counts, [
    [-1, 1],
    [3, 2],
    [7, 3],
    [100, 1],
  ]);
  for (const p of [0, 0.1, 0.5, 0.9, 0.999, 1])
    assert.equal(percentileOf(counts, p), percentile(values.map(Math.round), p), `${p}`);
  assert.ok(Number.isNaN(percentileOf([], 0.5)));
  assert.deepEqual(histogram([12_345.6, 12_349, 999.4]), [
    [999, 1],
    [12_300, 2],
  ]);
});

test('the line by least squares has the slope of the points and is not moved by what cancels out', () => {
  const xs = [0, 1, 2, 3];
  const exact = fitPoints(
    xs,
    xs.map((x) => 10_045 * x + 7),
  );
  assert.ok(Math.abs(exact.slope - 10_045) < 1e-9 && Math.abs(exact.offset - 7) < 1e-9);
  const noisy = fitPoints([0, 1, 2, 3], [1, 9, 19, 31]);
  // By hand: mean x 1.5, mean y 15; sum of products 50, of squares 5.
  assert.ok(Math.abs(noisy.slope - 10) < 1e-9 && Math.abs(noisy.offset - 0) < 1e-9);
});

test('a missing advert leaves its number out, a late one does not', () => {
  assert.deepEqual(ticksOf([100, 10_100, 30_090, 44_000, 50_100], 10_000), [0, 1, 3, 4, 5]);
  // Two in one interval are two intervals all the same: a slope needs different numbers.
  assert.deepEqual(ticksOf([0, 10, 20_010], 10_000), [0, 1, 3]);
});

test('the table compares with keepalived and says what was missed', () => {
  const rows = [
    {
      what: 'a',
      figures: { keepalived: 200, 'keepalived rt': 100, ours: 40 },
      target: { ratio: 0.4 },
    },
    { what: 'b', figures: { keepalived: 2, ours: 3 }, target: { ratio: 1 } },
    { what: 'c', figures: { ours: -0.5 }, target: { most: 1 } },
    { what: 'd', figures: { ours: -2 }, target: { most: 1 } },
    { what: 'e', figures: { keepalived: 0, ours: 0 } },
  ];
  assert.deepEqual(rows.map(reached), [true, false, true, false, undefined]);
  assert.deepEqual(ratioTable(rows).split('\n').slice(2), [
    '| a | 200 | 100 | 40 | 0.20 | 0.40 | × 0.4 reached |',
    '| b | 2.00 |  | 3.00 | 1.50 |  | × 1 **missed** |',
    '| c |  |  | -0.50 |  |  | 1 reached |',
    '| d |  |  | -2.00 |  |  | 1 **missed** |',
    '| e | 0.00 |  | 0.00 |  |  |  |',
    '',
  ]);
});
