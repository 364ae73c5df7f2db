// Questions of DNS_CHECK and PING_CHECK as bytes, and what of an answer is looked at.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeReply, encodeEcho, encodeQuery, isEchoReply } from '../../src/check/packet.ts';

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const bytesOf = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('a DNS question', () => {
  const header = '12340100000100000000000000';

  it('for the root has one empty label', () => {
    assert.equal(hex(encodeQuery(0x1234, '.', 'SOA')), `${header}00060001`);
  });

  it('has a label for each part of the name, with or without the last dot', () => {
    const bytes = `${header.slice(0, -2)}03777777076578616d706c65${'00'}001c0001`;
    assert.equal(hex(encodeQuery(0x1234, 'www.example', 'AAAA')), bytes);
    assert.equal(hex(encodeQuery(0x1234, 'www.example.', 'AAAA')), bytes);
  });

  it('asks for every type by its number', () => {
    const types = {
      A: 1,
      NS: 2,
      CNAME: 5,
      SOA: 6,
      MX: 15,
      TXT: 16,
      AAAA: 28,
      RRSIG: 46,
      DNSKEY: 48,
    };
    for (const [type, number] of Object.entries(types)) {
      const bytes = encodeQuery(0, '.', type as keyof typeof types);
      assert.equal(hex(bytes?.subarray(13, 15)), number.toString(16).padStart(4, '0'), type);
    }
  });

  it('is not made for a name that does not fit (RFC 1035 2.3.4)', () => {
    assert.equal(encodeQuery(0, `${'a'.repeat(64)}.example`, 'A'), undefined);
    assert.notEqual(encodeQuery(0, `${'a'.repeat(63)}.example`, 'A'), undefined);
    const labels = (count: number): string => new Array(count).fill('a').join('.');
    assert.notEqual(encodeQuery(0, labels(127), 'A'), undefined);
    assert.equal(encodeQuery(0, labels(128), 'A'), undefined);
  });
});

describe('a DNS answer', () => {
  it('is read from its header alone', () => {
    const reply = decodeReply(bytesOf('1234 8183 0001 0002 0000 0000'));
    assert.deepEqual(reply, { ok: true, value: { id: 0x1234, code: 3, answers: 2 } });
  });

  it('lies where it lies in a larger buffer', () => {
    const buffer = bytesOf('ffff 1234 8180 0001 0001 0000 0000 ffff');
    const reply = decodeReply(buffer.subarray(2, 14));
    assert.deepEqual(reply, { ok: true, value: { id: 0x1234, code: 0, answers: 1 } });
  });

  it('shorter than its header, or a question, is none', () => {
    assert.deepEqual(decodeReply(bytesOf('1234 8180 0001 0001 0000 00')), {
      ok: false,
      error: 'truncated',
    });
    assert.deepEqual(decodeReply(bytesOf('')), { ok: false, error: 'truncated' });
    const question = encodeQuery(1, '.', 'A') ?? new Uint8Array();
    assert.deepEqual(decodeReply(question), { ok: false, error: 'no answer' });
  });
});

describe('an echo', () => {
  const data = bytesOf('00112233');

  it('has the type of its family and a sequence; the rest of the header is the kernel’s', () => {
    assert.equal(hex(encodeEcho(4, 0x0102, data)), '080000000000010200112233');
    assert.equal(hex(encodeEcho(6, 0x0102, data)), '800000000000010200112233');
  });

  it('is answered by a reply with its sequence and its data, and by nothing else', () => {
    const reply = '0000 abcd 0007 0102 00112233';
    assert.equal(isEchoReply(4, 0x0102, data, bytesOf(reply)), true);
    assert.equal(isEchoReply(6, 0x0102, data, bytesOf(`81${reply.slice(2)}`)), true);
    const others = {
      'another sequence': '0000 abcd 0007 0103 00112233',
      'other data': '0000 abcd 0007 0102 00112234',
      'less data': '0000 abcd 0007 0102 001122',
      'more data': `${reply}00`,
      'a request': `08${reply.slice(2)}`,
      'the other family': `81${reply.slice(2)}`,
      'another code': '0001 abcd 0007 0102 00112233',
      nothing: '',
      'half a header': '0000 abcd',
    };
    for (const [name, text] of Object.entries(others))
      assert.equal(isEchoReply(4, 0x0102, data, bytesOf(text)), false, name);
  });
});
