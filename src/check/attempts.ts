// The attempts that are being made: which checker makes each, and how it is given up. Each that was ordered is answered
// once, unless it has been given up: then nobody hears of it.

import { type Recall, Recallable } from '../lib/recall.ts';
import { Dials } from '../net/dial.ts';
import { startScript } from '../net/script.ts';
import type { Check, Verdict } from './checker.ts';
import { checks } from './checkers/index.ts';
import { Commands } from './checkers/misc.ts';
import { tcpCheck } from './checkers/tcp.ts';
import type { Target } from './options.ts';

export class Attempts {
  readonly #answered: (run: number, verdict: Verdict) => void;
  readonly #running = new Map<number, Recallable>();
  readonly #commands = new Commands(startScript);
  readonly #dials = new Dials();
  readonly #tcpCheck = tcpCheck(this.#dials);

  constructor(answered: (run: number, verdict: Verdict) => void) {
    this.#answered = answered;
  }

  /** `of`: the servers whose check it is, where that matters (action.ts). */
  start(run: number, target: Target, of: readonly string[] = []): void {
    const wish = new Recallable();
    this.#running.set(run, wish);
    const tell = (verdict: Verdict): void => {
      if (this.#running.delete(run)) this.#answered(run, verdict);
    };
    this.#make(target, wish, of).then(tell, (error: Error) =>
      tell({ up: false, reason: error.message, local: true }),
    );
  }

  cancel(run: number): void {
    const wish = this.#running.get(run);
    this.#running.delete(run);
    wish?.abort();
  }

  /** A process has ended, whoever started it, or could not be run at all. */
  exited(...ended: Parameters<Commands['exited']>): void {
    this.#commands.exited(...ended);
  }

  /** A connection that was asked for has been accepted, or refused with an errno. */
  reached(id: number, errno: number): void {
    this.#dials.reached(id, errno);
  }

  close(): void {
    for (const run of [...this.#running.keys()]) this.cancel(run);
  }

  #make(target: Target, signal: Recall, of: readonly string[]): Promise<Verdict> {
    if (target.kind === 'MISC_CHECK') return this.#commands.check(target.options, signal, of);
    if (target.kind === 'TCP_CHECK') return this.#tcpCheck(target.options, signal);
    const check: Check<never> = checks[target.kind];
    return check(target.options as never, signal);
  }
}
