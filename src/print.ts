// Text for standard output or standard error, all of it before the call returns: the process may end right after, and
// what process.stdout still holds then would be lost.

import { writeSync } from 'node:fs';

/** Waits for a slow reader; one that has gone ends it silently. */
export function print(fd: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return;
      // Whoever is at the other end of a pipe may have made it one that does not wait.
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
