// Tells what is at the beginning of some small files, now and whenever they change, are replaced or go. It looks at the
// folders (inotify), for a file may not be there yet, and at those of the links that lead to it, for one of them may be
// exchanged (a mounted ConfigMap of Kubernetes). It reads again on every hint, so that no order of events matters. It
// knows nothing of what the text means.

import {
  close,
  closeSync,
  constants,
  type FSWatcher,
  open,
  openSync,
  read,
  readSync,
  watch,
} from 'node:fs';
import { basename } from 'node:path';
import { isSameTrail, type Trail, trailNow, trailSoon } from './trail.ts';

export interface WatchedFile {
  readonly name: string;
  readonly file: string;
}

export interface WatchHost {
  /** `text` is absent while there is no such file. */
  readonly changed: (name: string, text: string | undefined) => void;
  readonly failed: (folder: string, error: Error) => void;
}

/** More than any number takes. */
const LENGTH = 64;
/** How long a file is left alone after a hint, in milliseconds. */
const SETTLED = 10;
/** How often in a row it is left alone: one that is written all the time is told all the same, */
const DELAYS = 5;
/**
 * only not so soon while there is nothing in it: the shell truncates it before it runs what is to write it, and that may take
 * its time. Nobody here is told when it is closed, which is what keepalived waits for.
 */
const EMPTY_DELAYS = 200;
/** How soon a folder that is gone is looked for again, in milliseconds. */
const AGAIN = 1000;
/** A FIFO without a writer must not hold anybody up. */
const MODE = constants.O_RDONLY | constants.O_NONBLOCK;

interface Followed extends WatchedFile {
  trail: Trail;
  reading?: Reading;
}

interface Reading {
  /** Something was heard since it began. */
  again: boolean;
  /** What the path leads to may be another file. */
  moved: boolean;
  delays: number;
}

export class Watch {
  readonly #host: WatchHost;
  readonly #folders = new Map<string, FSWatcher | NodeJS.Timeout>();
  /** Folders that nobody needs to be told of again. */
  readonly #failed = new Set<string>();
  #files: readonly Followed[] = [];

  constructor(host: WatchHost) {
    this.#host = host;
  }

  /** From now on these files; what those that are there hold. */
  follow(files: readonly WatchedFile[]): Readonly<Record<string, string>> {
    this.close();
    this.#files = files.map((file) => ({ ...file, trail: [] }));
    for (const one of this.#files) while (this.#learn(one, trailNow(one.file)));
    // After the watches were set: what changes from here on is heard.
    const texts: Record<string, string> = {};
    for (const { name, file } of files) {
      const text = readNow(file);
      if (text !== undefined) texts[name] = text;
    }
    return texts;
  }

  close(): void {
    this.#files = [];
    this.#tidy();
  }

  /** Watches what leads to a file; whether this is news, and may have changed again before it was watched. */
  #learn(one: Followed, trail: Trail): boolean {
    const isNews = !isSameTrail(one.trail, trail);
    one.trail = trail;
    for (const { folder } of trail) if (!this.#folders.has(folder)) this.#look(folder);
    if (isNews) this.#tidy();
    return isNews;
  }

  #tidy(): void {
    const used = new Set(this.#files.flatMap(({ trail }) => trail.map(({ folder }) => folder)));
    for (const folder of this.#folders.keys()) if (!used.has(folder)) this.#leave(folder);
    for (const folder of this.#failed) if (!used.has(folder)) this.#failed.delete(folder);
  }

  #look(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (event, changed) =>
        this.#changed(folder, event, changed),
      );
      watcher.on('error', (error) => this.#lost(folder, error));
      this.#folders.set(folder, watcher);
      this.#failed.delete(folder);
    } catch (error) {
      this.#lost(folder, error as Error);
    }
  }

  #lost(folder: string, error: Error): void {
    this.#leave(folder);
    const timer = setTimeout(() => this.#lookAgain(folder), AGAIN);
    timer.unref();
    this.#folders.set(folder, timer);
    if (this.#failed.has(folder)) return;
    this.#failed.add(folder);
    this.#host.failed(folder, error);
  }

  #leave(folder: string): void {
    const old = this.#folders.get(folder);
    if (old === undefined) return;
    if ('close' in old) old.close();
    else clearTimeout(old);
    this.#folders.delete(folder);
  }

  /** Perhaps elsewhere: a folder that went may have been exchanged for another one. */
  #lookAgain(folder: string): void {
    this.#leave(folder);
    for (const one of this.#files)
      if (one.trail.some((sign) => sign.folder === folder)) this.#hint(one, true);
  }

  #changed(folder: string, event: string, changed: string | null): void {
    for (const one of this.#files)
      if (
        one.trail.some(
          (sign) => sign.folder === folder && (changed === null || changed === sign.name),
        )
      )
        this.#hint(one, event === 'rename');
    // A folder that was removed or moved says its own name, and nothing any more.
    if (changed === basename(folder)) this.#lookAgain(folder);
  }

  /** One reading at a time, and one more after any hint. */
  #hint(one: Followed, moved: boolean): void {
    const { reading } = one;
    if (reading === undefined) {
      one.reading = { again: false, moved, delays: 0 };
      this.#wait(one, one.reading);
      return;
    }
    reading.again = true;
    if (moved) reading.moved = true;
  }

  /** A moment later: who truncates and then writes is heard twice, and must not be read between. */
  #wait(one: Followed, reading: Reading): void {
    setTimeout(() => {
      if (reading.moved) trailSoon(one.file, (trail) => this.#trace(one, reading, trail));
      else this.#read(one, reading);
    }, SETTLED).unref();
  }

  #trace(one: Followed, reading: Reading, trail: Trail): void {
    if (!this.#files.includes(one)) return;
    if (this.#learn(one, trail)) reading.again = true;
    else reading.moved = false;
    this.#read(one, reading);
  }

  /** Not held up by it: a file may be on something slow. */
  #read(one: Followed, reading: Reading): void {
    readSoon(one.file, (text) => {
      if (!this.#files.includes(one)) return;
      const isEmpty = text === '';
      if ((isEmpty || reading.again) && reading.delays < (isEmpty ? EMPTY_DELAYS : DELAYS)) {
        reading.again = false;
        reading.delays++;
        this.#wait(one, reading);
        return;
      }
      delete one.reading;
      if (reading.again) this.#hint(one, reading.moved);
      this.#host.changed(one.name, text);
    });
  }
}

export function readNow(file: string): string | undefined {
  try {
    const fd = openSync(file, MODE);
    try {
      const bytes = Buffer.alloc(LENGTH);
      return bytes.toString('latin1', 0, readSync(fd, bytes));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function readSoon(file: string, done: (text: string | undefined) => void): void {
  open(file, MODE, (refused, fd) => {
    if (refused !== null) {
      done(undefined);
      return;
    }
    const bytes = Buffer.alloc(LENGTH);
    read(fd, bytes, 0, LENGTH, 0, (error, length) => {
      close(fd, () => undefined);
      done(error === null ? bytes.toString('latin1', 0, length) : undefined);
    });
  });
}
