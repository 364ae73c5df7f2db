// What IPVS is asked for: keys of services and groups, flags, forwarding, and the order of changes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf } from '../../src/check/plan.ts';
import type { VirtualServer } from '../../src/check/rules.ts';
import {
  addressesOf,
  difference,
  forwardingOf,
  keysOf,
  nameOfKey,
  type Pool,
  placeOf,
  type Table,
} from '../../src/check/table.ts';
import { type Ip, parseIp } from '../../src/lib/ip.ts';
import type { DestinationKey, IpvsService, ServiceKey } from '../../src/lib/ipvs.ts';
import { read } from '../property/reading.ts';

const ip = (text: string): Ip => parseIp(text) as Ip;

function planned(head: string, more: string, before = '') {
  const { config } = read(
    `${before}\n${head} {\nlvs_method NAT\nprotocol TCP\n${more}\nreal_server ${head.includes('::') ? '2001:db8::9' : '10.9.0.1'} 80 {\n}\n}`,
  );
  assert.ok(config !== undefined);
  const [service] = planOf(config).services;
  assert.ok(service !== undefined);
  return service;
}

const ipvsOf = (head: string, more: string, before = ''): IpvsService =>
  planned(head, more, before).pools[0]?.service as IpvsService;

test('addresses of a line of a group: one, a range, a prefix', () => {
  const of = (address: string, more: object): readonly string[] =>
    addressesOf({ address: ip(address), port: 80, ...more });
  assert.deepEqual(of('10.0.0.1', {}), ['10.0.0.1']);
  assert.deepEqual(of('10.0.0.254', { last: ip('10.0.1.1') }), [
    '10.0.0.254',
    '10.0.0.255',
    '10.0.1.0',
    '10.0.1.1',
  ]);
  assert.deepEqual(of('192.168.202.8', { prefix: 29 }).length, 8);
  assert.equal(of('192.168.202.8', { prefix: 29 }).at(-1), '192.168.202.15');
  assert.deepEqual(of('10.0.0.1', { prefix: 32 }), ['10.0.0.1']);
  assert.deepEqual(of('2001:db8::ffff', { last: ip('2001:db8::1:1') }), [
    '2001:db8::ffff',
    '2001:db8::1:0',
    '2001:db8::1:1',
  ]);
});

test('a group is a service of IPVS for each address and mark', () => {
  const group = 'virtual_server_group g {\n10.0.0.1-2 80\n10.0.0.9 81\nfwmark 7\n}';
  assert.deepEqual(
    planned('virtual_server group g', 'lvs_sched rr', group).pools.map(({ key }) => nameOfKey(key)),
    ['TCP 10.0.0.1 80', 'TCP 10.0.0.2 80', 'TCP 10.0.0.9 81', '7 4'],
  );
});

test('the family of a mark: what is said, else of what is beside it, else of the servers', () => {
  const familyOf = (more: object, servers: readonly string[]): unknown => {
    const server = {
      service: { fwmark: 3 },
      real_server: servers.map((address) => ({ address })),
      ...more,
    } as unknown as VirtualServer;
    const [key] = keysOf(server, [
      { name: 'g', entries: [{ fwmark: 3 }, { address: ip('2001:db8::1'), port: 80 }] },
      { name: 'h', entries: [{ fwmark: 3, family: 'inet6' }] },
    ]);
    return (key as { readonly family: unknown }).family;
  };
  assert.equal(familyOf({}, ['10.0.0.1']), 4);
  assert.equal(familyOf({}, ['2001:db8::1']), 6);
  assert.equal(familyOf({}, ['2001:db8::1', '10.0.0.1']), 4);
  assert.equal(familyOf({ family: 6 }, ['10.0.0.1']), 6);
  assert.equal(familyOf({ service: { group: 'g' } }, ['10.0.0.1']), 6);
  assert.equal(familyOf({ service: { group: 'h' } }, ['10.0.0.1']), 6);
});

test('persistence: its time, its grain, and what has no port', () => {
  const of = (more: string, head = 'virtual_server 10.0.0.1 80') => {
    const { flags, timeout, netmask, engine } = ipvsOf(head, `lvs_sched rr\n${more}`);
    return [flags, timeout, netmask, engine];
  };
  assert.deepEqual(of(''), [0, 0, '255.255.255.255', undefined]);
  assert.deepEqual(of('persistence_timeout 50'), [1, 50, '255.255.255.255', undefined]);
  assert.deepEqual(of('persistence_granularity 255.255.255.0'), [
    1,
    360,
    '255.255.255.0',
    undefined,
  ]);
  assert.deepEqual(of('persistence_granularity 24')[2], '0.0.0.24');
  assert.deepEqual(of('', 'virtual_server 10.0.0.1'), [1, 360, '255.255.255.255', undefined]);
  assert.deepEqual(of('persistence_timeout 50\npersistence_engine sip')[3], 'sip');
  const six = 'virtual_server 2001:db8::1 80';
  assert.deepEqual(of('persistence_timeout', six), [1, 360, 128, undefined]);
  assert.deepEqual(of('persistence_granularity 64', six), [1, 360, 64, undefined]);
});

test('flags of schedulers (linux/ip_vs.h), one-packet', () => {
  const flags = (more: string): number => ipvsOf('virtual_server 10.0.0.1 80', more).flags;
  assert.equal(flags('lvs_sched sh\nsh-fallback'), 0x08);
  assert.equal(flags('lvs_sched sh\nsh-port'), 0x10);
  assert.equal(flags('lvs_sched mh\nmh-fallback\nmh-port'), 0x18);
  assert.equal(flags('lvs_sched rr\nflag-1\nflag-2\nflag-3'), 0x38);
  assert.equal(flags('lvs_sched rr\nprotocol UDP\nops'), 0x04);
});

test('forwarding: a tunnel has its type, its port and its checksum', () => {
  assert.deepEqual(forwardingOf({ kind: 'DR' }), { method: 'DR' });
  assert.deepEqual(forwardingOf({ kind: 'TUN' }), { method: 'TUN', type: 'ipip' });
  const gue = { kind: 'TUN', type: 'gue', port: 6080, checksum: 'remcsum' } as const;
  const { kind: method, ...rest } = gue;
  assert.deepEqual(forwardingOf(gue), { method, ...rest });
});

const KEY: ServiceKey = { protocol: 'TCP', address: ip('10.0.0.1'), port: 80 };
const SERVICE: IpvsService = {
  scheduler: 'rr',
  flags: 0,
  timeout: 0,
  netmask: ip('255.255.255.255'),
};
const tableOf = (weights: Readonly<Record<string, number>>, service = SERVICE): Table => {
  const destinations = Object.entries(weights).map(([address, weight]) => {
    const key: DestinationKey = { address: ip(address), port: 80 };
    const forwarding = { method: 'NAT' } as const;
    return [
      placeOf(key),
      { key, to: { forwarding, weight, upperThreshold: 0, lowerThreshold: 0 } },
    ] as const;
  });
  const pool: Pool = { key: KEY, service, destinations: new Map(destinations) };
  return new Map([[nameOfKey(KEY), pool]]);
};
const steps = (before: Table, after: Table): string[] =>
  difference(before, after).map(
    (order) =>
      `${order.type}${'destination' in order ? ` ${order.destination.address}` : ''}${'to' in order ? ` ${order.to.weight}` : ''}`,
  );

test('what serves comes before what does not, and that before what goes', () => {
  const before = tableOf({ '10.9.0.1': 1, '10.9.0.2': 1, '10.9.0.3': 0, '10.9.0.4': 5 });
  const after = tableOf({ '10.9.0.2': 0, '10.9.0.3': 4, '10.9.0.4': 5, '10.9.0.5': 1 });
  assert.deepEqual(steps(before, after), [
    'editDestination 10.9.0.3 4',
    'addDestination 10.9.0.5 1',
    'editDestination 10.9.0.2 0',
    'removeDestination 10.9.0.1',
  ]);
  assert.deepEqual(steps(before, before), []);
  assert.deepEqual(steps(before, tableOf({ ...weights(before) })), []);
});

const weights = (table: Table): Record<string, number> =>
  Object.fromEntries(
    [...(table.get(nameOfKey(KEY))?.destinations.values() ?? [])].map(({ key, to }) => [
      key.address,
      to.weight,
    ]),
  );

test('services come, change and go', () => {
  const one = tableOf({ '10.9.0.1': 1 });
  assert.deepEqual(steps(new Map(), one), ['addService', 'addDestination 10.9.0.1 1']);
  assert.deepEqual(steps(one, tableOf({ '10.9.0.1': 1 }, { ...SERVICE, scheduler: 'lc' })), [
    'editService',
  ]);
  assert.deepEqual(steps(one, new Map()), ['removeService']);
});
