// Starts scripts behind the loop's back: at most one a turn, those of one owner one after the other, so that the
// last state told is the last state reached. One that is slow hears only the newest state. It knows nothing about why a
// script runs.

import { constants } from 'node:os';
import { type Instant, seconds, since } from '../lib/time.ts';
import { native } from './native.ts';

export interface Job {
  /** Jobs of one owner keep their order. */
  readonly owner: string;
  /** What the owner is now: jobs of the same state belong together, and overtake those before them. Absent: no state. */
  readonly state?: string;
  readonly words: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** Absent: `gid` alone. */
  readonly groups?: readonly number[];
}

export interface ScriptHost {
  readonly now: () => Instant;
  /** Starts the program and returns its pid; throws an Error with `code` where no process can be made. */
  readonly spawn: (job: Job) => number;
  readonly failed: (job: Job, error: Error) => void;
  /** A script has been running for PATIENCE and no longer holds back the next. */
  readonly overdue: (job: Job) => void;
  /** It is not run, because its owner is something else by now. */
  readonly overtaken: (job: Job) => void;
}

/** How long a script may keep the next one of its owner waiting, in milliseconds. */
const PATIENCE = 10_000;
/** The same once everything ends. */
const LAST_PATIENCE = 500;
/** How long what was started last may take when everything ends, in milliseconds; keepalived gives as much. */
const LAST_TIME = 1_000;
/** Scripts that keep up hear everything; what has waited for so long is old. */
const LAG = seconds(1);

interface Running {
  readonly job: Job;
  readonly since: Instant;
  timer: NodeJS.Timeout;
  /** Something else of its owner may run beside it. */
  overdue: boolean;
}

interface Waiting {
  readonly job: Job;
  readonly since: Instant;
}

export class Scripts {
  readonly #host: ScriptHost;
  /** By owner; none is empty. */
  readonly #waiting = new Map<string, readonly Waiting[]>();
  readonly #running = new Map<number, Running>();
  #scheduled = false;
  /** Told once everything has been started and has ended. */
  #drained: (() => void) | undefined;
  #limit: NodeJS.Timeout | undefined;

  constructor(host: ScriptHost) {
    this.#host = host;
  }

  run(job: Job): void {
    const waiting = this.#waiting.get(job.owner) ?? [];
    if (isWaiting(waiting, job)) return;
    this.#waiting.set(job.owner, [...waiting, { job, since: this.#host.now() }]);
    this.#forget(job.owner, false);
    this.#schedule();
  }

  /** The process `pid` has ended, whoever started it, or could not be run at all. */
  exited(pid: number, refusal?: Error): void {
    const running = this.#running.get(pid);
    if (running === undefined) return;
    clearTimeout(running.timer);
    this.#running.delete(pid);
    if (refusal !== undefined) this.#host.failed(running.job, refusal);
    this.#forget(running.job.owner, since(this.#host.now(), running.since) >= LAG);
    this.#schedule();
  }

  /**
   * Starts what still matters, in order, and calls back once: when all scripts have ended, or when what was started last
   * has had its time. That is LAST_TIME, and LAST_PATIENCE for each script that would not end before it.
   */
  drain(done: () => void): void {
    this.#drained = done;
    this.#limitTime();
    for (const [pid, running] of this.#running) {
      clearTimeout(running.timer);
      running.timer = this.#await(pid, LAST_PATIENCE);
    }
    for (const owner of [...this.#waiting.keys()]) this.#forget(owner, true);
    while (this.#startNext());
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#startNext()) this.#schedule();
    else if (this.#waiting.size === 0 && this.#running.size === 0) this.#finish();
  }

  /** False where nothing may be started now. */
  #startNext(): boolean {
    const busy = new Set<string>();
    for (const { job, overdue } of this.#running.values()) if (!overdue) busy.add(job.owner);
    for (const [owner, [next, ...others]] of this.#waiting) {
      if (next === undefined || busy.has(owner)) continue;
      if (others.length === 0) this.#waiting.delete(owner);
      else this.#waiting.set(owner, others);
      this.#start(next.job);
      return true;
    }
    return false;
  }

  #start(job: Job): void {
    let pid: number;
    try {
      pid = this.#host.spawn(job);
    } catch (error) {
      this.#host.failed(job, error as Error);
      return;
    }
    const ending = this.#drained !== undefined;
    const timer = this.#await(pid, ending ? LAST_PATIENCE : PATIENCE);
    this.#running.set(pid, { job, since: this.#host.now(), timer, overdue: false });
    if (ending) this.#limitTime();
  }

  #await(pid: number, milliseconds: number): NodeJS.Timeout {
    const timer = setTimeout(() => this.#overdue(pid), milliseconds);
    timer.unref();
    return timer;
  }

  #overdue(pid: number): void {
    const running = this.#running.get(pid);
    if (running === undefined) return;
    const { job } = running;
    running.overdue = true;
    // Its end is waited for only where everything ends and nothing waits for it.
    if (this.#drained === undefined) this.#running.delete(pid);
    if (this.#drained === undefined || this.#waiting.has(job.owner)) this.#host.overdue(job);
    this.#forget(job.owner, true);
    this.#schedule();
  }

  /** Drops what a later state of this owner has overtaken: all of it, or what has waited for too long. */
  #forget(owner: string, all: boolean): void {
    const waiting = this.#waiting.get(owner);
    if (waiting === undefined) return;
    const now = this.#host.now();
    const last = waiting.findLast(({ job }) => job.state !== undefined)?.job.state;
    const end = waiting.findLastIndex(({ job }) => job.state !== undefined && job.state !== last);
    const first = waiting.findIndex(({ job }, at) => at > end && job.state === last);
    const kept = waiting.filter((one, at) => {
      const old = at < first && (all || since(now, one.since) >= LAG);
      if (old) this.#host.overtaken(one.job);
      return !old;
    });
    this.#waiting.set(owner, kept);
  }

  #limitTime(): void {
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.#finish(), LAST_TIME);
  }

  #finish(): void {
    clearTimeout(this.#limit);
    const done = this.#drained;
    this.#drained = undefined;
    done?.();
  }
}

/** The same, and nothing that would overtake it behind it. */
function isWaiting(waiting: readonly Waiting[], { state, words }: Job): boolean {
  const turned = waiting.findLastIndex(({ job }) => job.state !== undefined && job.state !== state);
  return waiting.some(
    ({ job }, at) =>
      at > turned && job.state === state && job.words.join('\0') === words.join('\0'),
  );
}

/** Why a program could not be run, from its record; undefined where it was. */
export function refusalOf(errno: number): NodeJS.ErrnoException | undefined {
  if (errno === 0) return undefined;
  // Node's own list of names lacks ENOEXEC.
  const code =
    Object.entries(constants.errno).find(([, known]) => known === errno)?.[0] ?? `${errno}`;
  const message = `execve ${code}: ${native.errorText(errno)}`;
  return Object.assign(new Error(message), { code, errno, syscall: 'execve' });
}

/**
 * In the background, with the environment of the daemon, in a process group of its own; the pid. Throws where no process can
 * be made; that the program cannot be run is told at its end, for nobody waits for the disk.
 */
export function startScript({ words, uid, gid, groups }: Omit<Job, 'owner' | 'state'>): number {
  return native.spawn({
    file: words[0] ?? '',
    arguments: words,
    environment: Object.entries(process.env).map(([name, value]) => `${name}=${value}`),
    uid,
    gid,
    groups: groups ?? (uid === 0 ? [] : [gid]),
    umask: process.umask(),
    deathSignal: constants.signals.SIGTERM,
  });
}
