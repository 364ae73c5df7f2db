// What the addon's tests stand on: two hosts made of network namespaces joined by one cable, a tape that keeps what
// the I/O thread reports, and waits for conditions. Everything made is removed, on failure and on a signal too.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Ip } from '../../src/lib/ip.ts';
import { native, type Outgoing } from '../../src/net/native.ts';
import { type Record as Report, readRecords } from '../../src/net/record.ts';

/** How long a condition may take that is true within milliseconds on an idle machine. */
export const PATIENCE = 10_000;
/** CLONE_NEWNET. */
const NETWORK = 0x40000000;
/** A protocol number of the tests' own (RFC 3692 experiments). */
export const PROTOCOL = 253;
export const GROUP4 = '224.0.0.250';
export const GROUP6 = 'ff02::250';

export const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' });

/** Removes what processes made that are dead: one that a sanitizer or SIGKILL ended could not do it. */
export function sweep(): void {
  for (const name of existsSync('/run/netns') ? readdirSync('/run/netns') : []) {
    const [, pid] = /^ka-nat-[a-z]+-(\d+)-[nf]$/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) ip('netns', 'delete', name);
  }
}

/** Two hosts, the main thread being on `near` from now on: `near` with device a (10.9.0.1, fe80::1) and `far` with device b (10.9.0.2, fe80::2). */
export class Cable {
  readonly near: string;
  readonly far: string;

  constructor(tag: string) {
    this.near = `ka-nat-${tag}-${process.pid}-n`;
    this.far = `ka-nat-${tag}-${process.pid}-f`;
    sweep();
    process.once('exit', () => this.remove());
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => process.exit(1));
    for (const name of [this.near, this.far]) ip('netns', 'add', name);
    ip(
      '-n',
      this.near,
      'link',
      'add',
      'name',
      'a',
      'type',
      'veth',
      'peer',
      'name',
      'b',
      'netns',
      this.far,
    );
    for (const [name, device, number] of [
      [this.near, 'a', 1],
      [this.far, 'b', 2],
    ] as const) {
      ip('-n', name, 'link', 'set', 'dev', device, 'addrgenmode', 'none');
      ip('-n', name, 'link', 'set', 'dev', 'lo', 'up');
      ip('-n', name, 'address', 'add', `10.9.0.${number}/24`, 'dev', device);
      ip('-n', name, 'link', 'set', 'dev', device, 'up');
      ip('-n', name, 'address', 'add', `fe80::${number}/64`, 'dev', device, 'nodad');
    }
    this.on('near', () => undefined);
  }

  /** Runs `body` with the main thread on that host; sockets it opens stay there. Back to `near` after it. */
  on<T>(host: 'near' | 'far', body: () => T): T {
    native.enterNamespace(`/run/netns/${this[host]}`, NETWORK);
    try {
      return body();
    } finally {
      native.enterNamespace(`/run/netns/${this.near}`, NETWORK);
    }
  }

  /** The interface index of the device on that host. */
  index(host: 'near' | 'far'): number {
    const device = host === 'near' ? 'a' : 'b';
    const [link] = JSON.parse(ip('-n', this[host], '-j', 'link', 'show', 'dev', device)) as [
      { ifindex: number },
    ];
    return link.ifindex;
  }

  /** A raw socket of the tests' protocol that joined the group. */
  socket(host: 'near' | 'far', family: 4 | 6 = 4, receiveBuffer?: number): number {
    const index = this.index(host);
    return this.on(host, () =>
      native.rawSocket({
        family,
        protocol: PROTOCOL,
        device: host === 'near' ? 'a' : 'b',
        index,
        group: (family === 4 ? GROUP4 : GROUP6) as Ip,
        hopLimit: 255,
        ...(receiveBuffer === undefined ? {} : { receiveBuffer }),
      }),
    );
  }

  remove(): void {
    for (const name of [this.near, this.far]) {
      try {
        execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
      } catch {
        // It was not made, or has been removed already.
      }
    }
  }
}

type Kind = Report['kind'];
export type Of<K extends Kind> = Extract<Report, { readonly kind: K }>;

/** Starts the I/O thread, real-time where permitted, and keeps its records, packets as copies. */
export class Tape {
  readonly records: Report[] = [];
  #changed: (() => void) | undefined;

  constructor(settle: 'settling' | 'unsettling' = 'settling', ringBytes = 1 << 20, priority = 10) {
    const ring = new Uint8Array(ringBytes);
    const ready = (length: number): void => {
      for (const record of readRecords(ring, length))
        this.records.push(
          record.kind === 'packet' || record.kind === 'files'
            ? { ...record, bytes: record.bytes.slice() }
            : record,
        );
      if (settle === 'settling') native.settle();
      this.#changed?.();
    };
    try {
      native.start(ready, ring, { policy: priority > 0 ? 'rr' : 'other', priority });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
      native.start(ready, ring, { policy: 'other', priority: 0 });
    }
  }

  of<K extends Kind>(kind: K): Of<K>[] {
    return this.records.filter((record): record is Of<K> => record.kind === kind);
  }

  /** Resolves once `met` holds; what has been recorded is in the error where it never does. */
  async until(met: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!met()) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => {
            const seen = this.records.slice(-20).map((record) => record.kind);
            reject(new Error(`${what} did not happen; last records: ${seen.join(' ')}`));
          },
          Math.max(deadline - Date.now(), 1),
        );
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async first<K extends Kind>(kind: K): Promise<Of<K>> {
    await this.until(() => this.of(kind).length > 0, `a record ${kind}`);
    return this.of(kind)[0] as Of<K>;
  }

  /** Everything that happened before now has been delivered when this resolves. */
  async flush(): Promise<void> {
    const alarms = this.of('alarm').length;
    native.alarm(native.now());
    await this.until(() => this.of('alarm').length > alarms, 'the alarm that ends the tape');
  }
}

/** Waits for a condition outside the process by looking every few milliseconds. */
export async function eventually(met: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!met()) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** JavaScript does nothing for so many milliseconds; the I/O thread goes on. */
export function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A datagram to the group, with a number to recognise it by. */
export function numbered(number: number, family: 4 | 6 = 4): Outgoing {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, number);
  return { to: (family === 4 ? GROUP4 : GROUP6) as Ip, bytes };
}

/** The number in a packet that came from numbered(); IPv4 packets begin with their header. */
export function numberOf(packet: Of<'packet'>): number {
  const { bytes } = packet;
  const start = (bytes[0] ?? 0) >> 4 === 4 ? ((bytes[0] ?? 0) & 15) * 4 : 0;
  return new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0);
}

/** A server of TCP at the far end, and its port; what it accepts comes at the end of the list. */
export function listenFar(
  cable: Cable,
  accepted: Socket[],
): { readonly server: Server; readonly port: number } {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    accepted.push(socket);
  });
  // Without a host the socket is made in this turn, hence in that namespace.
  cable.on('far', () => server.listen(0));
  return { server, port: (server.address() as AddressInfo).port };
}

/** The other end of an accepted connection, as its own machine writes it. */
export const addressOf = ({ remoteAddress = '' }: Socket): string =>
  remoteAddress.replace('::ffff:', '').replace(/%.*/, '');
