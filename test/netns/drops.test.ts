// Every reason for which a packet is dropped: the packet is put on the wire and the counter read in the dump,
// for ours and for keepalived 2.2.7 side by side, each with a virtual router of its own on one network.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AdvertOptions } from './craft.ts';
import { craftAdvert } from './craft.ts';
import type { Daemon, DaemonKind } from './daemon.ts';
import type { Injector } from './inject.ts';
import { startInjector } from './inject.ts';
import type { Host } from './lab.ts';
import { Lab } from './lab.ts';
import type { Router } from './router.ts';
import { configOf, virtualAddress } from './router.ts';
import type { Counters } from './statistics.ts';
import { readDrops, readStatistics } from './statistics.ts';

const subject = (process.env.KEEPALIVED_TEST_SUBJECT ?? 'ours') as DaemonKind;

interface Kind {
  readonly name: string;
  readonly change: Partial<AdvertOptions>;
  /** The reason in our keepalived_reasons.data. */
  readonly reason: string;
  /** Our counter in keepalived.stats, where there is one. */
  readonly counter?: string;
  /** keepalived's, where it is another; undefined: keepalived counts it nowhere. */
  readonly theirs?: string | undefined;
}

interface Scene {
  readonly router: Omit<Router, 'vrid'>;
  readonly kinds: readonly Kind[];
}

const length = 'Packet Errors/Length';
const ttl = 'Packet Errors/TTL';
const type = 'Packet Errors/Invalid Type';
const interval = 'Packet Errors/Advertisement Interval';
const addresses = 'Packet Errors/Address List';

const base: Omit<Router, 'vrid'> = {
  version: 2,
  family: 4,
  interval: 1,
  transport: 'multicast',
  priority: 200,
  addresses: ['10.0.0.100/24'],
};

const both = (
  name: string,
  change: Partial<AdvertOptions>,
  reason: string,
  counter?: string,
): Kind =>
  counter === undefined
    ? { name, change, reason, theirs: undefined }
    : { name, change, reason, counter, theirs: counter };

const scenes: Record<string, Scene> = {
  'v2 with a password': {
    router: { ...base, password: 'secret' },
    kinds: [
      both('too short', { extra: -4 }, 'length', length),
      both('too long', { extra: 4 }, 'length', length),
      both('a count that lies', { count: 9 }, 'length', length),
      both('TTL 254', { hopLimit: 254 }, 'ttl', ttl),
      both('version 3', { version: 3, interval: 100 }, 'version'),
      both('version 7', { version: 7 }, 'version'),
      both('type 2', { type: 2 }, 'type', type),
      both('checksum', { checksumError: 1 }, 'checksum'),
      both(
        'authentication type 7',
        { authType: 7 },
        'authType',
        'Authentication Errors/Invalid Type',
      ),
      both(
        'no authentication',
        { authType: 0 },
        'authMismatch',
        'Authentication Errors/Type Mismatch',
      ),
      both(
        'wrong password',
        { password: 'Secret' },
        'authFailure',
        'Authentication Errors/Failure',
      ),
      // keepalived drops it and logs why, but its counter stays 0.
      { ...both('interval 2 s', { interval: 2 }, 'interval', interval), theirs: undefined },
      both('other addresses', { addresses: ['10.0.0.77'] }, 'addresses', addresses),
      both('one address more', { addresses: ['10.0.0.100', '10.0.0.101'] }, 'addresses', addresses),
    ],
  },
  v3: {
    router: { ...base, version: 3 },
    kinds: [
      both('too short', { extra: -4 }, 'length', length),
      both('TTL 1', { hopLimit: 1 }, 'ttl', ttl),
      both('version 2', { version: 2, interval: 1 }, 'version'),
      both('type 0', { type: 0 }, 'type', type),
      both('checksum', { checksumError: 1 }, 'checksum'),
      both('other addresses', { addresses: ['10.0.0.77'] }, 'addresses', addresses),
      { ...both('interval 0', { interval: 0 }, 'interval', interval), theirs: undefined },
    ],
  },
  'v3 IPv6': {
    router: { ...base, version: 3, family: 6, addresses: ['fd00::100/64'] },
    kinds: [
      { ...both('too short', { extra: -16 }, 'length', length), theirs: undefined },
      both('hop limit 64', { hopLimit: 64 }, 'ttl', ttl),
      both('version 2', { version: 2, interval: 1 }, 'version'),
      both('type 15', { type: 15 }, 'type', type),
      both('checksum', { checksumError: 1 }, 'checksum'),
    ],
  },
};

const copies = 3;

/** What the counters rose by when `kind` was received `copies` times, and then one right priority 0. */
async function riseOf(
  lab: Lab,
  daemon: Daemon,
  injector: Injector,
  read: () => Promise<Counters>,
  frames: { wrong: Buffer; marker: Buffer },
): Promise<Counters> {
  const zero = 'Priority Zero/Received';
  const before = await read();
  const zeros = (await readStatistics(lab, daemon))[zero] ?? 0;
  await injector.send([...Array<Buffer>(copies).fill(frames.wrong), frames.marker]);
  // Packets are handled in order: once the marker is counted, so is all before it.
  for (;;) {
    const counted = (await readStatistics(lab, daemon))[zero] ?? 0;
    if (counted > zeros) break;
    assert.equal(daemon.end, undefined, daemon.tail());
  }
  const now = await read();
  const rises = Object.keys(now).map((key) => [key, (now[key] ?? 0) - (before[key] ?? 0)] as const);
  return Object.fromEntries(rises.filter(([, rise]) => rise !== 0));
}

function framesFor(
  router: Router,
  client: Host,
  change: Partial<AdvertOptions>,
): { wrong: Buffer; marker: Buffer } {
  const six = router.family === 6;
  const right: AdvertOptions = {
    version: router.version,
    source: six ? client.linkLocal : client.address4,
    destination: six ? 'ff02::12' : '224.0.0.18',
    vrid: router.vrid,
    priority: 1,
    addresses: [virtualAddress(router)],
    interval: router.version === 2 ? router.interval : router.interval * 100,
    authType: router.password === undefined ? 0 : 1,
    password: router.password ?? '',
    sourceMac: client.mac,
  };
  return {
    wrong: craftAdvert({ ...right, ...change }),
    marker: craftAdvert({ ...right, priority: 0 }),
  };
}

/** Only the error counters: adverts go on being sent meanwhile. */
const errorsOf = (counters: Counters): Counters =>
  Object.fromEntries(Object.entries(counters).filter(([name]) => name.includes('Errors/')));

describe('what is dropped is counted', { concurrency: 3 }, () => {
  for (const [name, { router, kinds }] of Object.entries(scenes)) {
    it(name, async (context) => {
      const lab = await Lab.open({ hosts: ['a', 'b', 'c'], capture: false });
      let injector: Injector | undefined;
      try {
        const [a, b, c] = ['a', 'b', 'c'].map((host) => lab.host(host)) as [Host, Host, Host];
        const address = virtualAddress(router);
        const ourRouter = { ...router, vrid: 51 };
        const theirRouter = {
          ...router,
          vrid: 52,
          addresses: router.addresses.map((x) => x.replace('100', '200')),
        };
        const ours = a.start(subject, configOf(subject, ourRouter, a));
        const theirs = b.start('keepalived', configOf('keepalived', theirRouter, b));
        const other = address.replace('100', '200');
        await lab.untilHolder(address, 'a', 15_000);
        await lab.untilHolder(other, 'b', 15_000);
        const sender = await startInjector(c);
        injector = sender;
        for (const kind of kinds) {
          await context.test(kind.name, async () => {
            const own = { ...kind.change };
            const foreign = { ...framesFor(theirRouter, c, { addresses: [other], ...own }) };
            const marker = framesFor(theirRouter, c, { addresses: [other], priority: 0 }).wrong;
            const their = await riseOf(
              lab,
              theirs,
              sender,
              () => readStatistics(lab, theirs).then(errorsOf),
              {
                wrong: foreign.wrong,
                marker,
              },
            );
            assert.deepEqual(
              their,
              kind.theirs === undefined ? {} : { [kind.theirs]: copies },
              'keepalived',
            );
            const frames = framesFor(ourRouter, c, own);
            const statistics = await riseOf(
              lab,
              ours,
              sender,
              () => readStatistics(lab, ours).then(errorsOf),
              frames,
            );
            const counter = subject === 'ours' ? kind.counter : kind.theirs;
            assert.deepEqual(
              statistics,
              counter === undefined ? {} : { [counter]: copies },
              'ours',
            );
            if (subject === 'ours') {
              const drops = await riseOf(lab, ours, sender, () => readDrops(lab, ours), frames);
              assert.deepEqual(drops, { [kind.reason]: copies }, 'our reasons');
            }
          });
        }
        assert.deepEqual(lab.holders(address), ['a'], 'nothing of this cost the master its place');
      } finally {
        injector?.close();
        await lab.close();
      }
    });
  }
});
