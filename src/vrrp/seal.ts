// VRRPv2 adverts under an authentication header (auth_type AH): RFC 2338 5.3.6.3 with the deviations of keepalived 2.2.7, whose
// check value leaves only the type of service and the header checksum out, takes the source for SPI and numbers the
// IPv4 datagram as it numbers the header. It knows no instances; which numbers are used when is numbering.ts's.

import { type Ip, ipBytes } from '../lib/ip.ts';
import { hmacMd5 } from '../lib/md5.ts';

export const AH_PROTOCOL = 51;
const VRRP_PROTOCOL = 112;
/** Length of the header with a check value of 96 bits. */
export const AH_HEADER = 24;
const CHECK_AT = 12;
const CHECK = 12;
const LEAST_IPV4 = 20;

// RFC 2402 2, between the IPv4 header and the VRRP message:
//
//   0                   1                   2                   3
//   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  +---------------+---------------+---------------+---------------+
//  |  next = 112   |  length = 4   |         reserved = 0          |
//  +---------------+---------------+-------------------------------+
//  |          SPI = the source of the IPv4 header                  |
//  +---------------------------------------------------------------+
//  |                      sequence number                          |
//  +---------------------------------------------------------------+
//  |          check value: HMAC-MD5-96 (RFC 2403), 12 bytes        |
//  +---------------------------------------------------------------+
/** A datagram of encodeAdvert() under a header with this number; `key` are the characters of the password. */
export function seal(datagram: Uint8Array, key: Uint8Array, sequence: number): Uint8Array {
  const sealed = new Uint8Array(datagram.length + AH_HEADER);
  sealed.set(datagram.subarray(0, LEAST_IPV4));
  sealed.set(datagram.subarray(LEAST_IPV4), LEAST_IPV4 + AH_HEADER);
  const view = new DataView(sealed.buffer);
  view.setUint16(2, sealed.length);
  view.setUint16(4, sequence & 0xffff);
  sealed[9] = AH_PROTOCOL;
  // The kernel computes the checksum of a header-included datagram.
  view.setUint16(10, 0);
  sealed[LEAST_IPV4] = VRRP_PROTOCOL;
  sealed[LEAST_IPV4 + 1] = AH_HEADER / 4 - 2;
  sealed.set(sealed.subarray(12, 16), LEAST_IPV4 + 4);
  view.setUint32(LEAST_IPV4 + 8, sequence);
  sealed.set(checkValue(sealed, LEAST_IPV4, key), LEAST_IPV4 + CHECK_AT);
  return sealed;
}

function checkValue(datagram: Uint8Array, at: number, key: Uint8Array): Uint8Array {
  const covered = datagram.slice();
  covered[1] = 0;
  covered.fill(0, 10, 12);
  covered.fill(0, at + CHECK_AT, at + CHECK_AT + CHECK);
  return hmacMd5(key, covered).subarray(0, CHECK);
}

/** The number after this one. The kernel numbers a datagram whose identification is 0 itself, which would break the seal. */
export function nextNumber(sequence: number): number {
  const next = (sequence + 1) >>> 0;
  return (next & 0xffff) === 0 ? next + 1 : next;
}

/** RFC 1982: the counter may wrap. */
export const isNewer = (sequence: number, than: number): boolean => {
  const distance = (sequence - than) >>> 0;
  return distance > 0 && distance < 2 ** 31;
};

/** Offset of the VRRP message, where `bytes` are an IPv4 datagram with a whole header of this kind at `at`. */
export function beyondSeal(bytes: Uint8Array, at: number): number | undefined {
  const whole = bytes.length >= at + AH_HEADER;
  return whole && bytes[at] === VRRP_PROTOCOL && bytes[at + 1] === AH_HEADER / 4 - 2
    ? at + AH_HEADER
    : undefined;
}

/** The number of a datagram that beyondSeal() accepts. */
export const numberOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(headerLength(bytes) + 8);

const headerLength = (bytes: Uint8Array): number => ((bytes[0] ?? 0) & 0x0f) * 4;

/** What is wrong with the header of a received datagram, in keepalived's words. `heard` is the newest number accepted so far. */
export function brokenSeal(
  bytes: Uint8Array,
  source: Ip,
  key: Uint8Array,
  heard: number | undefined,
): string | undefined {
  const at = headerLength(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [spi, expected] = [
    view.getUint32(at + 4),
    new DataView(ipBytes(source).buffer).getUint32(0),
  ];
  if (spi !== expected) return `IPSEC AH : invalid IPSEC SPI value. ${spi} and expect ${expected}`;
  const sequence = view.getUint32(at + 8);
  if (heard !== undefined && !isNewer(sequence, heard))
    return `IPSEC-AH : sequence number ${sequence} already processed. Packet dropped. Local(${heard})`;
  const value = bytes.subarray(at + CHECK_AT, at + CHECK_AT + CHECK);
  const right = checkValue(bytes, at, key);
  let difference = 0;
  for (const [i, byte] of right.entries()) difference |= byte ^ (value[i] ?? 0);
  return difference === 0
    ? undefined
    : 'IPSEC-AH : invalid IPSEC HMAC-MD5 value. Due to fields mutation or bad password !';
}
