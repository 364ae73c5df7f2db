// The rows of vrrp_instance, and the shape in which the core gets an instance. Rules between keywords are in
// rules.ts; nothing here is read from the system.

import { command } from '../config/command.ts';
import type { GlobalDefs } from '../config/globals.ts';
import {
  defaulted,
  entries,
  type Infer,
  inherited,
  optional,
  required,
  section,
} from '../config/keyword.ts';
import {
  type AddressEntry,
  cutWord,
  decimalSeconds,
  exactInteger,
  flag,
  integer,
  interfaceName,
  ipAddress,
  onOff,
  repeats,
  type Script,
  wholeSeconds,
} from '../config/value.ts';
import type { Weight } from '../config/weight.ts';
import type { Family, Ip } from '../lib/ip.ts';
import type { MadeLink } from '../lib/link.ts';
import { type Duration, seconds } from '../lib/time.ts';
import type { TrackFile, TrackLists, TrackProcess, VrrpScript } from './definitions.ts';
import { routeGrammar, ruleGrammar } from './grammar.ts';
import type { DelayEntry, LinkbeatEntry } from './group.ts';
import { linkRows } from './link.ts';
import type { GarpGroup, SyncGroup, TrackGroup } from './membership.ts';
import { optionRows } from './option.ts';
import { peerGrammar, peerLine } from './peer.ts';
import { routeLine } from './route.ts';
import type { RouteEntry, RuleEntry } from './routing.ts';
import { ruleLine } from './rule.ts';
import { type TrackKeyword, trackRows } from './track.ts';
import {
  addressGrammar,
  addressLine,
  authenticationType,
  initialState,
  onWhateverWord,
  optionalCommand,
} from './value.ts';

const authentication = {
  auth_type: optional(
    authenticationType,
    'PASS: a password in clear text in every advert; AH: an authentication header made with it (VRRPv2 only).',
    {
      example: 'PASS',
    },
  ),
  auth_pass: optional(
    cutWord(8, () => 'Truncating auth_pass to 8 characters'),
    'The password; the first 8 characters count.',
    { example: 's3cr3t' },
  ),
};

const MALFORMED_SOURCE =
  'Configuration error: VRRP instance[%n] malformed src address[%w]. Skipping...';
const ONCE = { again: '(%n) %k script already specified - ignoring %w' };

export const vrrpInstance = {
  state: defaulted(initialState, 'BACKUP', 'State to start in.', {
    otherwise: 'BACKUP; MASTER with priority 255',
  }),
  interface: optional(interfaceName, 'Interface that VRRP runs on.', {
    otherwise: 'none: it is required',
  }),
  virtual_router_id: required(
    exactInteger(1, 255),
    'Number of the virtual router on its network.',
    {
      refusal: "(%n): VRID '%w' not valid - must be between 1 & 255",
      example: '51',
    },
  ),
  priority: defaulted(
    exactInteger(1, 255),
    100,
    'The highest priority is master; 255 owns the addresses.',
    {
      refusal: '(%n) Priority not valid! must be between 1 & 255. Using default 100',
      salvage: 100,
      otherwise: '100; 255 with state MASTER',
    },
  ),
  advert_int: defaulted(
    decimalSeconds(0.01, 255),
    seconds(1),
    'Time between adverts; version 2 knows whole seconds only, version 3 hundredths up to 40.95.',
    { refusal: '(%n) Advert interval (%w) not valid! Must be > 0 - ignoring' },
  ),
  version: inherited(integer(2, 3), 'vrrp_version', 'VRRP version.', {
    otherwise: 'vrrp_version; 3 for IPv6',
    refusal: '(%n): Version must be either 2 or 3',
    example: '3',
  }),
  native_ipv6: defaulted(flag, false, 'Force the instance to IPv6 and version 3.'),
  authentication: section(authentication, 'Password of VRRPv2 adverts.', {
    example: { lines: ['auth_type PASS', 'auth_pass s3cr3t'] },
  }),

  // Who speaks to whom
  mcast_src_ip: optional(ipAddress, 'Source address of adverts.', {
    refusal: MALFORMED_SOURCE,
    otherwise: 'first address of the interface',
  }),
  unicast_src_ip: optional(ipAddress, 'Source address of unicast adverts.', {
    refusal: MALFORMED_SOURCE,
    otherwise: 'first address of the interface',
  }),
  mcast_dst_ip: optional(ipAddress, 'Multicast group that adverts are sent to.', {
    otherwise: 'vrrp_mcast_group4 or vrrp_mcast_group6',
    refusal: '(%n) malformed mcast dest address %w. Skipping...',
    example: '224.0.0.19',
  }),
  unicast_peer: entries(peerLine, 'Routers that adverts are sent to, in place of the group.', {
    grammar: peerGrammar,
    example: '192.0.2.2',
  }),
  unicast_ttl: defaulted(exactInteger(0, 255), 255, 'TTL or hop limit of unicast adverts.', {
    refusal: "(%n): TTL '%w' not valid - must be between 0 & 255",
  }),
  check_unicast_src: inherited(
    flag,
    'vrrp_check_unicast_src',
    'Drop unicast adverts that come from no configured peer.',
  ),
  skip_check_adv_addr: inherited(
    onWhateverWord,
    'vrrp_skip_check_adv_addr',
    'Do not compare the address list when the advert comes from the same master as before.',
    { refusal: '(%n) invalid skip_check_adv_addr %w specified' },
  ),

  // What is held
  virtual_ipaddress: entries(addressLine, 'Addresses held as master and listed in adverts.', {
    grammar: addressGrammar,
    example: '192.0.2.100/24 dev eth0 label eth0:vip',
  }),
  virtual_ipaddress_excluded: entries(
    addressLine,
    'Addresses held as master and left out of adverts; both families may be mixed.',
    { grammar: addressGrammar, example: '192.0.2.101/24' },
  ),
  virtual_routes: entries(routeLine(false), 'Routes held as master.', {
    grammar: routeGrammar,
    example: '198.51.100.0/24 via 192.0.2.1 dev eth0',
  }),
  virtual_rules: entries(ruleLine(false), 'Policy rules held as master.', {
    grammar: ruleGrammar,
    example: 'from 192.0.2.100 table 100 priority 100',
  }),
  accept: defaulted(flag, true, 'Accept packets sent to the virtual addresses.'),

  // Elections
  nopreempt: defaulted(flag, false, 'Do not take over from a master of lower priority.'),
  preempt: optional(flag, 'Take over again after an earlier nopreempt.'),
  preempt_delay: defaulted(
    decimalSeconds(0, 1000),
    seconds(0),
    'Wait before taking over from a master of lower priority.',
    { refusal: '(%n) Preempt_delay not valid! must be between 0-1000', example: '300' },
  ),
  down_timer_adverts: inherited(
    integer(1, 100),
    'vrrp_down_timer_adverts',
    'Adverts missed before a backup takes over.',
    { refusal: "(%n): Invalid down_timer_adverts [1:100] '%w'", example: '4' },
  ),
  lower_prio_no_advert: inherited(
    onOff,
    'vrrp_lower_prio_no_advert',
    'Do not answer an advert of lower priority at once.',
    { refusal: '(%n) invalid lower_prio_no_advert %w specified' },
  ),
  higher_prio_send_advert: inherited(
    onOff,
    'vrrp_higher_prio_send_advert',
    'Send one more advert before giving way to a higher priority.',
    { refusal: '(%n) invalid higher_prio_send_advert %w specified' },
  ),
  dont_track_primary: defaulted(
    flag,
    false,
    'Do not fail when the interface of the instance does.',
  ),

  // Gratuitous ARP and unsolicited neighbour adverts
  garp_master_delay: inherited(
    wholeSeconds(0, 4294),
    'vrrp_garp_master_delay',
    'Time between the first and the second burst after becoming master; 0 means no second burst.',
    { refusal: "(%n): garp_master_delay '%w' invalid - ignoring", example: '2' },
  ),
  garp_master_repeat: inherited(
    repeats('(%n): '),
    'vrrp_garp_master_repeat',
    'Messages for each address in a burst after becoming master.',
    { refusal: "(%n): garp_master_repeat '%w' invalid - ignoring", example: '3' },
  ),
  garp_master_refresh: inherited(
    wholeSeconds(0, 4294967295),
    'vrrp_garp_master_refresh',
    'Period of further bursts while master; 0 means none.',
    { refusal: "(%n): Invalid garp_master_refresh '%w' - ignoring", example: '60' },
  ),
  garp_master_refresh_repeat: inherited(
    repeats('(%n): '),
    'vrrp_garp_master_refresh_repeat',
    'Messages for each address in a periodic burst.',
    { refusal: "(%n): garp_master_refresh_repeat '%w' invalid - ignoring", example: '2' },
  ),
  garp_lower_prio_delay: inherited(
    wholeSeconds(0, 4294),
    'vrrp_garp_lower_prio_delay',
    'Time to the second burst after a master hears a lower priority.',
    { refusal: "(%n): garp_lower_prio_delay '%w' invalid - ignoring", example: '10' },
  ),
  garp_lower_prio_repeat: inherited(
    integer(0, 2147483647),
    'vrrp_garp_lower_prio_repeat',
    'Messages for each address after a master hears a lower priority.',
    { refusal: "(%n): Invalid garp_lower_prio_repeat '%w'", example: '1' },
  ),

  // Scripts
  notify_master: optional(command, 'Run on becoming master.', ONCE),
  notify_backup: optional(command, 'Run on becoming backup.', ONCE),
  notify_fault: optional(command, 'Run on entering FAULT.', ONCE),
  notify_stop: optional(command, 'Run when the daemon stops.', ONCE),
  notify_deleted: optional(
    optionalCommand,
    'A reload that removes the instance reports DELETED in place of FAULT, and runs the command.',
    // keepalived says it without the word script here.
    {
      again: '(%n) %k already specified - ignoring %w',
      example: '"/usr/local/bin/notify deleted"',
    },
  ),
  notify: optional(
    command,
    'Run on every change of state with INSTANCE, the name, the state and the priority appended.',
    ONCE,
  ),
  notify_master_rx_lower_pri: optional(command, 'Run when a master hears a lower priority.', ONCE),

  ...trackRows,
  ...linkRows,
  ...optionRows,
};

type Rows = Infer<typeof vrrpInstance>;
type Decided =
  | 'state'
  | 'version'
  | 'authentication'
  | 'mcast_dst_ip'
  | 'unicast_peer'
  | 'virtual_ipaddress'
  | 'virtual_ipaddress_excluded'
  | 'virtual_routes'
  | 'virtual_rules'
  | 'preempt'
  | 'notify_master'
  | 'notify_backup'
  | 'notify_fault'
  | 'notify_stop'
  | 'notify_deleted'
  | 'notify'
  | 'notify_master_rx_lower_pri';

/** Rows of link.ts, option.ts and track.ts: only what is configured is there. */
type Configured = keyof typeof linkRows | keyof typeof optionRows;

/** An instance as the core gets it: every default applied, every reference resolved, plain JSON, microseconds. */
export interface VrrpInstance
  extends Omit<Rows, Decided | Configured | TrackKeyword>,
    Partial<Pick<Rows, Configured>>,
    Readonly<TrackLists> {
  readonly name: string;
  readonly state: 'MASTER' | 'BACKUP';
  readonly family: Family;
  readonly version: 2 | 3;
  /** Version 2 only, and only with a usable type. */
  readonly authentication?: { readonly auth_type: 'PASS' | 'AH'; readonly auth_pass: string };
  /** The group adverts go to when there are no peers. */
  readonly mcast_dst_ip: Ip;
  /** Empty: multicast. */
  readonly unicast_peer: readonly UnicastPeer[];
  readonly virtual_ipaddress: readonly AddressEntry[];
  readonly virtual_ipaddress_excluded: readonly AddressEntry[];
  /** What use_ipvlan would have made if it had an address. */
  readonly lacking?: { readonly name: string; readonly mode: string };
  /** The interface made for it, which it runs on; absent: `interface`. */
  readonly own?: string;
  /** That one and others that its addresses are on. */
  readonly made?: readonly MadeLink[];
  /** Absent: none. */
  readonly virtual_routes?: readonly RouteEntry[];
  readonly virtual_rules?: readonly RuleEntry[];
  /** Interfaces of static objects that a track_group ties it to. */
  readonly tied_to?: readonly string[];
  /** global_defs vrrp_garp_interval and vrrp_gna_interval; 0 is no limit. */
  readonly garp_interval: Duration;
  readonly gna_interval: Duration;
  /** vrrp_rx_bufs_policy MTU: how many times the MTU of its interface its socket has room for. */
  readonly rx_bufs_mtus?: number;
  /** The others: how many bytes. */
  readonly rx_bufs_bytes?: number;
  /** With no_accept, link-local addresses are told by the name of their interface. */
  readonly shield_by_name?: true;
  /** A keyword of unicast was given, and no peer: adverts are multicast. */
  readonly unicast_without_peers?: true;
  /** global_defs log_unknown_vrids. */
  readonly log_unknown_vrids?: true;
  /** Other limits on some of its interfaces; those of one garp_group share them, whoever announces. */
  readonly pauses?: readonly Pause[];
  /** check_unicast_src is that of global_defs: dumps tell it there. */
  readonly checked_by_default?: true;
  readonly notify_master?: Script;
  readonly notify_backup?: Script;
  readonly notify_fault?: Script;
  readonly notify_stop?: Script;
  /** true: report DELETED, run nothing. */
  readonly notify_deleted?: Script | true;
  readonly notify?: Script;
  readonly notify_master_rx_lower_pri?: Script;
}

export interface Pause {
  /** Negative, and the same for all that share it. */
  readonly queue: number;
  readonly interfaces: readonly string[];
  readonly garp_interval: Duration;
  readonly gna_interval: Duration;
}

export interface UnicastPeer {
  readonly address: Ip;
  /** Outside these limits an advert of the peer is dropped. */
  readonly min_ttl?: number;
  readonly max_ttl?: number;
}

/** An address that is there whatever the state of any instance is. */
export interface StaticAddress extends AddressEntry {
  readonly dev: string;
  readonly track_group?: string;
}

/** A BFD session as VRRP sees it. */
export interface FollowedSession {
  readonly name: string;
  readonly weight: Weight;
}

export interface VrrpConfig {
  readonly global_defs: GlobalDefs;
  /** Where the daemon runs and what it is called, for the names of files. */
  readonly net_namespace?: string;
  readonly net_namespace_ipvs?: string;
  readonly instance?: string;
  /** In the order of the file. */
  readonly vrrp_instance: readonly VrrpInstance[];
  readonly vrrp_script?: readonly VrrpScript[];
  readonly vrrp_sync_group?: readonly SyncGroup[];
  /** What has no effect yet. */
  readonly vrrp_track_process?: readonly TrackProcess[];
  readonly track_file?: readonly TrackFile[];
  /** Every bfd_instance that is for VRRP, also those that cannot run. */
  readonly sessions?: readonly FollowedSession[];
  readonly track_group?: readonly TrackGroup[];
  readonly garp_group?: readonly GarpGroup[];
  readonly interface_up_down_delays?: readonly DelayEntry[];
  readonly linkbeat_interfaces?: readonly LinkbeatEntry[];
  readonly linkbeat_use_polling?: true;
  /** Absent: none. */
  readonly static_ipaddress?: readonly StaticAddress[];
  readonly static_routes?: readonly RouteEntry[];
  readonly static_rules?: readonly RuleEntry[];
}
