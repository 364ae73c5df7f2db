// A configuration written as YAML -> the same lines that a keepalived.conf becomes, so that everything behind the lexer
// is shared. A value is what stands behind the keyword in keepalived.conf; numbers, true and false as YAML has them.
// Reads no file. It is the only file of config/ that loads packages, and loaded only for YAML.

import { Ajv, type ErrorObject } from 'ajv';
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  visit,
  type YAMLMap,
} from 'yaml';
import { type Diagnostic, Findings, meant } from './diagnostic.ts';
import type { SourceFile } from './include.ts';
import { type AnyRow, type Block, findRow } from './keyword.ts';
import { isUtf16, type Lexed, type Line } from './lexer.ts';
import { jsonSchema, shapeOf } from './schema.ts';
import { quote, type ValueType } from './value.ts';

export interface YamlLexed extends Lexed {
  /** What the schema refuses; worth saying only of lines that nothing else is said of. */
  readonly schema: readonly Diagnostic[];
}

/** Aliases can make a few lines into millions. */
const MOST_LINES = 1_000_000;

interface State {
  readonly file: SourceFile;
  readonly counter: LineCounter;
  readonly source: readonly string[];
  readonly lines: Line[];
  readonly findings: Findings;
  readonly schema: Diagnostic[];
  readonly table: Block;
  document: Document.Parsed | undefined;
  /** Nodes with an anchor, in order, once an alias asks. */
  anchors: ReadonlyMap<string, readonly Node[]> | undefined;
  full: boolean;
}

export function readYaml(file: SourceFile, table: Block): YamlLexed {
  const state: State = {
    file,
    counter: new LineCounter(),
    source: file.text.split('\n'),
    lines: [],
    findings: new Findings(),
    schema: [],
    table,
    document: undefined,
    anchors: undefined,
    full: false,
  };
  if (isUtf16(file.text)) {
    const message = 'the file is UTF-16: save it as UTF-8';
    report(state, 0, 'yaml-syntax', message, { severity: 'fatal' });
    return { lines: [], diagnostics: state.findings.all, schema: [] };
  }
  try {
    readDocuments(state);
  } catch (error) {
    // Flow collections nested by the thousand exhaust the stack of the package.
    if (!(error instanceof RangeError || error instanceof ReferenceError)) throw error;
    report(state, 0, 'yaml-syntax', 'nested too deep, or too many aliases', { severity: 'fatal' });
  }
  return { lines: state.lines, diagnostics: state.findings.all, schema: state.schema };
}

function readDocuments(state: State): void {
  const options = { lineCounter: state.counter, prettyErrors: false, merge: true } as const;
  const parsed = parseAllDocuments(state.file.text, options);
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const [error] = document.errors;
    if (error !== undefined) {
      report(state, error.pos[0], 'yaml-syntax', error.message, { severity: 'fatal' });
      return;
    }
    state.document = document;
    state.anchors = undefined;
    const root = resolved(document.contents, state);
    if (root === null || (isScalar(root) && root.value === null)) continue;
    if (!isMap(root)) {
      report(state, offset(root), 'yaml-type', 'the top level must be a mapping of keywords');
      continue;
    }
    if (isForeign(root, state)) return;
    statements(root, state.table, state);
    if (!state.full) validate(document, state);
  }
}

/** Another program's configuration, whose keys only look like ours. */
function isForeign(root: YAMLMap, state: State): boolean {
  const keys = ['vrrp_instances', 'health_checkers'];
  const found = root.items.filter((pair) => keys.includes(textOfKey(pair)));
  const [first] = found;
  if (first === undefined) return false;
  report(
    state,
    offset(first.key),
    'foreign-dialect',
    `'${textOfKey(first)}' belongs to another program's YAML, not to keepalived's keywords`,
    {
      severity: 'fatal',
      hint: "keepalived's blocks are vrrp_instance and virtual_server; 'keepalived convert' makes YAML of a keepalived.conf",
    },
  );
  return true;
}

function statements(map: YAMLMap, rows: Block, state: State, without?: string): void {
  for (const pair of pairsOf(map, state)) {
    if (state.full) return;
    const keyword = textOfKey(pair);
    if (keyword !== without) statement(pair, keyword, findRow(rows, keyword)?.row, state);
  }
}

const DEEPEST_MERGE = 16;

/** With what `<<` brings in from other mappings; keys of its own win. */
function pairsOf(map: YAMLMap, state: State, depth = 0): readonly Pair[] {
  const merges = map.items.filter((pair) => textOfKey(pair) === '<<');
  if (merges.length === 0 || depth > DEEPEST_MERGE) return map.items;
  const own = map.items.filter((pair) => !merges.includes(pair));
  const keys = new Set(own.map(textOfKey));
  const brought = merges
    .flatMap((pair) => {
      const value = resolved(pair.value, state);
      return isSeq(value) ? value.items.map((item) => resolved(item, state)) : [value];
    })
    .flatMap((other) => (isMap(other) ? pairsOf(other, state, depth + 1) : []))
    .filter((pair) => !keys.has(textOfKey(pair)));
  return [...own, ...brought];
}

function statement(pair: Pair, keyword: string, row: AnyRow | undefined, state: State): void {
  const value = resolved(pair.value, state);
  const at = offset(pair.key);
  if (row === undefined) {
    emit(keyword, '', at, at, state);
    if (isMap(value) || isSeq(value)) braces(at, state, () => {});
    return;
  }
  if (row.form === 'words') words(keyword, row.type, value, at, state);
  else if (row.form === 'entries' && row.named === true) namedEntries(keyword, value, at, state);
  else if (row.form === 'entries') entries(keyword, '', value, at, state);
  else {
    const headed = row.form === 'blocks' && row.heading !== undefined ? 'heading' : undefined;
    blocks(keyword, row.rows, row.form === 'named' ? 'name' : headed, value, at, state);
  }
}

function words(
  keyword: string,
  type: ValueType<unknown>,
  value: Node | null,
  at: number,
  state: State,
): void {
  const where = value === null ? at : offset(value);
  const shape = shapeOf(type);
  if (isSeq(value) && shape === 'text' && type.ownQuotes !== true) {
    const all = value.items.map((item) => scalarText(resolved(item, state)));
    if (all.every((text) => text !== undefined)) {
      emit(keyword, all.map(quote).join(' '), at, where, state);
      return;
    }
  }
  const text = scalarText(value);
  const boolean = isScalar(value) && typeof value.value === 'boolean' ? value.value : undefined;
  if (boolean !== undefined && shape === 'boolean') {
    const written = type.format(boolean);
    if (boolean || written !== '') emit(keyword, written, at, where, state);
  } else if (boolean === true && type.minimum === 0) emit(keyword, '', at, where, state);
  else if (value === null || (isScalar(value) && value.value === null))
    emit(keyword, '', at, where, state);
  else if (text === undefined || (shape === 'boolean' && type.syntax === ''))
    mistyped(keyword, shape === 'boolean' ? 'true or false' : 'a single value', where, state);
  else emit(keyword, shape === 'word' ? quote(text) : text, at, where, state);
}

/** `- name: A` and its list of entries. */
function namedEntries(keyword: string, value: Node | null, at: number, state: State): void {
  for (const item of isSeq(value) ? value.items : [value]) {
    const map = resolved(item, state);
    if (!isMap(map)) {
      mistyped(keyword, 'a list of mappings with name and entries', at, state);
      continue;
    }
    const find = (key: string): Node | null =>
      resolved(pairsOf(map, state).find((pair) => textOfKey(pair) === key)?.value, state);
    const name = scalarText(find('name'));
    const heading = name === undefined ? '' : quote(name);
    entries(keyword, heading, find('entries'), offset(map), state);
  }
}

function entries(
  keyword: string,
  heading: string,
  value: Node | null,
  at: number,
  state: State,
): void {
  const items = isSeq(value) ? value.items : value === null ? [] : [value];
  emit(keyword, heading, at, at, state);
  braces(at, state, () => {
    for (const item of items) {
      const node = resolved(item, state);
      const text = scalarText(node);
      const where = node === null ? at : offset(node);
      if (text === undefined) {
        if (node !== null && !(isScalar(node) && node.value === null))
          mistyped(keyword, 'a list of lines', where, state);
      } else emit('', text === '{' || text === '}' ? `"${text}"` : text, where, where, state);
    }
  });
}

/** A block, or a list of them; `title` is the key whose value stands before the brace. */
function blocks(
  keyword: string,
  rows: Block,
  title: 'name' | 'heading' | undefined,
  value: Node | null,
  at: number,
  state: State,
): void {
  const empty = value === null || (isScalar(value) && value.value === null);
  for (const item of isSeq(value) ? value.items : [value]) {
    const map = resolved(item, state);
    const where = map === null || !isSeq(value) ? at : offset(map);
    if (!isMap(map) && !empty) {
      mistyped(keyword, 'a mapping of keywords', map === null ? at : offset(map), state);
      continue;
    }
    const pair =
      isMap(map) && title !== undefined
        ? pairsOf(map, state).find((p) => textOfKey(p) === title)
        : undefined;
    const heading = pair === undefined ? undefined : scalarText(resolved(pair.value, state));
    const text = heading === undefined ? '' : title === 'name' ? quote(heading) : heading;
    emit(keyword, text, where, pair === undefined ? where : offset(pair.value), state);
    braces(where, state, () => {
      if (isMap(map)) statements(map, rows, state, title);
    });
  }
}

function braces(at: number, state: State, inside: () => void): void {
  emit('{', '', at, at, state);
  inside();
  emit('}', '', at, at, state);
}

/** As it is written, so that 0123 keeps its zero; undefined for what is no scalar. */
function scalarText(node: Node | null): string | undefined {
  if (!isScalar(node) || node.value === null || node.value === undefined) return undefined;
  if (typeof node.value === 'string') return node.value;
  return node.source ?? String(node.value);
}

const textOfKey = (pair: Pair): string =>
  isScalar(pair.key) ? String(pair.key.source ?? pair.key.value ?? '') : '';

function resolved(node: unknown, state: State): Node | null {
  let found = node;
  if (isAlias(found)) found = anchored(found, state);
  return isMap(found) || isSeq(found) || isScalar(found) ? found : null;
}

/** The package looks through the whole document for every alias; here it is gone through once. */
function anchored(alias: Alias, state: State): Node | undefined {
  if (state.anchors === undefined) {
    const anchors = new Map<string, Node[]>();
    visit(state.document as Document.Parsed, (_, node) => {
      const name = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
      if (name !== undefined) anchors.set(name, [...(anchors.get(name) ?? []), node as Node]);
    });
    state.anchors = anchors;
  }
  const found = state.anchors.get(alias.source)?.findLast((node) => offset(node) < offset(alias));
  if (found === undefined)
    report(state, offset(alias), 'yaml-syntax', `*${alias.source} is not anchored before this`, {
      severity: 'fatal',
      length: alias.source.length + 1,
      ...meant(alias.source, state.anchors.keys()),
    });
  return found;
}

const offset = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;

function mistyped(keyword: string, wanted: string, at: number, state: State): void {
  report(state, at, 'yaml-type', `the value of '${keyword}' must be ${wanted}`, {
    assumed: 'the keyword is ignored',
  });
}

function place(state: State, at: number): { line: number; column: number; source: string } {
  const { line, col } = state.counter.linePos(at);
  const source = (state.source[line - 1] ?? '').replace(/\r$/, '');
  return { line: Math.max(1, line), column: Math.max(1, col), source };
}

function report(
  state: State,
  at: number,
  id: string,
  message: string,
  more: Partial<Diagnostic> = {},
): void {
  state.findings.add({
    id,
    severity: 'error',
    class: 'general',
    message,
    file: state.file.name,
    ...place(state, at),
    ...more,
  });
}

function emit(keyword: string, value: string, at: number, valueAt: number, state: State): void {
  if (state.full) return;
  if (state.lines.length >= MOST_LINES) {
    state.full = true;
    report(state, at, 'too-many-lines', `more than ${MOST_LINES} statements: the rest is not read`);
    return;
  }
  const { line, column, source } = place(state, at);
  const right = place(state, valueAt);
  const from = right.line === line ? right.column : column;
  const blank = keyword === '' || value === '' ? '' : ' ';
  const written = source.startsWith(value, from - 1);
  state.lines.push({
    text: keyword + blank + value,
    column: keyword === '' ? from : column,
    columns: [
      ...Array.from(keyword + blank, (_, i) => column + i),
      ...Array.from({ length: value.length }, (_, i) => (written ? from + i : from)),
    ],
    file: state.file.name,
    line,
    source,
  });
}

/** As the schema sees it. An alias shares what its anchor became, so that laughing billions stay few. */
function plainOf(given: unknown, state: State, known: Map<Node, unknown>): unknown {
  const node = resolved(given, state);
  if (node === null) return null;
  if (known.has(node)) return known.get(node);
  // What is inside itself has no end.
  known.set(node, null);
  let plain: unknown = null;
  if (isScalar(node)) plain = node.value;
  else if (isSeq(node)) plain = node.items.map((item) => plainOf(item, state, known));
  else if (isMap(node))
    plain = Object.fromEntries(
      pairsOf(node, state).map((pair) => [textOfKey(pair), plainOf(pair.value, state, known)]),
    );
  known.set(node, plain);
  return plain;
}

let validator: { readonly table: Block; readonly check: ReturnType<Ajv['compile']> } | undefined;

function validate(document: Document.Parsed, state: State): void {
  if (validator?.table !== state.table) {
    const ajv = new Ajv({ strict: true, allErrors: true });
    validator = { table: state.table, check: ajv.compile(jsonSchema(state.table)) };
  }
  validator.check(plainOf(document.contents, state, new Map()));
  for (const error of validator.check.errors ?? []) {
    // The parser knows the unknown keyword's neighbours; a choice speaks through its parts.
    if (['additionalProperties', 'required', 'anyOf'].includes(error.keyword)) continue;
    state.schema.push(schemaDiagnostic(error, document, state));
  }
}

function schemaDiagnostic(error: ErrorObject, document: Document.Parsed, state: State): Diagnostic {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const keyword = path.findLast((part) => !/^\d+$/.test(part)) ?? '';
  const node = document.getIn(
    path.map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
    true,
  );
  const allowed = (error.params as { allowedValues?: readonly string[] }).allowedValues;
  const value = isScalar(node) ? String(node.value) : '';
  return {
    id: 'schema',
    severity: 'error',
    class: 'general',
    message: `'${keyword}' ${error.message ?? 'is not valid'}${allowed === undefined ? '' : `: ${allowed.join(', ')}`}`,
    file: state.file.name,
    ...place(state, offset(node)),
    length: Math.max(1, value.length),
    ...(error.keyword === 'type' ? written(error.params.type) : meant(value, allowed ?? [])),
  };
}

/** How YAML has what was expected. */
function written(type: unknown): { readonly hint?: string } {
  switch (type) {
    case 'array':
      return { hint: "write a list: a line of its own for each, which begins with '- '" };
    case 'object':
      return { hint: "write a mapping: lines of 'keyword: value', further in than this one" };
    case 'boolean':
      return { hint: 'write true or false' };
    default:
      return {};
  }
}
