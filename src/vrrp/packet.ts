// VRRP advertisements <-> bytes, and the receiver's checks of RFC 3768 7.1 and RFC 9568 7.1. Decoding is total:
// whatever the network sends gives an advert or a reason, and every reason is a counter. It decides nothing
// about elections, and it does not know which instances exist.

import { internetChecksum } from '../lib/checksum.ts';
import { type Family, family, type Ip, ipBytes, ipFromBytes } from '../lib/ip.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { centis, type Duration, seconds, toCentis, toSeconds } from '../lib/time.ts';
import type { ReceivedPacket } from './event.ts';
import { AH_PROTOCOL, beyondSeal } from './seal.ts';

export const VRRP_PROTOCOL = 112;
export const OWNER_PRIORITY = 255;

/** Authentication types of VRRPv2 (RFC 2338 5.3.6): none, simple password, authentication header. */
export type AuthType = 0 | 1 | 2;

/** Why a packet was not accepted; each is a counter of the instance. */
export type DropReason =
  | 'length'
  | 'ttl'
  | 'version'
  | 'type'
  | 'checksum'
  | 'authType'
  | 'authMismatch'
  | 'authFailure'
  | 'interval'
  | 'addresses'
  | 'source';

/** A reason and the words keepalived logs for it, without the instance's name. */
export interface Drop {
  readonly reason: DropReason;
  readonly text: string;
}

export interface Advert {
  readonly version: 2 | 3;
  readonly source: Ip;
  readonly destination: Ip;
  readonly hopLimit: number;
  readonly vrid: number;
  /** 0: the sender gives the role up. */
  readonly priority: number;
  readonly interval: Duration;
  readonly addresses: readonly Ip[];
  /** Version 2 only; 0 in version 3. */
  readonly authType: number;
  /** Version 2 only: the password, padded with NUL to eight bytes. */
  readonly password: Uint8Array;
}

export interface Outgoing {
  readonly version: 2 | 3;
  readonly source: Ip;
  readonly destination: Ip;
  /** TTL of an IPv4 datagram; for IPv6 the socket has it. */
  readonly ttl: number;
  readonly vrid: number;
  readonly priority: number;
  readonly interval: Duration;
  readonly addresses: readonly Ip[];
  readonly authType: AuthType;
  /** Up to eight bytes. */
  readonly password: Uint8Array;
  /** Version 3 over IPv4: v3_checksum_as_v2, no pseudo-header in the checksum. */
  readonly bareChecksum?: boolean;
  /** old_unicast_checksum: the destination that the pseudo-header has in place of the true one. */
  readonly summedFor?: Ip;
}

const IPV4_HEADER = 20;
const HEADER = 8;
const AUTHENTICATION = 8;
const ADVERTISEMENT = 1;
/** Internetwork control (RFC 791), as keepalived marks its adverts. */
const TOS = 0xc0;

// IPv4 header, RFC 791 3.1. Identification 0: the kernel numbers datagrams of a header-included socket itself.
//
//   0                   1                   2                   3
//   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  +-------+-------+---------------+-------------------------------+
//  |   4   |   5   |  TOS = 0xc0   |         total length          |
//  +-------+-------+---------------+-----+-------------------------+
//  |      identification = 0       |  0  |    fragment offset = 0  |
//  +---------------+---------------+-----+-------------------------+
//  |      TTL      | protocol=112  |        header checksum        |
//  +---------------+---------------+-------------------------------+
//  |                             source                            |
//  +---------------------------------------------------------------+
//  |                          destination                          |
//  +---------------------------------------------------------------+
function ipv4Header(advert: Outgoing, length: number): Uint8Array {
  const header = new Uint8Array(IPV4_HEADER);
  header[0] = 0x45;
  header[1] = TOS;
  put16(header, 2, IPV4_HEADER + length);
  header[8] = advert.ttl;
  header[9] = VRRP_PROTOCOL;
  header.set(ipBytes(advert.source), 12);
  header.set(ipBytes(advert.destination), 16);
  put16(header, 10, internetChecksum(header));
  return header;
}

// RFC 3768 5.1 (version 2):
//
//   0                   1                   2                   3
//   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  +-------+-------+---------------+---------------+---------------+
//  |   2   |   1   |     VRID      |   priority    | address count |
//  +-------+-------+---------------+---------------+---------------+
//  |   auth type   |  interval, s  |           checksum            |
//  +---------------+---------------+-------------------------------+
//  |                     IPv4 addresses, 4 bytes each              |
//  +---------------------------------------------------------------+
//  |                 authentication data, 8 bytes, always          |
//  +---------------------------------------------------------------+
//
// RFC 9568 5.1 (version 3); over IPv6 this is all there is, over IPv4 it follows the IP header:
//
//  +-------+-------+---------------+---------------+---------------+
//  |   3   |   1   |     VRID      |   priority    | address count |
//  +-------+-------+---------------+---------------+---------------+
//  |   0   |   interval, 1/100 s   |           checksum            |
//  +-------+-----------------------+-------------------------------+
//  |                  addresses, 4 or 16 bytes each                |
//  +---------------------------------------------------------------+
/**
 * The bytes of one advertisement: an IPv4 datagram with its IP header, or what follows the IPv6 header.
 * Intervals are rounded to the wire's unit (1 s in version 2, 0.01 s in version 3).
 */
export function encodeAdvert(advert: Outgoing): Uint8Array {
  const width = family(advert.source) === 4 ? 4 : 16;
  const listed = HEADER + width * advert.addresses.length;
  const body = new Uint8Array(listed + (advert.version === 2 ? AUTHENTICATION : 0));
  body[0] = (advert.version << 4) | ADVERTISEMENT;
  body[1] = advert.vrid;
  body[2] = advert.priority;
  body[3] = advert.addresses.length;
  if (advert.version === 2) {
    body[4] = advert.authType;
    body[5] = Math.round(toSeconds(advert.interval));
    body.set(advert.password.subarray(0, AUTHENTICATION), listed);
  } else {
    put16(body, 4, toCentis(advert.interval) & 0x0fff);
  }
  let at = HEADER;
  for (const address of advert.addresses) {
    body.set(ipBytes(address), at);
    at += width;
  }
  const { version, source, destination, bareChecksum = false, summedFor = destination } = advert;
  put16(body, 6, checksum(bareChecksum ? 2 : version, source, summedFor, body));
  if (width === 16) return body;
  const datagram = new Uint8Array(IPV4_HEADER + body.length);
  datagram.set(ipv4Header(advert, body.length));
  datagram.set(body, IPV4_HEADER);
  return datagram;
}

/** Bytes of an advert as a raw socket gets it. */
export const advertLength = (version: 2 | 3, of: Family, addresses: number): number =>
  (of === 4 ? IPV4_HEADER : 0) +
  HEADER +
  (of === 4 ? 4 : 16) * addresses +
  (version === 2 ? AUTHENTICATION : 0);

// RFC 9568 5.2.8: version 3 includes a pseudo-header in both families (RFC 793 3.1, RFC 8200 8.1); version 2 has none,
// and neither have some implementations of version 3 over IPv4, for which there is v3_checksum_as_v2.
function checksum(version: number, source: Ip, destination: Ip, body: Uint8Array): number {
  return version === 2
    ? internetChecksum(body)
    : internetChecksum(pseudoHeader(source, destination, body.length), body);
}

function pseudoHeader(source: Ip, destination: Ip, length: number): Uint8Array {
  const high = length >> 8;
  const low = length & 0xff;
  return Uint8Array.of(
    ...ipBytes(source),
    ...ipBytes(destination),
    ...(family(source) === 4
      ? [0, VRRP_PROTOCOL, high, low]
      : [0, 0, high, low, 0, 0, 0, VRRP_PROTOCOL]),
  );
}

/** Where the VRRP header begins, or undefined where there is not even that. */
function vrrpOffset(bytes: Uint8Array, of: Family): number | undefined {
  if (of === 6) return bytes.length >= HEADER ? 0 : undefined;
  const first = bytes[0] ?? 0;
  const offset = (first & 0x0f) * 4;
  if (first >> 4 !== 4 || offset < IPV4_HEADER) return undefined;
  const at =
    bytes[9] === VRRP_PROTOCOL
      ? offset
      : bytes[9] === AH_PROTOCOL
        ? beyondSeal(bytes, offset)
        : undefined;
  return at !== undefined && bytes.length >= at + HEADER ? at : undefined;
}

/** The virtual router a packet is about, so that its instance can count what is wrong with the rest. */
export function vridOf(packet: ReceivedPacket): number | undefined {
  const offset = vrrpOffset(packet.bytes, family(packet.source));
  return offset === undefined ? undefined : packet.bytes[offset + 1];
}

/** What the peers of an instance sum up besides the message. */
export type Summing = Pick<Outgoing, 'bareChecksum' | 'summedFor'>;

/** Everything that can be said about a packet without knowing the instance (RFC 9568 7.1), but for `summing`. */
export function decodeAdvert(
  packet: ReceivedPacket,
  { bareChecksum = false, summedFor = packet.destination }: Summing = {},
): Result<Advert, Drop> {
  const { bytes, source } = packet;
  const of = family(source);
  const offset = vrrpOffset(bytes, of);
  if (offset === undefined)
    return drop('length', `vrrp packet too short, length ${bytes.length} and expect ${HEADER}`);
  const body = bytes.subarray(offset);
  const version = (body[0] as number) >> 4;
  const type = (body[0] as number) & 0x0f;
  const width = of === 4 ? 4 : 16;
  const count = body[3] as number;
  const listed = HEADER + width * count;
  const expected = offset + listed + (version === 2 ? AUTHENTICATION : 0);
  if (bytes.length !== expected || (of === 4 && get16(bytes, 2) !== bytes.length))
    return drop(
      'length',
      `vrrp packet too ${bytes.length < expected ? 'short' : 'long'}, length ${bytes.length} and expect ${expected}`,
    );
  if (version !== 2 && version !== 3)
    return drop('version', `wrong version. Received ${version} and expect 2 or 3`);
  if (type !== ADVERTISEMENT)
    return drop('type', `Invalid packet type. ${type} and expect ${ADVERTISEMENT}`);
  // A sum over data that carries its own checksum is 0.
  const rule = bareChecksum && of === 4 ? 2 : version;
  if (checksum(rule, source, summedFor, body) !== 0)
    return drop('checksum', `Invalid VRRPv${version} checksum`);
  return ok({
    version,
    source,
    destination: packet.destination,
    hopLimit: packet.hopLimit,
    vrid: body[1] as number,
    priority: body[2] as number,
    // RFC 9568 5.2.6: the four reserved bits before the interval are ignored on reception.
    interval: version === 2 ? seconds(body[5] as number) : centis(get16(body, 4) & 0x0fff),
    addresses: Array.from({ length: count }, (_, i) =>
      ipFromBytes(body.slice(HEADER + i * width, HEADER + (i + 1) * width)),
    ),
    authType: version === 2 ? (body[4] as number) : 0,
    password: version === 2 ? body.slice(listed, listed + AUTHENTICATION) : new Uint8Array(0),
  });
}

/** What an instance expects of the adverts of its peers. */
export interface Expectation {
  readonly version: 2 | 3;
  readonly interval: Duration;
  readonly authType: AuthType;
  readonly password: Uint8Array;
  /** Absent for multicast, where only a TTL of 255 is right. */
  readonly unicast?: {
    readonly checkSource: boolean;
    readonly peers: readonly {
      readonly address: Ip;
      readonly min_ttl?: number;
      readonly max_ttl?: number;
    }[];
  };
}

/** Where an advert and the instance's configuration disagree so much that it must be dropped (RFC 3768 7.1). */
export function disagreement(advert: Advert, expected: Expectation): Drop | undefined {
  const wrongTtl = hopLimitDrop(advert, expected);
  if (wrongTtl !== undefined) return wrongTtl;
  if (advert.version !== expected.version)
    return {
      reason: 'version',
      text: `wrong version. Received ${advert.version} and expect ${expected.version}`,
    };
  if (advert.version === 3)
    // An interval of 0 would let every advert be the last one in time.
    return advert.interval > 0
      ? undefined
      : { reason: 'interval', text: 'advertisement interval 0 is not valid' };
  if (advert.authType > 2)
    return { reason: 'authType', text: `Invalid auth type: ${advert.authType}` };
  if (advert.authType !== expected.authType)
    return {
      reason: 'authMismatch',
      text: `received a ${advert.authType} auth, expecting ${expected.authType}!`,
    };
  if (expected.authType === 1 && !samePassword(advert.password, expected.password))
    return { reason: 'authFailure', text: 'received an invalid passwd!' };
  // RFC 3768 7.1; a version 3 backup learns the master's interval instead.
  if (toSeconds(advert.interval) !== Math.round(toSeconds(expected.interval)))
    return {
      reason: 'interval',
      text: `advertisement interval mismatch mine=${Math.round(toSeconds(expected.interval))} sec rcv'd=${toSeconds(advert.interval)} sec`,
    };
  return undefined;
}

/**
 * A difference between the advertised addresses and ours, in any order. RFC 3768 7.1 would drop such an advert
 * and keepalived does, which makes two masters while a new address is rolled out node by node; RFC 9568 7.1
 * asks only for a log line, and that is what this program does in both versions.
 */
export function addressDifference(
  advert: Advert,
  ours: readonly Ip[],
  vrid: number,
): Drop | undefined {
  if (advert.addresses.length !== ours.length)
    return {
      reason: 'addresses',
      text: `received an unexpected ip number count ${advert.addresses.length}, expected ${ours.length}!`,
    };
  const missing = ours.find((address) => !advert.addresses.includes(address));
  return missing === undefined
    ? undefined
    : {
        reason: 'addresses',
        text: `ip address associated with VRID ${vrid} not present in MASTER advert: ${missing}`,
      };
}

function hopLimitDrop(advert: Advert, { unicast }: Expectation): Drop | undefined {
  if (unicast === undefined)
    return advert.hopLimit === 255
      ? undefined
      : { reason: 'ttl', text: `invalid TTL/HL. Received ${advert.hopLimit} and expect 255` };
  const peer = unicast.peers.find(({ address }) => address === advert.source);
  if (peer === undefined)
    return unicast.checkSource
      ? { reason: 'source', text: `unicast source address ${advert.source} not a unicast peer` }
      : undefined;
  const { min_ttl = 0, max_ttl = 255 } = peer;
  return advert.hopLimit >= min_ttl && advert.hopLimit <= max_ttl
    ? undefined
    : {
        reason: 'ttl',
        text: `TTL/HL ${advert.hopLimit} not in range ${min_ttl} - ${max_ttl}`,
      };
}

/** Compares all eight bytes whatever they hold, so that time tells nothing about the password. */
function samePassword(received: Uint8Array, expected: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < AUTHENTICATION; i++) difference |= (received[i] ?? 0) ^ (expected[i] ?? 0);
  return difference === 0;
}

const drop = (reason: DropReason, text: string): Result<Advert, Drop> => fail({ reason, text });

const get16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 8) | (bytes[at + 1] as number);

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}
