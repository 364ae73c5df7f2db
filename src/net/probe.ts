// Runs scripts that are asked how things are: one start a turn of the loop, each in a process group of its own, so
// that what it has started can be ended with it. Every run that was ordered is answered once. It knows nothing of
// intervals, limits or results.

import { close, open } from 'node:fs';
import { killGroup } from './kill.ts';

export interface Probe {
  /** Named by who orders it; its answer bears the same name. */
  readonly run: number;
  readonly words: readonly string[];
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

export type ProbeEnd =
  | { readonly status: number }
  | { readonly signal: number }
  | {
      readonly refused: string;
      /** It is no program, or what it needs to be run is not there: trying again would not help. */
      readonly unfit?: true;
    };

/** What execve(2) says of a file without #!, and of one whose interpreter is missing. */
const UNFIT: ReadonlySet<string | undefined> = new Set(['ENOEXEC', 'ENOENT', 'EACCES']);

export interface ProbeHost {
  /** Starts the program and returns its pid; throws an Error with `code` where no process can be made. */
  readonly spawn: (probe: Probe) => number;
  readonly ended: (run: number, end: ProbeEnd) => void;
}

export class Probes {
  readonly #host: ProbeHost;
  #waiting: Probe[] = [];
  /** By pid. */
  readonly #running = new Map<number, number>();
  /** Pids of those that have been told to end. */
  readonly #unwanted = new Set<number>();
  #scheduled = false;

  constructor(host: ProbeHost) {
    this.#host = host;
  }

  start(probe: Probe): void {
    this.#waiting.push(probe);
    this.#schedule();
  }

  /** The process `pid` has ended, whoever started it, or could not be run at all. */
  exited(
    pid: number,
    status: number,
    signal: number,
    refusal: NodeJS.ErrnoException | undefined,
  ): void {
    const run = this.#running.get(pid);
    if (run === undefined) return;
    this.#running.delete(pid);
    // What it has started may be deaf to that, and nobody knows of it once the run has been answered.
    if (this.#unwanted.delete(pid)) killGroup(pid, 'SIGKILL');
    if (refusal !== undefined) this.#host.ended(run, refused(refusal));
    else this.#host.ended(run, signal === 0 ? { status } : { signal });
  }

  /**
   * To all that the run has started; one that has not been started is not. What is left of it when its first process
   * has ended gets SIGKILL, as from keepalived.
   */
  signal(run: number, signal: NodeJS.Signals): void {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((probe) => probe.run !== run);
    if (this.#waiting.length < before)
      setImmediate(() => this.#host.ended(run, { refused: 'not started in time' }));
    for (const [pid, known] of this.#running) {
      if (known !== run) continue;
      this.#unwanted.add(pid);
      killGroup(pid, signal);
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#begin(next);
      this.#schedule();
    });
  }

  #begin(probe: Probe): void {
    const [path = ''] = probe.words;
    if (path.startsWith('<')) {
      this.#look(probe.run, path.slice(1));
      return;
    }
    try {
      this.#running.set(this.#host.spawn(probe), probe.run);
    } catch (error) {
      this.#host.ended(probe.run, refused(error as Error));
    }
  }

  /** keepalived's `<path`: no program is run, the file must be there to be read. */
  #look(run: number, path: string): void {
    open(path, 'r', (error, fd) => {
      // What closing it says does not matter.
      if (error === null) close(fd, () => undefined);
      this.#host.ended(run, { status: error === null ? 0 : 1 });
    });
  }
}

const refused = ({ message, code }: NodeJS.ErrnoException): ProbeEnd =>
  UNFIT.has(code) ? { refused: message, unfit: true } : { refused: message };
