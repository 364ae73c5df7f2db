// From the kernel's links and addresses to what an instance may do with them: its source address, its faults,
// the addresses it wants on interfaces, and those a predecessor left behind. All are functions of facts.

import type { AddressEntry } from '../config/value.ts';
import { type Ip, isLinkLocal6 } from '../lib/ip.ts';
import type { Link, LinkAddress, Setting } from '../lib/link.ts';
import { remembered } from '../lib/memo.ts';
import type { KernelAddress } from './action.ts';
import type { Facts, JournalEntry, Leavings } from './event.ts';
import type { Fault } from './fault.ts';
import type { VrrpConfig, VrrpInstance } from './keywords.ts';
import { holdsOn, needsLooseAll, ownSource, settingsOf, speaksOn } from './own.ts';
import { OWNER_PRIORITY } from './packet.ts';
import type { KernelFacts, RouterState, VirtualPlaces } from './state.ts';

export const NO_FACTS: KernelFacts = { links: {}, addresses: {} };

export function kernelFacts({ links, addresses, filters }: Facts): KernelFacts {
  const byIndex: Record<number, LinkAddress[]> = {};
  for (const address of addresses) {
    const list = byIndex[address.index];
    if (list === undefined) byIndex[address.index] = [address];
    else list.push(address);
  }
  return {
    links: Object.fromEntries(links.map((link) => [link.index, link])),
    addresses: byIndex,
    ...(filters === undefined ? {} : { filters }),
  };
}

export const withLink = (facts: KernelFacts, link: Link): KernelFacts => ({
  ...facts,
  links: { ...facts.links, [link.index]: link },
});

export function withoutLink(facts: KernelFacts, index: number): KernelFacts {
  const { [index]: _link, ...links } = facts.links;
  const { [index]: _addresses, ...addresses } = facts.addresses;
  return { ...facts, links, addresses };
}

/** An address that is there already is replaced in its place: the kernel also reports changed flags this way. */
export function withAddress(facts: KernelFacts, address: LinkAddress): KernelFacts {
  const list = facts.addresses[address.index] ?? [];
  const at = list.findIndex((known) => sameAddress(known, address));
  const next = at < 0 ? [...list, address] : list.with(at, address);
  return { ...facts, addresses: { ...facts.addresses, [address.index]: next } };
}

export function withoutAddress(facts: KernelFacts, address: LinkAddress): KernelFacts {
  const list = facts.addresses[address.index];
  if (list === undefined) return facts;
  const next = list.filter((known) => !sameAddress(known, address));
  return { ...facts, addresses: { ...facts.addresses, [address.index]: next } };
}

/** What has been ordered to go is nobody's source any more, though the kernel has not told of it yet. */
export function withoutAddresses(facts: KernelFacts, gone: readonly Placed[]): KernelFacts {
  if (gone.length === 0) return facts;
  const keys = new Set(gone.map(addressKey));
  const addresses = Object.entries(facts.addresses).map(([index, list]) => [
    index,
    list.filter((known) => !keys.has(addressKey(known))),
  ]);
  return { ...facts, addresses: Object.fromEntries(addresses) };
}

type Placed = Pick<KernelAddress, 'index' | 'address' | 'prefix'>;

export const sameAddress = (a: Placed, b: Placed): boolean =>
  a.address === b.address && a.index === b.index && a.prefix === b.prefix;

export const addressKey = ({ index, address, prefix }: Placed): string =>
  `${index} ${address}/${prefix}`;

export function linkNamed(facts: KernelFacts, name: string): Link | undefined {
  for (const index in facts.links) {
    const link = facts.links[index];
    if (link?.name === name) return link;
  }
  return undefined;
}

/**
 * Where instances that do not own their addresses put them: no advert may ever come from there. The same address on
 * another interface, as below one that is made for it, is the machine's own.
 */
export function virtualAddresses(config: VrrpConfig): VirtualPlaces {
  const virtual = new Map<string | undefined, Set<Ip>>();
  const owned: [dev: string | undefined, address: Ip][] = [];
  for (const instance of config.vrrp_instance)
    for (const { address, dev = holdsOn(instance, address) } of entriesOf(instance)) {
      const there = virtual.get(dev) ?? new Set();
      virtual.set(dev, there);
      if (instance.priority === OWNER_PRIORITY) owned.push([dev, address]);
      else there.add(address);
    }
  for (const [dev, address] of owned) virtual.get(dev)?.delete(address);
  return virtual;
}

export const isVirtualOn = (
  dev: string | undefined,
  address: Ip,
  virtual: VirtualPlaces,
): boolean => virtual.get(dev)?.has(address) === true;

export const isVirtual = (
  { kernel, virtual }: Pick<RouterState, 'kernel' | 'virtual'>,
  { index, address }: Pick<Placed, 'index' | 'address'>,
): boolean => isVirtualOn(kernel.links[index]?.name, address, virtual);

export const entriesOf = (config: VrrpInstance) => [
  ...config.virtual_ipaddress,
  ...config.virtual_ipaddress_excluded,
];

/** Every address that a process with this configuration may put on an interface. */
export const journalOf = (config: VrrpConfig): JournalEntry[] =>
  config.vrrp_instance.flatMap((instance) =>
    entriesOf(instance).flatMap(({ address, prefix, peer, dev = holdsOn(instance, address) }) =>
      dev === undefined
        ? []
        : [
            {
              address,
              prefix,
              dev,
              ...(peer === undefined ? {} : { peer }),
              ...(instance.priority === OWNER_PRIORITY ? { owned: true as const } : {}),
            },
          ],
    ),
  );

const EVERY_FILTER: Setting = { family: 'ipv4', interface: '*', name: 'rp_filter', value: 0 };

/** Everything that such a process may leave. */
export const leavingsOf = (config: VrrpConfig): Leavings => ({
  addresses: journalOf(config),
  links: config.vrrp_instance.flatMap(({ made = [] }) => made),
  settings: [...settingsOf(config), ...(needsLooseAll(config) ? [EVERY_FILTER] : [])],
  routing: {
    routes: config.vrrp_instance.flatMap(({ virtual_routes = [] }) => virtual_routes),
    rules: config.vrrp_instance.flatMap(({ virtual_rules = [] }) => virtual_rules),
  },
});

/** The interfaces an instance depends on, its own first. */
export function interfacesOf(config: VrrpInstance): readonly string[] {
  const names = new Set<string>();
  if (config.interface !== undefined && !config.dont_track_primary) names.add(config.interface);
  if (config.own !== undefined) names.add(config.own);
  for (const { dev, no_track } of entriesOf(config))
    if (dev !== undefined && dev !== config.interface && no_track !== true) names.add(dev);
  // Those of next hops do not count: the route goes on over the others.
  for (const { dev, no_track } of config.virtual_routes ?? [])
    if (dev !== undefined && no_track !== true) names.add(dev);
  for (const { iif, oif, no_track } of config.virtual_rules ?? [])
    for (const name of no_track === true ? [] : [iif, oif]) if (name !== undefined) names.add(name);
  for (const name of config.tied_to ?? []) names.add(name);
  return [...names];
}

export interface Standing {
  readonly link?: Link;
  readonly source?: Ip;
  readonly faults: readonly Fault[];
}

/** What the facts allow an instance: `current` is kept as source while it is still a right one. */
export function standing(
  config: VrrpInstance,
  facts: KernelFacts,
  virtual: VirtualPlaces,
  current: Ip | undefined,
): Standing {
  const faults: Fault[] = [];
  if (config.unicast_fault_no_peer === true && config.unicast_peer.length === 0)
    faults.push({ kind: 'peers', what: config.name });
  // Nothing could be made that it would speak on.
  if (config.use_ipvlan !== undefined && config.own === undefined)
    faults.push({ kind: 'configuration', what: 'use_ipvlan needs an address' });
  for (const name of interfacesOf(config)) {
    const link = linkNamed(facts, name);
    if (link === undefined) faults.push({ kind: 'missing', what: name });
    else if (!(link.up && link.running)) faults.push({ kind: 'down', what: name });
  }
  const at = speaksOn(config);
  const link = at === undefined ? undefined : linkNamed(facts, at);
  if (at !== undefined && link === undefined) {
    if (config.dont_track_primary) faults.push({ kind: 'missing', what: at });
    return { faults };
  }
  // An interface made for it has no IPv4 address but the virtual ones: its adverts come from the one below.
  const below =
    config.interface === undefined || config.family === 6 || config.use_vmac === undefined
      ? link
      : linkNamed(facts, config.interface);
  const source = selectSource(config, below, facts, virtual, current);
  if (source === undefined) {
    // One that it had and lost is another matter.
    const waits =
      current === undefined &&
      selectSource(config, below, settled(facts), virtual, current) !== undefined;
    faults.push({ kind: waits ? 'tentative' : 'address', what: missingSource(config) });
    return { ...(link === undefined ? {} : { link }), faults };
  }
  return { ...(link === undefined ? {} : { link }), source, faults };
}

/** As it will be when the kernel has found nobody else with these addresses. */
const settled = ({ links, addresses }: KernelFacts): KernelFacts => ({
  links,
  addresses: Object.fromEntries(
    Object.entries(addresses).map(([index, list]) => [
      index,
      list.map((known) => (known.duplicate === true ? known : { ...known, tentative: false })),
    ]),
  ),
});

const missingSource = ({ unicast_src_ip, mcast_src_ip, family }: VrrpInstance): string =>
  (unicast_src_ip ?? mcast_src_ip) !== undefined
    ? 'src address not configured'
    : `no IPv${family} address for interface`;

function selectSource(
  config: VrrpInstance,
  link: Link | undefined,
  facts: KernelFacts,
  virtual: VirtualPlaces,
  current: Ip | undefined,
): Ip | undefined {
  const fixed = config.unicast_src_ip ?? config.mcast_src_ip ?? ownSource(config);
  if (fixed !== undefined) {
    // An IPv4 datagram carries its own header, so a multicast source need not exist; a socket that binds needs it.
    const binds =
      config.unicast_src_ip !== undefined || config.family === 6 || config.track_src_ip === true;
    return !binds || exists(facts, fixed, link) ? fixed : undefined;
  }
  if (link === undefined) return undefined;
  const usable = (known: LinkAddress): boolean =>
    !known.tentative &&
    !isVirtualOn(link.name, known.address, virtual) &&
    (config.family === 4 ? !known.address.includes(':') : isLinkLocal6(known.address));
  const list = facts.addresses[link.index] ?? [];
  let best: LinkAddress | undefined;
  for (const known of list) {
    if (!usable(known)) continue;
    if (known.address === current) return current;
    if (best === undefined || rank(known) < rank(best)) best = known;
  }
  return best?.address;
}

/** The address that stands for the interface comes first: global before local scope, primary before secondary. */
const rank = ({ scope, secondary }: LinkAddress): number => scope * 2 + (secondary ? 1 : 0);

function exists(facts: KernelFacts, address: Ip, link: Link | undefined): boolean {
  for (const index in facts.addresses) {
    if (link !== undefined && isLinkLocal6(address) && Number(index) !== link.index) continue;
    if (
      facts.addresses[index]?.some((known) => known.address === address && !known.tentative) ===
      true
    )
      return true;
  }
  return false;
}

/** The configured addresses as the kernel wants them; those on interfaces that do not exist are left out. */
export const desiredAddresses = (
  config: VrrpInstance,
  { links }: Pick<KernelFacts, 'links'>,
): readonly KernelAddress[] => desiredOn(config, links);

const desiredOn = remembered(
  (config: VrrpInstance, links: KernelFacts['links']): readonly KernelAddress[] =>
    kernelAddresses(
      entriesOf(config).map((entry) => {
        const { dev = holdsOn(config, entry.address) } = entry;
        return dev === undefined ? entry : { ...entry, dev };
      }),
      undefined,
      links,
    ),
);

/** `usual`: the interface of entries that name none. The first of two equal ones counts. */
export function kernelAddresses(
  entries: readonly AddressEntry[],
  usual: string | undefined,
  links: KernelFacts['links'],
): readonly KernelAddress[] {
  const indexes = new Map<string, number>();
  for (const index in links) {
    const link = links[index];
    if (link !== undefined && !indexes.has(link.name)) indexes.set(link.name, link.index);
  }
  const desired = new Map<string, KernelAddress>();
  for (const {
    dev,
    dad,
    mngtmpaddr,
    noprefixroute,
    autojoin,
    home,
    use_vmac: _,
    ...entry
  } of entries) {
    const index = indexes.get(dev ?? usual ?? '');
    if (index === undefined) continue;
    const address: KernelAddress = {
      ...entry,
      index,
      ...(entry.address.includes(':') && dad === undefined ? { noDad: true } : {}),
      ...(home === undefined ? {} : { home }),
      ...(mngtmpaddr === undefined ? {} : { manageTemporary: true }),
      ...(noprefixroute === undefined ? {} : { noPrefixRoute: true }),
      ...(autojoin === undefined ? {} : { autoJoin: true }),
    };
    const key = addressKey(address);
    if (!desired.has(key)) desired.set(key, address);
  }
  return [...desired.values()];
}

/** Which of these the kernel has. */
export function present(
  addresses: readonly KernelAddress[],
  facts: KernelFacts,
): readonly KernelAddress[] {
  const known = new Set<string>();
  for (const index in facts.addresses)
    for (const address of facts.addresses[index] ?? []) known.add(addressKey(address));
  return addresses.filter((address) => known.has(addressKey(address)));
}
