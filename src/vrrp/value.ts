// Value types with a grammar of their own: a line of virtual_ipaddress, a line of unicast_peer.

import { command } from '../config/command.ts';
import { optional } from '../config/keyword.ts';
import {
  flag,
  integer,
  interfaceName,
  type ScriptText,
  type ValueType,
  word,
} from '../config/value.ts';
import type { Ip } from '../lib/ip.ts';

/** A line of virtual_ipaddress as written. */
export interface AddressText {
  readonly address: Ip;
  readonly prefix?: number;
  readonly dev?: string;
  readonly scope?: number;
  readonly label?: string;
  readonly brd?: Ip | '+' | '-';
  readonly peer?: Ip;
  readonly home?: true;
  readonly nodad?: true;
  readonly mngtmpaddr?: true;
  readonly noprefixroute?: true;
  readonly autojoin?: true;
}

export const addressGrammar = {
  dev: optional(interfaceName, 'Interface that gets the address.'),
  brd: optional(word(), 'Broadcast address; + sets and - clears the host bits.'),
  scope: optional(word(), 'global, site, link, host, nowhere or 0..255 (IPv4).'),
  label: optional(word(15), 'Label such as eth0:1 (IPv4).'),
  peer: optional(word(), 'Far end of a point-to-point link.'),
  home: optional(flag, 'Mark as mobile IPv6 home address.'),
  '-nodad': optional(flag, 'Leave duplicate address detection to the kernel.'),
  mngtmpaddr: optional(flag, 'Template for temporary IPv6 addresses.'),
  noprefixroute: optional(flag, 'Add no prefix route.'),
  autojoin: optional(flag, 'Join the multicast group of the address.'),
};

export const addressLine: ValueType<AddressText> = {
  syntax: '<ip>[/<prefix>] [<option> ...]',
  minimum: 1,
  parse: () => ({}),
  format: (value) => value.address,
  schema: { type: 'object' },
};

export interface PeerText {
  readonly address: Ip;
  readonly min_ttl?: number;
  readonly max_ttl?: number;
}

export const peerGrammar = {
  min_ttl: optional(integer(0, 255), 'Lowest TTL accepted from this peer.'),
  max_ttl: optional(integer(0, 255), 'Highest TTL accepted from this peer.'),
};

export const peerLine: ValueType<PeerText> = {
  syntax: '<ip> [min_ttl <int>] [max_ttl <int>]',
  minimum: 1,
  parse: () => ({}),
  format: (value) => value.address,
  schema: { type: 'object' },
};

/** A command, or nothing. */
export const optionalCommand: ValueType<ScriptText | true> = {
  ...command,
  syntax: `[${command.syntax}]`,
  minimum: 0,
  parse: (words, raw) => (words.length === 0 ? { value: true } : command.parse(words, raw)),
  format: (value) => (value === true ? '' : command.format(value)),
  schema: { anyOf: [{ const: true }, command.schema] },
};
