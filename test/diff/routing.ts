// Lines of virtual_routes, virtual_rules and the static blocks: the verdict of `keepalived -t` beside ours.

export interface Line {
  readonly block: string;
  readonly line: string;
}

const ROUTES = `
10.1.0.0/16 via 10.9.0.2
10.1.0.0/16 via 10.9.0.2 dev eth0
default via 10.9.0.2 dev eth0
default via 10.9.0.2 no_track
any via 10.9.0.2 no_track
all via 10.9.0.2 no_track
default6 via fe80::1 dev eth0
default
10.1.0.0/16
10.1.0.0/16 dev eth0
10.1.0.0/33 dev eth0
10.1.0.0/-1 dev eth0
10.1.0.0/x dev eth0
10.1.0.1/8 dev eth0
10.1.0 dev eth0
010.1.0.0/16 dev eth0
fd00::/64 dev eth0
fd00::/129 dev eth0
to 10.1.0.0/16 dev eth0
to unicast 10.1.0.0/16 dev eth0
to
unicast 10.1.0.0/16 dev eth0
local 10.1.0.1 dev eth0
local 10.1.0.1
broadcast 10.1.0.255 dev eth0
anycast fd00::1 dev eth0
anycast 10.1.0.1 dev eth0
multicast 239.1.0.0/16 dev eth0
blackhole 10.1.0.0/16
blackhole 10.1.0.0/16 dev eth0
blackhole 10.1.0.0/16 no_track
unreachable 10.1.0.0/16
prohibit 10.1.0.0/16
throw 10.1.0.0/16
throw 10.1.0.0/16 table 100
nat 10.1.0.0/16 dev eth0
nat 10.1.0.0/16
xresolve 10.1.0.0/16
blackhole
blackhole dev eth0
dev eth0
10.1.0.0/16 10.2.0.0/16 dev eth0
foo dev eth0
10.1.0.0/16 dev eth0 foo
10.1.0.0/16 dev eth0 inet
10.1.0.0/16 inet dev eth0
10.1.0.0/16 dev eth0 inet6
inet 10.1.0.0/16 dev eth0
fd00::/64 dev eth0 inet6
fd00::/64 dev eth0 inet
default dev eth0 inet6
default inet6 dev eth0
default dev eth0 inet6 table
10.1.0.0/16 dev eth0 via
10.1.0.0/16 dev eth0 via inet 10.9.0.2
10.1.0.0/16 dev eth0 via inet6 fd00::1
10.1.0.0/16 dev eth0 via inet6 10.9.0.2
10.1.0.0/16 dev eth0 via fd00::1
10.1.0.0/16 dev eth0 via 10.9.0.2/24
10.1.0.0/16 dev eth0 via foo
10.1.0.0/16 dev eth0 via inet
10.1.0.0/16 dev eth0 gw 10.9.0.2
10.1.0.0/16 dev eth0 gw
10.1.0.0/16 dev eth0 gw foo
10.1.0.0/16 via 10.9.0.2 or 10.9.0.3
10.1.0.0/16 via 10.9.0.2 or 10.9.0.3 dev eth0
10.1.0.0/16 via 10.9.0.2 dev eth0 or 10.9.0.3
10.1.0.0/16 or 10.9.0.3 dev eth0
10.1.0.0/16 via 10.9.0.2 or 10.9.0.3 or 10.9.0.4
10.1.0.0/16 dev eth0 src 10.9.0.1
10.1.0.0/16 dev eth0 src fd00::1
10.1.0.0/16 dev eth0 src foo
10.1.0.0/16 dev eth0 src 10.9.0.1/24
10.1.0.0/16 dev eth0 src
10.1.0.0/16 dev eth0 from 10.0.0.0/8
fd00::/64 dev eth0 from fd01::/64
fd00::/64 dev eth0 from 10.0.0.0/8
fd00::/64 dev eth0 from foo
fd00::/64 dev eth0 from fd01::/130
10.1.0.0/16 dev eth0 tos 4
10.1.0.0/16 dev eth0 tos 0x4
10.1.0.0/16 dev eth0 tos 255
10.1.0.0/16 dev eth0 tos 256
10.1.0.0/16 dev eth0 tos -1
10.1.0.0/16 dev eth0 tos EF
10.1.0.0/16 dev eth0 tos ef
10.1.0.0/16 dev eth0 tos foo
10.1.0.0/16 dev eth0 tos
10.1.0.0/16 dev eth0 dsfield CS1
10.1.0.0/16 dev eth0 tos 16 tos 8
10.1.0.0/16 dev eth0 table 100
10.1.0.0/16 dev eth0 table main
10.1.0.0/16 dev eth0 table 0
10.1.0.0/16 dev eth0 table 4294967295
10.1.0.0/16 dev eth0 table 4294967296
10.1.0.0/16 dev eth0 table -1
10.1.0.0/16 dev eth0 table 0x64
10.1.0.0/16 dev eth0 table foo
10.1.0.0/16 dev eth0 table 10x
10.1.0.0/16 dev eth0 protocol static
10.1.0.0/16 dev eth0 protocol static no_track
10.1.0.0/16 dev eth0 protocol 18
10.1.0.0/16 dev eth0 protocol keepalived
10.1.0.0/16 dev eth0 no_track protocol 200
10.1.0.0/16 dev eth0 no_track protocol 256
10.1.0.0/16 dev eth0 no_track protocol 0
10.1.0.0/16 dev eth0 no_track protocol foo
10.1.0.0/16 dev eth0 scope link
10.1.0.0/16 dev eth0 scope 200
10.1.0.0/16 dev eth0 scope 256
10.1.0.0/16 dev eth0 scope foo
fd00::/64 dev eth0 scope link
10.1.0.0/16 dev eth0 metric 5
10.1.0.0/16 dev eth0 metric 4294967295
10.1.0.0/16 dev eth0 metric 4294967296
10.1.0.0/16 dev eth0 metric -1
10.1.0.0/16 dev eth0 metric 0x10
10.1.0.0/16 dev eth0 metric x
10.1.0.0/16 dev eth0 priority 7 preference 8
10.1.0.0/16 dev nosuch0
10.1.0.0/16 dev
10.1.0.0/16 oif eth1
10.1.0.0/16 oif eth1 dev eth0
10.1.0.0/16 dev eth0 onlink
10.1.0.0/16 via 10.77.0.2 dev eth0 onlink
10.1.0.0/16 dev eth0 expires 100
fd00::/64 dev eth0 expires 100
fd00::/64 dev eth0 expires -1
fd00::/64 dev eth0 expires x
fd00::/64 dev eth0 expires
10.1.0.0/16 dev eth0 track_group foo
10.1.0.0/16 dev abcdefghijklmnopqrst
10.1.0.0/16 dev eth0 mtu 1400
10.1.0.0/16 dev eth0 mtu lock 1400
10.1.0.0/16 dev eth0 mtu lock
10.1.0.0/16 dev eth0 mtu 1400 lock
10.1.0.0/16 dev eth0 mtu x
10.1.0.0/16 dev eth0 mtu 4294967296
10.1.0.0/16 dev eth0 mtu 0x500
10.1.0.0/16 dev eth0 mtu
10.1.0.0/16 dev eth0 hoplimit 64
10.1.0.0/16 dev eth0 hoplimit 256
10.1.0.0/16 dev eth0 hoplimit lock 64
10.1.0.0/16 dev eth0 advmss 1300
10.1.0.0/16 dev eth0 advmss lock 1300
10.1.0.0/16 dev eth0 advmss x
10.1.0.0/16 dev eth0 rtt 100
10.1.0.0/16 dev eth0 rtt 100ms
10.1.0.0/16 dev eth0 rtt 1s
10.1.0.0/16 dev eth0 rtt 1.5s
10.1.0.0/16 dev eth0 rtt .5s
10.1.0.0/16 dev eth0 rtt 1sec
10.1.0.0/16 dev eth0 rtt 1secs
10.1.0.0/16 dev eth0 rtt 300msec
10.1.0.0/16 dev eth0 rtt 300msecs
10.1.0.0/16 dev eth0 rtt 300us
10.1.0.0/16 dev eth0 rtt 300x
10.1.0.0/16 dev eth0 rtt x
10.1.0.0/16 dev eth0 rtt -1
10.1.0.0/16 dev eth0 rtt 121s
10.1.0.0/16 dev eth0 rtt lock 300ms
10.1.0.0/16 dev eth0 rtt 300 ms
10.1.0.0/16 dev eth0 rtt 0x100
10.1.0.0/16 dev eth0 rtt 4294967296
10.1.0.0/16 dev eth0 rtt 4294967295
10.1.0.0/16 dev eth0 rtt 1.5
10.1.0.0/16 dev eth0 rtt 1.5ms
10.1.0.0/16 dev eth0 rtt 1MS
10.1.0.0/16 dev eth0 rttvar 100
10.1.0.0/16 dev eth0 rttvar 100ms
10.1.0.0/16 dev eth0 rttvar lock 100ms
10.1.0.0/16 dev eth0 rttvar x
10.1.0.0/16 dev eth0 rttvar 100000000s
10.1.0.0/16 dev eth0 reordering 5
10.1.0.0/16 dev eth0 reordering lock 5
10.1.0.0/16 dev eth0 reordering x
10.1.0.0/16 dev eth0 window 500
10.1.0.0/16 dev eth0 window lock 500
10.1.0.0/16 dev eth0 window x
10.1.0.0/16 dev eth0 cwnd 5
10.1.0.0/16 dev eth0 cwnd lock 5
10.1.0.0/16 dev eth0 cwnd x
10.1.0.0/16 dev eth0 ssthresh 5
10.1.0.0/16 dev eth0 ssthresh lock 5
10.1.0.0/16 dev eth0 ssthresh x
10.1.0.0/16 dev eth0 realms 5
10.1.0.0/16 dev eth0 realms 5/6
10.1.0.0/16 dev eth0 realms cosmos/6
10.1.0.0/16 dev eth0 realms foo
10.1.0.0/16 dev eth0 realms 5/
10.1.0.0/16 dev eth0 realms /5
10.1.0.0/16 dev eth0 realms 65536
10.1.0.0/16 dev eth0 realms 256/1
10.1.0.0/16 dev eth0 realms 65536/1
10.1.0.0/16 dev eth0 realms 1/2/3
fd00::/64 dev eth0 realms 5
10.1.0.0/16 dev eth0 rto_min 5
10.1.0.0/16 dev eth0 rto_min 5ms
10.1.0.0/16 dev eth0 rto_min 5s
10.1.0.0/16 dev eth0 rto_min lock 5ms
10.1.0.0/16 dev eth0 rto_min x
10.1.0.0/16 dev eth0 initcwnd 5
10.1.0.0/16 dev eth0 initcwnd lock 5
10.1.0.0/16 dev eth0 initcwnd x
10.1.0.0/16 dev eth0 initrwnd 5
10.1.0.0/16 dev eth0 initrwnd x
10.1.0.0/16 dev eth0 features ecn
10.1.0.0/16 dev eth0 features foo
10.1.0.0/16 dev eth0 features
10.1.0.0/16 dev eth0 quickack 1
10.1.0.0/16 dev eth0 quickack 2
10.1.0.0/16 dev eth0 quickack x
10.1.0.0/16 dev eth0 congctl reno
10.1.0.0/16 dev eth0 congctl lock reno
10.1.0.0/16 dev eth0 congctl nosuchalgo
10.1.0.0/16 dev eth0 congctl lock
10.1.0.0/16 dev eth0 congctl
fd00::/64 dev eth0 pref low
fd00::/64 dev eth0 pref medium
fd00::/64 dev eth0 pref high
fd00::/64 dev eth0 pref 3
fd00::/64 dev eth0 pref 256
fd00::/64 dev eth0 pref foo
10.1.0.0/16 dev eth0 pref low
10.1.0.0/16 dev eth0 ttl-propagate enabled
10.1.0.0/16 dev eth0 ttl-propagate disabled
10.1.0.0/16 dev eth0 ttl-propagate foo
10.1.0.0/16 dev eth0 ttl-propagate
10.1.0.0/16 dev eth0 fastopen_no_cookie 1
10.1.0.0/16 dev eth0 fastopen_no_cookie 2
10.1.0.0/16 dev eth0 fastopen_no_cookie x
10.1.0.0/16 dev eth0 add
10.1.0.0/16 dev eth0 append
10.1.0.0/16 dev eth0 prepend
10.1.0.0/16 dev eth0 add append
10.1.0.0/16 dev eth0 as 10.0.0.1
10.1.0.0/16 dev eth0 as to 10.0.0.1
10.1.0.0/16 dev eth0 as

10.1.0.0/16 vrf eth0
10.1.0.0/16 vrf nosuch
10.1.0.0/16 dev eth0 no_track
10.1.0.0/16 no_track
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0
10.1.0.0/16 nexthop via 10.9.0.2
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 nexthop via 10.9.1.2 dev eth1
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 weight 2 nexthop via 10.9.1.2 dev eth1 weight 5
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 weight 0
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 weight 256
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 weight 257
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 weight x
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 onlink
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 realms 5/6
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 realms foo
10.1.0.0/16 nexthop via fd00::1 dev eth0
10.1.0.0/16 nexthop via foo dev eth0
10.1.0.0/16 nexthop via inet 10.9.0.2 dev eth0
10.1.0.0/16 nexthop via inet6 fd00::1 dev eth0
10.1.0.0/16 nexthop dev nosuch0
10.1.0.0/16 nexthop dev eth0
10.1.0.0/16 nexthop
10.1.0.0/16 nexthop foo
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 foo
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 metric 5
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 as to 10.0.0.1
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 no_track
10.1.0.0/16 no_track nexthop via 10.9.0.2
10.1.0.0/16 no_track nexthop via 10.9.0.2 nexthop via 10.9.1.2
10.1.0.0/16 via 10.9.0.2 dev eth0 nexthop via 10.9.0.3 dev eth0
10.1.0.0/16 dev eth0 nexthop via 10.9.0.3 dev eth0
10.1.0.0/16 nexthop via 10.9.0.2 dev eth0 encap ip id 5 dst 10.0.0.1
fd00::/64 nexthop via fe80::1 dev eth0 nexthop via fe80::2 dev eth1
fd00::/64 nexthop via fe80::1 dev eth0 realms 4
nexthop via 10.9.0.2 dev eth0
10.1.0.0/16 dev eth0 encap
10.1.0.0/16 dev eth0 encap ip
10.1.0.0/16 dev eth0 encap ip id 5
10.1.0.0/16 dev eth0 encap ip dst 10.0.0.1
10.1.0.0/16 dev eth0 encap ip id 5 dst 10.0.0.1 src 10.0.0.2 tos 4 ttl 64 flags 1
10.1.0.0/16 encap ip id 5 dst 10.0.0.1 src 10.0.0.2 tos 4 ttl 64 flags 1 dev eth0
10.1.0.0/16 encap ip id 5 dst 10.0.0.1 ttl 256 dev eth0
10.1.0.0/16 encap ip id 5 dst 10.0.0.1 tos foo dev eth0
10.1.0.0/16 encap ip id 5 dst 10.0.0.1 tos EF dev eth0
10.1.0.0/16 encap ip id 5 dst 10.0.0.1 flags 65536 dev eth0
10.1.0.0/16 encap ip id 5 dst 10.0.0.1 flags x dev eth0
10.1.0.0/16 encap ip id 5 dst foo dev eth0
10.1.0.0/16 encap ip id 5 dst fd00::1 dev eth0
10.1.0.0/16 encap ip id 5 src fd00::1 dev eth0
10.1.0.0/16 encap ip id x dev eth0
10.1.0.0/16 encap ip id 18446744073709551615 dev eth0
10.1.0.0/16 encap ip id 18446744073709551616 dev eth0
10.1.0.0/16 encap ip id 0x10 dev eth0
10.1.0.0/16 encap ip ttl 5 dev eth0
10.1.0.0/16 encap ip foo dev eth0
10.1.0.0/16 encap ip id 5 id 6 dev eth0
10.1.0.0/16 encap ip id
10.1.0.0/16 encap ip6 id 5 dst fd00::1 src fd00::2 tc 4 hoplimit 64 flags 1 dev eth0
10.1.0.0/16 encap ip6 dst 10.0.0.1 dev eth0
10.1.0.0/16 encap ip6 hoplimit 256 dev eth0
10.1.0.0/16 encap ip6 id 5 hoplimit 256 dev eth0
10.1.0.0/16 encap ip6 id 5 tc 256 dev eth0
10.1.0.0/16 encap ip6 id 5 ttl 6 dev eth0
10.1.0.0/16 encap ip6 id 5 tos 6 dev eth0
10.1.0.0/16 encap ip id 5 tc 6 dev eth0
10.1.0.0/16 encap mpls 100 dev eth0
10.1.0.0/16 encap mpls 100/200 dev eth0
10.1.0.0/16 encap mpls 100/ dev eth0
10.1.0.0/16 encap mpls foo dev eth0
10.1.0.0/16 encap mpls 1048576 dev eth0
10.1.0.0/16 encap mpls 0 dev eth0
10.1.0.0/16 encap mpls
10.1.0.0/16 encap mpls 1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20 dev eth0
fd00::/64 encap ila 1:2:3:4 dev eth0
fd00::/64 encap ila 1:2 dev eth0
fd00::/64 encap ila foo dev eth0
fd00::/64 encap ila 1::4 dev eth0
10.1.0.0/16 encap ila 1:2:3:4 dev eth0
10.1.0.0/16 encap bpf dev eth0
10.1.0.0/16 encap seg6 dev eth0
10.1.0.0/16 encap foo dev eth0
10.1.0.0/16 dev eth0 realms 255
10.1.0.0/16 dev eth0 realms 256
10.1.0.0/16 dev eth0 realms 255/255
10.1.0.0/16 dev eth0 realms 1/256
10.1.0.0/16 dev eth0 realms 0x5
10.1.0.0/16 dev eth0 realms -1
10.1.0.0/16 dev eth0 protocol 0x10 no_track
10.1.0.0/16 dev eth0 scope 0x10
10.1.0.0/16 dev eth0 scope -1
10.1.0.0/16 dev eth0 protocol 256
10.1.0.0/16 dev eth0 tos 08
10.1.0.0/16 dev eth0 tos 010
via 10.9.0.2 default dev eth0
via 10.9.0.2 dev eth0
0 10.1.0.0/16 dev eth0
255 10.1.0.0/16 dev eth0
256 10.1.0.0/16 dev eth0
10.1.0.0/16 dev eth0 nexthop via
10.1.0.0/16 dev eth0 nexthop via inet6
10.1.0.0/16 dev eth0 nexthop dev eth0 weight 1.5
10.1.0.0/16 dev eth0 or foo
10.1.0.0/16 dev eth0 or fd00::1
10.1.0.0/16 dev eth0 as to
10.1.0.0/16 dev eth0 rtt ms
10.1.0.0/16 dev eth0 rtt 5sx
10.1.0.0/16 dev eth0 rtt 5mss
10.1.0.0/16 dev eth0 rtt 5ss
10.1.0.0/16 dev eth0 rtt 1secS
10.1.0.0/16 dev eth0 rtt .
10.1.0.0/16 dev eth0 metric 010
10.1.0.0/16 dev eth0 congctl abcdefghijklmnopqrstuvwxyz
fd00:17::/64 dev eth0 default
default fd00:18::/64 dev eth0
77 10.20.0.0/16 dev eth0
unicast blackhole 10.23.0.0/16 dev eth0
`;

const RULES = `
from 10.1.0.0/16 table 100
from 10.1.0.0/16 table 100 priority 50
from 10.1.0.0/16 priority 50
to 10.1.0.0/16 table 100 priority 50
from 10.1.0.0/16 to fd00::/64 table 100 priority 50
from all table 100 priority 50
from any table 100 priority 50
from default table 100 priority 50
table 100 priority 50
from foo table 100 priority 50
from 10.1.0.0/33 table 100 priority 50
from 10.1.0.1/16 table 100 priority 50
from
not from 10.1.0.0/16 table 100 priority 50
from 10.1.0.0/16 not table 100 priority 50
from 10.1.0.0/16 table 0 priority 50
from 10.1.0.0/16 table 4294967295 priority 50
from 10.1.0.0/16 table 4294967296 priority 50
from 10.1.0.0/16 table foo priority 50
from 10.1.0.0/16 table main priority 50
from 10.1.0.0/16 lookup main priority 50
from 10.1.0.0/16 table main table 50 priority 50
from 10.1.0.0/16 table main blackhole priority 50
from 10.1.0.0/16 table main goto 100 priority 50
from 10.1.0.0/16 preference 0 table 100
from 10.1.0.0/16 preference 0x10 table 100
from 10.1.0.0/16 preference 010 table 100
from 10.1.0.0/16 preference x table 100
from 10.1.0.0/16 preference -1 table 100
from 10.1.0.0/16 preference 4294967295 table 100
from 10.1.0.0/16 preference 4294967296 table 100
from 10.1.0.0/16 pref 50 table 100
from 10.1.0.0/16 order 50 table 100
from 10.1.0.0/16 order 50 priority 60 table 100
from 10.1.0.0/16 tos 4 priority 50 table 100
from 10.1.0.0/16 tos 1 priority 50 table 100
from 10.1.0.0/16 tos 256 priority 50 table 100
from 10.1.0.0/16 tos CS1 priority 50 table 100
from 10.1.0.0/16 tos foo priority 50 table 100
from 10.1.0.0/16 dsfield 0x10 priority 50 table 100
fwmark 5 priority 50 table 100
fwmark 0x5/0xff priority 50 table 100
fwmark 5/ priority 50 table 100
fwmark /5 priority 50 table 100
fwmark x priority 50 table 100
fwmark 5/x priority 50 table 100
fwmark 4294967296 priority 50 table 100
fwmark -1 priority 50 table 100
fwmark 010 priority 50 table 100
fwmark 0 priority 50 table 100
from 10.1.0.0/16 realms 5 priority 50 table 100
from 10.1.0.0/16 realms 5/6 priority 50 table 100
from 10.1.0.0/16 realms foo priority 50 table 100
from fd00::/64 realms 5 priority 50 table 100
from 10.1.0.0/16 realms 5 priority 50 blackhole
from 10.1.0.0/16 priority 50 table 100 suppress_prefixlength 0
from 10.1.0.0/16 priority 50 table 100 sup_pl 5
from 10.1.0.0/16 priority 50 table 100 suppress_prefixlength -1
from 10.1.0.0/16 priority 50 table 100 suppress_prefixlength 2147483648
from 10.1.0.0/16 priority 50 table 100 suppress_prefixlength 2147483647
from 10.1.0.0/16 priority 50 table 100 suppress_prefixlength x
from 10.1.0.0/16 priority 50 blackhole suppress_prefixlength 3
from 10.1.0.0/16 priority 50 table 100 suppress_ifgroup 5
from 10.1.0.0/16 priority 50 table 100 sup_group default
from 10.1.0.0/16 priority 50 table 100 sup_group foo
from 10.1.0.0/16 priority 50 blackhole sup_group 5
from 10.1.0.0/16 priority 50 table 100 sup_group 4294967295
from 10.1.0.0/16 priority 50 table 100 sup_group -1
iif eth0 priority 50 table 100
iif nosuch0 priority 50 table 100
iif lo priority 50 table 100
dev eth1 priority 50 table 100
oif eth1 priority 50 table 100
oif nosuch0 priority 50 table 100
iif eth0 oif eth1 priority 50 table 100
iif eth0 iif eth1 priority 50 table 100
iif abcdefghijklmnopqrstuvw priority 50 table 100
iif
tunnel-id 5 priority 50 table 100
tunnel-id 18446744073709551615 priority 50 table 100
tunnel-id 18446744073709551616 priority 50 table 100
tunnel-id 0x10 priority 50 table 100
tunnel-id x priority 50 table 100
tunnel-id -1 priority 50 table 100
tunnel-id 0 priority 50 table 100
uidrange 5-10 priority 50 table 100
uidrange 5 priority 50 table 100
uidrange 10-5 priority 50 table 100
uidrange x-y priority 50 table 100
uidrange 0-4294967295 priority 50 table 100
uidrange 0-4294967294 priority 50 table 100
uidrange 0-4294967296 priority 50 table 100
uidrange - priority 50 table 100
l3mdev priority 50
l3mdev priority 50 table 100
l3mdev
from 10.1.0.0/16 protocol 18 priority 50 table 100
from 10.1.0.0/16 protocol 4 priority 50 table 100
from 10.1.0.0/16 protocol 4 priority 50 table 100 no_track
from 10.1.0.0/16 no_track protocol static priority 50 table 100
from 10.1.0.0/16 no_track protocol 256 priority 50 table 100
from 10.1.0.0/16 no_track protocol 0 priority 50 table 100
from 10.1.0.0/16 no_track protocol foo priority 50 table 100
ipproto tcp priority 50 table 100
ipproto TCP priority 50 table 100
ipproto 6 priority 50 table 100
ipproto foo priority 50 table 100
ipproto 256 priority 50 table 100
ipproto 255 priority 50 table 100
ipproto 0 priority 50 table 100
ipproto icmp priority 50 table 100
ipproto vrrp priority 50 table 100
ip_proto tcp priority 50 table 100
sport 5-10 priority 50 table 100
sport 5 priority 50 table 100
sport 5-5 priority 50 table 100
sport 10-5 priority 50 table 100
sport x-y priority 50 table 100
sport 0-5 priority 50 table 100
sport 5-65535 priority 50 table 100
sport 5-65536 priority 50 table 100
dport 5-10 priority 50 table 100
dport 5 priority 50 table 100
dport http-https priority 50 table 100
ipproto tcp sport 1-5 dport 80-81 priority 50 table 100
goto 100 priority 50
goto 50 priority 50
goto 40 priority 50
goto 100
goto x priority 50
goto 4294967295 priority 50
goto 4294967296 priority 50
goto 0x64 priority 50
priority 50 goto 100
type goto 100 priority 50
from 10.1.0.0/16 nop priority 50
from 10.1.0.0/16 blackhole priority 50
from 10.1.0.0/16 unreachable priority 50
from 10.1.0.0/16 prohibit priority 50
from 10.1.0.0/16 type blackhole priority 50
from 10.1.0.0/16 type foo priority 50
from 10.1.0.0/16 type unicast priority 50
from 10.1.0.0/16 type table 100 priority 50
from 10.1.0.0/16 type
blackhole priority 50
type nop priority 50
from 10.1.0.0/16 unicast priority 50
from 10.1.0.0/16 foo priority 50 table 100
foo
from 10.1.0.0/16 priority 50 table 100 inet
from 10.1.0.0/16 priority 50 table 100 inet6
from fd00::/64 priority 50 table 100 inet
from fd00::/64 priority 50 table 100 inet6
iif eth0 priority 50 table 100 inet6
inet6 iif eth0 priority 50 table 100
from 10.1.0.0/16 priority 50 table 100 no_track
from 10.1.0.0/16 priority 50 table 100 track_group x
from 10.1.0.0/16 from 10.2.0.0/16 priority 50 table 100
to 10.1.0.0/16 to 10.2.0.0/16 priority 50 table 100
from 10.1.0.0/16 to 10.2.0.0/16 priority 50 table 100
to fd00::/64 priority 50 table 100
from 10.1.0.0/16 priority
from 10.1.0.0/16 priority 50 table
iif eth0 blackhole unreachable priority 50
iif eth0 priority 50 goto 60 goto 70
not priority 50 table 100
priority 50
uidrange 5-10-12 priority 50 table 100
sport 5-10-12 priority 50 table 100
fwmark 5/6/7 priority 50 table 100
from 10.1.0.0/16 priority 70 table 100 sup_group 2147483647
from 10.1.0.0/16 priority 70 table 100 sup_group 2147483648
from 10.1.0.0/16 priority 70 table 100 realms 256
from 10.1.0.0/16 priority 70 table 100 realms 1/2/3
table 100 priority 5 realms 5 from fd00::/64
table 100 l3mdev priority 5
ipproto 127 priority 50 table 100
ipproto 128 priority 50 table 100
ipproto 012 priority 50 table 100
ipproto 0x6 priority 50 table 100
ipproto -1 priority 50 table 100
ipproto rohc priority 50 table 100
tos -1 priority 50 table 100
to all from fd00::/64 priority 50 table 100
to fd00::/64 from all priority 50 table 100
from fd00::/64 to all priority 50 table 100
sport 5- priority 50 table 100
sport -5 priority 50 table 100
sport priority 50 table 100
priority 08 table 100
priority 5x table 100
fwmark 0x priority 89 table 100
uidrange -5-6 priority 93 table 100
sport 70000-70001 priority 94 table 100
`;

const STATIC_ADDRESSES = `
10.9.0.50/24 dev eth0
10.9.0.50/24
10.9.0.50/24 dev nosuch0
10.9.0.50/24 dev eth0 brd +
10.9.0.50/24 dev eth0 brd 10.9.0.255
10.9.0.50/24 dev eth0 scope link label eth0:5
10.9.0.50/24 brd - dev eth0
fd00::5/64 dev eth0
foo dev eth0
10.9.0.50/33 dev eth0
10.9.0.50/24 dev eth0 track_group foo
10.9.0.50/24 dev eth0 no_track
10.9.0.50/24 dev eth0 foo
10.9.0.50/24 label eth0:5
10.9.0.50 dev eth0 peer 10.9.0.51
`;

const STATIC_ROUTES = `
10.1.0.0/16 via 10.9.0.2 dev eth0
10.1.0.0/16 via 10.9.0.2
10.1.0.0/16 via 10.9.0.2 dev eth0 track_group foo
10.1.0.0/16 via 10.9.0.2 track_group foo
10.1.0.0/16 via 10.9.0.2 dev eth0 protocol static
10.1.0.0/16 via 10.9.0.2 dev nosuch0
10.1.0.0/16 via 10.9.0.2 dev eth0 no_track track_group foo
foo
`;

const STATIC_RULES = `
from 10.1.0.0/16 table 100 priority 50
from 10.1.0.0/16 table 100
from 10.1.0.0/16 table 100 priority 50 track_group foo
iif eth0 table 100 priority 50 track_group foo
from 10.1.0.0/16 table 100 priority 50 protocol 4
iif eth0 table 100 priority 50 no_track
foo
`;

const of = (block: string, text: string): Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => ({ block, line }));

export const LINES: readonly Line[] = [
  ...of('virtual_routes', ROUTES),
  ...of('virtual_rules', RULES),
  ...of('static_ipaddress', STATIC_ADDRESSES),
  ...of('static_routes', STATIC_ROUTES),
  ...of('static_rules', STATIC_RULES),
];
