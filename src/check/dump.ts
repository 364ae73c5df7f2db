// Virtual servers -> the sections `LVS Topology` and `Health checkers` of keepalived_check.data, in the layout of
// keepalived 2.2.7. What has happened since the start comes from live.ts; without it every server is shown as it starts.

import type { GlobalDefs } from '../config/globals.ts';
import type { Script } from '../config/value.ts';
import { family } from '../lib/ip.ts';
import { type Duration, seconds, toSeconds } from '../lib/time.ts';
import type { Checker, CheckKind } from './checks.ts';
import type { LiveChecker, LiveReal, LiveService } from './live.ts';
import type { CheckConfig } from './resolve.ts';
import { nameOf, type RealServer, type VirtualServer } from './rules.ts';
import type { GroupEntry, Method } from './value.ts';

const decimals = (value: Duration): string => toSeconds(value).toFixed(6);
const able = (on: boolean): string => (on ? 'enabled' : 'disabled');
const onOff = (on: boolean): string => (on ? 'ON' : 'OFF');
const yesNo = (on: boolean): string => (on ? 'yes' : 'no');

/** Lines without line ends; `live` has one for each virtual server. */
export function dumpCheck(
  config: CheckConfig,
  globals: GlobalDefs,
  live: readonly LiveService[] = [],
): string[] {
  const servers = config.virtual_server ?? [];
  const checkers = servers.flatMap((server, service) =>
    server.real_server.flatMap((real, place) =>
      real.checkers.flatMap((checker, at) =>
        checkerLines(checker, real, server, globals, live[service]?.reals[place]?.checkers[at]),
      ),
    ),
  );
  if (servers.length === 0) return [];
  return [
    '------< LVS Topology >------',
    // The version of the kernel's IPVS headers that keepalived 2.2.7 was built with.
    ' System is compiled with LVS v1.2.1',
    ...(config.virtual_server_group ?? []).flatMap((group) => groupLines(group, servers, live)),
    ...servers.flatMap((server, at) => serviceLines(server, config, globals, live[at])),
    ...(checkers.length === 0 ? [] : ['------< Health checkers >------', ...checkers]),
  ];
}

function groupLines(
  group: { readonly name: string; readonly entries: readonly GroupEntry[] },
  servers: readonly VirtualServer[],
  live: readonly LiveService[],
): string[] {
  const families = group.entries.flatMap((entry) =>
    'address' in entry ? [family(entry.address)] : [],
  );
  const users = [...servers.entries()].filter(
    ([, { service }]) => 'group' in service && service.group === group.name,
  );
  const alive = (wanted: (server: VirtualServer) => boolean): number =>
    users
      .filter(([, server]) => wanted(server))
      .reduce((sum, [at, server]) => sum + aliveIn(server, live[at]), 0);
  const of = (protocol: string): number => alive((server) => server.protocol === protocol);
  // A mark is of one family, whatever the protocol.
  const family6 = (server: VirtualServer): boolean =>
    server.real_server.some(({ address }) => family(address) === 6);
  return [
    ' ------< Virtual server group >------',
    ` Virtual Server Group = ${group.name}, IPv4 = ${yesNo(families.includes(4))}, IPv6 = ${yesNo(families.includes(6))}`,
    ...group.entries.flatMap((entry) => [
      ...entryLines(entry),
      'fwmark' in entry
        ? `     Alive: ${alive((server) => !family6(server))} IPv4, ${alive(family6)} IPv6`
        : `     Alive: ${of('TCP')} tcp, ${of('UDP')} udp, ${of('SCTP')} sctp`,
      '     reloaded = False',
    ]),
  ];
}

const aliveIn = ({ real_server }: VirtualServer, live: LiveService | undefined): number =>
  live === undefined ? real_server.length : live.reals.filter((real) => real.alive).length;

function entryLines(entry: GroupEntry): string[] {
  if ('fwmark' in entry) return [`   FWMARK = ${entry.fwmark}`];
  const { address, last, port } = entry;
  return [
    last === undefined
      ? `   VIP = ${address}, VPORT = ${port}`
      : `   VIP Range = ${address}-${last}, VPORT = ${port}`,
  ];
}

function methodText({ kind, type = 'ipip', port, checksum }: Method): string {
  if (kind !== 'TUN') return kind;
  const end = [
    ...(port === undefined ? [] : [`, port = ${port}`]),
    ...(checksum === undefined || checksum === 'nocsum' ? [] : [`, ${checksum}`]),
  ];
  return `TUN, type = ${type.toUpperCase()}${end.join('')}`;
}

const heading = ({ service }: VirtualServer): string => {
  if ('group' in service) return `VS GROUP = [${service.group}]:0`;
  return 'fwmark' in service
    ? `VS FWMARK = ${service.fwmark}`
    : `VS VIP = ${service.address}, VPORT = ${service.port}`;
};

function familyOf(server: VirtualServer, config: CheckConfig): string {
  const { service } = server;
  if ('address' in service) return family(service.address) === 6 ? 'inet6' : 'inet';
  const entries =
    'group' in service
      ? (config.virtual_server_group?.find(({ name }) => name === service.group)?.entries ?? [])
      : [];
  const first = entries.find((entry) => 'address' in entry);
  const address = first !== undefined && 'address' in first ? first.address : undefined;
  return family(address ?? server.real_server[0]?.address ?? ('0.0.0.0' as never)) === 6
    ? 'inet6'
    : 'inet';
}

function serviceLines(
  server: VirtualServer,
  config: CheckConfig,
  globals: GlobalDefs,
  live: LiveService | undefined,
): string[] {
  const name = nameOf(server.service, server.protocol);
  const alert = server.smtp_alert ?? globals.smtp_alert_checker ?? globals.smtp_alert ?? false;
  const scheduler = server.lvs_sched;
  const optional = (text: string, value: unknown): string[] => (value === undefined ? [] : [text]);
  const flags =
    scheduler === 'sh' || scheduler === 'mh'
      ? [
          `   ${scheduler}-port = ${able(server[`${scheduler}-port`])}`,
          `   ${scheduler}-fallback = ${able(server[`${scheduler}-fallback`])}`,
          '   flag-3 = disabled',
        ]
      : ([1, 2, 3] as const).map((n) => `   flag-${n} = ${able(server[`flag-${n}`])}`);
  return [
    ' ------< Virtual server >------',
    ` ${heading(server)}`,
    ...optional(`   VirtualHost = ${server.virtualhost}`, server.virtualhost),
    `   Address family = ${familyOf(server, config)}`,
    `   connection timeout = ${decimals(server.connect_timeout)}`,
    `   delay_loop = ${decimals(server.delay_loop)}`,
    `   lvs_sched = ${scheduler}`,
    `   Hashed = ${able(server.hashed)}`,
    ...flags,
    `   One packet scheduling = ${able(server.ops)}`,
    ...optional(
      `   persistence timeout = ${server.persistence_timeout}`,
      server.persistence_timeout,
    ),
    ...optional(
      `   persistence granularity = ${server.persistence_granularity}`,
      server.persistence_granularity,
    ),
    ...optional(`   protocol = ${server.protocol}`, server.protocol),
    `   alpha is ${onOff(server.alpha)}`,
    `   omega is ${onOff(server.omega)}`,
    ...optional(`   Retry count = ${server.retry}`, server.retry),
    ...(server.delay_before_retry === undefined
      ? []
      : [`   Retry delay = ${decimals(server.delay_before_retry)}`]),
    ...(server.warmup === undefined ? [] : [`   Warmup = ${decimals(server.warmup)}`]),
    `   Inhibit on failure is ${onOff(server.inhibit_on_failure)}`,
    `   quorum = ${server.quorum}, hysteresis = ${server.hysteresis}`,
    ...scriptLines('Quorum up', server.quorum_up),
    ...scriptLines('Quorum down', server.quorum_down),
    ...(server.ha_suspend ? ['   Using HA suspend'] : []),
    `   Using smtp notification = ${yesNo(alert)}`,
    `   default forwarding method = ${methodText(server.lvs_method)}`,
    ...sorryLines(server, name),
    `   alive = ${live === undefined && server.alpha ? 0 : 1}`,
    `   quorum_state_up = ${(live?.quorum ?? !server.alpha) ? 1 : 0}`,
    '   reloaded = 0',
    ...server.real_server.flatMap((real, at) => realLines(real, server, globals, live?.reals[at])),
  ];
}

function scriptLines(what: string, script: Script | undefined): string[] {
  if (script === undefined) return [];
  const words = script.words.map((word) => `'${word}'`).join(' ');
  return [`   ${what} notify script = ${words}, uid:gid ${script.uid}:${script.gid}`];
}

function sorryLines(server: VirtualServer, name: string): string[] {
  const { sorry_server: sorry } = server;
  if (sorry === undefined) return [];
  const twin = server.real_server.some(
    ({ address, port }) => address === sorry.address && port === sorry.port,
  );
  const protocol =
    /:(tcp|udp|sctp|none):/.exec(name)?.[1] ?? server.protocol?.toLowerCase() ?? 'none';
  return [
    `   sorry server${twin ? ' (duplicates rs)' : ''} = [${sorry.address}]:${protocol}:${sorry.port}`,
    `     forwarding method = ${methodText(server.sorry_server_lvs_method ?? server.lvs_method)}`,
    `     Inhibit on failure is ${onOff(server.sorry_server_inhibit)}`,
  ];
}

function realLines(
  real: RealServer,
  server: VirtualServer,
  globals: GlobalDefs,
  live: LiveReal | undefined,
): string[] {
  const alert = real.smtp_alert ?? globals.smtp_alert_checker ?? globals.smtp_alert ?? true;
  const retry = real.retry ?? server.retry;
  const delay = real.delay_before_retry ?? server.delay_before_retry;
  const warmup = real.warmup ?? server.warmup;
  const host = real.virtualhost;
  const alpha = real.alpha ?? server.alpha;
  // A checker that has not succeeded yet counts as failed.
  const failed =
    live === undefined
      ? real.checkers.filter((checker) => checker.values.alpha ?? alpha).length
      : live.checkers.filter(({ up }) => !up).length;
  const weight = live?.weight ?? real.weight;
  return [
    '   ------< Real server >------',
    `   RIP = ${real.address}, RPORT = ${real.port}, WEIGHT = ${weight} EFF WEIGHT = ${weight}`,
    `   forwarding method = ${methodText(real.lvs_method ?? server.lvs_method)}`,
    `   Alpha is ${onOff(alpha)}`,
    `   connection timeout = ${decimals(real.connect_timeout ?? server.connect_timeout)}`,
    `   connection limit range = ${real.lthreshold} -> ${real.uthreshold}`,
    `   Delay loop = ${decimals(real.delay_loop ?? server.delay_loop)}`,
    ...(host === undefined ? [] : [`   VirtualHost = ${host}`]),
    ...(retry === undefined ? [] : [`   Retry count = ${retry}`]),
    ...(delay === undefined ? [] : [`   Retry delay = ${decimals(delay)}`]),
    ...(warmup === undefined ? [] : [`   Warmup = ${decimals(warmup)}`]),
    `   Inhibit on failure is ${onOff(real.inhibit_on_failure ?? server.inhibit_on_failure)}`,
    ...scriptLines('  RS up', real.notify_up),
    ...scriptLines('  RS down', real.notify_down),
    `   Using smtp notification = ${yesNo(alert)}`,
    `   initial weight = ${real.weight}`,
    `   effective weight = ${weight}`,
    '   previous effective_weight = 0',
    `   alive = ${(live?.alive ?? failed === 0) ? 1 : 0}`,
    `   num failed checkers = ${failed}`,
    `   RS set = ${(live?.set ?? true) ? 1 : 0}`,
    '   reloaded = 0',
  ];
}

/** Retries and the wait between them, where nobody says otherwise; DNS waits delay_loop. */
const DEFAULTS: Readonly<Record<CheckKind, { readonly retry: number; readonly delay?: Duration }>> =
  {
    MISC_CHECK: { retry: 0, delay: seconds(1) },
    SMTP_CHECK: { retry: 1, delay: seconds(1) },
    TCP_CHECK: { retry: 1, delay: seconds(1) },
    HTTP_GET: { retry: 1, delay: seconds(3) },
    SSL_GET: { retry: 1, delay: seconds(3) },
    DNS_CHECK: { retry: 3 },
    PING_CHECK: { retry: 1, delay: seconds(1) },
    UDP_CHECK: { retry: 1, delay: seconds(1) },
    BFD_CHECK: { retry: 0, delay: seconds(1) },
    FILE_CHECK: { retry: 0, delay: seconds(1) },
  };

function checkerLines(
  { kind, values, script, url }: Checker,
  real: RealServer,
  server: VirtualServer,
  globals: GlobalDefs,
  live: LiveChecker | undefined,
): string[] {
  const own = values as Readonly<Partial<Record<string, never>>>;
  const defaults = DEFAULTS[kind];
  const loop: Duration = own.delay_loop ?? real.delay_loop ?? server.delay_loop;
  const standard = defaults.delay ?? loop;
  const alpha: boolean = own.alpha ?? real.alpha ?? server.alpha;
  const retry: number = own.retry ?? real.retry ?? server.retry ?? defaults.retry;
  const delay: Duration =
    own.delay_before_retry ?? real.delay_before_retry ?? server.delay_before_retry ?? standard;
  const warmup: Duration = own.warmup ?? real.warmup ?? server.warmup ?? loop;
  const protocol = server.protocol?.toLowerCase() ?? 'none';
  return [
    ` ${nameOf(server.service, server.protocol)} -> [${real.address}]:${protocol}:${real.port}`,
    '   Enabled = yes',
    `   Up = ${yesNo(live?.up ?? !alpha)}`,
    `   Has run = ${yesNo(live?.ran ?? false)}`,
    `   Current weight = ${live?.shift ?? 0}`,
    `   Alpha = ${yesNo(alpha)}`,
    `   Delay loop = ${loop} us`,
    `   Warmup = ${warmup} us`,
    `   Retries = ${retry}`,
    ...(retry === 0
      ? []
      : [
          `   Delay before retry = ${delay} us`,
          `   Retries iterations = ${live?.up === true ? live.failures : retry}`,
        ]),
    `   Default delay before retry = ${standard} us`,
    `   Log all failures = ${yesNo(own.log_all_failures ?? globals.checker_log_all_failures)}`,
    ...connectionLines(kind, own, real, server),
    `   Keepalive method = ${kind}${url === undefined ? '' : `, http protocol ${own.http_protocol ?? '1.0'}`}`,
    ...(url === undefined ? [] : getLines(own, url)),
    ...(script === undefined ? [] : miscLines(script, own, live)),
    ...(kind === 'SMTP_CHECK'
      ? [`   helo = ${own.helo_name ?? 'smtpchecker.keepalived.org'}`]
      : []),
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

function connectionLines(
  kind: CheckKind,
  own: Readonly<Partial<Record<string, never>>>,
  real: RealServer,
  server: VirtualServer,
): string[] {
  if (!CONNECTED.has(kind)) return [];
  const timeout: Duration = own.connect_timeout ?? real.connect_timeout ?? server.connect_timeout;
  const { bindto, bind_port: port, bind_if: link, fwmark } = own;
  return [
    '   Connection',
    `     Dest = [${own.connect_ip ?? real.address}]:${own.connect_port ?? real.port}`,
    ...(bindto === undefined ? [] : [`     Bind to = [${bindto}]:${port ?? 0}`]),
    ...(link === undefined ? [] : [`     Bind i/f = ${link}`]),
    ...(fwmark === undefined || fwmark === 0 ? [] : [`     Mark = ${fwmark}`]),
    `     Timeout = ${decimals(timeout)}`,
  ];
}

function getLines(
  own: Readonly<Partial<Record<string, never>>>,
  url: readonly Readonly<Record<string, unknown>>[],
): string[] {
  const host = own.virtualhost;
  const set = (value: unknown): string => (value === true ? 'set' : 'unset');
  return [
    ...(host === undefined ? [] : [`   Virtual host = ${host}`]),
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
      ];
    }),
  ];
}

function miscLines(
  script: Script,
  own: Readonly<Partial<Record<string, never>>>,
  live: LiveChecker | undefined,
): string[] {
  const timeout: Duration = own.misc_timeout ?? (0 as Duration);
  return [
    `   script = ${script.words.map((word) => `'${word}'`).join(' ')}`,
    `   timeout = ${toSeconds(timeout)}`,
    `   dynamic = ${own.misc_dynamic === true ? 'YES' : 'NO'}`,
    `   uid:gid = ${script.uid}:${script.gid}`,
    // Nobody remembers more of a command that has run than what it said.
    ...(live?.ran === true
      ? []
      : ['   Last ran = 0.000000 (Thu Jan  1 00:00:00 1970.000000)', '   Last status = 0']),
  ];
}
