// Checkers -> the section `Health checkers` of keepalived_check.data and those of tracked files and BFD sessions, in the
// layout of keepalived 2.2.7. Servers themselves are in dump.ts. Nothing here is parsed back.

import { shownWords } from '../config/command.ts';
import type { Script } from '../config/value.ts';
import { type Duration, seconds, toSeconds, ZERO } from '../lib/time.ts';
import type { Checker, CheckKind } from './checks.ts';
import type { LiveChecker, LiveService } from './live.ts';
import type { CheckConfig, TrackedFile } from './resolve.ts';
import { nameOf, type RealServer, type VirtualServer } from './rules.ts';

export const decimals = (value: Duration): string => toSeconds(value).toFixed(6);
export const onOff = (on: boolean): string => (on ? 'ON' : 'OFF');
export const yesNo = (on: boolean): string => (on ? 'yes' : 'no');

/** -1 of 64 bits. */
const UNSET = '18446744073709551615';

interface Place {
  readonly server: VirtualServer;
  readonly real: RealServer;
  readonly checker: Checker;
  readonly live: LiveChecker | undefined;
}

const protocolOf = ({ protocol }: VirtualServer): string => protocol?.toLowerCase() ?? 'none';
const endOf = (server: VirtualServer, { address, port }: RealServer): string =>
  `[${address}]:${protocolOf(server)}:${port}`;
const nameOfReal = (server: VirtualServer, real: RealServer): string =>
  `${nameOf(server.service, server.protocol)} -> ${endOf(server, real)}`;

const placesIn = (servers: readonly VirtualServer[], live: readonly LiveService[]): Place[] =>
  servers.flatMap((server, service) =>
    server.real_server.flatMap((real, place) =>
      real.checkers.map((checker, at) => ({
        ...{ server, real, checker },
        live: live[service]?.reals[place]?.checkers[at],
      })),
    ),
  );

/** keepalived notes those that follow a file after all others. */
export function checkersLines(
  servers: readonly VirtualServer[],
  live: readonly LiveService[],
): string[] {
  const places = placesIn(servers, live);
  const follows = ({ checker }: Place): boolean => checker.kind === 'FILE_CHECK';
  const ordered = [...places.filter((one) => !follows(one)), ...places.filter(follows)];
  const users = regexUsers(servers);
  const lines = ordered.flatMap(({ server, real, checker, live: now }) =>
    checkerLines(checker, real, server, now, users),
  );
  return lines.length === 0 ? [] : ['------< Health checkers >------', ...lines];
}

type FileWeight = TrackedFile['weight'];

function weightIn({ values }: Checker, files: readonly TrackedFile[]): FileWeight {
  const known = files.find(({ name }) => name === values.track_file);
  return (
    (values.weight as FileWeight | undefined) ?? known?.weight ?? { weight: 1, reverse: false }
  );
}

/** `weight 3 reverse`, of a FILE_CHECK. */
export function followedText(checker: Checker, files: readonly TrackedFile[]): string {
  const { weight, reverse } = weightIn(checker, files);
  return `weight ${weight}${reverse ? ' reverse' : ''}`;
}

/** The session of a BFD_CHECK. */
export const sessionOf = ({ values }: Checker): string =>
  String((values.name as readonly string[] | undefined)?.[0] ?? '');

/** A tracked file and what it says. */
export interface FileNow extends TrackedFile {
  readonly status?: number;
}

/** Files that somebody follows. */
export function fileLines(servers: readonly VirtualServer[], files: readonly FileNow[]): string[] {
  const places = placesIn(servers, []).filter(({ checker }) => checker.kind === 'FILE_CHECK');
  const lines = files.flatMap(({ name, file, weight, status = 0 }) => {
    const users = places.filter(({ checker }) => checker.values.track_file === name);
    if (users.length === 0) return [];
    return [
      ` Track file = ${name}`,
      `   File = ${file}`,
      `   Status = ${status}`,
      `   Weight = ${weight.weight}${weight.reverse ? ' reverse' : ''}`,
      '   Tracking instances :',
      ...users.map(
        ({ server, real, checker }) =>
          `     ${nameOfReal(server, real)}, ${followedText(checker, files)}`,
      ),
    ];
  });
  return lines.length === 0 ? [] : ['------< Checker track files >------', ...lines];
}

/** BFD sessions that are for checkers, whether somebody follows them or not. */
export function sessionLines({ virtual_server = [], check_sessions = [] }: CheckConfig): string[] {
  if (check_sessions.length === 0) return [];
  const places = placesIn(virtual_server, []).filter(({ checker }) => checker.kind === 'BFD_CHECK');
  return [
    '------< Checker track BFDs >------',
    ...check_sessions.flatMap((name) => [
      ` Checker Track BFD = ${name}`,
      '   Tracking RS :',
      ...places
        .filter(({ checker }) => sessionOf(checker) === name)
        .map(({ server, real }) => `   ${endOf(server, real)}`),
    ]),
  ];
}

/** Retries and the wait between them, where nobody says otherwise; DNS waits delay_loop, and shows none. */
const DEFAULTS: Readonly<
  Record<
    CheckKind,
    { readonly retry: number; readonly delay?: Duration; readonly shown?: Duration }
  >
> = {
  MISC_CHECK: { retry: 0, delay: seconds(1) },
  SMTP_CHECK: { retry: 1, delay: seconds(1) },
  TCP_CHECK: { retry: 1, delay: seconds(1) },
  HTTP_GET: { retry: 1, delay: seconds(3) },
  SSL_GET: { retry: 1, delay: seconds(3) },
  DNS_CHECK: { retry: 3, shown: 0 as Duration },
  PING_CHECK: { retry: 1, delay: seconds(1) },
  UDP_CHECK: { retry: 1, delay: seconds(1) },
  BFD_CHECK: { retry: 0, delay: seconds(1) },
  FILE_CHECK: { retry: 0, delay: seconds(1) },
};

function checkerLines(
  checker: Checker,
  real: RealServer,
  server: VirtualServer,
  live: LiveChecker | undefined,
  users: RegexUsers,
): string[] {
  const { kind, values, script, url } = checker;
  const own = values as Readonly<Partial<Record<string, never>>>;
  const defaults = DEFAULTS[kind];
  const loop: Duration = own.delay_loop ?? real.delay_loop ?? server.delay_loop;
  const standard = defaults.delay ?? loop;
  const name = nameOfReal(server, real);
  const alpha: boolean = own.alpha ?? real.alpha ?? server.alpha;
  const retry: number = own.retry ?? real.retry ?? server.retry ?? defaults.retry;
  const delay: Duration =
    own.delay_before_retry ?? real.delay_before_retry ?? server.delay_before_retry ?? standard;
  const warmup: Duration = own.warmup ?? real.warmup ?? server.warmup ?? loop;
  const timed = [
    `   Alpha = ${yesNo(alpha)}`,
    `   Delay loop = ${loop} us`,
    `   Warmup = ${warmup} us`,
    `   Retries = ${retry}`,
    ...(retry === 0
      ? []
      : [
          `   Delay before retry = ${delay} us`,
          `   Retries iterations = ${triesMade(kind, retry, live)}`,
        ]),
    `   Default delay before retry = ${defaults.shown ?? standard} us`,
  ];
  // It waits for news and has no times; keepalived shows what they are before anybody has set them.
  const unset = [
    `   Alpha = ${yesNo(alpha)}`,
    `   Delay loop = ${UNSET} us`,
    `   Warmup = ${UNSET} us`,
    '   Retries = 4294967295',
    `   Delay before retry = ${UNSET} us`,
    '   Retries iterations = 4294967295',
    `   Default delay before retry = ${standard} us`,
  ];
  return [
    ` ${name}`,
    `   Enabled = ${yesNo(live?.enabled ?? true)}`,
    `   Up = ${yesNo(live?.up ?? !alpha)}`,
    `   Has run = ${yesNo(live?.ran ?? false)}`,
    `   Current weight = ${live?.shift ?? 0}`,
    ...(kind === 'FILE_CHECK' ? [] : kind === 'BFD_CHECK' ? unset : timed),
    // Its own word: that of global_defs stands there.
    `   Log all failures = ${yesNo(own.log_all_failures ?? false)}`,
    ...connectionLines(checker, real, server),
    `   Keepalive method = ${kind}${url === undefined ? '' : `, http protocol ${own.http_protocol ?? '1.0'}`}`,
    ...(url === undefined ? [] : getLines(own, url, users, live?.failed)),
    ...(script === undefined ? [] : miscLines(script, own, live)),
    ...ownLines(checker, alpha),
  ];
}

/** The first check has no tries: keepalived begins as if they had been made. Nor has one that is down. */
function triesMade(kind: CheckKind, retry: number, live: LiveChecker | undefined): number {
  if (live?.ran !== true)
    return live?.up === true && live.failures > 0 ? Math.min(live.failures, retry) : retry;
  if (live.up) return live.failures;
  return BEYOND.has(kind) ? retry + 1 : 0;
}

/** keepalived leaves their count behind the last try. */
const BEYOND: ReadonlySet<CheckKind> = new Set(['HTTP_GET', 'SSL_GET', 'SMTP_CHECK']);

/** What only checkers of this kind have to say. */
function ownLines(checker: Checker, alpha: boolean): string[] {
  const own = checker.values as Readonly<Partial<Record<string, never>>>;
  switch (checker.kind) {
    case 'SMTP_CHECK':
      return [`   helo = ${own.helo_name ?? 'smtpchecker.keepalived.org'}`];
    case 'DNS_CHECK':
      return [`   Type = ${own.type ?? 'SOA'}`, `   Name = ${own.name ?? ''}`];
    case 'FILE_CHECK':
      return [`     Tracked file = ${own.track_file}`, '     Reloaded = No'];
    case 'BFD_CHECK':
      return [`   Name = ${sessionOf(checker)}`, `   Alpha is ${onOff(alpha)}`];
    case 'UDP_CHECK':
      return payloadLines(own);
    default:
      return [];
  }
}

function payloadLines(own: Readonly<Partial<Record<string, never>>>): string[] {
  const { payload, require_reply, min_reply_length, max_reply_length } = own as {
    readonly payload?: string;
    readonly require_reply?: string;
    readonly min_reply_length?: number;
    readonly max_reply_length?: number;
  };
  const bytes = (digits: string): number => digits.length / 2;
  return [
    payload === undefined ? '   Payload specified = no' : `   Payload len = ${bytes(payload)}`,
    `   Require reply = ${yesNo(require_reply !== undefined)}`,
    ...(require_reply === undefined
      ? []
      : [
          `     Min reply length = ${min_reply_length ?? 0}`,
          `     Max reply length = ${max_reply_length ?? 255}`,
        ]),
    ...(require_reply === undefined ? [] : [`     Reply data len = ${bytes(require_reply)}`]),
    ...(require_reply === undefined || require_reply === ''
      ? []
      : [`     Reply data mask = ${yesNo(/x/i.test(require_reply))}`]),
  ];
}

const CONNECTED: ReadonlySet<CheckKind> = new Set([
  'TCP_CHECK',
  'SMTP_CHECK',
  'HTTP_GET',
  'SSL_GET',
  'DNS_CHECK',
  'PING_CHECK',
  'UDP_CHECK',
]);

/** A `host` without a time has none in keepalived; the time that it has here is that of its check. */
function connectionLines(
  { kind, values, untimed }: Checker,
  real: RealServer,
  server: VirtualServer,
): string[] {
  if (!CONNECTED.has(kind)) return [];
  const own = values as Readonly<Partial<Record<string, never>>>;
  const usual: Duration = own.connect_timeout ?? real.connect_timeout ?? server.connect_timeout;
  const timeout = untimed === true ? ZERO : usual;
  const { bindto, bind_port: port, bind_if: link, fwmark } = own;
  return [
    '   Connection',
    `     Dest = [${own.connect_ip ?? real.address}]:${own.connect_port ?? real.checked_port ?? real.port}`,
    ...(bindto === undefined ? [] : [`     Bind to = [${bindto}]:${port ?? 0}`]),
    ...(link === undefined ? [] : [`     Bind i/f = ${link}`]),
    ...(fwmark === undefined || fwmark === 0 ? [] : [`     Mark = ${fwmark}`]),
    `     Timeout = ${decimals(timeout)}`,
  ];
}

function getLines(
  own: Readonly<Partial<Record<string, never>>>,
  url: readonly Readonly<Record<string, unknown>>[],
  users: RegexUsers,
  failed: number | undefined,
): string[] {
  const host = own.virtualhost;
  const set = (value: unknown): string => (value === true ? 'set' : 'unset');
  return [
    ...(host === undefined ? [] : [`   Virtualhost = ${host}`]),
    `   Enable SNI ${set(own.enable_sni)}`,
    `   Fast recovery ${set(own.fast_recovery)}`,
    ...url.flatMap((page) => {
      const codes = (page.status_code ?? [[200, 299]]) as readonly (readonly [number, number])[];
      return [
        `   Checked url = ${page.path}`,
        ...(page.digest === undefined ? [] : [`     digest = ${page.digest}`]),
        '     HTTP Status Code(s)',
        ...codes.map(([low, high]) => `       ${low === high ? low : `${low}-${high}`}`),
        ...(page.virtualhost === undefined ? [] : [`     Virtual host = ${page.virtualhost}`]),
        ...regexLines(page as Partial<Page>, users),
      ];
    }),
    ...(failed === undefined ? [] : [`   Failed URL = ${url[failed]?.path}`]),
  ];
}

interface Page {
  readonly regex: string;
  readonly regex_no_match: boolean;
  readonly regex_options: readonly string[];
  readonly regex_min_offset: number;
  readonly regex_max_offset: number;
  readonly regex_stack: readonly [number, number];
}

/** How many pages ask for the same pattern, read in the same way. */
type RegexUsers = ReadonlyMap<string, number>;

const regexKey = ({ regex, regex_options = [] }: Partial<Page>): string =>
  JSON.stringify([regex, [...regex_options].sort()]);

function regexUsers(servers: readonly VirtualServer[]): RegexUsers {
  const users = new Map<string, number>();
  for (const { real_server } of servers)
    for (const { checkers } of real_server)
      for (const { url = [] } of checkers)
        for (const page of url as readonly Partial<Page>[]) {
          if (page.regex === undefined) continue;
          const key = regexKey(page);
          users.set(key, (users.get(key) ?? 0) + 1);
        }
  return users;
}

const REGEX_OPTIONS = [
  ...['allow_empty_class', 'alt_bsux', 'auto_callout', 'caseless', 'dollar_endonly', 'dotall'],
  ...['dupnames', 'extended', 'firstline', 'match_unset_backref', 'multiline', 'never_ucp'],
  ...['never_utf', 'no_auto_capture', 'no_auto_possess', 'no_dotstar_anchor'],
  ...['no_start_optimize', 'ucp', 'ungreedy', 'utf', 'never_backslash_c', 'alt_circumflex'],
  ...['alt_verbnames', 'use_offset_limit'],
];

function regexLines(page: Partial<Page>, users: RegexUsers): string[] {
  if (page.regex === undefined) return [];
  const { regex_min_offset: from, regex_max_offset: to, regex_stack: stack } = page;
  const limit = to === undefined ? '' : `, max_offset = ${to}`;
  // keepalived 2.2.7 shows all that there are, as soon as one is given.
  const words = (page.regex_options ?? []).length === 0 ? '' : ` ${REGEX_OPTIONS.join(' ')}`;
  return [
    `     Regex = "${page.regex}"`,
    ...(page.regex_no_match === true ? ['     Regex no match'] : []),
    ...(from === undefined && to === undefined
      ? []
      : [`     Regex min offset = ${from ?? 0}${limit}`]),
    `     Regex options:${words}`,
    `     Regex ref count = ${users.get(regexKey(page)) ?? 1}`,
    ...(stack === undefined ? [] : [`     Regex stack start ${stack[0]}, max ${stack[1]}`]),
  ];
}

function miscLines(
  script: Script,
  own: Readonly<Partial<Record<string, never>>>,
  live: LiveChecker | undefined,
): string[] {
  const timeout: Duration = own.misc_timeout ?? (0 as Duration);
  return [
    `   script = ${shownWords(script.words)}`,
    `   timeout = ${toSeconds(timeout)}`,
    `   dynamic = ${own.misc_dynamic === true ? 'YES' : 'NO'}`,
    `   uid:gid = ${script.uid}:${script.gid}`,
    `   Last ran = ${live?.last?.time ?? '0.000000 (Thu Jan  1 00:00:00 1970.000000)'}`,
    `   Last status = ${live?.last?.status ?? 0}`,
  ];
}
