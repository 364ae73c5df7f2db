// PID files: where they are, who holds them, and how they go. A lock says whether a daemon runs, so a file that a dead one
// left never stands in the way, whatever process has its number today.

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { native } from '../net/native.ts';
import type { Place } from './identity.ts';

/** keepalived's default path for `keepalived` or `vrrp`. */
export function pidPath(name: string, place: Place, usePidDir: boolean): string {
  const { net_namespace: namespace, instance } = place;
  const suffix = instance === undefined ? '' : `_${instance}`;
  if (namespace !== undefined) return `/run/keepalived/${namespace}/${name}${suffix}.pid`;
  if (instance !== undefined || usePidDir) return `/run/keepalived/${name}${suffix}.pid`;
  return `/run/${name}.pid`;
}

/** One PID file, held from construction to `remove`. */
export class PidFile {
  readonly path: string;
  readonly #fd: number;

  /** Throws EWOULDBLOCK where a running daemon holds it, and what else the system refuses. */
  constructor(path: string) {
    this.path = path;
    if (path.startsWith('/run/keepalived/')) makeFolder(dirname(path));
    this.#fd = lock(path);
  }

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

function isFile(path: string, fd: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const open = fstatSync(fd);
  return there?.ino === open.ino && there.dev === open.dev;
}

function makeFolder(path: string): void {
  const before = process.umask(0o022);
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  } finally {
    process.umask(before);
  }
}
