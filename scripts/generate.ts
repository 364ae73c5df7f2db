// Writes docs/keywords.md and docs/config.schema.json from the keyword table, docs/reliability.md from measured results,
// docs/effects.md from the tests, and into docs/compatibility.md the tables of dumps and of what is shown.
// With --check it writes nothing and ends with 1 when one of them is stale.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { markdown } from '../src/config/docs.ts';
import { jsonSchema } from '../src/config/schema.ts';
import { keywords } from '../src/keywords.ts';
import { lintSchema } from '../src/tool/report.ts';
import { dumpTable, withDumps } from './dumps.ts';
import { effects, rowsOf, shownBy, withCounts } from './effects.ts';
import { type Result, reliability } from './reliability.ts';

const root = new URL('..', import.meta.url);
const results = new URL('test/netns/results/', root);
const seen = readdirSync(results)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, results), 'utf8')) as Result);
const tests = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(new URL(`test/${path}`, root), 'utf8') }));
const rows = rowsOf(readFileSync(new URL('test/fixtures/keywords.tsv', root), 'utf8'));
const shown = shownBy(rows, tests);
const outputs = {
  'docs/compatibility.md': withDumps(
    withCounts(readFileSync(new URL('docs/compatibility.md', root), 'utf8'), shown),
    dumpTable(),
  ),
  'docs/effects.md': effects(shown),
  'docs/keywords.md': markdown(keywords),
  'docs/reliability.md': reliability(seen),
  'docs/config.schema.json': `${JSON.stringify(jsonSchema(keywords), null, 2)}\n`,
  'docs/lint.schema.json': `${JSON.stringify(lintSchema, null, 2)}\n`,
};

const stale = Object.entries(outputs).filter(([path, text]) => current(path) !== text);
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is stale: run npm run generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of stale) writeFileSync(new URL(path, root), text);
}

function current(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
