// Virtual servers -> the sections `LVS Topology` and `Health checkers` of keepalived_check.data, in the layout of
// keepalived 2.2.7. What has happened since the start comes from live.ts; without it every server is shown as it starts.

import { shownScript } from '../config/command.ts';
import type { GlobalDefs } from '../config/globals.ts';
import type { Script } from '../config/value.ts';
import { type Family, family, familyNamed } from '../lib/ip.ts';
import type { CheckKind } from './checks.ts';
import {
  checkersLines,
  decimals,
  type FileNow,
  fileLines,
  followedText,
  onOff,
  sessionLines,
  sessionOf,
  yesNo,
} from './dump-checker.ts';
import { familiesOf } from './forwarding.ts';
import type { LiveReal, LiveService } from './live.ts';
import type { CheckConfig, TrackedFile } from './resolve.ts';
import { nameOf, type RealServer, type VirtualServer } from './rules.ts';
import { familyOfMark, lastOf, schedulerFlags } from './table.ts';
import type { GroupEntry, Method } from './value.ts';

const able = (on: boolean): string => (on ? 'enabled' : 'disabled');

/** Lines without line ends; `live` has one for each virtual server. */
export function dumpCheck(
  config: CheckConfig,
  globals: GlobalDefs,
  live: readonly LiveService[] = [],
  files: readonly FileNow[] = [],
): string[] {
  const servers = config.virtual_server ?? [];
  if (servers.length === 0) return [...contextLines(config), ...sessionLines(config)];
  return [
    ...contextLines(config),
    '------< LVS Topology >------',
    // The version of the kernel's IPVS headers that keepalived 2.2.7 was built with.
    ' System is compiled with LVS v1.2.1',
    ...(config.virtual_server_group ?? []).flatMap((group) => groupLines(group, servers, live)),
    ...servers.flatMap((server, at) => serviceLines(server, config, globals, live[at], files)),
    ...checkersLines(servers, live),
    ...fileLines(servers, files),
    ...sessionLines(config),
  ];
}

/** The password of the key is nobody's business. */
function contextLines({ SSL: context, secure }: CheckConfig): string[] {
  if (context === undefined || Object.keys(context).length === 0)
    return context !== undefined || secure === true
      ? ['------< SSL definitions >------', ' Using autogen SSL context']
      : [];
  const line = (label: string, value: string | undefined): string[] =>
    value === undefined ? [] : [` ${label} : ${value}`];
  return [
    '------< SSL definitions >------',
    ...line('Password', context.password === undefined ? undefined : '********'),
    ...line('CA-file', context.ca),
    ...line('Certificate file', context.certificate),
    ...line('Key file', context.key),
  ];
}

function groupLines(
  group: { readonly name: string; readonly entries: readonly GroupEntry[] },
  servers: readonly VirtualServer[],
  live: readonly LiveService[],
): string[] {
  const families = group.entries.flatMap(familiesOf);
  const users = [...servers.entries()].filter(
    ([, { service }]) => 'group' in service && service.group === group.name,
  );
  const alive = (protocol?: string): number =>
    users
      .filter(([, server]) => protocol === undefined || server.protocol === protocol)
      .reduce((sum, [at, server]) => sum + aliveIn(server, live[at]), 0);
  const counts = (entry: GroupEntry): string => {
    // A mark is of one family, whatever the protocol. keepalived counts nothing of IPv6.
    if ('fwmark' in entry) return `${entry.family === 'inet6' ? 0 : alive()} IPv4, 0 IPv6`;
    const of = (protocol: string): number => (family(entry.address) === 6 ? 0 : alive(protocol));
    return `${of('TCP')} tcp, ${of('UDP')} udp, ${of('SCTP')} sctp`;
  };
  return [
    ' ------< Virtual server group >------',
    ` Virtual Server Group = ${group.name}, IPv4 = ${yesNo(families.includes(4))}, IPv6 = ${yesNo(families.includes(6))}`,
    ...[...group.entries]
      .sort(marksLast)
      .flatMap((entry) => [
        ...entryLines(entry),
        `     Alive: ${counts(entry)}`,
        '     reloaded = False',
      ]),
  ];
}

const marksLast = (a: GroupEntry, b: GroupEntry): number =>
  Number('fwmark' in a) - Number('fwmark' in b);

const aliveIn = ({ real_server }: VirtualServer, live: LiveService | undefined): number =>
  real_server.filter(
    ({ address }, at) => family(address) === 4 && (live === undefined || live.reals[at]?.alive),
  ).length;

function entryLines(entry: GroupEntry): string[] {
  if ('fwmark' in entry) {
    const of = familyNamed(entry.family);
    return [`   FWMARK = ${entry.fwmark}${of === undefined ? '' : ` IPv${of}`}`];
  }
  const { address, port } = entry;
  const last = lastOf(entry);
  return [
    last === address
      ? `   VIP = ${address}, VPORT = ${port}`
      : `   VIP Range = ${address}-${last}, VPORT = ${port}`,
  ];
}

const CHECKSUMS = {
  nocsum: 'no checksum',
  csum: 'checksum',
  remcsum: 'remote checksum',
} as const;

/** `before` stands before the line but for tunnels of UDP and GRE, whose line is the same everywhere. */
function methodLine(
  { kind, type = 'ipip', port, checksum = 'nocsum' }: Method,
  before = '',
): string {
  const line = 'forwarding method =';
  if (kind !== 'TUN') return `   ${before}${line} ${kind}`;
  if (type === 'ipip') return `   ${before}${line} TUN, type = IPIP`;
  const end = port === undefined ? '' : `, port = ${port}`;
  return `   ${line} TUN, type = ${type.toUpperCase()}${end}, ${CHECKSUMS[checksum]}`;
}

const heading = ({ service }: VirtualServer): string => {
  if ('group' in service) return `VS GROUP = [${service.group}]:${service.use ?? 0}`;
  return 'fwmark' in service
    ? `VS FWMARK = ${service.fwmark}`
    : `VS VIP = ${service.address}, VPORT = ${service.port}`;
};

function familyOf(server: VirtualServer, config: CheckConfig): string {
  const { service } = server;
  const word = (of: Family): string => (of === 6 ? 'inet6' : 'inet');
  if (server.family !== undefined) return word(server.family);
  if (!('group' in service)) return word(familyOfMark(server, []));
  const group = config.virtual_server_group?.find(({ name }) => name === service.group);
  const families = new Set(group?.entries.flatMap(familiesOf));
  if (families.size > 1) return 'IPv4 & IPv6';
  const [only] = families;
  return only === undefined ? 'unknown' : word(only);
}

function serviceLines(
  server: VirtualServer,
  config: CheckConfig,
  globals: GlobalDefs,
  live: LiveService | undefined,
  files: readonly TrackedFile[],
): string[] {
  const name = nameOf(server.service, server.protocol);
  const alert = server.smtp_alert ?? globals.smtp_alert_checker ?? globals.smtp_alert ?? false;
  const scheduler = server.lvs_sched;
  const optional = (text: string, value: unknown): string[] => (value === undefined ? [] : [text]);
  const hashed = scheduler === 'sh' || scheduler === 'mh';
  const [first, second, third] = schedulerFlags(server);
  const flags = hashed
    ? [`   ${scheduler}-port = ${able(second)}`, `   ${scheduler}-fallback = ${able(first)}`]
    : [first, second, third].map((is, at) => `   flag-${at + 1} = ${able(is)}`);
  return [
    ' ------< Virtual server >------',
    ` ${heading(server)}`,
    ...optional(`   VirtualHost = ${server.virtualhost}`, server.virtualhost),
    ...optional(`   SNMP name = '${server.snmp_name}'`, server.snmp_name),
    `   Address family = ${familyOf(server, config)}`,
    `   connection timeout = ${decimals(server.connect_timeout)}`,
    `   delay_loop = ${decimals(server.delay_loop)}`,
    `   lvs_sched = ${scheduler}`,
    // Without effect, also here.
    '   Hashed = disabled',
    ...flags,
    `   One packet scheduling = ${able(server.ops)}${server.ops && server.protocol !== 'UDP' ? ' (inactive due to not UDP)' : ''}`,
    ...optional(
      `   persistence timeout = ${server.persistence_timeout}`,
      server.persistence_timeout,
    ),
    ...optional(
      `   persistence granularity = ${server.persistence_granularity}`,
      server.persistence_granularity,
    ),
    // A group of nothing but marks has none, whatever is said.
    `   protocol = ${server.protocol ?? 'none'}`,
    `   alpha is ${onOff(server.alpha)}`,
    `   omega is ${onOff(server.omega)}`,
    ...optional(`   Retry count = ${server.retry}`, server.retry),
    ...(server.delay_before_retry === undefined
      ? []
      : [`   Retry delay = ${decimals(server.delay_before_retry)}`]),
    ...(server.warmup === undefined ? [] : [`   Warmup = ${decimals(server.warmup)}`]),
    `   Inhibit on failure is ${onOff(server.inhibit_on_failure)}`,
    // Of a quorum of 0 keepalived 2.2.7 takes 1, and gets the largest number there is.
    `   quorum = ${server.quorum}, hysteresis = ${server.quorum === 0 ? 4294967295 : server.hysteresis}`,
    ...scriptLines('Quorum up', server.quorum_up),
    ...scriptLines('Quorum down', server.quorum_down),
    ...(server.ha_suspend ? ['   Using HA suspend'] : []),
    `   Using smtp notification = ${yesNo(alert)}`,
    // Where nothing needs one keepalived has none, and shows the number of that.
    server.own_methods === true
      ? '   forwarding method =  0x7'
      : methodLine(server.lvs_method, 'default '),
    ...sorryLines(server, name),
    `   alive = ${live === undefined && server.alpha ? 0 : 1}`,
    `   quorum_state_up = ${(live?.quorum ?? !server.alpha) ? 1 : 0}`,
    '   reloaded = 0',
    ...server.real_server.flatMap((real, at) =>
      realLines(real, server, globals, live?.reals[at], files),
    ),
  ];
}

function scriptLines(what: string, script: Script | undefined): string[] {
  if (script === undefined) return [];
  return [`   ${what} notify script = ${shownScript(script)}`];
}

function sorryLines(server: VirtualServer, name: string): string[] {
  const { sorry_server: sorry } = server;
  if (sorry === undefined) return [];
  const protocol =
    /:(tcp|udp|sctp|none):/.exec(name)?.[1] ?? server.protocol?.toLowerCase() ?? 'none';
  return [
    `   sorry server${server.sorry_twin ? ' (duplicates rs)' : ''} = [${sorry.address}]:${protocol}:${sorry.port}`,
    methodLine(server.sorry_server_lvs_method ?? server.lvs_method, '  '),
    `     Inhibit on failure is ${onOff(server.sorry_server_inhibit)}`,
  ];
}

function realLines(
  real: RealServer,
  server: VirtualServer,
  globals: GlobalDefs,
  live: LiveReal | undefined,
  files: readonly TrackedFile[],
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
    methodLine(real.lvs_method ?? server.lvs_method),
    `   Alpha is ${onOff(alpha)}`,
    `   connection timeout = ${decimals(real.connect_timeout ?? server.connect_timeout)}`,
    `   connection limit range = ${real.lthreshold} -> ${real.uthreshold}`,
    `   Delay loop = ${decimals(real.delay_loop ?? server.delay_loop)}`,
    ...(retry === undefined ? [] : [`   Retry count = ${retry}`]),
    ...(delay === undefined ? [] : [`   Retry delay = ${decimals(delay)}`]),
    ...(warmup === undefined ? [] : [`   Warmup = ${decimals(warmup)}`]),
    `   Inhibit on failure is ${onOff(real.inhibit_on_failure ?? server.inhibit_on_failure)}`,
    ...scriptLines('  RS up', real.notify_up),
    ...scriptLines('  RS down', real.notify_down),
    ...(host === undefined ? [] : [`    VirtualHost = '${host}'`]),
    ...(real.snmp_name === undefined ? [] : [`   SNMP name = ${real.snmp_name}`]),
    `   Using smtp notification = ${yesNo(alert)}`,
    `   initial weight = ${real.weight}`,
    `   effective weight = ${weight}`,
    '   previous effective_weight = 0',
    `   alive = ${(live?.alive ?? failed === 0) ? 1 : 0}`,
    `   num failed checkers = ${failed}`,
    `   RS set = ${(live?.set ?? true) ? 1 : 0}`,
    '   reloaded = 0',
    ...trackedLines(real, files),
  ];
}

function trackedLines({ checkers }: RealServer, files: readonly TrackedFile[]): string[] {
  const of = (wanted: CheckKind) => checkers.filter(({ kind }) => kind === wanted);
  const sessions = of('BFD_CHECK');
  return [
    ...(of('FILE_CHECK').length === 0 ? [] : ['   Tracked Files']),
    ...of('FILE_CHECK').map((one) => `     ${one.values.track_file}, ${followedText(one, files)}`),
    ...(sessions.length === 0 ? [] : ['   Tracked BFDs']),
    ...sessions.map((one) => `     ${sessionOf(one)}`),
  ];
}
