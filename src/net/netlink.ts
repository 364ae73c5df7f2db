// Netlink messages as bytes (RFC 3549). This file knows headers and attributes; rt-*.ts and ipvs.ts
// know what they mean.
//
//   0       4      6      8          12        16
//   +-------+------+------+----------+---------+---------------------+------------------------
//   | length| type | flags| sequence | port    | family header       | attributes: len type ...
//   +-------+------+------+----------+---------+---------------------+------------------------
// Everything is in host order: little-endian on every machine this runs on.

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;

/** Multicast groups of a monitor socket, as the bit mask that bind() takes. */
export const RTMGRP_LINK = 0x1;
export const RTMGRP_IPV4_IFADDR = 0x10;
export const RTMGRP_IPV6_IFADDR = 0x100;
export const RTMGRP_IPV4_ROUTE = 0x40;
export const RTMGRP_IPV4_RULE = 0x80;
export const RTMGRP_IPV6_ROUTE = 0x400;
export const RTMGRP_IPV6_RULE = 0x40000;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
const NLM_F_DUMP = 0x300;

/** Families of addresses, wherever a header names one. */
export const AF_INET = 2;
export const AF_INET6 = 10;

const HEADER = 16;
const align = (n: number): number => (n + 3) & ~3;

export interface Message {
  readonly type: number;
  /** The family header and the attributes. */
  readonly body: Uint8Array;
}

export interface Attribute {
  readonly type: number;
  readonly bytes: Uint8Array;
}

export function encodeMessage(
  type: number,
  flags: number,
  sequence: number,
  family: Uint8Array,
  attributes: readonly Attribute[],
): Uint8Array {
  const length = attributes.reduce(
    (sum, a) => sum + align(4 + a.bytes.length),
    HEADER + align(family.length),
  );
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags | NLM_F_REQUEST, true);
  view.setUint32(8, sequence, true);
  bytes.set(family, HEADER);
  writeAttributes(bytes, HEADER + align(family.length), attributes);
  return bytes;
}

/** A request for everything of one kind, of all families. */
export function encodeDump(type: number, headerLength: number): Uint8Array {
  return encodeQuery(type, new Uint8Array(headerLength), []);
}

/** A request for everything that the header and the attributes name. */
export function encodeQuery(
  type: number,
  header: Uint8Array,
  attributes: readonly Attribute[],
): Uint8Array {
  return encodeMessage(type, NLM_F_DUMP, 1, header, attributes);
}

/** The messages in a buffer; a torn one ends the list. */
export function decodeMessages(bytes: Uint8Array): Message[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  for (let offset = 0; offset + HEADER <= bytes.length; ) {
    const length = view.getUint32(offset, true);
    if (length < HEADER || offset + length > bytes.length) break;
    const type = view.getUint16(offset + 4, true);
    messages.push({ type, body: bytes.subarray(offset + HEADER, offset + length) });
    offset += align(length);
  }
  return messages;
}

/** The attributes behind a family header of `headerLength` bytes, by type; the last of a type wins. */
export function decodeAttributes(body: Uint8Array, headerLength: number): Map<number, Uint8Array> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const attributes = new Map<number, Uint8Array>();
  for (let offset = align(headerLength); offset + 4 <= body.length; ) {
    const length = view.getUint16(offset, true);
    if (length < 4 || offset + length > body.length) break;
    // The top bits say "nested" and "network order".
    attributes.set(
      view.getUint16(offset + 2, true) & 0x3fff,
      body.subarray(offset + 4, offset + length),
    );
    offset += align(length);
  }
  return attributes;
}

/** The attributes alone, for those that are nested. */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  const bytes = new Uint8Array(attributes.reduce((sum, a) => sum + align(4 + a.bytes.length), 0));
  writeAttributes(bytes, 0, attributes);
  return bytes;
}

function writeAttributes(bytes: Uint8Array, from: number, attributes: readonly Attribute[]): void {
  const view = new DataView(bytes.buffer);
  let offset = from;
  for (const { type: name, bytes: value } of attributes) {
    view.setUint16(offset, 4 + value.length, true);
    view.setUint16(offset + 2, name, true);
    bytes.set(value, offset + 4);
    offset += align(4 + value.length);
  }
}

/** The attribute, where there is a value for it. */
export const given = <T>(
  type: number,
  value: T | undefined,
  bytes: (value: T) => Uint8Array,
): readonly Attribute[] => (value === undefined ? [] : [{ type, bytes: bytes(value) }]);

export function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value, true);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export function bigEndian16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export function bigEndian64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

const view = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const readU16 = (bytes: Uint8Array): number => view(bytes).getUint16(0, true);

export const readU32 = (bytes: Uint8Array): number => view(bytes).getUint32(0, true);

/** Beyond 2^53 the number is no longer exact. */
export const readU64 = (bytes: Uint8Array): bigint => view(bytes).getBigUint64(0, true);

export const readBigEndian16 = (bytes: Uint8Array): number => view(bytes).getUint16(0);

export const cString = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);

export function readCString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
