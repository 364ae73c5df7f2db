// TCP connections that are only asked for: whether each is accepted, and no more. The I/O thread waits for them and closes
// them, many at a time: a socket of Node costs more than all that the kernel does for one. It never tries again.

import { getSystemErrorName } from 'node:util';
import type { Recall } from '../lib/recall.ts';
import type { Duration } from '../lib/time.ts';
import { native, type SourceOptions } from './native.ts';
import { type Endpoint, refusal, unwanted } from './stream.ts';

/** Ids are counted up to here and begin again. */
const IDS = 2 ** 32;

export class Dials {
  readonly #waiting = new Map<number, (errno: number) => void>();
  #last = 0;

  /**
   * Until the other end has accepted. Rejects with an Error that has `code` and `syscall` where it, the kernel, the clock or the
   * signal was against it. Whoever gets the I/O thread's records hands over those of kind 'reached'.
   */
  reach(to: Endpoint, timeout: Duration, signal: Recall): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw unwanted();
      const id = this.#begin(to, timeout);
      const abort = (): void => {
        this.#waiting.delete(id);
        native.hangUp(id);
        reject(unwanted());
      };
      this.#waiting.set(id, (errno) => {
        signal.removeEventListener('abort', abort);
        if (errno === 0) resolve();
        else reject(refusalOf(errno));
      });
      signal.addEventListener('abort', abort);
    });
  }

  /** What has become of one; nobody may wait for it any more. */
  reached(id: number, errno: number): void {
    const tell = this.#waiting.get(id);
    if (tell === undefined) return;
    this.#waiting.delete(id);
    tell(errno);
  }

  #begin(to: Endpoint, timeout: Duration): number {
    do this.#last = (this.#last + 1) % IDS;
    while (this.#waiting.has(this.#last));
    native.dial(this.#last, to.address, to.port, timeout, sourceOf(to));
    return this.#last;
  }
}

/** Absent where the kernel chooses all of it. */
function sourceOf({ mark, device, bindAddress, bindPort }: Endpoint): SourceOptions | undefined {
  if (mark === 0 && device === undefined && bindAddress === undefined && bindPort === undefined)
    return undefined;
  return {
    ...(mark === 0 ? {} : { mark }),
    ...(device === undefined ? {} : { device }),
    ...(bindAddress === undefined ? {} : { source: bindAddress }),
    ...(bindPort === undefined ? {} : { sourcePort: bindPort }),
  };
}

function refusalOf(errno: number): NodeJS.ErrnoException {
  return refusal(getSystemErrorName(-errno), 'connect', native.errorText(errno));
}
