// The rows of the blocks that are about several instances or interfaces: vrrp_sync_group, track_group, garp_group,
// linkbeat_interfaces and interface_up_down_delays. What their names refer to is decided in definitions.ts.

import { command } from '../config/command.ts';
import type { Complaint } from '../config/diagnostic.ts';
import { defaulted, entries, optional } from '../config/keyword.ts';
import {
  decimalSeconds,
  flag,
  interfaceName,
  onOff,
  quote,
  type Reading,
  type ValueType,
  word,
} from '../config/value.ts';
import type { LinkQuestion } from '../lib/link.ts';
import { type Duration, ZERO } from '../lib/time.ts';
import { trackRows } from './track.ts';

const ONCE = { again: 'vrrp group %n: %k script already specified - ignoring %w' };

export const syncGroupRows = {
  group: entries(word(), 'Instances that change their state together.', {
    several: true,
    empty: 'Warning - sync group %n has empty group block',
    again: 'Group list already specified for sync group %n',
    example: 'VI_1 VI_2',
  }),
  ...trackRows,
  notify_master: optional(command, 'Run on becoming master.', ONCE),
  notify_backup: optional(command, 'Run on becoming backup.', ONCE),
  notify_fault: optional(command, 'Run on entering FAULT.', ONCE),
  notify_stop: optional(command, 'Run when the daemon stops.', ONCE),
  notify: optional(
    command,
    'Run on every change of state with GROUP, the name, the state and the priority appended.',
    ONCE,
  ),
  smtp_alert: optional(onOff, 'Mail on changes of state.', {
    refusal: 'Invalid vrrp_group smtp_alert parameter %w',
    otherwise: 'smtp_alert_vrrp, then smtp_alert of global_defs, then off',
  }),
  global_tracking: defaulted(
    {
      ...flag,
      parse: () => ({
        value: true,
        complaints: [
          {
            id: 'deprecated',
            severity: 'warning',
            class: 'deprecated',
            message:
              '(%n) global_tracking is deprecated. Use track_interface/script/file on the sync group',
          },
        ],
      }),
    },
    false,
    'Formerly: members share their trackers. Means sync_group_tracking_weight.',
  ),
  sync_group_tracking_weight: defaulted(flag, false, 'Members keep the weights of their trackers.'),
  notify_priority_changes: optional(onOff, 'Write changes of the priority to the FIFOs.', {
    refusal: "(%n) Invalid value '%w' for sync group notify_priority_changes specified",
    otherwise: 'vrrp_notify_priority_changes',
  }),
};

export const trackGroupRows = {
  group: entries(word(), 'Instances that fail when an interface of its static objects does.', {
    several: true,
    example: 'VI_1 VI_2',
  }),
};

const pause = decimalSeconds(0, 2147.483647);

const interval = (doc: string, otherwise: string) =>
  optional({ ...pause, parse: readPause }, doc, { otherwise, example: '0.01' });

/** What is no number is none, and is there: the group stays. What is out of range is as if it were not written. */
function readPause(words: readonly string[], raw: string): Reading<Duration> {
  const reading = pause.parse(words, raw);
  const [complaint] = reading.complaints ?? [];
  if (complaint?.id !== 'invalid-number') return reading;
  return { value: ZERO, complaints: [{ ...complaint, assumed: '0' }] };
}

export const garpGroupRows = {
  garp_interval: interval(
    'Least time between two gratuitous ARP messages on these interfaces.',
    'vrrp_garp_interval',
  ),
  gna_interval: interval(
    'Least time between two unsolicited neighbour adverts on these interfaces.',
    'vrrp_gna_interval',
  ),
  interface: optional(interfaceName, 'One interface.', { otherwise: 'none', example: 'eth0' }),
  interfaces: entries(interfaceName, 'Interfaces that share the limit.', {
    several: true,
    empty: 'Warning - empty garp_group interfaces block',
    example: 'eth0',
  }),
};

export interface LinkbeatEntry {
  readonly interface: string;
  readonly method?: LinkQuestion;
}

const METHODS = ['MII', 'ETHTOOL', 'IOCTL'] as const;

/** keepalived 2.2.7 takes MII, ETHTOOL or IOCTL as the last word only. */
const linkbeatLine: ValueType<LinkbeatEntry> = {
  syntax: `<interface> [${METHODS.join('|')}]`,
  minimum: 1,
  parse: ([name = '', text, more]) => {
    const method = METHODS.find((known) => known === text);
    const extra = method === undefined || more !== undefined ? text : undefined;
    const value = { interface: name, ...(method === undefined ? {} : { method }) };
    if (extra === undefined) return { value };
    const complaint: Complaint = {
      id: 'extra-words',
      severity: 'error',
      class: 'general',
      message: `extra characters ${extra} in linkbeat interface`,
      word: 1,
    };
    return { value, complaints: [complaint] };
  },
  format: ({ interface: name, method }) =>
    method === undefined ? quote(name) : `${quote(name)} ${method}`,
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['interface'],
    properties: { interface: interfaceName.schema, method: { enum: METHODS } },
  },
};

const linkbeatGrammar = {
  MII: optional(flag, 'Ask by MII first.', { example: 'eth0 MII' }),
  ETHTOOL: optional(flag, 'Ask by ethtool first.', { example: 'eth0 ETHTOOL' }),
  IOCTL: optional(flag, 'Ask for the flags of the interface.', { example: 'eth0 IOCTL' }),
};

export interface DelayEntry {
  readonly interface: string;
  readonly down: Duration;
  readonly up: Duration;
}

const delay = decimalSeconds(0, 255);

const delayLine: ValueType<DelayEntry> = {
  syntax: '<interface> <down> 0..255 s [<up> 0..255 s]',
  minimum: 2,
  parse: ([name = '', downText, upText]) => {
    if (downText === undefined) {
      const message = 'up/down delay without a delay';
      return {
        value: { interface: name, down: ZERO, up: ZERO },
        complaints: [{ id: 'missing-value', severity: 'error', class: 'none', message, word: 0 }],
      };
    }
    const down = delay.parse([downText], downText);
    const up = upText === undefined ? undefined : delay.parse([upText], upText);
    const assumed = 'no such delay';
    const complaints = [
      ...(down.complaints ?? []).map((c) => ({ assumed, ...c, word: 1 })),
      ...(up?.complaints ?? []).map((c) => ({ assumed, ...c, word: 2 })),
    ];
    return {
      value: { interface: name, down: down.value ?? ZERO, up: up?.value ?? ZERO },
      complaints,
    };
  },
  format: (value) =>
    `${quote(value.interface)} ${delay.format(value.down)} ${delay.format(value.up)}`,
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['interface', 'down', 'up'],
    properties: { interface: interfaceName.schema, down: delay.schema, up: delay.schema },
  },
};

export const interfaceRows = {
  linkbeat_interfaces: entries(linkbeatLine, 'Interfaces whose link has to be polled.', {
    grammar: linkbeatGrammar,
    example: 'eth0 MII',
  }),
  interface_up_down_delays: entries(
    delayLine,
    'How long an interface must be down, or up, before instances react.',
    { example: 'eth0 0.5 2' },
  ),
};
