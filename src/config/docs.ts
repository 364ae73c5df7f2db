// The keyword table -> docs/keywords.md, the reference page. Writes no file.

import { DIRECTIVES } from './directive.ts';
import { type AnyRow, type Block, OBSOLETE, type Presence, type WordsRow } from './keyword.ts';

const INTRODUCTION = `<!-- Generated from the keyword table by scripts/generate.ts. Do not edit. -->

# Keywords

Every keyword that this version understands, in keepalived's spelling. A keyword that is not here is reported as
unknown; an unknown block is skipped whole, and what stands around it keeps its meaning.

\`<int>\`, \`<decimal>\` and the range after them say what is accepted; [x] may be left out; s and µs are the unit.
All examples are of one configuration: put into their blocks, they are read without a complaint.
`;

/** Markdown; one section a block, in the order of the table. */
export function markdown(table: Block): string {
  const parts = [
    INTRODUCTION.trimEnd(),
    ...sections('Top level', table),
    ...directives(),
    ...waiting(table),
    ...obsolete(),
  ];
  return `${parts.join('\n\n')}\n`;
}

const directives = (): string[] => [
  '## Beside keywords',
  'These stand where a line begins, in every block; parameters anywhere in a line.',
  [
    '| Written | Meaning | Example |',
    '|---|---|---|',
    ...DIRECTIVES.map(({ syntax, doc, example, since }) => {
      const newer = since === undefined ? '' : ' *Newer than keepalived 2.2.7.*';
      return `| ${code(syntax)} | ${cell(doc)}${newer} | ${example.map(code).join('<br>')} |`;
    }),
  ].join('\n'),
];

const obsolete = (): string[] => [
  '## Obsolete',
  'Old documents have these. They are unknown, as in keepalived 2.2.7, and said to be obsolete.',
  Object.entries(OBSOLETE)
    .map(([keyword, advice]) => `- ${code(keyword)}: ${advice.replaceAll("'", '`')}`)
    .join('\n'),
];

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

function sections(title: string, rows: Block, about: readonly string[] = []): string[] {
  const own = [`## ${title}`, ...about, table(rows)];
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
    case 'blocks': {
      const lines = blockExample(path.split(' / ').at(-1) as string, row);
      return sections(path, row.rows, [row.doc, ['```', ...lines, '```'].join('\n')]);
    }
    case 'entries':
      return row.grammar === undefined
        ? []
        : [
            `### ${path}`,
            `${row.doc} One entry a line: \`${row.entry.syntax}\`.`,
            table(row.grammar, true),
          ];
  }
}

function table(rows: Block, inLine = false): string {
  const lines = Object.entries(rows).map(([keyword, row]) => {
    const example = inLine ? lineExample(keyword, row) : exampleOf(keyword, row);
    const cells = [code(keyword), code(syntaxOf(row)), defaultOf(row), docOf(row), code(example)];
    return `| ${cells.join(' | ')} |`;
  });
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
  if (row.form !== 'words') return 'none';
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

/** A line that can be written as it stands; of a block, how it begins. */
export function exampleOf(keyword: string, row: AnyRow): string {
  switch (row.form) {
    case 'words': {
      const words = row.example ?? wordsExample(row);
      // An example may be given with its keyword.
      return words.split(' ')[0] === keyword ? words : `${keyword} ${words}`.trimEnd();
    }
    case 'entries': {
      const name = row.named === true ? ' example' : '';
      return `${keyword}${name} { ${row.example} }`;
    }
    case 'section':
    case 'named':
    case 'blocks':
      return `${opening(keyword, row)} ... }`;
  }
}

type BlockRow = Exclude<AnyRow, { readonly form: 'words' | 'entries' }>;

const opening = (keyword: string, row: BlockRow): string =>
  [keyword, row.example.title, '{'].filter((part) => part !== undefined).join(' ');

/** A whole block, indented, with the blocks that it needs inside. */
export function blockExample(keyword: string, row: BlockRow): readonly string[] {
  const { lines, blocks = [] } = row.example;
  const nested = blocks.flatMap((name) => {
    const inside = row.rows[name];
    if (inside === undefined || inside.form === 'words') return [];
    return inside.form === 'entries' ? [exampleOf(name, inside)] : blockExample(name, inside);
  });
  return [opening(keyword, row), ...[...lines, ...nested].map((line) => `    ${line}`), '}'];
}

/** A whole entry of a value block that has this word. */
export const lineExample = (keyword: string, row: AnyRow): string =>
  row.form === 'words' && row.example !== undefined ? row.example : exampleOf(keyword, row);

/** The value where it is the same for every keyword of the type, else the default, else nothing where nothing is needed. */
function wordsExample({ type, fallback }: WordsRow<unknown, Presence>): string {
  if (type.example !== undefined) return type.example;
  if (fallback === undefined || typeof fallback === 'boolean') return '';
  return type.format(fallback);
}

interface Spot {
  readonly keyword: string;
  readonly row: AnyRow;
  /** A word of an entry. */
  readonly inLine: boolean;
  /** The blocks around it, outermost first. */
  readonly path: readonly string[];
}

function spots(rows: Block, path: readonly string[] = [], inLine = false): Spot[] {
  return Object.entries(rows).flatMap(([keyword, row]) => {
    const below =
      row.form === 'words' ? {} : row.form === 'entries' ? (row.grammar ?? {}) : row.rows;
    const inside = spots(below, [...path, keyword], row.form === 'entries');
    return [{ keyword, row, path, inLine }, ...inside];
  });
}

export const keywordNames = (table: Block): readonly string[] => [
  ...new Set(spots(table).map(({ keyword }) => keyword)),
];

const IN = '  in       ';
const MARGIN = `\n${' '.repeat(IN.length)}`;

const literals = (text: string): readonly string[] => text.match(/[\w-]*[A-Za-z][\w-]*/g) ?? [];

/** The words of an option, as they are written. */
const wordsIn = (row: AnyRow): readonly string[] =>
  literals(syntaxOf(row).replaceAll(/<[^>]*>/g, ' '));

/** Other words that stand in the place of one in a line of a value block. */
const othersIn = (row: AnyRow): readonly string[] =>
  [...row.doc.matchAll(/\balso ([^.;]*)/g)].flatMap(([, list]) => literals(list as string));

const means = ({ keyword, row, inLine }: Spot, name: string): boolean =>
  keyword === name ||
  Object.hasOwn(row.aliases ?? {}, name) ||
  (inLine && [...wordsIn(row), ...othersIn(row)].includes(name));

/** Blocks, and the name within them. */
function readPath(word: string): readonly [blocks: readonly string[], name: string] {
  const names = word.split('/').map((part) => part.trim());
  return [names.slice(0, -1), names.at(-1) ?? ''];
}

/** Where a keyword stands that is none of the blocks named before it. */
export function placesOf(table: Block, word: string): readonly string[] {
  const [, name] = readPath(word);
  return [
    ...new Set(
      spots(table)
        .filter((spot) => means(spot, name))
        .map(({ path }) => [...path, name].join('/')),
    ),
  ];
}

/**
 * What `keepalived help` prints of `keyword` or `block/keyword`: it may stand in several blocks, and mean something else in
 * each. Blocks in which it means the same share an entry. What is no keyword may be a word behind one.
 */
export function entriesFor(table: Block, word: string): readonly string[] {
  const [blocks, name] = readPath(word);
  const inside = spots(table).filter(({ path }) =>
    blocks.every((block, at) => path.at(at - blocks.length) === block),
  );
  const meant = inside.filter((spot) => means(spot, name));
  const named = meant.filter(({ keyword }) => keyword === name);
  const found = [...named, ...meant.filter((spot) => !named.includes(spot))];
  const behind = found.length > 0 ? [] : inside.filter(({ row }) => wordsIn(row).includes(name));
  const entries = new Map<string, string[]>();
  for (const { keyword, row, path, inLine } of [...found, ...behind]) {
    const fallback = defaultOf(row).replaceAll('`', '');
    const inner =
      row.form === 'words' ? {} : row.form === 'entries' ? (row.grammar ?? {}) : row.rows;
    const names = Object.keys(inner);
    const entry = [
      `${keyword} ${syntaxOf(row)}`.trimEnd(),
      IN,
      `  meaning  ${docOf(row).replaceAll(/[`*]|\\(?=\|)/g, '')}`,
      `  default  ${fallback}`,
      `  example  ${exampleLines(keyword, row, inLine).join(MARGIN)}`,
      ...(names.length === 0 ? [] : [`  has      ${names.join(' ')}`]),
    ].join('\n');
    const places = entries.get(entry) ?? [];
    entries.set(entry, [...places, path.length === 0 ? 'the top level' : path.join(' / ')]);
  }
  return [...entries].map(([entry, places]) => entry.replace(IN, `${IN}${places.join(MARGIN)}`));
}

const exampleLines = (keyword: string, row: AnyRow, inLine: boolean): readonly string[] => {
  if (inLine) return [lineExample(keyword, row)];
  return row.form === 'words' || row.form === 'entries'
    ? [exampleOf(keyword, row)]
    : blockExample(keyword, row);
};
