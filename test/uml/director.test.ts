// The whole daemon on a kernel that has IPVS, beside keepalived: after every event both hold the same table.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { main, Seen } from './director.ts';
import { wanderings } from './judge.ts';
import { runInside } from './machine.ts';
import { rowOf } from './rows.ts';

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

describe('a checker child is killed: no order puts back what has failed, nor takes away what is well, for a moment', () => {
  const server = (service: number, port: number, weight: number): string =>
    `-a -t 10.9.0.100:${service} -r 10.9.0.1:${port} -m -w ${weight}`;
  const services = [1, 2, 3, 4, 5].map((service) => `-A -t 10.9.0.100:${service} -s wrr`);
  const table = (...servers: readonly string[]): string[] => [...services, ...servers].sort();
  const well = (weight: number) => [server(1, 8001, weight), server(1, 8002, 2)];
  const partly = (weight: number): string[] =>
    table(
      ...well(weight),
      server(2, 8001, weight),
      server(3, 8001, 3),
      server(3, 8003, 0),
      server(4, 9000, 1),
      server(5, 9000, 1),
    );
  const whole = table(
    ...well(3),
    server(2, 8001, 3),
    server(2, 8003, 2),
    server(3, 8001, 3),
    server(3, 8003, 1),
    server(4, 8001, 3),
    server(4, 8003, 1),
    server(5, 8003, 1),
    server(5, 9000, 0),
  );
  const fewer = whole.filter(
    (line) => !line.includes(':2 ') && !line.includes(':3 -r 10.9.0.1:8003'),
  );
  for (const [at, what, before, after] of [
    [0, 'as things are', partly(1), partly(1)],
    [1, 'in a reload', partly(1), partly(3)],
    [2, 'once more within a minute, and one comes back meanwhile', partly(3), whole],
    [3, 'and a reload before the next one is there', whole, fewer],
  ] as const)
    it(what, () => {
      const heir = outcome.heirs.heirs[at];
      assert.ok(heir?.what === what);
      assert.deepEqual([heir.before, heir.after], [before, after]);
      assert.ok(heir.heard.length > 0);
      const [was, is] = [before.map(rowOf), after.map(rowOf)];
      assert.deepEqual(wanderings(was, heir.heard, is), [], JSON.stringify(heir.heard));
    });
});

it('a reload that leaves no service while the checker child is dead leaves nothing in IPVS, and programs hear of it', () => {
  const { table, told } = outcome.heirs.dismissed;
  assert.deepEqual(table, []);
  assert.match(told, /^RS \[10\.9\.0\.1\]:tcp:8001 \[10\.9\.0\.100\]:tcp:1 DOWN$/m);
  assert.match(told, /^VS \[10\.9\.0\.100\]:tcp:1 DOWN$/m);
});

it('a stop while the checker child is dead leaves nothing in IPVS', () => {
  assert.deepEqual(outcome.heirs.left, []);
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
