// Virtual servers in a dump beside what keepalived 2.2.7 wrote into keepalived_check.data for the same files. What
// happens after the start - is it up, how often was it tried - is left out on both sides.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dumpCheck } from '../../src/check/dump.ts';
import type { InterfaceFacts } from '../../src/config/build.ts';
import { lex } from '../../src/config/lexer.ts';
import { buildConfiguration, type Config } from '../../src/keywords.ts';

const folder = join(import.meta.dirname, '../fixtures/checks');
const corpus = join(import.meta.dirname, '../fixtures/corpus/files');

/** Every interface exists. */
const everyInterface: ReadonlyMap<string, InterfaceFacts> = Object.assign(new Map(), {
  has: () => true,
  get: () => ({ loopback: false, mtu: 1500 }),
});

function read(path: string): Config {
  const files = [{ name: path, path, directory: folder, text: readFileSync(path, 'utf8') }];
  const { lines } = lex(files, {
    read: () => ({ files: [], problems: [] }),
    configId: 'vm',
    random: { seed: 1 },
  });
  const { config } = buildConfiguration(lines, {
    hostname: 'vm',
    processors: 2,
    interfaces: everyInterface,
    user: () => ({ uid: 0, gid: 0 }),
    group: () => 0,
    // /bin leads to /usr/bin where these were made.
    inspect: (command) => ({ path: command.replace(/^\/bin\//, '/usr/bin/') }),
  });
  assert.ok(config !== undefined);
  return config;
}

const STATE =
  /^ *(alive|quorum_state_up|effective weight|previous effective_weight|num failed checkers|RS set|reloaded|Failed URL|Up|Has run|Enabled|Current weight|Retries iterations|Delay before retry|Last ran|Last status)\b|^ *Alive:/;

const settled = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.trim() !== '' && !STATE.test(line))
    .map((line) => line.replace(/ EFF WEIGHT.*/, ''));

for (const name of readdirSync(folder)) {
  const number = name.replace('.data', '');
  const file = readdirSync(corpus).find((entry) => entry.startsWith(`${number}__`)) as string;
  test(`the virtual servers of ${file}`, () => {
    const config = read(join(corpus, file));
    const theirs = readFileSync(join(folder, name), 'utf8').split('\n');
    assert.deepEqual(settled(dumpCheck(config, config.global_defs)), settled(theirs));
  });
}
