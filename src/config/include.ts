// The include family: which files a path stands for, and what it means when there are none. Pure: directories
// and files are seen through Files.

import type { ReadResult, SourceFile } from './lexer.ts';

/** What one path is. */
export type FileResult =
  | { readonly text: string }
  | { readonly problem: 'missing' | 'unreadable' | 'not-plain' };

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
    const paths = wild
      ? glob(files, directory, alternative)
      : [{ path: resolvePath(directory, alternative), name: alternative }];
    const own: Problems = [];
    if (paths === undefined) own.push({ problem: 'no-directory', name: pattern });
    else if (paths.length === 0) own.push({ problem: 'no-match', name: pattern });
    for (const { path, name } of paths ?? []) {
      const result = files.read(path);
      if ('problem' in result) own.push({ problem: result.problem, name });
      else found.push({ name, path, directory: dirname(path), text: result.text });
    }
    const nothing = found.length === before && own.every((p) => p.problem !== 'not-plain');
    if (nothing && alternatives.length > 1) empty++;
    else problems.push(...own);
  }
  // keepalived: also when all are missing, so that includem goes on and includeb ends.
  if (empty > 0) problems.push({ problem: 'brace', name: pattern });
  return { files: found, problems };
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
    const expression = globExpression(part);
    const next: Found[] = [];
    let listed = false;
    for (const base of bases) {
      const names = files.list(base.path);
      if (names === undefined) continue;
      listed = true;
      for (const name of names) {
        if (name.startsWith('.') && !part.startsWith('.')) continue;
        if (expression.test(name)) next.push(below(base, name));
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
