// The ledger: what the I/O thread notes of its paces in a file that outlives the process.

import assert from 'node:assert/strict';
import { ftruncateSync, readFileSync } from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { native } from '../../src/net/native.ts';
import { Cable, numbered, Tape } from './cable.ts';

const PERIOD = 20_000;
const SLOTS = 8;
let cable: Cable;
let tape: Tape;
let ledger: number;
let path: string;
let from: number;
let to: number;

const entry = (id: number): number => readFileSync(path).readDoubleLE(8 * id);

describe('ledger', () => {
  before(() => {
    cable = new Cable('ledger');
  });
  after(() => {
    cable.remove();
  });
  afterEach(() => {
    native.stop();
    native.close(from);
    native.close(to);
    native.close(ledger);
  });

  function begin(): void {
    ledger = native.openMemory();
    ftruncateSync(ledger, 8 * SLOTS);
    path = `/proc/self/fd/${ledger}`;
    tape = new Tape();
    from = cable.socket('near');
    to = cable.socket('far');
    native.watch(to);
    native.ledger(path);
  }

  it('has the instant of the last send, and 0 once the pace is withdrawn', async () => {
    begin();
    const first = native.now();
    native.pace(3, from, PERIOD, first, [[numbered(1)]]);
    await tape.until(() => tape.of('packet').length >= 3, '3 adverts');
    const noted = entry(3);
    assert.ok(noted >= first + 2 * PERIOD && noted <= native.now(), `${noted} after ${first}`);
    native.unpace(3);
    assert.equal(entry(3), 0);
    assert.equal(entry(2), 0);
  });

  it('notes a pace that a shot began', async () => {
    begin();
    const at = native.now() + 5_000;
    native.shot(1, at, [{ fd: from, pace: 1, period: PERIOD, ticks: [[numbered(1)]] }]);
    await tape.first('packet');
    assert.ok(entry(1) >= at);
  });

  it('keeps the entry of a schedule that the dead-man limit ended: its owner did not withdraw it', async () => {
    begin();
    native.pace(2, from, PERIOD, native.now(), [[numbered(1)]]);
    await tape.first('packet');
    native.deadman(1_000, -1);
    await tape.first('stalled');
    assert.ok(entry(2) > 0);
  });

  it('leaves out an id beyond its end', async () => {
    begin();
    native.pace(SLOTS, from, PERIOD, native.now(), [[numbered(1)]]);
    await tape.first('packet');
    assert.deepEqual(readFileSync(path), Buffer.alloc(8 * SLOTS));
  });
});
