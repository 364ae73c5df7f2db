// A table of nf_tables in which packets from and to some addresses are dropped, as batches of netlink messages
// (linux/netfilter/nf_tables.h). Sets, chains and rules are those of keepalived 2.2.7, so that whoever reads a ruleset finds the same.
// It knows nothing of why an address is dropped.

import { type Family, type Ip, ipBytes } from '../lib/ip.ts';
import {
  type Attribute,
  encodeAttributes,
  encodeMessage,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
} from './netlink.ts';

export const NETLINK_NETFILTER = 12;

/** The table and how it is hooked in. */
export interface Table {
  readonly name: string;
  readonly priority: number;
  readonly counters: boolean;
}

/** Link-local addresses are dropped on one interface only, by its number or by its name. */
export interface Dropped {
  readonly address: Ip;
  readonly index?: number;
  readonly interface?: string;
}

const SUBSYSTEM = 10;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
export const NEW_TABLE = 0;
export const DELETE_TABLE = 2;
const NEW_CHAIN = 3;
const NEW_RULE = 6;
const NEW_SET = 9;
const NEW_ELEMENTS = 12;
const DELETE_ELEMENTS = 14;

const FAMILIES = { 4: 2, 6: 10 } as const;
const NESTED = 0x8000;
const HOOK = { in: 1, out: 3 } as const;
/** Offsets of the source and the destination in the IP header. */
const WHERE = { 4: { out: 12, in: 16, length: 4 }, 6: { out: 8, in: 24, length: 16 } } as const;
const CONSTANT = 2;

/** nft's numbers for types of keys, six bits each where a key has several parts; and lengths in bytes. */
const SETS = {
  4: { vips: [7, 4] },
  6: {
    vips: [8, 16],
    'neighbor-discovery': [29, 1],
    vips_link_local: [(8 << 6) | 20, 20],
    vips_link_local_name: [(8 << 6) | 41, 32],
  },
} as const;
const DISCOVERY = [135, 136] as const;
const NAME = 16;
const ICMPV6 = 58;

export const DROP = 0;
const ACCEPT = 1;
const GOTO = -4;

type Way = 'in' | 'out';

// Attributes: numbers are in network order, whatever the machine's is.

export const number = (type: number, value: number): Attribute => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value | 0);
  return { type, bytes };
};
const text = (type: number, value: string): Attribute => ({
  type,
  bytes: new TextEncoder().encode(`${value}\0`),
});
const nest = (type: number, ...inner: readonly Attribute[]): Attribute => ({
  type: type | NESTED,
  bytes: encodeAttributes(inner),
});
/** NFTA_DATA_VALUE in what `type` holds. */
export const data = (type: number, bytes: Uint8Array): Attribute => nest(type, { type: 1, bytes });
/** NFTA_LIST_ELEM */
const list = (type: number, elements: readonly (readonly Attribute[])[]): Attribute =>
  nest(type, ...elements.map((inner) => nest(1, ...inner)));

interface Order {
  readonly family: Family;
  readonly type: number;
  readonly flags: number;
  readonly attributes: readonly Attribute[];
}

// Expressions of rules

export const expression = (name: string, ...inner: readonly Attribute[]): readonly Attribute[] => [
  text(1, name),
  nest(2, ...inner),
];
/** Into register 1. */
export const load = (base: 'network' | 'transport', offset: number, length: number) =>
  expression(
    'payload',
    number(1, 1),
    number(2, base === 'network' ? 1 : 2),
    number(3, offset),
    number(4, length),
  );
export const equals = (value: Uint8Array) =>
  expression('cmp', number(1, 1), number(2, 0), data(3, value));
const masked = (mask: Uint8Array) =>
  expression(
    'bitwise',
    number(1, 1),
    number(2, 1),
    number(3, mask.length),
    data(4, mask),
    data(5, new Uint8Array(mask.length)),
  );
const isIn = (set: string) => expression('lookup', text(1, set), number(2, 1));
/** What register 2 then holds stands behind the 16 bytes of register 1. */
const loadLink = (way: Way, byName: boolean) =>
  expression('meta', number(1, 2), number(2, (way === 'in' ? 4 : 5) + (byName ? 2 : 0)));
export const verdict = (code: number, chain?: string) =>
  expression(
    'immediate',
    number(1, 0),
    nest(2, nest(2, number(1, code), ...(chain === undefined ? [] : [text(2, chain)]))),
  );

/** What a table must have for some addresses, and the orders that make it. */
export class Builder {
  readonly orders: Order[] = [];
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  table(family: Family, type: typeof NEW_TABLE | typeof DELETE_TABLE): void {
    this.#push(family, type, []);
  }

  set(family: Family, name: string, [type, length]: readonly [number, number], flags = 0): void {
    this.#push(family, NEW_SET, [
      text(2, name),
      number(3, flags),
      number(4, type),
      number(5, length),
      // An identity within the batch, which every set must have.
      number(10, this.orders.length + 1),
    ]);
  }

  elements(family: Family, type: number, set: string, keys: readonly Uint8Array[]): void {
    this.#push(family, type, [
      text(2, set),
      list(
        3,
        keys.map((key) => [data(1, key)]),
      ),
    ]);
  }

  chain(family: Family, name: string, way?: Way): void {
    const hook =
      way === undefined
        ? []
        : [nest(4, number(1, HOOK[way]), number(2, this.#table.priority)), text(7, 'filter')];
    this.#push(family, NEW_CHAIN, [text(3, name), ...hook]);
  }

  rule(
    family: Family,
    chain: string,
    conditions: readonly (readonly Attribute[])[],
    end: readonly Attribute[],
  ): void {
    const counter = this.#table.counters ? [expression('counter')] : [];
    this.#push(
      family,
      NEW_RULE,
      [text(2, chain), list(4, [...conditions, ...counter, end])],
      NLM_F_APPEND,
    );
  }

  #push(family: Family, type: number, attributes: readonly Attribute[], flags = 0): void {
    const isNew = type !== DELETE_TABLE && type !== DELETE_ELEMENTS;
    this.orders.push({
      family,
      type,
      flags: flags | (isNew ? NLM_F_CREATE : 0),
      attributes: [text(1, this.#table.name), ...attributes],
    });
  }
}

function build4(builder: Builder): void {
  builder.table(4, NEW_TABLE);
  builder.set(4, 'vips', SETS[4].vips);
  for (const way of ['out', 'in'] as const) {
    builder.chain(4, way, way);
    builder.rule(4, way, [load('network', WHERE[4][way], 4), isIn('vips')], verdict(DROP));
  }
}

function build6(builder: Builder): void {
  const ways = ['out', 'in'] as const;
  const linkLocal = ipBytes('fe80::' as Ip);
  const mask = ipBytes('ffc0::' as Ip);
  builder.table(6, NEW_TABLE);
  builder.set(6, 'vips', SETS[6].vips);
  builder.set(6, 'neighbor-discovery', SETS[6]['neighbor-discovery'], CONSTANT);
  builder.elements(
    6,
    NEW_ELEMENTS,
    'neighbor-discovery',
    DISCOVERY.map((type) => Uint8Array.of(type)),
  );
  for (const way of ways) builder.chain(6, way, way);
  for (const way of ['in', 'out'] as const) builder.chain(6, `${way}_link_local`);
  for (const way of ways) {
    const address = load('network', WHERE[6][way], 16);
    // Others ask for the virtual MAC address by the virtual address.
    builder.rule(
      6,
      way,
      [
        load('network', 6, 1),
        equals(Uint8Array.of(ICMPV6)),
        load('transport', 0, 1),
        isIn('neighbor-discovery'),
      ],
      verdict(ACCEPT),
    );
    builder.rule(
      6,
      way,
      [address, masked(mask), equals(linkLocal)],
      verdict(GOTO, `${way}_link_local`),
    );
    builder.rule(6, way, [address, isIn('vips')], verdict(DROP));
  }
}

function buildLinkLocal(builder: Builder, set: LinkSet): void {
  builder.set(6, set, SETS[6][set]);
  for (const way of ['in', 'out'] as const)
    builder.rule(
      6,
      `${way}_link_local`,
      [
        load('network', WHERE[6][way], 16),
        loadLink(way, set === 'vips_link_local_name'),
        isIn(set),
      ],
      verdict(DROP),
    );
}

type LinkSet = 'vips_link_local' | 'vips_link_local_name';
type SetName = 'vips' | LinkSet;

interface Key {
  readonly family: Family;
  readonly set: SetName;
  readonly bytes: Uint8Array;
}

function keyOf({ address, index, interface: name }: Dropped): Key {
  const bytes = ipBytes(address);
  const family: Family = bytes.length === 4 ? 4 : 6;
  if (name !== undefined) {
    const key = new Uint8Array(bytes.length + NAME);
    key.set(bytes);
    key.set(new TextEncoder().encode(name).subarray(0, NAME - 1), bytes.length);
    return { family, set: 'vips_link_local_name', bytes: key };
  }
  if (index === undefined) return { family, set: 'vips', bytes };
  const key = new Uint8Array(bytes.length + 4);
  key.set(bytes);
  // In the machine's order, as the packet's own is.
  new Int32Array(key.buffer, bytes.length, 1)[0] = index;
  return { family, set: 'vips_link_local', bytes: key };
}

/** What is in the kernel because of the orders so far. */
export class Shield {
  readonly #table: Table;
  readonly #send: (batch: Uint8Array, last: number) => void;
  /** What is dropped, by key, and how often it was asked for. */
  readonly #dropped = new Map<string, { readonly key: Key; times: number }>();
  readonly #built = new Set<string>();
  #clean = false;

  /** `send` carries one batch out, whole or not at all, and throws what the kernel refuses. */
  constructor(table: Table, send: (batch: Uint8Array, last: number) => void) {
    this.#table = table;
    this.#send = send;
  }

  /** What an earlier process has left is removed by the first order, in the same batch that makes the table anew. */
  add(dropped: readonly Dropped[]): void {
    const keys = dropped.map(keyOf);
    const fresh = keys.filter((key) => !this.#dropped.has(idOf(key)));
    const builder = new Builder(this.#table);
    const built = new Set<string>();
    if (!this.#clean) wipe(builder, [4, 6]);
    for (const { family, set } of fresh) {
      this.#build(built, `${family}`, () => (family === 4 ? build4 : build6)(builder));
      if (set !== 'vips')
        this.#build(built, `${family} ${set}`, () => buildLinkLocal(builder, set));
    }
    for (const [family, set, bytes] of bySet(fresh))
      builder.elements(family, NEW_ELEMENTS, set, bytes);
    this.#commit(builder);
    this.#clean = true;
    for (const what of built) this.#built.add(what);
    for (const key of keys) {
      const known = this.#dropped.get(idOf(key));
      if (known === undefined) this.#dropped.set(idOf(key), { key, times: 1 });
      else known.times++;
    }
  }

  /** The tables stay, as keepalived's do: what is dropped next is dropped sooner. */
  remove(dropped: readonly Dropped[]): void {
    const gone: Key[] = [];
    for (const key of dropped.map(keyOf)) {
      const known = this.#dropped.get(idOf(key));
      if (known === undefined || --known.times > 0) continue;
      this.#dropped.delete(idOf(key));
      gone.push(key);
    }
    const builder = new Builder(this.#table);
    for (const [family, set, bytes] of bySet(gone))
      builder.elements(family, DELETE_ELEMENTS, set, bytes);
    this.#commit(builder);
  }

  /** The tables go. */
  close(): void {
    const builder = new Builder(this.#table);
    wipe(
      builder,
      ([4, 6] as const).filter((family) => this.#built.has(`${family}`)),
    );
    this.#built.clear();
    this.#dropped.clear();
    this.#commit(builder);
  }

  #build(built: Set<string>, what: string, make: () => void): void {
    if (this.#built.has(what) || built.has(what)) return;
    built.add(what);
    make();
  }

  #commit({ orders }: Builder): void {
    if (orders.length > 0) this.#send(encodeBatch(orders), orders.length);
  }
}

const idOf = ({ family, set, bytes }: Key): string => `${family} ${set} ${bytes.join()}`;

/** Made first, so that there is something to delete. */
function wipe(builder: Builder, families: readonly Family[]): void {
  for (const family of families) {
    builder.table(family, NEW_TABLE);
    builder.table(family, DELETE_TABLE);
  }
}

function bySet(keys: readonly Key[]): [Family, SetName, readonly Uint8Array[]][] {
  const groups = new Map<string, [Family, SetName, Uint8Array[]]>();
  for (const { family, set, bytes } of keys) {
    const group = groups.get(`${family} ${set}`);
    if (group === undefined) groups.set(`${family} ${set}`, [family, set, [bytes]]);
    else group[2].push(bytes);
  }
  return [...groups.values()];
}

/** One transaction: the orders have sequences 1 to n, and the last one asks for an answer. */
export function encodeBatch(orders: readonly Order[]): Uint8Array {
  const last = orders.length;
  const batch = Uint8Array.of(0, 0, 0, SUBSYSTEM);
  return Buffer.concat([
    encodeMessage(BATCH_BEGIN, 0, 0, batch, []),
    ...orders.map(({ family, type, flags, attributes }, i) =>
      encodeMessage(
        (SUBSYSTEM << 8) | type,
        flags | (i + 1 === last ? NLM_F_ACK : 0),
        i + 1,
        Uint8Array.of(FAMILIES[family], 0, 0, 0),
        attributes,
      ),
    ),
    encodeMessage(BATCH_END, 0, last + 1, batch, []),
  ]);
}
