// Real configurations: our verdict on each of test/fixtures/corpus beside keepalived's. docs/compatibility.md says how
// many agree and names those that do not, with the reason; scripts/corpus measures again.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  agrees,
  claimed,
  describeVerdict,
  excused,
  judgeCorpus,
  scores,
  shortName,
} from './corpus.ts';

const MOST_REASONS = 5;

test('the verdict on real configurations is as documented', async (t) => {
  const verdicts = await judgeCorpus(`ka-corpus-${process.pid}`);
  const document = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');
  const others = verdicts.filter((v) => !agrees(v));
  const story = others.map(describeVerdict).join('\n');
  for (const score of scores(verdicts)) t.diagnostic(JSON.stringify(score));

  const reasons = excused(document);
  assert.ok(reasons.size > 0 && reasons.size <= MOST_REASONS, [...reasons.keys()].join('\n'));
  assert.deepEqual(others.map(shortName).sort(), [...reasons.values()].flat().sort(), story);
  assert.deepEqual(scores(verdicts), claimed(document), story);
  for (const { file, ours } of verdicts)
    assert.ok([0, 2, 4, 5, 6].includes(ours.status), `${file}: status ${ours.status}`);
});
