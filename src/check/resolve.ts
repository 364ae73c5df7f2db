// All blocks of virtual servers -> the services that can run, and what is said about them.

import type { GlobalDefs } from '../config/globals.ts';
import type { Entry, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import type { checkKeywords, virtualServer } from './keywords.ts';
import type { Surroundings } from './references.ts';
import { resolveVirtualServers, type VirtualServer } from './rules.ts';
import { type GroupEntry, mistake, type Service } from './value.ts';

export interface VirtualServerGroup {
  readonly name: string;
  readonly entries: readonly GroupEntry[];
}

export interface CheckConfig {
  readonly SSL?: Readonly<Record<string, string>>;
  /** There is an SSL_GET, be it one that cannot run: keepalived prepares for it, and its dump says so. */
  readonly secure?: true;
  readonly virtual_server_group?: readonly VirtualServerGroup[];
  readonly virtual_server?: readonly VirtualServer[];
  /** Names of the BFD sessions that are for checkers, also of those that cannot run. */
  readonly check_sessions?: readonly string[];
}

/** What the process that checks servers is given. */
export interface CheckerConfig extends CheckConfig {
  readonly global_defs: GlobalDefs;
  /** Where the daemon runs and what it is called, for the names of files. */
  readonly net_namespace?: string;
  readonly net_namespace_ipvs?: string;
  readonly instance?: string;
  readonly track_file?: readonly TrackedFile[];
}

export interface TrackedFile {
  readonly name: string;
  readonly file: string;
  readonly weight: { readonly weight: number; readonly reverse: boolean };
}

type Keyword = keyof typeof checkKeywords;

interface RootStatement {
  readonly keyword: string;
  readonly node: Node;
  readonly value: unknown;
}

export function resolveCheck(
  statements: readonly RootStatement[],
  around: Surroundings,
): CheckConfig {
  const of = (keyword: Keyword | 'track_file' | 'bfd_instance') =>
    statements.flatMap((statement, order) =>
      statement.keyword === keyword ? [{ ...statement, order }] : [],
    );
  const named = (keyword: 'track_file' | 'bfd_instance', usable: (s: RootStatement) => boolean) =>
    new Map(
      of(keyword)
        .filter(usable)
        .map((s) => [s.node.words[0]?.text ?? '', s.order] as const)
        .reverse(),
    );
  const groups = of('virtual_server_group').flatMap(({ node, value }) => {
    const list = value as readonly Entry<GroupEntry>[];
    return list.length === 0
      ? []
      : [{ name: node.words[0]?.text ?? '', entries: list.map((entry) => entry.value) }];
  });
  const servers = resolveVirtualServers(
    of('virtual_server').map(({ node, value, order }) => ({
      node,
      order,
      ...(value as {
        readonly heading: Service;
        readonly statements: readonly Statement<typeof virtualServer>[];
      }),
    })),
    {
      groups: new Map(groups.map(({ name, entries }) => [name, entries] as const)),
      track_file: named('track_file', ({ value }) => gives(value, 'file')),
      bfd_instance: named('bfd_instance', ({ value }) => isForCheckers(value)),
    },
    around,
  );
  const sessions = of('bfd_instance').flatMap(({ node, value }) =>
    isForCheckers(value) ? (node.words[0]?.text ?? []) : [],
  );
  const contexts = of('SSL');
  for (const { node } of contexts.slice(1))
    around.report(mistake('ssl-twice', 'SSL context already specified - replacing'), node);
  const context = contexts.at(-1)?.value as readonly RootStatement[] | undefined;
  return {
    ...(context === undefined
      ? {}
      : { SSL: Object.fromEntries(context.map((s) => [s.keyword, String(s.value)])) }),
    ...(of('virtual_server').some(({ value }) => isSecure(value)) ? { secure: true } : {}),
    ...(groups.length === 0 ? {} : { virtual_server_group: groups }),
    ...(servers.length === 0 ? {} : { virtual_server: servers }),
    ...(sessions.length === 0 ? {} : { check_sessions: sessions }),
  };
}

const statementsOf = (block: unknown): readonly RootStatement[] =>
  (block as { readonly statements: readonly RootStatement[] }).statements;

const isSecure = (server: unknown): boolean =>
  statementsOf(server).some(
    ({ keyword, value }) =>
      keyword === 'real_server' && statementsOf(value).some((one) => one.keyword === 'SSL_GET'),
  );

const isForCheckers = (session: unknown): boolean =>
  !gives(session, 'vrrp') || gives(session, 'checker');

const gives = (block: unknown, keyword: string): boolean =>
  (block as readonly RootStatement[]).some((statement) => statement.keyword === keyword);
