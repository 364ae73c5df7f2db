// One history that random ones find rarely: everything is killed, and the file that is read next is another one.

import assert from 'node:assert/strict';
import { millis, seconds } from '../../src/lib/time.ts';
import { instance } from './config.ts';
import type { Mutation } from './mutation.ts';
import { Segment } from './segment.ts';

export function leftovers(mutation: Mutation = {}): void {
  const router = instance({ version: 3, advert_int: millis(100) });
  const segment = new Segment([[router]], { seed: 1, latency: millis(1), mutation });
  segment.start(0);
  segment.run(seconds(1));
  assert.deepEqual(segment.masters(), [0]);
  segment.killAll(0);
  const [kept] = router.virtual_ipaddress;
  assert.ok(kept !== undefined && segment.kernel(0).holds(kept.address), 'nobody removed it');
  segment.reload(0, [
    { ...router, virtual_ipaddress: [{ ...kept, address: '10.0.0.200' as typeof kept.address }] },
  ]);
  segment.setLink(0, false);
  segment.start(0);
  segment.run(seconds(1));
  assert.equal(segment.stateOf(0), 'fault');
  assert.deepEqual([...segment.kernel(0).held], []);
}
