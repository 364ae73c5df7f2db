// Addresses with a prefix or a range behind them, in every place that takes an address: what of it keepalived 2.2.7 reads,
// forgets and refuses.

import { type Case, globals, inside } from './cases.ts';

const service = (heading: string, line: string, real: string, check: string): string =>
  [
    `virtual_server ${heading} {`,
    'lvs_sched rr\nlvs_method NAT\nprotocol TCP',
    line,
    `real_server ${real} {`,
    check,
    '}\n}\n',
  ].join('\n');

const grouped = (entry: string): string =>
  `virtual_server_group g {\n${entry}\n}\n${service('group g', '', '10.9.1.5 80', '')}`;

const PLACES: Readonly<Record<string, (address: string) => string>> = {
  unicast_src_ip: (a) => inside(`unicast_src_ip ${a}`, 'unicast_peer {', '10.9.0.2', '}'),
  mcast_src_ip: (a) => inside(`mcast_src_ip ${a}`),
  unicast_peer: (a) => inside('unicast_peer {', a, '}'),
  virtual_ipaddress_excluded: (a) => inside('virtual_ipaddress_excluded {', a, '}'),
  static_ipaddress: (a) => `static_ipaddress {\n${a} dev eth0\n}\n`,
  virtual_routes: (a) => inside('virtual_routes {', `${a} via 10.9.0.2 dev eth0`, '}'),
  vrrp_mcast_group4: (a) => globals(`vrrp_mcast_group4 ${a.replace('10.9', '224.0')}`),
  lvs_sync_daemon: (a) => globals(`lvs_sync_daemon eth0 group ${a.replace('10.9', '224.0')}`),
  virtual_server: (a) => service(`${a} 80`, '', '10.9.1.5 80', ''),
  virtual_server_group: (a) => grouped(`${a} 80`),
  real_server: (a) => service('10.9.0.100 80', '', `${a} 80`, ''),
  sorry_server: (a) => service('10.9.0.100 80', `sorry_server ${a} 80`, '10.9.1.5 80', ''),
  connect_ip: (a) => service('10.9.0.100 80', '', '10.9.1.5 80', `TCP_CHECK {\nconnect_ip ${a}\n}`),
  neighbor_ip: (a) => `bfd_instance b {\nneighbor_ip ${a}\n}\n`,
};

const ENDS = ['/-1', '/33', '/x', '/24-7', '-7', '-x', '-7/24', '/5-6/7'];

/** A prefix counts before a range. */
const entries = [
  ...['10.9.0.0-7/24 80', '10.9.0.8-12/29 80', '10.9.0.8-12/29x 80', '10.9.0.4-x/24 80'],
  ...['10.9.0.0-10.9.0.7/24 80', '10.9.0.0/24/24 80', '10.9.0.8-12/ 80', 'fd00::1-5/64 80'],
];

const links = [
  ...['10.9.0.4 10.9.0.5', '10.9.0.4 bridge 10.9.0.5', 'a 10.9.0.4/24', 'a b 10.9.0.4'],
  ...['10.9.0.4/0 10.9.0.5', '10.9.0.4/+5', 'abcdefghijklmnop 10.9.0.4', 'fd00::1', 'fd00::1/64'],
];

/** What no interface can be called. keepalived finds out when it makes the interface. */
const names: Readonly<Record<string, number>> = {
  'a/b 10.9.0.4': 0,
  'a:b 10.9.0.4': 0,
  '10.9.0.4/33 10.9.0.5': 0,
  '10.9.0.4/33': 5,
  '10.9.0.4/x bridge': 5,
};

export const ADDRESSES: readonly Case[] = [
  ...Object.entries(PLACES).flatMap(([place, text]) =>
    ENDS.map((end) => ({ name: `${place} ${end}`, text: text(`10.9.0.4${end}`) })),
  ),
  ...entries.map((entry) => ({ name: `a line of a group, ${entry}`, text: grouped(entry) })),
  ...links.map((words) => ({ name: `use_ipvlan ${words}`, text: inside(`use_ipvlan ${words}`) })),
  ...Object.entries(names).map(([words, theirs]): Case => {
    const name = words.split(' ', 1)[0] as string;
    return {
      name: `use_ipvlan ${words}`,
      text: inside(`use_ipvlan ${words}`),
      differs: {
        why: 'keepalived takes it for a name, and fails when it makes the interface',
        status: { ours: 5, theirs },
        onlyOurs: [4],
        words: [`(A) IPVLAN interface name '${name}' cannot be that of an interface - ignoring`],
      },
    };
  }),
];
