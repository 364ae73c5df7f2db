// Questions that fit into one datagram, as bytes, and what of the answers a checker looks at: the header of DNS
// (RFC 1035 4.1), the echo of ICMP (RFC 792, RFC 4443 4.1). Answers are read from the front and never followed: a name
// in an answer, compressed or not, is nobody's concern here.

import { encode, RECURSION_DESIRED, type RecordType } from 'dns-packet';
import { fail, ok, type Result } from '../lib/result.ts';

/** RFC 1035 4.1: everything before the question. */
const DNS_HEADER = 12;
const RESPONSE = 0x8000;

/**
 * One question of class IN, recursion desired. `name` is a domain name of labels with dots between them, with or without one
 * at its end; `.` is the root. Undefined where it is longer than a question can be (RFC 1035 2.3.4).
 */
export function encodeQuery(id: number, name: string, type: RecordType): Uint8Array | undefined {
  const labels = name.split('.').filter((label) => label !== '');
  const lengths = labels.map((label) => Buffer.byteLength(label));
  const length = lengths.reduce((sum, bytes) => sum + 1 + bytes, 1);
  if (length > 255 || lengths.some((bytes) => bytes > 63)) return undefined;
  const questions = [{ type, name: labels.join('.') }];
  return encode({ type: 'query', id, flags: RECURSION_DESIRED, questions });
}

export interface Reply {
  readonly id: number;
  /** RFC 1035 4.1.1; 0 is no error. */
  readonly code: number;
  readonly answers: number;
}

/**
 * Of the header alone: dns-packet would read all records, and a server that answers is well whatever they hold. Less than a
 * header is no answer; keepalived is content with 8 bytes.
 */
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
