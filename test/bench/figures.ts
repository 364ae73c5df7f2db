// The arithmetic of the benches: percentiles, a straight line by least squares, the number of the interval in which
// something was sent, and a table of what each contender needed with the ratio of ours. Measures nothing itself.

/** The value below which the share `p` (0 to 1) of the values lies, by nearest rank. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN
  );
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Slope and offset of the line with the least squared distance from the points. */
export function fitPoints(
  xs: readonly number[],
  ys: readonly number[],
): { slope: number; offset: number } {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value / values.length, 0);
  const [middle, height] = [mean(xs), mean(ys)];
  let above = 0;
  let below = 0;
  for (const [i, x] of xs.entries()) {
    above += (x - middle) * ((ys[i] as number) - height);
    below += (x - middle) ** 2;
  }
  const slope = above / below;
  return { slope, offset: height - slope * middle };
}

/** The number of the interval in which each was sent; a missing one leaves its number out. */
export function ticksOf(times: readonly number[], interval: number): number[] {
  let tick = 0;
  return times.map((time, i) => {
    if (i > 0) tick += Math.max(1, Math.round((time - (times[i - 1] as number)) / interval));
    return tick;
  });
}

/** How often each value occurs, in order: what is kept of a million of them. Whole numbers, from 1,000 on three digits. */
export function histogram(values: readonly number[]): (readonly [value: number, times: number])[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const rounded = Math.abs(value) < 1000 ? Math.round(value) : Number(value.toPrecision(3));
    counts.set(rounded, (counts.get(rounded) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a - b);
}

/** The same as percentile(), of a histogram. */
export function percentileOf(
  counts: readonly (readonly [value: number, times: number])[],
  p: number,
): number {
  const rank = Math.max(1, Math.ceil(p * counts.reduce((sum, [, times]) => sum + times, 0)));
  let seen = 0;
  for (const [value, times] of counts) {
    seen += times;
    if (seen >= rank) return value;
  }
  return Number.NaN;
}

export const columns = ['keepalived', 'keepalived rt', 'ours'] as const;
export type Column = (typeof columns)[number];

export interface Row {
  readonly what: string;
  readonly figures: Readonly<Partial<Record<Column, number>>>;
  /** Ours is to be at most this times keepalived's, or at most this. */
  readonly target?: { readonly ratio: number } | { readonly most: number };
}

/** Undefined where the row has no target or lacks a figure. */
export function reached({ figures, target }: Row): boolean | undefined {
  const { keepalived, ours } = figures;
  if (target === undefined || ours === undefined) return undefined;
  if ('most' in target) return Math.abs(ours) <= target.most;
  return keepalived === undefined ? undefined : ours <= target.ratio * keepalived;
}

/** A Markdown table; figures in the unit that the rows name. */
export function ratioTable(rows: readonly Row[]): string {
  const number = (value: number | undefined): string =>
    value === undefined || !Number.isFinite(value)
      ? ''
      : Math.abs(value) < 10
        ? value.toFixed(2)
        : value.toFixed(0);
  const ratio = (ours: number | undefined, theirs: number | undefined): string =>
    ours === undefined || theirs === undefined || !Number.isFinite(ours / theirs)
      ? ''
      : (ours / theirs).toFixed(2);
  const lines = rows.map((row) => {
    const { keepalived, 'keepalived rt': rt, ours } = row.figures;
    const { target } = row;
    const wanted =
      target === undefined ? '' : 'ratio' in target ? `× ${target.ratio}` : `${target.most}`;
    const verdict = reached(row);
    const mark = verdict === undefined ? '' : verdict ? ' reached' : ' **missed**';
    const cells = [row.what, number(keepalived), number(rt), number(ours)];
    return `| ${[...cells, ratio(ours, keepalived), ratio(ours, rt), `${wanted}${mark}`].join(' | ')} |`;
  });
  return [
    '| figure | keepalived | keepalived rt | ours | ratio | ratio to rt | at most |',
    '|---|---|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
