// The words of routes and rules, for the reference page; route.ts and rule.ts read them.

import { optional } from '../config/keyword.ts';
import { flag, interfaceName, ipAddress, word } from '../config/value.ts';

/** A whole line that is right without these words. */
const routed = (words: string) => ({
  example: `198.51.100.0/24 via 192.0.2.254 dev eth0 ${words}`,
});
const ruled = (words: string) => ({ example: `from 192.0.2.100 table 100 priority 100 ${words}` });

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
  src: optional(ipAddress, 'Source address that the kernel prefers.', routed('src 192.0.2.100')),
  from: optional(word(), 'Source prefix that the route is for (IPv6).', {
    example: '2001:db8:1::/48 via 2001:db8::fe dev eth0 from 2001:db8:2::/48',
  }),
  tos: optional(
    word(),
    'Type of service: 0..255 or a name of rt_dsfield; also dsfield.',
    routed('tos 0x10'),
  ),
  table: optional(word(), 'Table: a number or a name of rt_tables.', {
    otherwise: 'main',
    ...routed('table 100'),
  }),
  protocol: optional(
    word(),
    'Origin: 0..255 or a name of rt_protos; another than keepalived needs no_track.',
    {
      otherwise: 'keepalived (18)',
      ...routed('protocol static no_track'),
    },
  ),
  scope: optional(word(), 'Scope: 0..255 or a name of rt_scopes.', {
    otherwise: 'global',
    ...routed('scope global'),
  }),
  metric: optional(word(), 'Metric; also priority and preference.', {
    otherwise: "the kernel's",
    ...routed('metric 10'),
  }),
  dev: optional(
    interfaceName,
    'Interface; also oif. The instance depends on it unless no_track is given.',
    { example: '198.51.100.0/24 via 192.0.2.254 dev eth0' },
  ),
  vrf: optional(interfaceName, 'VRF whose table gets the route.', {
    example: '198.51.100.0/24 via 192.0.2.254 vrf vrf-blue no_track',
  }),
  onlink: optional(flag, 'The gateway is on the link whatever the prefixes say.', routed('onlink')),
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
    routed('mtu lock 1400'),
  ),
  hoplimit: optional(word(), 'Hop limit, 0..255.', routed('hoplimit 64')),
  advmss: optional(word(), 'Announced segment size.', routed('advmss 1360')),
  rtt: optional(
    word(),
    'Initial round trip time: eighths of a millisecond, or with ms or s.',
    routed('rtt 500ms'),
  ),
  rttvar: optional(
    word(),
    'Its variance: quarters of a millisecond, or with ms or s.',
    routed('rttvar 250ms'),
  ),
  reordering: optional(word(), 'Initial reordering.', routed('reordering 5')),
  window: optional(word(), 'Largest window.', routed('window 65535')),
  cwnd: optional(word(), 'Largest congestion window.', routed('cwnd lock 20')),
  ssthresh: optional(word(), 'Initial slow start threshold.', routed('ssthresh 100')),
  realms: optional(
    word(),
    '[<from>/]<to>: realms by number or by name of rt_realms (IPv4).',
    routed('realms 1/2'),
  ),
  rto_min: optional(
    word(),
    'Shortest retransmission time: milliseconds, or with ms or s.',
    routed('rto_min 250ms'),
  ),
  initcwnd: optional(word(), 'Initial congestion window.', routed('initcwnd 10')),
  initrwnd: optional(word(), 'Initial receive window.', routed('initrwnd 10')),
  features: optional(word(), 'ecn.', routed('features ecn')),
  quickack: optional(word(), '0 or 1.', routed('quickack 1')),
  congctl: optional(word(), 'Congestion control algorithm.', routed('congctl cubic')),
  pref: optional(word(), 'low, medium or high (IPv6).', {
    example: '2001:db8:1::/48 via 2001:db8::fe dev eth0 pref high',
  }),
  'ttl-propagate': optional(word(), 'enabled or disabled (MPLS).', routed('ttl-propagate enabled')),
  fastopen_no_cookie: optional(word(), '0 or 1.', routed('fastopen_no_cookie 1')),
  add: optional(flag, 'Add only where no route of the same kind is; also prepend and append.', {
    otherwise: 'prepend; add after a type',
    example: 'add 198.51.100.0/24 via 192.0.2.254 dev eth0',
  }),
  no_track: optional(
    flag,
    'Leave it gone when somebody deletes it, and do not depend on its interface.',
    routed('no_track'),
  ),
  nexthop: optional(
    word(),
    'At the end, once or more: via, dev, weight, onlink, realms and encap of one of several next hops.',
    {
      example:
        '198.51.100.0/24 no_track nexthop via 192.0.2.254 weight 2 nexthop via 192.0.2.253 weight 1',
    },
  ),
  inet: optional(
    flag,
    'IPv4; also inet6. The word behind it is skipped, so it stands last.',
    routed('inet'),
  ),
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
  tos: optional(
    word(),
    'Type of service: 0..255 or a name of rt_dsfield; also dsfield.',
    ruled('tos 0x10'),
  ),
  fwmark: optional(word(), '<mark>[/<mask>], in C notation.', ruled('fwmark 0x1/0xff')),
  iif: optional(
    interfaceName,
    'Interface that packets come in by; also dev. The instance depends on it unless no_track is given.',
    ruled('iif eth0'),
  ),
  oif: optional(interfaceName, 'Interface that a socket is bound to.', ruled('oif eth0')),
  realms: optional(
    word(),
    '[<from>/]<to>: realms by number or by name of rt_realms (IPv4).',
    ruled('realms 1/2'),
  ),
  suppress_prefixlength: optional(
    word(),
    'Ignore what is found with a prefix of at most this length; also sup_pl.',
    ruled('suppress_prefixlength 0'),
  ),
  suppress_ifgroup: optional(
    word(),
    'Ignore what is found through this group of interfaces; also sup_group.',
    ruled('suppress_ifgroup 1'),
  ),
  'tunnel-id': optional(word(), 'Tunnel key.', ruled('tunnel-id 42')),
  uidrange: optional(word(), '<first>-<last> of user ids.', ruled('uidrange 1000-1999')),
  ipproto: optional(
    word(),
    'Protocol, a number or a name of /etc/protocols.',
    ruled('ipproto tcp'),
  ),
  sport: optional(word(), '<first>-<last> of source ports.', ruled('ipproto tcp sport 1024-65535')),
  dport: optional(
    word(),
    '<first>-<last> of destination ports.',
    ruled('ipproto tcp dport 80-443'),
  ),
  protocol: optional(word(), 'Origin, 0..255; another than keepalived needs no_track.', {
    otherwise: 'keepalived (18); 0 with no_track',
    ...ruled('protocol 4 no_track'),
  }),
  no_track: optional(
    flag,
    'Leave it gone when somebody deletes it, and do not depend on its interfaces.',
    ruled('no_track'),
  ),
  inet: optional(
    flag,
    'IPv4; also inet6. The word behind it is skipped, so it stands last.',
    ruled('inet'),
  ),
};
