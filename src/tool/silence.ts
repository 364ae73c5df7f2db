// Comments that silence the linter: `# lint: ignore NAME` for its line and the one below, `# lint: ignore-file NAME` for
// the file. Pure. An error cannot be silenced: something in the file is lost.

import type { Diagnostic } from '../config/diagnostic.ts';

export interface Silence {
  readonly everywhere: ReadonlySet<string>;
  /** Line, from 1, to names. */
  readonly lines: ReadonlyMap<number, ReadonlySet<string>>;
}

const COMMENT = /[#!]\s*lint:\s*(ignore|ignore-file)\s+([a-z][a-z0-9-]*(?:[\s,]+[a-z][a-z0-9-]*)*)/;

export function silenceIn(text: string): Silence {
  const everywhere = new Set<string>();
  const lines = new Map<number, Set<string>>();
  for (const [index, line] of text.split('\n').entries()) {
    const match = COMMENT.exec(line);
    if (match === null) continue;
    for (const name of (match[2] as string).split(/[\s,]+/)) {
      if (match[1] === 'ignore-file') everywhere.add(name);
      else
        for (const number of [index + 1, index + 2])
          lines.set(number, (lines.get(number) ?? new Set()).add(name));
    }
  }
  return { everywhere, lines };
}

export function isSilenced(
  d: Diagnostic,
  silences: ReadonlyMap<string, Silence>,
  ignored: ReadonlySet<string>,
): boolean {
  if (d.severity !== 'warning') return false;
  if (ignored.has(d.id)) return true;
  const silence = d.file === undefined ? undefined : silences.get(d.file);
  if (silence === undefined) return false;
  return silence.everywhere.has(d.id) || silence.lines.get(d.line ?? 0)?.has(d.id) === true;
}
