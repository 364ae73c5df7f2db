// What instances bear with in others, and how much room their sockets have: v3_checksum_as_v2, owner_ignore_adverts,
// no_virtual_ipaddress, unicast_fault_no_peer, timer_expired_backup, log_unknown_vrids and the sizes of buffers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineFacts } from '../../src/config/build.ts';
import { lex } from '../../src/config/lexer.ts';
import { buildConfiguration } from '../../src/keywords.ts';
import { internetChecksum } from '../../src/lib/checksum.ts';
import type { Instant } from '../../src/lib/time.ts';
import type { VrrpConfig, VrrpInstance } from '../../src/vrrp/keywords.ts';
import { stepInstance } from '../../src/vrrp/machine.ts';
import { decodeAdvert } from '../../src/vrrp/packet.ts';
import { adverts } from '../../src/vrrp/speech.ts';
import { config, instance, ip } from '../sim/config.ts';
import { Host } from '../sim/host.ts';

const OTHER = ip('10.0.0.9');

/** An advert as a raw socket gives it to the one that hears it. */
function advertOf(sender: VrrpInstance, priority: number) {
  const [datagram] = adverts(sender, OTHER, priority);
  assert.ok(datagram);
  const { to: destination, bytes } = datagram;
  return { source: OTHER, destination, hopLimit: 255, interface: 2, bytes };
}

const socketOf = (host: Host): string => host.state.members[0]?.socket ?? '';
const nameOf = (host: Host): string | undefined => host.state.members[0]?.state.name;

function build(globals: readonly string[], ...instances: readonly (readonly string[])[]) {
  const text = [
    'global_defs {',
    ...globals,
    '}',
    ...instances.flatMap((lines, i) => [
      `vrrp_instance VI_${i + 1} {`,
      'interface eth0',
      `virtual_router_id ${i + 1}`,
      ...lines,
      '}',
    ]),
    '',
  ].join('\n');
  const facts: MachineFacts = {
    hostname: 'host',
    processors: 2,
    interfaces: new Map([['eth0', { loopback: false, mtu: 1500 }]]),
    user: () => undefined,
    group: () => undefined,
    inspect: (path) => ({ path }),
  };
  const lexed = lex([{ name: 'f', path: '/f', directory: '/', text }], {
    read: () => ({ files: [], problems: [] }),
    configId: 'host',
    random: { seed: 1 },
  });
  const built = buildConfiguration(lexed.lines, facts);
  return { ...built, ids: built.diagnostics.map(({ id }) => id) };
}

const VIP = ['virtual_ipaddress {', '10.0.0.100', '}'];
const rooms = (built: ReturnType<typeof build>): (number | undefined)[] =>
  new Host(built.config as unknown as VrrpConfig)
    .start()
    .of('open')
    .map(({ socket }) => socket.receiveBuffer);

test('v3_checksum_as_v2 leaves the pseudo-header out, of what is sent and of what is believed', () => {
  const bare = instance({ version: 3, v3_checksum_as_v2: true });
  const sent = advertOf(bare, 100);
  assert.equal(internetChecksum(sent.bytes.subarray(20)), 0);
  assert.equal(decodeAdvert(sent, { bareChecksum: true }).ok, true);
  assert.equal(decodeAdvert(sent).ok, false);
  const usual = advertOf(instance({ version: 3 }), 100);
  assert.notEqual(internetChecksum(usual.bytes.subarray(20)), 0);
  assert.equal(decodeAdvert(usual, { bareChecksum: true }).ok, false);
  const hears = (config_: VrrpInstance, packet: typeof sent): number | undefined => {
    const one = new Host(config(config_)).start();
    one.take({ type: 'packet', socket: socketOf(one), packet });
    return one.state.members[0]?.statistics.drops.checksum;
  };
  assert.deepEqual(
    [hears(bare, sent), hears(bare, usual), hears(instance({ version: 3 }), sent)],
    [0, 1, 1],
  );
});

test('v3_checksum_as_v2 means nothing to IPv6, whose checksum has no other form', () => {
  const changes = {
    version: 3,
    family: 6,
    mcast_dst_ip: ip('ff02::12'),
    virtual_ipaddress: [{ address: ip('fe80::100'), prefix: 64, scope: 0 }],
  } as const;
  const six = (more: Partial<VrrpInstance>) =>
    adverts(instance({ ...changes, ...more }), ip('fe80::9'), 100);
  assert.deepEqual(six({ v3_checksum_as_v2: true }), six({}));
});

test('v3_checksum_as_v2 of global_defs is the default of every instance', () => {
  const three = ['version 3', ...VIP];
  const built = build(['v3_checksum_as_v2'], three, [...three, 'v3_checksum_as_v2 off']);
  assert.deepEqual(
    built.config?.vrrp_instance.map(({ v3_checksum_as_v2: bare }) => bare),
    [true, false],
  );
});

test('owner_ignore_adverts: an owner hears nobody, and keeps the role that it would give up', () => {
  const claim = advertOf(instance(), 255);
  for (const [ignores, state] of [
    [true, 'master'],
    [false, 'backup'],
  ] as const) {
    const one = new Host(
      config(instance({ priority: 255, owner_ignore_adverts: ignores })),
    ).start();
    assert.equal(nameOf(one), 'master');
    one.take({ type: 'packet', socket: socketOf(one), packet: claim });
    assert.equal(nameOf(one), state, String(ignores));
    assert.equal(one.state.members[0]?.statistics.received, ignores ? 0 : 1);
  }
});

test('owner_ignore_adverts is for owners: what is not one listens', () => {
  const one = new Host(config(instance({ priority: 254, owner_ignore_adverts: true })));
  one.start().until('master');
  one.take({ type: 'packet', socket: socketOf(one), packet: advertOf(instance(), 255) });
  assert.equal(nameOf(one), 'backup');
});

test('vrrp_owner_ignore_adverts and strict mode are its defaults', () => {
  const owner = ['state MASTER', 'priority 255', ...VIP];
  const value = (globals: readonly string[], more: readonly string[]) =>
    build(globals, [...owner, ...more]).config?.vrrp_instance[0]?.owner_ignore_adverts;
  assert.deepEqual(
    [
      value([], []),
      value(['vrrp_owner_ignore_adverts'], []),
      value(['vrrp_owner_ignore_adverts'], ['owner_ignore_adverts off']),
      value([], ['strict_mode on']),
    ],
    [undefined, true, false, true],
  );
});

test('no_virtual_ipaddress allows an instance without addresses, also in version 3, not in strict mode', () => {
  const three = ['version 3'];
  assert.ok(build([], three).ids.includes('no-address'));
  const built = build([], [...three, 'no_virtual_ipaddress']);
  assert.deepEqual(built.ids, []);
  const [bare] = built.config?.vrrp_instance ?? [];
  assert.ok(bare);
  const { bytes } = advertOf(bare, 100);
  assert.deepEqual([bytes.length, bytes[23]], [28, 0], 'an advert of no addresses');
  assert.ok(
    build([], [...three, 'no_virtual_ipaddress', 'strict_mode on']).ids.includes('no-address'),
  );
});

test('unicast_fault_no_peer is a fault where multicast would be spoken', () => {
  const one = new Host(config(instance({ unicast_fault_no_peer: true }))).start();
  assert.equal(nameOf(one), 'fault');
  assert.match(one.logs.join('\n'), /no unicast peers/);
  const peers = [{ address: OTHER }];
  const other = new Host(config(instance({ unicast_fault_no_peer: true, unicast_peer: peers })));
  assert.equal(nameOf(other.start()), 'backup');
  const words = ['unicast_src_ip 10.0.0.1', ...VIP];
  assert.ok(build([], words).ids.includes('unicast-without-peers'));
  assert.deepEqual(build([], [...words, 'unicast_fault_no_peer']).ids, []);
});

test('timer_expired_backup: after a silence in which a peer of that priority took over it is a backup', () => {
  const at = (s: number): Instant => Math.round(s * 1e6) as Instant;
  const resumed = (silence: number, timer_expired_backup?: number): string => {
    const rules = instance({
      nopreempt: true,
      ...(timer_expired_backup === undefined ? {} : { timer_expired_backup }),
    });
    let state = stepInstance({ rules }, { name: 'init' }, { type: 'adopt' }, at(0)).state;
    // The advert that was due at 1 s did not leave; the last one left at 0 s.
    state = stepInstance({ rules }, state, { type: 'stalled', missed: at(1) }, at(silence)).state;
    const { state: end } = stepInstance({ rules }, state, { type: 'deadline' }, at(silence));
    return end.name;
  };
  // Version 2 at 1 s: priority 200 takes over after 3 + 56 / 256 s.
  assert.equal(resumed(3.2, 200), 'master');
  assert.equal(resumed(3.22, 200), 'backup');
  assert.equal(resumed(3.22), 'master');
  assert.equal(resumed(3.01, 254), 'backup');
});

test('timer_expired_backup needs nopreempt', () => {
  const lines = ['timer_expired_backup', ...VIP];
  const value = (more: readonly string[]) => build([], [...lines, ...more]);
  assert.deepEqual(value([]).ids, ['timer-expired-preempts']);
  assert.equal(value([]).config?.vrrp_instance[0]?.timer_expired_backup, undefined);
  assert.equal(value(['nopreempt']).config?.vrrp_instance[0]?.timer_expired_backup, 254);
});

test('log_unknown_vrids says who speaks for a virtual router that nobody here is', () => {
  const said = (globals: readonly string[]): readonly string[] => {
    const one = new Host(build(globals, VIP).config as unknown as VrrpConfig).start();
    const every = one.of('open')[0]?.socket.every;
    assert.equal(every, globals.length > 0 ? true : undefined, 'the kernel lets it through');
    const packet = advertOf(instance({ virtual_router_id: 99 }), 100);
    one.take({ type: 'packet', socket: socketOf(one), packet });
    return one.logs;
  };
  assert.deepEqual(said([]), []);
  assert.deepEqual(said(['log_unknown_vrids']), [
    'Unknown VRID(99) received on interface(eth0). ignoring...',
  ]);
});

test('log_unknown_vrids cannot be used to fill a log', () => {
  const one = new Host(build(['log_unknown_vrids'], VIP).config as unknown as VrrpConfig).start();
  const packet = advertOf(instance({ virtual_router_id: 99 }), 100);
  let lines = 0;
  for (let i = 0; i < 100; i++) {
    one.take({ type: 'packet', socket: socketOf(one), packet });
    lines += one.logs.length;
  }
  assert.equal(lines, 3);
});

test('kernel_rx_buf_size: instances that share a socket share the sum of what they asked for', () => {
  const sized = (bytes: number) => [`kernel_rx_buf_size ${bytes}`, ...VIP];
  assert.deepEqual(rooms(build([], VIP)), [undefined]);
  assert.deepEqual(rooms(build([], sized(20_000), sized(30_000))), [50_000]);
});

test('vrrp_rx_bufs_policy and vrrp_rx_bufs_multiplier: bytes, or so many packets or adverts', () => {
  const policy = (...globals: readonly string[]) =>
    rooms(build(globals, VIP, ['kernel_rx_buf_size 5', ...VIP]));
  assert.deepEqual(policy('vrrp_rx_bufs_policy 70000'), [70_005]);
  assert.deepEqual(policy('vrrp_rx_bufs_policy MTU'), [3 * 1500 + 5]);
  assert.deepEqual(policy('vrrp_rx_bufs_policy MTU', 'vrrp_rx_bufs_multiplier 7'), [7 * 1500 + 5]);
  // Twenty bytes of IP header, eight of VRRP, one address, eight of authentication.
  assert.deepEqual(policy('vrrp_rx_bufs_policy ADVERT', 'vrrp_rx_bufs_multiplier 2'), [85]);
});

// Captured from keepalived 2.2.7 with old_unicast_checksum, and without.
const LEGACY = '310564010064758f0a090064';
const MODERN = '3105640100644b970a090064';

test('old_unicast_checksum: unicast adverts are summed up as if they went to the group', () => {
  const of = (more: Partial<VrrpInstance>): string => {
    const sender = instance({
      version: 3,
      virtual_router_id: 5,
      unicast_peer: [{ address: ip('10.9.0.2') }],
      virtual_ipaddress: [{ address: ip('10.9.0.100'), prefix: 32, scope: 0 }],
      ...more,
    });
    const [datagram] = adverts(sender, ip('10.9.0.1'), 100);
    return Buffer.from(datagram?.bytes.subarray(20) ?? []).toString('hex');
  };
  assert.equal(of({ old_unicast_checksum: 'old' }), LEGACY);
  assert.equal(of({}), MODERN);
  assert.equal(of({ old_unicast_checksum: 'never' }), MODERN);
});

test('whoever sums up as before is believed and answered in kind, unless old_unicast_checksum is never', () => {
  const unicast = { version: 3, unicast_peer: [{ address: OTHER }] } as const;
  const old = instance({ ...unicast, old_unicast_checksum: 'old' });
  const packet = { ...advertOf(old, 50), destination: OTHER };
  const answers = (more: Partial<VrrpInstance>) => {
    const one = new Host(config(instance({ ...unicast, ...more }))).start().until('master');
    one.take({ type: 'packet', socket: socketOf(one), packet });
    const { received, drops } = one.member().statistics;
    const changed = one.of('replace').length > 0 || one.deadline().of('replace').length > 0;
    return { received, dropped: drops.checksum, changed };
  };
  assert.deepEqual(answers({}), { received: 1, dropped: 0, changed: true });
  assert.deepEqual(answers({ old_unicast_checksum: 'never' }), {
    received: 0,
    dropped: 1,
    changed: false,
  });
});
