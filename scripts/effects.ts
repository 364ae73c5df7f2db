// The table in docs/compatibility.md of every row of VRRP and the test that shows its effect from outside. Computed from
// what the tests write into configurations, so that nobody has to believe it; it says nothing about how well a test does it.

import ts from 'typescript';
import { marked, withPart } from './marks.ts';

export interface Source {
  /** Below test/. */
  readonly path: string;
  readonly text: string;
}

export interface Row {
  readonly block: string;
  readonly keyword: string;
}

const MARKS = {
  begin: '<!-- Written by scripts/generate.ts from the tests that name a keyword. -->',
  end: '<!-- End of what scripts/generate.ts writes. -->',
};

/** Load balancing, BFD, SNMP and D-Bus have rows of their own kind. */
const OTHERS =
  /^(virtual_server|bfd_|SSL|checker_|lvs_|snmp_|dbus_|enable_|nftables_ipvs|rs_init|no_checker|smtp_alert_checker|net_namespace_ipvs|track_bfd)/;

export const rowsOf = (table: string): readonly Row[] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
    .map(([block = '', keyword = '']) => ({ block, keyword }))
    .filter(
      ({ block, keyword }) =>
        !keyword.startsWith('<') &&
        !OTHERS.test(keyword) &&
        !block.split('/').some((part) => OTHERS.test(part)),
    );

/**
 * What comes out of the daemons is looked at there: packets, kernel objects, processes, files and exit codes. Where the kernel
 * is asked stands before where only packets are; a verdict of `-t` is no effect.
 */
const OUTSIDE: readonly RegExp[] = [
  /^(netns|uml)\/.*\.test\.ts$/,
  /^uml\//,
  /^diff\/(packets|cli)/,
];
const isBeside = ({ text }: Source): boolean => /'keepalived'|keepalived 2\.2\.7/.test(text);
/** examples.ts only has what is read. */
const INSIDE = /^(unit|sim|native|diff)\/(?!examples\.ts)/;

/** The lines of all that stands in quotes: code and comments are no configuration. What is filled in is left out. */
const quoted = remembered((source: Source): readonly string[] => {
  const lines: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) lines.push(...node.text.split('\n'));
    else if (ts.isTemplateExpression(node)) {
      const parts = node.templateSpans.map(({ literal }) => literal.text);
      lines.push(...[node.head.text, ...parts].join(' … ').split('\n'));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest));
  return lines;
});

function remembered<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    const value = known.get(key) ?? make(key);
    known.set(key, value);
    return value;
  };
}

const wordOf = (keyword: string): RegExp =>
  new RegExp(`(?<![\\w-])${keyword.replaceAll(/[^\w]/g, '\\$&')}(?![\\w-])`);

/** What an entry of an address, a route or a rule has besides one of its options. */
const ENTRY =
  /\d\.\d+\.\d|[\da-f]*::|(?<![\w-])(default6?|from|to|dev|iif|fwmark|priority|table|nop|goto|[\da-f]+\/\d+)(?![\w-])/;

/** Whether the keyword is on this line as the row has it: an option stands behind what it is an option of. */
function isOnLine({ block, keyword }: Row, line: string): boolean {
  const word = wordOf(keyword);
  if (!word.test(line)) return false;
  const of = /([\w-]+)\(option\)$/.exec(block)?.[1];
  if (of !== undefined) return wordOf(of).test(line);
  return !/(address\w*|routes|rules)\(entry\)/.test(block) || ENTRY.test(line.replace(word, ''));
}

/** The outermost block of a row, as a file writes it; undefined where any will do. */
function blockOf({ block }: Row): string | undefined {
  const [name = ''] = block.replaceAll(/\((entry|option)\)/g, '').split('/');
  return name === '' || name === 'global_defs' || name === 'vrrp_instance' || name === 'routes'
    ? undefined
    : name;
}

/** One with keepalived in it where there is one. */
export function witnessOf(row: Row, sources: readonly Source[], where: RegExp): Source | undefined {
  const block = blockOf(row);
  const around = block === undefined ? undefined : wordOf(block);
  const found = sources.filter(
    (source) =>
      where.test(source.path) &&
      quoted(source).some((line) => isOnLine(row, line)) &&
      (around === undefined || quoted(source).some((line) => around.test(line))),
  );
  return found.find(isBeside) ?? found[0];
}

export function effects(rows: readonly Row[], sources: readonly Source[]): string {
  const sorted = [...sources].sort((a, b) => a.path.localeCompare(b.path));
  const lines = rows.map((row) => {
    const outside = OUTSIDE.map((place) => witnessOf(row, sorted, place)).find(
      (found) => found !== undefined,
    );
    const inside = outside === undefined ? witnessOf(row, sorted, INSIDE) : undefined;
    const beside = outside !== undefined && isBeside(outside);
    return {
      row,
      shown: outside !== undefined,
      text: `| \`${row.block}\` | \`${row.keyword}\` | ${outside?.path ?? (inside === undefined ? 'none' : `only inside: ${inside.path}`)} | ${beside ? 'yes' : ''} |`,
    };
  });
  const missing = lines.filter(({ shown }) => !shown);
  return marked(MARKS, [
    `${lines.length - missing.length} of ${lines.length} rows of VRRP are named by a test that looks from outside; of the others nothing`,
    'is shown but what unit tests and the simulator see.',
    '',
    '| block | keyword | test that names it | with keepalived beside |',
    '|---|---|---|---|',
    ...lines.map(({ text }) => text),
  ]);
}

/** The document with its table replaced. */
export const withEffects = (document: string, table: string): string =>
  withPart(document, MARKS, table);
