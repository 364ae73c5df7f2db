// How instances begin: what a process before this one left on interfaces goes first, unless an instance can take
// over its role so soon that nobody on the segment has noticed its end. It decides from facts alone.

import { PROTOCOL } from '../lib/link.ts';
import { type Instant, since } from '../lib/time.ts';
import type { KernelAddress, VrrpAction } from './action.ts';
import {
  addressKey,
  desiredAddresses,
  isVirtual,
  linkNamed,
  present,
  withoutAddresses,
} from './addresses.ts';
import { advance, beginGroups, faultsOf, refresh, settleGroups } from './advance.ts';
import type { Inheritance } from './event.ts';
import type { Rules } from './instance.ts';
import type { VrrpInstance } from './keywords.ts';
import { logAddresses, logRouting, memberAt, remove, setMember, wantedOnward } from './member.ts';
import { OWNER_PRIORITY } from './packet.ts';
import { NO_ROUTING, removeRouting, wantedRouting } from './routes.ts';
import type { RoutingEntries } from './routing.ts';
import { timeToAdopt } from './schedule.ts';
import { isUnicast } from './socket.ts';
import type { Draft, Member } from './state.ts';
import { holdStatics, wantedStatics } from './statics.ts';
import { assumeGood } from './tracker.ts';

/** Two configurations with different identities are different virtual routers, whatever their names say. */
export function identity(config: VrrpInstance): string {
  const { virtual_router_id, version, family, interface: at = '', own = '' } = config;
  return [virtual_router_id, version, family, at, own, isUnicast(config)].join(' ');
}

/** What a successor must be to go on in this instance's role. */
export const roleOf = (config: VrrpInstance): string => `${config.name} ${identity(config)}`;

/** Starts every instance of a new process. */
export function startMembers(draft: Draft, { journal, roles, routing }: Inheritance): void {
  // First, for the kernel finds a route by less than all of its words.
  if (routing !== undefined) removeUnwanted(draft, routing);
  holdStatics(draft);
  const abandoned = abandonedOf(draft, journal);
  const kernel = withoutAddresses(draft.router.kernel, abandoned);
  draft.router = { ...draft.router, kernel };
  for (const position of draft.router.members.keys()) {
    refresh(draft, position);
    recognize(draft, position, journal);
  }
  const adopted = adoptable(draft, new Map(roles.map(({ role, spokeAt }) => [role, spokeAt])));
  trustScripts(draft, adopted);
  for (const position of adopted) adopt(draft, position);
  removeAbandoned(draft, abandoned);
  const others = [...draft.router.members.keys()].filter((position) => !adopted.includes(position));
  beginGroups(draft, adopted);
  for (const position of others) startMember(draft, position);
  settleGroups(draft);
}

/** Those that can go on in the role of one that ended; the members of a group do so together or not at all. */
function adoptable(draft: Draft, spoke: ReadonlyMap<string, Instant>): readonly number[] {
  const { members, groups } = draft.router;
  const able = new Set(
    members.flatMap(({ config, faults }) => {
      const spokeAt = spoke.get(roleOf(config));
      // A script that has not ended yet says nothing: the one that was master had heard it.
      const ready = faults.every(({ kind }) => kind === 'pending');
      return spokeAt !== undefined && ready && isInTime(config, spokeAt, draft.now)
        ? [config.name]
        : [];
    }),
  );
  for (const { config } of groups)
    if (!config.group.every((name) => able.has(name)))
      for (const name of config.group) able.delete(name);
  return [...members.entries()].flatMap(([at, { config }]) => (able.has(config.name) ? [at] : []));
}

function trustScripts(draft: Draft, adopted: readonly number[]): void {
  if (adopted.length === 0) return;
  const names = new Set(adopted.map((position) => memberAt(draft, position).config.name));
  const lists = [
    ...draft.router.config.vrrp_instance.filter(({ name }) => names.has(name)),
    ...draft.router.groups.flatMap(({ config }) =>
      config.group.some((name) => names.has(name)) ? [config] : [],
    ),
  ];
  const scripts = lists.flatMap(({ track_script = [] }) => track_script.map(({ name }) => name));
  draft.router = { ...draft.router, trackers: assumeGood(draft.router.trackers, scripts) };
  for (const position of draft.router.members.keys()) refresh(draft, position);
}

/** Starts an instance: leftovers of a predecessor go before it reports any role. */
export function startMember(draft: Draft, position: number): void {
  refresh(draft, position);
  const member = memberAt(draft, position);
  removeLeftovers(draft, member);
  removeRoutingLeftovers(draft, member);
  advance(draft, position, { type: 'start', faults: faultsOf(draft, position) });
}

/**
 * Nobody has missed so many adverts yet that it takes over, and a quarter of an interval is left for ours to arrive.
 * A later successor would speak beside a new master.
 */
export function isInTime(rules: Rules, spokeAt: Instant, now: Instant): boolean {
  return since(now, spokeAt) < timeToAdopt(rules) - rules.advert_int / 4;
}

/** Of an owner's addresses, those that a process before this one has added are ours; the others are the machine's. */
function recognize(draft: Draft, position: number, journal: Inheritance['journal']): void {
  const member = memberAt(draft, position);
  if (member.config.priority !== OWNER_PRIORITY) return;
  const { kernel } = draft.router;
  const ours = new Set(journalled(kernel, journal).map(addressKey));
  const held = present(desiredAddresses(member.config, kernel), kernel).filter((address) =>
    ours.has(addressKey(address)),
  );
  if (held.length > 0) setMember(draft, position, { ...member, held });
}

/** The role goes on with the addresses that are there; those that are missing are added and announced. */
function adopt(draft: Draft, position: number): void {
  const member = memberAt(draft, position);
  const { kernel } = draft.router;
  if (member.config.priority !== OWNER_PRIORITY) {
    const held = present(desiredAddresses(member.config, kernel), kernel);
    setMember(draft, position, { ...member, held });
  }
  advance(draft, position, { type: 'adopt' });
}

const journalled = (
  kernel: Draft['router']['kernel'],
  journal: Inheritance['journal'],
): readonly KernelAddress[] =>
  journal.flatMap(({ dev, owned: _, ...entry }) => {
    const link = linkNamed(kernel, dev);
    return link === undefined ? [] : [{ ...entry, index: link.index, scope: 0 }];
  });

// An address that somebody else holds (an instance that is master, or an owner) is no leftover, nor is one that has just
// been ordered to go: an instance that a reload starts over.
function removeLeftovers(draft: Draft, member: Member): void {
  if (member.config.priority === OWNER_PRIORITY) return;
  const held = heldKeys(draft);
  for (const action of draft.actions)
    if (action.type === 'removeAddresses')
      for (const address of action.addresses) held.add(addressKey(address));
  const left = present(
    desiredAddresses(member.config, draft.router.kernel),
    draft.router.kernel,
  ).filter((address) => !held.has(addressKey(address)) && isVirtual(draft.router, address));
  if (left.length === 0) return;
  remove(draft, left);
  const lines: VrrpAction[] = [];
  logAddresses(member, 'removing', lines);
  draft.actions.push(...lines);
}

/** Nobody has asked the kernel which are there: removing one that is not is no failure. */
function removeRoutingLeftovers(draft: Draft, { config }: Member): void {
  const wanted = wantedOnward(config, draft.router.kernel);
  if (wanted === NO_ROUTING) return;
  const { members, statics } = draft.router;
  const others = [statics.routing, ...members.map(({ routing }) => routing)];
  const held = new Set(
    others.flatMap(({ routes, rules }) => [...routes, ...rules].map((one) => JSON.stringify(one))),
  );
  const left = (one: unknown): boolean => !held.has(JSON.stringify(one));
  removeRouting(draft, {
    routes: wanted.routes.filter(left),
    rules: wanted.rules.filter(left),
  });
  const lines: VrrpAction[] = [];
  logRouting(config, 'removing', lines);
  draft.actions.push(...lines);
}

/** What the journal names and no instance wants: the file has changed since it was written. */
function abandonedOf({ router }: Draft, journal: Inheritance['journal']): readonly KernelAddress[] {
  const { kernel, members } = router;
  const wanted = new Set(
    members.flatMap(({ config }) => desiredAddresses(config, kernel).map(addressKey)),
  );
  // The tag confirms: what somebody else has put there since stays.
  const foreign = new Set(
    Object.values(kernel.addresses).flatMap((list) =>
      list.filter(({ protocol = PROTOCOL }) => protocol !== PROTOCOL).map(addressKey),
    ),
  );
  return present(journalled(kernel, journal), kernel).filter((address) => {
    const key = addressKey(address);
    return !wanted.has(key) && !foreign.has(key);
  });
}

function removeAbandoned(draft: Draft, left: readonly KernelAddress[]): void {
  if (left.length === 0) return;
  remove(draft, left);
  const text = `Removing ${left.length} address${left.length === 1 ? '' : 'es'} of an earlier process that the configuration no longer has`;
  draft.actions.push({ type: 'log', severity: 'info', text });
}

/** The same of routes and rules, of which nobody knows whether they are there. */
function removeUnwanted(draft: Draft, left: RoutingEntries): void {
  const { kernel, members } = draft.router;
  const wanted = new Set(
    [wantedStatics(draft), ...members.map(({ config }) => wantedOnward(config, kernel))].flatMap(
      ({ routes, rules }) => [...routes, ...rules].map((one) => JSON.stringify(one)),
    ),
  );
  const unwanted = (one: unknown): boolean => !wanted.has(JSON.stringify(one));
  const { routes, rules } = wantedRouting(left, kernel.links);
  removeRouting(draft, { routes: routes.filter(unwanted), rules: rules.filter(unwanted) });
}

const heldKeys = ({ router }: Draft): Set<string> =>
  new Set(router.members.flatMap(({ held }) => held.map(addressKey)));
