// The interfaces that instances have made for themselves: what use_vmac, use_ipvlan, use_vmac_addr and use_vmac of an
// address ask for, as interfaces with names. A function of the configuration; whether they can be made is not asked here.

import type { AddressEntry } from '../config/value.ts';
import { type Family, family, type Ip } from '../lib/ip.ts';
import type { MadeLink, Setting } from '../lib/link.ts';
import type { VrrpConfig, VrrpInstance } from './keywords.ts';

const LONGEST_NAME = 15;

interface Naming {
  readonly prefix: string;
  readonly addressPrefix: string;
  readonly groupOf: (name: string) => number | undefined;
  /** MAC address of an interface that is there, '' where it has none; undefined where there is no such interface. */
  readonly holder: (name: string) => string | undefined;
}

interface Names extends Naming {
  /** By other instances. */
  readonly taken: Set<string>;
}

type Local = Omit<Setting, 'interface'>;

const four = (name: string, value: number): Local => ({ family: 'ipv4', name, value });
const six = (name: string, value: number): Local => ({ family: 'ipv6', name, value });

/**
 * It answers ARP for its own addresses alone, and takes what comes from an address of ours. Nothing may leave it that shows
 * the virtual MAC while somebody else is master: it gets no IPv6 address that nobody has asked for, and solicits no
 * routers. For IPv6 instances keepalived sets addr_gen_mode alone, and such an interface answers ARP for the address below.
 */
const SETTINGS: Readonly<Record<Family, readonly Local[]>> = {
  4: [
    six('disable_ipv6', 1),
    six('addr_gen_mode', 1),
    four('arp_ignore', 1),
    four('accept_local', 1),
    four('rp_filter', 0),
    four('promote_secondaries', 1),
  ],
  6: [six('addr_gen_mode', 1), six('accept_ra', 0), four('arp_ignore', 1)],
};

/** Gives every instance the interfaces that it asks for. */
export function withOwnLinks(
  instances: readonly VrrpInstance[],
  naming: Naming,
): readonly VrrpInstance[] {
  const taken = new Set(
    instances.flatMap(({ use_vmac, use_ipvlan }) => use_vmac?.name ?? use_ipvlan?.name ?? []),
  );
  return instances.map((instance) => ownLinksOf(instance, { ...naming, taken }));
}

function ownLinksOf(given: VrrpInstance, names: Names): VrrpInstance {
  const lacking = lackingLink(given, names);
  const instance = lacking === undefined ? given : { ...given, lacking };
  const own = lacking === undefined ? ownLink(instance, names) : undefined;
  const made: MadeLink[] = own === undefined ? [] : [own];
  const place = (entry: AddressEntry): AddressEntry => {
    const dev = linkFor(entry, instance, made, names);
    return dev === undefined ? entry : { ...entry, dev };
  };
  const next: VrrpInstance = {
    ...instance,
    ...(own === undefined ? {} : { own: own.name }),
    virtual_ipaddress: instance.virtual_ipaddress.map(place),
    virtual_ipaddress_excluded: instance.virtual_ipaddress_excluded.map(place),
  };
  return made.length === 0 ? instance : { ...next, made };
}

function ownLink(instance: VrrpInstance, names: Names): MadeLink | undefined {
  const { use_vmac: vmac, use_ipvlan: ipvlan, interface: parent, family: of } = instance;
  const { virtual_router_id: vrid } = instance;
  const { prefix, groupOf } = names;
  if (parent === undefined) return undefined;
  const group = vmac?.group ?? ipvlan?.group;
  const number = group === undefined ? undefined : groupOf(group);
  const common = { parent, family: of, ...(number === undefined ? {} : { group: number }) };
  if (vmac !== undefined) {
    const mac = macOf(vmac.mac, of, vrid);
    return {
      ...common,
      name: vmac.name ?? freeName(prefix, of, vrid, mac, names),
      kind: 'macvlan',
      mode: 'private',
      mac,
      settings: SETTINGS[of],
      ...sourceOn(instance),
    };
  }
  if (ipvlan === undefined) return undefined;
  const { address, prefix: length = of === 4 ? 32 : 128 } = ipvlan;
  const fits = address !== undefined && family(address) === of;
  return {
    ...common,
    ...ipvlanOf(instance, ipvlan, names),
    kind: 'ipvlan',
    // It has the MAC address of the one below, and by itself a link-local address of its own.
    settings: of === 4 ? [six('disable_ipv6', 1)] : [],
    addresses: fits ? [{ address, prefix: length }] : [],
  };
}

const ipvlanOf = (
  { family: of, virtual_router_id: vrid }: VrrpInstance,
  { name, mode = 'bridge' }: NonNullable<VrrpInstance['use_ipvlan']>,
  names: Names,
) => ({ name: name ?? freeName(names.prefix, of, vrid, undefined, names), mode });

/** Of IPv4 it needs an address, for adverts to come from. */
function lackingLink(instance: VrrpInstance, names: Names): VrrpInstance['lacking'] {
  const { use_vmac: vmac, use_ipvlan: ipvlan, interface: parent, family: of } = instance;
  if (parent === undefined || vmac !== undefined || ipvlan === undefined || of === 6)
    return undefined;
  const { address } = ipvlan;
  const fits = address !== undefined && family(address) === of;
  return fits ? undefined : ipvlanOf(instance, ipvlan, names);
}

/** IPv6 adverts come from a link-local address (RFC 9568 5.1.2.1), which the interface that they leave must have. */
function sourceOn({
  family: of,
  mcast_src_ip: source,
  vmac_xmit_base: base,
}: VrrpInstance): Pick<MadeLink, 'addresses' | 'linkLocal'> {
  if (of === 4 || base === true) return { addresses: [] };
  return source === undefined
    ? { addresses: [], linkLocal: true }
    : { addresses: [{ address: source, prefix: 64 }] };
}

/** RFC 9568 7.3: 00-00-5E-00-01-{VRID} for IPv4, 00-00-5E-00-02-{VRID} for IPv6; of five bytes the VRID is the sixth. */
export function macOf(given: string | undefined, of: Family, vrid: number): string {
  const parts = given?.split(':') ?? ['00', '00', '5e', '00', of === 4 ? '01' : '02'];
  const whole = parts.length === 6 ? parts : [...parts, vrid.toString(16)];
  return whole.map((part) => part.padStart(2, '0')).join(':');
}

/** vrrp.51, for IPv6 vrrp6.51 where that is taken, then vrrp1.51, vrrp2.51 ...; a prefix is cut where it is too long. */
function freeName(
  prefix: string,
  of: Family,
  vrid: number,
  mac: string | undefined,
  { taken, holder }: Names,
): string {
  const suffix = `.${vrid}`;
  const marks = of === 6 ? ['', '6'] : [''];
  for (let n = 1; ; n++) {
    const mark = marks.shift() ?? String(n);
    const name = prefix.slice(0, LONGEST_NAME - suffix.length - mark.length) + mark + suffix;
    const held = holder(name);
    if (taken.has(name) || (held !== undefined && held !== mac)) {
      if (mark === '' || mark === '6') n--;
      continue;
    }
    taken.add(name);
    return name;
  }
}

/** The interface of an address, made where it is to have a virtual MAC address; undefined where it stays where it is. */
function linkFor(
  entry: AddressEntry,
  instance: VrrpInstance,
  made: MadeLink[],
  names: Names,
): string | undefined {
  const { interface: base, virtual_router_id: vrid, use_vmac_addr: all = false } = instance;
  const of = family(entry.address);
  const parent = entry.dev ?? base;
  const [own] = made;
  if (parent === undefined) return undefined;
  const elsewhere = parent !== base || of !== instance.family;
  // The interface of the instance means the one that is made for it.
  if (!elsewhere && instance.use_vmac !== undefined && own !== undefined) return own.name;
  const wanted = entry.use_vmac === true || (all && elsewhere);
  if (!wanted) return undefined;
  const mac = macOf(instance.use_vmac?.mac, of, vrid);
  const known = made.find((link) => link.parent === parent && link.mac === mac);
  if (known !== undefined) return known.name;
  const name = freeName(names.addressPrefix, of, vrid, mac, names);
  made.push({
    name,
    parent,
    family: of,
    kind: 'macvlan',
    mode: 'private',
    mac,
    settings: SETTINGS[of],
    addresses: [],
    ...(of === 6 ? { linkLocal: true as const } : {}),
  });
  return name;
}

/** An interface that is made begins with it. */
export const promotes = ({
  promote_secondaries: wanted,
  own,
}: Pick<VrrpInstance, 'promote_secondaries' | 'own'>): boolean =>
  wanted === true && own === undefined;

/** What is set on interfaces that are not ours while the program runs: those below answer for none of ours. */
export function settingsOf({
  vrrp_instance: instances,
  global_defs: globals,
}: VrrpConfig): readonly Setting[] {
  const settings = new Map<string, Setting>();
  const want = (setting: Setting): void => {
    settings.set(`${setting.family} ${setting.interface} ${setting.name}`, setting);
  };
  for (const instance of instances) {
    const { made = [], interface: at } = instance;
    for (const { parent, kind, family: of } of made)
      if (of === 4 && kind === 'macvlan') {
        want({ family: 'ipv4', interface: parent, name: 'arp_ignore', value: 1 });
        want({ family: 'ipv4', interface: parent, name: 'arp_filter', value: 1 });
      }
    if (at !== undefined && promotes(instance))
      want({ family: 'ipv4', interface: at, name: 'promote_secondaries', value: 1 });
  }
  if (globals.disable_local_igmp === true)
    want({ family: 'ipv4', name: 'igmp_link_local_mcast_reports', value: 0 });
  return [...settings.values()];
}

/** Whether an interface is made that net.ipv4.conf.all.rp_filter must not hold for. */
export const needsLooseAll = ({ vrrp_instance: instances }: VrrpConfig): boolean =>
  instances.some(({ made = [] }) =>
    made.some((link) => link.family === 4 && link.kind === 'macvlan'),
  );

/**
 * The kernel takes the greater of what `all` and the interface say, and adverts from an address below would be dropped
 * above: all others keep what they have by a setting of their own. `filters`: rp_filter of each before anything was set.
 */
export function looseAll(
  { vrrp_instance: instances }: Pick<VrrpConfig, 'vrrp_instance'>,
  filters: readonly Setting[],
): readonly Setting[] {
  const all = filters.find((one) => one.interface === 'all');
  if (all === undefined || all.value === 0) return [];
  const ours = new Set(
    instances.flatMap(({ made = [] }) => made.map((link): string | undefined => link.name)),
  );
  // What loops back comes from nowhere else.
  const others = filters.filter(
    (one) =>
      one !== all && one.interface !== 'lo' && !ours.has(one.interface) && one.value < all.value,
  );
  return [...others.map((one) => ({ ...one, value: all.value })), { ...all, value: 0 }];
}

/** Where adverts leave and arrive. */
export const speaksOn = ({
  own,
  use_vmac: vmac,
  vmac_xmit_base: base,
  interface: at,
}: VrrpInstance): string | undefined => (vmac !== undefined && base === true ? at : (own ?? at));

/** The address that use_ipvlan gives to the interface that it asks for: adverts come from it. */
export function ownSource({
  own,
  use_vmac: vmac,
  use_ipvlan: ipvlan,
  made = [],
}: VrrpInstance): Ip | undefined {
  if (own === undefined || vmac !== undefined || ipvlan === undefined) return undefined;
  return made.find(({ name }) => name === own)?.addresses[0]?.address;
}

/** Where addresses go that name no interface: those of the other family, and with use_ipvlan all, are on the one below. */
export const holdsOn = (
  { own, interface: at, family: of, use_vmac: vmac }: VrrpInstance,
  address: Ip,
): string | undefined => (vmac !== undefined && family(address) === of ? (own ?? at) : at);
