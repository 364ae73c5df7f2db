// Judges the configurations of test/fixtures/corpus with keepalived 2.2.7 and with us and writes the figures into
// docs/compatibility.md. Says which files differ and how; with a word, all that both say of the files whose names have
// it. Needs root, like every test that makes a namespace.

import { readFileSync, writeFileSync } from 'node:fs';
import {
  agrees,
  describeVerdict,
  judgeCorpus,
  scores,
  table,
  withTable,
} from '../test/diff/corpus.ts';

const word = process.argv[2];
const verdicts = await judgeCorpus(`ka-corpus-${process.pid}`);
if (word === undefined) {
  for (const verdict of verdicts.filter((v) => !agrees(v))) console.log(describeVerdict(verdict));
  const measured = scores(verdicts);
  console.log(table(measured));
  const path = new URL('../docs/compatibility.md', import.meta.url);
  writeFileSync(path, withTable(readFileSync(path, 'utf8'), table(measured)));
} else {
  for (const verdict of verdicts.filter((v) => v.file.includes(word))) {
    console.log(describeVerdict(verdict));
    console.log(`-- ours, ${verdict.ours.status}:`);
    for (const complaint of verdict.ours.complaints) console.log(complaint.text);
    console.log(`-- keepalived, ${verdict.theirs.status}:\n${verdict.theirs.text}`);
  }
}
