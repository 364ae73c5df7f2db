// Whatever bytes come back to a question: a value or a reason, never an exception, and no work beyond the header.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeReply, encodeEcho, encodeQuery, isEchoReply } from '../../src/check/packet.ts';

const RUNS = { numRuns: 2000 };
const anything = fc.uint8Array({ maxLength: 600 });
const word = fc.integer({ min: 0, max: 0xffff });

test('any bytes are an answer or a reason', () => {
  fc.assert(
    fc.property(anything, (bytes) => {
      const reply = decodeReply(bytes);
      if (reply.ok) assert.ok(reply.value.code <= 15 && bytes.length >= 12);
      else assert.match(reply.error, /^(truncated|no answer)$/);
    }),
    RUNS,
  );
});

test('an answer to a question has its id and the code that was set', () => {
  const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
  const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
  fc.assert(
    fc.property(word, name, fc.integer({ min: 0, max: 15 }), anything, (id, asked, code, rest) => {
      const question = encodeQuery(id, asked, 'MX') ?? assert.fail('it fits');
      // Names in it may point anywhere, themselves included: nobody follows.
      const bytes = Buffer.concat([question, rest]);
      bytes.writeUInt16BE(0x8180 | code, 2);
      const reply = decodeReply(bytes);
      assert.ok(reply.ok);
      assert.deepEqual([reply.value.id, reply.value.code], [id, code]);
    }),
    RUNS,
  );
});

test('of all bytes only those of the reply are the reply to an echo', () => {
  const data = fc.uint8Array({ minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(fc.constantFrom(4 as const, 6 as const), word, data, anything, (...given) => {
      const [family, sequence, sent, garbage] = given;
      const reply = encodeEcho(family, sequence, sent);
      reply[0] = family === 4 ? 0 : 129;
      assert.equal(isEchoReply(family, sequence, sent, reply), true);
      const same = Buffer.compare(garbage, reply) === 0;
      assert.equal(isEchoReply(family, sequence, sent, garbage), same);
      assert.equal(isEchoReply(family, (sequence + 1) & 0xffff, sent, reply), false);
    }),
    RUNS,
  );
});
