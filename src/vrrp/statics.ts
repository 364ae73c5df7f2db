// What the static blocks ask for: addresses, routes and rules that are there from the start to the end of the process,
// whatever its instances do, and that come back when somebody removes them.

import type { LinkAddress } from '../lib/link.ts';
import { PROTOCOL } from '../lib/link.ts';
import { remembered } from '../lib/memo.ts';
import type { GoneRoute, GoneRule } from '../lib/route.ts';
import { after, seconds } from '../lib/time.ts';
import type { KernelAddress, VrrpAction } from './action.ts';
import { addressKey, kernelAddresses, sameAddress } from './addresses.ts';
import type { StaticAddress, VrrpConfig } from './keywords.ts';
import { remove } from './member.ts';
import {
  holdRouting,
  NO_ROUTING,
  over,
  refuseRouting,
  removeRouting,
  restoreRoute,
  restoreRoutes,
  restoreRouting,
  restoreRule,
  retryRouting,
  shedRouting,
  type WantedRouting,
  wantedRouting,
} from './routes.ts';
import type { RoutingEntries } from './routing.ts';
import { entryOf, routeText, ruleText } from './routing-text.ts';
import type { Draft, KernelFacts, Routing, Statics } from './state.ts';

export const NO_STATICS: Statics = {
  addresses: [],
  refused: [],
  routing: NO_ROUTING,
  complained: {},
};

const RETRY = seconds(1);
const NONE: readonly never[] = [];

const entriesOf = remembered(
  (config: VrrpConfig, _: undefined): RoutingEntries => ({
    routes: config.static_routes ?? NONE,
    rules: config.static_rules ?? NONE,
  }),
);

export const wantedStatics = ({ router }: Draft): WantedRouting =>
  wantedRouting(entriesOf(router.config, undefined), router.kernel.links);

const isEmpty = ({ static_ipaddress, static_routes, static_rules }: VrrpConfig): boolean =>
  static_ipaddress === undefined && static_routes === undefined && static_rules === undefined;

function set(draft: Draft, change: Partial<Statics>): void {
  draft.router = { ...draft.router, statics: { ...draft.router.statics, ...change } };
}

function wantedAddresses(
  { static_ipaddress = NONE }: VrrpConfig,
  { links }: Pick<KernelFacts, 'links'>,
): readonly KernelAddress[] {
  return kernelAddresses(
    static_ipaddress.map(({ no_track: _, track_group: _group, ...entry }) => entry),
    undefined,
    links,
  );
}

/** Adds what is wanted and not held: at the start, after a reload, and when an interface has come. */
export function holdStatics(draft: Draft): void {
  const { config, kernel, statics } = draft.router;
  if (isEmpty(config)) return;
  const known = new Set(statics.addresses.map(addressKey));
  const added = wantedAddresses(config, kernel).filter(
    (address) => !known.has(addressKey(address)) && !isForeign(address, kernel),
  );
  if (added.length > 0) {
    draft.actions.push({ type: 'addAddresses', addresses: added });
    set(draft, { addresses: [...statics.addresses, ...added] });
  }
  const routing = holdRouting(draft, statics.routing, wantedStatics(draft));
  if (routing !== statics.routing) set(draft, { routing });
}

/** What somebody else had put there before is not ours to remove one day. */
function isForeign(address: KernelAddress, { addresses }: KernelFacts): boolean {
  const there = addresses[address.index]?.find((known) => sameAddress(known, address));
  return there !== undefined && there.protocol !== PROTOCOL;
}

/** Removes what a new configuration does not have any more. */
export function shedStatics(draft: Draft): void {
  const { config, kernel, statics } = draft.router;
  const routing = shedRouting(draft, statics.routing, wantedStatics(draft));
  const wanted = new Set(wantedAddresses(config, kernel).map((one) => JSON.stringify(one)));
  const gone = statics.addresses.filter((address) => !wanted.has(JSON.stringify(address)));
  if (gone.length > 0) remove(draft, gone);
  if (gone.length === 0 && routing === statics.routing) return;
  const stays = (address: KernelAddress): boolean => !gone.includes(address);
  set(draft, {
    addresses: statics.addresses.filter(stays),
    refused: statics.refused.filter(stays),
    routing,
  });
}

export function releaseStatics(draft: Draft): void {
  const { addresses, routing } = draft.router.statics;
  removeRouting(draft, routing);
  if (addresses.length > 0) remove(draft, addresses);
  draft.router = { ...draft.router, statics: NO_STATICS };
}

// What others do

/** Addresses that nobody asked to leave alone. */
function tracked({ router }: Draft): readonly KernelAddress[] {
  const { config, kernel, statics } = router;
  const careless = (config.static_ipaddress ?? NONE).filter(
    (entry: StaticAddress) => entry.no_track === true,
  );
  if (careless.length === 0) return statics.addresses;
  const keys = new Set(kernelAddresses(careless, undefined, kernel.links).map(addressKey));
  return statics.addresses.filter((address) => !keys.has(addressKey(address)));
}

export function onStaticAddressGone(draft: Draft, gone: LinkAddress): void {
  const lost = tracked(draft).filter((address) => sameAddress(address, gone));
  if (lost.length === 0) return;
  draft.actions.push({ type: 'addAddresses', addresses: lost });
  restoreRoutes(draft, draft.router.statics.routing, () => true);
  for (const { address, prefix, index } of lost) {
    const name = draft.router.kernel.links[index]?.name ?? `#${index}`;
    restored(draft, `address ${address}/${prefix} dev ${name}`);
  }
}

export function onStaticRouteGone(draft: Draft, gone: GoneRoute): void {
  const { links } = draft.router.kernel;
  for (const route of restoreRoute(draft, draft.router.statics.routing, gone))
    restored(draft, `route ${routeText(entryOf(route, links))}`);
}

export function onStaticRuleGone(draft: Draft, gone: GoneRule): void {
  for (const rule of restoreRule(draft, draft.router.statics.routing, gone))
    restored(draft, `rule ${ruleText(rule)}`);
}

function restored(draft: Draft, what: string): void {
  draft.actions.push({
    type: 'log',
    severity: 'info',
    text: `Restoring deleted static ${what}`,
  });
}

/** An interface has come, or has come up: the kernel had taken its routes. */
export function onStaticLinkUp(draft: Draft, index: number): void {
  if (isEmpty(draft.router.config)) return;
  shedStatics(draft);
  holdStatics(draft);
  const { addresses, routing } = draft.router.statics;
  const here = addresses.filter((address) => address.index === index);
  if (here.length > 0) draft.actions.push({ type: 'addAddresses', addresses: here });
  restoreRoutes(draft, routing, over(index));
}

/** News was lost. */
export function repairStatics(draft: Draft): void {
  const { kernel, statics } = draft.router;
  const lost = tracked(draft).filter(
    (address) => kernel.addresses[address.index]?.some((one) => sameAddress(one, address)) !== true,
  );
  if (lost.length > 0) draft.actions.push({ type: 'addAddresses', addresses: lost });
  restoreRouting(draft, statics.routing);
}

// What the kernel refuses

type Addition = Extract<VrrpAction, { type: 'addAddresses' | 'addRoutes' | 'addRules' }>;

/** Notes it for another attempt; says whether it concerns the static blocks and has not been complained of. */
export function refuseStatics(draft: Draft, action: Addition): boolean {
  if (!noteRefusal(draft, action)) return false;
  const { complained } = draft.router.statics;
  const what = JSON.stringify(action);
  if (complained[what] === true) return false;
  set(draft, { complained: { ...complained, [what]: true } });
  return true;
}

function noteRefusal(draft: Draft, action: Addition): boolean {
  const { statics } = draft.router;
  if (action.type === 'addAddresses') {
    const keys = new Set(action.addresses.map(addressKey));
    const ours = statics.addresses.filter((address) => keys.has(addressKey(address)));
    if (ours.length === 0) return false;
    const others = statics.refused.filter((address) => !keys.has(addressKey(address)));
    set(draft, { refused: [...others, ...ours], retryAt: after(draft.now, RETRY) });
    return true;
  }
  const routing: Routing | undefined = refuseRouting(draft, statics.routing, action);
  if (routing === undefined) return false;
  set(draft, { routing });
  return true;
}

export function retryStatics(draft: Draft): void {
  const { statics } = draft.router;
  const { retryAt, refused, ...rest } = statics;
  const due = retryAt !== undefined && retryAt <= draft.now;
  const routing = retryRouting(draft, statics.routing);
  if (due) draft.actions.push({ type: 'addAddresses', addresses: refused });
  if (due) draft.router = { ...draft.router, statics: { ...rest, refused: [], routing } };
  else if (routing !== statics.routing) set(draft, { routing });
}
