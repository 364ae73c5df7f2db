// Writes docs/keywords.md and docs/config.schema.json from the keyword table.
// With --check it writes nothing and ends with 1 when one of them is stale.

import { readFileSync, writeFileSync } from 'node:fs';
import { markdown } from '../src/config/docs.ts';
import { jsonSchema } from '../src/config/schema.ts';
import { keywords } from '../src/keywords.ts';

const root = new URL('..', import.meta.url);
const outputs = {
  'docs/keywords.md': markdown(keywords),
  'docs/config.schema.json': `${JSON.stringify(jsonSchema(keywords), null, 2)}\n`,
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
