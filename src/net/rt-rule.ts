// Policy rules through rtnetlink: KernelRule to struct fib_rule_hdr and FRA_* attributes, and what a deleted rule was.

import { ipBytes } from '../lib/ip.ts';
import { ACT_GOTO, type GoneRule, type KernelRule, type Range } from '../lib/route.ts';
import {
  AF_INET,
  AF_INET6,
  type Attribute,
  bigEndian64,
  cString,
  decodeAttributes,
  encodeMessage,
  given,
  type Message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELRULE,
  RTM_NEWRULE,
  readU32,
  u16,
  u32,
} from './netlink.ts';

const HEADER = 12;

const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_GOTO = 4;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_FLOW = 11;
const FRA_TUN_ID = 12;
const FRA_SUPPRESS_IFGROUP = 13;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_L3MDEV = 19;
const FRA_UID_RANGE = 20;
const FRA_PROTOCOL = 21;
const FRA_IP_PROTO = 22;
const FRA_SPORT_RANGE = 23;
const FRA_DPORT_RANGE = 24;
const FIB_RULE_INVERT = 2;

/** EEXIST comes back where the very same rule is there already. */
export const encodeNewRule = (
  rule: KernelRule,
  sequence: number,
  acknowledge: boolean,
): Uint8Array => encode(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule, sequence, acknowledge);

/** ENOENT comes back where there is no such rule. */
export const encodeDeleteRule = (
  rule: KernelRule,
  sequence: number,
  acknowledge: boolean,
): Uint8Array => encode(RTM_DELRULE, 0, rule, sequence, acknowledge);

function encode(
  type: number,
  flags: number,
  rule: KernelRule,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  const table = rule.table ?? 0;
  const header = new Uint8Array(HEADER);
  header[0] = rule.family === 4 ? AF_INET : AF_INET6;
  header[1] = rule.to?.prefix ?? 0;
  header[2] = rule.from?.prefix ?? 0;
  header[3] = rule.tos ?? 0;
  header[4] = table < 256 ? table : 0;
  header[7] = rule.action;
  if (rule.not === true) header.set(u32(FIB_RULE_INVERT), 8);
  const ack = acknowledge ? NLM_F_ACK : 0;
  return encodeMessage(type, flags | ack, sequence, header, attributesOf(rule));
}

function attributesOf(rule: KernelRule): readonly Attribute[] {
  const { table = 0, tunnel_id, l3mdev, goto } = rule;
  return [
    ...given(FRA_PRIORITY, rule.priority, u32),
    ...prefixed(FRA_DST, rule.to),
    ...prefixed(FRA_SRC, rule.from),
    ...given(FRA_TABLE, table < 256 ? undefined : table, u32),
    ...given(FRA_GOTO, rule.action === ACT_GOTO ? goto : undefined, u32),
    ...given(FRA_FWMARK, rule.fwmark, u32),
    ...given(FRA_FWMASK, rule.fwmask, u32),
    ...given(FRA_IIFNAME, rule.iif, cString),
    ...given(FRA_OIFNAME, rule.oif, cString),
    ...given(FRA_FLOW, rule.realms, u32),
    ...given(FRA_SUPPRESS_PREFIXLEN, rule.suppress_prefixlength, u32),
    ...given(FRA_SUPPRESS_IFGROUP, rule.suppress_ifgroup, u32),
    ...given(FRA_TUN_ID, tunnel_id || undefined, (id) => bigEndian64(BigInt(id))),
    ...given(FRA_UID_RANGE, rule.uidrange, (range) => both(range, u32)),
    ...given(FRA_L3MDEV, l3mdev, () => Uint8Array.of(1)),
    ...given(FRA_PROTOCOL, rule.protocol, (protocol) => Uint8Array.of(protocol)),
    ...given(FRA_IP_PROTO, rule.ipproto, (protocol) => Uint8Array.of(protocol)),
    ...given(FRA_SPORT_RANGE, rule.sport, (range) => both(range, u16)),
    ...given(FRA_DPORT_RANGE, rule.dport, (range) => both(range, u16)),
  ];
}

/** Everything is the absence of a prefix. */
const prefixed = (type: number, value: KernelRule['from']): readonly Attribute[] =>
  value === undefined || value.prefix === 0 ? [] : [{ type, bytes: ipBytes(value.address) }];

function both({ first, last }: Range, encoded: (value: number) => Uint8Array): Uint8Array {
  return Uint8Array.from([...encoded(first), ...encoded(last)]);
}

export function decodeGoneRule({ body }: Message): GoneRule | undefined {
  if (body.length < HEADER || (body[0] !== AF_INET && body[0] !== AF_INET6)) return undefined;
  const priority = decodeAttributes(body, HEADER).get(FRA_PRIORITY);
  return {
    family: body[0] === AF_INET ? 4 : 6,
    priority: priority === undefined ? 0 : readU32(priority),
  };
}
