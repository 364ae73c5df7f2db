// Takeovers in a segment where nothing else goes wrong: as soon as the protocol allows, and not sooner.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Duration, micros, millis, scale, seconds } from '../../src/lib/time.ts';
import { instance } from './config.ts';
import type { Mutation } from './mutation.ts';
import { Segment } from './segment.ts';

interface Takeover {
  readonly version: 2 | 3;
  readonly interval: Duration;
  readonly priorities: readonly number[];
  readonly how: 'cutPower' | 'stop' | 'linkDown';
  readonly when: number;
}

const takeovers: fc.Arbitrary<Takeover> = fc.record({
  version: fc.constantFrom(2, 3),
  interval: fc.constantFrom(seconds(1), millis(100), millis(10)),
  priorities: fc
    .uniqueArray(fc.integer({ min: 1, max: 25 }), { minLength: 2, maxLength: 4 })
    .map((list) => list.map((n) => n * 10)),
  how: fc.constantFrom('cutPower', 'stop', 'linkDown'),
  when: fc.integer({ min: 0, max: 999 }),
});

function takeOver(plan: Takeover, mutation: Mutation): void {
  const interval = plan.version === 2 ? seconds(1) : plan.interval;
  const latency = micros(10);
  const routers = plan.priorities.map((priority) => [
    instance({ priority, version: plan.version, advert_int: interval }),
  ]);
  const segment = new Segment(routers, { seed: 1, latency, mutation });
  const { watch } = segment;
  for (const position of routers.keys()) segment.start(position);
  segment.run(Math.max(scale(interval, 20), seconds(1)) as Duration);
  const ranking = [...routers.keys()].sort(
    (a, b) => (plan.priorities[b] ?? 0) - (plan.priorities[a] ?? 0),
  );
  const [first = 0, second = 0] = ranking;
  assert.deepEqual(segment.masters(), [first]);
  segment.run(scale(interval, plan.when, 1000));
  const began = segment.now;
  const before = watch.trace.length;
  if (plan.how === 'linkDown') segment.setLink(first, false);
  else segment[plan.how](first);
  segment.run(scale(interval, 20));
  const changes = watch.trace.slice(before).filter((line) => line.endsWith('backup>master'));
  assert.equal(changes.length, 1, `${JSON.stringify(plan)}\n${watch.story()}`);
  assert.deepEqual(segment.masters(), [second]);
  const took = Number(changes[0]?.split(' ')[0]) * 1e6 - began;
  const unit = plan.version === 2 ? 1e6 : interval;
  const skew = ((256 - (plan.priorities[second] ?? 0)) / 256) * unit;
  // It is asked to stop, and says goodbye when JavaScript has turned.
  const most = plan.how === 'stop' ? skew + 600 : 3 * interval + skew;
  // Its last advert may have left a little late.
  assert.ok(took <= most + latency + 52, `${took} us, ${most} allowed\n${watch.story()}`);
}

export const promptly = (mutation: Mutation = {}): fc.IProperty<[Takeover]> =>
  fc.property(takeovers, (plan) => takeOver(plan, mutation)) as never;

/** RFC 9568 6.4.3: of two masters with equal priority the one with the higher address stays. */
export const tied = (mutation: Mutation = {}): fc.IProperty<[number]> =>
  fc.property(fc.nat(), (seed) => {
    const routers = Array.from({ length: 2 + (seed % 3) }, () => [instance({ priority: 100 })]);
    const segment = new Segment(routers, { seed, latency: millis(1), mutation });
    for (const position of routers.keys()) segment.setSide(position, position);
    for (const position of routers.keys()) segment.start(position);
    segment.run(seconds(10));
    assert.equal(segment.masters().length, routers.length);
    for (const position of routers.keys()) segment.setSide(position, 0);
    segment.run(seconds(10));
    assert.deepEqual(segment.masters(), [routers.length - 1]);
  }) as never;
