// From lines of routes and rules to what the core works with: names are looked up, interfaces are checked, rules get
// the preference they lack. Knows the machine only through facts.

import type { NameKind } from '../config/build.ts';
import type { Entry } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import type { Encapsulation, HopWords, KernelRule, RouteWords } from '../lib/route.ts';
import { KEEPALIVED_PROTOCOL } from '../lib/route.ts';
import { comesLater, fatal, mistake, type Surroundings } from './decision.ts';
import type { EncapsulationText, HopText } from './hop.ts';
import { formatPrefixed, type Name } from './line.ts';
import type { RouteText } from './route.ts';
import type { RuleText } from './rule.ts';

/** A route, resolved. `no_track`: neither its interface nor its absence concerns anybody. */
export interface RouteEntry extends RouteWords {
  readonly dev?: string;
  readonly nexthops?: readonly HopEntry[];
  readonly no_track?: true;
  readonly track_group?: string;
}

export interface HopEntry extends HopWords {
  readonly dev?: string;
}

/** A rule, resolved. */
export interface RuleEntry extends Omit<KernelRule, 'protocol'> {
  readonly protocol?: number;
  readonly inet6?: true;
  readonly no_track?: true;
  readonly track_group?: string;
}

export interface RoutingEntries {
  readonly routes: readonly RouteEntry[];
  readonly rules: readonly RuleEntry[];
}

/** What of a configuration asks for a look at the machine, and where to complain. */
interface Look extends Surroundings {
  readonly node: Node;
  readonly failed: { yes: boolean };
}

const look = (around: Surroundings, node: Node): Look => ({
  ...around,
  node,
  failed: { yes: false },
});

function refuse(at: Look, id: string, message: string): undefined {
  at.failed.yes = true;
  at.report(mistake(id, message, { assumed: 'the line is left out' }), at.node);
  return undefined;
}

/** A number up to `most`, given as such or by name. */
function numbered(
  at: Look,
  kind: NameKind,
  name: Name | undefined,
  most: number,
  message: (name: Name) => string,
): number | undefined {
  if (name === undefined) return undefined;
  const value = typeof name === 'number' ? name : at.facts.numberOf?.(kind, name);
  if (value !== undefined && value <= most) return value;
  return refuse(at, `unknown-${kind}`, message(name));
}

const serviceType = (at: Look, tos: Name | undefined): number | undefined =>
  numbered(at, 'tos', tos, 255, (name) => `TOS value ${name} is invalid`);

/** [<from>/]<to>, each 8 bits wide where both are given, 16 where one is. */
function realms(at: Look, text: string | undefined, message: string): number | undefined {
  if (text === undefined) return undefined;
  const parts = text.split('/').map((part) => {
    if (/^(0[xX][0-9a-fA-F]+|\d+)$/.test(part)) return Number(part);
    return part === '' ? undefined : at.facts.numberOf?.('realm', part);
  });
  const [first, second, ...more] = parts;
  const right = parts.every((part) => part !== undefined && part <= 255) && more.length === 0;
  if (!right || first === undefined) return refuse(at, 'invalid-realms', message);
  return parts.length === 1 ? first : first * 0x10000 + (second as number);
}

function encapsulation(at: Look, encap: EncapsulationText | undefined): Encapsulation | undefined {
  if (encap === undefined || encap.kind === 'mpls' || encap.kind === 'ila') return encap;
  const { tos, ...rest } = encap;
  const says = (name: Name): string =>
    encap.kind === 'ip'
      ? `dsfield ${name} not valid for ip encapsulation`
      : 'tc value tc is invalid for ip6 encapsulation';
  const value = numbered(at, 'tos', tos, 255, says);
  return value === undefined ? rest : { ...rest, tos: value };
}

/** An interface that is not there ends a daemon that has not been told to wait for it. */
function checkInterface(at: Look, name: string | undefined, what: string): void {
  if (name === undefined || at.facts.interfaces.has(name)) return;
  if (at.globals.dynamic_interfaces !== undefined) return;
  at.failed.yes = true;
  at.report(
    {
      ...fatal('no-such-interface', `WARNING - interface ${name} for ${what} doesn't exist`),
      word: at.node.words.findIndex(({ text }) => text === name),
      ...comesLater(name, at.facts),
    },
    at.node,
  );
}

/** undefined where the line cannot be used, which has been said. */
export function resolveRoute(
  { value, node }: Entry<RouteText>,
  around: Surroundings,
): RouteEntry | undefined {
  const at = look(around, node);
  const { tos, table, protocol, scope, encap, realms: names, nexthops, vrf, ...rest } = value;
  checkInterface(at, rest.dev, 'VROUTE nexthop');
  const hops = nexthops && resolveHops(at, nexthops);
  const most = 0xffffffff;
  const found = {
    tos: serviceType(at, tos),
    table:
      vrfTable(at, vrf) ??
      numbered(at, 'table', table, most, (n) => `Routing table ${n} not found for route`),
    protocol: originOf(at, value, protocol),
    scope: numbered(at, 'scope', scope, 255, (n) => `Scope ${n} not found or invalid for route`),
    encap: encapsulation(at, encap),
    realms: realms(at, names, `Invalid realms ${names} for route`),
    nexthops: hops,
  };
  if (at.failed.yes) return undefined;
  const entry = { ...rest, ...defined(found) } as RouteEntry;
  if (entry.no_track === true || entry.dev !== undefined) return entry;
  const { text: shown = formatPrefixed({ address: entry.destination, prefix: entry.prefix }) } =
    node.words.find(({ text }) => entry.prefix === 0 && EVERYTHING.includes(text)) ?? {};
  const message = `Warning - cannot track route ${shown} with no interface specified, not tracking`;
  at.report(
    { ...mistake('untracked', message, { assumed: 'no_track' }), severity: 'warning' },
    node,
  );
  return { ...entry, no_track: true };
}

const EVERYTHING: readonly string[] = ['default', 'any', 'all', 'default6'];

function vrfTable(at: Look, vrf: string | undefined): number | undefined {
  if (vrf === undefined) return undefined;
  const table = at.facts.vrfTable?.(vrf);
  if (table !== undefined) return table;
  return at.facts.interfaces.has(vrf)
    ? refuse(at, 'no-vrf', `Route specified VRF ${vrf} is not a VRF`)
    : refuse(at, 'no-vrf', `VRF ${vrf} not found for route`);
}

/** Whose the route is: another origin than keepalived's only where nobody looks after it. */
function originOf(at: Look, { no_track }: RouteText, name: Name | undefined): number | undefined {
  const says = (n: Name): string => `Protocol ${n} not found or invalid for route`;
  const protocol = numbered(at, 'protocol', name, 255, says);
  if (no_track === true) return protocol;
  if (protocol !== undefined && protocol !== KEEPALIVED_PROTOCOL) complainOfOrigin(at, 'Route');
  return KEEPALIVED_PROTOCOL;
}

const complainOfOrigin = (at: Look, what: string): void =>
  at.report(
    mistake(
      'foreign-protocol',
      `${what} cannot be tracked if protocol is not RTPROT_KEEPALIVED(${KEEPALIVED_PROTOCOL}), resetting protocol`,
      { assumed: 'protocol keepalived', hint: 'add no_track to keep the protocol' },
    ),
    at.node,
  );

/** keepalived forgets all hops when one of them is wrong, and keeps the route. */
function resolveHops(at: Look, hops: readonly HopText[]): readonly HopEntry[] | undefined {
  const inner: Look = { ...at, failed: { yes: false } };
  const resolved = hops.map(({ realms: names, encap, ...rest }) => ({
    ...rest,
    ...defined({
      realms: realms(inner, names, `Invalid realms ${names} for route`),
      encap: encapsulation(inner, encap),
    }),
  }));
  if (inner.failed.yes) return undefined;
  for (const { dev } of hops) checkInterface(at, dev, 'VROUTE nexthop');
  return resolved as readonly HopEntry[];
}

/** undefined where the line cannot be used, which has been said. */
export function resolveRule(
  { value, node }: Entry<RuleText>,
  priority: number,
  around: Surroundings,
): RuleEntry | undefined {
  const at = look(around, node);
  const { tos, table, realms: names, suppress_ifgroup, ipproto, ...rest } = value;
  for (const name of [rest.iif, rest.oif]) checkInterface(at, name, 'rule');
  const most = 0xffffffff;
  const found = {
    tos: serviceType(at, tos),
    table: numbered(at, 'table', table, most, (n) => `Routing table ${n} not found for rule`),
    realms: realms(at, names, `invalid realms ${names} for rule`),
    suppress_ifgroup: numbered(at, 'group', suppress_ifgroup, 0x7fffffff, (n) => {
      return `suppress_group ${n} is invalid`;
    }),
    ipproto: transport(at, ipproto),
    protocol: ruleOrigin(at, rest),
  };
  if (at.failed.yes) return undefined;
  return { ...rest, priority, ...defined(found) } as RuleEntry;
}

function ruleOrigin(at: Look, { no_track, protocol }: RuleText): number | undefined {
  if (no_track === true) return protocol;
  if (protocol !== undefined && protocol !== KEEPALIVED_PROTOCOL) complainOfOrigin(at, 'Rule');
  return KEEPALIVED_PROTOCOL;
}

/** One that is wrong is left out, and the rule stays. */
function transport(at: Look, name: Name | undefined): number | undefined {
  if (name === undefined) return undefined;
  const value = typeof name === 'number' ? name : at.facts.numberOf?.('transport', name);
  // Numbers up to 127, as keepalived has it; names may have greater ones.
  if (value !== undefined && value <= (typeof name === 'number' ? 127 : 255)) return value;
  at.report(
    mistake('unknown-transport', `Invalid ipproto ${name}`, { assumed: 'any protocol' }),
    at.node,
  );
  return undefined;
}

const defined = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;

/** The first preference of a rule that has none; each further one is lower. */
const FIRST_PREFERENCE = 16384;

/** Preferences of all rules of a file, in the order of the file. */
export function preferences(
  rules: readonly Entry<RuleText>[],
  report: Surroundings['report'],
): (entry: Entry<RuleText>) => number {
  let next = FIRST_PREFERENCE;
  const given = new Map<Node, number>();
  for (const { value, node } of rules) {
    if (value.priority !== undefined) continue;
    const message = `Rule has no preference specified - setting to ${next}. This is probably not what you want.`;
    const complaint = mistake('no-preference', message, { assumed: `priority ${next}` });
    report({ ...complaint, severity: 'warning' }, node);
    given.set(node, next--);
  }
  return ({ value, node }) => value.priority ?? (given.get(node) as number);
}
