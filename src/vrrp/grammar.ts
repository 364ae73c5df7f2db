// The words of routes and rules, for the reference page; route.ts and rule.ts read them.

import { optional } from '../config/keyword.ts';
import { flag, interfaceName, ipAddress, written } from '../config/value.ts';

/** A whole line that is right without these words. */
const routed = (words: string) => ({
  example: `198.51.100.0/24 via 192.0.2.254 dev eth0 ${words}`,
});
const ruled = (words: string) => ({ example: `from 192.0.2.100 table 100 priority 100 ${words}` });

export const routeGrammar = {
  to: optional(
    written('<ip>[/<prefix>]|default|any|all'),
    'Destination; the word to may be left out.',
    { example: 'to 198.51.100.0/24 via 192.0.2.254 dev eth0' },
  ),
  unicast: optional(
    written('<ip>[/<prefix>]|default|any|all'),
    'Type of route before the destination; also local, broadcast, anycast, multicast, blackhole, unreachable, prohibit, throw, nat, xresolve or a number.',
    { example: 'unicast 198.51.100.0/24 via 192.0.2.254 dev eth0' },
  ),
  via: optional(written('[inet|inet6] <ip>'), 'Gateway.', {
    example: '198.51.100.0/24 via 192.0.2.254 dev eth0',
  }),
  gw: optional(ipAddress, 'Former spelling of via.', {
    example: '198.51.100.0/24 gw 192.0.2.254 dev eth0',
  }),
  or: optional(ipAddress, 'Former way to name a second gateway.', {
    example: '198.51.100.0/24 via 192.0.2.254 or 192.0.2.253 no_track',
  }),
  src: optional(ipAddress, 'Source address that the kernel prefers.', routed('src 192.0.2.100')),
  from: optional(written('<ip>[/<prefix>]'), 'Source prefix that the route is for (IPv6).', {
    example: '2001:db8:1::/48 via 2001:db8::fe dev eth0 from 2001:db8:2::/48',
  }),
  tos: optional(
    written('<int> 0..255|<name>'),
    'Type of service, or its name in rt_dsfield; also dsfield.',
    routed('tos 0x10'),
  ),
  table: optional(written('<int> 0..4294967295|<name>'), 'Table, or its name in rt_tables.', {
    otherwise: 'main',
    ...routed('table 100'),
  }),
  protocol: optional(
    written('<int> 0..255|<name>'),
    'Origin, or its name in rt_protos; another than keepalived needs no_track.',
    {
      otherwise: 'keepalived (18)',
      ...routed('protocol static no_track'),
    },
  ),
  scope: optional(written('<int> 0..255|<name>'), 'Scope, or its name in rt_scopes.', {
    otherwise: 'global',
    ...routed('scope global'),
  }),
  metric: optional(written('<int> 0..4294967295'), 'Metric; also priority and preference.', {
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
    written(
      'ip [id|dst|src|tos|ttl|flags <value> ...]|ip6 [id|dst|src|tc|hoplimit|flags <value> ...]|mpls <label>[/<label> ...]|ila <locator>',
    ),
    'Tunnel header; ip and ip6 need dst or id.',
    { example: '198.51.100.0/24 encap mpls 100 via 192.0.2.254 dev eth0' },
  ),
  expires: optional(written('<int> 0..4294967295 s'), 'Lifetime (IPv6).', {
    example: '2001:db8:1::/48 via 2001:db8::fe dev eth0 expires 600',
  }),
  mtu: optional(
    written('[lock] <int> 0..4294967295'),
    'Path MTU; with lock the kernel does not change it.',
    routed('mtu lock 1400'),
  ),
  hoplimit: optional(written('<int> 0..255'), 'Hop limit.', routed('hoplimit 64')),
  advmss: optional(
    written('[lock] <int> 0..4294967295'),
    'Announced segment size.',
    routed('advmss 1360'),
  ),
  rtt: optional(
    written('[lock] <number>[s|ms]'),
    'Initial round trip time; eighths of a millisecond where no unit is given.',
    routed('rtt 500ms'),
  ),
  rttvar: optional(
    written('[lock] <number>[s|ms]'),
    'Its variance; quarters of a millisecond where no unit is given.',
    routed('rttvar 250ms'),
  ),
  reordering: optional(
    written('[lock] <int> 0..4294967295'),
    'Initial reordering.',
    routed('reordering 5'),
  ),
  window: optional(written('<int> 0..4294967295'), 'Largest window.', routed('window 65535')),
  cwnd: optional(
    written('[lock] <int> 0..4294967295'),
    'Largest congestion window.',
    routed('cwnd lock 20'),
  ),
  ssthresh: optional(
    written('[lock] <int> 0..4294967295'),
    'Initial slow start threshold.',
    routed('ssthresh 100'),
  ),
  realms: optional(
    written('[<from>/]<to>'),
    'Realms by number or by name of rt_realms (IPv4).',
    routed('realms 1/2'),
  ),
  rto_min: optional(
    written('[lock] <number>[s|ms]'),
    'Shortest retransmission time; milliseconds where no unit is given.',
    routed('rto_min 250ms'),
  ),
  initcwnd: optional(
    written('<int> 0..4294967295'),
    'Initial congestion window.',
    routed('initcwnd 10'),
  ),
  initrwnd: optional(
    written('<int> 0..4294967295'),
    'Initial receive window.',
    routed('initrwnd 10'),
  ),
  features: optional(written('ecn'), 'Explicit congestion notification.', routed('features ecn')),
  quickack: optional(written('0|1'), 'Acknowledge at once.', routed('quickack 1')),
  congctl: optional(
    written('[lock] <name>'),
    'Congestion control algorithm.',
    routed('congctl cubic'),
  ),
  pref: optional(written('low|medium|high|<int> 0..255'), 'Preference of the router (IPv6).', {
    example: '2001:db8:1::/48 via 2001:db8::fe dev eth0 pref high',
  }),
  'ttl-propagate': optional(
    written('enabled|disabled'),
    'Whether the TTL is copied between IP and MPLS.',
    routed('ttl-propagate enabled'),
  ),
  fastopen_no_cookie: optional(
    written('0|1'),
    'TCP fast open without a cookie.',
    routed('fastopen_no_cookie 1'),
  ),
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
    written(
      '[via [inet|inet6] <ip>] [dev <interface>] [weight <int> 1..256] [onlink] [realms <realms>] [encap <encap>]',
    ),
    'At the end, once or more: one of several next hops.',
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
  from: optional(written('<ip>[/<prefix>]|all|any|default'), 'Source.', {
    example: 'from 192.0.2.0/24 table 100 priority 100',
  }),
  to: optional(written('<ip>[/<prefix>]|all|any|default'), 'Destination.', {
    example: 'to 198.51.100.0/24 table 100 priority 100',
  }),
  not: optional(flag, 'Everything that does not match.', {
    example: 'not from 192.0.2.100 table 100 priority 100',
  }),
  table: optional(
    written('<int> 1..4294967295|<name>'),
    'Look into this table, or the one of this name in rt_tables; also lookup.',
    {
      example: 'from 192.0.2.100 table 100 priority 100',
    },
  ),
  goto: optional(
    written('<int> 0..4294967295'),
    'Go on with the rule of this preference, which must be higher.',
    {
      example: 'from 192.0.2.100 goto 200 priority 100',
    },
  ),
  type: optional(
    written('nop|blackhole|unreachable|prohibit|goto <int>'),
    'What the rule does; the word type may be left out.',
    { example: 'from 192.0.2.100 type blackhole priority 100' },
  ),
  l3mdev: optional(flag, 'Look into the table of the VRF.', { example: 'l3mdev priority 1000' }),
  priority: optional(
    written('<int> 0..4294967295'),
    'Preference, in which C notation (0x10) counts; also preference and order.',
    {
      otherwise: '16384 and downwards, with a complaint',
      example: 'from 192.0.2.100 table 100 priority 100',
    },
  ),
  tos: optional(
    written('<int> 0..255|<name>'),
    'Type of service, or its name in rt_dsfield; also dsfield.',
    ruled('tos 0x10'),
  ),
  fwmark: optional(
    written('<mark>[/<mask>]'),
    'Mark of the packet, in C notation.',
    ruled('fwmark 0x1/0xff'),
  ),
  iif: optional(
    interfaceName,
    'Interface that packets come in by; also dev. The instance depends on it unless no_track is given.',
    ruled('iif eth0'),
  ),
  oif: optional(interfaceName, 'Interface that a socket is bound to.', ruled('oif eth0')),
  realms: optional(
    written('[<from>/]<to>'),
    'Realms by number or by name of rt_realms (IPv4).',
    ruled('realms 1/2'),
  ),
  suppress_prefixlength: optional(
    written('<int> 0..2147483647'),
    'Ignore what is found with a prefix of at most this length; also sup_pl.',
    ruled('suppress_prefixlength 0'),
  ),
  suppress_ifgroup: optional(
    written('<int>|<name>'),
    'Ignore what is found through this group of interfaces; also sup_group.',
    ruled('suppress_ifgroup 1'),
  ),
  'tunnel-id': optional(written('<int>'), 'Tunnel key.', ruled('tunnel-id 42')),
  uidrange: optional(written('<first>-<last>'), 'User ids.', ruled('uidrange 1000-1999')),
  ipproto: optional(
    written('<int> 0..127|<name>'),
    'Protocol, or its name in /etc/protocols.',
    ruled('ipproto tcp'),
  ),
  sport: optional(
    written('<first>-<last>'),
    'Source ports; a single one is refused.',
    ruled('ipproto tcp sport 1024-65535'),
  ),
  dport: optional(
    written('<first>-<last>'),
    'Destination ports; a single one is refused.',
    ruled('ipproto tcp dport 80-443'),
  ),
  protocol: optional(written('<int> 0..255'), 'Origin; another than keepalived needs no_track.', {
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
