// Somebody's hand on the machine of a master: one of its addresses is deleted.

import assert from 'node:assert/strict';
import { testFault } from './fault.ts';
import type { Course } from './observe.ts';
import { announcementsOf, milliseconds, observe, tellCourse } from './observe.ts';

const [first, deleted, third] = ['10.0.0.100', '10.0.0.101', '10.0.0.102'];
const all = [first, deleted, third];

interface Outcome extends Course {
  /** How long the deleted address was away. */
  readonly away: number;
  /** Whether it was announced once it was back. */
  readonly announced: boolean;
  /** The other addresses that were removed or announced because of it. */
  readonly touched: readonly string[];
}

testFault<Outcome>({
  id: 'address-deleted',
  title: 'One address of three deleted by hand',
  place: 90,
  router: { addresses: all.map((address) => `${address}/24`) },
  async play(scene) {
    const { lab, a } = scene;
    const from = lab.now();
    await a.ip('addr', 'del', `${deleted}/24`, 'dev', 'eth0');
    const went = await lab.until('the kernel says so', () =>
      lab.changes.find((c) => c.name === deleted && !c.present && c.at >= from),
    );
    const back = (): number | undefined =>
      lab.changes.find((c) => c.name === deleted && c.present && c.at >= went.at)?.at;
    await lab.until(
      'it is back, or never will be',
      () => back() !== undefined || lab.now() > from + 2e6,
    );
    const others = [first, third];
    for (const address of others) await lab.untilHolder(address, 'a');
    const course = await observe(scene, from);
    return {
      ...course,
      away: (back() ?? Number.POSITIVE_INFINITY) - went.at,
      announced: announcementsOf(lab, a, deleted, went.at - 1000).length > 0,
      touched: others.filter(
        (address) =>
          announcementsOf(lab, a, address, from).length > 0 ||
          lab.changes.some((c) => c.name === address && !c.present && c.at >= from),
      ),
    };
  },
  tell: (course) =>
    `back after ${milliseconds(course.away)}, ${course.announced ? 'announced' : 'not announced'}, ${course.touched.length === 0 ? 'the others not touched' : `${course.touched.length} others went with it`}; ${tellCourse(course)}`,
  check: ({ away, announced, touched, takeovers, holder, quiet }) => {
    assert.ok(away < 50_000, `away for ${away} µs`);
    assert.ok(announced, 'it is announced again');
    assert.deepEqual(touched, [], 'nothing else is touched');
    assert.deepEqual([takeovers, holder], [0, 'a'], 'no change of role');
    assert.ok(quiet < 300_000, `silent for ${quiet} µs`);
  },
  guards: [
    {
      guard: 'the repair',
      file: 'src/vrrp/router.ts',
      from: '(held) => sameAddress(held, address)',
      to: '() => false',
      fails: /away for/,
      cheap: true,
    },
    {
      guard: 'a repair of that address alone',
      file: 'src/vrrp/router.ts',
      from: '(held) => sameAddress(held, address)',
      to: '() => true',
      fails: /nothing else/,
    },
  ],
});
