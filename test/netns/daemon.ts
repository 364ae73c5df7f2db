// Starts one daemon on one host of the lab, with its own /run and /tmp, and keeps what it says. Knows how
// ours, keepalived and FRR's vrrpd are started; knows nothing about what they should do.

import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from './command.ts';
import { node, requireProgram } from './programs.ts';

export type DaemonKind = 'ours' | 'keepalived' | 'frr';

export interface LogLine {
  /** Milliseconds since 1970 at which this process read the line. */
  readonly at: number;
  readonly text: string;
}

export interface DaemonOptions {
  /** More words for the command line. */
  readonly options?: readonly string[];
  readonly environment?: Record<string, string>;
  /** SCHED_RR for all of it where the machine allows that, so that other processes do not make it late. */
  readonly realTime?: boolean;
  /** Without -D: writing a line for each announcement would be part of what is measured. */
  readonly quiet?: boolean;
  /** Writes the wall clock in nanoseconds to /run/started just before it becomes the daemon. */
  readonly stamped?: boolean;
  /** The daemon whose /run and /tmp this one finds. */
  readonly after?: Daemon;
  /** Another build of ours than the usual one. */
  readonly program?: string;
  /** Born outside of the host and told to enter it: only there the kernel tells of processes. */
  readonly outside?: boolean;
}

export interface DaemonPlace {
  readonly namespace: string;
  /** A folder of the lab: `run` and `tmp` below it become /run and /tmp of the daemon. */
  readonly folder: string;
  readonly changed: () => void;
}

const project = fileURLToPath(new URL('../..', import.meta.url));
/** KEEPALIVED_TEST_PROGRAM names another build: with sanitizers, or with a guard taken out. */
const ourProgram = process.env.KEEPALIVED_TEST_PROGRAM ?? join(project, 'dist', 'keepalived.js');

/** True once scripts/build has run. */
export const oursIsBuilt = (): boolean => existsSync(ourProgram);

/** The words that start `kind` in the foreground, all its files below /run. */
function commandOf(kind: DaemonKind, options: readonly string[], program = ourProgram): string[] {
  const usual = ['-n', '-l', '-P', '-f', '/run/keepalived.conf'];
  usual.push('-p', '/run/keepalived.pid', '-r', '/run/vrrp.pid', ...options);
  switch (kind) {
    case 'ours':
      if (!existsSync(program)) throw new Error(`${program} does not exist: run scripts/build`);
      return [node, program, ...usual];
    case 'keepalived':
      return [requireProgram('keepalived'), ...usual];
    case 'frr': {
      // FRR leaves root for its own user, which must be able to write its sockets and pid files.
      const usual = '-u frr -g frr --vty_socket /run/frr -z /run/frr/zserv.api -P 0 --log stdout';
      const zebra = `${requireProgram('/usr/lib/frr/zebra')} ${usual} -i /run/frr/zebra.pid -f /dev/null`;
      const vrrpd = `${requireProgram('/usr/lib/frr/vrrpd')} ${usual} -i /run/frr/vrrpd.pid -f /run/keepalived.conf`;
      const wait = 'until [ -S /run/frr/zserv.api ]; do sleep 0.02; done';
      const folder = 'mkdir -p /run/frr && chown frr:frr /run/frr';
      return ['/bin/sh', '-c', `${folder}; ${zebra} & ${wait}; exec ${vrrpd} --log-level debug`];
    }
  }
}

/** What starts a program in real time, or nothing where that is not permitted. */
export function realTimeWords(priority: number): string[] {
  const words = [requireProgram('chrt'), '-r', String(priority)];
  return spawnSync(words[0] as string, [...words.slice(1), '/bin/true']).status === 0 ? words : [];
}

export class Daemon {
  readonly kind: DaemonKind;
  readonly lines: LogLine[] = [];
  readonly process: ChildProcess;
  readonly pid: number;
  /** The exit status, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  readonly place: DaemonPlace;
  end: number | string | undefined;

  constructor(
    kind: DaemonKind,
    place: DaemonPlace,
    config: string,
    {
      options = [],
      environment = {},
      realTime = false,
      quiet = false,
      stamped = false,
      outside = false,
      program,
    }: DaemonOptions = {},
  ) {
    this.kind = kind;
    this.place = place;
    const { namespace, folder, changed } = place;
    mkdirSync(join(folder, 'run'), { recursive: true });
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    writeFileSync(join(folder, 'run', 'keepalived.conf'), config, { mode: 0o644 });
    // The project may itself lie below /tmp: it is bound into the new /tmp first.
    const below = relative('/tmp', dirname(project));
    const kept = below.startsWith('..')
      ? undefined
      : join(folder, 'tmp', relative('/tmp', project));
    if (kept !== undefined) mkdirSync(kept, { recursive: true });
    const spaces = '/run/netns';
    if (outside) mkdirSync(join(folder, spaces), { recursive: true });
    const script = [
      ...(outside ? [`mount --rbind ${spaces} '${folder}${spaces}'`] : []),
      kept === undefined ? ':' : `mount --bind '${project}' '${kept}'`,
      `mount --rbind '${folder}/run' /run`,
      `mount --rbind '${folder}/tmp' /tmp`,
      ...(stamped ? ['date +%s%N >/run/started'] : []),
      'exec "$@"',
    ].join(' && ');
    // Every step is an exec, so this pid is the daemon's own; a new session makes one kill reach them all.
    const words = [
      `--net=${outside ? '/proc/self/ns/net' : `${spaces}/${namespace}`}`,
      requireProgram('setpriv'),
      '--pdeathsig',
      'KILL',
    ];
    words.push(requireProgram('unshare'), '--mount', '--propagation', 'private', '--');
    words.push('/bin/sh', '-c', script, 'sh', ...(realTime ? realTimeWords(50) : []));
    const more = [...(quiet ? [] : ['-D']), ...(outside ? ['-s', namespace] : []), ...options];
    words.push(...commandOf(kind, more, program));
    this.process = spawn(requireProgram('nsenter'), words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      cwd: '/',
      env: cleanEnvironment(environment),
    });
    if (this.process.pid === undefined) throw new Error(`${kind} could not be started`);
    this.pid = this.process.pid;
    for (const stream of [this.process.stdout, this.process.stderr]) {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        const at = Date.now();
        for (const line of lines) this.lines.push({ at, text: line });
        changed();
      });
    }
    this.ended = new Promise((resolve) => {
      this.process.on('exit', (status, signal) => {
        this.end = status ?? signal ?? 'unknown';
        resolve(this.end);
        changed();
      });
    });
  }

  /** Every process of the daemon that lives now, itself first. */
  pids(): number[] {
    if (this.end !== undefined) return [];
    const found = [this.pid];
    const known = [...parents()];
    for (const pid of found) {
      for (const [child, parent] of known) if (parent === pid) found.push(child);
    }
    return found;
  }

  signal(name: NodeJS.Signals | number): void {
    if (this.end === undefined) process.kill(this.pid, name);
  }

  /** Rewrites the configuration file, where given, and sends SIGHUP. */
  reload(config?: string): void {
    if (config !== undefined) writeFileSync(join(this.place.folder, 'run/keepalived.conf'), config);
    this.signal('SIGHUP');
  }

  /** A file that the daemon sees as `path` below /run or /tmp; undefined while it is not there. */
  read(path: string): string | undefined {
    try {
      return readFileSync(join(this.place.folder, path), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Whether one of its processes has such a file open just now. */
  writes(path: string): boolean {
    const looked = { throwIfNoEntry: false } as const;
    // By inode: from here the name of what another mount namespace has open is another one.
    const file = statSync(join(this.place.folder, path), looked);
    return this.pids().some((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => {
          const open = statSync(`/proc/${pid}/fd/${fd}`, looked);
          return open !== undefined && open.ino === file?.ino && open.dev === file.dev;
        });
      } catch {
        // ended meanwhile: a script, most likely
        return false;
      }
    });
  }

  /** Removes such a file, so that the next one seen is new. */
  discard(path: string): void {
    rmSync(join(this.place.folder, path), { force: true });
  }

  /** SIGKILL to every process of the daemon in one system call. */
  killAll(everyone = this.pids()): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // its group is already empty
    }
    for (const pid of everyone) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // died with the group
      }
    }
  }

  /** Processor time used by its living processes, in microseconds, from /proc/PID/schedstat of every thread. */
  cpuTime(): number {
    let total = 0;
    for (const pid of this.pids()) {
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        const [running] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
        total += Number(running) / 1000;
      }
    }
    return total;
  }

  /** The last lines, for a failing test's message. */
  tail(count = 15): string {
    const lines = this.lines.slice(-count).map((line) => `    ${line.text}`);
    const end = this.end === undefined ? 'running' : `ended with ${this.end}`;
    return [`  ${this.kind} ${this.pid} (${end}):`, ...lines].join('\n');
  }
}

/** Parent of every process, from /proc/PID/stat: `pid (name) state parent ...`, where name may hold anything. */
function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // it ended meanwhile
    }
  }
  return found;
}
