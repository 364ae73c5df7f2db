// The rules between the keywords of one checker, as keepalived 2.2.7 applies them: which checkers can run.

import { atClosing, collect, endsBlock, nodeOf } from '../config/build.ts';
import { shownWords } from '../config/command.ts';
import { meantOf } from '../config/diagnostic.ts';
import type { Block, Infer, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { lookUpUser, withGroups } from '../config/script.ts';
import type { Script } from '../config/value.ts';
import { family, type Ip, isLinkLocal6 } from '../lib/ip.ts';
import { PatternError } from './charset.ts';
import {
  type fileRows,
  miscRows,
  RETRY_KEYWORDS,
  tcpRows,
  udpRows,
  type urlRows,
} from './checkers.ts';
import type { realServer } from './keywords.ts';
import { translatePattern } from './pattern.ts';
import type { References, Surroundings } from './references.ts';
import { mistake } from './value.ts';

export type CheckKind =
  | 'MISC_CHECK'
  | 'SMTP_CHECK'
  | 'TCP_CHECK'
  | 'HTTP_GET'
  | 'SSL_GET'
  | 'DNS_CHECK'
  | 'PING_CHECK'
  | 'UDP_CHECK'
  | 'BFD_CHECK'
  | 'FILE_CHECK';

/** A checker as configured; its command found, its names known. */
export interface Checker {
  readonly kind: CheckKind;
  readonly values: Readonly<Record<string, unknown>>;
  readonly script?: Script;
  /** HTTP_GET and SSL_GET. */
  readonly url?: readonly Readonly<Record<string, unknown>>[];
  /** A `host` of SMTP_CHECK that says no time: it has that of the whole. */
  readonly untimed?: true;
}

interface Server {
  readonly name: string;
  readonly address: Ip;
  readonly node: Node;
  readonly order: number;
}

interface Found {
  readonly keyword: string;
  readonly node: Node;
  readonly value: unknown;
}

interface Inner {
  readonly heading: unknown;
  readonly statements: readonly Found[];
}

export function resolveCheckers(
  statements: readonly Statement<typeof realServer>[],
  server: Server,
  references: References,
  around: Surroundings,
): Checker[] {
  return (statements as readonly Found[]).flatMap((statement) => {
    const { keyword, node, value } = statement;
    if (!isKind(keyword)) return [];
    const { statements: inner } = value as Inner;
    const checker = resolveChecker(keyword, node, inner, server, references, around);
    if (checker === undefined) return [];
    if (keyword !== 'SMTP_CHECK') return [checker];
    const hosts = hostsOf(checker, inner);
    return hosts.length === 0 || inner.some(isConnection) ? [checker, ...hosts] : hosts;
  });
}

const isKind = (keyword: string): keyword is CheckKind =>
  keyword.endsWith('_CHECK') || keyword === 'HTTP_GET' || keyword === 'SSL_GET';

function resolveChecker(
  kind: CheckKind,
  node: Node,
  inner: readonly Found[],
  server: Server,
  references: References,
  around: Surroundings,
): Checker | undefined {
  const values = valuesOf(inner);
  switch (kind) {
    case 'MISC_CHECK':
      return resolveMisc(kind, node, inner, values, around);
    case 'HTTP_GET':
    case 'SSL_GET':
      checkConnection(node, inner, server, around, server.address);
      return resolveGet(kind, node, inner, values, around);
    case 'UDP_CHECK':
      checkConnection(node, inner, server, around, server.address);
      checkLengths(node, inner, around);
      return { kind, values };
    case 'SMTP_CHECK':
      checkConnection(node, inner, server, around, undefined);
      for (const { keyword, node: at, value } of inner)
        if (keyword === 'host')
          checkConnection(at, (value as Inner).statements, server, around, server.address);
      return { kind, values: valuesOf(inner.flatMap(withoutConnection)) };
    case 'TCP_CHECK':
    case 'DNS_CHECK':
    case 'PING_CHECK':
      checkConnection(node, inner, server, around, server.address);
      return { kind, values };
    case 'BFD_CHECK':
      return resolveBfd(kind, node, inner, values, server, references, around);
    case 'FILE_CHECK':
      return resolveFile(kind, node, inner, values, server, references, around);
  }
}

const CONNECTION: ReadonlySet<string> = new Set([
  'connect_ip',
  'connect_port',
  'bindto',
  'bind_port',
  'bind_if',
  'fwmark',
  'connect_timeout',
] satisfies (keyof typeof tcpRows)[]);

/** Where a host is given, the real server itself is checked only if something is said of that connection. */
const isConnection = ({ keyword, value }: Found): boolean =>
  CONNECTION.has(keyword) && !(keyword === 'fwmark' && value === 0);

/** What is said in a `host` beyond its connection is said of all, as in keepalived 2.2.7. */
const withoutConnection = (found: Found): readonly Found[] =>
  found.keyword === 'host'
    ? (found.value as Inner).statements.filter(({ keyword }) => !CONNECTION.has(keyword))
    : [found];

/** Each `host` is a check with a connection of its own; how long that may take it has from the whole where it does not say. */
function hostsOf({ kind, values: whole }: Checker, inner: readonly Found[]): readonly Checker[] {
  const common = Object.entries(whole).filter(
    ([name]) => !CONNECTION.has(name) || name === 'connect_timeout',
  );
  return inner.flatMap(({ keyword, value }) => {
    if (keyword !== 'host') return [];
    const own = (value as Inner).statements.filter((found) => CONNECTION.has(found.keyword));
    const values = { ...Object.fromEntries(common), ...valuesOf(own) };
    const isTimed = own.some((found) => found.keyword === 'connect_timeout');
    return [{ kind, values, ...(isTimed ? {} : { untimed: true as const }) }];
  });
}

/** The last value of each keyword. */
function valuesOf(inner: readonly Found[]): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const { keyword, value } of inner)
    if (keyword !== 'url' && keyword !== 'host')
      values[keyword === 'nb_get_retry' ? 'retry' : keyword] = value;
  return values;
}

const typed = <B extends Block>(inner: readonly Found[]): readonly Statement<B>[] =>
  inner as unknown as readonly Statement<B>[];

/**
 * Both ends have one family, and a link-local end needs an interface. `known` is the other end before the block says one:
 * keepalived does not think of the real server in an SMTP_CHECK.
 */
function checkConnection(
  node: Node,
  inner: readonly Found[],
  server: Server,
  { report }: Surroundings,
  known: Ip | undefined,
): void {
  const statements = typed<typeof tcpRows>(inner);
  let target = known;
  let source: Ip | undefined;
  for (const { keyword, value, node: at } of statements) {
    if (keyword !== 'connect_ip' && keyword !== 'bindto') continue;
    if (keyword === 'connect_ip') target = value;
    else source = value;
    if (source === undefined || target === undefined || family(source) === family(target)) continue;
    const other = keyword === 'bindto' ? 'connect_ip' : 'bindto';
    const message = `${keyword} address ${value} does not match address family of ${other} - skipping`;
    const complaint = mistake('check-family', message);
    report(lostTarget(node, statements, at) ? { ...complaint, class: 'none' } : complaint, at);
    if (keyword === 'bindto') source = undefined;
    else target = known;
  }
  const given = collect(tcpRows, statements) as Infer<typeof tcpRows>;
  const end = target ?? server.address;
  if (isLinkLocal6(end) && given.bind_if === undefined) {
    const message = `Checker link local address ${end} requires a bind_if`;
    report(mistake('check-without-interface', message), node, atClosing(node));
  }
}

/** Behind a connect_ip that is no address keepalived has no family to compare with; ours is that of the real server. */
function lostTarget(
  { children = [] }: Node,
  statements: readonly Statement<typeof tcpRows>[],
  at: Node,
): boolean {
  const before = children.slice(0, children.indexOf(at));
  const last = before.findLast(({ keyword }) => keyword === 'connect_ip');
  return last !== undefined && !statements.some(({ node }) => node === last);
}

function resolveMisc(
  kind: CheckKind,
  node: Node,
  inner: readonly Found[],
  values: Readonly<Record<string, unknown>>,
  { globals, facts, report }: Surroundings,
): Checker | undefined {
  const statements = typed<typeof miscRows>(inner);
  const { misc_path: command, user } = collect(miscRows, statements) as Infer<typeof miscRows>;
  // The first user that is unknown removes the check, whatever is said later.
  const strange = statements.find(
    ({ keyword, value }) =>
      keyword === 'user' && lookUpUser(value as NonNullable<typeof user>, facts) === undefined,
  );
  if (command === undefined && strange === undefined) {
    const message = 'No script path has been specified for MISC_CHECKER - skipping';
    report(mistake('script-missing', message), node, atClosing(node));
    return undefined;
  }
  const [path = '', ...words] = command?.words ?? [];
  const written = shownWords([path, ...words]);
  const as =
    strange !== undefined
      ? undefined
      : user === undefined
        ? globals.script_user
        : lookUpUser(user, facts);
  if (as === undefined) {
    const message =
      user === undefined
        ? `Unable to set default user for misc script ${written} - removing`
        : `Failed to set uid/gid for misc checker script ${written} - removing`;
    const at = strange?.node;
    report(
      mistake('no-script-user', message),
      at ?? node,
      at === undefined ? atClosing(node) : endsBlock(node, RETRY_KEYWORDS),
    );
    return undefined;
  }
  const found = facts.inspect(path, as, globals.use_symlink_paths);
  const insecure = globals.enable_script_security ? found.insecure : undefined;
  if (found.path === undefined || insecure !== undefined) {
    const message = insecure ?? found.message ?? path;
    const at = nodeOf(statements, 'misc_path') ?? node;
    report(
      {
        ...mistake('script-unusable', message),
        ...(insecure === undefined || found.remedy === undefined ? {} : { remedy: found.remedy }),
        class: 'none',
        assumed: 'the check is left out',
      },
      at,
    );
    if (found.disabled !== undefined) {
      const said = `Disabling misc script ${written} ${found.disabled}`;
      report({ ...mistake('script-disabled', said), class: 'none' }, at);
    }
    return undefined;
  }
  if (found.message !== undefined)
    report(
      { ...mistake('script-path', found.message), severity: 'warning', class: 'none' },
      nodeOf(statements, 'misc_path') ?? node,
    );
  return {
    kind,
    values,
    script: { words: [found.path, ...words], ...withGroups(as, globals, facts) },
  };
}

function resolveGet(
  kind: CheckKind,
  node: Node,
  inner: readonly Found[],
  values: Readonly<Record<string, unknown>>,
  { report }: Surroundings,
): Checker | undefined {
  const url = inner.flatMap(({ keyword, node: at, value }) => {
    if (keyword !== 'url') return [];
    const { statements } = value as Inner;
    const codes = statusCodesOf(statements);
    const { status_code: _, ...rest } = valuesOf(statements);
    const page: Readonly<Record<string, unknown>> = {
      ...rest,
      ...(codes.length === 0 ? {} : { status_code: codes }),
    };
    if (page.path === undefined) {
      const message = 'HTTP/SSL_GET checker url has no path - ignoring';
      report(mistake('url-without-path', message), at, atClosing(at));
      return [];
    }
    const wrong = patternMistake(page);
    if (wrong === undefined) return [page];
    // keepalived 2.2.7 says nothing with -t, and crashes once it is to search.
    const message = `Invalid regex: '${page.regex}': ${wrong}`;
    const assumed = 'this url is left out';
    report({ ...mistake('regex', message), assumed }, regexNode(value as Inner) ?? at);
    return [];
  });
  if (url.length > 0) return { kind, values, url };
  // keepalived 2.2.7 crashes after saying so.
  const message = 'HTTP/SSL_GET checker has no urls specified - ignoring';
  report(mistake('no-url', message), node, atClosing(node));
  return undefined;
}

/** All statements add to each other: ranges in their order, those that touch made one. */
function statusCodesOf(statements: readonly Found[]): readonly (readonly [number, number])[] {
  const given = typed<typeof urlRows>(statements).flatMap(({ keyword, value }) =>
    keyword === 'status_code' ? value : [],
  );
  const ranges: [number, number][] = [];
  for (const [low, high] of [...given].sort(([a], [b]) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else ranges.push([low, high]);
  }
  return ranges;
}

const regexNode = ({ statements }: Inner): Node | undefined =>
  statements.findLast(({ keyword }) => keyword === 'regex')?.node;

/** Why the regex of a page cannot be searched for; undefined where it can, or where there is none. */
function patternMistake({ regex, regex_options = [] }: Readonly<Record<string, unknown>>) {
  if (regex === undefined) return undefined;
  try {
    translatePattern(String(regex), regex_options as readonly string[]);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

function checkLengths(node: Node, inner: readonly Found[], { report }: Surroundings): void {
  const given = collect(udpRows, typed<typeof udpRows>(inner)) as Infer<typeof udpRows>;
  const { min_reply_length: least, max_reply_length: most } = given;
  if (least <= most) return;
  const message = `UDP_CHECK min_reply length ${least} > max_reply_length ${most} - will always fail`;
  report(mistake('reply-length', message), node, atClosing(node));
}

function resolveBfd(
  kind: CheckKind,
  node: Node,
  inner: readonly Found[],
  values: Readonly<Record<string, unknown>>,
  server: Server,
  references: References,
  { report }: Surroundings,
): Checker | undefined {
  const names = inner.filter(({ keyword }) => keyword === 'name');
  if (names.length === 0) {
    const message = `(${server.name}) No name has been specified for BFD_CHECKER - skipping`;
    report(mistake('name-missing', message), node, atClosing(node));
    return undefined;
  }
  // The first one that is wrong ends the check, whatever is said later.
  for (const name of names) {
    const [session = '', ...more] = name.value as readonly string[];
    if (session === '' || more.length > 0) {
      const message = `(${server.name}) BFD_CHECK - No or too many names specified - skipping checker`;
      report(mistake('name-missing', message), name.node, endsBlock(node));
      return undefined;
    }
    const known = references.bfd_instance.get(session);
    if (known !== undefined && known < server.order) continue;
    const message = `(${server.name}) BFD_CHECK - BFD ${session} not configured`;
    report(
      mistake('unknown-bfd', message, { assumed: 'there is no such check' }),
      name.node,
      endsBlock(node),
    );
    return undefined;
  }
  return { kind, values };
}

function resolveFile(
  kind: CheckKind,
  node: Node,
  inner: readonly Found[],
  values: Readonly<Record<string, unknown>>,
  server: Server,
  references: References,
  { report }: Surroundings,
): Checker | undefined {
  const given = typed<typeof fileRows>(inner);
  const files = given.filter((statement) => statement.keyword === 'track_file');
  let found = false;
  for (const { value, node: at } of files) {
    const known = references.track_file.get(String(value));
    if (known !== undefined && known < server.order) found = true;
    else
      report(
        mistake('unknown-file', `track_file ${value} not found`, {
          assumed: 'the line is ignored',
          ...meantOf(String(value), references.track_file),
        }),
        at,
      );
  }
  if (found) return { kind, values };
  const message = 'FILE_CHECK has no track_file specified - ignoring';
  report(mistake('file-missing', message), node, atClosing(node));
  return undefined;
}
