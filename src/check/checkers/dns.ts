// DNS_CHECK: one question over UDP. A server that answers it without an error is well; what it answers is not read.

import { randomInt } from 'node:crypto';
import { ask } from '../../net/datagram.ts';
import type { Check, Verdict } from '../checker.ts';
import type { DnsOptions } from '../options.ts';
import { decodeReply, encodeQuery, REPLY_CODES } from '../packet.ts';
import { down, refused, silence, unable } from '../verdict.ts';

export const checkDns: Check<DnsOptions> = async ({ connection, name, type }, signal) => {
  const id = randomInt(0x1_0000);
  const bytes = encodeQuery(id, name, type);
  if (bytes === undefined) return unable(`the name is too long: ${name}`);
  return ask<Verdict>(
    {
      ...connection,
      protocol: 'udp',
      bytes,
      heard: (answer) => judge(id, answer),
      silence,
      failed: refused,
    },
    signal,
  );
};

/** Undefined for what is no answer, or answers another question: the right one may still come. */
function judge(id: number, bytes: Uint8Array): Verdict | undefined {
  const reply = decodeReply(bytes);
  if (!reply.ok || reply.value.id !== id) return undefined;
  const { code } = reply.value;
  return code === 0 ? { up: true } : down(`${REPLY_CODES[code] ?? 'reply code'} (${code})`);
}
