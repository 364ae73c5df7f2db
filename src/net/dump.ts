// State files in a folder that everybody may write to: created exclusively under a name nobody can have prepared,
// renamed while open, then closed, so that a watcher sees CLOSE_WRITE on the final name and never reads half.

import { constants, lstatSync, mkdirSync } from 'node:fs';
import { open, rename, unlink, writeFile } from 'node:fs/promises';
import { isAbsolute, join, parse } from 'node:path';
import type { Clock } from '../lib/stamp.ts';
import type { Duration, Instant } from '../lib/time.ts';

/**
 * Replaces `path` by a file of mode 0600 with this text. Never follows a link, and never waits for the disk itself: other
 * threads do. Rejects with what the system refuses.
 */
export function writeDump(path: string, text: string | AsyncIterable<string>): Promise<void> {
  const writing = write(path, text);
  const over = writing.then(forget, forget);
  unfinished.add(over);
  function forget(): void {
    unfinished.delete(over);
  }
  return writing;
}

/** Whoever ends waits for those that are being written: half a file under an odd name is of no use. */
export const dumpsWritten = (): Promise<unknown> => Promise.all(unfinished);

const unfinished = new Set<Promise<void>>();

async function write(path: string, text: string | AsyncIterable<string>): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await writeFile(file, text);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await file.close();
  }
}

/** A file of config_save_dir. Makes the folder; not those above it. Throws what the system refuses. */
export function savePath(folder: string, name: string): string {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return join(folder, name);
}

/** Where the configuration wants its state files, and whose they are. */
export interface DumpPlace {
  readonly global_defs: {
    readonly state_dump_file?: string;
    readonly stats_dump_file?: string;
    readonly json_dump_file?: string;
    readonly data_use_instance: boolean;
  };
  readonly net_namespace?: string;
  readonly instance?: string;
}

const ROW = { data: 'state_dump_file', stats: 'stats_dump_file', json: 'json_dump_file' } as const;

/**
 * The path of a state file; `part` says of what it is: '', '_parent' and the like stand before the ending. A path
 * that is not absolute is below the folder of state files, and one that ends with a slash is a folder.
 */
export function dumpPath(
  ending: keyof typeof ROW,
  part: string,
  { global_defs, net_namespace, instance }: DumpPlace,
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
): string {
  const given = global_defs[ROW[ending]];
  const usual = `keepalived.${ending}`;
  const wanted = given === undefined ? usual : given.endsWith('/') ? `${given}${usual}` : given;
  const path = isAbsolute(wanted) ? wanted : `${dumpFolder(environment)}/${wanted}`;
  // Only the data, as keepalived has it.
  const whose =
    ending === 'data' && global_defs.data_use_instance
      ? [net_namespace, instance].filter((name) => name !== undefined).join('_')
      : '';
  const { dir, name, ext } = parse(path);
  return `${dir === '/' ? '' : dir}/${name}${part}${whose === '' ? '' : `.${whose}`}${ext}`;
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

const MINUTE = 60_000_000;

/** Both clocks at the instant `monotonic`, which is now, with the time zone of this process. */
export function clockAt(monotonic: Instant): Clock {
  const wall = new Date();
  const zone = (-wall.getTimezoneOffset() * MINUTE) as Duration;
  return { monotonic, wall: wall.getTime() * 1000, zone };
}
