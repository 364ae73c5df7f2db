// Endless broken configurations, the same ones for the same seed: pieces of real files and of the language, with lines
// and characters lost, doubled, exchanged and put in.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how parameters are written

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { next, type Random } from '../../src/lib/random.ts';

const folder = join(import.meta.dirname, '../fixtures/corpus/files');

export interface Dice {
  /** A whole number from 0 to below `n`. */
  readonly below: (n: number) => number;
  readonly pick: <T>(from: readonly T[]) => T;
}

export function dice(seed: number): Dice {
  let random: Random = { seed };
  const below = (n: number): number => {
    const drawn = next(random);
    random = drawn.random;
    return Math.floor(drawn.value * n);
  };
  return { below, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}

/** What stands at the edges of the language. */
const SCRAPS = [
  ...['{', '}', '"', "'", '\\', '#', '!', '@', '@^', '$', '${', '~', '(', ')', ',', '=', '|', '/'],
  ...['$A', '${A}', '$A=', '$A=$A', '$A=$B \\', '$B=x${A}', '$M=a \\', '$M', '~SEQ(A,3) ', '~SEQ('],
  ...['~SEQx(A,1,999) ', '~LST(A,x,y) ', '~LST({A,B},{x,y}) ', '@me ', '@^me ', '@you ', '\\#'],
  ...[
    'include inc',
    'includea n*',
    'include {a,{b,c}}',
    'include [',
    '${_RANDOM}',
    '${_RANDOM 5 1}',
  ],
  ...['${_PWD}', '${_HASH}', '${_ENV X}', '\0', '\ufeff', '\u00a0', '\r', '\t', ' ', '  ', '\n'],
  ...[
    '\n{\n',
    '\n}\n',
    '0',
    '-1',
    '255',
    '256',
    '0.5',
    '1e9',
    '99999999999999999999',
    '0x10',
    'on',
  ],
  ...['10.0.0.1/24', '10.0.0.300', 'fe80::1', '::', 'dev', 'eth0', 'eth9', 'MASTER', 'constructor'],
  ...['__proto__', 'toString', '""', '"a b"', '\\x', '\\777', '\\c', 'x'.repeat(300), '\u{1f600}'],
];

/** Pieces of a few lines, from the middle of real files. */
export function pieces(): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n');
    const found: string[] = [];
    for (let from = 0; from < lines.length; from += 12)
      found.push(lines.slice(from, from + 12).join('\n'));
    return found.filter((piece) => piece.trim() !== '');
  });
}

/** One to eight mutations. `extra` are words worth putting in. */
export function mutate(text: string, { below, pick }: Dice, extra: readonly string[]): string {
  let out = text;
  for (let count = 1 + below(8); count > 0; count--) {
    const at = below(out.length + 1);
    const to = at + below(12);
    switch (below(8)) {
      case 0:
        out = out.slice(0, at) + out.slice(to);
        break;
      case 1:
        out = out.slice(0, to) + out.slice(at);
        break;
      case 2:
      case 3:
        out = out.slice(0, at) + pick(SCRAPS) + out.slice(at);
        break;
      case 4:
        out = `${out.slice(0, at)}${pick(['\n', ' '])}${pick(extra)}${pick([' ', ' {', '\n'])}${out.slice(at)}`;
        break;
      case 5:
        out = lineMoved(out, below);
        break;
      case 6:
        out = out.slice(0, at) + String.fromCharCode(below(256)) + out.slice(at + 1);
        break;
      default:
        out = out.slice(0, at);
    }
  }
  return out;
}

function lineMoved(text: string, below: Dice['below']): string {
  const lines = text.split('\n');
  const [line = ''] = lines.splice(below(lines.length), 1);
  lines.splice(below(lines.length + 1), 0, ...new Array<string>(below(3)).fill(line));
  return lines.join('\n');
}
