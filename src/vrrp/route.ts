// A line of virtual_routes or static_routes: iproute2's words as keepalived 2.2.7 reads them. Names of tables,
// protocols and the like stay names here; routing.ts looks them up.

import { meant } from '../config/diagnostic.ts';
import { quote, type Reading, type ValueType, wholeNumber } from '../config/value.ts';
import { type Family, family, type Ip } from '../lib/ip.ts';
import { type MetricName, type RouteWords, UNICAST } from '../lib/route.ts';
import { routeGrammar } from './grammar.ts';
import {
  type EncapsulationText,
  formatEncapsulation,
  formatHop,
  type HopText,
  readEncapsulation,
  readHops,
} from './hop.ts';
import {
  accepted,
  argument,
  type Cursor,
  cNumber,
  complain,
  cursorOf,
  drop,
  everything,
  formatPrefixed,
  type Name,
  numberAfter,
  readAddress,
  readPrefixed,
} from './line.ts';
import { isTime, readTime } from './rtt.ts';

type Named = 'tos' | 'table' | 'protocol' | 'scope' | 'realms' | 'encap';

/** A line as written. */
export interface RouteText extends Omit<RouteWords, Named> {
  readonly tos?: Name;
  readonly table?: Name;
  readonly protocol?: Name;
  readonly scope?: Name;
  /** [<from>/]<to>, numbers or names. */
  readonly realms?: string;
  readonly encap?: EncapsulationText;
  readonly dev?: string;
  readonly nexthops?: readonly HopText[];
  /** Stands for the table of this device. */
  readonly vrf?: string;
  /** Nobody minds when it vanishes. */
  readonly no_track?: true;
  /** static_routes: instances that depend on its interface. */
  readonly track_group?: string;
}

type Draft = { -readonly [K in keyof RouteText]?: RouteText[K] } & {
  metrics?: Partial<Record<MetricName, number>>;
  locked?: (MetricName | 'congctl')[];
};

interface State {
  readonly cursor: Cursor;
  readonly route: Draft;
  readonly statics: boolean;
  /** The destination as written. */
  shown: string | undefined;
  /** What `inet` and `inet6` ask for. */
  asked: Family | undefined;
  /** A second gateway by `or` counts once. */
  other: HopText | undefined;
}

const TYPES = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
];
const U32 = [0, 0xffffffff] as const;

/** Metrics that are numbers: their range, whether `lock` may stand before them, and what keepalived calls them. */
const NUMBERS: Readonly<
  Partial<Record<MetricName, readonly [readonly [number, number], boolean, string]>>
> = {
  mtu: [U32, true, 'MTU'],
  hoplimit: [[0, 255], false, 'hoplimit'],
  advmss: [U32, true, 'advmss'],
  reordering: [U32, true, 'reordering value'],
  window: [U32, false, 'window value'],
  cwnd: [U32, true, 'cwnd value'],
  ssthresh: [U32, true, 'ssthresh value'],
  initcwnd: [U32, false, 'initcwnd value'],
  initrwnd: [U32, false, 'initrwnd value'],
  quickack: [[0, 1], false, 'quickack value'],
  fastopen_no_cookie: [[0, 1], false, 'fastopen_no_cookie value'],
};
const PREFERENCES: Readonly<Record<string, number>> = { low: 3, medium: 0, high: 1 };

export const routeLine = (statics: boolean): ValueType<RouteText> => ({
  syntax: '[<type>] <ip>[/<prefix>]|default [<option> ...]',
  minimum: 1,
  parse: (words) => readRoute(words, statics),
  format: formatRoute,
  schema: { type: 'string', description: 'a line as in keepalived.conf' },
});

function readRoute(words: readonly string[], statics: boolean): Reading<RouteText> {
  const cursor = cursorOf(words);
  const state: State = {
    cursor,
    route: {},
    statics,
    shown: undefined,
    asked: undefined,
    other: undefined,
  };
  for (; cursor.at < words.length && !cursor.dropped; cursor.at++)
    readWord(state, words[cursor.at] as string);
  const route = cursor.dropped ? undefined : finish(state);
  const { complaints } = cursor;
  return route === undefined ? { complaints } : { value: route, complaints };
}

function readWord(state: State, option: string): void {
  const { cursor, route } = state;
  if (Object.hasOwn(NUMBERS, option)) {
    readNumber(state, option as MetricName);
    return;
  }
  if (isTime(option)) {
    const locked = takeLock(state);
    const text = argument(cursor);
    if (text === undefined) return;
    const name = option === 'rto_min' ? 'rto_min value' : option;
    const says = `Invalid ${name} ${text}${option === 'rto_min' ? ' specified' : ''} for route`;
    const value = accepted(cursor, readTime(option, text), says);
    if (value !== undefined) setMetric(route, option, value, locked);
    return;
  }
  switch (option) {
    case 'gw':
      complain(cursor, {
        id: 'deprecated',
        severity: 'warning',
        message: '"gw" for routes is deprecated. Please use "via"',
      });
      readGateway(state);
      return;
    case 'via':
      readGateway(state);
      return;
    case 'or':
      readOther(state);
      return;
    case 'src': {
      const text = argument(cursor);
      if (text === undefined) return;
      const src = accepted(cursor, readAddress(text), `invalid route src address ${text}`);
      if (src !== undefined && takeFamily(state, family(src))) route.src = src;
      return;
    }
    case 'from':
      readFrom(state);
      return;
    case 'add':
    case 'prepend':
    case 'append':
      route.placement = option;
      return;
    case 'onlink':
      route.onlink = true;
      return;
    case 'no_track':
      route.no_track = true;
      return;
    case 'inet':
    case 'inet6':
      state.asked = option === 'inet' ? 4 : 6;
      cursor.at++;
      return;
    case 'encap': {
      const encap = readEncapsulation(cursor);
      if (encap !== undefined) route.encap = encap;
      return;
    }
    case 'nexthop':
      readNexthops(state);
      return;
    case 'as': {
      // What it names is not used, nor is whether it names anything.
      if (argument(cursor) === 'to') cursor.at++;
      if (cursor.dropped) return;
      complain(cursor, { id: 'nat', message: '"as to" for MPLS only - ignoring' });
      return;
    }
    default:
      if (!readNamed(state, option)) readDestination(state, option);
  }
}

/** Options with one word whose meaning is looked up later, or that stand alone. */
function readNamed(state: State, option: string): boolean {
  const { cursor, route } = state;
  switch (option) {
    case 'tos':
    case 'dsfield':
    case 'table':
    case 'protocol':
    case 'scope': {
      const text = argument(cursor);
      if (text === undefined) return true;
      const value = cNumber(text);
      route[option === 'dsfield' ? 'tos' : option] =
        value === undefined || (value < 0n && option !== 'table') ? text : tableNumber(value);
      return true;
    }
    case 'metric':
    case 'priority':
    case 'preference': {
      const says = (text: string): string => `Invalid metric ${text} specified for route`;
      const metric = numberAfter(cursor, U32, says);
      if (metric !== undefined) route.metric = metric;
      return true;
    }
    case 'dev':
    case 'oif': {
      const dev = argument(cursor);
      if (dev !== undefined) route.dev = dev;
      return true;
    }
    case 'vrf': {
      const vrf = argument(cursor);
      if (vrf !== undefined) route.vrf = vrf;
      return true;
    }
    case 'realms': {
      const realms = argument(cursor);
      if (realms === undefined) return true;
      if (!takeFamily(state, 4, 'realms are only valid for IPv4')) return true;
      route.realms = realms;
      return true;
    }
    case 'expires': {
      const says = (text: string): string => `Invalid expires time ${text} specified for route`;
      const expires = numberAfter(cursor, U32, says);
      if (expires === undefined) return true;
      if (takeFamily(state, 6, 'expires is only valid for IPv6')) route.expires = expires;
      return true;
    }
    case 'pref':
      readPreference(state);
      return true;
    case 'features': {
      const text = argument(cursor);
      if (text === 'ecn') setMetric(route, 'features', 1, false);
      else if (text !== undefined)
        complain(cursor, { id: 'unknown-feature', message: `feature ${text} not supported` });
      return true;
    }
    case 'congctl': {
      const locked = takeLock(state);
      const text = argument(cursor);
      if (text === undefined) return true;
      route.congctl = text;
      setLock(route, 'congctl', locked);
      return true;
    }
    case 'ttl-propagate': {
      const text = argument(cursor);
      if (text === undefined) return true;
      route.ttl_propagate = text === 'enabled';
      if (text !== 'enabled' && text !== 'disabled')
        complain(cursor, {
          id: 'unknown-word',
          message: `ttl-propagate value ${text} not recognised`,
          assumed: 'disabled',
        });
      return true;
    }
    case 'track_group': {
      if (!state.statics) return false;
      const group = argument(cursor);
      if (group !== undefined) route.track_group = group;
      return true;
    }
    default:
      return false;
  }
}

/** Tables are 32 bits; what is longer loses the upper ones, as in keepalived. */
const tableNumber = (value: bigint): number => Number(BigInt.asUintN(32, value));

function readNumber(state: State, option: MetricName): void {
  const [range, lockable, name] = NUMBERS[option] ?? [U32, false, option];
  const locked = lockable && takeLock(state);
  const says = (text: string): string => `Invalid ${name} ${text} specified for route`;
  const value = numberAfter(state.cursor, range, says);
  if (value !== undefined) setMetric(state.route, option, value, locked);
}

function takeLock({ cursor }: State): boolean {
  const locked = cursor.words[cursor.at + 1] === 'lock';
  if (locked) cursor.at++;
  return locked;
}

function setMetric(route: Draft, name: MetricName, value: number, locked: boolean): void {
  route.metrics = { ...route.metrics, [name]: value };
  setLock(route, name, locked);
}

function setLock(route: Draft, name: MetricName | 'congctl', locked: boolean): void {
  if (locked && route.locked?.includes(name) !== true)
    route.locked = [...(route.locked ?? []), name].sort();
}

/** The first address decides; one of another family drops the route. */
function takeFamily(state: State, of: Family, message?: string): boolean {
  const { route, cursor } = state;
  if (route.family === undefined) route.family = of;
  if (route.family === of) return true;
  drop(cursor, {
    id: 'mixed-families',
    message: message ?? 'Cannot mix IPv4 and IPv6 addresses for route',
  });
  return false;
}

function readGateway(state: State): void {
  const { cursor, route } = state;
  let text = argument(cursor);
  if (text === 'inet' || text === 'inet6') {
    if (!takeFamily(state, text === 'inet' ? 4 : 6)) return;
    text = argument(cursor);
  }
  if (text === undefined) return;
  const via = accepted(cursor, readAddress(text), `invalid route via address ${text}`);
  if (via !== undefined && takeFamily(state, family(via))) route.via = via;
}

function readOther(state: State): void {
  const { cursor } = state;
  complain(cursor, {
    id: 'deprecated',
    severity: 'warning',
    message: '"or" for routes is deprecated. Please use "nexthop"',
  });
  const text = argument(cursor);
  if (text === undefined) return;
  if (state.other !== undefined) {
    complain(cursor, {
      id: 'given-twice',
      message: '"or" route already specified - ignoring subsequent',
    });
    return;
  }
  const via = accepted(cursor, readAddress(text), `Invalid "or" address ${text}`);
  if (via !== undefined && takeFamily(state, family(via))) state.other = { via };
}

function readFrom(state: State): void {
  const { cursor, route } = state;
  const text = argument(cursor);
  if (text === undefined) return;
  const from = accepted(cursor, readPrefixed(text), `invalid route from address ${text}`);
  if (from === undefined) return;
  if (family(from.address) === 6) {
    if (takeFamily(state, 6)) route.from = from;
  } else
    drop(cursor, {
      id: 'ipv4-from',
      message: `route from address only supported with IPv6 (${text})`,
    });
}

function readPreference(state: State): void {
  const { cursor, route } = state;
  const text = argument(cursor);
  if (text === undefined) return;
  const value =
    (Object.hasOwn(PREFERENCES, text) ? PREFERENCES[text] : undefined) ??
    accepted(cursor, wholeNumber(text, 0, 255), `Invalid pref value ${text} specified for route`);
  if (value !== undefined && takeFamily(state, 6, 'pref is only valid for IPv6'))
    route.pref = value;
}

function readNexthops(state: State): void {
  const { hops, family: of } = readHops(state.cursor, state.route.family);
  if (of !== undefined) state.route.family = of;
  if (hops.length > 0) state.route.nexthops = [...(state.route.nexthops ?? []), ...hops];
}

/** A word that is no option: [to] [<type>] <destination>. */
function readDestination(state: State, option: string): void {
  const { cursor, route } = state;
  let text: string | undefined = option;
  if (option === 'to') text = argument(cursor);
  else {
    const number = cNumber(option);
    const named = TYPES.indexOf(option);
    const type = named >= 0 ? named : Number(number ?? -1);
    if (type >= 0 && type <= 255) {
      route.type = type;
      route.placement = 'add';
      text = argument(cursor);
    }
  }
  if (text === undefined) return;
  state.shown = text;
  if (text === 'default6') {
    if (takeFamily(state, 6)) setDestination(route, everything(6));
    return;
  }
  if (text === 'default' || text === 'any' || text === 'all') {
    if (route.family === undefined) return;
    const message = `Cannot mix IPv4 and IPv6 addresses for route (${text})`;
    drop(cursor, { id: 'mixed-families', message });
    return;
  }
  const message = `unknown route keyword ${text}`;
  const hint = meant(text, Object.keys(routeGrammar));
  const destination = accepted(cursor, readPrefixed(text), message, hint);
  if (destination === undefined) return;
  const mixed = `Cannot mix IPv4 and IPv6 addresses for route (${text})`;
  if (takeFamily(state, family(destination.address), mixed)) setDestination(route, destination);
}

function setDestination(
  route: Draft,
  { address, prefix }: { readonly address: Ip; readonly prefix: number },
): void {
  route.destination = address;
  route.prefix = prefix;
}

function finish(state: State): RouteText | undefined {
  const { cursor, route, asked, shown, other } = state;
  cursor.at = 0;
  if (shown === undefined) {
    drop(cursor, { id: 'no-destination', message: 'Route must have a destination' });
    return undefined;
  }
  if (asked !== undefined) {
    const says = `inet${asked === 6 ? '6' : ''} specified for IPv${asked === 6 ? 4 : 6} route`;
    if (!takeFamily(state, asked, says)) return undefined;
  }
  const of = route.family ?? 4;
  if (route.destination === undefined || family(route.destination) !== of)
    setDestination(route, everything(of));
  if (other !== undefined) {
    const { via, ...rest } = route;
    Object.assign(route, rest, { nexthops: [via === undefined ? {} : { via }, other] });
    delete route.via;
  }
  return {
    ...route,
    family: of,
    type: route.type ?? UNICAST,
    placement: route.placement ?? 'prepend',
  } as RouteText;
}

function formatRoute(route: RouteText): string {
  const { type, placement, destination, prefix, from, locked = [], metrics = {} } = route;
  const lock = (name: MetricName | 'congctl'): string => (locked.includes(name) ? 'lock ' : '');
  const words: string[] = [];
  if (type !== UNICAST) words.push(TYPES[type] ?? String(type));
  words.push(formatPrefixed({ address: destination, prefix }), placement);
  if (from !== undefined) words.push('from', formatPrefixed(from));
  for (const name of ['src', 'via', 'tos', 'table', 'protocol', 'scope', 'metric'] as const)
    if (route[name] !== undefined) words.push(name, String(route[name]));
  if (route.dev !== undefined) words.push('dev', quote(route.dev));
  for (const name of ['expires', 'realms', 'pref', 'vrf', 'track_group'] as const)
    if (route[name] !== undefined) words.push(name, String(route[name]));
  for (const [name, value] of Object.entries(metrics) as [MetricName, number][])
    words.push(
      // Times too are numbers here: of the kernel's units, which a suffix would round.
      name === 'features' ? 'features ecn' : `${name} ${lock(name)}${value}`,
    );
  if (route.congctl !== undefined) words.push(`congctl ${lock('congctl')}${route.congctl}`);
  if (route.ttl_propagate !== undefined)
    words.push('ttl-propagate', route.ttl_propagate ? 'enabled' : 'disabled');
  // Behind words that a tunnel has too: what follows it would be taken for its own.
  if (route.encap !== undefined) words.push(formatEncapsulation(route.encap));
  for (const name of ['onlink', 'no_track'] as const) if (route[name] === true) words.push(name);
  words.push(...(route.nexthops ?? []).map(formatHop));
  return words.join(' ');
}

export const typeName = (type: number): string => TYPES[type] ?? String(type);
