// Which addresses a machine has when several interfaces may have the same one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Presence } from '../../src/check/presence.ts';
import type { Ip } from '../../src/lib/ip.ts';

const a = '192.0.2.1' as Ip;
const b = '2001:db8::1' as Ip;

test('an address comes once and goes with the last interface that has it', () => {
  const presence = new Presence();
  assert.deepEqual(presence.add({ address: a, index: 1 }), [{ type: 'address', address: a }]);
  assert.deepEqual(presence.add({ address: a, index: 2 }), []);
  assert.deepEqual(presence.add({ address: a, index: 2 }), [], 'said twice');
  assert.deepEqual(presence.remove({ address: a, index: 1 }), []);
  assert.deepEqual(presence.remove({ address: a, index: 2 }), [
    { type: 'addressGone', address: a },
  ]);
  assert.deepEqual(presence.remove({ address: a, index: 2 }), [], 'it has gone already');
});

test('an interface that goes takes along what it alone has', () => {
  const presence = new Presence();
  presence.replace([
    { address: a, index: 1 },
    { address: b, index: 1 },
    { address: b, index: 2 },
  ]);
  assert.deepEqual(presence.forget(1), [{ type: 'addressGone', address: a }]);
  assert.deepEqual(presence.addresses, [b]);
});

test('after lost news only what has changed is told', () => {
  const presence = new Presence();
  presence.replace([{ address: a, index: 1 }]);
  assert.deepEqual(
    presence.replace([{ address: a, index: 2 }]),
    [],
    'another interface has it now',
  );
  assert.deepEqual(presence.replace([{ address: b, index: 2 }]), [
    { type: 'addressGone', address: a },
    { type: 'address', address: b },
  ]);
});
