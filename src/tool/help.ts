// `keepalived help KEYWORD`: the entry of the reference page in the terminal. Computed from the keyword table.

import { nearest } from '../config/diagnostic.ts';
import { entriesFor, keywordNames } from '../config/docs.ts';
import { OBSOLETE } from '../config/keyword.ts';
import { keywords } from '../keywords.ts';
import { print } from '../print.ts';

export function runHelp(words: readonly string[]): number {
  const [word, ...more] = words;
  if (word === undefined || word.startsWith('-') || more.length > 0) {
    print(2, 'Usage: keepalived help KEYWORD\n');
    return word === '--help' ? 0 : 1;
  }
  const found = entriesFor(keywords, word);
  if (found.length > 0) {
    print(1, `${found.join('\n\n')}\n`);
    return 0;
  }
  const obsolete = Object.hasOwn(OBSOLETE, word) ? OBSOLETE[word] : undefined;
  const near = nearest(word, keywordNames(keywords));
  const hint =
    obsolete !== undefined
      ? `: it is obsolete, ${obsolete}`
      : near === undefined
        ? ''
        : `; did you mean '${near}'?`;
  print(2, `There is no keyword '${word}'${hint}\n`);
  return 1;
}
