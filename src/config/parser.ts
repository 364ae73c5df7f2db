// Lines -> a tree of statements, guided by the shapes in the keyword table. It looks at keywords, names and
// braces; what the words of a statement mean is build.ts's business. Never throws, whatever the lines are.

import { type Diagnostic, Findings, nearest } from './diagnostic.ts';
import { type AnyRow, type Block, findRow, OBSOLETE } from './keyword.ts';
import type { Line } from './lexer.ts';
import { sliceText, splitWords, type Text, type Word } from './text.ts';
import type { Reading } from './value.ts';

/** Where a statement stands. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly source: string;
}

/** A statement; in a value block, a line, whose `keyword` is empty. */
export interface Node {
  readonly keyword: string;
  readonly words: readonly Word[];
  /** The text after the keyword with its quotes. */
  readonly raw: string;
  /** What stands before the brace, where the row has a type for it. */
  readonly heading?: Reading<unknown> | undefined;
  readonly place: Place;
  readonly children?: readonly Node[];
  /** The closing brace; absent where it is missing. */
  readonly closing?: Place | undefined;
}

export interface Parsed {
  readonly nodes: readonly Node[];
  readonly diagnostics: readonly Diagnostic[];
}

interface Frame {
  /** Absent in a block that is skipped. */
  readonly rows?: Block | undefined;
  readonly kind: 'statements' | 'entries' | 'skip' | 'transparent';
  readonly parent: boolean;
  readonly nodes: Node[];
  /** The statement that opened it; absent at the root. */
  readonly node?: Omit<Node, 'children'>;
  readonly heading?: Reading<unknown> | undefined;
}

interface State {
  readonly table: Block;
  readonly findings: Findings;
  readonly stack: Frame[];
  /** Keyword and name of the named blocks, which stand at the top level only. */
  readonly names: Set<string>;
  /** Advice on unknown keywords, by block and keyword: a file can be full of the same one. */
  readonly advice: Map<Block | undefined, Map<string, string | undefined>>;
  /** Where each keyword is at home, once somebody asks. */
  homes?: ReadonlyMap<string, readonly string[]>;
}

/** Every line of the files in, every statement that could be told from its neighbours out. */
export function parse(lines: readonly Line[], table: Block): Parsed {
  const root: Frame = {
    kind: 'statements',
    rows: table,
    parent: true,
    nodes: [],
  };
  const state: State = {
    table,
    findings: new Findings(),
    stack: [root],
    names: new Set(),
    advice: new Map(),
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as Line;
    const frame = state.stack.at(-1) as Frame;
    if (line.text === '}') close(line, state);
    else if (line.text === '{') open(line, frame, state);
    else if (frame.kind === 'skip') continue;
    else if (statement(line, lines[i + 1], frame, state)) i++;
  }
  while (state.stack.length > 1) unclosed(state);
  return { nodes: root.nodes, diagnostics: state.findings.all };
}

/** No more than the place: a statement's may be its whole line. */
export const placeOf = ({ file, line, column, source }: Place): Place => ({
  file,
  line,
  column,
  source,
});

/** Most statements begin where their line does: it is its own place. */
const placeAt = (line: Line, column: number): Place =>
  column === line.column ? line : { ...placeOf(line), column };

/**
 * A brace that no keyword asked for. What is inside belongs to the block around it; in a value block it is an odd entry,
 * and the next } ends the block.
 */
function open(line: Line, frame: Frame, state: State): void {
  if (frame.kind !== 'skip') {
    state.findings.add({
      id: 'unexpected-open',
      severity: 'error',
      class: 'unexpected-open',
      message: "Unexpected '{' - ignoring",
      assumed:
        frame.kind === 'entries'
          ? 'the next } ends the block'
          : 'the lines up to its } belong to the block around it',
      ...placeOf(line),
    });
  }
  if (frame.kind === 'entries') return;
  // A brace inside a skipped block has no statement of its own: that it is missing is said of the outermost one.
  state.stack.push(
    frame.kind === 'skip'
      ? { kind: 'skip', parent: false, nodes: [] }
      : { ...frame, kind: 'transparent' },
  );
}

function close(line: Line, state: State): void {
  const frame = state.stack.at(-1) as Frame;
  if (state.stack.length === 1) {
    state.findings.add({
      id: 'extra-close',
      severity: 'error',
      class: 'unexpected-close',
      message: "Extra '}' found",
      assumed: 'it is ignored',
      ...placeOf(line),
    });
    return;
  }
  state.stack.pop();
  if (frame.kind !== 'transparent') finish(frame, state, line);
}

function unclosed(state: State): void {
  const frame = state.stack.pop() as Frame;
  const node = frame.node;
  if (frame.kind !== 'transparent') {
    finish(frame, state);
    if (node === undefined) return;
    state.findings.add({
      id: 'missing-close',
      severity: 'error',
      class: 'missing-close',
      message: `There are 1 missing '}'s or extra '{'s: '${node.keyword}' is not closed`,
      assumed: 'it ends where the file does, or the next block of the top level begins',
      afterwards: true,
      ...placeOf(node.place),
      length: node.keyword.length,
    });
  }
}

/** Hands a finished block to the block around it; a skipped one is forgotten. */
function finish(frame: Frame, state: State, closing?: Place): void {
  if (frame.kind === 'skip' || frame.node === undefined) return;
  const around = state.stack.at(-1) as Frame;
  const { keyword, words, raw, place } = frame.node;
  // An array that has grown keeps room for more, and of blocks there may be 100,000.
  const children = frame.nodes.slice();
  around.nodes.push({ keyword, words, raw, heading: frame.heading, place, children, closing });
}

/** Says whether it has used the brace that follows. */
function statement(line: Line, next: Line | undefined, frame: Frame, state: State): boolean {
  const opens = next?.text === '{';
  const text = line.cut === undefined || frame.parent ? line : sliceText(line, 0, line.cut);
  const { words, unterminated } = splitWords(text);
  if (unterminated !== undefined) {
    state.findings.add({
      id: 'unterminated-quote',
      severity: 'error',
      class: 'quote',
      message: `Unterminated quote '${text.text}'`,
      assumed: 'the words from the quote on are lost',
      ...placeOf(line),
      column: unterminated,
    });
  }
  const [first] = words;
  if (first === undefined) return false;
  if (frame.kind === 'entries') {
    const node = { keyword: '', words, raw: text.text, place: placeAt(line, first.column) };
    frame.nodes.push(node);
    return false;
  }
  const node = {
    keyword: first.text,
    words: words.slice(1),
    raw: rawAfter(text, first),
    place: placeAt(line, first.column),
  };
  const found = findRow(frame.rows ?? {}, first.text);
  if (found === undefined) {
    // A block of the top level inside another one: the } of that one was forgotten.
    const outer =
      opens && state.stack.length > 1 ? findRow(state.table, first.text)?.row : undefined;
    if (outer !== undefined && outer.form !== 'words') {
      while (state.stack.length > 1) unclosed(state);
      openBlock(node, outer, next, state.stack[0] as Frame, state);
    } else unknown(node, opens, frame, state);
    return opens;
  }
  if (found.row.form === 'words') {
    frame.nodes.push(node);
    return false;
  }
  openBlock(node, found.row, next, frame, state);
  return opens;
}

function openBlock(
  node: Omit<Node, 'children'>,
  row: Exclude<AnyRow, { form: 'words' }>,
  next: Line | undefined,
  frame: Frame,
  state: State,
): void {
  const at = (): Place & { readonly length: number } => ({
    ...placeOf(node.place),
    length: node.keyword.length,
  });
  if (next?.text !== '{') {
    state.findings.add({
      id: 'missing-open',
      severity: 'error',
      class: 'missing-open',
      message: "Missing '{' at beginning of configuration block",
      assumed: 'the block begins here and ends with the next }',
      ...(row.form === 'entries' || next === undefined ? {} : { saidAt: next.line }),
      ...at(),
    });
  }
  // Without a name the whole program ends; build.ts says so.
  if (row.form === 'named' && row.must === undefined && node.words.length !== 1) {
    state.findings.add({
      id: 'block-name',
      severity: 'error',
      class: 'general',
      message: `${node.keyword} must have a name`,
      assumed: 'the whole block is skipped',
      ...(node.words.length > 1 ? { hint: 'a name with blanks needs double quotes' } : {}),
      ...at(),
    });
    state.stack.push({ kind: 'skip', parent: false, nodes: [], node });
    return;
  }
  const name = node.words[0]?.text ?? '';
  const identity = row.form === 'named' ? `${node.keyword} ${name}` : '';
  if (row.form === 'named' && row.again !== undefined && state.names.has(identity)) {
    state.findings.add({
      id: 'block-again',
      severity: 'error',
      class: 'general',
      message: row.again.replaceAll('%n', name),
      assumed: 'the whole block is skipped',
      ...at(),
      column: node.words[0]?.column ?? node.place.column,
      length: Math.max(1, name.length),
    });
    state.stack.push({ kind: 'skip', parent: false, nodes: [], node });
    return;
  }
  if (row.form === 'named') state.names.add(identity);
  if (row.form === 'entries' && row.named === undefined && node.words.length > 0) {
    state.findings.add({
      id: 'extra-words',
      severity: 'error',
      class: 'general',
      message: `Block ${node.keyword} has extra parameters ${node.words.map((w) => w.text).join(' ')} ...`,
      assumed: 'they are ignored',
      ...at(),
      column: node.words[0]?.column ?? node.place.column,
      length: node.words[0]?.text.length ?? 1,
    });
  }
  const heading = row.form === 'blocks' ? readHeading(row, node) : undefined;
  if (heading !== undefined && heading.value === undefined) {
    // What it is about is not known: what is in it means nothing, and build.ts says why.
    frame.nodes.push({ ...node, heading });
    state.stack.push({ kind: 'skip', parent: false, nodes: [], node });
    return;
  }
  state.stack.push({
    kind: row.form === 'entries' ? 'entries' : 'statements',
    rows: row.form === 'entries' ? undefined : row.rows,
    parent: row.form === 'section' && (row.parent === true || frame.parent),
    nodes: [],
    node,
    heading,
  });
}

/** Undefined where the row has no heading; too few words are no value. */
function readHeading(
  { heading }: Extract<AnyRow, { form: 'blocks' }>,
  { words, raw }: Omit<Node, 'children'>,
): Reading<unknown> | undefined {
  if (heading === undefined) return undefined;
  if (words.length < heading.minimum) return {};
  return heading.parse(
    words.map((word) => word.text),
    raw,
  );
}

/** Reported once, and the whole block goes with it: what stands around it keeps its meaning. */
function unknown(node: Omit<Node, 'children'>, opens: boolean, frame: Frame, state: State): void {
  const obsolete = Object.hasOwn(OBSOLETE, node.keyword) ? OBSOLETE[node.keyword] : undefined;
  const hint =
    obsolete === undefined ? adviceOn(node.keyword, frame.rows, state) : `obsolete, ${obsolete}`;
  state.findings.add({
    id: obsolete === undefined ? 'unknown-keyword' : 'obsolete-keyword',
    severity: 'error',
    class: 'unknown-keyword',
    message: `Unknown keyword '${node.keyword}'`,
    assumed: opens ? 'the whole block is skipped' : 'the line is ignored',
    ...(hint === undefined ? {} : { hint }),
    ...placeOf(node.place),
    length: node.keyword.length,
  });
  if (opens) state.stack.push({ kind: 'skip', parent: false, nodes: [], node });
}

/** Looking for the nearest of hundreds of names takes its time; a file of nonsense need not wait for it. */
const MOST_ADVICE = 1000;

function adviceOn(keyword: string, rows: Block | undefined, state: State): string | undefined {
  let known = state.advice.get(rows);
  if (known === undefined) {
    known = new Map();
    state.advice.set(rows, known);
  }
  if (known.has(keyword)) return known.get(keyword);
  if (known.size >= MOST_ADVICE) return undefined;
  state.homes ??= homesOf(state.table);
  const home = state.homes.get(keyword) ?? [];
  const near = home.length > 0 ? undefined : nearest(keyword, Object.keys(rows ?? {}));
  const hint =
    home.length > 0
      ? `'${keyword}' belongs into ${home.join(' or ')}`
      : near === undefined
        ? undefined
        : `did you mean '${near}'?`;
  known.set(keyword, hint);
  return hint;
}

/** Every keyword of the table with the blocks it stands in, outermost first. */
function homesOf(table: Block): ReadonlyMap<string, readonly string[]> {
  const homes = new Map<string, string[]>();
  const note = (keyword: string, home: string): void => {
    const known = homes.get(keyword);
    if (known === undefined) homes.set(keyword, [home]);
    else if (!known.includes(home)) known.push(home);
  };
  const walk = (rows: Block, home: string): void => {
    for (const [keyword, row] of Object.entries(rows)) {
      note(keyword, home);
      for (const spelling of Object.keys(row.aliases ?? {})) note(spelling, home);
    }
    for (const [keyword, row] of Object.entries(rows))
      if (row.form !== 'words' && row.form !== 'entries') walk(row.rows, keyword);
  };
  walk(table, 'the top level');
  return homes;
}

function rawAfter(text: Text, keyword: Word): string {
  const from = text.text.indexOf(keyword.text) + keyword.text.length;
  const after = text.text.slice(from);
  return (text.text.startsWith('"') ? after.slice(1) : after).trim();
}
