// How many processes of some kinds run on this machine: all of them once, then what the kernel tells about forks,
// execs, new names and ends (process connector). Where it tells nothing, or has lost something, all are looked at
// again. It knows nothing of how many there should be.

import { readdirSync, readFileSync } from 'node:fs';
import type { Instant } from '../lib/time.ts';
import { ROOMY } from './buffer.ts';
import { admitProcesses } from './filter.ts';
import { inNamespaceAt } from './namespace.ts';
import { native } from './native.ts';

export interface ProcessKind {
  readonly name: string;
  /** The command, and arguments to compare. */
  readonly process: readonly string[];
  readonly param_match?: 'exact' | 'initial' | 'partial';
  /** Compare the whole path of the command, not the name of the process. */
  readonly full_command: boolean;
}

export interface ProcessHost {
  readonly counted: (counts: Readonly<Record<string, number>>, at: Instant) => void;
  readonly log: (text: string) => void;
}

// linux/connector.h, linux/cn_proc.h
const NETLINK_CONNECTOR = 11;
const PROC_GROUP = 1;
const LISTEN = 1;
const HEADERS = 16 + 20;
const FORK = 1;
const EXEC = 2;
const COMM = 0x200;
const EXIT = 0x8000_0000;
const NONE = 0;
const FIRST = '/proc/1/ns/net';

/** How often all are looked at while the kernel tells nothing, in milliseconds. */
const PERIOD = 2000;

export class Processes {
  readonly #host: ProcessHost;
  readonly #origin: string;
  readonly #buffer: number;
  #kinds: readonly ProcessKind[] = [];
  /** Positions of the kinds that each process belongs to; only those that belong to one. */
  readonly #members = new Map<number, readonly number[]>();
  #fd: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #confirmed = false;
  #refused = false;
  #last = '';

  /** `origin`: path of the network namespace that the daemon was started in. */
  constructor(host: ProcessHost, origin: string, buffer = ROOMY) {
    this.#host = host;
    this.#origin = origin;
    this.#buffer = buffer;
  }

  /** Records of this descriptor are for read() and lost(). */
  get fd(): number | undefined {
    return this.#fd;
  }

  /** From now on these kinds; how many there are of each. */
  follow(kinds: readonly ProcessKind[]): Readonly<Record<string, number>> {
    this.#kinds = kinds;
    if (kinds.length === 0) {
      this.close();
      return {};
    }
    if (this.#timer === undefined) {
      // Until the kernel has said that it tells what happens.
      this.#timer = setInterval(() => this.#lookAgain(native.now()), PERIOD);
      this.#timer.unref();
    }
    if (this.#fd === undefined) this.#subscribe();
    // After the subscription: what begins or ends from here on is heard.
    this.#scan();
    const counts = this.#count();
    this.#last = JSON.stringify(counts);
    return counts;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#members.clear();
    if (this.#fd !== undefined) {
      native.unwatch(this.#fd);
      native.close(this.#fd);
    }
    this.#fd = undefined;
    this.#confirmed = false;
  }

  /** News was lost. */
  lost(at: Instant): void {
    this.#host.log('Processes: news was lost, all are looked at again');
    this.#lookAgain(at);
  }

  #lookAgain(at: Instant): void {
    if (this.#fd === undefined) this.#subscribe();
    this.#scan();
    this.#tell(at);
  }

  read(bytes: Uint8Array, at: Instant): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let offset = 0; offset + HEADERS + 16 <= view.byteLength; ) {
      this.#event(view, offset + HEADERS);
      offset += Math.max(16, (view.getUint32(offset, true) + 3) & ~3);
    }
    this.#tell(at);
  }

  #event(view: DataView, offset: number): void {
    const what = view.getUint32(offset, true);
    const word = (index: number): number =>
      offset + 20 + 4 * index <= view.byteLength
        ? view.getUint32(offset + 16 + 4 * index, true)
        : 0;
    if (what === NONE) {
      this.#confirm(word(0));
      return;
    }
    if (what === FORK) {
      const parent = this.#members.get(word(1));
      // Threads are no processes.
      if (word(2) === word(3) && parent !== undefined) this.#members.set(word(2), parent);
      return;
    }
    const pid = word(1);
    if (what === EXIT) {
      if (word(0) === pid) this.#members.delete(pid);
    } else if (what === EXEC || (what === COMM && word(0) === pid)) {
      this.#place(pid);
    }
  }

  #confirm(error: number): void {
    if (error !== 0) {
      this.#host.log(`Process events are refused - errno ${error}`);
      return;
    }
    if (!this.#confirmed) this.#host.log('proc_events has confirmed it is configured');
    this.#confirmed = true;
    clearInterval(this.#timer);
  }

  /** Only the machine's first network namespace has the connector: that the parent was started in, or of process 1, may be it. */
  #subscribe(): void {
    let refusal = '';
    for (const place of [this.#origin, FIRST]) {
      try {
        this.#fd = inNamespaceAt(place, () => listen(this.#buffer));
        return;
      } catch (error) {
        const { code = '', message } = error as NodeJS.ErrnoException;
        refusal ||= `${code} - ${message}`;
      }
    }
    if (!this.#refused)
      this.#host.log(`Failed to set/clear process event listen - ${refusal}; looking every 2 s`);
    this.#refused = true;
  }

  #scan(): void {
    this.#members.clear();
    for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) this.#place(Number(name));
  }

  #place(pid: number): void {
    const kinds = this.#kinds.flatMap((kind, at) => (belongs(kind, pid) ? [at] : []));
    if (kinds.length > 0) this.#members.set(pid, kinds);
    else this.#members.delete(pid);
  }

  #count(): Readonly<Record<string, number>> {
    const counts = this.#kinds.map(() => 0);
    for (const kinds of this.#members.values())
      for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
    return Object.fromEntries(this.#kinds.map(({ name }, i) => [name, counts[i] ?? 0]));
  }

  #tell(at: Instant): void {
    const counts = this.#count();
    const text = JSON.stringify(counts);
    if (text === this.#last) return;
    this.#last = text;
    this.#host.counted(counts, at);
  }
}

/** A message for the kernel's process connector. */
function subscription(operation: number): Uint8Array {
  const bytes = new Uint8Array(HEADERS + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, 3, true); // NLMSG_DONE
  view.setUint32(16, 1, true); // CN_IDX_PROC
  view.setUint32(20, 1, true); // CN_VAL_PROC
  view.setUint16(32, 4, true);
  view.setUint32(36, operation, true);
  return bytes;
}

function listen(buffer: number): number {
  const fd = native.netlinkSocket(NETLINK_CONNECTOR, PROC_GROUP, buffer);
  try {
    // Only work is spared: a machine starts more threads than processes.
    native.filter(fd, admitProcesses());
    native.watch(fd);
    native.send(fd, [{ bytes: subscription(LISTEN) }]);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** keepalived compares the name, or the words of the command line as param_match says. */
function belongs(
  { process: wanted, param_match: match, full_command }: ProcessKind,
  pid: number,
): boolean {
  const [command = '', ...parameters] = wanted;
  const compares = match !== undefined || parameters.length > 0;
  if (!compares && !full_command) return nameOf(pid) === command.slice(0, 15);
  const text = readProc(pid, 'cmdline');
  if (text === undefined || text === '') return false;
  const [own, ...words] = text.replace(/\0$/, '').split('\0');
  if (own !== command) return false;
  if (!compares) return true;
  switch (match ?? 'exact') {
    case 'exact':
      return words.length === parameters.length && parameters.every((word, i) => word === words[i]);
    case 'partial':
      return parameters.every((word, i) => word === words[i]);
    case 'initial':
      return words.join('\0').startsWith(parameters.join('\0'));
  }
}

/** PF_EXITING of linux/sched.h. */
const EXITING = 4;

/** Undefined where it has ended, though its parent may not have asked how: the command line is gone by then, the name is not. */
function nameOf(pid: number): string | undefined {
  const text = readProc(pid, 'stat') ?? '';
  const end = text.lastIndexOf(')');
  // proc(5): state, ppid, pgrp, session, tty_nr, tpgid, flags
  const flags = Number(text.slice(end + 2).split(' ', 7)[6]);
  return end < 0 || (flags & EXITING) !== 0 ? undefined : text.slice(text.indexOf('(') + 1, end);
}

function readProc(pid: number, file: 'stat' | 'cmdline'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // it has ended
    return undefined;
  }
}
