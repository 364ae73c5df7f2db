// The rows of bfd_instance. What they mean together is decided in rules.ts.

import { defaulted, type Infer, later, optional } from '../config/keyword.ts';
import { decimalMillis, exactInteger, flag, ipAddress, onOff } from '../config/value.ts';
import { NO_WEIGHT, weightOf } from '../config/weight.ts';
import type { Ip } from '../lib/ip.ts';
import { millis } from '../lib/time.ts';

const range = (keyword: string, limits: string) =>
  `Configuration error: BFD instance %n ${keyword} value %w is not valid (must be in range [${limits}]), ignoring`;
const rangeShort = (keyword: string, limits: string) =>
  `Configuration error: BFD instance %n ${keyword} value %w not valid (must be in range [${limits}]), ignoring`;

export const bfdInstance = later({
  neighbor_ip: optional(ipAddress, 'Address of the other end.', {
    refusal:
      'Configuration error: BFD instance %n has malformed neighbor address %w, ignoring instance',
    otherwise: 'none: it is required',
    endsBlock: true,
    aliases: { neighbour_ip: {} },
    example: '192.0.2.9',
  }),
  source_ip: optional(ipAddress, 'Address of this end.', {
    refusal: 'Configuration error: BFD instance %n has malformed source address %w, ignoring',
    otherwise: 'chosen by the kernel',
  }),
  min_rx: defaulted(
    decimalMillis(1, 4294967),
    millis(10),
    'Least time between two packets that can be received.',
    { refusal: range('min_rx', '1-4294967') },
  ),
  min_tx: defaulted(
    decimalMillis(1, 4294967),
    millis(10),
    'Wanted time between two packets sent.',
    {
      refusal: range('min_tx', '1-4294967'),
    },
  ),
  idle_tx: defaulted(
    decimalMillis(1000, 4294967),
    millis(1000),
    'Time between two packets sent while the session is down.',
    { refusal: range('idle_tx', '1000-4294967') },
  ),
  multiplier: defaulted(exactInteger(1, 255), 5, 'Packets missed before the session is down.', {
    refusal: rangeShort('multiplier', '1-255'),
  }),
  passive: defaulted(flag, false, 'Wait for the other end to begin.'),
  ttl: optional(exactInteger(1, 255), 'TTL or hop limit of packets sent.', {
    refusal: rangeShort('ttl/hoplimit', '1-255'),
    otherwise: '255 for IPv4, 64 for IPv6',
    aliases: { hoplimit: {} },
    example: '255',
  }),
  max_hops: defaulted(
    exactInteger(-1, 255),
    0,
    'Routers that a packet may have passed; -1 is any number.',
    {
      refusal: rangeShort('max_hops', '-1-255'),
    },
  ),
  multihop: defaulted(onOff, false, 'Use the port of RFC 5883.', { since: '2.4.3' }),
  weight: defaulted(
    weightOf(253, 'Configuration error: BFD instance %n unknown weight option'),
    NO_WEIGHT,
    'Change of the priority of instances that track it; 0 means that down is a fault.',
    { refusal: rangeShort('weight', '-253-253'), example: '-20' },
  ),
  vrrp: defaulted(flag, false, 'Only VRRP gets the events, and checkers if they are named too.'),
  checker: defaulted(flag, false, 'Only checkers get the events, and VRRP if it is named too.'),
});

/** A session that can run. */
export interface BfdInstance extends Omit<Infer<typeof bfdInstance>, 'neighbor_ip' | 'ttl'> {
  readonly name: string;
  readonly neighbor_ip: Ip;
  readonly ttl: number;
}
