// DNS_CHECK: one question over UDP. A server that answers it without an error is well; what it answers is not read. Reasons
// are in the words of keepalived 2.2.7, which stand in its log.

import { randomInt } from 'node:crypto';
import { ask } from '../../net/datagram.ts';
import { native } from '../../net/native.ts';
import type { Check, Connection, Verdict } from '../checker.ts';
import type { DnsOptions } from '../options.ts';
import { decodeReply, encodeQuery } from '../packet.ts';
import { down, refused, unable } from '../verdict.ts';

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
      silence: late,
      failed: (error) => failure(error, connection),
    },
    signal,
  );
};

const late = (heard: number): Verdict => {
  const others = heard === 0 ? '' : `, ${heard} datagrams were no answer`;
  return down(`read timeout from socket${others}`);
};

function failure(error: NodeJS.ErrnoException, { address, port }: Connection): Verdict {
  const { code, syscall } = error;
  if (syscall === 'recvmsg') {
    const errno = Math.abs(error.errno ?? 0);
    return down(`failed to read socket; errno ${errno} (${native.errorText(errno)})`);
  }
  if (syscall === 'connect' && code === 'ENETUNREACH')
    return unable(`network unreachable for [${address}]:${port}`);
  return refused(error);
}

/** Undefined for what is no answer, or answers another question: the right one may still come. */
function judge(id: number, bytes: Uint8Array): Verdict | undefined {
  const reply = decodeReply(bytes);
  if (!reply.ok || reply.value.id !== id) return undefined;
  const { code } = reply.value;
  return code === 0 ? { up: true } : down(`read error occurred. (rcode = ${code})`);
}
