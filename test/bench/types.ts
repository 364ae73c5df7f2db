// How long the compiler needs for the keyword table: src/keywords.ts with all that it imports, and nothing else. The types
// of the configuration are computed from its rows, so the table could one day make the compiler slow. There is nothing of
// keepalived's to compare it with.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Column, percentile, type Row } from './figures.ts';
import { begin, benchOptions, rowOf, writeReport } from './report.ts';

interface Compilation {
  readonly contender: Column;
  /** Seconds, as the compiler counts them. */
  readonly check: number;
  readonly total: number;
  readonly instantiations: number;
}

const compiler = fileURLToPath(import.meta.resolve('typescript/lib/tsc.js'));
const project = fileURLToPath(new URL('types.tsconfig.json', import.meta.url));

function compile(): Compilation {
  const words = [compiler, '-p', project, '--extendedDiagnostics'];
  const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout);
  const figure = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(stdout)?.[1]);
  return {
    contender: 'ours',
    check: figure('Check time'),
    total: figure('Total time'),
    instantiations: figure('Instantiations'),
  };
}

const { count, out } = benchOptions('types', { full: 5, quick: 1 });
const begun = begin();
const all = Array.from({ length: count }, compile);
const row = (what: string, field: 'check' | 'total' | 'instantiations', target?: Row['target']) =>
  rowOf(
    all,
    `type-check of the keyword table, ${what}`,
    (list) =>
      percentile(
        list.map((one) => one[field]),
        0.5,
      ),
    target,
  );
writeReport('types', out, begun, all, [
  row('with reading and binding its files, median, s', 'total', { most: 10 }),
  row('checking alone, median, s', 'check'),
  row('instantiations', 'instantiations'),
]);
