// The program with one guard taken out: a test that passes all the same proves nothing about that guard. Copies the
// sources below dist/ (which every daemon of the lab can see), changes one place, and builds as scripts/build does. Changes nothing
// of the repository, and refuses a place that is not there exactly once, so that no mutant quietly stops being one.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cleanEnvironment } from './command.ts';
import type { DaemonOptions } from './daemon.ts';

interface Change {
  /** A file of src/ or native/, from the root of the repository. */
  readonly file: string;
  /** The exact text of the guard; it must occur exactly once. */
  readonly from: string;
  /** What stands there instead. */
  readonly to: string;
}

export interface Removal extends Change {
  /** What the guard is for, in a few words. */
  readonly guard: string;
  /** Where two guards stand for each other, the second. */
  readonly also?: Change;
}

export interface Mutant {
  /** Copies of src/ and native/ with the change, to import from. */
  readonly folder: string;
  /** Starts like dist/keepalived.js; also for KEEPALIVED_TEST_PROGRAM. */
  readonly program: string;
  /** For a daemon of the lab. */
  readonly options: Pick<DaemonOptions, 'program' | 'environment'>;
  remove(): void;
}

const project = fileURLToPath(new URL('../..', import.meta.url));
const mutants = join(project, 'dist', 'mutants');
const perform = promisify(execFile);
let counter = 0;

const changesOf = (removal: Removal): Change[] =>
  removal.also === undefined ? [removal] : [removal, removal.also];

/** File and line of the guard, for the name of a test; fails where the guard is not there exactly once. */
export function placeOf(removal: Removal): string {
  const places = changesOf(removal).map(({ file, from }) => {
    const parts = readFileSync(join(project, file), 'utf8').split(from);
    assert.equal(parts.length, 2, `${file} has this ${parts.length - 1} times:\n${from}`);
    return `${file}:${(parts[0] ?? '').split('\n').length}`;
  });
  return places.join(' and ');
}

/** A copy of the sources with the change made, not built: enough for who only imports from it. */
export function copyMutant(removal: Removal): string {
  placeOf(removal);
  sweep();
  const folder = join(mutants, `${process.pid}-${++counter}`);
  for (const part of ['src', 'native']) {
    // native/build* is what a compiler left there; src/ has build.ts.
    const filter = (path: string): boolean => part === 'src' || !/^build/.test(basename(path));
    cpSync(join(project, part), join(folder, part), { recursive: true, filter });
  }
  for (const { file, from, to } of changesOf(removal)) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').split(from).join(to));
  }
  return folder;
}

/** Builds it; the compiler's words are in the error where it cannot be built. */
export async function buildMutant(removal: Removal): Promise<Mutant> {
  const folder = copyMutant(removal);
  const target = join(folder, 'dist');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    mkdirSync(target);
    const settings = { cwd: project, env: cleanEnvironment() };
    await perform('scripts/bundle', [join(folder, 'src'), target], settings);
    if (changesOf(removal).some(({ file }) => file.startsWith('native/'))) {
      await perform('scripts/build-addon', [join(folder, 'native'), target], settings);
    } else {
      copyFileSync(join(project, 'dist/keepalived.node'), join(target, 'keepalived.node'));
    }
  } catch (error) {
    remove();
    throw error;
  }
  const program = join(target, 'keepalived.js');
  const environment = { KEEPALIVED_ADDON: join(target, 'keepalived.node') };
  return { folder, program, options: { program, environment }, remove };
}

/** Removes what tests that were killed left behind. */
function sweep(): void {
  if (counter > 0) return;
  mkdirSync(mutants, { recursive: true });
  for (const name of readdirSync(mutants)) {
    const owner = Number(name.split('-')[0]);
    if (owner !== process.pid && isAlive(owner)) continue;
    rmSync(join(mutants, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
