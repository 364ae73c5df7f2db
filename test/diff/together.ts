// Statements whose verdict depends on others before them: commands and users, settings given twice, blocks that end early.

import { type Case, globals, inside } from './cases.ts';

const server = (...lines: readonly string[]): string =>
  [
    'virtual_server 10.9.0.100 80 {',
    'lvs_sched rr',
    'lvs_method NAT',
    'protocol TCP',
    'real_server 10.9.1.5 80 {',
    ...lines,
    '}',
    '}',
    '',
  ].join('\n');

const check = (kind: string, ...lines: readonly string[]): string =>
  server(`${kind} {`, ...lines, '}');

const secure = (...lines: readonly string[]): string =>
  `global_defs {\nenable_script_security\nscript_user root\n}\n${lines.join('\n')}`;

const script = 'vrrp_script a {\nscript /bin/true\n}\n';
const group = (...lines: readonly string[]): string =>
  `${inside()}${inside().replace(' A ', ' B ').replace('eth0', 'eth1')}${['vrrp_sync_group G {', 'group {', 'A', 'B', '}', ...lines, '}', ''].join('\n')}`;

/** Who runs scripts: once nobody could be found, nobody is. */
const users: Readonly<Record<string, string>> = {
  'a script user twice': `${globals('script_user root', 'script_user root', 'enable_script_security')}${script}`,
  'an unknown script user before a known one': `${globals('script_user nosuch', 'script_user root', 'enable_script_security')}${script}`,
  'an unknown script user behind a known one': `${globals('script_user root', 'script_user nosuch', 'script_user root', 'enable_script_security')}${script}`,
  'a script before its user': globals(
    'enable_script_security',
    'vrrp_notify_fifo_script /bin/true',
    'script_user root',
  ),
  'a script before its user and before security': globals(
    'vrrp_notify_fifo_script /bin/true',
    'enable_script_security',
    'script_user root',
  ),
  'a script with a user before the user': globals(
    'enable_script_security',
    'vrrp_notify_fifo_script /bin/true root',
    'script_user root',
  ),
  'scripts of start and stop without a user': globals(
    'enable_script_security',
    'startup_script /bin/true',
    'shutdown_script /bin/true',
    'startup_script /bin/true root',
    'shutdown_script /bin/true nosuch',
    'shutdown_script /bin/true root',
    'enable_script_security',
  ),
  'scripts of FIFOs without a user': globals(
    'enable_script_security',
    'notify_fifo_script /bin/true',
    'lvs_notify_fifo_script /bin/true',
  ),
  'a FIFO twice without a user': globals(
    'enable_script_security',
    'notify_fifo /run/x',
    'notify_fifo /run/x',
  ),
  'a FIFO twice with a user': globals('notify_fifo /run/x root', 'notify_fifo /run/y root'),
  'a FIFO with a user, and then without': globals(
    'enable_script_security',
    'vrrp_notify_fifo /run/x root',
    'vrrp_notify_fifo /run/x',
  ),
  'a FIFO without a user, and then with one': globals(
    'enable_script_security',
    'vrrp_notify_fifo /run/x',
    'vrrp_notify_fifo /run/x root',
    'vrrp_notify_fifo /run/x root',
  ),
  'scripts of an instance without a user': `global_defs {\nenable_script_security\n}\n${inside('notify_master /bin/true', 'notify_backup /bin/true', 'notify_backup /bin/true', 'notify_fault /bin/true root')}`,
  'a FIFO before its user': globals(
    'enable_script_security',
    'notify_fifo /run/x',
    'script_user root',
  ),
  'a FIFO before security': globals('notify_fifo /run/x', 'enable_script_security'),
  'a FIFO with a user of its own': globals('enable_script_security', 'lvs_notify_fifo /run/x root'),
  'a FIFO and then a script, without a user': globals(
    'enable_script_security',
    'vrrp_notify_fifo /run/x',
    'vrrp_notify_fifo_script /bin/true',
  ),
  'a vrrp_script and then one of an instance, without a user': `global_defs {\nenable_script_security\n}\n${script}${inside('notify /bin/true')}`,
  'one of an instance and then a vrrp_script, without a user': `global_defs {\nenable_script_security\n}\n${inside('notify /bin/true')}${script}`,
  'a check and then one of its server, without a user': `global_defs {\nenable_script_security\n}\n${server('MISC_CHECK {', 'misc_path /bin/true', '}', 'notify_up /bin/true')}`,
  'scripts of a server without a user': `global_defs {\nenable_script_security\n}\n${inside('notify_master /bin/true')}${server('notify_up /bin/true', 'notify_down /bin/true')}`,
};

const NUMBERED = 'priority 100';
const peers = (...more: readonly string[]): string =>
  ['unicast_peer {', '10.9.0.2', ...more, '}'].join('\n');
const both = (one: string, other: string): string =>
  `${inside(one)}${inside(other).replace(' A ', ' B ')}`;

/** Two instances with one VRID on one interface: whether they meet. */
const numbers: Readonly<Record<string, string>> = {
  'one number': both(NUMBERED, NUMBERED),
  'one number and another group': both(NUMBERED, 'mcast_dst_ip 224.0.0.30'),
  'one number and one other group': both('mcast_dst_ip 224.0.0.30', 'mcast_dst_ip 224.0.0.30'),
  'one number and one peer': both(peers(), peers('10.9.0.3')),
  'one number and other peers': both(peers(), peers().replace('.2', '.3')),
  'one number, one peer and one source': both(
    `${peers()}\nunicast_src_ip 10.9.0.7`,
    `${peers()}\nunicast_src_ip 10.9.0.7`,
  ),
  'one number, one peer and two sources': both(
    `${peers()}\nunicast_src_ip 10.9.0.7`,
    `${peers()}\nunicast_src_ip 10.9.0.8`,
  ),
  'own interface tracked': inside('track_interface {', 'eth0 weight 10', 'eth1', '}'),
  'own interface tracked in spite of dont_track_primary': inside(
    'dont_track_primary',
    'track_interface {',
    'eth0 weight 10',
    'eth1',
    '}',
  ),
};

/** Nobody has said that scripts must be safe: what counts for the exit status. */
const insecure: Readonly<Record<string, string>> = {
  'a vrrp_script without an instance': script,
  'a vrrp_script with an instance that does not use it': script + inside(),
  'a vrrp_script with an instance that cannot run': `${script}vrrp_instance A {\ninterface eth0\n}\n`,
  'a vrrp_script with a static address': `${script}static_ipaddress {\n10.9.0.77/24 dev eth0\n}\n`,
  'a vrrp_script with a server': script + server(),
  ...Object.fromEntries(
    ['notify', 'vrrp_notify', 'lvs_notify'].flatMap((of) => [
      [`a reader of ${of}_fifo with an instance`, globals(`${of}_fifo_script /bin/true`)],
      [
        `a reader of ${of}_fifo with a server`,
        `global_defs {\n${of}_fifo_script /bin/true\n}\n${server()}`,
      ],
      [`a reader of ${of}_fifo alone`, `global_defs {\n${of}_fifo_script /bin/true\n}\n`],
    ]),
  ),
  'a vrrp_script that only asks for a file': `${script.replace('/bin', '</bin')}${inside()}`,
};

/** Which of several commands stays. */
const commands: Readonly<Record<string, string>> = {
  'commands of an instance': secure(
    inside(
      'notify_master /bin/true nosuch',
      'notify_master /bin/true',
      'notify_master /bin/true',
      'notify /bin/nosuch',
      'notify /bin/true',
    ),
  ),
  'commands of a group': secure(
    group(
      'notify_master /bin/true nosuch',
      'notify_master /bin/true nosuch',
      'notify_master /bin/true',
      'notify_master /bin/true',
    ),
  ),
  'a vrrp_script that may not be executed': secure(
    script.replace('/bin/true', '/etc/passwd'),
    inside(),
  ),
  'a vrrp_script that is a folder': secure(script.replace('/bin/true', '/etc'), inside()),
  'a vrrp_script that is not there': secure(script.replace('/bin/true', '/nosuch'), inside()),
  'a slash behind a vrrp_script': secure(script.replace('/bin/true', '/bin/true/'), inside()),
  'notify_deleted twice': secure(inside('notify_deleted', 'notify_deleted /bin/true')),
};

const settings: Readonly<Record<string, string>> = {
  'net_namespace_ipvs twice': `net_namespace_ipvs a\n${inside()}net_namespace_ipvs a\n`,
  'a size of buffers and a policy': globals(
    'vrrp_rx_bufs_policy 5',
    'vrrp_rx_bufs_policy MTU',
    'vrrp_rx_bufs_policy 6',
  ),
  'a policy of buffers and a size': globals('vrrp_rx_bufs_policy MTU', 'vrrp_rx_bufs_policy 6'),
  'two policies of buffers': globals('vrrp_rx_bufs_policy MTU', 'vrrp_rx_bufs_policy ADVERT'),
  'a number of buffers and another word': globals('vrrp_rx_bufs_policy 1 eth1'),
  'a policy of buffers and a number': globals('vrrp_rx_bufs_policy MTU 1'),
  'several periods': globals(
    'vrrp_garp_extra_if 1 2',
    'vrrp_garp_extra_if 1 all',
    'vrrp_garp_extra_if 1 2 x',
    'vrrp_garp_extra_if all',
  ),
  'several periods of an instance': inside(
    'garp_extra_if 1 yes',
    'garp_extra_if all x',
    'garp_extra_if all all',
  ),
};

/** What of a statement given twice stays. */
const twice: Readonly<Record<string, string>> = {
  'MASTER stays': inside('state MASTER', 'state BACKUP', 'nopreempt'),
  'BACKUP does not': inside('state BACKUP', 'state MASTER', 'nopreempt'),
  'names of virtual MACs': inside('use_vmac', 'use_vmac vrrp.51', 'use_vmac', 'use_vmac vrrp.52'),
  ipvlan: inside('use_ipvlan 10.9.0.7', 'use_ipvlan ipv.1'),
  'a virtual MAC and unicast_fault_no_peer': inside('use_vmac', 'unicast_fault_no_peer'),
};

const ends: Readonly<Record<string, string>> = {
  'tries of a MISC_CHECK behind an unknown user, which it reads': secure(
    check('MISC_CHECK', 'misc_path /bin/true', 'user nosuch', 'retry'),
  ),
  'an SMTP_CHECK does not know the family of its server':
    check('SMTP_CHECK', 'bindto fd00::1') +
    check('SMTP_CHECK', 'bindto fd00::1', 'connect_ip 10.9.0.4').replace('.100', '.101') +
    check('SMTP_CHECK', 'host {', 'bindto fd00::1', '}').replace('.100', '.102'),
  'a payload of nothing':
    check('UDP_CHECK', 'payload ""') +
    check('UDP_CHECK', 'payload "" 12', 'require_reply').replace('.100', '.101') +
    check('UDP_CHECK', 'require_reply " "').replace('.100', '.102'),
};

/** The missing interface ends keepalived before it speaks of the missing peers. */
const homeless: Readonly<Record<string, string>> = {
  'a virtual MAC, unicast and no interface':
    'vrrp_instance A {\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.0.100/24\n}\nuse_vmac\nunicast_src_ip lo\n}\n',
  'ipvlan, unicast and no interface':
    'vrrp_instance A {\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.0.100/24\n}\nuse_ipvlan\nold_unicast_checksum\n}\n',
};

/** Behind these keepalived reads no more of the block, and counts nothing. */
const unread: Readonly<Record<string, string>> = {
  'a MISC_CHECK behind an unknown user': secure(
    check('MISC_CHECK', 'misc_path /bin/true', 'user nosuch', 'misc_timeout'),
  ),
  'a bfd_instance behind a wrong neighbour': 'bfd_instance A {\nneighbor_ip x\nmin_rx\n}\n',
};

const doubles = [
  ...['bfd_instance A {', 'min_rx x', '}', 'bfd_instance A {', 'neighbor_ip 10.9.0.4', 'min_rx x'],
  ...['}', 'bfd_instance A {', 'neighbor_ip 10.9.0.5', 'min_rx x', '}', ''],
].join('\n');

const cases = (texts: Readonly<Record<string, string>>): Case[] =>
  Object.entries(texts).map(([name, text]) => ({ name, text }));

const UNNAMED = 'keepalived has no name for a server there, and calls it (null)';
const REAL = '[10.9.1.5]:tcp:80';
const again = [
  `(${REAL}) notify_up script already specified - ignoring /bin/true`,
  `(${REAL}) notify_down script already specified - ignoring /bin/true`,
  '([10.9.0.100]:tcp:80) quorum_down script already specified - ignoring /bin/true',
];

export const TOGETHER: readonly Case[] = [
  ...[users, numbers, insecure, commands, settings, twice, ends, unread].flatMap(cases),
  {
    name: 'commands of a server',
    text: secure(
      server(
        'notify_up /bin/true nosuch',
        'notify_up /bin/true',
        'notify_up /bin/true',
        'notify_down /bin/nosuch',
        'notify_down /bin/true',
      ),
    ),
    differs: { why: UNNAMED, words: again.slice(0, 2) },
  },
  {
    name: 'commands of a service',
    text: secure(
      server().replace(
        'protocol TCP',
        'protocol TCP\nquorum_down /bin/true nosuch\nquorum_down /bin/true\nquorum_down /bin/true',
      ),
    ),
    differs: { why: UNNAMED, words: again.slice(2) },
  },
  ...cases(homeless).map((one) => ({ ...one, mixed: true as const })),
  { name: 'three sessions of one name', text: doubles },
  {
    name: 'any number of hops and a short life',
    text: 'bfd_instance A {\nneighbor_ip 10.9.0.4\nmax_hops -1\nttl 2\n}\n',
  },
  {
    name: 'a wrong neighbour behind a good one',
    text: 'bfd_instance A {\nneighbor_ip 10.9.0.4\nmax_hops 255\nneighbor_ip x\nttl 1\n}\n',
  },
  { name: 'two sockets in a line', text: globals('snmp_socket a b') },
];
