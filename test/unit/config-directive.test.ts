// Includes, conditions, parameters and sequences as the reference page has them: what it says can be written can be read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIRECTIVES, directiveEntries } from '../../src/config/directive.ts';
import { lex } from '../../src/config/lexer.ts';

const lexed = (text: string) => {
  const asked: string[] = [];
  const { lines, diagnostics } = lex([{ name: 'x.conf', path: '/x.conf', directory: '/', text }], {
    read: (pattern) => {
      asked.push(pattern);
      return { files: [], problems: [] };
    },
    configId: 'lb1',
    random: { seed: 1 },
    environment: { HOME: '/root' },
  });
  return { asked, ids: diagnostics.map(({ id }) => id), texts: lines.map(({ text }) => text) };
};

for (const { syntax, example, names } of DIRECTIVES)
  test(`${syntax} is read, and help knows it`, () => {
    const use = 'zz $VALUE,$PRIORITY,$NETWORK,$LAST';
    const known = '$VALUE=v\n$PRIORITY=p\n$NETWORK=n\n$LAST=l\n';
    const { asked, ids, texts } = lexed(`${known}${example.join('\n')}\n${use}\n`);
    assert.deepEqual(ids, []);
    assert.equal(texts.length, 1);
    // An include asks for a file; everything else changes a parameter.
    if (syntax.startsWith('include')) assert.equal(asked.length, 1);
    else {
      assert.notEqual(texts[0], 'zz v,p,n,l');
      assert.doesNotMatch(texts[0] as string, /\$/);
    }
    for (const name of names) assert.ok(directiveEntries(name).length > 0, name);
  });

test('help has the entry of an include and no other', () => {
  assert.match(
    directiveEntries('includew').join('\n'),
    /^includew <path>\n {2}in .*\n {2}meaning /,
  );
  assert.equal(directiveEntries('includew').length, 1);
  assert.deepEqual(directiveEntries('includex'), []);
});
