// PING_CHECK: one echo, through a ping socket of the kernel. What comes back must be that echo.

import { randomInt } from 'node:crypto';
import { family } from '../../lib/ip.ts';
import { ask } from '../../net/datagram.ts';
import type { Check, Verdict } from '../checker.ts';
import type { PlainOptions } from '../options.ts';
import { encodeEcho, isEchoReply } from '../packet.ts';
import { refused, silence } from '../verdict.ts';

/** 128 bytes, as keepalived 2.2.7 sends them. */
const DATA = Buffer.from('keepalived check - '.repeat(7)).subarray(0, 128);

export const checkPing: Check<PlainOptions> = ({ connection }, signal) => {
  const kind = family(connection.address);
  const sequence = randomInt(0x1_0000);
  return ask<Verdict>(
    {
      ...connection,
      protocol: 'ping',
      bytes: encodeEcho(kind, sequence, DATA),
      heard: (bytes) => (isEchoReply(kind, sequence, DATA, bytes) ? { up: true } : undefined),
      silence,
      failed: refused,
    },
    signal,
  );
};
