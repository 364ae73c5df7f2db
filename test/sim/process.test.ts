// What happens to processes, one scene for each promise: a child that is killed, twice, too late, halfway; a child that
// is stopped or hangs; a parent; everything; a daemon that was frozen for 8 s; a wall clock that jumps.

import { test } from 'node:test';
import fc from 'fast-check';
import * as scenes from './scenes.ts';

const MORE = process.env.KEEPALIVED_TEST_FULL === undefined ? 1 : 20;

for (const [what, scene] of Object.entries(scenes.SCENES))
  test(what, () => {
    fc.assert(scene({}), { numRuns: 60 * MORE, seed: 7 });
  });
