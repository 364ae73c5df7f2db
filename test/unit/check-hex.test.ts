// The bytes of UDP_CHECK and the digest of HTTP_GET as they are written. keepalived 2.2.7 was seen to send and to compare just these.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpRows, udpRows } from '../../src/check/checkers.ts';

const payload = (...words: string[]) => udpRows.payload.type.parse(words, words.join(' ')).value;
const pattern = (...words: string[]) => udpRows.require_reply.type.parse(words, '').value;

test('digits are taken in pairs, and one that a blank leaves alone is a byte', () => {
  assert.equal(payload('Ab12f', '3', '456', '546443123'), 'Ab120f0345065464431203');
  assert.equal(payload('Ab12f 3', '456'), 'Ab120f034506');
  assert.equal(pattern('ab1', '2'), 'ab0102');
  assert.equal(pattern('0x0X'), '0x0X');
  assert.equal(pattern('x'), '0x');
  assert.equal(pattern(), '');
});

test('what is no digit is refused, and an x where bytes are sent', () => {
  assert.equal(payload('0g'), undefined);
  assert.equal(payload('0x'), undefined);
  assert.equal(pattern('0y'), undefined);
});

test('a digest is of hexadecimal digits', () => {
  const { type } = httpRows.url.rows.digest;
  const complaint = (text: string) => type.parse([text], text).complaints?.[0]?.message;
  assert.equal(complaint('640205B7b0fc66c1ea91c463fac63340'), undefined);
  assert.equal(
    complaint('640205b7b0fc66c1ea91c463fac6334g'),
    "Unable to interpret hex digit in '640205b7b0fc66c1ea91c463fac6334g' at offset 30/31",
  );
  assert.equal(
    complaint('64020-b7b0fc66c1ea91c463fac63340'),
    "Unable to interpret hex digit in '64020-' at offset 4/5",
  );
  assert.equal(
    complaint('0x0205b7b0fc66c1ea91c463fac63340'),
    "Unable to interpret hex digit in '0x' at offset 0/1",
  );
});
