// Text -> lines, as docs and keepalived 2.2.7 have it: one row a fact. `|` stands between the lines that come out.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how parameters are written

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Files, readPattern } from '../../src/config/include.ts';
import { type Lexed, lex } from '../../src/config/lexer.ts';

function read(text: string, others: Readonly<Record<string, string>> = {}): Lexed {
  const files: Files = {
    read: (path) => {
      const found = others[path];
      if (found === undefined) return { problem: 'missing' };
      return found === 'DIRECTORY' ? { problem: 'directory' } : { text: found };
    },
    list: (directory) => {
      const names = Object.keys(others)
        .filter((path) => path.startsWith(`${directory}/`))
        .map((path) => path.slice(directory.length + 1));
      return names.length === 0 ? undefined : names.filter((name) => !name.includes('/'));
    },
  };
  const main = { name: '/c/main', path: '/c/main', directory: '/c', text };
  return lex([main], {
    read: (pattern, directory) => readPattern(files, pattern, directory),
    configId: 'me',
    random: { seed: 1 },
    environment: { HOME: '/root' },
  });
}

const show = ({ lines }: Lexed): string => lines.map((line) => line.text).join('|');

function facts(
  title: string,
  rows: readonly (readonly [text: string, lines: string, id?: string])[],
) {
  for (const [text, expected, id] of rows) {
    test(`${title}: ${JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)}`, () => {
      const lexed = read(text);
      assert.equal(show(lexed), expected);
      assert.deepEqual(
        lexed.diagnostics.map((d) => d.id),
        id === undefined ? [] : [id],
      );
    });
  }
}

facts('blanks', [
  ['', ''],
  ['\n \t\n', ''],
  ['  a b  ', 'a b'],
  ['a b\r\nc\r\n', 'a b|c'],
  ['\f\va', 'a'],
  ['a', 'a'],
]);

facts('comments', [
  ['# a\n! b\nc', 'c'],
  ['a # b', 'a'],
  ['a#b', 'a'],
  ['a!b', 'a'],
  ['a "#" b', 'a "#" b'],
  ["a '#' b", "a '"],
  ['a \\# b', 'a # b'],
  ['a \\! b ! c', 'a ! b'],
]);

facts('lines', [
  ['a \\\nb', 'a\\|b'],
  ['a\0b\nc', 'a|c', 'nul-byte'],
  [`a ${'x'.repeat(1021)}`, `a ${'x'.repeat(1021)}`],
  [`a ${'x'.repeat(1022)}`, `a ${'x'.repeat(1021)}|x`, 'line-too-long'],
  ['Ä ö', 'Ä ö'],
  // Bytes count, and no character is torn.
  [`a ${'ä'.repeat(510)}b`, `a ${'ä'.repeat(510)}b`],
  [`a ${'ä'.repeat(511)}`, `a ${'ä'.repeat(510)}|ä`, 'line-too-long'],
  [`a ${'漢'.repeat(341)}`, `a ${'漢'.repeat(340)}|漢`, 'line-too-long'],
  [`ab ${'😀'.repeat(256)}`, `ab ${'😀'.repeat(255)}|😀`, 'line-too-long'],
]);

facts('braces', [
  ['a {\nb\n}', 'a|{|b|}'],
  ['a{', 'a|{'],
  ['a { b }', 'a|{|b|}'],
  ['a { } b { }', 'a|{|}|b|{|}'],
  ['10.0.0.1}', '10.0.0.1|}'],
  ['a "{" b', 'a "{" b'],
  ["a '{' b", "a '|{|' b"],
]);

facts('conditions', [
  ['@me a', 'a'],
  ['  @me a', 'a'],
  ['@other a', ''],
  ['@^other a', 'a'],
  ['@^me a', ''],
  ['@ME a', ''],
  ['@me', ''],
  ['@ me a', ''],
  ['@me @me a', '@me a'],
  ['a @other', 'a @other'],
  ['@me $A=1\n@other $A=2\na $A', 'a 1'],
]);

facts('parameters', [
  ['$A=1\na $A', 'a 1'],
  ['$A=  b c  \n$A', 'b c'],
  ['$A=\na$A', 'a'],
  ['$A=1\na $A, $A) ${A}b', 'a 1, 1) 1b'],
  ['$A=1\n$Ab $A.b $AB', '$Ab $A.b $AB'],
  ['$A=1\na "${A}" "$A"', 'a "1" "$A"'],
  ['$A=1\n\\$A', '\\1'],
  ['$A =1', '$A =1'],
  ['$1A=x', '$1A=x'],
  ['a $U "${U}"', 'a $U "${U}"'],
  ['$A=$B\n$B=1\na $A\n$B=2\na $A', 'a 1|a 2'],
  ['$A=1\n$A=2\na $A', 'a 2'],
  ['$A=b {\n$A\n}', 'b|{|}'],
  ['a {\n$A=1\nb $A\n}', 'a|{|b 1|}'],
  ['$C=@other\n${C} a', ''],
  ['a${_HASH}b "${_HASH}"', 'a'],
  ['a "${_HASH}${_BANG}"', 'a "#!"'],
  ['a ${_PWD}', 'a /c'],
  ['a ${_RANDOM 7 7}', 'a 7'],
  ['a ${_RANDOM 8 7}', 'a ${_RANDOM 8 7}', 'undefined-parameter'],
  ['a ${_RANDOM -7 7} {\n}', 'a ${_RANDOM -7 7}|{|}', 'undefined-parameter'],
  ['a ${_PWD x}', 'a ${_PWD x}', 'undefined-parameter'],
  ['a ${_ENV HOME}', 'a /root'],
  ['$_PWD=/x\na ${_PWD}', 'a /x'],
]);

facts('definitions of several lines', [
  ['$M=a \\\nb \\\nc\n$M', 'a|b|c'],
  ['$M=a \\\nb\nx $M', 'x a|b'],
  ['$M=a \\\nb\n$M x', '$M x'],
  ['$M=a \\\n\nb\n$M', 'b|a'],
  ['$M=a \\ # c\nb # d\n$M', 'a|b'],
  ['$M=a \\\n@other b \\\n@me c\n$M', 'a|c'],
  ['$M=$N=1 \\\na $N\n$M', 'a 1'],
  ['$M=a $N { \\\nb \\\n}\n$N=x\n$M', 'a x|{|b|}'],
]);

facts('sequences', [
  ['~SEQ(i,3) a $i', 'a 1|a 2|a 3'],
  ['~SEQ(i,2,4) a $i', 'a 2|a 3|a 4'],
  ['~SEQ(i,1,3,8) a $i', 'a 1|a 4|a 7'],
  ['~SEQ(i,3,-1,1) a $i', 'a 3|a 2|a 1'],
  ['~SEQ(i,-2) a $i', 'a -1|a -2'],
  ['~SEQ(i,0x10,020) a $i', 'a 16'],
  ['~SEQx(i,9,11) a $i', 'a 9|a a|a b'],
  ['~SEQ(i,2) a\n$i', 'a|a|2'],
  ['~SEQ (i,2) a $i', 'a 1|a 2'],
  ['a ${_INSTANCE}', 'a me'],
  ['@^ a', 'a'],
  ['$E=2\n~SEQ(i,$E) a $i', 'a 1|a 2'],
  ['~SEQ(i,1,0,3) a', '', 'bad-sequence'],
  ['~SEQ(i,1,-1,3) a', '', 'bad-sequence'],
  ['~SEQ(i,08) a', '', 'bad-sequence'],
  ['~SEQ(i) a', '', 'bad-sequence'],
  ['~SEQx(i,-2) a', '', 'bad-sequence'],
  ['~LST(v,x,y) a $v', 'a x|a y'],
  ['~LST({v,w},{x,y},{z}) a ${v}_${w}', 'a x_y|a z_'],
  ['~LST({v,w},{x,y,z}) a', '', 'bad-sequence'],
  ['~LST(v) a', '', 'bad-sequence'],
  ['~SEQ(i,2) ~LST(v,x,y) a ${i}$v', 'a 1x|a 1y|a 2x|a 2y'],
  ['$M=a $i \\\nb\n~SEQ(i,2) $M', 'a 1|b|a 2|b'],
  ['~FOO a', '~FOO a'],
]);

// keepalived 2.2.7, asked for each: what stands behind a brace is a line of its own.
facts('behind a brace', [
  ['a { @me b\nc', 'a|{|b|c'],
  ['a { @you b }\nc', 'a|{|c'],
  ['a } @^you b { @me c } d', 'a|}|b|{|c|}|d'],
  ['a { $A=5\nb $A', 'a|{|b 5'],
  ['$A=9\na { $A=5\nb $A', 'a|{|b 5'],
  ['a { $A=x }\nb $A', 'a|{|b x|}'],
  ['a { ~SEQ(i,1,2) b$i }', 'a|{|b1|}|b2|}'],
  ['~SEQ(i,1,2) a { @me b$i', 'a|{|b1|a|{|b2'],
  ['$M=@me b\na { $M', 'a|{|b'],
  ['$M=a { @me b\n$M', 'a|{|b'],
  ['a "{ @me b"', 'a "{ @me b"'],
  ['a {include}', 'a|{|include|}'],
]);

test('a parameter that needs itself is found and costs no time', () => {
  const lexed = read('$A=x $B\n$B=y $A\na $A');
  assert.deepEqual(
    lexed.diagnostics.map((d) => [d.id, d.line]),
    [['parameter-cycle', 3]],
  );
});

test('lines that are made of themselves, many times over, are left at the first that says so', () => {
  const lexed = read('$A= \\\nb \\\n~SEQ(i,1,5) $A \\\n~SEQ(i,1,5) $A\n\n$A\nc\n$A');
  assert.deepEqual(
    lexed.diagnostics.map((d) => [d.id, d.line]),
    [
      ['parameter-cycle', 6],
      ['parameter-cycle', 8],
    ],
  );
  assert.ok(lexed.lines.length < 200, `${lexed.lines.length} lines`);
  assert.ok(lexed.lines.some(({ text }) => text === 'c'));
});

test('a sequence cannot exhaust memory', () => {
  const lexed = read('~SEQ(i,2000000000) a');
  assert.deepEqual(
    lexed.diagnostics.map((d) => d.id),
    ['too-many-lines'],
  );
});

test('what a sequence makes is limited by its length too', () => {
  const lexed = read(`~SEQ(i,1000000) ${'a '.repeat(500)}`);
  assert.deepEqual(
    lexed.diagnostics.map((d) => d.id),
    ['too-many-lines'],
  );
  assert.ok(lexed.lines.length > 10_000 && lexed.lines.length < 50_000, `${lexed.lines.length}`);
  // 40,000 servers of eight lines.
  const servers = read(`~SEQ(i,320000) real_server 10.\${i}.0.1 80 and more`);
  assert.deepEqual([servers.lines.length, servers.diagnostics], [320_000, []]);
});

test('the caret stands under the word in the file, behind conditions, parameters and blanks', () => {
  const [line] = read('  @me  $U b').lines;
  assert.equal(line?.column, 8);
});

for (const [name, text, others, lines, ids, statuses = []] of [
  ['one file', 'include b', { '/c/b': 'x' }, 'x', []],
  [
    'relative to the file that says it',
    'include d/b',
    { '/c/d/b': 'include e', '/c/d/e': 'x' },
    'x',
    [],
  ],
  ['in sorted order', 'include d/*', { '/c/d/b': 'y', '/c/d/a': 'x' }, 'x|y', []],
  ['braces in their own order', 'include {b,a}', { '/c/a': 'x', '/c/b': 'y' }, 'y|x', []],
  ['in a block that its includer closes', 'include b\n}', { '/c/b': 'a {' }, 'a|{|}', []],
  ['definitions reach out', 'include b\na $P', { '/c/b': '$P=1' }, 'a 1', []],
  ['missing', 'include b\na', {}, 'a', ['include-missing']],
  ['missing, m', 'includem b\na', {}, '', ['include-missing'], [6]],
  ['no match', 'include d/x*\na', { '/c/d/a': '' }, 'a', []],
  ['no match, w', 'includew d/x*\na', { '/c/d/a': '' }, '', ['include-no-match'], [6]],
  ['no directory', 'include n/*\na', {}, 'a', ['include-no-directory']],
  ['no directory, m', 'includem n/*\na', {}, '', ['include-no-directory'], [6]],
  ['one of the braces', 'include {b,n}', { '/c/b': 'x' }, 'x', ['include-brace']],
  ['one of the braces, b', 'includeb {b,n}', { '/c/b': 'x' }, '', ['include-brace'], [6]],
  ['all of the braces, m', 'includem {m,n}\na', {}, 'a', ['include-none-of-braces']],
  ['directory', 'include d\na', { '/c/d': 'DIRECTORY' }, 'a', ['include-directory']],
  ['directory, r', 'includer d\na', { '/c/d': 'DIRECTORY' }, '', ['include-directory'], [6]],
  ['escaped', 'include b\\*', { '/c/b*': 'x', '/c/bb': 'y' }, 'x', []],
  ['a definition goes on behind it', '$M=$N \\\ninclude b', {}, '', []],
  ['itself', 'include b\na', { '/c/b': 'x\ninclude b' }, 'x|a', ['include-cycle']],
  ['twice is no cycle', 'include b\ninclude b', { '/c/b': 'x' }, 'x|x', []],
  ['quotes are part of the name', 'include "b"', { '/c/"b"': 'x' }, 'x', []],
  ['bare', 'include', {}, 'include', []],
  ['condition', '@other include b\n@me include b', { '/c/b': 'x' }, 'x', []],
  ['parameter', '$F=b\ninclude $F', { '/c/b': 'x' }, 'x', []],
] as const) {
  test(`include: ${name}`, () => {
    const lexed = read(text, others as Readonly<Record<string, string>>);
    assert.equal(show(lexed), lines);
    assert.deepEqual(
      lexed.diagnostics.map((d) => d.id),
      ids,
    );
    assert.deepEqual(
      lexed.diagnostics.flatMap((d) => d.status ?? []),
      statuses,
    );
  });
}
