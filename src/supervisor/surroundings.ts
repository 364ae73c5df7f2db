// What the parent does to the process around the daemon at its start: how it was called, what it may do, and where core
// files go; and what files it makes for others. Nothing here is about VRRP.

import { readFileSync, writeFileSync } from 'node:fs';
import type { Config } from '../keywords.ts';
import type { Log } from '../log.ts';
import { createFile } from '../net/initial.ts';

const CORE_PATTERN = '/proc/sys/kernel/core_pattern';
/** keepalived wraps the command line in its log here. */
const LINE_WIDTH = 100;

/** -M; call what it returns at the end. Throws where it may not. */
export function setCorePattern(pattern: string | undefined): () => void {
  if (pattern === undefined) return () => {};
  const before = readFileSync(CORE_PATTERN, 'utf8');
  writeFileSync(CORE_PATTERN, pattern);
  return () => writeFileSync(CORE_PATTERN, before);
}

/** As keepalived logs it: words in quotes, several lines where it is long. */
export function commandLine(words: readonly string[]): string[] {
  const prefix = 'Command line:';
  const lines: string[] = [];
  let line = prefix;
  for (const word of ['keepalived', ...words]) {
    const quoted = ` '${word}'`;
    if (line.length + quoted.length > LINE_WIDTH && line.trim() !== prefix && line.trim() !== '') {
      lines.push(line);
      line = ' '.repeat(prefix.length);
    }
    line += quoted;
  }
  return [...lines, line];
}

/** Files that others are to change, where the configuration says what stands in them first. */
export function createFiles(
  { track_file: files = [] }: Config,
  refused: (text: string) => void,
): void {
  for (const { name, file, init_file: first } of files) {
    if (first === undefined) continue;
    try {
      createFile({ path: file, text: `${first.value}\n`, overwrite: first.overwrite });
    } catch (error) {
      refused(`Unable to initialise track file ${name}: ${(error as Error).message}`);
    }
  }
}

const CAPABILITIES = [
  [23, 'CAP_SYS_NICE: no real-time priority'],
  [14, 'CAP_IPC_LOCK: memory may be swapped out'],
  [21, 'CAP_SYS_ADMIN: network namespaces cannot be entered'],
] as const;

/** One line about what this daemon will not be able to do. `mask` as capget(2) gives the effective set. */
export function reportLosses(mask: bigint, log: Log): void {
  const lost = CAPABILITIES.filter(([bit]) => ((mask >> BigInt(bit)) & 1n) === 0n);
  if (lost.length > 0) log.warning(`Running without ${lost.map(([, text]) => text).join('; ')}`);
}
