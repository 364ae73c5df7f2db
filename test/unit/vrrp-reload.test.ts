// A reload performs the difference: who did not change notices nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, type Instant, millis, seconds, since } from '../../src/lib/time.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import { config, instance, ip } from '../sim/config.ts';
import { address, asNews, FACTS, Host, link, priorityIn, texts } from '../sim/host.ts';

const at = (secondsLater: number): Instant => Math.round(1e6 * secondsLater) as Instant;
const vip = (text: string, changes = {}) => ({
  address: ip(text),
  prefix: 24,
  scope: 0,
  ...changes,
});
const script = (word: string) => ({ words: [word], uid: 0, gid: 0 });

const reload = (one: Host, now: Instant, ...changes: Partial<VrrpInstance>[]): Host =>
  one.take({ type: 'reload', config: config(...changes.map((change) => instance(change))) }, now);
const mastered = (...changes: Partial<VrrpInstance>[]): Host =>
  new Host(config(...changes.map((change) => instance(change)))).start().until('master');

test('an unchanged instance keeps its state, its schedule and its silence', () => {
  const one = mastered({});
  const before = one.member();
  reload(one, at(10), {});
  assert.deepEqual(one.actions, []);
  assert.equal(one.member(), before);
});

test('an unchanged backup keeps its timers', () => {
  const one = new Host(config(instance())).start().hears(200, '10.0.0.9', {}, at(2));
  const deadline = nextDeadline(one.state);
  reload(one, at(3), {});
  assert.deepEqual(one.actions, []);
  assert.equal(nextDeadline(one.state), deadline);
});

test('an address added to a master is added and announced, alone', () => {
  const one = mastered({ virtual_ipaddress: [vip('10.0.0.101')] });
  reload(one, at(10), { virtual_ipaddress: [vip('10.0.0.101'), vip('10.0.0.102')] });
  assert.deepEqual(one.kinds, ['replace', 'addAddresses', 'announce', 'announce']);
  assert.deepEqual(texts(one.of('addAddresses')[0]?.addresses ?? []), ['10.0.0.102']);
  assert.equal(
    one.of('announce').reduce((sum, { frames }) => sum + frames.length, 0),
    5,
  );
  assert.deepEqual(one.of('run'), []);
});

test('addresses taken from a master are removed, the rest stays', () => {
  const one = mastered({
    virtual_ipaddress: [vip('10.0.0.101'), vip('10.0.0.102'), vip('10.0.0.103')],
  });
  reload(one, at(10), { virtual_ipaddress: [vip('10.0.0.103')] });
  assert.deepEqual(one.kinds, ['removeAddresses', 'replace']);
  assert.deepEqual([...one.kernel], ['10.0.0.103']);
  assert.equal(one.member().state.name, 'master');
});

test('an address with another label is taken off and put on again', () => {
  const one = mastered({});
  reload(one, at(10), { virtual_ipaddress: [vip('10.0.0.100', { label: 'eth0:1' })] });
  assert.deepEqual(one.kinds, ['removeAddresses', 'addAddresses', 'announce', 'announce']);
});

test('the news that it was taken off is not taken for somebody else’s doing', () => {
  const one = mastered({});
  const was = one.member().held.map(asNews);
  reload(one, at(10), { virtual_ipaddress: [vip('10.0.0.100', { label: 'eth0:1' })] });
  for (const news of was) one.take({ type: 'addressGone', address: { ...news, label: 'eth0' } });
  assert.deepEqual(one.actions, []);
  // And by hand.
  for (const news of one.member().held.map(asNews))
    one.take({ type: 'addressGone', address: { ...news, label: 'eth0:1' } });
  assert.deepEqual(one.kinds, ['addAddresses', 'announce', 'announce']);
});

test('an address that moves to another instance is on an interface afterwards', () => {
  const a = { name: 'A', virtual_router_id: 1 };
  const b = { name: 'B', virtual_router_id: 2 };
  const both = (x: string[], y: string[]) =>
    [
      { ...a, virtual_ipaddress: x.map((text) => vip(text)) },
      { ...b, virtual_ipaddress: y.map((text) => vip(text)) },
    ] as const;
  for (const [before, later] of [
    [both(['10.0.0.1', '10.0.0.2'], ['10.0.0.3']), both(['10.0.0.1'], ['10.0.0.2', '10.0.0.3'])],
    [both(['10.0.0.1'], ['10.0.0.2', '10.0.0.3']), both(['10.0.0.1', '10.0.0.2'], ['10.0.0.3'])],
  ] as const) {
    const one = mastered(...before);
    reload(one, at(10), ...later);
    assert.deepEqual([...one.kernel].sort(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  }
});

test('another priority changes the adverts of a master, not their schedule', () => {
  const one = mastered({});
  reload(one, at(10), { priority: 50 });
  assert.deepEqual(one.kinds, ['replace']);
  assert.equal(priorityIn(one.of('replace')[0]?.datagrams[0]?.bytes), 50);
});

test('another priority moves the timer of a backup by the difference in skew', () => {
  const one = new Host(config(instance())).start().hears(250, '10.0.0.9', {}, at(2));
  reload(one, at(3), { priority: 200 });
  assert.equal(nextDeadline(one.state), at(2 + 3 + 56 / 256));
});

test('a backup that becomes the owner takes over at once', () => {
  const one = new Host(config(instance())).start().hears(250, '10.0.0.9', {}, at(2));
  reload(one, at(3), { priority: 255 }).deadline();
  assert.equal(one.now, at(3));
  assert.equal(one.member().state.name, 'master');
});

test('a new interval never leaves a gap longer than the old schedule had', () => {
  const slower = mastered({ version: 3 });
  const { first } = slower.of('pace')[0] ?? { first: at(0) };
  reload(slower, after(first, millis(400)), { version: 3, advert_int: seconds(5) });
  assert.equal(slower.of('pace')[0]?.first, after(first, seconds(1)));
  const faster = mastered({ version: 3, advert_int: seconds(5) });
  const now = after(faster.now, millis(400));
  reload(faster, now, { version: 3, advert_int: millis(100) });
  assert.equal(since(faster.of('pace')[0]?.first ?? now, now), millis(100));
});

test('an instance with another name is the same virtual router: nothing is sent, removed or told', () => {
  const one = mastered({ name: 'A', notify: script('any') });
  const { pace, state } = one.member();
  reload(one, at(10), { name: 'B', notify: script('any') });
  assert.deepEqual(one.kinds, []);
  assert.equal(one.member().config.name, 'B');
  assert.deepEqual([one.member().pace, one.member().state], [pace, state]);
});

test('two instances that swap their names stay what they are', () => {
  const two = (names: readonly string[]) =>
    names.map((name, i) => ({
      name,
      virtual_router_id: i + 1,
      virtual_ipaddress: [vip(`10.0.0.10${i}`)],
    }));
  const one = mastered(...two(['A', 'B']));
  const paces = one.state.members.map(({ pace }) => pace);
  reload(one, at(10), ...two(['B', 'A']));
  assert.deepEqual(one.kinds, []);
  assert.deepEqual(
    one.state.members.map(({ pace }) => pace),
    paces,
  );
});

test('a removed master gives up: silence, priority 0, addresses, and reports FAULT', () => {
  const scripts = { notify: script('any'), notify_fault: script('fault') };
  const one = mastered({ ...scripts, name: 'A', virtual_router_id: 1 }, { name: 'B' });
  reload(one, at(10), { name: 'B' });
  assert.deepEqual(one.kinds, ['silence', 'send', 'removeAddresses', 'run', 'run', 'filter']);
  assert.equal(priorityIn(one.of('send')[0]?.datagrams[0]?.bytes), 0);
  assert.deepEqual(one.scripts, ['fault', 'any INSTANCE A FAULT 100']);
  assert.equal(one.state.members.length, 1);
});

test('notify_deleted turns that FAULT into DELETED', () => {
  const one = mastered({ notify: script('any'), notify_deleted: script('deleted') });
  reload(one, at(10));
  assert.deepEqual(one.scripts, ['deleted', 'any INSTANCE VI_1 DELETED 100']);
  assert.equal(one.of('close').length, 1);
  const silent = mastered({ notify: script('any'), notify_deleted: true });
  reload(silent, at(10));
  assert.deepEqual(silent.scripts, ['any INSTANCE VI_1 DELETED 100']);
});

test('an instance that becomes another virtual router starts over, on a schedule of its own', () => {
  const one = mastered({ notify: script('any') });
  const { pace, held } = one.member();
  for (const each of held) one.take({ type: 'address', address: asNews(each) });
  reload(one, at(10), { notify: script('any'), virtual_router_id: 52 });
  assert.deepEqual(one.kinds, ['silence', 'send', 'removeAddresses', 'run', 'filter']);
  assert.deepEqual(one.scripts, ['any INSTANCE VI_1 BACKUP 100']);
  assert.equal(one.logs.filter((text) => text === '(VI_1) removing VIPs.').length, 1);
  assert.notEqual(one.member().pace, pace);
});

test('an added instance finds and removes leftovers, but not what another instance holds', () => {
  const facts = { links: [link()], addresses: [...FACTS.addresses, address('10.0.0.55')] };
  const one = new Host(config(instance())).start(facts).until('master');
  one.take({ type: 'address', address: address('10.0.0.100') });
  const more = [vip('10.0.0.55'), vip('10.0.0.100')];
  reload(one, at(10), {}, { name: 'B', virtual_router_id: 52, virtual_ipaddress: more });
  assert.deepEqual(texts(one.of('removeAddresses')[0]?.addresses ?? []), ['10.0.0.55']);
});

test('another interface means another socket', () => {
  const facts = {
    links: [link(), link(3, 'eth1')],
    addresses: [...FACTS.addresses, address('10.1.0.5', 24, { index: 3 })],
  };
  const one = new Host(config(instance())).start(facts);
  reload(one, at(1), { interface: 'eth1' });
  assert.deepEqual(one.kinds, ['open', 'close']);
});
