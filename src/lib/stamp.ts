// Time as keepalived prints it: 1795226736.092689 (Sat Nov 21 02:05:36.092689 2026). Time zones are the caller's.

import type { Duration, Instant } from './time.ts';

export interface Clock {
  readonly monotonic: Instant;
  /** Microseconds since 1970. */
  readonly wall: number;
  /** Local time less UTC; absent for UTC. */
  readonly zone?: Duration;
}

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** An instant of this machine's clock; `late` puts the fraction behind the year, where keepalived does so. */
export function stamp(clock: Clock, at: Instant, late = false): string {
  const micros = Math.floor(clock.wall + (at - clock.monotonic));
  const fraction = String(modulo(micros, 1_000_000)).padStart(6, '0');
  const local = Math.floor((micros + (clock.zone ?? 0)) / 1_000_000);
  const days = Math.floor(local / 86_400);
  const { year, month, day } = civil(days);
  const time = [3600, 60, 1]
    .map((unit) => Math.floor(modulo(local, 86_400) / unit) % (unit === 3600 ? 24 : 60))
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
  const date = `${DAYS[modulo(days, 7)]} ${MONTHS[month - 1]} ${String(day).padStart(2)}`;
  const local6 = late ? `${time} ${year}.${fraction}` : `${time}.${fraction} ${year}`;
  return `${Math.floor(micros / 1_000_000)}.${fraction} (${date} ${local6})`;
}

const modulo = (a: number, b: number): number => ((a % b) + b) % b;

/** Gregorian date of a day counted from 1970-01-01, by counting years from a March. */
function civil(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}
