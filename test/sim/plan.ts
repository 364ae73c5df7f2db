// Random histories: who is on the segment, and what happens to them when. Ends with everything healed, and time to rest.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Duration, micros, millis, scale, seconds } from '../../src/lib/time.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { instance, ip } from './config.ts';
import type { Mutation } from './mutation.ts';
import { Segment } from './segment.ts';

/** With what nobody else may notice, and what is the daemon's to repair. */
const KINDS = [
  'start',
  'stop',
  'cutPower',
  'revive',
  'linkDown',
  'linkUp',
  'block',
  'freeze',
  'cut',
  'heal',
  'reload',
  'addresses',
  'killChild',
  'doom',
  'killParent',
  'killAll',
  'haltChild',
  'removeAddress',
  'stepClock',
] as const;

type Kind = (typeof KINDS)[number];

interface Happening {
  /** In advert intervals. */
  readonly at: number;
  readonly who: number;
  readonly what: Kind;
  /** How long a block or a freeze lasts, in advert intervals; otherwise whatever is needed. */
  readonly amount: number;
}

export interface Plan {
  readonly seed: number;
  readonly priorities: readonly number[];
  readonly version: 2 | 3;
  readonly interval: Duration;
  readonly nopreempt: boolean;
  /** A second virtual router on each machine, with the priorities the other way round. */
  readonly two: boolean;
  /** How much slower it is. */
  readonly slower: 1 | 3;
  /** Thousandths. */
  readonly loss: number;
  readonly latency: number;
  readonly happenings: readonly Happening[];
  /**
   * With authentication headers, in version 2 and where everybody hears everybody: one counter serves all senders, so who has not
   * heard the other of two masters is not heard for a while.
   */
  readonly sealed: boolean;
}

export const plans = (unique: boolean): fc.Arbitrary<Plan> => {
  const priority = fc.integer({ min: 1, max: 254 });
  const limits = { minLength: 2, maxLength: 4 };
  return fc.record({
    seed: fc.nat(),
    priorities: unique
      ? fc.uniqueArray(priority, limits)
      : fc.array(fc.constantFrom(100, 200), limits),
    version: fc.constantFrom(2, 3),
    interval: fc.constantFrom(seconds(1), millis(100), millis(100), millis(10)),
    nopreempt: unique ? fc.constant(false) : fc.boolean(),
    two: fc.boolean(),
    slower: fc.constantFrom(1, 3),
    loss: fc.constantFrom(0, 0, 20, 200),
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
    // Last, so that the histories of a seed stay what they were.
    sealed: fc.boolean(),
  });
};

const intervals = (plan: Plan, n: number): Duration =>
  scale(intervalOf(plan), Math.round(n * 1000), 1000);
// Version 2 knows whole seconds only.
const intervalOf = ({ version, interval }: Plan): Duration =>
  version === 2 ? seconds(1) : interval;

const virtual = (vrid: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    address: ip(`10.0.0.${vrid * 4 - 104 + i}`),
    prefix: 24,
    scope: 0,
  }));

function build(plan: Plan, mutation: Mutation): Segment {
  const { priorities, version, nopreempt, two, slower, seed, sealed } = plan;
  const router = (vrid: number, priority: number): VrrpInstance =>
    instance({
      name: `VI_${vrid}`,
      virtual_router_id: vrid,
      virtual_ipaddress: virtual(vrid, 1),
      priority,
      version,
      advert_int: scale(intervalOf(plan), vrid === 52 ? slower : 1),
      nopreempt,
      garp_master_delay: seconds(0),
      garp_lower_prio_delay: seconds(0),
      ...(sealed && version === 2 && isHeard(plan)
        ? { authentication: { auth_type: 'AH', auth_pass: 'secret' } as const }
        : {}),
    });
  const routers = priorities.map((priority, i) => {
    const other = priorities[priorities.length - 1 - i] ?? 0;
    return two ? [router(51, priority), router(52, other)] : [router(51, priority)];
  });
  const latency = scale(intervalOf(plan), plan.latency, 1000);
  return new Segment(routers, { seed, latency, mutation });
}

function happen(segment: Segment, plan: Plan, { who, what, amount }: Happening): void {
  const machine = segment.machines[who];
  if (machine === undefined) return;
  switch (what) {
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
      segment.reload(
        who,
        machine.instances.map((each) => ({ ...each })),
      );
      break;
    case 'addresses':
      segment.reload(
        who,
        machine.instances.map((each) => ({
          ...each,
          virtual_ipaddress: virtual(each.virtual_router_id, (Math.ceil(amount) % 3) + 1),
        })),
      );
      break;
    case 'doom':
      segment.doom(who, Math.floor(amount));
      break;
    case 'removeAddress':
      segment.removeAddress(who, Math.floor(amount * 100));
      break;
    case 'stepClock':
      // Up to a minute, either way.
      segment.stepClock(who, micros((amount - 6) * 1e7));
      break;
    default:
      segment[what](who);
  }
}

/** What is invariant is looked at after every step of it. */
export function live(plan: Plan, mutation: Mutation = {}): Segment {
  const segment = build(plan, mutation);
  for (const position of plan.priorities.keys()) segment.start(position);
  segment.loss = plan.loss / 1000;
  for (const each of plan.happenings)
    segment.at(intervals(plan, each.at), () => happen(segment, plan, each));
  segment.run(intervals(plan, 73));
  segment.loss = 0;
  for (const position of plan.priorities.keys()) segment.setSide(position, 0);
  // A child that died twice comes back after a second.
  segment.run(Math.max(intervals(plan, 25), seconds(2)) as Duration);
  return segment;
}

/** Nothing of it leaves an announcement behind that nobody corrects. */
const isHeard = ({ loss, happenings }: Plan): boolean =>
  loss === 0 && happenings.every(({ what }) => what !== 'cut');

function assertRested(segment: Segment, plan: Plan): void {
  const able = segment.machines
    .filter((each) => segment.able(each) && each.daemon?.alive)
    .map(({ position }) => position);
  const story = () => `${JSON.stringify(plan)}\n${segment.watch.story()}`;
  for (const [vrid, priorities] of [
    [51, plan.priorities],
    [52, plan.priorities.toReversed()],
  ] as const) {
    if (vrid === 52 && !plan.two) continue;
    const masters = segment.masters(vrid);
    if (able.length === 0) {
      assert.deepEqual(masters, [], story());
      continue;
    }
    assert.equal(masters.length, 1, story());
    const unique = new Set(priorities).size === priorities.length && !plan.nopreempt;
    if (!unique) continue;
    const best = able.reduce((a, b) => ((priorities[a] ?? 0) > (priorities[b] ?? 0) ? a : b));
    assert.deepEqual(masters, [best], story());
  }
  if (isHeard(plan)) segment.watch.expectAnnounced();
}

/** A history in which nothing else happens than what is told here. */
const told = (plan: Partial<Plan>): Plan => ({
  seed: 12,
  priorities: [100, 100],
  version: 2,
  interval: seconds(1),
  nopreempt: false,
  two: false,
  slower: 1,
  loss: 0,
  latency: 4,
  happenings: [],
  sealed: true,
  ...plan,
});

/** Under authentication headers: who begins a schedule in the past, because it was frozen, is believed all the same. */
export const joinedLate = (mutation: Mutation): fc.IProperty<[Plan]> =>
  fc.property(
    fc.constant(
      told({
        priorities: [5, 148, 77, 126],
        happenings: [
          { at: 12.57, who: 1, what: 'killAll', amount: 11.75 },
          { at: 13.06, who: 3, what: 'freeze', amount: 8.03 },
        ],
      }),
    ),
    (plan) => assertRested(live(plan, mutation), plan),
  ) as never;

export const history = (unique: boolean, mutation: Mutation = {}): fc.IProperty<[Plan]> =>
  fc.property(plans(unique), (plan) => assertRested(live(plan, mutation), plan)) as never;
