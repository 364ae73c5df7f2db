// One instance together with what was ordered for it. Its socket, its schedule of adverts (speech.ts) and its addresses are
// functions of its state; the orders are the difference to what was ordered before, in the order that
// keeps the segment right: silence, last words, schedule, removals, additions, announcements.

import type { Ip } from '../lib/ip.ts';
import type { Link } from '../lib/link.ts';
import { remembered } from '../lib/memo.ts';
import type { KernelAddress, SocketSpec, VrrpAction } from './action.ts';
import { addressKey, desiredAddresses, present } from './addresses.ts';
import { burst, forget } from './burst.ts';
import { type Fault, sameFaults } from './fault.ts';
import { stepHeld } from './hold.ts';
import type { InstanceAction, InstanceEvent, MasterState, Subject } from './instance.ts';
import type { VrrpInstance } from './keywords.ts';
import { INIT } from './machine.ts';
import { notify } from './notify.ts';
import { speaksOn } from './own.ts';
import { OWNER_PRIORITY } from './packet.ts';
import {
  holdRouting,
  NO_ROUTING,
  removeRouting,
  type WantedRouting,
  wantedRouting,
} from './routes.ts';
import { BURST, nextSend, phaseOf } from './schedule.ts';
import { lower, raise } from './shield.ts';
import { socketSpec } from './socket.ts';
import { farewell, interject, settlePace, speak } from './speech.ts';
import { type Draft, type Member, NO_STATISTICS, type RouterState } from './state.ts';

export function createMember(config: VrrpInstance, pace: number): Member {
  return {
    config,
    rules: config,
    total: config.priority,
    state: INIT,
    pace,
    faults: [],
    held: [],
    refused: [],
    routing: NO_ROUTING,
    statistics: NO_STATISTICS,
    complained: {},
  };
}

export const memberAt = (draft: Draft, position: number): Member =>
  draft.router.members[position] as Member;

export function setMember(draft: Draft, position: number, member: Member): void {
  draft.router = { ...draft.router, members: draft.router.members.with(position, member) };
}

/** Steps one instance and orders what its new state needs; `group` is what its sync group means for it. */
export function stepMember(
  draft: Draft,
  position: number,
  event: InstanceEvent,
  group: Subject['group'],
): void {
  const member = memberAt(draft, position);
  const { rules, source } = member;
  const subject: Subject = {
    rules,
    ...(source === undefined ? {} : { source }),
    ...(group === undefined ? {} : { group }),
  };
  const { state, actions } = stepHeld(
    subject,
    member.state,
    event,
    draft.now,
    draft.router.holdUntil,
  );
  if (state === member.state && actions.length === 0) return;
  const next = state.name === 'master' ? apart(draft, member, state) : state;
  settle(draft, position, { ...member, state: next }, actions);
}

/**
 * Masters that begin together would for ever send in one burst, the last of them late: where many have the same
 * interval, their schedules get phases of their own. The first advert leaves at once all the same, and the second one early.
 */
function apart(draft: Draft, member: Member, state: MasterState): MasterState {
  if (member.state.name === 'master') return state;
  const { pace, config } = member;
  const { advert_int: period } = config;
  const count = draft.router.members.reduce(
    (sum, other) => sum + (other.config.advert_int === period ? 1 : 0),
    0,
  );
  if (count <= BURST) return state;
  return { ...state, phase: nextSend(phaseOf(pace, count, period), period, state.phase) };
}

/** Opens the socket that an instance needs, where it has what that takes; `fault` where it was refused. */
export function socketFault(
  draft: Draft,
  config: VrrpInstance,
  link: Link | undefined,
  source: Ip | undefined,
): { readonly key?: string; readonly fault?: Fault } {
  if (source === undefined) return {};
  const spec = socketSpec(config, link, source, draft.router.config.vrrp_instance);
  const record = openSocket(draft, spec);
  return record.state === 'open'
    ? { key: spec.key }
    : { key: spec.key, fault: { kind: 'socket', what: record.code ?? '' } };
}

export function withStanding(
  member: Member,
  source: Ip | undefined,
  faults: readonly Fault[],
  socket: string | undefined,
): Member {
  if (member.source === source && member.socket === socket && sameFaults(member.faults, faults))
    return member;
  const { source: _source, socket: _socket, ...rest } = member;
  return {
    ...rest,
    faults,
    ...(source === undefined ? {} : { source }),
    ...(socket === undefined ? {} : { socket }),
  };
}

function openSocket(draft: Draft, spec: SocketSpec) {
  const known = draft.router.sockets[spec.key];
  if (known !== undefined) return known;
  draft.actions.push({ type: 'open', socket: spec });
  const record = { spec, state: 'open' } as const;
  draft.router = { ...draft.router, sockets: { ...draft.router.sockets, [spec.key]: record } };
  return record;
}

/** Replaces a member and performs the difference between what it had ordered and what its state wants. */
export function settle(
  draft: Draft,
  position: number,
  next: Member,
  said: readonly InstanceAction[],
): void {
  const before = memberAt(draft, position);
  const lines: VrrpAction[] = [];
  let member = count(before, next);
  const interjects =
    before.state.name === 'master' && said.some(({ type }) => type === 'interject');
  if (interjects && before.speaking !== undefined)
    member = interject(draft, before.speaking, member);
  member = settlePace(draft, member);
  for (const action of said) {
    if (action.type === 'log') lines.push(action);
    else if (action.type === 'farewell')
      member = farewell(draft, before, member, action.silent === true ? [] : lines);
  }
  member = speak(draft, member);
  // A schedule that begins, or is taken up again, speaks at once, whatever its phase.
  const { speaking } = member;
  if (before.speaking === undefined && speaking !== undefined && speaking.first > draft.now)
    member = speak(draft, interject(draft, speaking, member));
  if (member.state.name === 'master') {
    setMember(draft, position, member);
    hold(draft, position, said, lines);
  } else {
    setMember(draft, position, release(draft, member, lines));
  }
  for (const action of said)
    if (action.type === 'notify')
      notify(draft.router.config, memberAt(draft, position), action, lines);
  draft.actions.push(...lines);
}

function count(before: Member, next: Member): Member {
  const was = before.state.name === 'master';
  const is = next.state.name === 'master';
  if (was === is) return next;
  const { becameMaster, releasedMaster } = next.statistics;
  return {
    ...next,
    complained: {},
    statistics: {
      ...next.statistics,
      becameMaster: becameMaster + (is ? 1 : 0),
      releasedMaster: releasedMaster + (was ? 1 : 0),
    },
  };
}

/** New numbers for a schedule, where it needs them. */
export function renew(draft: Draft, position: number): void {
  const member = memberAt(draft, position);
  const at = member.speaking?.renewAt;
  if (at !== undefined && at <= draft.now) setMember(draft, position, speak(draft, member));
}

/** Puts a master's addresses where they belong and announces what has to be announced. */
function hold(
  draft: Draft,
  position: number,
  said: readonly InstanceAction[],
  lines: VrrpAction[],
): void {
  const member = memberAt(draft, position);
  const desired = desiredAddresses(member.config, draft.router.kernel);
  const wanted = oursToHold(member, desired, draft.router);
  remove(draft, lacking(member.held, wanted));
  const shielded = raise(draft, lower(draft, member, wanted, lines), wanted, lines);
  const added = lacking(wanted, member.held);
  if (added.length > 0) logAddresses(member, 'setting', lines);
  setMember(draft, position, { ...shielded, held: wanted });
  const repeat = said.reduce(
    (most, action) => (action.type === 'announce' ? Math.max(most, action.repeat) : most),
    0,
  );
  // What a reload adds to a running master is announced by itself, and nothing else is.
  const aloud = said.some((action) => action.type === 'announce' && action.quiet !== true);
  if (repeat > 0) burst(draft, member, added, desired, repeat, aloud ? lines : []);
  else if (added.length > 0)
    burst(draft, member, added, added, member.config.garp_master_repeat, lines);
  for (const action of said)
    if (action.type === 'announceExtra')
      burst(draft, member, [], elsewhere(member.config, desired, draft, action.all), 1, lines);
  holdOnward(draft, position, lines);
}

/** Addresses on other interfaces than adverts leave by: nothing else keeps what bridges have learned of them. */
function elsewhere(
  config: VrrpInstance,
  desired: readonly KernelAddress[],
  { router }: Draft,
  all: boolean,
): readonly KernelAddress[] {
  const { links } = router.kernel;
  const made = new Set((config.made ?? []).map(({ name }) => name));
  const usual = speaksOn(config);
  return desired.filter(({ index }) => {
    const name = links[index]?.name;
    return name !== undefined && name !== usual && (all || made.has(name));
  });
}

/** Routes and rules come after the addresses: a gateway must be on a known network. */
export function holdOnward(draft: Draft, position: number, lines: VrrpAction[]): void {
  const member = memberAt(draft, position);
  const { config, routing } = member;
  const before = draft.actions.length;
  const next = holdRouting(draft, routing, wantedOnward(config, draft.router.kernel));
  if (next === routing) return;
  setMember(draft, position, { ...member, routing: next });
  if (draft.actions.length > before) logRouting(config, 'setting', lines);
}

export const wantedOnward = (
  config: VrrpInstance,
  { links }: Pick<RouterState['kernel'], 'links'>,
): WantedRouting =>
  config.virtual_routes === undefined && config.virtual_rules === undefined
    ? NO_ROUTING
    : wantedRouting(onward(config, undefined), links);

const onward = remembered(
  ({ virtual_routes: routes = [], virtual_rules: rules = [] }: VrrpInstance, _: undefined) => ({
    routes,
    rules,
  }),
);

/** The words keepalived says; rules come second, and go first. */
export function logRouting(
  { name, virtual_routes, virtual_rules }: VrrpInstance,
  verb: 'setting' | 'removing',
  lines: VrrpAction[],
): void {
  const kinds = [
    ...(virtual_routes === undefined ? [] : ['Routes']),
    ...(virtual_rules === undefined ? [] : ['Rules']),
  ];
  for (const kind of verb === 'setting' ? kinds : kinds.reverse())
    lines.push({
      type: 'log',
      severity: 'detail',
      text: `(${name}) ${verb} Virtual ${kind}`,
    });
}

/** Those of `some` that are not among `others`. */
function lacking(
  some: readonly KernelAddress[],
  others: readonly KernelAddress[],
): readonly KernelAddress[] {
  if (some === others || some.length === 0) return [];
  if (others.length === 0) return some;
  const keys = new Set(others.map(addressKey));
  return some.filter((address) => !keys.has(addressKey(address)));
}

/** What an address owner's interface had already is not ours to add, nor to remove one day. */
function oursToHold(
  { config, held }: Member,
  desired: readonly KernelAddress[],
  { kernel }: RouterState,
): readonly KernelAddress[] {
  if (config.priority !== OWNER_PRIORITY) return desired;
  const ours = new Set(held.map(addressKey));
  const there = new Set(present(desired, kernel).map(addressKey));
  return desired.filter((address) => {
    const key = addressKey(address);
    return ours.has(key) || !there.has(key);
  });
}

function release(draft: Draft, member: Member, lines: VrrpAction[]): Member {
  forget(draft, member.pace);
  const { routing, ...bare } = member;
  if (routing !== NO_ROUTING) {
    removeRouting(draft, routing);
    logRouting(member.config, 'removing', lines);
    return release(draft, { ...bare, routing: NO_ROUTING }, lines);
  }
  if (member.held.length === 0 && member.refused.length === 0)
    return lower(draft, member, [], lines);
  if (member.held.length > 0) logAddresses(member, 'removing', lines);
  remove(draft, member.held);
  const { repairAt: _, ...rest } = lower(draft, member, [], lines);
  return { ...rest, held: [], refused: [] };
}

export function remove(draft: Draft, addresses: readonly KernelAddress[]): void {
  // The kernel has removed those of an interface that is gone.
  const there = addresses.filter(({ index }) => draft.router.kernel.links[index] !== undefined);
  if (there.length > 0) draft.actions.push({ type: 'removeAddresses', addresses: there });
}

export function logAddresses(member: Member, verb: string, lines: VrrpAction[]): void {
  const { name, virtual_ipaddress, virtual_ipaddress_excluded } = member.config;
  const line = (text: string): void => {
    lines.push({ type: 'log', severity: 'detail', text: `(${name}) ${verb} ${text}.` });
  };
  if (virtual_ipaddress.length > 0) line('VIPs');
  if (virtual_ipaddress_excluded.length > 0) line('E-VIPs');
}
