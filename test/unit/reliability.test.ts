// docs/reliability.md and the fault tests speak of the same faults.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Result, reliability } from '../../scripts/reliability.ts';

const folder = join(import.meta.dirname, '../netns');

test('every fault that is tested has a result, with the words of its title', () => {
  const texts = readdirSync(folder)
    .filter((name) => /^fault-.*\.test\.ts$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  const tested = texts.flatMap((text) => [
    ...text.matchAll(/\n {2}id: '([^']*)',\n {2}title:\s+'([^']*)'/g),
  ]);
  const registered = texts.flatMap((text) => [...text.matchAll(/\ntestFault</g)]);
  assert.equal(tested.length, registered.length);
  for (const [, id = '', title = ''] of tested) {
    const result = JSON.parse(readFileSync(join(folder, 'results', `${id}.json`), 'utf8'));
    assert.equal(result.fault, title, id);
  }
});

test('rows are in the order of their places, and no text breaks the table', () => {
  const row = (fault: string, place?: number): Result => ({
    fault,
    ours: 'a|b',
    keepalived: 'two\nlines',
    date: '2026-01-02',
    commit: 'abc',
    ...(place === undefined ? {} : { place }),
  });
  const lines = reliability([row('last'), row('second', 2), row('first', 1)])
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| what'));
  assert.deepEqual(lines, [
    '| first | a\\|b | two lines | 2026-01-02, abc |',
    '| second | a\\|b | two lines | 2026-01-02, abc |',
    '| last | a\\|b | two lines | 2026-01-02, abc |',
  ]);
});
