// Small configurations for the comparison with keepalived 2.2.7. Each mistake stands alone, so that a difference
// has one cause.

export interface Case {
  readonly name: string;
  readonly text: string;
  /** A difference that is meant: what each side does, and why ours is other. */
  readonly differs?: Difference;
  /** Several mistakes may stand in it, of which keepalived tells only up to the first fatal one. */
  readonly mixed?: true;
}

export interface Difference {
  readonly why: string;
  readonly status?: { readonly ours: number; readonly theirs: number };
  /** Lines complained about by one side only. */
  readonly onlyOurs?: readonly number[];
  readonly onlyTheirs?: readonly number[];
  /** Sentences of ours that keepalived does not have. */
  readonly words?: readonly string[];
}

const VIP = ['virtual_ipaddress {', '10.9.0.100/24', '}'];

/** Lines 4 and on of an instance that is good without them. */
const inside = (...lines: readonly string[]): string =>
  ['vrrp_instance A {', 'interface eth0', 'virtual_router_id 5', ...lines, ...VIP, '}', ''].join(
    '\n',
  );

/** After line 1, with a good instance behind. */
const globals = (...lines: readonly string[]): string =>
  `${['global_defs {', ...lines, '}'].join('\n')}\n${inside()}`;

/** The whole of virtual_ipaddress from line 5 on. */
const addresses = (...lines: readonly string[]): string =>
  [
    'vrrp_instance A {',
    'interface eth0',
    'virtual_router_id 5',
    'virtual_ipaddress {',
    ...lines,
    '}',
    '}',
    '',
  ].join('\n');

const each = (place: (line: string) => string, lines: readonly string[]): Case[] =>
  lines.map((line) => ({ name: line, text: place(line) }));

export const scalars = each(inside, [
  '',
  'state MASTER',
  'state BACKUP',
  'state FAULT',
  'state master',
  'interface eth1',
  'interface nosuch0',
  'interface lo',
  'vrf eth0',
  'vrf nosuch0',
  'vrf abcdefghijklmnopqrst',
  'virtual_router_id 0',
  'virtual_router_id 256',
  'virtual_router_id 7x',
  'virtual_router_id 010',
  'virtual_router_id 0x10',
  'virtual_router_id "10"',
  'virtual_router_id " 10"',
  'virtual_router_id 1.5',
  'virtual_router_id -1',
  'virtual_router_id',
  'priority 0',
  'priority 255',
  'priority 256',
  'priority -5',
  'priority 1e1',
  'priority +5',
  'priority',
  'priority 50 extra words',
  'advert_int 1',
  'advert_int 0',
  'advert_int 0.5',
  'advert_int 1.4',
  'advert_int 1.5',
  'advert_int .5',
  'advert_int 1.',
  'advert_int 1,5',
  'advert_int 1s',
  'advert_int 255',
  'advert_int 256',
  'advert_int 1.1234567',
  'advert_int -1',
  'version 1',
  'version 2',
  'version 3',
  'version 4',
  'native_ipv6',
  'nopreempt',
  'preempt',
  'preempt_delay 3',
  'preempt_delay 3;',
  'preempt_delay 1001',
  'preempt_delay 0.5',
  'preempt_delay -1',
  'garp_master_delay 3',
  'garp_master_delay 3x',
  'garp_master_delay 4295',
  'garp_master_delay -1',
  'garp_master_delay 3 garp_master_repeat 2',
  'garp_master_repeat 0',
  'garp_master_repeat 4294967295',
  'garp_master_repeat 4294967296',
  'garp_master_refresh 0',
  'garp_master_refresh x',
  'garp_master_refresh_repeat 0',
  'garp_lower_prio_delay 9999',
  'garp_lower_prio_repeat 0',
  'garp_lower_prio_repeat 2147483648',
  'down_timer_adverts 0',
  'down_timer_adverts 100',
  'down_timer_adverts 101',
  'lower_prio_no_advert',
  'lower_prio_no_advert off',
  'lower_prio_no_advert OFF',
  'lower_prio_no_advert 1',
  'higher_prio_send_advert yes',
  'higher_prio_send_advert maybe',
  'skip_check_adv_addr',
  'skip_check_adv_addr off',
  'skip_check_adv_addr never',
  'dont_track_primary',
  'accept',
  'check_unicast_src',
  'unicast_ttl 64',
  'unicast_ttl 256',
  'unicast_src_ip 10.9.0.1',
  'unicast_src_ip 10.9.0.999',
  'mcast_src_ip 10.9.0.1',
  'mcast_src_ip fe80::1',
  'mcast_src_ip nonsense',
  'mcast_dst_ip 224.0.0.30',
  'mcast_dst_ip 10.0.0.1',
  'mcast_dst_ip nonsense',
  'STATE MASTER',
  'nosuchkeyword',
  'notify',
  'notify_deleted',
  'notify_master "/bin/true',
]);

export const globalScalars = each(globals, [
  'router_id a',
  'router_id',
  'router_id "a b"',
  'vrrp_version 3',
  'vrrp_version 4',
  'vrrp_mcast_group4 224.0.0.20',
  'vrrp_mcast_group4 10.0.0.1',
  'vrrp_mcast_group4 ff02::12',
  'vrrp_mcast_group6 ff02::13',
  'vrrp_mcast_group6 ff05::13',
  'vrrp_garp_master_delay 4295',
  'vrrp_garp_master_repeat 0',
  'vrrp_garp_master_refresh_repeat 0',
  'vrrp_garp_interval 0',
  'vrrp_garp_interval 0.5',
  'vrrp_garp_interval 2',
  'vrrp_garp_interval x',
  'vrrp_gna_interval 0.000001',
  'vrrp_down_timer_adverts 101',
  'vrrp_lower_prio_no_advert no',
  'vrrp_lower_prio_no_advert No',
  'vrrp_higher_prio_send_advert 1',
  'vrrp_check_unicast_src whatever',
  'vrrp_skip_check_adv_addr',
  'dynamic_interfaces',
  'dynamic_interfaces allow_if_changes',
  'dynamic_interfaces sometimes',
  'vrrp_priority -21',
  'vrrp_priority 20',
  'vrrp_no_swap',
  'vrrp_rt_priority 0',
  'vrrp_rt_priority 100',
  'vrrp_rlimit_rttime 0',
  'vrrp_rlimit_rtime 1000',
  'vrrp_cpu_affinity 0',
  'vrrp_cpu_affinity 999',
  'max_auto_priority',
  'max_auto_priority 100',
  'umask 0133',
  'umask 01000',
  'umask 1 2',
  'umask IRUSR|IWUSR',
  'umask IRWXG',
  'umask IRGRP|IRWXO',
  'umask nonsense',
  'process_name averyveryverylongname',
  'vrrp_process_name averyveryverylongname',
  'process_names',
  'script_user root',
  'script_user nosuchuser',
  'enable_script_security',
  'router_idd a',
]);

const entries = each(addresses, [
  '',
  '10.9.0.100',
  '10.9.0.100/33',
  '10.9.0.100/x',
  '10.9.0.100/24 dev eth1',
  '10.9.0.100/24 dev nosuch0',
  '10.9.0.100/24 dev',
  '10.9.0.100/24 brd +',
  '10.9.0.100/24 brd 10.9.0.255',
  '10.9.0.100/24 brd x',
  '10.9.0.100/24 scope link',
  '10.9.0.100/24 scope 77',
  '10.9.0.100/24 scope 256',
  '10.9.0.100/24 scope world',
  '10.9.0.100/24 label eth0:1',
  '10.9.0.100/24 label eth0:averylonglabel',
  '10.9.0.100/24 label',
  '10.9.0.100 peer 10.9.0.5',
  '10.9.0.100/24 nosuchoption',
  '10.9.0.100 10.9.0.101',
  '10.9.0.300',
  '10.9.00.1',
  'dev eth0 10.9.0.100',
  'fd00::1/64',
  'fd00::1/129',
  'fe80::1',
  'fd00::1/64 home',
  'fd00::1/64 -nodad',
  'fd00::1/64 mngtmpaddr',
  'fd00::1/64 noprefixroute',
  'fd00::1/64 autojoin',
  '10.9.0.100\nfd00::1',
  '10.9.0.100\n10.9.0.100',
  '10.9.0.100\n10.9.0.100/24',
  '10.9.0.100}',
]);

const rules: Case[] = [
  { name: 'nopreempt and MASTER', text: inside('state MASTER', 'nopreempt') },
  { name: 'nopreempt and delay', text: inside('nopreempt', 'preempt_delay 5') },
  { name: 'unicast', text: inside('unicast_peer {', '10.9.0.2', '}') },
  {
    name: 'unicast with limits',
    text: inside('unicast_peer {', '10.9.0.2 min_ttl 3 max_ttl 5', '}'),
  },
  { name: 'unicast limits crossed', text: inside('unicast_peer {', '10.9.0.2 min_ttl 300', '}') },
  { name: 'unicast other family', text: inside('unicast_peer {', 'fe80::2', '}') },
  { name: 'unicast bad peer', text: inside('unicast_peer {', 'nonsense', '}') },
  { name: 'vmac with a word of unicast', text: inside('use_vmac', 'check_unicast_src') },
  { name: 'unicast without peers', text: inside('unicast_peer {', '}') },
  {
    name: 'authentication',
    text: inside('authentication {', 'auth_type PASS', 'auth_pass abc', '}'),
  },
  {
    name: 'long password',
    text: inside('authentication {', 'auth_type PASS', 'auth_pass abcdefghij', '}'),
  },
  {
    name: 'a password of more than eight bytes in fewer letters',
    text: inside('authentication {', 'auth_type PASS', 'auth_pass ääääé', '}'),
  },
  {
    name: 'a label of more than fifteen bytes in fewer letters',
    text: inside('virtual_ipaddress_excluded {', '10.9.0.101/24 label eth0:ääääää', '}'),
  },
  {
    name: 'names of more than fifteen bytes in fewer letters',
    text: `global_defs {\nprocess_name ääääääää\nvrrp_process_name ääääääé\n}\n${inside('track_interface {', 'ääääääää', '}')}`,
  },
  {
    name: 'authentication of version 3',
    text: inside('version 3', 'authentication {', 'auth_type PASS', 'auth_pass abc', '}'),
  },
  {
    name: 'AH and state MASTER',
    text: inside(
      ...['state MASTER', 'priority 100', 'nopreempt', 'authentication {', 'auth_type AH'],
      ...['auth_pass abc', '}'],
    ),
  },
  {
    name: 'AH and an owner',
    text: inside('state MASTER', 'authentication {', 'auth_type AH', 'auth_pass abc', '}'),
  },
  { name: 'password alone', text: inside('authentication {', 'auth_pass abc', '}') },
  { name: 'unknown authentication', text: inside('authentication {', 'auth_type pass', '}') },
  { name: 'type without password', text: inside('authentication {', 'auth_type PASS', '}') },
  { name: 'fraction in version 3', text: inside('version 3', 'advert_int 0.5') },
  { name: 'too fine in version 3', text: inside('version 3', 'advert_int 0.505') },
  { name: 'too long in version 3', text: inside('version 3', 'advert_int 41') },
  { name: 'no interface', text: `vrrp_instance A {\nvirtual_router_id 5\n${VIP.join('\n')}\n}\n` },
  { name: 'no number', text: `vrrp_instance A {\ninterface eth0\n${VIP.join('\n')}\n}\n` },
  { name: 'no address', text: 'vrrp_instance A {\ninterface eth0\nvirtual_router_id 5\n}\n' },
  {
    name: 'no address in version 3',
    text: 'vrrp_instance A {\ninterface eth0\nversion 3\nvirtual_router_id 5\n}\n',
  },
  {
    name: 'VRF before the interface',
    text: inside().replace('interface', 'vrf eth1\nvrf eth2\ninterface'),
  },
  {
    name: 'loopback for a VRF before the interface',
    text: inside().replace('interface', 'vrf lo\ninterface'),
  },
  {
    name: 'VRF without an interface, with peers',
    text: inside('unicast_peer {', '10.9.0.2', '}').replace('interface eth0', 'vrf eth1'),
  },
  {
    name: 'VRF that comes later, before the interface',
    text: globals('dynamic_interfaces').replace('interface', 'vrf nosuch0\ninterface'),
  },
  { name: 'two of a name', text: `${inside()}${inside()}` },
  { name: 'two of a number', text: `${inside()}${inside().replace(' A ', ' B ')}` },
  {
    name: 'two of a number on two interfaces',
    text: `${inside()}${inside().replace(' A ', ' B ').replace('eth0', 'eth1')}`,
  },
  { name: 'scalar twice', text: inside('priority 50', 'priority 60') },
  {
    name: 'missing interface allowed',
    text: globals('dynamic_interfaces').replace('eth0', 'eth9'),
  },
  {
    name: 'excluded of the other family',
    text: inside('virtual_ipaddress_excluded {', 'fd00::1/64', '}'),
  },
  { name: 'trailing globals', text: `${inside()}global_defs {\nvrrp_version 3\n}\n` },
];

/** Line 7 and on of a file whose scripts may run as root. */
const secure = (...lines: readonly string[]): string =>
  `${['global_defs {', 'enable_script_security', 'script_user root', '}'].join('\n')}\n${inside(...lines)}`;

const scripts: Case[] = [
  ...each(secure, [
    'notify_master /usr/bin/true',
    'notify_backup "/usr/bin/true a b"',
    "notify_fault '/usr/bin/true a'",
    'notify_stop "/usr/bin/true" root root',
    'notify "/usr/bin/true" nosuchuser',
    'notify_master_rx_lower_pri true',
    'notify_master /etc/passwd',
    'notify_master /tmp',
    'notify_master /nonexistent',
    'notify_master ""',
    'notify_deleted',
    'notify_deleted /usr/bin/true',
    'notify_master',
    'notify_backup "/usr/bin/true \\"a b\\" {c}"',
  ]),
  { name: 'script twice', text: secure('notify /usr/bin/true', 'notify /usr/bin/false') },
  { name: 'deletion twice', text: secure('notify_deleted', 'notify_deleted /usr/bin/true') },
  { name: 'script without security', text: inside('notify_master /usr/bin/true') },
  { name: 'missing script without security', text: inside('notify_master /nonexistent') },
  {
    name: 'security without a user',
    text: `global_defs {\nenable_script_security\n}\n${inside('notify_master /usr/bin/true')}`,
  },
];

export const CASES: readonly Case[] = [
  ...scalars,
  ...globalScalars,
  ...entries,
  ...rules,
  ...scripts,
];
export { addresses, globals, inside };
