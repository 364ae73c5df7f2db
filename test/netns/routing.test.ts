// Virtual routes and rules and the static blocks in the kernel: the same objects as keepalived 2.2.7 makes of the same
// words, after every change of state, and what happens when somebody deletes one of them.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Daemon } from './daemon.ts';
import { type Host, Lab } from './lab.ts';
import { isAdvert } from './wire.ts';

interface Place {
  readonly vrid: number;
  readonly routes?: readonly string[];
  readonly rules?: readonly string[];
  readonly more?: string;
}

const config = ({ vrid, routes = [], rules = [], more = '' }: Place): string => `
global_defs {
  router_id lab
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id ${vrid}
  priority 150
  version 3
  advert_int 0.1
  virtual_ipaddress {
    10.0.0.${vrid}/24
  }
  virtual_routes {
    ${routes.join('\n    ')}
  }
  virtual_rules {
    ${rules.join('\n    ')}
  }
}
${more}`;

const ROUTES = [
  // An error, with which nobody reloads: of the first three, which go at the reload.
  '10.54.0.0/16 dev eth0 as to 10.0.0.1',
  '10.1.0.0/16 via 10.0.0.250 dev eth0',
  '10.2.0.0/16 dev eth0 via inet 10.0.0.250 metric 5',
  'fd00:1::/64 dev eth0',
  '10.3.0.0/16 dev eth1 table 100 scope link',
  '10.4.0.0/16 dev eth0 tos 4',
  '10.5.0.1/16 dev eth0',
  'fd00:2::/64 dev eth0 from fd01::/64 metric 7 pref low',
  '10.6.0.0/16 dev eth0 table 4294967296',
  '10.7.0.0/16 dev eth0 table -1 metric 4294967295',
  '10.11.0.0/16 dev eth0 no_track protocol 200',
  'blackhole 10.13.0.0/16 no_track',
  'unreachable 10.14.0.0/16 no_track',
  'prohibit 10.15.0.0/16 no_track',
  'throw 10.16.0.0/16 no_track',
  'blackhole fd00:4::/64 no_track',
  '10.17.0.0/16 dev eth0 mtu 1400 hoplimit 64 advmss 1300 rtt 100 rttvar 100 reordering 5 window 500 cwnd 5 ssthresh 6 realms 5/6 rto_min 5 initcwnd 7 initrwnd 8 features ecn quickack 1 congctl reno fastopen_no_cookie 1',
  '10.18.0.0/16 dev eth0 mtu lock 1400 advmss lock 1300 rtt lock 1700 rttvar lock 1.25s rto_min lock 5s',
  '10.20.0.0/16 no_track nexthop via 10.0.0.250 dev eth0 weight 2 nexthop via 10.8.0.2 dev eth1 onlink realms 5',
  '10.21.0.0/16 via 10.0.0.250 or 10.0.0.251 no_track',
  '10.23.0.0/16 via 10.77.0.2 dev eth0 onlink',
  'default dev eth0 metric 77 inet6',
  'default via 10.0.0.250 dev eth0 metric 78',
  '10.25.0.0/16 via 10.0.0.250 dev eth0 append',
  '10.25.0.0/16 via 10.0.0.251 dev eth0 append',
  '10.26.0.0/16 via 10.0.0.250 dev eth0 add',
  'fd00:5::/64 no_track nexthop via fe80::1 dev eth0 nexthop via fe80::2 dev eth1 weight 3',
  '10.28.0.0/16 encap ip id 5 dst 10.0.0.1 src 10.0.0.2 tos 4 ttl 64 flags 1 dev eth0',
  'multicast 239.1.0.0/16 dev eth0',
  'to 10.40.0.0/16 gw 10.0.0.250 dev eth0',
  'unicast 10.41.0.0/16 oif eth0 src 10.8.0.1',
  'local 10.42.0.1 dev eth0 table 100',
  'broadcast 10.43.0.255 dev eth0 table 100',
  'anycast fd00:43::1 dev eth0',
  'default6 via fe80::99 dev eth0 metric 79',
  '10.44.0.0/16 dev eth0 dsfield 8 preference 9',
  '10.45.0.0/16 dev eth0 priority 10',
  '10.46.0.0/16 dev eth0 prepend',
  'fd00:47::/64 dev eth0 expires 1000',
  '10.49.0.0/16 encap ip6 id 5 dst fd00::1 src fd00::2 tc 4 hoplimit 64 flags 1 dev eth0',
  '10.51.0.0/16 dev eth0 ttl-propagate enabled',
  '10.52.0.0/16 dev eth0 inet',
  // No kernel of today takes it.
  'nat 10.53.0.0/16 no_track',
];

const RULES = [
  'not from 10.1.0.0/16 to 10.2.0.0/16 table 100 priority 50 tos 4 fwmark 5/6 iif eth0 oif eth1 realms 5/6 suppress_prefixlength 5 suppress_ifgroup 6 tunnel-id 5 uidrange 5-6 ipproto tcp sport 5-6 dport 7-8',
  'from all table 100 priority 51',
  'to fd00::/64 table 100 priority 54',
  'from 10.1.0.0/16 table 4294967295 preference 0x39',
  'fwmark 5/ priority 62 table 100',
  'from 10.1.0.0/16 priority 71 table 100 sup_group default',
  'l3mdev priority 82',
  'from 10.1.0.0/16 protocol 4 priority 83 table 100 no_track',
  'goto 100 priority 92',
  'from 10.1.0.0/16 nop priority 94',
  'from 10.1.0.0/16 blackhole priority 95',
  'from 10.1.0.0/16 unreachable priority 96 no_track',
  'iif eth0 priority 99 table 100 inet6',
  'from 10.60.0.0/16 lookup 100 order 101',
  'dsfield 8 dev eth1 table 100 priority 102',
  'from 10.1.0.0/16 prohibit priority 103',
  'from 10.1.0.0/16 type unreachable priority 104',
  'from 10.61.0.0/16 sup_pl 3 table 100 priority 105',
  'table 100 priority 106 inet',
  'from 10.1.0.0/16 table 100',
  'from 10.1.0.0/16 table 101',
];

const STATICS = `
static_ipaddress {
  10.8.0.1/24 dev eth1
}
static_routes {
  10.30.0.0/16 via 10.8.0.9 dev eth1
  10.31.0.0/16 dev eth0 no_track
}
static_rules {
  from 10.8.0.0/24 table 100 priority 60
}
`;

/** Routes of keepalived's and of the tests' own protocol, and all rules: a line each, whoever made them. */
async function objects(host: Host): Promise<readonly string[]> {
  const lists = await Promise.all(
    ['-4', '-6'].flatMap((family) => [
      host.ip(family, '-j', '-d', 'route', 'show', 'table', 'all'),
      host.ip(family, '-j', '-d', 'rule'),
    ]),
  );
  return (
    lists
      .flatMap((text) => JSON.parse(text === '' ? '[]' : text) as Record<string, unknown>[])
      .filter(({ protocol }) => protocol !== 'kernel' && protocol !== 'ra')
      // It runs while the two are looked at.
      .map((one) => JSON.stringify(one).replace(/"expires":9\d\d\b/, '"expires":1000'))
      .sort()
  );
}

async function settle(lab: Lab, what: string, hosts: readonly Host[]): Promise<readonly string[]> {
  let seen: readonly (readonly string[])[] = [];
  const equal = async (): Promise<true | undefined> => {
    seen = await Promise.all(hosts.map(objects));
    return JSON.stringify(seen[0]) === JSON.stringify(seen[1]) || undefined;
  };
  try {
    await lab.until(what, equal);
  } catch (error) {
    assert.deepEqual(seen[0], seen[1], `${what}: ${(error as Error).message}`);
    throw error;
  }
  return seen[0] ?? [];
}

async function secondInterface(host: Host): Promise<void> {
  await host.ip('link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'far1');
  await host.ip('link', 'set', 'far1', 'up');
  await host.ip('link', 'set', 'eth1', 'up');
}

const said = (daemon: Daemon, text: string): number =>
  daemon.lines.filter((line) => line.text.includes(text)).length;

const masters = (lab: Lab, daemons: readonly Daemon[], times: number): Promise<true> =>
  lab.until(
    `both are master for the ${times}. time`,
    () => daemons.every((one) => said(one, 'Entering MASTER') >= times) || undefined,
  );

it('makes the objects that keepalived makes, after every change of state', async () => {
  const lab = await Lab.open();
  try {
    const hosts = [lab.host('a'), lab.host('b')];
    for (const host of hosts) await secondInterface(host);
    const text = (vrid: number, more = STATICS): string =>
      config({ vrid, routes: ROUTES, rules: RULES, more });
    const daemons = [
      lab.host('a').start('ours', text(101)),
      lab.host('b').start('keepalived', text(102)),
    ];
    await masters(lab, daemons, 1);
    const held = await settle(lab, 'a master has the same', hosts);
    assert.ok(held.length >= 40, `${held.length} objects:\n${held.join('\n')}`);

    for (const daemon of daemons) daemon.signal('SIGUSR1');
    await lab.until(
      'both have written their data',
      () => daemons.every((one) => (dumped(one)?.length ?? 0) > 40) || undefined,
    );
    assert.deepEqual(dumped(daemons[0] as Daemon), dumped(daemons[1] as Daemon));

    for (const host of hosts) await host.ip('link', 'set', 'eth1', 'down');
    await lab.until(
      'both are at fault',
      () => daemons.every((one) => said(one, 'Entering FAULT') === 1) || undefined,
    );
    const fault = await settle(lab, 'at fault it is the same', hosts);
    assert.ok(fault.length > 0 && fault.length < 5, fault.join('\n'));

    for (const host of hosts) await host.ip('link', 'set', 'eth1', 'up');
    await masters(lab, daemons, 2);
    await settle(lab, 'a master has the same again', hosts);

    const fewer = (vrid: number): string =>
      config({
        vrid,
        routes: ROUTES.slice(3).map((line) => line.replace('10.26.', '10.27.')),
        rules: RULES.slice(1),
        more: STATICS.replace('10.30.', '10.32.').replace('priority 60', 'priority 61'),
      });
    for (const [i, daemon] of daemons.entries()) daemon.reload(fewer(101 + i));
    await lab.until(
      'both have reloaded',
      () => daemons.every((one) => said(one, 'Reload complete') === 1) || undefined,
    );
    const reloaded = await settle(lab, 'after a reload it is the same', hosts);
    assert.ok(reloaded.some((line) => line.includes('10.27.0.0/16')));
    assert.ok(!reloaded.some((line) => line.includes('10.26.0.0/16')));

    for (const daemon of daemons) daemon.signal('SIGTERM');
    await Promise.all(daemons.map((daemon) => daemon.ended));
    assert.deepEqual(await settle(lab, 'nothing is left', hosts), []);
  } finally {
    await lab.close();
  }
});

it('static_routes and static_rules: of the same words the same objects, through a reload and the end', async () => {
  const lab = await Lab.open();
  try {
    const hosts = [lab.host('a'), lab.host('b')];
    for (const host of hosts) await secondInterface(host);
    const blocks = (routes: readonly string[], rules: readonly string[]): string => `
static_ipaddress {
  10.0.0.240/24 dev eth0
  10.8.0.1/24 dev eth1
}
static_routes {
  ${routes.join('\n  ')}
}
static_rules {
  ${rules.join('\n  ')}
}
`;
    const text = (vrid: number, more: string): string => config({ vrid, more });
    const whole = blocks(ROUTES, RULES);
    const daemons = [
      lab.host('a').start('ours', text(101, whole)),
      lab.host('b').start('keepalived', text(102, whole)),
    ];
    await masters(lab, daemons, 1);
    const held = await settle(lab, 'both have the same', hosts);
    assert.ok(held.length >= 40, `${held.length} objects:\n${held.join('\n')}`);
    const fewer = blocks(ROUTES.slice(3), RULES.slice(1));
    for (const [i, daemon] of daemons.entries()) daemon.reload(text(101 + i, fewer));
    await lab.until(
      'both have reloaded',
      () => daemons.every((one) => said(one, 'Reload complete') === 1) || undefined,
    );
    const reloaded = await settle(lab, 'after a reload it is the same', hosts);
    assert.ok(reloaded.length < held.length, `${reloaded.length} objects`);
    for (const daemon of daemons) daemon.signal('SIGTERM');
    await Promise.all(daemons.map((daemon) => daemon.ended));
    assert.deepEqual(await settle(lab, 'nothing is left', hosts), []);
  } finally {
    await lab.close();
  }
});

/** The lines of the data dump about routes, rules and static objects. */
function dumped(daemon: Daemon): readonly string[] | undefined {
  const text = daemon.read('tmp/keepalived.data');
  if (text?.includes('Notify priority changes') !== true) return undefined;
  return ['------< Static', '   Virtual Routes :']
    .map((title) => text.slice(text.indexOf(title)).split(/^(?:------< VRRP| {3}Using smtp)/m)[0])
    .flatMap((part) => part?.split('\n') ?? [])
    .map((line) => line.replace(' [installed ifindex 0]', ''));
}

const HAND = {
  routes: ['10.1.0.0/16 via 10.0.0.250 dev eth0', '10.2.0.0/16 dev eth0 no_track'],
  rules: ['from 10.1.0.0/16 table 100 priority 50', 'to fd00:1::/64 table 100 priority 51'],
  more: 'static_routes {\n10.30.0.0/16 dev eth0\n}\nstatic_rules {\nfrom all nop priority 60\n}\n',
};

/** Deletes by hand and asks until it is there again; the time between, in milliseconds. */
async function absence(host: Host, remove: string, show: string): Promise<number> {
  const script = `a=$(date +%s%N); ip ${remove} || exit 1; until ip ${show} | grep -q .; do :; done; echo $(( $(date +%s%N) - a ))`;
  return Number(await host.exec(['sh', '-c', script])) / 1e6;
}

it('puts a route or rule that was deleted by hand back at once, and nothing else changes', async () => {
  const lab = await Lab.open();
  try {
    const host = lab.host('a');
    const daemon = host.start('ours', config({ vrid: 101, ...HAND }));
    await masters(lab, [daemon], 1);
    await lab.until(
      'everything is there',
      async () => (await objects(host)).length === 6 || undefined,
    );
    const before = await objects(host);
    for (const [remove, show] of [
      ['route del 10.1.0.0/16', 'route show 10.1.0.0/16'],
      ['rule del priority 50', 'rule show priority 50'],
      ['-6 rule del priority 51', '-6 rule show priority 51'],
      ['route del 10.30.0.0/16', 'route show 10.30.0.0/16'],
      ['rule del priority 60', 'rule show priority 60'],
    ] as const) {
      const times: number[] = [];
      for (let i = 0; i < 5; i++) times.push(await absence(host, remove, show));
      // The machine may have been busy with something else, but not each time.
      assert.ok(Math.min(...times) < 50, `${remove}: ${times.join(', ')} ms`);
      assert.deepEqual(await objects(host), before, remove);
    }
    assert.equal(said(daemon, 'Entering'), 2, 'it went to BACKUP at its start and then to MASTER');
    assert.ok(lab.frames.filter(isAdvert).every(({ message }) => message.priority === 150));
  } finally {
    await lab.close();
  }
});

it('leaves a route with no_track gone, until its interface comes back', async () => {
  const lab = await Lab.open();
  try {
    const host = lab.host('a');
    await secondInterface(host);
    const routes = ['10.2.0.0/16 dev eth1 no_track', '10.1.0.0/16 dev eth0'];
    const daemon = host.start('ours', config({ vrid: 101, routes, more: '' }));
    await masters(lab, [daemon], 1);
    await lab.until('both are there', async () => (await objects(host)).length === 2 || undefined);
    await host.ip('route', 'del', '10.2.0.0/16');
    // The other one's return says that the news of both has been read.
    await host.ip('route', 'del', '10.1.0.0/16');
    await lab.until('the tracked one is back', () => said(daemon, 'Restoring deleted route') === 1);
    assert.equal((await objects(host)).length, 1);
    await host.ip('link', 'set', 'eth1', 'down');
    await host.ip('link', 'set', 'eth1', 'up');
    await lab.until('both are there', async () => (await objects(host)).length === 2 || undefined);
    assert.equal(said(daemon, 'Entering'), 2, 'eth1 is not what the instance depends on');
  } finally {
    await lab.close();
  }
});
