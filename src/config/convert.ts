// A tree of statements -> the plain object that its YAML is, and lines -> the text of a keepalived.conf. What was
// decided while reading (includes, conditions, parameters, sequences) is decided; comments are gone. Pure.

import { type AnyRow, type Block, findRow } from './keyword.ts';
import type { Line } from './lexer.ts';
import type { Node } from './parser.ts';
import { shapeOf } from './schema.ts';
import { splitWords, textOf, type Word } from './text.ts';
import { quote, type ValueType } from './value.ts';

export type Plain = string | number | boolean | null | readonly Plain[] | { [key: string]: Plain };
type PlainBlock = { [key: string]: Plain };

/**
 * One object a document: a new one begins where a keyword of the top level comes again behind others, because what is
 * used must have been defined before.
 */
export function toPlain(nodes: readonly Node[], table: Block): readonly PlainBlock[] {
  const documents: Node[][] = [[]];
  let seen = new Set<string>();
  let last = '';
  for (const node of nodes) {
    const name = findRow(table, node.keyword)?.name ?? node.keyword;
    if (name !== last && seen.has(name)) {
      documents.push([]);
      seen = new Set();
    }
    documents.at(-1)?.push(node);
    seen.add(name);
    last = name;
  }
  return documents.map((part) => block(part, table));
}

function block(nodes: readonly Node[], rows: Block): PlainBlock {
  const out: PlainBlock = {};
  const groups = new Map<string, { row: AnyRow; nodes: Node[] }>();
  for (const node of nodes) {
    const row = findRow(rows, node.keyword)?.row;
    if (row === undefined) continue;
    // An older spelling stays: it may mean something else, and is complained of.
    const group = groups.get(node.keyword);
    if (group === undefined) groups.set(node.keyword, { row, nodes: [node] });
    else group.nodes.push(node);
    // It stands where the statement stood that counts: of preempt and nopreempt the last one decides.
    if (group !== undefined && row.form === 'words' && row.again === undefined) {
      groups.delete(node.keyword);
      groups.set(node.keyword, group);
    }
  }
  for (const [keyword, group] of groups) {
    const value = rowValue(group.row, group.nodes);
    if (value !== undefined) out[keyword] = value;
  }
  return out;
}

function rowValue(row: AnyRow, nodes: readonly Node[]): Plain | undefined {
  switch (row.form) {
    case 'words':
      return wordsValue(row, nodes);
    case 'entries': {
      if (row.named === true)
        return nodes.map((node) => ({ name: node.words[0]?.text ?? '', entries: linesIn([node]) }));
      const kept = row.again === undefined ? nodes : nodes.slice(0, 1);
      return linesIn(kept);
    }
    case 'section':
      return block(
        nodes.flatMap((node) => node.children ?? []),
        row.rows,
      );
    case 'named':
      return nodes.map((node) => ({
        name: node.words[0]?.text ?? '',
        ...block(node.children ?? [], row.rows),
      }));
    case 'blocks':
      return nodes.map((node) => ({
        ...(row.heading === undefined ? {} : { heading: node.raw }),
        ...block(node.children ?? [], row.rows),
      }));
  }
}

const linesIn = (nodes: readonly Node[]): string[] =>
  nodes.flatMap((node) =>
    (node.children ?? []).map((line) => (isWhole(line.raw) ? line.raw : wordsOf(line))),
  );

/** A quote without an end is complained of, and would be again. */
const isWhole = (raw: string): boolean => splitWords(textOf(raw)).unterminated === undefined;

/** Those in front of a quote that has no end. */
const wordsOf = ({ words }: Node): string => textsOf(words).map(quote).join(' ');

interface Words {
  readonly type: ValueType<unknown>;
  readonly again?: string;
  readonly salvage?: unknown;
}

/** That of the statement that counts: the last one that means something, or the first where that one stays. */
function wordsValue(row: Words, nodes: readonly Node[]): Plain | undefined {
  const values = nodes.flatMap((node) => {
    const { type } = row;
    const given = type.ownQuotes === true && node.raw !== '' ? 1 : node.words.length;
    if (given < type.minimum) return [];
    const value = type.parse(textsOf(node.words), node.raw).value ?? row.salvage;
    return value === undefined ? [] : [{ node, value }];
  });
  const counts = row.again === undefined ? values.at(-1) : values[0];
  return counts === undefined ? undefined : plainValue(row.type, counts.value, counts.node);
}

const textsOf = (words: readonly Word[]): string[] => words.map((word) => word.text);

function plainValue(type: ValueType<unknown>, value: unknown, node: Node): Plain {
  const same = (words: readonly string[], raw: string): boolean =>
    equal(type.parse(words, raw).value, value);
  switch (shapeOf(type)) {
    case 'boolean':
      return value === true;
    case 'number': {
      const number = Number(type.format(value));
      if (same([String(number)], String(number))) return number;
      break;
    }
    case 'word': {
      // What was cut or corrected is written as it was understood, and a choice in its own spelling.
      const understood = splitWords(textOf(type.format(value))).words;
      const wrong = (type.parse(textsOf(node.words), node.raw).complaints ?? []).length > 0;
      const exact = wrong || type.schema.enum !== undefined;
      for (const words of exact ? [understood] : [node.words.slice(0, 1), understood]) {
        const text = textsOf(words).join(' ');
        if (text !== '' && same([text], quote(text))) return text;
      }
      break;
    }
    case 'text':
      break;
  }
  if (node.words.length === 0 && type.minimum === 0) return true;
  if (isWhole(node.raw) && same(textsOf(node.words), node.raw)) return node.raw;
  return type.format(value);
}

function equal(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Indented as people write it. Words that keepalived.conf cannot hold come back in `lost`. */
export function toText(lines: readonly Line[]): { text: string; lost: readonly Line[] } {
  const out: string[] = [];
  const lost: Line[] = [];
  let depth = 0;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as Line;
    const { text } = line;
    if (text === '}') depth = Math.max(0, depth - 1);
    if (splitWords(textOf(text)).unterminated !== undefined || text.includes('\n')) lost.push(line);
    const opens = lines[i + 1]?.text === '{' && text !== '{' && text !== '}';
    out.push(`${'    '.repeat(depth)}${escaped(text)}${opens ? ' {' : ''}`);
    if (opens) i++;
    if (opens || text === '{') depth++;
    if (text === '}' && depth === 0) out.push('');
  }
  return { text: `${out.join('\n').trimEnd()}\n`, lost };
}

/** A comment character outside quotes would cut the line. */
const escaped = (text: string): string =>
  text === '{' || text === '}'
    ? text
    : text.replace(/("[^"]*")|([#!])/g, (_, q, c) => q ?? `\\${c}`);
