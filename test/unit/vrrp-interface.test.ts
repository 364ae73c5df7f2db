// Keywords about interfaces: interface_up_down_delays, garp_group, garp_extra_if and default_interface, as orders of
// the core.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, type Duration, micros, millis, seconds } from '../../src/lib/time.ts';
import type { VrrpConfig, VrrpInstance } from '../../src/vrrp/keywords.ts';
import { withPauses } from '../../src/vrrp/membership.ts';
import { withOwnLinks } from '../../src/vrrp/own.ts';
import { config, instance, ip } from '../sim/config.ts';
import { address, FACTS, Host, link } from '../sim/host.ts';

const delayed = (down: Duration, up: Duration, one = instance()): VrrpConfig => ({
  ...config(one),
  interface_up_down_delays: [{ interface: 'eth0', down, up }],
});
const cut = { type: 'link', link: link(2, 'eth0', { running: false }) } as const;
const whole = { type: 'link', link: link() } as const;

test('interface_up_down_delays: a link that is down for less than the delay is never noticed', () => {
  const host = new Host(delayed(millis(500), millis(0))).start().until('master');
  const at = host.now;
  host.take(cut, at);
  assert.equal(host.member().state.name, 'master');
  host.take(whole, after(at, millis(400)));
  host.deadline();
  assert.equal(host.member().state.name, 'master');
});

test('interface_up_down_delays: one that stays down is a fault after the delay, counted from the first news', () => {
  const host = new Host(delayed(millis(500), millis(0))).start().until('backup');
  host.take(cut);
  host.take({ ...cut, link: { ...cut.link, up: false } }, after(host.now, millis(400)));
  host.deadline();
  assert.equal(host.now, millis(500));
  assert.equal(host.member().state.name, 'fault');
  host.take(whole);
  assert.equal(host.member().state.name, 'backup');
});

test('interface_up_down_delays: coming up waits too', () => {
  const host = new Host(delayed(millis(0), seconds(1))).start().until('backup');
  host.take(cut);
  assert.equal(host.member().state.name, 'fault');
  host.take(whole);
  assert.equal(host.member().state.name, 'fault');
  host.deadline();
  assert.equal(host.now, seconds(1));
  assert.equal(host.member().state.name, 'backup');
});

test('interface_up_down_delays: an interface that is gone is gone at once', () => {
  const host = new Host(delayed(millis(500), millis(500))).start().until('backup');
  host.take(cut);
  host.take({ type: 'linkGone', index: 2 });
  assert.equal(host.member().state.name, 'fault');
  assert.deepEqual(host.state.swaying, {});
});

const elsewhere = [
  { address: ip('10.0.0.100'), prefix: 24, scope: 0 },
  { address: ip('10.1.0.100'), prefix: 24, scope: 0, dev: 'eth1' },
];
const TWO = { ...FACTS, links: [link(), link(3, 'eth1')] };
const frames = (host: Host): (readonly [at: number, count: number])[] =>
  host.of('announce').map((action) => [action.interface, action.frames.length] as const);

test('interface_up_down_delays: never longer than a backup can wait, to the microsecond as keepalived has it', () => {
  for (const [interval, wanted] of [
    [seconds(1), 1_996_094],
    [millis(500), 998_047],
  ] as const) {
    const config = delayed(seconds(30), seconds(0), instance({ advert_int: interval, version: 3 }));
    const host = new Host(config).start().until('backup');
    const at = host.now;
    host.take(cut);
    while (host.member().state.name !== 'fault') host.deadline();
    assert.equal(host.now - at, wanted);
  }
});

test('garp_group: interfaces of one group wait for each other, others do not wait', () => {
  const one = instance({ garp_master_repeat: 1, virtual_ipaddress: elsewhere });
  const group = { garp_interval: millis(100), interfaces: ['eth0', 'eth1'] };
  const host = new Host(config(withPauses(one, [group]))).start(TWO).until('master');
  assert.deepEqual(frames(host), [[2, 1]]);
  const at = host.now;
  host.deadline();
  assert.equal(host.now, after(at, millis(100)));
  assert.deepEqual(frames(host), [[3, 1]]);

  const alone = new Host(config(withPauses(one, [{ ...group, interfaces: ['eth1'] }])));
  alone.start(TWO).until('master');
  assert.deepEqual(frames(alone), [
    [2, 1],
    [3, 1],
  ]);
});

test('garp_group: an interface that is made counts as the one below', () => {
  const [one] = withOwnLinks([instance({ use_vmac: {} })], {
    prefix: 'vrrp',
    addressPrefix: 'vrrp',
    groupOf: () => undefined,
    holder: () => undefined,
  });
  const group = { garp_interval: millis(100), interfaces: ['eth0'] };
  const { pauses } = withPauses(one as VrrpInstance, [group]);
  assert.deepEqual(pauses?.[0]?.interfaces, ['eth0', 'vrrp.51']);
});

test('garp_extra_if all: addresses on other interfaces are announced again and again', () => {
  const one = instance({
    garp_master_repeat: 1,
    garp_master_delay: seconds(0),
    virtual_ipaddress: elsewhere,
    garp_extra_if: { all: true, every: seconds(100) },
  });
  const host = new Host(config(one)).start(TWO).until('master');
  const at = host.now;
  for (const round of [1, 2]) {
    host.deadline();
    assert.equal(host.now, after(at, seconds(100 * round)));
    assert.deepEqual(frames(host), [[3, 1]]);
  }
});

test('garp_extra_if: without all only those on interfaces that are made; 0 is never', () => {
  const deadlineOf = (every: Duration): number => {
    const extra = { all: false, every };
    const one = instance({ garp_master_delay: micros(0), virtual_ipaddress: elsewhere });
    const host = new Host(config({ ...one, garp_extra_if: extra })).start(TWO).until('master');
    if (host.member().state.name !== 'master') throw new Error('no master');
    host.take({ type: 'deadline' }, after(host.now, seconds(101)));
    return host.of('announce').length;
  };
  assert.equal(deadlineOf(seconds(100)), 0);
  assert.equal(deadlineOf(seconds(0)), 0);
});

test('track_src_ip: a configured source that is not there is a fault', () => {
  const one = instance({ mcast_src_ip: ip('10.0.0.77') });
  assert.equal(new Host(config(one)).start().member().state.name, 'backup');
  const tracked = new Host(config({ ...one, track_src_ip: true })).start();
  assert.equal(tracked.member().state.name, 'fault');
  tracked.take({ type: 'address', address: address('10.0.0.77') });
  assert.equal(tracked.member().state.name, 'backup');
  tracked.take({ type: 'addressGone', address: address('10.0.0.77') });
  assert.equal(tracked.member().state.name, 'fault');
});
