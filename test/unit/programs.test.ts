// A newcomer's machine has what scripts/test installs and nothing else: whatever a test starts must stand there.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

/** Part of every Debian installation (packages marked Essential), or of this repository. */
const ALWAYS = ['sh', 'cat', 'sleep', 'mkfifo', 'true', 'false', 'build-addon', 'bundle'];

/** The words that are started: the first argument of whatever starts a program here. */
const STARTS =
  /\b(?:spawn|spawnSync|execFile|execFileSync|run|runNow|requireProgram|perform)\(\s*'([^'\s-][^'\s]*)'/g;

function listed(): Map<string, string> {
  const script = readFileSync(join(root, 'scripts/test'), 'utf8');
  const list = /\nprograms='\n([^']*)'/.exec(script)?.[1] ?? '';
  return new Map(
    list
      .trim()
      .split(/\s+/)
      .map((entry) => entry.split(':') as [string, string]),
  );
}

test('every program that a test, a bench or the demo starts is installed by scripts/test', () => {
  const files = ['test', 'scripts'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  );
  const programs = listed();
  const started = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(STARTS)].map(([, name = '']) => ({
      file,
      name: basename(name),
    })),
  );
  assert.ok(started.length > 20, 'the pattern finds what is started');
  const missing = started.filter(({ name }) => !programs.has(name) && !ALWAYS.includes(name));
  assert.deepEqual(missing, []);
});

test('the demo installs a part of the same list', () => {
  const demo = readFileSync(join(root, 'scripts/demo'), 'utf8');
  const packages = /scripts\/install (.*)/.exec(demo)?.[1]?.split(' ') ?? [];
  assert.ok(packages.length > 3);
  assert.deepEqual(
    packages.filter((name) => ![...listed().values()].includes(name)),
    [],
  );
});
