// Named pipes that programs read news from. A reader that does not read loses lines; it holds nobody up.

import { chownSync, closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { native } from './native.ts';

export interface FifoPlace {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
}

const {
  O_APPEND,
  O_CLOEXEC = 0,
  O_NONBLOCK,
  O_RDWR,
} = constants as typeof constants & {
  readonly O_CLOEXEC?: number;
};

/** Makes the FIFO; what removes it again, or undefined where something is there. Throws what the system refuses. */
export function makeFifo({ path, uid, gid }: FifoPlace): (() => void) | undefined {
  if (!make(path)) return undefined;
  chownSync(path, uid, gid);
  return () => {
    try {
      unlinkSync(path);
    } catch {
      // Somebody else has removed it.
    }
  };
}

function make(path: string): boolean {
  const before = process.umask(0o077);
  try {
    native.makeFifo(path, 0o600);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    process.umask(before);
  }
}

export class FifoWriter {
  readonly #fd: number;

  /** Opened for both directions: that works, and lines are kept, while nobody reads. Throws what the system refuses. */
  constructor(path: string) {
    this.#fd = openSync(path, O_RDWR | O_NONBLOCK | O_APPEND | O_CLOEXEC);
  }

  /** False where the line had to be dropped: the pipe is full. Shorter than PIPE_BUF, it is written whole or not at all. */
  write(line: string): boolean {
    try {
      writeSync(this.#fd, line);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
