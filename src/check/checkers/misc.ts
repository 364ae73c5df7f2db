// MISC_CHECK: a command is run, and its exit status tells. One that takes too long is ended with all that it has
// started, and has failed the moment its time is over.

import type { Recall } from '../../lib/recall.ts';
import type { Duration } from '../../lib/time.ts';
import { type Probe, type ProbeEnd, Probes } from '../../net/probe.ts';
import type { Verdict } from '../checker.ts';
import type { MiscOptions } from '../options.ts';
import { down, unable } from '../verdict.ts';

/** What a command that ignores SIGTERM is given before SIGKILL, in milliseconds; as in vrrp/tracker.ts. */
const GRACE = 2000;
/** setTimeout takes no more: longer is for ever. */
const LONGEST = 0x7fff_ffff;

/** A command that is being ended. */
interface Ending {
  readonly words: string;
  readonly of: readonly string[];
  /** Called when it has ended. */
  readonly waiting: Set<() => void>;
}

/** Runs the commands of all MISC_CHECKs of a process. */
export class Commands {
  readonly #probes: Probes;
  readonly #waiting = new Map<number, (end: ProbeEnd) => void>();
  /** Those that took too long, or that nobody waits for any more, and that have not ended yet. */
  readonly #ending = new Map<number, Ending>();
  #last = 0;

  /** `spawn` starts a program in a process group of its own and returns its pid; it throws where no process can be made. */
  constructor(spawn: (probe: Probe) => number) {
    this.#probes = new Probes({
      spawn,
      ended: (run, end) => {
        const ended = this.#waiting.get(run);
        this.#waiting.delete(run);
        ended?.(end);
        const ending = this.#ending.get(run);
        this.#ending.delete(run);
        for (const go of ending?.waiting ?? []) go();
      },
    });
  }

  /** A process has ended, whoever started it, or could not be run at all. */
  exited(...ended: Parameters<Probes['exited']>): void {
    this.#probes.exited(...ended);
  }

  /**
   * `of`: the servers whose check it is, by names that a reload keeps. A command never runs twice at once for one of them: the
   * one before has to end first. Checks of other servers may run the same command.
   */
  async check(options: MiscOptions, signal: Recall, of: readonly string[]): Promise<Verdict> {
    const words = options.script.words.join('\0');
    for (;;) {
      if (signal.aborted) return down('given up');
      const before = [...this.#ending.values()].find(
        (one) => one.words === words && one.of.some((server) => of.includes(server)),
      );
      if (before === undefined)
        return this.#run(options, signal, { words, of, waiting: new Set() });
      const ended = await endOf(before, options.timeout, signal);
      if (!ended) return down('the one before is still running');
    }
  }

  #run(
    { script, timeout, misc_dynamic }: MiscOptions,
    signal: Recall,
    ending: Ending,
  ): Promise<Verdict> {
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
        this.#ending.set(run, ending);
        this.#probes.signal(run, 'SIGTERM');
        killer = setTimeout(() => this.#probes.signal(run, 'SIGKILL'), GRACE);
      };
      const over = (): void => {
        end();
        settle(down('timed out'));
      };
      const abort = (): void => {
        end();
        settle(down('given up'));
      };
      const timer = timerOf(over, timeout);
      signal.addEventListener('abort', abort);
      this.#waiting.set(run, (how) => {
        clearTimeout(killer);
        settle(judge(how, misc_dynamic));
      });
      this.#probes.start({ run, ...script });
    });
  }
}

/** Whether it ends in this time, and while somebody waits for that. */
const endOf = ({ waiting }: Ending, timeout: Duration, signal: Recall): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (ended: boolean): void => {
      clearTimeout(timer);
      waiting.delete(go);
      signal.removeEventListener('abort', abort);
      resolve(ended);
    };
    const go = (): void => settle(true);
    const abort = (): void => settle(false);
    const timer = timerOf(abort, timeout);
    waiting.add(go);
    signal.addEventListener('abort', abort);
  });

function timerOf(act: () => void, timeout: Duration): NodeJS.Timeout | undefined {
  const milliseconds = Math.ceil(timeout / 1000);
  return milliseconds > LONGEST ? undefined : setTimeout(act, milliseconds);
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
