// How a virtual router enters a role: the state that begins, what is said about it, and who is told. When it does so is not
// decided here.

import { after, type Duration, type Instant } from '../lib/time.ts';
import type { Severity } from './action.ts';
import type {
  Because,
  InstanceAction,
  InstanceState,
  InstanceStep,
  MasterState,
  Notification,
  Rules,
} from './instance.ts';
import { masterDownInterval } from './schedule.ts';

/** A role that begins now; nothing is announced by that. */
export const masterState = (rules: Rules, reason: Because, now: Instant): MasterState => ({
  name: 'master',
  since: now,
  reason,
  phase: now,
  ...(rules.garp_master_refresh > 0 ? { refreshAt: after(now, rules.garp_master_refresh) } : {}),
  ...(rules.garp_extra_if === undefined || rules.garp_extra_if.every === 0
    ? {}
    : { extraAt: after(now, rules.garp_extra_if.every) }),
});

export const becomeMaster = (rules: Rules, reason: Because, now: Instant): InstanceStep =>
  lead(rules, reason, [log('detail', rules, 'Receive advertisement timeout')], now);

export function lead(
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

export function becomeBackup(
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

export const stay = (state: InstanceState): InstanceStep => ({ state, actions: [] });
export const notify = (state: Notification): InstanceAction => ({ type: 'notify', state });
export const log = (severity: Severity, rules: Rules, text: string): InstanceAction => ({
  type: 'log',
  severity,
  text: `(${rules.name}) ${text}`,
});
