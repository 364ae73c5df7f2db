// Percentiles, a straight line by least squares, and a table of two daemons' figures with their ratio.

/** The value below which the share `p` (0 to 1) of the values lies, by nearest rank. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN
  );
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Slope and offset of the line through (0, y0), (1, y1), ... with the least squared distance. */
export function fitLine(ys: readonly number[]): { slope: number; offset: number } {
  const middle = (ys.length - 1) / 2;
  const mean = ys.reduce((sum, y) => sum + y / ys.length, 0);
  let above = 0;
  let below = 0;
  for (const [x, y] of ys.entries()) {
    above += (x - middle) * (y - mean);
    below += (x - middle) ** 2;
  }
  const slope = above / below;
  return { slope, offset: mean - slope * middle };
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
