// Routes and policy rules as the kernel takes them; net/ writes them to netlink and reads them from it, and the pure
// core sees them as data. Numbers are rtnetlink's own.

import type { Family, Ip } from './ip.ts';

export { PROTOCOL as KEEPALIVED_PROTOCOL } from './link.ts';

/** RT_TABLE_MAIN. */
export const MAIN_TABLE = 254;
/** RTN_UNICAST. */
export const UNICAST = 1;
/** Actions of a rule (FR_ACT_*): 1 table, 2 goto, 3 nop, 6 blackhole, 7 unreachable, 8 prohibit. */
export const ACT_TABLE = 1;
export const ACT_GOTO = 2;

/** Names of RTAX_* metrics of a route, in the words of iproute2. */
export const METRICS = {
  mtu: 2,
  window: 3,
  rtt: 4,
  rttvar: 5,
  ssthresh: 6,
  cwnd: 7,
  advmss: 8,
  reordering: 9,
  hoplimit: 10,
  initcwnd: 11,
  features: 12,
  rto_min: 13,
  initrwnd: 14,
  quickack: 15,
  fastopen_no_cookie: 17,
} as const;
export type MetricName = keyof typeof METRICS;

/** Where packets of a route are wrapped. */
export type Encapsulation =
  | {
      readonly kind: 'ip' | 'ip6';
      /** Tunnel key; 64 bits. */
      readonly id?: string;
      readonly dst?: Ip;
      readonly src?: Ip;
      readonly tos?: number;
      readonly ttl?: number;
      readonly flags?: number;
    }
  | { readonly kind: 'mpls'; readonly labels: readonly number[] }
  /** Four 16-bit groups. */
  | { readonly kind: 'ila'; readonly locator: string };

/** How a route is put beside others of the same destination. */
export type Placement = 'add' | 'prepend' | 'append';

/** What configuration and kernel have in common. Absent: not asked for. */
export interface RouteWords {
  readonly family: Family;
  readonly placement: Placement;
  /** RTN_*. */
  readonly type: number;
  readonly destination: Ip;
  readonly prefix: number;
  readonly from?: { readonly address: Ip; readonly prefix: number };
  readonly src?: Ip;
  readonly via?: Ip;
  readonly tos?: number;
  readonly table?: number;
  readonly protocol?: number;
  readonly scope?: number;
  readonly metric?: number;
  readonly onlink?: true;
  readonly encap?: Encapsulation;
  /** Seconds; IPv6. */
  readonly expires?: number;
  /** from << 16 | to. */
  readonly realms?: number;
  readonly metrics?: Readonly<Partial<Record<MetricName, number>>>;
  readonly congctl?: string;
  /** Metrics that the kernel must not change; congctl is among them by its own name. */
  readonly locked?: readonly (MetricName | 'congctl')[];
  readonly ttl_propagate?: boolean;
  /** ICMPV6_ROUTER_PREF_*: 0 medium, 1 high, 3 low. */
  readonly pref?: number;
}

export interface HopWords {
  readonly via?: Ip;
  /** 1..256. */
  readonly weight?: number;
  readonly onlink?: true;
  readonly realms?: number;
  readonly encap?: Encapsulation;
}

/** One route as RTM_NEWROUTE and RTM_DELROUTE want it. */
export interface KernelRoute extends RouteWords {
  readonly index?: number;
  readonly nexthops?: readonly KernelHop[];
  /** Whoever removes it is right. */
  readonly untracked?: true;
}

export interface KernelHop extends HopWords {
  readonly index?: number;
}

/** Inclusive on both ends. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** One rule as RTM_NEWRULE and RTM_DELRULE want it; interfaces by name, as the kernel has them. */
export interface KernelRule {
  readonly family: Family;
  readonly priority: number;
  readonly not?: true;
  readonly from?: { readonly address: Ip; readonly prefix: number };
  readonly to?: { readonly address: Ip; readonly prefix: number };
  /** FR_ACT_*. */
  readonly action: number;
  readonly table?: number;
  readonly goto?: number;
  readonly tos?: number;
  readonly fwmark?: number;
  readonly fwmask?: number;
  readonly iif?: string;
  readonly oif?: string;
  readonly suppress_prefixlength?: number;
  readonly suppress_ifgroup?: number;
  readonly tunnel_id?: number;
  readonly uidrange?: Range;
  readonly l3mdev?: true;
  readonly protocol: number;
  readonly ipproto?: number;
  readonly sport?: Range;
  readonly dport?: Range;
  readonly realms?: number;
  /** Whoever removes it is right. */
  readonly untracked?: true;
}

/** A rule of which the kernel says that it is gone. */
export interface GoneRule {
  readonly family: Family;
  readonly priority: number;
}

/** A route of which the kernel says that it is gone: what matters to find it among ours. */
export interface GoneRoute {
  readonly family: Family;
  readonly destination: Ip;
  readonly prefix: number;
  readonly table: number;
  readonly tos: number;
  /** Absent: 0. */
  readonly metric?: number;
  /** Of its only hop. */
  readonly via?: Ip;
  readonly index?: number;
}
