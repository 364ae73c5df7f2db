// One scene for each promise about processes, played at any moment and with any chance; mutants.test.ts plays them with
// something broken.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Duration, micros, millis, seconds } from '../../src/lib/time.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { instance } from './config.ts';
import type { Mutation } from './mutation.ts';
import { Segment } from './segment.ts';

interface Chance {
  readonly seed: number;
  /** A moment within a second, in microseconds. */
  readonly when: number;
  readonly interval: Duration;
}

const chances = fc.record({
  seed: fc.nat(),
  when: fc.nat(999_999),
  interval: fc.constantFrom(millis(100), seconds(1)),
});

type Scene = (mutation: Mutation) => fc.IProperty<[Chance]>;

const scene =
  (play: (chance: Chance, mutation: Mutation) => void): Scene =>
  (mutation) =>
    fc.property(chances, (chance) => play(chance, mutation)) as never;

const router = (priority: number, advert_int: Duration): VrrpInstance =>
  instance({ priority, version: 3, advert_int, garp_master_delay: seconds(0) });

/** r0 is master, r1 its backup, and everybody's spare is warm. */
function pair(
  { seed, when, interval }: Chance,
  mutation: Mutation,
  [mine, theirs]: readonly [number, number] = [254, 254],
): Segment {
  // Of equals the higher address stays: r1. So the other one is not preempted, and may be 254 too.
  const other = { ...router(theirs, interval), nopreempt: true };
  const segment = new Segment([[router(mine, interval)], [other]], {
    seed,
    latency: micros(100),
    ordered: true,
    mutation,
  });
  segment.start(0);
  segment.run(seconds(6));
  segment.start(1);
  segment.run((seconds(6) + when) as Duration);
  assert.deepEqual(segment.masters(), [0]);
  return segment;
}

const VIP = '10.0.0.100';

/** When r0 spoke last before now. */
const spoke = ({ watch }: Segment): number =>
  watch.sent.findLast(({ position }) => position === 0)?.at ?? 0;

const changes = ({ watch }: Segment, from: number): readonly string[] =>
  watch.trace.slice(from).filter((line) => line.endsWith('backup>master'));

/** Plays on, and sees that the address is never away. */
function runHolding(segment: Segment, duration: Duration): void {
  for (let at = 0; at < duration; at += 1_000) {
    segment.run(millis(1));
    assert.ok(segment.kernel(0).holds(VIP), `the address went\n${segment.watch.story()}`);
  }
}

function killed(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  const before = segment.watch.trace.length;
  segment.killChild(0);
  const last = spoke(segment);
  runHolding(segment, millis(200));
  const next = segment.watch.sent.find(({ at, position }) => position === 0 && at > last);
  assert.ok((next?.at ?? Number.POSITIVE_INFINITY) - last < chance.interval + 200_000);
  runHolding(segment, seconds(5));
  assert.deepEqual(changes(segment, before), [], segment.watch.story());
  assert.deepEqual(segment.masters(), [0]);
}

function halted(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  const before = segment.watch.trace.length;
  segment.haltChild(0);
  runHolding(segment, seconds(5));
  assert.deepEqual(changes(segment, before), [], segment.watch.story());
  assert.deepEqual(segment.masters(), [0]);
}

/** Shorter than its credit, however long ago it was renewed: what it hears counts from when it arrived. */
function blocked(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  const before = segment.watch.trace.length;
  for (let round = 0; round < 5; round++) {
    // Two adverts are lost: a takeover is prepared, and the third one comes before it. Less than two intervals, for one may
    // be on its way when the cable is cut.
    segment.setSide(1, 1);
    segment.run((2 * chance.interval - millis(1)) as Duration);
    segment.setSide(1, 0);
    segment.block(1);
    segment.run((seconds(1) + round * 100_000 + chance.when) as Duration);
    segment.unblock(1);
    segment.run((chance.when / 2) as Duration);
  }
  assert.deepEqual(segment.watch.trace.slice(before), [], segment.watch.story());
}

/** Its thread speaks on for 3 s, then it is replaced. */
function hung(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  const before = segment.watch.trace.length;
  segment.block(0);
  runHolding(segment, seconds(10));
  assert.deepEqual(changes(segment, before), [], segment.watch.story());
  assert.deepEqual(segment.masters(), [0]);
  assert.equal(segment.machine(0).daemon?.child?.blocked, false, 'it was replaced');
}

/** What dies twice in a minute gives up its role, and what it held. */
function killedTwice(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  segment.killChild(0);
  segment.run(seconds(2));
  segment.killChild(0);
  segment.run(millis(50));
  assert.deepEqual([...segment.kernel(0).held], [], 'the parent has removed it');
  segment.run(seconds(12));
  assert.deepEqual(segment.masters(), [1], segment.watch.story());
  segment.watch.expectAnnounced();
}

/** The parent was frozen with it: by the time that anyone notices, another one is master. */
function tooLate(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  segment.freeze(0);
  segment.killChild(0);
  segment.run((5 * chance.interval) as Duration);
  assert.deepEqual(segment.masters(), [1]);
  segment.thaw(0);
  segment.run(millis(400));
  assert.equal(segment.kernel(0).holds(VIP), false);
  segment.run(seconds(5));
  assert.deepEqual(segment.masters(), [1], segment.watch.story());
  segment.watch.expectAnnounced();
}

/** Wherever in its takeover it dies: in the end one holds the address, and the segment knows. */
function halfway(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation, [200, 254]);
  segment.doom(1, chance.seed % 5);
  segment.cutPower(0);
  segment.run(seconds(12));
  assert.deepEqual(segment.masters(), [1], segment.watch.story());
  segment.watch.expectAnnounced();
}

function orphaned(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  segment.killParent(0);
  segment.run(millis(10));
  assert.deepEqual([...segment.kernel(0).held], []);
  const last = segment.watch.sent.findLast(({ position }) => position === 0);
  assert.equal(last?.priority, 0);
  assert.deepEqual(segment.masters(), [1], segment.watch.story());
}

function everythingKilled(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  segment.killAll(0);
  segment.run((5 * chance.interval) as Duration);
  assert.deepEqual(segment.masters(), [1]);
  segment.reload(
    0,
    segment.machine(0).instances.map((each) => ({
      ...each,
      virtual_ipaddress: each.virtual_ipaddress.map((entry) => ({
        ...entry,
        address: '10.0.0.200' as typeof entry.address,
      })),
    })),
  );
  segment.start(0);
  segment.run(seconds(1));
  assert.equal(segment.stateOf(0), 'backup');
  assert.deepEqual([...segment.kernel(0).held], [], 'what it had left went first');
}

function frozenAlone(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  segment.cutPower(1);
  segment.freeze(0);
  segment.run(seconds(8));
  const words = segment.watch.announcements;
  segment.thaw(0);
  const thawed = segment.now;
  runHolding(segment, seconds(3));
  const first = segment.watch.sent.find(({ at }) => at >= thawed);
  assert.ok((first?.at ?? Number.POSITIVE_INFINITY) - thawed < 2_000, 'it speaks at once');
  assert.ok(segment.watch.announcements > words, 'and says where it is');
}

/** It reads all that is queued before it says anything, and whoever holds the address in the end says so. */
const frozenBeside = (mine: number, theirs: number, final: number) =>
  scene((chance, mutation) => {
    const segment = pair(chance, mutation, [mine, theirs]);
    segment.freeze(0);
    segment.run(seconds(8));
    segment.thaw(0);
    const thawed = segment.now;
    segment.run((chance.interval - 1000) as Duration);
    const holders = [0, 1].filter((position) => segment.kernel(position).holds(VIP));
    assert.deepEqual(holders, [final], segment.watch.story());
    const mineSent = segment.watch.sent.filter(
      ({ at, position, priority }) => position === 0 && at >= thawed && priority > 0,
    );
    if (final === 1) assert.deepEqual(mineSent, [], 'it yields without a word');
    else assert.ok(mineSent.length <= 3, `${mineSent.length} adverts in one interval`);
    segment.run(seconds(5));
    assert.deepEqual(segment.masters(), [final]);
    segment.watch.expectAnnounced();
  });

/** Pauses of everything that nobody else can notice. */
function hiccups(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  const { announcements, trace } = segment.watch;
  const before = trace.length;
  for (let pause = 0; pause < 5; pause++) {
    // From an advert on two are missed, and nobody misses three.
    const last = spoke(segment);
    while (spoke(segment) === last) segment.run(millis(1));
    segment.freeze(0);
    segment.run((2.2 * chance.interval) as Duration);
    segment.thaw(0);
    segment.run((1.4 * chance.interval + chance.when / 10) as Duration);
  }
  assert.deepEqual(trace.slice(before), []);
  assert.equal(segment.watch.announcements, announcements, 'nobody needs to be told');
}

/** Wherever the clock jumps, and whoever is frozen meanwhile: nobody takes over who would not have. */
function clockSteps(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  const before = segment.watch.trace.length;
  for (let round = 0; round < 6; round++) {
    const by = ((chance.seed >> round) % 2 === 0 ? 1 : -1) * (round + 1) * 1_000_000;
    const pause = Math.round((1.5 + round) * chance.interval);
    // Before, between and after what arrives.
    const early = Math.round((pause * (chance.when % 7)) / 6);
    segment.freeze(1);
    segment.run(early as Duration);
    segment.stepClock(1, by as Duration);
    segment.stepClock(0, -by as Duration);
    segment.run((pause - early) as Duration);
    segment.thaw(1);
    segment.run((2.5 * chance.interval) as Duration);
  }
  assert.deepEqual(segment.watch.trace.slice(before), [], segment.watch.story());
}

function deleted(chance: Chance, mutation: Mutation): void {
  const segment = pair(chance, mutation);
  const before = segment.watch.trace.length;
  segment.removeAddress(0, 0);
  segment.run(millis(50));
  assert.ok(segment.kernel(0).holds(VIP), 'it is back');
  assert.deepEqual(segment.watch.trace.slice(before), []);
}

const DELAY = seconds(3);

/** r1 is master when the better r0, which is to wait before it preempts, has just started; and when that was. */
function waiting({ seed, when, interval }: Chance, mutation: Mutation) {
  const better = { ...router(200, interval), preempt_delay: DELAY };
  const segment = new Segment([[better], [router(100, interval)]], {
    seed,
    latency: micros(100),
    ordered: true,
    mutation,
  });
  segment.start(1);
  segment.run((seconds(6) + when) as Duration);
  assert.deepEqual(segment.masters(), [1]);
  segment.start(0);
  return { segment, from: segment.now };
}

/** When r0 spoke first. */
const spokeFirst = ({ watch }: Segment): number | undefined =>
  watch.sent.find(({ position }) => position === 0)?.at;

/** From the first advert that it hears; then as long as a backup waits, and a second for its start. */
function delayed(chance: Chance, mutation: Mutation): void {
  const { segment, from } = waiting(chance, mutation);
  // That the address moves so late is meant.
  for (let at = 0; at < DELAY + 5 * chance.interval + seconds(1); at += 10_000) {
    segment.watch.disturb();
    segment.run(millis(10));
  }
  const at = spokeFirst(segment) ?? Number.POSITIVE_INFINITY;
  assert.ok(at - from >= DELAY, `it did not wait: ${at - from} us`);
  assert.ok(Number.isFinite(at), 'it waits for ever');
  segment.run(seconds(1));
  assert.deepEqual(segment.masters(), [0]);
}

/** The worse one dies before the time is over: somebody has to be master. */
function needed(chance: Chance, mutation: Mutation): void {
  const { segment } = waiting({ ...chance, interval: millis(100) }, mutation);
  segment.run(millis(1200));
  segment.cutPower(1);
  segment.run(millis(500));
  assert.ok(spokeFirst(segment) !== undefined, 'it does not wait');
}

export const SCENES = {
  'preempt_delay: the better one waits so long': scene(delayed),
  'preempt_delay holds nobody back where there is no master': scene(needed),
  'a child that is killed and adopted is missed by nobody': scene(killed),
  'a child that is stopped is replaced before anybody misses it': scene(halted),
  'a loop that is blocked neither takes over falsely nor forgets what it heard': scene(blocked),
  'a child that hangs speaks on, and is replaced before anybody misses it': scene(hung),
  'killed twice: the parent removes what it held, and the other one is master': scene(killedTwice),
  'killed too late: nobody adopts': scene(tooLate),
  'killed in the middle of a takeover: one holder in the end, and announced': scene(halfway),
  'killed parent: a farewell, and nothing left': scene(orphaned),
  'everything killed: what was left goes before it says BACKUP': scene(everythingKilled),
  'frozen for 8 s alone: it holds, speaks at once and says so': scene(frozenAlone),
  'frozen for 8 s beside a better one: it yields without a word': frozenBeside(150, 200, 1),
  'frozen for 8 s beside a worse one: it asserts itself': frozenBeside(200, 100, 0),
  'pauses that nobody can notice move no schedule and are announced to nobody': scene(hiccups),
  'steps of the wall clock change nothing': scene(clockSteps),
  'an address that is deleted by hand is back within 50 ms': scene(deleted),
} as const satisfies Readonly<Record<string, Scene>>;

export type SceneName = keyof typeof SCENES;
