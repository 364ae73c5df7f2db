// The resolved global_defs -> the first section of keepalived.data and keepalived_parent.data, in the order and with
// the labels of keepalived 2.2.7. Labels come from the keyword table; lines without a row speak of what this
// version does not have. Nothing here is parsed back.

import { general } from '../lib/number.ts';
import { seconds, toSeconds, ZERO } from '../lib/time.ts';
import { shownScript, shownWords } from './command.ts';
import { USUAL_RELOAD_FILE } from './global/process.ts';
import { wholeSecondsShown } from './global/value.ts';
import { type Fifo, type GlobalDefs, globalDefs } from './globals.ts';
import type { Block } from './keyword.ts';
import type { FifoScript } from './value.ts';

/** Of a mail server, where nobody says more. */
const USUAL = seconds(30);

const owner = ({ uid, gid }: { readonly uid: number; readonly gid: number }): string =>
  `uid:gid ${uid}:${gid}`;

const offOn = (value: boolean | undefined): string =>
  value === undefined ? 'unset' : value ? 'on' : 'off';

/** Each process finds the programs that it starts itself; `ours` is one of those, and gets the path of the FIFO. */
function fifoLines(
  whose: string,
  fifo: Fifo | undefined,
  script: FifoScript | undefined,
  ours: boolean,
): string[] {
  if (fifo === undefined) return [];
  const line = `${whose} notify fifo = ${fifo.path}, ${owner(fifo)}`;
  if (script === undefined) return [line];
  const [found = '', ...words] = script.words;
  const all = ours ? [found, ...words, fifo.path] : [script.written ?? found, ...words];
  return [line, `${whose} notify fifo script = ${shownWords(all)}, ${owner(script)}`];
}

/** What is said of the daemon and does not stand in global_defs. */
export interface DumpFacts {
  /** Whose file it is. */
  readonly process: 'parent' | 'vrrp' | 'check';
  /** It starts the reader of the FIFO that all processes write to. */
  readonly leads?: boolean;
  readonly net_namespace?: string;
  /** '': the one that the daemon was started in. */
  readonly net_namespace_ipvs?: string;
  readonly instance?: string;
  /** What the process runs with, where it asked for real-time scheduling. */
  readonly realtime?: undefined | { readonly priority: number; readonly limit: number };
  /** The process can be asked over the D-Bus. */
  readonly bus?: boolean;
  /** When reload_time_file asks for a reload: only the parent knows. */
  readonly reloadAt?: string;
  /** The interface of static addresses, in the VRRP process, where it exists. */
  readonly default_interface?: string;
  /** An instance needs nftables. */
  readonly nftables?: boolean;
  /** The instance that names the interface of the IPVS synchronisation daemon, in the old place. */
  readonly sync?: { readonly instance: string; readonly interface: string };
  /** The VRIDs of the instances: only the VRRP process knows. */
  readonly vrids?: ReadonlyMap<string, number>;
}

type Line = keyof typeof globalDefs | ((defs: GlobalDefs, facts: DumpFacts) => readonly string[]);

const LAYOUT: readonly Line[] = [
  ({ config_save_dir: folder }) => (folder === undefined ? [] : [`Config save dir = ${folder}`]),
  (_, { net_namespace, net_namespace_ipvs: ipvs, instance }) => [
    `Network namespace = ${net_namespace ?? '(default)'}`,
    `Network namespace ipvs = ${ipvs || '(main namespace)'}`,
    ...(instance === undefined ? [] : [`Instance name = ${instance}`]),
  ],
  'process_name',
  // process_names is short for four names; one of them has a keyword of its own.
  (defs) => {
    const names = [
      ['VRRP', defs.vrrp_process_name, 'keepalived_vrrp'],
      ['LVS', defs.checker_process_name, 'keepalived_lvs'],
      ['BFD', defs.bfd_process_name, 'keepalived_bfd'],
    ] as const;
    return names.flatMap(([of, given, short]) => {
      const name = given ?? (defs.process_names ? short : undefined);
      return name === undefined ? [] : [`${of} process name = ${name}`];
    });
  },
  'router_id',
  ({ smtp_server: server, smtp_address: address, smtp_helo_name: helo, ...defs }) => [
    ...(server === undefined || address === undefined
      ? []
      : [`Smtp server = ${address}`, `Smtp server port = ${server.port}`]),
    ...(helo === undefined ? [] : [`Smtp HELO name = ${helo}`]),
    ...(defs.smtp_connect_timeout === undefined && address === undefined
      ? []
      : [`Smtp server connection timeout = ${toSeconds(defs.smtp_connect_timeout ?? USUAL)}`]),
    ...(defs.notification_email_from === undefined
      ? []
      : [
          `Email notification from = ${defs.notification_email_from}`,
          'Email notification to:',
          ...defs.notification_email.map((name) => `  ${name}`),
        ]),
    `Default smtp_alert = ${offOn(defs.smtp_alert)}`,
    `Default smtp_alert_vrrp = ${offOn(defs.smtp_alert_vrrp)}`,
  ],
  ({ smtp_alert_checker: alert }) => [`Default smtp_alert_checker = ${offOn(alert)}`],
  'checker_log_all_failures',
  reloadLines,
  ({ dynamic_interfaces: dynamic }) => [
    `Dynamic interfaces = ${dynamic !== undefined}`,
    ...(dynamic === undefined ? [] : [`Allow interface changes = ${dynamic !== 'yes'}`]),
  ],
  ({ no_email_faults: none }) => (none ? ['Send emails for fault transitions = off'] : []),
  ({ lvs_timeouts: { tcp, tcpfin, udp } = {} }) => [
    ...(tcp === undefined ? [] : [`LVS TCP timeout = ${toSeconds(tcp)}`]),
    ...(tcpfin === undefined ? [] : [`LVS TCP FIN timeout = ${toSeconds(tcpfin)}`]),
    // keepalived says TCP here too.
    ...(udp === undefined ? [] : [`LVS TCP timeout = ${toSeconds(udp)}`]),
  ],
  (_, { default_interface: name }) => (name === undefined ? [] : [`Default interface = ${name}`]),
  ({ disable_local_igmp: off }) => [`Disable local IGMP = ${off ? 'yes' : 'no'}`],
  syncLines,
  'lvs_flush',
  ({ lvs_flush_on_stop: flush }) => [
    `LVS flush on stop = ${flush === undefined ? 'disabled' : flush === 'all' ? 'full' : flush}`,
  ],
  (defs, { process, leads = false }) => {
    // keepalived's VRRP process forgets the script that another one has started.
    const led = process === 'vrrp' && !leads ? undefined : defs.notify_fifo_script;
    const [vrrp, lvs] = [defs.vrrp_notify_fifo_script, defs.lvs_notify_fifo_script];
    return [
      ...fifoLines('Global', defs.notify_fifo, led, leads),
      ...fifoLines('VRRP', defs.vrrp_notify_fifo, vrrp, process === 'vrrp'),
      ...fifoLines('LVS', defs.lvs_notify_fifo, lvs, process === 'check'),
    ];
  },
  'fifo_write_vrrp_states_on_reload',
  'vrrp_notify_priority_changes',
  'vrrp_mcast_group4',
  'vrrp_mcast_group6',
  'vrrp_garp_master_delay',
  'vrrp_garp_master_repeat',
  'vrrp_garp_master_refresh',
  'vrrp_garp_master_refresh_repeat',
  ({ vrrp_garp_lower_prio_delay: given, vrrp_garp_master_delay: usual }, facts) => [
    `Gratuitous ARP lower priority delay = ${lowerPriority(facts, given, usual, wholeSecondsShown)}`,
  ],
  ({ vrrp_garp_lower_prio_repeat: given, vrrp_garp_master_repeat: usual }, facts) => [
    `Gratuitous ARP lower priority repeat = ${lowerPriority(facts, given, usual, String)}`,
  ],
  'vrrp_down_timer_adverts',
  ({ vrrp_garp_extra_if: extra }) => [
    `Gratuitous ARP for each secondary ${extra?.all === true ? 'i/f' : 'VMAC'} = ${toSeconds(extra?.every ?? ZERO)}s`,
  ],
  'vrrp_lower_prio_no_advert',
  'vrrp_higher_prio_send_advert',
  'vrrp_garp_interval',
  'vrrp_gna_interval',
  'vrrp_version',
  netfilterLines,
  'vrrp_check_unicast_src',
  'vrrp_skip_check_adv_addr',
  'vrrp_strict',
  'max_auto_priority',
  'min_auto_priority_delay',
  'vrrp_priority',
  'vrrp_no_swap',
  'vrrp_rt_priority',
  ({ vrrp_cpu_affinity: processors }) => affinity('VRRP', processors),
  'vrrp_rlimit_rttime',
  'checker_priority',
  'checker_no_swap',
  'checker_rt_priority',
  ({ checker_cpu_affinity: processors }) => affinity('Checker', processors),
  'checker_rlimit_rttime',
  'bfd_priority',
  'bfd_no_swap',
  'bfd_rt_priority',
  ({ bfd_cpu_affinity: processors }) => affinity('BFD', processors),
  'bfd_rlimit_rttime',
  busLines,
  ({ enable_script_security: secure, script_user: user }) => [
    `Script security ${secure ? 'enabled' : 'disabled'}`,
    ...(user === undefined ? [] : [`Default script uid:gid ${user.uid}:${user.gid}`]),
  ],
  'vrrp_netlink_cmd_rcv_bufs',
  'vrrp_netlink_cmd_rcv_bufs_force',
  'vrrp_netlink_monitor_rcv_bufs',
  'vrrp_netlink_monitor_rcv_bufs_force',
  'process_monitor_rcv_bufs',
  'process_monitor_rcv_bufs_force',
  'lvs_netlink_cmd_rcv_bufs',
  'lvs_netlink_cmd_rcv_bufs_force',
  'lvs_netlink_monitor_rcv_bufs',
  'lvs_netlink_monitor_rcv_bufs_force',
  'rs_init_notifies',
  'no_checker_emails',
  ({ vrrp_rx_bufs_policy: policy }) =>
    policy === undefined
      ? []
      : [typeof policy === 'number' ? `rx_bufs_size = ${policy}` : `rx_bufs_policy = ${policy}`],
  'vrrp_rx_bufs_multiplier',
  'umask',
  (_, { realtime }) =>
    realtime === undefined
      ? []
      : [
          `current realtime priority = ${realtime.priority}`,
          `current realtime time limit = ${realtime.limit}`,
        ],
  ({ vrrp_startup_delay: delay }) =>
    delay === undefined ? [] : [`vrrp_startup_delay = ${general(toSeconds(delay))}`],
  ({ log_unknown_vrids: log }) => (log ? ['log_unknown_vrids'] : []),
  ({ vmac_prefix: prefix }) => (prefix === undefined ? [] : [`VMAC prefix = ${prefix}`]),
  ({ vmac_addr_prefix: prefix }) =>
    prefix === undefined ? [] : [`VMAC address prefix = ${prefix}`],
];

/** Where there is no word, the whole path is known. */
const reloadFile = (path: string): string =>
  path === USUAL_RELOAD_FILE ? `/run/${USUAL_RELOAD_FILE}` : path;

/** Only VRRP asks what holds where nothing is said; the others show -1, without its sign. */
const lowerPriority = <T>(
  { process }: DumpFacts,
  given: T | undefined,
  usual: T,
  show: (value: T) => string,
): string => {
  if (given !== undefined) return show(given);
  return process === 'vrrp' ? show(usual) : '4294967295';
};

/** Lines without line ends, the heading first. */
export function dumpGlobals(defs: GlobalDefs, facts: DumpFacts): string[] {
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
function affinity(of: string, processors: readonly number[] = []): string[] {
  if (processors.length === 0) return [];
  const sorted = [...processors].sort((a, b) => a - b);
  return [`${of} CPU Affinity = ${sorted.map((p) => (p === 0 ? ' ' : `${p} `)).join('')}`];
}

function reloadLines(defs: GlobalDefs, { process, reloadAt }: DumpFacts): string[] {
  const {
    reload_check_config: check,
    reload_time_file: time,
    startup_script,
    shutdown_script,
  } = defs;
  return [
    check === undefined
      ? 'No test config before reload'
      : `Test config before reload, log to ${check}`,
    ...(time === undefined
      ? []
      : [
          `Reload time file = ${time}${defs.reload_repeat ? ' (repeat)' : ''}`,
          reloadAt === undefined ? 'No reload scheduled' : `Reload scheduled for ${reloadAt}`,
        ]),
    ...(defs.reload_file === undefined ? [] : [`Reload_file = ${reloadFile(defs.reload_file)}`]),
    ...(defs.tmp_config_directory === undefined
      ? []
      : [`config save directory = ${defs.tmp_config_directory}`]),
    ...(defs.data_use_instance ? ['Use instance name in data dumps'] : []),
    ...(startup_script === undefined || process !== 'parent'
      ? []
      : [
          `Startup script = ${shownScript(startup_script)}, timeout ${toSeconds(defs.startup_script_timeout)}`,
        ]),
    ...(shutdown_script === undefined || process !== 'parent'
      ? []
      : [
          `Shutdown script = ${shownScript(shutdown_script)} timeout ${toSeconds(defs.shutdown_script_timeout)}`,
        ]),
  ];
}

/**
 * Without a number the daemon takes the VRID of the instance, or 0 where it follows none. The VRRP process alone knows whom
 * the name is of; of nobody's it forgets the daemon.
 */
function syncLines(
  { lvs_sync_daemon: sync }: GlobalDefs,
  { sync: old, process, vrids }: DumpFacts,
): string[] {
  if (sync === undefined)
    return old === undefined
      ? []
      : [
          `LVS syncd vrrp instance = ${old.instance}`,
          `LVS syncd interface = ${old.interface}`,
          'LVS syncd syncid = 0',
        ];
  const { inst, id, interface: at } = sync;
  const isDecided = process !== 'parent' && (inst === undefined || process === 'vrrp');
  const usual = inst === undefined ? 0 : vrids?.get(inst);
  if (isDecided && usual === undefined) return [];
  const line = (label: string, value: unknown): string[] =>
    value === undefined ? [] : [`${label} ${value}`];
  return [
    ...line(`LVS syncd vrrp ${process === 'vrrp' ? 'instance' : 'name'} =`, inst),
    `LVS syncd interface = ${at}`,
    `LVS syncd syncid = ${id ?? (isDecided ? usual : 4294967295)}`,
    ...line('LVS syncd maxlen =', sync.maxlen),
    ...line('LVS mcast group', sync.group),
    ...line('LVS syncd mcast port =', sync.port),
    ...line('LVS syncd mcast ttl =', sync.ttl),
  ];
}

function netfilterLines(defs: GlobalDefs, { nftables: needed = false }: DumpFacts): string[] {
  const { nftables, nftables_ipvs: ipvs } = defs;
  return [
    ...(nftables === undefined && defs.vrrp_iptables === undefined && !needed
      ? []
      : [
          `nftables table name = ${nftables?.[0] ?? 'keepalived'}`,
          `nftables base chain priority = ${defs.nftables_priority}`,
          `nftables ${defs.nftables_ifindex ? '' : "don't "}force use ifindex for link local IPv6`,
        ]),
    ...(ipvs === undefined
      ? []
      : [
          `ipvs nftables table name = ${ipvs[0] ?? 'keepalived_ipvs'}`,
          `ipvs nftables base chain priority = ${defs.nftables_ipvs_priority}`,
          `ipvs nftables start fwmark = ${defs.nftables_ipvs_start_fwmark}`,
        ]),
    `nftables with${defs.nftables_counters ? '' : 'out'} counters`,
  ];
}

function busLines(defs: GlobalDefs, { bus = true }: DumpFacts): string[] {
  const is = (what: string, on: boolean): string => `${what} ${on ? 'enabled' : 'disabled'}`;
  return [
    is('SNMP vrrp', defs.enable_snmp_vrrp),
    is('SNMP checker', defs.enable_snmp_checker),
    is('SNMP RFCv2', defs.enable_snmp_rfc || defs.enable_snmp_rfcv2),
    is('SNMP RFCv3', defs.enable_snmp_rfc || defs.enable_snmp_rfcv3),
    is('SNMP traps', defs.enable_traps),
    `SNMP socket = ${defs.snmp_socket ?? 'default (unix:/var/agentx/master)'}`,
    is('DBus', defs.enable_dbus && bus),
    `DBus service name = ${defs.dbus_service_name ?? ''}`,
  ];
}
