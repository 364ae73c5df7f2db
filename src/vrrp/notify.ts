// What scripts, FIFOs and people are told, in keepalived's words and order: the script for the state, then the one for any state.

import type { VrrpAction } from './action.ts';
import type { InstanceAction, InstanceState, Notification } from './instance.ts';
import type { VrrpConfig, VrrpInstance } from './keywords.ts';
import type { SyncGroup } from './membership.ts';
import type { GroupState, Member } from './state.ts';

type Told = Extract<InstanceAction, { readonly type: 'notify' }>;

/** A member has come to a new state, or has heard something worth telling. */
export function notify(
  all: VrrpConfig,
  { config, rules }: Member,
  { state, again }: Told,
  lines: VrrpAction[],
): void {
  const own = ownScript(config, state);
  const now = state === 'MASTER_RX_LOWER_PRI' ? {} : { state };
  if (own !== undefined)
    lines.push({ type: 'run', owner: config.name, ...now, script: own, words: [] });
  // keepalived reports a lower priority to the FIFOs and to its own script only.
  if (config.notify !== undefined && state !== 'MASTER_RX_LOWER_PRI')
    lines.push({
      type: 'run',
      owner: config.name,
      ...now,
      script: config.notify,
      words: ['INSTANCE', config.name, state, String(rules.priority)],
    });
  if (hasFifo(all)) lines.push(line(rules, state));
  // People need not hear twice what programs must not miss.
  if (again === undefined && isMailed(all, config, state)) lines.push(mail(all, config, state));
}

/** A group has come to a new state. */
export function notifyGroup(
  all: VrrpConfig,
  config: SyncGroup,
  to: 'backup' | 'master' | 'fault' | 'stop',
  lines: VrrpAction[],
): void {
  const owner = `group ${config.name}`;
  const own = config[`notify_${to}`];
  const state = to.toUpperCase();
  if (own !== undefined) lines.push({ type: 'run', owner, state, script: own, words: [] });
  if (config.notify !== undefined)
    lines.push({
      type: 'run',
      owner,
      state,
      script: config.notify,
      words: ['GROUP', config.name, state, '0'],
    });
  if (hasFifo(all)) lines.push(groupLine(config, state));
  if (to !== 'stop' && isMailed(all, config, state)) lines.push(groupMail(all, config, state));
}

export const tellsPriority = (
  { global_defs }: VrrpConfig,
  instance: VrrpInstance,
  group: SyncGroup | undefined,
): boolean =>
  instance.notify_priority_changes ??
  group?.notify_priority_changes ??
  global_defs.vrrp_notify_priority_changes ??
  false;

/** What an instance speaks with, or would, has changed. Those in FAULT are said to be backups, as keepalived has it. */
export function notifyPriority(
  all: VrrpConfig,
  { rules, state }: Member,
  group: SyncGroup | undefined,
  lines: VrrpAction[],
): void {
  if (!tellsPriority(all, rules, group) || !hasFifo(all)) return;
  lines.push(line(rules, state.name === 'master' ? 'MASTER_PRIORITY' : 'BACKUP_PRIORITY'));
}

/** smtp_alert is off unless the instance or global_defs says otherwise. */
export const isMailing = (
  { global_defs: { smtp_alert, smtp_alert_vrrp } }: VrrpConfig,
  config: Pick<VrrpInstance, 'smtp_alert'>,
): boolean => config.smtp_alert ?? smtp_alert_vrrp ?? smtp_alert ?? false;

/** Changes of state only, as keepalived. */
function isMailed(
  all: VrrpConfig,
  config: Pick<VrrpInstance, 'smtp_alert'>,
  state: string,
): boolean {
  const { notification_email, no_email_faults } = all.global_defs;
  if (notification_email === undefined || notification_email.length === 0) return false;
  if (!isMailing(all, config)) return false;
  if (state === 'FAULT') return !no_email_faults;
  return state === 'MASTER' || state === 'BACKUP';
}

const mail = (
  { global_defs }: VrrpConfig,
  { name }: VrrpInstance,
  state: Notification,
): VrrpAction => ({
  type: 'mail',
  subject: `[${global_defs.router_id}] VRRP Instance ${name} - Entering ${state} state`,
  text: `=> VRRP Instance is ${state === 'MASTER' ? 'now' : 'no longer'} owning VRRP VIPs <=\n\n`,
});

const groupMail = (
  { global_defs }: VrrpConfig,
  { name }: SyncGroup,
  state: string,
): VrrpAction => ({
  type: 'mail',
  subject: `[${global_defs.router_id}] VRRP Group ${name} - Entering ${state} state`,
  text: `=> All VRRP group instances are now in ${state} state <=\n\n`,
});

const hasFifo = ({ global_defs: { notify_fifo, vrrp_notify_fifo } }: VrrpConfig): boolean =>
  notify_fifo !== undefined || vrrp_notify_fifo !== undefined;

const line = ({ name, priority }: VrrpInstance, state: string): VrrpAction => ({
  type: 'fifo',
  line: `INSTANCE "${name}" ${state} ${priority}`,
});

const groupLine = ({ name }: SyncGroup, state: string): VrrpAction => ({
  type: 'fifo',
  line: `GROUP "${name}" ${state} 0`,
});

/** Where somebody reads from FIFOs and wants to hear all states again after a reload. */
export function repeatStates(
  all: VrrpConfig,
  members: readonly Member[],
  groups: readonly GroupState[],
): readonly VrrpAction[] {
  if (!hasFifo(all) || !all.global_defs.fifo_write_vrrp_states_on_reload) return [];
  return [
    ...members.flatMap(({ rules, state }) => {
      const known = WORDS[state.name];
      return known === undefined ? [] : [line(rules, known)];
    }),
    ...groups.flatMap(({ config, state }) => {
      const known = WORDS[state];
      return known === undefined ? [] : [groupLine(config, known)];
    }),
  ];
}

const WORDS: { readonly [name in InstanceState['name']]?: string } = {
  master: 'MASTER',
  backup: 'BACKUP',
  fault: 'FAULT',
};

function ownScript(config: VrrpInstance, state: Notification) {
  switch (state) {
    case 'MASTER':
      return config.notify_master;
    case 'BACKUP':
      return config.notify_backup;
    case 'FAULT':
      return config.notify_fault;
    case 'STOP':
      return config.notify_stop;
    case 'DELETED':
      return config.notify_deleted === true ? undefined : config.notify_deleted;
    case 'MASTER_RX_LOWER_PRI':
      return config.notify_master_rx_lower_pri;
  }
}
