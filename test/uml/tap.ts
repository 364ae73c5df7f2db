// Every order that reaches IPVS in a namespace, read where netlink messages pass (nlmon): each one, in its order, whoever sent
// it, and none that is gone before somebody looks. Judges nothing.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ServiceKey } from '../../src/lib/ipvs.ts';
import { decodeFamily, encodeFamiliesQuery } from '../../src/net/genl.ts';
import {
  decodeDestination,
  decodeService,
  encodeDestinationsQuery,
  IPVS_FAMILY,
} from '../../src/net/genl-ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import { native } from '../../src/net/native.ts';
import { decodeMessages, NETLINK_GENERIC } from '../../src/net/netlink.ts';
import { type Row, serviceName } from './rows.ts';
import { sh, until } from './world.ts';

/** What one message asked of IPVS. */
export interface Heard extends Partial<Row> {
  readonly command: 'add' | 'edit' | 'remove' | 'flush';
}

/** Commands of IPVS (include/uapi/linux/ip_vs.h) that change the table. */
const COMMANDS: Readonly<Record<number, Heard['command']>> = {
  1: 'add',
  2: 'edit',
  3: 'remove',
  5: 'add',
  6: 'edit',
  7: 'remove',
  17: 'flush',
};
const GET_DESTINATION = 8;
/** A question about a service with such a mark, which nobody has, says where we are. */
const MARKS = 0x4b410000;

// A pcap file: a header of 24 bytes, then records of 16 bytes and a packet; a packet of nlmon has 16 bytes before the message.
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const COOKED = 16;

export class Tap {
  readonly #file: string;
  readonly #process: ChildProcess;
  readonly #socket: number;
  readonly #type: number;
  #said = '';
  #marks = 0;

  /** IPVS must be there. */
  constructor(namespace: string) {
    this.#file = `/tmp/tap-${namespace}.pcap`;
    sh('ip', '-n', namespace, 'link', 'add', 'nlmon0', 'type', 'nlmon');
    sh('ip', '-n', namespace, 'link', 'set', 'nlmon0', 'up');
    this.#socket = inNamespace(namespace, () => native.netlinkSocket(NETLINK_GENERIC, 0, 1 << 20));
    const families = decodeMessages(native.dump(this.#socket, encodeFamiliesQuery()));
    this.#type = families.map(decodeFamily).find((it) => it?.name === IPVS_FAMILY)?.type ?? 0;
    const words = ['-i', 'nlmon0', '--immediate-mode', '-U', '-B', '16384', '-s', '0'];
    this.#process = spawn(
      'ip',
      ['netns', 'exec', namespace, 'tcpdump', ...words, '-w', this.#file],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
  }

  listening(): Promise<true> {
    return until(
      () => `tcpdump listens: ${this.#said}`,
      () => this.#said.includes('listening on'),
    );
  }

  /** What is heard from here on is the next chapter. */
  mark(): void {
    const key: ServiceKey = { family: 4, mark: MARKS + ++this.#marks };
    native.dump(this.#socket, encodeDestinationsQuery(this.#type, key));
  }

  /** One list for each chapter, the one before the first mark included. */
  async end(): Promise<readonly (readonly Heard[])[]> {
    this.mark();
    let chapters: readonly (readonly Heard[])[] = [];
    await until('the last mark is heard', () => {
      chapters = this.#read();
      return chapters.length > this.#marks;
    });
    this.#process.kill('SIGTERM');
    // Its end may be known before its last words have come.
    await until('tcpdump counts', () => this.#said.includes('dropped by kernel'));
    if (!/^0 packets dropped by kernel/m.test(this.#said))
      throw new Error(`messages were missed: ${this.#said}`);
    return chapters.slice(0, -1);
  }

  #read(): readonly (readonly Heard[])[] {
    const bytes = readFileSync(this.#file);
    const chapters: Heard[][] = [[]];
    for (let at = FILE_HEADER; at + RECORD_HEADER <= bytes.length; ) {
      const length = bytes.readUInt32LE(at + 8);
      const end = at + RECORD_HEADER + length;
      if (end > bytes.length) break;
      const packet = bytes.subarray(at + RECORD_HEADER, end);
      if (packet.readUInt16BE(COOKED - 2) === NETLINK_GENERIC)
        for (const message of orders(packet.subarray(COOKED), this.#type))
          if (message === 'mark') chapters.push([]);
          else chapters.at(-1)?.push(message);
      at = end;
    }
    return chapters;
  }
}

const REQUEST = 1;

/** Answers of the kernel have the same commands, and do not ask. */
function orders(bytes: Uint8Array, type: number): (Heard | 'mark')[] {
  const found: (Heard | 'mark')[] = [];
  const flags = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (const message of decodeMessages(bytes)) {
    const asks = (flags.readUInt16LE(at + 6) & REQUEST) !== 0;
    at += (flags.readUInt32LE(at) + 3) & ~3;
    if (message.type !== type || !asks) continue;
    const number = message.body[0] ?? 0;
    const key = decodeService(message)?.key;
    if (number === GET_DESTINATION && key !== undefined && 'mark' in key && key.mark >= MARKS)
      found.push('mark');
    const command = COMMANDS[number];
    if (command === undefined) continue;
    const to = decodeDestination(message, 4);
    found.push({
      command,
      ...(key === undefined ? {} : { service: serviceName(key) }),
      ...(to === undefined || number < 5
        ? {}
        : {
            destination: `${to.destination.address}:${to.destination.port}`,
            weight: to.to.weight,
          }),
    });
  }
  return found;
}
