// Parts of a document that programs write.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marked, withPart } from '../../scripts/marks.ts';

const MARKS = { begin: '<!-- begin -->', end: '<!-- end -->' };

test('a part takes the place of the one before, and nothing else changes', () => {
  const part = marked(MARKS, ['a', 'b']);
  const document = `before\n${part}\nafter\n`;
  assert.equal(withPart(document, MARKS, part), document);
  const other = marked(MARKS, ['c']);
  assert.equal(withPart(document, MARKS, other), `before\n${other}\nafter\n`);
  assert.throws(() => withPart('nothing', MARKS, part), /lost its marks/);
});
