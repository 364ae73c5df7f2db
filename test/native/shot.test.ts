// Shots and the alarm: what is decided at an instant knows every packet that came before it.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { native } from '../../src/net/native.ts';
import { block, Cable, numbered, numberOf, Tape } from './cable.ts';

/** Longer than the pauses of a busy virtual machine, each of which would rightly withhold the shot. */
const PERIOD = 50_000;
let cable: Cable;
let near: number;
let far: number;
let tape: Tape;

const numbers = (): number[] => tape.of('packet').map(numberOf);
const start = (settle?: 'unsettling'): void => {
  tape = new Tape(settle);
  near = cable.socket('near');
  far = cable.socket('far');
  native.watch(far);
};

before(() => {
  cable = new Cable('shot');
});
after(() => cable.remove());
afterEach(() => {
  native.prewake(0);
  native.stop();
  native.close(near);
  native.close(far);
});

describe('shot', () => {
  it('sends its parts in order at its instant and begins its paces, while JavaScript does nothing', async () => {
    start();
    native.prewake(100);
    const at = native.now() + 30_000;
    native.shot(9, at, [
      { fd: near, pace: 4, period: PERIOD, ticks: [[numbered(1)], [numbered(2)]] },
      { fd: near, datagrams: [numbered(100), numbered(101)] },
    ]);
    block(80);
    await tape.until(() => numbers().length >= 6, 'the shot and three sends of its pace');
    assert.deepEqual(numbers().slice(0, 5), [1, 100, 101, 2, 1]);
    const fired = await tape.first('fired');
    assert.deepEqual([fired.id, fired.errno], [9, 0]);
    assert.ok(Math.abs(fired.at - at) < 0.01, 'a shot tells the instant that was asked for');
    const late = (tape.of('packet')[0]?.at ?? 0) - at;
    assert.ok(late > -100 && late < PERIOD, `left ${late} µs after its instant`);
    assert.ok(numbers().indexOf(1) === 0 && tape.of('withheld').length === 0);
    assert.equal(native.moveShot(9, at), false);
    assert.equal(native.disarm(9), false);
  });

  it('begins a pace at an instant of its own where one is given', async () => {
    start();
    const at = native.now() + 20_000;
    native.shot(9, at, [
      { fd: near, pace: 4, period: PERIOD, first: at + 30_000, ticks: [[numbered(1)]] },
      { fd: near, datagrams: [numbered(100)] },
    ]);
    await tape.until(() => numbers().length >= 3, 'the shot and two sends of its pace');
    assert.deepEqual(numbers().slice(0, 3), [100, 1, 1]);
    const [, second, third] = tape.of('packet').map((packet) => packet.at - at);
    for (const [late, wanted] of [
      [second, 30_000],
      [third, 30_000 + PERIOD],
    ] as const)
      assert.ok(late !== undefined && late >= wanted - 100 && late < wanted + PERIOD, `${late}`);
  });

  it('is withheld while a packet waits that JavaScript has not settled, and JavaScript is told', async () => {
    start('unsettling');
    native.send(near, [numbered(5)]);
    await tape.until(() => numbers().includes(5), 'the packet');
    native.shot(1, native.now() + 1_000, [{ fd: near, datagrams: [numbered(6)] }]);
    assert.equal((await tape.first('withheld')).id, 1);
    // It will never leave: whoever takes it back must not believe that it has.
    assert.equal(native.disarm(1), true);
    assert.equal(tape.of('fired').length, 0);
    native.settle();
    native.shot(2, native.now() + 1_000, [{ fd: near, datagrams: [numbered(7)] }]);
    await tape.until(() => tape.of('fired').length === 1, 'the shot after settling');
    await tape.flush();
    assert.deepEqual(numbers(), [5, 7]);
  });

  it('is withheld by a packet that arrived while JavaScript was blocked', async () => {
    start();
    const at = native.now() + 20_000;
    native.shot(1, at, [{ fd: near, pace: 1, period: PERIOD, ticks: [[numbered(6)]] }]);
    native.pace(2, near, 1_000_000, at - 1_000, [[numbered(5)]]);
    block(60);
    await tape.first('withheld');
    await tape.flush();
    assert.deepEqual(numbers(), [5]);
  });

  it('can be moved and taken back until it has been fired', async () => {
    start();
    native.shot(1, native.now() + 60_000_000, [{ fd: near, datagrams: [numbered(1)] }]);
    native.shot(2, native.now() + 20_000, [{ fd: near, datagrams: [numbered(2)] }]);
    assert.equal(native.disarm(2), true);
    assert.equal(native.moveShot(1, native.now() + 1_000), true);
    await tape.first('fired');
    native.alarm(native.now() + 30_000);
    await tape.first('alarm');
    assert.deepEqual(numbers(), [1]);
  });

  it('that is later than a period of its pace is withheld whole, as after a stop of the machine', async () => {
    start();
    native.shot(1, native.now() - 2 * PERIOD, [
      { fd: near, datagrams: [numbered(1)] },
      { fd: near, pace: 1, period: PERIOD, ticks: [[numbered(2)]] },
    ]);
    await tape.first('withheld');
    await tape.flush();
    assert.deepEqual(numbers(), []);
  });

  it('lets a pace keep its time while it sends far more than fits between two adverts', async () => {
    start();
    native.unwatch(far);
    const other = cable.on('near', () =>
      native.rawSocket({ family: 4, protocol: 254, device: 'a' }),
    );
    const many = Array.from({ length: 200 }, (_, n) => numbered(n));
    const parts = Array.from({ length: 250 }, () => ({ fd: other, datagrams: many }));
    native.shot(1, native.now() + 60_000_000, parts);
    native.pace(1, near, PERIOD, native.now(), [[numbered(1)]]);
    native.moveShot(1, native.now() + 2.5 * PERIOD);
    const { at, read } = await tape.first('fired');
    assert.ok(read - at > PERIOD, `50,000 sends in ${read - at} µs: too few for this test`);
    native.alarm(native.now() + 2 * PERIOD);
    await tape.first('alarm');
    native.watch(far);
    await tape.until(() => numbers().length > 3, 'the adverts that waited');
    const arrivals = tape.of('packet').map((packet) => packet.at);
    const gaps = arrivals.slice(1).map((when, n) => when - (arrivals[n] ?? when));
    assert.ok(Math.max(...gaps) < 2 * PERIOD, `a gap of ${Math.max(...gaps)} µs`);
    assert.deepEqual(tape.of('stalled'), []);
    native.close(other);
  });

  it('goes with its socket', async () => {
    start();
    const other = cable.socket('near');
    native.shot(1, native.now() + 5_000, [{ fd: other, datagrams: [numbered(1)] }]);
    native.close(other);
    assert.equal(native.disarm(1), true);
    native.alarm(native.now() + 10_000);
    await tape.first('alarm');
    assert.deepEqual([numbers(), tape.of('fired')], [[], []]);
  });
});

describe('alarm', () => {
  it('comes after every packet that arrived before it, however many', async () => {
    start();
    const at = native.now() + 100_000;
    const burst = Array.from({ length: 25 }, (_, n) => numbered(n));
    // 1000 packets in 40 ms, read by a thread that JavaScript keeps from its work by nothing.
    native.alarm(at);
    for (let n = 0; n < 40; n++) native.pace(n, near, 60_000_000, at - 45_000 + n * 1_000, [burst]);
    block(150);
    await tape.first('alarm');
    const order = tape.records.map(({ kind, at: when }) => ({ kind, when }));
    const alarm = order.findIndex(({ kind }) => kind === 'alarm');
    const before = order.slice(0, alarm).filter(({ kind }) => kind === 'packet');
    assert.equal(before.length, 1_000);
    assert.ok(order.slice(alarm + 1).every(({ when }) => when >= at));
    assert.ok(before.every(({ when }) => when < at));
  });

  it('says its own instant, comes once, and 0 takes it back', async () => {
    start();
    const at = native.now() + 2_000;
    native.alarm(at);
    const alarm = await tape.first('alarm');
    assert.ok(Math.abs(alarm.at - at) < 0.01 && alarm.read >= at);
    native.alarm(native.now() + 5_000);
    native.alarm(0);
    native.pace(1, near, PERIOD, native.now() + 10_000, [[numbered(1)]]);
    await tape.until(() => numbers().includes(1), 'a packet after the alarm that was taken back');
    assert.equal(tape.of('alarm').length, 1);
  });
});
