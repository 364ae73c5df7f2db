// The journal file: what a crash leaves readable, and what must never be believed.

import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import type { Ip } from '../../src/lib/ip.ts';
import { Journal } from '../../src/supervisor/journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'ka-journal-'));
const path = join(folder, 'keepalived.journal');
const open = (at: string): Journal => new Journal(at, (error) => assert.fail(error));
const entry = (n: number) => ({ address: `10.0.0.${n}` as Ip, prefix: 24, dev: 'eth0' });

beforeEach(() => rmSync(path, { force: true, recursive: true }));
after(() => rmSync(folder, { recursive: true }));

test('the next one reads what this one wrote, and nobody else may', () => {
  open(path).extend([entry(1), entry(2)]);
  assert.deepEqual(open(path).entries, [entry(1), entry(2)]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a reload keeps the old addresses until the child has removed them', () => {
  const journal = open(path);
  journal.extend([entry(1)]);
  journal.extend([entry(2), entry(1)]);
  assert.deepEqual(open(path).entries, [entry(1), entry(2)]);
  journal.settle([entry(2)]);
  assert.deepEqual(open(path).entries, [entry(2)]);
});

test('after a clean end there is no file', () => {
  const journal = open(path);
  journal.extend([entry(1)]);
  journal.remove();
  assert.throws(() => statSync(path), { code: 'ENOENT' });
  assert.deepEqual(journal.entries, []);
});

for (const [what, change] of [
  ['of another boot', (text: string) => text.replace(/"boot":"./, '"boot":"x')],
  ['of another namespace', (text: string) => text.replace('net:[', 'net:[9')],
  ['cut off', (text: string) => text.slice(0, -5)],
  ['of something else', () => '[1]'],
  ['empty', () => ''],
] as const)
  test(`a file that is ${what} says nothing`, () => {
    open(path).extend([entry(1)]);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    assert.deepEqual(open(path).entries, []);
  });

test('entries that are none are left out', () => {
  open(path).extend([entry(1)]);
  const content = JSON.parse(readFileSync(path, 'utf8')) as { addresses: unknown[] };
  content.addresses.push(null, 7, { address: 1 });
  writeFileSync(path, JSON.stringify(content));
  assert.deepEqual(open(path).entries, [entry(1)]);
});

test('a link is not followed, neither for reading nor for writing', () => {
  const target = join(folder, 'target');
  open(target).extend([entry(1)]);
  symlinkSync(target, path);
  const journal = open(path);
  assert.deepEqual(journal.entries, []);
  journal.extend([entry(2)]);
  assert.deepEqual(open(target).entries, [entry(1)]);
  assert.deepEqual(open(path).entries, [entry(2)]);
});

test('a file that cannot be written is said, and what it would say is still known', () => {
  const refusals: Error[] = [];
  const journal = new Journal(join(folder, 'no', 'such.journal'), (error) => refusals.push(error));
  journal.extend([entry(1)]);
  assert.deepEqual(journal.entries, [entry(1)]);
  assert.equal(refusals.length, 1);
  mkdirSync(path);
  const other = new Journal(path, (error) => refusals.push(error));
  other.settle([entry(2)]);
  other.remove();
  assert.equal(refusals.length, 3);
});
