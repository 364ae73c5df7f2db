// The whole of keepalived_check.data beside what keepalived 2.2.7 wrote for the same files. What
// happens after the start - is it up, how often was it tried - is left out on both sides.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dumpCheck } from '../../src/check/dump.ts';
import { dumpFacts } from '../../src/check/report.ts';
import type { InterfaceFacts } from '../../src/config/build.ts';
import { dumpGlobals } from '../../src/config/dump.ts';
import type { Config } from '../../src/keywords.ts';
import { masked, readConfiguration, readCorpus, recorded, recording } from './recorded.ts';

/** Every interface exists, except those that instances make: their names are free. */
const isMade = (name: string): boolean => /^vrrp\d*\./.test(name);
const everyInterface: ReadonlyMap<string, InterfaceFacts> = Object.assign(new Map(), {
  has: (name: string) => !isMade(name),
  get: (name: string) => (isMade(name) ? undefined : { loopback: false, mtu: 1500 }),
});

const STATE =
  /^ *(alive|quorum_state_up|effective weight|previous effective_weight|num failed checkers|RS set|reloaded|Failed URL|Up|Has run|Enabled|Current weight|Retries iterations|Delay before retry|Last ran|Last status)\b|^ *Alive:/;

const settled = (lines: readonly string[]): readonly string[] =>
  masked(lines)
    .filter((line) => line.trim() !== '' && !STATE.test(line))
    .map((line) => line.replace(/ EFF WEIGHT.*/, ''));

/** Files whose dumps differ, and why it is so. */
const DIFFERENT: Readonly<Record<string, readonly string[]>> = {
  'what an unknown block holds is read around it': ['054', '174'],
  'keepalived gives a host of SMTP_CHECK no time to answer': ['144'],
  'an SSL_GET that cannot run: keepalived has prepared for it': ['145'],
  'a range between addresses of two families': ['263'],
};

const known = new Set(Object.values(DIFFERENT).flat());

const oursOf = (config: Config): readonly string[] =>
  settled([
    ...dumpGlobals(config.global_defs, dumpFacts(config, true)),
    ...dumpCheck(config, config.global_defs, [], config.track_file),
  ]);

test('every kind of check, in the words of keepalived 2.2.7', () => {
  const folder = join(import.meta.dirname, '../fixtures/dumps');
  const config = readConfiguration(join(folder, 'checkers.conf'), everyInterface);
  const theirs = readFileSync(join(folder, 'checkers.check.data'), 'utf8')
    .replace('Password : foo', 'Password : ********')
    .split('\n');
  assert.deepEqual(oursOf(config), settled(theirs));
});

for (const number of recorded('.check.data')) {
  test(`the virtual servers of ${number}`, () => {
    const config = readCorpus(number, everyInterface);
    const ours = oursOf(config);
    const theirs = settled(recording(number, '.check.data'));
    if (known.has(number)) assert.notDeepEqual(ours, theirs, 'no longer different');
    else assert.deepEqual(ours, theirs);
  });
}
