// A tree of statements -> typed values, row by row, with a diagnostic for every word that a row refuses. Knows no
// keyword: rules between keywords stand with their feature and work on what comes out of here.

import type { Complaint, Diagnostic, Findings } from './diagnostic.ts';
import {
  type AnyRow,
  type Block,
  type BlocksRow,
  type EntriesRow,
  type Entry,
  findRow,
  type Infer,
  type Presence,
  type Statement,
  type WordsRow,
} from './keyword.ts';
import { type Node, placeOf } from './parser.ts';

/** What has to be known of the machine; source.ts gathers it in the namespace that matters. */
export interface MachineFacts {
  readonly hostname: string;
  /** Who this is to a mail server: the full name of the machine and the account; absent where nobody asks. */
  readonly local?: { readonly name: string; readonly account: string };
  readonly processors: number;
  readonly interfaces: ReadonlyMap<string, InterfaceFacts>;
  /** Account names only; numbers are no names. */
  readonly user: (name: string) => { readonly uid: number; readonly gid: number } | undefined;
  readonly group: (name: string) => number | undefined;
  /** All groups that an account is in, the one it is given first. */
  readonly groupsOf?: (as: { readonly uid: number; readonly gid: number }) => readonly number[];
  /** The first address of a host; absent where nobody asks. */
  readonly addressOf?: (host: string) => string | undefined;
  /** A number by its name in one of iproute2's files, or of a protocol in /etc/protocols. */
  readonly numberOf?: (kind: NameKind, name: string, folders?: NameFolders) => number | undefined;
  /** The routing table of a VRF device. */
  readonly vrfTable?: (device: string) => number | undefined;
  /** The MAC address of an interface, in lower case. */
  readonly macOf?: (device: string) => string | undefined;
  /** Looks at a command as whoever will run it. `keepsLinks`: the path that is run may be a symbolic link. */
  readonly inspect: (
    path: string,
    as: { readonly uid: number; readonly gid: number },
    keepsLinks?: boolean,
  ) => Inspection;
}

/** Where iproute2's files are; absent: where distributions put them. */
export interface NameFolders {
  readonly iproute_etc_dir?: string;
  readonly iproute_usr_dir?: string;
}

/** rt_tables, rt_protos, rt_scopes, rt_realms, rt_dsfield, group and protocols. */
export type NameKind = 'table' | 'protocol' | 'scope' | 'realm' | 'tos' | 'group' | 'transport';

export interface InterfaceFacts {
  readonly loopback: boolean;
  readonly mtu: number;
}

export interface Inspection {
  /** Absolute path to run; absent: it cannot be run. */
  readonly path?: string;
  /** Why it cannot be run, or what is odd about it. */
  readonly message?: string;
  /** How keepalived says of a check that it is disabled for that; absent: it does not. */
  readonly disabled?: string;
  /** Someone other than root could change the file or its path. */
  readonly insecure?: string;
  /** Where, and the command that mends it. */
  readonly remedy?: string;
}

/** `node` is what the complaint is about; `complaint.word` selects one of its words. */
export type Reporter = (complaint: Complaint, node: Node, more?: Partial<Diagnostic>) => void;

export function createReporter(into: Findings): Reporter {
  // The parser has said these already.
  const quotes = new Set(
    into.all.filter((d) => d.id === 'unterminated-quote').map((d) => `${d.file}:${d.line}`),
  );
  return (complaint, node, more = {}) => {
    const { file, line } = node.place;
    if (complaint.id === 'unterminated-quote' && quotes.has(`${file}:${line}`)) return;
    const word = complaint.word === undefined ? undefined : node.words[complaint.word];
    into.add({
      ...complaint,
      ...placeOf(node.place),
      column: word?.column ?? node.place.column,
      length: Math.max(1, (word?.text ?? node.keyword).length),
      ...more,
    });
  };
}

/** A complaint about a node found after everything was read: keepalived gives it without a line. */
export const AFTERWARDS = { afterwards: true } as const;
/** keepalived reads nothing of the block behind what this complaint is about, but for some keywords. */
export const endsBlock = (
  { place, closing }: Node,
  heard: readonly string[] = [],
): Partial<Diagnostic> =>
  closing === undefined || closing.file !== place.file ? {} : { deafUntil: closing.line, heard };
/** A complaint that keepalived makes at the closing brace of the block. */
export const atClosing = (block: Node): Partial<Diagnostic> =>
  block.closing === undefined ? {} : { saidAt: block.closing.line };

/** The statements of a block that could be understood, in the order of the file. */
export function readBlock<B extends Block>(
  rows: B,
  nodes: readonly Node[],
  owner: string,
  report: Reporter,
): Statement<B>[] {
  const statements: { keyword: string; node: Node; value: unknown }[] = [];
  const seen = new Map<string, unknown>();
  for (const node of nodes) {
    const found = findRow(rows, node.keyword);
    if (found === undefined) continue;
    const { name, row, alias } = found;
    if (alias?.message !== undefined) {
      report(
        {
          id: 'deprecated',
          severity: 'warning',
          class: alias.class ?? 'deprecated',
          message: alias.message,
          hint: `write '${name}'`,
        },
        node,
      );
    }
    const ends = row.form === 'words' && row.endsBlock === true;
    const say: Reporter = ends
      ? (complaint, at, more) => report(complaint, at, { ...deafness(nodes), ...more })
      : report;
    const value = readRow(row, node, name, owner, seen.get(name), say);
    if (value === undefined) continue;
    seen.set(name, value);
    statements.push({ keyword: name, node, value });
  }
  return statements.slice() as unknown as Statement<B>[];
}

/** To the end of the block that these statements are in. */
function deafness(nodes: readonly Node[]): Partial<Diagnostic> {
  const [first, last] = [nodes[0], nodes.at(-1)];
  const end = last?.closing ?? last?.place;
  return end === undefined || end.file !== first?.place.file ? {} : { deafUntil: end.line + 1 };
}

function readRow(
  row: AnyRow,
  node: Node,
  name: string,
  owner: string,
  /** What it was read as before, in the same block. */
  before: unknown,
  report: Reporter,
): unknown {
  switch (row.form) {
    case 'words':
      return readWordsRow(row, node, owner, before, report);
    case 'entries':
      return readEntries(row, node, name, owner, before !== undefined, report);
    case 'section':
      return readBlock(row.rows, node.children ?? [], owner, report);
    case 'named':
      if (node.words.length === 0) {
        report(missingArgument(node), node);
        return undefined;
      }
      return readBlock(row.rows, node.children ?? [], node.words[0]?.text ?? '', report);
    case 'blocks':
      return readHeaded(row, node, owner, report);
  }
}

function readWordsRow(
  row: WordsRow<unknown, Presence>,
  node: Node,
  owner: string,
  before: unknown,
  report: Reporter,
): unknown {
  const fill = (template: string): string => fillIn(template, node, owner);
  const words = row.type.ownQuotes === true && node.raw !== '' ? 1 : node.words.length;
  if (words < row.type.minimum) {
    const { bare } = row;
    report(
      bare === undefined ? missingArgument(node) : bareKeyword(fill(bare), insteadOf(row, before)),
      node,
    );
    return undefined;
  }
  const again = before !== undefined;
  // What says no more than the default is not there for keepalived.
  const replaceable =
    again &&
    row.fallback !== undefined &&
    row.type.format(before) === row.type.format(row.fallback);
  // Which of several commands stays depends on their users: script.ts decides it.
  if (again && row.again !== undefined && !replaceable && row.type.ownQuotes !== true) {
    // Its sentence has the word in it, and there is none.
    if (words === 0 && row.again.includes('%w')) report(missingArgument(node), node);
    else report(givenTwice(row.again, node, owner), node);
    return undefined;
  }
  if (again && row.replaced !== undefined)
    report({ ...givenTwice(row.replaced, node, owner), assumed: 'the last one counts' }, node);
  const reading = row.type.parse(
    node.words.map((word) => word.text),
    node.raw,
  );
  const refused = reading.value === undefined;
  for (const complaint of reading.complaints ?? []) {
    const assumed = refused ? { assumed: insteadOf(row, before) } : {};
    report(
      refused && row.refusal !== undefined
        ? { ...assumed, ...complaint, message: fill(row.refusal), cause: complaint.message }
        : { ...assumed, ...complaint, message: fill(complaint.message) },
      node,
    );
  }
  return reading.value ?? row.salvage;
}

/** What holds where a value is refused: what stands in for it, what was given before, or the default. */
function insteadOf(row: WordsRow<unknown, Presence>, before: unknown): string {
  const { salvage, otherwise, inherits, fallback, type } = row;
  if (salvage !== undefined) return type.format(salvage);
  if (before !== undefined)
    return `what was given before, ${type.format(before)}`.replace(/, $/, '');
  if (otherwise !== undefined) return otherwise;
  if (inherits !== undefined) return `the value of ${inherits}`;
  if (typeof fallback === 'boolean') return fallback ? 'on' : 'off';
  return fallback === undefined ? 'the line is ignored' : type.format(fallback);
}

/** keepalived's sentence with the name of the block, the keyword and its first word in it. */
const fillIn = (template: string, node: Node, owner: string): string =>
  template
    .replaceAll('%n', owner)
    .replaceAll('%k', node.keyword)
    .replaceAll('%w', node.words[0]?.text ?? '');

export const givenTwice = (template: string, node: Node, owner: string): Complaint => ({
  id: 'given-twice',
  severity: 'error',
  class: 'general',
  message: fillIn(template, node, owner),
  assumed: 'the first one stays',
  word: 0,
});

const missingArgument = (node: Node): Complaint => ({
  id: 'missing-argument',
  severity: 'fatal',
  class: 'missing-argument',
  message: `*** Configuration line starting \`${node.keyword}\` is missing a parameter after keyword \`${node.keyword}\` at word position 2`,
  status: 2,
});

const bareKeyword = (message: string, assumed: string): Complaint => ({
  id: 'missing-value',
  severity: 'error',
  class: 'general',
  message,
  assumed,
});

/** What the words before the brace say; without them, or where they are wrong, the block means nothing. */
function readHeaded(
  row: BlocksRow<Block, unknown>,
  node: Node,
  owner: string,
  report: Reporter,
): unknown {
  const { heading } = row;
  if (heading === undefined)
    return {
      heading: undefined,
      statements: readBlock(row.rows, node.children ?? [], owner, report),
    };
  if (node.words.length < heading.minimum) {
    report(missingArgument(node), node);
    return undefined;
  }
  const reading = node.heading ?? {};
  for (const complaint of reading.complaints ?? [])
    report({ ...complaint, message: complaint.message.replaceAll('%n', owner) }, node);
  if (reading.value === undefined) return undefined;
  const name = node.words.map((word) => word.text).join(' ');
  return {
    heading: reading.value,
    statements: readBlock(row.rows, node.children ?? [], name, report),
  };
}

function readEntries(
  row: EntriesRow<unknown>,
  node: Node,
  name: string,
  owner: string,
  again: boolean,
  report: Reporter,
): readonly Entry<unknown>[] | undefined {
  const about = row.named === true ? (node.words[0]?.text ?? '') : owner;
  const fill = (template: string): string =>
    template.replaceAll('%n', about).replaceAll('%k', name);
  if (row.named === true && node.words.length !== 1) {
    report(missingArgument(node), node);
    return undefined;
  }
  if (again && row.again !== undefined) {
    report(givenTwice(row.again, node, about), node);
    return undefined;
  }
  const bare = (node.children ?? []).length === 0;
  if (row.empty !== undefined && bare) report(emptiness(fill(row.empty)), node, atClosing(node));
  const entries: Entry<unknown>[] = [];
  for (const line of row.several === true ? oneByOne(node) : (node.children ?? [])) {
    const reading = row.entry.parse(
      line.words.map((word) => word.text),
      line.raw,
    );
    const assumed = reading.value === undefined ? { assumed: 'the entry is ignored' } : {};
    for (const complaint of reading.complaints ?? [])
      report({ ...assumed, ...complaint, message: fill(complaint.message) }, line);
    if (reading.value !== undefined) entries.push({ value: reading.value, node: line });
  }
  if (row.named === true && row.empty !== undefined && entries.length === 0 && !bare)
    report(emptiness(fill(row.empty)), node, atClosing(node));
  return entries;
}

const emptiness = (message: string): Complaint => ({
  id: 'empty-block',
  severity: 'warning',
  class: 'general',
  message,
});

/** Each word as if it stood on a line of its own. */
const oneByOne = (node: Node): Node[] =>
  (node.children ?? []).flatMap((line) =>
    line.words.map((word) => ({
      ...line,
      words: [word],
      raw: word.text,
      place: { ...placeOf(line.place), column: word.column },
    })),
  );

/** The last value of each keyword that takes words, over the table's defaults. */
export function collect<B extends Block>(
  rows: B,
  statements: readonly Statement<B>[],
): Partial<Infer<B>> {
  const values = { ...defaultsOf(rows) };
  for (const { keyword, value } of statements) {
    if (rows[keyword]?.form === 'words') values[keyword] = value;
  }
  return values as Partial<Infer<B>>;
}

/** A file may have 40,000 real servers: what a block is without a statement is found once. */
const defaults = new WeakMap<Block, Readonly<Record<string, unknown>>>();

function defaultsOf(rows: Block): Readonly<Record<string, unknown>> {
  const known = defaults.get(rows);
  if (known !== undefined) return known;
  const found: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(rows)) {
    if (row.form === 'words' && row.fallback !== undefined) found[name] = row.fallback;
  }
  defaults.set(rows, found);
  return found;
}

/** Where a keyword was last given. */
export function nodeOf<B extends Block>(
  statements: readonly Statement<B>[],
  keyword: keyof B & string,
): Node | undefined {
  return statements.findLast((statement) => statement.keyword === keyword)?.node;
}
