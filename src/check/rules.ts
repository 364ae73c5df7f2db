// The rules between the keywords of a virtual server and its real servers, as keepalived 2.2.7 applies them. What
// comes out is plain JSON: the services that can run.

import { AFTERWARDS, atClosing, collect, nodeOf } from '../config/build.ts';
import { meantOf, type Severity } from '../config/diagnostic.ts';
import type { Infer, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { resolveCommands } from '../config/script.ts';
import type { Script } from '../config/value.ts';
import { type Family, family, familyNamed } from '../lib/ip.ts';
import { type Checker, resolveCheckers } from './checks.ts';
import { familyClash, hasMark, needsMethod, portClashes, portOf } from './forwarding.ts';
import { realServer, virtualServer } from './keywords.ts';
import { entriesOf, type References, type Surroundings } from './references.ts';
import { type Endpoint, type Method, method, mistake, type Service } from './value.ts';

export type VirtualRows = Infer<typeof virtualServer>;
type RealRows = Infer<typeof realServer>;
type RealStatement = Statement<typeof realServer>;
type VirtualStatement = Statement<typeof virtualServer>;

type CheckKeyword = Extract<keyof typeof realServer, `${string}_CHECK` | `${string}_GET`>;

export interface RealServer
  extends Endpoint,
    Omit<RealRows, CheckKeyword | 'weight' | 'notify_up' | 'notify_down'> {
  readonly weight: number;
  readonly notify_up?: Script;
  readonly notify_down?: Script;
  /** The port that the file gives it, where IPVS uses another one: checks ask there. */
  readonly checked_port?: number;
  /** In the order of the file. */
  readonly checkers: readonly Checker[];
}

export interface VirtualServer
  extends Omit<
    VirtualRows,
    | 'real_server'
    | 'lvs_sched'
    | 'lvs_method'
    | 'sorry_server_lvs_method'
    | 'quorum_up'
    | 'quorum_down'
  > {
  readonly sorry_server_lvs_method?: Method;
  /** The port that the file gives the sorry server, where IPVS uses another one. */
  readonly sorry_port?: number;
  readonly service: Service;
  readonly lvs_sched: NonNullable<VirtualRows['lvs_sched']>;
  readonly lvs_method: Method;
  /** None was given, and each server has its own. */
  readonly own_methods?: true;
  readonly quorum_up?: Script;
  readonly quorum_down?: Script;
  readonly real_server: readonly RealServer[];
}

export interface VirtualBlock {
  readonly node: Node;
  /** Its place among the blocks of the file. */
  readonly order: number;
  readonly heading: Service;
  readonly statements: readonly VirtualStatement[];
}

/** Services that have a real server, in the order of the file. */
export function resolveVirtualServers(
  blocks: readonly VirtualBlock[],
  references: References,
  around: Surroundings,
): VirtualServer[] {
  const uses = new Map<string, number>();
  return blocks.flatMap((block) => {
    const server = resolveService(counted(block, uses), references, around);
    return server === undefined ? [] : [server];
  });
}

/** keepalived numbers the services of a group: one has TCP, another UDP. */
function counted(block: VirtualBlock, uses: Map<string, number>): VirtualBlock {
  const { heading } = block;
  if (!('group' in heading)) return block;
  const use = uses.get(heading.group) ?? 0;
  uses.set(heading.group, use + 1);
  return use === 0 ? block : { ...block, heading: { ...heading, use } };
}

/** As keepalived writes it: `[192.0.2.1]:tcp:80`, `FWM 1`, `[name]:0` (`[name]:1` for the next service of the group). */
export function nameOf(service: Service, protocol: VirtualRows['protocol']): string {
  if ('fwmark' in service) return `FWM ${service.fwmark}`;
  if ('group' in service) return `[${service.group}]:${service.use ?? 0}`;
  return `[${service.address}]:${protocol?.toLowerCase() ?? 'none'}:${service.port}`;
}

function resolveService(
  block: VirtualBlock,
  references: References,
  around: Surroundings,
): VirtualServer | undefined {
  const { node, statements, heading: service } = block;
  const { report } = around;
  checkFlags(statements, around);
  const { protocol: said, ...rows } = collect(virtualServer, statements) as VirtualRows;
  const portless = hasOnlyMarks(service, references);
  // A mark has no protocol, nor have the names of its servers.
  const given: VirtualRows = said === undefined || portless ? rows : { ...rows, protocol: said };
  const of = familyOf(block, given, around);
  const reals = realServersOf(block, given, of, references, around);
  let name = nameOf(service, given.protocol);
  const say = (keyword: string, id: string, message: string, severity: Severity = 'error'): void =>
    report(
      { ...mistake(id, message), severity },
      nodeOf(statements, keyword as 'quorum') ?? node,
      AFTERWARDS,
    );
  if ('group' in service && !references.groups.has(service.group)) {
    // keepalived drops it without a word.
    const message = `Virtual server group ${service.group} is not defined`;
    const hint = meantOf(service.group, references.groups);
    report({ ...mistake('unknown-group', message, hint), class: 'none' }, node, AFTERWARDS);
    return undefined;
  }
  if (reals.length === 0) {
    say('', 'no-real-server', `Virtual server ${name} has no real servers - ignoring`);
    return undefined;
  }
  const clash = familyClash(service, given, reals, references);
  if (clash !== undefined) {
    // keepalived logs it when it runs; -t neither says it nor counts it.
    const message = `${clash} doesn't match virtual server ${name} - ignoring`;
    const hint = 'only lvs_method TUN can bring one family to the other';
    report({ ...mistake('group-family', message, { hint }), class: 'none' }, node, AFTERWARDS);
    return undefined;
  }
  const marked = isMarked(service, references);
  let { protocol } = given;
  if (marked && given.ha_suspend)
    say(
      'ha_suspend',
      'mark-suspend',
      `Virtual server ${name}: cannot use ha_suspend with fwmarks - clearing ha_suspend`,
      'warning',
    );
  if (portless && said !== undefined)
    say(
      'protocol',
      'mark-protocol',
      `Warning: Virtual server ${name}: protocol specified for fwmark - protocol will be ignored`,
      'warning',
    );
  else if (!portless && protocol === undefined) {
    say(
      '',
      'no-protocol',
      `Virtual server ${name}: no protocol set - defaulting to UDP`,
      'warning',
    );
    protocol = 'UDP';
    name = nameOf(service, protocol);
  }
  if (given.lvs_sched === undefined)
    say(
      '',
      'no-scheduler',
      `Virtual server ${name}: no scheduler set, setting default 'wlc'`,
      'warning',
    );
  const methodless = given.lvs_method === undefined;
  const ownMethods = methodless && !needsMethod(given, reals);
  if (methodless && !ownMethods)
    say(
      '',
      'no-method',
      `Virtual server ${name}: no forwarding method set, setting default NAT`,
      'warning',
    );
  if (given.ops && !portless && protocol !== 'UDP')
    say(
      'ops',
      'ops-without-udp',
      `Virtual server ${name}: one packet scheduling requires UDP - resetting`,
    );
  const persistent = needsPersistence(service, references);
  if (persistent && given.persistence_timeout === undefined && !grained(given))
    say(
      '',
      'zero-port',
      `Virtual server ${name}: zero port only valid for persistent services - setting`,
    );
  const { sorry_server_lvs_method: words, sorry_server: sorry } = given;
  const sorryMethod = words === undefined ? undefined : sorryWords.parse(words, '').value;
  const spoken = protocol === undefined ? given : { ...given, protocol };
  for (const clash of portClashes(name, service, spoken, reals, sorryMethod, references))
    say(clash.keyword, 'port-differs', clash.message, 'warning');
  const inhibit = checkSorry(name, spoken, reals, say);
  const { quorum, hysteresis } = decideQuorum(given, name, reals, say);
  const {
    real_server: _,
    quorum_up: __,
    quorum_down: ___,
    sorry_server_lvs_method: ____,
    ...rest
  } = given;
  return {
    ...rest,
    ...resolveCommands(virtualServer, statements, name, around),
    ...(sorryMethod === undefined ? {} : { sorry_server_lvs_method: sorryMethod }),
    ...(sorry === undefined ? {} : sorryAt(sorry, sorryMethod ?? given.lvs_method, service)),
    service,
    ...(protocol === undefined ? {} : { protocol }),
    lvs_sched: given.lvs_sched ?? 'wlc',
    lvs_method: given.lvs_method ?? { kind: 'NAT' },
    ...(ownMethods ? { own_methods: true as const } : {}),
    ha_suspend: given.ha_suspend && !marked,
    ops: given.ops && (portless || protocol === 'UDP'),
    quorum,
    hysteresis,
    sorry_server_inhibit: inhibit,
    real_server: reals.map((real) => {
      const port = portOf(real.port, real.lvs_method ?? given.lvs_method, service);
      return port === real.port ? real : { ...real, port, checked_port: real.port };
    }),
  };
}

function sorryAt(sorry: Endpoint, method: Method | undefined, service: Service) {
  const port = portOf(sorry.port, method, service);
  return port === sorry.port ? {} : { sorry_server: { ...sorry, port }, sorry_port: sorry.port };
}

type SayOf = (keyword: string, id: string, message: string) => void;

function checkSorry(
  name: string,
  given: VirtualRows,
  reals: readonly RealServer[],
  say: SayOf,
): boolean {
  const sorry = given.sorry_server;
  let inhibited = given.sorry_server_inhibit;
  if (sorry === undefined) return inhibited;
  for (const { address, port, inhibit_on_failure: inhibit } of reals) {
    if (address !== sorry.address || port !== sorry.port) continue;
    if ((inhibit ?? given.inhibit_on_failure) === given.sorry_server_inhibit) continue;
    const real = `[${address}]:${given.protocol?.toLowerCase() ?? 'none'}:${port}`;
    say(
      'sorry_server',
      'sorry-inhibit',
      `Virtual server ${name}: real server ${real} matches sorry server, but inhibit setting differs, setting on sorry server`,
    );
    inhibited = true;
  }
  return inhibited;
}

const grained = (given: VirtualRows): boolean => given.persistence_granularity !== undefined;

/** keepalived minds a protocol, or the lack of one, only where nothing could use it. */
const hasOnlyMarks = (service: Service, references: References): boolean =>
  'group' in service
    ? entriesOf(service, references).every((entry) => 'fwmark' in entry)
    : 'fwmark' in service;

const isMarked = (service: Service, references: References): boolean =>
  'group' in service ? hasMark(entriesOf(service, references)) : 'fwmark' in service;

const needsPersistence = (service: Service, references: References): boolean => {
  if ('fwmark' in service) return false;
  return 'group' in service
    ? entriesOf(service, references).some((entry) => 'address' in entry && entry.port === 0)
    : service.port === 0;
};

/** The family of what clients talk to; of the first real server where nothing else tells. */
function familyOf(
  { heading, statements }: VirtualBlock,
  given: VirtualRows,
  { report }: Surroundings,
): Family | undefined {
  const own = 'address' in heading ? family(heading.address) : undefined;
  const wanted = familyNamed(given.ip_family);
  let known = own;
  for (const { keyword, value, node } of statements) {
    if (keyword !== 'ip_family') continue;
    const said = familyNamed(value);
    known ??= said;
    if (said === known) continue;
    const message = `Virtual server specified family ${value} conflicts with server family`;
    report(mistake('service-family', message), node);
  }
  const grain = given.persistence_granularity;
  const at = nodeOf(statements, 'persistence_granularity');
  if ((own ?? wanted) === 6 && grain !== undefined && at !== undefined && !PREFIX.test(grain))
    report(mistake('granularity', `Invalid IPv6 persistence_granularity specified - ${grain}`), at);
  return own ?? wanted;
}

const PREFIX = /^([1-9]|[1-9]\d|1[01]\d|12[0-8])$/;

const sorryWords = method('sorry server');

/** Flags of a scheduler stand after it. */
function checkFlags(statements: readonly VirtualStatement[], { report }: Surroundings): void {
  let scheduler: string | undefined;
  let sorry = false;
  for (const { keyword, node, value } of statements) {
    switch (keyword) {
      case 'lvs_sched':
        scheduler = value;
        break;
      case 'sorry_server':
        sorry = true;
        break;
      case 'hashed':
      case 'sh-port':
      case 'sh-fallback':
      case 'mh-port':
      case 'mh-fallback': {
        const fits = keyword.startsWith('mh') ? scheduler === 'mh' : scheduler === 'sh';
        if (fits || (keyword === 'hashed' && scheduler === 'mh')) break;
        // keepalived says sh also where it means mh.
        const message = `${keyword} only applies to sh scheduler - ignoring`;
        const wrong = mistake('flag-of-scheduler', message, { word: -1 });
        // Of the other scheduler that hashes it ignores them in silence.
        const hashes = scheduler === 'sh' || scheduler === 'mh';
        report(hashes ? { ...wrong, severity: 'warning', class: 'none' } : wrong, node);
        break;
      }
      case 'sorry_server_inhibit':
        if (!sorry)
          report(
            mistake(
              'no-sorry-server',
              'Ignoring sorry_server inhibit used before or without sorry_server',
              { word: -1 },
            ),
            node,
          );
        break;
      case 'sorry_server_lvs_method':
        if (sorry)
          for (const complaint of sorryWords.parse(value, '').complaints ?? [])
            report(complaint, node);
        else
          report(
            mistake('no-sorry-server', 'sorry_server forwarding used without sorry_server', {
              word: -1,
              assumed: 'the line is ignored',
            }),
            node,
          );
        break;
      default:
        break;
    }
  }
}

function realServersOf(
  block: VirtualBlock,
  given: VirtualRows,
  of: Family | undefined,
  references: References,
  around: Surroundings,
): RealServer[] {
  const { report } = around;
  const servers: RealServer[] = [];
  const name = nameOf(block.heading, given.protocol);
  let expected = of;
  const foreign = (kind: string, address: string, node: Node): void =>
    report(
      mistake(
        'server-family',
        `Address family of virtual server and ${kind} server ${address} don't match - skipping ${kind} server.`,
      ),
      node,
      atClosing(kind === 'real' ? node : block.node),
    );
  // Thousands of servers: looking through all of them for each would take minutes.
  const places = new Set<string>();
  for (const { keyword, value, node } of block.statements) {
    if (keyword !== 'real_server') continue;
    const { address } = value.heading;
    // A tunnel may carry one family in the other.
    const tunnel = (lastMethod(value.statements) ?? given.lvs_method)?.kind === 'TUN';
    if (expected === undefined && !tunnel) expected = family(address);
    if (expected !== undefined && family(address) !== expected && !tunnel) {
      foreign('real', address, node);
      continue;
    }
    const real = resolveReal(
      block,
      value.heading,
      value.statements,
      node,
      given,
      references,
      around,
    );
    const shown = `[${address}]:${given.protocol?.toLowerCase() ?? 'none'}:${real.port}`;
    const place = `${address} ${real.port}`;
    if (places.has(place))
      report(
        mistake(
          'server-twice',
          `VS ${name}: real server ${shown} is duplicated - removing second rs`,
        ),
        node,
        AFTERWARDS,
      );
    else servers.push(real);
    places.add(place);
  }
  const sorry = given.sorry_server;
  if (sorry !== undefined && expected !== undefined && family(sorry.address) !== expected)
    foreign('sorry', sorry.address, nodeOf(block.statements, 'sorry_server') ?? block.node);
  return servers;
}

const lastMethod = (statements: readonly RealStatement[]): Method | undefined => {
  const found = statements.findLast((statement) => statement.keyword === 'lvs_method');
  return found?.keyword === 'lvs_method' ? found.value : undefined;
};

function resolveReal(
  block: VirtualBlock,
  { address, port: own }: Endpoint,
  statements: readonly RealStatement[],
  node: Node,
  given: VirtualRows,
  references: References,
  around: Surroundings,
): RealServer {
  const port = own === 0 && 'address' in block.heading ? block.heading.port : own;
  const { notify_up: _, notify_down: __, ...values } = collect(realServer, statements) as RealRows;
  const name = `[${address}]:${given.protocol?.toLowerCase() ?? 'none'}:${port}`;
  const checkers = resolveCheckers(
    statements,
    { name, address, node, order: block.order },
    references,
    around,
  );
  return {
    ...values,
    ...resolveCommands(realServer, statements, name, around),
    address,
    port,
    weight: values.weight ?? given.weight,
    checkers,
  };
}

/** What is meant is clear, and to relieve all servers by the weight 0 is no mistake: a reload goes on (a warning, not an error). */
function decideQuorum(
  given: VirtualRows,
  name: string,
  reals: readonly RealServer[],
  say: (keyword: string, id: string, message: string, severity: Severity) => void,
): { readonly quorum: number; readonly hysteresis: number } {
  const total = reals.reduce((sum, { weight }) => sum + weight, 0);
  let { quorum, hysteresis } = given;
  if (quorum > total) {
    say(
      'quorum',
      'quorum-too-high',
      `Warning - quorum ${quorum} for ${name} exceeds total weight of real servers ${total}, reducing quorum to ${total}`,
      'warning',
    );
    quorum = total;
  }
  if (hysteresis >= quorum) {
    // keepalived 2.2.7 takes 1 from 0 and gets the largest number there is.
    const reduced = quorum === 0 ? 4294967295 : quorum - 1;
    say(
      'hysteresis',
      'hysteresis-too-high',
      `Virtual server ${name}: hysteresis ${hysteresis} >= quorum ${quorum}; setting hysteresis to ${reduced}`,
      'warning',
    );
    hysteresis = Math.max(0, quorum - 1);
  }
  return { quorum, hysteresis };
}
