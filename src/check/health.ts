// One check's life: when it is made, how often it is tried again, and what its answers make of what it is taken for. It
// knows no server and no IPVS; it makes no attempt itself.

import { after, type Duration, type Instant, ZERO } from '../lib/time.ts';
import type { Verdict } from './checker.ts';
import type { Check } from './plan.ts';

/**
 * Made by unknown() and from others by `...`, and what it has not is undefined: thousands are replaced each second, and where all have
 * the same properties in the same order a copy of one costs the engine a tenth.
 */
export interface Health {
  /** What it is taken for. */
  readonly up: boolean;
  /** It is taken for that because of its own answers, not because of what was assumed before there were any. */
  readonly known: boolean;
  /** Tries that have failed in a row while it is taken for up; more than there are where it is to have none. */
  readonly failures: number;
  /** Which of its targets is asked next, or now. */
  readonly target: number;
  /** It failed at this target: that one is asked until it is good, and then all of them. */
  readonly doubted?: true | undefined;
  /** What the last good answer said about the weight. */
  readonly weight?: number | undefined;
  /** Targets whose last answer had another length than it said. */
  readonly odd?: readonly number[] | undefined;
  /** When a command last ended by itself, and how. */
  readonly ran?: { readonly at: Instant; readonly status: number } | undefined;
  /** The attempt that is being made. */
  readonly run?: number | undefined;
  /** When the next attempt is made; absent while one is being made, while it is suspended, and where others tell. */
  readonly dueAt?: Instant | undefined;
}

/** What an answer has meant; the log is written from it. */
export type Outcome =
  /** It is up and was. */
  | 'good'
  /** It is down, and one of several targets is good: the others are to come. */
  | 'partly'
  | 'recovered'
  /** It failed, and will be tried again before that counts. */
  | 'retrying'
  | 'failed'
  /** It is down and was. */
  | 'bad';

export const unknown = (up: boolean): Health => ({
  up,
  known: false,
  failures: 0,
  target: 0,
  doubted: undefined,
  weight: undefined,
  odd: undefined,
  ran: undefined,
  run: undefined,
  dueAt: undefined,
});

/** It is being asked. Written out, as what happens to thousands a second is: the engine needs half the time. */
export const asked = (health: Health, run: number): Health => ({
  up: health.up,
  known: health.known,
  failures: health.failures,
  target: health.target,
  doubted: health.doubted,
  weight: health.weight,
  odd: health.odd,
  ran: health.ran,
  run,
  dueAt: undefined,
});

/**
 * How a check begins. The first answer of all counts at once: nobody has relied on the server yet. keepalived has it so for
 * every kind but SMTP_CHECK.
 */
export const newborn = ({ kind, timing }: Pick<Check, 'kind' | 'timing'>): Health => ({
  ...unknown(!timing.alpha),
  failures: kind === 'SMTP_CHECK' ? 0 : timing.retry + 1,
});

/** The first attempt comes at a random moment within the warm-up, so that not all come at once. `share` is in [0, 1). */
export const firstAt = ({ timing }: Check, share: number, now: Instant): Instant =>
  after(now, Math.floor(timing.warmup * share) as Duration);

/**
 * A command that nobody could ever run counts as successful, as with keepalived and like a vrrp_script: servers that did well
 * without what it was meant to find out must not all fail at once.
 */
export const believed = ({ ran }: Health, verdict: Verdict): Verdict =>
  !verdict.up && verdict.unfit && ran === undefined
    ? { up: true, unasked: verdict.reason }
    : verdict;

/** The attempt that was being made has been answered at `now`. */
export function judge(
  check: Check,
  health: Health,
  verdict: Verdict,
  now: Instant,
): { readonly health: Health; readonly outcome: Outcome } {
  const { next, outcome, wait } = verdict.up ? pass(check, health, verdict) : fail(check, health);
  const { status } = verdict;
  return {
    health: {
      up: next.up,
      known: next.known,
      failures: next.failures,
      target: next.target,
      doubted: next.doubted,
      weight: next.weight,
      odd: oddOf(health, verdict),
      ran: status === undefined ? health.ran : { at: now, status },
      run: undefined,
      dueAt: after(now, wait),
    },
    outcome,
  };
}

/** An answer that did not come to its end changes nothing of what is known. */
function oddOf({ odd, target }: Health, { length }: Verdict): Health['odd'] {
  if (length === undefined || (length.came !== length.told) === (odd?.includes(target) ?? false))
    return odd;
  return length.came === length.told
    ? odd?.filter((at) => at !== target)
    : [...(odd ?? []), target];
}

/** What an answer says of more than its own attempt. */
type Finding = Pick<Health, 'up' | 'known' | 'failures' | 'target' | 'doubted' | 'weight'>;

interface Judged {
  readonly next: Finding;
  readonly outcome: Outcome;
  readonly wait: Duration;
}

function pass(
  { targets, timing }: Check,
  health: Health,
  { weight }: Extract<Verdict, { readonly up: true }>,
): Judged {
  const { up } = health;
  const target = health.doubted ? 0 : health.target + 1;
  if (target < targets.length) {
    const fast = timing.fast_recovery && (!up || !health.known);
    const wait = fast ? ZERO : timing.delay_loop;
    const next = { ...health, failures: 0, target, doubted: undefined, weight };
    return { next, outcome: up ? 'good' : 'partly', wait };
  }
  return {
    next: {
      up: true,
      known: true,
      failures: 0,
      target: 0,
      doubted: undefined,
      weight,
    },
    outcome: up ? 'good' : 'recovered',
    wait: timing.delay_loop,
  };
}

function fail({ kind, timing }: Check, health: Health): Judged {
  const doubted = kind === 'HTTP_GET' || kind === 'SSL_GET' ? true : health.doubted;
  if (!health.up)
    return {
      next: { ...health, known: true, doubted, weight: undefined },
      outcome: 'bad',
      wait: timing.delay_loop,
    };
  const failures = health.failures + 1;
  if (failures <= timing.retry)
    return {
      next: { ...health, failures },
      outcome: 'retrying',
      wait: timing.delay_before_retry,
    };
  return {
    next: {
      ...health,
      up: false,
      known: true,
      failures: 0,
      doubted,
      weight: undefined,
    },
    outcome: 'failed',
    wait: timing.delay_loop,
  };
}
