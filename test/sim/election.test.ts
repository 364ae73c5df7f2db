// Random histories of failures: whatever happened, the segment comes to rest with one master, the right one,
// and on the way nobody took over early, two masters that hear each other do not last, and nothing is said after
// silence. Each of these is worth something only because a mutant breaks it: see the end of the file.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { internetChecksum } from '../../src/lib/checksum.ts';
import { type Duration, type Instant, micros, millis, scale, seconds } from '../../src/lib/time.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { adverts } from '../../src/vrrp/member.ts';
import { step } from '../../src/vrrp/router.ts';
import { instance, ip } from './config.ts';
import { type Mutation, Segment, type StepFunction } from './segment.ts';

const KINDS = [
  'start',
  'stop',
  'kill',
  'revive',
  'linkDown',
  'linkUp',
  'block',
  'freeze',
  'cut',
  'heal',
  'reload',
  'addresses',
] as const;

interface Happening {
  /** In advert intervals. */
  readonly at: number;
  readonly who: number;
  readonly what: (typeof KINDS)[number];
  /** How long a block or a freeze lasts, in advert intervals; otherwise whatever is needed. */
  readonly amount: number;
}

interface Plan {
  readonly seed: number;
  readonly priorities: readonly number[];
  readonly version: 2 | 3;
  readonly interval: Duration;
  readonly nopreempt: boolean;
  /** Thousandths. */
  readonly loss: number;
  readonly latency: number;
  readonly happenings: readonly Happening[];
}

const plans = (unique: boolean): fc.Arbitrary<Plan> => {
  const priority = fc.integer({ min: 1, max: 254 });
  const limits = { minLength: 2, maxLength: 4 };
  return fc.record({
    seed: fc.nat(),
    priorities: unique
      ? fc.uniqueArray(priority, limits)
      : fc.array(fc.constantFrom(100, 200), limits),
    version: fc.constantFrom(2, 3),
    interval: fc.constantFrom(seconds(1), millis(100)),
    nopreempt: unique ? fc.constant(false) : fc.boolean(),
    loss: fc.constantFrom(0, 20, 200),
    latency: fc.integer({ min: 0, max: 30 }),
    happenings: fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 6000 }).map((n) => n / 100),
        who: fc.nat(3),
        what: fc.constantFrom(...KINDS),
        amount: fc.integer({ min: 1, max: 1200 }).map((n) => n / 100),
      }),
      { maxLength: 14 },
    ),
  });
};

const intervals = (plan: Plan, n: number): Duration =>
  scale(intervalOf(plan), Math.round(n * 1000), 1000);
// Version 2 knows whole seconds only.
const intervalOf = ({ version, interval }: Plan): Duration =>
  version === 2 ? seconds(1) : interval;

function build(plan: Plan, mutation: Mutation): Segment {
  const routers = plan.priorities.map((priority) =>
    instance({
      priority,
      version: plan.version,
      advert_int: intervalOf(plan),
      nopreempt: plan.nopreempt,
      garp_master_delay: seconds(0),
    }),
  );
  const latency = scale(intervalOf(plan), plan.latency, 1000);
  return new Segment(routers, { seed: plan.seed, latency, mutation });
}

function happen(segment: Segment, plan: Plan, { who, what, amount }: Happening): void {
  const current = segment.routers[who]?.instance;
  if (current === undefined) return;
  switch (what) {
    case 'start':
    case 'stop':
    case 'kill':
      segment[what](who);
      break;
    case 'revive':
      segment.setLink(who, true);
      segment.start(who);
      break;
    case 'linkDown':
    case 'linkUp':
      segment.setLink(who, what === 'linkUp');
      break;
    case 'block':
      segment.block(who);
      segment.at(intervals(plan, amount), () => segment.unblock(who));
      break;
    case 'freeze':
      segment.freeze(who);
      segment.at(intervals(plan, amount), () => segment.thaw(who));
      break;
    case 'cut':
      segment.setSide(who, Math.ceil(amount) % 3);
      break;
    case 'heal':
      segment.setSide(who, 0);
      break;
    case 'reload':
      segment.reload(who, { ...current });
      break;
    case 'addresses':
      segment.reload(who, {
        ...current,
        virtual_ipaddress: VIPS.slice(0, (Math.ceil(amount) % 3) + 1),
      });
  }
}

const VIPS = ['10.0.0.100', '10.0.0.101', '10.0.0.102'].map((text) => ({
  address: ip(text),
  prefix: 24,
  scope: 0,
}));

/** The longest Master_Down_Interval anybody can have, and an interval in which the last one to take over is heard. */
const longest = (plan: Plan): number =>
  5 * intervalOf(plan) + (plan.version === 2 ? seconds(1) : 0);

function assertNoLastingDuplicate(segment: Segment, plan: Plan): void {
  if (segment.routers.some(({ frozen, blocked }) => frozen || blocked)) segment.disturb();
  if (segment.now - segment.calm <= longest(plan)) return;
  const masters = segment.masters();
  for (const a of masters)
    for (const b of masters)
      assert.ok(
        a >= b || !segment.reaches(a, b),
        `r${a} and r${b} are both master\n${segment.trace.slice(-30).join('\n')}`,
      );
}

function live(plan: Plan, mutation: Mutation = {}): Segment {
  const segment = build(plan, mutation);
  const watch = () => assertNoLastingDuplicate(segment, plan);
  for (const position of plan.priorities.keys()) segment.start(position);
  segment.loss = plan.loss / 1000;
  for (const each of plan.happenings)
    segment.at(intervals(plan, each.at), () => happen(segment, plan, each));
  segment.run(intervals(plan, 73), watch);
  segment.loss = 0;
  for (const position of plan.priorities.keys()) segment.setSide(position, 0);
  segment.run(intervals(plan, 25), watch);
  return segment;
}

function assertRested(segment: Segment, plan: Plan): void {
  const able = segment.routers
    .filter(({ alive, up }) => alive && up)
    .map(({ position }) => position);
  const masters = segment.masters();
  const story = () => `${JSON.stringify(plan)}\n${segment.trace.join('\n')}`;
  if (able.length === 0) assert.deepEqual(masters, [], story());
  else assert.equal(masters.length, 1, story());
  const unique = new Set(plan.priorities).size === plan.priorities.length && !plan.nopreempt;
  if (!unique || able.length === 0) return;
  const best = able.reduce((a, b) =>
    (plan.priorities[a] as number) > (plan.priorities[b] as number) ? a : b,
  );
  assert.deepEqual(masters, [best], story());
}

const history = (unique: boolean, mutation: Mutation = {}) =>
  fc.property(plans(unique), (plan) => assertRested(live(plan, mutation), plan));

test('after any history the best live router is the only master', () => {
  fc.assert(history(true), { numRuns: 1500, seed: 1 });
});

test('with equal priorities or nopreempt there is exactly one master', () => {
  fc.assert(history(false), { numRuns: 1000, seed: 2 });
});

test('the same history twice is the same history', () => {
  fc.assert(
    fc.property(plans(true), (plan) => assert.deepEqual(live(plan).trace, live(plan).trace)),
    { numRuns: 20, seed: 3 },
  );
});

// Takeovers in a segment where nothing else goes wrong: as soon as the protocol allows

interface Takeover {
  readonly version: 2 | 3;
  readonly interval: Duration;
  readonly priorities: readonly number[];
  readonly how: 'kill' | 'stop' | 'linkDown';
  readonly when: number;
}

const takeovers: fc.Arbitrary<Takeover> = fc.record({
  version: fc.constantFrom(2, 3),
  interval: fc.constantFrom(seconds(1), millis(100), millis(10)),
  priorities: fc
    .uniqueArray(fc.integer({ min: 1, max: 25 }), { minLength: 2, maxLength: 4 })
    .map((list) => list.map((n) => n * 10)),
  how: fc.constantFrom('kill', 'stop', 'linkDown'),
  when: fc.integer({ min: 0, max: 999 }),
});

/** Microseconds from the end of the old master to the start of the new one, and what the RFC says at most. */
function takeOver(plan: Takeover, mutation: Mutation = {}): void {
  const interval = plan.version === 2 ? seconds(1) : plan.interval;
  const latency = micros(10);
  const routers = plan.priorities.map((priority) =>
    instance({ priority, version: plan.version, advert_int: interval }),
  );
  const segment = new Segment(routers, { seed: 1, latency, mutation });
  for (const position of routers.keys()) segment.start(position);
  segment.run(scale(interval, 20));
  const ranking = [...routers.keys()].sort(
    (a, b) => (routers[b]?.priority ?? 0) - (routers[a]?.priority ?? 0),
  );
  const [first = 0, second = 0] = ranking;
  assert.deepEqual(segment.masters(), [first]);
  segment.run(scale(interval, plan.when, 1000));
  const began = segment.now;
  const before = segment.trace.length;
  if (plan.how === 'linkDown') segment.setLink(first, false);
  else segment[plan.how](first);
  segment.run(scale(interval, 20));
  const changes = segment.trace.slice(before).filter((line) => line.endsWith('backup>master'));
  assert.equal(changes.length, 1, `${JSON.stringify(plan)}\n${segment.trace.join('\n')}`);
  assert.deepEqual(segment.masters(), [second]);
  const took = Number(changes[0]?.split(' ')[0]) * 1e6 - began;
  const unit = plan.version === 2 ? 1e6 : interval;
  const skew = ((256 - (routers[second]?.priority ?? 0)) / 256) * unit;
  const most = plan.how === 'stop' ? skew : 3 * interval + skew;
  assert.ok(took <= most + latency + 2, `${took} us, ${most} allowed\n${segment.trace.join('\n')}`);
}

const promptly = (mutation: Mutation = {}) =>
  fc.property(takeovers, (plan) => takeOver(plan, mutation));

test('one router takes over, the best one, when the protocol says, and a farewell saves the wait', () => {
  fc.assert(promptly(), { numRuns: 500, seed: 4 });
});

test('a loop that is blocked for a while neither takes over falsely nor misses an advert', () => {
  const plan: Plan = {
    seed: 1,
    priorities: [100, 200],
    version: 3,
    interval: millis(10),
    nopreempt: false,
    loss: 0,
    latency: 10,
    happenings: Array.from({ length: 10 }, (_, i) => ({
      at: 5 + 6 * i,
      who: i % 2,
      what: 'block',
      amount: 5,
    })),
  };
  const segment = live(plan);
  assert.deepEqual(
    segment.trace.filter((line) => line.endsWith('>master')).length,
    1,
    segment.trace.join('\n'),
  );
});

test('a frozen master yields to the one that replaced it, without a word, or takes the role back', () => {
  for (const [mine, other] of [
    [100, 200],
    [200, 100],
  ] as const) {
    const routers = [mine, other].map((priority) => instance({ priority }));
    const segment = new Segment(routers, { seed: 1, latency: millis(1) });
    segment.start(0);
    segment.run(seconds(10));
    assert.deepEqual(segment.masters(), [0]);
    segment.freeze(0);
    segment.start(1);
    segment.run(seconds(8));
    segment.thaw(0);
    segment.run(seconds(2));
    assert.deepEqual(segment.masters(), [mine > other ? 0 : 1], segment.trace.join('\n'));
  }
});

// Mutants

const stepWith =
  (change: (event: VrrpEvent) => VrrpEvent | undefined): StepFunction =>
  (state, event, now) => {
    const changed = change(event);
    return changed === undefined ? { state, actions: [] } : step(state, changed, now);
  };

/** Timers of backups are changed whenever they are set. */
const withTimers =
  (change: (down: Instant, config: VrrpInstance, interval: Duration) => number): StepFunction =>
  (state, event, now) => {
    const result = step(state, event, now);
    const members = result.state.members.map((member, i) => {
      const old = state.members[i]?.state;
      const { state: next, config } = member;
      if (
        next.name !== 'backup' ||
        (old?.name === 'backup' && old.masterDownAt === next.masterDownAt)
      )
        return member;
      const masterDownAt = change(next.masterDownAt, config, next.masterInterval) as Instant;
      return { ...member, state: { ...next, masterDownAt } };
    });
    return { ...result, state: { ...result.state, members } };
  };

const skewOf = ({ version, priority }: VrrpInstance, interval: number): number =>
  ((256 - priority) / 256) * (version === 2 ? 1e6 : interval);

/** The same advert with other bytes, and a checksum that says they are right. */
function rewritten(event: VrrpEvent, change: (vrrp: Uint8Array) => void): VrrpEvent {
  if (event.type !== 'packet') return event;
  const bytes = event.packet.bytes.slice();
  const vrrp = bytes.subarray(20);
  change(vrrp);
  vrrp.fill(0, 6, 8);
  const version = (vrrp[0] ?? 0) >> 4;
  const pseudo = Uint8Array.of(...bytes.subarray(12, 20), 0, 112, 0, vrrp.length);
  const sum = version === 2 ? internetChecksum(vrrp) : internetChecksum(pseudo, vrrp);
  vrrp.set([sum >> 8, sum & 0xff], 6);
  return { ...event, packet: { ...event.packet, bytes } };
}

const interval = (multiply: number) => (event: VrrpEvent) =>
  rewritten(event, (vrrp) => {
    if ((vrrp[0] ?? 0) >> 4 !== 3) return;
    const centis = Math.min(0xfff, Math.ceil((((vrrp[4] ?? 0) << 8) | (vrrp[5] ?? 0)) * multiply));
    vrrp.set([centis >> 8, centis & 0xff], 4);
  });

/** Whoever should win a tie loses it: an equal priority is seen as one more or one less. */
const invertedTie: StepFunction = (state, event, now) => {
  const [member] = state.members;
  if (event.type !== 'packet' || member?.state.name !== 'master') return step(state, event, now);
  if (event.packet.bytes[22] !== member.config.priority) return step(state, event, now);
  const real = step(state, event, now);
  const stayed = real.state.members[0]?.state.name === 'master';
  const priority = member.config.priority + (stayed ? 1 : -1);
  const [sent] = adverts(member.config, event.packet.source, priority);
  return step(
    state,
    { ...event, packet: { ...event.packet, bytes: sent?.bytes ?? event.packet.bytes } },
    now,
  );
};

const without =
  (type: string): StepFunction =>
  (state, event, now) => {
    const { actions, ...rest } = step(state, event, now);
    return { ...rest, actions: actions.filter((action) => action.type !== type) };
  };

const mutants: readonly {
  readonly what: string;
  readonly mutation: Mutation;
  readonly breaks: (mutation: Mutation) => fc.IProperty<[Plan]> | fc.IProperty<[Takeover]>;
}[] = [
  {
    what: 'skew cut to whole seconds',
    mutation: {
      step: withTimers((down, config, master) => down - (skewOf(config, master) % 1e6)),
    },
    breaks: (mutation) => history(true, mutation),
  },
  {
    what: 'skew left out',
    mutation: { step: withTimers((down, config, master) => down - skewOf(config, master)) },
    breaks: promptly,
  },
  {
    what: 'skew upside down',
    mutation: {
      step: withTimers(
        (down, config, master) =>
          down -
          skewOf(config, master) +
          skewOf({ ...config, priority: 256 - config.priority }, master),
      ),
    },
    breaks: promptly,
  },
  { what: 'tie-break inverted', mutation: { step: invertedTie }, breaks: tied },
  {
    what: 'priority 0 ignored',
    mutation: {
      step: stepWith((event) =>
        event.type === 'packet' && event.packet.bytes[22] === 0 ? undefined : event,
      ),
    },
    breaks: promptly,
  },
  {
    what: 'centiseconds read as milliseconds',
    mutation: { step: stepWith(interval(0.1)) },
    breaks: (mutation) => history(true, mutation),
  },
  {
    what: 'centiseconds read as deciseconds',
    mutation: { step: stepWith(interval(10)) },
    breaks: promptly,
  },
  {
    what: 'alarms stepped with the time of processing',
    mutation: { stepsNow: true },
    breaks: (mutation) => history(true, mutation),
  },
  {
    what: 'silence not performed',
    mutation: { step: without('silence') },
    breaks: (mutation) => history(true, mutation),
  },
  {
    what: 'addresses not removed',
    mutation: { step: without('removeAddresses') },
    breaks: (mutation) => history(true, mutation),
  },
  {
    what: 'a stalled schedule never resumed',
    mutation: { step: stepWith((event) => (event.type === 'stalled' ? undefined : event)) },
    breaks: (mutation) => history(true, mutation),
  },
  {
    what: 'higher priorities not obeyed',
    mutation: {
      step: stepWith((event) =>
        rewritten(event, (vrrp) => vrrp.fill(Math.min(1, vrrp[2] ?? 0), 2, 3)),
      ),
    },
    breaks: (mutation) => history(true, mutation),
  },
];

// RFC 9568 6.4.3: of two masters with equal priority the one with the higher address stays.
function tied(mutation: Mutation) {
  return fc.property(plans(false), (plan) => {
    const routers = plan.priorities.map(() => instance({ priority: 100 }));
    const segment = new Segment(routers, { seed: plan.seed, latency: millis(1), mutation });
    for (const position of routers.keys()) segment.setSide(position, position);
    for (const position of routers.keys()) segment.start(position);
    segment.run(seconds(10));
    assert.equal(segment.masters().length, routers.length);
    for (const position of routers.keys()) segment.setSide(position, 0);
    segment.run(seconds(10));
    assert.deepEqual(segment.masters(), [routers.length - 1]);
  }) as fc.IProperty<[Plan]>;
}

test('of masters with equal priorities the highest address stays', () => {
  fc.assert(tied({}), { numRuns: 50, seed: 5 });
});

for (const { what, mutation, breaks } of mutants)
  test(`the simulator notices: ${what}`, () => {
    assert.throws(() =>
      fc.assert(breaks(mutation) as fc.IProperty<[Plan]>, {
        numRuns: 500,
        seed: 6,
        endOnFailure: true,
      }),
    );
  });
