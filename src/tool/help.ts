// `keepalived help KEYWORD`: the entry of the reference page in the terminal; without a keyword the blocks to begin with.
// Computed from the keyword table.

import { nearest } from '../config/diagnostic.ts';
import { directiveEntries } from '../config/directive.ts';
import { entriesFor, keywordNames, placesOf } from '../config/docs.ts';
import { type AnyRow, OBSOLETE } from '../config/keyword.ts';
import { keywords } from '../keywords.ts';
import { print } from '../print.ts';

const USAGE = 'Usage: keepalived help KEYWORD | BLOCK/KEYWORD\n';

/** Where to begin: what stands at the top level of a configuration. */
export function overview(): string {
  const rows: readonly (readonly [string, AnyRow])[] = Object.entries(keywords);
  const widest = Math.max(...rows.map(([name]) => name.length));
  const listed = (isBlock: boolean): string =>
    rows
      .filter(([, row]) => (row.form === 'words') !== isBlock)
      .map(([name, row]) => `  ${name.padEnd(widest)}  ${row.doc.replaceAll('`', '')}\n`)
      .join('');
  return `${USAGE}
Blocks of a configuration; the entry of one names the keywords in it:

${listed(true)}
Keywords that stand outside of them:

${listed(false)}`;
}

export function runHelp(words: readonly string[]): number {
  const [word, ...more] = words;
  if (words.length === 0 || word === '--help' || word === '-h') {
    print(1, overview());
    return 0;
  }
  if (word === undefined || word.startsWith('-') || more.length > 0) {
    print(2, USAGE);
    return 1;
  }
  const found = [...directiveEntries(word), ...entriesFor(keywords, word)];
  if (found.length > 0) {
    print(1, `${found.join('\n\n')}\n`);
    return 0;
  }
  print(2, `There is no keyword '${word}'${hintFor(word)}\n`);
  return 1;
}

/** As many names as one can read. */
const MOST_NAMES = 20;

/** What may have been meant by a word that is no keyword. */
export function hintFor(word: string): string {
  if (Object.hasOwn(OBSOLETE, word)) return `: it is obsolete, ${OBSOLETE[word]}`;
  const places = placesOf(keywords, word);
  if (places.length > 0) return `; there is ${places.join(', ')}`;
  const name = word.split('/').at(-1) as string;
  const names = keywordNames(keywords);
  const near = nearest(name, names);
  if (near !== undefined) return `; did you mean '${near}'?`;
  const having = name === '' ? [] : names.filter((one) => one.includes(name.toLowerCase()));
  const more = having.length > MOST_NAMES ? ' ...' : '';
  return having.length === 0 ? '' : `; there is ${having.slice(0, MOST_NAMES).join(', ')}${more}`;
}
