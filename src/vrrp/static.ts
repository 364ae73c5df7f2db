// The blocks static_ipaddress, static_routes and static_rules: what is there as long as the daemon runs, whatever
// its instances do.

import { type Complaint, meantOf } from '../config/diagnostic.ts';
import { type Entry, entries, optional } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { type AddressEntry, type Reading, type ValueType, word } from '../config/value.ts';
import { mistake, type RuledSurroundings } from './decision.ts';
import { routeGrammar, ruleGrammar } from './grammar.ts';
import type { StaticAddress, VrrpConfig } from './keywords.ts';
import { type RouteText, routeLine } from './route.ts';
import { type RouteEntry, type RuleEntry, resolveRoute, resolveRule } from './routing.ts';
import { type RuleText, ruleLine } from './rule.ts';

import { type AddressText, addressGrammar, addressLine } from './value.ts';
import { checkDevice, resolveAddress } from './walk.ts';

/** Where default_interface says nothing. */
const USUAL_INTERFACE = 'eth0';

export interface StaticAddressText extends AddressText {
  readonly track_group?: string;
}

/** The words of an address of an instance, and who minds when it vanishes. */
const staticAddressLine: ValueType<StaticAddressText> = {
  ...addressLine,
  parse: readLine,
  format: ({ track_group, ...address }) =>
    [
      addressLine.format(address),
      ...(track_group === undefined ? [] : ['track_group', track_group]),
    ].join(' '),
  schema: {
    ...addressLine.schema,
    properties: {
      ...(addressLine.schema.properties as object),
      track_group: { type: 'string' },
    },
  },
};

function readLine(words: readonly string[], raw: string): Reading<StaticAddressText> {
  const rest: string[] = [];
  const places: number[] = [];
  const odd: Complaint[] = [];
  const more: { track_group?: string } = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    const group = words[i + 1];
    if (word === 'track_group' && group !== undefined) {
      more.track_group = group;
      i++;
    } else if (word === 'track_group') {
      const message = `No track_group parameter specified for ${words[0]}`;
      return { complaints: [{ ...mistake('option-without-value', message), word: i }] };
    } else if (word === 'use_vmac') {
      const message = "Unknown configuration entry 'use_vmac' for ip address - ignoring";
      odd.push({ ...mistake('unknown-option', message), word: i });
    } else {
      places.push(i);
      rest.push(word);
    }
  }
  const { value, complaints = [] } = addressLine.parse(rest, raw);
  const placed = [
    ...odd,
    ...complaints.map((complaint) => ({
      ...complaint,
      word: places[complaint.word ?? 0] ?? 0,
    })),
  ];
  return value === undefined
    ? { complaints: placed }
    : { value: { ...value, ...more }, complaints: placed };
}

/** It is nobody's address, so there is no virtual MAC for it. */
const { use_vmac: _, ...staticGrammar } = addressGrammar;

/** Words of static objects only. */
const minded = (entry: string) => ({
  track_group: optional(
    word(),
    'The instances of this track_group depend on its interface; the group stands before.',
    { example: `${entry} track_group TG_1` },
  ),
});

export const staticRows = {
  static_ipaddress: entries(
    staticAddressLine,
    'Addresses that are there as long as the daemon runs.',
    {
      grammar: {
        ...staticGrammar,
        dev: { ...addressGrammar.dev, otherwise: 'default_interface' },
        ...minded('192.0.2.5/24 dev eth0'),
      },
      example: '192.0.2.5/24 dev eth0',
    },
  ),
  static_routes: entries(routeLine(true), 'Routes that are there as long as the daemon runs.', {
    grammar: {
      ...routeGrammar,
      ...minded('198.51.100.0/24 via 192.0.2.254 dev eth0'),
    },
    example: '198.51.100.0/24 via 192.0.2.1 dev eth0',
  }),
  static_rules: entries(ruleLine(true), 'Policy rules that are there as long as the daemon runs.', {
    grammar: { ...ruleGrammar, ...minded('from 192.0.2.5 table 100 priority 100 iif eth0') },
    example: 'from 192.0.2.5 table 100 priority 100',
  }),
};

/** A line and the place of its block in the file. */
export interface Placed<E> {
  readonly entry: E;
  readonly order: number;
}

export interface StaticBlocks {
  readonly static_ipaddress: readonly Placed<Entry<StaticAddressText>>[];
  readonly static_routes: readonly Placed<Entry<RouteText>>[];
  readonly static_rules: readonly Placed<Entry<RuleText>>[];
}

interface Group {
  readonly name: string;
  readonly order: number;
  readonly group: readonly string[];
}

/** What is there, and the interfaces that instances depend on because of it, by the name of the instance. */
export interface ResolvedStatics {
  readonly part: Pick<VrrpConfig, 'static_ipaddress' | 'static_routes' | 'static_rules'>;
  readonly tied: ReadonlyMap<string, readonly string[]>;
}

export function resolveStatics(
  blocks: StaticBlocks,
  groups: readonly Group[],
  around: RuledSurroundings,
): ResolvedStatics {
  const tied = new Map<string, string[]>();
  /**
   * Ties the instances of a group to an interface, and says whether it stands in the dump; a group must stand before its use.
   * What nobody tracks ties nobody.
   */
  const tie = (
    { track_group: name, no_track }: Tying,
    { order, node }: { readonly order: number; readonly node: Node },
    link: string | undefined,
    bare: string,
  ): boolean => {
    if (name === undefined) return false;
    const group = groups.find((one) => one.name === name && one.order < order);
    if (group === undefined)
      around.report(
        mistake('unknown-group', `track_group ${name} not found`, meantOf(name, groups)),
        node,
      );
    else if (link === undefined) around.report(mistake('group-without-interface', bare), node);
    if (group === undefined || link === undefined) return false;
    for (const member of no_track === true ? [] : group.group)
      tied.set(member, [...new Set([...(tied.get(member) ?? []), link])]);
    return true;
  };

  const addresses = blocks.static_ipaddress.flatMap(({ entry, order }): StaticAddress[] => {
    const address = resolveStaticAddress(entry, around);
    if (address === undefined) return [];
    const isTied = tie(entry.value, { order, node: entry.node }, address.dev, '');
    return [isTied ? address : untied(address)];
  });
  const routes = blocks.static_routes.flatMap(({ entry, order }): RouteEntry[] => {
    const bare = 'Static route cannot have track group if no oif specified';
    const isTied = tie(entry.value, { order, node: entry.node }, entry.value.dev, bare);
    const route = resolveRoute(entry, around);
    return route === undefined ? [] : [isTied ? route : untied(route)];
  });
  const rules = blocks.static_rules.flatMap(({ entry, order }): RuleEntry[] => {
    const bare = 'Static rule cannot have track_group if dev/iif not specified';
    const isTied = tie(entry.value, { order, node: entry.node }, entry.value.iif, bare);
    const rule = resolveRule(entry, around.preference(entry), around);
    return rule === undefined ? [] : [isTied ? rule : untied(rule)];
  });
  return {
    part: {
      ...(addresses.length === 0 ? {} : { static_ipaddress: addresses }),
      ...(routes.length === 0 ? {} : { static_routes: routes }),
      ...(rules.length === 0 ? {} : { static_rules: rules }),
    },
    tied,
  };
}

interface Tying {
  readonly track_group?: string;
  readonly no_track?: true;
}

/** A group that is not there, or an entry without an interface, ties nobody. */
function untied<T extends { readonly track_group?: string }>(
  entry: T,
): Omit<T, 'track_group'> & { readonly track_group?: never } {
  const { track_group: _, ...rest } = entry;
  return rest;
}

function resolveStaticAddress(
  entry: Entry<StaticAddressText>,
  around: RuledSurroundings,
): StaticAddress | undefined {
  const { track_group, ...text } = entry.value;
  const resolved: AddressEntry = resolveAddress(text);
  const { dev = around.globals.default_interface ?? USUAL_INTERFACE } = resolved;
  if (text.dev === undefined && !around.facts.interfaces.has(dev)) {
    const message = `Static address ${entry.node.words[0]?.text} requires either an interface or default interface must exist`;
    around.report(
      { ...mistake('no-interface', message, { word: 0 }), class: 'interface' },
      entry.node,
    );
    return undefined;
  }
  checkDevice(entry, around);
  return {
    ...resolved,
    dev,
    ...(track_group === undefined ? {} : { track_group }),
  };
}
