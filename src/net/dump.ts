// State files in a folder that everybody may write to: created exclusively under a name nobody can have prepared,
// renamed while open, then closed, so that a watcher sees CLOSE_WRITE on the final name and never reads half.

import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { isAbsolute, join, parse } from 'node:path';
import type { Clock } from '../lib/stamp.ts';
import type { Duration, Instant } from '../lib/time.ts';

/** Replaces `path` by a file of mode 0600 with this text. Never follows a link; throws what the system refuses. */
export function writeDump(path: string, text: string): void {
  const file = createDump(path);
  try {
    writeSync(file.fd, text);
    file.take();
  } catch (error) {
    file.drop();
    throw error;
  } finally {
    closeSync(file.fd);
  }
}

/** The same with a text that is long in the making. */
export async function writeDumpOf(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const file = createDump(path);
  try {
    for await (const piece of pieces) writeSync(file.fd, piece);
    file.take();
  } catch (error) {
    file.drop();
    throw error;
  } finally {
    closeSync(file.fd);
  }
}

function createDump(path: string) {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return {
    fd,
    take: () => renameSync(temporary, path),
    drop: () => unlinkSync(temporary),
  };
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
