// What the benches have in common: who is compared, their options, and the files with everything measured.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { DaemonKind } from '../netns/daemon.ts';
import { oursIsBuilt } from '../netns/daemon.ts';
import { type Column, columns, type Row, ratioTable } from './figures.ts';

export interface Contender {
  readonly name: Column;
  readonly kind: DaemonKind;
  /** Its lines for global_defs. */
  readonly globals: readonly string[];
}

const contenders: readonly Contender[] = [
  { name: 'keepalived', kind: 'keepalived', globals: [] },
  // Its default limit of 10 ms of processor time would end it while it adds two thousand addresses.
  {
    name: 'keepalived rt',
    kind: 'keepalived',
    globals: ['vrrp_rt_priority 50', 'vrrp_rlimit_rttime 5000000'],
  },
  // Real time where permitted is what it does by itself.
  { name: 'ours', kind: 'ours', globals: [] },
];

export interface BenchOptions {
  readonly contenders: readonly Contender[];
  /** How many of whatever the bench repeats. */
  readonly count: number;
  /** Where the figures go, without an extension; undefined for nowhere. */
  readonly out: string | undefined;
  /** Only series whose name contains this. */
  readonly only: string;
}

/**
 * --count N, --quick (few repetitions, nothing written), --contender NAME... (all three where ours is built), --only
 * TEXT, --out FILE.
 */
export function benchOptions(name: string, counts: { full: number; quick: number }): BenchOptions {
  const { values } = parseArgs({
    options: {
      count: { type: 'string' },
      quick: { type: 'boolean', default: false },
      contender: { type: 'string', multiple: true },
      only: { type: 'string', default: '' },
      out: { type: 'string' },
    },
  });
  const { quick, contender } = values;
  for (const one of contender ?? [])
    if (!columns.some((column) => column === one)) throw new Error(`no contender ${one}`);
  const usual = quick ? undefined : fileURLToPath(new URL(`results/${name}`, import.meta.url));
  return {
    contenders: contenders.filter((one) =>
      contender === undefined
        ? one.kind === 'keepalived' || oursIsBuilt()
        : contender.includes(one.name),
    ),
    count: Number(values.count ?? (quick ? counts.quick : counts.full)),
    out: values.out ?? usual,
    only: values.only,
  };
}

/** The row of one figure, for those contenders that have it. */
export function rowOf<T extends { readonly contender: Column }>(
  all: readonly T[],
  what: string,
  figure: (own: readonly T[]) => number,
  target?: Row['target'],
): Row {
  const figures: Partial<Record<Column, number>> = {};
  for (const column of columns) {
    const own = all.filter(({ contender }) => contender === column);
    if (own.length > 0) figures[column] = figure(own);
  }
  return { what, figures, ...(target === undefined ? {} : { target }) };
}

export interface Circumstances {
  readonly date: string;
  readonly commit: string;
  readonly loadBefore: readonly number[];
}

export const begin = (): Circumstances => ({
  date: new Date().toISOString(),
  commit: git('rev-parse', 'HEAD'),
  loadBefore: loadavg(),
});

const git = (...words: string[]): string =>
  execFileSync('git', words, {
    encoding: 'utf8',
    cwd: dirname(fileURLToPath(import.meta.url)),
  }).trim();

/** Prints the table and writes it, the raw measurements and the circumstances. */
export function writeReport(
  name: string,
  out: string | undefined,
  begun: Circumstances,
  raw: unknown,
  rows: readonly Row[],
): void {
  const circumstances = {
    name,
    ...begun,
    changed: git('status', '--porcelain', '--', ':/src', ':/native') !== '',
    node: process.version,
    kernel: release(),
    cpus: cpus().map((cpu) => cpu.model),
    loadAfter: loadavg(),
    rtRuntime: readFileSync('/proc/sys/kernel/sched_rt_runtime_us', 'utf8').trim(),
  };
  const table = ratioTable(rows);
  process.stdout.write(`\n${table}\n`);
  if (out === undefined) return;
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(`${out}.json`, `${JSON.stringify({ ...circumstances, rows, raw })}\n`);
  const { date, commit, changed, node, kernel, loadBefore } = circumstances;
  const where = `${cpus().length} cores, Linux ${kernel}, Node.js ${node}`;
  const load = `load ${loadBefore[0]?.toFixed(2)} before it began`;
  const source = `commit ${commit.slice(0, 10)}${changed ? ' with changes not committed' : ''}`;
  const text = `# ${name}\n\n${date}, ${source}, ${where}, ${load}.\n\n${table}`;
  writeFileSync(`${out}.md`, text);
  process.stdout.write(`raw: ${out}.json\n`);
}
