// The value type of a line of unicast_peer.

import type { Complaint } from '../config/diagnostic.ts';
import { optional } from '../config/keyword.ts';
import {
  integer,
  ipAddress,
  type Reading,
  readHost,
  type ValueType,
  wholeNumber,
} from '../config/value.ts';
import type { Ip } from '../lib/ip.ts';
import { invalidIp } from './value.ts';

/** A line of unicast_peer as written. */
export interface PeerText {
  readonly address: Ip;
  readonly min_ttl?: number;
  readonly max_ttl?: number;
}

export const peerGrammar = {
  min_ttl: optional(integer(0, 255), 'Lowest TTL accepted from this peer.', {
    otherwise: '0',
    example: '192.0.2.2 min_ttl 254',
  }),
  max_ttl: optional(integer(0, 255), 'Highest TTL accepted from this peer.', {
    otherwise: '255',
    example: '192.0.2.2 max_ttl 255',
  }),
};

export const peerLine: ValueType<PeerText> = {
  syntax: '<ip> [min_ttl <int> 0..255] [max_ttl <int> 0..255]',
  minimum: 1,
  parse: readPeerLine,
  format: ({ address, min_ttl, max_ttl }) =>
    [
      address,
      ...(min_ttl === undefined ? [] : ['min_ttl', min_ttl]),
      ...(max_ttl === undefined ? [] : ['max_ttl', max_ttl]),
    ].join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['address'],
    properties: {
      address: ipAddress.schema,
      min_ttl: integer(0, 255).schema,
      max_ttl: integer(0, 255).schema,
    },
  },
};

function readPeerLine(words: readonly string[]): Reading<PeerText> {
  const [first = ''] = words;
  const address = readHost(first);
  if (address === undefined) {
    const message = `Configuration error: VRRP instance[%n] malformed unicast peer address[${first}]. Skipping...`;
    return { complaints: [invalidIp(first, 0, message)] };
  }
  const complaints: Complaint[] = [];
  const limits: { min_ttl?: number; max_ttl?: number } = {};
  for (let i = 1; i < words.length; i += 2) {
    const option = words[i] as string;
    const value = words[i + 1];
    if (value === undefined) {
      complaints.push(peerMistake('option-without-value', `(%n) ${option} is missing a value`, i));
      continue;
    }
    const reading = wholeNumber(value, 0, 255);
    const assumed = 'no such limit';
    complaints.push(...(reading.complaints ?? []).map((c) => ({ ...c, assumed, word: i + 1 })));
    if (reading.value === undefined) continue;
    if (option === 'min_ttl' || option === 'max_ttl') limits[option] = reading.value;
    else
      complaints.push(
        peerMistake('unknown-option', `(%n) unknown unicast_peer option ${option}`, i),
      );
  }
  const { min_ttl = 0, max_ttl = 255 } = limits;
  if (min_ttl > max_ttl)
    complaints.push(
      peerMistake(
        'ttl-limits',
        `(%n) min_ttl ${min_ttl} > max_ttl ${max_ttl} - all packets will be discarded`,
        0,
      ),
    );
  return { value: { address, ...limits }, complaints };
}

const peerMistake = (id: string, message: string, index: number): Complaint => ({
  id,
  severity: 'error',
  class: 'general',
  message,
  word: index,
});
