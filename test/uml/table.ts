// Runs inside: the table that keepalived makes of one configuration beside the one that our orders make, and what the
// kernel answers to all kinds of orders. Judges nothing; ipvs.test.ts does.

import type { Ip } from '../../src/lib/ip.ts';
import type {
  IpvsOrder,
  IpvsStatistics,
  ServiceEntry,
  ServiceKey,
  SyncDaemon,
} from '../../src/lib/ipvs.ts';
import { seconds } from '../../src/lib/time.ts';
import { Ipvs } from '../../src/net/ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import { cases } from './cases.ts';
import {
  addAddress,
  addCable,
  addNamespace,
  Daemon,
  listedSync,
  savedTable,
  sh,
  until,
  within,
} from './world.ts';

/** What the kernel tells of a namespace's table, without counters. */
function rawTable(ipvs: Ipvs): unknown[] {
  return ipvs.services().map(({ key, service }) => ({
    key,
    service,
    destinations: ipvs.destinations(key).map(({ destination, to }) => ({ destination, to })),
  }));
}

const refusals = (refused: readonly { about: unknown; code: string }[]): unknown[] =>
  refused.map(({ about, code }) => ({ about, code }));

const key = (n: number): ServiceKey => ({
  protocol: 'TCP',
  address: `203.0.113.${n}` as Ip,
  port: 80,
});
const netmask = '255.255.255.255' as Ip;
const add = (n: number, scheduler = 'rr'): IpvsOrder => ({
  type: 'addService',
  key: key(n),
  service: { scheduler, flags: 0, timeout: 0, netmask },
});
const server = (n: number, of: number, method: 'NAT' | 'DR' = 'DR'): IpvsOrder => ({
  type: 'addDestination',
  key: key(of),
  destination: { address: `192.0.2.${n}` as Ip, port: 80 },
  to: { forwarding: { method }, weight: 1, upperThreshold: 0, lowerThreshold: 0 },
});

function absence(): { readonly before: string; readonly loaded: boolean } {
  let before = 'there';
  try {
    Ipvs.open(() => {}).close();
  } catch (error) {
    before = (error as Error).name;
  }
  const ipvs = Ipvs.open();
  ipvs.close();
  return { before, loaded: sh('lsmod').includes('ip_vs') };
}

async function compared(): Promise<unknown> {
  addNamespace('theirs');
  addNamespace('ours');
  const daemon = new Daemon(
    'keepalived',
    'theirs',
    `global_defs {\n router_id x\n}\n${cases.map(({ config }) => config).join('')}`,
    ['-C'],
  );
  const ipvs = inNamespace('ours', () => Ipvs.open());
  const theirs = inNamespace('theirs', () => Ipvs.open());
  const refused = ipvs.order(cases.flatMap(({ orders }) => orders));
  const wanted = rawTable(ipvs).length;
  await until(
    () => `keepalived has made its table:\n${savedTable('theirs').join('\n')}\n${daemon.text}`,
    () => {
      const table = theirs.services();
      return (
        table.length >= wanted && table.every(({ key: of }) => theirs.destinations(of).length > 0)
      );
    },
  );
  const result = {
    refused: refusals(refused),
    ours: { saved: savedTable('ours'), raw: rawTable(ipvs) },
    theirs: { saved: savedTable('theirs'), raw: rawTable(theirs) },
  };
  await daemon.stop();
  ipvs.close();
  theirs.close();
  return result;
}

function edited(): unknown {
  addNamespace('edit');
  const ipvs = inNamespace('edit', () => Ipvs.open());
  // What somebody else put there.
  within('edit', 'ipvsadm', '-A', '-t', '198.51.100.1:22', '-s', 'wlc');
  within('edit', 'ipvsadm', '-a', '-t', '198.51.100.1:22', '-r', '192.0.2.99:22', '-g');
  const first = ipvs.order([add(1), server(1, 1), server(2, 1), add(2), server(1, 2)]);
  const made = savedTable('edit');
  const change: IpvsOrder[] = [
    {
      type: 'editService',
      key: key(1),
      service: { scheduler: 'wrr', flags: 1, timeout: 120, netmask: '255.255.255.0' as Ip },
    },
    {
      type: 'editDestination',
      key: key(1),
      destination: { address: '192.0.2.1' as Ip, port: 80 },
      to: {
        forwarding: { method: 'TUN', type: 'gue', port: 4000, checksum: 'csum' },
        weight: 9,
        upperThreshold: 8,
        lowerThreshold: 4,
      },
    },
    {
      type: 'removeDestination',
      key: key(1),
      destination: { address: '192.0.2.2' as Ip, port: 80 },
    },
    { type: 'removeService', key: key(2) },
  ];
  const second = ipvs.order(change);
  const changed = savedTable('edit');
  const third = ipvs.order([{ type: 'removeService', key: key(1) }]);
  const removed = savedTable('edit');
  const fourth = ipvs.order([{ type: 'flush' }]);
  const flushed = savedTable('edit');
  ipvs.close();
  return {
    refused: refusals([...first, ...second, ...third, ...fourth]),
    made,
    changed,
    removed,
    flushed,
  };
}

function refused(): unknown {
  addNamespace('refuse');
  const ipvs = inNamespace('refuse', () => Ipvs.open());
  const lowOverHigh: IpvsOrder = {
    type: 'addDestination',
    key: key(1),
    destination: { address: '192.0.2.50' as Ip, port: 80 },
    to: { forwarding: { method: 'NAT' }, weight: 1, upperThreshold: 1, lowerThreshold: 2 },
  };
  const mixed: IpvsOrder = {
    ...lowOverHigh,
    destination: { address: '2001:db8::5' as Ip, port: 80 },
    to: { forwarding: { method: 'NAT' }, weight: 1, upperThreshold: 0, lowerThreshold: 0 },
  };
  const wide: IpvsOrder = {
    type: 'addService',
    key: { family: 6, mark: 3 },
    service: { scheduler: 'rr', flags: 0, timeout: 0, netmask: 0 },
  };
  const wrong: IpvsOrder[] = [
    add(1),
    { ...add(9), type: 'editService' } as IpvsOrder,
    { type: 'removeService', key: key(9) },
    add(8, 'nosuch'),
    server(1, 9),
    server(1, 1),
    { ...server(250, 1), type: 'editDestination' } as IpvsOrder,
    {
      type: 'removeDestination',
      key: key(1),
      destination: { address: '192.0.2.251' as Ip, port: 80 },
    },
    lowOverHigh,
    mixed,
    wide,
  ];
  const right = ipvs.order([add(1), server(1, 1)]);
  const each = wrong.map((order) => ipvs.order([order]).map(({ code }) => code));
  // The same in the midst of more than one sendmsg takes; the good ones are done all the same.
  const many = Array.from({ length: 200 }, (_, i) => server(i + 2, 1));
  const together = ipvs.order([...many.slice(0, 60), ...wrong, ...many.slice(60)]);
  const result = {
    right: refusals(right),
    each,
    together: refusals(together),
    wrong,
    destinations: ipvs.destinations(key(1)).length,
    services: ipvs.services().length,
  };
  ipvs.close();
  return result;
}

function timeouts(): unknown {
  addNamespace('time');
  const ipvs = inNamespace('time', () => Ipvs.open());
  const show = (): string => within('time', 'ipvsadm', '-L', '--timeout').trim();
  const before = show();
  ipvs.order([
    {
      type: 'timeouts',
      timeouts: { tcp: seconds(7200), tcpfin: seconds(60), udp: seconds(200) },
    },
  ]);
  const all = show();
  ipvs.order([{ type: 'timeouts', timeouts: { tcpfin: seconds(61) } }]);
  const one = show();
  ipvs.close();
  return { before, all, one };
}

function synchronised(): unknown {
  addNamespace('sync1');
  addNamespace('sync2');
  addCable(['sync1', 'eth0'], ['sync2', 'eth0']);
  addAddress('sync1', 'eth0', '10.0.0.1/24');
  addAddress('sync2', 'eth0', '10.0.0.2/24');
  const ipvs = inNamespace('sync1', () => Ipvs.open());
  const full: SyncDaemon = {
    role: 'master',
    interface: 'eth0',
    id: 51,
    maxlen: 1000,
    group: '224.0.0.99' as Ip,
    port: 8850,
    ttl: 3,
  };
  const steps: unknown[] = [];
  const note = (what: string, answer: { code: string } | undefined): void => {
    steps.push({ what, code: answer?.code, listed: listedSync('sync1'), raw: ipvs.syncDaemons() });
  };
  const start = (daemon: SyncDaemon) => ipvs.order([{ type: 'startSync', daemon }])[0];
  const stop = (role: SyncDaemon['role']) => ipvs.order([{ type: 'stopSync', role }])[0];
  note('nothing', undefined);
  note('a backup', start({ role: 'backup', interface: 'eth0', id: 3 }));
  note('again', start({ role: 'backup', interface: 'eth0', id: 3 }));
  note('a master beside it', start(full));
  note('stop the backup', stop('backup'));
  note('once more', stop('backup'));
  note('stop the master', stop('master'));
  note('no such interface', start({ role: 'master', interface: 'none', id: 0 }));
  ipvs.close();
  return steps;
}

async function counted(): Promise<unknown> {
  addNamespace('client');
  addNamespace('director');
  addCable(['client', 'eth0'], ['director', 'eth0']);
  addAddress('client', 'eth0', '10.1.0.2/24');
  addAddress('director', 'eth0', '10.1.0.1/24');
  addAddress('director', 'lo', '203.0.113.1/32');
  const ipvs = inNamespace('director', () => Ipvs.open());
  const of: ServiceKey = { protocol: 'UDP', address: '203.0.113.1' as Ip, port: 80 };
  const refusedOrders = ipvs.order([
    {
      type: 'addService',
      key: of,
      service: { scheduler: 'rr', flags: 0, timeout: 0, netmask },
    },
    {
      type: 'addDestination',
      key: of,
      destination: { address: '10.1.0.1' as Ip, port: 80 },
      to: { forwarding: { method: 'DR' }, weight: 1, upperThreshold: 0, lowerThreshold: 0 },
    },
  ]);
  sh('ip', '-n', 'client', 'route', 'add', '203.0.113.0/24', 'via', '10.1.0.1');
  within('client', 'bash', '-c', 'for i in 1 2 3; do echo x >/dev/udp/203.0.113.1/80; done');
  // The kernel adds up once in two seconds.
  const [service] = await until('they are counted', () => {
    const services = ipvs.services();
    return services[0]?.statistics.connections === 3n && services;
  });
  // The outside gets JSON.
  const plain = (statistics: IpvsStatistics): Record<string, number> =>
    Object.fromEntries(Object.entries(statistics).map(([name, count]) => [name, Number(count)]));
  const result = {
    refused: refusals(refusedOrders),
    service: plain((service as ServiceEntry).statistics),
    destinations: ipvs.destinations(of).map(({ statistics }) => plain(statistics)),
  };
  ipvs.close();
  return result;
}

export async function main(): Promise<unknown> {
  return {
    absence: absence(),
    compared: await compared(),
    edited: edited(),
    refused: refused(),
    timeouts: timeouts(),
    synchronised: synchronised(),
    counted: await counted(),
  };
}
