// What a router orders: sockets, schedules, addresses, announcements, scripts, and in which order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Script } from '../../src/config/value.ts';
import { after, type Duration, type Instant, micros, millis, seconds } from '../../src/lib/time.ts';
import { interfacesOf } from '../../src/vrrp/addresses.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import { sentBy } from '../../src/vrrp/statistics.ts';
import { config, instance, ip } from '../sim/config.ts';
import { address, asNews, FACTS, Host, link, priorityIn, texts } from '../sim/host.ts';

const at = (secondsLater: number): Instant => Math.round(1e6 * secondsLater) as Instant;
const script = (word: string): Script => ({ words: [word], uid: 0, gid: 0 });
const vip = (text: string, changes = {}) => ({
  address: ip(text),
  prefix: 24,
  scope: 0,
  ...changes,
});
const scripts = {
  notify: script('any'),
  notify_master: script('master'),
  notify_backup: script('backup'),
  notify_fault: script('fault'),
  notify_stop: script('stop'),
};

const host = (...changes: Parameters<typeof instance>[0][]): Host =>
  new Host(config(...changes.map((change) => instance(change))));
const running = (...changes: Parameters<typeof instance>[0][]): Host => host(...changes).start();
const mastered = (...changes: Parameters<typeof instance>[0][]): Host =>
  running(...changes).until('master');

test('nothing happens before the first facts', () => {
  const one = host({});
  assert.deepEqual(one.take({ type: 'link', link: link() }).actions, []);
  assert.equal(nextDeadline(one.state), undefined);
});

test('it opens its socket and reports BACKUP', () => {
  const one = running(scripts);
  assert.deepEqual(one.kinds, ['open', 'run', 'run']);
  assert.deepEqual(one.of('open')[0]?.socket, {
    key: 'vrrp 4 2:eth0 224.0.0.18  255',
    family: 4,
    interface: { index: 2, name: 'eth0' },
    group: '224.0.0.18',
    hopLimit: 255,
    vrids: [51],
  });
  assert.deepEqual(one.scripts, ['backup', 'any INSTANCE VI_1 BACKUP 100']);
  assert.deepEqual(one.logs, ['(VI_1) Entering BACKUP STATE (init)']);
});

test('a takeover: schedule, addresses, announcements, scripts, in this order', () => {
  const one = mastered({ ...scripts, garp_master_repeat: 3 });
  assert.deepEqual(one.kinds, ['pace', 'addAddresses', 'announce', 'announce', 'run', 'run']);
  const [pace] = one.of('pace');
  assert.equal(pace?.first, at(3.609375));
  assert.equal(pace?.period, seconds(1));
  assert.equal(priorityIn(pace?.datagrams[0]?.bytes), 100);
  assert.deepEqual(
    one.of('announce').map(({ interface: index, frames }) => [index, frames.length]),
    [
      [2, 1],
      [2, 2],
    ],
  );
  assert.deepEqual(one.scripts, ['master', 'any INSTANCE VI_1 MASTER 100']);
  assert.deepEqual(one.logs, [
    '(VI_1) Receive advertisement timeout',
    '(VI_1) Entering MASTER STATE',
    '(VI_1) setting VIPs.',
    '(VI_1) Sending/queueing gratuitous ARPs on eth0 for 10.0.0.100',
    'Sending gratuitous ARP on eth0 for 10.0.0.100',
    'Sending gratuitous ARP on eth0 for 10.0.0.100',
    'Sending gratuitous ARP on eth0 for 10.0.0.100',
  ]);
});

test('many masters that begin together speak at once, and from then on in small bursts all over the interval', () => {
  const count = 100;
  const many = Array.from({ length: count }, (_, i) => ({ virtual_router_id: i + 1 }));
  const one = mastered(...many);
  const began = at(3.609375);
  const sends = one.of('send').map(({ datagrams }) => priorityIn(datagrams[0]?.bytes));
  const bursts = new Map<number, number>();
  for (const { first } of one.of('pace')) bursts.set(first, (bursts.get(first) ?? 0) + 1);
  // Whoever's phase is this very instant speaks through its schedule.
  assert.deepEqual(sends, Array(count - (bursts.get(began) ?? 0)).fill(100));
  assert.ok([...bursts.keys()].every((first) => first >= began && first < began + 1e6));
  assert.ok([...bursts.values()].every((size) => size <= 8));
  // On the circle of one interval, the last to the first included.
  const sorted = [...bursts.keys()].toSorted((a, b) => a - b);
  const gaps = sorted.map((first, i) => (sorted[i + 1] ?? (sorted[0] as number) + 1e6) - first);
  assert.equal(gaps.length, 13);
  assert.ok(Math.max(...gaps) - Math.min(...gaps) <= 1, `${gaps}`);
});

test('a few masters keep the phase of their first advert', () => {
  const few = Array.from({ length: 8 }, (_, i) => ({ virtual_router_id: i + 1 }));
  const one = mastered(...few, { virtual_router_id: 52, advert_int: seconds(2) });
  assert.deepEqual(
    one.of('pace').map(({ first }) => first),
    Array(8).fill(at(3.609375)),
  );
  assert.deepEqual(one.of('send'), []);
});

test('excluded addresses are held but not advertised', () => {
  const one = mastered({ virtual_ipaddress_excluded: [vip('10.0.0.102'), vip('fd00::102')] });
  assert.deepEqual(texts(one.of('addAddresses')[0]?.addresses ?? []), [
    '10.0.0.100',
    '10.0.0.102',
    'fd00::102',
  ]);
  assert.equal(one.of('pace')[0]?.datagrams[0]?.bytes[23], 1);
  assert.ok(one.logs.includes('(VI_1) setting E-VIPs.'));
  assert.ok(
    one.logs.includes(
      '(VI_1) Sending/queueing Unsolicited Neighbour Adverts on eth0 for fd00::102',
    ),
  );
});

test('IPv6 addresses are added without duplicate address detection, IPv4 ones as they are written', () => {
  const one = mastered({
    virtual_ipaddress: [vip('10.0.0.100', { label: 'eth0:1', broadcast: ip('10.0.0.255') })],
    virtual_ipaddress_excluded: [vip('fe80::1', { prefix: 128, deprecated: true })],
  });
  assert.deepEqual(one.of('addAddresses')[0]?.addresses, [
    {
      index: 2,
      address: '10.0.0.100',
      prefix: 24,
      scope: 0,
      label: 'eth0:1',
      broadcast: '10.0.0.255',
    },
    { index: 2, address: 'fe80::1', prefix: 128, scope: 0, deprecated: true, noDad: true },
  ]);
});

test('many addresses: the first announcements leave after the first chunk, the repeats after the last', () => {
  const many = Array.from({ length: 100 }, (_, i) => vip(`10.1.0.${i}`));
  const one = mastered({ virtual_ipaddress: many, garp_master_repeat: 2 });
  const sizes = one.actions.flatMap((action) =>
    action.type === 'addAddresses'
      ? [`add ${action.addresses.length}`]
      : action.type === 'announce'
        ? [`announce ${action.frames.length}`]
        : [],
  );
  assert.deepEqual(sizes, [
    'add 16',
    'announce 16',
    'add 64',
    'announce 64',
    'add 20',
    'announce 20',
    'announce 100',
  ]);
});

test('losing an election: silence first, then the addresses go', () => {
  const one = mastered(scripts).hears(200, '10.0.0.9', {}, at(10));
  assert.deepEqual(one.kinds, ['silence', 'removeAddresses', 'run', 'run']);
  assert.deepEqual(one.logs.slice(-2), ['(VI_1) Entering BACKUP STATE', '(VI_1) removing VIPs.']);
  assert.deepEqual(one.scripts, ['backup', 'any INSTANCE VI_1 BACKUP 100']);
});

test('higher_prio_send_advert speaks once more, before the silence', () => {
  const one = mastered({ higher_prio_send_advert: true }).hears(200, '10.0.0.9', {}, at(10));
  assert.deepEqual(one.kinds, ['send', 'silence', 'removeAddresses']);
});

test('stopping a master: silence, priority 0, addresses, scripts, sockets, exit', () => {
  const one = mastered(scripts).take({ type: 'stop' });
  assert.deepEqual(one.kinds, [
    'silence',
    'send',
    'removeAddresses',
    'run',
    'run',
    'close',
    'exit',
  ]);
  assert.equal(priorityIn(one.of('send')[0]?.datagrams[0]?.bytes), 0);
  assert.deepEqual(one.scripts, ['stop', 'any INSTANCE VI_1 STOP 100']);
  assert.deepEqual(one.logs, ['(VI_1) sent 0 priority', '(VI_1) removing VIPs.']);
  assert.equal(nextDeadline(one.state), undefined);
  assert.deepEqual(one.hears(50).actions, []);
});

test('stopping before the facts have come is only an exit', () => {
  assert.deepEqual(host({}).take({ type: 'stop' }).kinds, ['exit']);
});

// Who hears what

test("packets for another virtual router are nobody's", () => {
  const one = running({});
  const { state } = one;
  assert.equal(one.hears(200, '10.0.0.9', { virtual_router_id: 77 }).state, state);
});

test("two virtual routers on one socket do not hear each other's adverts", () => {
  const one = running({}, { name: 'VI_2', virtual_router_id: 52 });
  assert.equal(one.of('open').length, 1);
  one.hears(200);
  assert.equal(one.member('VI_1').statistics.received, 1);
  assert.equal(one.member('VI_2').statistics.received, 0);
});

test('one virtual router on two interfaces of the same segment ignores itself', () => {
  const facts = {
    links: [link(2, 'eth0'), link(3, 'eth1')],
    addresses: [address('10.0.0.5'), address('10.0.0.6', 24, { index: 3 })],
  };
  const one = host({}, { name: 'VI_2', interface: 'eth1' }).start(facts).until('master');
  assert.equal(one.member('VI_1').state.name, 'master');
  const before = one.state;
  assert.equal(one.hears(255, '10.0.0.6').state, before);
  assert.equal(one.hears(255, '10.0.0.5').state, before);
});

test('an advert that was not sent to the group is not heard by a multicast instance', () => {
  const one = running({});
  const { state } = one;
  one.hears(200, '10.0.0.9', { unicast_peer: [{ address: ip('10.0.0.5') }] });
  assert.equal(one.state, state);
});

test('of unicast instances with one number the one hears whose peer speaks, the first hears strangers', () => {
  const of = (name: string, peer: string) => ({ name, unicast_peer: [{ address: ip(peer) }] });
  const one = running(of('A', '10.0.0.8'), of('B', '10.0.0.9'));
  const heard = (from: string): readonly number[] => {
    one.hears(200, from, { unicast_peer: [{ address: ip('10.0.0.5') }] });
    return one.state.members.map(({ statistics }) => statistics.received);
  };
  assert.deepEqual(heard('10.0.0.9'), [0, 1]);
  assert.deepEqual(heard('10.0.0.8'), [1, 1]);
  assert.deepEqual(heard('10.0.0.7'), [2, 1]);
});

test('every reason to drop is counted, logged once a minute, and moves nothing', () => {
  const one = mastered({ advert_int: seconds(1) });
  const before = one.member();
  for (let i = 0; i < 10; i++) one.hears(200, '10.0.0.9', { advert_int: seconds(2) }, at(10 + i));
  const { statistics, state, speaking } = one.member();
  assert.equal(statistics.drops.interval, 10);
  assert.equal(statistics.received, 0);
  assert.equal(state, before.state);
  assert.equal(speaking, before.speaking);
  assert.deepEqual(one.hears(200, '10.0.0.9', { advert_int: seconds(2) }, at(71)).logs, [
    "(VI_1) advertisement interval mismatch mine=1 sec rcv'd=2 sec",
  ]);
  assert.deepEqual(one.hears(200, '10.0.0.9', { advert_int: seconds(2) }, at(72)).actions, []);
});

test('a peer with other addresses is followed all the same, and the difference counted', () => {
  const one = running({}).hears(200, '10.0.0.9', {
    virtual_ipaddress: [vip('10.0.0.100'), vip('10.0.0.101')],
  });
  assert.equal(one.member().statistics.drops.addresses, 1);
  assert.equal(one.member().statistics.received, 1);
  assert.deepEqual(one.logs, ['(VI_1) received an unexpected ip number count 2, expected 1!']);
  const { state } = one.member();
  assert.equal(state.name === 'backup' && state.master?.address, '10.0.0.9');
});

test('skip_check_adv_addr looks at the addresses of a new master only', () => {
  const one = running({ skip_check_adv_addr: true });
  const other = { virtual_ipaddress: [vip('10.0.0.101')] };
  one.hears(200, '10.0.0.9', other).hears(200, '10.0.0.9', other).hears(200, '10.0.0.9', other);
  assert.equal(one.member().statistics.drops.addresses, 1);
});

test('an answer to a lower priority leaves beside the schedule', () => {
  const one = mastered({}).hears(50);
  assert.deepEqual(one.kinds.slice(0, 2), ['send', 'announce']);
  assert.equal(one.of('pace').length + one.of('silence').length + one.of('replace').length, 0);
});

// Sources

const sourceOf = (facts: typeof FACTS, changes: Parameters<typeof instance>[0] = {}) =>
  host(changes).start(facts).member().source;
const v6 = { family: 6, version: 3, mcast_dst_ip: ip('ff02::12') } as const;

test('the source is the first primary global address of the interface', () => {
  const addresses = [
    address('10.0.0.9', 24, { scope: 253 }),
    address('10.0.0.7', 24, { secondary: true }),
    address('10.0.0.6'),
    address('10.0.0.5'),
    address('10.9.9.9', 24, { index: 3 }),
  ];
  assert.equal(sourceOf({ links: [link()], addresses }), '10.0.0.6');
});

test('a virtual address is never a source', () => {
  const addresses = [address('10.0.0.100'), address('10.0.0.5')];
  assert.equal(sourceOf({ links: [link()], addresses }), '10.0.0.5');
  const local = [address('fe80::13:1', 128), address('fe80::5', 64)];
  const six = { ...v6, virtual_ipaddress: [vip('fe80::13:1', { prefix: 128 })] };
  assert.equal(sourceOf({ links: [link()], addresses: local }, six), 'fe80::5');
  assert.equal(sourceOf({ links: [link()], addresses: local.slice(0, 1) }, six), undefined);
});

test('an owner speaks from the address it owns, which it neither adds nor removes', () => {
  const facts = { links: [link()], addresses: [address('10.0.0.100')] };
  const one = host({ priority: 255 }).start(facts);
  assert.equal(one.member().source, '10.0.0.100');
  assert.deepEqual(one.kinds, ['open', 'pace', 'announce', 'announce']);
  assert.deepEqual(one.take({ type: 'stop' }).kinds, ['silence', 'send', 'close', 'exit']);
});

test('IPv6 speaks from a link-local address that is no longer tentative, on a socket bound to it', () => {
  const tentative = { links: [link()], addresses: [address('fe80::5', 64, { tentative: true })] };
  const one = host({ ...v6, notify: { words: ['/bin/n'], uid: 0, gid: 0 } }).start(tentative);
  assert.equal(one.member().state.name, 'fault');
  assert.deepEqual([one.logs, one.of('run')], [[], []], 'it is only waited for');
  one.take({ type: 'address', address: address('fe80::5', 64) });
  assert.equal(one.member().state.name, 'backup');
  assert.equal(one.of('open')[0]?.socket.source, 'fe80::5');
});

test('an IPv6 address that is found to be taken is a fault, and so is one that is looked at again', () => {
  const kind = (one: Host): string | undefined => one.member().faults[0]?.kind;
  const asked = address('fe80::5', 64, { tentative: true });
  const one = host({ ...v6, notify: { words: ['/bin/n'], uid: 0, gid: 0 } });
  assert.equal(kind(one.start({ links: [link()], addresses: [asked] })), 'tentative');
  one.take({ type: 'address', address: { ...asked, duplicate: true } });
  assert.equal(kind(one), 'address');
  assert.equal(one.of('run').length, 1);
  const two = host(v6).start({ links: [link()], addresses: [address('fe80::5', 64)] });
  two.until('master').take({ type: 'address', address: asked });
  assert.equal(two.member().state.name, 'fault');
  assert.deepEqual(two.logs.slice(-2, -1), ['(VI_1) Entering FAULT STATE']);
});

test('a multicast source of IPv6 that is nowhere is a fault until it is there', () => {
  const six = { ...v6, mcast_src_ip: ip('fe80::77') };
  const addresses = [address('fe80::5', 64)];
  const one = host(six).start({ links: [link()], addresses });
  assert.deepEqual(one.member().faults, [{ kind: 'address', what: 'src address not configured' }]);
  const there = [...addresses, address('fe80::77', 64)];
  assert.equal(sourceOf({ links: [link()], addresses: there }, six), 'fe80::77');
});

test('mcast_src_ip need not exist for IPv4; unicast_src_ip must', () => {
  assert.equal(sourceOf(FACTS, { mcast_src_ip: ip('10.0.0.77') }), '10.0.0.77');
  const unicast = { unicast_peer: [{ address: ip('10.0.0.9') }] };
  const one = running({ ...unicast, unicast_src_ip: ip('10.0.0.77') });
  assert.deepEqual(one.member().faults, [{ kind: 'address', what: 'src address not configured' }]);
  one.take({ type: 'address', address: address('10.0.0.77') });
  assert.equal(one.member().state.name, 'backup');
  assert.equal(one.of('open')[0]?.socket.source, '10.0.0.77');
});

test('a unicast instance sends one datagram to each peer', () => {
  const one = mastered({
    unicast_peer: [{ address: ip('10.0.0.8') }, { address: ip('10.0.0.9') }],
  });
  assert.deepEqual(
    one.of('pace')[0]?.datagrams.map(({ to }) => to),
    ['10.0.0.8', '10.0.0.9'],
  );
});

test('a master whose primary address changes keeps its schedule and speaks from the new one', () => {
  const one = mastered({}).take({ type: 'address', address: address('10.0.0.11') });
  assert.deepEqual(one.kinds, []);
  one.take({ type: 'addressGone', address: address('10.0.0.5') });
  assert.deepEqual(one.kinds, ['replace']);
  assert.equal(one.member().source, '10.0.0.11');
});

// Interfaces

test('link down: silence, the addresses go, FAULT; link up: backup', () => {
  const one = mastered(scripts).take({ type: 'link', link: link(2, 'eth0', { running: false }) });
  assert.deepEqual(one.kinds, ['silence', 'removeAddresses', 'run', 'run']);
  assert.deepEqual(one.scripts, ['fault', 'any INSTANCE VI_1 FAULT 100']);
  assert.equal(one.logs[0], 'Netlink reports eth0 down');
  assert.ok(one.logs.includes('(VI_1) Entering FAULT STATE'));
  one.take({ type: 'link', link: link() }, at(20));
  assert.deepEqual(one.logs, ['Netlink reports eth0 up', '(VI_1) Entering BACKUP STATE']);
  assert.equal(nextDeadline(one.state), at(20 + 3.609375));
});

test('interfaces that come, go and change their names are told of, those that nobody depends on with -D', () => {
  const one = mastered({});
  const told = (event: VrrpEvent): readonly string[] =>
    one
      .take(event)
      .of('log')
      .filter(({ text }) => text.startsWith('Interface'))
      .map(({ severity, text }) => `${severity}: ${text}`);
  const other = link(7, 'veth7', { up: false });
  assert.deepEqual(told({ type: 'link', link: other }), ['detail: Interface veth7 added']);
  assert.deepEqual(told({ type: 'link', link: { ...other, up: true } }), []);
  assert.deepEqual(told({ type: 'link', link: { ...other, name: 'lan' } }), [
    'info: Interface name has changed from veth7 to lan',
    'detail: Interface lan added',
  ]);
  assert.deepEqual(told({ type: 'linkGone', index: 7 }), ['detail: Interface lan deleted']);
  assert.deepEqual(told({ type: 'linkGone', index: 2 }), ['info: Interface eth0 deleted']);
  assert.deepEqual(told({ type: 'linkGone', index: 2 }), []);
});

test('a fault elsewhere leaves an interface that can still carry priority 0', () => {
  const facts = { links: [link(2), link(3, 'eth1')], addresses: FACTS.addresses };
  const one = host({ virtual_ipaddress: [vip('10.0.1.100', { dev: 'eth1' })] })
    .start(facts)
    .until('master')
    .take({ type: 'link', link: link(3, 'eth1', { up: false }) });
  assert.deepEqual(one.kinds, ['silence', 'send', 'removeAddresses']);
  assert.equal(priorityIn(one.of('send')[0]?.datagrams[0]?.bytes), 0);
});

test('an interface that vanishes takes its addresses with it, and may come back with another index', () => {
  const one = mastered({}).take({ type: 'linkGone', index: 2 });
  assert.deepEqual(one.kinds, ['silence', 'close']);
  assert.equal(one.member().state.name, 'fault');
  one.take({ type: 'link', link: link(9) });
  assert.equal(one.member().state.name, 'fault');
  one.take({ type: 'address', address: address('10.0.0.5', 24, { index: 9 }) });
  assert.deepEqual(one.of('open')[0]?.socket.interface, { index: 9, name: 'eth0' });
  one.until('master');
  assert.equal(one.of('addAddresses')[0]?.addresses[0]?.index, 9);
});

test('an interface renamed into place is found', () => {
  const one = host({}).start({ links: [link(2, 'ens4')], addresses: FACTS.addresses });
  assert.deepEqual(one.member().faults, [{ kind: 'missing', what: 'eth0' }]);
  one.take({ type: 'link', link: link(2, 'eth0') });
  assert.equal(one.member().state.name, 'backup');
});

test('dont_track_primary stays master on a link without carrier', () => {
  const one = mastered({ dont_track_primary: true });
  one.take({ type: 'link', link: link(2, 'eth0', { running: false }) });
  assert.equal(one.member().state.name, 'master');
});

// Addresses

test('what a predecessor left behind is removed before BACKUP is reported', () => {
  const facts = { links: [link()], addresses: [...FACTS.addresses, address('10.0.0.100')] };
  const one = host(scripts).start(facts);
  assert.deepEqual(one.kinds, ['open', 'removeAddresses', 'run', 'run']);
  assert.ok(
    one.logs.indexOf('(VI_1) removing VIPs.') <
      one.logs.indexOf('(VI_1) Entering BACKUP STATE (init)'),
  );
});

test('leftovers go even while the instance is at fault', () => {
  const facts = {
    links: [link(2, 'eth0', { running: false })],
    addresses: [address('10.0.0.100'), address('10.0.0.5')],
  };
  assert.deepEqual(host({}).start(facts).kinds, ['open', 'removeAddresses']);
});

test('one address deleted by hand comes back by itself, announced; nothing else moves', () => {
  const one = mastered({ virtual_ipaddress: [vip('10.0.0.100'), vip('10.0.0.101')] });
  const held = one.member().held;
  for (const each of held) one.take({ type: 'address', address: asNews(each) });
  const { state } = one.member();
  one.take({ type: 'addressGone', address: asNews(held[1] as (typeof held)[number]) });
  assert.deepEqual(one.kinds, ['addAddresses', 'announce', 'announce']);
  assert.deepEqual(texts(one.of('addAddresses')[0]?.addresses ?? []), ['10.0.0.101']);
  assert.equal(one.logs[0], 'Netlink reflector reports IP 10.0.0.101 removed from eth0');
  assert.equal(one.member().state, state);
});

test('an address with no_track that is deleted by hand stays gone', () => {
  const one = mastered({ virtual_ipaddress: [vip('10.0.0.100', { no_track: true })] });
  const [held] = one.member().held;
  assert.ok(held);
  one.take({ type: 'address', address: asNews(held) });
  assert.deepEqual(one.take({ type: 'addressGone', address: asNews(held) }).actions, []);
});

test('the interface of an address with no_track does not count', () => {
  const on = (...more: readonly ReturnType<typeof vip>[]) =>
    interfacesOf(instance({ virtual_ipaddress: [vip('10.0.0.100'), ...more] }));
  assert.deepEqual(on(vip('10.0.1.100', { dev: 'eth1' })), ['eth0', 'eth1']);
  assert.deepEqual(on(vip('10.0.1.100', { dev: 'eth1', no_track: true })), ['eth0']);
});

test('a backup does not care who deletes what', () => {
  const one = running({});
  assert.deepEqual(one.take({ type: 'addressGone', address: address('10.0.0.100') }).actions, []);
});

test('news lost and read again: what is missing is put back', () => {
  const one = mastered({ virtual_ipaddress: [vip('10.0.0.100'), vip('10.0.0.101')] });
  one.take({
    type: 'facts',
    facts: { links: [link()], addresses: [...FACTS.addresses, address('10.0.0.100')] },
  });
  assert.deepEqual(texts(one.of('addAddresses')[0]?.addresses ?? []), ['10.0.0.101']);
});

test('a pause begins when the announcement before it has left, however late that was', () => {
  const one = mastered({
    garp_interval: millis(10),
    garp_master_repeat: 1,
    virtual_ipaddress: [vip('10.0.0.100'), vip('10.0.0.101')],
  });
  const start = one.now;
  const { queue } = one.of('announce')[0] ?? {};
  assert.equal(queue, 2);
  one.take({ type: 'announced', queue: 2, late: millis(7) });
  one.take({ type: 'announced', queue: 9, late: millis(7) });
  one.deadline();
  assert.equal(one.now, after(start, millis(17)));
  assert.equal(one.of('announce')[0]?.frames.length, 1);
});

test('garp_interval spreads announcements, and a router that gives way sends no more of them', () => {
  const one = mastered({
    garp_interval: millis(10),
    gna_interval: micros(0),
    garp_master_repeat: 3,
    virtual_ipaddress: [vip('10.0.0.100'), vip('10.0.0.101')],
  });
  const start = one.now;
  assert.equal(one.of('announce')[0]?.frames.length, 1);
  for (let i = 1; i < 4; i++) {
    one.deadline();
    assert.equal(one.now, after(start, millis(10 * i)));
    assert.equal(one.of('announce')[0]?.frames.length, 1);
  }
  one.hears(200, '10.0.0.9', {}, start);
  assert.deepEqual(one.deadline().actions, []);
  assert.equal(nextDeadline(one.state), after(start, micros(3_609_375)));
});

// Refusals

const refuse = (
  one: Host,
  type: 'open' | 'addAddresses' | 'pace' | 'removeAddresses',
  code: string,
) => {
  const action = one.of(type)[0];
  assert.ok(action !== undefined);
  return one.take({ type: 'refused', action, code, message: 'no' });
};

test('no socket: FAULT, logged once, tried again every second, and believed after 100 ms', () => {
  const one = running({});
  refuse(one, 'open', 'EPERM');
  assert.equal(one.member().state.name, 'fault');
  assert.equal(one.logs[0], 'cannot open IPv4 VRRP socket on eth0 for 224.0.0.18: EPERM (no)');
  one.deadline();
  assert.equal(one.now, at(1));
  assert.deepEqual(one.kinds, ['open']);
  refuse(one, 'open', 'EPERM');
  assert.deepEqual(one.actions, []);
  one.deadline();
  assert.deepEqual(one.kinds, ['open']);
  assert.equal(one.member().state.name, 'fault');
  one.deadline();
  assert.equal(one.now, at(2.1));
  assert.equal(one.member().state.name, 'backup');
});

test('an address that is there already is no refusal; another refusal is tried again', () => {
  const one = mastered({});
  assert.deepEqual(refuse(one, 'addAddresses', 'EEXIST').actions, []);
  one.take({ type: 'addressGone', address: address('10.0.0.100') });
  const start = one.now;
  refuse(one, 'addAddresses', 'EINVAL');
  assert.deepEqual(one.logs, ['(VI_1) cannot add 10.0.0.100/24: EINVAL (no)']);
  one.deadline();
  assert.equal(one.now, after(start, seconds(1)));
  assert.deepEqual(one.kinds, ['addAddresses', 'announce', 'announce']);
});

test('an advert that cannot leave is said once', () => {
  const one = mastered({});
  const [pace] = one.of('pace');
  assert.ok(pace !== undefined);
  const refused = { type: 'refused', action: pace, code: 'ENETUNREACH', message: 'no' } as const;
  assert.deepEqual(one.take(refused).logs, ['(VI_1) send advert error ENETUNREACH (no)']);
  assert.deepEqual(one.take(refused).actions, []);
  assert.equal(one.member().state.name, 'master');
});

test('where nobody asks for addresses (IFF_NOARP) none is announced', () => {
  const one = host({})
    .start({ ...FACTS, links: [{ ...link(), noArp: true as const }] })
    .until('master');
  assert.deepEqual(one.kinds, ['pace', 'addAddresses']);
});

// Stalls

test('a stalled schedule speaks at once and goes on where it would be, and what did not leave is not counted', () => {
  const one = mastered({ garp_master_delay: seconds(0) });
  const { pace, speaking } = one.member();
  const first = speaking?.first ?? at(0);
  for (const each of one.member().held) one.take({ type: 'address', address: asNews(each) });
  one.take({ type: 'stalled', pace, missed: after(first, seconds(5)) }, after(first, seconds(6.5)));
  assert.deepEqual(one.kinds, ['silence']);
  one.deadline();
  assert.deepEqual(one.kinds, ['pace', 'send']);
  assert.equal(one.of('pace')[0]?.first, after(first, seconds(7)));
  assert.deepEqual(one.of('send')[0]?.datagrams, one.of('pace')[0]?.datagrams);
  assert.equal(one.member().statistics.sent, 5 + 1);
});

test('what was taken away during a stall is put back when it is over, not before', () => {
  const one = mastered({ garp_master_delay: seconds(0), garp_master_repeat: 1 });
  const { pace, speaking } = one.member();
  const now = after(speaking?.first ?? at(0), seconds(6.5));
  one.take({ type: 'stalled', pace, missed: after(now, -seconds(1.5) as Duration) }, now);
  const [held] = one.member().held;
  assert.ok(held !== undefined);
  one.take({ type: 'address', address: asNews(held) }, now);
  assert.deepEqual(one.take({ type: 'addressGone', address: asNews(held) }, now).kinds, []);
  one.deadline();
  assert.deepEqual(one.kinds, ['pace', 'send', 'addAddresses', 'announce']);
});

test('what the thread could not send is said once a minute for each reason, and is not counted', () => {
  const one = mastered({});
  const { pace, speaking } = one.member();
  const later = (n: number): Instant => after(speaking?.first ?? at(0), seconds(n));
  const refused = (errno: number, message: string, n: number) =>
    one.take({ type: 'unsent', pace, errno, message }, later(n));
  const long = '(VI_1): send advert error 90 (Message too long)';
  assert.deepEqual(refused(90, 'Message too long', 0).logs, [long]);
  assert.deepEqual(refused(90, 'Message too long', 1).actions, []);
  const down = ['(VI_1): send advert error 100 (Network is down)'];
  assert.deepEqual(refused(100, 'Network is down', 2).logs, down);
  assert.deepEqual(refused(90, 'Message too long', 3).actions, []);
  assert.deepEqual(refused(90, 'Message too long', 61).logs, [long]);
  assert.equal(sentBy(one.member(), later(61)), 62 - 5);
  // Another's, or one that speaks no more: nothing to say.
  assert.deepEqual(one.take({ type: 'unsent', pace: 99, errno: 1, message: 'x' }).actions, []);
  one.take({ type: 'stop' });
  assert.deepEqual(refused(1, 'Operation not permitted', 62).actions, []);
});

// Counters

test('adverts of the schedule are counted by the clock', () => {
  const one = mastered({});
  one.hears(50, '10.0.0.9', {}, at(3.609375 + 2.5)).take({ type: 'stop' }, at(3.609375 + 10));
  const { sent, priorityZeroSent, becameMaster, releasedMaster } = one.member().statistics;
  assert.deepEqual(
    { sent, priorityZeroSent, becameMaster, releasedMaster },
    {
      sent: 11 + 1 + 1,
      priorityZeroSent: 1,
      becameMaster: 1,
      releasedMaster: 1,
    },
  );
});
