// One virtual router: RFC 9568 6.4, with RFC 3768's differences for version 2 and keepalived's additions.
// A function from state and event to state and orders. It sends nothing itself, knows no interface, socket or
// kernel address; what a master's role means for those is worked out in member.ts. A master has no advert
// deadline: its adverts leave on a schedule of their own, which begins at `phase`.

import { compareIp } from '../lib/ip.ts';
import { after, type Duration, type Instant, since, toSeconds } from '../lib/time.ts';
import type { Severity } from './action.ts';
import { describeFault, type Fault, sameFaults } from './fault.ts';
import type {
  BackupState,
  Because,
  Heard,
  InstanceAction,
  InstanceEvent,
  InstanceState,
  InstanceStep,
  MasterState,
  Notification,
  Rules,
  Stall,
  Subject,
} from './instance.ts';
import { OWNER_PRIORITY } from './packet.ts';
import { earliest, masterDownInterval, skewTime } from './schedule.ts';

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
    case 'deadline':
      return onDeadline(subject, state, now);
    case 'stalled':
      return state.name === 'master' ? stall(subject.rules, state, event.missed, now) : stay(state);
    case 'stop':
      return stop(state, now);
  }
}

// RFC 9568 6.4.1, Initialize
function start({ rules, group }: Subject, faults: readonly Fault[], now: Instant): InstanceStep {
  if (faults.length > 0 && faults.every(isPending))
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
  return rules.priority === OWNER_PRIORITY && group === undefined
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

function onFaults(
  { rules, group }: Subject,
  state: Exclude<InstanceState, { name: 'init' | 'stop' }>,
  faults: readonly Fault[],
  now: Instant,
): InstanceStep {
  if (state.name === 'fault') {
    if (faults.length > 0) {
      if (sameFaults(state.faults, faults)) return stay(state);
      // What was silent so far is told to scripts and not to the log, as keepalived has it.
      const told = state.faults.every(isPending) && faults.some(isOwn);
      return { state: { ...state, faults }, actions: told ? [notify('FAULT')] : [] };
    }
    return rules.priority === OWNER_PRIORITY && group === undefined
      ? becomeMaster(rules, { because: 'owner' }, now)
      : becomeBackup(
          rules,
          'Entering BACKUP STATE',
          { because: 'recovered' },
          rules.advert_int,
          now,
        );
  }
  if (faults.length === 0) return stay(state);
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

/** Those of another member of the group are its to tell. */
const farewellOf = (faults: readonly Fault[]): InstanceAction =>
  faults.every(({ kind }) => kind === 'group')
    ? { type: 'farewell', silent: true }
    : { type: 'farewell' };

const isPending = ({ kind }: Fault): boolean => kind === 'pending';
const isOwn = ({ kind }: Fault): boolean => kind !== 'pending' && kind !== 'group';

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

function onAdvert(
  subject: Subject,
  state: InstanceState,
  advert: Heard,
  now: Instant,
): InstanceStep {
  switch (state.name) {
    case 'backup':
      return backupHears(subject.rules, state, advert, now);
    case 'master':
      return masterHears(subject, state, advert, now);
    case 'init':
    case 'fault':
    case 'stop':
      return stay(state);
  }
}

// RFC 9568 6.4.2, Backup
function backupHears(rules: Rules, state: BackupState, advert: Heard, now: Instant): InstanceStep {
  if (advert.priority === 0)
    return {
      state: { ...state, masterDownAt: after(now, skewTime(rules, state.masterInterval)) },
      actions: [log('detail', rules, 'Backup received priority 0 advertisement')],
    };
  // The address owner preempts whatever Preempt_Mode says (RFC 9568 6.1).
  const preempts = !rules.nopreempt || rules.priority === OWNER_PRIORITY;
  if (!preempts || advert.priority >= rules.priority) return follow(rules, state, advert, now);
  if (rules.preempt_delay > 0) {
    const preemptAt = state.preemptAt ?? after(now, rules.preempt_delay);
    if (now < preemptAt) {
      const step = follow(rules, state, advert, now);
      return {
        state: { ...step.state, preemptAt } as BackupState,
        actions:
          state.preemptAt === undefined
            ? [
                log(
                  'detail',
                  rules,
                  `start preempt delay (${toSeconds(rules.preempt_delay).toFixed(6)})`,
                ),
                ...step.actions,
              ]
            : step.actions,
      };
    }
  }
  return {
    state,
    actions: [
      log(
        'info',
        rules,
        `received lower priority (${advert.priority}) advert from ${advert.source} - discarding`,
      ),
    ],
  };
}

/** Stay behind this master: learn its interval (RFC 9568 6.4.2) and wait for it anew. */
function follow(rules: Rules, state: BackupState, advert: Heard, now: Instant): InstanceStep {
  const { preemptAt: _, wants: _wants, ...rest } = state;
  const masterInterval = rules.version === 3 ? advert.interval : rules.advert_int;
  return {
    state: {
      ...rest,
      masterInterval,
      masterDownAt: after(now, masterDownInterval(rules, masterInterval)),
      master: { address: advert.source, priority: advert.priority },
    },
    actions: intervalLearned(rules, state.masterInterval, masterInterval),
  };
}

// RFC 9568 6.4.3, Master (Active Router)
function masterHears(
  { rules, source }: Subject,
  state: MasterState,
  advert: Heard,
  now: Instant,
): InstanceStep {
  if (advert.priority === 0) {
    if (state.stall !== undefined) return stay(met(state, state.stall, advert));
    const reply = replyTo(rules, state, now);
    return {
      state: reply.state,
      actions: [log('detail', rules, 'Master received priority 0 message'), ...reply.actions],
    };
  }
  const order =
    advert.priority - rules.priority ||
    (source === undefined ? 1 : compareIp(advert.source, source));
  if (order > 0) {
    const same = advert.priority === rules.priority;
    // A loop that was late announces after the other one did, who corrects that only where it hears an advert of ours.
    const isFresh = since(now, state.since) < rules.advert_int;
    const masterInterval = rules.version === 3 ? advert.interval : rules.advert_int;
    const because: Because = { because: 'advert', from: advert.source, priority: advert.priority };
    const step = becomeBackup(rules, 'Entering BACKUP STATE', because, masterInterval, now);
    return {
      state: {
        ...step.state,
        master: { address: advert.source, priority: advert.priority },
      } as BackupState,
      actions: [
        log(
          'info',
          rules,
          same
            ? `Master received advert from ${advert.source} with same priority ${advert.priority} but higher IP address than ours`
            : `Master received advert from ${advert.source} with higher priority ${advert.priority}, ours ${rules.priority}`,
        ),
        ...(rules.higher_prio_send_advert || isFresh ? [{ type: 'interject' } as const] : []),
        ...intervalLearned(rules, rules.advert_int, masterInterval),
        ...step.actions,
      ],
    };
  }
  if (state.stall !== undefined) return stay(met(state, state.stall, advert));
  return masterHearsLower(rules, state, advert, now);
}

/** Answered once, when everything queued has been read: a better master's advert may be behind this one. */
const met = (state: MasterState, stall: Stall, rival: Heard): MasterState => ({
  ...state,
  stall: { ...stall, rival },
});

// RFC 9568 6.4.3: discard the advert and assert ourselves to its sender and to learning bridges. What the
// other announced has to be corrected, at most once a period: a stream of adverts must not become a flood of ours.
function masterHearsLower(
  rules: Rules,
  state: MasterState,
  advert: Heard,
  now: Instant,
): InstanceStep & { readonly state: MasterState } {
  if (state.replyAt !== undefined && now < state.replyAt)
    return { state: { ...state, correctAt: state.replyAt }, actions: [] };
  const replies = !rules.lower_prio_no_advert;
  const text = `Received advert from ${advert.source} with lower priority ${advert.priority}, ours ${rules.priority}`;
  return {
    state: {
      ...state,
      replyAt: after(now, rules.advert_int),
      ...(rules.garp_lower_prio_delay > 0 && state.lowerAnnounceAt === undefined
        ? { lowerAnnounceAt: after(now, rules.garp_lower_prio_delay) }
        : {}),
    },
    actions: [
      log('info', rules, replies ? `${text}, forcing new election` : text),
      ...(replies ? [{ type: 'interject' } as const] : []),
      { type: 'announce', repeat: rules.garp_lower_prio_repeat },
      notify('MASTER_RX_LOWER_PRI'),
    ],
  };
}

/** RFC 9568 6.4.3: answer a priority 0 advert at once; the schedule stands, and one answer a period is enough. */
function replyTo(rules: Rules, state: MasterState, now: Instant): InstanceStep {
  if (state.replyAt !== undefined && now < state.replyAt) return stay(state);
  return {
    state: { ...state, replyAt: after(now, rules.advert_int) },
    actions: [{ type: 'interject' }],
  };
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

const masterState = (rules: Rules, reason: Because, now: Instant): MasterState => ({
  name: 'master',
  since: now,
  reason,
  phase: now,
  ...(rules.garp_master_refresh > 0 ? { refreshAt: after(now, rules.garp_master_refresh) } : {}),
  ...(rules.garp_extra_if === undefined || rules.garp_extra_if.every === 0
    ? {}
    : { extraAt: after(now, rules.garp_extra_if.every) }),
});

const becomeMaster = (rules: Rules, reason: Because, now: Instant): InstanceStep =>
  lead(rules, reason, [log('detail', rules, 'Receive advertisement timeout')], now);

function lead(
  rules: Rules,
  reason: Because,
  why: readonly InstanceAction[],
  now: Instant,
): InstanceStep {
  return {
    state: {
      ...masterState(rules, reason, now),
      ...(rules.garp_master_delay > 0 ? { announceAt: after(now, rules.garp_master_delay) } : {}),
    },
    actions: [
      ...why,
      log('info', rules, 'Entering MASTER STATE'),
      { type: 'announce', repeat: rules.garp_master_repeat },
      notify('MASTER'),
    ],
  };
}

function becomeBackup(
  rules: Rules,
  text: string,
  reason: Because,
  masterInterval: Duration,
  now: Instant,
): InstanceStep {
  return {
    state: {
      name: 'backup',
      since: now,
      reason,
      masterInterval,
      masterDownAt: after(now, masterDownInterval(rules, masterInterval)),
    },
    actions: [log('info', rules, text), notify('BACKUP')],
  };
}

function intervalLearned(
  rules: Rules,
  before: Duration,
  learned: Duration,
): readonly InstanceAction[] {
  return before === learned
    ? []
    : [
        log(
          'detail',
          rules,
          `advertisement interval updated from ${Math.round(before / 1000)}ms to ${Math.round(learned / 1000)}ms by master`,
        ),
      ];
}

const stay = (state: InstanceState): InstanceStep => ({ state, actions: [] });
const notify = (state: Notification): InstanceAction => ({ type: 'notify', state });
const log = (severity: Severity, rules: Rules, text: string): InstanceAction => ({
  type: 'log',
  severity,
  text: `(${rules.name}) ${text}`,
});
