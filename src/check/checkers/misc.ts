// MISC_CHECK: a command is run, and its exit status tells. One that takes too long is ended with all that it has
// started, and has failed the moment its time is over.

import { type Probe, type ProbeEnd, Probes } from '../../net/probe.ts';
import type { Check, Verdict } from '../checker.ts';
import type { MiscOptions } from '../options.ts';
import { down, unable } from '../verdict.ts';

/** What a command that ignores SIGTERM is given before SIGKILL, in milliseconds; as in vrrp/tracker.ts. */
const GRACE = 2000;
/** setTimeout takes no more: longer is for ever. */
const LONGEST = 0x7fff_ffff;

/** Runs the commands of all MISC_CHECKs of a process. */
export class Commands {
  readonly #probes: Probes;
  readonly #waiting = new Map<number, (end: ProbeEnd) => void>();
  /** Checks whose command took too long and has not ended yet: another check may run the same command. */
  readonly #late = new Set<MiscOptions>();
  #last = 0;

  /** `spawn` starts a program in a process group of its own and returns its pid; it throws where that fails. */
  constructor(spawn: (probe: Probe) => number) {
    this.#probes = new Probes({
      spawn,
      ended: (run, end) => {
        const ended = this.#waiting.get(run);
        this.#waiting.delete(run);
        ended?.(end);
      },
    });
  }

  /** The process `pid` has ended, whoever started it. */
  exited(pid: number, status: number, signal: number): void {
    this.#probes.exited(pid, status, signal);
  }

  /** `options` is one object for as long as a check lives. */
  readonly check: Check<MiscOptions> = (options, signal) => {
    const { script, timeout, misc_dynamic } = options;
    if (signal.aborted) return Promise.resolve(down('given up'));
    // One that nothing ends does not become many.
    if (this.#late.has(options)) return Promise.resolve(down('the one before is still running'));
    this.#last += 1;
    const run = this.#last;
    return new Promise((resolve) => {
      let killer: NodeJS.Timeout | undefined;
      const settle = (verdict: Verdict): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        resolve(verdict);
      };
      const end = (): void => {
        this.#probes.signal(run, 'SIGTERM');
        killer = setTimeout(() => this.#probes.signal(run, 'SIGKILL'), GRACE);
      };
      const over = (): void => {
        this.#late.add(options);
        end();
        settle(down('timed out'));
      };
      const abort = (): void => {
        end();
        settle(down('given up'));
      };
      const milliseconds = Math.ceil(timeout / 1000);
      const timer = milliseconds > LONGEST ? undefined : setTimeout(over, milliseconds);
      signal.addEventListener('abort', abort);
      this.#waiting.set(run, (how) => {
        clearTimeout(killer);
        this.#late.delete(options);
        settle(judge(how, misc_dynamic));
      });
      this.#probes.start({ run, ...script });
    });
  };
}

function judge(end: ProbeEnd, dynamic: boolean): Verdict {
  if ('refused' in end)
    return end.unfit ? { ...unable(end.refused), unfit: true } : unable(end.refused);
  if ('signal' in end) return down(`due to signal ${end.signal}`);
  const { status } = end;
  if (status === 0) return { up: true, status };
  if (dynamic && status >= 2) return { up: true, weight: status - 2, status };
  return { ...down(`exited with status ${status}`), status };
}
