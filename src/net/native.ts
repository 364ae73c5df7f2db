// The addon's whole surface, declared once. Instants are microseconds of CLOCK_MONOTONIC, durations
// microseconds. Every refused system call is an Error with `code`, `errno` and `syscall`; arguments of
// a wrong type are TypeErrors. The addon moves bytes and knows no protocol.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Ip } from '../lib/ip.ts';
import type { Instant } from '../lib/time.ts';

/** One datagram and where it goes; `to` is absent on connected and packet sockets. */
export interface Outgoing {
  readonly to?: Ip;
  readonly bytes: Uint8Array;
}

export interface RawSocketOptions {
  readonly family: 4 | 6;
  readonly protocol: number;
  /** SO_BINDTODEVICE. */
  readonly device?: string;
  /** Index of `device`; needed to join a group and to reach link-local destinations. */
  readonly index?: number;
  readonly group?: Ip;
  /** Address to bind to. */
  readonly source?: Ip;
  /** TTL or hop limit of what is sent. */
  readonly hopLimit?: number;
  /** IPv4: the bytes sent begin with their own IP header (IP_HDRINCL). */
  readonly header?: boolean;
  /** false: nothing is ever received on it. */
  readonly receive?: boolean;
  /** SO_RCVBUF in bytes, beyond the system's limit where permitted. */
  readonly receiveBuffer?: number;
  /** Attached before anything else is done to the socket; see filter(). */
  readonly filter?: Uint8Array;
}

export interface TcpSocketOptions extends SourceOptions {
  readonly family: 4 | 6;
}

/** From where, and how, a TCP connection is made. */
export interface SourceOptions {
  /** SO_MARK. */
  readonly mark?: number;
  /** SO_BINDTODEVICE; also the zone of a link-local source. */
  readonly device?: string;
  /** Address to bind to; the kernel chooses without. */
  readonly source?: Ip;
  /** Port to bind to, with SO_REUSEADDR; 0 or none: the kernel chooses. */
  readonly sourcePort?: number;
}

export interface DatagramSocketOptions {
  /** 17 is UDP; 1 (IPv4) and 58 (IPv6) are ping sockets, on which a port is the identifier of an echo. */
  readonly protocol: number;
  /** The socket is connected: nothing else's datagrams come through, and ICMP errors are errors of the socket. */
  readonly to: Ip;
  readonly port?: number;
  readonly source?: Ip;
  readonly sourcePort?: number;
  /** SO_BINDTODEVICE; also the scope of link-local addresses. */
  readonly device?: string;
  /** SO_MARK. */
  readonly mark?: number;
  /** SO_RCVBUF in bytes. */
  readonly receiveBuffer?: number;
}

export interface ThreadOptions {
  readonly policy: 'rr' | 'other';
  /** 1-99 for 'rr'. */
  readonly priority: number;
}

export interface Refusal {
  readonly sequence: number;
  readonly errno: number;
  readonly code: string;
  /** The kernel's extended-ack text, where it gave one. */
  readonly message?: string;
}

export interface SpawnOptions {
  readonly file: string;
  /** argv, argv[0] included. */
  readonly arguments: readonly string[];
  /** NAME=value strings. */
  readonly environment: readonly string[];
  readonly directory?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  readonly umask?: number;
  /** Sent to the child when the thread that started it ends; 0 for none. */
  readonly deathSignal?: number;
}

export interface Native {
  /** CLOCK_MONOTONIC. */
  now(): Instant;
  /** strerror(3). */
  errorText(errno: number): string;

  // The I/O thread: one per process; EBUSY for a second one.
  /** `ready(length)` is called on the JavaScript thread when `length` bytes of records lie in `ring`. */
  start(ready: (length: number) => void, ring: Uint8Array, options: ThreadOptions): void;
  /** Joins the thread and forgets its orders; idempotent. EBUSY where another JavaScript thread started it. */
  stop(): void;
  /** One alarm; delivered after everything received before it. 0 disarms. */
  alarm(at: number): void;
  /** How long before a shot the thread wakes and spins, at most a millisecond; 0 for not at all. */
  prewake(duration: number): void;
  /**
   * Sends tick 0 at `first`, tick 1 at first + period, ... and begins again after the last tick. What would be
   * more than a period late is not sent: the pace ends with a 'stalled' record. One that is ordered so late joins its
   * schedule where that is by now, unless something was received that JavaScript has not handled.
   */
  pace(
    id: number,
    fd: number,
    period: number,
    first: number,
    ticks: readonly (readonly Outgoing[])[],
  ): void;
  /** New ticks for a pace whose schedule stands; false where there is no such pace. */
  repace(id: number, fd: number, ticks: readonly (readonly Outgoing[])[]): boolean;
  /** Once this has returned, nothing more of the pace leaves. */
  unpace(id: number): void;
  /**
   * Credit lasts `duration` from the last alive(), 0 for ever; then paces and shots stop, and a byte goes to `fd`
   * (-1: none), of which a duplicate is kept.
   */
  deadman(duration: number, fd: number): void;
  alive(): void;
  /**
   * Notes the instant of each pace's last send in slot `id` of a file of 8-byte floats, and 0 once it is unpaced. The
   * file is mapped, so the entries outlive this process; a pace whose id is beyond its end is not noted. It has to be one
   * of openMemory(): the first write to a page that is on its way to a disk waits for the disk.
   */
  ledger(path: string): void;
  /** Tells the thread that JavaScript has handled every record it was given. */
  settle(): void;
  /**
   * Arms sends for `at`, in order. They happen only if nothing is received and unhandled then, and not later than a
   * period of any pace among them. A shot replaces the one with the same id.
   */
  shot(id: number, at: number, parts: readonly ShotPart[]): void;
  /** False where there is no such shot (it has been fired or withheld). */
  moveShot(id: number, at: number): boolean;
  /** False where it has been fired: it cannot be taken back. True where it was withheld, or never was. */
  disarm(id: number): boolean;

  // Sockets
  rawSocket(options: RawSocketOptions): number;
  packetSocket(index: number): number;
  /** Connected; libuv may own it afterwards (datagram.ts). */
  datagramSocket(options: DatagramSocketOptions): number;
  netlinkSocket(protocol: number, groups: number, receiveBuffer: number): number;
  /** Not connected; whoever gets the descriptor closes it (libuv, see stream.ts). */
  tcpSocket(options: TcpSocketOptions): number;
  /**
   * Asks for a TCP connection: one 'reached' record follows, at the latest after `timeout`, and no descriptor is left then. Throws
   * what the kernel refuses at once; EEXIST where this id is under way, ESRCH without an I/O thread.
   */
  dial(id: number, address: Ip, port: number, timeout: number, source?: SourceOptions): void;
  /** Nothing is left of it; false where its record is there, or on its way. */
  hangUp(id: number): boolean;
  /** A classic BPF program instead of the one before (src/net/filter.ts); an empty one lets everything through. */
  filter(fd: number, program: Uint8Array): void;
  /** The I/O thread reads the socket and puts what arrives into the ring. */
  watch(fd: number): void;
  unwatch(fd: number): void;
  /** Paces and shots that use the descriptor go with it. */
  close(fd: number): void;
  send(fd: number, datagrams: readonly Outgoing[]): number;
  /** Sends the messages and returns what the kernel refused; `last` is the sequence that asks for an answer. */
  request(fd: number, messages: Uint8Array, last: number): Refusal[];
  /** Answers to netlink messages that a shot sent. */
  collect(fd: number): Refusal[];
  /** Sends one request, a dump or one that asks for an acknowledgement behind its answer, and returns every answer, joined. */
  dump(fd: number, message: Uint8Array): Uint8Array;

  // Files: news of folders, inotify(7)
  /** A descriptor; its events come as 'files' records until it is closed. EMFILE where the user has too many. */
  inotify(): number;
  /** The number by which events name the folder, the same as before where it is watched already. ENOSPC where no more can be. */
  inotifyAdd(fd: number, path: string, mask: number): number;
  inotifyRemove(fd: number, number: number): void;

  // Interfaces, by name; any socket will do.
  /** IFF_*, the lower 16 bits. */
  linkFlags(fd: number, device: string): number;
  /** ETHTOOL_GLINK. */
  linkDetected(fd: number, device: string): boolean;
  /** A register, 0-31, of its transceiver (SIOCGMIIREG). */
  linkRegister(fd: number, device: string, register: number): number;

  // Processes
  spawn(options: SpawnOptions): number;
  /** True while the child is stopped (SIGSTOP); takes nothing from libuv. */
  stopped(pid: number): boolean;
  setScheduling(
    thread: number,
    policy: 'rr' | 'fifo' | 'other',
    priority: number,
    resetOnFork: boolean,
  ): void;
  setNice(nice: number): void;
  setAffinity(cpus: readonly number[]): void;
  /** comm of the process, 15 characters. */
  setName(name: string): void;
  /** Rewrites what ps shows; process.argv stays as it is. */
  setArguments(words: readonly string[]): void;
  /** What is not JavaScript's own (program, libraries, native heap, stack) stays in memory once it is used. */
  lockMemory(): void;
  /** Descriptor of an empty file that has no name and is never written to a disk, mode 0600; closed at exec. */
  openMemory(): number;
  setLimit(resource: number, soft: number, hard: number): void;
  enterNamespace(path: string, type: number): void;
  parentDeathSignal(signal: number): void;
  childSubreaper(): void;
  newSession(): void;
  /** Signals that Node cannot handle become 'signal' records. */
  catchSignal(signal: number): void;
  /** The signal has no effect any more, unless it has a handler or is ignored. EINVAL where that cannot be. */
  shrugSignal(signal: number): void;
  /**
   * Passes the signal on to a process before the handler that stands here has its turn, without waiting for
   * JavaScript. Pid 0: to nobody any more. EINVAL where the signal has no handler.
   */
  relaySignal(signal: number, pid: number): void;
  /** Effective capabilities, as a bit mask. */
  capabilities(): bigint;
  /** open(O_CREAT | O_CLOEXEC) and flock(LOCK_EX | LOCK_NB); EAGAIN where it is held. */
  openLocked(path: string, mode: number): number;
  /** mkfifo(3), under the umask. */
  makeFifo(path: string, mode: number): void;
  /** One line to /dev/log; never blocks; false where it had to be dropped. */
  syslog(priority: number, line: string): boolean;
  /** One datagram to a UNIX socket, without waiting; @ at the beginning of the path is the abstract namespace. */
  sendLocal(path: string, bytes: Uint8Array): void;
  /** Returns clean pages of program text to the page cache; kilobytes given back. */
  dropText(): number;
}

/** Datagrams through one socket, or a pace whose first tick is sent with the shot, or at `first`. */
export type ShotPart =
  | { readonly fd: number; readonly datagrams: readonly Outgoing[] }
  | {
      readonly fd: number;
      readonly pace: number;
      readonly period: number;
      readonly first?: number;
      readonly ticks: readonly (readonly Outgoing[])[];
    };

const require = createRequire(import.meta.url);

/** The bundle and the addon lie side by side in dist/; from source the same dist/ is two folders up. */
function addonPath(): string {
  const { KEEPALIVED_ADDON } = process.env;
  if (KEEPALIVED_ADDON !== undefined) return KEEPALIVED_ADDON;
  const beside = join(import.meta.dirname, 'keepalived.node');
  return existsSync(beside) ? beside : join(import.meta.dirname, '../../dist/keepalived.node');
}

export const native = require(addonPath()) as Native;
