// The keyword table -> docs/keywords.md, the reference page. Writes no file.

import type { AnyRow, Block, Presence, WordsRow } from './keyword.ts';

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
      `| ${[code(keyword), code(syntaxOf(row)), defaultOf(row), docOf(row)].join(' | ')} |`,
  );
  return ['| Keyword | Arguments | Default | Meaning |', '|---|---|---|---|', ...lines].join('\n');
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
  return row.fallback === undefined ? '' : shown(row);
}

/** A flag has no text of its own: it is there or not. */
function shown(row: WordsRow<unknown, Presence>): string {
  if (typeof row.fallback === 'boolean') return row.fallback ? 'on' : 'off';
  return code(row.type.format(row.fallback));
}

function docOf(row: AnyRow): string {
  const aliases = Object.keys(row.aliases ?? {});
  const example =
    row.form !== 'words' || row.example === undefined ? '' : ` Example: ${code(row.example)}.`;
  const older = aliases.length === 0 ? '' : ` Also written ${aliases.map(code).join(', ')}.`;
  const newer = row.since === undefined ? '' : ' *Newer than keepalived 2.2.7.*';
  const later = row.effect === undefined ? '' : ' *Not yet effective.*';
  return cell(row.doc) + example + older + newer + later;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``);
