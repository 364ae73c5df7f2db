// Every example of the reference page in its block, and around it the other examples that it names. Asserts nothing.

import { blockExample, exampleOf, lineExample } from '../../src/config/docs.ts';
import type { AnyRow, Block } from '../../src/config/keyword.ts';
import { keywords } from '../../src/keywords.ts';

export interface Example {
  /** `vrrp_instance/virtual_ipaddress/label` */
  readonly path: string;
  readonly row: AnyRow;
  /** What the page shows. */
  readonly shown: string;
  /** A whole configuration, and the lines of it, from 1, that the example is. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** What others name stands before them. */
const FIRST = [
  'bfd_instance',
  'vrrp_script',
  'vrrp_track_process',
  'track_file',
  'vrrp_instance',
  'track_group',
];

/** A group of one is complained of. */
const SECOND = [
  'vrrp_instance VI_2 {',
  '    interface eth2',
  '    virtual_router_id 52',
  '    virtual_ipaddress { 203.0.113.100/24 }',
  '}',
];

interface Around {
  readonly without?: string;
  readonly with?: string;
}

const SCHEDULED = { without: 'lvs_sched' };
const UNICAST = { with: 'unicast_peer { 192.0.2.2 }' };
const SORRY = { with: 'sorry_server 192.0.2.99 80' };

/** Keywords that mean nothing in the example of their block: what is left out of it, and what is put in. */
const AROUND: Readonly<Record<string, Around>> = {
  'garp_group/interface': { without: 'interfaces' },
  'vrrp_instance/native_ipv6': {
    without: 'virtual_ipaddress',
    with: 'virtual_ipaddress { fe80::100/64 }',
  },
  'vrrp_instance/unicast_src_ip': UNICAST,
  'vrrp_instance/unicast_ttl': UNICAST,
  'vrrp_instance/check_unicast_src': UNICAST,
  'vrrp_instance/old_unicast_checksum': UNICAST,
  'vrrp_instance/vmac_xmit_base': { with: 'use_vmac' },
  'vrrp_instance/timer_expired_backup': { with: 'nopreempt' },
  'virtual_server/hashed': { ...SCHEDULED, with: 'lvs_sched sh' },
  'virtual_server/sh-port': { ...SCHEDULED, with: 'lvs_sched sh' },
  'virtual_server/sh-fallback': { ...SCHEDULED, with: 'lvs_sched sh' },
  'virtual_server/mh-port': { ...SCHEDULED, with: 'lvs_sched mh' },
  'virtual_server/mh-fallback': { ...SCHEDULED, with: 'lvs_sched mh' },
  'virtual_server/ops': { without: 'protocol', with: 'protocol UDP' },
  'virtual_server/hysteresis': { with: 'quorum 2' },
  'virtual_server/sorry_server_inhibit': SORRY,
  'virtual_server/sorry_server_lvs_method': SORRY,
};

const firstWord = (line: string): string => line.trim().split(/\s/)[0] as string;

type BlockRow = Exclude<AnyRow, { readonly form: 'words' | 'entries' }>;
const isBlock = (row: AnyRow): row is BlockRow => row.form !== 'words' && row.form !== 'entries';

/** Lines of a block without the statement, or the whole block, that begins with this keyword. */
function withoutKeyword(lines: readonly string[], keyword: string): readonly string[] {
  let depth = 0;
  return lines.filter((line) => {
    const begins = depth === 0 && firstWord(line) === keyword;
    const skipped = begins || depth > 0;
    if (skipped && line.trimEnd().endsWith('{')) depth++;
    if (skipped && depth > 0 && line.trim() === '}') depth--;
    return !skipped;
  });
}

const MARK = '\u0001';

/** The block, and inside it these lines in place of what they say again. */
function around(
  keyword: string,
  row: BlockRow,
  lines: readonly string[],
  path: string,
): readonly string[] {
  const whole = blockExample(keyword, row);
  const own = whole.slice(1, -1).map((line) => line.slice(4));
  const { without, with: more } = AROUND[path] ?? {};
  const begins = firstWord(lines[0]?.replace(MARK, '') as string);
  const others = withoutKeyword(own, begins);
  const kept = without === undefined ? others : withoutKeyword(others, without);
  return [whole[0] as string, ...kept, ...(more === undefined ? [] : [more]), ...lines, '}'];
}

function place(
  shown: readonly string[],
  above: readonly { readonly keyword: string; readonly row: BlockRow }[],
  path: string,
  entriesOf?: string,
): Pick<Example, 'text' | 'from' | 'to'> {
  const marked = shown.map((line) => `${MARK}${line}`);
  let lines: readonly string[] =
    entriesOf === undefined ? marked : [`${entriesOf} {`, ...marked, '}'];
  for (const { keyword, row } of [...above].reverse()) lines = around(keyword, row, lines, path);
  const top = firstWord((lines[0] as string).replace(MARK, ''));
  const others = FIRST.filter((name) => name !== top);
  const block = (name: string): readonly string[] => [
    ...blockExample(name, (keywords as unknown as Record<string, BlockRow>)[name] as BlockRow),
    ...(name === 'vrrp_instance' ? SECOND : []),
  ];
  const early = FIRST.includes(top) ? FIRST.slice(0, FIRST.indexOf(top)) : others;
  const late = others.filter((name) => !early.includes(name));
  const security =
    top === 'global_defs'
      ? []
      : ['global_defs {', 'enable_script_security', 'script_user root', '}'];
  const own = top === 'vrrp_instance' ? [...lines, ...SECOND] : lines;
  const all = [...security, ...early.flatMap(block), ...own, ...late.flatMap(block)];
  const places = all.flatMap((line, at) => (line.includes(MARK) ? [at + 1] : []));
  return {
    text: `${all.map((line) => line.replace(MARK, '')).join('\n')}\n`,
    from: places[0] as number,
    to: places.at(-1) as number,
  };
}

/** Every row of the table once. */
export function examples(
  rows: Block = keywords,
  above: readonly { readonly keyword: string; readonly row: BlockRow }[] = [],
): readonly Example[] {
  const blockPath = above.map(({ keyword }) => `${keyword}/`).join('');
  return Object.entries(rows).flatMap(([keyword, row]): Example[] => {
    const path = `${blockPath}${keyword}`;
    if (isBlock(row)) {
      const lines = blockExample(keyword, row);
      const own = { path, row, shown: lines.join('\n'), ...place(lines, above, path) };
      return [own, ...examples(row.rows, [...above, { keyword, row }])];
    }
    const shown = exampleOf(keyword, row);
    const own = { path, row, shown, ...place([shown], above, path) };
    const grammar = row.form === 'entries' ? (row.grammar ?? {}) : {};
    const words = Object.entries(grammar).map(([word, of]): Example => {
      const line = lineExample(word, of);
      const title = row.form === 'entries' && row.named === true ? `${keyword} example` : keyword;
      const inside = `${path}/${word}`;
      return { path: inside, row: of, shown: line, ...place([line], above, inside, title) };
    });
    return [own, ...words];
  });
}
