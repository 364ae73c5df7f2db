// Routes through rtnetlink: KernelRoute to struct rtmsg and RTA_* attributes, and what a deleted route was.

import { type Family, type Ip, ipBytes, ipFromBytes } from '../lib/ip.ts';
import {
  type Encapsulation,
  type GoneRoute,
  KEEPALIVED_PROTOCOL,
  type KernelHop,
  type KernelRoute,
  MAIN_TABLE,
  METRICS,
  type MetricName,
} from '../lib/route.ts';
import {
  AF_INET,
  AF_INET6,
  type Attribute,
  bigEndian64,
  cString,
  decodeAttributes,
  encodeAttributes,
  encodeMessage,
  given,
  type Message,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RTM_DELROUTE,
  RTM_NEWROUTE,
  readU32,
  u16,
  u32,
} from './netlink.ts';

const HEADER = 12;

const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_FLOW = 11;
const RTA_TABLE = 15;
const RTA_PREF = 20;
const RTA_ENCAP_TYPE = 21;
const RTA_ENCAP = 22;
const RTA_EXPIRES = 23;
const RTA_TTL_PROPAGATE = 26;
const RTAX_LOCK = 1;
const RTAX_CC_ALGO = 16;
const RTNH_F_ONLINK = 4;

const addressFamily = (of: Family): number => (of === 4 ? AF_INET : AF_INET6);

/** EEXIST comes back where the very same route is there already. */
export function encodeNewRoute(
  route: KernelRoute,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  const { placement } = route;
  const how = placement === 'add' ? NLM_F_EXCL : placement === 'append' ? NLM_F_APPEND : 0;
  return encode(RTM_NEWROUTE, NLM_F_CREATE | how, route, sequence, acknowledge);
}

/**
 * Puts back what may be there in part: the kernel deletes the hops of an IPv6 route one by one, and refuses to add the
 * whole beside the rest.
 */
export function encodeRestoredRoute(
  route: KernelRoute,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  if (route.family === 4 || route.nexthops === undefined)
    return encodeNewRoute(route, sequence, acknowledge);
  return encode(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, sequence, acknowledge);
}

/** ESRCH comes back where there is no such route. */
export function encodeDeleteRoute(
  route: KernelRoute,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  return encode(RTM_DELROUTE, 0, route, sequence, acknowledge);
}

function encode(
  type: number,
  flags: number,
  route: KernelRoute,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  const table = route.table ?? MAIN_TABLE;
  const header = new Uint8Array(HEADER);
  header[0] = addressFamily(route.family);
  header[1] = route.prefix;
  header[2] = route.from?.prefix ?? 0;
  header[3] = route.tos ?? 0;
  header[4] = table < 256 ? table : 0;
  header[5] = route.protocol ?? KEEPALIVED_PROTOCOL;
  header[6] = route.scope ?? 0;
  header[7] = route.type;
  if (route.onlink === true) header.set(u32(RTNH_F_ONLINK), 8);
  return encodeMessage(
    type,
    flags | (acknowledge ? NLM_F_ACK : 0),
    sequence,
    header,
    type === RTM_NEWROUTE ? [...identity(route), ...qualities(route)] : identity(route),
  );
}

/** What names a route: enough to delete it, and nothing else of the same destination. */
function identity(route: KernelRoute): Attribute[] {
  const table = route.table ?? MAIN_TABLE;
  return [
    ...(route.prefix === 0 ? [] : [{ type: RTA_DST, bytes: ipBytes(route.destination) }]),
    ...given(RTA_SRC, route.from, ({ address }) => ipBytes(address)),
    ...given(RTA_TABLE, table < 256 ? undefined : table, u32),
    ...given(RTA_OIF, route.index, u32),
    ...given(RTA_GATEWAY, route.via, ipBytes),
    ...given(RTA_PRIORITY, route.metric, u32),
    ...given(RTA_MULTIPATH, route.nexthops, encodeHops),
  ];
}

function qualities(route: KernelRoute): Attribute[] {
  const { metrics, congctl } = route;
  return [
    ...given(RTA_PREFSRC, route.src, ipBytes),
    ...given(RTA_FLOW, route.realms, u32),
    ...(metrics === undefined && congctl === undefined
      ? []
      : [{ type: RTA_METRICS, bytes: encodeMetrics(route) }]),
    ...(route.encap === undefined ? [] : encapsulationAttributes(route.encap)),
    ...given(RTA_EXPIRES, route.expires, u32),
    ...given(RTA_PREF, route.pref, (pref) => Uint8Array.of(pref)),
    ...given(RTA_TTL_PROPAGATE, route.ttl_propagate, (yes) => Uint8Array.of(yes ? 1 : 0)),
  ];
}

function encodeMetrics({ metrics = {}, congctl, locked = [] }: KernelRoute): Uint8Array {
  const lock = locked.reduce(
    (bits, name) => bits + 2 ** (name === 'congctl' ? RTAX_CC_ALGO : METRICS[name]),
    0,
  );
  const numbers = Object.entries(metrics) as [MetricName, number][];
  return encodeAttributes([
    ...(lock === 0 ? [] : [{ type: RTAX_LOCK, bytes: u32(lock) }]),
    ...numbers.map(([name, value]) => ({ type: METRICS[name], bytes: u32(value) })),
    ...given(RTAX_CC_ALGO, congctl, cString),
  ]);
}

/** struct rtnexthop: length (u16), flags (u8), weight less one (u8), ifindex (i32), then attributes. */
function encodeHops(hops: readonly KernelHop[]): Uint8Array {
  const parts = hops.map((hop) => {
    const attributes = encodeAttributes([
      ...given(RTA_GATEWAY, hop.via, ipBytes),
      ...given(RTA_FLOW, hop.realms, u32),
      ...(hop.encap === undefined ? [] : encapsulationAttributes(hop.encap)),
    ]);
    const bytes = new Uint8Array(8 + attributes.length);
    bytes.set(u16(bytes.length), 0);
    bytes[2] = hop.onlink === true ? RTNH_F_ONLINK : 0;
    bytes[3] = (hop.weight ?? 1) - 1;
    bytes.set(u32(hop.index ?? 0), 4);
    bytes.set(attributes, 8);
    return bytes;
  });
  return Buffer.concat(parts);
}

// include/uapi/linux/lwtunnel.h, mpls_iptunnel.h and ila.h
const LWTUNNEL = { mpls: 1, ip: 2, ila: 3, ip6: 4 } as const;

function encapsulationAttributes(encap: Encapsulation): readonly Attribute[] {
  return [
    { type: RTA_ENCAP_TYPE, bytes: u16(LWTUNNEL[encap.kind]) },
    { type: RTA_ENCAP, bytes: encodeAttributes(tunnelAttributes(encap)) },
  ];
}

function tunnelAttributes(encap: Encapsulation): readonly Attribute[] {
  switch (encap.kind) {
    case 'mpls':
      return [{ type: 1, bytes: labelStack(encap.labels) }];
    case 'ila':
      return [{ type: 1, bytes: locatorBytes(encap.locator) }];
    default: {
      const { id, dst, src, tos, ttl, flags } = encap;
      const byte = (value: number): Uint8Array => Uint8Array.of(value);
      // LWTUNNEL_IP_* and LWTUNNEL_IP6_* have the same numbers.
      return [
        ...given(1, id, (key) => bigEndian64(BigInt(key))),
        ...given(2, dst, ipBytes),
        ...given(3, src, ipBytes),
        ...given(4, ttl, byte),
        ...given(5, tos, byte),
        // keepalived passes the number on in the machine's order, and so do its users' files.
        ...given(6, flags, u16),
      ];
    }
  }
}

/** RFC 3032: label (20 bits), traffic class (3), bottom of stack (1), TTL (8). */
function labelStack(labels: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * labels.length);
  const view = new DataView(bytes.buffer);
  for (const [i, label] of labels.entries())
    view.setUint32(4 * i, label * 0x1000 + (i === labels.length - 1 ? 0x100 : 0));
  return bytes;
}

function locatorBytes(locator: string): Uint8Array {
  const groups = locator.split(':').map((group) => Number.parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** What was deleted; undefined for another family. */
export function decodeGoneRoute({ body }: Message): GoneRoute | undefined {
  if (body.length < HEADER || (body[0] !== AF_INET && body[0] !== AF_INET6)) return undefined;
  const attributes = decodeAttributes(body, HEADER);
  const family: Family = body[0] === AF_INET ? 4 : 6;
  const destination = attributes.get(RTA_DST);
  const table = attributes.get(RTA_TABLE);
  return {
    family,
    destination:
      destination === undefined
        ? ((family === 4 ? '0.0.0.0' : '::') as Ip)
        : ipFromBytes(destination),
    prefix: body[1] as number,
    tos: body[3] as number,
    ...found('metric', attributes.get(RTA_PRIORITY), readU32),
    ...found('via', attributes.get(RTA_GATEWAY), ipFromBytes),
    ...found('index', attributes.get(RTA_OIF), readU32),
    table: table === undefined ? (body[4] as number) : readU32(table),
  };
}

const found = <N extends string, T>(
  name: N,
  bytes: Uint8Array | undefined,
  read: (bytes: Uint8Array) => T,
): { readonly [K in N]?: T } =>
  bytes === undefined ? {} : ({ [name]: read(bytes) } as { readonly [K in N]: T });
