// Starts scripts behind the loop's back: at most one a turn, those of one owner one after the other, so that the
// last state told is the last state reached. It knows nothing about why a script runs.

import { constants } from 'node:os';
import { native } from './native.ts';

export interface Job {
  /** Jobs of one owner keep their order. */
  readonly owner: string;
  readonly words: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** Absent: `gid` alone. */
  readonly groups?: readonly number[];
}

export interface ScriptHost {
  /** Starts the program and returns its pid; throws an Error with `code` where that fails. */
  readonly spawn: (job: Job) => number;
  readonly failed: (job: Job, error: Error) => void;
  /** A script has been running for PATIENCE and no longer holds back the next. */
  readonly overdue: (job: Job) => void;
}

/** How long a script may keep the next one of its owner waiting, in milliseconds. */
const PATIENCE = 10_000;

interface Running {
  readonly job: Job;
  readonly timer: NodeJS.Timeout;
}

export class Scripts {
  readonly #host: ScriptHost;
  readonly #waiting: Job[] = [];
  readonly #running = new Map<number, Running>();
  #scheduled = false;
  /** Told once everything has been started and has ended. */
  #drained: (() => void) | undefined;

  constructor(host: ScriptHost) {
    this.#host = host;
  }

  run(job: Job): void {
    this.#waiting.push(job);
    this.#schedule();
  }

  /** The process `pid` has ended, whoever started it. */
  exited(pid: number): void {
    const running = this.#running.get(pid);
    if (running === undefined) return;
    clearTimeout(running.timer);
    this.#running.delete(pid);
    this.#schedule();
  }

  /** Starts what waits without regard to order, and calls back when all scripts have ended. */
  drain(done: () => void): void {
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift())
      this.#start(job);
    this.#drained = done;
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
    const busy = new Set([...this.#running.values()].map((r) => r.job.owner));
    const next = this.#waiting.findIndex((job) => !busy.has(job.owner));
    if (next >= 0) {
      const [job] = this.#waiting.splice(next, 1);
      if (job !== undefined) this.#start(job);
      this.#schedule();
    } else if (this.#waiting.length === 0 && this.#running.size === 0) {
      this.#drained?.();
    }
  }

  #start(job: Job): void {
    let pid: number;
    try {
      pid = this.#host.spawn(job);
    } catch (error) {
      this.#host.failed(job, error as Error);
      return;
    }
    const timer = setTimeout(() => {
      this.#host.overdue(job);
      this.#running.delete(pid);
      this.#schedule();
    }, PATIENCE);
    timer.unref();
    this.#running.set(pid, { job, timer });
  }
}

/** In the background, with the environment of the daemon, in a process group of its own; the pid. Throws what the system refuses. */
export function startScript({ words, uid, gid, groups }: Omit<Job, 'owner'>): number {
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
