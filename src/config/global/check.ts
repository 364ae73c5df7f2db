// The rows of global_defs about virtual servers and their checkers.

import { defaulted, later, optional } from '../keyword.ts';
import { exactInteger, flag, onOff, type ValueType } from '../value.ts';
import { mistaken, syncDaemon, timeouts, words, yesNo } from './value.ts';

const flushOnStop: ValueType<'all' | 'VS'> = {
  syntax: '[VS]',
  minimum: 0,
  parse: ([text]) => {
    if (text === undefined) return { value: 'all' };
    if (text === 'VS') return { value: 'VS' };
    return { complaints: [mistaken('unknown-option', `Unknown lvs_flush_on_stop type ${text}`)] };
  },
  format: (value) => (value === 'all' ? '' : value),
  schema: { enum: ['all', 'VS'] },
};

const onOffNotes = (keyword: string) =>
  ({
    label: keyword,
    show: (value: boolean) => (value ? '1' : '0'),
    refusal: `Invalid value '%w' for global ${keyword} specified`,
  }) as const;
const buffer = (what: string) =>
  ({
    label: `${what}_rcv_bufs`,
    bare: `${what}_rcv_bufs size missing`,
    refusal: `${what}_rcv_bufs size (%w) invalid`,
  }) as const;
const BUFFER = 'Receive buffer of a netlink socket in bytes; 0 leaves it to the system.';
const FORCE = 'Let the buffer be larger than the system allows.';

export const checkRows = {
  checker_log_all_failures: defaulted(
    onOff,
    false,
    'Log every failed check, also while retries are left.',
    {
      label: 'Checkers log all failures',
      show: yesNo,
      refusal: 'Invalid value for checker_log_all_failures specified',
    },
  ),
  lvs_timeouts: optional(timeouts, 'Timeouts of IPVS connections.', {
    bare: 'lvs_timeouts requires at least one option',
    otherwise: 'those of the kernel',
    example: 'tcp 7200 tcpfin 120 udp 300',
  }),
  lvs_flush: defaulted(flag, false, 'Empty the IPVS table at start.', {
    label: 'LVS flush',
    show: yesNo,
  }),
  lvs_flush_on_stop: optional(
    flushOnStop,
    'Empty the IPVS table at stop; with VS only what this daemon has put there.',
    {
      label: 'LVS flush on stop',
      otherwise: 'off',
      aliases: {
        lvs_flush_onstop: {
          class: 'none',
          message: "keyword 'lvs_flush_onstop' is now 'lvs_flush_on_stop'",
        },
      },
      example: 'VS',
    },
  ),
  lvs_netlink_cmd_rcv_bufs: defaulted(
    exactInteger(0, 4294967295),
    0,
    BUFFER,
    buffer('lvs_netlink_cmd'),
  ),
  lvs_netlink_cmd_rcv_bufs_force: defaulted(
    onOff,
    false,
    FORCE,
    onOffNotes('lvs_netlink_cmd_rcv_bufs_force'),
  ),
  lvs_netlink_monitor_rcv_bufs: defaulted(
    exactInteger(0, 4294967295),
    0,
    BUFFER,
    buffer('lvs_netlink_monitor'),
  ),
  lvs_netlink_monitor_rcv_bufs_force: defaulted(
    onOff,
    false,
    FORCE,
    onOffNotes('lvs_netlink_monitor_rcv_bufs_force'),
  ),
  rs_init_notifies: defaulted(
    onOff,
    false,
    'Notify also of real servers that are up from the start.',
    onOffNotes('rs_init_notifies'),
  ),
  lvs_sync_daemon: optional(syncDaemon, 'Run the daemon that tells others of IPVS connections.', {
    bare: 'lvs_sync_daemon requires interface',
    again: 'lvs_sync_daemon has already been specified',
    otherwise: 'not run',
    example: 'eth0 inst VI_1 id 1',
  }),
  ...later({
    nftables_ipvs: optional(
      words('[<table>]', 1),
      'Table of nftables that marks packets, so that a group of virtual servers needs one service.',
      {
        again: 'ipvs nftables already specified - ignoring',
        otherwise: 'keepalived_ipvs where it is needed',
        example: 'keepalived_ipvs',
      },
    ),
    nftables_ipvs_priority: defaulted(
      exactInteger(-2147483648, 2147483647),
      -1,
      'Priority of the chains of that table.',
      { refusal: "invalid ipvs nftables chain priority '%w'" },
    ),
    nftables_ipvs_start_fwmark: defaulted(
      exactInteger(1, 4294967295),
      1000,
      'First mark given to groups of virtual servers.',
      { refusal: "invalid ipvs nftables start_fwmark priority '%w'" },
    ),
  }),
};
