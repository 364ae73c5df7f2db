// Somebody's hand on the machine of a master: one of its addresses, routes or rules is deleted.

import assert from 'node:assert/strict';
import { type Scene, testFault } from './fault.ts';
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
    const told = (): boolean => announcementsOf(lab, a, deleted, went.at - 1000).length > 0;
    // The wire and the kernel's tables are watched by two programs.
    await lab.until('it is announced, or never will be', () => told() || lab.now() > from + 2e6);
    const course = await observe(scene, from);
    return {
      ...course,
      away: (back() ?? Number.POSITIVE_INFINITY) - went.at,
      announced: told(),
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
      from: 'repair(draft, position, isHeld)',
      to: 'repair(draft, position, () => false)',
      fails: /away for/,
      cheap: true,
    },
    {
      guard: 'a repair of that address alone',
      file: 'src/vrrp/router.ts',
      from: 'repair(draft, position, isHeld)',
      to: 'repair(draft, position, () => true)',
      fails: /nothing else/,
    },
  ],
});

// Routes and rules

interface Repair extends Course {
  /** From the order to delete it until it is there again, and until iproute2 has said so. */
  readonly away: number;
  /** What of the others is different afterwards. */
  readonly touched: readonly string[];
}

const routing = `
  virtual_routes {
    10.1.0.0/16 via 10.0.0.250 dev eth0
    10.2.0.0/16 via 10.0.0.250 dev eth0 metric 5
  }
  virtual_rules {
    from 10.1.0.0/16 table 100 priority 50
    from 10.2.0.0/16 table 100 priority 51
  }`;

/** Which routes and rules there are, one a line. */
async function routed({ a }: Scene): Promise<string[]> {
  const shown = await Promise.all([a.ip('route', 'show'), a.ip('rule', 'show')]);
  return shown
    .join('\n')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /10\.[12]\.0\.0/.test(line));
}

async function remove(scene: Scene, ...words: readonly string[]): Promise<Repair> {
  const { lab, a } = scene;
  await lab.until(
    'routes and rules are there',
    async () => (await routed(scene)).length === 4 || undefined,
  );
  const before = await routed(scene);
  const from = lab.now();
  await a.ip(...words);
  let after: string[] = [];
  let away = Number.POSITIVE_INFINITY;
  while (lab.now() < from + 2e6) {
    after = await routed(scene);
    away = lab.now() - from;
    if (after.length === before.length) break;
  }
  if (after.length !== before.length) away = Number.POSITIVE_INFINITY;
  const course = await observe(scene, from);
  return { ...course, away, touched: before.filter((line) => !after.includes(line)) };
}

for (const [id, what, place, words, repair] of [
  ['route-deleted', 'route', 91, ['route', 'del', '10.2.0.0/16', 'metric', '5'], 'restoreRoute'],
  ['rule-deleted', 'rule', 92, ['rule', 'del', 'priority', '51'], 'restoreRule'],
] as const)
  testFault<Repair>({
    id,
    title: `One virtual ${what} of two deleted by hand`,
    place,
    router: { more: routing.split('\n') },
    play: (scene) => remove(scene, ...words),
    tell: (course) =>
      `back within ${milliseconds(course.away)} of the order, ${course.touched.length === 0 ? 'the others as before' : `changed: ${course.touched.length}`}; ${tellCourse(course)}`,
    check: ({ away, touched, takeovers, holder, quiet }) => {
      // Starting iproute2 twice is in it.
      assert.ok(away < 150_000, `away for ${away} µs`);
      assert.deepEqual(touched, [], 'nothing else is touched');
      assert.deepEqual([takeovers, holder], [0, 'a'], 'no change of role');
      assert.ok(quiet < 300_000, `silent for ${quiet} µs`);
    },
    guards: [
      {
        guard: 'the repair',
        file: 'src/vrrp/repair.ts',
        from: `${repair}(draft, routing, gone)`,
        to: '[]',
        fails: /away for/,
      },
    ],
  });
