// The rules between the keywords of a vrrp_instance, as keepalived 2.2.7 applies them: what the statements
// mean together, and what is said about them. Knows the machine only through facts.

import { AFTERWARDS, atClosing, collect, nodeOf, type Reporter } from '../config/build.ts';
import type { Complaint, Diagnostic } from '../config/diagnostic.ts';
import type { Infer } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import type { Ip } from '../lib/ip.ts';
import {
  decideAuthentication,
  decidePreemption,
  decideRole,
  decideTolerance,
  fatal,
  fitAddresses,
  type InstanceBlock,
  type InstanceStatement,
  mistake,
  type Rows,
  type RuledSurroundings,
  resolveScripts,
  roundInterval,
  type Say,
} from './decision.ts';
import { Names, resolveTracks } from './definitions.ts';
import { vrrpInstance as rows, type VrrpInstance } from './keywords.ts';
import { linkRows } from './link.ts';
import { optionRows } from './option.ts';
import { withOwnLinks } from './own.ts';
import { advertLength } from './packet.ts';
import { applyStrict } from './strict.ts';
import { checkOwnInterface, vmacOf } from './vmac.ts';
import { type Walk, walkStatements } from './walk.ts';

/** All instances of a file, less those that cannot run; of those a fatal diagnostic speaks. */
export function resolveInstances(
  blocks: readonly InstanceBlock[],
  around: RuledSurroundings,
  names: Names = new Names(),
): readonly VrrpInstance[] {
  const instances: VrrpInstance[] = [];
  const identities = new Map<string, VrrpInstance[]>();
  const links = new Map<string, string>();
  for (const block of blocks) {
    const instance = resolveInstance(block, around, names, links);
    if (instance === undefined) continue;
    instances.push(instance);
    checkIdentity(instance, block, identities, around.report);
  }
  // Those that are there: a linter takes every other name for an interface too, and some name must be free.
  const there = new Set(around.facts.interfaces.keys());
  return withOwnLinks(instances, {
    prefix: around.globals.vmac_prefix ?? 'vrrp',
    addressPrefix: around.globals.vmac_addr_prefix ?? around.globals.vmac_prefix ?? 'vrrp',
    groupOf: (name) => groupNumber(name, around),
    holder: (name) => (there.has(name) ? (around.facts.macOf?.(name) ?? '') : undefined),
  });
}

/** An interface group by its number, or by its name in iproute2's file. */
const groupNumber = (name: string, { facts }: RuledSurroundings): number | undefined =>
  /^\d+$/.test(name) ? Number(name) : facts.numberOf?.('group', name);

/**
 * Two virtual routers on one network must not share a number. Those of other multicast groups do not meet, and unicast ones
 * only where they speak from one address to the same peer.
 */
function checkIdentity(
  instance: VrrpInstance,
  block: InstanceBlock,
  identities: Map<string, VrrpInstance[]>,
  report: Reporter,
): void {
  const { family: of, interface: link = '', virtual_router_id: id } = instance;
  const key = JSON.stringify([of, link, id]);
  const others = identities.get(key) ?? [];
  identities.set(key, [...others, instance]);
  const other = others.find((one) => meet(one, instance));
  if (other === undefined) return;
  report(
    {
      id: 'duplicate-vrid',
      severity: 'fatal',
      class: 'general',
      message:
        instance.unicast_peer.length > 0
          ? `(${other.name}) duplicate VRID conflict with ${instance.name} VRID ${id}`
          : `${other.name} and ${instance.name} both use VRID ${id} with IPv${of} on interface ${link}`,
      word: 0,
    },
    nodeOf(block.statements, 'virtual_router_id') ?? block.node,
    AFTERWARDS,
  );
}

function meet(one: VrrpInstance, other: VrrpInstance): boolean {
  const unicast = one.unicast_peer.length > 0;
  if (unicast !== other.unicast_peer.length > 0) return false;
  if (!unicast) return one.mcast_dst_ip === other.mcast_dst_ip;
  const peers = new Set(one.unicast_peer.map(({ address }) => address));
  return (
    one.unicast_src_ip === other.unicast_src_ip &&
    other.unicast_peer.some(({ address }) => peers.has(address))
  );
}

export function resolveInstance(
  block: InstanceBlock,
  around: RuledSurroundings,
  names: Names = new Names(),
  links = new Map<string, string>(),
): VrrpInstance | undefined {
  const { globals, report } = around;
  const { name, statements } = block;
  const walk = walkStatements(block, around);
  const given = { ...(collect(rows, statements) as Infer<Rows>), ...vmacOf(statements) };
  const at = (keyword: keyof Rows & string): Node => nodeOf(statements, keyword) ?? block.node;
  const say = (
    keyword: keyof Rows & string,
    complaint: Complaint,
    more: Partial<Diagnostic> = AFTERWARDS,
  ): void => report(complaint, at(keyword), more);

  checkUnicast(walk, name, say, block, report);
  const tracks = resolveTracks(statements, name, block.order, names, around);
  const wantsUnicast =
    walk.peers.length > 0 || walk.unicastWord !== undefined || given.unicast_fault_no_peer;
  checkOwnInterface(
    block,
    {
      family: walk.family ?? 4,
      interface: walk.interface,
      vrf: walk.vrf,
      unicast: wantsUnicast,
    },
    links,
    report,
  );
  if (given.virtual_router_id === undefined) {
    say('virtual_router_id', fatal('vrid-missing', `(${name}) the virtual router id must be set`));
    return undefined;
  }
  if (walk.interface === undefined) {
    say('interface', fatal('interface-missing', `(${name}) Unknown interface!`));
    return undefined;
  }
  const of = walk.family ?? 4;
  const version = walk.version ?? (of === 6 ? 3 : (globals.vrrp_version as 2 | 3));
  const unicast = walk.peers.length > 0;
  const strict = given.strict_mode ?? globals.vrrp_strict;
  const authentication = decideAuthentication(block, version, strict, report);
  const { state, priority } = decideRole(given, block, authentication, say, report);
  const preemption = decidePreemption(
    { name, state, priority, nopreempt: walk.nopreempt, delay: given.preempt_delay },
    say,
  );
  const addressless = given.no_virtual_ipaddress && !strict;
  const held = { ...walk, addressless };
  const { addresses, excluded } = fitAddresses(block, held, version, of, strict, around);
  const advert_length = advertLength(version, of, addresses.length);
  const advert_int = roundInterval(given.advert_int, version, name, say);
  const scripts = resolveScripts(block, around);
  const garp_master_delay = given.garp_master_delay ?? globals.vrrp_garp_master_delay;
  const garp_master_repeat = given.garp_master_repeat ?? globals.vrrp_garp_master_repeat;
  const explicitLowerDelay = given.garp_lower_prio_delay;
  const explicitLowerRepeat = given.garp_lower_prio_repeat;

  const instance: VrrpInstance = {
    ...configured(given, statements),
    ...(strict ? { strict_mode: true } : {}),
    ...(walk.unicastWord !== undefined && !unicast ? { unicast_without_peers: true as const } : {}),
    ...decideTolerance({ name, advert_length, ...preemption }, given, strict, globals, say),
    ...tracks,
    name,
    state,
    interface: walk.interface,
    virtual_router_id: given.virtual_router_id,
    priority,
    advert_int,
    version,
    family: of,
    native_ipv6: given.native_ipv6,
    ...(authentication === undefined ? {} : { authentication }),
    ...sourceOf(walk.source, unicast),
    mcast_dst_ip:
      (unicast ? undefined : walk.group) ??
      (of === 4 ? globals.vrrp_mcast_group4 : globals.vrrp_mcast_group6),
    unicast_peer: walk.peers,
    unicast_ttl: unicast ? given.unicast_ttl : 255,
    check_unicast_src: walk.checkSource || globals.vrrp_check_unicast_src,
    ...(walk.checkSource || !globals.vrrp_check_unicast_src
      ? {}
      : { checked_by_default: true as const }),
    skip_check_adv_addr: given.skip_check_adv_addr ?? globals.vrrp_skip_check_adv_addr,
    virtual_ipaddress: addresses,
    virtual_ipaddress_excluded: excluded,
    ...(walk.routes.length === 0 ? {} : { virtual_routes: walk.routes }),
    ...(walk.rules.length === 0 ? {} : { virtual_rules: walk.rules }),
    accept: given.no_accept !== true,
    ...preemption,
    down_timer_adverts: given.down_timer_adverts ?? globals.vrrp_down_timer_adverts,
    lower_prio_no_advert: given.lower_prio_no_advert ?? globals.vrrp_lower_prio_no_advert,
    higher_prio_send_advert: given.higher_prio_send_advert ?? globals.vrrp_higher_prio_send_advert,
    dont_track_primary: given.dont_track_primary,
    // Adverts to peers are routed; they cannot leave an interface that has no address. keepalived sets it also where
    // there turn out to be no peers.
    ...(wantsUnicast && given.use_vmac !== undefined ? { vmac_xmit_base: true } : {}),
    garp_master_delay,
    garp_master_repeat,
    garp_master_refresh: given.garp_master_refresh ?? globals.vrrp_garp_master_refresh,
    garp_master_refresh_repeat:
      given.garp_master_refresh_repeat ?? globals.vrrp_garp_master_refresh_repeat,
    garp_lower_prio_delay:
      explicitLowerDelay ?? globals.vrrp_garp_lower_prio_delay ?? globals.vrrp_garp_master_delay,
    garp_lower_prio_repeat:
      explicitLowerRepeat ?? globals.vrrp_garp_lower_prio_repeat ?? globals.vrrp_garp_master_repeat,
    garp_interval: globals.vrrp_garp_interval,
    // A period of 0 turns off what global_defs turn on.
    ...(given.garp_extra_if === undefined && globals.vrrp_garp_extra_if !== undefined
      ? { garp_extra_if: globals.vrrp_garp_extra_if }
      : {}),
    gna_interval: globals.vrrp_gna_interval,
    ...scripts,
  };
  const tracking = refuseOwnInterface(instance, block, report);
  return strict ? applyStrict(tracking, block, report) : tracking;
}

/** The values of rows that have no default, as far as they were given. */
function configured(
  given: Infer<Rows>,
  statements: readonly InstanceStatement[],
): Partial<VrrpInstance> {
  const named = new Set<string>(statements.map((statement) => statement.keyword));
  return Object.fromEntries(
    [...Object.keys(linkRows), ...Object.keys(optionRows)].flatMap((keyword) =>
      keyword !== 'timer_expired_backup' &&
      keyword !== 'vrf' &&
      named.has(keyword) &&
      rows[keyword as keyof Rows].form === 'words'
        ? [[keyword, given[keyword as keyof Rows]]]
        : [],
    ),
  );
}

/** The interface of the instance is tracked anyway, without a weight, or not at all with dont_track_primary. */
function refuseOwnInterface(
  instance: VrrpInstance,
  block: InstanceBlock,
  report: Reporter,
): VrrpInstance {
  const { name, interface: own } = instance;
  const { track_interface: tracked, ...rest } = instance;
  if (tracked === undefined) return instance;
  const others = tracked.filter((one) => one.name !== own);
  if (others.length === tracked.length) return instance;
  report(
    {
      ...mistake('own-interface', `(${name}) Ignoring track_interface ${own} since own interface`),
      ...(instance.dont_track_primary
        ? { hint: 'without dont_track_primary the instance depends on it' }
        : { severity: 'warning', hint: 'an instance depends on its own interface anyhow' }),
    },
    nodeOf(block.statements, 'track_interface') ?? block.node,
    AFTERWARDS,
  );
  return others.length === 0 ? rest : { ...rest, track_interface: others };
}

/** One address serves as source, under whichever of its two names; the kind of advert decides which. */
const sourceOf = (
  source: Ip | undefined,
  unicast: boolean,
): Pick<VrrpInstance, 'mcast_src_ip' | 'unicast_src_ip'> => {
  if (source === undefined) return {};
  return unicast ? { unicast_src_ip: source } : { mcast_src_ip: source };
};

function checkUnicast(
  walk: Walk,
  name: string,
  say: Say,
  block: InstanceBlock,
  report: Reporter,
): void {
  const { statements } = block;
  if (walk.peers.length > 0) {
    if (walk.group !== undefined)
      say(
        'mcast_dst_ip',
        mistake(
          'group-with-unicast',
          `(${name}) multicast destination specified with unicast - ignoring`,
        ),
      );
    return;
  }
  if (nodeOf(statements, 'unicast_ttl') !== undefined)
    say(
      'unicast_ttl',
      mistake(
        'ttl-without-peers',
        `(${name}): Cannot use unicast_ttl without unicast peers - resetting`,
      ),
      atClosing(block.node),
    );
  if (nodeOf(statements, 'unicast_fault_no_peer') !== undefined) return;
  if (walk.unicastWord !== undefined)
    report(
      mistake(
        'unicast-without-peers',
        `(${name}) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. This usage is deprecated - please update your configuration.`,
        { assumed: 'multicast adverts', hint: 'add unicast_peer, or remove the unicast keywords' },
      ),
      walk.unicastWord,
      AFTERWARDS,
    );
}
