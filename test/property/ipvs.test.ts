// IPVS commands: whatever can be ordered reads back as it was, and no bytes make reading an answer throw.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { family, ipFromBytes } from '../../src/lib/ip.ts';
import type {
  DestinationKey,
  Forwarding,
  IpvsDestination,
  IpvsService,
  ServiceKey,
  SyncDaemon,
} from '../../src/lib/ipvs.ts';
import { decodeFamily } from '../../src/net/genl.ts';
import {
  decodeDestination,
  decodeService,
  decodeSync,
  encodeOrder,
} from '../../src/net/genl-ipvs.ts';
import { decodeMessages, encodeAttributes, type Message } from '../../src/net/netlink.ts';

const PLAIN = { noNullPrototype: true } as const;
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const width = fc.constantFrom(4 as const, 16 as const);
const addressOf = (length: 4 | 16) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(ipFromBytes);
const address = width.chain(addressOf);
const name = fc.stringMatching(/^[a-z0-9]{1,15}$/);

const key: fc.Arbitrary<ServiceKey> = fc.oneof(
  fc.record({ protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'), address, port: u16 }, PLAIN),
  fc.record({ family: fc.constantFrom(4, 6), mark: u32 }, PLAIN),
);
const isSix = (of: ServiceKey): boolean =>
  'mark' in of ? of.family === 6 : family(of.address) === 6;

const service = (of: ServiceKey): fc.Arbitrary<IpvsService> =>
  fc.record(
    {
      scheduler: name,
      // Any flags but the table's own mark.
      flags: u32.map((flags) => flags & ~2 & 0x7fffffff),
      timeout: u32,
      netmask: isSix(of) ? fc.integer({ min: 1, max: 128 }) : addressOf(4),
      engine: name,
    },
    { requiredKeys: ['scheduler', 'flags', 'timeout', 'netmask'], ...PLAIN },
  );

const checksum = fc.constantFrom('nocsum', 'csum', 'remcsum');
const forwarding: fc.Arbitrary<Forwarding> = fc.oneof(
  fc.record({ method: fc.constantFrom('NAT', 'DR') }, PLAIN),
  fc.record({ method: fc.constant('TUN'), type: fc.constant('ipip') }, PLAIN),
  fc.record({ method: fc.constant('TUN'), type: fc.constant('gre'), checksum }, PLAIN),
  fc.record({ method: fc.constant('TUN'), type: fc.constant('gue'), port: u16, checksum }, PLAIN),
);
const destinationKey: fc.Arbitrary<DestinationKey> = fc.record({ address, port: u16 }, PLAIN);
const to: fc.Arbitrary<IpvsDestination> = fc.record(
  {
    forwarding,
    weight: u32,
    upperThreshold: u32,
    lowerThreshold: u32,
  },
  PLAIN,
);

const sync: fc.Arbitrary<SyncDaemon> = fc.record(
  {
    role: fc.constantFrom('master', 'backup'),
    interface: name,
    id: fc.integer({ min: 0, max: 255 }),
    maxlen: fc.integer({ min: 1, max: 0xffff }),
    group: address,
    port: fc.integer({ min: 1, max: 0xffff }),
    ttl: fc.integer({ min: 1, max: 255 }),
  },
  { requiredKeys: ['role', 'interface', 'id'], ...PLAIN },
);

const only = (bytes: Uint8Array): Message => {
  const [message, ...more] = decodeMessages(bytes);
  assert.ok(message !== undefined && more.length === 0);
  return message;
};
const RUNS = { numRuns: 2000 };

test('a service reads back as it was ordered', () => {
  fc.assert(
    fc.property(
      key.chain((of) => fc.tuple(fc.constant(of), service(of))),
      fc.constantFrom('addService', 'editService'),
      ([of, wanted], type) => {
        const read = decodeService(
          only(encodeOrder(30, { type, key: of, service: wanted }, 1, true)),
        );
        assert.deepEqual({ key: read?.key, service: read?.service }, { key: of, service: wanted });
      },
    ),
    RUNS,
  );
});

test('a destination reads back as it was ordered, whatever the family of its service', () => {
  fc.assert(
    fc.property(key, destinationKey, to, width, (of, destination, wanted, other) => {
      const order = { type: 'addDestination', key: of, destination, to: wanted } as const;
      const read = decodeDestination(only(encodeOrder(30, order, 1, true)), other === 4 ? 4 : 6);
      assert.deepEqual(
        { destination: read?.destination, to: read?.to },
        { destination, to: wanted },
      );
    }),
    RUNS,
  );
});

test('several orders in one buffer stay apart, each with its sequence', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, destinationKey), { maxLength: 20 }), (orders) => {
      const bytes = Buffer.concat(
        orders.map(([of, destination], i) =>
          encodeOrder(30, { type: 'removeDestination', key: of, destination }, 100 + i, false),
        ),
      );
      assert.equal(decodeMessages(bytes).length, orders.length);
      let offset = 0;
      for (const [i] of orders.entries()) {
        assert.equal(bytes.readUInt32LE(offset + 8), 100 + i);
        offset += bytes.readUInt32LE(offset);
      }
      assert.equal(offset, bytes.length);
    }),
  );
});

test('a sync daemon reads back as it was ordered', () => {
  fc.assert(
    fc.property(sync, (daemon) => {
      assert.deepEqual(
        decodeSync(only(encodeOrder(30, { type: 'startSync', daemon }, 1, true))),
        daemon,
      );
    }),
    RUNS,
  );
});

test('no bytes make reading throw', () => {
  const attribute = fc.record({
    type: fc.integer({ min: 0, max: 20 }),
    bytes: fc.uint8Array({ maxLength: 24 }),
  });
  const inner = fc.array(attribute, { maxLength: 16 }).map(encodeAttributes);
  const attributes = fc
    .array(fc.record({ type: fc.integer({ min: 0, max: 4 }), bytes: inner }), { maxLength: 3 })
    .map(encodeAttributes);
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    attributes.map((bytes) => Uint8Array.from([1, 1, 0, 0, ...bytes])),
  );
  fc.assert(
    fc.property(body, (bytes) => {
      const message: Message = { type: 30, body: bytes };
      decodeService(message);
      decodeDestination(message, 4);
      decodeDestination(message, 6);
      decodeSync(message);
      decodeFamily(message);
    }),
    { numRuns: 10_000 },
  );
});
