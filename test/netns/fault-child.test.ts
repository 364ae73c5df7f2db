// What happens to the daemon's own processes: killed, stopped, frozen, hung. Whatever it is, the address ends on one
// machine that says so, and where another process can go on, the network sees nothing.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Daemon } from './daemon.ts';
import { childOf, testFault } from './fault.ts';
import type { Course } from './observe.ts';
import {
  advertsOf,
  doublyHeld,
  milliseconds,
  observe,
  reach,
  said,
  takeovers,
  tellCourse,
  untilSteady,
} from './observe.ts';

const hang = fileURLToPath(new URL('../fixtures/hang.cjs', import.meta.url));

const freeze = (daemon: Daemon): number[] => {
  const everyone = daemon.pids();
  for (const pid of everyone) process.kill(pid, 'SIGSTOP');
  return everyone;
};

interface Frozen extends Course {
  /** Its VRRP child is another one than before. */
  readonly replaced: boolean;
  /** From the waking on: adverts of a, and how long both had the address. */
  readonly after: { readonly adverts: number; readonly doublyHeld: number };
}

const pause = 8_000_000;

testFault<Frozen>({
  id: 'frozen-daemon',
  title:
    'The whole daemon frozen for 8 s, as by a pause of its virtual machine; the peer is better',
  place: 70,
  peer: { priority: 200, nopreempt: true },
  async play(scene) {
    const { lab, a, daemon, address } = scene;
    const from = lab.now();
    const child = childOf(daemon);
    const everyone = freeze(daemon);
    await lab.until('b holds the address too', () => lab.holders(address).includes('b'));
    await reach(lab, from + pause);
    const waking = lab.now();
    // A machine's pause ends for all at once; here, what the parent watches must run before it looks.
    for (const pid of everyone.reverse()) process.kill(pid, 'SIGCONT');
    await untilSteady(lab, address);
    const course = await observe(scene, from);
    return {
      ...course,
      replaced: childOf(daemon) !== child,
      after: {
        adverts: advertsOf(lab, a, waking).length,
        doublyHeld: doublyHeld(lab, address, waking, lab.now()),
      },
    };
  },
  tell: ({ after, holder, announcements }) =>
    `on waking ${after.adverts === 0 ? 'no advert' : `${after.adverts} adverts`}, address on two machines for another ${milliseconds(after.doublyHeld)}, then on ${holder === 'b' ? 'the peer' : holder}, announced ${announcements} times`,
  check: ({ after, replaced, holder, announcements }) => {
    assert.ok(!replaced, 'what was frozen goes on: nothing hung');
    assert.equal(holder, 'b', 'who took over keeps it');
    assert.equal(after.adverts, 0, 'nothing is sent before what came meanwhile has been read');
    assert.ok(after.doublyHeld < 100_000, `two holders for ${after.doublyHeld} µs after waking`);
    assert.ok(announcements > 0, 'the final holder announces itself');
  },
  guards: [
    {
      guard: 'the refusal of adverts that are more than a period late',
      file: 'native/io_loop.h',
      from: '  if (late < 0 || (late <= pace.period && !exhausted_)) return false;',
      to: '  if (late < 0 || !exhausted_) return false;',
      fails: /nothing is sent before/,
    },
    {
      guard: 'the credit that time spent frozen does not use up',
      file: 'native/io_loop.h',
      from: '    ForgiveAbsence();\n    StallLatePaces();',
      to: '    StallLatePaces();',
      fails: /frozen goes on/,
    },
  ],
});

testFault<Course & { readonly farewell: boolean }>({
  id: 'killed-parent',
  title: 'The parent process killed with SIGKILL',
  place: 50,
  async play(scene) {
    const { lab, a, daemon } = scene;
    const everyone = daemon.pids();
    const from = lab.now();
    try {
      daemon.signal('SIGKILL');
      await daemon.ended;
      // keepalived's child goes on by itself: then there is nothing to wait for but time.
      await lab.until(
        'b has taken over, or will not',
        () => takeovers(lab, scene.peer, from) > 0 || lab.now() > from + 3e6,
      );
      const course = await observe(scene, from);
      const farewell = advertsOf(lab, a, from).some(({ message }) => message.priority === 0);
      return { ...course, farewell };
    } finally {
      daemon.killAll(everyone);
    }
  },
  tell: (course) =>
    `${course.farewell ? 'priority 0 sent' : 'no priority 0'}, ${tellCourse(course)}`,
  check: ({ farewell, holder, unheld, doublyHeld }) => {
    assert.ok(farewell, 'the child says priority 0');
    assert.equal(holder, 'b', 'the peer holds the address');
    assert.ok(unheld < 100_000, `nobody had the address for ${unheld} µs`);
    assert.equal(doublyHeld, 0, 'the address goes before the peer takes it');
  },
  guards: [
    {
      guard: 'the two ways in which a child learns of the end of its parent',
      file: 'src/ipc/channel.ts',
      from: "  process.on('disconnect', stop);\n",
      to: '',
      also: { file: 'src/main.ts', from: '  native.parentDeathSignal(15);\n', to: '' },
      fails: /says priority 0/,
    },
  ],
});

testFault<Course & { readonly noticed: number | undefined }>({
  id: 'stopped-child',
  title: 'The VRRP child stopped with SIGSTOP',
  place: 60,
  async play(scene) {
    const { lab, daemon } = scene;
    const from = lab.now();
    process.kill(childOf(daemon), 'SIGSTOP');
    await reach(lab, from + 4_000_000);
    const [noticed] = said(lab, daemon, 'was stopped by a signal', from);
    return {
      ...(await observe(scene, from)),
      noticed: noticed === undefined ? undefined : noticed - from,
    };
  },
  tell: (course) =>
    `${course.noticed === undefined ? 'not noticed within 4 s' : `noticed after ${milliseconds(course.noticed)}`}, ${tellCourse(course)}`,
  check: ({ noticed, losses, takeovers }) => {
    assert.ok(noticed !== undefined && noticed < 1_000_000, `noticed after ${noticed} µs`);
    assert.deepEqual([losses, takeovers], [0, 0], 'another goes on in its role');
  },
  guards: [
    {
      guard: 'the look at children that SIGCHLD asks for',
      file: 'src/supervisor/child.ts',
      from: '      return native.stopped(this.pid);',
      to: '      return false;',
      fails: /noticed after undefined/,
    },
  ],
});

testFault<Course & { readonly noticed: number | undefined; readonly speaking: number }>({
  id: 'hung-child',
  title: 'The VRRP child in an endless loop',
  place: 65,
  // Long, so that a stall of the machine alone silences nobody.
  router: { interval: 0.5 },
  options: { environment: { NODE_OPTIONS: `--require=${hang}` } },
  only: '(nothing makes it loop from outside; what a child that does not run leads to is in the row above)',
  async play(scene) {
    const { lab, a, daemon } = scene;
    const child = childOf(daemon);
    const from = lab.now();
    process.kill(child, 'SIGURG');
    await lab.until(
      'it is noticed',
      () => said(lab, daemon, 'hangs', from).length > 0 || lab.now() > from + 6e6,
    );
    const [noticed] = said(lab, daemon, 'hangs', from);
    // The last advert of the child that hangs, unless another speaks at once.
    const speaking = (advertsOf(lab, a, from, noticed).at(-1)?.at ?? from) - from;
    await untilSteady(lab, scene.address);
    return {
      ...(await observe(scene, from)),
      noticed: noticed === undefined ? undefined : noticed - from,
      speaking,
    };
  },
  tell: (course) =>
    `silent after ${milliseconds(course.speaking)} and replaced, ${tellCourse(course)}`,
  check: ({ noticed, speaking, losses, takeovers }) => {
    assert.ok(noticed !== undefined && noticed < 4_500_000, `noticed after ${noticed} µs`);
    assert.ok(speaking < 3_200_000, `it spoke for ${speaking} µs more`);
    assert.deepEqual([losses, takeovers], [0, 0], 'another goes on in its role');
  },
  guards: [
    {
      guard: 'the dead-man limit',
      file: 'native/io_loop.h',
      from: '  if (deadman_ == 0 || exhausted_ || now < credit_) return;',
      to: '  if (now != 0) return;',
      fails: /noticed after undefined/,
    },
  ],
});
