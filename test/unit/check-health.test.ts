// One check's life, as keepalived 2.2.7 was seen to lead it: tries, waits, pages, warm-up, first answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../../src/check/checker.ts';
import {
  believed,
  firstAt,
  type Health,
  judge,
  newborn,
  type Outcome,
} from '../../src/check/health.ts';
import { type Check, planOf } from '../../src/check/plan.ts';
import { after, type Duration, type Instant, millis, seconds } from '../../src/lib/time.ts';
import { read } from '../property/reading.ts';

const NOW = 1_000_000_000 as Instant;

function checkOf(checker: string): Check {
  const { config } = read(
    `virtual_server 10.0.0.1 80 {\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\ndelay_loop 6\nreal_server 10.9.0.1 80 {\n${checker}\n}\n}`,
  );
  assert.ok(config !== undefined);
  const check = planOf(config).checks[0];
  assert.ok(check !== undefined);
  return check;
}

const good: Verdict = { up: true };
const bad: Verdict = { up: false, reason: 'refused' };

/** What the answers mean one after the other, with the wait after each. */
function live(check: Check, answers: readonly Verdict[], from: Health = newborn(check)) {
  let health = from;
  const told: (readonly [Outcome, number, number])[] = [];
  for (const verdict of answers) {
    const step = judge(check, health, verdict, NOW);
    health = step.health;
    told.push([step.outcome, ((health.dueAt ?? NOW) - NOW) / 1e6, health.target]);
  }
  return { health, told };
}

const tcp = checkOf('TCP_CHECK {\nretry 2\ndelay_before_retry 1\n}');

test('retry: tries left after the first one failed, delay_before_retry apart, then delay_loop', () => {
  const { health, told } = live(tcp, [good, bad, bad, bad, bad, good]);
  assert.deepEqual(told, [
    ['good', 6, 0],
    ['retrying', 1, 0],
    ['retrying', 1, 0],
    ['failed', 6, 0],
    ['bad', 6, 0],
    ['recovered', 6, 0],
  ]);
  assert.equal(health.up, true);
});

test('a good answer gives all tries back', () => {
  assert.deepEqual(
    live(tcp, [good, bad, bad, good, bad, bad]).told.map(([outcome]) => outcome),
    ['good', 'retrying', 'retrying', 'good', 'retrying', 'retrying'],
  );
});

test('the first answer of all counts at once, but for SMTP_CHECK', () => {
  assert.deepEqual(live(tcp, [bad]).told, [['failed', 6, 0]]);
  const smtp = checkOf('SMTP_CHECK {\nretry 1\n}');
  assert.deepEqual(
    live(smtp, [bad, bad]).told.map(([outcome]) => outcome),
    ['retrying', 'failed'],
  );
});

test('alpha: it is taken for down until it has succeeded, and nothing is tried again', () => {
  const alpha = checkOf('TCP_CHECK {\nretry 2\nalpha\n}');
  assert.equal(newborn(alpha).up, false);
  assert.deepEqual(
    live(alpha, [bad, bad, good]).told.map(([outcome]) => outcome),
    ['bad', 'bad', 'recovered'],
  );
});

const pages = (more: string) =>
  checkOf(
    `HTTP_GET {\nretry 1\ndelay_before_retry 0.5\n${more}\nurl {\npath /a\n}\nurl {\npath /b\n}\nurl {\npath /c\n}\n}`,
  );

test('pages are asked for one after the other, delay_loop apart; the one that fails until it is good, and then all', () => {
  const { told } = live(pages(''), [good, good, good, good, bad, bad, bad, good, good, good, good]);
  assert.deepEqual(told, [
    ['good', 6, 1],
    ['good', 6, 2],
    ['good', 6, 0],
    ['good', 6, 1],
    ['retrying', 0.5, 1],
    ['failed', 6, 1],
    ['bad', 6, 1],
    ['partly', 6, 0],
    ['partly', 6, 1],
    ['partly', 6, 2],
    ['recovered', 6, 0],
  ]);
});

test('fast_recovery: no wait between the pages before it is known to be up', () => {
  const { told } = live(pages('fast_recovery'), [
    good,
    good,
    good,
    bad,
    bad,
    good,
    good,
    good,
    good,
  ]);
  assert.deepEqual(
    told.map(([, wait]) => wait),
    [0, 0, 6, 0.5, 6, 0, 0, 0, 6],
  );
});

test('one page that has failed must be good twice', () => {
  const one = checkOf('HTTP_GET {\nretry 0\nurl {\npath /a\n}\n}');
  assert.deepEqual(
    live(one, [good, bad, good, good]).told.map(([outcome]) => outcome),
    ['good', 'failed', 'partly', 'recovered'],
  );
});

test('misc_dynamic: the weight is that of the last good answer, and of none after a failure', () => {
  const misc = checkOf('MISC_CHECK {\nmisc_path /bin/true\nmisc_dynamic\n}');
  assert.equal(live(misc, [{ up: true, weight: 7 }]).health.weight, 7);
  assert.equal(live(misc, [{ up: true, weight: 7 }, good]).health.weight, undefined);
  assert.equal(live(misc, [{ up: true, weight: 7 }, bad]).health.weight, undefined);
  const patient = checkOf('MISC_CHECK {\nmisc_path /bin/true\nmisc_dynamic\nretry 1\n}');
  assert.equal(live(patient, [{ up: true, weight: 7 }, bad]).health.weight, 7);
});

test('a command that never could be run is believed to be good; one that has run is not', () => {
  const unfit = { up: false, reason: 'ENOEXEC', local: true, unfit: true } as const;
  const before = newborn(checkOf('MISC_CHECK {\nmisc_path /bin/true\n}'));
  assert.deepEqual(believed(before, unfit), { up: true, unasked: 'ENOEXEC' });
  assert.deepEqual(believed({ ...before, ran: { at: NOW, status: 0 } }, unfit), unfit);
  const { unfit: _, ...refused } = unfit;
  assert.deepEqual(believed(before, refused), refused);
});

test('warmup: the first attempt comes within it', () => {
  const warm = checkOf('TCP_CHECK {\nwarmup 4\n}');
  assert.equal(firstAt(warm, 0, NOW), NOW);
  assert.equal(firstAt(warm, 0.25, NOW), after(NOW, seconds(1)));
  assert.ok(firstAt(warm, 0.999999, NOW) < after(NOW, seconds(4)));
  assert.equal(firstAt(checkOf('TCP_CHECK {\nwarmup 0\n}'), 0.9, NOW), NOW);
});

test('what is not said of a check comes from around it', () => {
  const { timing } = checkOf('TCP_CHECK {\n}');
  const { retry, delay_before_retry, warmup, delay_loop } = timing;
  assert.deepEqual([retry, delay_before_retry, warmup, delay_loop], [
    1,
    seconds(1),
    seconds(6),
    seconds(6),
  ] satisfies [number, Duration, Duration, Duration]);
  const own = checkOf('retry 5\ndelay_before_retry 0.2\nTCP_CHECK {\ndelay_loop 9\n}').timing;
  assert.deepEqual([own.retry, own.delay_before_retry, own.warmup], [5, millis(200), seconds(9)]);
  const old = checkOf('HTTP_GET {\nnb_get_retry 4\nurl {\npath /\n}\n}').timing;
  assert.equal(old.retry, 4);
  const dns = checkOf('DNS_CHECK {\n}').timing;
  assert.deepEqual([dns.retry, dns.delay_before_retry], [3, seconds(6)]);
});
