// Text -> lines as the parser wants them: comments gone, includes merged, conditions decided, parameters
// replaced, sequences unrolled, braces on lines of their own. Reads no file: the caller hands in a reader.

import { next, type Random } from '../lib/random.ts';
import type { Diagnostic } from './diagnostic.ts';
import { type Definition, expand, type Parameters } from './parameter.ts';
import { isSequence, unroll } from './sequence.ts';
import { isBlank, removeComment, sliceText, type Text, textOf, trimText } from './text.ts';

/** A file as the reader found it. */
export interface SourceFile {
  /** As it is shown to the user. */
  readonly name: string;
  /** Absolute: two names of one file are a cycle all the same. */
  readonly path: string;
  /** Where relative includes of this file are looked up. */
  readonly directory: string;
  readonly text: string;
}

/** Why a name or pattern gave less than it promised. */
export type ReadProblem =
  /** No such file. */
  | 'missing'
  /** A pattern that matches nothing. */
  | 'no-match'
  /** A pattern in a directory that does not exist. */
  | 'no-directory'
  /** One of the alternatives in braces is missing. */
  | 'brace'
  /** A directory or a file with an execute bit. */
  | 'not-plain'
  | 'unreadable';

export interface ReadResult {
  readonly files: readonly SourceFile[];
  readonly problems: readonly { readonly problem: ReadProblem; readonly name: string }[];
}

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
export interface Line {
  readonly text: Text;
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

/** MAX_LINE of keepalived: what is longer goes on as if there were a line break. */
const LONGEST_LINE = 1023;
/** No configuration has more; a sequence can ask for more. */
const MOST_LINES = 1_000_000;
/** Definitions and sequences can make work without making lines. */
const MOST_STEPS = 2_000_000;
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
  readonly diagnostics: Diagnostic[];
  readonly parameters: Map<string, Definition>;
  random: Random;
  /** Files being read, outermost first. */
  readonly stack: SourceFile[];
  /** A definition that goes on in the next line. */
  open: { readonly name: string; readonly lines: string[] } | undefined;
  steps: number;
  full: boolean;
  /** An include ended the reading. */
  stopped: boolean;
}

export function lex(files: readonly SourceFile[], options: LexOptions): Lexed {
  const state: State = {
    options,
    lines: [],
    diagnostics: [],
    parameters: new Map(),
    random: options.random,
    stack: [],
    open: undefined,
    steps: 0,
    full: false,
    stopped: false,
  };
  for (const file of files) lexFile(file, state);
  return { lines: state.lines, diagnostics: state.diagnostics };
}

function lexFile(file: SourceFile, state: State): void {
  state.stack.push(file);
  const physical = file.text.split('\n');
  if (physical.at(-1) === '') physical.pop();
  for (const [index, whole] of physical.entries()) {
    if (state.full || state.stopped) break;
    const at = { file: file.name, line: index + 1, source: whole };
    for (const piece of pieces(whole, at, state)) physicalLine(piece, at, state);
  }
  // A definition cannot reach over the end of its file.
  closeDefinition(state);
  state.stack.pop();
}

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
  if (text.length <= LONGEST_LINE) return [textOf(text)];
  report(state, at, LONGEST_LINE, {
    id: 'line-too-long',
    severity: 'warning',
    class: 'none',
    message: `line of ${text.length} characters: after ${LONGEST_LINE} it is read as a new line`,
  });
  const parts: Text[] = [];
  for (let from = 0; from < text.length; from += LONGEST_LINE)
    parts.push(textOf(text.slice(from, from + LONGEST_LINE), from + 1));
  return parts;
}

function physicalLine(piece: Text, at: Position, state: State): void {
  const { text, cut } = removeComment(piece);
  const line = joinBackslash(trimText(text));
  if (state.open !== undefined) {
    continueDefinition(state.open, line.text, state);
    return;
  }
  logicalLine(line, at, state, 0, cut === undefined ? undefined : piece.start + cut);
}

/** Blanks before a final backslash vanish: keepalived glues it to the last word. */
function joinBackslash(t: Text): Text {
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
  if (++state.steps > MOST_STEPS) overflow(at, state);
  if (state.full) return;
  const kept = applyCondition(given, state.options.configId);
  if (kept === undefined || kept.text === '') return;
  if (define(kept.text, state)) return;
  if (isSequence(kept.text)) {
    sequence(kept, at, state, nesting);
    return;
  }
  if (nesting > DEEPEST_PARAMETER) {
    report(state, at, 0, {
      id: 'parameter-cycle',
      severity: 'error',
      class: 'general',
      message: 'a parameter of several lines is defined by itself',
    });
    return;
  }
  const expanded = expandLine(kept, at, state);
  for (const [index, part] of expanded.entries()) {
    // Each line of a definition of several lines may itself define something, the first one too.
    if (index === 0 && expanded.length > 1 && define(trimText(part).text, state)) continue;
    if (index === 0) finishLine(part, part !== kept, at, state, cutColumn);
    else logicalLine(trimText(part), at, state, nesting + 1);
  }
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
    });
    return;
  }
  for (const values of unrolled.rounds) {
    if (state.full || state.stopped) return;
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

function define(text: string, state: State): boolean {
  if (!text.startsWith('$')) return false;
  const match = /^\$([A-Za-z_][A-Za-z0-9_]*)=[ \t\r\f\v]*(.*)$/s.exec(text);
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

function parametersOf(state: State): Parameters {
  return {
    defined: state.parameters,
    builtIn: (name, words) => {
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
          const low = Number(words[0] ?? 0);
          const high = Number(words[1] ?? 32767);
          if (!Number.isInteger(low) || !Number.isInteger(high) || high < low) return undefined;
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
  const { lines, problem } = expand(text, parametersOf(state));
  if (problem !== undefined)
    report(state, at, 0, { severity: 'error', class: 'general', ...problem });
  return lines;
}

/** A parameter may have brought a comment, a condition or a backslash with it. */
function finishLine(
  text: Text,
  changed: boolean,
  at: Position,
  state: State,
  cutColumn?: number,
): void {
  const clean = changed ? trimText(removeComment(text).text) : text;
  const kept = changed ? applyCondition(clean, state.options.configId) : clean;
  if (kept === undefined || kept.text === '') return;
  const include = /^(include[rmwba]?)[ \t\r\f\v]+(.+)$/s.exec(kept.text);
  if (include !== null) {
    readInclude(include[1] as string, include[2] as string, at, kept, state);
    return;
  }
  splitBraces(kept, at, state, cutColumn);
}

function splitBraces(t: Text, at: Position, state: State, cutColumn?: number): void {
  if (!/[{}]/.test(t.text)) {
    emit(t, at, state, cutColumn);
    return;
  }
  let from = 0;
  let quoted = false;
  for (let i = 0; i < t.text.length; i++) {
    const c = t.text[i];
    if (c === '"') quoted = !quoted;
    if (quoted || (c !== '{' && c !== '}')) continue;
    emit(trimText(sliceText(t, from, i)), at, state, cutColumn);
    emit(sliceText(t, i, i + 1), at, state);
    from = i + 1;
  }
  emit(trimText(sliceText(t, from)), at, state, cutColumn);
}

function emit(text: Text, at: Position, state: State, cutColumn?: number): void {
  if (text.text === '' || state.full) return;
  if (state.lines.length >= MOST_LINES) {
    overflow(at, state);
    return;
  }
  const cut = cutColumn === undefined ? undefined : cutColumn - text.start;
  state.lines.push({
    text,
    ...at,
    ...(cut === undefined || cut < 0 || cut >= text.text.length ? {} : { cut }),
  });
}

function overflow(at: Position, state: State): void {
  state.full = true;
  report(state, at, 0, {
    id: 'too-many-lines',
    severity: 'error',
    class: 'general',
    message: `more than ${MOST_LINES} lines after includes and sequences: the rest is not read`,
  });
}

/** What each spelling of include makes of each problem: undefined is silence, 0 a message, 6 the end. */
const VERDICTS: Readonly<Record<string, Readonly<Record<ReadProblem, 0 | 6 | undefined>>>> = {
  include: verdicts(0, undefined, 0, 0, 0),
  includer: verdicts(0, undefined, 0, 0, 6),
  includem: verdicts(6, undefined, 6, 0, 6),
  includew: verdicts(6, 6, 6, 0, 6),
  includeb: verdicts(0, undefined, 0, 6, 6),
  includea: verdicts(6, 6, 6, 6, 6),
};

function verdicts(
  missing: 0 | 6,
  noMatch: 6 | undefined,
  noDirectory: 0 | 6,
  brace: 0 | 6,
  notPlain: 0 | 6,
): Readonly<Record<ReadProblem, 0 | 6 | undefined>> {
  return {
    missing,
    'no-match': noMatch,
    'no-directory': noDirectory,
    brace,
    'not-plain': notPlain,
    unreadable: notPlain,
  };
}

function readInclude(keyword: string, pattern: string, at: Position, t: Text, state: State): void {
  const current = state.stack.at(-1);
  const found = state.options.read(pattern, current?.directory ?? '/');
  const table = VERDICTS[state.options.allConfig === true ? 'includea' : keyword];
  for (const { problem, name } of found.problems) {
    const verdict = table?.[problem];
    if (verdict === undefined) continue;
    report(state, at, columnOfPattern(t, pattern), {
      id: `include-${problem}`,
      severity: verdict === 6 ? 'fatal' : 'warning',
      class: 'none',
      message: INCLUDE_MESSAGES[problem](name),
      length: pattern.length,
      ...(verdict === 6 ? { status: 6 } : {}),
    });
    if (verdict === 6) state.stopped = true;
  }
  if (state.stopped) return;
  for (const file of found.files) {
    if (state.stack.some((open) => open.path === file.path)) {
      report(state, at, columnOfPattern(t, pattern), {
        id: 'include-cycle',
        severity: 'error',
        class: 'general',
        message: `${file.name} includes itself: ${[...state.stack.map((f) => f.name), file.name].join(' -> ')}`,
        assumed: 'the file once',
        length: pattern.length,
      });
    } else if (state.stack.length >= DEEPEST_INCLUDE) {
      report(state, at, columnOfPattern(t, pattern), {
        id: 'include-too-deep',
        severity: 'error',
        class: 'general',
        message: `includes are nested more than ${DEEPEST_INCLUDE} deep: ${file.name} is not read`,
        length: pattern.length,
      });
    } else lexFile(file, state);
  }
}

const columnOfPattern = (t: Text, pattern: string): number =>
  t.start - 1 + t.text.length - pattern.length;

const INCLUDE_MESSAGES: Readonly<Record<ReadProblem, (name: string) => string>> = {
  missing: (name) => `Config files missing '${name}'.`,
  'no-match': (name) => `Config files missing '${name}'.`,
  'no-directory': (name) => `Config files missing '${name}'.`,
  brace: (name) => `Config files missing '${name}'.`,
  'not-plain': (name) =>
    `Configuration file '${name}' is not a regular non-executable file - skipping`,
  unreadable: (name) => `Unable to open config file '${name}'.`,
};

type Reported = Omit<Diagnostic, 'file' | 'line' | 'column' | 'source'>;

function report(state: State, at: Position, index: number, what: Reported): void {
  state.diagnostics.push({
    ...what,
    file: at.file,
    line: at.line,
    column: index + 1,
    source: at.source,
  });
}
