// The FIFOs that tell programs about states, and the scripts that read them. Lines are written at once and in order; a FIFO
// that nobody empties loses lines and holds nobody up. The files themselves are the parent's.

import type { GlobalDefs } from '../config/globals.ts';
import type { Script } from '../config/value.ts';
import type { Log } from '../log.ts';
import { FifoWriter } from '../net/fifo.ts';
import { killGroup } from '../net/kill.ts';

/** Starts a reader and returns its pid; throws where that fails. */
export type Spawn = (script: Script, path: string) => number;

/** How long a reader that must go has to finish, in milliseconds. */
const GRACE = 1_000;

interface Open {
  readonly path: string;
  readonly writer: FifoWriter;
  readonly reader?: number;
  /** Lines lost since the last one that could be written. */
  lost: number;
}

export class Fifos {
  readonly #log: Log;
  readonly #spawn: Spawn;
  #open: readonly Open[] = [];

  constructor(log: Log, spawn: Spawn) {
    this.#log = log;
    this.#spawn = spawn;
  }

  /** At start and at each reload; readers start anew, as keepalived's do. */
  configure({
    notify_fifo,
    notify_fifo_script,
    vrrp_notify_fifo,
    vrrp_notify_fifo_script,
  }: GlobalDefs): void {
    const wanted = [
      [vrrp_notify_fifo, vrrp_notify_fifo_script],
      [notify_fifo, notify_fifo_script],
    ] as const;
    for (const old of this.#open) dismiss(old);
    this.#open = wanted.flatMap(([fifo, script]) =>
      fifo === undefined ? [] : this.#openOne(fifo.path, script),
    );
  }

  write(line: string): void {
    for (const fifo of this.#open) {
      if (fifo.writer.write(`${line}\n`)) {
        if (fifo.lost > 0) this.#log.warning(`FIFO ${fifo.path}: ${fifo.lost} lines were lost`);
        fifo.lost = 0;
      } else {
        if (fifo.lost === 0) this.#log.warning(`FIFO ${fifo.path} is full: lines are lost`);
        fifo.lost++;
      }
    }
  }

  close(): void {
    for (const fifo of this.#open) close(fifo);
    this.#open = [];
  }

  #openOne(path: string, script: Script | undefined): Open[] {
    try {
      const writer = new FifoWriter(path);
      const reader = script === undefined ? undefined : this.#read(script, path);
      return [{ path, writer, lost: 0, ...(reader === undefined ? {} : { reader }) }];
    } catch (error) {
      this.#log.error(`Unable to open FIFO ${path}: ${(error as Error).message}`);
      return [];
    }
  }

  #read(script: Script, path: string): number | undefined {
    try {
      return this.#spawn(script, path);
    } catch (error) {
      this.#log.error(`Error exec-ing command '${script.words[0]}': ${(error as Error).message}`);
      return undefined;
    }
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
