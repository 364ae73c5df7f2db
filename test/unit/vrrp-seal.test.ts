// auth_type AH: adverts under an authentication header byte for byte as keepalived 2.2.7 sends them, what is believed of
// others, and that no number leaves twice.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { hmacMd5 } from '../../src/lib/md5.ts';
import { type Instant, seconds } from '../../src/lib/time.ts';
import type { Datagram } from '../../src/vrrp/action.ts';
import { keyOf, rowOf } from '../../src/vrrp/numbering.ts';
import { decodeAdvert, vridOf } from '../../src/vrrp/packet.ts';
import { brokenSeal, isNewer, nextNumber, numberOf, seal } from '../../src/vrrp/seal.ts';
import { adverts } from '../../src/vrrp/speech.ts';
import { config, instance, ip } from '../sim/config.ts';
import { Host } from '../sim/host.ts';

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const AH = { auth_type: 'AH', auth_pass: 'secret12' } as const;

// Captured from keepalived 2.2.7 with "auth_type AH, auth_pass secret12345": its first advert.
const captured = Uint8Array.from(
  Buffer.from(
    '45c0004000010000ff33d0ad0a090001e0000012' +
      '700400000a09000100000001fcdef58818a57844d68e7c4f' +
      '2105640102016e8b0a0900640000000000000000',
    'hex',
  ),
);
const sender = instance({
  virtual_router_id: 5,
  authentication: AH,
  virtual_ipaddress: [{ address: ip('10.9.0.100'), prefix: 32, scope: 0 }],
});
const source = ip('10.9.0.1');
const key = keyOf(sender);

/** As the kernel leaves it: with the checksum of the IP header, which the seal does not cover. */
function asSent(datagram: Uint8Array): Uint8Array {
  const sent = datagram.slice();
  sent.set(captured.subarray(10, 12), 10);
  return sent;
}

test('HMAC-MD5 is that of everybody else', () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1500]) {
    const data = Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
    for (const word of ['', 'a', 'secret12', 'k'.repeat(64)])
      assert.equal(
        hex(hmacMd5(Buffer.from(word), data)),
        createHmac('md5', word).update(data).digest('hex'),
        `${length} bytes`,
      );
  }
});

test('an advert under a header is keepalived’s, byte for byte', () => {
  const [datagram] = adverts(sender, source, 100);
  assert.ok(datagram);
  assert.equal(hex(asSent(seal(datagram.bytes, key, 1))), hex(captured));
});

const packet = (bytes: Uint8Array) => ({
  source,
  destination: ip('224.0.0.18'),
  hopLimit: 255,
  interface: 2,
  bytes,
});

test('keepalived’s advert under a header is understood and believed', () => {
  assert.equal(vridOf(packet(captured)), 5);
  const decoded = decodeAdvert(packet(captured));
  assert.ok(decoded.ok);
  assert.deepEqual([decoded.value.priority, decoded.value.authType], [100, 2]);
  assert.equal(numberOf(captured), 1);
  assert.equal(brokenSeal(captured, source, key, undefined), undefined);
});

test('nothing of it can be changed but the type of service and the checksum', () => {
  for (let at = 0; at < captured.length; at++) {
    const changed = captured.slice();
    changed[at] = (changed[at] as number) ^ 0x10;
    // The length of the IP header says where the other one is; what else breaks it is found by the decoder.
    if (at === 0) continue;
    const free = at === 1 || at === 10 || at === 11;
    assert.equal(brokenSeal(changed, source, key, undefined) === undefined, free, `byte ${at}`);
  }
});

test('what is wrong is said in keepalived’s words', () => {
  const wrong = brokenSeal(captured, source, Buffer.from('Secret12'), undefined);
  assert.match(wrong ?? '', /^IPSEC-AH : invalid IPSEC HMAC-MD5 value/);
  assert.equal(
    brokenSeal(captured, source, key, 1),
    'IPSEC-AH : sequence number 1 already processed. Packet dropped. Local(1)',
  );
  assert.equal(
    brokenSeal(captured, ip('10.9.0.2'), key, undefined),
    'IPSEC AH : invalid IPSEC SPI value. 168361985 and expect 168361986',
  );
});

test('numbers leave out those whose lower half is 0, and may wrap', () => {
  assert.deepEqual([0, 65_534, 65_535, 0xffff_ffff].map(nextNumber), [1, 65_535, 65_537, 1]);
  assert.deepEqual(
    [isNewer(2, 1), isNewer(1, 1), isNewer(1, 2), isNewer(1, 0xffff_ffff)],
    [true, false, false, true],
  );
});

test('a header cut short is no packet of ours', () => {
  for (let length = 0; length < captured.length; length++) {
    const cut = packet(captured.subarray(0, length));
    vridOf(cut);
    assert.equal(decodeAdvert(cut).ok, false, `${length} bytes`);
  }
});

const numbersOf = (ticks: readonly (readonly Datagram[])[]): number[] =>
  ticks.map((datagrams) => numberOf(datagrams[0]?.bytes ?? new Uint8Array()));

/** What a thread sends that gets every order `lag` adverts late (or early), in the order of sending. */
function numbersSent(lag: number): number[] {
  const one = new Host(config(sender)).start().until('master');
  const sent: number[] = one
    .of('send')
    .map(({ datagrams }) => numberOf(datagrams[0]?.bytes ?? new Uint8Array()));
  let [pace] = one.of('pace');
  assert.ok(pace);
  let row = numbersOf([pace.datagrams, ...(pace.later ?? [])]);
  let turn = 0;
  const first = pace.first;
  const thread = (now: number): void => {
    while (first + (turn + lag) * seconds(1) <= now) sent.push(row[turn++ % row.length] as number);
  };
  for (let i = 0; i < 60; i++) {
    const before = one.now;
    one.deadline();
    thread(Math.max(before, one.now));
    for (const { datagrams, later = [] } of one.of('replace'))
      row = numbersOf([datagrams, ...later]);
    assert.equal(one.of('pace').length, 0);
    pace = undefined;
  }
  return sent;
}

for (const lag of [-1, 0, 1, 3])
  test(`no number leaves twice, nor after a higher one: thread ${lag} adverts behind`, () => {
    const sent = numbersSent(lag);
    assert.ok(sent.length > 100, `${sent.length} adverts`);
    for (const [i, number] of sent.entries())
      assert.ok(
        i === 0 || number > (sent[i - 1] as number),
        `${sent.slice(Math.max(0, i - 3), i + 2)}`,
      );
  });

test('a row holds every number once, and the turn decides where it begins', () => {
  const plain = adverts(sender, source, 100);
  const schedule = { first: 0 as Instant, period: seconds(1), sent: 21 };
  const { ticks, top } = rowOf(plain, key, 100, schedule);
  const numbers = numbersOf(ticks);
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal(top, 100 + numbers.length);
  const turns = Array.from(
    { length: 10 },
    (_, i) => numbers[(21 - 2 + i) % numbers.length] as number,
  );
  assert.deepEqual(
    turns,
    [...turns].sort((a, b) => a - b),
  );
});

const sealed = (changes: Partial<typeof sender> = {}): Host =>
  new Host(config({ ...sender, ...changes })).start();
const hears = (one: Host, priority: number, number: number, word = key): void => {
  const from = ip('10.0.0.9');
  const [datagram] = adverts(sender, from, priority);
  assert.ok(datagram);
  one.take({
    type: 'packet',
    socket: one.member().socket ?? '',
    packet: { ...packet(seal(datagram.bytes, word, number)), source: from },
  });
};

test('its socket is for the protocol of the header', () => {
  assert.equal(sealed().of('open')[0]?.socket.sealed, true);
});

test('an advert that was heard before is dropped and counted, and so is a forged one', () => {
  const one = sealed();
  hears(one, 200, 7);
  assert.deepEqual(one.member().state.name, 'backup');
  assert.equal(one.member().statistics.received, 1);
  hears(one, 200, 7);
  assert.match(one.logs.join(), /already processed/);
  hears(one, 200, 8, Buffer.from('other'));
  const { received, drops } = one.member().statistics;
  assert.deepEqual([received, drops.authFailure], [1, 2]);
});

test('whoever becomes master goes on beyond the number it has heard', () => {
  const one = sealed();
  hears(one, 200, 5_000_000);
  one.until('master');
  const [pace] = one.of('pace');
  assert.ok(numberOf(pace?.datagrams[0]?.bytes ?? new Uint8Array()) > 5_000_000);
});

test('a master that hears a higher number than its own goes on beyond it', () => {
  const one = sealed().until('master');
  hears(one, 50, 6_000_000);
  if (one.of('replace').length === 0) one.deadline();
  const [row] = one.of('replace');
  const numbers = numbersOf([row?.datagrams ?? [], ...(row?.later ?? [])]);
  assert.ok(Math.min(...numbers) > 6_000_000);
});

test('nor does it go on with numbers of its row that others take for old, having heard a higher one', () => {
  // One that answers has a new row by that; one that has just answered has not.
  const one = sealed({ lower_prio_no_advert: true }).until('master');
  const [pace] = one.of('pace');
  assert.ok(pace);
  const row = numbersOf([pace.datagrams, ...(pace.later ?? [])]);
  const middle = [...row].sort((a, b) => a - b)[8] as number;
  hears(one, 50, middle);
  if (one.of('replace').length === 0) one.deadline();
  const [next] = one.of('replace');
  assert.ok(next);
  assert.ok(Math.min(...numbersOf([next.datagrams, ...(next.later ?? [])])) > Math.max(...row));
});

test('the last words bear a number too, beyond those of the schedule', () => {
  const one = sealed().until('master');
  const [pace] = one.of('pace');
  const numbers = numbersOf([pace?.datagrams ?? [], ...(pace?.later ?? [])]);
  one.take({ type: 'stop' });
  const [last] = one.of('send');
  const bytes = last?.datagrams[0]?.bytes ?? new Uint8Array();
  assert.equal(bytes[46], 0, 'priority 0');
  assert.ok(numberOf(bytes) > Math.max(...numbers));
});
