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
  const alternatives = expandBraces(pattern);
  const problems: Problems = [];
  const found: SourceFile[] = [];
  let empty = 0;
  for (const alternative of alternatives) {
    const before = found.length;
    const wild = /[*?[]/.test(alternative);
    const paths = wild ? glob(files, directory, alternative) : [plainName(directory, alternative)];
    const own: Problems = [];
    if (paths === undefined) own.push({ problem: 'no-directory', name: pattern });
    else if (paths.length === 0) own.push({ problem: 'no-match', name: pattern });
    for (const { path, name } of paths ?? []) {
      const result = files.read(path);
      if ('problem' in result) own.push({ problem: result.problem, name });
      else found.push({ name, path, directory: dirname(path), text: result.text });
    }
    const nothing =
      found.length === before &&
      own.every((p) => p.problem !== 'not-plain' && p.problem !== 'directory');
    if (nothing && alternatives.length > 1) empty++;
    else problems.push(...own);
  }
  // keepalived: also when all are missing, so that includem goes on and includeb ends.
  if (empty > 0)
    problems.push({ problem: found.length > 0 ? 'brace' : 'none-of-braces', name: pattern });
  return { files: found, problems };
}

/** A backslash makes the character after it an ordinary one. */
function plainName(directory: string, alternative: string): Found {
  const name = alternative.replace(/\\(.)/g, '$1');
  return { path: resolvePath(directory, name), name };
}

/** At most 1024 alternatives: a line of 1023 characters could otherwise mean millions. */
export function expandBraces(pattern: string, limit = 1024): string[] {
  const open = pattern.indexOf('{');
  if (open < 0) return [pattern];
  let depth = 0;
  let start = open + 1;
  const parts: string[] = [];
  for (let i = open; i < pattern.length; i++) {
    const c = pattern[i];
    if (c === '{') depth++;
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
    if (!/[*?[]/.test(part)) {
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
    const close =
      c === '[' ? characters.indexOf(']', i + (/[!^]/.test(characters[i + 1] ?? '') ? 3 : 2)) : -1;
    if (c === '*') tokens.push('star');
    else if (c === '?') tokens.push({ is: () => true });
    else if (close > 0) {
      tokens.push({ is: classOf(characters.slice(i + 1, close)) });
      i = close;
    } else if (c === '\\' && i + 1 < characters.length) {
      const plain = characters[++i];
      tokens.push({ is: (other) => other === plain });
    } else tokens.push({ is: (other) => other === c });
  }
  return tokens;
}

function classOf(inside: readonly string[]): (c: string) => boolean {
  const negative = inside[0] === '!' || inside[0] === '^';
  const members = negative ? inside.slice(1) : inside;
  const has = (c: string): boolean => {
    for (let i = 0; i < members.length; i++) {
      const from = members[i] as string;
      const to = members[i + 1] === '-' ? members[i + 2] : undefined;
      if (to !== undefined) i += 2;
      if (to === undefined ? c === from : c >= from && c <= to) return true;
    }
    return false;
  };
  return (c) => has(c) !== negative;
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
