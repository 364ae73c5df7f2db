// The journal: a file that says which addresses this daemon may have put on interfaces, so that whoever starts after a crash of
// everything removes them, also those that the configuration no longer has. It is written before a child may add any.

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { JournalEntry } from '../vrrp/event.ts';

interface Content {
  /** Addresses do not survive a boot, and another namespace has others. */
  readonly boot: string;
  readonly namespace: string;
  readonly addresses: readonly JournalEntry[];
}

export class Journal {
  readonly #path: string;
  readonly #refused: (error: Error) => void;
  readonly #place: Pick<Content, 'boot' | 'namespace'>;
  #entries: readonly JournalEntry[] = [];

  /**
   * Call it inside the namespace that the addresses are in. `refused` hears why the file could not be written: the
   * daemon goes on, and only a start after everything was killed will know less.
   */
  constructor(path: string, refused: (error: Error) => void) {
    this.#path = path;
    this.#refused = refused;
    this.#place = {
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      namespace: readlinkSync('/proc/self/ns/net'),
    };
    this.#entries = this.#read();
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** Before a configuration with these addresses is given to a child: what was there before stays until `settle`. */
  extend(entries: readonly JournalEntry[]): void {
    const known = new Set(this.#entries.map(keyOf));
    const more = entries.filter((entry) => !known.has(keyOf(entry)));
    if (more.length > 0) this.#write([...this.#entries, ...more]);
  }

  /** A child runs with these addresses and has removed all others. */
  settle(entries: readonly JournalEntry[]): void {
    this.#write(entries);
  }

  /** Nothing is left on any interface. */
  remove(): void {
    this.#entries = [];
    try {
      rmSync(this.#path, { force: true });
    } catch (error) {
      this.#refused(error as Error);
    }
  }

  /** Whatever cannot be read, or was not written by this user for this place, says nothing. */
  #read(): readonly JournalEntry[] {
    try {
      const fd = openSync(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        if (fstatSync(fd).uid !== process.geteuid?.()) return [];
        const { boot, namespace, addresses } = JSON.parse(readFileSync(fd, 'utf8')) as Content;
        const here = boot === this.#place.boot && namespace === this.#place.namespace;
        return here ? addresses.filter(isEntry) : [];
      } finally {
        closeSync(fd);
      }
    } catch {
      return [];
    }
  }

  /** In one move: a crash leaves the old file or the new one. */
  #write(addresses: readonly JournalEntry[]): void {
    this.#entries = addresses;
    const draft = `${this.#path}.new`;
    const content: Content = { ...this.#place, addresses };
    try {
      rmSync(draft, { force: true });
      writeFileSync(draft, JSON.stringify(content), { flag: 'wx', mode: 0o600 });
      renameSync(draft, this.#path);
    } catch (error) {
      this.#refused(error as Error);
    }
  }
}

export const keyOf = ({ address, prefix, dev }: JournalEntry): string =>
  `${address}/${prefix} ${dev}`;

function isEntry(entry: unknown): entry is JournalEntry {
  if (typeof entry !== 'object' || entry === null) return false;
  const { address, prefix, dev } = entry as Record<keyof JournalEntry, unknown>;
  return typeof address === 'string' && typeof prefix === 'number' && typeof dev === 'string';
}
