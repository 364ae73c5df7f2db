// The include family: which files a path stands for, and what it means when there are none. Pure: directories
// and files are seen through a Reader.

/** What reading one file gave. */
export type ReadResult =
  | { readonly text: string }
  | { readonly problem: 'missing' | 'unreadable' | 'directory' | 'executable' };

/** Access to files; source.ts has the real one. Paths are absolute. */
export interface Reader {
  readonly read: (path: string) => ReadResult;
  /** Names in a directory, or undefined where it cannot be listed. */
  readonly list: (directory: string) => readonly string[] | undefined;
}

export const CHECKS = ['read', 'match', 'wildcard_match', 'brace_match'] as const;
export type Check = (typeof CHECKS)[number];

/** The checks that each keyword of the family makes. */
export const INCLUDES: Readonly<Record<string, readonly Check[]>> = {
  include: [],
  includer: ['read'],
  includem: ['read', 'match'],
  includew: ['read', 'match', 'wildcard_match'],
  includeb: ['read', 'brace_match'],
  includea: CHECKS,
};

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

export interface Matches {
  readonly paths: readonly string[];
  /** Alternatives of braces, or the whole pattern, that gave nothing. */
  readonly empty: readonly Pattern[];
  readonly braces: boolean;
}

export interface Pattern {
  readonly text: string;
  readonly wild: boolean;
  /** The directory of a wildcard pattern could not be listed. */
  readonly nowhere: boolean;
}

/** The files of a path with `* ? [ ]` and `{a,b}`; each alternative is sorted by itself. */
export function expandPattern(reader: Reader, directory: string, pattern: string): Matches {
  const alternatives = expandBraces(pattern);
  const empty: Pattern[] = [];
  const paths: string[] = [];
  for (const text of alternatives) {
    const wild = /[*?[]/.test(text);
    if (!wild) {
      const path = resolvePath(directory, text);
      const result = reader.read(path);
      if ('problem' in result && result.problem === 'missing')
        empty.push({ text, wild, nowhere: false });
      else paths.push(path);
      continue;
    }
    const found = glob(reader, directory, text);
    if (found === undefined || found.length === 0)
      empty.push({ text, wild, nowhere: found === undefined });
    else paths.push(...found);
  }
  return { paths, empty, braces: alternatives.length > 1 };
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
      for (const part of parts)
        for (const text of expandBraces(part + after, limit)) {
          if (all.length >= limit) return all;
          all.push(before + text);
        }
      return all;
    }
  }
  return [pattern];
}

function glob(reader: Reader, directory: string, pattern: string): readonly string[] | undefined {
  const parts = pattern.split('/').filter((part) => part !== '');
  let bases = [pattern.startsWith('/') ? '/' : directory];
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (!/[*?[]/.test(part)) {
      bases = bases.map((base) => resolvePath(base, part));
      if (last)
        bases = bases.filter((path) => {
          const result = reader.read(path);
          return !('problem' in result) || result.problem !== 'missing';
        });
      continue;
    }
    const test = globExpression(part);
    const next: string[] = [];
    let listed = false;
    for (const base of bases) {
      const names = reader.list(base);
      if (names === undefined) continue;
      listed = true;
      for (const name of [...names].sort()) {
        if (name.startsWith('.') && !part.startsWith('.')) continue;
        if (test.test(name)) next.push(resolvePath(base, name));
      }
    }
    if (!listed) return bases.length === 1 ? undefined : [];
    bases = next;
  }
  return bases.sort();
}

function globExpression(part: string): RegExp {
  let source = '';
  for (let i = 0; i < part.length; i++) {
    const c = part[i] as string;
    const close = c === '[' ? part.indexOf(']', i + (/[!^]/.test(part[i + 1] ?? '') ? 3 : 2)) : -1;
    if (c === '*') source += '.*';
    else if (c === '?') source += '.';
    else if (close > 0) {
      const inside = part.slice(i + 1, close);
      const negative = /^[!^]/.test(inside);
      source += `[${negative ? '^' : ''}${(negative ? inside.slice(1) : inside).replace(/[\\\]^[]/g, '\\$&')}]`;
      i = close;
    } else source += c.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    // A range such as [z-a] matches nothing.
    return /^(?!)/;
  }
}
