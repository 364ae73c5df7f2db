// State files in a folder that everybody may write to: created exclusively under a name nobody can have prepared,
// renamed while open, then closed, so that a watcher sees CLOSE_WRITE on the final name and never reads half.

import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { isAbsolute } from 'node:path';

/** Replaces `path` by a file of mode 0600 with this text. Never follows a link; throws what the system refuses. */
export function writeDump(path: string, text: string): void {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    writeSync(fd, text);
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** TMPDIR where that is an absolute path to a folder, /tmp otherwise. */
export function dumpFolder(environment: Readonly<NodeJS.ProcessEnv>): string {
  const { TMPDIR } = environment;
  if (TMPDIR === undefined || !isAbsolute(TMPDIR)) return '/tmp';
  try {
    return lstatSync(TMPDIR).isDirectory() ? TMPDIR : '/tmp';
  } catch {
    return '/tmp';
  }
}
