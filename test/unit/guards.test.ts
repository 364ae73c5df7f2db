// The guards that fault tests take away are still where those tests look for them. The tests find out by themselves, but
// as root and minutes later than whoever has moved a line wants to know.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';

const project = fileURLToPath(new URL('../..', import.meta.url));
const read = (...path: string[]): string => readFileSync(join(project, ...path), 'utf8');

/** `file: 'src/...', from: '...'`, the text as one literal or several joined by +. */
const CHANGE = /file: '([^']+)',\s*from:\s*('(?:[^'\\]|\\.)*'(?:\s*\+\s*'(?:[^'\\]|\\.)*')*)/g;

test('every guard occurs exactly once', () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const name of readdirSync(join(project, 'test/netns'))) {
    if (!name.endsWith('.test.ts')) continue;
    for (const [, file = '', literal = ''] of read('test/netns', name).matchAll(CHANGE)) {
      seen++;
      const text = runInNewContext(literal) as string;
      const times = read(file).split(text).length - 1;
      if (times !== 1) wrong.push(`${name}: ${file} has this ${times} times: ${text}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen > 10, `${seen} guards seen`);
});
