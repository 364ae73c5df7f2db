// The rows of global_defs that are defaults of every instance, or hold for the VRRP child as a whole.

import type { Ip } from '../../lib/ip.ts';
import { seconds } from '../../lib/time.ts';
import { defaulted, optional } from '../keyword.ts';
import {
  decimalSeconds,
  exactInteger,
  flag,
  integer,
  interfaceName,
  multicast,
  onOff,
  repeats,
  type ValueType,
  wholeSeconds,
  word,
} from '../value.ts';
import {
  bufferPolicy,
  extraInterfaces,
  mistaken,
  sixDecimals,
  wholeSecondsShown,
  words,
  yesNo,
} from './value.ts';

/** Exactly one number. */
const onlyNumber: ValueType<number> = {
  ...integer(1, 4294967295),
  parse: (given, raw) =>
    given.length === 1
      ? exactInteger(1, 4294967295).parse(given, raw)
      : { complaints: [mistaken('extra-words', 'one word and no more', { word: 1 })] },
};
const netfilterChains = words('[<in_chain> [<out_chain>]]', 2);
const setNames = words('[<set4> [<set6> [<if6> [<igmp> [<mld> [<nd>]]]]]]', 6);
const tableName = words('[<table>]', 1);

const buffer = (what: string) =>
  ({
    label: `${what}_rcv_bufs`,
    bare: `${what}_rcv_bufs size missing`,
    refusal: `${what}_rcv_bufs size (%w) invalid`,
  }) as const;
const forced = (what: string) =>
  ({
    label: `${what}_rcv_bufs_force`,
    show: (value: boolean) => (value ? '1' : '0'),
    refusal: `Invalid value '%w' for global ${what}_rcv_bufs_force specified`,
  }) as const;
const BUFFER = 'Receive buffer of a netlink socket in bytes; 0 leaves it to the system.';
const FORCE = 'Let the buffer be larger than the system allows.';

export const vrrpRows = {
  // Adverts
  vrrp_version: defaulted(integer(2, 3), 2, 'Protocol version; IPv6 is always 3 by default.', {
    label: 'VRRP default protocol version',
    refusal: 'VRRP Error: Version must be either 2 or 3',
  }),
  vrrp_mcast_group4: defaulted(
    multicast(4),
    '224.0.0.18' as Ip,
    'Group that IPv4 adverts are sent to.',
    {
      label: 'VRRP IPv4 mcast group',
    },
  ),
  vrrp_mcast_group6: defaulted(
    multicast(6),
    'ff02::12' as Ip,
    'Group that IPv6 adverts are sent to.',
    {
      label: 'VRRP IPv6 mcast group',
    },
  ),
  vrrp_down_timer_adverts: defaulted(
    integer(1, 100),
    3,
    'Adverts missed before a backup takes over.',
    {
      label: 'Num adverts before down',
      refusal: "Invalid vrrp_down_timer_adverts [1:100] '%w'",
    },
  ),
  vrrp_lower_prio_no_advert: defaulted(
    onOff,
    false,
    'Do not answer an advert of lower priority at once.',
    {
      label: 'Send advert after receive lower priority advert',
      show: (value) => yesNo(!value),
      refusal: 'Invalid value for vrrp_lower_prio_no_advert specified',
    },
  ),
  vrrp_higher_prio_send_advert: defaulted(
    onOff,
    false,
    'Send one more advert before giving way to a higher priority.',
    {
      label: 'Send advert after receive higher priority advert',
      show: yesNo,
      refusal: 'Invalid value for vrrp_higher_prio_send_advert specified',
    },
  ),
  vrrp_check_unicast_src: defaulted(
    flag,
    false,
    'Drop unicast adverts that come from no configured peer.',
    { label: 'VRRP check unicast_src', show: yesNo },
  ),
  vrrp_skip_check_adv_addr: defaulted(
    flag,
    false,
    'Do not compare the address list when the advert comes from the same master as before.',
    { label: 'VRRP skip check advert addresses', show: yesNo },
  ),

  // Gratuitous ARP and unsolicited neighbour adverts
  vrrp_garp_master_delay: defaulted(
    wholeSeconds(0, 4294),
    seconds(5),
    'Time between the first and the second burst after becoming master; 0 means no second burst.',
    {
      label: 'Gratuitous ARP delay',
      show: wholeSecondsShown,
      refusal: "vrrp_garp_master_delay '%w' invalid - ignoring",
    },
  ),
  vrrp_garp_master_repeat: defaulted(
    repeats(''),
    5,
    'Messages for each address in a burst after becoming master.',
    {
      label: 'Gratuitous ARP repeat',
      refusal: "vrrp_garp_master_repeat '%w' invalid - ignoring",
    },
  ),
  vrrp_garp_master_refresh: defaulted(
    wholeSeconds(0, 4294967295),
    seconds(0),
    'Period of further bursts while master; 0 means none.',
    {
      label: 'Gratuitous ARP refresh timer',
      show: wholeSecondsShown,
      refusal: "Invalid vrrp_garp_master_refresh '%w' - ignoring",
    },
  ),
  vrrp_garp_master_refresh_repeat: defaulted(
    repeats(''),
    1,
    'Messages for each address in a periodic burst.',
    {
      label: 'Gratuitous ARP refresh repeat',
      refusal: "vrrp_garp_master_refresh_repeat '%w' invalid - ignoring",
    },
  ),
  vrrp_garp_lower_prio_delay: optional(
    wholeSeconds(0, 4294),
    'Time to the second burst after a master hears a lower priority.',
    {
      label: 'Gratuitous ARP lower priority delay',
      show: wholeSecondsShown,
      otherwise: 'vrrp_garp_master_delay',
      refusal: "vrrp_garp_lower_prio_delay '%w' invalid - ignoring",
      example: '10',
    },
  ),
  vrrp_garp_lower_prio_repeat: optional(
    integer(0, 2147483647),
    'Messages for each address after a master hears a lower priority.',
    {
      label: 'Gratuitous ARP lower priority repeat',
      otherwise: 'vrrp_garp_master_repeat',
      refusal: "Invalid vrrp_garp_lower_prio_repeat '%w'",
      example: '1',
    },
  ),
  vrrp_garp_interval: optional(
    decimalSeconds(0.000001, 4294.967295),
    'Least time between two gratuitous ARP messages on an interface.',
    {
      label: 'Gratuitous ARP interval',
      show: sixDecimals,
      refusal: "vrrp_garp_interval '%w' is invalid",
      example: '0.001',
    },
  ),
  vrrp_gna_interval: optional(
    decimalSeconds(0.000001, 4294.967295),
    'Least time between two unsolicited neighbour adverts on an interface.',
    {
      label: 'Gratuitous NA interval',
      show: sixDecimals,
      refusal: "vrrp_gna_interval '%w' is invalid",
      example: '0.001',
    },
  ),
  vrrp_min_garp: optional(
    onOff,
    'One gratuitous ARP message and no more, unless other settings were given before.',
    { refusal: 'Invalid value for vrrp_min_garp specified' },
  ),

  fifo_write_vrrp_states_on_reload: defaulted(
    flag,
    false,
    'Write all states to the FIFOs after a reload.',
    { label: 'FIFO write vrrp states on reload', show: yesNo },
  ),
  vrrp_startup_delay: optional(
    decimalSeconds(0.001, 4294.967295),
    'How long instances wait after the daemon has started.',
    {
      label: 'vrrp_startup_delay',
      refusal: "vrrp_startup_delay '%w' is invalid",
      otherwise: '0',
      example: '5.5',
    },
  ),
  vrrp_delay_after_boot: optional(
    decimalSeconds(0.001, 4294.967295),
    'How long instances wait after the machine has started.',
    {
      refusal: "vrrp_delay_after_boot '%w' is invalid",
      otherwise: '0',
      since: '2.4.3',
      example: '30',
    },
  ),
  vrrp_notify_priority_changes: defaulted(
    onOff,
    false,
    'Write changes of the priority of instances to the FIFOs.',
    {
      label: 'VRRP notify priority changes',
      show: yesNo,
      refusal: "Invalid value '%w' for global vrrp_notify_priority_changes specified",
    },
  ),
  v3_checksum_as_v2: defaulted(
    onOff,
    false,
    'Leave the pseudo header out of the checksum of every VRRPv3 instance for IPv4.',
    { since: '2.4.3' },
  ),
  vrrp_owner_ignore_adverts: defaulted(
    onOff,
    false,
    'Default owner_ignore_adverts of all instances.',
    { since: '2.4.3' },
  ),
  log_unknown_vrids: defaulted(flag, false, 'Log adverts of virtual routers that are not ours.'),

  vrrp_rx_bufs_policy: optional(bufferPolicy, 'How large receive buffers of VRRP are.', {
    bare: 'vrrp_rx_bufs_policy missing',
    otherwise: 'left to the system',
    example: 'ADVERT',
  }),
  vrrp_rx_bufs_multiplier: defaulted(
    onlyNumber,
    3,
    'How many times the MTU or the advert a receive buffer holds.',
    {
      label: 'rx_bufs_multiples',
      // keepalived reckons in 32 bits.
      show: (times) => String(times | 0),
      bare: 'Invalid vrrp_rx_bufs_multiplier',
      refusal: 'Invalid vrrp_rx_bufs_multiplier %w',
    },
  ),
  vrrp_strict: defaulted(flag, false, 'Default strict_mode of all instances.', {
    label: 'VRRP strict mode',
    show: yesNo,
  }),
  // Netfilter
  vrrp_iptables: optional(
    {
      ...netfilterChains,
      parse: (given, raw) => ({
        ...netfilterChains.parse(given, raw),
        complaints: [
          {
            id: 'no-iptables',
            severity: 'warning',
            class: 'general',
            message:
              "iptables not supported, using nftables instead. Please replace 'vrrp_iptables and 'vrrp_ipsets' with 'nftables' config option",
          },
        ],
      }),
    },
    'Chains of iptables for what must not be received; nftables is used in their place.',
    { otherwise: 'INPUT OUTPUT', example: 'INPUT OUTPUT' },
  ),
  vrrp_ipsets: optional(
    {
      ...setNames,
      parse: (given, raw) => ({
        ...setNames.parse(given, raw),
        complaints: [
          {
            id: 'no-ipsets',
            severity: 'warning',
            class: 'unknown-keyword',
            message: "Unknown keyword 'vrrp_ipsets'",
            cause: 'nftables needs no ipsets; keepalived knows it where it is built with libipset',
          },
        ],
      }),
    },
    'Names of the ipsets that iptables would use.',
    {
      otherwise: 'keepalived keepalived6 keepalived_if6 keepalived_igmp keepalived_mld',
      example: 'keepalived keepalived6 keepalived_if6',
    },
  ),
  nftables: optional(tableName, 'Private table of nftables.', {
    again: 'nftables already specified - ignoring',
    otherwise: 'keepalived where it is needed',
    example: 'keepalived',
  }),
  nftables_priority: defaulted(
    exactInteger(-2147483648, 2147483647),
    -1,
    'Priority of the base chains.',
    { label: 'nftables priority', refusal: "invalid nftables chain priority '%w'" },
  ),
  nftables_ifindex: defaulted(
    flag,
    false,
    'Key link-local sets on the number of the interface rather than its name.',
  ),
  nftables_counters: defaulted(flag, false, 'Add counters of packets to the rules.'),

  vrrp_garp_extra_if: optional(
    extraInterfaces(1),
    'Announce addresses on other interfaces than the instance again and again.',
    {
      bare: '%k specified without time - ignoring',
      otherwise: 'off',
      aliases: {
        vrrp_vmac_garp_intvl: {
          message: 'Keyword "vrrp_vmac_garp_intvl" is deprecated - please use "vrrp_garp_extra_if"',
        },
      },
      example: 'all 300',
    },
  ),
  vmac_prefix: optional(word(), 'Prefix of the names of virtual MAC interfaces.', {
    again: 'vmac prefix has already been specified - ignoring %w',
    otherwise: 'vrrp',
    example: 'vmac',
  }),
  vmac_addr_prefix: optional(
    word(),
    'Prefix of the names of virtual MAC interfaces for addresses on other interfaces.',
    {
      again: 'vmac_addr prefix has already been specified - ignoring %w',
      otherwise: 'vmac_prefix',
      example: 'vaddr',
    },
  ),
  default_interface: optional(interfaceName, 'Interface of static addresses without dev.', {
    bare: 'default_interface requires interface name',
    otherwise: 'eth0',
  }),
  disable_local_igmp: defaulted(
    flag,
    false,
    'Turn off reports of the kernel for link-local groups.',
  ),
  vrrp_netlink_cmd_rcv_bufs: defaulted(
    exactInteger(0, 4294967295),
    0,
    BUFFER,
    buffer('vrrp_netlink_cmd'),
  ),
  vrrp_netlink_cmd_rcv_bufs_force: defaulted(onOff, false, FORCE, forced('vrrp_netlink_cmd')),
  vrrp_netlink_monitor_rcv_bufs: defaulted(
    exactInteger(0, 4294967295),
    0,
    BUFFER,
    buffer('vrrp_netlink_monitor'),
  ),
  vrrp_netlink_monitor_rcv_bufs_force: defaulted(
    onOff,
    false,
    FORCE,
    forced('vrrp_netlink_monitor'),
  ),
  process_monitor_rcv_bufs: defaulted(
    exactInteger(0, 4294967295),
    0,
    BUFFER,
    buffer('process_monitor'),
  ),
  process_monitor_rcv_bufs_force: defaulted(onOff, false, FORCE, forced('process_monitor')),
};
