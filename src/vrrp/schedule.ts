// The intervals of RFC 9568 6.1 and the arithmetic of schedules: how long a backup waits for a master, and when an
// advert of a running schedule leaves. Numbers only; what follows from them is machine.ts's.

import { type Duration, type Instant, plus, seconds } from '../lib/time.ts';
import type { VrrpInstance } from './keywords.ts';

/** What of the configuration the timers are made of. */
export type Timing = Pick<VrrpInstance, 'version' | 'priority' | 'down_timer_adverts'>;

/**
 * Skew_Time: RFC 3768 6.1 counts it in 1/256 seconds, RFC 9568 6.1 in 1/256 of the master's interval. Rounded
 * up to a microsecond, so that nobody takes over early.
 */
export function skewTime(rules: Timing, masterInterval: Duration): Duration {
  return Math.ceil(exactSkew(rules, masterInterval)) as Duration;
}

export function exactSkew(rules: Timing, masterInterval: Duration): number {
  const unit = rules.version === 2 ? seconds(1) : masterInterval;
  return ((256 - rules.priority) * unit) / 256;
}

/** Master_Down_Interval (RFC 9568 6.1); down_timer_adverts is keepalived's name for the 3. */
export function masterDownInterval(rules: Timing, masterInterval: Duration): Duration {
  return plus(
    (rules.down_timer_adverts * masterInterval) as Duration,
    skewTime(rules, masterInterval),
  );
}

/** Others that our configuration says nothing about may wait for fewer lost adverts than we do. */
const USUAL_DOWN_TIMER = 3;

/** How long after its last advert the first of the others may take a silent master's role over; without their skew. */
export const timeToAdopt = ({
  advert_int,
  down_timer_adverts,
}: Pick<VrrpInstance, 'advert_int' | 'down_timer_adverts'>): Duration =>
  (Math.min(USUAL_DOWN_TIMER, down_timer_adverts) * advert_int) as Duration;

/** The first instant of a schedule that is not before `now`. */
export function nextSend(phase: Instant, period: Duration, now: Instant): Instant {
  if (now <= phase) return phase;
  return (phase + Math.ceil((now - phase) / period) * period) as Instant;
}

/** Schedules that may send in one burst: a wake-up for each costs more than the last of so few is late. */
export const BURST = 8;

/**
 * The phase of the schedule with this number, where `count` have the same period: bursts are small and lie evenly
 * in the period.
 */
export function phaseOf(number: number, count: number, period: Duration): Instant {
  const bursts = Math.ceil(count / BURST);
  return Math.floor(((number % bursts) * period) / bursts) as Instant;
}

/** Of those that are given. */
export function earliest(...instants: readonly (Instant | undefined)[]): Instant | undefined {
  let best: Instant | undefined;
  for (const at of instants) if (at !== undefined && (best === undefined || at < best)) best = at;
  return best;
}
