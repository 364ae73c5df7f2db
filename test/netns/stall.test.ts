// A master that could not run for a moment, as on a paused virtual machine: it must speak again, on one schedule,
// and the address must end on one machine. Judged from the wire.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Daemon } from './daemon.ts';
import { Lab } from './lab.ts';
import type { Router } from './router.ts';
import { startRouter, virtual4 } from './router.ts';
import { announced, isAdvert } from './wire.ts';

const router: Router = {
  version: 3,
  family: 4,
  interval: 0.01,
  transport: 'multicast',
  vrid: 51,
  priority: 150,
  addresses: [`${virtual4}/24`],
};

/** Stops every process of the daemon until the wire has been silent for `silence` microseconds. */
async function freeze(lab: Lab, daemon: Daemon, silence: number): Promise<number> {
  const everyone = daemon.pids();
  for (const pid of everyone) process.kill(pid, 'SIGSTOP');
  const from = lab.now();
  await lab.until('the pause is over', () => lab.now() > from + silence);
  const thawed = lab.now();
  for (const pid of everyone) process.kill(pid, 'SIGCONT');
  return thawed;
}

// Without stepping a stall at the instant it was noticed (vrrp/daemon.ts, 'stalled') each attempt to resume is late
// again, for ever: not one advert leaves, and the address is announced without end.
it('a master alone speaks again after 200 ms of nothing', async () => {
  const lab = await Lab.open({ hosts: ['a'] });
  try {
    const daemon = await startRouter(lab, 'a', 'ours', router);
    const speaking = (since: number): boolean =>
      lab.frames.filter((frame) => isAdvert(frame) && frame.at > since).length >= 50;
    await lab.until('it is master', () => speaking(0));
    const thawed = await freeze(lab, daemon, 200_000);
    await lab.until('it speaks again', () => speaking(thawed));
    const again = lab.frames.filter((frame) => isAdvert(frame) && frame.at > thawed);
    const announcements = lab.frames.filter((f) => f.at > thawed && announced(f) === virtual4);
    assert.ok(announcements.length <= 10, `${announcements.length} announcements`);
    const [first, last] = [again[0]?.at ?? 0, again.at(-1)?.at ?? 0];
    const mean = (last - first) / (again.length - 1);
    assert.ok(mean > 9_000, `no burst: ${mean} µs between adverts`);
  } finally {
    await lab.close();
  }
});

it('two nodes end with one holder, the better one, after the master was frozen', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b'] });
  try {
    const daemon = await startRouter(lab, 'a', 'ours', router);
    await lab.untilHolder(virtual4, 'a');
    await startRouter(lab, 'b', 'ours', { ...router, priority: 100 });
    await lab.until('b is backup', () =>
      lab.host('b').daemons[0]?.lines.some(({ text }) => text.includes('Entering BACKUP STATE')),
    );
    await freeze(lab, daemon, 500_000);
    const b = lab.spans(virtual4).filter(({ host }) => host === 'b');
    assert.equal(b.length, 1, 'b took over while a was frozen');
    await lab.untilHolder(virtual4, 'a');
    const settled = lab.now();
    await lab.until('nothing flaps', () => lab.now() > settled + 500_000);
    assert.deepEqual(lab.holders(virtual4), ['a']);
    assert.ok(
      !lab.changes.some((c) => c.host === 'b' && c.name === virtual4 && c.at > settled + 50_000),
    );
  } finally {
    await lab.close();
  }
});
