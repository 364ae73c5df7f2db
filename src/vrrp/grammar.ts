// The words of routes and rules, for the reference page; route.ts and rule.ts read them.

import { optional } from '../config/keyword.ts';
import { flag, interfaceName, ipAddress, word } from '../config/value.ts';

export const routeGrammar = {
  to: optional(
    word(),
    'Destination: <ip>[/<prefix>], default, any or all; the word to may be left out.',
  ),
  unicast: optional(
    word(),
    'Type of route before the destination; also local, broadcast, anycast, multicast, blackhole, unreachable, prohibit, throw, nat, xresolve or a number.',
  ),
  via: optional(word(), 'Gateway; inet or inet6 may stand before it.'),
  gw: optional(ipAddress, 'Former spelling of via.'),
  or: optional(ipAddress, 'Former way to name a second gateway.'),
  src: optional(ipAddress, 'Source address that the kernel prefers.'),
  from: optional(word(), 'Source prefix that the route is for (IPv6).'),
  tos: optional(word(), 'Type of service: 0..255 or a name of rt_dsfield; also dsfield.'),
  table: optional(word(), 'Table: a number or a name of rt_tables.', { otherwise: 'main' }),
  protocol: optional(
    word(),
    'Origin: 0..255 or a name of rt_protos; another than keepalived needs no_track.',
    { otherwise: 'keepalived (18)' },
  ),
  scope: optional(word(), 'Scope: 0..255 or a name of rt_scopes.', { otherwise: 'global' }),
  metric: optional(word(), 'Metric; also priority and preference.', { otherwise: "the kernel's" }),
  dev: optional(
    interfaceName,
    'Interface; also oif. The instance depends on it unless no_track is given.',
  ),
  vrf: optional(interfaceName, 'VRF whose table gets the route.'),
  onlink: optional(flag, 'The gateway is on the link whatever the prefixes say.'),
  encap: optional(
    word(),
    'Tunnel header: ip [id|dst|src|tos|ttl|flags <value>], ip6 [id|dst|src|tc|hoplimit|flags <value>], mpls <label>[/<label>] or ila <locator>.',
  ),
  expires: optional(word(), 'Lifetime in seconds (IPv6).'),
  mtu: optional(
    word(),
    '[lock] Path MTU; mtu, advmss, rtt, rttvar, reordering, cwnd, ssthresh, rto_min and congctl take lock.',
  ),
  hoplimit: optional(word(), 'Hop limit, 0..255.'),
  advmss: optional(word(), 'Announced segment size.'),
  rtt: optional(word(), 'Initial round trip time: eighths of a millisecond, or with ms or s.'),
  rttvar: optional(word(), 'Its variance: quarters of a millisecond, or with ms or s.'),
  reordering: optional(word(), 'Initial reordering.'),
  window: optional(word(), 'Largest window.'),
  cwnd: optional(word(), 'Largest congestion window.'),
  ssthresh: optional(word(), 'Initial slow start threshold.'),
  realms: optional(word(), '[<from>/]<to>: realms by number or by name of rt_realms (IPv4).'),
  rto_min: optional(word(), 'Shortest retransmission time: milliseconds, or with ms or s.'),
  initcwnd: optional(word(), 'Initial congestion window.'),
  initrwnd: optional(word(), 'Initial receive window.'),
  features: optional(word(), 'ecn.'),
  quickack: optional(word(), '0 or 1.'),
  congctl: optional(word(), 'Congestion control algorithm.'),
  pref: optional(word(), 'low, medium or high (IPv6).'),
  'ttl-propagate': optional(word(), 'enabled or disabled (MPLS).'),
  fastopen_no_cookie: optional(word(), '0 or 1.'),
  add: optional(flag, 'Add only where no route of the same kind is; also prepend and append.', {
    otherwise: 'prepend; add after a type',
  }),
  no_track: optional(
    flag,
    'Leave it gone when somebody deletes it, and do not depend on its interface.',
  ),
  nexthop: optional(
    word(),
    'At the end, once or more: via, dev, weight, onlink, realms and encap of one of several next hops.',
  ),
  inet: optional(flag, 'IPv4; also inet6. The word behind it is skipped, so it stands last.'),
};

export const ruleGrammar = {
  from: optional(word(), 'Source: <ip>[/<prefix>], all, any or default.'),
  to: optional(word(), 'Destination, in the same words.'),
  not: optional(flag, 'Everything that does not match.'),
  table: optional(word(), 'Look into this table: a number or a name of rt_tables; also lookup.'),
  goto: optional(word(), 'Go on with the rule of this preference, which must be higher.'),
  type: optional(
    word(),
    'nop, blackhole, unreachable, prohibit or goto; the word type may be left out.',
  ),
  l3mdev: optional(flag, 'Look into the table of the VRF.'),
  priority: optional(
    word(),
    'Preference, in which C notation (0x10) counts; also preference and order.',
    {
      otherwise: '16384 and downwards, with a complaint',
    },
  ),
  tos: optional(word(), 'Type of service: 0..255 or a name of rt_dsfield; also dsfield.'),
  fwmark: optional(word(), '<mark>[/<mask>], in C notation.'),
  iif: optional(
    interfaceName,
    'Interface that packets come in by; also dev. The instance depends on it unless no_track is given.',
  ),
  oif: optional(interfaceName, 'Interface that a socket is bound to.'),
  realms: optional(word(), '[<from>/]<to>: realms by number or by name of rt_realms (IPv4).'),
  suppress_prefixlength: optional(
    word(),
    'Ignore what is found with a prefix of at most this length; also sup_pl.',
  ),
  suppress_ifgroup: optional(
    word(),
    'Ignore what is found through this group of interfaces; also sup_group.',
  ),
  'tunnel-id': optional(word(), 'Tunnel key.'),
  uidrange: optional(word(), '<first>-<last> of user ids.'),
  ipproto: optional(word(), 'Protocol, a number or a name of /etc/protocols.'),
  sport: optional(word(), '<first>-<last> of source ports.'),
  dport: optional(word(), '<first>-<last> of destination ports.'),
  protocol: optional(word(), 'Origin, 0..255; another than keepalived needs no_track.', {
    otherwise: 'keepalived (18); 0 with no_track',
  }),
  no_track: optional(
    flag,
    'Leave it gone when somebody deletes it, and do not depend on its interfaces.',
  ),
  inet: optional(flag, 'IPv4; also inet6. The word behind it is skipped, so it stands last.'),
};
