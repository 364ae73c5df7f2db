// Time is a count of microseconds on the monotonic clock. The brands stop a duration from being
// used as a point in time, and both from being confused with a number read off the wire.

export type Instant = number & { readonly __brand: 'Instant' };
export type Duration = number & { readonly __brand: 'Duration' };

export const micros = (n: number): Duration => Math.round(n) as Duration;
export const millis = (n: number): Duration => micros(n * 1_000);
export const centis = (n: number): Duration => micros(n * 10_000);
export const seconds = (n: number): Duration => micros(n * 1_000_000);

export const toCentis = (d: Duration): number => Math.round(d / 10_000);
export const toSeconds = (d: Duration): number => d / 1_000_000;

export const after = (now: Instant, wait: Duration): Instant => (now + wait) as Instant;
export const since = (now: Instant, then: Instant): Duration => (now - then) as Duration;
export const plus = (a: Duration, b: Duration): Duration => (a + b) as Duration;
/** d * numerator / denominator, to the nearest microsecond. */
export const scale = (d: Duration, numerator: number, denominator = 1): Duration =>
  micros((d * numerator) / denominator);

export const ZERO: Duration = micros(0);
