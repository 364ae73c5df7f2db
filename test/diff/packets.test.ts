// Adverts, gratuitous ARPs and unsolicited NAs of ours and of keepalived 2.2.7, byte for byte, for the same
// configuration on hosts with the same addresses. Only what the kernel fills in at random may differ.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DaemonKind } from '../netns/daemon.ts';
import { Lab } from '../netns/lab.ts';
import type { Router } from '../netns/router.ts';
import { startRouter } from '../netns/router.ts';
import type { Frame } from '../netns/wire.ts';
import { announced, isAdvert } from '../netns/wire.ts';

const subject = (process.env.KEEPALIVED_TEST_SUBJECT ?? 'ours') as DaemonKind;

interface Speech {
  /** Every distinct advert in order of first appearance; the last one is what SIGTERM makes it say. */
  readonly adverts: readonly string[];
  /** Every announcement in order, with the whole seconds since the first advert: its timing class. */
  readonly announcements: readonly string[];
  /** Whether the first advert or the first announcement came first. */
  readonly order: readonly string[];
}

const plain: Router = {
  version: 2,
  family: 4,
  interval: 1,
  transport: 'multicast',
  vrid: 51,
  priority: 100,
  addresses: ['10.0.0.100/24'],
};
const six: Router = { ...plain, version: 3, family: 6, addresses: ['fd00::100/64'] };
const quick = ['garp_master_delay 1'];

const routers: Record<string, Router> = {
  'v2, announced again after the default 5 s': plain,
  'v2 PASS': { ...plain, password: 'secret', more: quick },
  'v2 PASS of eight characters': { ...plain, password: 'eightchr', more: quick },
  'v2 as owner of the address': { ...plain, priority: 255, state: 'MASTER', more: quick },
  'v2 unicast': { ...plain, transport: 'unicast', more: quick },
  'v2, three addresses': {
    ...plain,
    addresses: ['10.0.0.100/24', '10.0.0.102/32', '10.0.0.101'],
    more: quick,
  },
  'v2, excluded addresses of both families': {
    ...plain,
    more: [...quick, 'virtual_ipaddress_excluded {', '  10.0.0.110', '  fd00::110/64', '}'],
  },
  'v2, other repeats': {
    ...plain,
    more: [
      ...quick,
      'garp_master_repeat 2',
      'garp_master_refresh 2',
      'garp_master_refresh_repeat 3',
    ],
  },
  'v2, no second announcement': { ...plain, more: ['garp_master_delay 0'] },
  'v2, another group': {
    ...plain,
    globals: ['vrrp_mcast_group4 224.0.0.19'],
    more: quick,
  },
  'v2, another source': { ...plain, more: [...quick, 'mcast_src_ip 10.0.0.1'] },
  v3: { ...plain, version: 3, more: quick },
  'v3 at 0.1 s': { ...plain, version: 3, interval: 0.1, more: quick },
  'v3 at 0.01 s': { ...plain, version: 3, interval: 0.01, more: quick },
  'v3 unicast': { ...plain, version: 3, transport: 'unicast', more: quick },
  'v3 unicast with old_unicast_checksum': {
    ...plain,
    version: 3,
    transport: 'unicast',
    more: [...quick, 'old_unicast_checksum'],
  },
  'v2, announcements as global_defs has them': {
    ...plain,
    globals: [
      'vrrp_garp_master_delay 1',
      'vrrp_garp_master_repeat 2',
      'vrrp_garp_master_refresh 2',
      'vrrp_garp_master_refresh_repeat 3',
    ],
    more: ['nopreempt'],
  },
  'v2, vrrp_min_garp': { ...plain, globals: ['vrrp_min_garp'], more: ['nopreempt'] },
  'v2, mcast_dst_ip': { ...plain, more: [...quick, 'mcast_dst_ip 224.0.0.20'] },
  'v3 IPv6, vrrp_mcast_group6': { ...six, globals: ['vrrp_mcast_group6 ff02::14'], more: quick },
  'v2 without authentication in strict mode': { ...plain, globals: ['vrrp_strict'], more: quick },
  'v3 unicast with a TTL': {
    ...plain,
    version: 3,
    transport: 'unicast',
    more: [...quick, 'unicast_ttl 7'],
  },
  'v3 IPv6': { ...six, more: quick },
  'v3 IPv6, a link-local and another address': {
    ...six,
    addresses: ['fe80::100/64', 'fd00::100/64'],
    more: quick,
  },
  'v3 IPv6 at 0.01 s': { ...six, interval: 0.01, more: quick },
  'v3 IPv6 unicast': { ...six, transport: 'unicast', more: quick },
  'v3 IPv6 unicast with a hop limit': {
    ...six,
    transport: 'unicast',
    more: [...quick, 'unicast_ttl 7'],
  },
};

/** Differences that are meant. */
const deviations: Record<string, (theirs: Speech) => Speech> = {
  // RFC 9568 5.1.2.3: the hop limit MUST be 255. keepalived leaves that of IPv6 unicast to the kernel (64),
  // although it sends IPv4 unicast with 255; its peers do not check either.
  'v3 IPv6 unicast': (theirs) => ({
    ...theirs,
    adverts: theirs.adverts.map((hex) => `${hex.slice(0, 42)}ff${hex.slice(44)}`),
  }),
};

/** How long after the first advert this configuration has said everything, in microseconds. */
const duration = ({ more = [], globals = [] }: Router): number =>
  [...more, ...globals].some((line) => /refresh /.test(line))
    ? 5.5e6
    : more.length > 0
      ? 2.5e6
      : 6.5e6;

/** A machine that stood still for an interval of 10 ms has more to announce: that is played again, twice at most. */
async function listen(kind: DaemonKind, router: Router, again = 2): Promise<Speech> {
  const lab = await Lab.open({ hosts: ['a', 'b'] });
  try {
    const daemon = await startRouter(lab, 'a', kind, router);
    const adverts = (): Frame[] => lab.frames.filter(isAdvert);
    const first = await lab.until('the first advert', () => adverts()[0]);
    const end = first.at + duration(router);
    await lab.until('its last announcement', () => (adverts().at(-1)?.at ?? 0) > end, 15_000);
    daemon.signal('SIGTERM');
    await lab.until('priority 0', () =>
      lab.frames.some(({ message }) => message.kind === 'advert' && message.priority === 0),
    );
    if (again > 0 && daemon.lines.some(({ text }) => text.includes('after a stall')))
      return await listen(kind, router, again - 1);
    const said = lab.frames.filter(
      (frame) =>
        isAdvert(frame) || (announced(frame) !== undefined && frame.from === lab.host('a').mac),
    );
    // Adverts that repeat within the first second are one; how many there are is test/bench's business.
    const order = said.filter((frame) => frame.at < first.at + 500_000).map(describeKind);
    return {
      adverts: [...new Set(said.filter(isAdvert).map(comparable))],
      announcements: said
        .filter((frame) => !isAdvert(frame))
        .map((frame) => `${Math.round((frame.at - first.at) / 1e6)} s: ${comparable(frame)}`),
      order: order.filter((kind, i) => kind !== order[i - 1]).slice(0, 2),
    };
  } finally {
    await lab.close();
  }
}

const describeKind = (frame: Frame): string => (isAdvert(frame) ? 'advert' : 'announcement');

/** The frame as hex, without IPv4's identification (and the checksum over it) and IPv6's flow label. */
function comparable(frame: Frame): string {
  const bytes = Buffer.from(frame.bytes);
  const etherType = bytes.readUInt16BE(12);
  if (etherType === 0x0800) {
    bytes.writeUInt16BE(0, 18);
    bytes.writeUInt16BE(0, 24);
  } else if (etherType === 0x86dd) {
    bytes.writeUInt32BE(bytes.readUInt32BE(14) & 0xfff00000, 14);
  }
  return bytes.toString('hex');
}

describe('the same packets as keepalived', { concurrency: 3 }, () => {
  for (const [name, router] of Object.entries(routers)) {
    it(name, async () => {
      const [theirs, ours] = await Promise.all([
        listen('keepalived', router),
        listen(subject, router),
      ]);
      assert.ok(theirs.adverts.length >= 2, 'keepalived was heard');
      assert.ok(theirs.announcements.length > 0, 'keepalived announced');
      const deviation = subject === 'ours' ? deviations[name] : undefined;
      assert.deepEqual(ours, deviation === undefined ? theirs : deviation(theirs));
    });
  }
});
