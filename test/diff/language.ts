// Small files about the language itself: braces, quotes, comments, parameters, sequences, conditions, includes.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how parameters are written

import { type Case, globals, inside } from './cases.ts';

const SKIPPED_WHOLE =
  'an unknown block is skipped whole; keepalived reads its inner lines in the block around it, whose end is then lost';

const OTHER_PASSES =
  'the block is read as if it had its brace; keepalived also complains in the passes that have not seen a block begin';

const COUNTED_TWICE =
  'keepalived counts the two parts of a line that is too long as lines, and is off by one from there on';

const UNTAKEN = [
  "parameter '${_PWD x}' has words that it does not take",
  "Unknown keyword 'zz${_PWD'",
];
const UNDEFINED = ["parameter '${NONE}' is not defined", "Unknown keyword 'zz${NONE}'"];

const lines = (...text: readonly string[]): string => `${text.join('\n')}\n`;
const good = inside();

const INCLUDES = ['include no', 'include no*', 'include no/*', 'include {no}', 'include ../part'];

export const LANGUAGE: readonly Case[] = [
  { name: 'empty file', text: '' },
  { name: 'only comments', text: lines('# a', '! b', '') },
  { name: 'no final newline', text: good.trimEnd() },
  { name: 'carriage returns', text: good.replaceAll('\n', '\r\n') },
  { name: 'form feed and vertical tab', text: inside('priority\f\v50') },
  {
    name: 'byte order mark',
    text: `\ufeff${good}`,
    differs: { why: SKIPPED_WHOLE, onlyTheirs: [2, 3, 4, 5, 6, 7] },
  },
  { name: 'NUL', text: inside('priority 50\0 nonsense', 'state BACKUP') },
  { name: 'non-ASCII name', text: good.replace(' A ', ' Ä ') },
  { name: 'glued brace', text: good.replace(' A {', ' A{') },
  { name: 'brace on the next line', text: good.replace(' A {', ' A\n\n# c\n{') },
  { name: 'statement after brace', text: good.replace('{\ninterface', '{ interface') },
  {
    name: 'statement before brace',
    text: inside('priority 50 }', 'x'),
    differs: { why: SKIPPED_WHOLE, onlyTheirs: [7, 8] },
  },
  { name: 'two blocks on a line', text: `global_defs { } global_defs { }\n${good}` },
  {
    name: 'whole instance on a line',
    text: 'vrrp_instance A { interface eth0 virtual_router_id 5 }\n',
  },
  {
    name: 'brace in a word',
    text: globals('router_id a{b'),
  },
  { name: 'brace in quotes', text: globals('router_id "a}b{c"') },
  { name: 'brace in the middle of a word', text: globals('router_id a}b') },
  { name: 'brace in a quoted command', text: inside('notify_master "/bin/true {a}"') },
  { name: 'unknown at the root', text: lines('foo bar') },
  {
    name: 'unknown block at the root',
    text: `foo {\nbar\n}\n${good}`,
    differs: { why: SKIPPED_WHOLE, onlyTheirs: [2, 3] },
  },
  {
    name: 'unknown block in an instance',
    text: inside('foo {', 'bar', '}'),
    differs: { why: SKIPPED_WHOLE, onlyTheirs: [5, 7, 8, 9, 10] },
  },
  { name: 'keyword of another block', text: inside('router_id a') },
  { name: 'missing last brace', text: good.slice(0, -2) },
  { name: 'missing inner brace', text: good.replace('}\n', '') },
  {
    name: 'missing opening brace',
    text: good.replace(' A {', ' A'),
    differs: { why: OTHER_PASSES, onlyTheirs: [3, 4, 5, 6, 7] },
  },
  { name: 'extra closing brace', text: `${good}}\n` },
  { name: 'extra opening brace', text: inside('{') },
  { name: 'brace after a scalar', text: inside('priority 50 {') },
  { name: 'no name', text: good.replace(' A {', ' {') },
  { name: 'two names', text: good.replace(' A {', ' A B {') },
  { name: 'name in quotes', text: good.replace(' A {', ' "A B" {') },
  { name: 'unterminated quote', text: globals('router_id "ab') },
  { name: 'quote in a word', text: globals('router_id a"b"c') },
  { name: 'empty word', text: globals('router_id ""') },
  { name: 'comment in quotes', text: globals('router_id "a#b!c"') },
  { name: 'comment glued to a word', text: inside('priority 50# c', 'state MASTER!c') },
  { name: 'escaped comment', text: inside('zz\\#y a') },
  { name: 'final backslash', text: inside('priority 50 \\', 'state MASTER') },
  {
    name: 'final backslash in a comment',
    text: inside('priority 50 # c \\', 'zz ! c \\', '# d \\', '# e\\', '# f \\ ', '# g \\\\'),
  },
  {
    name: 'final backslash in a comment of entries',
    text: inside('virtual_ipaddress_excluded {', '# g \\', '10.9.0.9 # h \\', '}'),
  },
  { name: 'semicolon', text: inside('priority 50;') },
  {
    name: 'long line',
    text: inside(`zz ${'y'.repeat(1100)}`),
    differs: { why: COUNTED_TWICE, onlyOurs: [4], onlyTheirs: [3, 5] },
  },
  {
    name: 'long comment',
    text: inside(`# ${'y '.repeat(600)}`),
    differs: { why: COUNTED_TWICE, onlyOurs: [4], onlyTheirs: [5] },
  },

  { name: 'condition holds', text: inside('@vm priority 300') },
  { name: 'condition fails', text: inside('@other priority 300') },
  { name: 'negated condition', text: inside('@^other priority 300', '@^vm zz') },
  { name: 'condition without text', text: inside('@vm', '@', '@ vm priority 300') },
  { name: 'two conditions', text: inside('@vm @vm priority 50') },
  { name: 'condition later in the line', text: inside('zz @vm') },
  ...[
    ['condition', '@vm zz1', '@other zz2', '@other zz3 }\nzz4'],
    ['definition', '$A=9\nvrrp_version $A', '$A=zz }\n$A'],
    ['sequence', '~SEQ(i,1,2) zz$i', '~SEQ(i,1,2) zz$i }'],
    ['include', 'include ../part/open.inc', 'include nowhere }'],
  ].flatMap(([what, ...rest]) => [
    ...rest.map((text) => ({ name: `${what} behind {`, text: `global_defs { ${text}\n}\nzz\n` })),
    ...rest.map((text) => ({ name: `${what} behind }`, text: `global_defs {\n} ${text}\nzz\n` })),
  ]),
  { name: 'condition on an opening line only', text: `@other global_defs {\nrouter_id a\n}\n` },

  { name: 'parameter', text: inside('$P=300', 'priority $P', 'priority ${P}') },
  { name: 'parameter glued', text: inside('$P=3', 'priority $P00', 'priority ${P}00') },
  { name: 'undefined parameter', text: inside('priority $NONE') },
  {
    name: 'undefined parameter in braces',
    text: inside('zz "${NONE}"'),
  },
  { name: 'blank before =', text: inside('$P =300', 'priority $P') },
  { name: 'used before defined', text: inside('priority $P', '$P=300') },
  { name: 'recursive at use', text: inside('$A=$B', '$B=300', 'priority $A') },
  { name: 'redefined', text: inside('$A=300', '$A=50', 'priority $A') },
  { name: 'comment from a parameter', text: inside('priority 50${_HASH}x', 'zz"${_HASH}"') },
  {
    name: 'lines in a parameter',
    text: inside('$M=zz1 \\', 'zz2 \\', 'zz3', '$M', 'priority 50 $M'),
  },
  { name: 'lines with a blank one', text: inside('$M=zz1 \\', '', 'zz2', '$M') },
  { name: 'lines used in the middle', text: inside('$M=a \\', 'b', 'zz $M c') },
  {
    name: 'block in a parameter',
    text: lines(
      '$M=vrrp_instance $N { \\',
      'interface eth0 \\',
      'virtual_router_id 5 \\',
      'virtual_ipaddress { 10.9.0.100 } \\',
      '}',
      '$N=A',
      '$M',
    ),
  },
  { name: 'definition in a definition', text: inside('$M=$N=300 \\', 'priority $N', '$M') },
  { name: 'built in', text: inside('zz${_INSTANCE}', 'priority ${_RANDOM 300 301}') },

  {
    name: 'backslash behind a comment',
    text: inside('$M=zz1 # c \\', 'zz2 # d \\', 'zz3', '$M'),
  },
  {
    name: 'definition reaches out of its file',
    text: inside('include ../part/open.inc', 'zz', '$M'),
  },
  { name: 'computed name', text: inside('$B=1', '$A${B}=300', 'priority $A1') },
  { name: 'text behind lines', text: inside('$M=zz1 \\', 'zz2', 'yy$M') },
  { name: 'condition in lines', text: inside('$M=@other zz1 \\', '@vm zz2 \\', ' zz3', '$M') },
  {
    name: 'undefined name with braces',
    text: inside('zz${NONE}'),
    differs: { why: SKIPPED_WHOLE, onlyTheirs: [5, 6, 7, 8], words: UNDEFINED },
  },
  {
    name: 'built in, with words that it does not take',
    text: inside('zz${_PWD x}'),
    differs: { why: SKIPPED_WHOLE, onlyTheirs: [5, 6, 7, 8], words: UNTAKEN },
  },
  {
    name: 'definitions by each other',
    text: inside('$A=x${B}', '$B=y${A}', 'zz $A'),
    differs: {
      why: 'keepalived replaces until the line is full and reads what has come out',
      onlyTheirs: [7, 8, 9, 10],
      words: ["parameter '$A' is defined by itself"],
    },
  },

  { name: 'sequence', text: inside('~SEQ(i,3) zz$i', '$i') },
  { name: 'sequence down', text: inside('~SEQ(i,-2) priority ${i}') },
  { name: 'sequence with a step', text: inside('~SEQ(i,300,2,304) priority $i') },
  { name: 'sequence in hexadecimal', text: inside('~SEQx(i,10,11) priority $i') },
  { name: 'step of 0', text: inside('~SEQ(i,1,0,3) priority $i') },
  { name: 'step away', text: inside('~SEQ(i,1,-1,3) priority $i') },
  { name: 'no end', text: inside('~SEQ(i) priority $i') },
  { name: 'bad octal', text: inside('~SEQ(i,08) priority $i') },
  { name: 'no parenthesis', text: inside('~SEQ(i,3 priority $i') },
  { name: 'blank before parenthesis', text: inside('~SEQ (i,300,300) priority $i') },
  { name: 'unknown with a tilde', text: inside('~FOO') },
  { name: 'sequence from a parameter', text: inside('$E=301', '~SEQ(i,300,$E) priority $i') },
  { name: 'list', text: inside('~LST(v,300,50,301) priority $v') },
  { name: 'list of tuples', text: inside('~LST({a,b},{300,1},{50}) priority $a') },
  { name: 'too many values', text: inside('~LST({a,b},{1,2,3}) priority $a') },
  { name: 'empty list', text: inside('~LST(v) priority $v') },
  ...[
    '~SEQ',
    '~SEQX(i,1,2) a',
    '~SEQUENCE(i,1,2) a',
    '~LST i',
    '~SEQ(i,1,2) ~SEQ a',
    '~SEQ(9,1,2) a',
    '~SEQ(i-j,1,2) a',
    '~LST(,1) a',
    '~LST({},1) a',
    '~LST({i,j},{a,b}c) a$i$j',
    '~LST({i,j},c{a,b}) a$i$j',
    '~LST({p,q},{81,82) a$p',
    '~x(i,1) a',
  ].map((line) => ({
    name: `${line} where all words are taken`,
    text: globals('notification_email {', 'x', line, '}'),
  })),
  { name: 'chain', text: inside('~SEQ(i,2) ~LST(v,300,301) priority $v') },
  {
    name: 'sequence of instances',
    text: lines(
      '$I=vrrp_instance A$n { \\',
      'interface eth0 \\',
      'virtual_router_id $n \\',
      'virtual_ipaddress { \\',
      '10.9.0.10${n} \\',
      '} \\',
      '}',
      '~SEQ(n,2) $I',
    ),
  },

  { name: 'include nothing', text: inside('include nosuchfile') },
  { name: 'includem nothing', text: inside('includem nosuchfile') },
  { name: 'includew nothing', text: inside('includew nosuch*') },
  { name: 'includem nothing by pattern', text: inside('includem nosuch*') },
  { name: 'includem in no directory', text: inside('includem nosuch/*') },
  { name: 'include a directory', text: inside('include ../part') },
  { name: 'includer a directory', text: inside('includer ../part') },
  { name: 'includer a program', text: inside('includer ../part/program') },
  ...['', 'read', 'match', 'wildcard_match', 'brace_match', '+match', 'match -read', 'x'].map(
    (words) => ({
      name: `include_check ${words}`,
      text: `${globals(`include_check ${words}`)}${INCLUDES[words.length % 5]}\n`,
    }),
  ),
  ...['nosuch', 'no*', 'no/*', '../part/{good,no}.inc', '../part'].map((pattern) => ({
    name: `include_check brace_match -read +match for ${pattern}`,
    text: `global_defs {\ninclude_check brace_match -read +match\n}\ninclude ${pattern}\n`,
  })),
  { name: 'include_check match x', text: globals('include_check match x') },
  { name: 'include_check at the root', text: lines('include_check', 'include nosuch') },
  {
    name: 'include_check afterwards',
    text: `include nosuch\n${globals('include_check')}`,
  },
  { name: 'include escaped', text: inside('include ../part/b\\ad.inc', 'include ../part/\\*') },
  { name: 'include', text: inside('include ../part/bad.inc') },
  {
    name: 'include by pattern',
    text: inside('include ../part/*.inc'),
    differs: { why: SKIPPED_WHOLE, onlyTheirs: [6, 7] },
  },
  { name: 'include by braces', text: inside('include ../part/{bad,good}.inc') },
  { name: 'includeb with one missing', text: inside('includeb ../part/{bad,none}.inc') },
  { name: 'includem with one missing', text: inside('includem ../part/{bad,none}.inc') },
  { name: 'includem with all missing', text: inside('includem ../part/{none,nix}.inc') },
  { name: 'include in quotes', text: inside('include "../part/bad.inc"') },
  ...[
    ['', 'b\\ad.{inc,nix}', '\\{q\\}.x', '{a\\,b}.x', '[[:digit:]].x', '[![:alpha:]].x'],
    ['', '[^[:lower:]a].x', '[[:foo:]].x', '[\\]].x', '[]].x', '[a-].x', 'gone*.x'],
    ['r', 'gone.x', 'gone*.x', 'loop.x', 'loop.x/x', '*/bad.inc'],
    ['m', '{no}.inc', '{no', 'no/{a}*', '{nix,no*}', '{no,nix}*', 'n\\o', 'no/\\a', 'good.inc\\'],
    ['w', 'gone.x', 'n\\o', '\\{no,good\\}.inc', '[[:alpha:].x', '{bad.inc,no*}', '{\\n,\\m}'],
    ['b', '{no}.inc', '{good', '{bad.inc,no*}', '{gone,no}.x', '{no,nix}*', '{bad,n\\o}.inc'],
  ].flatMap(([kind, ...names]) =>
    names.map((name) => ({
      name: `include${kind} ${name}`,
      text: inside(`include${kind} ../part/${name}`),
    })),
  ),
  { name: 'bare include', text: inside('include') },
  { name: 'include with a comment', text: inside('include ../part/good.inc # c') },
  { name: 'conditional include', text: inside('@vm include ../part/bad.inc') },
  { name: 'include by parameter', text: inside('$F=bad', 'include ../part/${F}.inc') },
  { name: 'include that closes', text: `${good.slice(0, -2)}include ../part/close.inc\n` },
  {
    name: 'include of itself',
    text: inside('include ../part/self.inc'),
    differs: {
      why: 'keepalived reads the file until it has no more file descriptors and then goes on in silence',
      status: { ours: 5, theirs: 0 },
    },
  },
];

/** Files that the cases above include. */
export const PARTS: Readonly<Record<string, string>> = {
  'good.inc': 'priority 50\n',
  'bad.inc': 'priority 300\n',
  'close.inc': '}\n',
  'self.inc': 'include self.inc\n',
  'open.inc': '$M=zz1 \\\n',
  '{q}.x': 'zzq\n',
  'a,b.x': 'zzab\n',
  '5.x': 'zz5\n',
  '].x': 'zz]\n',
};

/** Links among them, and what they point to: nowhere. */
export const LINKS: Readonly<Record<string, string>> = {
  'gone.x': 'nosuch',
  'loop.x': 'loop.x',
};
