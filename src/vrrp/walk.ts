// One walk over the statements of an instance, in the order of the file: what depends on which of them comes first, as in
// keepalived 2.2.7. What they come to together is for rules.ts.

import type { Reporter } from '../config/build.ts';
import type { Entry } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { byteLength } from '../config/text.ts';
import type { AddressEntry } from '../config/value.ts';
import { type Family, family, type Ip, ipBytes, isMulticast } from '../lib/ip.ts';
import {
  comesLater,
  fatal,
  type InstanceBlock,
  type InstanceStatement,
  mistake,
  type RuledSurroundings,
} from './decision.ts';
import type { UnicastPeer } from './keywords.ts';
import type { Ipvlan } from './link.ts';
import type { PeerText } from './peer.ts';
import { type RouteEntry, type RuleEntry, resolveRoute, resolveRule } from './routing.ts';
import type { AddressText } from './value.ts';
import { takeVrf } from './vmac.ts';

/** What order of statements decides, gathered while walking over them once. */
export interface Walk {
  family: Family | undefined;
  version: 2 | 3 | undefined;
  interface: string | undefined;
  vrf: string | undefined;
  source: Ip | undefined;
  group: Ip | undefined;
  nopreempt: boolean;
  unicastWord: Node | undefined;
  checkSource: boolean;
  peers: UnicastPeer[];
  addresses: AddressEntry[];
  excluded: AddressEntry[];
  routes: RouteEntry[];
  rules: RuleEntry[];
}

export function walkStatements(block: InstanceBlock, around: RuledSurroundings): Walk {
  const walk: Walk = {
    family: undefined,
    version: undefined,
    interface: undefined,
    vrf: undefined,
    source: undefined,
    group: undefined,
    nopreempt: false,
    // Also one whose address is refused.
    unicastWord: block.node.children?.find(
      ({ keyword, words }) => keyword === 'unicast_src_ip' && words.length > 0,
    ),
    checkSource: false,
    peers: [],
    addresses: [],
    excluded: [],
    routes: [],
    rules: [],
  };
  for (const statement of block.statements) walkOver(statement, walk, block.name, around);
  return walk;
}

function walkOver(
  statement: InstanceStatement,
  walk: Walk,
  name: string,
  around: RuledSurroundings,
): void {
  const { node } = statement;
  const { report } = around;
  switch (statement.keyword) {
    case 'interface':
      walk.interface = checkInterface(statement.value, node, name, walk.interface, around);
      return;
    case 'vrf':
      walk.vrf = takeVrf(statement.value, node, name, walk, around);
      return;
    case 'native_ipv6':
      if (walk.family === 4)
        report(
          mistake('native-ipv6', `(${name}) Cannot specify native_ipv6 with IPv4 addresses`, {
            assumed: 'IPv4',
          }),
          node,
        );
      else {
        walk.family = 6;
        walk.version = 3;
      }
      return;
    case 'version':
      takeVersion(statement.value as 2 | 3, walk, node, name, report);
      return;
    case 'mcast_src_ip':
    case 'unicast_src_ip':
      if (statement.keyword === 'unicast_src_ip') walk.unicastWord = node;
      if (takeFamily(statement.value, walk)) walk.source = statement.value;
      else
        report(
          mistake(
            'source-family',
            `Configuration error: VRRP instance[${name}] and src address[${statement.value}] MUST be of the same family !!! Skipping...`,
            { word: 0 },
          ),
          node,
        );
      return;
    case 'use_ipvlan':
      takeOwnAddress(statement.value, walk, node, name, report);
      return;
    case 'mcast_dst_ip':
      takeGroup(statement.value, walk, node, name, report);
      return;
    case 'unicast_peer':
      walk.unicastWord = node;
      for (const entry of statement.value) takePeer(entry, walk, name, report);
      return;
    case 'old_unicast_checksum':
      walk.unicastWord = node;
      return;
    case 'check_unicast_src':
      walk.unicastWord = node;
      walk.checkSource = true;
      return;
    case 'virtual_ipaddress':
      for (const entry of statement.value) takeAddress(entry, walk, name, around);
      return;
    case 'virtual_ipaddress_excluded':
      for (const entry of statement.value) {
        checkDevice(entry, around);
        walk.excluded.push(resolveAddress(entry.value));
      }
      return;
    case 'virtual_routes':
      walk.routes.push(...statement.value.flatMap((entry) => resolveRoute(entry, around) ?? []));
      return;
    case 'virtual_rules':
      walk.rules.push(
        ...statement.value.flatMap(
          (entry) => resolveRule(entry, around.preference(entry), around) ?? [],
        ),
      );
      return;
    case 'preempt':
    case 'nopreempt':
      walk.nopreempt = statement.keyword === 'nopreempt';
      return;
    default:
      return;
  }
}

/** The interface from here on; `before` stays where the name cannot be one. */
function checkInterface(
  link: string,
  node: Node,
  name: string,
  before: string | undefined,
  { facts, globals, report }: RuledSurroundings,
): string | undefined {
  if (byteLength(link) > 15) {
    report(
      mistake('interface-name', `Interface name '${link}' too long - ignoring`, { word: 0 }),
      node,
    );
    return before;
  }
  const known = facts.interfaces.get(link);
  if (known?.loopback === true) {
    report(
      mistake(
        'loopback',
        `(${name}) cannot use a loopback interface (${link}) for vrrp - ignoring`,
        { word: 0 },
      ),
      node,
    );
    return undefined;
  }
  if (known === undefined && globals.dynamic_interfaces === undefined) {
    report(
      {
        ...fatal(
          'no-such-interface',
          `WARNING - interface ${link} for vrrp_instance ${name} doesn't exist`,
        ),
        word: 0,
        ...comesLater(link, facts),
      },
      node,
    );
  }
  return link;
}

function takeVersion(version: 2 | 3, walk: Walk, node: Node, name: string, report: Reporter): void {
  const conflict =
    walk.version === undefined ? walk.family === 6 && version === 2 : walk.version !== version;
  if (!conflict) {
    walk.version = version;
    return;
  }
  report(
    mistake(
      'version-conflict',
      `(${name}) vrrp_version ${version} conflicts with configured or deduced version ${walk.version ?? 3}; ignoring.`,
      { word: 0, assumed: `version ${walk.version ?? 3}` },
    ),
    node,
  );
}

/** The first address decides the family of the instance; says whether this one fits. */
function takeFamily(address: Ip, walk: Walk): boolean {
  walk.family ??= family(address);
  return family(address) === walk.family;
}

function takeOwnAddress(
  { address, prefix }: Ipvlan,
  walk: Walk,
  node: Node,
  name: string,
  report: Reporter,
): void {
  if (address === undefined || takeFamily(address, walk)) return;
  const text = prefix === undefined ? address : `${address}/${prefix}`;
  const message = `(${name}) ipvlan address[${text}] MUST match vrrp instance family !!! Skipping...`;
  report(mistake('ipvlan-family', message), node);
}

function takeGroup(group: Ip, walk: Walk, node: Node, name: string, report: Reporter): void {
  const refuse = (id: string, message: string): void =>
    report(mistake(id, message, { word: 0 }), node);
  if (walk.family !== undefined && family(group) !== walk.family)
    refuse(
      'group-family',
      `(${name}) mcast dest address ${group} MUST match VRRP instance family. Skipping...`,
    );
  else if (!isMulticast(group))
    refuse('not-multicast', `(${name}) mcast_dst_ip ${group} not multicast. Skipping...`);
  else if (family(group) === 6 && ((ipBytes(group)[1] ?? 0) & 0x0f) !== 2)
    refuse(
      'group-not-link-local',
      `(${name}) mcast_dst_ip ${group} not link-local multicast. Skipping...`,
    );
  else {
    walk.family ??= family(group);
    walk.group = group;
  }
}

function takePeer(entry: Entry<PeerText>, walk: Walk, name: string, report: Reporter): void {
  const { address, min_ttl, max_ttl } = entry.value;
  if (!takeFamily(address, walk)) {
    report(
      mistake(
        'peer-family',
        `Configuration error: VRRP instance[${name}] and unicast peer address[${address}] MUST be of the same family !!! Skipping...`,
        { word: 0 },
      ),
      entry.node,
    );
    return;
  }
  if (min_ttl !== undefined || max_ttl !== undefined) walk.checkSource = true;
  walk.peers.push(entry.value);
}

function takeAddress(
  entry: Entry<AddressText>,
  walk: Walk,
  name: string,
  around: RuledSurroundings,
): void {
  if (!takeFamily(entry.value.address, walk)) {
    around.report(
      mistake(
        'address-family',
        `(${name}): address family must match VRRP instance [${entry.node.words[0]?.text}] - ignoring`,
        { word: 0, hint: 'virtual_ipaddress_excluded takes addresses of both families' },
      ),
      entry.node,
    );
    return;
  }
  checkDevice(entry, around);
  walk.addresses.push(resolveAddress(entry.value));
}

export function checkDevice(
  { value, node }: Entry<AddressText>,
  { facts, globals, report }: RuledSurroundings,
): void {
  if (value.dev === undefined || facts.interfaces.has(value.dev)) return;
  if (globals.dynamic_interfaces !== undefined) return;
  report(
    {
      ...fatal(
        'no-such-interface',
        `WARNING - interface ${value.dev} for ip address ${node.words[0]?.text} doesn't exist`,
      ),
      word: node.words.findIndex((word) => word.text === 'dev') + 1,
      ...comesLater(value.dev, facts),
    },
    node,
  );
}

export function resolveAddress({
  scope,
  '-nodad': dad,
  preferred_lft,
  ...rest
}: AddressText): AddressEntry {
  // keepalived: an IPv6 /128 is never chosen as a source address unless told otherwise; IPv4 addresses always are.
  const seconds = preferred_lft ?? (rest.prefix === 128 ? 0 : 'forever');
  return {
    ...rest,
    scope: scope ?? 0,
    ...(dad === undefined ? {} : { dad }),
    ...(family(rest.address) === 4 || seconds === 'forever'
      ? {}
      : seconds === 0
        ? { deprecated: true as const }
        : { preferred: seconds }),
  };
}
