// A configuration on its way to another process: JSON in an unlinked file that the parent keeps open. The receiver
// opens it through /proc, so the parent neither serializes nor copies a big tree, and a respawned child reads the same one.

import { closeSync, constants, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpFolder } from '../net/dump.ts';

let serial = 0;

/** Where an unlinked file can be made; a container may have only one of these writable. */
export const parcelFolders = (): string[] => [dumpFolder(process.env), '/run', '/dev/shm'];

/** An empty file without a name, readable by this user only, in the first folder that allows it. */
export function openParcel(places: readonly string[] = parcelFolders()): number {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  const name = `.keepalived-${process.pid}-${serial++}-${Math.random().toString(36).slice(2)}`;
  let refusal: unknown;
  for (const place of places) {
    const path = join(place, name);
    try {
      const fd = openSync(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600);
      unlinkSync(path);
      return fd;
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

/** The path by which a process of the same user opens descriptor `fd` of process `pid`. */
export const parcelPath = (pid: number, fd: number): string => `/proc/${pid}/fd/${fd}`;

export const writeParcel = (target: number | string, value: unknown): void =>
  writeFileSync(target, JSON.stringify(value));

export const readParcel = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

export const closeParcel = (fd: number): void => closeSync(fd);
