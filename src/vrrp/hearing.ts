// What an advert of another does to a virtual router: RFC 9568 6.4.2 for a backup, 6.4.3 for a master, with preemption and
// its delay, and with what answers a lower priority. It does not judge packets: whoever is heard here is a right one.

import { compareIp } from '../lib/ip.ts';
import { after, type Duration, type Instant, since, toSeconds } from '../lib/time.ts';
import type {
  BackupState,
  Because,
  Heard,
  InstanceAction,
  InstanceState,
  InstanceStep,
  MasterState,
  Rules,
  Stall,
  Subject,
} from './instance.ts';
import { OWNER_PRIORITY } from './packet.ts';
import { masterDownInterval, skewTime } from './schedule.ts';
import { becomeBackup, log, notify, stay } from './transition.ts';

export function onAdvert(
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
export function masterHearsLower(
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
