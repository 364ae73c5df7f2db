// One virtual router: RFC 9568 6.4, with RFC 3768's differences for version 2 and keepalived's additions.
// A function from state and event to state and orders. It sends nothing itself, knows no interface, socket or
// kernel address; what a master's role means for those is worked out in member.ts, and what an advert of another does in
// hearing.ts. A master has no advert deadline: its adverts leave on a schedule of their own, which begins at `phase`.

import { after, type Duration, type Instant, since } from '../lib/time.ts';
import { describeFault, type Fault, isSilent, sameFaults } from './fault.ts';
import { masterHearsLower, onAdvert } from './hearing.ts';
import type {
  BackupState,
  InstanceAction,
  InstanceEvent,
  InstanceState,
  InstanceStep,
  MasterState,
  Rules,
  Stall,
  Subject,
} from './instance.ts';
import { OWNER_PRIORITY } from './packet.ts';
import { earliest, masterDownInterval } from './schedule.ts';
import { becomeBackup, becomeMaster, lead, log, masterState, notify, stay } from './transition.ts';

export const INIT: InstanceState = { name: 'init' };

export function instanceDeadline(state: InstanceState): Instant | undefined {
  switch (state.name) {
    case 'backup':
      return state.masterDownAt;
    case 'master':
      return (
        state.stall?.resumeAt ??
        earliest(
          earliest(state.announceAt, state.lowerAnnounceAt, state.refreshAt, state.correctAt),
          state.extraAt,
        )
      );
    case 'init':
    case 'fault':
    case 'stop':
      return undefined;
  }
}

export function stepInstance(
  subject: Subject,
  state: InstanceState,
  event: InstanceEvent,
  now: Instant,
): InstanceStep {
  if (state.name === 'stop') return stay(state);
  switch (event.type) {
    case 'start':
      return state.name === 'init' ? start(subject, event.faults, now) : stay(state);
    case 'adopt':
      return state.name === 'init' ? adopt(subject.rules, now) : stay(state);
    case 'faults':
      return state.name === 'init' ? stay(state) : onFaults(subject, state, event.faults, now);
    case 'advert':
      return onAdvert(subject, state, event.advert, now);
    case 'join':
      return join(subject.rules, state, event.as, now);
    case 'hears':
      return stay(hear(subject.rules, state, event.from));
    case 'deadline':
      return onDeadline(subject, state, now);
    case 'stalled':
      return state.name === 'master' ? stall(subject.rules, state, event.missed, now) : stay(state);
    case 'stop':
      return stop(state, now);
  }
}

// RFC 9568 6.4.1, Initialize
function start(subject: Subject, faults: readonly Fault[], now: Instant): InstanceStep {
  const { rules } = subject;
  if (faults.some(isSilent) && !faults.some(isOwn))
    return stay({ name: 'fault', since: now, reason: { because: 'start' }, faults });
  if (faults.length > 0)
    return {
      state: { name: 'fault', since: now, reason: { because: 'start' }, faults },
      actions: [
        ...faults.map((fault) =>
          log('info', rules, `entering FAULT state (${describeFault(fault)})`),
        ),
        log('info', rules, 'entering FAULT state'),
        notify('FAULT'),
      ],
    };
  return isFirst(subject)
    ? becomeMaster(rules, { because: 'owner' }, now)
    : becomeBackup(
        rules,
        'Entering BACKUP STATE (init)',
        { because: 'start' },
        rules.advert_int,
        now,
      );
}

/**
 * Nothing has changed for anyone. But the other may have ended before it could announce what it had just taken over,
 * or before it could start a script: both are told again.
 */
function adopt(rules: Rules, now: Instant): InstanceStep {
  return {
    state: masterState(rules, { because: 'adopted' }, now),
    actions: [
      log('info', rules, 'Going on in MASTER STATE for a process that ended'),
      { type: 'announce', repeat: rules.garp_master_repeat },
      { type: 'notify', state: 'MASTER', again: true },
    ],
  };
}

/** A busy machine may open a socket long after it was ordered: a master is missed only by one who could have heard it. */
function hear(rules: Rules, state: InstanceState, from: Instant): InstanceState {
  if (state.name !== 'backup') return state;
  const missedAt = after(from, masterDownInterval(rules, state.masterInterval));
  return { ...state, masterDownAt: Math.max(state.masterDownAt, missedAt) as Instant };
}

function onFaults(
  subject: Subject,
  state: Exclude<InstanceState, { name: 'init' | 'stop' }>,
  faults: readonly Fault[],
  now: Instant,
): InstanceStep {
  const { rules } = subject;
  if (state.name === 'fault') {
    if (faults.length > 0) {
      if (sameFaults(state.faults, faults)) return stay(state);
      // What was silent so far is told to scripts and not to the log, as keepalived has it.
      const silent = state.faults.some(isSilent) && !state.faults.some(isOwn);
      const told = silent && faults.some(isOwn);
      return { state: { ...state, faults }, actions: told ? [notify('FAULT')] : [] };
    }
    return isFirst(subject)
      ? becomeMaster(rules, { because: 'owner' }, now)
      : becomeBackup(
          rules,
          'Entering BACKUP STATE',
          { because: 'recovered' },
          rules.advert_int,
          now,
        );
  }
  // A script that a reload has brought gives no role before its first result, and takes none.
  if (faults.every(isSilent)) return stay(state);
  return {
    state: { name: 'fault', since: now, reason: { because: 'faults' }, faults },
    actions: [
      ...faults.map((fault) => log('detail', rules, `fault: ${describeFault(fault)}`)),
      log('info', rules, 'Entering FAULT STATE'),
      ...(state.name === 'master' ? [farewellOf(faults)] : []),
      notify('FAULT'),
    ],
  };
}

/** Nobody else can be master, and no other member of its group waits for an election: there is nothing to wait for. */
const isFirst = ({ rules, group }: Subject): boolean =>
  rules.priority === OWNER_PRIORITY && group?.owns !== false;

/** Those of another member of the group are its to tell. */
const farewellOf = (faults: readonly Fault[]): InstanceAction =>
  faults.some(isOwn) ? { type: 'farewell' } : { type: 'farewell', silent: true };

const isOwn = (fault: Fault): boolean => !isSilent(fault) && fault.kind !== 'group';

/** A member follows the others of its group: nobody else has spoken for or against it. */
function join(
  rules: Rules,
  state: InstanceState,
  as: 'backup' | 'master',
  now: Instant,
): InstanceStep {
  if (as === 'master' && state.name === 'backup') return lead(rules, { because: 'group' }, [], now);
  if (as === 'backup' && state.name === 'master')
    return becomeBackup(
      rules,
      'Entering BACKUP STATE',
      { because: 'group' },
      rules.advert_int,
      now,
    );
  return stay(state);
}

function onDeadline({ rules, group }: Subject, state: InstanceState, now: Instant): InstanceStep {
  switch (state.name) {
    case 'backup':
      // RFC 9568 6.4.2
      if (state.masterDownAt > now) return stay(state);
      return group?.waits === true
        ? wait(rules, state, now)
        : becomeMaster(rules, { because: 'timeout' }, now);
    case 'master':
      return masterDeadline(rules, state, now);
    case 'init':
    case 'fault':
    case 'stop':
      return stay(state);
  }
}

/** It would be master now. Asked again as long as it would, in case the others have another master. */
function wait(rules: Rules, state: BackupState, now: Instant): InstanceStep {
  return {
    state: {
      ...state,
      wants: true,
      masterDownAt: after(now, masterDownInterval(rules, state.masterInterval)),
    },
    actions: [log('detail', rules, 'Receive advertisement timeout')],
  };
}

function masterDeadline(rules: Rules, state: MasterState, now: Instant): InstanceStep {
  const due = (at: Instant | undefined): at is Instant => at !== undefined && at <= now;
  const actions: InstanceAction[] = [];
  let next = state;
  if (state.stall !== undefined) {
    if (!due(state.stall.resumeAt)) return stay(state);
    const resumed = resume(rules, state, state.stall, now);
    if (resumed.state.name !== 'master') return resumed;
    next = resumed.state;
    actions.push(...resumed.actions);
  }
  if (due(state.announceAt)) {
    const { announceAt: _, ...rest } = next;
    next = rest;
    actions.push({ type: 'announce', repeat: rules.garp_master_repeat });
  }
  if (due(state.lowerAnnounceAt)) {
    const { lowerAnnounceAt: _, ...rest } = next;
    next = rest;
    actions.push({ type: 'announce', repeat: rules.garp_lower_prio_repeat });
  }
  if (due(state.correctAt)) {
    const { correctAt: _, ...rest } = next;
    next = { ...rest, replyAt: after(now, rules.advert_int) };
    actions.push({ type: 'announce', repeat: rules.garp_lower_prio_repeat, quiet: true });
  }
  if (due(state.refreshAt)) {
    next = { ...next, refreshAt: after(now, rules.garp_master_refresh) };
    actions.push({ type: 'announce', repeat: rules.garp_master_refresh_repeat });
  }
  const { garp_extra_if: extra } = rules;
  if (due(state.extraAt) && extra !== undefined) {
    next = { ...next, extraAt: after(now, extra.every) };
    actions.push({ type: 'announceExtra', all: extra.all });
  }
  return { state: next, actions };
}

function stall(rules: Rules, state: MasterState, missed: Instant, now: Instant): InstanceStep {
  const spokeAt = after(missed, -rules.advert_int as Duration);
  return stay({ ...state, stall: { spokeAt, ...state.stall, resumeAt: now } });
}

/**
 * Everything queued has been read and nobody better spoke. The schedule goes on where it would be, and one advert
 * leaves at once. Only where somebody else may have been master is there anything to correct.
 */
function resume(
  rules: Rules,
  state: MasterState,
  { spokeAt, rival }: Stall,
  now: Instant,
): InstanceStep {
  const { stall: _stall, replyAt: _replyAt, correctAt: _correctAt, ...rest } = state;
  // Others count more than this, by their skew.
  const patience = rules.down_timer_adverts * rules.advert_int;
  if (rival === undefined && since(now, spokeAt) < patience)
    return { state: rest, actions: [{ type: 'interject' }] };
  if (isExpired(rules, since(now, spokeAt)))
    return becomeBackup(
      rules,
      'Timers expired - Entering BACKUP STATE',
      { because: 'late' },
      rules.advert_int,
      now,
    );
  const actions: InstanceAction[] = [
    log('info', rules, 'Resuming adverts after a stall'),
    { type: 'interject' },
    { type: 'announce', repeat: rules.garp_master_repeat },
  ];
  if (rival === undefined || rival.priority === 0) return { state: rest, actions };
  const assertion = masterHearsLower(rules, rest, rival, now);
  return {
    state: assertion.state,
    actions: [...actions, ...assertion.actions.filter(({ type }) => type !== 'interject')],
  };
}

/** timer_expired_backup: a backup of this priority would have taken over, and would not give the role back. */
function isExpired(rules: Rules, silence: Duration): boolean {
  const { timer_expired_backup: priority } = rules;
  return (
    priority !== undefined &&
    silence >= masterDownInterval({ ...rules, priority }, rules.advert_int)
  );
}

function stop(state: Exclude<InstanceState, { name: 'stop' }>, now: Instant): InstanceStep {
  return {
    state: { name: 'stop', since: now, reason: { because: 'stop' } },
    actions: [
      ...(state.name === 'master' ? [{ type: 'farewell' } as const] : []),
      ...(state.name === 'init' ? [] : [notify('STOP')]),
    ],
  };
}
