// `keepalived -t`: reads the configuration as a start would, prints what is wrong with it, and starts nothing.

import { closeSync, constants, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Options } from '../cli.ts';
import { exitStatus, formatDiagnostic } from '../config/diagnostic.ts';
import { print } from '../print.ts';
import { saveCopy } from './copy.ts';
import { collectSeldom, readConfiguration } from './reading.ts';

/** Messages go to the file `output`, appended, or to stderr. The exit status, as keepalived's. */
export function runCheck(options: Options, output: string | undefined): number {
  let fd: number;
  try {
    fd = output === undefined ? 2 : openOutput(output);
  } catch (error) {
    const { errno = 0, code } = error as NodeJS.ErrnoException;
    const reason = code === 'ELOOP' ? 'Too many levels of symbolic links' : code;
    print(2, `Unable to open config-test log file ${output} ${-errno} - ${reason}\n`);
    return 1;
  }
  collectSeldom();
  const reading = readConfiguration(
    {
      file: resolve(options.file),
      allConfig: options.allConfig,
      ...(options.configId === undefined ? {} : { configId: options.configId }),
    },
    options.namespace,
  );
  const { diagnostics, unreachable } = reading;
  const lines = diagnostics.map(formatDiagnostic);
  if (unreachable !== undefined) lines.push(`Unable to set network namespace ${unreachable}`);
  // Here too, as keepalived does.
  lines.push(...saveCopy(reading, process.pid, 0).map(({ text }) => text));
  if (lines.length > 0) print(fd, `${lines.join('\n')}\n`);
  if (fd !== 2) closeSync(fd);
  // A namespace that is not there is no mistake of the file's: nothing else can be checked.
  return unreachable === undefined ? exitStatus(diagnostics) : 0;
}

function openOutput(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  return openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o644);
}
