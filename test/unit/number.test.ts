// Numbers at the beginning of a text: what keepalived 2.2.7 made of the same texts in a track_file.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { integerIn, isInt } from '../../src/lib/number.ts';

test('a number is read as C reads it: decimal, hexadecimal after 0x, octal after 0', () => {
  const read = (text: string): number => Number(integerIn(text));
  for (const [text, value] of [
    ['3.7', 3],
    ['  4', 4],
    ['\n5', 5],
    ['\v5', 5],
    ['+6', 6],
    ['12abc', 12],
    ['0x10', 16],
    ['0X1F', 31],
    ['-0x10', -16],
    ['+0x5', 5],
    ['010', 8],
    ['-010', -8],
    ['08', 0],
    ['0b11', 0],
    ['0x', 0],
    ['0xg', 0],
    ['0x-5', 0],
    ['- 5', 0],
    ['1e2', 1],
    ['abc', 0],
    ['\u00a05', 0],
    ['', 0],
  ] as const)
    assert.equal(read(text), value, JSON.stringify(text));
  assert.equal(integerIn(undefined), 0n);
});

test('what is too large stops at 64 bits, and is no int', () => {
  assert.equal(integerIn('9'.repeat(30)), 9223372036854775807n);
  assert.equal(integerIn('-0xffffffffffffffff'), -9223372036854775808n);
  assert.deepEqual(
    ['2147483647', '2147483648', '-2147483648', '-2147483649'].map((text) =>
      isInt(integerIn(text)),
    ),
    [true, false, true, false],
  );
});
