// Routes and rules of an instance, or of the static blocks: which are wanted, what has to be ordered for that, and what
// has to be put back after somebody else has removed it. Nothing of the kernel's tables is remembered: an order for
// what is there already is refused as such, and that is no failure.

import { family, type Ip, ipBytes, ipFromBytes } from '../lib/ip.ts';
import type { Link } from '../lib/link.ts';
import { remembered } from '../lib/memo.ts';
import {
  type GoneRoute,
  type GoneRule,
  type KernelRoute,
  type KernelRule,
  MAIN_TABLE,
} from '../lib/route.ts';
import { after, type Duration, seconds } from '../lib/time.ts';
import type { VrrpAction } from './action.ts';
import type { HopEntry, RouteEntry, RoutingEntries, RuleEntry } from './routing.ts';
import type { Draft, KernelFacts, Routing } from './state.ts';

export const NO_ROUTING: Routing = { routes: [], rules: [], refused: { routes: [], rules: [] } };

/** How long after a refusal the same thing is tried again. */
const RETRY: Duration = seconds(1);
/** The metric of an IPv6 route that asks for none. */
const USUAL_METRIC_6 = 1024;

export type WantedRouting = Pick<Routing, 'routes' | 'rules'>;

/** As the kernel wants them; routes on interfaces that do not exist are left out. Same arguments, same result. */
export const wantedRouting = remembered(
  (entries: RoutingEntries, links: KernelFacts['links']): WantedRouting => {
    const indexes = new Map(Object.values(links).map((link: Link) => [link.name, link.index]));
    const routes = entries.routes.flatMap((entry) => kernelRoute(entry, indexes) ?? []);
    return { routes: distinct(routes), rules: distinct(entries.rules.map(kernelRule)) };
  },
);

const distinct = <T>(some: readonly T[]): readonly T[] => [
  ...new Map(some.map((one) => [JSON.stringify(one), one])).values(),
];

function kernelRoute(
  { dev, nexthops, no_track, track_group: _, ...rest }: RouteEntry,
  indexes: ReadonlyMap<string, number>,
): KernelRoute | undefined {
  const placed = place(dev, indexes);
  const hops = nexthops?.map(({ dev: over, ...hop }: HopEntry) => {
    const at = place(over, indexes);
    return at === undefined ? undefined : { ...hop, ...at };
  });
  if (placed === undefined || hops?.includes(undefined) === true) return undefined;
  return {
    ...rest,
    ...placed,
    ...(hops === undefined ? {} : { nexthops: hops as NonNullable<KernelRoute['nexthops']> }),
    ...(no_track === undefined ? {} : { untracked: true }),
  };
}

function place(
  dev: string | undefined,
  indexes: ReadonlyMap<string, number>,
): { readonly index?: number } | undefined {
  if (dev === undefined) return {};
  const index = indexes.get(dev);
  return index === undefined ? undefined : { index };
}

// keepalived leaves the origin of a rule that nobody looks after unspecified.
const kernelRule = ({
  inet6: _,
  track_group: _group,
  no_track,
  protocol,
  ...rest
}: RuleEntry): KernelRule => ({
  ...rest,
  protocol: protocol ?? 0,
  ...(no_track === undefined ? {} : { untracked: true }),
});

/** Removes what is held and not wanted: rules before the routes that they lead to. */
export function shedRouting(draft: Draft, held: Routing, wanted: WantedRouting): Routing {
  if (held.routes === wanted.routes && held.rules === wanted.rules) return held;
  const routes = lacking(held.routes, wanted.routes);
  const rules = lacking(held.rules, wanted.rules);
  removeRouting(draft, { routes, rules });
  return {
    ...held,
    routes: routes.length === 0 ? held.routes : lacking(held.routes, routes),
    rules: rules.length === 0 ? held.rules : lacking(held.rules, rules),
    refused: {
      routes: lacking(held.refused.routes, routes),
      rules: lacking(held.refused.rules, rules),
    },
  };
}

/** Removes and adds until what is held is what is wanted. */
export function holdRouting(draft: Draft, held: Routing, wanted: WantedRouting): Routing {
  if (held.routes === wanted.routes && held.rules === wanted.rules) return held;
  const rest = shedRouting(draft, held, wanted);
  addRoutes(draft, lacking(wanted.routes, rest.routes));
  addRules(draft, lacking(wanted.rules, rest.rules));
  return { ...rest, routes: wanted.routes, rules: wanted.rules };
}

/** Those of `some` that are not among `others`, each attribute compared. */
function lacking<T>(some: readonly T[], others: readonly T[]): readonly T[] {
  if (some === others || some.length === 0) return [];
  if (others.length === 0) return some;
  const known = new Set(others.map((one) => JSON.stringify(one)));
  return some.filter((one) => !known.has(JSON.stringify(one)));
}

export function removeRouting(draft: Draft, { routes, rules }: WantedRouting): void {
  const { links } = draft.router.kernel;
  // The kernel has removed the routes of an interface that is gone.
  const there = routes.filter(({ index }) => index === undefined || links[index] !== undefined);
  if (rules.length > 0) draft.actions.push({ type: 'removeRules', rules });
  if (there.length > 0) draft.actions.push({ type: 'removeRoutes', routes: there });
}

function addRoutes(draft: Draft, routes: readonly KernelRoute[], restored?: true): void {
  if (routes.length === 0) return;
  draft.actions.push({
    type: 'addRoutes',
    routes,
    ...(restored === undefined ? {} : { restored }),
  });
}

function addRules(draft: Draft, rules: readonly KernelRule[]): void {
  if (rules.length > 0) draft.actions.push({ type: 'addRules', rules });
}

/** Puts a deleted route back, unless its absence concerns nobody; those that were. */
export function restoreRoute(draft: Draft, held: Routing, gone: GoneRoute): readonly KernelRoute[] {
  const lost = held.routes.filter((route) => route.untracked !== true && isSame(route, gone));
  addRoutes(draft, lost, true);
  return lost;
}

export function restoreRule(draft: Draft, held: Routing, gone: GoneRule): readonly KernelRule[] {
  const lost = held.rules.filter(
    ({ untracked, family: of, priority }) =>
      untracked !== true && of === gone.family && priority === gone.priority,
  );
  addRules(draft, lost);
  return lost;
}

/** After the kernel has forgotten routes without a word, as it does when an interface or an address goes. */
export function restoreRoutes(
  draft: Draft,
  held: Routing,
  concerns: (route: KernelRoute) => boolean,
): void {
  addRoutes(draft, held.routes.filter(concerns), true);
}

/** News was lost: whatever is held and looked after is ordered again. */
export function restoreRouting(draft: Draft, held: Routing): void {
  const tracked = ({ untracked }: { readonly untracked?: true }): boolean => untracked !== true;
  addRoutes(draft, held.routes.filter(tracked), true);
  addRules(draft, held.rules.filter(tracked));
}

/** Whether a route may depend on an interface: one without a device follows its gateway. */
export const over =
  (index: number) =>
  ({ index: own, nexthops }: KernelRoute): boolean =>
    own === index ||
    (own === undefined && nexthops === undefined) ||
    nexthops?.some((hop) => hop.index === index || hop.index === undefined) === true;

function isSame(route: KernelRoute, gone: GoneRoute): boolean {
  const { metric = gone.family === 6 ? USUAL_METRIC_6 : 0 } = route;
  return (
    route.family === gone.family &&
    route.prefix === gone.prefix &&
    (route.table || MAIN_TABLE) === gone.table &&
    (route.family === 6 || (route.tos ?? 0) === gone.tos) &&
    metric === (gone.metric ?? 0) &&
    (route.via === undefined || gone.via === undefined || route.via === gone.via) &&
    (route.index === undefined || gone.index === undefined || route.index === gone.index) &&
    network(route.destination, route.prefix) === network(gone.destination, gone.prefix)
  );
}

/** The address with every bit behind the prefix cleared: the kernel keeps IPv6 routes so. */
function network(address: Ip, prefix: number): Ip {
  if (prefix === (family(address) === 4 ? 32 : 128)) return address;
  const bytes = ipBytes(address).map(
    (byte, i) => byte & ~(0xff >> Math.min(8, Math.max(0, prefix - 8 * i))) & 0xff,
  );
  return ipFromBytes(bytes);
}

type Addition = Extract<VrrpAction, { type: 'addRoutes' | 'addRules' }>;

/** Notes what the kernel refused; undefined where none of it is held here. */
export function refuseRouting(draft: Draft, held: Routing, action: Addition): Routing | undefined {
  const routes = action.type === 'addRoutes' ? common(held.routes, action.routes) : [];
  const rules = action.type === 'addRules' ? common(held.rules, action.rules) : [];
  if (routes.length === 0 && rules.length === 0) return undefined;
  const { refused } = held;
  return {
    ...held,
    refused: {
      routes: [...lacking(refused.routes, routes), ...routes],
      rules: [...lacking(refused.rules, rules), ...rules],
    },
    retryAt: after(draft.now, RETRY),
  };
}

const common = <T>(held: readonly T[], some: readonly T[]): readonly T[] =>
  held.filter((one) => lacking([one], some).length === 0);

/** Tries again what is due. */
export function retryRouting(draft: Draft, held: Routing): Routing {
  const { retryAt, refused, ...rest } = held;
  if (retryAt === undefined || retryAt > draft.now) return held;
  addRoutes(draft, refused.routes, true);
  addRules(draft, refused.rules);
  return { ...rest, refused: NO_ROUTING.refused };
}
