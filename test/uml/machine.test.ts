// The machine itself: what goes wrong inside is told outside, power is cut in time, and nothing is left behind.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { runInside } from './machine.ts';

const failing = import.meta.resolve('./failing.ts');

/** Files of this process's machines, and processes that are a part of one. */
function left(): readonly string[] {
  const name = `ka-uml-${process.pid}-`;
  const files = readdirSync('/var/tmp').filter((file) => file.startsWith(name));
  const processes = readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
  return [...files, ...processes];
}

it('tells what was thrown inside', async () => {
  await assert.rejects(
    runInside(failing, { input: 'throw' }),
    /inside the machine: .*nothing works/,
  );
  assert.deepEqual(left(), []);
});

it('cuts the power of one that comes to no end', async () => {
  const hanging = runInside(failing, { input: 'hang', milliseconds: 8_000 });
  await assert.rejects(hanging, /it came to no end.*power was cut after 8000 ms/s);
  assert.deepEqual(left(), []);
});
