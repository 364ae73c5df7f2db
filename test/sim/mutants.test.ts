// Each invariant and each scene is worth something only because something broken fails it: a step function, a pacer or
// a parent. `says` is the complaint that must come.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seconds } from '../../src/lib/time.ts';
import { step } from '../../src/vrrp/router.ts';
import {
  interval,
  invertedTie,
  rewritten,
  skewOf,
  stepWith,
  withMembers,
  without,
  withPreemption,
  withTimers,
} from './broken.ts';
import { leftovers } from './leftovers.ts';
import type { Mutation } from './mutation.ts';
import { history, joinedLate } from './plan.ts';
import { SCENES, type SceneName } from './scenes.ts';
import { promptly, tied } from './takeover.ts';

interface Mutant {
  readonly what: string;
  readonly mutation: Mutation;
  /** What it breaks: random histories where nothing is said. */
  readonly breaks?: (mutation: Mutation) => unknown;
  readonly says: RegExp;
}

const inScene = (name: SceneName) => SCENES[name];

const mutants: readonly Mutant[] = [
  // Exactly one reachable holder
  {
    what: 'higher priorities not obeyed',
    mutation: {
      step: stepWith((event) =>
        rewritten(event, (vrrp) => vrrp.fill(Math.min(1, vrrp[2] ?? 0), 2, 3)),
      ),
    },
    says: /us early|is master/,
  },
  {
    what: 'a master that hears nobody',
    mutation: {
      step: (state, event, now) =>
        event.type === 'packet' && state.members[0]?.state.name === 'master'
          ? { state, actions: [] }
          : step(state, event, now),
    },
    says: /r\d and r\d is master/,
  },
  {
    what: 'a stalled schedule never resumed',
    mutation: { step: stepWith((event) => (event.type === 'stalled' ? undefined : event)) },
    says: /hold what r\d has|speaks after silence|is master/,
  },
  {
    what: 'a parent that does not see a child that is stopped',
    mutation: { parent: { blind: true } },
    breaks: inScene('a child that is stopped is replaced before anybody misses it'),
    says: /backup>master/,
  },
  {
    what: 'a parent that does not see a child that hangs',
    mutation: { parent: { blind: true } },
    breaks: inScene('a child that hangs speaks on, and is replaced before anybody misses it'),
    says: /backup>master/,
  },
  {
    what: 'a thread that trusts a loop for ever',
    mutation: { pacer: { trusting: true } },
    breaks: inScene('a child that hangs speaks on, and is replaced before anybody misses it'),
    says: /it was replaced/,
  },
  // Nothing after silence
  {
    what: 'silence not ordered',
    mutation: { step: without('silence') },
    says: /speaks after silence/,
  },
  {
    what: 'a thread that is deaf to silence',
    mutation: { pacer: { deafToUnpace: true } },
    says: /speaks after silence/,
  },
  // No advert more than a period late; no burst on waking
  {
    what: 'a thread that sends however late it is',
    mutation: { pacer: { sendsLate: true } },
    says: /us late/,
  },
  {
    what: 'a thread that reports what arrived before what it did not send',
    mutation: { pacer: { readsFirst: true } },
    breaks: inScene('frozen for 8 s beside a worse one: it asserts itself'),
    says: /adverts in one interval/,
  },
  {
    what: 'a thread that takes the time of a freeze for a loop that hangs',
    mutation: { pacer: { unforgiving: true } },
    breaks: inScene('frozen for 8 s alone: it holds, speaks at once and says so'),
    says: /the address went|speaks at once|says where/,
  },
  {
    what: 'a master that speaks on waking, before all is read',
    mutation: {
      step: withMembers((member, before, now) =>
        member.state.name === 'master' &&
        before?.state.name === 'master' &&
        before.state.stall === undefined &&
        member.state.stall !== undefined
          ? {
              ...member,
              state: {
                ...member.state,
                stall: { ...member.state.stall, resumeAt: (now - seconds(20)) as never },
              },
            }
          : member,
      ),
      pacer: { readsFirst: true, sendsLate: true },
    },
    breaks: inScene('frozen for 8 s beside a better one: it yields without a word'),
    says: /us late|without a word/,
  },
  // Never master without the addresses
  {
    what: 'addresses not added',
    mutation: { step: without('addAddresses') },
    says: /is master and has/,
  },
  {
    what: 'addresses not removed',
    mutation: { step: without('removeAddresses') },
    says: /is (backup|fault) and has|hold what/,
  },
  {
    what: 'an address that went is not missed',
    mutation: { step: stepWith((event) => (event.type === 'addressGone' ? undefined : event)) },
    breaks: inScene('an address that is deleted by hand is back within 50 ms'),
    says: /it is back/,
  },
  {
    what: 'an address that went is not missed, in histories',
    mutation: { step: stepWith((event) => (event.type === 'addressGone' ? undefined : event)) },
    says: /is master and has/,
  },
  // No takeover earlier than the RFC allows, nor later
  {
    what: 'skew cut to whole seconds',
    mutation: {
      step: withTimers((down, config, master) => down - (skewOf(config, master) % 1e6)),
    },
    says: /took over \d+.* us early/,
  },
  {
    what: 'skew left out',
    mutation: { step: withTimers((down, config, master) => down - skewOf(config, master)) },
    breaks: promptly,
    says: /us early|Expected values/,
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
    says: /us early|allowed|Expected values/,
  },
  {
    what: 'tie-break inverted',
    mutation: { step: invertedTie },
    breaks: tied,
    says: /r\d and r\d is master|nobody is master|Expected values/,
  },
  {
    what: 'priority 0 ignored',
    mutation: {
      step: stepWith((event) =>
        event.type === 'packet' && event.packet.bytes[22] === 0 ? undefined : event,
      ),
    },
    breaks: promptly,
    says: /allowed/,
  },
  {
    what: 'centiseconds read as milliseconds',
    mutation: { step: stepWith(interval(0.1)) },
    says: /us early/,
  },
  {
    what: 'centiseconds read as deciseconds',
    mutation: { step: stepWith(interval(10)) },
    breaks: promptly,
    says: /allowed|Expected values|nobody is master/,
  },
  {
    what: 'alarms stepped with the time of processing',
    mutation: { stepsNow: true },
    says: /has drifted by/,
  },
  {
    what: 'a shot that is fired whatever waits',
    mutation: { pacer: { fearless: true } },
    breaks: inScene('a loop that is blocked neither takes over falsely nor forgets what it heard'),
    says: /us early/,
  },
  {
    what: 'stamps of the wall clock believed',
    mutation: { pacer: { believesStamps: true } },
    breaks: inScene('steps of the wall clock change nothing'),
    says: /backup>master|us early/,
  },
  {
    what: 'a jump of the wall clock overlooked',
    mutation: { pacer: { overlooksJumps: true } },
    breaks: inScene('steps of the wall clock change nothing'),
    says: /backup>master|us early/,
  },
  // Sealed adverts are believed by all who hear them
  {
    what: 'a thread that sends one sealed advert again and again',
    mutation: { pacer: { repeats: true } },
    says: /us early|is master|hold what/,
  },
  {
    what: 'a thread that joins a schedule late, and sends what was first',
    mutation: { pacer: { losesCount: true } },
    breaks: joinedLate,
    says: /hold what|us early|is master/,
  },
  // The better one waits as long as preempt_delay says, and no longer
  {
    what: 'preempt_delay forgotten',
    mutation: { step: withPreemption(() => 0) },
    breaks: inScene('preempt_delay: the better one waits so long'),
    says: /it did not wait/,
  },
  {
    what: 'preempt_delay counted anew with each advert',
    mutation: { step: withPreemption((_, now) => now + 3_000_000) },
    breaks: inScene('preempt_delay: the better one waits so long'),
    says: /it waits for ever/,
  },
  {
    what: 'preempt_delay that holds back also where nobody is master',
    mutation: {
      step: withMembers((member) =>
        member.state.name === 'backup' && member.state.preemptAt !== undefined
          ? {
              ...member,
              state: {
                ...member.state,
                masterDownAt: Math.max(member.state.masterDownAt, member.state.preemptAt) as never,
              },
            }
          : member,
      ),
    },
    breaks: inScene('preempt_delay holds nobody back where there is no master'),
    says: /it does not wait/,
  },
  // A child killed and adopted never removes an address
  {
    what: 'a parent that removes addresses before somebody adopts them',
    mutation: { parent: { tidy: true } },
    breaks: inScene('a child that is killed and adopted is missed by nobody'),
    says: /the address went/,
  },
  {
    what: 'a successor that is not told of its role',
    mutation: {
      step: stepWith((event) =>
        event.type === 'facts' && event.inheritance !== undefined
          ? { ...event, inheritance: { ...event.inheritance, roles: [] } }
          : event,
      ),
    },
    breaks: inScene('a child that is killed and adopted is missed by nobody'),
    says: /the address went/,
  },
  // Nobody who is too late adopts
  {
    what: 'a parent that says of every role that it spoke just now',
    mutation: { parent: { flattering: true } },
    breaks: inScene('killed too late: nobody adopts'),
    says: /adopts after \d+ us of silence/,
  },
  {
    what: 'a parent that does not remove what a child left that died twice',
    mutation: { parent: { careless: true } },
    breaks: inScene('killed twice: the parent removes what it held, and the other one is master'),
    says: /the parent has removed it/,
  },
  // What everything left goes before BACKUP
  {
    what: 'no journal',
    mutation: { parent: { forgetful: true } },
    breaks: inScene('everything killed: what was left goes before it says BACKUP'),
    says: /what it had left went first|is backup and has/,
  },
  // The final holder announces itself
  {
    what: 'nothing announced',
    mutation: { step: without('announce') },
    breaks: inScene('frozen for 8 s alone: it holds, speaks at once and says so'),
    says: /says where/,
  },
  {
    what: 'a worse master heard during a stall is forgotten',
    mutation: {
      step: withMembers((member) => {
        if (member.state.name !== 'master' || member.state.stall === undefined) return member;
        const { rival: _, ...stall } = member.state.stall;
        return {
          ...member,
          state: { ...member.state, stall: { ...stall, spokeAt: stall.resumeAt } },
        };
      }),
    },
    breaks: inScene('frozen for 8 s beside a worse one: it asserts itself'),
    says: /said so last/,
  },
  {
    what: 'a successor that does not announce',
    mutation: {
      step: (state, event, now) => {
        const result = without('announce')(state, event, now);
        return event.type === 'facts' ? result : stepWith((same) => same)(state, event, now);
      },
    },
    breaks: inScene('killed in the middle of a takeover: one holder in the end, and announced'),
    says: /said so last/,
  },
  // No drift
  {
    what: 'a thread that counts its period from when it sent',
    mutation: { pacer: { relative: true } },
    breaks: inScene('pauses that nobody can notice move no schedule and are announced to nobody'),
    says: /has drifted by/,
  },
  {
    what: 'a schedule that begins anew after a stall',
    mutation: {
      step: withMembers((member, before, now) =>
        member.state.name === 'master' &&
        before?.state.name === 'master' &&
        before.state.stall !== undefined &&
        member.state.stall === undefined
          ? { ...member, state: { ...member.state, phase: now } }
          : member,
      ),
    },
    breaks: inScene('pauses that nobody can notice move no schedule and are announced to nobody'),
    says: /has drifted by/,
  },
  {
    what: 'every stall announced',
    mutation: {
      step: withMembers((member) =>
        member.state.name === 'master' && member.state.stall !== undefined
          ? {
              ...member,
              state: { ...member.state, stall: { ...member.state.stall, spokeAt: 0 as never } },
            }
          : member,
      ),
    },
    breaks: inScene('pauses that nobody can notice move no schedule and are announced to nobody'),
    says: /nobody needs to be told/,
  },
];

function complaintOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    const { cause, message } = error as Error;
    return cause instanceof Error ? cause.message : message;
  }
  return 'nothing';
}

for (const { what, mutation, breaks, says } of mutants)
  test(`the simulator notices: ${what}`, () => {
    const property = breaks?.(mutation) ?? history(true, mutation);
    const complaint = complaintOf(() =>
      fc.assert(property as fc.IProperty<[unknown]>, {
        numRuns: 500,
        seed: 6,
        endOnFailure: true,
      }),
    );
    assert.match(complaint, says);
  });

test('the simulator notices: no journal, and the file has changed', () => {
  assert.match(
    complaintOf(() => leftovers({ parent: { forgetful: true } })),
    /is fault and has|Expected values/,
  );
});
