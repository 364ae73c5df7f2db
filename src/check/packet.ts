// Questions that fit into one datagram, as bytes, and what of the answers a checker looks at: the header of DNS
// (RFC 1035 4.1), the echo of ICMP (RFC 792, RFC 4443 4.1). Answers are read from the front and never followed: a name
// in an answer, compressed or not, is nobody's concern here.

import { fail, ok, type Result } from '../lib/result.ts';

//   0                   1
//   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//  |              ID               |
//  |QR| opcode |AA|TC|RD|RA| Z |rcode|
//  |            QDCOUNT            |
//  |            ANCOUNT            |
//  |            NSCOUNT            |
//  |            ARCOUNT            |
const DNS_HEADER = 12;
const RECURSION_DESIRED = 0x0100;
const RESPONSE = 0x8000;
const INTERNET = 1;

/** RFC 1035 3.2.2, RFC 3596, RFC 4034. */
export const RECORD_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  RRSIG: 46,
  DNSKEY: 48,
} as const;

/**
 * `name` is a domain name of labels with dots between them, with or without one at its end; `.` is the root. Undefined
 * where it is longer than a question can be (RFC 1035 2.3.4).
 */
export function encodeQuery(
  id: number,
  name: string,
  type: keyof typeof RECORD_TYPES,
): Uint8Array | undefined {
  const labels = name.split('.').filter((label) => label !== '');
  const encoded = labels.map((label) => new TextEncoder().encode(label));
  const length = encoded.reduce((sum, label) => sum + 1 + label.length, 1);
  if (length > 255 || encoded.some((label) => label.length > 63)) return undefined;
  const bytes = new Uint8Array(DNS_HEADER + length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint16(2, RECURSION_DESIRED);
  view.setUint16(4, 1);
  let offset = DNS_HEADER;
  for (const label of encoded) {
    bytes[offset] = label.length;
    bytes.set(label, offset + 1);
    offset += 1 + label.length;
  }
  view.setUint16(offset + 1, RECORD_TYPES[type]);
  view.setUint16(offset + 3, INTERNET);
  return bytes;
}

export interface Reply {
  readonly id: number;
  /** RFC 1035 4.1.1; 0 is no error. */
  readonly code: number;
  readonly answers: number;
}

/** Less than a header is no answer; keepalived is content with 8 bytes. */
export function decodeReply(bytes: Uint8Array): Result<Reply, 'truncated' | 'no answer'> {
  if (bytes.length < DNS_HEADER) return fail('truncated');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  if ((flags & RESPONSE) === 0) return fail('no answer');
  return ok({ id: view.getUint16(0), code: flags & 0xf, answers: view.getUint16(6) });
}

//   0                   1                   2                   3
//   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  |     Type      |     Code      |           Checksum            |
//  |          Identifier           |        Sequence Number        |
//  |     Data ...
const ECHO_HEADER = 8;
const TYPES = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/** Checksum and identifier are the kernel's, whose ping socket this is sent through. */
export function encodeEcho(family: 4 | 6, sequence: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ECHO_HEADER + data.length);
  bytes[0] = TYPES[family].request;
  new DataView(bytes.buffer).setUint16(6, sequence);
  bytes.set(data, ECHO_HEADER);
  return bytes;
}

/** The reply to just that echo; the identifier and the source are what the kernel chose the socket by. */
export function isEchoReply(
  family: 4 | 6,
  sequence: number,
  data: Uint8Array,
  bytes: Uint8Array,
): boolean {
  if (bytes.length !== ECHO_HEADER + data.length) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== TYPES[family].reply || bytes[1] !== 0 || view.getUint16(6) !== sequence)
    return false;
  return data.every((byte, index) => bytes[ECHO_HEADER + index] === byte);
}
