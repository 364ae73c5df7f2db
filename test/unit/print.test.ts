// All of a long text arrives, although the process ends at once and its reader takes its time.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { test } from 'node:test';

const SIZE = 2_000_000;
const script = `
  const { print } = await import(${JSON.stringify(import.meta.resolve('../../src/print.ts'))});
  print(1, 'x'.repeat(${SIZE}));
  process.exit(7);
`;
const words = ['--import', 'tsx', '--input-type=module', '-e', script];

test('a long text is printed to its end before the process ends', async () => {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let length = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual({ length, status }, { length: SIZE, status: 7 });
});

test('a reader that goes away is no error', () => {
  const line = `"$0" "$@" | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`;
  const shown = execFileSync('bash', ['-c', line, process.execPath, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  assert.equal(shown.trim(), '7');
});
