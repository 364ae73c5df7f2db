// What the benches have in common: their options, and the file with everything measured beside the table.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { DaemonKind } from '../netns/daemon.ts';
import { oursIsBuilt } from '../netns/daemon.ts';
import type { Row } from './figures.ts';
import { ratioTable } from './figures.ts';

export interface BenchOptions {
  readonly daemons: readonly DaemonKind[];
  /** How many of whatever the bench repeats. */
  readonly count: number;
  readonly out: string;
  /** Only series whose name contains this. */
  readonly only: string;
}

/** --count N, --daemon ours|keepalived (both where it is absent and ours is built), --only TEXT, --out FILE. */
export function benchOptions(name: string, count: number): BenchOptions {
  const { values } = parseArgs({
    options: {
      count: { type: 'string' },
      daemon: { type: 'string' },
      only: { type: 'string', default: '' },
      out: { type: 'string' },
    },
  });
  const daemons: DaemonKind[] =
    values.daemon !== undefined
      ? [values.daemon as DaemonKind]
      : oursIsBuilt()
        ? ['keepalived', 'ours']
        : ['keepalived'];
  const file = fileURLToPath(new URL(`results/${name}.json`, import.meta.url));
  return {
    daemons,
    count: Number(values.count ?? count),
    out: values.out ?? file,
    only: values.only,
  };
}

/** Prints the table and writes it, the raw measurements and the circumstances. */
export function writeReport(name: string, out: string, raw: unknown, rows: readonly Row[]): void {
  const git = (...words: string[]): string =>
    execFileSync('git', words, {
      encoding: 'utf8',
      cwd: dirname(fileURLToPath(import.meta.url)),
    }).trim();
  const circumstances = {
    name,
    date: new Date().toISOString(),
    commit: git('rev-parse', 'HEAD'),
    changed: git('status', '--porcelain', '--', 'src', 'native') !== '',
    node: process.version,
    kernel: release(),
    cpus: cpus().map((cpu) => cpu.model),
    load: loadavg(),
    rtRuntime: readFileSync('/proc/sys/kernel/sched_rt_runtime_us', 'utf8').trim(),
  };
  const table = ratioTable(rows);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify({ ...circumstances, rows, raw }, null, 1)}\n`);
  process.stdout.write(`\n${table}\nraw: ${out}\n`);
}
