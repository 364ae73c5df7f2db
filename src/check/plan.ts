// Configuration -> what runs: every check with all that decides it filled in, and which servers follow it. Checks that are
// the same in every respect are one, however many servers stand behind it. Nothing here has happened yet.

import type { GlobalDefs } from '../config/globals.ts';
import type { Infer } from '../config/keyword.ts';
import type { Ip } from '../lib/ip.ts';
import type { IpvsService, ServiceKey } from '../lib/ipvs.ts';
import { type Duration, seconds } from '../lib/time.ts';
import type { Connection } from './checker.ts';
import type {
  dnsRows,
  FileWeight,
  httpRows,
  miscRows,
  smtpRows,
  sslRows,
  tcpRows,
  udpRows,
} from './checkers.ts';
import type { Checker, CheckKind } from './checks.ts';
import { keepsPort } from './forwarding.ts';
import type { HttpOptions, PlainOptions, RegexOptions, Target, TlsOptions } from './options.ts';
import type { CheckerConfig, VirtualServerGroup } from './resolve.ts';
import { nameOf, type RealServer, type VirtualServer } from './rules.ts';
import { isSame, keysOf, nameOfKey, placeOf, serviceOf } from './table.ts';

/** When a check is made, and what its first results mean. */
export interface Timing {
  readonly delay_loop: Duration;
  /** Tries left after the first one failed. */
  readonly retry: number;
  readonly delay_before_retry: Duration;
  readonly warmup: Duration;
  readonly alpha: boolean;
  readonly log_all_failures: boolean;
  /** HTTP_GET and SSL_GET: no wait between pages while it recovers. */
  readonly fast_recovery: boolean;
}

export interface Check {
  /** What is asked, as text; two that ask the same differ in when and how often. */
  readonly question: string;
  readonly kind: CheckKind;
  /** Asked one after the other; none where somebody else tells (`follows`). */
  readonly targets: readonly Target[];
  readonly follows?: Followed;
  readonly timing: Timing;
  /** Whose result it is. */
  readonly users: readonly User[];
}

/** Something that is told: the number in a file, or how a BFD session is. */
export type Followed =
  | { readonly file: string; readonly weight: FileWeight }
  | { readonly session: string };

/** A checker of a real server, by places in the plan. */
export interface User {
  readonly service: number;
  readonly real: number;
  readonly checker: number;
}

export interface PlannedReal {
  /** As keepalived writes it. */
  readonly name: string;
  readonly config: RealServer;
  /** What IPVS knows it by within its service (placeOf). */
  readonly place: string;
  /** Places of its checks, in the order of the file. */
  readonly checks: readonly number[];
  /** Another server of its service has its address, and may have its port in IPVS: with DR and TUN that is the service's. */
  readonly shares: boolean;
}

export interface PlannedPool {
  /** nameOfKey. */
  readonly name: string;
  readonly key: ServiceKey;
  readonly service: IpvsService;
}

export interface PlannedService {
  readonly id: string;
  /** The same service in another configuration has the same, and so has one that is given twice. */
  readonly family: string;
  readonly name: string;
  readonly config: VirtualServer;
  /** What IPVS has for it: several for a group. */
  readonly pools: readonly PlannedPool[];
  readonly reals: readonly PlannedReal[];
}

export interface Plan {
  readonly checks: readonly Check[];
  /** Places of the checks that ask a question: one for each timing, nearly always one. */
  readonly askers: ReadonlyMap<string, readonly number[]>;
  readonly services: readonly PlannedService[];
  /** Who wants each service of IPVS (nameOfKey): places of services, nearly always one. */
  readonly owners: ReadonlyMap<string, readonly number[]>;
}

export const EMPTY: Plan = { checks: [], askers: new Map(), services: [], owners: new Map() };

/** What decides about every service, beside what it says itself. */
interface Around {
  readonly groups: readonly VirtualServerGroup[];
  readonly files: NonNullable<CheckerConfig['track_file']>;
  readonly context: NonNullable<CheckerConfig['SSL']>;
  readonly checker_log_all_failures: boolean;
}

const aroundOf = (config: CheckerConfig): Around => ({
  groups: config.virtual_server_group ?? [],
  files: config.track_file ?? [],
  context: config.SSL ?? {},
  checker_log_all_failures: config.global_defs.checker_log_all_failures,
});

/** A check without those whose result it is. */
type Asked = Omit<Check, 'users'>;

/**
 * `before` is what runs so far. Services that are the same objects in both configurations are not worked out again: a reload
 * changes a few of tens of thousands of servers.
 */
export function planOf(
  config: CheckerConfig,
  before: { readonly config: CheckerConfig; readonly plan: Plan } = { config, plan: EMPTY },
): Plan {
  const checks: (Asked & { readonly users: User[] })[] = [];
  const askers = new Map<string, number[]>();
  const ids = new Map<string, number>();
  const around = aroundOf(config);
  const known = new Map(
    isSame(aroundOf(before.config), around)
      ? before.plan.services.map((service) => [service.config, service] as const)
      : [],
  );
  const add = (asked: Asked, user: User): number => {
    const known = placeOfCheck({ checks, askers }, asked);
    if (known !== undefined) {
      checks[known]?.users.push(user);
      return known;
    }
    const { question, kind, targets, follows, timing } = asked;
    checks.push({
      question,
      kind,
      targets,
      ...(follows === undefined ? {} : { follows }),
      timing,
      users: [user],
    });
    push(askers, question, checks.length - 1);
    return checks.length - 1;
  };
  const services = (config.virtual_server ?? []).map((server, service): PlannedService => {
    const old = known.get(server);
    const twins = sharedAddresses(server);
    const reals = server.real_server.map((real, position): PlannedReal => {
      const was = old?.reals[position];
      const own = real.checkers.map((checker, index) => {
        const asked = before.plan.checks[was?.checks[index] ?? -1];
        const user = { service, real: position, checker: index };
        return add(asked ?? checkOf(checker, real, server, around), user);
      });
      if (was?.checks.every((at, index) => at === own[index])) return was;
      return {
        name: was?.name ?? realName(real, server),
        place: was?.place ?? placeOf(real),
        config: real,
        checks: own,
        shares: twins.has(real.address),
      };
    });
    const name = nameOf(server.service, server.protocol);
    const pools =
      old?.pools ??
      keysOf(server, around.groups).map((key) => ({
        name: nameOfKey(key),
        key,
        service: serviceOf(server, key),
      }));
    const family = idOf(server, name, pools);
    const again = ids.get(family) ?? 0;
    ids.set(family, again + 1);
    return {
      id: again === 0 ? family : `${family} #${again}`,
      family,
      name,
      config: server,
      pools,
      reals,
    };
  });
  const owners = new Map<string, number[]>();
  for (const [at, { pools }] of services.entries())
    for (const { name } of pools) if (owners.get(name)?.at(-1) !== at) push(owners, name, at);
  return { checks, askers, services, owners };
}

/** keepalived's name, but for groups, which it counts, and for marks, which may be used with both families. */
function idOf(
  { service, protocol }: VirtualServer,
  name: string,
  [first]: readonly PlannedPool[],
): string {
  if ('group' in service) return `${service.group} ${protocol ?? ''}`;
  return first !== undefined && 'mark' in first.key ? `${name} IPv${first.key.family}` : name;
}

/** Addresses of several of its servers, the sorry server among them, where ports do not tell them apart. */
function sharedAddresses(server: VirtualServer): ReadonlySet<Ip> {
  const { lvs_method: usual, sorry_server: sorry, sorry_server_lvs_method: ofSorry } = server;
  const bound =
    server.real_server.some(({ lvs_method: own }) => keepsPort(own ?? usual)) ||
    (sorry !== undefined && keepsPort(ofSorry ?? usual));
  const shared = new Set<Ip>();
  if (!bound) return shared;
  const seen = new Set<Ip>();
  for (const { address } of [...server.real_server, ...(sorry === undefined ? [] : [sorry])]) {
    if (seen.has(address)) shared.add(address);
    seen.add(address);
  }
  return shared;
}

function push(lists: Map<string, number[]>, name: string, at: number): void {
  const known = lists.get(name);
  if (known === undefined) lists.set(name, [at]);
  else known.push(at);
}

/** Where the plan has the same check: what is asked, and when. */
export const placeOfCheck = (
  { checks, askers }: Pick<Plan, 'checks' | 'askers'>,
  { question, timing }: Pick<Check, 'question' | 'timing'>,
): number | undefined =>
  askers.get(question)?.find((at) => isSameTiming(checks[at]?.timing, timing));

const isSameTiming = (a: Timing | undefined, b: Timing): boolean =>
  a === b || (Object.keys(b) as (keyof Timing)[]).every((name) => a?.[name] === b[name]);

/** Another service has one of its keys: two that use one mark, or the same address twice. */
export const isCrowded = ({ owners }: Plan, { pools }: PlannedService): boolean =>
  pools.some(({ name }) => (owners.get(name) ?? []).length > 1);

/** A server of a service, by a name that no other has and that a reload keeps. */
export const idOfReal = ({ id }: PlannedService, { name }: PlannedReal): string =>
  `${name} of ${id}`;

/** As keepalived writes it: `[192.0.2.9]:tcp:80`. */
export const realName = (
  { address, port }: { readonly address: string; readonly port: number },
  { protocol }: Pick<VirtualServer, 'protocol'>,
): string => `[${address}]:${protocol?.toLowerCase() ?? 'none'}:${port}`;

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

/** What the checker says, else the real server, else the service, else keepalived. */
export function timingOf(
  { kind, values }: Pick<Checker, 'kind' | 'values'>,
  real: RealServer,
  server: VirtualServer,
  globals: Pick<GlobalDefs, 'checker_log_all_failures'>,
): Timing {
  const own = values as Partial<Infer<typeof tcpRows>> & { readonly fast_recovery?: boolean };
  const defaults = DEFAULTS[kind];
  const delay_loop = own.delay_loop ?? real.delay_loop ?? server.delay_loop;
  return {
    delay_loop,
    retry: own.retry ?? real.retry ?? server.retry ?? defaults.retry,
    delay_before_retry:
      own.delay_before_retry ??
      real.delay_before_retry ??
      server.delay_before_retry ??
      defaults.delay ??
      delay_loop,
    warmup: own.warmup ?? real.warmup ?? server.warmup ?? delay_loop,
    alpha: own.alpha ?? real.alpha ?? server.alpha,
    log_all_failures: own.log_all_failures ?? globals.checker_log_all_failures,
    fast_recovery: own.fast_recovery ?? false,
  };
}

function checkOf(checker: Checker, real: RealServer, server: VirtualServer, around: Around): Asked {
  const { kind } = checker;
  const timing = timingOf(checker, real, server, around);
  const targets = targetsOf(checker, real, server, timing.delay_loop, around);
  const follows = followedBy(checker, around);
  return {
    question: questionOf(kind, follows, targets),
    kind,
    targets,
    ...(follows === undefined ? {} : { follows }),
    timing,
  };
}

/** The same text for the same question. Tens of thousands at a reload, mostly of one kind: JSON would take longer than the rest. */
function questionOf(
  kind: CheckKind,
  follows: Followed | undefined,
  targets: readonly Target[],
): string {
  const [target] = targets;
  if (target?.kind !== 'TCP_CHECK' && target?.kind !== 'PING_CHECK')
    return `${kind} ${JSON.stringify(follows ?? targets)}`;
  const { address, port, bindAddress, bindPort, device, mark, timeout } = target.options.connection;
  return `${kind} ${address} ${port} ${mark} ${timeout} ${bindAddress ?? ''} ${bindPort ?? ''} ${device ?? ''}`;
}

function followedBy({ kind, values }: Checker, { files }: Around): Followed | undefined {
  if (kind === 'BFD_CHECK') return { session: String((values.name as readonly string[])[0]) };
  if (kind !== 'FILE_CHECK') return undefined;
  const file = String(values.track_file);
  const own = values.weight as FileWeight | undefined;
  const known = files.find(({ name }) => name === file);
  return { file, weight: own ?? known?.weight ?? { weight: 1, reverse: false } };
}

function targetsOf(
  { kind, values, script, url }: Checker,
  real: RealServer,
  server: VirtualServer,
  loop: Duration,
  around: Around,
): readonly Target[] {
  const plain: PlainOptions = { connection: connectionOf(values, real, server) };
  switch (kind) {
    case 'TCP_CHECK':
    case 'PING_CHECK':
      return [{ kind, options: plain }];
    case 'HTTP_GET':
    case 'SSL_GET':
      return (url ?? []).map((page) => ({
        kind,
        options: pageOf(kind, plain, values, page, real, server, around),
      }));
    case 'SMTP_CHECK': {
      const { helo_name = 'smtpchecker.keepalived.org' } = values as Partial<
        Infer<typeof smtpRows>
      >;
      return [{ kind, options: { ...plain, helo_name } }];
    }
    case 'DNS_CHECK': {
      const { type = 'SOA', name = '.' } = values as Partial<Infer<typeof dnsRows>>;
      return [{ kind, options: { ...plain, type, name } }];
    }
    case 'UDP_CHECK': {
      const given = values as Partial<Infer<typeof udpRows>>;
      const { payload, require_reply, min_reply_length = 0, max_reply_length = 255 } = given;
      const options = {
        ...plain,
        ...(payload === undefined ? {} : { payload }),
        ...(require_reply === undefined ? {} : { require_reply }),
        min_reply_length,
        max_reply_length,
      };
      return [{ kind, options }];
    }
    case 'MISC_CHECK': {
      const given = values as Partial<Infer<typeof miscRows>>;
      const { misc_timeout: own, misc_dynamic = false } = given;
      if (script === undefined) return [];
      const timeout = own === undefined || own === 0 ? loop : own;
      return [{ kind, options: { script, timeout, misc_dynamic } }];
    }
    case 'BFD_CHECK':
    case 'FILE_CHECK':
      return [];
  }
}

function connectionOf(
  values: Checker['values'],
  real: RealServer,
  server: VirtualServer,
): Connection {
  const given = values as Partial<Infer<typeof tcpRows>>;
  const { bindto, bind_port, bind_if } = given;
  return {
    address: given.connect_ip ?? real.address,
    port: given.connect_port ?? real.checked_port ?? real.port,
    ...(bindto === undefined ? {} : { bindAddress: bindto }),
    ...(bind_port === undefined ? {} : { bindPort: bind_port }),
    ...(bind_if === undefined ? {} : { device: bind_if }),
    mark: given.fwmark ?? 0,
    timeout: given.connect_timeout ?? real.connect_timeout ?? server.connect_timeout,
  };
}

type Page = Infer<(typeof httpRows)['url']['rows']>;

function pageOf(
  kind: 'HTTP_GET' | 'SSL_GET',
  plain: PlainOptions,
  values: Checker['values'],
  url: Readonly<Record<string, unknown>>,
  real: RealServer,
  server: VirtualServer,
  { context }: Around,
): HttpOptions {
  const given = values as Partial<Infer<typeof sslRows>>;
  const page = url as Partial<Page> & { readonly tls_compliant?: boolean };
  const virtualhost =
    page.virtualhost ?? given.virtualhost ?? real.virtualhost ?? server.virtualhost;
  const { sni_name } = given;
  const tls: TlsOptions = {
    // A name is asked for only to be used.
    enable_sni: (given.enable_sni ?? false) || sni_name !== undefined,
    ...(sni_name === undefined || sni_name === '' ? {} : { sni_name }),
    tls_compliant: page.tls_compliant ?? given.tls_compliant ?? false,
    context,
  };
  return {
    ...plain,
    ...(kind === 'SSL_GET' ? { tls } : {}),
    http_protocol: given.http_protocol ?? '1.0',
    path: page.path ?? '/',
    ...(virtualhost === undefined ? {} : { virtualhost }),
    ...(page.digest === undefined ? {} : { digest: page.digest }),
    status_code: page.status_code ?? [[200, 299]],
    ...(page.regex === undefined ? {} : { regex: regexOf(page.regex, page) }),
  };
}

function regexOf(pattern: string, page: Partial<Page>): RegexOptions {
  const { regex_min_offset, regex_max_offset, regex_stack } = page;
  return {
    pattern,
    regex_no_match: page.regex_no_match ?? false,
    regex_options: page.regex_options ?? [],
    ...(regex_min_offset === undefined ? {} : { regex_min_offset }),
    ...(regex_max_offset === undefined ? {} : { regex_max_offset }),
    ...(regex_stack === undefined ? {} : { regex_stack }),
  };
}
