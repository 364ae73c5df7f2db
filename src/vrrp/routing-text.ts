// Routes and rules in the words of keepalived 2.2.7's data dump, which its log uses too.

import { family } from '../lib/ip.ts';
import {
  ACT_GOTO,
  ACT_TABLE,
  type Encapsulation,
  type KernelRoute,
  MAIN_TABLE,
  type MetricName,
  type Range,
  UNICAST,
} from '../lib/route.ts';
import { formatPrefixed, type Prefixed } from './line.ts';
import { typeName } from './route.ts';
import type { HopEntry, RouteEntry, RuleEntry } from './routing.ts';
import { formatTime, isTime } from './rtt.ts';
import type { KernelFacts } from './state.ts';

const PREFERENCES: Readonly<Record<number, string>> = { 0: 'medium', 1: 'high', 3: 'low' };
const ACTIONS: Readonly<Record<number, string>> = {
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
};
/** In the order of the dump. */
const METRICS_SHOWN: readonly MetricName[] = [
  'mtu',
  'window',
  'ssthresh',
  'cwnd',
  'advmss',
  'reordering',
  'hoplimit',
  'initcwnd',
  'initrwnd',
  'quickack',
  'fastopen_no_cookie',
];

const word = (name: string, value: string | number | undefined): readonly string[] =>
  value === undefined ? [] : [name, String(value)];

export function routeText(route: RouteEntry): string {
  const { type, destination, prefix, from, table, no_track } = route;
  return [
    route.placement,
    ...(type === UNICAST ? [] : [typeName(type)]),
    formatPrefixed({ address: destination, prefix }),
    ...word('from', from && formatPrefixed(from)),
    ...word('src', route.src),
    ...word('tos', route.tos),
    ...encapText(route.encap),
    ...gatewayText(route),
    ...word('dev', route.dev),
    ...word('table', table === MAIN_TABLE ? undefined : table),
    ...word('proto', route.protocol),
    ...word('scope', route.scope),
    ...word('metric', route.metric),
    ...(route.onlink === true ? ['onlink'] : []),
    ...realmsText(route.realms),
    ...metricsText(route),
    ...word('pref', route.pref === undefined ? undefined : (PREFERENCES[route.pref] ?? route.pref)),
    ...(route.nexthops ?? []).flatMap(hopText),
    ...(no_track === true ? ['no_track'] : []),
    ...word('track_group', route.track_group),
  ].join(' ');
}

const gatewayText = ({ via }: Pick<RouteEntry, 'via'>): readonly string[] =>
  via === undefined ? [] : ['via', family(via) === 4 ? 'inet' : 'inet6', via];

function realmsText(realms: number | undefined): readonly string[] {
  // keepalived takes the realm 0 for none.
  if (realms === undefined || realms === 0) return [];
  const [from, to] = [realms >>> 16, realms & 0xffff];
  return from === 0 ? ['realm', String(to)] : ['realms', `${from}/${to}`];
}

function metricsText(route: RouteEntry): readonly string[] {
  const { metrics = {}, locked = [], congctl, expires, ttl_propagate } = route;
  const one = (name: MetricName): readonly string[] => {
    const value = metrics[name];
    if (value === undefined) return [];
    const shown = isTime(name) ? formatTime(name, value) : String(value);
    return [name, ...(locked.includes(name) ? ['lock'] : []), shown];
  };
  // keepalived writes the lock behind the algorithm, without a blank before it and with one behind.
  const algorithm =
    congctl === undefined ? [] : [`${congctl}${locked.includes('congctl') ? 'lock ' : ''}`];
  return [
    ...(expires === undefined ? [] : ['expires', `${expires}sec`]),
    ...(congctl === undefined ? [] : ['congctl', ...algorithm]),
    ...one('rtt'),
    ...one('rttvar'),
    ...one('rto_min'),
    ...(metrics.features === undefined ? [] : ['features', 'ecn']),
    ...METRICS_SHOWN.flatMap(one),
    ...(ttl_propagate === undefined
      ? []
      : ['ttl-propagate', ttl_propagate ? 'enabled' : 'disabled']),
  ];
}

function encapText(encap: Encapsulation | undefined): readonly string[] {
  if (encap === undefined) return [];
  switch (encap.kind) {
    case 'mpls':
      return ['encap', 'mpls', encap.labels.map(labelText).join('/')];
    case 'ila': {
      // The eight bytes as one number of the machine.
      const groups = encap.locator.split(':').map((group) => Number.parseInt(group, 16));
      const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
      return ['encap', 'ila', String(new DataView(bytes.buffer).getBigUint64(0, true))];
    }
    default: {
      const { kind, id, dst, src, tos, ttl, flags } = encap;
      return [
        'encap',
        kind,
        ...word('id', id),
        ...word('dst', dst),
        ...word('src', src),
        ...word(kind === 'ip' ? 'tos' : 'tc', tos),
        ...word(kind === 'ip' ? 'ttl' : 'hoplimit', ttl),
        ...word('flags', flags === undefined ? undefined : hex(flags)),
      ];
    }
  }
}

/** keepalived shows the whole entry of the stack in hexadecimal. */
const labelText = (label: number, at: number, all: readonly number[]): string =>
  (label * 0x1000 + (at === all.length - 1 ? 0x100 : 0)).toString(16);

const hex = (value: number): string => `0x${value.toString(16)}`;

function hopText(hop: HopEntry): readonly string[] {
  return [
    'nexthop',
    ...gatewayText(hop),
    ...word('dev', hop.dev),
    ...word('weight', hop.weight),
    ...(hop.onlink === true ? ['onlink'] : []),
    ...word('realm', hop.realms ? hop.realms & 0xffff : undefined),
    ...encapText(hop.encap),
  ];
}

const range = (value: Range | undefined): string | undefined =>
  value === undefined ? undefined : `${value.first}-${value.last}`;

export function ruleText(rule: RuleEntry): string {
  const { from, to, fwmark, fwmask } = rule;
  const mark =
    fwmark === undefined
      ? undefined
      : `${hex(fwmark)}${fwmask === undefined || fwmask === 0xffffffff ? '' : `/${hex(fwmask)}`}`;
  return [
    ...(rule.not === true ? ['not'] : []),
    ...(rule.inet6 === true && from === undefined && to === undefined ? ['inet6'] : []),
    'from',
    selector(from),
    ...(to === undefined ? [] : ['to', selector(to)]),
    ...word('priority', rule.priority),
    ...word('tos', hex(rule.tos ?? 0)),
    ...word('fwmark', mark),
    ...word('iif', rule.iif),
    ...word('oif', rule.oif),
    ...word('suppress_prefixlen', rule.suppress_prefixlength),
    ...word('suppress_ifgroup', rule.suppress_ifgroup),
    ...word('tunnel-id', rule.tunnel_id || undefined),
    ...word('uidrange', range(rule.uidrange)),
    ...(rule.l3mdev === true ? ['l3mdev'] : []),
    ...word('protocol', rule.protocol),
    ...word('ipproto', rule.ipproto),
    ...word('sport', range(rule.sport)),
    ...word('dport', range(rule.dport)),
    ...word('realms', rule.realms ? `${rule.realms >>> 16}/${rule.realms & 0xffff}` : undefined),
    ...actionText(rule),
    ...(rule.no_track === true ? ['no_track'] : []),
    ...word('track_group', rule.track_group),
  ].join(' ');
}

const selector = (value: Prefixed | undefined): string =>
  value === undefined ? 'all' : formatPrefixed(value);

function actionText({ action, table, goto }: RuleEntry): readonly string[] {
  if (action === ACT_TABLE) return ['lookup', String(table ?? 0)];
  if (action === ACT_GOTO) return ['goto', String(goto)];
  const type = ACTIONS[action];
  return type === undefined ? ['nop'] : ['type', type];
}

/** A route as it was configured. */
export function entryOf(
  { index, nexthops, untracked, ...rest }: KernelRoute,
  links: KernelFacts['links'],
): RouteEntry {
  const named = (at: number | undefined): { readonly dev?: string } => {
    const name = at === undefined ? undefined : links[at]?.name;
    return name === undefined ? {} : { dev: name };
  };
  return {
    ...rest,
    ...named(index),
    ...(nexthops === undefined
      ? {}
      : { nexthops: nexthops.map(({ index: at, ...hop }) => ({ ...hop, ...named(at) })) }),
    ...(untracked === undefined ? {} : { no_track: true }),
  };
}
