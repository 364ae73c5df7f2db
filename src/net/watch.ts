// Tells what is at the beginning of some small files, now and whenever they change, are replaced or go. It looks at the
// folders (inotify), for a file may not be there yet, and reads again on every hint, so that no order of events
// matters. It knows nothing of what the text means.

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
import { basename, dirname } from 'node:path';

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
/** How soon a folder that is gone is looked for again, in milliseconds. */
const AGAIN = 1000;
/** A FIFO without a writer must not hold anybody up. */
const MODE = constants.O_RDONLY | constants.O_NONBLOCK;

export class Watch {
  readonly #host: WatchHost;
  readonly #folders = new Map<string, FSWatcher | NodeJS.Timeout>();
  #files: readonly WatchedFile[] = [];
  /** Files that are being read, and whether they have to be read again after that. */
  readonly #reading = new Map<string, boolean>();

  constructor(host: WatchHost) {
    this.#host = host;
  }

  /** From now on these files; what those that are there hold. */
  follow(files: readonly WatchedFile[]): Readonly<Record<string, string>> {
    this.close();
    this.#files = files;
    for (const folder of new Set(files.map(({ file }) => dirname(file)))) this.#look(folder);
    // After the watches were set: what changes from here on is heard.
    const texts: Record<string, string> = {};
    for (const { name, file } of files) {
      const text = readNow(file);
      if (text !== undefined) texts[name] = text;
    }
    return texts;
  }

  close(): void {
    for (const watcher of this.#folders.values())
      if ('close' in watcher) watcher.close();
      else clearTimeout(watcher);
    this.#folders.clear();
    this.#files = [];
  }

  #look(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_, changed) =>
        this.#changed(folder, changed),
      );
      watcher.on('error', (error) => this.#lost(folder, error));
      this.#folders.set(folder, watcher);
    } catch (error) {
      this.#lost(folder, error as Error);
    }
  }

  #lost(folder: string, error: Error): void {
    const old = this.#folders.get(folder);
    if (old === undefined || 'close' in old) this.#host.failed(folder, error);
    this.#watchAgain(folder, AGAIN);
  }

  #watchAgain(folder: string, wait: number): void {
    const old = this.#folders.get(folder);
    if (old !== undefined && 'close' in old) old.close();
    const timer = setTimeout(() => {
      this.#look(folder);
      for (const one of this.#files) if (dirname(one.file) === folder) this.#read(one);
    }, wait);
    timer.unref();
    this.#folders.set(folder, timer);
  }

  #changed(folder: string, changed: string | null): void {
    for (const one of this.#files)
      if (dirname(one.file) === folder && (changed === null || changed === basename(one.file)))
        this.#read(one);
    // A folder that was removed or moved says its own name, and nothing any more.
    if (changed === basename(folder)) this.#watchAgain(folder, 0);
  }

  /**
   * A moment later: who truncates and then writes is heard twice, and must not be read between. Not held up by it: a
   * file may be on something slow. One reading at a time, and one more after any hint.
   */
  #read(one: WatchedFile): void {
    if (this.#reading.has(one.name)) {
      this.#reading.set(one.name, true);
      return;
    }
    this.#reading.set(one.name, false);
    const done = (text: string | undefined): void => {
      const again = this.#reading.get(one.name) === true;
      this.#reading.delete(one.name);
      if (!this.#files.includes(one)) return;
      if (again) this.#read(one);
      else this.#host.changed(one.name, text);
    };
    setTimeout(() => readSoon(one.file, done), SETTLED).unref();
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
