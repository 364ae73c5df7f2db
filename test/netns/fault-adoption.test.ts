// The VRRP child dies while it is master: another goes on in its role before anybody notices, or, where that cannot
// be, the addresses go at once. Also everything killed: nothing of it is left when the next daemon reports a role.

import assert from 'node:assert/strict';
import type { Fault, Scene } from './fault.ts';
import { childOf, testFault } from './fault.ts';
import { startBurners } from './load.ts';
import type { Course } from './observe.ts';
import { advertsOf, doublyHeld, milliseconds, observe, reach, tellCourse } from './observe.ts';
import { configOf } from './router.ts';

interface Killed extends Course {
  /** From the kill to the next advert of host a. */
  readonly resumed: number | undefined;
}

/** A peer that takes over as soon as the protocol allows anybody to. */
const impatient = { priority: 254, nopreempt: true } as const;

async function kill(scene: Scene): Promise<Killed> {
  const { lab, a, daemon } = scene;
  const from = lab.now();
  process.kill(childOf(daemon), 'SIGKILL');
  // One that was being sent at that moment is not the successor's.
  const dead = lab.now() + 1000;
  await reach(lab, from + 1_500_000);
  const course = await observe(scene, from);
  const next = advertsOf(lab, a, dead).find(({ message }) => message.priority > 0);
  return { ...course, resumed: next === undefined ? undefined : next.at - from };
}

const killed: Pick<Fault<Killed>, 'peer' | 'tell' | 'check'> = {
  peer: impatient,
  tell: (course) =>
    `${course.resumed === undefined ? 'no advert within 1.5 s' : `adverts again after ${milliseconds(course.resumed)}`}, ${tellCourse(course)}`,
  check: ({ losses, takeovers, resumed, holder }) => {
    assert.equal(losses, 0, 'no address is removed');
    assert.equal(takeovers, 0, 'no takeover');
    assert.ok(resumed !== undefined && resumed < 200_000, `adverts again after ${resumed} µs`);
    assert.equal(holder, 'a');
  },
};

testFault<Killed>({
  ...killed,
  id: 'killed-child',
  title: 'The VRRP child killed, the peer of priority 254 waiting',
  place: 40,
  play: kill,
  guards: [
    {
      guard: 'the inheritance',
      file: 'src/supervisor/machine.ts',
      from: '  const inherit = since !== undefined && failures === 0;',
      to: '  const inherit = false;',
      fails: /no address is removed/,
      cheap: true,
    },
  ],
});

testFault<Killed>({
  ...killed,
  id: 'killed-child-busy',
  title: 'The same with every processor busy',
  place: 41,
  play: async (scene) => {
    const burners = startBurners();
    try {
      return await kill(scene);
    } finally {
      burners.stop();
    }
  },
});

testFault<Course>({
  id: 'killed-twice',
  title: 'The VRRP child killed, and its successor again within the same second',
  place: 42,
  peer: impatient,
  async play(scene) {
    const { lab, daemon } = scene;
    const from = lab.now();
    const first = childOf(daemon);
    process.kill(first, 'SIGKILL');
    const second = await lab.until('there is another', () => {
      const pid = Number(daemon.read('run/vrrp.pid'));
      return pid > 0 && pid !== first ? pid : undefined;
    });
    const speaks = lab.now();
    // keepalived's successor has no role to go on in.
    await lab.until(
      'it speaks, or never will',
      () => advertsOf(lab, scene.a, speaks).length > 0 || lab.now() > speaks + 5e5,
    );
    process.kill(second, 'SIGKILL');
    await reach(lab, lab.now() + 800_000);
    return observe(scene, from);
  },
  tell: (course) => tellCourse(course),
  check: ({ holder, doublyHeld, takeovers }) => {
    assert.equal(doublyHeld, 0, 'the addresses go at once');
    assert.deepEqual([holder, takeovers], ['b', 1], 'the peer takes over');
  },
  guards: [
    {
      guard: 'the removal by the parent',
      file: 'src/supervisor/machine.ts',
      from: 'precede([...clean(kind), ...actions], backOff(rest, kind, failures, now, false))',
      to: 'precede(actions, backOff(rest, kind, failures, now, false))',
      fails: /go at once/,
    },
  ],
});

interface Late extends Course {
  readonly adverts: number;
  /** Both had the address, from when the parent could act again. */
  readonly still: number;
}

testFault<Late>({
  id: 'killed-late',
  title: 'The VRRP child killed and the parent stopped for 0.6 s: too late to go on',
  place: 43,
  peer: impatient,
  async play(scene) {
    const { lab, a, daemon, address } = scene;
    const child = childOf(daemon);
    const from = lab.now();
    daemon.signal('SIGSTOP');
    process.kill(child, 'SIGKILL');
    await lab.until('b holds the address too', () => lab.holders(address).includes('b'));
    await reach(lab, from + 600_000);
    const waking = lab.now();
    daemon.signal('SIGCONT');
    await reach(lab, waking + 1_500_000);
    const course = await observe(scene, from);
    return {
      ...course,
      adverts: advertsOf(lab, a, waking).length,
      still: doublyHeld(lab, address, waking, lab.now()),
    };
  },
  tell: ({ adverts, still, holder }) =>
    `${adverts === 0 ? 'no advert' : `${adverts} adverts`}, address on two machines for another ${milliseconds(still)}, then on ${holder === 'b' ? 'the peer' : holder}`,
  check: ({ adverts, still, holder }) => {
    assert.equal(adverts, 0, 'it does not speak beside the new master');
    assert.ok(still < 400_000, `two holders for ${still} µs more`);
    assert.equal(holder, 'b');
  },
  guards: [
    {
      guard: 'the look at how long nobody spoke',
      file: 'src/vrrp/start.ts',
      from: 'ready && isInTime(config, spokeAt, draft.now)',
      to: 'ready',
      fails: /does not speak/,
    },
  ],
});

interface Restart {
  /** Addresses that were there when it reported BACKUP, and a second later. */
  readonly reported: readonly string[];
  readonly later: readonly string[];
}

const [kept, dropped] = ['10.0.0.100', '10.0.0.101'];
const those = (text: string): string[] => [kept, dropped].filter((one) => text.includes(`${one}/`));
const report = `notify_backup "/bin/sh -c 'ip -4 -o addr show dev eth0 > /run/new && mv /run/new /run/at-backup'"`;

testFault<Restart>({
  id: 'killed-all',
  title: 'Everything killed; started again with one address less',
  place: 55,
  router: { addresses: [`${kept}/24`, `${dropped}/24`] },
  async play({ lab, a, daemon, subject, router, restart }) {
    daemon.killAll();
    await daemon.ended;
    await lab.until('b holds both', () =>
      [kept, dropped].every((one) => lab.holders(one).includes('b')),
    );
    const changed = { ...router, addresses: [`${kept}/24`], more: [report] };
    // Where nobody reaps orphans at once keepalived takes what it finds under its old number for a running daemon.
    if (subject === 'keepalived') daemon.discard('run/vrrp.pid');
    const next = restart(configOf(subject, changed, a), daemon);
    const seen = await lab.until('it reports BACKUP', () => next.read('run/at-backup'));
    const from = lab.now();
    await reach(lab, from + 1_000_000);
    const later = await a.ip('-4', '-o', 'addr', 'show', 'dev', 'eth0');
    // By then it has preempted its peer, and has the address that it is to have.
    return { reported: those(seen), later: those(later).filter((one) => one === dropped) };
  },
  tell: ({ reported, later }) =>
    `${reported.length === 0 ? 'nothing' : `${reported.length} of the two addresses`} left when it reports BACKUP, ${later.length === 0 ? 'none' : 'the one that the file no longer has'} after a second`,
  check: ({ reported, later }) => {
    assert.deepEqual(reported, [], 'gone before BACKUP is reported');
    assert.deepEqual(later, [], 'gone for good');
  },
  guards: [
    {
      guard: 'the journal',
      file: 'src/vrrp/start.ts',
      from: '  removeAbandoned(draft, abandoned);\n',
      to: '',
      fails: /gone before BACKUP/,
      cheap: true,
    },
    {
      guard: 'the removal of what is configured and there',
      file: 'src/vrrp/start.ts',
      from: '  removeLeftovers(draft, member);\n',
      to: '',
      fails: /gone before BACKUP/,
    },
  ],
});
