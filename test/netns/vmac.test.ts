// use_vmac and vmac_xmit_base beside keepalived 2.2.7, in both roles: the same interface with the same settings and addresses
// after every transition, the same frames, one answer to each question. And what a crash leaves.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Daemon, DaemonKind } from './daemon.ts';
import { childOf, untilCalm } from './fault.ts';
import { type Host, Lab } from './lab.ts';
import { announced, type Frame, isAdvert } from './wire.ts';

const NAME = 'vrrp.51';

/** Also reports of membership (IGMP, MLD) and router solicitations. */
const EVERYTHING = 'arp or ip proto 112 or ip proto 2 or ip6';

interface Case {
  readonly what: string;
  readonly family: 4 | 6;
  readonly words: string;
  /** MAC that adverts come from; absent: that of eth0. */
  readonly from?: string;
}

const CASES: readonly Case[] = [
  { what: 'use_vmac, IPv4', family: 4, words: 'use_vmac', from: '00:00:5e:00:01:33' },
  { what: 'use_vmac, IPv6', family: 6, words: 'use_vmac', from: '00:00:5e:00:02:33' },
  { what: 'vmac_xmit_base, IPv4', family: 4, words: 'use_vmac\n  vmac_xmit_base' },
  { what: 'vmac_xmit_base, IPv6', family: 6, words: 'use_vmac\n  vmac_xmit_base' },
];
const VIRTUAL = { 4: '10.0.0.100', 6: 'fd00::100' } as const;

const config = ({ family, words }: Pick<Case, 'family' | 'words'>, priority: number): string => `
global_defs {
  router_id lab
  dynamic_interfaces allow_if_changes
}
vrrp_instance VI_1 {
  interface eth0
  ${words}
  virtual_router_id 51
  priority ${priority}
  version 3
  advert_int 0.1
  garp_master_delay 1
  virtual_ipaddress {
    ${family === 4 ? '10.0.0.100/24' : 'fe80::100/64\n    fd00::100/64'}
  }
}
`;

const SETTINGS = [
  ...['arp_ignore', 'arp_filter', 'rp_filter', 'accept_local', 'promote_secondaries'].flatMap(
    (name) => ['eth0', NAME].map((at) => `ipv4/conf/${at}/${name}`),
  ),
  ...['all', 'default'].map((at) => `ipv4/conf/${at}/rp_filter`),
  ...['disable_ipv6', 'addr_gen_mode', 'accept_ra'].map((name) => `ipv6/conf/${NAME}/${name}`),
];
/** Ours alone: it answers no ARP for the address below, and solicits no routers. */
const STRICTER = new Set([`ipv4/conf/${NAME}/arp_ignore`, `ipv6/conf/${NAME}/accept_ra`]);

/** keepalived leaves these as it has set them. */
const KEPT = /^ipv4\/conf\/eth0\/arp_/;

interface LinkInfo {
  readonly ifname: string;
  readonly link?: string;
  readonly address: string;
  readonly flags: readonly string[];
  readonly linkinfo?: unknown;
  readonly addr_info?: readonly Record<string, unknown>[];
}

/** The interface and everything about it, but for what differs between two hosts. */
async function seen(host: Host, family: 4 | 6): Promise<readonly string[]> {
  const read = async (...words: string[]): Promise<readonly LinkInfo[]> =>
    JSON.parse((await host.ip('-j', ...words)) || '[]') as LinkInfo[];
  const links = (await read('-d', 'link')).filter(({ link }) => link === 'eth0');
  const addresses = (await read('addr')).filter(({ link }) => link === 'eth0');
  const settings = await host.exec([
    'sh',
    '-c',
    `cd /proc/sys/net; for i in ${SETTINGS.join(' ')}; do [ -e $i ] && echo "$i $(cat $i)"; done; true`,
  ]);
  const other =
    family === 6 ? (line: string) => !STRICTER.has(line.split(' ')[0] ?? '') : () => true;
  return [
    // The kernel takes up to a second to say UP instead of UNKNOWN.
    ...links.map(({ ifname, link, address, flags, linkinfo }) =>
      JSON.stringify({ ifname, link, address, flags, linkinfo }),
    ),
    ...addresses.flatMap(({ addr_info: list = [] }) =>
      list.map(({ local, prefixlen, scope, label, deprecated }) =>
        JSON.stringify({
          local: local === host.linkLocal ? 'link-local' : local,
          prefixlen,
          scope,
          label,
          deprecated,
        }),
      ),
    ),
    ...settings.trim().split('\n').filter(other),
  ].sort();
}

const said = (daemon: Daemon, text: string): boolean =>
  daemon.lines.some((line) => line.text.includes(text));

const isAnswer = (message: Frame['message'], address: string): boolean =>
  message.kind === 'arp' && message.operation === 2 && message.sender === address;

const becomes = (lab: Lab, daemon: Daemon, role: 'MASTER' | 'BACKUP'): Promise<true> =>
  lab.until(`it is ${role}`, () => said(daemon, `Entering ${role} STATE`) || undefined);

/** What a host of that kind in that role shows, from a lab of its own. */
async function roles(
  one: Case,
  kinds: readonly [DaemonKind, DaemonKind],
): Promise<Readonly<Record<'first' | 'backup' | 'successor' | 'end', readonly string[]>>> {
  const { family, from } = one;
  const virtual = VIRTUAL[family];
  const lab = await Lab.open({ hosts: ['a', 'b', 'c'], capture: EVERYTHING });
  try {
    const [a, b] = [lab.host('a'), lab.host('b')];
    for (const host of [a, b])
      await host.exec([
        'sysctl',
        '-q',
        '-w',
        'net.ipv4.conf.all.rp_filter=2',
        'net.ipv4.conf.eth0.rp_filter=1',
      ]);
    const before = await seen(a, family);
    const master = a.start(kinds[0], config(one, 150));
    await becomes(lab, master, 'MASTER');
    const backup = b.start(kinds[1], config(one, 100));
    await becomes(lab, backup, 'BACKUP');
    await lab.untilHolder(virtual, 'a');
    const first = await seen(a, family);
    const waiting = await seen(b, family);

    // Whoever asks gets one answer, from the virtual MAC.
    const asked = lab.now();
    const probe = lab.startProbe('c', virtual);
    await lab.until('it answers', () => probe.answers.length > 0 || undefined);
    if (family === 4) {
      const answers = (): readonly string[] =>
        lab.frames
          .filter(({ at, message }) => at >= asked && isAnswer(message, virtual))
          .map(({ from: mac }) => mac);
      await lab.until('the answer is seen', () => answers().length > 0 || undefined);
      assert.deepEqual(answers(), ['00:00:5e:00:01:33']);
    }
    for (const frame of lab.frames.filter(isAdvert)) {
      const sender = frame.message.priority === 150 ? a : b;
      assert.equal(frame.from, from ?? sender.mac);
    }
    for (const frame of lab.frames) {
      const address = announced(frame);
      if (address === virtual) assert.equal(frame.from, `00:00:5e:00:0${family === 4 ? 1 : 2}:33`);
    }

    // Of nothing else the virtual MAC is the source: bridges would learn it from whoever is no master.
    const odd = lab.frames.filter(
      ({ at, from: mac, message }) =>
        at < asked && mac.startsWith('00:00:5e') && message.kind === 'other',
    );
    assert.deepEqual(
      odd.map(({ bytes }) => bytes.toString('hex')),
      [],
    );

    master.signal('SIGTERM');
    await becomes(lab, backup, 'MASTER');
    await lab.untilHolder(virtual, 'b');
    await master.ended;
    const end = await seen(a, family);
    if (kinds[0] === 'ours') assert.deepEqual(end, before, 'at the end everything is as it was');
    const successor = await seen(b, family);
    return { first, backup: waiting, successor, end: end.filter((line) => !KEPT.test(line)) };
  } finally {
    await lab.close();
  }
}

for (const one of CASES)
  it(`${one.what}: interface, settings, addresses and frames as keepalived's, in both roles`, async () => {
    const ours = await roles(one, ['ours', 'keepalived']);
    const theirs = await roles(one, ['keepalived', 'ours']);
    assert.ok(
      ours.first.some((line) => line.includes('"macvlan"')),
      ours.first.join('\n'),
    );
    for (const role of ['first', 'backup', 'successor', 'end'] as const)
      assert.deepEqual(ours[role], theirs[role], role);
  });

/** Addresses on the same interface, on another one, of the other family, with words of their own; names with prefixes. */
const SPREAD = `
global_defs {
  router_id lab
  vmac_prefix own
  vmac_addr_prefix more
}
vrrp_instance VI_1 {
  interface eth0
  use_vmac
  use_vmac_addr
  promote_secondaries
  virtual_router_id 51
  priority 150
  version 3
  advert_int 0.1
  virtual_ipaddress {
    10.0.0.100/24
    10.0.0.101/24 dev eth0
    10.1.0.100/24 dev eth1
  }
  virtual_ipaddress_excluded {
    fe80::7/64
    fd00::8/64 dev eth1
  }
}
vrrp_instance VI_2 {
  interface eth0
  use_vmac 02:01:02:03:04
  virtual_router_id 52
  priority 150
  version 3
  advert_int 0.1
  virtual_ipaddress {
    10.0.0.110/24
    10.1.0.110/24 dev eth1
    10.1.0.111/24 dev eth1 use_vmac
  }
  virtual_ipaddress_excluded {
    fd00::9/64
  }
}
vrrp_instance VI_3 {
  interface eth0
  use_vmac own.52
  virtual_router_id 53
  priority 150
  version 3
  advert_int 0.1
  virtual_ipaddress {
    10.0.0.120/24
  }
}
`;

/** Every interface but its number and the addresses that only one host has. */
async function spread(host: Host): Promise<readonly string[]> {
  interface Info extends LinkInfo {
    readonly addr_info: readonly Record<string, unknown>[];
  }
  const links = JSON.parse(await host.ip('-j', 'addr')) as Info[];
  const promotes = await host.exec(['cat', '/proc/sys/net/ipv4/conf/eth0/promote_secondaries']);
  return [
    `promote_secondaries ${promotes.trim()}`,
    ...links.flatMap(({ ifname, link, address, addr_info: list }) => [
      ...(ifname !== 'far1' && (link === 'eth0' || link === 'eth1')
        ? [`${ifname} on ${link}, ${address}`]
        : []),
      ...list
        .filter(({ local }) => local !== host.address4 && local !== host.address6)
        .map(({ local, prefixlen, deprecated, scope }) => {
          const what = local === host.linkLocal ? 'link-local' : local;
          return `${what}/${prefixlen} ${scope} ${deprecated === true} on ${ifname}`;
        }),
    ]),
  ].sort();
}

it('use_vmac_addr, vmac_prefix, vmac_addr_prefix, promote_secondaries: the same addresses on the same interfaces', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b'], capture: false });
  try {
    const shown: (readonly string[])[] = [];
    // One after the other: they would be each other's peers.
    for (const [name, kind] of [
      ['a', 'ours'],
      ['b', 'keepalived'],
    ] as const) {
      const host = lab.host(name);
      await host.ip(
        'link',
        'add',
        'eth1',
        'address',
        '02:00:00:00:01:01',
        'type',
        'veth',
        'peer',
        'name',
        'far1',
      );
      await host.ip('link', 'set', 'eth1', 'addrgenmode', 'eui64', 'up');
      await host.ip('link', 'set', 'far1', 'addrgenmode', 'none', 'up');
      const before = await spread(host);
      const daemon = host.start(kind, SPREAD);
      const held = ['10.0.0.101', '10.1.0.100', 'fd00::8', '10.1.0.111', 'fd00::9', '10.0.0.120'];
      for (const address of held) await lab.untilHolder(address, name);
      shown.push(await spread(host));
      daemon.signal('SIGTERM');
      await daemon.ended;
      assert.deepEqual(await spread(host), before);
    }
    assert.ok((shown[0]?.length ?? 0) > 15, shown[0]?.join('\n'));
    assert.deepEqual(shown[0], shown[1]);
  } finally {
    await lab.close();
  }
});

it('a reload with use_vmac, with another MAC and without: the old interface goes, the new one speaks', async () => {
  const lab = await Lab.open({ hosts: ['a', 'c'] });
  try {
    const a = lab.host('a');
    const daemon = a.start('ours', config({ family: 4, words: '' }, 150));
    await lab.untilHolder('10.0.0.100', 'a');
    for (const [words, from] of [
      ['use_vmac', '00:00:5e:00:01:33'],
      ['use_vmac 02:00:5e:00:01:33', '02:00:5e:00:01:33'],
      ['use_vmac', '00:00:5e:00:01:33'],
      ['', a.mac],
    ] as const) {
      daemon.reload(config({ family: 4, words }, 150));
      const speaks = (): boolean => lab.frames.filter(isAdvert).at(-1)?.from === from;
      await lab.until(`adverts come from ${from}`, speaks);
      await lab.untilHolder('10.0.0.100', 'a');
      const macvlans = (await seen(a, 4)).filter((line) => line.includes('"macvlan"'));
      assert.equal(macvlans.length, words === '' ? 0 : 1);
    }
  } finally {
    await lab.close();
  }
});

const index = async (host: Host): Promise<string> =>
  (await host.ip('-o', 'link', 'show', NAME)).split(':')[0] ?? '';

it('a killed VRRP child: the spare goes on with the interface, its address and its MAC', async () => {
  const lab = await Lab.open({ hosts: ['a', 'c'] });
  try {
    const a = lab.host('a');
    const daemon = a.start('ours', config({ family: 4, words: 'use_vmac' }, 150));
    await lab.untilHolder('10.0.0.100', 'a');
    await lab.until('the spare is there', () => daemon.pids().length >= 3 || undefined);
    await untilCalm(lab, daemon);
    const before = await index(a);
    const frames = lab.frames.length;
    process.kill(childOf(daemon), 'SIGKILL');
    await lab.until('it goes on', () => said(daemon, 'Going on in MASTER STATE') || undefined);
    await lab.until('it speaks', () => lab.frames.slice(frames).some(isAdvert) || undefined);
    assert.equal(await index(a), before);
    assert.equal(lab.spans('10.0.0.100').length, 1);
  } finally {
    await lab.close();
  }
});

it('killed altogether: the next one takes the interface over, or removes it, and sets back what was set', async () => {
  const lab = await Lab.open({ hosts: ['a', 'c'] });
  try {
    const a = lab.host('a');
    const before = await seen(a, 4);
    const first = a.start('ours', config({ family: 4, words: 'use_vmac' }, 150));
    await lab.untilHolder('10.0.0.100', 'a');
    const made = await index(a);
    first.killAll();
    await first.ended;
    assert.equal(await index(a), made);
    const second = a.start('ours', config({ family: 4, words: 'use_vmac' }, 150), { after: first });
    await becomes(lab, second, 'MASTER');
    assert.equal(await index(a), made);
    second.killAll();
    await second.ended;
    const third = a.start('ours', config({ family: 4, words: '' }, 150), { after: second });
    await becomes(lab, third, 'MASTER');
    assert.deepEqual(
      (await seen(a, 4)).filter((line) => line.includes('macvlan')),
      [],
    );
    third.signal('SIGTERM');
    await third.ended;
    assert.deepEqual(await seen(a, 4), before);
  } finally {
    await lab.close();
  }
});

it('somebody deletes it, or the interface below goes and comes: it is made again and speaks', async () => {
  const lab = await Lab.open({ hosts: ['a', 'c'] });
  try {
    const a = lab.host('a');
    const daemon = a.start('ours', config({ family: 6, words: 'use_vmac' }, 150));
    await lab.untilHolder('fd00::100', 'a');
    await a.ip('link', 'del', NAME);
    await lab.until('it has lost it', () => said(daemon, 'Entering FAULT STATE') || undefined);
    await lab.untilHolder('fd00::100', 'a');
    await a.ip('link', 'set', 'eth0', 'down');
    await lab.until('it is at fault', () => lab.holders('fd00::100').length === 0 || undefined);
    await a.ip('link', 'set', 'eth0', 'up');
    await lab.untilHolder('fd00::100', 'a');
    const frames = lab.frames.length;
    const advert = await lab.until('it speaks', () => lab.frames.slice(frames).find(isAdvert));
    assert.equal(advert.from, '00:00:5e:00:02:33');
  } finally {
    await lab.close();
  }
});
