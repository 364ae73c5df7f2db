// What a user is told about a configuration, and what it means for the exit status. A mistake is data: it is
// collected, never thrown, and said once (keepalived repeats it in each of its passes).

/**
 * keepalived's classes of mistakes, weakest first: the status of `-t` depends on the strongest one seen.
 * 'none' is said but never counted.
 */
export const CLASSES = [
  'none',
  'file',
  'interface',
  'fatal',
  'several-files',
  'unknown-keyword',
  'unexpected-open',
  'missing-open',
  'unexpected-close',
  'missing-close',
  'quote',
  'missing-argument',
  'number',
  'general',
  'warning',
  'deprecated',
  'security',
] as const;
export type ErrorClass = (typeof CLASSES)[number];

/** A warning keeps the meaning of the line, an error loses something, a fatal ends the daemon. */
export type Severity = 'warning' | 'error' | 'fatal';

/** What is wrong with the words of one statement; where it stands is added by whoever read the line. */
export interface Complaint {
  /** Stable name, for tests, for silencing and for documentation. */
  readonly id: string;
  readonly severity: Severity;
  readonly class: ErrorClass;
  /** In keepalived's words where people search for them. */
  readonly message: string;
  /** The general reason behind a special sentence. */
  readonly cause?: string;
  /** What is used instead. */
  readonly assumed?: string;
  /** "did you mean ...?" and other advice. */
  readonly hint?: string;
  /** What has to be done on this machine, with the command; the log has it in a line of its own. */
  readonly remedy?: string;
  /** Index of the argument that is wrong; -1 or absent: the keyword itself. */
  readonly word?: number;
  /** Exit status that this mistake forces, whatever else is found: 2 missing argument, 6 include. */
  readonly status?: number;
  /** Status a daemon ends with on a fatal, where that is not 2. */
  readonly ends?: number;
}

export interface Diagnostic extends Complaint {
  readonly file?: string;
  /** Line and column count from 1, columns in characters. */
  readonly line?: number;
  readonly column?: number;
  /** How many characters the caret line marks. */
  readonly length?: number;
  /** The line as it stands in the file. */
  readonly source?: string;
  /** Found only after everything was read: keepalived gives such messages without a line. */
  readonly afterwards?: boolean;
  /** Because of this keepalived reads nothing more up to that line of the file. */
  readonly deafUntil?: number;
  /** ... but for these keywords. */
  readonly heard?: readonly string[];
  /** keepalived reads nothing more of this line. */
  readonly endsLine?: true;
  /** The line that keepalived names, where ours is nearer to the mistake. */
  readonly saidAt?: number;
}

/** Sequences and parameters make many lines of one: of one kind of mistake in a line of a file, so many are said. */
const MOST_ALIKE = 20;
/** Whoever has said one kind of thing of one line so often has nothing new to say. */
const MOST_TRIED = 1000;

/** What has been said of a kind in a line: where there was only one, that alone. */
type Said = string | { readonly texts: Set<string>; tried: number };

/** Diagnostics in the order in which they are found: each once, and of one kind in one line no more than one can read. */
export class Findings {
  readonly all: Diagnostic[] = [];
  readonly #said = new Map<string, Said>();

  constructor(found: Iterable<Diagnostic> = []) {
    for (const d of found) this.add(d);
  }

  /** Whether another one of this kind would be lost: it need not be worked out. */
  isFull(file: string, line: number, id: string): boolean {
    const said = this.#said.get(`${file}:${line}:${id}`);
    return typeof said === 'object' && isEnough(said);
  }

  add(d: Diagnostic): void {
    const kind = `${d.file}:${d.line}:${d.id}`;
    const text = `${d.column}:${d.saidAt}:${d.message}`;
    const before = this.#said.get(kind);
    if (before === undefined) this.#said.set(kind, text);
    else {
      const said = typeof before === 'string' ? { texts: new Set([before]), tried: 1 } : before;
      this.#said.set(kind, said);
      if (d.line !== undefined && isEnough(said)) return;
      said.tried++;
      if (said.texts.has(text)) return;
      said.texts.add(text);
      if (d.line !== undefined && isEnough(said)) {
        const { assumed: _, hint: __, cause: ___, remedy: ____, ...place } = d;
        const message = 'more of this is not said of this line';
        this.all.push({ ...place, class: 'none', severity: 'warning', message });
        return;
      }
    }
    this.all.push(d);
  }
}

const isEnough = ({ texts, tried }: Exclude<Said, string>): boolean =>
  texts.size > MOST_ALIKE || tried > MOST_TRIED;

/** The status of `keepalived -t` (docs: 0 good, 2 argument missing, 4 file or interface, 5 other, 6 security or include). */
export function exitStatus(diagnostics: readonly Diagnostic[]): number {
  const forced = diagnostics.find((d) => d.status !== undefined);
  if (forced?.status !== undefined) return forced.status;
  // A file can have more mistakes than a call can have arguments.
  const strongest = diagnostics.reduce((most, d) => Math.max(most, CLASSES.indexOf(d.class)), 0);
  switch (CLASSES[strongest] as ErrorClass) {
    case 'none':
      return 0;
    case 'file':
    case 'interface':
    case 'fatal':
      return 4;
    case 'security':
      return 6;
    case 'several-files':
    case 'unknown-keyword':
    case 'unexpected-open':
    case 'missing-open':
    case 'unexpected-close':
    case 'missing-close':
    case 'quote':
    case 'missing-argument':
    case 'number':
    case 'general':
    case 'warning':
    case 'deprecated':
      return 5;
  }
}

/**
 * As one reads them: the files in the order in which they are included, each from its first line to its last, then what stands
 * in no line, and at the end what ends the daemon, as it was found.
 */
export function inFileOrder(
  found: readonly Diagnostic[],
  files: readonly string[],
): readonly Diagnostic[] {
  const ranks = new Map(files.map((file, index) => [file, index] as const).reverse());
  const rankOf = ({ file = '', line }: Diagnostic): number =>
    line === undefined ? files.length : (ranks.get(file) ?? files.length);
  return [
    ...found
      .filter(({ severity }) => severity !== 'fatal')
      .sort((a, b) => rankOf(a) - rankOf(b) || (a.line ?? 0) - (b.line ?? 0)),
    ...found.filter(({ severity }) => severity === 'fatal'),
  ];
}

/** What keepalived does not read is said all the same, and counts for nothing. */
export function withoutUnread(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const unread = new Map<string, readonly string[]>();
  for (const { file, line = 0, deafUntil = line + 1, heard = [], endsLine } of diagnostics)
    for (let at = endsLine ? line : line + 1; at < deafUntil; at++)
      unread.set(`${file}:${at}`, heard);
  if (unread.size === 0) return diagnostics;
  return diagnostics.map((d) => {
    const [keyword = ''] = d.source?.trim().split(/\s/) ?? [];
    const heard = unread.get(`${d.file}:${d.line}`);
    if (heard === undefined || d.endsLine || heard.includes(keyword)) return d;
    const { status: _, ...rest } = d;
    return { ...rest, class: 'none', severity: d.severity === 'fatal' ? 'error' : d.severity };
  });
}

/** The status with which a daemon ends on these, or undefined when it runs with what was understood. */
export function daemonStatus(diagnostics: readonly Diagnostic[]): number | undefined {
  const fatal = diagnostics.find((d) => d.severity === 'fatal');
  return fatal === undefined ? undefined : (fatal.ends ?? fatal.status ?? 2);
}

/** Several lines: place and message, the line itself, a caret under the word, what was assumed, advice. */
export function formatDiagnostic(d: Diagnostic): string {
  const place = [d.file, d.line, d.line === undefined ? undefined : d.column]
    .filter((part) => part !== undefined)
    .join(':');
  const message = d.cause === undefined ? d.message : `${d.message} (${d.cause})`;
  const lines = [`${place === '' ? '' : `${place}: `}${d.severity}: ${message} [${d.id}]`];
  if (d.source !== undefined && d.line !== undefined) {
    const number = String(d.line);
    lines.push(`  ${number} | ${printable(d.source)}`);
    if (d.column !== undefined) {
      const marks = '^'.repeat(Math.max(1, d.length ?? 1));
      lines.push(`  ${' '.repeat(number.length)} | ${blanks(d.source, d.column - 1)}${marks}`);
    }
  }
  if (d.assumed !== undefined) lines.push(`  assumed: ${d.assumed}`);
  if (d.hint !== undefined) lines.push(`  hint: ${d.hint}`);
  if (d.remedy !== undefined) lines.push(`  to mend it: ${d.remedy}`);
  return lines.map(printable).join('\n');
}

/** One line as keepalived logs it: `(FILE: Line N) text`. */
export function formatLogLine(d: Diagnostic): string {
  const message = d.cause === undefined ? d.message : `${d.message} (${d.cause})`;
  if (d.line === undefined) return printable(message);
  return printable(`(${d.file === undefined ? '' : `${d.file}: `}Line ${d.line}) ${message}`);
}

const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a hostile file must not drive the terminal
  text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?');

/** Tabs stay tabs, so that the caret stands under its word. */
const blanks = (text: string, count: number): string =>
  printable(text.slice(0, count)).replace(/[^\t]/g, ' ').padEnd(count, ' ');

/** "did you mean" as a part of a complaint; nothing where no name is near. */
export function meant(text: string, names: Iterable<string>): { readonly hint?: string } {
  const near = nearest(text, names);
  return near === undefined ? {} : { hint: `did you mean '${near}'?` };
}

/** A file of nonsense need not wait for it. */
const MOST_ASKED = 1000;
const asked = new WeakMap<object, number>();

/** The same among names that a file or a machine makes, of which there can be many. */
export function meantOf(
  text: string,
  known: ReadonlyMap<string, unknown> | readonly { readonly name: string }[],
): { readonly hint?: string } {
  const before = asked.get(known) ?? 0;
  asked.set(known, before + 1);
  if (before >= MOST_ASKED) return {};
  return meant(
    text,
    'keys' in known && 'has' in known ? known.keys() : known.map(({ name }) => name),
  );
}

/** The candidate nearest to what was written, if it is near enough to be meant. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(Math.min(text.length, 40) / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - text.length) >= bestDistance) continue;
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, changes and swaps of neighbours; `limit` when at least that many. */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (above[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (above[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] as number) + 1);
      row.push(cost);
    }
    if (Math.min(...row) >= limit) return limit;
    before = above;
    above = row;
  }
  return above[b.length] as number;
}
