// Tells what is at the beginning of some small files, now and whenever one has been written and closed, is replaced or goes. It
// looks at the folders (inotify), for a file may not be there yet, and at those of the links that lead to it, for one of them
// may be exchanged (a mounted ConfigMap of Kubernetes). Where a folder cannot be watched its files are looked at every second.
// It knows nothing of what the text means.

import { close, closeSync, constants, open, openSync, read, readSync } from 'node:fs';
import { FOLDER_NEWS, type FolderNews, readFolderNews } from './inotify.ts';
import { native } from './native.ts';
import type { Record as Heard } from './record.ts';
import { isSameTrail, type Trail, trailNow, trailSoon } from './trail.ts';

export interface WatchedFile {
  readonly name: string;
  readonly file: string;
}

export interface WatchHost {
  /** `text` is absent while there is no such file. */
  readonly changed: (name: string, text: string | undefined) => void;
  /** Once for a folder, and once for all where the system allows no more. */
  readonly failed: (folder: string, error: Error) => void;
}

/** More than any number takes. */
const LENGTH = 64;
/**
 * A file that is empty or gone is looked at again so many milliseconds later, for whoever writes it may have begun anew, or put
 * another one in its place,
 */
const SETTLED = 10;
/** and, while more is heard of it, so many times. */
const LOOKS = 10;
/** How soon a folder that is gone, or cannot be watched, is looked for again, in milliseconds. */
const AGAIN = 1000;
/** Who fails so for one folder does for all. */
const LIMITS = new Set(['EMFILE', 'ENFILE', 'ENOSPC', 'ENOMEM']);
/** A FIFO without a writer must not hold anybody up. */
const MODE = constants.O_RDONLY | constants.O_NONBLOCK;

interface Followed extends WatchedFile {
  trail: Trail;
  reading?: Reading;
  /** What is known of it. */
  text?: string;
  /** Nobody tells when it is closed, and it was empty when it was looked at last. */
  blank?: boolean;
}

/**
 * Why a file is read: it is complete ('sure'); it may be another one, which is complete if it is ('doubt'); nobody tells of it
 * ('look').
 */
type Hint = 'sure' | 'doubt' | 'look';

interface Reading {
  readonly hints: Set<Hint>;
  /** Heard since it began. */
  readonly more: Set<Hint>;
  /** What the path leads to may be another file. */
  moved: boolean;
  looks: number;
}

export class Watch {
  readonly #host: WatchHost;
  /** Opened with the first folder. */
  #fd: number | undefined;
  /** The number that the kernel's news have; a timer where it cannot be watched. */
  readonly #folders = new Map<string, number | NodeJS.Timeout>();
  /** Folders, and limits, that nobody needs to be told of again. */
  readonly #failed = new Set<string>();
  #files: readonly Followed[] = [];

  constructor(host: WatchHost) {
    this.#host = host;
  }

  /** From now on these files; what those that are there hold. The I/O thread must run: its records are for hear(). */
  follow(files: readonly WatchedFile[]): Readonly<Record<string, string>> {
    this.#files = files.map((file) => ({ ...file, trail: [] }));
    for (const one of this.#files) while (this.#learn(one, trailNow(one.file)));
    this.#tidy();
    // After the watches were set: what changes from here on is heard.
    const texts: Record<string, string> = {};
    for (const one of this.#files) {
      const text = readNow(one.file);
      if (text === undefined) continue;
      one.text = text;
      texts[one.name] = text;
    }
    return texts;
  }

  close(): void {
    this.#files = [];
    this.#tidy();
  }

  /** Whether the record was about files. */
  hear(record: Heard): boolean {
    if (record.kind !== 'files' && (record.kind !== 'resync' || record.fd !== this.#fd))
      return false;
    if (record.kind === 'resync') this.#lost();
    else if (record.fd === this.#fd)
      for (const news of readFolderNews(record.bytes)) this.#heard(news);
    return true;
  }

  /** Watches what leads to a file; whether this is news, and may have changed again before it was watched. */
  #learn(one: Followed, trail: Trail): boolean {
    let isNews = !isSameTrail(one.trail, trail);
    one.trail = trail;
    for (const { folder } of trail) if (this.#look(folder)) isNews = true;
    if (isNews) this.#tidy();
    return isNews;
  }

  #tidy(): void {
    const used = new Set(this.#files.flatMap(({ trail }) => trail.map(({ folder }) => folder)));
    for (const folder of this.#folders.keys()) if (!used.has(folder)) this.#leave(folder);
    for (const key of this.#failed)
      if (!used.has(key) && !(LIMITS.has(key) && this.#isShort())) this.#failed.delete(key);
    if (this.#files.length > 0 || this.#fd === undefined) return;
    native.close(this.#fd);
    this.#fd = undefined;
  }

  #isShort(): boolean {
    return [...this.#folders.values()].some((one) => typeof one !== 'number');
  }

  /** True where it was not watched so far: the folder of that name may be another one by now. */
  #look(folder: string): boolean {
    try {
      this.#fd ??= native.inotify();
      const number = native.inotifyAdd(this.#fd, folder, FOLDER_NEWS);
      if (this.#folders.get(folder) === number) return false;
      this.#leave(folder);
      this.#folders.set(folder, number);
      this.#failed.delete(folder);
      return true;
    } catch (error) {
      this.#missed(folder, error as NodeJS.ErrnoException);
      return false;
    }
  }

  #missed(folder: string, error: NodeJS.ErrnoException): void {
    this.#leave(folder);
    const timer = setTimeout(() => this.#lookAgain(folder), AGAIN);
    timer.unref();
    this.#folders.set(folder, timer);
    const key = LIMITS.has(error.code ?? '') ? (error.code as string) : folder;
    if (this.#failed.has(key)) return;
    this.#failed.add(key);
    this.#host.failed(folder, error);
  }

  #leave(folder: string): void {
    const old = this.#folders.get(folder);
    if (old === undefined) return;
    this.#folders.delete(folder);
    if (typeof old !== 'number') clearTimeout(old);
    // One folder may have two names.
    else if (![...this.#folders.values()].includes(old)) this.#unwatch(old);
  }

  #unwatch(number: number): void {
    try {
      if (this.#fd !== undefined) native.inotifyRemove(this.#fd, number);
    } catch {
      // The folder is gone, and the kernel's watch with it.
    }
  }

  /** Perhaps elsewhere: a folder that went may have been exchanged for another one. */
  #lookAgain(folder: string): void {
    for (const one of this.#files)
      if (one.trail.some((sign) => sign.folder === folder)) this.#hint(one, 'look', true);
  }

  /** Anything may have happened. */
  #lost(): void {
    for (const one of this.#files) this.#hint(one, 'sure', true);
  }

  #heard({ number, what, name }: FolderNews): void {
    if (what === 'lost') this.#lost();
    const folders = [...this.#folders].filter(([, known]) => known === number);
    for (const [folder] of folders) {
      const isOwn = what === 'self' || what === 'end';
      if (what === 'end') this.#folders.delete(folder);
      for (const one of this.#files)
        if (one.trail.some((sign) => sign.folder === folder && (isOwn || sign.name === name)))
          this.#hint(one, what === 'made' ? 'doubt' : 'sure', what !== 'written');
    }
  }

  /** One reading at a time, and one more after any hint. */
  #hint(one: Followed, hint: Hint, moved: boolean): void {
    const { reading } = one;
    if (reading === undefined) {
      this.#start(one, new Set([hint]), moved);
      return;
    }
    reading.more.add(hint);
    if (moved) reading.moved = true;
  }

  #start(one: Followed, hints: Set<Hint>, moved: boolean): void {
    one.reading = { hints, more: new Set(), moved, looks: 0 };
    this.#begin(one, one.reading);
  }

  #begin(one: Followed, reading: Reading): void {
    const { moved, hints, more } = reading;
    for (const hint of more) hints.add(hint);
    more.clear();
    reading.moved = false;
    if (moved) trailSoon(one.file, (trail) => this.#trace(one, reading, trail));
    else this.#read(one, reading);
  }

  #trace(one: Followed, reading: Reading, trail: Trail): void {
    if (!this.#files.includes(one)) return;
    const { hints, more } = reading;
    if (!isSameTrail(one.trail, trail)) hints.add('sure');
    if (this.#learn(one, trail)) {
      more.add('look');
      reading.moved = true;
    }
    if (hints.has('sure') || hints.has('look')) this.#read(one, reading);
    else this.#end(one, reading);
  }

  /** Not held up by it: a file may be on something slow. */
  #read(one: Followed, reading: Reading): void {
    readSoon(one.file, (text) => {
      if (!this.#files.includes(one)) return;
      const { hints, more, looks } = reading;
      const isNothing = text === undefined || text === '';
      if (isNothing && (looks === 0 || more.size > 0) && looks < LOOKS) {
        reading.looks++;
        setTimeout(() => {
          if (this.#files.includes(one)) this.#begin(one, reading);
        }, SETTLED).unref();
        return;
      }
      if (hints.has('sure')) this.#tell(one, text);
      else this.#seen(one, text);
      this.#end(one, reading);
    });
  }

  #end(one: Followed, { more, moved }: Reading): void {
    delete one.reading;
    if (more.size > 0) this.#start(one, new Set(more), moved);
  }

  /** Nobody has said that it was closed: nothing in it must be seen twice. */
  #seen(one: Followed, text: string | undefined): void {
    const isBlank = text === '' && one.blank !== true;
    one.blank = text === '';
    if (!isBlank && text !== one.text) this.#tell(one, text);
  }

  #tell(one: Followed, text: string | undefined): void {
    if (text === undefined) delete one.text;
    else one.text = text;
    this.#host.changed(one.name, text);
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
