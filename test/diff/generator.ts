// Random configurations made from the keyword table, the same ones for the same seed: rows of every block with values at,
// inside and beyond their ranges, words that mean nothing, statements and blocks given twice, braces that are missing.

import { exampleOf } from '../../src/config/docs.ts';
import type { AnyRow, Block } from '../../src/config/keyword.ts';
import { type Dice, dice } from '../property/mutate.ts';
import { FRAMES, LEFT_OUT, rowsAt } from './rows.ts';

export interface Generated {
  /** One statement or block each; what is left of them when the file is shrunk must still be a file. */
  readonly parts: readonly string[];
  /** A brace is missing or one too many: keepalived's passes then disagree with each other. */
  readonly torn: boolean;
}

const SCRAPS = [
  ...['0', '1', '-1', '255', '256', '65535', '65536', '1.5', '99999999999', '1e3', '0x10', '010'],
  ...[
    'on',
    'off',
    'yes',
    'maybe',
    'MASTER',
    'BACKUP',
    'eth0',
    'eth1',
    'eth9',
    'lo',
    'A',
    'B',
    'root',
  ],
  ...[
    '10.9.0.100',
    '10.9.0.101/24',
    '10.9.0.300',
    'fd00::1/64',
    'fe80::1',
    '224.0.0.30',
    'ff02::30',
  ],
  ...['/bin/true', '"/bin/true x"', '"a b"', '""', 'weight', 'reverse', 'dev', 'TCP', 'rr', 'x'],
];

/** Numbers about the ends of every range in a schema. */
function edges(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key === 'enum') return (value as readonly unknown[]).map(String);
    if ((key === 'minimum' || key === 'maximum') && typeof value === 'number')
      return [value - 1, value, value + 1].map(String);
    return edges(value);
  });
}

function words(keyword: string, row: AnyRow, { below, pick }: Dice): string {
  const of = row.form === 'words' ? row.type : row.form === 'entries' ? row.entry : undefined;
  const near = edges(of?.schema);
  const example = row.form === 'words' ? exampleOf(keyword, row).slice(keyword.length).trim() : '';
  const chance = below(10);
  if (chance < 4 && example !== '') return example;
  if (chance < 7 && near.length > 0) return pick(near);
  if (chance === 7) return '';
  if (chance === 8) return `${example} ${pick(SCRAPS)}`.trim();
  return pick(SCRAPS);
}

function entry(keyword: string, row: AnyRow, random: Dice): string {
  const inside = /\{\s*(.*?)\s*\}/s.exec(exampleOf(keyword, row))?.[1] ?? '';
  switch (random.below(4)) {
    case 0:
      return random.pick(SCRAPS);
    case 1:
      return `${inside} ${random.pick(SCRAPS)}`.trim();
    default:
      return inside;
  }
}

/** A statement of a block, or a block with a few statements of its own. */
function statement(keyword: string, row: AnyRow, random: Dice, depth: number): string {
  const { below } = random;
  const spelling = random.pick([keyword, ...Object.keys(row.aliases ?? {})]);
  if (row.form === 'words') return `${spelling} ${words(keyword, row, random)}`.trim();
  if (row.form === 'entries') {
    const name = row.named === true ? ` ${random.pick(['A', 'B', 'g', ''])}` : '';
    const lines = Array.from({ length: below(3) }, () => entry(keyword, row, random));
    return [`${spelling}${name} {`, ...lines.filter((line) => line !== ''), '}'].join('\n');
  }
  const heading =
    row.form === 'named'
      ? ` ${random.pick(['A', 'B', 's', 'n1'])}`
      : row.form === 'blocks' && row.heading !== undefined
        ? ` ${random.pick(['10.9.0.100 80', '10.9.1.5 80', 'fwmark 5', 'group g', '10.9.1.300 80'])}`
        : '';
  const inner =
    depth === 0 ? [] : Array.from({ length: below(4) }, () => choose(row.rows, random, depth - 1));
  return [`${spelling}${heading} {`, ...inner.filter((line) => line !== ''), '}'].join('\n');
}

/**
 * A second `group { }` of a sync group, which every frame has: keepalived reads its lines in the block around, whose
 * end is then lost.
 */
const ONCE = new Set(['group']);

/** Rows whose verdict is compared; '' where a block has none. */
function choose(rows: Block, random: Dice, depth: number): string {
  const names = Object.entries(rows).filter(
    ([name, row]) => row.since === undefined && !LEFT_OUT.has(name) && !ONCE.has(name),
  );
  if (names.length === 0) return '';
  const [keyword, row] = random.pick(names);
  return statement(keyword, row, random, depth);
}

function part(path: string, random: Dice): string {
  const [before = '', after = ''] = FRAMES[path] ?? [];
  const rows = rowsAt(path);
  const lines = Array.from({ length: 1 + random.below(4) }, () => choose(rows, random, 2));
  if (random.below(8) === 0) lines.push(lines[0] ?? '');
  return `${before}${lines.filter((line) => line !== '').join('\n')}\n${after}`;
}

const PATHS = Object.keys(FRAMES);

export function generate(count: number, seed: number): readonly Generated[] {
  const random = dice(seed);
  return Array.from({ length: count }, (_, index) => {
    // Every block in turn, so that no choice of a seed leaves one out.
    const parts = [part(PATHS[index % PATHS.length] as string, random)];
    if (random.below(4) === 0) parts.push(part(random.pick(PATHS), random));
    const torn = random.below(25) === 0;
    return { parts: torn ? parts.map((text) => tear(text, random)) : parts, torn };
  });
}

/** Without one of its braces. */
function tear(text: string, random: Dice): string {
  const braces = [...text.matchAll(/[{}]/g)].map(({ index }) => index);
  if (braces.length === 0) return text;
  const at = random.pick(braces);
  return text.slice(0, at) + text.slice(at + 1);
}
