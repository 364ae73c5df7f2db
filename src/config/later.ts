// The keywords of a configuration that are read and have no effect yet, for the one line that says so.

import type { Complaint } from './diagnostic.ts';
import { type Block, findRow } from './keyword.ts';
import type { Node } from './parser.ts';

/** Each once, as written, in the order of the file; a block stands for what is in it. */
export function laterKeywords(table: Block, nodes: readonly Node[]): string[] {
  const found = new Set<string>();
  collectLater(table, nodes, found);
  return [...found];
}

function collectLater(table: Block, nodes: readonly Node[], found: Set<string>): void {
  if (!hasLater(table)) return;
  for (const { keyword, children } of nodes) {
    const row = findRow(table, keyword)?.row;
    if (row === undefined) continue;
    if (row.effect === 'later') found.add(keyword);
    else if (row.form !== 'words' && row.form !== 'entries')
      collectLater(row.rows, children ?? [], found);
  }
}

/** Most blocks have no such row, and a file can have 100,000 of them. */
const answers = new WeakMap<Block, boolean>();

function hasLater(rows: Block): boolean {
  const known = answers.get(rows);
  if (known !== undefined) return known;
  const answer = Object.values(rows).some(
    (row) =>
      row.effect === 'later' ||
      (row.form !== 'words' && row.form !== 'entries' && hasLater(row.rows)),
  );
  answers.set(rows, answer);
  return answer;
}

/** Changes no exit status. */
export const notYetEffective = (keywords: readonly string[]): Complaint => ({
  id: 'not-yet-effective',
  severity: 'warning',
  class: 'none',
  message: `accepted, not yet effective: ${keywords.join(', ')}`,
});
