// One virtual router: RFC 9568 6.4, with RFC 3768's differences for version 2 and keepalived's additions.
// A function from state and event to state and orders. It sends nothing itself, knows no interface, socket or
// kernel address; what a master's role means for those is worked out in member.ts. A master has no advert
// deadline: its adverts leave on a schedule of their own, which begins at `phase`.

import { compareIp, type Ip } from '../lib/ip.ts';
import { after, type Duration, type Instant, toSeconds } from '../lib/time.ts';
import type { Severity } from './action.ts';
import { describeFault, type Fault, sameFaults } from './fault.ts';
import type { VrrpInstance } from './keywords.ts';
import { type Advert, OWNER_PRIORITY } from './packet.ts';
import { earliest, masterDownInterval, skewTime } from './schedule.ts';

/** What of the configuration decides the election. */
export type Rules = Pick<
  VrrpInstance,
  | 'name'
  | 'version'
  | 'priority'
  | 'advert_int'
  | 'down_timer_adverts'
  | 'nopreempt'
  | 'preempt_delay'
  | 'garp_master_delay'
  | 'garp_master_repeat'
  | 'garp_master_refresh'
  | 'garp_master_refresh_repeat'
  | 'garp_lower_prio_delay'
  | 'garp_lower_prio_repeat'
  | 'lower_prio_no_advert'
  | 'higher_prio_send_advert'
>;

export interface Subject {
  readonly rules: Rules;
  /** The address our adverts come from, which breaks ties; absent while there is none (then there is a fault). */
  readonly source?: Ip;
}

/** Why a state was entered. */
export type Because =
  | { readonly because: 'start' }
  | { readonly because: 'owner' }
  /** The process that was master ended a moment ago. */
  | { readonly because: 'adopted' }
  | { readonly because: 'timeout' }
  | { readonly because: 'advert'; readonly from: Ip; readonly priority: number }
  | { readonly because: 'faults' }
  | { readonly because: 'recovered' }
  | { readonly because: 'stop' };

interface Entered {
  readonly since: Instant;
  readonly reason: Because;
}

export type InstanceState =
  | { readonly name: 'init' }
  | (Entered & {
      readonly name: 'backup';
      readonly masterDownAt: Instant;
      /** Master_Adver_Interval: the master's own, learned in version 3. */
      readonly masterInterval: Duration;
      readonly master?: { readonly address: Ip; readonly priority: number };
      /** preempt_delay is running: until then a lower priority master is left alone. */
      readonly preemptAt?: Instant;
    })
  | (Entered & {
      readonly name: 'master';
      /** An instant of the schedule of adverts: they leave at phase, phase + advert_int, ... */
      readonly phase: Instant;
      /** The pace was stopped because it was late; unless a better master was heard meanwhile, we speak again. */
      readonly resumeAt?: Instant;
      /** Second burst of announcements. */
      readonly announceAt?: Instant;
      /** Second burst after a lower priority advert. */
      readonly lowerAnnounceAt?: Instant;
      readonly refreshAt?: Instant;
      /** No unscheduled advert before this. */
      readonly replyAt?: Instant;
    })
  | (Entered & { readonly name: 'fault'; readonly faults: readonly Fault[] })
  | (Entered & { readonly name: 'stop' });

export type BackupState = Extract<InstanceState, { name: 'backup' }>;
export type MasterState = Extract<InstanceState, { name: 'master' }>;

export type InstanceEvent =
  | { readonly type: 'start'; readonly faults: readonly Fault[] }
  /** Start where a process ended that was master until a moment ago: the segment has not noticed. */
  | { readonly type: 'adopt' }
  | { readonly type: 'faults'; readonly faults: readonly Fault[] }
  /** A valid advert for this virtual router that we did not send. */
  | { readonly type: 'advert'; readonly advert: Pick<Advert, 'source' | 'priority' | 'interval'> }
  | { readonly type: 'deadline' }
  | { readonly type: 'stalled' }
  | { readonly type: 'stop' };

export type Notification =
  | 'MASTER'
  | 'BACKUP'
  | 'FAULT'
  | 'STOP'
  | 'DELETED'
  | 'MASTER_RX_LOWER_PRI';

export type InstanceAction =
  /** One advert now, beside the schedule. */
  | { readonly type: 'interject' }
  /** A priority 0 advert, once the schedule has been silenced. */
  | { readonly type: 'farewell' }
  /** Tell the segment where the addresses are, `repeat` times each. */
  | { readonly type: 'announce'; readonly repeat: number }
  | { readonly type: 'notify'; readonly state: Notification }
  | { readonly type: 'log'; readonly severity: Severity; readonly text: string };

export interface InstanceStep {
  readonly state: InstanceState;
  readonly actions: readonly InstanceAction[];
}

export const INIT: InstanceState = { name: 'init' };

export function instanceDeadline(state: InstanceState): Instant | undefined {
  switch (state.name) {
    case 'backup':
      return state.masterDownAt;
    case 'master':
      return state.resumeAt ?? earliest(state.announceAt, state.lowerAnnounceAt, state.refreshAt);
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
      return state.name === 'init' ? start(subject.rules, event.faults, now) : stay(state);
    case 'adopt':
      return state.name === 'init' ? adopt(subject.rules, now) : stay(state);
    case 'faults':
      return state.name === 'init'
        ? stay(state)
        : onFaults(subject.rules, state, event.faults, now);
    case 'advert':
      return onAdvert(subject, state, event.advert, now);
    case 'deadline':
      return onDeadline(subject.rules, state, now);
    case 'stalled':
      return state.name === 'master' ? stay({ ...state, resumeAt: now }) : stay(state);
    case 'stop':
      return stop(state, now);
  }
}

// RFC 9568 6.4.1, Initialize
function start(rules: Rules, faults: readonly Fault[], now: Instant): InstanceStep {
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
  return rules.priority === OWNER_PRIORITY
    ? becomeMaster(rules, { because: 'owner' }, now)
    : becomeBackup(
        rules,
        'Entering BACKUP STATE (init)',
        { because: 'start' },
        rules.advert_int,
        now,
      );
}

/** No announcement and no notification: nothing has changed for anyone. */
function adopt(rules: Rules, now: Instant): InstanceStep {
  return {
    state: masterState(rules, { because: 'adopted' }, now),
    actions: [log('info', rules, 'Going on in MASTER STATE for a process that ended')],
  };
}

function onFaults(
  rules: Rules,
  state: Exclude<InstanceState, { name: 'init' | 'stop' }>,
  faults: readonly Fault[],
  now: Instant,
): InstanceStep {
  if (state.name === 'fault') {
    if (faults.length > 0)
      return sameFaults(state.faults, faults) ? stay(state) : stay({ ...state, faults });
    return rules.priority === OWNER_PRIORITY
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
      ...(state.name === 'master' ? [{ type: 'farewell' } as const] : []),
      notify('FAULT'),
    ],
  };
}

function onDeadline(rules: Rules, state: InstanceState, now: Instant): InstanceStep {
  switch (state.name) {
    case 'backup':
      // RFC 9568 6.4.2
      return state.masterDownAt <= now
        ? becomeMaster(rules, { because: 'timeout' }, now)
        : stay(state);
    case 'master':
      return masterDeadline(rules, state, now);
    case 'init':
    case 'fault':
    case 'stop':
      return stay(state);
  }
}

function masterDeadline(rules: Rules, state: MasterState, now: Instant): InstanceStep {
  const due = (at: Instant | undefined): at is Instant => at !== undefined && at <= now;
  const actions: InstanceAction[] = [];
  let next = state;
  if (state.resumeAt !== undefined && !due(state.resumeAt)) return stay(state);
  if (due(state.resumeAt)) {
    // Everything queued has been read and nobody better spoke: the others may have taken over while we were
    // away, so what they taught the segment must be corrected.
    const { resumeAt: _, ...rest } = next;
    next = { ...rest, phase: now };
    actions.push(log('info', rules, 'Resuming adverts after a stall'), {
      type: 'announce',
      repeat: rules.garp_master_repeat,
    });
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
  if (due(state.refreshAt)) {
    next = { ...next, refreshAt: after(now, rules.garp_master_refresh) };
    actions.push({ type: 'announce', repeat: rules.garp_master_refresh_repeat });
  }
  return { state: next, actions };
}

type Heard = Extract<InstanceEvent, { type: 'advert' }>['advert'];

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
  const { preemptAt: _, ...rest } = state;
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
        ...(rules.higher_prio_send_advert ? [{ type: 'interject' } as const] : []),
        ...intervalLearned(rules, rules.advert_int, masterInterval),
        ...step.actions,
      ],
    };
  }
  return masterHearsLower(rules, state, advert, now);
}

// RFC 9568 6.4.3: discard the advert and assert ourselves to its sender and to learning bridges. What the
// other announced has to be corrected, at most once a period: a stream of adverts must not become a flood of ours.
function masterHearsLower(
  rules: Rules,
  state: MasterState,
  advert: Heard,
  now: Instant,
): InstanceStep {
  if (state.resumeAt !== undefined || (state.replyAt !== undefined && now < state.replyAt))
    return stay(state);
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
  if (state.resumeAt !== undefined || (state.replyAt !== undefined && now < state.replyAt))
    return stay(state);
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
});

function becomeMaster(rules: Rules, reason: Because, now: Instant): InstanceStep {
  return {
    state: {
      ...masterState(rules, reason, now),
      ...(rules.garp_master_delay > 0 ? { announceAt: after(now, rules.garp_master_delay) } : {}),
    },
    actions: [
      log('detail', rules, 'Receive advertisement timeout'),
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
