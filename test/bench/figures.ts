// Percentiles, a straight line by least squares, and a table of two daemons' figures with their ratio.

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

export interface Row {
  readonly what: string;
  readonly keepalived: number;
  readonly ours: number;
}

/** A Markdown table; figures in the unit that the callers' names say. */
export function ratioTable(rows: readonly Row[]): string {
  const number = (value: number): string =>
    Number.isNaN(value) ? '' : Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(0);
  const lines = rows.map(({ what, keepalived, ours }) => {
    const ratio = ours / keepalived;
    return `| ${what} | ${number(keepalived)} | ${number(ours)} | ${Number.isFinite(ratio) ? ratio.toFixed(2) : ''} |`;
  });
  return ['| figure | keepalived | ours | ratio |', '|---|---|---|---|', ...lines, ''].join('\n');
}
