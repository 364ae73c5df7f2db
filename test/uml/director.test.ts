// The whole daemon on a kernel that has IPVS, beside keepalived: after every event both hold the same table.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { main, Seen } from './director.ts';
import { runInside } from './machine.ts';

let outcome: Awaited<ReturnType<typeof main>>;
before(async () => {
  outcome = await runInside(import.meta.resolve('./director.ts'));
});

const at = (event: string): Seen => {
  const found = outcome.seen.find((seen) => seen.event === event);
  assert.ok(found, event);
  return found;
};

describe('our table is keepalived’s', () => {
  for (const event of [
    'start',
    'a server is gone',
    'all servers are gone',
    'a server is back',
    'all servers are back',
    'reload',
    'one of three is gone',
    'stop',
  ])
    it(event, () => {
      const { ours, keepalived } = at(event).tables;
      assert.deepEqual(ours, keepalived);
    });
});

it('a checker child that is killed takes nothing out of IPVS, and the next one puts nothing back that had failed', () => {
  const { ours } = at('one of three is gone').tables;
  assert.deepEqual(outcome.killed.during, ours);
  assert.deepEqual(outcome.killed.after, ours);
});

it('lvs_timeouts: at the end the kernel has its own again, also where another process had changed them', () => {
  const [before = [], second, end] = outcome.timeouts;
  const [, tcpfin] = before;
  assert.deepEqual(second, [700, tcpfin, 60]);
  assert.notDeepEqual(second, before);
  assert.deepEqual(end, before);
});

it('what somebody else has put into IPVS stays there', () => {
  const foreign = '-A -t 198.51.100.1:22 -s wlc';
  for (const { event, tables } of outcome.seen)
    for (const table of Object.values(tables)) assert.ok(table.includes(foreign), event);
  assert.deepEqual(at('stop').tables.ours, [foreign]);
});

it('lvs_flush_on_stop: unless the file says so', () => {
  assert.deepEqual(outcome.flushed, { ours: [], keepalived: [] });
});

it('-I: what is in IPVS stays there', () => {
  assert.deepEqual(outcome.kept, at('start').tables.ours);
});
