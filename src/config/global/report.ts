// The rows of global_defs about what a daemon tells others: mail, FIFOs, SNMP and D-Bus.

import type { Duration } from '../../lib/time.ts';
import { seconds } from '../../lib/time.ts';
import { command } from '../command.ts';
import { defaulted, entries, later, optional } from '../keyword.ts';
import {
  decimalSeconds,
  flag,
  leadingNumber,
  onOff,
  type Reading,
  type ValueType,
  wholeSeconds,
  word,
} from '../value.ts';
import { fifo, mailServer, mistaken } from './value.ts';

/** 0 becomes 1. */
const readTimeout = ([text = '']: readonly string[]): Reading<Duration> => {
  const reading = leadingNumber(text, 0, 4294);
  const { complaints = [] } = reading;
  if (reading.value === undefined) return { complaints };
  if (reading.value > 0) return { value: seconds(reading.value), complaints };
  if (complaints.length > 0)
    return { value: seconds(1), complaints: complaints.map((c) => ({ ...c, assumed: '1' })) };
  // The misspelling is keepalived's.
  const message = 'smtp_conect_timeout must be greater than 0, setting to 1';
  return { value: seconds(1), complaints: [mistaken('zero-timeout', message, { assumed: '1' })] };
};

/** keepalived says nothing about the bare keyword. */
const nameIfAny: ValueType<string> = {
  ...word(),
  minimum: 0,
  parse: ([text]) => (text === undefined ? {} : { value: text }),
};

const alert = (what: string, label: string) =>
  ({
    label,
    otherwise: 'unset',
    refusal: `Invalid value '%w' for global ${what} specified`,
  }) as const;
const fifoNotes = (what: string) =>
  ({ bare: `No ${what} name specified`, otherwise: 'none' }) as const;
const fifoScript = (what: string) =>
  ({
    bare: `No ${what} specified`,
    again: '%k already specified - ignoring %w',
    otherwise: 'none',
  }) as const;

const socketName: ValueType<string> = {
  ...word(),
  parse: ([text = '', more]) =>
    more === undefined
      ? { value: text }
      : {
          complaints: [
            mistaken('extra-words', 'Too many parameters specified for snmp_socket - ignoring', {
              word: 1,
            }),
          ],
        },
};

export const reportRows = {
  // Mail
  no_checker_emails: defaulted(
    onOff,
    false,
    'Mail only when a real server comes or goes, not for each checker.',
    {
      label: 'no_checker_emails',
      show: (value) => (value ? '1' : '0'),
      refusal: "Invalid value '%w' for global no_checker_emails specified",
    },
  ),

  // SNMP and D-Bus
  ...later({
    snmp_socket: optional(socketName, 'Where the SNMP master agent listens.', {
      bare: 'SNMP error : snmp socket name missing',
      again: 'SNMP socket already set to',
      otherwise: 'unix:/var/agentx/master',
      example: 'udp:localhost:705',
    }),
    enable_traps: defaulted(flag, false, 'Send SNMP traps.'),
    enable_snmp_vrrp: defaulted(flag, false, 'Serve the VRRP part of the MIB of keepalived.', {
      aliases: {
        enable_snmp_keepalived: {
          class: 'none',
          message: "keyword 'enable_snmp_keepalived' is now 'enable_snmp_vrrp'",
        },
      },
    }),
    enable_snmp_rfc: defaulted(flag, false, 'Serve the MIBs of RFC 2787 and RFC 6527.'),
    enable_snmp_rfcv2: defaulted(flag, false, 'Serve the MIB of RFC 2787.'),
    enable_snmp_rfcv3: defaulted(flag, false, 'Serve the MIB of RFC 6527.'),
    enable_snmp_checker: defaulted(flag, false, 'Serve the part of the checkers of the MIB.'),
    snmp_vs_stats_update_interval: optional(
      decimalSeconds(0.001, 30),
      'Age of the statistics of virtual servers from which on they are read again.',
      { since: '2.4.3', otherwise: '5', example: '5' },
    ),
    snmp_rs_stats_update_interval: optional(
      decimalSeconds(0.001, 30),
      'The same for real servers.',
      {
        since: '2.4.3',
        otherwise: 'snmp_vs_stats_update_interval',
        example: '5',
      },
    ),
    enable_dbus: defaulted(flag, false, 'Show instances on the D-Bus of the system.'),
    dbus_service_name: optional(word(), 'Name of the D-Bus service.', {
      bare: 'dbus_service_name missing - ignoring',
      otherwise: 'org.keepalived.Vrrp1',
      example: 'org.keepalived.Vrrp1',
    }),
    dbus_no_interface_name: optional(
      word(),
      'Part of the path that stands for an interface where an instance has none.',
      { since: '2.4.3', otherwise: 'none', example: 'none' },
    ),
  }),
};

/** What works already. */
export const tellRows = {
  // Mail
  notification_email: entries(word(), 'Who gets mail.', {
    several: true,
    empty: 'Warning - empty notification_email block',
    example: 'admin@example.org',
  }),
  notification_email_from: optional(word(), 'Sender of mail.', {
    label: 'Email notification from',
    bare: 'emailfrom missing - ignoring',
    otherwise: 'the user at the host name',
    example: 'keepalived@example.org',
  }),
  smtp_server: optional(mailServer, 'Server that mail is handed to.', {
    otherwise: 'none: no mail',
    example: '192.0.2.25 25',
  }),
  smtp_helo_name: optional(nameIfAny, 'Name given in the greeting of mail.', {
    otherwise: 'the host name',
    example: 'lb1.example.org',
  }),
  smtp_connect_timeout: optional(
    { ...wholeSeconds(1, 4294), parse: readTimeout },
    'How long the mail server may take.',
    {
      refusal: "smtp_connect_timeout '%w' must be in [0, 4294] - ignoring",
      otherwise: '30 s',
      example: '10',
    },
  ),
  smtp_alert: optional(
    onOff,
    'Default of all smtp_alert.',
    alert('smtp_alert', 'Default smtp_alert'),
  ),
  smtp_alert_vrrp: optional(
    onOff,
    'Default smtp_alert of instances and groups.',
    alert('smtp_alert_vrrp', 'Default smtp_alert_vrrp'),
  ),
  no_email_faults: defaulted(flag, false, 'No mail of a change to FAULT.'),

  // FIFOs
  notify_fifo: optional(fifo, 'FIFO for all events.', fifoNotes('notify_fifo')),
  notify_fifo_script: optional(
    command,
    'Reader of notify_fifo, which gets its path as last argument.',
    fifoScript('notify_fifo_script'),
  ),
  vrrp_notify_fifo: optional(fifo, 'FIFO for events of VRRP.', fifoNotes('vrrp_notify_fifo')),
  vrrp_notify_fifo_script: optional(
    command,
    'Reader of vrrp_notify_fifo.',
    fifoScript('vrrp_notify_fifo_script'),
  ),
  smtp_alert_checker: optional(
    onOff,
    'Default smtp_alert of virtual and real servers.',
    alert('smtp_alert_checker', 'Default smtp_alert_checker'),
  ),
  lvs_notify_fifo: optional(
    fifo,
    'FIFO for events of virtual and real servers.',
    fifoNotes('lvs_notify_fifo'),
  ),
  lvs_notify_fifo_script: optional(
    command,
    'Reader of lvs_notify_fifo.',
    fifoScript('lvs_notify_fifo_script'),
  ),
};
