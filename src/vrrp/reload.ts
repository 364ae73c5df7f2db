// From a running router and a new configuration to the difference. An instance whose words did not change keeps
// everything, to the phase of its adverts; one that changed keeps its role and timers; one that is another
// virtual router now, or is gone, gives up what it held before anything new is taken.

import { after, type Duration, type Instant } from '../lib/time.ts';
import { desiredAddresses, virtualAddresses, withoutAddresses } from './addresses.ts';
import { createGroups, refresh, settleGroups, yieldGroups } from './advance.ts';
import type { Observed } from './event.ts';
import type { InstanceAction, InstanceState, Rules } from './instance.ts';
import type { VrrpConfig, VrrpInstance } from './keywords.ts';
import { createMember, memberAt, remove, setMember, settle, wantedOnward } from './member.ts';
import { repeatStates } from './notify.ts';
import { OWNER_PRIORITY } from './packet.ts';
import { shedRouting } from './routes.ts';
import { masterDownInterval, nextSend } from './schedule.ts';
import { identity, roleOf, startMember } from './start.ts';
import type { Draft, Member } from './state.ts';
import { holdStatics, shedStatics } from './statics.ts';
import { shedLinks, tendLinks } from './tend.ts';
import { reloadTrackers, wakeScripts } from './tracker.ts';
import { inRange } from './weight.ts';

export function reload(draft: Draft, config: VrrpConfig, observed: Observed): void {
  const former = draft.router.config;
  const origins = originsOf(config.vrrp_instance, former.vrrp_instance);
  const names = new Set(config.vrrp_instance.map(({ name }) => name));
  for (const [position, { config: old }] of draft.router.members.entries())
    if (!origins.includes(position)) dismiss(draft, position, !names.has(old.name));
  const kept = origins.map((origin) => {
    const member = origin === undefined ? undefined : memberAt(draft, origin);
    return member?.state.name === 'stop' ? undefined : member;
  });
  let { nextPace } = draft.router;
  const members = config.vrrp_instance.map((instance, position) => {
    const old = kept[position];
    return old === undefined ? createMember(instance, nextPace++) : keep(old, instance, draft.now);
  });
  const trackers = reloadTrackers(draft.router.trackers, config, observed, draft.actions);
  draft.router = {
    ...draft.router,
    config,
    members,
    nextPace,
    virtual: virtualAddresses(config),
    trackers: wakeScripts(trackers, draft.now, draft.actions),
    groups: createGroups(config, draft.router.groups),
  };
  // What one instance loses another may gain: all removals come before the first addition.
  shedStatics(draft);
  for (const position of members.keys()) shed(draft, position);
  forgetRemoved(draft);
  shedLinks(draft, former);
  tendLinks(draft);
  holdStatics(draft);
  // Before the first of a group starts, the faults of all are known.
  if (draft.router.groups.length > 0)
    for (const [position, old] of kept.entries()) if (old === undefined) refresh(draft, position);
  for (const [position, old] of kept.entries()) {
    if (old === undefined) startMember(draft, position);
    else {
      refresh(draft, position);
      const member = memberAt(draft, position);
      if (member.config !== old.config) settle(draft, position, member, []);
    }
  }
  draft.actions.push(
    ...repeatStates(
      config,
      draft.router.members.filter((_, position) => kept[position] !== undefined),
      draft.router.groups,
    ),
  );
  yieldGroups(draft);
  settleGroups(draft);
}

function forgetRemoved(draft: Draft): void {
  const removed = draft.actions.flatMap((action) =>
    action.type === 'removeAddresses' ? action.addresses : [],
  );
  const kernel = withoutAddresses(draft.router.kernel, removed);
  draft.router = { ...draft.router, kernel };
}

/** Where each instance stood before: under its name, or, renamed, as the same virtual router. */
function originsOf(
  wanted: readonly VrrpInstance[],
  former: readonly VrrpInstance[],
): readonly (number | undefined)[] {
  const roles = former.map(roleOf);
  const places = wanted.map((instance) => roles.indexOf(roleOf(instance)));
  const others = former.map((old, at) => (places.includes(at) ? undefined : identity(old)));
  return places.map((place, position) => {
    const at = place >= 0 ? place : others.indexOf(identity(wanted[position] as VrrpInstance));
    if (at < 0) return undefined;
    others[at] = undefined;
    return at;
  });
}

/** Gives up an instance that the new configuration lacks, or that becomes another virtual router. */
function dismiss(draft: Draft, position: number, deleted: boolean): void {
  const member = memberAt(draft, position);
  const said: InstanceAction[] = [];
  if (member.state.name === 'master') said.push({ type: 'farewell' });
  if (deleted)
    said.push({
      type: 'notify',
      state: member.config.notify_deleted === undefined ? 'FAULT' : 'DELETED',
    });
  settle(
    draft,
    position,
    { ...member, state: { name: 'stop', since: draft.now, reason: { because: 'stop' } } },
    said,
  );
}

function keep(member: Member, config: VrrpInstance, now: Instant): Member {
  if (JSON.stringify(member.config) === JSON.stringify(config)) return member;
  // What trackers add stays until the facts are looked at again.
  const priority = member.rules.priority + config.priority - member.config.priority;
  const rules = {
    ...config,
    priority: config.priority === OWNER_PRIORITY ? OWNER_PRIORITY : inRange(priority),
  };
  return { ...member, config, rules, state: adapt(member.state, member.rules, rules, now) };
}

/** Removes what a master holds and should not hold any more. */
function shed(draft: Draft, position: number): void {
  shedOnward(draft, position);
  const member = memberAt(draft, position);
  if (member.held.length === 0) return;
  // Compared with every attribute: an address with another label has to be taken off and put on again.
  const desired = desiredAddresses(member.config, draft.router.kernel);
  const wanted = new Set(desired.map((address) => JSON.stringify(address)));
  const gone = member.held.filter((address) => !wanted.has(JSON.stringify(address)));
  if (gone.length === 0) return;
  remove(draft, gone);
  const held = member.held.filter((address) => !gone.includes(address));
  setMember(draft, position, { ...member, held });
}

function shedOnward(draft: Draft, position: number): void {
  const member = memberAt(draft, position);
  if (member.state.name !== 'master') return;
  const wanted = wantedOnward(member.config, draft.router.kernel);
  const routing = shedRouting(draft, member.routing, wanted);
  if (routing !== member.routing) setMember(draft, position, { ...member, routing });
}

/** The same state under other rules: deadlines are counted from where they were counted before. */
function adapt(state: InstanceState, before: Rules, rules: Rules, now: Instant): InstanceState {
  switch (state.name) {
    case 'backup': {
      const masterInterval =
        state.master === undefined || rules.version === 2 ? rules.advert_int : state.masterInterval;
      const heard = (state.masterDownAt -
        masterDownInterval(before, state.masterInterval)) as Instant;
      const becomesOwner = rules.priority === OWNER_PRIORITY && before.priority !== OWNER_PRIORITY;
      const down = after(heard, masterDownInterval(rules, masterInterval));
      const { preemptAt, ...rest } = state;
      return {
        ...rest,
        masterInterval,
        masterDownAt: becomesOwner ? now : (Math.max(now, down) as Instant),
        ...(preemptAt !== undefined && rules.preempt_delay > 0
          ? { preemptAt: (preemptAt - before.preempt_delay + rules.preempt_delay) as Instant }
          : {}),
      };
    }
    case 'master': {
      const { refreshAt, extraAt, ...rest } = state;
      const period = rules.garp_master_refresh;
      const next = period === before.garp_master_refresh ? refreshAt : undefined;
      return {
        ...rest,
        phase: phaseUnder(state.phase, before.advert_int, rules.advert_int, now),
        ...(period > 0 ? { refreshAt: next ?? after(now, period) } : {}),
        ...extraUnder(extraAt, before, rules, now),
      };
    }
    case 'init':
    case 'fault':
    case 'stop':
      return state;
  }
}

function extraUnder(
  extraAt: Instant | undefined,
  { garp_extra_if: old }: Rules,
  { garp_extra_if: extra }: Rules,
  now: Instant,
): { readonly extraAt?: Instant } {
  if (extra === undefined || extra.every === 0) return {};
  const stays = extraAt !== undefined && old?.every === extra.every;
  return { extraAt: stays ? extraAt : after(now, extra.every) };
}

/** A new interval never makes the next advert later than the old schedule would have. */
function phaseUnder(phase: Instant, before: Duration, period: Duration, now: Instant): Instant {
  if (period === before) return phase;
  return Math.min(nextSend(phase, before, now), after(now, period)) as Instant;
}
