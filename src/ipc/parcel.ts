// A configuration on its way to another process: JSON in a file without a name, in memory, that the parent keeps open. The receiver
// opens it through /proc, so the parent neither serializes nor copies a big tree, and a respawned child reads the same one.
// Each part of it is a line, and so is each item of a list: a receiver knows those that it has read before.

import { closeSync, constants, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../net/native.ts';

let serial = 0;

/** An empty file without a name, readable by this user only: in `folder` where that can be, else in memory. */
export function openParcel(folder?: string): number {
  if (folder === undefined) return native.openMemory();
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  const name = `.keepalived-${process.pid}-${serial++}-${Math.random().toString(36).slice(2)}`;
  try {
    const path = join(folder, name);
    const fd = openSync(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600);
    unlinkSync(path);
    return fd;
  } catch {
    return native.openMemory();
  }
}

/** The path by which a process of the same user opens descriptor `fd` of process `pid`. */
export const parcelPath = (pid: number, fd: number): string => `/proc/${pid}/fd/${fd}`;

export const writeParcel = (target: number | string, config: object): void =>
  writeFileSync(
    target,
    Object.entries(config)
      .flatMap(([name, part]) =>
        Array.isArray(part) && part.length > 1
          ? part.map((item) => JSON.stringify({ [name]: [item] }))
          : JSON.stringify({ [name]: part }),
      )
      .join('\n'),
  );

type Parts = Readonly<Record<string, unknown>>;

/**
 * Reads one parcel after the other. Parts, and items of lists, that stand in the one before word for word are the same
 * objects in both: after a reload that is nearly all, and who compares the two need not look into them.
 */
export class ParcelReader {
  /** What each line of the last one has become. */
  #known: ReadonlyMap<string, Parts> = new Map();

  read(path: string): unknown {
    const known = new Map<string, Parts>();
    const config: Record<string, unknown> = {};
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (line === '') continue;
      const parts = this.#known.get(line) ?? (JSON.parse(line) as Parts);
      known.set(line, parts);
      for (const [name, part] of Object.entries(parts)) {
        const list = config[name];
        if (Array.isArray(list)) list.push(...(part as unknown[]));
        else config[name] = Array.isArray(part) ? [...part] : part;
      }
    }
    this.#known = known;
    return config;
  }
}

export const closeParcel = (fd: number): void => closeSync(fd);
