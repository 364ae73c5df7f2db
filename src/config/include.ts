// The include family: which files a path stands for, and what it means when there are none. Pure: directories
// and files are seen through Files.

import type { ValueType } from './value.ts';

/** A file as the reader found it. */
export interface SourceFile {
  /** As it is shown to the user. */
  readonly name: string;
  /** Absolute: two names of one file are a cycle all the same. */
  readonly path: string;
  /** Where relative includes of this file are looked up. */
  readonly directory: string;
  readonly text: string;
}

/** Why a name or pattern gave less than it promised. */
export type ReadProblem =
  /** No such file. */
  | 'missing'
  /** A pattern that matches nothing. */
  | 'no-match'
  /** A pattern in a directory that does not exist. */
  | 'no-directory'
  /** One of the alternatives in braces is missing. */
  | 'brace'
  | 'none-of-braces'
  | 'directory'
  /** A device, or a file with an execute bit. */
  | 'not-plain'
  | 'unreadable';

export interface ReadResult {
  readonly files: readonly SourceFile[];
  readonly problems: readonly { readonly problem: ReadProblem; readonly name: string }[];
}

/** What one path is. */
export type FileResult =
  | { readonly text: string }
  | { readonly problem: 'missing' | 'unreadable' | 'directory' | 'not-plain' };

/** Access to files; source.ts has the real one. Paths are absolute. */
export interface Files {
  readonly read: (path: string) => FileResult;
  /** Names in a directory, or undefined where it cannot be listed. */
  readonly list: (directory: string) => readonly string[] | undefined;
}

export const dirname = (path: string): string => path.replace(/\/[^/]*$/, '') || '/';

/** Absolute and without `.`, `..` and doubled slashes. */
export function resolvePath(directory: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

type Problems = ReadResult['problems'][number][];

/**
 * The files that a path stands for, with `* ? [ ]` and `{a,b}`, each alternative sorted by itself. Relative
 * paths are relative to `directory`.
 */
export function readPattern(files: Files, pattern: string, directory: string): ReadResult {
  const problems: Problems = [];
  const found: SourceFile[] = [];
  const lacking: Problems = [];
  for (const alternative of expandBraces(pattern)) {
    const paths = WILD.test(alternative)
      ? glob(files, directory, alternative)
      : [{ path: resolvePath(directory, alternative), name: alternative }];
    if (paths === undefined) lacking.push({ problem: 'no-directory', name: pattern });
    else if (paths.length === 0) lacking.push({ problem: 'no-match', name: pattern });
    for (const { path, name } of paths ?? []) {
      const result = files.read(path);
      if ('text' in result) found.push({ name, path, directory: dirname(path), text: result.text });
      else (result.problem === 'missing' ? lacking : problems).push({ ...result, name });
    }
  }
  if (!hasBraces(pattern)) return { files: found, problems: [...problems, ...lacking] };
  const nothing = found.length === 0 && problems.length === 0;
  // keepalived: also when all are missing, so that includem goes on and includeb ends.
  if (lacking.some(({ problem }) => problem !== 'no-match'))
    problems.push({ problem: nothing ? 'none-of-braces' : 'brace', name: pattern });
  else if (nothing) problems.push({ problem: 'no-match', name: pattern });
  return { files: found, problems };
}

/** As for glob(3), a backslash too. */
const WILD = /[*?[\\]/;

/** A backslash makes the character after it an ordinary one. */
const hasBraces = (pattern: string): boolean => pattern.replace(/\\./g, '').includes('{');

/** At most 1024 alternatives: a line of 1023 characters could otherwise mean millions. */
export function expandBraces(pattern: string, limit = 1024): string[] {
  const open = /^(?:[^\\{]|\\.|\\$)*/s.exec(pattern)?.[0].length as number;
  if (open === pattern.length) return [pattern];
  let depth = 0;
  let start = open + 1;
  const parts: string[] = [];
  for (let i = open; i < pattern.length; i++) {
    const c = pattern[i];
    if (c === '\\') i++;
    else if (c === '{') depth++;
    else if (c === ',' && depth === 1) {
      parts.push(pattern.slice(start, i));
      start = i + 1;
    } else if (c === '}' && --depth === 0) {
      parts.push(pattern.slice(start, i));
      const before = pattern.slice(0, open);
      const after = pattern.slice(i + 1);
      const all: string[] = [];
      for (const part of parts) {
        if (all.length >= limit) break;
        for (const text of expandBraces(part + after, limit - all.length)) all.push(before + text);
      }
      return all;
    }
  }
  return [pattern];
}

interface Found {
  readonly path: string;
  /** With the directories as the pattern writes them. */
  readonly name: string;
}

/** undefined where the directory of a wildcard cannot be listed. */
function glob(files: Files, directory: string, pattern: string): readonly Found[] | undefined {
  const absolute = pattern.startsWith('/');
  let bases: readonly Found[] = [
    absolute ? { path: '/', name: '/' } : { path: directory, name: '' },
  ];
  for (const part of pattern.split('/').filter((p) => p !== '')) {
    const below = (base: Found, name: string): Found => ({
      path: resolvePath(base.path, name),
      name: base.name === '' || base.name === '/' ? base.name + name : `${base.name}/${name}`,
    });
    if (!WILD.test(part)) {
      bases = bases.map((base) => below(base, part));
      continue;
    }
    const tokens = tokensOf(part);
    const next: Found[] = [];
    let listed = false;
    for (const base of bases) {
      const names = files.list(base.path);
      if (names === undefined) continue;
      listed = true;
      for (const name of names) {
        if (name.startsWith('.') && !part.startsWith('.')) continue;
        if (matches(tokens, name)) next.push(below(base, name));
      }
    }
    if (!listed) return undefined;
    bases = next;
  }
  return bases
    .filter(({ path }) => {
      const result = files.read(path);
      return !('problem' in result) || result.problem !== 'missing';
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One character of a pattern: itself, any one, any number, or one of a class. */
type Token = { readonly is: (c: string) => boolean } | 'star';

function tokensOf(part: string): readonly Token[] {
  const tokens: Token[] = [];
  const characters = Array.from(part);
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i] as string;
    const set = c === '[' ? setOf(characters, i + 1) : undefined;
    if (c === '*') tokens.push('star');
    else if (c === '?') tokens.push({ is: () => true });
    else if (set !== undefined) {
      tokens.push(set);
      i = set.end;
    } else if (c === '\\' && i + 1 < characters.length) {
      const plain = characters[++i];
      tokens.push({ is: (other) => other === plain });
    } else tokens.push({ is: (other) => other === c });
  }
  return tokens;
}

/** The names of POSIX, for ASCII. */
const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/,
  xdigit: /[A-Fa-f0-9]/,
};

/** What stands between brackets, from behind the opening one to `end`; undefined where they do not close. */
function setOf(
  characters: readonly string[],
  from: number,
): { readonly is: (c: string) => boolean; readonly end: number } | undefined {
  const negative = characters[from] === '!' || characters[from] === '^';
  const first = negative ? from + 1 : from;
  const members: ((c: string) => boolean)[] = [];
  for (let i = first; i < characters.length; i++) {
    if (characters[i] === ']' && i > first)
      return { is: (c) => members.some((is) => is(c)) !== negative, end: i };
    const named = /^\[:([a-z]+):\]/.exec(characters.slice(i, i + 12).join(''));
    if (named !== null) {
      const letters = CLASSES[named[1] as string];
      members.push((c) => letters?.test(c) === true);
      i += named[0].length - 1;
      continue;
    }
    if (characters[i] === '\\') i++;
    const low = characters[i] ?? '';
    const ranges = characters[i + 1] === '-' && (characters[i + 2] ?? ']') !== ']';
    if (ranges) i += characters[i + 2] === '\\' ? 3 : 2;
    const high = characters[i] ?? '';
    members.push((c) => c >= low && c <= high);
  }
  return undefined;
}

/** In time that grows with both lengths: a star only ever has to be tried again from the last one. */
function matches(tokens: readonly Token[], name: string): boolean {
  const text = Array.from(name);
  let token = 0;
  let star = -1;
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const wanted = tokens[token];
    if (wanted === 'star') {
      star = token++;
      from = at;
    } else if (wanted?.is(text[at] as string) === true) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++from;
    } else return false;
  }
  while (tokens[token] === 'star') token++;
  return token === tokens.length;
}

/** What about an include can be made to count; keepalived's words of include_check. */
export type IncludeCheck = 'read' | 'match' | 'wildcard_match' | 'brace_match';
const CHECKS: readonly IncludeCheck[] = ['read', 'match', 'wildcard_match', 'brace_match'];
export const ALL_CHECKS: ReadonlySet<IncludeCheck> = new Set(CHECKS);

const COUNTS: Readonly<Record<ReadProblem, IncludeCheck>> = {
  missing: 'match',
  'no-directory': 'match',
  'no-match': 'wildcard_match',
  brace: 'brace_match',
  'none-of-braces': 'brace_match',
  directory: 'read',
  'not-plain': 'read',
  unreadable: 'read',
};

/** What each spelling of include checks by itself. */
const SPELLINGS: Readonly<Record<string, ReadonlySet<IncludeCheck>>> = {
  include: new Set(),
  includer: new Set(['read']),
  includem: new Set(['read', 'match']),
  includew: new Set(['read', 'match', 'wildcard_match']),
  includeb: new Set(['read', 'brace_match']),
  includea: ALL_CHECKS,
};

/** Whether the daemon ends with status 6; otherwise a message is all. */
export const endsReading = (
  problem: ReadProblem,
  keyword: string,
  checks: ReadonlySet<IncludeCheck>,
): boolean => checks.has(COUNTS[problem]) || SPELLINGS[keyword]?.has(COUNTS[problem]) === true;

/** keepalived's sentences. */
export function includeMessage(problem: ReadProblem, name: string): string {
  switch (problem) {
    case 'missing':
    case 'no-directory':
    case 'none-of-braces':
      return `Config files missing '${name}'.`;
    case 'no-match':
      return `No config files matched '${name}'.`;
    case 'brace':
      return `Some config files missing: "${name}".`;
    case 'directory':
      return `Configuration file '${name}/' is a directory - skipping`;
    case 'not-plain':
      return `Configuration file '${name}' is not a regular non-executable file - skipping`;
    case 'unreadable':
      return `Unable to open config file '${name}'.`;
  }
}

export interface CheckedIncludes {
  readonly checks: ReadonlySet<IncludeCheck>;
  readonly problems: readonly { readonly word: number; readonly message: string }[];
}

/**
 * The words of include_check over what held before: none means all, a first bare word replaces, + adds and - takes
 * away. A bare word that is not the first one is ignored.
 */
export function readIncludeCheck(
  words: readonly string[],
  before: ReadonlySet<IncludeCheck>,
): CheckedIncludes {
  if (words.length === 0) return { checks: ALL_CHECKS, problems: [] };
  let checks = new Set(before);
  const problems: { word: number; message: string }[] = [];
  for (const [word, text] of words.entries()) {
    const sign = /^[+-]/.exec(text)?.[0];
    const name = sign === undefined ? text : text.slice(1);
    const check = CHECKS.find((c) => c === name);
    if (sign === undefined && word > 0)
      problems.push({ word, message: `Duplicate include_check '${name}' specified - ignoring` });
    else if (check === undefined)
      problems.push({ word, message: `Unknown include_check type '${name}' - ignoring` });
    else if (sign === undefined) checks = new Set(['read', check]);
    else if (sign === '+') checks.add(check);
    else checks.delete(check);
  }
  return { checks, problems };
}

export const includeChecks: ValueType<readonly string[]> = {
  syntax: '[read|match|wildcard_match|brace_match] [+|-<check>...]',
  minimum: 0,
  parse: (words) => ({
    value: words,
    complaints: readIncludeCheck(words, new Set()).problems.map(({ word, message }) => ({
      id: 'include-check',
      severity: 'error',
      class: 'general',
      message,
      word,
    })),
  }),
  format: (words) => words.join(' '),
  schema: { type: 'array', items: { type: 'string' } },
};
