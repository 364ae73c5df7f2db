// Small configurations made from the keyword table: every row alone, with words that most rows refuse. So no row can
// be added whose verdict is not compared with keepalived's.

import { exampleOf } from '../../src/config/docs.ts';
import type { Block } from '../../src/config/keyword.ts';
import { keywords } from '../../src/keywords.ts';
import { examples } from '../unit/examples.ts';
import type { Case } from './cases.ts';

const VIP = 'virtual_ipaddress {\n10.9.0.100/24\n}';
const REAL = 'real_server 10.9.1.5 80 {\n';
const SERVICE = 'virtual_server 10.9.0.100 80 {\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n';
const INSTANCE = 'vrrp_instance A {\ninterface eth0\nvirtual_router_id 5\n';
const SECURE = 'global_defs {\nenable_script_security\nscript_user root\n}\n';

/** What a checker cannot do without. */
const NEEDED: Readonly<Record<string, string>> = {
  MISC_CHECK: 'misc_path /bin/true\n',
  HTTP_GET: 'url {\npath /\n}\n',
  SSL_GET: 'url {\npath /\n}\n',
  BFD_CHECK: 'name b\n',
  FILE_CHECK: 'track_file f\n',
};

/** Where the rows of a block stand, in a file that is good without them. */
export const FRAMES: Readonly<Record<string, readonly [before: string, after: string]>> = {
  '': [`${SECURE}${INSTANCE}${VIP}\n}\n`, ''],
  global_defs: ['global_defs {\n', `}\n${INSTANCE}${VIP}\n}\n`],
  vrrp_script: [`${SECURE}vrrp_script s {\nscript /bin/true\n`, '}\n'],
  vrrp_track_process: [`${SECURE}vrrp_track_process p {\nprocess init\n`, '}\n'],
  track_file: [`${SECURE}track_file f {\nfile /tmp/f\n`, '}\n'],
  garp_group: [`${SECURE}garp_group {\ngarp_interval 1\n`, '}\n'],
  vrrp_instance: [`${SECURE}${INSTANCE}${VIP}\n`, '}\n'],
  'vrrp_instance/authentication': [`${SECURE}${INSTANCE}${VIP}\nauthentication {\n`, '}\n}\n'],
  vrrp_sync_group: [
    `${SECURE}${INSTANCE}${VIP}\n}\nvrrp_instance B {\ninterface eth1\nvirtual_router_id 6\n${VIP}\n}\nvrrp_sync_group G {\ngroup {\nA\nB\n}\n`,
    '}\n',
  ],
  bfd_instance: ['bfd_instance b {\nneighbor_ip 10.9.0.9\n', '}\n'],
  SSL: ['SSL {\n', '}\n'],
  virtual_server: [`${SECURE}${SERVICE}`, `${REAL}}\n}\n`],
  'virtual_server/real_server': [`${SECURE}${SERVICE}${REAL}`, '}\n}\n'],
  ...Object.fromEntries(
    [
      'MISC_CHECK',
      'SMTP_CHECK',
      'TCP_CHECK',
      'HTTP_GET',
      'SSL_GET',
      'DNS_CHECK',
      'PING_CHECK',
      'UDP_CHECK',
      'BFD_CHECK',
      'FILE_CHECK',
    ].map((check) => {
      const start = `${SECURE}track_file f {\nfile /tmp/f\n}\nbfd_instance b {\nneighbor_ip 10.9.0.9\n}\n`;
      return [
        `virtual_server/real_server/${check}`,
        [`${start}${SERVICE}${REAL}${check} {\n${NEEDED[check] ?? ''}`, '}\n}\n}\n'],
      ];
    }),
  ),
  'virtual_server/real_server/HTTP_GET/url': [
    `${SERVICE}${REAL}HTTP_GET {\nurl {\npath /\n`,
    '}\n}\n}\n}\n',
  ],
};

/** Words after the keyword: none, no number, the least, too much, less than nothing. */
const WORDS = ['', 'maybe', '0', '99999999999', '-5'];

/** keepalived dies of these; we do not. */
const CRASHES = new Set(['neighbor_ip ', 'neighbour_ip ']);

/** Not compared: what keepalived really does with them, also under -t, or cannot be repeated elsewhere. */
export const LEFT_OUT = new Set([
  'config_save_dir',
  'net_namespace',
  'startup_script',
  'shutdown_script',
]);

export function rowCases(): Case[] {
  return Object.entries(FRAMES).flatMap(([path, [before, after]]) =>
    Object.entries(rowsAt(path)).flatMap(([keyword, row]) => {
      if (row.form !== 'words' || row.since !== undefined || LEFT_OUT.has(keyword)) return [];
      return [keyword, ...Object.keys(row.aliases ?? {})].flatMap((spelling) =>
        WORDS.filter((word) => !CRASHES.has(`${spelling} ${word}`)).map((word) => ({
          name: `${path} ${spelling} ${word}`.trim(),
          text: `${before}${spelling} ${word}\n${after}`,
        })),
      );
    }),
  );
}

/** keepalived ends itself where checks run as somebody else; ours judges the file. */
const ENDS_ITSELF = new Set(['virtual_server/real_server/MISC_CHECK user nobody']);
const ENDED = {
  why: 'keepalived sends itself SIGTERM',
  status: { ours: 0, theirs: 143 },
};

/** Every row twice: which of them says so. Its words may name what stands in the file rather than what is ignored. */
export function twiceCases(): Case[] {
  return Object.entries(FRAMES).flatMap(([path, [before, after]]) =>
    Object.entries(rowsAt(path)).flatMap(([keyword, row]) => {
      if (row.form !== 'words' || row.since !== undefined || LEFT_OUT.has(keyword)) return [];
      const line = exampleOf(keyword, row);
      return [
        {
          name: `${path} ${line} twice`.trim(),
          text: `${before}${line}\n${line}\n${after}`,
          mixed: true,
          ...(ENDS_ITSELF.has(`${path} ${line}`) ? { differs: ENDED } : {}),
        },
      ];
    }),
  );
}

/** Every example of the reference page, in its block. */
export function exampleCases(): Case[] {
  return examples().flatMap(({ path, row, text }) => {
    const names = path.split('/');
    const newer = names.some((name, at) => isNewer(names.slice(0, at), name));
    const name = names.at(-1) as string;
    // keepalived 2.2.7 kills itself where a script has a user.
    const deadly = name === 'script_user' || name === 'user';
    return newer || deadly || row.since !== undefined || LEFT_OUT.has(name)
      ? []
      : [{ name: `example of ${path}`, text, mixed: true }];
  });
}

const isNewer = (path: readonly string[], name: string): boolean =>
  rowsAt(path.join('/'))[name]?.since !== undefined;

export function rowsAt(path: string): Block {
  let rows: Block = keywords;
  for (const part of path.split('/').filter((name) => name !== '')) {
    const row = rows[part];
    if (row === undefined || row.form === 'words' || row.form === 'entries') return {};
    rows = row.rows;
  }
  return rows;
}
