// The resolved global_defs -> the first section of keepalived.data and keepalived_parent.data, in the order and with
// the labels of keepalived 2.2.7. Labels come from the keyword table; lines without a row speak of what this
// version does not have. Nothing here is parsed back.

import { toSeconds } from '../lib/time.ts';
import { type Fifo, type GlobalDefs, globalDefs } from './globals.ts';
import type { Block } from './keyword.ts';
import type { Script } from './value.ts';

const owner = ({ uid, gid }: { readonly uid: number; readonly gid: number }): string =>
  `uid:gid ${uid}:${gid}`;

const offOn = (value: boolean | undefined): string =>
  value === undefined ? 'unset' : value ? 'on' : 'off';

function fifoLines(whose: string, fifo: Fifo | undefined, script: Script | undefined): string[] {
  if (fifo === undefined) return [];
  const line = `${whose} notify fifo = ${fifo.path}, ${owner(fifo)}`;
  if (script === undefined) return [line];
  const words = [...script.words, fifo.path].map((word) => `'${word}'`).join(' ');
  return [line, `${whose} notify fifo script = ${words}, ${owner(script)}`];
}

/** What is said of the daemon and does not stand in global_defs. */
export interface DumpFacts {
  readonly net_namespace?: string;
  readonly instance?: string;
  /** The interface of static addresses, in the VRRP process, where it exists. */
  readonly default_interface?: string;
}

type Line = keyof typeof globalDefs | ((defs: GlobalDefs, facts: DumpFacts) => readonly string[]);

const fixed =
  (...lines: readonly string[]): Line =>
  () =>
    lines;

const LAYOUT: readonly Line[] = [
  (_, { net_namespace, instance }) => [
    `Network namespace = ${net_namespace ?? '(default)'}`,
    'Network namespace ipvs = (main namespace)',
    ...(instance === undefined ? [] : [`Instance name = ${instance}`]),
  ],
  'process_name',
  // process_names is short for four names; one of them has a keyword of its own.
  (defs) => {
    const vrrp = defs.vrrp_process_name ?? (defs.process_names ? 'keepalived_vrrp' : undefined);
    return [
      ...(vrrp === undefined ? [] : [`${globalDefs.vrrp_process_name.label} = ${vrrp}`]),
      ...(defs.process_names
        ? ['LVS process name = keepalived_lvs', 'BFD process name = keepalived_bfd']
        : []),
    ];
  },
  'router_id',
  ({ smtp_server: server, smtp_helo_name: helo, ...defs }) => [
    ...(server === undefined
      ? []
      : [`Smtp server = ${server.host}`, `Smtp server port = ${server.port}`]),
    ...(helo === undefined ? [] : [`Smtp HELO name = ${helo}`]),
    ...(server === undefined
      ? []
      : [`Smtp server connection timeout = ${toSeconds(defs.smtp_connect_timeout)}`]),
    ...(defs.notification_email_from === undefined
      ? []
      : [`Email notification from = ${defs.notification_email_from}`]),
    ...(defs.notification_email.length === 0
      ? []
      : ['Email notification to:', ...defs.notification_email.map((name) => `  ${name}`)]),
    `Default smtp_alert = ${offOn(defs.smtp_alert)}`,
    `Default smtp_alert_vrrp = ${offOn(defs.smtp_alert_vrrp)}`,
  ],
  fixed(
    'Default smtp_alert_checker = unset',
    'Checkers log all failures = false',
    'No test config before reload',
  ),
  ({ dynamic_interfaces: dynamic }) => [
    `Dynamic interfaces = ${dynamic !== undefined}`,
    ...(dynamic === undefined ? [] : [`Allow interface changes = ${dynamic !== 'yes'}`]),
  ],
  (_, { default_interface: name }) => (name === undefined ? [] : [`Default interface = ${name}`]),
  fixed('Disable local IGMP = no', 'LVS flush = false', 'LVS flush on stop = disabled'),
  (defs) => [
    ...fifoLines('Global', defs.notify_fifo, defs.notify_fifo_script),
    ...fifoLines('VRRP', defs.vrrp_notify_fifo, defs.vrrp_notify_fifo_script),
    ...fifoLines('LVS', defs.lvs_notify_fifo, defs.lvs_notify_fifo_script),
  ],
  'fifo_write_vrrp_states_on_reload',
  fixed('VRRP notify priority changes = false'),
  'vrrp_mcast_group4',
  'vrrp_mcast_group6',
  'vrrp_garp_master_delay',
  'vrrp_garp_master_repeat',
  'vrrp_garp_master_refresh',
  'vrrp_garp_master_refresh_repeat',
  'vrrp_garp_lower_prio_delay',
  'vrrp_garp_lower_prio_repeat',
  'vrrp_down_timer_adverts',
  fixed('Gratuitous ARP for each secondary VMAC = 0s'),
  'vrrp_lower_prio_no_advert',
  'vrrp_higher_prio_send_advert',
  'vrrp_garp_interval',
  'vrrp_gna_interval',
  'vrrp_version',
  fixed('nftables without counters'),
  'vrrp_check_unicast_src',
  'vrrp_skip_check_adv_addr',
  fixed('VRRP strict mode = false'),
  'max_auto_priority',
  fixed('Min auto priority delay = 1000000 usecs'),
  'vrrp_priority',
  'vrrp_no_swap',
  'vrrp_rt_priority',
  ({ vrrp_cpu_affinity: processors }) => (processors.length === 0 ? [] : [affinity(processors)]),
  'vrrp_rlimit_rttime',
  fixed(...processLines('Checker'), ...processLines('BFD')),
  fixed(
    'SNMP vrrp disabled',
    'SNMP checker disabled',
    'SNMP RFCv2 disabled',
    'SNMP RFCv3 disabled',
    'SNMP traps disabled',
    'SNMP socket = default (unix:/var/agentx/master)',
    'DBus disabled',
    'DBus service name = ',
  ),
  ({ enable_script_security: secure, script_user: user }) => [
    `Script security ${secure ? 'enabled' : 'disabled'}`,
    ...(user === undefined ? [] : [`Default script uid:gid ${user.uid}:${user.gid}`]),
  ],
  fixed(
    ...['vrrp_netlink_cmd', 'vrrp_netlink_monitor', 'process_monitor'].flatMap(bufferLines),
    ...['lvs_netlink_cmd', 'lvs_netlink_monitor'].flatMap(bufferLines),
    'rs_init_notifies = 0',
    'no_checker_emails = 0',
    'rx_bufs_multiples = 3',
  ),
  'umask',
  ({ vrrp_startup_delay: delay }) =>
    delay === undefined ? [] : [`vrrp_startup_delay = ${toSeconds(delay)}`],
];

/** Lines without line ends, the heading first. */
export function dumpGlobals(defs: GlobalDefs, facts: DumpFacts = {}): string[] {
  const lines = LAYOUT.flatMap((line) =>
    typeof line === 'function' ? line(defs, facts) : rowLine(line, defs),
  );
  return ['------< Global definitions >------', ...lines.map((line) => ` ${line}`)];
}

const rows: Block = globalDefs;

function rowLine(keyword: keyof typeof globalDefs, defs: GlobalDefs): readonly string[] {
  const row = rows[keyword];
  const value = new Map<string, unknown>(Object.entries(defs)).get(keyword);
  if (row?.form !== 'words' || value === undefined) return [];
  return [`${row.label} = ${(row.show ?? String)(value)}`];
}

/** keepalived 2.2.7 shows processor 0 as nothing, with the blank that follows every number. */
function affinity(processors: readonly number[]): string {
  const sorted = [...processors].sort((a, b) => a - b);
  return `VRRP CPU Affinity = ${sorted.map((p) => (p === 0 ? ' ' : `${p} `)).join('')}`;
}

function processLines(of: string): string[] {
  return [
    `${of} process priority = 0`,
    `${of} don't swap = false`,
    `${of} realtime priority = 0`,
    `${of} realtime limit = 10000`,
  ];
}

function bufferLines(of: string): string[] {
  return [`${of}_rcv_bufs = 0`, `${of}_rcv_bufs_force = 0`];
}
