// A configuration on its way to another process: JSON in an unlinked file that the parent keeps open. The receiver
// opens it through /proc, so the parent neither serializes nor copies a big tree, and a respawned child reads the same one.

import { closeSync, constants, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

let serial = 0;

/** $TMPDIR where it is an absolute path, else /tmp: where keepalived puts its dumps. */
export function temporaryFolder(): string {
  const { TMPDIR } = process.env;
  return TMPDIR !== undefined && isAbsolute(TMPDIR) ? TMPDIR : '/tmp';
}

/** An empty file without a name, readable by this user only. */
export function openParcel(): number {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  const random = Math.random().toString(36).slice(2);
  const path = join(temporaryFolder(), `.keepalived-${process.pid}-${serial++}-${random}`);
  const fd = openSync(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600);
  unlinkSync(path);
  return fd;
}

/** The path by which a process of the same user opens descriptor `fd` of process `pid`. */
export const parcelPath = (pid: number, fd: number): string => `/proc/${pid}/fd/${fd}`;

export const writeParcel = (target: number | string, value: unknown): void =>
  writeFileSync(target, JSON.stringify(value));

export const readParcel = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

export const closeParcel = (fd: number): void => closeSync(fd);
