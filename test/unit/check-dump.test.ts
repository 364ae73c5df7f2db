// Virtual servers in a dump beside what keepalived 2.2.7 wrote into keepalived_check.data for the same files. What
// happens after the start - is it up, how often was it tried - is left out on both sides.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dumpCheck } from '../../src/check/dump.ts';
import type { InterfaceFacts } from '../../src/config/build.ts';
import { readCorpus, recorded, recording } from './recorded.ts';

/** Every interface exists, except those that instances make: their names are free. */
const isMade = (name: string): boolean => /^vrrp\d*\./.test(name);
const everyInterface: ReadonlyMap<string, InterfaceFacts> = Object.assign(new Map(), {
  has: (name: string) => !isMade(name),
  get: (name: string) => (isMade(name) ? undefined : { loopback: false, mtu: 1500 }),
});

const STATE =
  /^ *(alive|quorum_state_up|effective weight|previous effective_weight|num failed checkers|RS set|reloaded|Failed URL|Up|Has run|Enabled|Current weight|Retries iterations|Delay before retry|Last ran|Last status)\b|^ *Alive:/;

const settled = (lines: readonly string[]): readonly string[] =>
  lines
    .slice(lines.indexOf('------< LVS Topology >------'))
    .filter((line) => line.trim() !== '' && !STATE.test(line))
    .map((line) => line.replace(/ EFF WEIGHT.*/, ''));

/** Files whose dumps still differ. */
const DIFFERENT: ReadonlySet<string> = new Set([
  ...['054', '144', '146', '160', '174', '201', '231', '249', '254', '256'],
  ...['257', '262', '263', '273', '276', '287', '290', '294', '295', '296'],
]);

for (const number of recorded('.check.data')) {
  test(`the virtual servers of ${number}`, () => {
    const config = readCorpus(number, everyInterface);
    const ours = settled(dumpCheck(config, config.global_defs));
    const theirs = settled(recording(number, '.check.data'));
    if (DIFFERENT.has(number)) assert.notDeepEqual(ours, theirs, 'no longer different');
    else assert.deepEqual(ours, theirs);
  });
}
