// The names by which a path leads to a file: each symbolic link on the way, and at last the file itself, every one in
// the real folder that it is in. Who watches these folders hears of all that changes what the path leads to. It opens
// nothing, and takes a name that is not there, or cannot be asked, for no link.

import { readlink, readlinkSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

export interface Sign {
  readonly folder: string;
  readonly name: string;
}

export type Trail = readonly Sign[];

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

/** Yields a path that may be a link, and wants to be told where it leads, if it is one. */
function* walk(file: string): Generator<string, Trail, string | undefined> {
  const signs: Sign[] = [];
  let folder = isAbsolute(file) ? '/' : process.cwd();
  const rest = partsOf(file);
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '..') {
      folder = dirname(folder);
      continue;
    }
    const target = signs.length < MOST_LINKS ? yield join(folder, name) : undefined;
    if (target !== undefined || rest.length === 0) signs.push({ folder, name });
    if (target === undefined) folder = join(folder, name);
    else {
      rest.unshift(...partsOf(target));
      if (isAbsolute(target)) folder = '/';
    }
  }
  return signs;
}

const partsOf = (path: string): string[] =>
  path.split('/').filter((part) => part !== '' && part !== '.');

export function trailNow(file: string): Trail {
  const steps = walk(file);
  let step = steps.next();
  while (step.done !== true) step = steps.next(targetOf(step.value));
  return step.value;
}

/** The same without waiting: what is on the way may be slow. */
export function trailSoon(file: string, done: (trail: Trail) => void): void {
  const steps = walk(file);
  const on = (step: ReturnType<typeof steps.next>): void => {
    if (step.done === true) done(step.value);
    else
      readlink(step.value, (error, target) => on(steps.next(error === null ? target : undefined)));
  };
  on(steps.next());
}

export const isSameTrail = (a: Trail, b: Trail): boolean =>
  a.length === b.length &&
  a.every(({ folder, name }, i) => folder === b[i]?.folder && name === b[i]?.name);

function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
