// Paces: an absolute schedule that nothing moves, silence at once when asked, and never a late send.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { native } from '../../src/net/native.ts';
import { block, Cable, eventually, numbered, numberOf, Tape } from './cable.ts';

/** Longer than the pauses of a busy virtual machine, each of which would rightly stall the pace. */
const PERIOD = 50_000;
let cable: Cable;
let from: number;
let to: number;
let tape: Tape;

const numbers = (): number[] => tape.of('packet').map(numberOf);

function begin(settle?: 'unsettling'): void {
  tape = new Tape(settle);
  from = cable.socket('near');
  to = cable.socket('far');
  native.watch(to);
}

describe('pace', () => {
  before(() => {
    cable = new Cable('pace');
  });
  after(() => cable.remove());
  afterEach(() => {
    native.stop();
    native.close(from);
    native.close(to);
  });

  it('keeps an absolute schedule: the n-th send is never early and lateness does not add up', async () => {
    begin();
    const first = native.now() + 5_000;
    native.pace(1, from, PERIOD, first, [[numbered(1)]]);
    await tape.until(() => tape.of('packet').length >= 40, '40 adverts');
    const late = tape.of('packet').map(({ at }, n) => at - (first + n * PERIOD));
    // The stamp is the far end's, converted from wall-clock time: that costs less than 100 µs.
    assert.ok(Math.min(...late) > -100, `early by ${-Math.min(...late)} µs`);
    // With drift the best of the last ten would be later than the best of the first ten by many sends' delay.
    const drift = Math.min(...late.slice(30, 40)) - Math.min(...late.slice(0, 10));
    assert.ok(drift < 1_000, `drifted ${drift} µs in 30 periods`);
  });

  it('is not held up by JavaScript that does nothing for 600 ms', async () => {
    begin();
    native.pace(1, from, PERIOD, native.now(), [[numbered(1)]]);
    block(600);
    await tape.until(() => tape.of('packet').length >= 11, '11 adverts');
    const arrivals = tape.of('packet').map(({ at }) => at);
    const gaps = arrivals.slice(1).map((at, n) => at - (arrivals[n] ?? at));
    assert.ok(Math.max(...gaps) < 2 * PERIOD, `a gap of ${Math.max(...gaps)} µs`);
  });

  it('repeats its ticks in order, and repace changes them without moving the schedule', async () => {
    begin();
    const first = native.now() + 1_000;
    const ticks = [[numbered(10), numbered(11)], [], [numbered(12)]];
    native.pace(1, from, PERIOD, first, ticks);
    await tape.until(() => numbers().length >= 6, 'two rounds');
    assert.deepEqual(numbers().slice(0, 6), [10, 11, 12, 10, 11, 12]);
    assert.equal(native.repace(1, from, [[numbered(20)]]), true);
    await tape.until(() => numbers().includes(20), 'the new tick');
    const changed = tape.of('packet').find((p) => numberOf(p) === 20)?.at ?? 0;
    const phase = (changed - first) % PERIOD;
    assert.ok(Math.min(phase, PERIOD - phase) < PERIOD / 2.5, `phase moved by ${phase} µs`);
    assert.equal(native.repace(99, from, [[numbered(1)]]), false);
  });

  it('joins a schedule that began three periods ago with the tick whose turn it is', async () => {
    begin();
    const ticks = [10, 11, 12, 13, 14].map((number) => [numbered(number)]);
    native.pace(1, from, PERIOD, native.now() - 3.5 * PERIOD, ticks);
    await tape.until(() => numbers().length >= 4, 'four adverts');
    assert.deepEqual(numbers().slice(0, 4), [13, 14, 10, 11]);
  });

  it('is silent once unpace has returned, 200 times', async () => {
    begin();
    for (let round = 0; round < 200; round++) {
      native.pace(1, from, 200, native.now(), [[numbered(round)]]);
      block(1);
      native.unpace(1);
      // Ethernet keeps order: what the pace sends after this marker would arrive after it.
      native.send(from, [numbered(1_000 + round)]);
    }
    await tape.until(() => numbers().includes(1_199), 'the last marker');
    let marker = 999;
    for (const number of numbers()) {
      if (number >= 1_000) marker = number;
      else assert.ok(number + 1_000 > marker, `pace ${number} spoke after its marker`);
    }
    assert.ok(numbers().some((number) => number < 1_000));
  });

  it('reports each refused send and goes on', async () => {
    begin();
    const deaf = cable.on('near', () =>
      native.rawSocket({ family: 4, protocol: 253, device: 'lo' }),
    );
    native.pace(3, deaf, PERIOD, native.now(), [
      [{ ...numbered(1), bytes: new Uint8Array(70_000) }],
    ]);
    await tape.until(() => tape.of('sendFailed').length >= 3, 'three failures');
    const [failed] = tape.of('sendFailed');
    assert.deepEqual([failed?.id, failed?.errno], [3, 90]); // EMSGSIZE
    native.close(deaf);
    await tape.flush();
    const count = tape.of('sendFailed').length;
    native.pace(4, from, PERIOD, native.now(), [[numbered(1)]]);
    await tape.until(() => numbers().length >= 3, 'three sends of another pace');
    assert.equal(tape.of('sendFailed').length, count, 'a pace went on after its socket was closed');
  });

  it('stalls at once when it is ordered late and something was received that nobody has handled', async () => {
    begin();
    for (const [id, first] of [
      [5, native.now() - 2 * PERIOD],
      [6, 0],
    ] as const) {
      native.send(from, [numbered(id)]);
      native.pace(id, from, PERIOD, first, [[numbered(1)]]);
      await tape.until(() => tape.of('stalled').some((one) => one.id === id), `stall of ${id}`);
      await tape.flush();
    }
    assert.deepEqual(numbers(), [5, 6]);
  });

  it('joins its schedule when it is ordered late and everything received has been handled', async () => {
    begin();
    const first = native.now() - 10.5 * PERIOD;
    native.pace(5, from, PERIOD, first, [[numbered(1)]]);
    await tape.until(() => numbers().length >= 4, 'four sends');
    assert.equal(tape.of('stalled').length, 0);
    const [, second, third] = tape.of('packet').map(({ at }) => at - first) as [
      number,
      number,
      number,
    ];
    // The one that was due leaves at once, the others at their own instants.
    assert.ok(third - second > PERIOD / 2 && third - second < PERIOD * 1.5, `${third - second}`);
    const phase = second % PERIOD;
    assert.ok(Math.min(phase, PERIOD - phase) < PERIOD / 2.5, `phase moved by ${phase} µs`);
  });

  it('stalls a process that SIGSTOP held for longer than a period: nothing leaves late', async () => {
    begin();
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'test/native/child.ts', 'pace', '100000'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    try {
      await tape.until(() => tape.of('packet').length >= 3, 'three adverts of the child');
      child.kill('SIGSTOP');
      await eventually(() => native.stopped(child.pid ?? 0), 'the stop');
      await tape.flush();
      const before = tape.of('packet').length;
      block(400);
      child.kill('SIGCONT');
      await eventually(() => said.includes('stalled 7'), 'the word stalled');
      await tape.flush();
      assert.equal(tape.of('packet').length, before, 'an advert left after the stop');
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('is cut off when the credit ends, writes one byte, and stays silent until a sign of life', async () => {
    begin();
    const { reader, writer } = openPipe();
    native.deadman(50_000, writer);
    // The addon has a duplicate: the number may become another file, which must not get the byte.
    closeSync(writer);
    native.pace(1, from, 5_000, native.now(), [[numbered(1)]]);
    block(200);
    native.pace(2, from, 5_000, native.now(), [[numbered(2)]]);
    const byte = new Uint8Array(8);
    assert.equal(readSync(reader, byte), 1);
    await tape.until(() => tape.of('stalled').length === 2, 'both stalls');
    await tape.flush();
    const last = Math.max(...tape.of('packet').map(({ at }) => at));
    const start = tape.of('packet')[0]?.at ?? 0;
    assert.ok(last - start < 60_000, `spoke for ${last - start} µs on 50,000 µs of credit`);
    assert.ok(!numbers().includes(2));
    native.alive();
    native.pace(3, from, PERIOD, native.now(), [[numbered(3)]]);
    await tape.until(() => numbers().includes(3), 'an advert after the sign of life');
  });
});

/** Both ends of a pipe as descriptors. */
function openPipe(): { reader: number; writer: number } {
  const folder = mkdtempSync(join(tmpdir(), 'ka-nat-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, 'w');
  rmSync(folder, { recursive: true });
  return { reader, writer };
}
