// The I/O thread as one object: it is started with a callback that gets decoded records, and keeps the credit
// alive from a timer of the loop itself, so that a loop that no longer turns falls silent. Where it has real time the
// thread of JavaScript has it too, one below: what is decided late is done late.

import { native } from './native.ts';
import { type Record, readRecords } from './record.ts';

/** Time from the loop's last turn to silence, in microseconds. */
const CREDIT = 3_000_000;
/** The same for one turn that is known to be long: a start, a big reload, on a small machine that has more to do. */
const LONG_CREDIT = 10_000_000;
/** How often the loop renews its credit, in milliseconds. */
const RENEWAL = 500;
/** Room for one batch of records; what does not fit comes in the next. */
const RING = 1 << 20;

export interface ThreadSettings {
  /** Real-time priority 1-99, or 0 for none. */
  readonly priority: number;
  /** Where a byte is written when the credit has ended; -1 for nowhere. */
  readonly deadmanFd: number;
}

export class Thread {
  readonly #deadmanFd: number;
  /** Real-time priority of the thread of JavaScript, 0 for none. */
  readonly #own: number;
  #turned: NodeJS.Immediate | undefined;
  readonly #renewal: NodeJS.Timeout;

  /** Throws EPERM where real-time priority is not permitted, EBUSY where the process has a thread already. */
  constructor(onRecords: (records: Iterable<Record>) => void, settings: ThreadSettings) {
    this.#own = Math.max(settings.priority - 1, 0);
    this.#schedule(this.#own);
    const ring = new Uint8Array(RING);
    native.start(
      (length) => {
        native.alive();
        // One at a time: thousands at once would outlive the young part of the heap.
        onRecords(readRecords(ring, length));
        // Only now may a shot fire again: everything that came before has been considered.
        native.settle();
      },
      ring,
      { policy: settings.priority > 0 ? 'rr' : 'other', priority: settings.priority },
    );
    this.#deadmanFd = settings.deadmanFd;
    this.longTurn();
    this.#renewal = setInterval(() => native.alive(), RENEWAL);
  }

  /** This turn of the loop may take longer than others, and takes no processor away from anyone. */
  longTurn(): void {
    clearImmediate(this.#turned);
    native.deadman(LONG_CREDIT, this.#deadmanFd);
    this.#schedule(0);
    this.#turned = setImmediate(() => {
      native.deadman(CREDIT, this.#deadmanFd);
      this.#schedule(this.#own);
    });
  }

  /** Joins the thread; nothing is sent or received any more. */
  stop(): void {
    clearImmediate(this.#turned);
    clearInterval(this.#renewal);
    native.stop();
  }

  #schedule(priority: number): void {
    if (this.#own === 0) return;
    native.setScheduling(0, priority > 0 ? 'rr' : 'other', priority, true);
  }
}

/** Without real time where that is not permitted; `lost` then has a line more. */
export function startThread(
  onRecords: (records: Iterable<Record>) => void,
  settings: ThreadSettings,
  lost: string[],
): Thread {
  try {
    return new Thread(onRecords, settings);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPERM') throw error;
    lost.push(`real-time priority (${code})`);
    return new Thread(onRecords, { ...settings, priority: 0 });
  }
}
