// Times among the metrics of a route: rtt, rttvar and rto_min, in the units that the kernel keeps them in, as
// keepalived 2.2.7 reads, limits and shows them.

import type { Complaint } from '../config/diagnostic.ts';
import type { Reading } from '../config/value.ts';

export type TimeMetric = 'rtt' | 'rttvar' | 'rto_min';

/** How many of the kernel's units are a millisecond. */
const UNITS: Readonly<Record<TimeMetric, number>> = { rtt: 8, rttvar: 4, rto_min: 1 };
const LONGEST = 120_000;
/** Below this the kernel's timers make no sense. */
const SHORTEST = 200;

export const isTime = (name: string): name is TimeMetric => Object.hasOwn(UNITS, name);

/** A number of units, or of milliseconds (ms, msec, msecs) or seconds (s, sec, secs). */
export function readTime(metric: TimeMetric, text: string): Reading<number> {
  const unit = UNITS[metric];
  const suffix = /(?:s|secs?|ms|msecs?)$/i.exec(text)?.[0] ?? '';
  const number = text.slice(0, text.length - suffix.length);
  const inSeconds = suffix !== '' && !/^m/i.test(suffix);
  const bad = (id: string, message: string): Reading<number> => ({
    complaints: [{ id, severity: 'error', class: 'number', message }],
  });
  if (number.startsWith('-')) return bad('negative-number', `negative number '${number}'`);
  if (!/^(\+?\d+\.?\d*|\+?\.\d*)$/.test(number))
    return bad('invalid-number', `invalid number '${text}'`);
  const amount = number === '.' || number === '+.' ? 0 : Number(number);
  const most = inSeconds ? (LONGEST / 1000) * unit : LONGEST * unit;
  if (amount > most) {
    const shown = inSeconds ? `[0.000, ${most}.000]` : `[0., ${most}.]`;
    return bad('number-out-of-range', `number '${number}' outside range ${shown}`);
  }
  const decimals = inSeconds ? 3 : 0;
  const complaints: Complaint[] = [];
  if ((number.split('.')[1] ?? '').length > decimals)
    complaints.push({
      id: 'too-many-decimals',
      severity: 'warning',
      class: 'number',
      message: `number '${number}' has too many decimal places`,
    });
  const rounded = Math.round(amount * 10 ** decimals) / 10 ** decimals;
  const millis = suffix === '' ? rounded / unit : inSeconds ? rounded * 1000 : rounded;
  const fitting = Math.min(LONGEST, Math.max(SHORTEST, millis));
  if (fitting !== millis)
    complaints.push({
      id: 'time-limit',
      severity: 'warning',
      class: 'none',
      message:
        fitting > millis
          ? `rtt value ${text} below minimum ${SHORTEST}ms, resetting`
          : `rtt value ${text} exceeds maximum ${LONGEST / 1000}s, resetting`,
    });
  return { value: Math.round(fitting * unit), complaints };
}

/** As keepalived shows it, which it also reads. */
export function formatTime(metric: TimeMetric, value: number): string {
  const millis = value / UNITS[metric];
  return millis >= 1000 ? `${millis / 1000}s` : `${millis}ms`;
}
