// Interfaces that instances have made for themselves (use_vmac, use_ipvlan, use_vmac_addr): which, on what, when they are made
// again and when they are removed, and what goes over them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressEntry } from '../../src/config/value.ts';
import type { Link, MadeLink, Setting } from '../../src/lib/link.ts';
import { type Instant, millis, seconds } from '../../src/lib/time.ts';
import { journalOf } from '../../src/vrrp/addresses.ts';
import { dumpData } from '../../src/vrrp/dump.ts';
import { dumpJson } from '../../src/vrrp/json.ts';
import type { VrrpConfig, VrrpInstance } from '../../src/vrrp/keywords.ts';
import { macOf, withOwnLinks } from '../../src/vrrp/own.ts';
import { config, instance, ip } from '../sim/config.ts';
import { address, FACTS, Host, link } from '../sim/host.ts';

const NAMING = {
  prefix: 'vrrp',
  addressPrefix: 'vrrp',
  groupOf: () => undefined,
  holder: () => undefined,
};
const own = (...instances: readonly VrrpInstance[]): readonly VrrpInstance[] =>
  withOwnLinks(instances, NAMING);
const vmac = (changes: Partial<VrrpInstance> = {}): VrrpInstance =>
  own(instance({ use_vmac: {}, ...changes }))[0] as VrrpInstance;

/** The interface as the kernel tells of it once it is up. */
const there = ({ name, mac = '', kind, mode }: MadeLink, changes: Partial<Link> = {}): Link =>
  link(7, name, { mac, kind, mode, parent: 2, ...changes });

const madeOf = (one: VrrpInstance): MadeLink => one.made?.[0] as MadeLink;

test('use_vmac: a private macvlan of the virtual MAC on the interface of the instance', () => {
  const { name, parent, kind, mode, mac } = madeOf(vmac());
  assert.deepEqual(
    { name, parent, kind, mode, mac },
    {
      name: 'vrrp.51',
      parent: 'eth0',
      kind: 'macvlan',
      mode: 'private',
      mac: '00:00:5e:00:01:33',
    },
  );
});

test('RFC 9568 7.3: the virtual MAC of each family; five bytes get the VRID, six stay', () => {
  assert.equal(macOf(undefined, 4, 255), '00:00:5e:00:01:ff');
  assert.equal(macOf(undefined, 6, 1), '00:00:5e:00:02:01');
  assert.equal(macOf('2:0:0:0:0', 4, 16), '02:00:00:00:00:10');
  assert.equal(macOf('02:00:00:00:00:aa', 4, 16), '02:00:00:00:00:aa');
});

test('the interfaces are made before anything is opened, and nobody is at fault meanwhile', () => {
  const one = vmac();
  const host = new Host(config(one)).start();
  assert.deepEqual(host.kinds, ['tune', 'hush', 'makeLinks']);
  assert.equal(host.of('makeLinks')[0]?.links[0]?.below, 2);
  assert.equal(host.member().state.name, 'init');
  host.take({ type: 'link', link: there(madeOf(one), { up: false, running: false }) });
  assert.equal(host.member().state.name, 'init');
  host.take({ type: 'link', link: there(madeOf(one)) });
  assert.deepEqual(host.kinds, ['open']);
  assert.deepEqual(host.of('open')[0]?.socket.interface, { index: 7, name: 'vrrp.51' });
  assert.equal(host.member().state.name, 'backup');
});

const begun = (one: VrrpInstance): Host =>
  new Host(config(one)).start({ ...FACTS, links: [link(), there(madeOf(one))] });

test('adverts come from the address below, addresses and announcements go over the virtual MAC', () => {
  const host = begun(vmac()).until('master');
  assert.equal(host.member().source, '10.0.0.5');
  assert.equal(host.of('addAddresses')[0]?.addresses[0]?.index, 7);
  const [announced] = host.of('announce');
  assert.equal(announced?.interface, 7);
  assert.deepEqual([...(announced?.frames[0] ?? [])].slice(6, 12), [0, 0, 0x5e, 0, 1, 51]);
});

/** The virtual address is the only one that the machine itself has on the interface below. */
const OWN_VIP = { addresses: [address('10.0.0.100')], links: [link(), there(madeOf(vmac()))] };

test('what the machine has below is its own, also where it is a virtual address above', () => {
  const plain = instance({ name: 'VI_2', virtual_router_id: 52, virtual_ipaddress: [] });
  const host = new Host(config(vmac(), plain)).start({ ...FACTS, ...OWN_VIP });
  assert.deepEqual(
    host.state.members.map(({ source, state }) => [source, state.name]),
    [
      ['10.0.0.100', 'backup'],
      ['10.0.0.100', 'backup'],
    ],
  );
  host.take({ type: 'addressGone', address: address('10.0.0.100') });
  assert.equal(host.member().state.name, 'fault');
});

test('an address is virtual on the interface that gets it: elsewhere it is a source', () => {
  const entry = { address: ip('10.0.0.5'), prefix: 24, scope: 0, dev: 'eth1' };
  const host = new Host(config(instance({ virtual_ipaddress: [entry] }))).start({
    ...FACTS,
    links: [link(), link(3, 'eth1')],
  });
  assert.equal(host.member().source, '10.0.0.5');
  const without = new Host(config(instance())).start({ ...FACTS, ...OWN_VIP });
  assert.equal(without.member().state.name, 'fault');
});

test('what a predecessor without use_vmac has left below is removed, and no source', () => {
  const inheritance = { journal: journalOf(config(instance())), roles: [] };
  const facts = { ...FACTS, ...OWN_VIP };
  const host = new Host(config(vmac())).take({ type: 'facts', facts, inheritance });
  assert.equal(host.of('removeAddresses')[0]?.addresses[0]?.address, '10.0.0.100');
  assert.equal(host.member().source, undefined);
  host.take({ type: 'address', address: address('10.0.0.5') });
  assert.equal(host.member().source, '10.0.0.5');
});

test('a reload to use_vmac takes the address off below, where it is no source', () => {
  const addresses = [address('10.0.0.5', 24, { secondary: true })];
  const host = new Host(config(instance())).start({ ...FACTS, addresses }).until('master');
  host.take({ type: 'address', address: address('10.0.0.100') });
  host.take({ type: 'link', link: there(madeOf(vmac())) });
  host.take({ type: 'reload', config: config(vmac()) });
  assert.equal(host.member().source, '10.0.0.5');
});

test('vmac_xmit_base: adverts leave the interface below, addresses stay above', () => {
  const host = begun(vmac({ vmac_xmit_base: true }));
  assert.deepEqual(host.of('open')[0]?.socket.interface, { index: 2, name: 'eth0' });
  host.until('master');
  assert.equal(host.of('addAddresses')[0]?.addresses[0]?.index, 7);
});

test('reports of membership are kept off it before it is there, until it is gone', () => {
  const one = vmac();
  const host = new Host(config(one)).start();
  assert.deepEqual(host.of('hush')[0]?.links, [{ name: 'vrrp.51', below: 2 }]);
  host.take({ type: 'link', link: there(madeOf(one)) });
  assert.deepEqual(host.of('hush'), []);
  // The one below is another now.
  host.take({ type: 'linkGone', index: 7 });
  host.take({ type: 'linkGone', index: 2 });
  host.take({ type: 'link', link: link(9) });
  assert.deepEqual(host.of('hush')[0]?.links, [{ name: 'vrrp.51', below: 9 }]);
  const inheritance = { journal: [], roles: [], links: [madeOf(one)] };
  const next = new Host(config(instance())).take({ type: 'facts', facts: FACTS, inheritance });
  assert.deepEqual(next.of('hush')[0]?.links, []);
});

test('one that is there as wanted is taken over as it is', () => {
  const host = begun(vmac());
  assert.deepEqual(host.of('makeLinks'), []);
  assert.deepEqual(host.of('removeLinks'), []);
});

for (const [what, changes] of [
  ['another MAC', { mac: '00:00:5e:00:01:34' }],
  ['another mode', { mode: 'bridge' }],
  ['another interface below', { parent: 3 }],
] as const)
  test(`one of ${what} is made anew`, () => {
    const one = vmac();
    const facts = { ...FACTS, links: [link(), there(madeOf(one), changes)] };
    const host = new Host(config(one)).start(facts);
    assert.deepEqual(host.kinds, ['tune', 'hush', 'removeLinks', 'makeLinks']);
  });

test('an interface of that name that is something else stays, and the instance is at fault', () => {
  const one = vmac();
  const { kind: _, mode: _mode, ...veth } = there(madeOf(one));
  const host = new Host(config(one)).start({ ...FACTS, links: [link(), veth] });
  assert.equal(host.of('makeLinks').length, 0);
  const why = 'there is an interface of that name, and it is no macvlan';
  assert.equal(host.logs[0], `cannot make vrrp.51: ${why}`);
  host.deadline();
  assert.equal(host.of('removeLinks').length, 0);
});

test('what the kernel refuses is said once and asked for again every second', () => {
  const one = vmac();
  const host = new Host(config(one)).start();
  const [action] = host.of('makeLinks');
  assert.ok(action !== undefined);
  host.take({ type: 'refused', action, code: 'EOPNOTSUPP', message: 'Unknown device type' });
  assert.deepEqual(host.logs, [
    'cannot make vrrp.51 on eth0: EOPNOTSUPP (Unknown device type)',
    '(VI_1) entering FAULT state (interface vrrp.51 does not exist)',
    '(VI_1) entering FAULT state',
  ]);
  assert.equal(host.member().state.name, 'fault');
  host.deadline();
  assert.equal(host.now, seconds(1));
  const [again] = host.of('makeLinks');
  assert.ok(again !== undefined);
  host.take({ type: 'refused', action: again, code: 'EOPNOTSUPP', message: 'Unknown device type' });
  assert.deepEqual(host.logs, []);
});

test('somebody deletes it: it is made again at once', () => {
  const one = vmac();
  const host = begun(one).until('master');
  host.take({ type: 'linkGone', index: 7 });
  assert.equal(host.of('makeLinks').length, 1);
  assert.equal(host.member().state.name, 'fault');
  host.take({ type: 'link', link: there(madeOf(one), { index: 8 }) });
  assert.equal(host.member().state.name, 'backup');
  assert.equal(host.of('open')[0]?.socket.interface?.index, 8);
});

test('with the interface below it is gone, and it comes back with it', () => {
  const one = vmac();
  const host = begun(one);
  host.take({ type: 'linkGone', index: 7 });
  host.take({ type: 'linkGone', index: 2 });
  assert.deepEqual(host.of('makeLinks'), []);
  host.take({ type: 'link', link: link(9) }, (host.now + seconds(2)) as Instant);
  assert.equal(host.of('makeLinks')[0]?.links[0]?.below, 9);
});

test('at the end it goes after its addresses, and what was set is as it was', () => {
  const host = begun(vmac()).until('master');
  const was = { family: 'ipv4', interface: 'eth0', name: 'arp_ignore', value: 0 } as const;
  host.take({ type: 'tuned', was: [was] });
  host.take({ type: 'stop' });
  const kinds = host.kinds.filter((kind) => kind !== 'close' && kind !== 'exit');
  assert.deepEqual(kinds, ['silence', 'send', 'removeAddresses', 'removeLinks', 'hush', 'tune']);
  assert.deepEqual(host.of('tune')[0]?.settings, [was]);
});

test('what was noted before the first change stands, also in a process that follows', () => {
  const was = { family: 'ipv4', interface: 'eth0', name: 'arp_ignore', value: 0 } as const;
  const one = vmac();
  const facts = { ...FACTS, links: [link(), there(madeOf(one))] };
  const inheritance = { journal: [], roles: [], settings: [was] };
  const host = new Host(config(one)).take({ type: 'facts', facts, inheritance });
  host.take({ type: 'tuned', was: [{ ...was, value: 1 }] });
  assert.deepEqual(host.state.tended.was, [was]);
});

test('what a process before this one had made and nobody wants any more is removed', () => {
  const old = madeOf(vmac());
  const inheritance = { journal: [], roles: [], links: [old] };
  const facts = { ...FACTS, links: [link(), there(old)] };
  const host = new Host(config(instance())).take({ type: 'facts', facts, inheritance });
  assert.deepEqual(host.of('removeLinks')[0]?.links, [{ index: 7, name: 'vrrp.51' }]);
  const foreign = { ...FACTS, links: [link(), there(old, { mac: '02:00:00:00:00:77' })] };
  const other = new Host(config(instance())).take({ type: 'facts', facts: foreign, inheritance });
  assert.deepEqual(other.of('removeLinks'), []);
});

test('a reload without use_vmac removes it after its addresses, and sets back what was set', () => {
  const host = begun(vmac()).until('master');
  const was = { family: 'ipv4', interface: 'eth0', name: 'arp_ignore', value: 0 } as const;
  host.take({ type: 'tuned', was: [was] });
  host.take({ type: 'reload', config: config(instance()) });
  const kinds = host.kinds.filter((kind) =>
    ['removeAddresses', 'removeLinks', 'tune'].includes(kind),
  );
  assert.deepEqual(kinds, ['removeAddresses', 'removeLinks', 'tune']);
  assert.deepEqual(host.of('tune')[0]?.settings, [was]);
});

test('IPv6 adverts need a link-local address above: that of the interface below, or one made of its MAC', () => {
  const one = vmac({
    family: 6,
    version: 3,
    mcast_dst_ip: ip('ff02::12'),
    virtual_ipaddress: [{ address: ip('fe80::100'), prefix: 64, scope: 0 }],
  });
  const asked = (facts: typeof FACTS): unknown =>
    new Host(config(one)).start(facts).of('makeLinks')[0]?.links[0]?.addresses;
  assert.deepEqual(asked(FACTS), [{ address: 'fe80::5', prefix: 64 }]);
  assert.deepEqual(asked({ ...FACTS, addresses: [] }), [
    { address: 'fe80::ff:fe00:2', prefix: 64 },
  ]);
  const virtual = { ...FACTS, addresses: [address('fe80::100', 64)] };
  assert.deepEqual(asked(virtual), [{ address: 'fe80::ff:fe00:2', prefix: 64 }]);
  const host = new Host(config(one)).start();
  host.take({ type: 'link', link: there(madeOf(one)) });
  assert.equal(host.member().state.name, 'init');
  host.take({ type: 'address', address: address('fe80::5', 64, { index: 7 }) });
  assert.equal(host.member().state.name, 'backup');
  assert.equal(host.of('open')[0]?.socket.source, 'fe80::5');
});

test('net.ipv4.conf.all.rp_filter becomes 0, and every interface keeps what it had', () => {
  const filter = (at: string, value: number): Setting => ({
    family: 'ipv4',
    interface: at,
    name: 'rp_filter',
    value,
  });
  const filters = [filter('all', 2), filter('default', 0), filter('eth0', 1), filter('lo', 0)];
  const ordered = (host: Host): readonly Setting[] =>
    host.of('tune').flatMap(({ settings }) => settings.filter(({ name }) => name === 'rp_filter'));
  const one = vmac();
  const start = (now: readonly Setting[], settings: readonly Setting[] = []): Host =>
    new Host(config(one)).take({
      type: 'facts',
      facts: { ...FACTS, filters: now },
      inheritance: { journal: [], roles: [], settings },
    });
  const wanted = [filter('default', 2), filter('eth0', 2), filter('all', 0)];
  assert.deepEqual(ordered(start(filters)), wanted);
  assert.deepEqual(ordered(start([filter('all', 0), filter('eth0', 1)])), []);
  // A process that follows sees what the one before it has set, and must not take it for what was.
  const set = [filter('all', 0), filter('default', 2), filter('eth0', 2), filter('vrrp.51', 0)];
  const was = [filter('all', 2), filter('default', 0), filter('eth0', 1)];
  const successor = start(set, was);
  assert.deepEqual(ordered(successor), wanted);
  const end = successor.take({ type: 'stop' });
  assert.deepEqual(ordered(end), was);
});

test('disable_local_igmp and promote_secondaries: set while the program runs', () => {
  const global_defs = { disable_local_igmp: true } as VrrpConfig['global_defs'];
  const one = instance({ promote_secondaries: true });
  const host = new Host({ ...config(one), global_defs }).start();
  const settings = host.of('tune').flatMap((action) => action.settings);
  assert.deepEqual(settings, [
    { family: 'ipv4', interface: 'eth0', name: 'promote_secondaries', value: 1 },
    { family: 'ipv4', name: 'igmp_link_local_mcast_reports', value: 0 },
  ]);
});

test('two instances never get one name, and a given name is nobody else’s', () => {
  const names = own(
    instance({ name: 'A', use_vmac: {} }),
    instance({ name: 'B', use_vmac: {}, family: 6 }),
    instance({ name: 'C', use_vmac: { name: 'vrrp.7' }, virtual_router_id: 9 }),
    instance({ name: 'D', use_vmac: {}, virtual_router_id: 7 }),
  ).map((one) => one.own);
  assert.deepEqual(names, ['vrrp.51', 'vrrp6.51', 'vrrp.7', 'vrrp1.7']);
});

test('a name that is there is left alone, unless it is what a process before this one has made', () => {
  const named = (mac: string | undefined): string | undefined =>
    withOwnLinks([instance({ use_vmac: {} })], {
      ...NAMING,
      holder: (name) => (name === 'vrrp.51' ? mac : undefined),
    })[0]?.own;
  assert.equal(named(''), 'vrrp1.51');
  assert.equal(named('02:00:00:00:00:77'), 'vrrp1.51');
  assert.equal(named('00:00:5e:00:01:33'), 'vrrp.51');
});

test('a prefix that is too long is cut', () => {
  const naming = { ...NAMING, prefix: 'averylongprefix' };
  const names = withOwnLinks(
    [
      instance({ use_vmac: {} }),
      instance({ name: 'B', use_vmac: {}, virtual_router_id: 251 }),
      instance({ name: 'C', use_vmac: {}, family: 6 }),
    ],
    naming,
  ).map(({ own: name }) => name);
  assert.deepEqual(names, ['averylongpre.51', 'averylongpr.251', 'averylongpr6.51']);
});

test('use_vmac_addr, and use_vmac of an address: where each goes, as keepalived has it', () => {
  const entry = (text: string, dev?: string, use_vmac?: true): AddressEntry => ({
    address: ip(text),
    prefix: 24,
    scope: 0,
    ...(dev === undefined ? {} : { dev }),
    ...(use_vmac === undefined ? {} : { use_vmac }),
  });
  const placed = (changes: Partial<VrrpInstance>): readonly (string | undefined)[] =>
    own(instance(changes)).flatMap(({ virtual_ipaddress: one, virtual_ipaddress_excluded: two }) =>
      [...one, ...two].map(({ dev }) => dev),
    );
  const virtual_ipaddress = [
    entry('10.0.0.100'),
    entry('10.0.0.101', 'eth0'),
    entry('10.1.0.1', 'eth1'),
  ];
  const virtual_ipaddress_excluded = [entry('fe80::7'), entry('fd00::8', 'eth1')];
  const both = { virtual_ipaddress, virtual_ipaddress_excluded };
  assert.deepEqual(placed({ ...both, use_vmac: {} }), [
    'vrrp.51',
    'vrrp.51',
    'eth1',
    undefined,
    'eth1',
  ]);
  assert.deepEqual(placed({ ...both, use_vmac: {}, use_vmac_addr: true }), [
    'vrrp.51',
    'vrrp.51',
    'vrrp1.51',
    'vrrp6.51',
    'vrrp2.51',
  ]);
  assert.deepEqual(
    placed({
      virtual_ipaddress: [entry('10.1.0.1', 'eth1', true), entry('10.0.0.1', undefined, true)],
      virtual_ipaddress_excluded: [entry('10.0.0.2', 'eth0', true), entry('10.0.0.3')],
    }),
    ['vrrp.51', 'vrrp1.51', 'vrrp1.51', undefined],
  );
});

test('vmac_prefix and vmac_addr_prefix', () => {
  const naming = { ...NAMING, prefix: 'a', addressPrefix: 'b' };
  const [one] = withOwnLinks(
    [
      instance({
        use_vmac: {},
        use_vmac_addr: true,
        virtual_ipaddress: [{ address: ip('10.1.0.1'), prefix: 24, scope: 0, dev: 'eth1' }],
      }),
    ],
    naming,
  );
  assert.deepEqual(
    one?.made?.map(({ name, parent }) => [name, parent]),
    [
      ['a.51', 'eth0'],
      ['b.51', 'eth1'],
    ],
  );
  assert.equal(one?.virtual_ipaddress[0]?.dev, 'b.51');
});

test('a link that goes and comes within the second is not asked for in a storm', () => {
  const one = vmac();
  const host = new Host(config(one)).start();
  host.take(
    { type: 'link', link: there(madeOf(one), { up: false }) },
    millis(1) as number as Instant,
  );
  assert.deepEqual(host.of('makeLinks'), []);
});

test('use_vmac and vmac_xmit_base in the dumps, in keepalived’s words', () => {
  const dumped = (one: VrrpInstance): string => {
    const host = begun(one).until('master');
    return dumpData(host.state, { monotonic: host.now, wall: 0 }, new Map());
  };
  const plain = dumped(vmac());
  for (const line of [
    '   Use VMAC, i/f name vrrp.51, is_up = true, xmit_base = false',
    '   Interface = vrrp.51, vmac on eth0',
    '     10.0.0.100/24 dev vrrp.51@eth0 scope global set',
    '   VMAC type private, underlying interface = eth0, state = UP, RUNNING',
    '   I/f created by keepalived',
  ])
    assert.ok(plain.split('\n').includes(line), line);
  const base = dumped(vmac({ vmac_xmit_base: true, use_vmac: { mac: '02:01:02:03:04' } }));
  for (const line of [
    '   Use VMAC, i/f name vrrp.51, is_up = true, xmit_base = true',
    '     MAC = 02:01:02:03:04:33 (using VRID)',
    '   Interface = vrrp.51, vmac on eth0, xmit base i/f',
  ])
    assert.ok(base.split('\n').includes(line), line);
  const host = begun(vmac());
  const json = dumpJson(host.state, { monotonic: host.now, wall: 0 });
  assert.match(json, /"vmac_ifname":"vrrp\.51","ifp_ifname":"vrrp\.51"/);
});

test('use_ipvlan without an address shows what it would have made, as keepalived does; static addresses of IPv6 are the interface’s', () => {
  const [one] = own(instance({ use_ipvlan: {} }));
  const entry = { address: ip('fe80::77'), prefix: 64, scope: 0, dev: 'eth0' };
  const fixed = { address: ip('10.0.0.50'), prefix: 24, scope: 0, dev: 'eth0' };
  const host = new Host({
    ...config(one as VrrpInstance),
    static_ipaddress: [entry, fixed],
  }).start();
  assert.equal(host.member().state.name, 'fault');
  assert.deepEqual(host.of('makeLinks'), []);
  host.take({ type: 'address', address: address('fe80::77', 64) });
  host.take({ type: 'address', address: address('10.0.0.50') });
  const lines = dumpData(host.state, { monotonic: host.now, wall: 0 }, new Map()).split('\n');
  assert.ok(lines.includes('   Use IPVLAN, i/f vrrp.51, is_up = false, type bridge'));
  assert.ok(lines.includes('   Interface = vrrp.51, ipvlan on eth0'));
  const at = lines.indexOf('   Additional IPv6 addresses :');
  assert.equal(lines[at + 1], '     fe80::77');
  assert.ok(!lines.includes('     10.0.0.50'));
});
