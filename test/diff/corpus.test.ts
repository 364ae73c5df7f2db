// Real configurations: our verdict on each of test/fixtures/corpus beside keepalived's. What docs/compatibility.md
// claims is the floor; scripts/corpus measures again and raises it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { agrees, claimed, describeVerdict, judgeCorpus, scores } from './corpus.ts';

test('the verdict on real configurations is as documented, or better', async (t) => {
  const verdicts = await judgeCorpus(`ka-corpus-${process.pid}`);
  const others = verdicts.filter((v) => !agrees(v)).map(describeVerdict);
  const document = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');
  const floors = claimed(document);
  for (const [i, score] of scores(verdicts).entries()) {
    t.diagnostic(JSON.stringify(score));
    const floor = floors[i];
    assert.ok(floor !== undefined && floor.files > 0, 'docs/compatibility.md claims nothing');
    const story = `${JSON.stringify({ floor, score })}\n${others.join('\n')}`;
    assert.equal(score.files, floor.files, story);
    for (const name of ['status', 'lines', 'both'] as const)
      assert.ok(score[name] >= floor[name], story);
  }
  for (const { file, ours } of verdicts)
    assert.ok([0, 2, 4, 5, 6].includes(ours.status), `${file}: status ${ours.status}`);
});
