// What IPVS is to hold for a service, and how one table becomes another: the orders come in a sequence in which every
// destination goes from what it was to what it will be in one step, those that serve come before those that go.

import { type Family, family, familyNamed, type Ip, ipBytes, ipFromBytes } from '../lib/ip.ts';
import type {
  DestinationKey,
  Forwarding,
  IpvsDestination,
  IpvsOrder,
  IpvsService,
  ServiceKey,
} from '../lib/ipvs.ts';
import type { VirtualServerGroup } from './resolve.ts';
import type { VirtualServer } from './rules.ts';
import type { GroupEntry, Method } from './value.ts';

/** IP_VS_SVC_F_* (linux/ip_vs.h). */
const PERSISTENT = 0x01;
const ONE_PACKET = 0x04;
const SCHEDULER = [0x08, 0x10, 0x20] as const;

export interface Destination {
  readonly key: DestinationKey;
  readonly to: IpvsDestination;
}

/** What one service of IPVS is to be. The keys of destinations are placeOf's. */
export interface Pool {
  readonly key: ServiceKey;
  readonly service: IpvsService;
  readonly destinations: ReadonlyMap<string, Destination>;
}

/** By nameOfKey. */
export type Table = ReadonlyMap<string, Pool>;

export const placeOf = ({ address, port }: DestinationKey): string => `${address} ${port}`;

/**
 * Who is sent packets as they came (DR, TUN) has the port that they came to; behind a mark IPVS has none for it.
 * test/uml/director.test.ts has keepalived's.
 */
export function portUnder(key: ServiceKey, port: number, method: Forwarding['method']): number {
  if (method === 'NAT') return port;
  return 'mark' in key ? 0 : key.port;
}

/** Of a server that the file gives this address and port. */
export const placeUnder = (
  key: ServiceKey,
  { address, port }: DestinationKey,
  method: Forwarding['method'],
): string => placeOf({ address, port: portUnder(key, port, method) });

/** The same destination under one of the keys of its service. */
export function under(key: ServiceKey, destination: Destination): Destination {
  const { key: own, to } = destination;
  const port = portUnder(key, own.port, to.forwarding.method);
  return port === own.port ? destination : { key: { address: own.address, port }, to };
}

export const nameOfKey = (key: ServiceKey): string =>
  'mark' in key ? `${key.mark} ${key.family}` : `${key.protocol} ${key.address} ${key.port}`;

/** What IPVS knows the service by. */
export function keysOf(
  server: VirtualServer,
  groups: readonly VirtualServerGroup[],
): readonly ServiceKey[] {
  const { service, protocol = 'UDP' } = server;
  if ('address' in service) return [{ protocol, ...service }];
  if ('fwmark' in service) return [{ family: familyOfMark(server, []), mark: service.fwmark }];
  const entries = groups.find(({ name }) => name === service.group)?.entries ?? [];
  return entries.flatMap((entry): ServiceKey[] => {
    if ('address' in entry)
      return addressesOf(entry).map((address) => ({ protocol, address, port: entry.port }));
    const of = familyNamed(entry.family) ?? familyOfMark(server, entries);
    return [{ family: of, mark: entry.fwmark }];
  });
}

/** What is said, else that of the addresses beside it, else that of the servers. */
export function familyOfMark(server: VirtualServer, entries: readonly GroupEntry[]): Family {
  if (server.family !== undefined) return server.family;
  const beside = entries.find((entry) => 'address' in entry);
  if (beside !== undefined && 'address' in beside) return family(beside.address);
  const ends = [...server.real_server, ...(server.sorry_server ? [server.sorry_server] : [])];
  const families = new Set(ends.map(({ address }) => family(address)));
  return families.size === 1 && families.has(6) ? 6 : 4;
}

/** Every address of a line of a group. */
export function addressesOf(entry: Extract<GroupEntry, { readonly address: Ip }>): readonly Ip[] {
  const { address } = entry;
  const addresses = [address];
  const end = lastOf(entry);
  for (let next = address; next !== end; ) {
    next = following(next);
    addresses.push(next);
  }
  return addresses;
}

/** That of a single one is itself. */
export const lastOf = ({
  address,
  last,
  prefix,
}: Extract<GroupEntry, { readonly address: Ip }>): Ip =>
  last ?? (prefix === undefined ? address : lastOfPrefix(address, prefix));

function lastOfPrefix(address: Ip, prefix: number): Ip {
  const bytes = ipBytes(address).map((byte, index) => {
    const free = Math.min(8, Math.max(0, 8 * (index + 1) - prefix));
    return byte | ((1 << free) - 1);
  });
  return ipFromBytes(bytes);
}

function following(address: Ip): Ip {
  const bytes = Uint8Array.from(ipBytes(address));
  for (let i = bytes.length - 1; i >= 0; i--) {
    const byte = bytes[i] as number;
    bytes[i] = (byte + 1) & 0xff;
    if (byte !== 0xff) break;
  }
  return ipFromBytes(bytes);
}

/** The three flags of its scheduler. */
export const schedulerFlags = (
  server: VirtualServer,
): readonly [first: boolean, second: boolean, third: boolean] => [
  server['flag-1'],
  server['flag-2'],
  server['flag-3'],
];

export function serviceOf(server: VirtualServer, key: ServiceKey): IpvsService {
  const {
    lvs_sched: scheduler,
    persistence_timeout: timeout = 0,
    persistence_engine: engine,
  } = server;
  const grain = server.persistence_granularity;
  const flags = [
    timeout > 0 ? PERSISTENT : 0,
    server.ops ? ONE_PACKET : 0,
    ...schedulerFlags(server).map((is, at) => (is ? (SCHEDULER[at] ?? 0) : 0)),
  ].reduce((sum, bit) => sum | bit, 0);
  const six = 'mark' in key ? key.family === 6 : family(key.address) === 6;
  return {
    scheduler,
    flags,
    timeout,
    netmask: six ? Number(grain ?? 128) : ((grain ?? '255.255.255.255') as Ip),
    ...(engine === undefined ? {} : { engine }),
  };
}

export function forwardingOf({ kind, type = 'ipip', port, checksum }: Method): Forwarding {
  if (kind !== 'TUN') return { method: kind };
  return {
    method: kind,
    type,
    ...(port === undefined ? {} : { port }),
    ...(checksum === undefined ? {} : { checksum }),
  };
}

/** Two that want the same service of IPVS, one after the other in the file: what either wants to serve does. */
export function joined(first: Pool | undefined, second: Pool): Pool {
  if (first === undefined) return second;
  const destinations = new Map(first.destinations);
  for (const [place, destination] of second.destinations) {
    const known = destinations.get(place);
    if (known === undefined || (known.to.weight === 0 && destination.to.weight > 0))
      destinations.set(place, destination);
  }
  return { ...first, destinations };
}

/** Values are plain and made in one order, so their text tells. */
export const isSame = (a: unknown, b: unknown): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b);

/** Asked of every destination at a reload: there are tens of thousands. */
function isSameDestination(a: IpvsDestination, b: IpvsDestination): boolean {
  return (
    a.weight === b.weight &&
    a.upperThreshold === b.upperThreshold &&
    a.lowerThreshold === b.lowerThreshold &&
    ((a.forwarding.method !== 'TUN' && a.forwarding.method === b.forwarding.method) ||
      isSame(a.forwarding, b.forwarding))
  );
}

/** From one table to another. */
export function difference(before: Table, after: Table): readonly IpvsOrder[] {
  const orders: IpvsOrder[] = [];
  for (const [name, pool] of after) orders.push(...change(before.get(name), pool));
  for (const [name, { key }] of before)
    if (!after.has(name)) orders.push({ type: 'removeService', key });
  return orders;
}

function change(before: Pool | undefined, after: Pool): readonly IpvsOrder[] {
  if (before === after) return [];
  const { key, service } = after;
  const orders: IpvsOrder[] = [];
  if (before === undefined) orders.push({ type: 'addService', key, service });
  else if (!isSame(before.service, service)) orders.push({ type: 'editService', key, service });
  const changes = [...after.destinations].map(
    ([place, wanted]) => [before?.destinations.get(place), wanted] as const,
  );
  for (const [old, wanted] of changes)
    if (wanted.to.weight > 0) orders.push(...place(key, old, wanted));
  for (const [old, wanted] of changes)
    if (wanted.to.weight === 0) orders.push(...place(key, old, wanted));
  for (const [at, { key: destination }] of before?.destinations ?? [])
    if (!after.destinations.has(at)) orders.push({ type: 'removeDestination', key, destination });
  return orders;
}

/** What brings one destination from what it was to what it will be; absent: it is not there. */
export function place(
  key: ServiceKey,
  before: Destination | undefined,
  after: Destination | undefined,
): readonly IpvsOrder[] {
  if (after === undefined)
    return before === undefined
      ? []
      : [{ type: 'removeDestination', key, destination: before.key }];
  if (before !== undefined && isSameDestination(before.to, after.to)) return [];
  const type = before === undefined ? 'addDestination' : 'editDestination';
  return [{ type, key, destination: after.key, to: after.to }];
}
