// The keyword table -> docs/keywords.md, the reference page. Writes no file.

import type { AnyRow, Block, Presence, WordsRow } from './keyword.ts';
import { splitWords, textOf } from './text.ts';
import type { ValueType } from './value.ts';

const INTRODUCTION = `<!-- Generated from the keyword table by scripts/generate.ts. Do not edit. -->

# Keywords

Every keyword that this version understands, in keepalived's spelling. A keyword that is not here is reported as
unknown; an unknown block is skipped whole, and what stands around it keeps its meaning.

\`<int>\`, \`<decimal>\` and the range after them say what is accepted; [x] may be left out; s and µs are the unit.
`;

/** Markdown; one section a block, in the order of the table. */
export function markdown(table: Block): string {
  const parts = [INTRODUCTION.trimEnd(), ...sections('Top level', table), ...waiting(table)];
  return `${parts.join('\n\n')}\n`;
}

/** What is read and has no effect yet, block by block; where a whole block waits, what is in it does too. */
function waiting(rows: Block): string[] {
  const lines = waitingIn(rows, 'Top level');
  if (lines.length === 0) return [];
  return [
    '## Not yet effective',
    'These keywords are read and checked, and do nothing yet. A configuration with one of them runs ' +
      'without what it asks for; the log says so in one line at start.',
    lines.join('\n'),
  ];
}

function waitingIn(rows: Block, title: string): string[] {
  const own = Object.entries(rows).filter(([, row]) => row.effect === 'later');
  const line = `- ${title}: ${own.map(([keyword]) => code(keyword)).join(', ')}`;
  const inner = Object.entries(rows).flatMap(([keyword, row]) =>
    row.effect === 'later' || row.form === 'words' || row.form === 'entries'
      ? []
      : waitingIn(row.rows, title === 'Top level' ? keyword : `${title} / ${keyword}`),
  );
  return own.length === 0 ? inner : [line, ...inner];
}

function sections(title: string, rows: Block, doc?: string): string[] {
  const own = [`## ${title}`, ...(doc === undefined ? [] : [doc]), table(rows)];
  const nested = Object.entries(rows).flatMap(([keyword, row]) =>
    inner(title === 'Top level' ? keyword : `${title} / ${keyword}`, row),
  );
  return [...own, ...nested];
}

function inner(path: string, row: AnyRow): string[] {
  switch (row.form) {
    case 'words':
      return [];
    case 'section':
    case 'named':
    case 'blocks':
      return sections(path, row.rows, row.doc);
    case 'entries':
      return row.grammar === undefined
        ? []
        : [
            `### ${path}`,
            `${row.doc} One entry a line: \`${row.entry.syntax}\`.`,
            ...(row.example === undefined ? [] : [`Example: \`${row.example}\``]),
            table(row.grammar),
          ];
  }
}

function table(rows: Block): string {
  const lines = Object.entries(rows).map(
    ([keyword, row]) =>
      `| ${[code(keyword), code(syntaxOf(row)), defaultOf(row), docOf(row), code(exampleOf(keyword, row))].join(' | ')} |`,
  );
  const head = ['| Keyword | Arguments | Default | Meaning | Example |', '|---|---|---|---|---|'];
  return [...head, ...lines].join('\n');
}

function syntaxOf(row: AnyRow): string {
  switch (row.form) {
    case 'words':
      return row.type.syntax;
    case 'entries':
      return `${row.named === true ? '<name> ' : ''}{ ${row.entry.syntax} ... }`;
    case 'section':
      return '{ ... }';
    case 'named':
      return '<name> { ... }';
    case 'blocks':
      return row.heading === undefined ? '{ ... }' : `${row.heading.syntax} { ... }`;
  }
}

function defaultOf(row: AnyRow): string {
  if (row.form !== 'words') return '';
  if (row.otherwise !== undefined) return cell(row.otherwise);
  if (row.inherits !== undefined) return code(row.inherits);
  if (row.presence === 'required') return 'required';
  return row.fallback === undefined ? 'none' : shown(row);
}

/** A flag has no text of its own: it is there or not. */
function shown(row: WordsRow<unknown, Presence>): string {
  if (typeof row.fallback === 'boolean') return row.fallback ? 'on' : 'off';
  return code(row.type.format(row.fallback));
}

function docOf(row: AnyRow): string {
  const aliases = Object.keys(row.aliases ?? {});
  const older = aliases.length === 0 ? '' : ` Also written ${aliases.map(code).join(', ')}.`;
  const newer = row.since === undefined ? '' : ' *Newer than keepalived 2.2.7.*';
  const later = row.effect === undefined ? '' : ' *Not yet effective.*';
  return cell(row.doc) + older + newer + later;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``);

/** Words that mean something to some type; the first that a type takes without complaint is its example. */
const SAMPLES = [
  ...[
    '192.0.2.1',
    'eth0',
    '1',
    '10',
    '1000',
    '0.5',
    'on',
    'example',
    'A',
    '224.0.0.18',
    'ff02::12',
  ],
  ...['"/usr/local/bin/check --fast"', '/usr/local/bin/check', '192.0.2.1 80', '0123456789abcdef'],
  ...[
    'root',
    '/etc/keepalived/example',
    'eth0 1',
    '1 2',
    'TCP',
    '00:11:22:33:44:55',
    '^ok$',
    '200',
  ],
];

/** A line that can be written as it stands; a block shows how it begins. */
export function exampleOf(keyword: string, row: AnyRow): string {
  switch (row.form) {
    case 'words': {
      const words = row.example ?? wordsExample(row);
      // An example may be given with its keyword.
      return words.split(' ')[0] === keyword ? words : `${keyword} ${words}`.trimEnd();
    }
    case 'entries': {
      const name = row.named === true ? ' example' : '';
      return row.example === undefined
        ? `${keyword}${name} {`
        : `${keyword}${name} { ${row.example} }`;
    }
    case 'section':
      return `${keyword} {`;
    case 'named':
      return `${keyword} example {`;
    case 'blocks':
      return `${keyword} ${row.heading === undefined ? '' : sampleOf(row.heading)}`
        .trimEnd()
        .concat(' {');
  }
}

function wordsExample({ type, fallback }: WordsRow<unknown, Presence>): string {
  if (
    fallback !== undefined &&
    typeof fallback !== 'boolean' &&
    accepted(type, type.format(fallback))
  )
    return type.format(fallback);
  return type.minimum === 0 && accepted(type, '') ? '' : sampleOf(type);
}

function sampleOf(type: ValueType<unknown>): string {
  const { enum: choice, minimum } = type.schema as { enum?: readonly string[]; minimum?: number };
  const texts = [choice?.[0], ...SAMPLES, minimum === undefined ? undefined : String(minimum)];
  return texts.find((text) => text !== undefined && accepted(type, text)) ?? type.syntax;
}

function accepted(type: ValueType<unknown>, text: string): boolean {
  const words = splitWords(textOf(text)).words.map((word) => word.text);
  if (words.length < type.minimum) return false;
  const { value, complaints = [] } = type.parse(words, text);
  return value !== undefined && complaints.length === 0;
}

interface Spot {
  readonly keyword: string;
  readonly row: AnyRow;
  /** The blocks around it, outermost first. */
  readonly path: readonly string[];
}

function spots(rows: Block, path: readonly string[] = []): Spot[] {
  return Object.entries(rows).flatMap(([keyword, row]) => {
    const below =
      row.form === 'words' ? {} : row.form === 'entries' ? (row.grammar ?? {}) : row.rows;
    return [{ keyword, row, path }, ...spots(below, [...path, keyword])];
  });
}

export const keywordNames = (table: Block): readonly string[] => [
  ...new Set(spots(table).map(({ keyword }) => keyword)),
];

/** What `keepalived help` prints: a keyword may stand in several blocks, and mean something else in each. */
export function entriesFor(table: Block, word: string): readonly string[] {
  return spots(table)
    .filter(({ keyword, row }) => keyword === word || Object.hasOwn(row.aliases ?? {}, word))
    .map(({ keyword, row, path }) => {
      const fallback = defaultOf(row).replaceAll('`', '');
      const inner =
        row.form === 'words' ? {} : row.form === 'entries' ? (row.grammar ?? {}) : row.rows;
      const names = Object.keys(inner);
      return [
        `${keyword} ${syntaxOf(row)}`.trimEnd(),
        `  in       ${path.length === 0 ? 'the top level' : path.join(' / ')}`,
        `  meaning  ${docOf(row).replaceAll(/[`*]|\\(?=\|)/g, '')}`,
        ...(fallback === '' ? [] : [`  default  ${fallback}`]),
        `  example  ${exampleOf(keyword, row)}`,
        ...(names.length === 0 ? [] : [`  has      ${names.join(' ')}`]),
      ].join('\n');
    });
}
