// Command strings: keepalived reads them again from the raw line, with quotes and escapes of their own, and runs
// them without a shell. So `$HOME`, globs and pipes are ordinary text.

import type { Complaint } from './diagnostic.ts';
import type { Reading, Script, ScriptText, ValueType } from './value.ts';

export const command: ValueType<ScriptText> = {
  syntax: '<path> | "<path> <arguments>" [<user> [<group>]]',
  minimum: 1,
  ownQuotes: true,
  parse: (_, raw) => parseCommand(raw),
  format: ({ words, user, group }) =>
    [`"${words.map(quoteWord).join(' ')}"`, user, group].filter(Boolean).join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['words'],
    properties: {
      words: { type: 'array', items: { type: 'string' }, minItems: 1 },
      user: { type: 'string' },
      group: { type: 'string' },
    },
  },
  example: '"/usr/local/bin/notify keepalived"',
};

/** Words after the command are ignored; without one the statement says nothing, and the end of its block speaks of it. */
export const commandAlone: ValueType<ScriptText> = {
  ...command,
  syntax: '<path> | "<path> <arguments>"',
  minimum: 0,
  parse: (_, raw) => {
    if (raw === '') return {};
    const { value, complaints = [] } = parseCommand(raw);
    return { complaints, ...(value === undefined ? {} : { value: { words: value.words } }) };
  },
};

/** The command string and the words after it: user and group. The string is then read a second time. */
export function parseCommand(raw: string): Reading<ScriptText> {
  const outer = readWords(raw);
  if ('wrong' in outer) return unfinished(raw, outer.wrong);
  const [text = '', user, group] = outer.words;
  const inner = readWords(text);
  if ('wrong' in inner) return unfinished(text, inner.wrong);
  const { words } = inner;
  if (words.length === 0 || words[0] === '') return { complaints: [EMPTY] };
  return {
    value: {
      words,
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
    },
    // keepalived takes it, and has complained of the line before it came to the command.
    ...(outer.open === '"' ? { complaints: [unterminated(raw)] } : {}),
  };
}

/** One word in the quotes and escapes of command strings, which are decoded once. `otherwise` is complained of where it is not one. */
export function parseWord(raw: string, otherwise: Complaint): Reading<string> {
  const read = readWords(raw);
  if ('wrong' in read) return unfinished(raw, read.wrong);
  const [text, ...more] = read.words;
  if (text === undefined || more.length > 0) return { complaints: [otherwise] };
  return { value: text, ...(read.open === '"' ? { complaints: [unterminated(raw)] } : {}) };
}

/** Text that parseWord() makes this word of. */
export const formatWord = (word: string): string => `"${escaped(word, '\\')}"`;

/** Words as keepalived shows them in dumps, messages and JSON. Nothing reads that back. */
export const shownWords = (words: readonly string[]): string =>
  words.map((word) => `'${word}'`).join(' ');

/** The same with whom they run as. */
export const shownScript = ({ words, uid, gid }: Script): string =>
  `${shownWords(words)}, uid:gid ${uid}:${gid}`;

const EMPTY = {
  id: 'empty-command',
  severity: 'error',
  class: 'none',
  message: 'the command is empty',
} as const;

const lacking = (message: string): Complaint => ({
  id: 'unterminated-quote',
  severity: 'error',
  class: 'quote',
  message,
  word: 0,
});

const unterminated = (raw: string): Complaint => lacking(`Unterminated quote '%k ${raw}'`);

const unfinished = (text: string, wrong: '"' | "'" | '\\'): Reading<never> => ({
  complaints: [
    wrong === '\\'
      ? {
          id: 'unfinished-escape',
          severity: 'error',
          class: 'none',
          message: `Unable to parse script '${text}' - ignoring`,
          hint: 'a backslash at the end has nothing to act on; a real one is written as four',
          word: 0,
        }
      : lacking(`String '${text}': missing terminating ${wrong}`),
  ],
});

type Words =
  | { readonly words: readonly string[]; readonly open?: '"' | "'" }
  | { readonly wrong: '"' | "'" | '\\' };

/**
 * Words at blanks; quotes group, also inside a word, and escapes count everywhere. Wrong are a backslash at the end, and a
 * quote that has no end; but one whose text ends in an escape, or is empty, ends with the line, and is `open`.
 */
function readWords(text: string): Words {
  const words: string[] = [];
  let word: string | undefined;
  let open: '' | '"' | "'" = '';
  let ended = false;
  for (let i = 0; i < text.length; ) {
    const c = text[i] as string;
    if (c === '\\') {
      if (i + 1 === text.length) return { wrong: c };
      const decoded = decodeEscape(text, i + 1);
      word = (word ?? '') + decoded.text;
      i = decoded.next;
      ended = true;
      continue;
    }
    i++;
    ended = open === '';
    if (open !== '') {
      if (c === open) open = '';
      else word = (word ?? '') + c;
    } else if (c === '"' || c === "'") {
      open = c;
      word ??= '';
    } else if (!/[ \t\n\r\f\v]/.test(c)) {
      word = (word ?? '') + c;
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (open !== '' && !ended) return { wrong: open };
  if (word !== undefined) words.push(word);
  // A NUL ends a C string.
  const cut = words.map((w) => w.split('\0')[0] as string);
  return open === '' ? { words: cut } : { words: cut, open };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** What follows a backslash: a letter, up to three octal digits, x and hex digits, cX, or a character for itself. */
function decodeEscape(text: string, at: number): { readonly text: string; readonly next: number } {
  const c = text[at] as string;
  const octal = /^[0-7]{1,3}/.exec(text.slice(at, at + 3))?.[0];
  if (octal !== undefined)
    return { text: String.fromCharCode(Number.parseInt(octal, 8) & 0xff), next: at + octal.length };
  const hex = /^x([0-9a-fA-F]+)/.exec(text.slice(at));
  if (hex !== null)
    return {
      text: String.fromCharCode(Number.parseInt((hex[1] as string).slice(-2), 16)),
      next: at + hex[0].length,
    };
  if (c === 'c' && at + 1 < text.length)
    return { text: String.fromCharCode(text.charCodeAt(at + 1) & 0x1f), next: at + 2 };
  return { text: ESCAPES[c] ?? c, next: at + 1 };
}

/** A word that both readings give back: an octal escape whose backslash is itself escaped. */
const quoteWord = (word: string): string => (word === '' ? "''" : escaped(word, '\\\\'));

/** What means something to a reader is written as an octal escape, behind this backslash. */
const escaped = (word: string, backslash: string): string =>
  Array.from(word, (c) => {
    const code = c.charCodeAt(0);
    const plain = code > 0x20 && code !== 0x7f && !`#!{}"'\\$`.includes(c);
    return plain ? c : `${backslash}${code.toString(8).padStart(3, '0')}`;
  }).join('');
