// How a process begins after another: what it goes on with, what it removes, and when it is too late to go on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, type Instant, millis, seconds } from '../../src/lib/time.ts';
import { journalOf } from '../../src/vrrp/addresses.ts';
import type { Inheritance } from '../../src/vrrp/event.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import type { RuleEntry } from '../../src/vrrp/routing.ts';
import { roleOf } from '../../src/vrrp/start.ts';
import { config, instance, ip, route } from '../sim/config.ts';
import { address, FACTS, Host, link, texts } from '../sim/host.ts';

const SPOKE = seconds(100) as number as Instant;
const VIP = address('10.0.0.100', 24, { secondary: true });
const LEFT = { ...FACTS, addresses: [...FACTS.addresses, VIP] };

const inherits = (own = instance()): Inheritance => ({
  journal: journalOf(config(instance())),
  roles: [{ role: roleOf(own), spokeAt: SPOKE }],
});

function begin(
  changes: Parameters<typeof instance>[0],
  wait = millis(50),
  inheritance = inherits(instance(changes)),
  facts = LEFT,
): Host {
  const host = new Host(config(instance(changes)));
  host.kernel.add('10.0.0.100');
  return host.take({ type: 'facts', facts, inheritance }, after(SPOKE, wait));
}

test('a role that nobody has missed goes on: an advert at once, and what the other may not have come to say', () => {
  const host = begin({
    advert_int: millis(100),
    garp_master_repeat: 1,
    notify_master: { words: ['x'], uid: 0, gid: 0 },
  });
  assert.deepEqual(host.kinds, ['open', 'pace', 'announce', 'run']);
  assert.deepEqual(host.scripts, ['x']);
  assert.equal(host.of('pace')[0]?.first, after(SPOKE, millis(50)));
  assert.deepEqual(host.member().state.name, 'master');
  assert.deepEqual(texts(host.member().held), ['10.0.0.100']);
  assert.equal(host.logs[0], '(VI_1) Going on in MASTER STATE for a process that ended');
});

test('an address that the predecessor did not get round to is added and announced', () => {
  const host = begin({ garp_master_repeat: 1 }, millis(50), inherits(), FACTS);
  assert.deepEqual(host.kinds, ['open', 'pace', 'addAddresses', 'announce']);
});

test('it removes what it went on with when it leaves', () => {
  const host = begin({}).hears(200);
  assert.equal(host.member().state.name, 'backup');
  assert.deepEqual(texts(host.of('removeAddresses')[0]?.addresses ?? []), ['10.0.0.100']);
});

for (const [version, wait, name] of [
  [2, 2_749, 'master'],
  [2, 2_750, 'backup'],
  [3, 2_749, 'master'],
  [3, 2_750, 'backup'],
] as const)
  test(`${wait} ms after the last advert of 1 s, version ${version}: ${name}`, () => {
    const host = begin({ version, priority: 254 }, millis(wait));
    assert.equal(host.member().state.name, name);
  });

test('too late: the addresses go before it says BACKUP', () => {
  const host = begin({}, seconds(3));
  assert.deepEqual(host.kinds, ['open', 'removeAddresses']);
  assert.deepEqual(host.logs, ['(VI_1) removing VIPs.', '(VI_1) Entering BACKUP STATE (init)']);
});

test('peers that wait for fewer adverts than we do are counted with', () => {
  assert.equal(begin({ down_timer_adverts: 10 }, millis(2_800)).member().state.name, 'backup');
  assert.equal(begin({ down_timer_adverts: 2 }, millis(1_800)).member().state.name, 'backup');
});

test('with its link down nothing is adopted', () => {
  const facts = { ...LEFT, links: [link(2, 'eth0', { running: false })] };
  const host = begin({}, millis(10), inherits(), facts);
  assert.equal(host.member().state.name, 'fault');
  assert.deepEqual(texts(host.of('removeAddresses')[0]?.addresses ?? []), ['10.0.0.100']);
});

test('a role of an instance that is no longer configured is nobody’s, and its addresses go', () => {
  const host = begin({ name: 'VI_2', virtual_ipaddress: [] }, millis(50), inherits());
  assert.equal(host.member().state.name, 'backup');
  assert.deepEqual(texts(host.of('removeAddresses')[0]?.addresses ?? []), ['10.0.0.100']);
  assert.match(host.logs[0] ?? '', /Removing 1 address of an earlier process/);
});

test('another virtual router under the same name is no successor', () => {
  const host = begin({ virtual_router_id: 52 }, millis(50), inherits());
  assert.equal(host.member().state.name, 'backup');
});

test('the journal removes only what it names, on the interface that it names', () => {
  const journal = [
    { address: ip('10.0.0.77'), prefix: 24, dev: 'eth0' },
    { address: ip('10.0.0.78'), prefix: 32, dev: 'eth0' },
    { address: ip('10.0.0.79'), prefix: 24, dev: 'eth1' },
  ];
  const facts = {
    ...FACTS,
    addresses: [77, 78, 79].map((n) => address(`10.0.0.${n}`)).concat(FACTS.addresses),
  };
  const host = begin({}, millis(50), { journal, roles: [] }, facts);
  assert.deepEqual(texts(host.of('removeAddresses')[0]?.addresses ?? []), ['10.0.0.77']);
});

test('an owner goes on with, and removes at the end, what a process before it added', () => {
  const own = { priority: 255, state: 'MASTER' as const };
  const journal = journalOf(config(instance(own)));
  assert.deepEqual(journal, [{ address: '10.0.0.100', prefix: 24, dev: 'eth0', owned: true }]);
  for (const roles of [[], [{ role: roleOf(instance(own)), spokeAt: SPOKE }]]) {
    const host = begin(own, millis(50), { journal, roles });
    assert.equal(host.member().state.name, 'master');
    assert.deepEqual(host.of('addAddresses'), []);
    const stopped = host.take({ type: 'stop' });
    assert.deepEqual(texts(stopped.of('removeAddresses')[0]?.addresses ?? []), ['10.0.0.100']);
  }
});

test('what an owner found on the machine stays there', () => {
  const own = { priority: 255, state: 'MASTER' as const };
  const host = begin(own, millis(50), { journal: [], roles: [] });
  assert.deepEqual(host.take({ type: 'stop' }).of('removeAddresses'), []);
});

test('later facts inherit nothing', () => {
  const host = new Host(config(instance())).start(LEFT, SPOKE);
  host.take({ type: 'facts', facts: LEFT, inheritance: inherits() }, after(SPOKE, millis(10)));
  assert.equal(host.member().state.name, 'backup');
});

const rule = (priority: number): RuleEntry => ({
  family: 4,
  priority,
  action: 1,
  table: 100,
  protocol: 18,
});

test('routes and rules that the configuration no longer has go before anything else, those that it has stay', () => {
  const now = { virtual_routes: [route(1), route(3, { metric: 5 })], virtual_rules: [rule(50)] };
  const routing = { routes: [route(1), route(2), route(3)], rules: [rule(50), rule(51)] };
  const host = begin(now, millis(50), { ...inherits(instance(now)), routing });
  assert.equal(host.member().state.name, 'master');
  assert.deepEqual(host.kinds.slice(0, 2), ['removeRules', 'removeRoutes']);
  const gone = host.of('removeRoutes')[0]?.routes.map(({ destination }) => destination);
  assert.deepEqual(gone, ['10.2.0.0', '10.3.0.0']);
  assert.deepEqual(
    host.of('removeRules')[0]?.rules.map(({ priority }) => priority),
    [51],
  );
  assert.equal(host.of('addRoutes')[0]?.routes.length, 2);
});

test('what is static now is not removed because an instance had it', () => {
  const settings = { ...config(instance()), static_routes: [route(1)], static_rules: [rule(50)] };
  const inheritance = { ...inherits(), routing: { routes: [route(1)], rules: [rule(50)] } };
  const host = new Host(settings).take({ type: 'facts', facts: FACTS, inheritance }, SPOKE);
  assert.deepEqual(host.of('removeRoutes'), []);
  assert.deepEqual(host.of('removeRules'), []);
});

test('a master is missed from the instant on at which the socket hears, however long it took to open', () => {
  const host = begin(
    { advert_int: millis(10), version: 3 },
    seconds(100),
    { journal: [], roles: [] },
    FACTS,
  );
  const socket = host.of('open')[0]?.socket.key ?? '';
  const began = after(SPOKE, seconds(100));
  const first = nextDeadline(host.state);
  assert.ok(first !== undefined);
  host.take({ type: 'opened', socket, hears: after(began, millis(40)) }, began);
  assert.equal(nextDeadline(host.state), after(first, millis(40)));
  // What comes out of order, or from a socket of others, takes nothing back.
  host.take({ type: 'opened', socket, hears: began }, began);
  host.take({ type: 'opened', socket: 'another', hears: after(began, seconds(1)) }, began);
  assert.equal(nextDeadline(host.state), after(first, millis(40)));
});
