// The rules between the keywords of a virtual server and its real servers, as keepalived 2.2.7 applies them. What
// comes out is plain JSON: the services that can run.

import { AFTERWARDS, collect, nodeOf } from '../config/build.ts';
import { meantOf, type Severity } from '../config/diagnostic.ts';
import type { Infer, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { resolveCommands } from '../config/script.ts';
import type { Script } from '../config/value.ts';
import type { Family } from '../lib/ip.ts';
import { type Checker, resolveCheckers } from './checks.ts';
import { familyClash, hasMark, needsMethod, portClashes, portOf } from './forwarding.ts';
import { realServer, virtualServer } from './keywords.ts';
import { entriesOf, type References, type Surroundings } from './references.ts';
import { type Endpoint, type Method, method, mistake, type Service } from './value.ts';
import { type RealBlock, type Walk, walkStatements } from './walk.ts';

export type VirtualRows = Infer<typeof virtualServer>;
type RealRows = Infer<typeof realServer>;
export type VirtualStatement = Statement<typeof virtualServer>;

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
  /** The file names the sorry server as a real one too. */
  readonly sorry_twin?: true;
  /** Of its address or mark, as far as the file says it. */
  readonly family?: Family;
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

/** Seconds that clients stay where only persistence_granularity, or a port 0, asks for it (IPVS_SVC_PERSISTENT_TIMEOUT). */
const PERSISTENCE = 360;

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
  const walk = walkStatements(block, around);
  const { protocol: said, ...rows } = walked(
    walk,
    collect(virtualServer, statements) as VirtualRows,
  );
  const portless = hasOnlyMarks(service, references);
  // A mark has no protocol, nor have the names of its servers.
  const given: VirtualRows = said === undefined || portless ? rows : { ...rows, protocol: said };
  const all = walk.reals.map((real) => resolveReal(block, real, given, references, around));
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
  const clash = familyClash(service, walk.family, references);
  if (clash !== undefined) {
    // keepalived logs it when it runs; -t neither says it nor counts it.
    const message = `${clash} doesn't match virtual server ${name} - ignoring`;
    const hint = 'only lvs_method TUN can bring one family to the other';
    report({ ...mistake('group-family', message, { hint }), class: 'none' }, node, AFTERWARDS);
    return undefined;
  }
  const reals = withoutTwins(all, walk, name, given.protocol, around);
  if (reals.length === 0) {
    say('', 'no-real-server', `Virtual server ${name} has no real servers - ignoring`);
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
  const grained = walk.granularity !== undefined;
  if (persistent && given.persistence_timeout === undefined && !grained)
    say(
      '',
      'zero-port',
      `Virtual server ${name}: zero port only valid for persistent services - setting`,
    );
  const { sorry_server: sorry } = given;
  const sorryMethod = walk.sorry?.method;
  const spoken = protocol === undefined ? given : { ...given, protocol };
  for (const clash of portClashes(name, service, spoken, reals, sorryMethod, references))
    say(clash.keyword, 'port-differs', clash.message, 'warning');
  const twin = walk.reals.findIndex(
    ({ heading }) => heading.address === sorry?.address && heading.port === sorry.port,
  );
  const inhibit = checkSorry(name, spoken, all[twin], say);
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
    ...(walk.family === undefined ? {} : { family: walk.family }),
    ...(sorryMethod === undefined ? {} : { sorry_server_lvs_method: sorryMethod }),
    ...(persistent || grained
      ? { persistence_timeout: given.persistence_timeout ?? PERSISTENCE }
      : {}),
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
    ...(twin < 0 ? {} : { sorry_twin: true as const }),
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

/** One that the file names as a real server too is treated like that one when it fails. */
function checkSorry(
  name: string,
  given: VirtualRows,
  twin: RealServer | undefined,
  say: SayOf,
): boolean {
  const own = given.sorry_server_inhibit;
  if (twin === undefined) return own;
  const inhibit = twin.inhibit_on_failure ?? given.inhibit_on_failure;
  if (inhibit === own) return own;
  const real = `[${twin.address}]:${given.protocol?.toLowerCase() ?? 'none'}:${given.sorry_server?.port}`;
  const what = inhibit ? 'setting' : 'clearing';
  const message = `real server ${real} matches sorry server, but inhibit setting differs, ${what} on sorry server`;
  say('sorry_server', 'sorry-inhibit', `Virtual server ${name}: ${message}`);
  return inhibit;
}

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

/** What depends on the order of the statements is as the walk has left it. */
function walked(
  { sorry, granularity, flags, method: usual }: Walk,
  rows: VirtualRows,
): VirtualRows {
  const { sorry_server: _, sorry_server_inhibit: __, persistence_granularity: ___, ...rest } = rows;
  return {
    ...rest,
    ...(usual === undefined ? {} : { lvs_method: usual }),
    'flag-1': rows['flag-1'] || flags.has('flag-1'),
    'flag-2': rows['flag-2'] || flags.has('flag-2'),
    sorry_server_inhibit: sorry?.inhibit ?? false,
    ...(sorry === undefined ? {} : { sorry_server: sorry.endpoint }),
    ...(granularity === undefined ? {} : { persistence_granularity: granularity }),
  };
}

const isSameMethod = (a: Method, b: Method | undefined): boolean =>
  a === b || (b !== undefined && method('').format(a) === method('').format(b));

/** Two are one where the file says the same of both: without a port is not with that of the service. */
function withoutTwins(
  reals: readonly RealServer[],
  { reals: blocks }: Walk,
  name: string,
  protocol: VirtualRows['protocol'],
  { report }: Surroundings,
): readonly RealServer[] {
  // Thousands of servers: looking through all of them for each would take minutes.
  const places = new Set<string>();
  return reals.filter((_, at) => {
    const { heading, node } = blocks[at] as RealBlock;
    const place = `${heading.address} ${heading.port}`;
    const again = places.has(place);
    if (again) {
      const shown = `[${heading.address}]:${protocol?.toLowerCase() ?? 'none'}:${heading.port}`;
      const message = `VS ${name}: real server ${shown} is duplicated - removing second rs`;
      report(mistake('server-twice', message), node, AFTERWARDS);
    }
    places.add(place);
    return !again;
  });
}

/** What a real server has otherwise than it is written. */
type Resolved = 'notify_up' | 'notify_down' | 'lvs_method';
const RESOLVED: ReadonlySet<string> = new Set<Resolved>(['notify_up', 'notify_down', 'lvs_method']);

function resolveReal(
  block: VirtualBlock,
  { heading: { address, port: own }, statements, node, method }: RealBlock,
  given: VirtualRows,
  references: References,
  around: Surroundings,
): RealServer {
  const port = own === 0 && 'address' in block.heading ? block.heading.port : own;
  const said = statements.some(({ keyword }) => keyword === 'lvs_method');
  const values = collect(
    realServer,
    statements.filter(({ keyword }) => !RESOLVED.has(keyword)),
  ) as Omit<RealRows, Resolved>;
  const name = `[${address}]:${given.protocol?.toLowerCase() ?? 'none'}:${port}`;
  const checkers = resolveCheckers(
    statements,
    { name, address, node, order: block.order },
    references,
    around,
  );
  return {
    ...values,
    // One that stands before the last lvs_method of its service keeps what held there.
    ...(method === undefined || (!said && isSameMethod(method, given.lvs_method))
      ? {}
      : { lvs_method: method }),
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
