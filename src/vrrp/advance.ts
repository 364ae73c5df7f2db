// How instances move: each by itself, and those of a sync group together. An event is stepped for one member; what
// its new state asks of the others follows in the same step, until nobody has to move any more. Faults and
// priorities are worked out anew from facts each time.

import { after, type Duration, type Instant } from '../lib/time.ts';
import { standing } from './addresses.ts';
import { type Fault, isSilent } from './fault.ts';
import type { InstanceEvent, InstanceState, Subject } from './instance.ts';
import type { VrrpConfig } from './keywords.ts';
import { memberAt, setMember, settle, socketFault, stepMember, withStanding } from './member.ts';
import type { SyncGroup } from './membership.ts';
import { notifyGroup, notifyPriority } from './notify.ts';
import { OWNER_PRIORITY } from './packet.ts';
import { masterDownInterval } from './schedule.ts';
import type { Draft, GroupState, Member } from './state.ts';
import { tracksFor, weigh } from './weight.ts';

/** Steps one instance, orders what its new state needs, and moves the others of its group. */
export function advance(draft: Draft, position: number, event: InstanceEvent): void {
  const before = memberAt(draft, position).state;
  stepMember(draft, position, event, groupOf(draft, position));
  const { state } = memberAt(draft, position);
  // Those are for all members, one after the other.
  if (state === before || before.name === 'init' || state.name === 'stop') return;
  if (state.name !== before.name || state.name === 'fault')
    synchronize(draft, position, state.name);
}

/** Looks at the facts again: source, faults, priority and socket of one instance, and what follows for its state. */
export function refresh(draft: Draft, position: number): void {
  const member = memberAt(draft, position);
  if (member.state.name === 'stop') return;
  const { kernel, virtual, trackers } = draft.router;
  const { link, source, faults } = standing(member.config, kernel, virtual, member.source);
  const group = membershipOf(draft, member.config.name);
  const tracks = tracksFor(member.config, group?.config);
  const weighing = weigh(member.config.priority, tracks, kernel, trackers);
  const { key, fault } = socketFault(draft, member.config, link, source);
  const all = [...faults, ...weighing.faults, ...(fault === undefined ? [] : [fault])];
  const next = withStanding(member, source, all, key);
  if (next !== member) settle(draft, position, next, []);
  if (member.state.name !== 'init') sayFiles(draft, member, all);
  // Who gives up says so with the priority it had.
  const fails = member.faults.length === 0 && all.length > 0;
  if (!fails) reweigh(draft, position, weighing.total, weighing.effective);
  if (memberAt(draft, position).state.name !== 'init')
    advance(draft, position, { type: 'faults', faults: faultsOf(draft, position) });
  if (fails) reweigh(draft, position, weighing.total, weighing.effective);
}

/**
 * Its own faults, and one for those of the others of its group. What is merely awaited hides nobody's fault, and where
 * others of the group take part without the script that a reload has brought, it keeps nobody out.
 */
export function faultsOf(draft: Draft, position: number): readonly Fault[] {
  const { faults, config } = memberAt(draft, position);
  const group = membershipOf(draft, config.name);
  if (group === undefined || faults.some(isTold)) return faults;
  const others = fellows(draft, group.config, position);
  const theirs = others.flatMap(([, other]) => other.faults);
  if (theirs.some(isTold)) return [...faults, { kind: 'group', what: group.config.name }];
  const awaits = [...faults, ...theirs].every(({ kind }) => kind === 'pending');
  if (awaits && others.some(([, { state }]) => takesPart(state))) return [];
  return faults.length > 0 ? faults : theirs.slice(0, 1);
}

const takesPart = ({ name }: InstanceState): boolean => name === 'backup' || name === 'master';
const isTold = (fault: Fault): boolean => !isSilent(fault);

/** keepalived has words for files that trackers of other kinds lack. */
function sayFiles(draft: Draft, { config, faults }: Member, now: readonly Fault[]): void {
  const say = (list: readonly Fault[], others: readonly Fault[], how: string): void => {
    for (const { kind, what } of list)
      if (kind === 'file' && !others.some((one) => one.kind === kind && one.what === what))
        draft.actions.push({
          type: 'log',
          severity: 'info',
          text: `(${config.name}): tracked file ${what} ${how} FAULT state`,
        });
  };
  say(faults, now, 'leaving');
  say(now, faults, 'now');
}

function reweigh(draft: Draft, position: number, total: number, effective: number): void {
  const member = memberAt(draft, position);
  if (member.total === total && member.rules.priority === effective) return;
  const before = member.rules;
  if (before.priority === effective) {
    setMember(draft, position, { ...member, total });
    return;
  }
  const rules = { ...member.config, priority: effective };
  settle(
    draft,
    position,
    { ...member, total, rules, state: paced(member.state, before, rules, draft.now) },
    [
      {
        type: 'log',
        severity: 'info',
        text: `(${rules.name}) Changing effective priority from ${before.priority} to ${effective}`,
      },
    ],
  );
  const group = membershipOf(draft, rules.name)?.config;
  notifyPriority(draft.router.config, memberAt(draft, position), group, draft.actions);
}

/** How long a backup waits follows from its priority. */
function paced(
  state: InstanceState,
  before: Member['rules'],
  rules: Member['rules'],
  now: Instant,
): InstanceState {
  if (state.name !== 'backup') return state;
  const { masterInterval: interval, masterDownAt } = state;
  const change = masterDownInterval(rules, interval) - masterDownInterval(before, interval);
  return {
    ...state,
    masterDownAt: Math.max(now, after(masterDownAt, change as Duration)) as Instant,
  };
}

// Groups

/** The groups of a configuration, as they were where they were before. */
export const createGroups = (
  { vrrp_sync_group: groups = [] }: VrrpConfig,
  before: readonly GroupState[],
): readonly GroupState[] =>
  groups.map((config) => ({
    config,
    state: before.find((old) => old.config.name === config.name)?.state ?? 'init',
  }));

const membershipOf = (draft: Draft, name: string): GroupState | undefined =>
  draft.router.groups.find(({ config }) => config.group.includes(name));

/** The other members that run. */
function fellows(
  draft: Draft,
  group: SyncGroup,
  position: number,
): readonly (readonly [position: number, member: Member])[] {
  return [...draft.router.members.entries()].filter(
    ([at, { config, state }]) =>
      at !== position && state.name !== 'stop' && group.group.includes(config.name),
  );
}

/** What the group means for the step of one member; absent where it has no other members. */
function groupOf(draft: Draft, position: number): Subject['group'] {
  const member = memberAt(draft, position);
  const group = membershipOf(draft, member.config.name);
  if (group === undefined) return undefined;
  const others = fellows(draft, group.config, position);
  if (others.length === 0) return undefined;
  return {
    waits: !others.every(
      ([, { state }]) =>
        state.name === 'master' || (state.name === 'backup' && state.wants === true),
    ),
    owns: owns(member) && others.every(([, other]) => owns(other)),
  };
}

const isHeld = ({ router, now }: Draft): boolean =>
  router.holdUntil !== undefined && now < router.holdUntil;

const owns = ({ rules }: Member): boolean => rules.priority === OWNER_PRIORITY;

/** The others of the group become what this one has become; the group is told last. */
function synchronize(draft: Draft, position: number, to: InstanceState['name']): void {
  const group = membershipOf(draft, memberAt(draft, position).config.name);
  if (group === undefined || to === 'init' || to === 'stop') return;
  const told = draft.router.members.some(
    ({ config, faults }) => group.config.group.includes(config.name) && faults.some(isTold),
  );
  if (to === 'fault' && !told) return;
  const text = `VRRP_Group(${group.config.name}) Syncing instances to ${to.toUpperCase()} state`;
  const others = fellows(draft, group.config, position);
  if (group.state === to && others.every(([, { state }]) => state.name === to)) return;
  draft.actions.push({ type: 'log', severity: 'info', text });
  for (const [other, { state }] of others) {
    if (state.name === to || state.name === 'init') continue;
    const event: InstanceEvent =
      to === 'fault' || state.name === 'fault'
        ? { type: 'faults', faults: faultsOf(draft, other) }
        : { type: 'join', as: to };
    stepMember(draft, other, event, groupOf(draft, other));
  }
  announceGroup(draft, group.config.name, to);
}

/** At start a group is told before its members, where all of them are well; one of owners becomes master at once. */
export function beginGroups(draft: Draft, adopted: readonly number[]): void {
  for (const group of draft.router.groups) {
    const members = membersOf(draft, group.config);
    if (members.some(([at]) => adopted.includes(at))) {
      // Said again: the process before this one may have died before it could.
      announceGroup(draft, group.config.name, 'master');
    } else if (members.every(([, { faults }]) => faults.length === 0)) {
      const first = members.every(([, member]) => owns(member)) && !isHeld(draft);
      announceGroup(draft, group.config.name, first ? 'master' : 'backup');
    }
  }
}

/** What groups have become, where their members have been stepped one by one. */
export function settleGroups(draft: Draft): void {
  for (const { config } of draft.router.groups) {
    const members = membersOf(draft, config);
    const [first] = members;
    const name = first?.[1].state.name;
    if (name !== 'backup' && name !== 'master' && name !== 'fault') continue;
    if (!members.every(([, { state }]) => state.name === name)) continue;
    const told = members.some(([, { faults }]) => faults.some(isTold));
    if (name !== 'fault' || told) announceGroup(draft, config.name, name);
  }
}

/** Members that a reload has brought together have different masters: those that are master stand for election. */
export function yieldGroups(draft: Draft): void {
  for (const { config } of draft.router.groups) {
    const members = membersOf(draft, config);
    if (members.every(([, { state }]) => state.name === 'master')) continue;
    for (const [position] of members)
      stepMember(draft, position, { type: 'join', as: 'backup' }, groupOf(draft, position));
  }
}

const membersOf = (draft: Draft, config: SyncGroup) => fellows(draft, config, -1);

/** Tells scripts what the group is now, if it is something else than before. */
export function announceGroup(draft: Draft, name: string, to: 'backup' | 'master' | 'fault'): void {
  const at = draft.router.groups.findIndex(({ config }) => config.name === name);
  const group = draft.router.groups[at];
  if (group === undefined || group.state === to) return;
  draft.router = { ...draft.router, groups: draft.router.groups.with(at, { ...group, state: to }) };
  notifyGroup(draft.router.config, group.config, to, draft.actions);
}
