// A table of nf_tables that keeps reports of multicast membership off interfaces and sends them by the one below instead:
// what leaves an interface shows its MAC address to every bridge. Known by name, so that it holds before there is one.
// It knows nothing of why somebody wants that.

import type { Family } from '../lib/ip.ts';
import type { Attribute } from './netlink.ts';
import {
  Builder,
  DELETE_TABLE,
  DROP,
  data,
  encodeBatch,
  equals,
  expression,
  load,
  NEW_TABLE,
  number,
  type Table,
  verdict,
} from './nftables.ts';

export interface Hushed {
  readonly name: string;
  /** ifindex of the interface below. */
  readonly below: number;
}

const FAMILIES = [4, 6] as const;
const NAME = 16;
const META_OIFNAME = 7;
const META_L4PROTO = 16;
const IGMP = 2;
const ICMPV6 = 58;
/** MLD reports of both versions and done: RFC 2710 3, RFC 3810 5.2. */
const REPORTS = [131, 132, 143] as const;
const DESTINATION = { 4: [16, 4], 6: [24, 16] } as const;

const loadMeta = (key: number) => expression('meta', number(1, 1), number(2, key));

/** Of reports to the group itself a copy leaves by the interface whose index is in register 2. */
const copyBelow = (family: Family, below: number): readonly (readonly Attribute[])[] => {
  const [offset, length] = DESTINATION[family];
  const index = new Uint8Array(Int32Array.of(below).buffer);
  return [
    load('network', offset, length),
    expression('immediate', number(1, 2), data(2, index)),
    expression('dup', number(1, 1), number(2, 2)),
  ];
};

function nameBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(NAME);
  bytes.set(new TextEncoder().encode(name).subarray(0, NAME - 1));
  return bytes;
}

/**
 * Replaces the whole table in one transaction; without interfaces it goes. `copies`: false where the kernel has no
 * `dup` and reports are only dropped.
 */
export function encodeHush(
  table: Table,
  links: readonly Hushed[],
  copies: boolean,
): { readonly batch: Uint8Array; readonly last: number } {
  const builder = new Builder({ ...table, name: `${table.name}_vmac` });
  for (const family of FAMILIES) {
    // Made first, so that there is something to delete.
    builder.table(family, NEW_TABLE);
    builder.table(family, DELETE_TABLE);
    if (links.length === 0) continue;
    builder.table(family, NEW_TABLE);
    builder.chain(family, 'out', 'out');
    for (const { name, below } of links) {
      const start = [loadMeta(META_OIFNAME), equals(nameBytes(name)), loadMeta(META_L4PROTO)];
      const end = copies ? copyBelow(family, below) : [];
      if (family === 4)
        builder.rule(4, 'out', [...start, equals(Uint8Array.of(IGMP)), ...end], verdict(DROP));
      else
        for (const type of REPORTS)
          builder.rule(
            6,
            'out',
            [
              ...start,
              equals(Uint8Array.of(ICMPV6)),
              load('transport', 0, 1),
              equals(Uint8Array.of(type)),
              ...end,
            ],
            verdict(DROP),
          );
    }
  }
  return { batch: encodeBatch(builder.orders), last: builder.orders.length };
}
