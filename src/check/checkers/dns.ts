// DNS_CHECK: one question over UDP. A server that answers it without an error is well; what it answers is not read. Reasons
// are in the words of keepalived 2.2.7, which stand in its log.

import { randomInt } from 'node:crypto';
import { ask } from '../../net/datagram.ts';
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

/** As strerror(3) has them. */
const ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  EACCES: 'Permission denied',
};

function failure(error: NodeJS.ErrnoException, { address, port }: Connection): Verdict {
  const { code = '', syscall, errno = 0 } = error;
  if (syscall === 'recvmsg')
    return down(
      `failed to read socket; errno ${Math.abs(errno)} (${ERRORS[code] ?? error.message})`,
    );
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
