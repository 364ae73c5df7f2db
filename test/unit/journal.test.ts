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
import type { MadeLink, Setting } from '../../src/lib/link.ts';
import { Journal } from '../../src/supervisor/journal.ts';
import { type JournalEntry, type Leavings, NOTHING_LEFT } from '../../src/vrrp/event.ts';
import type { RouteEntry, RuleEntry } from '../../src/vrrp/routing.ts';

const folder = mkdtempSync(join(tmpdir(), 'ka-journal-'));
const path = join(folder, 'keepalived.journal');
const open = (at: string): Journal => new Journal(at, (error) => assert.fail(error));
const left = (...addresses: JournalEntry[]): Leavings => ({ ...NOTHING_LEFT, addresses });
const entry = (n: number) => ({ address: `10.0.0.${n}` as Ip, prefix: 24, dev: 'eth0' });

beforeEach(() => rmSync(path, { force: true, recursive: true }));
after(() => rmSync(folder, { recursive: true }));

test('the next one reads what this one wrote, and nobody else may', () => {
  open(path).extend(left(entry(1), entry(2)));
  assert.deepEqual(open(path).entries, [entry(1), entry(2)]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a reload keeps the old addresses until the child has removed them', () => {
  const journal = open(path);
  journal.extend(left(entry(1)));
  journal.extend(left(entry(2), entry(1)));
  assert.deepEqual(open(path).entries, [entry(1), entry(2)]);
  journal.settle(left(entry(2)));
  assert.deepEqual(open(path).entries, [entry(2)]);
});

test('after a clean end there is no file', () => {
  const journal = open(path);
  journal.extend(left(entry(1)));
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
    open(path).extend(left(entry(1)));
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    assert.deepEqual(open(path).entries, []);
  });

test('entries that are none are left out', () => {
  open(path).extend(left(entry(1)));
  const content = JSON.parse(readFileSync(path, 'utf8')) as { addresses: unknown[] };
  content.addresses.push(null, 7, { address: 1 });
  writeFileSync(path, JSON.stringify(content));
  assert.deepEqual(open(path).entries, [entry(1)]);
});

test('a link is not followed, neither for reading nor for writing', () => {
  const target = join(folder, 'target');
  open(target).extend(left(entry(1)));
  symlinkSync(target, path);
  const journal = open(path);
  assert.deepEqual(journal.entries, []);
  journal.extend(left(entry(2)));
  assert.deepEqual(open(target).entries, [entry(1)]);
  assert.deepEqual(open(path).entries, [entry(2)]);
});

test('a file that cannot be written is said, and what it would say is still known', () => {
  const refusals: Error[] = [];
  const journal = new Journal(join(folder, 'no', 'such.journal'), (error) => refusals.push(error));
  journal.extend(left(entry(1)));
  assert.deepEqual(journal.entries, [entry(1)]);
  assert.equal(refusals.length, 1);
  mkdirSync(path);
  const other = new Journal(path, (error) => refusals.push(error));
  other.settle(left(entry(2)));
  other.remove();
  assert.equal(refusals.length, 3);
});

const made = (name: string): MadeLink => ({
  name,
  parent: 'eth0',
  family: 4,
  kind: 'macvlan',
  mode: 'private',
  mac: '00:00:5e:00:01:33',
  settings: [],
  addresses: [],
});
const setting = (value: number, name = 'arp_ignore'): Setting => ({
  family: 'ipv4',
  interface: 'eth0',
  name,
  value,
});

test('interfaces that were made, and what was set as it was first', () => {
  const journal = open(path);
  journal.extend({ ...NOTHING_LEFT, links: [made('vrrp.1')], settings: [setting(0)] });
  journal.extend({ ...NOTHING_LEFT, links: [made('vrrp.2')], settings: [setting(1)] });
  assert.deepEqual(open(path).links, [made('vrrp.1'), made('vrrp.2')]);
  assert.deepEqual(open(path).settings, [setting(0)]);
  journal.settle({
    ...NOTHING_LEFT,
    links: [made('vrrp.2')],
    settings: [setting(1), setting(1, 'arp_filter')],
  });
  assert.deepEqual(open(path).links, [made('vrrp.2')]);
  assert.deepEqual(open(path).settings, [setting(0)]);
});

test('no name in the file leads out of the folder of settings', () => {
  open(path).extend({ ...NOTHING_LEFT, settings: [setting(0)] });
  const content = JSON.parse(readFileSync(path, 'utf8')) as { settings: unknown[] };
  content.settings.push({ ...setting(0), interface: '../../kernel' }, setting(0, '../x'), 7);
  writeFileSync(path, JSON.stringify(content));
  assert.deepEqual(open(path).settings, [setting(0)]);
});

const route = (n: number): RouteEntry => ({
  family: 4,
  placement: 'prepend',
  type: 1,
  destination: `10.${n}.0.0` as Ip,
  prefix: 16,
  via: '10.0.0.9' as Ip,
});
const rule = (priority: number): RuleEntry => ({ family: 4, priority, action: 1, table: 100 });

test('routes and rules, until a child runs without them', () => {
  const journal = open(path);
  journal.extend({ ...NOTHING_LEFT, routing: { routes: [route(1)], rules: [rule(1)] } });
  journal.extend({ ...NOTHING_LEFT, routing: { routes: [route(2)], rules: [rule(1)] } });
  assert.deepEqual(open(path).routing, { routes: [route(1), route(2)], rules: [rule(1)] });
  journal.settle({ ...NOTHING_LEFT, routing: { routes: [route(2)], rules: [] } });
  assert.deepEqual(open(path).routing, { routes: [route(2)], rules: [] });
});

test('a route or a rule that could not be written to the kernel is left out; a file without any is as good', () => {
  open(path).extend({ ...NOTHING_LEFT, routing: { routes: [route(1)], rules: [rule(1)] } });
  const content = JSON.parse(readFileSync(path, 'utf8')) as {
    routing?: { routes: unknown[]; rules: unknown[] };
  };
  content.routing?.routes.push(null, { ...route(2), via: 'x' }, { ...route(2), family: 5 });
  content.routing?.rules.push(7, { ...rule(2), from: { address: 1, prefix: 2 } }, { family: 4 });
  writeFileSync(path, JSON.stringify(content));
  assert.deepEqual(open(path).routing, { routes: [route(1)], rules: [rule(1)] });
  delete content.routing;
  writeFileSync(path, JSON.stringify(content));
  assert.deepEqual(open(path).routing, NOTHING_LEFT.routing);
});
