// Files about the configuration for people: what is wrong with it (reload_check_config), a copy of what was read
// (config_save_dir), and the sign that it is being read (reload_file). What cannot be written never stands in the way.

import { closeSync, constants, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { formatDiagnostic } from '../config/diagnostic.ts';
import type { Line } from '../config/lexer.ts';
import { savePath } from '../net/dump.ts';
import type { LogLine, Reading } from './reading.ts';

const refused = (what: string, cause: unknown): readonly LogLine[] => [
  { severity: 'error', text: `${what}: ${(cause as Error).message}` },
];

/** Replaces what stands in `file` by what `-t` would print. What could not be done. */
export function writeVerdict(file: string, { diagnostics }: Reading): readonly LogLine[] {
  try {
    const fd = openEmpty(file);
    writeFileSync(fd, diagnostics.map((one) => `${formatDiagnostic(one)}\n`).join(''));
    closeSync(fd);
    return [];
  } catch (error) {
    return refused(`Unable to write the config check log ${file}`, error);
  }
}

/** Reading `serial` of the daemon `pid`, in one file, as it was understood. What could not be done. */
export function saveCopy(
  { config, lines = [] }: Reading,
  pid: number,
  serial: number,
): readonly LogLine[] {
  const folder = config?.global_defs.config_save_dir;
  if (folder === undefined) return [];
  try {
    const path = savePath(folder, `keepalived.conf.${pid}.${serial}`);
    writeFileSync(path, consolidated(lines), { flag: 'wx', mode: 0o600 });
    return [];
  } catch (error) {
    return refused(`Unable to save the configuration in config_save_dir ${folder}`, error);
  }
}

/** As keepalived keeps it: the name of each file where its lines begin, and a mark at the end. */
function consolidated(lines: readonly Line[]): string {
  const texts: string[] = [];
  let file: string | undefined;
  for (const line of lines) {
    if (line.file !== file) texts.push(`# ${line.file}`);
    file = line.file;
    texts.push(line.text);
  }
  return `${[...texts, '!'].join('\n')}\n`;
}

/** Creates reload_file, or makes it empty; call what it returns when everything has been read. Throws where it may not. */
export function announceReading(file: string | undefined): () => void {
  if (file === undefined) return () => {};
  closeSync(openEmpty(file));
  return () => {
    try {
      unlinkSync(file);
    } catch {
      // Who waits for it to go has removed it.
    }
  };
}

/** Never through a link: the folder may be one that others write to. */
function openEmpty(path: string): number {
  const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;
  return openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644);
}
