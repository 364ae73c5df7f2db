// src/net/ipvs.ts against a kernel that has IPVS, and beside real keepalived: one machine is booted for all of it, and
// each test judges a part of what table.ts saw in there.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { IpvsOrder, IpvsStatistics, ServiceKey } from '../../src/lib/ipvs.ts';
import { cases } from './cases.ts';
import { runInside } from './machine.ts';

type Counted = Readonly<Record<keyof IpvsStatistics, number>>;

interface Entry {
  readonly key: ServiceKey;
  readonly service: unknown;
  readonly destinations: readonly unknown[];
}
interface Table {
  readonly saved: readonly string[];
  readonly raw: readonly Entry[];
}
interface Refusal {
  readonly about: unknown;
  readonly code: string;
}
interface Seen {
  readonly absence: { readonly before: string; readonly loaded: boolean };
  readonly compared: {
    readonly refused: readonly Refusal[];
    readonly ours: Table;
    readonly theirs: Table;
  };
  readonly edited: {
    readonly refused: readonly Refusal[];
    readonly made: readonly string[];
    readonly changed: readonly string[];
    readonly removed: readonly string[];
    readonly flushed: readonly string[];
  };
  readonly refused: {
    readonly right: readonly Refusal[];
    readonly each: readonly (readonly string[])[];
    readonly together: readonly Refusal[];
    readonly wrong: readonly IpvsOrder[];
    readonly destinations: number;
    readonly services: number;
  };
  readonly timeouts: { readonly before: string; readonly all: string; readonly one: string };
  readonly synchronised: readonly {
    readonly what: string;
    readonly code?: string;
    readonly listed: readonly string[];
    readonly raw: readonly unknown[];
  }[];
  readonly counted: {
    readonly refused: readonly Refusal[];
    readonly service: Counted;
    readonly destinations: readonly Counted[];
  };
}

let seen: Seen;
before(async () => {
  seen = await runInside<Seen>(import.meta.resolve('./table.ts'));
});

const same = (a: ServiceKey, b: ServiceKey): boolean => JSON.stringify(a) === JSON.stringify(b);
/** As ipvsadm names the service on a line. */
const option = (key: ServiceKey): string => {
  if ('mark' in key) return `-f ${key.mark}`;
  const host = key.address.includes(':') ? `[${key.address}]` : key.address;
  const flag = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' }[key.protocol];
  return `${flag} ${host}:${key.port}`;
};

it('a kernel without IPVS is one clear error; where there is a module it is loaded', () => {
  assert.deepEqual(seen.absence, { before: 'NoIpvs', loaded: true });
});

describe('the kernel’s table by our orders is the one by keepalived', () => {
  it('all orders are taken, and there is nothing more', () => {
    const { refused, ours, theirs } = seen.compared;
    assert.deepEqual(refused, []);
    const services = cases
      .flatMap(({ orders }) => orders)
      .filter(({ type }) => type === 'addService');
    assert.equal(ours.raw.length, services.length);
    assert.deepEqual(ours.saved, theirs.saved);
  });
  for (const { name, orders } of cases) {
    it(name, () => {
      const { ours, theirs } = seen.compared;
      const [{ key }] = orders as [Extract<IpvsOrder, { key: ServiceKey }>];
      const raw = ours.raw.find((entry) => same(entry.key, key));
      assert.ok(raw !== undefined && raw.destinations.length === 1, 'ours is there');
      assert.deepEqual(
        raw,
        theirs.raw.find((entry) => same(entry.key, key)),
      );
      const lines = (table: Table): readonly string[] =>
        table.saved.filter((line) => `${line} `.includes(` ${option(key)} `));
      assert.equal(lines(ours).length, 2, ours.saved.join('\n'));
      assert.deepEqual(lines(ours), lines(theirs));
    });
  }
});

describe('changes', () => {
  const FOREIGN = [
    '-A -t 198.51.100.1:22 -s wlc',
    '-a -t 198.51.100.1:22 -r 192.0.2.99:22 -g -w 1',
  ];
  it('a service, a destination, both and none; what others have put there stays', () => {
    const { refused, made, changed, removed } = seen.edited;
    assert.deepEqual(refused, []);
    assert.deepEqual(made, [
      FOREIGN[0],
      '-A -t 203.0.113.1:80 -s rr',
      '-A -t 203.0.113.2:80 -s rr',
      FOREIGN[1],
      '-a -t 203.0.113.1:80 -r 192.0.2.1:80 -g -w 1',
      '-a -t 203.0.113.1:80 -r 192.0.2.2:80 -g -w 1',
      '-a -t 203.0.113.2:80 -r 192.0.2.1:80 -g -w 1',
    ]);
    assert.deepEqual(changed, [
      FOREIGN[0],
      '-A -t 203.0.113.1:80 -s wrr -p 120 -M 255.255.255.0',
      FOREIGN[1],
      '-a -t 203.0.113.1:80 -r 192.0.2.1:80 -i -w 9 --tun-type gue --tun-port 4000 --tun-csum',
    ]);
    assert.deepEqual(removed, FOREIGN);
  });
  it('the flush takes everything', () => assert.deepEqual(seen.edited.flushed, []));
});

describe('refusals', () => {
  const CODES = [
    ['EEXIST'],
    ['ESRCH'],
    ['ESRCH'],
    ['ENOENT'],
    ['ESRCH'],
    ['EEXIST'],
    ['ENOENT'],
    ['ENOENT'],
    ['ERANGE'],
    ['EINVAL'],
    ['EINVAL'],
  ];
  it('each has its reason', () => {
    assert.deepEqual(seen.refused.right, []);
    assert.deepEqual(seen.refused.each, CODES);
  });
  it('among many orders the refused ones are named, and the others are done', () => {
    const { together, wrong, destinations, services } = seen.refused;
    assert.deepEqual(
      together,
      wrong.map((about, i) => ({ about, code: CODES[i]?.[0] })),
    );
    assert.deepEqual({ destinations, services }, { destinations: 201, services: 1 });
  });
});

it('timeouts: those that are given', () => {
  const { before: usual, all, one } = seen.timeouts;
  assert.equal(usual, 'Timeout (tcp tcpfin udp): 900 120 300');
  assert.equal(all, 'Timeout (tcp tcpfin udp): 7200 60 200');
  assert.equal(one, 'Timeout (tcp tcpfin udp): 7200 61 200');
});

it('sync daemons of both roles, with every option', () => {
  const backup =
    'backup sync daemon (mcast=eth0, syncid=3, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)';
  const master =
    'master sync daemon (mcast=eth0, syncid=51, maxlen=1000, group=224.0.0.99, port=8850, ttl=3)';
  assert.deepEqual(
    seen.synchronised.map(({ what, code = 'done', listed }) => ({ what, code, listed })),
    [
      { what: 'nothing', code: 'done', listed: [] },
      { what: 'a backup', code: 'done', listed: [backup] },
      { what: 'again', code: 'EEXIST', listed: [backup] },
      { what: 'a master beside it', code: 'done', listed: [backup, master] },
      { what: 'stop the backup', code: 'done', listed: [master] },
      { what: 'once more', code: 'ESRCH', listed: [master] },
      { what: 'stop the master', code: 'done', listed: [] },
      { what: 'no such interface', code: 'ENODEV', listed: [] },
    ],
  );
  const group = '224.0.0.99';
  assert.deepEqual(seen.synchronised[5]?.raw, [
    { role: 'master', interface: 'eth0', id: 51, maxlen: 1000, group, port: 8850, ttl: 3 },
  ]);
});

it('statistics of services and destinations', () => {
  const { refused, service, destinations } = seen.counted;
  assert.deepEqual(refused, []);
  assert.equal(service.connections, 3);
  assert.equal(service.packetsIn, 3);
  // IP, UDP and two bytes each.
  assert.equal(service.bytesIn, 90);
  assert.equal(destinations.length, 1);
  assert.equal(destinations[0]?.bytesIn, 90);
});
