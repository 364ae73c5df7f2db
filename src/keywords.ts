// The whole keyword table, assembled from the features' rows, and the configuration as the processes get it.

import { type BfdInstance, bfdInstance } from './bfd/keywords.ts';
import { resolveBfd } from './bfd/rules.ts';
import { checkKeywords } from './check/keywords.ts';
import { type CheckConfig, resolveCheck } from './check/resolve.ts';
import { collect, createReporter, type MachineFacts, readBlock } from './config/build.ts';
import { type Diagnostic, Findings, withoutUnread } from './config/diagnostic.ts';
import { type GlobalDefs, globalDefs, resolveGlobals } from './config/globals.ts';
import {
  type Block,
  blocks,
  defaulted,
  named,
  optional,
  type Statement,
  section,
} from './config/keyword.ts';
import { laterKeywords, notYetEffective } from './config/later.ts';
import type { Line } from './config/lexer.ts';
import { parse } from './config/parser.ts';
import { exactSeconds, flag, wholeSeconds, word } from './config/value.ts';
import { type Duration, seconds } from './lib/time.ts';
import { reportInsecurity, reportNobody } from './security.ts';
import type { Definition } from './vrrp/definitions.ts';
import { garpGroupRows, interfaceRows, syncGroupRows, trackGroupRows } from './vrrp/group.ts';
import { type VrrpConfig, vrrpInstance } from './vrrp/keywords.ts';
import { resolveVrrp } from './vrrp/resolve.ts';
import { type Placed, staticRows } from './vrrp/static.ts';
import { fileRows, processRows, scriptRows } from './vrrp/track.ts';

export const keywords = {
  net_namespace: optional(word(), 'Network namespace that everything runs in.', {
    bare: 'net_namespace name missing - ignoring',
    example: 'blue',
  }),
  instance: optional(word(), 'Name of this daemon, added to pid files and to the syslog ident.', {
    bare: 'instance name missing - ignoring',
    again: 'Duplicate instance definition %w - ignoring',
    example: 'blue',
  }),
  net_namespace_ipvs: optional(
    {
      ...word(),
      syntax: '[<name>]',
      minimum: 0,
      parse: ([text = '']) => ({ value: text }),
    },
    'Network namespace of IPVS; the bare keyword means the one in which the daemon was started. Only a restart changes it.',
    {
      otherwise: 'net_namespace',
      again: 'Duplicate net_namespace_ipvs definition %w - ignoring',
      example: 'green',
    },
  ),
  namespace_with_ipsets: defaulted(
    flag,
    false,
    'Accepted and without effect: the sets of nftables, which is used, are those of their namespace in every kernel that has them.',
  ),
  linkbeat_use_polling: defaulted(
    flag,
    false,
    'Ask for the links of the interfaces of all instances every second, rather than wait for news.',
  ),
  use_pid_dir: defaulted(flag, false, 'Put pid files into /run/keepalived.'),
  child_wait_time: defaulted(
    {
      ...wholeSeconds(0, 4294967295),
      parse: ([text = '']) => exactSeconds(text, 0, 4294967295),
    },
    seconds(5),
    'How long the parent waits for its children to end before it kills them.',
    { refusal: 'Invalid child_wait_time %w' },
  ),
  global_defs: section(globalDefs, 'What holds for the whole daemon.', {
    parent: true,
    example: { lines: ['router_id lb1', 'enable_script_security', 'script_user root'] },
  }),
  ...interfaceRows,
  vrrp_script: named(scriptRows, 'A command that tells how this machine is.', {
    must: true,
    example: {
      title: 'chk_haproxy',
      lines: ['script "/usr/bin/pgrep haproxy"', 'interval 2', 'weight -20'],
    },
  }),
  vrrp_track_process: named(processRows, 'Processes that must run.', {
    must: true,
    example: { title: 'haproxy', lines: ['process haproxy', 'weight 10'] },
  }),
  track_file: named(fileRows, 'A file with a number.', {
    must: true,
    aliases: {
      vrrp_track_file: {
        class: 'none',
        message: "keyword 'vrrp_track_file' is now 'track_file'",
      },
    },
    example: { title: 'maintenance', lines: ['file /run/maintenance', 'weight 1'] },
  }),
  garp_group: blocks(garpGroupRows, 'Interfaces that share a limit of gratuitous ARP.', {
    example: { lines: ['garp_interval 0.01'], blocks: ['interfaces'] },
  }),
  vrrp_instance: named(vrrpInstance, 'A virtual router.', {
    again: 'vrrp instance %n already defined',
    example: {
      title: 'VI_1',
      lines: ['state BACKUP', 'interface eth0', 'virtual_router_id 51', 'priority 100'],
      blocks: ['virtual_ipaddress'],
    },
  }),
  vrrp_sync_group: named(syncGroupRows, 'Instances that change their state together.', {
    again: 'vrrp sync group %n already defined',
    example: { title: 'VG_1', lines: [], blocks: ['group'] },
  }),
  track_group: named(trackGroupRows, 'Instances that static objects can make fail.', {
    again: 'track_group %n already defined',
    example: { title: 'TG_1', lines: [], blocks: ['group'] },
  }),
  ...staticRows,
  ...checkKeywords,
  bfd_instance: named(bfdInstance, 'A BFD session.', {
    must: true,
    effect: 'later',
    example: {
      title: 'gateway',
      lines: ['neighbor_ip 192.0.2.9', 'min_rx 50', 'min_tx 50', 'multiplier 3'],
    },
  }),
};

/** The configuration, everything decided: plain JSON that survives a trip to another process. */
export interface Config extends VrrpConfig, CheckConfig {
  readonly net_namespace?: string;
  /** '': the one that the daemon was started in. */
  readonly net_namespace_ipvs?: string;
  readonly instance?: string;
  readonly use_pid_dir: boolean;
  readonly child_wait_time: Duration;
  readonly global_defs: GlobalDefs;
  readonly bfd_instance?: readonly BfdInstance[];
}

/**
 * Lines -> configuration. Absent `config`: something fatal was found, and the diagnostics say what. Everything
 * that could be understood is in it otherwise, whatever else is wrong.
 */
export function buildConfiguration(
  lines: readonly Line[],
  machine: MachineFacts,
): {
  readonly config?: Config;
  readonly diagnostics: readonly Diagnostic[];
  readonly net_namespace?: string;
} {
  const { nodes, diagnostics: found } = parse(lines, keywords);
  const findings = new Findings(found);
  const report = createReporter(findings);
  const statements = readBlock(keywords, nodes, '', report);
  const root = collect(keywords, statements);
  const inGlobals = statements.flatMap((s) => (s.keyword === 'global_defs' ? s.value : []));
  const globals = resolveGlobals(inGlobals, machine, report);
  const facts = within(globals, machine);
  const bfd = definitions(statements, 'bfd_instance');
  const sessions = resolveBfd(bfd, report);
  const vrrp = resolveVrrp(
    {
      vrrp_script: definitions(statements, 'vrrp_script'),
      vrrp_track_process: definitions(statements, 'vrrp_track_process'),
      track_file: definitions(statements, 'track_file'),
      bfd_instance: bfd,
      vrrp_instance: definitions(statements, 'vrrp_instance'),
      vrrp_sync_group: definitions(statements, 'vrrp_sync_group'),
      track_group: definitions(statements, 'track_group'),
      garp_group: statements.flatMap((s) =>
        s.keyword === 'garp_group' ? [{ node: s.node, statements: s.value.statements }] : [],
      ),
      linkbeat_interfaces: statements.flatMap((s) =>
        s.keyword === 'linkbeat_interfaces' ? s.value : [],
      ),
      linkbeat_use_polling: root.linkbeat_use_polling === true,
      interface_up_down_delays: statements.flatMap((s) =>
        s.keyword === 'interface_up_down_delays' ? s.value : [],
      ),
      static_ipaddress: placed(statements, 'static_ipaddress'),
      static_routes: placed(statements, 'static_routes'),
      static_rules: placed(statements, 'static_rules'),
    },
    { globals, facts, report },
  );
  const check = resolveCheck(statements, { globals, facts, report });
  reportNobody(globals, inGlobals, statements, report);
  const ended = findings.all.some((d) => d.id === 'no-such-interface' && d.severity === 'fatal');
  reportInsecurity(ended, vrrp, check, statements, { globals, facts, report });
  const later = laterKeywords(keywords, nodes);
  if (later.length > 0) findings.add(notYetEffective(later));
  const diagnostics = withoutUnread(findings.all);
  const namespace = root.net_namespace === undefined ? {} : { net_namespace: root.net_namespace };
  if (diagnostics.some((d) => d.severity === 'fatal')) return { diagnostics, ...namespace };
  return {
    config: {
      ...namespace,
      ...(root.net_namespace_ipvs === undefined
        ? {}
        : { net_namespace_ipvs: root.net_namespace_ipvs }),
      ...(root.instance === undefined ? {} : { instance: root.instance }),
      use_pid_dir: root.use_pid_dir ?? false,
      child_wait_time: root.child_wait_time ?? seconds(5),
      ...vrrp,
      ...check,
      ...(sessions.length === 0 ? {} : { bfd_instance: sessions }),
    },
    diagnostics,
    ...namespace,
  };
}

/** iproute_usr_dir and iproute_etc_dir say where names are looked up. */
const within = (folders: GlobalDefs, facts: MachineFacts): MachineFacts => ({
  ...facts,
  numberOf: (kind, name) => facts.numberOf?.(kind, name, folders),
});

type Rows = typeof keywords;
type Named = {
  [K in keyof Rows]: Rows[K] extends { readonly form: 'named' } ? K : never;
}[keyof Rows];

/** The lines of a keyword's blocks, each with the place of its block in the file. */
const placed = <K extends 'static_ipaddress' | 'static_routes' | 'static_rules'>(
  statements: readonly Statement<Rows>[],
  keyword: K,
): Placed<Extract<Statement<Rows>, { keyword: K }>['value'][number]>[] =>
  statements.flatMap((statement, order) =>
    statement.keyword === keyword
      ? (statement.value as readonly never[]).map((entry) => ({ entry, order }))
      : [],
  );

/** The blocks of a keyword that have names, each with its place in the file. */
function definitions<K extends Named>(
  statements: readonly Statement<Rows>[],
  keyword: K,
): Definition<Rows[K]['rows'] extends Block ? Rows[K]['rows'] : never>[] {
  return statements.flatMap((statement, order) =>
    statement.keyword === keyword
      ? [
          {
            name: statement.node.words[0]?.text ?? '',
            node: statement.node,
            order,
            statements: statement.value as never,
          },
        ]
      : [],
  );
}
