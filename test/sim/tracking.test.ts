// Random histories of trackers and groups; every mutation must be noticed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withMembers } from './broken.ts';
import { type Blow, play, type TrackingMutation } from './tracking.ts';

const blow: fc.Arbitrary<Blow> = fc.record({
  at: fc.integer({ min: 0, max: 300 }),
  who: fc.nat(2),
  what: fc.constantFrom('network', 'uplink', 'script', 'hang', 'file', 'process'),
  value: fc.nat(100),
});
const histories = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.array(blow, { maxLength: 40 }));

const check = (runs: number, mutation: TrackingMutation = {}): void =>
  fc.assert(
    fc.property(histories, ([machines, blows]) => play(machines, blows, mutation)),
    { numRuns: runs, seed: 77 },
  );

test('members are of one state, priorities are what trackers say, and the best that is well is master', () => {
  check(process.env.KEEPALIVED_TEST_FULL === undefined ? 100 : 2000);
});

const MUTATIONS: Readonly<Record<string, TrackingMutation>> = {
  'members move each by itself': { alone: true },
  'new content never reaches the thread': { deafPace: true },
  'ends of scripts are lost': { lost: 'probed' },
  'news of links is lost': { lost: 'link' },
  'a script that hangs is believed': { tooLate: true },
  'weights of trackers change no priority': {
    step: withMembers((member) => ({
      ...member,
      rules: { ...member.rules, priority: member.config.priority },
    })),
  },
  'the fault of one member is no fault of its group': {
    step: withMembers((member, before) =>
      member.state.name === 'fault' && member.state.faults.every(({ kind }) => kind === 'group')
        ? { ...member, state: before?.state ?? member.state }
        : member,
    ),
  },
  'a member that is master leaves the others behind': {
    step: withMembers((member, before) =>
      member.state.name === 'master' &&
      member.state.reason.because === 'group' &&
      before?.state.name === 'backup'
        ? { ...member, state: before.state }
        : member,
    ),
  },
};

for (const [name, mutation] of Object.entries(MUTATIONS))
  test(`noticed: ${name}`, () => {
    assert.throws(() => check(100, mutation));
  });
