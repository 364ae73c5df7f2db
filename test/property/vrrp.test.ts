// Codecs round-trip, decoders are total, and so is the router: no history of events, however senseless, makes it
// throw, change what it was given, or hold something it has no right to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Ip, ipFromBytes } from '../../src/lib/ip.ts';
import type { LinkAddress } from '../../src/lib/link.ts';
import { centis, type Instant, micros, seconds } from '../../src/lib/time.ts';
import type { VrrpAction } from '../../src/vrrp/action.ts';
import { journalOf } from '../../src/vrrp/addresses.ts';
import type { Inheritance, ReceivedPacket, VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { decodeAdvert, encodeAdvert, type Outgoing, vridOf } from '../../src/vrrp/packet.ts';
import { createRouter, nextDeadline, type RouterState, step } from '../../src/vrrp/router.ts';
import { adverts } from '../../src/vrrp/speech.ts';
import { roleOf } from '../../src/vrrp/start.ts';
import { config, instance, ip } from '../sim/config.ts';
import { link } from '../sim/host.ts';

const address = (length: 4 | 16) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(ipFromBytes);

const outgoing: fc.Arbitrary<Outgoing> = fc
  .constantFrom([2, 4] as const, [3, 4] as const, [3, 16] as const)
  .chain(([version, width]) =>
    fc.record({
      version: fc.constant(version),
      source: address(width),
      destination: address(width),
      ttl: fc.integer({ min: 0, max: 255 }),
      vrid: fc.integer({ min: 0, max: 255 }),
      priority: fc.integer({ min: 0, max: 255 }),
      interval:
        version === 2
          ? fc.integer({ min: 0, max: 255 }).map(seconds)
          : fc.integer({ min: 0, max: 4095 }).map(centis),
      addresses: fc.array(address(width), { maxLength: 40 }),
      authType: fc.constantFrom(0, 1, 2),
      password: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    }),
  );

const packet = (advert: Outgoing, bytes: Uint8Array): ReceivedPacket => ({
  source: advert.source,
  destination: advert.destination,
  hopLimit: advert.ttl,
  interface: 2,
  bytes,
});

test('decoding what was encoded gives it back', () => {
  fc.assert(
    fc.property(outgoing, (advert) => {
      const decoded = decodeAdvert(packet(advert, encodeAdvert(advert)));
      assert.ok(decoded.ok, JSON.stringify(decoded));
      const { ttl, password, authType, ...rest } = advert;
      const two = advert.version === 2;
      assert.deepEqual(decoded.value, {
        ...rest,
        hopLimit: ttl,
        authType: two ? authType : 0,
        password: two ? password : new Uint8Array(0),
      });
    }),
  );
});

test('any bytes give an advert or a reason', () => {
  fc.assert(
    fc.property(outgoing, fc.uint8Array({ maxLength: 100 }), (advert, bytes) => {
      const received = packet(advert, bytes);
      vridOf(received);
      const decoded = decodeAdvert(received);
      assert.ok(decoded.ok || decoded.error.text.length > 0);
    }),
    { numRuns: 2000 },
  );
});

test('a single wrong bit in an advert never goes unnoticed', () => {
  fc.assert(
    fc.property(outgoing, fc.nat(), (advert, bit) => {
      const bytes = encodeAdvert(advert);
      const from = advert.source.includes(':') ? 0 : 20;
      const at = from + (Math.floor(bit / 8) % (bytes.length - from));
      bytes.fill((bytes[at] ?? 0) ^ (1 << (bit % 8)), at, at + 1);
      assert.equal(decodeAdvert(packet(advert, bytes)).ok, false);
    }),
  );
});

// The router

const choices: readonly VrrpInstance[] = [
  instance({ name: 'A' }),
  instance({ name: 'A', priority: 255 }),
  instance({ name: 'A', virtual_router_id: 52, nopreempt: true, preempt_delay: seconds(2) }),
  instance({
    name: 'B',
    virtual_router_id: 60,
    version: 3,
    advert_int: micros(300_000),
    garp_interval: micros(7000),
    garp_master_refresh: seconds(1),
    virtual_ipaddress: ['10.0.0.1', '10.0.0.2'].map((text) => ({
      address: ip(text),
      prefix: 32,
      scope: 0,
      dev: 'eth1',
    })),
  }),
  instance({
    name: 'C',
    family: 6,
    version: 3,
    virtual_router_id: 61,
    mcast_dst_ip: ip('ff02::12'),
    virtual_ipaddress: [{ address: ip('fe80::100'), prefix: 128, scope: 0 }],
  }),
  instance({
    name: 'D',
    virtual_router_id: 62,
    unicast_peer: [{ address: ip('10.0.0.9') }],
    check_unicast_src: true,
  }),
];

const configs = fc.subarray([...choices], { minLength: 0 }).map((list) => {
  const unique = new Map(list.map((each) => [each.name, each]));
  return config(...unique.values());
});
const links = fc.record({
  index: fc.integer({ min: 2, max: 4 }),
  name: fc.constantFrom('eth0', 'eth1', 'other'),
  up: fc.boolean(),
  running: fc.boolean(),
});
const someLink = links.map(({ index, name, ...rest }) => link(index, name, rest));
const someAddress: fc.Arbitrary<LinkAddress> = fc.record({
  index: fc.integer({ min: 2, max: 4 }),
  address: fc.constantFrom(
    ...(['10.0.0.5', '10.0.0.100', '10.0.0.1', 'fe80::5', 'fe80::100', 'fd00::5'] as Ip[]),
  ),
  prefix: fc.constantFrom(24, 32, 64, 128),
  scope: fc.constantFrom(0, 253),
  secondary: fc.boolean(),
  tentative: fc.boolean(),
});

/** A deliberate nonsense: an order that was given, or never. */
type Draw = { readonly event: VrrpEvent } | { readonly refuse: number; readonly code: string };

const draws: fc.Arbitrary<Draw> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ event: { type: 'deadline' } } as const) },
  {
    weight: 2,
    arbitrary: someLink.map((each) => ({ event: { type: 'link', link: each } }) as const),
  },
  fc.integer({ min: 2, max: 4 }).map((index) => ({ event: { type: 'linkGone', index } }) as const),
  {
    weight: 3,
    arbitrary: someAddress.map((each) => ({ event: { type: 'address', address: each } }) as const),
  },
  {
    weight: 2,
    arbitrary: someAddress.map(
      (each) => ({ event: { type: 'addressGone', address: each } }) as const,
    ),
  },
  fc
    .record({ links: fc.array(someLink, { maxLength: 3 }), addresses: fc.array(someAddress) })
    .map((facts) => ({ event: { type: 'facts', facts } }) as const),
  fc
    .tuple(fc.nat(8), fc.nat(60e6))
    .map(
      ([pace, missed]) =>
        ({ event: { type: 'stalled', pace, missed: missed as Instant } }) as const,
    ),
  configs.map((next) => ({ event: { type: 'reload', config: next } }) as const),
  fc.constant({ event: { type: 'clearStatistics' } } as const),
  {
    weight: 5,
    arbitrary: fc
      .record({
        of: fc.constantFrom(...choices),
        priority: fc.constantFrom(0, 50, 100, 101, 255),
        from: fc.constantFrom('10.0.0.9', '10.0.0.4', 'fe80::9'),
        socket: fc.constantFrom(
          'vrrp 4 2:eth0 224.0.0.18  255',
          'vrrp 6 2:eth0 ff02::12 fe80::5 255',
          'none',
        ),
        broken: fc.boolean(),
      })
      .map(({ of, priority, from, socket, broken }) => {
        const same = from.includes(':') === (of.family === 6);
        const source = ip(same ? from : of.family === 6 ? 'fe80::9' : '10.0.0.9');
        const sent = adverts(of, source, priority)[0] as { to: Ip; bytes: Uint8Array };
        const bytes = broken ? sent.bytes.subarray(3) : sent.bytes;
        return {
          event: {
            type: 'packet',
            socket,
            packet: { source, destination: sent.to, hopLimit: 255, interface: 2, bytes },
          },
        } as const;
      }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      refuse: fc.nat(20),
      code: fc.constantFrom('EEXIST', 'ENODEV', 'EADDRNOTAVAIL', 'EPERM', 'ENETUNREACH'),
    }),
  },
);

const fact = (text: string, prefix: number, scope: number): LinkAddress => ({
  index: 2,
  address: ip(text),
  prefix,
  scope,
  secondary: false,
  tentative: false,
});

const FACTS = {
  links: [link(2, 'eth0'), link(3, 'eth1')],
  addresses: [fact('10.0.0.5', 24, 0), fact('fe80::5', 64, 253)],
};

/** Of any instance, at any time before, whether it is configured or not. */
const inheritances: fc.Arbitrary<Inheritance> = fc.record({
  journal: fc.subarray(journalOf(config(...choices))),
  roles: fc.array(
    fc.record({
      role: fc.constantFrom(...choices.map(roleOf)),
      spokeAt: fc.nat(4e6).map((ago) => -ago as Instant),
    }),
    { maxLength: 3 },
  ),
});
const left = fc.subarray([
  fact('10.0.0.100', 24, 0),
  { ...fact('10.0.0.1', 32, 0), index: 3 },
  fact('fe80::100', 128, 253),
]);

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if (Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const each of Object.values(value)) freeze(each);
}

/** What must hold of every state, and of what was ordered up to it. */
function assertSound(state: RouterState, paces: Set<number>, sockets: Set<string>): void {
  for (const { config: of, state: one, held, speaking, pace } of state.members) {
    const master = one.name === 'master';
    assert.ok(master || held.length === 0, `${of.name} holds addresses as ${one.name}`);
    assert.equal(
      speaking !== undefined,
      paces.has(pace),
      `${of.name}: its schedule is not as ordered`,
    );
    assert.ok(master || speaking === undefined, `${of.name} speaks as ${one.name}`);
  }
  assert.equal(
    [...paces].every((pace) => state.members.some((member) => member.pace === pace)),
    true,
    'a schedule runs for nobody',
  );
  assert.deepEqual(new Set(Object.keys(state.sockets)), sockets);
}

function follow(actions: readonly VrrpAction[], paces: Set<number>, sockets: Set<string>): void {
  for (const action of actions) {
    if (action.type === 'pace') {
      assert.ok(sockets.has(action.socket), 'a schedule on a socket that is not open');
      paces.add(action.pace);
    } else if (action.type === 'replace') assert.ok(paces.has(action.pace), 'nothing to replace');
    else if (action.type === 'silence') paces.delete(action.pace);
    else if (action.type === 'open') sockets.add(action.socket.key);
    else if (action.type === 'close') sockets.delete(action.socket);
    else if (action.type === 'send')
      assert.ok(sockets.has(action.socket), 'sent where nothing is open');
  }
}

test('the router is total, leaves its argument alone, and orders what its state says', () => {
  fc.assert(
    fc.property(
      configs,
      inheritances,
      left,
      fc.array(fc.tuple(draws, fc.nat(3000)), { maxLength: 60 }),
      (start, inheritance, remains, history) => {
        let state = createRouter(start);
        let now = 0 as Instant;
        const paces = new Set<number>();
        const sockets = new Set<string>();
        let ordered: VrrpAction[] = [];
        const take = (event: VrrpEvent): void => {
          freeze(state);
          const result = step(state, event, now);
          follow(result.actions, paces, sockets);
          state = result.state;
          if (result.actions.length > 0) ordered = [...ordered, ...result.actions].slice(-20);
          assertSound(state, paces, sockets);
          const next = nextDeadline(state);
          assert.ok(next === undefined || Number.isFinite(next));
        };
        const facts = { ...FACTS, addresses: [...FACTS.addresses, ...remains] };
        take({ type: 'facts', facts, inheritance });
        for (const [draw, wait] of history) {
          const due = nextDeadline(state);
          now = (
            'event' in draw && draw.event.type === 'deadline' && due !== undefined
              ? Math.max(now, due)
              : now + wait * 1000
          ) as Instant;
          if ('event' in draw) take(draw.event);
          else {
            const action = ordered[draw.refuse];
            if (action !== undefined)
              take({ type: 'refused', action, code: draw.code, message: 'no' });
          }
        }
        take({ type: 'stop' });
        assert.deepEqual([paces.size, sockets.size], [0, 0]);
        for (const { held } of state.members) assert.deepEqual(held, []);
        assert.equal(nextDeadline(state), undefined);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a deadline that is served is over', () => {
  fc.assert(
    fc.property(configs, (start) => {
      let state = step(createRouter(start), { type: 'facts', facts: FACTS }, 0 as Instant).state;
      for (let i = 0; i < 50; i++) {
        const due = nextDeadline(state);
        if (due === undefined) return;
        state = step(state, { type: 'deadline' }, due).state;
        const next = nextDeadline(state);
        assert.ok(next === undefined || next > due, 'it would spin');
      }
    }),
  );
});
