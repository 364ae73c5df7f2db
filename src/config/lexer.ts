// Text -> lines as the parser wants them: comments gone, includes merged, conditions decided, parameters
// replaced, sequences unrolled, braces on lines of their own. Reads no file: the caller hands in a reader.

import { next, type Random } from '../lib/random.ts';
import { type Diagnostic, Findings, meantOf } from './diagnostic.ts';
import {
  ALL_CHECKS,
  endsReading,
  type IncludeCheck,
  includeMessage,
  type ReadResult,
  readIncludeCheck,
  type SourceFile,
} from './include.ts';
import { type Definition, expand, type Parameters } from './parameter.ts';
import { isSequence, unroll } from './sequence.ts';
import {
  columnAt,
  endOfPart,
  isBlank,
  LONGEST_LINE,
  removeComment,
  sliceText,
  splitWords,
  type Text,
  textOf,
  trimText,
} from './text.ts';

export interface LexOptions {
  readonly read: (pattern: string, directory: string) => ReadResult;
  /** The identifier of `@ID` lines. */
  readonly configId: string;
  /** `-e`: every problem with an include counts. */
  readonly allConfig?: boolean;
  /** For `${_RANDOM}`. */
  readonly random: Random;
  /** For `${_ENV NAME}`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A statement, `{` or `}` with its place. */
export interface Line extends Text {
  readonly file: string;
  readonly line: number;
  readonly source: string;
  /** Outside root and global_defs the text ends here: see removeComment. */
  readonly cut?: number;
}

export interface Lexed {
  readonly lines: readonly Line[];
  readonly diagnostics: readonly Diagnostic[];
}

/** No configuration has more; a sequence can ask for more. */
const MOST_LINES = 1_000_000;
/** Definitions and sequences can make work without making lines. */
const MOST_STEPS = 4_000_000;
/** What they make of one line is many times its text: a line counts as one, and so does each of so many characters. */
const MOST_MADE = 1_000_000;
const MADE = 24;
/** A step is so many characters. */
const STEP = 32;
const DEEPEST_INCLUDE = 64;
const DEEPEST_PARAMETER = 64;

interface Position {
  readonly file: string;
  readonly line: number;
  readonly source: string;
}

interface State {
  readonly options: LexOptions;
  readonly lines: Line[];
  readonly findings: Findings;
  readonly parameters: Map<string, Definition>;
  random: Random;
  /** Files being read, outermost first. */
  readonly stack: SourceFile[];
  /** A definition that goes on in the next line. */
  open: { readonly name: string; readonly lines: string[] } | undefined;
  steps: number;
  /** The line is one of several that were made of one, and how much was made so. */
  repeated: boolean;
  made: number;
  /** What the line is made of is made of itself: nothing more of it is read. */
  cyclic: boolean;
  /** What include_check or -e makes of every include that follows. */
  checks: ReadonlySet<IncludeCheck>;
  /** How many blocks are open, and whether the outermost one is global_defs. */
  depth: number;
  inGlobals: boolean;
  full: boolean;
  /** An include ended the reading. */
  stopped: boolean;
}

export function lex(files: readonly SourceFile[], options: LexOptions): Lexed {
  const state: State = {
    options,
    lines: [],
    findings: new Findings(),
    parameters: new Map(),
    random: options.random,
    stack: [],
    open: undefined,
    steps: 0,
    repeated: false,
    made: 0,
    cyclic: false,
    checks: options.allConfig === true ? ALL_CHECKS : new Set(),
    depth: 0,
    inGlobals: false,
    full: false,
    stopped: false,
  };
  for (const file of files) lexFile(file, state);
  closeDefinition(state);
  return { lines: state.lines, diagnostics: state.findings.all };
}

function lexFile(file: SourceFile, state: State): void {
  state.stack.push(file);
  const physical = plain(file, state).split('\n');
  if (physical.at(-1) === '') physical.pop();
  let line = 0;
  for (const whole of physical) {
    if (state.full || state.stopped) break;
    const at = { file: file.name, line: ++line, source: whole };
    for (const piece of pieces(whole, at, state)) physicalLine(piece, at, state);
  }
  state.stack.pop();
}

/** UTF-8 without a mark. What else editors write is said once, and of UTF-16 no more than the first character is text. */
function plain({ name, text }: SourceFile, state: State): string {
  const [first = ''] = text.split('\n', 1);
  const at = { file: name, line: 1, source: first };
  if (isUtf16(text)) {
    report(state, at, 0, {
      id: 'utf-16',
      severity: 'error',
      class: 'none',
      message: 'the file is UTF-16, of which nothing can be read',
      hint: 'save it as UTF-8',
    });
    return text.slice(0, text.indexOf('\0'));
  }
  if (!text.startsWith(MARK)) return text;
  const word = /^[^\s!#{}"]*/.exec(first.slice(1))?.[0] ?? '';
  report(state, { ...at, source: first.slice(1) }, 0, {
    id: 'byte-order-mark',
    severity: 'warning',
    class: 'unknown-keyword',
    message: `Unknown keyword '${MARK}${word}'`,
    cause: 'the file begins with a byte order mark, which keepalived takes for a part of the word',
    assumed: 'the mark is not there',
    hint: 'save the file as UTF-8 without a mark',
  });
  return text.slice(1);
}

const MARK = '\ufeff';

/** With a mark, read as UTF-8, or without: every other byte of what people write is 0. */
export const isUtf16 = (text: string): boolean =>
  /^(\ufffd\ufffd)?(\0[^\0]\0[^\0]|[^\0]\0[^\0]\0)/.test(text);

function pieces(whole: string, at: Position, state: State): Text[] {
  const end = whole.indexOf('\0');
  if (end >= 0) {
    report(state, at, end, {
      id: 'nul-byte',
      severity: 'warning',
      class: 'none',
      message: 'NUL byte: the rest of the line is ignored',
    });
  }
  const text = end >= 0 ? whole.slice(0, end) : whole;
  const first = endOfPart(text, 0);
  if (first === text.length) return [textOf(text)];
  report(state, at, first, {
    id: 'line-too-long',
    severity: 'warning',
    class: 'none',
    message: `a line is read as a new one after ${LONGEST_LINE} bytes`,
  });
  const parts: Text[] = [];
  for (let from = 0, to = first; from < text.length; from = to, to = endOfPart(text, from))
    parts.push(textOf(text.slice(from, to), from + 1));
  return parts;
}

function physicalLine(piece: Text, at: Position, state: State): void {
  const { text, cut } = removeComment(piece);
  let line = joinBackslash(trimText(text));
  const goesOn = /\\[ \t\r\f\v]*$/.test(piece.text) && !line.text.endsWith('\\');
  // In a definition the backslash counts even where a comment hides it, elsewhere it becomes a part of the last word.
  const hidden = text !== piece && /(^|[^\\])\\$/.test(piece.text);
  if (goesOn && (hidden || state.open !== undefined || isDefinition(line, state)))
    line = { ...line, text: `${line.text}\\` };
  if (state.open !== undefined) continueDefinition(state.open, line.text, state);
  else logicalLine(line, at, state, 0, cut === undefined ? undefined : piece.column + cut);
}

/** Blanks before a final backslash vanish: keepalived glues it to the last word. */
function joinBackslash(t: Text): Text {
  if (!t.text.endsWith('\\')) return t;
  const match = /[ \t\r\f\v]+\\$/.exec(t.text);
  if (match === null) return t;
  return {
    ...sliceText(t, 0, match.index + 1),
    text: `${t.text.slice(0, match.index)}\\`,
  };
}

/** One line, after comments: condition, definition, sequence, parameters, include, braces; in this order. */
function logicalLine(
  given: Text,
  at: Position,
  state: State,
  nesting: number,
  cutColumn?: number,
): void {
  let rest: Text | undefined = given;
  while (rest !== undefined) rest = takeLine(rest, at, state, nesting, cutColumn);
}

/** What stands behind a brace and is looked at as another line. */
function takeLine(
  given: Text,
  at: Position,
  state: State,
  nesting: number,
  cutColumn?: number,
): Text | undefined {
  if (++state.steps > MOST_STEPS) overflow(at, state);
  if (nesting === 0) state.cyclic = false;
  if (state.full || state.cyclic) return undefined;
  const kept = applyCondition(given, state.options.configId);
  if (kept === undefined || kept.text === '') return undefined;
  if (define(kept.text, state)) return undefined;
  if (isSequence(kept.text)) {
    sequence(kept, at, state, nesting);
    return undefined;
  }
  if (nesting > DEEPEST_PARAMETER) {
    state.cyclic = true;
    report(state, at, 0, {
      id: 'parameter-cycle',
      severity: 'error',
      class: 'general',
      message: 'a parameter of several lines is defined by itself',
      assumed: 'the rest of the line is left out',
    });
    return undefined;
  }
  const brace = isInclude(kept.text) ? -1 : braceBeforeLine(kept.text);
  if (brace >= 0) {
    // Each slice of a line that parameters have made copies the places of its characters.
    state.steps += Math.floor((8 * kept.text.length) / STEP);
    logicalLine(sliceText(kept, 0, brace + 1), at, state, nesting, cutColumn);
    return trimText(sliceText(kept, brace + 1));
  }
  const [first = kept, ...more] = expandLine(kept, at, state);
  state.repeated = nesting > 0;
  // What a parameter made of the line may itself define something.
  if (first === kept || !define(trimText(first).text, state))
    finishLine(first, first !== kept, at, state, nesting, cutColumn);
  for (const part of more) logicalLine(trimText(part), at, state, nesting + 1);
  return undefined;
}

function sequence(text: Text, at: Position, state: State, nesting: number): void {
  const parameters = parametersOf(state);
  const unrolled = unroll(text, (t) => expand(t, parameters).lines[0] ?? t);
  if ('error' in unrolled) {
    report(state, at, 0, {
      id: 'bad-sequence',
      severity: 'error',
      class: 'general',
      message: unrolled.error,
      assumed: 'the line is ignored',
    });
    return;
  }
  for (const values of unrolled.rounds) {
    if (state.full || state.stopped || state.cyclic) return;
    for (const [name, value] of values) state.parameters.set(name, [value]);
    logicalLine(unrolled.rest, at, state, nesting + 1);
  }
}

/** The text that remains where the condition holds; undefined where it does not. */
function applyCondition(t: Text, id: string): Text | undefined {
  if (!t.text.startsWith('@')) return t;
  const negated = t.text[1] === '^';
  const from = negated ? 2 : 1;
  let to = from;
  while (to < t.text.length && !isBlank(t.text[to])) to++;
  const same = t.text.slice(from, to) === id;
  if (same === negated || (to === from && !negated)) return undefined;
  return trimText(sliceText(t, to));
}

const DEFINITION = /^\$([A-Za-z_][A-Za-z0-9_]*)=[ \t\r\f\v]*(.*)$/s;

const isDefinition = (line: Text, state: State): boolean =>
  DEFINITION.test(applyCondition(line, state.options.configId)?.text ?? '');

function define(text: string, state: State): boolean {
  if (!text.startsWith('$')) return false;
  const match = DEFINITION.exec(text);
  if (match === null) return false;
  const name = match[1] as string;
  const value = match[2] as string;
  if (value.endsWith('\\')) state.open = { name, lines: firstLine(value.slice(0, -1)) };
  else state.parameters.set(name, [value]);
  return true;
}

/** `$A= \` starts with its second line. */
const firstLine = (text: string): string[] => (text.trim() === '' ? [] : [text.trimEnd()]);

function continueDefinition(open: { readonly lines: string[] }, text: string, state: State): void {
  const more = text.endsWith('\\');
  if (text !== '') open.lines.push((more ? text.slice(0, -1) : text).trimEnd());
  if (!more) closeDefinition(state);
}

function closeDefinition(state: State): void {
  if (state.open === undefined) return;
  state.parameters.set(state.open.name, state.open.lines);
  state.open = undefined;
}

const isDigits = (word: string): boolean => /^\d{1,15}$/.test(word);

function parametersOf(state: State): Parameters {
  return {
    defined: state.parameters,
    builtIn: (name, words) => {
      if (words.length > 0 && name !== '_RANDOM' && name !== '_ENV') return undefined;
      switch (name) {
        case '_PWD':
          return state.stack.at(-1)?.directory ?? '';
        case '_INSTANCE':
          return state.options.configId;
        case '_HASH':
          return '#';
        case '_BANG':
          return '!';
        case '_RANDOM': {
          const [low, high] = [Number(words[0] ?? 0), Number(words[1] ?? 32767)];
          if (!words.every(isDigits) || high < low) return undefined;
          const drawn = next(state.random);
          state.random = drawn.random;
          return String(low + Math.floor(drawn.value * (high - low + 1)));
        }
        case '_ENV':
          return words[0] === undefined ? undefined : (state.options.environment?.[words[0]] ?? '');
        default:
          return undefined;
      }
    },
  };
}

function expandLine(text: Text, at: Position, state: State): readonly Text[] {
  if (!text.text.includes('$')) return [text];
  const { lines, work, problem } = expand(text, parametersOf(state));
  state.steps += Math.floor(work / STEP);
  if (problem === undefined) return lines;
  report(state, at, text.column - 1, {
    severity: 'error',
    class: 'general',
    assumed: 'the name as it stands',
    length: Math.max(1, text.text.length),
    ...problem,
  });
  return [text];
}

/** A parameter may have brought a comment, a condition or a backslash with it. */
function finishLine(
  text: Text,
  changed: boolean,
  at: Position,
  state: State,
  nesting: number,
  cutColumn?: number,
): void {
  const clean = changed ? trimText(removeComment(text).text) : text;
  const kept = changed ? applyCondition(clean, state.options.configId) : clean;
  if (kept === undefined || kept.text === '') return;
  const include = INCLUDE.exec(kept.text);
  if (include !== null) {
    readInclude(include[1] as string, include[2] as string, at, kept, state);
    return;
  }
  // A parameter may have made what stands behind a brace.
  const brace = braceBeforeLine(kept.text);
  if (brace < 0) {
    splitBraces(kept, at, state, cutColumn);
    return;
  }
  splitBraces(sliceText(kept, 0, brace + 1), at, state, cutColumn);
  logicalLine(trimText(sliceText(kept, brace + 1)), at, state, nesting + 1, cutColumn);
}

const INCLUDE = /^(include[rmwba]?)[ \t\r\f\v]+(.+)$/s;
const isInclude = (text: string): boolean => INCLUDE.test(text);

/** What keepalived takes for a line of its own behind a brace: condition, definition, sequence, include. */
const LINE = /[{}][ \t\r\f\v]*(?=@|\$[A-Za-z_]\w*=|~(?:SEQ|LST)|include[rmwba]?[ \t\r\f\v])/;

/** The place of the first brace with such a line behind it, -1 where there is none. */
function braceBeforeLine(text: string): number {
  if (!LINE.test(text)) return -1;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') quoted = !quoted;
    if (quoted || (c !== '{' && c !== '}')) continue;
    if (c === '{' && text[i - 1] === '$') i = Math.max(i, text.indexOf('}', i));
    else if (LINE.exec(text.slice(i))?.index === 0) return i;
  }
  return -1;
}

const QUOTE_OR_BRACE = /["{}]/g;

/** The next place from `from` on, -1 where there is none. */
function quoteOrBrace(text: string, from: number): number {
  QUOTE_OR_BRACE.lastIndex = from;
  return QUOTE_OR_BRACE.exec(text)?.index ?? -1;
}

function splitBraces(t: Text, at: Position, state: State, cutColumn?: number): void {
  if (!/[{}]/.test(t.text)) {
    emit(t, at, state, cutColumn);
    return;
  }
  let from = 0;
  let quoted = false;
  for (let i = quoteOrBrace(t.text, 0); i >= 0; i = quoteOrBrace(t.text, i + 1)) {
    const c = t.text[i];
    if (c === '"') quoted = !quoted;
    if (quoted || c === '"') continue;
    const name = c === '{' && t.text[i - 1] === '$' ? referenceAt(t.text, i) : undefined;
    if (name !== undefined) {
      undefinedParameter(name, t, i - 1, at, state);
      i += name.length + 1;
      continue;
    }
    emit(trimText(sliceText(t, from, i)), at, state, cutColumn);
    emit(sliceText(t, i, i + 1), at, state);
    from = i + 1;
  }
  emit(trimText(sliceText(t, from)), at, state, cutColumn);
}

const referenceAt = (text: string, brace: number): string | undefined =>
  /^(?:[A-Za-z_]\w*|_\w+[ \t][^{}"]*)(?=\})/.exec(
    text.slice(brace + 1, brace + 1 + LONGEST_LINE),
  )?.[0];

const UNDEFINED = 'undefined-parameter';

/** Its braces are no block's, whatever keepalived makes of them. Built-in ones may have words behind the name. */
function undefinedParameter(
  reference: string,
  t: Text,
  index: number,
  at: Position,
  state: State,
): void {
  if (state.findings.isFull(at.file, at.line, UNDEFINED)) return;
  const cycle = state.findings.all.at(-1);
  if (cycle?.id.startsWith('parameter-') && cycle.line === at.line && cycle.file === at.file)
    return;
  report(state, at, columnAt(t, index) - 1, {
    id: UNDEFINED,
    severity: 'error',
    class: 'general',
    message: /^\w+$/.test(reference)
      ? `parameter '\${${reference}}' is not defined`
      : `parameter '\${${reference}}' has words that it does not take`,
    assumed: 'the name as it stands',
    length: reference.length + 3,
    ...meantOf(reference, state.parameters),
  });
}

function emit(text: Text, at: Position, state: State, cutColumn?: number): void {
  if (text.text === '' || state.full) return;
  if (state.repeated) state.made += 1 + text.text.length / MADE;
  if (state.lines.length >= MOST_LINES || state.made > MOST_MADE) {
    overflow(at, state);
    return;
  }
  followBlocks(text.text, state);
  const { file, line, source } = at;
  const cut = cutColumn === undefined ? -1 : cutColumn - text.column;
  const read: Line = { text: text.text, column: text.column, file, line, source };
  const more = text.columns === undefined ? read : { ...read, columns: text.columns };
  state.lines.push(cut >= 0 && cut < text.text.length ? { ...more, cut } : more);
}

/** include_check of global_defs holds from its line on, so it cannot wait for the parser. */
function followBlocks(text: string, state: State): void {
  if (text === '{') {
    if (state.depth++ === 0)
      state.inGlobals = /^global_defs\b/.test(state.lines.at(-1)?.text ?? '');
  } else if (text === '}') state.depth = Math.max(0, state.depth - 1);
  else if (state.inGlobals && state.depth === 1 && text.startsWith('include_check')) {
    const [keyword, ...words] = splitWords(textOf(text)).words.map((word) => word.text);
    if (keyword === 'include_check') state.checks = readIncludeCheck(words, state.checks).checks;
  }
}

function overflow(at: Position, state: State): void {
  state.full = true;
  report(state, at, 0, {
    id: 'too-many-lines',
    severity: 'error',
    class: 'general',
    message: `${state.lines.length} lines after includes and sequences are too many: the rest is not read`,
  });
}

function readInclude(keyword: string, pattern: string, at: Position, t: Text, state: State): void {
  const current = state.stack.at(-1);
  const found = state.options.read(pattern, current?.directory ?? '/');
  const where = { index: t.column - 1 + t.text.length - pattern.length, length: pattern.length };
  for (const { problem, name } of found.problems) {
    const ends = endsReading(problem, keyword, state.checks);
    if (!ends && problem === 'no-match') continue;
    report(state, at, where.index, {
      id: `include-${problem}`,
      severity: ends ? 'fatal' : 'warning',
      class: 'none',
      message: includeMessage(problem, name),
      length: where.length,
      ...(ends ? { status: 6 } : { assumed: 'nothing is read instead' }),
    });
    state.stopped ||= ends;
  }
  if (state.stopped) return;
  for (const file of found.files) {
    const cycle = state.stack.some((open) => open.path === file.path);
    if (!cycle && state.stack.length < DEEPEST_INCLUDE) {
      lexFile(file, state);
      continue;
    }
    const way = [...state.stack.map((f) => f.name), file.name].join(' -> ');
    report(state, at, where.index, {
      id: cycle ? 'include-cycle' : 'include-too-deep',
      severity: 'error',
      class: 'general',
      message: cycle
        ? `${file.name} includes itself: ${way}`
        : `includes are nested more than ${DEEPEST_INCLUDE} deep: ${file.name} is not read`,
      ...(cycle ? { assumed: 'the file once' } : {}),
      length: where.length,
    });
  }
}

type Reported = Omit<Diagnostic, 'file' | 'line' | 'column' | 'source'>;

function report(state: State, at: Position, index: number, what: Reported): void {
  state.findings.add({
    ...what,
    file: at.file,
    line: at.line,
    column: index + 1,
    source: at.source,
  });
}
