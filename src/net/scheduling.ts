// Asks the kernel for what keeps a process on time, and says in one line what it was refused.

import type { Duration } from '../lib/time.ts';
import { native } from './native.ts';

/** Processor time between two blocking calls of a real-time thread, in microseconds (getrlimit(2)). */
const RLIMIT_RTTIME = 15;

export interface Privileges {
  /** Nice value; 0 leaves it. */
  readonly nice: number;
  /** The program and its native part stay in memory (native.lockMemory). */
  readonly lockMemory: boolean;
  /** Processors to run on; all where absent. */
  readonly cpus?: readonly number[];
}

/** Each refusal as the thing that is lost and the reason. */
export function claim(wanted: Privileges): string[] {
  const lost: string[] = [];
  const attempt = (what: string, order: () => void): void => {
    try {
      order();
    } catch (error) {
      lost.push(`${what} (${(error as NodeJS.ErrnoException).code})`);
    }
  };
  if (wanted.nice !== 0) attempt(`priority ${wanted.nice}`, () => native.setNice(wanted.nice));
  if (wanted.lockMemory) attempt('memory locking', () => native.lockMemory());
  const { cpus } = wanted;
  if (cpus !== undefined) attempt('processor affinity', () => native.setAffinity(cpus));
  return lost;
}

/** Only the soft limit, and only where real time is asked for: a warning is wanted, not the end. */
export function limitRealTime(priority: number, limit: Duration, exceeded: () => void): void {
  if (priority === 0) return;
  process.on('SIGXCPU', exceeded);
  native.setLimit(RLIMIT_RTTIME, limit, Number.POSITIVE_INFINITY);
}
