// IPVS through generic netlink (include/uapi/linux/ip_vs.h): orders to commands, and what the kernel tells of its table
// to values. Asks nothing and decides nothing.
//
// A command holds nested attributes: SERVICE { AF, PROTOCOL, ADDR, PORT or AF, FWMARK; SCHED_NAME, FLAGS, ... } and
// DEST { ADDR, PORT, ADDR_FAMILY; FWD_METHOD, WEIGHT, ... } or DAEMON { STATE, MCAST_IFN, ... }. Ports are in network
// order, everything else in the machine's.

import { type Family, family, type Ip, ipBytes, ipFromBytes } from '../lib/ip.ts';
import type {
  DestinationEntry,
  DestinationKey,
  Forwarding,
  IpvsDestination,
  IpvsOrder,
  IpvsService,
  IpvsStatistics,
  IpvsTimeouts,
  ServiceEntry,
  ServiceKey,
  SyncDaemon,
} from '../lib/ipvs.ts';
import { seconds, toSeconds } from '../lib/time.ts';
import { GENL_HEADER, genlHeader } from './genl.ts';
import {
  AF_INET,
  AF_INET6,
  type Attribute,
  bigEndian16,
  cString,
  decodeAttributes,
  encodeAttributes,
  encodeMessage,
  encodeQuery,
  given,
  type Message,
  NLM_F_ACK,
  readBigEndian16,
  readCString,
  readU16,
  readU32,
  readU64,
  u16,
  u32,
} from './netlink.ts';

const COMMAND = {
  addService: 1,
  editService: 2,
  removeService: 3,
  getService: 4,
  addDestination: 5,
  editDestination: 6,
  removeDestination: 7,
  getDestination: 8,
  startSync: 9,
  stopSync: 10,
  getSync: 11,
  timeouts: 12,
  getTimeouts: 13,
  flush: 17,
} as const;

const CMD_SERVICE = 1;
const CMD_DEST = 2;
const CMD_DAEMON = 3;
const CMD_TIMEOUT_TCP = 4;
const CMD_TIMEOUT_TCP_FIN = 5;
const CMD_TIMEOUT_UDP = 6;

const SVC_AF = 1;
const SVC_PROTOCOL = 2;
const SVC_ADDR = 3;
const SVC_PORT = 4;
const SVC_FWMARK = 5;
const SVC_SCHED_NAME = 6;
const SVC_FLAGS = 7;
const SVC_TIMEOUT = 8;
const SVC_NETMASK = 9;
const SVC_STATS = 10;
const SVC_PE_NAME = 11;
const SVC_STATS64 = 12;

const DEST_ADDR = 1;
const DEST_PORT = 2;
const DEST_FWD_METHOD = 3;
const DEST_WEIGHT = 4;
const DEST_U_THRESH = 5;
const DEST_L_THRESH = 6;
const DEST_ACTIVE_CONNS = 7;
const DEST_INACT_CONNS = 8;
const DEST_PERSIST_CONNS = 9;
const DEST_STATS = 10;
const DEST_ADDR_FAMILY = 11;
const DEST_STATS64 = 12;
const DEST_TUN_TYPE = 13;
const DEST_TUN_PORT = 14;
const DEST_TUN_FLAGS = 15;

const DAEMON_STATE = 1;
const DAEMON_MCAST_IFN = 2;
const DAEMON_SYNC_ID = 3;
const DAEMON_SYNC_MAXLEN = 4;
const DAEMON_MCAST_GROUP = 5;
const DAEMON_MCAST_GROUP6 = 6;
const DAEMON_MCAST_PORT = 7;
const DAEMON_MCAST_TTL = 8;

/** IP_VS_SVC_F_HASHED: the kernel's own mark on everything that is in its table. */
const HASHED = 0x02;
const ALL = 0xffffffff;
const PROTOCOLS = { TCP: 6, UDP: 17, SCTP: 132 } as const;
/** IP_VS_CONN_F_*. */
const METHODS = ['NAT', 'LOCAL', 'TUN', 'DR', 'BYPASS'] as const;
const METHOD_MASK = 7;
const TUNNELS = ['ipip', 'gue', 'gre'] as const;
const CHECKSUMS = ['nocsum', 'csum', 'remcsum'] as const;
const ROLES = { master: 1, backup: 2 } as const;

/** Its name among the families of generic netlink. */
export const IPVS_FAMILY = 'IPVS';

export function encodeOrder(
  type: number,
  order: IpvsOrder,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  const flags = acknowledge ? NLM_F_ACK : 0;
  const header = genlHeader(COMMAND[order.type]);
  return encodeMessage(type, flags, sequence, header, orderAttributes(order));
}

function syncAttributes(daemon: SyncDaemon): readonly Attribute[] {
  const { role, interface: link, id, maxlen, group, port, ttl } = daemon;
  return [
    { type: DAEMON_STATE, bytes: u32(ROLES[role]) },
    { type: DAEMON_MCAST_IFN, bytes: cString(link) },
    { type: DAEMON_SYNC_ID, bytes: u32(id) },
    ...given(DAEMON_SYNC_MAXLEN, maxlen, u16),
    ...(group === undefined
      ? []
      : [
          {
            type: family(group) === 4 ? DAEMON_MCAST_GROUP : DAEMON_MCAST_GROUP6,
            bytes: ipBytes(group),
          },
        ]),
    // The one port that is in the machine's order.
    ...given(DAEMON_MCAST_PORT, port, u16),
    ...given(DAEMON_MCAST_TTL, ttl, (hops) => Uint8Array.of(hops)),
  ];
}

export const encodeServicesQuery = (type: number): Uint8Array =>
  encodeQuery(type, genlHeader(COMMAND.getService), []);

export const encodeDestinationsQuery = (type: number, key: ServiceKey): Uint8Array =>
  encodeQuery(type, genlHeader(COMMAND.getDestination), [serviceAttribute(key)]);

export const encodeSyncQuery = (type: number): Uint8Array =>
  encodeQuery(type, genlHeader(COMMAND.getSync), []);

/** There is one answer and no dump of it: the acknowledgement ends it. */
export const encodeTimeoutsQuery = (type: number): Uint8Array =>
  encodeMessage(type, NLM_F_ACK, 1, genlHeader(COMMAND.getTimeouts), []);

function orderAttributes(order: IpvsOrder): readonly Attribute[] {
  switch (order.type) {
    case 'addService':
    case 'editService':
      return [serviceAttribute(order.key, serviceAttributes(order.service))];
    case 'removeService':
      return [serviceAttribute(order.key)];
    case 'addDestination':
    case 'editDestination':
      return [
        serviceAttribute(order.key),
        destinationAttribute(order.destination, destinationAttributes(order.to)),
      ];
    case 'removeDestination':
      return [serviceAttribute(order.key), destinationAttribute(order.destination)];
    case 'flush':
      return [];
    case 'timeouts': {
      const { tcp, tcpfin, udp } = order.timeouts;
      return [
        ...given(CMD_TIMEOUT_TCP, tcp, (time) => u32(toSeconds(time))),
        ...given(CMD_TIMEOUT_TCP_FIN, tcpfin, (time) => u32(toSeconds(time))),
        ...given(CMD_TIMEOUT_UDP, udp, (time) => u32(toSeconds(time))),
      ];
    }
    case 'startSync':
      return [{ type: CMD_DAEMON, bytes: encodeAttributes(syncAttributes(order.daemon)) }];
    case 'stopSync': {
      const role = { type: DAEMON_STATE, bytes: u32(ROLES[order.role]) };
      return [{ type: CMD_DAEMON, bytes: encodeAttributes([role]) }];
    }
  }
}

const addressFamily = (of: Family): number => (of === 4 ? AF_INET : AF_INET6);

const serviceAttribute = (key: ServiceKey, more: readonly Attribute[] = []): Attribute => ({
  type: CMD_SERVICE,
  bytes: encodeAttributes([...keyAttributes(key), ...more]),
});

function keyAttributes(key: ServiceKey): readonly Attribute[] {
  if ('mark' in key)
    return [
      { type: SVC_AF, bytes: u16(addressFamily(key.family)) },
      { type: SVC_FWMARK, bytes: u32(key.mark) },
    ];
  return [
    { type: SVC_AF, bytes: u16(addressFamily(family(key.address))) },
    { type: SVC_PROTOCOL, bytes: u16(PROTOCOLS[key.protocol]) },
    { type: SVC_ADDR, bytes: ipBytes(key.address) },
    { type: SVC_PORT, bytes: bigEndian16(key.port) },
  ];
}

function serviceAttributes(service: IpvsService): readonly Attribute[] {
  const { scheduler, flags, timeout, netmask, engine } = service;
  return [
    { type: SVC_SCHED_NAME, bytes: cString(scheduler) },
    // struct ip_vs_flags: the flags, and which of them are meant.
    { type: SVC_FLAGS, bytes: Buffer.concat([u32(flags), u32(ALL)]) },
    { type: SVC_TIMEOUT, bytes: u32(timeout) },
    { type: SVC_NETMASK, bytes: typeof netmask === 'number' ? u32(netmask) : ipBytes(netmask) },
    ...given(SVC_PE_NAME, engine, cString),
  ];
}

const destinationAttribute = (
  { address, port }: DestinationKey,
  more: readonly Attribute[] = [],
): Attribute => ({
  type: CMD_DEST,
  bytes: encodeAttributes([
    { type: DEST_ADDR, bytes: ipBytes(address) },
    { type: DEST_PORT, bytes: bigEndian16(port) },
    { type: DEST_ADDR_FAMILY, bytes: u16(addressFamily(family(address))) },
    ...more,
  ]),
});

function destinationAttributes(to: IpvsDestination): readonly Attribute[] {
  const { forwarding, weight, upperThreshold, lowerThreshold } = to;
  return [
    { type: DEST_FWD_METHOD, bytes: u32(METHODS.indexOf(forwarding.method)) },
    { type: DEST_WEIGHT, bytes: u32(weight) },
    { type: DEST_U_THRESH, bytes: u32(upperThreshold) },
    { type: DEST_L_THRESH, bytes: u32(lowerThreshold) },
    ...(forwarding.method === 'TUN'
      ? [
          { type: DEST_TUN_TYPE, bytes: Uint8Array.of(TUNNELS.indexOf(forwarding.type)) },
          { type: DEST_TUN_PORT, bytes: bigEndian16(forwarding.port ?? 0) },
          {
            type: DEST_TUN_FLAGS,
            bytes: u16(CHECKSUMS.indexOf(forwarding.checksum ?? 'nocsum')),
          },
        ]
      : []),
  ];
}

type Attributes = ReadonlyMap<number, Uint8Array>;

const nested = ({ body }: Message, type: number): Attributes | undefined => {
  const bytes = decodeAttributes(body, GENL_HEADER).get(type);
  return bytes === undefined ? undefined : decodeAttributes(bytes, 0);
};

const number = (bytes: Uint8Array | undefined): number =>
  bytes === undefined || bytes.length < 4 ? 0 : readU32(bytes);
const short = (bytes: Uint8Array | undefined): number =>
  bytes === undefined || bytes.length < 2 ? 0 : readU16(bytes);
const port = (bytes: Uint8Array | undefined): number =>
  bytes === undefined || bytes.length < 2 ? 0 : readBigEndian16(bytes);

/** undefined for what is no service, or of a kind that nobody can order. */
export function decodeService(message: Message): ServiceEntry | undefined {
  const attributes = nested(message, CMD_SERVICE);
  const key = attributes && decodeKey(attributes);
  if (key === undefined) return undefined;
  const engine = attributes?.get(SVC_PE_NAME);
  const netmask = attributes?.get(SVC_NETMASK);
  const scheduler = attributes?.get(SVC_SCHED_NAME);
  const six = 'mark' in key ? key.family === 6 : family(key.address) === 6;
  return {
    key,
    service: {
      scheduler: scheduler === undefined ? '' : readCString(scheduler),
      flags: number(attributes?.get(SVC_FLAGS)) & ~HASHED,
      timeout: number(attributes?.get(SVC_TIMEOUT)),
      netmask: six || netmask?.length !== 4 ? number(netmask) : ipFromBytes(netmask),
      ...(engine === undefined ? {} : { engine: readCString(engine) }),
    },
    statistics: decodeStatistics(attributes, SVC_STATS, SVC_STATS64),
  };
}

function decodeKey(attributes: Attributes): ServiceKey | undefined {
  const of = decodeFamily(short(attributes.get(SVC_AF)));
  const mark = attributes.get(SVC_FWMARK);
  if (of === undefined) return undefined;
  if (mark !== undefined) return { family: of, mark: number(mark) };
  const protocol = short(attributes.get(SVC_PROTOCOL));
  const name = (['TCP', 'UDP', 'SCTP'] as const).find((known) => PROTOCOLS[known] === protocol);
  const address = decodeIp(attributes.get(SVC_ADDR), of);
  if (name === undefined || address === undefined) return undefined;
  return { protocol: name, address, port: port(attributes.get(SVC_PORT)) };
}

const decodeFamily = (af: number): Family | undefined =>
  af === AF_INET ? 4 : af === AF_INET6 ? 6 : undefined;

/** The kernel's addresses have room for IPv6 always. */
function decodeIp(bytes: Uint8Array | undefined, of: Family): Ip | undefined {
  const length = of === 4 ? 4 : 16;
  return bytes === undefined || bytes.length < length
    ? undefined
    : ipFromBytes(bytes.subarray(0, length));
}

/** `service`: the family of its service, for kernels that know no other family of a destination. */
export function decodeDestination(message: Message, service: Family): DestinationEntry | undefined {
  const attributes = nested(message, CMD_DEST);
  const own = attributes?.get(DEST_ADDR_FAMILY);
  const of = own === undefined ? service : decodeFamily(short(own));
  if (attributes === undefined || of === undefined) return undefined;
  const address = decodeIp(attributes.get(DEST_ADDR), of);
  const forwarding = decodeForwarding(attributes);
  if (address === undefined || forwarding === undefined) return undefined;
  return {
    destination: { address, port: port(attributes.get(DEST_PORT)) },
    to: {
      forwarding,
      weight: number(attributes.get(DEST_WEIGHT)),
      upperThreshold: number(attributes.get(DEST_U_THRESH)),
      lowerThreshold: number(attributes.get(DEST_L_THRESH)),
    },
    activeConnections: number(attributes.get(DEST_ACTIVE_CONNS)),
    inactiveConnections: number(attributes.get(DEST_INACT_CONNS)),
    persistentConnections: number(attributes.get(DEST_PERSIST_CONNS)),
    statistics: decodeStatistics(attributes, DEST_STATS, DEST_STATS64),
  };
}

function decodeForwarding(
  attributes: Attributes,
): Forwarding | { readonly method: 'LOCAL' | 'BYPASS' } | undefined {
  const method = METHODS[number(attributes.get(DEST_FWD_METHOD)) & METHOD_MASK];
  if (method !== 'TUN') return method === undefined ? undefined : { method };
  // Kernels before 5.3 know no other tunnel, and say nothing of it.
  const type = TUNNELS[attributes.get(DEST_TUN_TYPE)?.[0] ?? 0];
  if (type === undefined) return undefined;
  if (type === 'ipip') return { method, type };
  const checksum = CHECKSUMS[short(attributes.get(DEST_TUN_FLAGS))] ?? 'nocsum';
  return type === 'gre'
    ? { method, type, checksum }
    : { method, type, port: port(attributes.get(DEST_TUN_PORT)), checksum };
}

/** 64 bits wide where the kernel says it so (4.1 and later); before, only bytes are. */
function decodeStatistics(
  attributes: Attributes | undefined,
  narrow: number,
  wide: number,
): IpvsStatistics {
  const bytes = attributes?.get(wide) ?? attributes?.get(narrow);
  const counters = bytes === undefined ? new Map() : decodeAttributes(bytes, 0);
  const counter = (type: number): bigint => {
    const value: Uint8Array | undefined = counters.get(type);
    if (value === undefined || value.length < 4) return 0n;
    return value.length < 8 ? BigInt(readU32(value)) : readU64(value);
  };
  return {
    connections: counter(1),
    packetsIn: counter(2),
    packetsOut: counter(3),
    bytesIn: counter(4),
    bytesOut: counter(5),
    connectionRate: counter(6),
    packetRateIn: counter(7),
    packetRateOut: counter(8),
    byteRateIn: counter(9),
    byteRateOut: counter(10),
  };
}

/** Of TCP, of TCP after a FIN, of UDP; undefined for what is no such answer. */
export function decodeTimeouts({ body }: Message): Required<IpvsTimeouts> | undefined {
  const attributes = decodeAttributes(body, GENL_HEADER);
  const [tcp, tcpfin, udp] = [CMD_TIMEOUT_TCP, CMD_TIMEOUT_TCP_FIN, CMD_TIMEOUT_UDP].map((type) => {
    const bytes = attributes.get(type);
    return bytes === undefined || bytes.length < 4 ? undefined : seconds(readU32(bytes));
  });
  if (tcp === undefined || tcpfin === undefined || udp === undefined) return undefined;
  return { tcp, tcpfin, udp };
}

export function decodeSync(message: Message): SyncDaemon | undefined {
  const attributes = nested(message, CMD_DAEMON);
  const state = number(attributes?.get(DAEMON_STATE));
  const role = (['master', 'backup'] as const).find((name) => ROLES[name] === state);
  const link = attributes?.get(DAEMON_MCAST_IFN);
  if (role === undefined || link === undefined) return undefined;
  const maxlen = short(attributes?.get(DAEMON_SYNC_MAXLEN));
  const mcastPort = short(attributes?.get(DAEMON_MCAST_PORT));
  const ttl = attributes?.get(DAEMON_MCAST_TTL)?.[0];
  const group =
    decodeIp(attributes?.get(DAEMON_MCAST_GROUP), 4) ??
    decodeIp(attributes?.get(DAEMON_MCAST_GROUP6), 6);
  return {
    role,
    interface: readCString(link),
    id: number(attributes?.get(DAEMON_SYNC_ID)),
    ...(maxlen === 0 ? {} : { maxlen }),
    ...(group === undefined ? {} : { group }),
    ...(mcastPort === 0 ? {} : { port: mcastPort }),
    ...(ttl === undefined ? {} : { ttl }),
  };
}
