// The words of routes and rules, for the reference page; route.ts and rule.ts read them.

import { optional } from '../config/keyword.ts';
import { flag, interfaceName, ipAddress, word } from '../config/value.ts';

export const routeGrammar = {
  to: optional(
    word(),
    'Destination: <ip>[/<prefix>], default, any or all; the word to may be left out.',
    { example: 'to 198.51.100.0/24 via 192.0.2.254 dev eth0' },
  ),
  unicast: optional(
    word(),
    'Type of route before the destination; also local, broadcast, anycast, multicast, blackhole, unreachable, prohibit, throw, nat, xresolve or a number.',
    { example: 'unicast 198.51.100.0/24 via 192.0.2.254 dev eth0' },
  ),
  via: optional(word(), 'Gateway; inet or inet6 may stand before it.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0',
  }),
  gw: optional(ipAddress, 'Former spelling of via.', {
    example: '198.51.100.0/24 gw 192.0.2.254 dev eth0',
  }),
  or: optional(ipAddress, 'Former way to name a second gateway.', {
    example: '198.51.100.0/24 via 192.0.2.254 or 192.0.2.253 no_track',
  }),
  src: optional(ipAddress, 'Source address that the kernel prefers.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 src 192.0.2.100',
  }),
  from: optional(word(), 'Source prefix that the route is for (IPv6).', {
    example: '2001:db8:1::/48 via 2001:db8::fe dev eth0 from 2001:db8:2::/48',
  }),
  tos: optional(word(), 'Type of service: 0..255 or a name of rt_dsfield; also dsfield.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 tos 0x10',
  }),
  table: optional(word(), 'Table: a number or a name of rt_tables.', {
    otherwise: 'main',
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 table 100',
  }),
  protocol: optional(
    word(),
    'Origin: 0..255 or a name of rt_protos; another than keepalived needs no_track.',
    {
      otherwise: 'keepalived (18)',
      example: '198.51.100.0/24 via 192.0.2.254 dev eth0 protocol static no_track',
    },
  ),
  scope: optional(word(), 'Scope: 0..255 or a name of rt_scopes.', {
    otherwise: 'global',
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 scope global',
  }),
  metric: optional(word(), 'Metric; also priority and preference.', {
    otherwise: "the kernel's",
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 metric 10',
  }),
  dev: optional(
    interfaceName,
    'Interface; also oif. The instance depends on it unless no_track is given.',
    { example: '198.51.100.0/24 via 192.0.2.254 dev eth0' },
  ),
  vrf: optional(interfaceName, 'VRF whose table gets the route.', {
    example: '198.51.100.0/24 via 192.0.2.254 vrf vrf-blue no_track',
  }),
  onlink: optional(flag, 'The gateway is on the link whatever the prefixes say.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 onlink',
  }),
  encap: optional(
    word(),
    'Tunnel header: ip [id|dst|src|tos|ttl|flags <value>], ip6 [id|dst|src|tc|hoplimit|flags <value>], mpls <label>[/<label>] or ila <locator>.',
    { example: '198.51.100.0/24 encap mpls 100 via 192.0.2.254 dev eth0' },
  ),
  expires: optional(word(), 'Lifetime in seconds (IPv6).', {
    example: '2001:db8:1::/48 via 2001:db8::fe dev eth0 expires 600',
  }),
  mtu: optional(
    word(),
    '[lock] Path MTU; mtu, advmss, rtt, rttvar, reordering, cwnd, ssthresh, rto_min and congctl take lock.',
    { example: '198.51.100.0/24 via 192.0.2.254 dev eth0 mtu lock 1400' },
  ),
  hoplimit: optional(word(), 'Hop limit, 0..255.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 hoplimit 64',
  }),
  advmss: optional(word(), 'Announced segment size.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 advmss 1360',
  }),
  rtt: optional(word(), 'Initial round trip time: eighths of a millisecond, or with ms or s.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 rtt 500ms',
  }),
  rttvar: optional(word(), 'Its variance: quarters of a millisecond, or with ms or s.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 rttvar 250ms',
  }),
  reordering: optional(word(), 'Initial reordering.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 reordering 5',
  }),
  window: optional(word(), 'Largest window.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 window 65535',
  }),
  cwnd: optional(word(), 'Largest congestion window.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 cwnd lock 20',
  }),
  ssthresh: optional(word(), 'Initial slow start threshold.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 ssthresh 100',
  }),
  realms: optional(word(), '[<from>/]<to>: realms by number or by name of rt_realms (IPv4).', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 realms 1/2',
  }),
  rto_min: optional(word(), 'Shortest retransmission time: milliseconds, or with ms or s.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 rto_min 250ms',
  }),
  initcwnd: optional(word(), 'Initial congestion window.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 initcwnd 10',
  }),
  initrwnd: optional(word(), 'Initial receive window.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 initrwnd 10',
  }),
  features: optional(word(), 'ecn.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 features ecn',
  }),
  quickack: optional(word(), '0 or 1.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 quickack 1',
  }),
  congctl: optional(word(), 'Congestion control algorithm.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 congctl cubic',
  }),
  pref: optional(word(), 'low, medium or high (IPv6).', {
    example: '2001:db8:1::/48 via 2001:db8::fe dev eth0 pref high',
  }),
  'ttl-propagate': optional(word(), 'enabled or disabled (MPLS).', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 ttl-propagate enabled',
  }),
  fastopen_no_cookie: optional(word(), '0 or 1.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 fastopen_no_cookie 1',
  }),
  add: optional(flag, 'Add only where no route of the same kind is; also prepend and append.', {
    otherwise: 'prepend; add after a type',
    example: 'add 198.51.100.0/24 via 192.0.2.254 dev eth0',
  }),
  no_track: optional(
    flag,
    'Leave it gone when somebody deletes it, and do not depend on its interface.',
    { example: '198.51.100.0/24 via 192.0.2.254 dev eth0 no_track' },
  ),
  nexthop: optional(
    word(),
    'At the end, once or more: via, dev, weight, onlink, realms and encap of one of several next hops.',
    {
      example:
        '198.51.100.0/24 no_track nexthop via 192.0.2.254 weight 2 nexthop via 192.0.2.253 weight 1',
    },
  ),
  inet: optional(flag, 'IPv4; also inet6. The word behind it is skipped, so it stands last.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0 inet',
  }),
};

export const ruleGrammar = {
  from: optional(word(), 'Source: <ip>[/<prefix>], all, any or default.', {
    example: 'from 192.0.2.0/24 table 100 priority 100',
  }),
  to: optional(word(), 'Destination, in the same words.', {
    example: 'to 198.51.100.0/24 table 100 priority 100',
  }),
  not: optional(flag, 'Everything that does not match.', {
    example: 'not from 192.0.2.100 table 100 priority 100',
  }),
  table: optional(word(), 'Look into this table: a number or a name of rt_tables; also lookup.', {
    example: 'from 192.0.2.100 table 100 priority 100',
  }),
  goto: optional(word(), 'Go on with the rule of this preference, which must be higher.', {
    example: 'from 192.0.2.100 goto 200 priority 100',
  }),
  type: optional(
    word(),
    'nop, blackhole, unreachable, prohibit or goto; the word type may be left out.',
    { example: 'from 192.0.2.100 type blackhole priority 100' },
  ),
  l3mdev: optional(flag, 'Look into the table of the VRF.', { example: 'l3mdev priority 1000' }),
  priority: optional(
    word(),
    'Preference, in which C notation (0x10) counts; also preference and order.',
    {
      otherwise: '16384 and downwards, with a complaint',
      example: 'from 192.0.2.100 table 100 priority 100',
    },
  ),
  tos: optional(word(), 'Type of service: 0..255 or a name of rt_dsfield; also dsfield.', {
    example: 'from 192.0.2.100 table 100 priority 100 tos 0x10',
  }),
  fwmark: optional(word(), '<mark>[/<mask>], in C notation.', {
    example: 'from 192.0.2.100 table 100 priority 100 fwmark 0x1/0xff',
  }),
  iif: optional(
    interfaceName,
    'Interface that packets come in by; also dev. The instance depends on it unless no_track is given.',
    { example: 'from 192.0.2.100 table 100 priority 100 iif eth0' },
  ),
  oif: optional(interfaceName, 'Interface that a socket is bound to.', {
    example: 'from 192.0.2.100 table 100 priority 100 oif eth0',
  }),
  realms: optional(word(), '[<from>/]<to>: realms by number or by name of rt_realms (IPv4).', {
    example: 'from 192.0.2.100 table 100 priority 100 realms 1/2',
  }),
  suppress_prefixlength: optional(
    word(),
    'Ignore what is found with a prefix of at most this length; also sup_pl.',
    { example: 'from 192.0.2.100 table 100 priority 100 suppress_prefixlength 0' },
  ),
  suppress_ifgroup: optional(
    word(),
    'Ignore what is found through this group of interfaces; also sup_group.',
    { example: 'from 192.0.2.100 table 100 priority 100 suppress_ifgroup 1' },
  ),
  'tunnel-id': optional(word(), 'Tunnel key.', {
    example: 'from 192.0.2.100 table 100 priority 100 tunnel-id 42',
  }),
  uidrange: optional(word(), '<first>-<last> of user ids.', {
    example: 'from 192.0.2.100 table 100 priority 100 uidrange 1000-1999',
  }),
  ipproto: optional(word(), 'Protocol, a number or a name of /etc/protocols.', {
    example: 'from 192.0.2.100 table 100 priority 100 ipproto tcp',
  }),
  sport: optional(word(), '<first>-<last> of source ports.', {
    example: 'from 192.0.2.100 table 100 priority 100 ipproto tcp sport 1024-65535',
  }),
  dport: optional(word(), '<first>-<last> of destination ports.', {
    example: 'from 192.0.2.100 table 100 priority 100 ipproto tcp dport 80-443',
  }),
  protocol: optional(word(), 'Origin, 0..255; another than keepalived needs no_track.', {
    otherwise: 'keepalived (18); 0 with no_track',
    example: 'from 192.0.2.100 table 100 priority 100 protocol 4 no_track',
  }),
  no_track: optional(
    flag,
    'Leave it gone when somebody deletes it, and do not depend on its interfaces.',
    { example: 'from 192.0.2.100 table 100 priority 100 no_track' },
  ),
  inet: optional(flag, 'IPv4; also inet6. The word behind it is skipped, so it stands last.', {
    example: 'from 192.0.2.100 table 100 priority 100 inet',
  }),
};
