// What the processes of our daemon keep in memory: the text that only the start needed goes back, unless memory is to
// be locked.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Lab } from './lab.ts';
import { configOf, type Router } from './router.ts';

const router = (...globals: string[]): Router => ({
  version: 3,
  family: 4,
  interval: 1,
  transport: 'multicast',
  vrid: 51,
  priority: 255,
  addresses: ['10.0.1.1/32'],
  globals,
});

/** Resident pages of files, in kB: program text. */
const textOf = (pid: number): number =>
  Number(/^RssFile:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** In kB: more than a process that mostly waits runs again, less than the start needs. */
const SMALL = 20_000;

test('the text of the start goes back to the page cache, in every process', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b'], capture: false });
  try {
    const host = lab.host('a');
    const daemon = host.start('ours', configOf('ours', router(), host));
    await lab.untilHolder('10.0.1.1', 'a', 20_000);
    const before = textOf(daemon.pid);
    assert.ok(before > 1.5 * SMALL, `${before} kB: nothing there that could be given back`);
    await lab.until(
      'little text is left',
      () => daemon.pids().length >= 2 && daemon.pids().every((pid) => textOf(pid) < SMALL),
      20_000,
    );
  } finally {
    await lab.close();
  }
});

test('vrrp_no_swap: what the VRRP process has in memory stays there', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b'], capture: false });
  try {
    const host = lab.host('a');
    const daemon = host.start('ours', configOf('ours', router('vrrp_no_swap'), host));
    await lab.untilHolder('10.0.1.1', 'a', 20_000);
    const child = Number(daemon.read('run/vrrp.pid'));
    await lab.until('the parent has given back', () => textOf(daemon.pid) < SMALL, 20_000);
    // The child was configured before the parent's second began.
    const later = lab.now() + 1e6;
    await lab.until('the child had its time', () => lab.now() > later);
    assert.ok(textOf(child) > 1.5 * SMALL, `${textOf(child)} kB`);
  } finally {
    await lab.close();
  }
});
