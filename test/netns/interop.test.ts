// Ours with Debian's keepalived and with FRR's vrrpd, on one wire, in both roles. By default a pairwise choice
// that covers every kind; KEEPALIVED_TEST_FULL=1 runs the whole matrix. KEEPALIVED_TEST_SUBJECT=keepalived puts
// the real daemon in our place: the same assertions must hold for it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DaemonKind } from './daemon.ts';
import type { ElectionCase, Profile } from './election.ts';
import { describeCase, runElection } from './election.ts';
import type { Case } from './pairwise.ts';
import { allCases, pairsOf, pairwise } from './pairwise.ts';
import { sanitized } from './programs.ts';

const subject = (process.env.KEEPALIVED_TEST_SUBJECT ?? 'ours') as DaemonKind;
const full = process.env.KEEPALIVED_TEST_FULL === '1';
const only = process.env.KEEPALIVED_TEST_ONLY;

const v3 = (family: 4 | 6): Profile[] =>
  [1, 0.1, 0.01].map((interval) => ({ version: 3, family, interval }));
const v2: Profile[] = [
  { version: 2, family: 4, interval: 1 },
  { version: 2, family: 4, interval: 1, password: 'secret' },
];

const factors = {
  peer: [
    ...[...v2, ...v3(4), ...v3(6)].map((profile) => ({ daemon: 'keepalived' as const, profile })),
    ...[...v3(4), ...v3(6)].map((profile) => ({ daemon: 'frr' as const, profile })),
  ],
  role: ['better', 'worse'],
  transport: ['multicast', 'unicast'],
  loss: ['machine death', 'link loss', 'SIGTERM'],
  comeback: ['preempt', 'stay'],
} as const;

type Choice = Case<typeof factors>;
/** vrrpd knows no unicast; it stays master without a carrier, so after link loss it never has to preempt. */
const allowed = ({ peer, role, transport, loss, comeback }: Choice): boolean =>
  peer.daemon !== 'frr' ||
  (transport === 'multicast' && !(role === 'worse' && loss === 'link loss' && comeback === 'stay'));

const asElection = ({ peer, role, transport, loss, comeback }: Choice): ElectionCase => ({
  profile: peer.profile,
  transport,
  better: role === 'better' ? subject : peer.daemon,
  worse: role === 'better' ? peer.daemon : subject,
  loss,
  comeback,
});

const chosen = pairwise(factors, allowed);
const cases = (full ? allCases(factors, allowed) : chosen).filter(
  (one) => only === undefined || describeCase(asElection(one)).includes(only),
);
// Master-down intervals of 30 ms do not bear a machine that is busy with other labs.
const fast = cases.filter(({ peer }) => peer.profile.interval === 0.01);
const slow = cases.filter(({ peer }) => peer.profile.interval !== 0.01);

it('the default choice covers every pair of values', () => {
  const wanted = new Set(allCases(factors, allowed).flatMap((one) => pairsOf(factors, one)));
  for (const one of chosen) for (const pair of pairsOf(factors, one)) wanted.delete(pair);
  assert.deepEqual([...wanted], []);
});

describe('interop', { concurrency: 5 }, () => {
  for (const one of slow) {
    const election = asElection(one);
    it(describeCase(election), async () => {
      await runElection(election);
    });
  }
});

// Instrumented code does not keep what 36 ms decide.
describe('interop at 10 ms', { concurrency: 1, skip: sanitized }, () => {
  for (const one of fast) {
    const election = asElection(one);
    it(describeCase(election), async () => {
      await runElection(election);
    });
  }
});
