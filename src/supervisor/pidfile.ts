// PID files: where they are, who holds them, and how they go. A lock says whether a daemon runs, so a file that a dead one
// left never stands in the way, whatever process has its number today.

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Options } from '../cli.ts';
import type { Kind } from '../ipc/messages.ts';
import { native } from '../net/native.ts';
import type { Place } from './identity.ts';

const FOLDER = '/run/keepalived';

/** The folders that come with the first PID file in them and go with the last, the inner one first. */
const foldersOf = ({ net_namespace: namespace }: Place): readonly string[] =>
  namespace === undefined ? [FOLDER] : [`${FOLDER}/${namespace}`, FOLDER];

/** keepalived's default path for `keepalived`, `vrrp` or `checkers`. */
export function pidPath(name: string, place: Place, usePidDir: boolean): string {
  const { net_namespace: namespace, instance } = place;
  const suffix = instance === undefined ? '' : `_${instance}`;
  if (namespace !== undefined) return `${FOLDER}/${namespace}/${name}${suffix}.pid`;
  if (instance !== undefined || usePidDir) return `${FOLDER}/${name}${suffix}.pid`;
  return `/run/${name}.pid`;
}

/** Another daemon holds a PID file, or it cannot be made; the message is keepalived's. */
export class PidFileRefused extends Error {}

/** The PID files of one daemon: its own, and those of its children. */
export class PidFiles {
  /** Beside the PID file, whose lock says that nobody else writes it. */
  readonly journal: string;
  readonly #parent: PidFile;
  readonly #unwritten: (path: string, error: Error) => void;
  readonly #children = new Map<Kind, PidFile>();
  readonly #paths: Readonly<Record<Kind, string>>;
  readonly #folders: readonly string[];

  /** `kinds` are the children that there may be. Throws PidFileRefused; a file that is held and cannot be written is only told of. */
  constructor(
    { pid, vrrpPid, checkersPid }: Pick<Options, 'pid' | 'vrrpPid' | 'checkersPid'>,
    kinds: readonly Kind[],
    directory: string,
    place: Place,
    usePidDir: boolean,
    unwritten: (path: string, error: Error) => void,
  ) {
    this.#unwritten = unwritten;
    const pathOf = (name: string, given: string | undefined): string =>
      given === undefined ? pidPath(name, place, usePidDir) : resolve(directory, given);
    this.#paths = { vrrp: pathOf('vrrp', vrrpPid), check: pathOf('checkers', checkersPid) };
    this.#folders = foldersOf(place);
    this.#parent = take(pathOf('keepalived', pid), this.#folders);
    this.journal = `${this.#parent.path.replace(/\.pid$/, '')}.journal`;
    try {
      for (const kind of kinds) this.#children.set(kind, take(this.#paths[kind], this.#folders));
    } catch (error) {
      this.remove();
      throw error;
    }
    this.#write(this.#parent, process.pid);
  }

  /** A child of which there could be none at the start gets its file now. */
  writeChild(kind: Kind, pid: number): void {
    try {
      const file = this.#children.get(kind) ?? take(this.#paths[kind], this.#folders);
      this.#children.set(kind, file);
      this.#write(file, pid);
    } catch (error) {
      this.#unwritten(this.#paths[kind], error as Error);
    }
  }

  /** A number that cannot be written is not worth the service. */
  #write(file: PidFile, pid: number): void {
    try {
      file.write(pid);
    } catch (error) {
      this.#unwritten(file.path, error as Error);
    }
  }

  /** No child is left. */
  removeChildren(): void {
    for (const file of this.#children.values()) file.remove();
    this.#children.clear();
  }

  remove(): void {
    this.removeChildren();
    this.#parent.remove();
    removeFolders(this.#parent.path, this.#folders);
  }
}

function take(path: string, folders: readonly string[]): PidFile {
  try {
    return new PidFile(path, folders.includes(dirname(path)));
  } catch (error) {
    removeFolders(path, folders);
    const { code } = error as NodeJS.ErrnoException;
    const held = code === 'EWOULDBLOCK' || code === 'EAGAIN';
    throw new PidFileRefused(
      held ? 'daemon is already running' : `pidfile_write : Cannot open ${path} pidfile`,
    );
  }
}

/** One PID file, held from construction to `remove`. */
class PidFile {
  readonly path: string;
  readonly #fd: number;

  /** Throws EWOULDBLOCK where a running daemon holds it, and what else the system refuses. `founds`: its folder is made. */
  constructor(path: string, founds: boolean) {
    this.path = path;
    this.#fd = founds ? lockInFolder(path) : lock(path);
  }

  /** Throws where the folder is full. */
  write(pid: number): void {
    ftruncateSync(this.#fd);
    writeSync(this.#fd, `${pid}\n`, 0);
  }

  /** Removes the file unless somebody has replaced it. */
  remove(): void {
    if (isFile(this.path, this.#fd)) unlinkSync(this.path);
    closeSync(this.#fd);
  }
}

/** A file may be removed by the daemon that held it between our opening and our locking: then there is a new one. */
function lock(path: string): number {
  for (;;) {
    const fd = native.openLocked(path, 0o644);
    if (isFile(path, fd)) return fd;
    closeSync(fd);
  }
}

/** The daemon that ends may take an empty folder away between our making it and our file in it. */
function lockInFolder(path: string): number {
  for (let left = 5; ; left--) {
    makeFolder(dirname(path));
    try {
      return lock(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || left === 0) throw error;
    }
  }
}

function isFile(path: string, fd: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const open = fstatSync(fd);
  return there?.ino === open.ino && there.dev === open.dev;
}

/** Those that nobody else uses. */
function removeFolders(path: string, folders: readonly string[]): void {
  for (const folder of folders) {
    if (!path.startsWith(`${folder}/`)) continue;
    try {
      rmdirSync(folder);
    } catch {
      // Not empty, or gone.
    }
  }
}

function makeFolder(path: string): void {
  const before = process.umask(0o022);
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  } finally {
    process.umask(before);
  }
}
