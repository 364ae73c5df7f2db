// Whatever trackers there are and whatever they say: what an advert carries is in its range, members of a group are of
// one mind, runs of scripts have names of their own, and no event makes the router throw.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Instant, seconds } from '../../src/lib/time.ts';
import type { TrackLists } from '../../src/vrrp/definitions.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpConfig } from '../../src/vrrp/keywords.ts';
import { createRouter, nextDeadline, step } from '../../src/vrrp/router.ts';
import { NO_TRACKERS } from '../../src/vrrp/tracker.ts';
import { tracksOf, weigh } from '../../src/vrrp/weight.ts';
import { config, instance } from '../sim/config.ts';
import { FACTS, link } from '../sim/host.ts';

const list = (...names: readonly string[]) =>
  fc.array(
    fc.record({
      name: fc.constantFrom(...names),
      weight: fc.oneof(fc.constant(0), fc.integer({ min: -254, max: 254 })),
      reverse: fc.boolean(),
    }),
    { maxLength: 3 },
  );

const lists: fc.Arbitrary<TrackLists> = fc.record({
  track_interface: list('eth0', 'eth1', 'eth2'),
  track_script: list('s', 't'),
  track_file: list('f', 'g'),
  track_process: list('p', 'q'),
});

const value = fc.integer({ min: -(2 ** 31), max: 2 ** 31 });

test('an effective priority fits into an advert, and an owner has its own', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 255 }),
      lists,
      fc.option(lists, { nil: undefined }),
      value,
      (priority, own, ofGroup, number) => {
        const tracks = tracksOf(own, ofGroup, []);
        const trackers = { ...NO_TRACKERS, files: { f: number } };
        const { effective } = weigh(priority, tracks, { links: {}, addresses: {} }, trackers);
        if (priority === 255) assert.equal(effective, 255);
        else assert.ok(effective >= 1 && effective <= 254 && Number.isInteger(effective));
      },
    ),
  );
});

const weight = { weight: 0, reverse: false };
const setUp = (own: TrackLists, shared: TrackLists, grouped: boolean): VrrpConfig => ({
  ...config(
    instance({ ...own }),
    instance({ name: 'VI_2', virtual_router_id: 52, interface: 'eth1', ...shared }),
  ),
  vrrp_script: ['s', 't'].map((name, i) => ({
    name,
    script: { words: [name], uid: 0, gid: 0 },
    interval: seconds(1),
    weight,
    rise: 1 + i,
    fall: 2 - i,
    init_fail: i === 1,
  })),
  track_file: ['f', 'g'].map((name) => ({ name, file: `/${name}`, weight })),
  vrrp_track_process: ['p', 'q'].map((name, i) => ({
    name,
    process: [name],
    weight,
    quorum: 1,
    full_command: false,
    ...(i === 1 ? { delay: seconds(2) } : {}),
  })),
  ...(grouped
    ? {
        vrrp_sync_group: [
          { name: 'G', group: ['VI_1', 'VI_2'], sync_group_tracking_weight: true, ...shared },
        ],
      }
    : {}),
});

const configs = fc.tuple(lists, lists, fc.boolean()).map((args) => setUp(...args));

const events: fc.Arbitrary<VrrpEvent> = fc.oneof(
  fc.constant({ type: 'deadline' } as const),
  fc.record({
    type: fc.constant('link' as const),
    link: fc
      .tuple(fc.integer({ min: 2, max: 4 }), fc.boolean())
      .map(([index, up]) => link(index, `eth${index - 2}`, { up, running: up })),
  }),
  fc.record({ type: fc.constant('linkGone' as const), index: fc.integer({ min: 2, max: 4 }) }),
  fc.record({
    type: fc.constant('probed' as const),
    run: fc.integer({ min: 0, max: 12 }),
    end: fc.oneof(
      fc.record({ status: fc.integer({ min: 0, max: 255 }) }),
      fc.record({ signal: fc.integer({ min: 1, max: 64 }) }),
      fc.record({ refused: fc.string() }),
    ),
  }),
  fc.record({
    type: fc.constant('fileRead' as const),
    name: fc.constantFrom('f', 'g', 'h'),
    text: fc.oneof(fc.string(), value.map(String)),
  }),
  fc.record({ type: fc.constant('fileRead' as const), name: fc.constantFrom('f', 'g') }),
  fc.record({
    type: fc.constant('processes' as const),
    counts: fc.dictionary(fc.constantFrom('p', 'q', 'r'), fc.nat(3)),
  }),
  configs.map((next): VrrpEvent => ({ type: 'reload', config: next })),
  fc.constant({ type: 'stop' } as const),
);

test('no history of trackers makes the router throw, mix a group, or run a script beside itself', () => {
  const moments = fc.array(fc.tuple(events, fc.integer({ min: 0, max: 3_000_000 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(configs, moments, (first, history) => {
      let now = 1 as Instant;
      let state = createRouter(first);
      const runs = new Set<number>();
      const take = (event: VrrpEvent): void => {
        const next = step(state, event, now);
        state = next.state;
        for (const action of next.actions)
          if (action.type === 'probe') {
            assert.ok(!runs.has(action.run), 'a run has its own name');
            runs.add(action.run);
          }
        for (const { rules } of state.members)
          assert.ok(rules.priority >= 1 && rules.priority <= 254);
        const names = state.members.map((member) => member.state.name);
        if (state.groups.length > 0 && state.phase === 'running')
          assert.ok(
            names[0] === names[1] || (!names.includes('master') && !names.includes('fault')),
            names.join(' and '),
          );
      };
      const facts = { ...FACTS, links: [link(), link(3, 'eth1'), link(4, 'eth2')] };
      const second = { ...facts.addresses[0], index: 3 } as (typeof facts.addresses)[number];
      take({ type: 'facts', facts: { ...facts, addresses: [...facts.addresses, second] } });
      for (const [event, wait] of history) {
        const until = (now + wait) as Instant;
        for (let i = 0; i < 20; i++) {
          const at = nextDeadline(state);
          if (at === undefined || at > until) break;
          assert.ok(at > 0, 'a deadline is an instant');
          now = Math.max(now, at) as Instant;
          take({ type: 'deadline' });
        }
        now = until;
        take(event);
      }
    }),
    { numRuns: 300 },
  );
});
