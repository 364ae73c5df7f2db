// UDP_CHECK: something is sent, and what counts is that the network does not send it back: port, host or network
// unreachable. Where an answer is required, it must come and look as described.

import { ask } from '../../net/datagram.ts';
import type { Check, Verdict } from '../checker.ts';
import type { UdpOptions } from '../options.ts';
import { down, refused } from '../verdict.ts';

/** What keepalived 2.2.7 sends where nothing is said about it. */
const PAYLOAD = 'keepalived check - keepalived ch';

const UP: Verdict = { up: true };

export const checkUdp: Check<UdpOptions> = (options, signal) => {
  const { connection, payload, require_reply: pattern } = options;
  return ask<Verdict>(
    {
      ...connection,
      protocol: 'udp',
      bytes: payload === undefined ? Buffer.from(PAYLOAD) : Buffer.from(payload, 'hex'),
      // Without a pattern keepalived 2.2.7 does not look at the length either.
      heard: (bytes) => (pattern ? judge(bytes, pattern, options) : UP),
      silence: () => (pattern === undefined ? UP : down('no answer')),
      failed: refused,
    },
    signal,
  );
};

/** The pattern holds for as much of it as has come. */
function judge(
  bytes: Uint8Array,
  pattern: string,
  { min_reply_length: least, max_reply_length: most }: UdpOptions,
): Verdict {
  const { length } = bytes;
  if (length < least) return down(`answer of ${length} bytes, less than ${least}`);
  if (length > most) return down(`answer of ${length} bytes, more than ${most}`);
  const compared = Math.min(length, pattern.length / 2);
  const text = Buffer.from(bytes.subarray(0, compared)).toString('hex');
  for (let at = 0; at < text.length; at++) {
    const wanted = pattern[at]?.toLowerCase();
    if (wanted !== 'x' && wanted !== text[at])
      return down(`byte ${at >> 1} of the answer is not as required`);
  }
  return UP;
}
