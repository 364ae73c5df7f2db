// The native addon's whole surface, declared once, and where the addon is found. It moves bytes, keeps
// instants and controls processes; it knows no protocol, and neither does this file.
//
// Instants are microseconds of CLOCK_MONOTONIC, durations are microseconds, both as doubles with fractions.
// A refused system call throws an Error { code: 'EPERM', errno: 1, syscall: 'bind' }; a wrong argument throws
// a TypeError or RangeError before anything has happened. Bytes handed over are copied before a call returns.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Duration, Instant } from '../lib/time.ts';

/** What a refused system call throws. */
export interface SystemError extends Error {
  /** 'EPERM' and the like. */
  readonly code: string;
  /** The positive number of the code. */
  readonly errno: number;
  /** The call that was refused: 'bind', 'sendmsg', ... */
  readonly syscall: string;
}

/** A struct sockaddr_* as the kernel wants it; socket.ts makes them. */
export type SocketAddress = Uint8Array;

export interface NativeDatagram {
  /** Destination; absent on a connected socket. */
  readonly to?: SocketAddress;
  readonly bytes: Uint8Array;
}

/** What leaves together at one instant of a pace. */
export type Tick = readonly NativeDatagram[];

export interface ShotSend {
  readonly fd: number;
  /** Leave in this order. A netlink message batch is one datagram: keep it to about 64 messages. */
  readonly datagrams: readonly NativeDatagram[];
}

/** A pace that begins in the same moment as a shot is fired; its first tick is one period after the shot's instant. */
export interface ShotPace {
  readonly id: number;
  readonly fd: number;
  readonly period: Duration;
  readonly ticks: readonly Tick[];
}

export interface Shot {
  readonly id: number;
  readonly at: Instant;
  readonly sends: readonly ShotSend[];
  readonly then?: ShotPace;
  /** Withheld if the thread is further behind than this; absent: however late. */
  readonly late?: Duration;
}

export interface PaceStatus {
  /** Ticks sent since `pace` (or the shot) began it; a tick of which every datagram was refused is not counted. */
  readonly sent: number;
  /** When the next tick is due. */
  readonly next: Instant;
  /** Index in the ring of the tick that is next. */
  readonly position: number;
}

export type Policy = 'other' | 'rr' | 'fifo';

/** A classic BPF program, 8 bytes an instruction in host order, or 'drop': nothing is ever received. */
export type Filter = Uint8Array | 'drop';

export interface RawSocketOptions {
  readonly family: 4 | 6;
  /** IP protocol number. */
  readonly protocol: number;
  /** False: for sending only; the kernel queues nothing on it. */
  readonly receive: boolean;
  /** SO_BINDTODEVICE. */
  readonly device?: string;
  /** Interface of the group membership and of multicast that is sent. */
  readonly ifindex?: number;
  /** Group to join, 4 or 16 bytes; the socket then hears only groups that it joined itself. Needs ifindex. */
  readonly group?: Uint8Array;
  /** Local address to bind to. One the host does not have yet is allowed (IP_FREEBIND). */
  readonly source?: SocketAddress;
  /** Fixes the destination, so that the kernel keeps the route; datagrams then need no `to`. */
  readonly peer?: SocketAddress;
  /** IPv4: datagrams begin with their IP header. */
  readonly headerIncluded?: boolean;
  /** Unicast and multicast TTL, or hop limit. */
  readonly ttl?: number;
  /** IPv4 TOS or IPv6 traffic class. */
  readonly tos?: number;
  /** SO_PRIORITY. */
  readonly priority?: number;
  /** Bytes; forced past net.core.rmem_max where the process may. */
  readonly rcvbuf?: number;
  readonly sndbuf?: number;
  /** In force before the socket can receive its first packet. */
  readonly filter?: Filter;
}

export interface PacketSocketOptions {
  readonly ifindex: number;
  /** Ethernet protocol to receive (0x0003 for all), or 0: for sending only. */
  readonly protocol: number;
  /** PACKET_QDISC_BYPASS: frames go straight to the driver. */
  readonly bypass?: boolean;
  readonly priority?: number;
  readonly rcvbuf?: number;
  readonly sndbuf?: number;
  readonly filter?: Filter;
}

export interface NetlinkSocketOptions {
  /** NETLINK_ROUTE is 0, NETLINK_CONNECTOR 11, NETLINK_NETFILTER 12, NETLINK_GENERIC 16. */
  readonly protocol: number;
  /** Multicast groups by number (RTNLGRP_*), not as bits. */
  readonly groups?: readonly number[];
  readonly rcvbuf?: number;
  readonly sndbuf?: number;
}

/** One netlink message that the kernel refused. */
export interface Refusal {
  readonly seq: number;
  /** 'EEXIST' and the like. */
  readonly code: string;
  readonly errno: number;
  /** The kernel's own words (extended ack), where it had some. */
  readonly message?: string;
}

export interface SpawnOptions {
  /** Path of the program; there is no search along PATH. */
  readonly file: string;
  /** The whole argv, the name included. */
  readonly arguments: readonly string[];
  /** 'NAME=value'. */
  readonly environment: readonly string[];
  readonly directory?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Supplementary groups; absent together with uid and gid: unchanged, absent beside one of them: none. */
  readonly groups?: readonly number[];
  readonly umask?: number;
  /** Descriptor n of the child is this descriptor of ours, or /dev/null; absent: three times /dev/null. */
  readonly stdio?: readonly (number | null)[];
  /** A process group of its own in the same session; default true. */
  readonly group?: boolean;
  /** Signal the child gets when the thread that spawned it dies; 0 for none; default 15 (SIGTERM). */
  readonly deathSignal?: number;
}

export type Resource =
  | 'cpu'
  | 'core'
  | 'nofile'
  | 'memlock'
  | 'nice'
  | 'rtprio'
  | 'rttime'
  | 'stack'
  | 'as'
  | 'fsize'
  | 'nproc';

/** In bytes, seconds or counts as setrlimit(2) has them; Infinity for no limit. */
export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

export interface ThreadOptions {
  readonly policy: Policy;
  /** 1 to 99 for 'rr' and 'fifo', 0 for 'other'. */
  readonly priority: number;
}

export interface ThreadStatistics {
  /** Records thrown away because the queue to JavaScript was full. */
  readonly lost: number;
  /** Bytes waiting for JavaScript. */
  readonly queued: number;
  /** Latest that a tick of any pace left after its instant. */
  readonly worst: Duration;
}

export interface Native {
  // ---- The I/O thread: one per process. Functions marked (T) throw ESRCH while it is not running.

  /**
   * Starts the thread. It waits for descriptors and instants and appends records to a queue as long as
   * `ring`; once per burst `onRecords(length)` finds the next `length` bytes of whole records at the
   * beginning of `ring` (socket.ts decodes them), and must have used them when it returns. An exception in
   * onRecords is an uncaught exception. Keeps the event loop alive until `stop`, unless `unref`.
   * Throws EBUSY if a thread runs already (in whatever worker), EPERM if the scheduling is refused: then
   * nothing has been started and the caller may try again with 'other'.
   */
  start(onRecords: (length: number) => void, ring: Uint8Array, options: ThreadOptions): void;
  /** Ends the thread with all it kept; when it returns nothing more leaves. Descriptors stay open. Idempotent. */
  stop(): void;
  /** The running thread no longer keeps the event loop alive. */
  unref(): void;
  now(): Instant;
  /** Kernel thread id of the I/O thread, or 0. */
  threadId(): number;
  statistics(): ThreadStatistics;

  /**
   * (T) Everything delivered so far has been processed, and what followed from it (moveShot, disarm) has been said.
   * From here on a shot may fire, until the thread next queues a packet, resync, overflow, alarm,
   * stalled, exit or signal record. Records that a shot itself causes (fired, finished, refused, withheld) do
   * not count: two shots that stand at once must not depend on one another.
   */
  processed(): void;
  /**
   * (T) For a step that no record caused (a message, a signal of Node's): from here until `processed` no shot
   * fires. False if records wait that JavaScript has not seen: take() them first, one may say that a shot has fired.
   */
  hold(): boolean;
  /** (T) Fills the ring at once with the records that wait; the length, as onRecords would be told. 0: none. */
  take(): number;

  /**
   * (T) Delivers an 'alarm' record when `at` has come, after everything that was received before the record is
   * queued. One alarm: a later call replaces it; 0 is off.
   */
  alarm(at: Instant | 0): void;
  /** (T) How long before the instant of a shot the thread wakes and spins; 0 (the default) for not at all. */
  prewake(duration: Duration): void;

  /**
   * (T) Sends the ticks in turn, round and round, at first, first + period, ...: an absolute schedule. A pace
   * that stands under this id is replaced. A tick that would leave more than a period late is not sent: the
   * pace ends and a 'stalled' record says so. A refused datagram gives one 'refused' record for
   * each row of equal refusals, and the schedule goes on.
   */
  pace(id: number, fd: number, period: Duration, first: Instant, ticks: readonly Tick[]): void;
  /** (T) New content, starting with its first tick; the schedule stands. Undefined if there is no such pace. */
  repace(id: number, ticks: readonly Tick[]): PaceStatus | undefined;
  /** (T) Ends a pace: when it returns nothing more of it leaves. Its last status; undefined if there was none. */
  unpace(id: number): PaceStatus | undefined;
  /** (T) Undefined if there is no such pace. */
  paced(id: number): PaceStatus | undefined;

  /**
   * (T) Arms what is to be sent at an instant unless something happens first. At the instant the thread
   * reads every watched descriptor empty and fires only if JavaScript has `processed` everything; otherwise a
   * 'withheld' record leaves the decision to JavaScript, and the shot is gone. Replaces a shot of
   * the same id; a shot that is being sent is completed first.
   */
  shot(shot: Shot): void;
  /** (T) Another instant for an armed shot. False if it is not armed: it has fired, or was withheld. */
  moveShot(id: number, at: Instant): boolean;
  /** (T) False if it was not armed. When it returns true, it will not fire. */
  disarm(id: number): boolean;

  /**
   * (T) From now on every `alive` gives credit for `duration`. When it ends, all paces end ('stalled'), all
   * shots are 'withheld', and one byte is written to `pipe`. Nothing is sent until the next
   * `alive`; paces and shots do not come back by themselves. 0 switches it off.
   */
  deadman(duration: Duration, pipe?: number): void;
  /** (T) Costs a store. */
  alive(): void;

  /**
   * (T) The thread reads the descriptor from now on: a 'packet' record for each datagram, with the instant of its
   * arrival. `size`: longest datagram, longer ones are cut and marked; default 8192, netlink 32768.
   */
  watch(fd: number, size?: number): void;
  /** (T) When it returns, no record of this descriptor will be delivered any more. */
  unwatch(fd: number): void;
  /** (T) A 'signal' record for each such signal instead of death. Only for those Node cannot take: 34 to 64. */
  catchSignal(signal: number): void;

  // ---- Sockets: non-blocking, close-on-exec, with kernel timestamps.

  rawSocket(options: RawSocketOptions): number;
  packetSocket(options: PacketSocketOptions): number;
  netlinkSocket(options: NetlinkSocketOptions): number;
  /** Makes an inherited descriptor one of ours: close-on-exec, non-blocking, with kernel timestamps if it is a socket. */
  adopt(fd: number): void;
  /** Closes one of ours (EBADF for others), after unwatch; paces and shots that use it are gone without a record. */
  close(fd: number): void;
  filter(fd: number, filter: Filter): void;
  /** One datagram; throws EAGAIN where the kernel has no room. */
  send(fd: number, bytes: Uint8Array, to?: SocketAddress): void;
  /** Stops at the first refusal and returns how many left; throws if it was the first that was refused. */
  sendMany(fd: number, datagrams: readonly NativeDatagram[]): number;

  // ---- Netlink.

  /**
   * Sends messages in one datagram and reads until the answer to `lastSeq`, whose message must ask for one
   * (NLM_F_ACK). The refused ones, in the kernel's order. ENOBUFS: answers were lost; ETIMEDOUT: none in 5 s.
   */
  request(fd: number, messages: Uint8Array, lastSeq: number): Refusal[];
  /**
   * Sends one request (NLM_F_DUMP, or a plain one with NLM_F_ACK) and returns every message that answers it, one after
   * the other, without the closing one. Throws the kernel's refusal; EINTR: the dump is inconsistent, ask again.
   */
  dump(fd: number, message: Uint8Array, seq: number): Uint8Array;
  /** The refusals that a shot's netlink datagrams have left on the socket; never waits. */
  collect(fd: number): Refusal[];

  // ---- Processes.

  /** (T) Starts a program (see SpawnOptions); its end is an 'exit' record. Throws what execve or a step before it refused. */
  spawn(options: SpawnOptions): number;
  /** The signal that has stopped this child of ours, or 0; takes nothing from anybody. */
  stopped(pid: number): number;
  /** Reaps a child that is not `spawn`'s (an orphan that came to a subreaper), if it has ended. */
  reap(pid: number): { readonly code: number; readonly signal: number } | undefined;
  /** Of one thread; 0 is the calling one. resetOnFork: its children start with 'other'. */
  setScheduling(tid: number, policy: Policy, priority: number, resetOnFork: boolean): void;
  /** Nice value of one thread; 0 is the calling one. */
  setNice(tid: number, nice: number): void;
  /** Processors a thread may run on. */
  setCpuAffinity(tid: number, processors: readonly number[]): void;
  /** Command name of the main thread, cut at 15 bytes. */
  setName(name: string): void;
  /** What ps shows as arguments; process.argv keeps its own. E2BIG if longer than what the process was started with. */
  setArguments(list: readonly string[]): void;
  /** MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT: pages stay once they have been touched. */
  lockMemory(): void;
  setRlimit(resource: Resource, soft: number, hard: number): void;
  getRlimit(resource: Resource): ResourceLimit;
  /** Moves the calling thread into the namespace that a path or descriptor stands for; 0: of whatever kind. */
  setns(
    namespace: string | number,
    kind: 'net' | 'mnt' | 'ipc' | 'uts' | 'pid' | 'cgroup' | 'user' | 0,
  ): void;
  /** Signal that this process gets when its parent('s thread) ends; 0 for none. */
  parentDeathSignal(signal: number): void;
  childSubreaper(): void;
  /** Effective capabilities as a bit set. */
  capabilities(): bigint;
  /** Opens (creating it with `mode`) and locks a file; EWOULDBLOCK if somebody holds it. Close it with node:fs. */
  openLocked(path: string, mode: number): number;
  /** Gives pages of unchanged read-only file mappings back; they come again from the page cache. Kilobytes given. */
  dropText(): number;
  /** Opens the way to the log daemon (default /dev/log); never throws because nobody listens. */
  openSyslog(path?: string): void;
  /** One line to the log daemon without ever waiting; false: dropped, and counted. */
  syslog(line: Uint8Array): boolean;
  syslogDropped(): number;
}

let loaded: Native | undefined;

/** The addon: KEEPALIVED_ADDON, else keepalived.node beside the running file, else in dist/ of the source tree. */
export function loadNative(): Native {
  loaded ??= createRequire(import.meta.url)(addonPath()) as Native;
  return loaded;
}

function addonPath(): string {
  const override = process.env.KEEPALIVED_ADDON;
  if (override !== undefined && override !== '') return override;
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [join(here, 'keepalived.node'), join(here, '../../dist/keepalived.node')];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(
      `the native addon is missing (run scripts/build-addon): ${candidates.join(', ')}`,
    );
  return found;
}
