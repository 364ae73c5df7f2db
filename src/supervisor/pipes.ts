// The notification FIFOs as files: the parent makes them before a child writes and removes at the end what it made, so
// that they are there however many children come and go.

import type { Fifo, GlobalDefs } from '../config/globals.ts';
import { makeFifo } from '../net/fifo.ts';

export class Pipes {
  readonly #refused: (path: string, error: Error) => void;
  #kept = new Map<string, () => void>();

  constructor(refused: (path: string, error: Error) => void) {
    this.#refused = refused;
  }

  /** Those of a new configuration; what it no longer has goes, what stays is not touched, what somebody has removed is made again. */
  keep({ notify_fifo, vrrp_notify_fifo, lvs_notify_fifo }: GlobalDefs): void {
    const kept = new Map<string, () => void>();
    for (const fifo of [notify_fifo, vrrp_notify_fifo, lvs_notify_fifo]) {
      if (fifo === undefined || kept.has(fifo.path)) continue;
      const remove = this.#make(fifo) ?? this.#kept.get(fifo.path);
      if (remove !== undefined) kept.set(fifo.path, remove);
    }
    for (const [path, remove] of this.#kept) if (!kept.has(path)) remove();
    this.#kept = kept;
  }

  close(): void {
    for (const remove of this.#kept.values()) remove();
    this.#kept.clear();
  }

  #make(fifo: Fifo): (() => void) | undefined {
    try {
      return makeFifo(fifo);
    } catch (error) {
      this.#refused(fifo.path, error as Error);
      return undefined;
    }
  }
}
