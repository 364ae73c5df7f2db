// The FIFOs that tell programs about states, and the scripts that read them. Lines are written at once and in order; a FIFO
// that nobody empties loses lines and holds nobody up. The files themselves are the parent's.

import type { GlobalDefs } from './config/globals.ts';
import type { Script } from './config/value.ts';
import type { Log } from './log.ts';
import { FifoWriter } from './net/fifo.ts';
import { killGroup } from './net/kill.ts';
import { startScript } from './net/script.ts';

/** How long a reader that must go has to finish, in milliseconds. */
const GRACE = 1_000;

interface Open {
  readonly path: string;
  readonly writer: FifoWriter;
  reader: number | undefined;
  readonly script: Script | undefined;
  /** Readers before it that have not ended yet: one that waits for a line takes the next with it into its death. */
  readonly predecessors: Set<number>;
  /** What is to be said once they have. */
  held: readonly string[];
  /** Lines lost since the last one that could be written. */
  lost: number;
}

export class Fifos {
  readonly #log: Log;
  #open: readonly Open[] = [];
  #leads = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** As configured last. */
  get leads(): boolean {
    return this.#leads;
  }

  /**
   * At start and at each reload, for a process of this kind; readers start anew, as keepalived's do. `leads`: it starts
   * the reader of the FIFO that all processes write to.
   */
  configure(kind: 'vrrp' | 'lvs', defs: GlobalDefs, leads: boolean): void {
    const before = new Map(this.#open.map((old) => [old.path, old]));
    for (const old of this.#open) dismiss(old);
    this.#leads = leads;
    const wanted = [
      kind === 'vrrp'
        ? ([defs.vrrp_notify_fifo, defs.vrrp_notify_fifo_script] as const)
        : ([defs.lvs_notify_fifo, defs.lvs_notify_fifo_script] as const),
      [defs.notify_fifo, leads ? defs.notify_fifo_script : undefined] as const,
    ];
    this.#open = wanted.flatMap(([fifo, script]) =>
      fifo === undefined ? [] : this.#openOne(fifo.path, script, before.get(fifo.path)),
    );
  }

  write(line: string): void {
    for (const fifo of this.#open) {
      if (fifo.predecessors.size === 0) this.#writeTo(fifo, line);
      else fifo.held = [...fifo.held, line];
    }
  }

  /** The process `pid` has ended, whoever started it, or could not be run at all. */
  exited(pid: number, refusal?: Error): void {
    for (const fifo of this.#open) {
      if (fifo.reader === pid) {
        fifo.reader = undefined;
        if (refusal !== undefined) this.#failed(fifo.script, refusal);
      }
      if (fifo.predecessors.delete(pid) && fifo.predecessors.size === 0) this.#release(fifo);
    }
  }

  close(): void {
    for (const fifo of this.#open) {
      this.#release(fifo);
      close(fifo);
    }
    this.#open = [];
  }

  #release(fifo: Open): void {
    for (const line of fifo.held) this.#writeTo(fifo, line);
    fifo.held = [];
  }

  #writeTo(fifo: Open, line: string): void {
    if (fifo.writer.write(`${line}\n`)) {
      if (fifo.lost > 0) this.#log.warning(`FIFO ${fifo.path}: ${fifo.lost} lines were lost`);
      fifo.lost = 0;
    } else {
      if (fifo.lost === 0) this.#log.warning(`FIFO ${fifo.path} is full: lines are lost`);
      fifo.lost++;
    }
  }

  #openOne(path: string, script: Script | undefined, before: Open | undefined): Open[] {
    try {
      const writer = new FifoWriter(path);
      const reader = script === undefined ? undefined : this.#read(script, path);
      const predecessors = new Set(before?.predecessors);
      if (before?.reader !== undefined) predecessors.add(before.reader);
      const { held = [], lost = 0 } = before ?? {};
      return [{ path, writer, reader, script, predecessors, held, lost }];
    } catch (error) {
      this.#log.error(`Unable to open FIFO ${path}: ${(error as Error).message}`);
      return [];
    }
  }

  #read(script: Script, path: string): number | undefined {
    const { words, ...as } = script;
    try {
      return startScript({ words: [...words, path], ...as });
    } catch (error) {
      this.#failed(script, error as Error);
      return undefined;
    }
  }

  #failed(script: Script | undefined, { message }: Error): void {
    this.#log.error(`Error exec-ing command '${script?.words[0]}': ${message}`);
  }
}

/** The end of its FIFO and SIGTERM tell a reader to go; two of them would take each other's lines. */
function dismiss(fifo: Open): void {
  close(fifo);
  if (fifo.reader !== undefined) setTimeout(killGroup, GRACE, fifo.reader, 'SIGKILL').unref();
}

function close({ writer, reader }: Open): void {
  writer.close();
  if (reader !== undefined) killGroup(reader, 'SIGTERM');
}
