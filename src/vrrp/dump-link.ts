// The parts of keepalived.data about interfaces: how announcements are held back on them, the sockets, and what is
// known of each one, in the layout of keepalived 2.2.7. Nothing here is parsed back.

import type { Weight } from '../config/weight.ts';
import { family, type Ip, isLinkLocal6 } from '../lib/ip.ts';
import type { Link } from '../lib/link.ts';
import { general } from '../lib/number.ts';
import { type Clock, stamp } from '../lib/stamp.ts';
import { type Duration, type Instant, toSeconds, ZERO } from '../lib/time.ts';
import type { SocketSpec } from './action.ts';
import { entriesOf, interfacesOf, isVirtual, linkNamed } from './addresses.ts';
import { delayOf } from './debounce.ts';
import type { Tracked, TrackLists } from './definitions.ts';
import { groupNamed, usersOf, weightText } from './dump-track.ts';
import type { VrrpConfig, VrrpInstance } from './keywords.ts';
import { holdsOn, promotes, speaksOn } from './own.ts';
import { socketSpec } from './socket.ts';
import type { Member, RouterState } from './state.ts';
import { madeLinks } from './tend.ts';
import { chosen } from './weight.ts';

/** Interfaces that share one limit. Those that have one each have the number 0. */
interface DelayGroup {
  readonly number: number;
  readonly garp: number | undefined;
  readonly gna: number | undefined;
  readonly interfaces: readonly string[];
  /** What its announcements wait behind: a number of its own, or the interfaces on which they leave. */
  readonly queues: readonly (number | string)[];
}

const MICROSECONDS = 1_000_000;

function delayGroups({ vrrp_instance, garp_group = [] }: VrrpConfig): readonly DelayGroup[] {
  let shared = 0;
  const grouped = garp_group.map((group, i) => ({
    queues: [-1 - i],
    number: group.together === true ? ++shared : 0,
    garp: given(group.garp_interval ?? ZERO),
    gna: given(group.gna_interval ?? ZERO),
    interfaces: group.interfaces,
  }));
  const taken = new Set(grouped.flatMap(({ interfaces }) => interfaces));
  const alone: DelayGroup[] = [];
  const made = vrrp_instance.flatMap((one) => one.made ?? []);
  for (const instance of vrrp_instance) {
    const { garp_interval, gna_interval } = instance;
    if (garp_interval + gna_interval === 0) continue;
    for (const name of placesOf(instance)) {
      if (taken.has(name)) continue;
      taken.add(name);
      alone.push({
        number: 0,
        garp: given(garp_interval),
        gna: given(gna_interval),
        interfaces: [name],
        queues: [name, ...made.flatMap((one) => (one.parent === name ? one.name : []))],
      });
    }
  }
  return [...grouped, ...alone];
}

/** Where an instance announces: its interface, then those of its addresses, as the file names them. */
function placesOf(instance: VrrpInstance): readonly string[] {
  const { interface: own, made = [] } = instance;
  const devices = entriesOf(instance).flatMap(({ dev }) => dev ?? []);
  const below = devices.map((dev) => made.find(({ name }) => name === dev)?.parent ?? dev);
  return [...(own === undefined ? [] : [own]), ...below];
}

const given = (interval: Duration): number | undefined =>
  interval === 0 ? undefined : toSeconds(interval);

/** Until something has been announced. */
const NEVER = '0.000000 (Thu Jan  1 00:00:00.000000)';

export function delayLines(
  { config, kernel, paused = {} }: RouterState,
  clock: Clock,
): readonly string[] {
  const groups = delayGroups(config);
  if (groups.length === 0) return [];
  const next = (queues: DelayGroup['queues'], kind: 'arpAt' | 'naAt'): string => {
    const times = queues.flatMap((at) => {
      const index = typeof at === 'number' ? at : linkNamed(kernel, at)?.index;
      return (index === undefined ? undefined : paused[index]?.[kind]) ?? [];
    });
    // Without the year.
    return times.length === 0
      ? NEVER
      : stamp(clock, Math.max(...times) as Instant).replace(/ \d+\)$/, ')');
  };
  const interval = (name: string, value: number | undefined, at: string): readonly string[] =>
    value === undefined
      ? []
      : [` ${name} interval = ${general(value)}`, ` ${name} next time ${at}`];
  return [
    '------< Gratuitous ARP delays >------',
    ...groups.flatMap(({ number, garp, gna, interfaces, queues }) => [
      `------< GARP delay group ${number} >------`,
      ...interval('GARP', garp, next(queues, 'arpAt')),
      ...interval('GNA', gna, next(queues, 'naAt')),
      ' Interfaces',
      ...inOrder(interfaces, kernel).map((name) => `  ${name}`),
    ]),
  ];
}

/** Of their numbers; those that are not there come last. */
function inOrder(names: readonly string[], kernel: RouterState['kernel']): readonly string[] {
  const rank = (name: string): number => linkNamed(kernel, name)?.index ?? Number.MAX_SAFE_INTEGER;
  return [...names].sort((a, b) => rank(a) - rank(b));
}

/** The sockets that instances have, or would have if nothing were wrong. */
export function socketLines(
  state: RouterState,
  descriptors: ReadonlyMap<string, number>,
): readonly string[] {
  const sockets = new Map<string, { readonly spec: SocketSpec; readonly users: Member[] }>();
  for (const member of state.members) {
    const spec = specOf(state, member);
    const known = sockets.get(spec.key);
    if (known === undefined) sockets.set(spec.key, { spec, users: [member] });
    else known.users.push(member);
  }
  return [
    ...(sockets.size === 0 ? [] : ['------< VRRP Sockpool >------']),
    ...[...sockets.values()].flatMap(({ spec, users }) => {
      const fd = descriptors.get(spec.key) ?? -1;
      const unicast = spec.group === undefined;
      return [
        ` fd_in ${fd} fd_out = ${fd}`,
        ...(spec.interface === undefined ? [] : [`   Interface = ${spec.interface.name}`]),
        `   Family = IPv${spec.family}`,
        `   Protocol = ${spec.sealed === true ? 'AH' : 'VRRP'}`,
        `   Type = ${unicast ? 'Unicast' : 'Multicast'}`,
        ...(unicast ? [`   Address = ${spec.source}`] : []),
        // keepalived reckons in 32 bits.
        `   Rx buf size = ${(spec.receiveBuffer ?? 0) | 0}`,
        '   VRRP instances',
        ...[...users]
          .sort((a, b) => a.config.virtual_router_id - b.config.virtual_router_id)
          .map(({ config }) => `     ${config.name} vrid ${config.virtual_router_id}`),
      ];
    }),
  ];
}

/** As it is; without a socket, as it would be, also on an interface that is not there. */
function specOf({ sockets, kernel }: RouterState, member: Member): SocketSpec {
  const { config, socket, source } = member;
  const known = socket === undefined ? undefined : sockets[socket];
  if (known !== undefined) return known.spec;
  const at = speaksOn(config);
  const link = at === undefined ? undefined : (linkNamed(kernel, at) ?? missingLink(at));
  const nobody = (config.family === 4 ? '0.0.0.0' : '::') as Ip;
  const address = source ?? config.unicast_src_ip ?? config.mcast_src_ip ?? nobody;
  return socketSpec(config, link, address);
}

/** An interface of which only the name is known. */
const missingLink = (name: string): Link => ({
  name,
  index: 0,
  mac: '',
  mtu: 0,
  hardware: 0,
  up: false,
  running: false,
  multicast: false,
});

/** `promotes`: what promote_secondaries asks for has been done. */
export function interfaceLines(
  state: RouterState,
  clock: Clock,
  promotes = true,
): readonly string[] {
  const groups = delayGroups(state.config);
  return [
    '------< Interfaces >------',
    ...shownLinks(state).flatMap((link) => linkLines(state, link, groups, clock, promotes)),
  ];
}

/**
 * Those that are there, in the order of their numbers. What is named and not there comes in the order in which it is named,
 * groups first: before what is made here, and what is made here, there or not, in the order of its instances.
 */
function shownLinks({ config, kernel }: RouterState): readonly Link[] {
  const there = Object.values(kernel.links);
  const made = madeLinks(config).map(({ name }) => name);
  const tracked = (config.vrrp_sync_group ?? []).flatMap(
    ({ track_interface = [] }) => track_interface,
  );
  const named = new Set([
    ...tracked.map(({ name }) => name),
    ...config.vrrp_instance.flatMap(namedBy),
  ]);
  const missing = [...named, ...made].filter((name) => linkNamed(kernel, name) === undefined);
  if (missing.length === 0) return there;
  const isMade = ({ name }: Link): boolean => made.includes(name);
  return [
    ...there.filter((link) => !isMade(link)),
    ...missing.filter((name) => !made.includes(name)).map(missingLink),
    ...made.map((name) => linkNamed(kernel, name) ?? missingLink(name)),
  ];
}

const namedBy = (config: VrrpInstance): readonly string[] => [
  ...(config.interface === undefined ? [] : [config.interface]),
  ...(config.track_interface ?? []).map(({ name }) => name),
  ...interfacesOf(config),
];

/** The interface of an instance, and the one that is made for it. */
export function ownLines(config: VrrpInstance, kernel: RouterState['kernel']): readonly string[] {
  const { interface: at, own, lacking } = config;
  const { use_vmac: vmac, use_vmac_addr: all, vmac_xmit_base: base } = config;
  const made = config.made?.find(({ name }) => name === own);
  const isUp = own !== undefined && linkNamed(kernel, own)?.up === true;
  const byVrid = vmac?.mac?.split(':').length === 5 ? ' (using VRID)' : '';
  const lines: string[] = [];
  if (made?.kind === 'macvlan')
    lines.push(`   Use VMAC, i/f name ${own}, is_up = ${isUp}, xmit_base = ${base === true}`);
  if (vmac?.mac !== undefined) lines.push(`     MAC = ${made?.mac}${byVrid}`);
  if (made?.kind === 'ipvlan') {
    const [first] = made.addresses;
    const whole = config.family === 4 ? 32 : 128;
    const length = first === undefined || first.prefix === whole ? '' : `/${first.prefix}`;
    const address = first === undefined ? '' : `, i/f address = ${first.address}${length}`;
    lines.push(`   Use IPVLAN, i/f ${own}, is_up = ${isUp}${address}, type ${made.mode}`);
  }
  if (lacking !== undefined)
    lines.push(`   Use IPVLAN, i/f ${lacking.name}, is_up = false, type ${lacking.mode}`);
  if (all === true) lines.push('   Use VMAC for VIPs on other interfaces');
  if (made !== undefined && linkNamed(kernel, made.parent) === undefined)
    lines.push(`   Interface = ${own}`);
  else if (made !== undefined) {
    const where = vmac !== undefined && base === true ? ', xmit base i/f' : '';
    const kind = made.kind === 'macvlan' ? 'vmac' : 'ipvlan';
    lines.push(`   Interface = ${own}, ${kind} on ${at}${where}`);
  } else if (lacking !== undefined) lines.push(`   Interface = ${lacking.name}, ipvlan on ${at}`);
  else if (at !== undefined) lines.push(`   Interface = ${at}`);
  return lines;
}

/** What stands on another interface because we have made it. */
function madeLines({ config, kernel }: RouterState, link: Link): readonly string[] {
  const all = config.vrrp_instance.flatMap(({ made: own = [] }) => own);
  const made = all.find(({ name }) => name === link.name);
  const below = made && linkNamed(kernel, made.parent);
  if (made === undefined || below === undefined) return [];
  const own = '   I/f created by keepalived';
  if (link.index === 0) return [own];
  const state = `${below.up ? 'UP' : 'not UP'}, ${below.running ? 'RUNNING' : 'not RUNNING'}`;
  const kind = made.kind === 'macvlan' ? 'VMAC type' : 'IPVLAN type L2';
  return [`   ${kind} ${made.mode}, underlying interface = ${below.name}, state = ${state}`, own];
}

function vrfLines({ kernel }: RouterState, { vrf, master }: Link): readonly string[] {
  if (vrf !== undefined) return [`   VRF master table ${vrf}`];
  const within = master === undefined ? undefined : kernel.links[master];
  return within?.vrf === undefined ? [] : [`   VRF slave of ${within.name}`];
}

/** To be made on an interface that is not there. */
function isOrphan({ config, kernel }: RouterState, { name }: Link): boolean {
  const made = madeLinks(config).find((one) => one.name === name);
  return made !== undefined && linkNamed(kernel, made.parent) === undefined;
}

/** How its link is known. */
const NEWS = {
  none: 'netlink status update',
  MII: 'support MII regs',
  ETHTOOL: 'support ETHTOOL GLINK interface',
  IOCTL: 'ioctl refresh polling',
} as const;

function linkLines(
  state: RouterState,
  link: Link,
  groups: readonly DelayGroup[],
  clock: Clock,
  hasPromoted: boolean,
): readonly string[] {
  // keepalived hears of its own where a link-local one of IPv6 comes.
  const added = new Set(
    state.config.static_ipaddress?.flatMap(({ address }) => (isLinkLocal6(address) ? [] : address)),
  );
  // What this daemon has put there is not the interface's.
  const addresses = (state.kernel.addresses[link.index] ?? []).filter(
    ({ address }) => !isVirtual(state, { index: link.index, address }) && !added.has(address),
  );
  // Also an owner's.
  const held = new Set(
    state.members.flatMap((member) => member.held.map(({ address }) => address)),
  );
  const isMade = madeLinks(state.config).some(({ name }) => name === link.name);
  const all = addresses.flatMap(({ address }) => (isMade && held.has(address) ? [] : [address]));
  const [ipv4 = '(none)', ...others4] = all.filter((address) => family(address) === 4);
  const [ipv6 = '(none)', ...others6] = all.filter(isLinkLocal6);
  const additional = (of: string, others: readonly Ip[]): readonly string[] => {
    const lines = others.filter((address) => !held.has(address)).map((one) => `     ${one}`);
    return lines.length === 0 ? [] : [`   Additional ${of} addresses :`, ...lines];
  };
  const loopback = link.hardware === 772;
  const isMissing = link.index === 0;
  return [
    ` Name = ${link.name}`,
    `   index = ${link.index}${isMissing ? ' (deleted)' : ''}`,
    `   IPv4 address = ${ipv4}`,
    ...additional('IPv4', others4),
    `   IPv6 address = ${ipv6}`,
    ...additional('IPv6', others6),
    ...(loopback || link.mac === ''
      ? []
      : [`   MAC = ${link.mac}`, '   MAC broadcast = ff:ff:ff:ff:ff:ff']),
    `   State = ${[
      link.up ? 'UP' : 'not UP',
      link.running ? 'RUNNING' : 'not RUNNING',
      ...(loopback || isMissing ? ['no broadcast'] : []),
      ...(loopback ? ['loopback'] : []),
      ...(link.multicast ? [] : ['no multicast']),
      ...(isMissing && isOrphan(state, link) ? ['master down'] : []),
    ].join(', ')}`,
    `   Seen up = ${link.up ? 1 : 0}`,
    `   Delayed state change running = ${state.swaying[link.index] !== undefined}`,
    `   Up debounce timer = ${delayOf(state, link, true)}us`,
    `   Down debounce timer = ${delayOf(state, link, false)}us`,
    ...madeLines(state, link),
    ...(state.config.global_defs.dynamic_interfaces === 'allow_if_changes' &&
    !loopback &&
    !madeLinks(state.config).some(({ name }) => name === link.name)
      ? ['   Interface type/base can be changed']
      : []),
    `   MTU = ${link.mtu}`,
    `   HW Type = ${loopback ? 'LOOPBACK' : link.hardware === 1 ? 'ETHERNET' : `UNKNOWN (${link.hardware})`}`,
    `   NIC ${NEWS[link.asked ?? 'none']}`,
    ...vrfLines(state, link),
    ...limitLines(groups.find(({ interfaces }) => interfaces.includes(link.name))),
    ...settingLines(state, link, hasPromoted),
    ...forwardingLines(state, link, clock),
    ...userLines(state, link),
  ];
}

/**
 * What is set for virtual MACs. keepalived notes as original what it finds after it has set it: what stands there now. It
 * knows rp_filter of interfaces that it has made, and of those below.
 */
function settingLines(
  { config, kernel }: RouterState,
  { name, index }: Link,
  hasPromoted: boolean,
): readonly string[] {
  // Nothing was set on one that is not there.
  const all = index === 0 ? [] : madeLinks(config);
  const own = all.find((one) => one.name === name);
  const above = all.filter((one) => one.parent === name && one.kind === 'macvlan');
  const quieting = above.filter((one) => one.family === 4).length;
  // What those for IPv6 begin with is ours alone.
  const begins = own?.family === 4 && own.kind === 'macvlan' ? 1 : 0;
  const changed = quieting > 0 ? 1 : 0;
  const promoting = config.vrrp_instance.filter(
    (one) => index > 0 && one.interface === name && promotes(one),
  ).length;
  const promoted = hasPromoted ? promoting : 0;
  const isUntouched = own === undefined && above.length === 0 && promoted === 0 && index > 0;
  const from = own === undefined ? name : 'default';
  const filters = index === 0 ? [] : (kernel.filters ?? []);
  const filter = filters.find((one) => one.interface === from)?.value ?? 0;
  return [
    `   Reset ARP config counter ${quieting}`,
    `   Original arp_ignore ${changed || begins}`,
    `   Original arp_filter ${changed}`,
    ...(isUntouched ? [] : [`   rp_filter ${filter}`]),
    `   Original promote_secondaries ${promoted > 0 ? 1 : begins}`,
    `   Reset promote_secondaries counter ${promoting}`,
  ];
}

/** Where masters have announced IPv6 addresses: whether the announcement says that a router speaks. */
function forwardingLines(state: RouterState, link: Link, clock: Clock): readonly string[] {
  const { config } = state;
  const below = (name: string): string =>
    madeLinks(config).find((one) => one.name === name)?.parent ?? name;
  for (const { config: instance, state: role } of state.members) {
    if (role.name !== 'master') continue;
    const announces = entriesOf(instance).some(
      ({ address, dev }) =>
        family(address) === 6 && below(dev ?? holdsOn(instance, address) ?? '') === link.name,
    );
    if (!announces) continue;
    const is = link.forwarding6 === true ? 'IPv6' : 'Not IPv6';
    return [`   ${is} forwarding. Last checked ${stamp(clock, role.since, true)}`];
  }
  return [];
}

function limitLines(group: DelayGroup | undefined): readonly string[] {
  if (group === undefined) return [];
  const { garp, gna, number } = group;
  const limit = (kind: string, value: number | undefined): readonly string[] =>
    value === undefined
      ? []
      : [`   Gratuitous ${kind} interval ${Math.floor((value * MICROSECONDS) / 1000)}ms`];
  return [
    ...limit('ARP', garp),
    ...limit('NA', gna),
    ...(number === 0 ? [] : [`   Gratuitous ARP aggregation group ${number}`]),
  ];
}

/** What keepalived says of the interface of an instance that does not track it. */
const NOT_TRACKED: Weight = { weight: 255, reverse: false };
const NO_WEIGHT: Weight = { weight: 0, reverse: false };

const withoutTies = ({ config }: Member): Pick<Member, 'config'> => {
  const { tied_to: _, ...rest } = config;
  return { config: rest };
};

/** Who has something on the interface or tracks it, in the order of the configuration; then those whose group does. */
function userLines(state: RouterState, { name }: Link): readonly string[] {
  const weights = new Map<string, string>();
  const tied = state.members.filter(({ config }) => config.tied_to?.includes(name));
  // Those that a group of static objects ties to it come behind, where nothing else does.
  for (const { config } of [...state.members.map(withoutTies), ...tied]) {
    const of = ({ track_interface: list }: TrackLists): Tracked | undefined =>
      list?.find((one) => one.name === name);
    const own = of(config);
    const ofGroup = of(groupNamed(state, config.name)?.config ?? {});
    const isOwn = config.interface === name || config.own === name;
    const set = (weight: Weight): unknown => weights.set(config.name, weightText(weight));
    const isLoose = isOwn && config.dont_track_primary;
    const isNeeded = interfacesOf(config).includes(name);
    if (isNeeded && !(isLoose && config.own === name)) set(NO_WEIGHT);
    else if (isLoose) set(ofGroup ?? NOT_TRACKED);
    else if (own !== undefined) set(chosen(own, ofGroup));
  }
  const lines = [...weights].map(([user, weight]) => `     ${user}, ${weight}`);
  const tracking = usersOf(state, 'track_interface', name);
  const rest = tracking.filter((line) => !weights.has(line.slice(5).split(',')[0] ?? ''));
  const all = [...lines, ...rest];
  return all.length === 0 ? [] : ['   Tracking VRRP instances :', ...all];
}
