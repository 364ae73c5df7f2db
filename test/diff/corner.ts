// Corners of the language that random configurations and a careful reader have found: words that are refused and still
// mean something, and what counts of a block that is refused. keepalived 2.2.7 judges each of them.

import type { Case } from './cases.ts';

const VIP = 'virtual_ipaddress {\n10.9.0.100/24\n}';

const instance = (name: string, ...lines: readonly string[]): string =>
  [`vrrp_instance ${name} {`, 'interface eth0', ...lines, VIP, '}', ''].join('\n');

const globals = (...lines: readonly string[]): string =>
  `${['global_defs {', ...lines, '}'].join('\n')}\n${instance('A', 'virtual_router_id 5')}`;

const vmacs = (first: string, second = 'use_vmac'): string =>
  instance('A', 'virtual_router_id 5', `use_vmac ${first}`) +
  instance('B', 'virtual_router_id 6', second);

const pauses = (...lines: readonly string[]): string =>
  `garp_group {\n${lines.join('\n')}\n}\n${instance('A', 'virtual_router_id 5')}`;

const checked = (...lines: readonly string[]): string =>
  [
    'virtual_server 10.9.0.100 80 {\nlvs_sched rr\nlvs_method NAT\nprotocol TCP',
    `real_server 10.9.0.2 80 {\nTCP_CHECK {\n${lines.join('\n')}\n}\n}\n}\n`,
  ].join('\n');

const grouped = (entries: string, service: string, server: string, own = ''): string =>
  `virtual_server_group G {\n${entries}\n}\nvirtual_server group G {\nprotocol TCP\nlvs_sched rr\n${service}\nreal_server ${server} 80 {\n${own}\n}\n}\n`;

const served = (...lines: readonly string[]): string =>
  `virtual_server 10.9.0.100 80 {\nprotocol TCP\nlvs_sched rr\n${lines.join('\n')}\n}\n`;

const SECURE = 'global_defs {\nenable_script_security\nscript_user root\n}\n';

const commands = (command: string): string =>
  `${SECURE}${instance('A', 'virtual_router_id 5', `notify_master ${command}`)}vrrp_script s {\nscript ${command}\n}\n`;

const group = (...members: readonly string[]): string =>
  `vrrp_sync_group G {\ngroup {\n${members.join('\n')}\n}\nnotify_master /bin/true\n}\n`;

const processes = (...lines: readonly string[]): string =>
  `vrrp_track_process p {\nprocess init\n${lines.join('\n')}\n}\n${instance('A', 'virtual_router_id 5')}`;

const strict = (...lines: readonly string[]): string =>
  instance('A', 'virtual_router_id 5', 'strict_mode', ...lines);

const tied = (rule: string): string =>
  `${instance('A', 'virtual_router_id 5')}track_group T {\ngroup {\nA\n}\n}\nstatic_rules {\n${rule} track_group T\n}\n`;

/** keepalived names the first fatal mistake only. */
const refused: Readonly<Record<string, string>> = {
  'a script of an instance without a VRID': instance('A', 'notify_master /bin/true'),
  'a script of an instance without an interface': instance(
    'A',
    'virtual_router_id 5',
    'notify_deleted /bin/true',
  ).replace('interface eth0\n', ''),
  'notify_deleted without a script, and no VRID': instance('A', 'notify_deleted'),
  'a script that is not there, and no VRID': instance('A', 'notify_master /no/such'),
  'a script of a group whose member is refused': instance('A') + group('A', 'B'),
};

const plain: Readonly<Record<string, string>> = {
  'a script of a group that has no member': instance('A', 'virtual_router_id 5') + group('B', 'C'),
  'a quorum behind a smaller quorum_max': processes('quorum_max 2', 'quorum 3'),
  'a quorum behind the quorum_max 0': processes('quorum_max 0', 'quorum 3'),
  'a quorum_max that was too small for an earlier quorum': processes(
    'quorum 9',
    'quorum_max 5',
    'quorum 3',
  ),
  'a rule of a track_group with oif alone': tied('from 10.9.5.3 table 100 priority 5 oif eth0'),
  'a rule of a track_group with iif': tied('from 10.9.5.3 table 100 priority 5 iif eth0'),
  'a down timer in strict mode': strict('down_timer_adverts 7'),
  'the usual down timer in strict mode': strict('down_timer_adverts 3'),
  'a down timer of all in strict mode': `global_defs {\nvrrp_down_timer_adverts 7\n}\n${strict('priority 5')}`,
  'adverts on the interface below in strict mode': strict('use_vmac', 'vmac_xmit_base'),
  'unicast from a virtual MAC in strict mode': strict('use_vmac', 'unicast_peer {\n10.9.0.2\n}'),
  'a table behind vrrp_iptables': globals('vrrp_iptables', 'nftables'),
  'a name of a table behind vrrp_iptables': globals('vrrp_iptables a b', 'nftables n'),
  'vrrp_iptables behind a table': globals('nftables', 'vrrp_iptables'),
  'a source of another family behind a refused target': checked('connect_ip x', 'bindto fd00::1'),
  'a source of another family before a refused target': checked('bindto fd00::1', 'connect_ip x'),
  'no number': pauses('garp_interval x', 'interface eth0'),
  'no number, and another interval': pauses('garp_interval x', 'gna_interval 1', 'interface eth0'),
  'digits and more': pauses('garp_interval 1x', 'interface eth0'),
  'a negative interval': pauses('garp_interval -1', 'interface eth0'),
  'an interval out of range': pauses('gna_interval 99999999999', 'interface eth0'),
  'a MAC with other letters': vmacs('v1 zz:zz', 'use_vmac v1'),
  'a MAC before the name': vmacs('zz:zz v1', 'use_vmac v1'),
  'a short MAC': vmacs('2:2:3:4', 'use_vmac a:'),
  'MACs with an empty part': vmacs(':2:3:4:5:6', 'use_vmac 2::3:4:5:6'),
  'MACs with a long part': vmacs('002:2:3:4:5:6', 'use_vmac 2:2:3:4:5:006'),
  'a MAC with more behind it': vmacs('2:2:3:4:5:6:7:8', 'use_vmac 2:2:3:4:5:7:'),
  'a MAC of five bytes and a colon': vmacs('2:2:3:4:5:', 'use_vmac 2:2:3:4:5::'),
  'a MAC with other letters behind it': vmacs('2:2:3:4:5:6zz', 'use_vmac 2:2:3:4:5:6:zz'),
  'two MACs': vmacs('2:2:3:4:5:6 2:2:3:4:5:7', 'use_vmac 3:2:3:4:5:6 2:2:3:4:5:7'),
  'two MACs in two lines': vmacs('v1 2:2:3:4:5:6\nuse_vmac 2:2:3:4:5:7'),
  'a third word': vmacs('v1 2:2:3:4:5:6 v2'),
  'a backslash at the end': commands('"/bin/true a\\\\"'),
  'a backslash at the end, written as a number': commands('"/bin/true a\\x5c"'),
  'four backslashes at the end': commands('"/bin/true a\\\\\\\\"'),
  'a backslash at the end in single quotes': commands("'/bin/true a\\\\'"),
  'an escaped quote at the end': commands('"/bin/true a\\"'),
  'an escaped inner quote at the end': commands('"/bin/true \'a\\\\\'"'),
  'an inner quote without an end': commands('"/bin/true \'a\\\\\'b"'),
};

/** Where the families of a group and of its servers differ keepalived drops the service, and -t says nothing. */
const families: Readonly<Record<string, string>> = {
  'a mark of one family and a server of the other': grouped('fwmark 3 inet6', '', '10.9.0.2'),
  'marks of two families': grouped('fwmark 3 inet6\nfwmark 4 inet', '', '10.9.0.2'),
  'a mark of one family, a tunnel and the other ip_family': grouped(
    'fwmark 3 inet6',
    'lvs_method TUN\nip_family inet',
    '10.9.0.2',
  ),
  'an IPv6 group with an IPv4 server': grouped('fd00::1 80', '', '10.9.0.2'),
  'an IPv4 group with an IPv6 server': grouped('10.9.0.1 80', '', 'fd00::2'),
  'an IPv6 group with an IPv4 server, NAT': grouped('fd00::1 80', 'lvs_method NAT', '10.9.0.2'),
  'an IPv6 group with an IPv4 server, TUN': grouped('fd00::1 80', 'lvs_method TUN', '10.9.0.2'),
  'an IPv6 group with an IPv4 server of TUN': grouped(
    'fd00::1 80',
    '',
    '10.9.0.2',
    'lvs_method TUN',
  ),
  'a group of both families': grouped('10.9.0.1 80\nfd00::1 80', '', '10.9.0.2'),
  'a group of both families, TUN': grouped('10.9.0.1 80\nfd00::1 80', 'lvs_method TUN', '10.9.0.2'),
  'a group of a mark and the other family': grouped('fwmark 5\nfd00::1 80', '', '10.9.0.2'),
  'words of tunnels behind NAT and DR': served(
    'lvs_method NAT type gre csum\nsorry_server 10.9.0.3 80\nsorry_server_lvs_method DR foo',
    'real_server 10.9.0.2 80 {\nlvs_method NAT csum\n}\nreal_server 10.9.0.3 80 {\nlvs_method NAT port 5\n}',
  ),
  'tunnels of IPIP with and without a checksum': served(
    'lvs_method TUN type ipip nocsum\nreal_server 10.9.0.2 80 {\nlvs_method TUN type ipip csum\n}',
  ),
  'methods of their own': served('real_server 10.9.0.2 80 {\nlvs_method DR\n}'),
  'a method of its own, and a sorry server': served(
    'sorry_server 10.9.0.3 80\nreal_server 10.9.0.2 80 {\nlvs_method DR\n}',
  ),
  'methods of their own, also of the sorry server': served(
    'sorry_server 10.9.0.3 80\nsorry_server_lvs_method DR\nreal_server 10.9.0.2 80 {\nlvs_method DR\n}',
  ),
  'one of two with a method of its own': served(
    'real_server 10.9.0.2 80 {\nlvs_method DR\n}\nreal_server 10.9.0.3 80 {\n}',
  ),
  'a range that ends before it begins, alone': grouped('10.9.0.5-3 80', '', '10.9.0.2'),
  'a range that ends beyond the byte, alone': grouped('10.9.0.250-256 80', '', '10.9.0.2'),
  'a group of a mark': grouped('fwmark 5', 'lvs_method DR', '10.9.0.2'),
};

const MIXED = '10.9.0.9 443\n10.9.0.5-6 81\n10.9.0.16/30 82\nfwmark 7\nfwmark 8';

const marked = (...lines: readonly string[]): string =>
  `virtual_server fwmark 7 {\nlvs_sched rr\n${lines.join('\n')}\n}\n`;

/** Only NAT changes ports, and a mark has neither address nor protocol. */
const ports: Readonly<Record<string, string>> = {
  'another port behind a group, DR': grouped('10.9.0.9 443', 'lvs_method DR', '10.9.0.2'),
  'the port of the group, DR': grouped('10.9.0.9 80', 'lvs_method DR', '10.9.0.2'),
  'no port behind a group, DR': grouped('10.9.0.9 443', '', '10.9.0.2', 'lvs_method TUN').replace(
    '.2 80',
    '.2 0',
  ),
  'another port behind a group, NAT': grouped('10.9.0.9 443', 'lvs_method NAT', '10.9.0.2'),
  'another port behind many, TUN': grouped(MIXED, 'lvs_method TUN', '10.9.0.2'),
  'another port behind many, DR for one': grouped(MIXED, '', '10.9.0.2', 'lvs_method DR'),
  'another port behind a group without a protocol': grouped(
    '10.9.0.9 443',
    'lvs_method DR',
    '10.9.0.2',
  ).replace('protocol TCP', ''),
  'ports of IPv6 groups': grouped(
    'fd00::9 443\nfd00::20-23 81\nfd00::48/125 82',
    '',
    'fd00::1',
    'lvs_method DR',
  ),
  'a sorry server with another port behind a group': grouped(
    MIXED,
    'lvs_method DR\nsorry_server 10.9.0.3 9000',
    '10.9.0.2',
  ),
  'a sorry server without a port behind a group': grouped(
    MIXED,
    'lvs_method DR\nsorry_server 10.9.0.3',
    '10.9.0.2',
  ),
  'a sorry server with another port, and a method of its own, behind a group': grouped(
    MIXED,
    'lvs_method NAT\nsorry_server 10.9.0.3 9000\nsorry_server_lvs_method DR',
    '10.9.0.2',
  ),
  'a sorry server with another port, TUN': served(
    'lvs_method TUN\nsorry_server 10.9.0.3 9000\nreal_server 10.9.0.2 80 {\n}',
  ),
  'a sorry server with another port, DR of its own': served(
    'lvs_method NAT\nsorry_server 10.9.0.3 9000\nsorry_server_lvs_method DR\nreal_server 10.9.0.2 81 {\n}',
  ),
  'a sorry server with another port, NAT of its own': served(
    'lvs_method DR\nsorry_server 10.9.0.3 9000\nsorry_server_lvs_method NAT\nreal_server 10.9.0.2 80 {\n}',
  ),
  'a sorry server that becomes a real server by its port': served(
    'lvs_method DR\nsorry_server 10.9.0.2 9000\ninhibit_on_failure\nreal_server 10.9.0.2 80 {\n}',
  ),
  'a mark with ports, and with a protocol': marked(
    'lvs_method DR\nprotocol TCP\nsorry_server 10.9.0.3 9000\nreal_server 10.9.0.2 80 {\n}\nreal_server 10.9.0.2 80 {\n}',
  ),
  'a mark with ports, NAT': marked(
    'lvs_method NAT\nsorry_server 10.9.0.3 80\nreal_server 10.9.0.2 80 {\n}',
  ),
  'a mark and a sorry server that is a real one': marked(
    'lvs_method NAT\nprotocol TCP\nsorry_server 10.9.0.2 80\ninhibit_on_failure\nreal_server 10.9.0.2 80 {\n}',
  ),
  'a group of marks with a protocol': grouped('fwmark 5', 'lvs_method DR\nops', '10.9.0.2'),
  'ha_suspend in a group of addresses': grouped(
    '10.9.0.9 80',
    'lvs_method DR\nha_suspend',
    '10.9.0.2',
  ),
  'ha_suspend in a group of marks': grouped('fwmark 5', 'lvs_method NAT\nha_suspend', '10.9.0.2'),
  'ha_suspend in a group with a mark': grouped(
    '10.9.0.9 80\nfwmark 5',
    'lvs_method NAT\nha_suspend',
    '10.9.0.2',
  ),
};

export const CORNERS: readonly Case[] = [
  ...Object.entries({ ...plain, ...families, ...ports }).map(([name, text]) => ({ name, text })),
  ...Object.entries(refused).map(([name, text]): Case => ({ name, text, mixed: true })),
  {
    name: 'a byte order mark before a comment',
    text: `\ufeff# made on another system\n${instance('A', 'virtual_router_id 5')}`,
  },
  {
    name: 'a byte order mark before a block',
    text: `\ufeff${instance('A', 'virtual_router_id 5')}`,
    differs: {
      why: 'the mark is said and left out; keepalived loses the block',
      onlyTheirs: [2, 3, 4, 5, 6, 7],
    },
  },
  { name: 'UTF-16 with a first word', text: 'v\0r\0r\0p\0\n\0x\0\n\0', mixed: true },
  { name: 'UTF-16 of the other order', text: '\0v\0r\0r\0p\0\n\0x\0\n' },
  {
    name: 'a wrong pattern',
    text: served(
      'lvs_method NAT\nreal_server 10.9.0.2 80 {\nHTTP_GET {\nurl {\npath /\nstatus_code 200\nregex "a(b"\n}\n}\n}',
    ),
    differs: {
      why: 'keepalived speaks of it when it runs, and its checker dies with the first answer; without it the check has nothing to ask',
      status: { ours: 5, theirs: 0 },
      onlyOurs: [10, 12],
      words: [
        'HTTP/SSL_GET checker has no urls specified - ignoring',
        "Invalid regex: 'a(b': missing closing parenthesis",
      ],
    },
  },
  {
    name: 'scripts behind a second group { }',
    text: `${['A', 'B', 'C'].map((name, i) => instance(name, `virtual_router_id ${i + 5}`)).join('')}vrrp_sync_group G {
group {
A
B
}
group {
C
}
notify_master /bin/true
}
`,
    differs: {
      why: 'keepalived reads what is in the second group, and its end, in the block around it: the rest is unknown and its script does not run',
      status: { ours: 6, theirs: 5 },
      onlyTheirs: [30, 31],
    },
    mixed: true,
  },
];
