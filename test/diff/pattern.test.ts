// Patterns of PCRE2 translated for JavaScript, beside perl, whose language PCRE2's is: the same subjects match, and at the
// same place. A table of what each construct means, patterns made at random, and what must be refused.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PatternError } from '../../src/check/charset.ts';
import { translatePattern } from '../../src/check/pattern.ts';

interface Question {
  readonly pattern: string;
  readonly subject: string;
  readonly options?: readonly string[];
}

const LETTERS: Readonly<Record<string, string>> = {
  caseless: 'i',
  dotall: 's',
  multiline: 'm',
  extended: 'x',
};

/** Where perl finds the first match of each; -1 for nowhere, -2 where perl does not take the pattern. Bytes, not text. */
function perl(questions: readonly Question[]): number[] {
  const hex = (text: string): string => Buffer.from(text).toString('hex');
  const input = questions.map(({ pattern, subject, options = [] }) => {
    const letters = options.map((option) => LETTERS[option]).join('');
    return `${hex(`(?${letters})${pattern}`)} ${hex(subject)}`;
  });
  const program = `no warnings; while (<STDIN>) { my ($p, $s) = map { pack 'H*', $_ } /^(\\w*) (\\w*)/;
    my $r = eval { qr/$p/ }; if (!defined $r) { print "-2\\n"; next } print $s =~ $r ? "$-[0]\\n" : "-1\\n" }`;
  const output = execFileSync('perl', ['-e', program], {
    input: input.join('\n'),
    encoding: 'utf8',
  });
  return output.trim().split('\n').map(Number);
}

function ours({ pattern, subject, options = [] }: Question): number {
  const { source, flags, utf } = translatePattern(pattern, options);
  const text = utf ? subject : Buffer.from(subject).toString('latin1');
  return new RegExp(source, flags).exec(text)?.index ?? -1;
}

function same(questions: readonly Question[]): void {
  const expected = perl(questions);
  assert.equal(expected.length, questions.length);
  for (const [index, question] of questions.entries())
    assert.equal(ours(question), expected[index], JSON.stringify(question));
}

const TABLE: readonly (readonly [pattern: string, subjects: readonly string[], option?: string])[] =
  [
    ['^a$', ['a', 'a\n', 'a\n\n', '\na', 'xa']],
    ['^a$', ['b\na\nb', 'a\n', '\na'], 'multiline'],
    ['^', ['a\n', ''], 'multiline'],
    ['\\n^', ['a\n', 'a\nb'], 'multiline'],
    ['\\Aa\\z', ['a', 'a\n', '\na'], 'multiline'],
    ['a\\Z', ['a', 'a\n', 'a\n\n']],
    ['a.b', ['a\rb', 'a\nb', 'a\u2028b', 'axb']],
    ['a.b', ['a\nb'], 'dotall'],
    ['a\\Nb', ['a\nb', 'axb'], 'dotall'],
    ['\\s', ['\u00e0', '\u00a0', '\v', ' ', 'x']],
    ['\\S', [' \t', '\u00a0']],
    ['\\h', ['\n', '\t', '\u00a0']],
    ['\\H\\V', ['\n\t', 'ab']],
    ['\\v', ['a', '\n', '\f']],
    ['^\\R$', ['\r\n', '\n', '\r']],
    ['\\R\\n', ['\r\n', '\r\n\n']],
    ['\\w+\\W', ['\u00e9 x', 'ab-']],
    ['\\bfoo\\B', ['foo', 'food', 'afood', '\u00e9food']],
    ['\u00c9', ['\u00e9', '\u00c9'], 'caseless'],
    ['STRASSE', ['strasse', 'stra\u00dfe', '\u017ftrasse'], 'caseless'],
    ['[^a-f]', ['ABC', 'xyz'], 'caseless'],
    ['[X-c]', ['x', 'C', '_', 'd', 'W'], 'caseless'],
    ['[[:upper:]]', ['a', 'A', '1'], 'caseless'],
    ['[[:^alpha:]x]', ['abc', 'ax', 'a1', '\u00e9']],
    ['[[:punct:]]', ['a~', 'a ', '`', '@']],
    ['[]a]', [']', 'a', 'b']],
    ['[^]a]', [']', 'a', 'b']],
    ['[a\\]b-]', ['-', ']', 'c']],
    ['[\\d-x]', ['-', '5', 'k', 'x']],
    ['[\\b]', ['\b', 'b']],
    ['[\\101]', ['A', '1']],
    ['a{,2}', ['a{,2}']],
    ['a{x', ['a{x']],
    ['x{1,2}?y', ['xxxy']],
    ['a++b', ['aaab']],
    ['a++ab', ['aaab']],
    ['(?>a|ab)c', ['abc', 'ac']],
    ['(?:a*)*b', ['aaab', 'c']],
    ['(?i)a(?-i)b', ['Ab', 'AB']],
    ['a(?i)b|c', ['aB', 'C', 'AB']],
    ['a(?i:b)c', ['aBc', 'aBC']],
    ['(?x) a b # c\n d', ['abd', 'a b']],
    ['a (?#x) b', ['ab', 'a  b']],
    ['a\\ b [ ] c', ['a b c', 'ab c', 'a b c'], 'extended'],
    ['\\x41\\x{42}\\103\\o{104}\\e?\\cA?', ['ABCD']],
    ['\\x', ['\0', 'x']],
    ['\\07', ['\x07']],
    ["(?<name>a)(?P<other>b)(?'third'c)", ['abc']],
    ['(?|(a)|(b))c', ['ac', 'bc']],
    ['(?<=a)b(?!c)', ['ab', 'abc', 'b']],
    ['(?<!a|cd)b', ['ab', 'cdb', 'xb']],
    ['(?=a)*b', ['b']],
    ['/', ['a/b']],
    ['\\/\\-\\.\\@', ['/-.@']],
    ['}]', ['}]']],
    ['', ['', 'a']],
    ['a|', ['b']],
    ['(*pla:a)a(*nlb:b)', ['a']],
  ];

describe('a pattern', () => {
  it('means what it means to perl', () => {
    same(
      TABLE.flatMap(([pattern, subjects, option]) =>
        subjects.map((subject) => ({
          pattern,
          subject,
          options: option === undefined ? [] : [option],
        })),
      ),
    );
  });

  it('made at random finds the same place', () => {
    const atom = fc.constantFrom(
      ...[
        'a',
        'b',
        'A',
        '.',
        '\\w',
        '\\W',
        '\\s',
        '\\S',
        '\\d',
        '[ab]',
        '[^ab]',
        '\\n',
        '\\R',
        '\\h',
      ],
      ...[
        '[[:upper:]]',
        '^',
        '$',
        '\\b',
        '\\B',
        '\\A',
        '\\z',
        '\\Z',
        '\\x41',
        ' ',
        '[\\s\\w]',
        '[^\\W]',
      ],
    );
    const quantifier = fc.constantFrom(
      '',
      '',
      '',
      '*',
      '+',
      '?',
      '*?',
      '+?',
      '++',
      '?+',
      '{2}',
      '{1,2}',
    );
    const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
      pattern: fc
        .array(
          fc.array(tie('piece'), { maxLength: 4 }).map((pieces) => pieces.join('')),
          {
            minLength: 1,
            maxLength: 2,
          },
        )
        .map((branches) => branches.join('|')),
      piece: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.tuple(atom, quantifier).map((parts) => parts.join('')),
        fc
          .tuple(fc.constantFrom('(', '(?:', '(?>', '(?i:', '(?s-i:'), tie('pattern'), quantifier)
          .map(([open, inside, times]) => `${open}${inside})${times}`),
        fc
          .tuple(fc.constantFrom('(?=', '(?!'), tie('pattern'))
          .map(([open, inside]) => `${open}${inside})`),
      ),
    }));
    const subject = fc
      .array(fc.constantFrom('a', 'b', 'A', 'B', '1', ' ', '\n', '\r', '\t', '\u00e9'), {
        maxLength: 8,
      })
      .map((chars) => chars.join(''));
    const options = fc.subarray(Object.keys(LETTERS));
    const made = fc.sample(fc.record({ pattern, subject, options }), { numRuns: 4_000, seed: 6 });
    const expected = perl(made);
    let compared = 0;
    for (const [index, question] of made.entries()) {
      if (expected[index] === -2) continue;
      compared++;
      assert.equal(ours(question), expected[index], JSON.stringify(question));
    }
    assert.ok(compared > 2_000, `${compared} compared`);
  });

  for (const [pattern, why] of [
    ['(a)\\1', /back references/],
    ['(?<n>a)\\k<n>', /back references/],
    ['(a)\\g{-1}', /back references/],
    ['(?R)', /recursion/],
    ['(a)(?1)', /recursion/],
    ['(?(1)a|b)', /condition/],
    ['a(*SKIP)b', /verbs/],
    ['(*UTF)a', /verbs/],
    ['a\\Kb', /\\K/],
    ['\\Ga', /\\G/],
    ['\\X', /\\X/],
    ['(?xx)[a b]', /layout/],
    ['*a', /nothing to repeat/],
    ['(a', /missing closing/],
    ['a)', /unmatched/],
    ['[a', /missing \]/],
    ['[b-a]', /out of order/],
    ['[[:nope:]]', /unknown class/],
    ['\\', /at the end/],
    ['\\y', /unknown escape/],
    ['\\p{Nope}', /no counterpart/],
    ['\\x{100}', /too large/],
  ] as const)
    it(`${pattern} is refused with a reason`, () => {
      assert.throws(
        () => translatePattern(pattern, []),
        (error) => error instanceof PatternError && why.test(error.message),
      );
    });

  for (const [option, pattern, subject, found] of [
    ['dollar_endonly', 'a$', 'a\n', false],
    ['dollar_endonly', 'a$', 'a', true],
    ['allow_empty_class', 'a[]', 'a]', false],
    ['allow_empty_class', 'a[^]', 'a\n', true],
    ['alt_circumflex', '(?m)\\n^', 'a\n', true],
    ['alt_bsux', '\\u0041\\U\\x4', 'AUx4', true],
    ['ungreedy', '(?>a+)a', 'aa', true],
    ['ungreedy', '(?>a+?)a', 'aa', false],
    ['utf', '^.$', 'é', true],
    ['utf', 'É', 'xÉ', true],
    ['utf', '\\x{20ac}', '€', true],
    ['utf', '(?i)É', 'é', true],
    ['utf', '(?i)k', '\u212a', true],
    ['ucp', '^\\w$', 'é', false],
    ['caseless', 'ABC', 'abc', true],
    // perl quotes before it reads a pattern.
    ['extended', '\\Qa. b\\E+', 'a. bbb', true],
    ['extended', '\\Qa. b\\E+', 'ax b', false],
    ['extended', 'a b', 'ab', true],
    ['dotall', 'a.b', 'a\nb', true],
    ['multiline', '^b', 'a\nb', true],
  ] as const)
    it(`under ${option}: ${pattern} ${found ? 'is' : 'is not'} in ${JSON.stringify(subject)}`, () => {
      assert.equal(ours({ pattern, subject, options: [option] }) >= 0, found);
    });

  it('is not changed by what only says how to search', () => {
    const plain = translatePattern('a+b', []);
    for (const option of ['auto_callout', 'no_auto_possess', 'no_start_optimize', 'dupnames'])
      assert.deepEqual(translatePattern('a+b', [option]), plain);
    assert.equal(translatePattern('a', ['firstline']).firstline, true);
  });
});
