// Words of addresses, and rows about addresses and announcements, beside keepalived 2.2.7: what the kernel has then, when
// frames leave and by which interface, and what is a fault.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addCable, beside, block } from './beside.ts';
import type { Daemon, DaemonKind } from './daemon.ts';
import { type Host, Lab } from './lab.ts';
import { isAdvert } from './wire.ts';

const GLOBALS = block('global_defs', 'router_id lab', 'vrrp_garp_master_delay 1');

const instance = (offset: number, ...lines: readonly string[]): string =>
  block(
    'vrrp_instance VI_1',
    'interface eth0',
    `virtual_router_id ${51 + offset}`,
    'priority 150',
    'version 3',
    'advert_int 0.1',
    ...lines,
  );

const START = ['(VI_1) Entering BACKUP STATE (init)', '(VI_1) Entering MASTER STATE'];

/** Everything that the kernel knows of the addresses of an interface. */
async function addressesOf(host: Host, device: string): Promise<readonly string[]> {
  const [link] = JSON.parse(await host.ip('-j', '-d', 'addr', 'show', 'dev', device)) as [
    { addr_info: { local: string; scope: string }[] },
  ];
  return link.addr_info
    .filter(({ local }) => !local.startsWith('fe80::') || local === 'fe80::7')
    .map((one) => JSON.stringify(one))
    .sort();
}

/** Lifetimes run while the two are looked at. */
const still = (line: string): string => line.replace(/(life_time":)(2[89]\d|300)\b/g, '$1300');

const WORDS4 = [
  '10.1.0.100/24 noprefixroute',
  '10.1.0.102/24 preferred_lft 300',
  '10.1.0.103/24 preferred_lft forever broadcast 10.1.0.200',
  '10.1.0.105/24 brd -',
  '10.1.0.106 peer 10.1.0.206',
  '10.1.0.107/25 scope link label eth1:x',
  '10.1.0.108/28 scope site brd 10.1.0.111',
];
/** keepalived does not find them when it is to remove them: of instances while it runs, at the end the static one too. */
const LEFT = /"local":"10\.[12]\.0\.106"/;
const LEFT_AT_LAST = /"local":"10\.\d\.0\.106"/;
/** The last one is refused by the kernel: only groups can be joined. */
const WORDS6 = [
  'fd01::100/64 home',
  'fd01::101/64 -nodad',
  'fd01::102/64 mngtmpaddr',
  'fd01::103/64 noprefixroute',
  'fd01::105/128',
  'fd01::106/128 preferred_lft forever',
  'fd01::107/64 preferred_lft 300',
  'fd01::108/64 preferred_lft 0',
  'fd01::104/64 autojoin',
];
const at = (lines: readonly string[], change: (line: string) => string): readonly string[] =>
  lines.map((line) => change(line).replace(/^(\S+)/, '$1 dev eth1'));
const second = (line: string): string =>
  line.replace('10.1.0.', '10.2.0.').replace('10.1.0.', '10.2.0.').replace('fd01::', 'fd02::');
const third = (line: string): string =>
  second(second(line)).replaceAll('.2.', '.3.').replace('fd02', 'fd03');

it('virtual_ipaddress, virtual_ipaddress_excluded and static_ipaddress: home, -nodad, mngtmpaddr, noprefixroute, autojoin, preferred_lft, broadcast', async () => {
  const config = (offset: number, words4 = WORDS4, words6 = WORDS6): string =>
    GLOBALS +
    block('static_ipaddress', ...at([...words4, ...words6], third)) +
    instance(
      offset,
      'virtual_ipaddress {',
      ...at(words4, (line) => line),
      '}',
      'virtual_ipaddress_excluded {',
      ...at([...words4, ...words6], second),
      '}',
    ) +
    block(
      'vrrp_instance VI_2',
      'interface eth0',
      `virtual_router_id ${61 + offset}`,
      'priority 150',
      'advert_int 0.1',
      'virtual_ipaddress {',
      'fe80::7/64 dev eth1',
      ...at(words6, (line) => line),
      '}',
    );
  await beside(
    (offset) => config(offset),
    async ({ host }) => {
      await addCable(host, 'eth1');
      await host.exec(['sysctl', '-q', '-w', 'net.ipv6.conf.eth1.accept_dad=0']);
    },
    [...START, ...START.map((line) => line.replace('VI_1', 'VI_2'))],
    async ({ lab, players, step }) => {
      let seen: readonly (readonly string[])[] = [];
      const alike = async (what: string, count: number, left?: RegExp): Promise<void> => {
        const equal = async (): Promise<boolean> => {
          const [mine, theirs] = await Promise.all(
            players.map(({ host }) => addressesOf(host, 'eth1')),
          );
          seen = [mine ?? [], (theirs ?? []).filter((line) => left?.test(line) !== true)];
          const [a, b] = seen.map((lines) => lines.map(still));
          return a?.length === count && JSON.stringify(a) === JSON.stringify(b);
        };
        await untilEqual(lab, what, equal, () => seen);
      };
      const every = 3 * (WORDS4.length + WORDS6.length - 1) + 1;
      await alike('as master they have the same', every);
      const all = seen[0]?.join('\n') ?? '';
      for (const word of ['home', 'nodad', 'mngtmpaddr', 'noprefixroute'])
        assert.ok(all.includes(`"${word}":true`), `${word}\n${all}`);
      await step(
        ({ host }) => host.linkDown(),
        ['(VI_1) Entering FAULT STATE', '(VI_2) Entering FAULT STATE'],
      );
      await alike('at fault only static ones stay', WORDS4.length + WORDS6.length - 1, LEFT);
      await step(
        ({ host }) => host.linkUp(),
        [1, 2].flatMap((n) => [
          `(VI_${n}) Entering BACKUP STATE`,
          `(VI_${n}) Entering MASTER STATE`,
        ]),
      );
      await alike('as master again they have the same', every);
      const longer = (line: string): string => line.replace('_lft 300', '_lft 900');
      for (const { daemon, offset } of players)
        daemon.reload(config(offset, WORDS4.map(longer), WORDS6.map(longer)));
      for (const { daemon } of players)
        await lab.until(`${daemon.kind} has reloaded`, () =>
          daemon.lines.some(({ text }) => text.includes('Reload complete')),
        );
      // keepalived leaves what is there as it is.
      await lab.until('a reload that changes only preferred_lft has its effect', async () => {
        const lines = await addressesOf(players[0].host, 'eth1');
        const renewed = lines.filter((line) => /preferred_life_time":(8[89]\d|900)\b/.test(line));
        return lines.length === every && renewed.length === 3;
      });
      for (const { daemon } of players) daemon.signal('SIGTERM');
      await Promise.all(players.map(({ daemon }) => daemon.ended));
      await alike('at the end nothing is left', 0, LEFT_AT_LAST);
    },
  );
});

async function untilEqual(
  lab: Lab,
  what: string,
  equal: () => Promise<boolean>,
  seen: () => readonly unknown[],
): Promise<void> {
  for (const end = lab.now() + 10_000_000; lab.now() < end; ) if (await equal()) return;
  const [a, b] = seen();
  assert.deepEqual(a, b, what);
  assert.fail(`${what}: ${JSON.stringify(a, null, 1)}`);
}

it('track_src_ip: without its source address ours is at fault, and speaks when it is back; keepalived never notices', async () => {
  const lab = await Lab.open();
  try {
    const begin = async (name: string, kind: DaemonKind, offset: number): Promise<Daemon> => {
      const host = lab.host(name);
      const source = `10.0.0.${20 + offset}`;
      await host.ip('addr', 'add', `${source}/32`, 'dev', 'eth0');
      const lines = [`mcast_src_ip ${source}`, 'track_src_ip', 'virtual_ipaddress {'];
      return host.start(
        kind,
        GLOBALS + instance(offset, ...lines, `10.0.0.${100 + offset}/24`, '}'),
      );
    };
    const daemons = [await begin('a', 'ours', 0), await begin('b', 'keepalived', 1)];
    const speaks = (offset: number, after = 0): boolean =>
      lab.frames
        .filter(isAdvert)
        .some(({ at, message }) => at > after && message.vrid === 51 + offset);
    for (const offset of [0, 1]) await lab.until('it speaks', () => speaks(offset));
    for (const [name, offset] of [
      ['a', 0],
      ['b', 1],
    ] as const)
      await lab.host(name).ip('addr', 'del', `10.0.0.${20 + offset}/32`, 'dev', 'eth0');
    const [ours, theirs] = daemons.map(
      (daemon) =>
        (text: string): boolean =>
          daemon.lines.some((line) => line.text.includes(text)),
    );
    await lab.until('ours is at fault', () => ours?.('Entering FAULT STATE'));
    await lab.until(
      'keepalived has noticed the address',
      () => lab.holders('10.0.0.21').length === 0,
    );
    const from = lab.now();
    await lab.until('keepalived goes on for a second', () => speaks(1, from + 1e6));
    assert.ok(!theirs?.('Entering FAULT STATE'));
    assert.ok(!speaks(0, from));
    await lab.host('a').ip('addr', 'add', '10.0.0.20/32', 'dev', 'eth0');
    await lab.until('ours speaks again', () => speaks(0, from));
  } finally {
    await lab.close();
  }
});
