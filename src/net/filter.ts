// Programs for the kernel's socket filter (classic BPF): what a socket is not for never reaches this process,
// however much of it comes. A program only spares work; it decides nothing, and whatever it lets through is checked
// as if there were none.

import { type Family, type Ip, ipBytes } from '../lib/ip.ts';

/** One instruction is code (u16), jt (u8), jf (u8), k (u32) in the machine's byte order (linux/filter.h). */
type Instruction = readonly [code: number, jt: number, jf: number, k: number];

const LOAD_WORD = 0x20;
const LOAD_BYTE = 0x30;
/** The byte at X + k. */
const LOAD_BYTE_INDEXED = 0x50;
/** X = 4 * (byte k & 15): the length of an IPv4 header, options included. */
const LOAD_HEADER_LENGTH = 0xb1;
const JUMP_IF_EQUAL = 0x15;
const JUMP = 0x05;
const JUMP_IF_EQUAL_TO_X = 0x1d;
const COPY_TO_X: Instruction = [0x07, 0, 0, 0];
const RETURN = 0x06;
/** Offsets from here count from the network header (SKF_NET_OFF): an IPv6 raw socket sees only what follows it. */
const NETWORK = 0xfff0_0000;
const DESTINATION = { 4: 16, 6: NETWORK + 24 } as const;
const ALL = 0xffff_ffff;

const accept: Instruction = [RETURN, 0, 0, ALL];
const refuse: Instruction = [RETURN, 0, 0, 0];

export interface Admission {
  readonly family: Family;
  /** Offset of the byte that tells whom a packet is for, in what follows the IP header. */
  readonly at: number;
  /** How many bytes must follow the IP header. */
  readonly least: number;
  /** The values of that byte to let through; absent: all. */
  readonly values?: readonly number[];
  /** Only what is sent to this address; absent: whatever the socket gets. */
  readonly destination?: Ip;
}

/** A packet that is too short is dropped: the kernel ends a program that reads beyond the packet. */
export function admit({ family, at, least, values, destination }: Admission): Uint8Array {
  const program: Instruction[] = [];
  if (destination !== undefined) {
    const wanted = new DataView(ipBytes(destination).buffer);
    for (let offset = 0; offset < wanted.byteLength; offset += 4)
      program.push(
        [LOAD_WORD, 0, 0, DESTINATION[family] + offset],
        [JUMP_IF_EQUAL, 1, 0, wanted.getUint32(offset)],
        refuse,
      );
  }
  // An IPv4 raw socket sees the IP header, which may have options.
  const load = family === 4 ? LOAD_BYTE_INDEXED : LOAD_BYTE;
  if (family === 4) program.push([LOAD_HEADER_LENGTH, 0, 0, 0]);
  program.push([load, 0, 0, least - 1], [load, 0, 0, at]);
  if (values === undefined) program.push(accept);
  for (const value of values ?? []) program.push([JUMP_IF_EQUAL, 0, 1, value], accept);
  program.push(refuse);
  return assemble(program);
}

/** Of a netlink socket's news: messages of these types whose byte `at` has the value, where one is asked for. */
export function admitMessages(
  messages: readonly { readonly type: number; readonly at?: number; readonly value?: number }[],
): Uint8Array {
  const program: Instruction[] = [];
  for (const { type, at, value } of messages) {
    // The type's low byte; struct nlmsghdr is in host order, and no type here is above 255.
    program.push([LOAD_BYTE, 0, 0, 4]);
    if (at === undefined || value === undefined) program.push([JUMP_IF_EQUAL, 0, 1, type], accept);
    else
      program.push(
        [JUMP_IF_EQUAL, 0, 3, type],
        [LOAD_BYTE, 0, 0, at],
        [JUMP_IF_EQUAL, 0, 1, value],
        accept,
      );
  }
  program.push(refuse);
  return assemble(program);
}

/** Of the process connector: what is about processes, not about their threads. */
export function admitProcesses(): Uint8Array {
  // struct cn_msg and nlmsghdr come first; words are loaded as if they were in network order, which equality stands.
  const [what, parent, child] = [36, 52, 60];
  return assemble([
    [LOAD_WORD, 0, 0, what],
    [JUMP_IF_EQUAL, 0, 4, 0x0100_0000],
    [LOAD_WORD, 0, 0, child],
    COPY_TO_X,
    [LOAD_WORD, 0, 0, child + 4],
    [JUMP, 0, 0, 3],
    [LOAD_WORD, 0, 0, parent],
    COPY_TO_X,
    [LOAD_WORD, 0, 0, parent + 4],
    [JUMP_IF_EQUAL_TO_X, 0, 1, 0],
    accept,
    refuse,
  ]);
}

function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  // Whether the machine is little-endian.
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  for (const [i, [code, jt, jf, k]] of program.entries()) {
    bytes.setUint16(i * 8, code, little);
    bytes.setUint8(i * 8 + 2, jt);
    bytes.setUint8(i * 8 + 3, jf);
    bytes.setUint32(i * 8 + 4, k, little);
  }
  return new Uint8Array(bytes.buffer);
}
