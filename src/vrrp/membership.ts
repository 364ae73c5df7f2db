// What sync groups, track groups, garp groups and lists of interfaces mean together with the instances, as
// keepalived 2.2.7 judges it. Knows the machine only through facts.

import { AFTERWARDS, atClosing, collect, nodeOf, type Reporter } from '../config/build.ts';
import { type Complaint, type Diagnostic, meantOf } from '../config/diagnostic.ts';
import type { Entry, Infer, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { resolveCommands } from '../config/script.ts';
import type { Script } from '../config/value.ts';
import type { Duration } from '../lib/time.ts';
import { comesLater, mistake, type Surroundings } from './decision.ts';
import {
  type Definition,
  type Names,
  resolveTracks,
  type Tracked,
  type TrackLists,
} from './definitions.ts';
import { garpGroupRows, syncGroupRows } from './group.ts';
import type { VrrpInstance } from './keywords.ts';
import { OWNER_PRIORITY } from './packet.ts';
import type { TrackKeyword } from './track.ts';

const SCRIPTS = [
  'notify_master',
  'notify_backup',
  'notify_fault',
  'notify_stop',
  'notify',
] as const;
type GroupScripts = { readonly [K in (typeof SCRIPTS)[number]]?: Script };

export interface SyncGroup extends GroupScripts, Readonly<TrackLists> {
  readonly name: string;
  readonly group: readonly string[];
  readonly smtp_alert?: boolean;
  readonly sync_group_tracking_weight: boolean;
  readonly notify_priority_changes?: boolean;
}

export interface TrackGroup {
  readonly name: string;
  readonly group: readonly string[];
}

/** Sync groups that have a member, in the order of the file. Of an instance that is `refused` all has been said. */
export function resolveSyncGroups(
  blocks: readonly Definition<typeof syncGroupRows>[],
  instances: readonly VrrpInstance[],
  refused: ReadonlySet<string>,
  names: Names,
  around: Surroundings,
): SyncGroup[] {
  const taken = new Set<string>();
  return blocks.flatMap((block) => {
    const members = membersOf(block, instances, refused, taken, around.report);
    const tracks = resolveTracks(block.statements, block.name, block.order, names, around);
    const scripts = resolveCommands(syncGroupRows, block.statements, block.name, around);
    if (members.length === 0) return [];
    const given = collect(syncGroupRows, block.statements) as Infer<typeof syncGroupRows>;
    const weighted = given.sync_group_tracking_weight || given.global_tracking;
    for (const member of members) if (!weighted) refuseWeights(member, block.node, around.report);
    reportTwice(block, tracks, members, around.report);
    return [
      {
        name: block.name,
        group: members.map(({ name }) => name),
        ...withoutOwners(block, tracks, members, around.report),
        ...scripts,
        ...(given.smtp_alert === undefined ? {} : { smtp_alert: given.smtp_alert }),
        sync_group_tracking_weight: weighted,
        ...(given.notify_priority_changes === undefined
          ? {}
          : { notify_priority_changes: given.notify_priority_changes }),
      },
    ];
  });
}

function membersOf(
  { name, node, statements }: Definition<typeof syncGroupRows>,
  instances: readonly VrrpInstance[],
  refused: ReadonlySet<string>,
  taken: Set<string>,
  report: Reporter,
): VrrpInstance[] {
  const say = (id: string, message: string, at: Node = node, more: Partial<Complaint> = {}): void =>
    report(mistake(id, message, more), at, AFTERWARDS);
  const list = statements.flatMap((s) => (s.keyword === 'group' ? s.value : []));
  if (list.length === 0) {
    say('group-empty', `Sync group ${name} has no virtual router(s). removing`);
    return [];
  }
  const members: VrrpInstance[] = [];
  for (const { value, node: at } of list) {
    if (refused.has(value)) continue;
    const instance = instances.find((known) => known.name === value);
    if (instance === undefined)
      say(
        'unknown-member',
        `Virtual router ${value} specified in sync group ${name} doesn't exist - ignoring`,
        at,
        meantOf(value, instances),
      );
    else if (taken.has(value))
      say(
        'member-twice',
        `Virtual router ${value} cannot exist in more than one sync group; ignoring ${name}`,
        at,
      );
    else {
      taken.add(value);
      members.push(instance);
    }
  }
  if (list.some(({ value }) => refused.has(value))) return members;
  if (members.length === 0)
    say(
      'group-empty',
      `Sync group ${name}, no matching virtual router found in group declaration - removing`,
    );
  else if (members.length === 1)
    say(
      'group-of-one',
      `Sync group ${name} has only 1 virtual router(s) - this probably isn't what you want`,
      node,
      { severity: 'warning' },
    );
  return members;
}

/** keepalived counts such an interface twice, and says so of interfaces only. */
function reportTwice(
  { node, statements }: Definition<typeof syncGroupRows>,
  { track_interface: tracked = [] }: TrackLists,
  members: readonly VrrpInstance[],
  report: Reporter,
): void {
  const at = nodeOf(statements, 'track_interface') ?? node;
  for (const member of members)
    for (const { name } of tracked) {
      const own = member.interface === name && !member.dont_track_primary;
      if (!own && !member.track_interface?.some((one) => one.name === name)) continue;
      const message = `(${member.name}) track_interface ${name} is configured on VRRP instance and sync group. Remove vrrp instance or sync group config`;
      report({ ...mistake('tracked-twice', message), severity: 'warning' }, at, AFTERWARDS);
    }
}

/** Members have one priority each; a weight of one of them would tear the group apart. */
function refuseWeights(member: VrrpInstance, node: Node, report: Reporter): void {
  const say = (message: string): void =>
    report(mistake('weight-in-group', message), node, AFTERWARDS);
  for (const { name, weight } of member.track_interface ?? [])
    if (weight !== 0)
      say(`(${member.name}) ignoring ${name} tracked interface weight due to SYNC group`);
  for (const message of weightRefusals(member, 'SYNC group')) say(message);
}

/** keepalived says nothing of processes, and keeps their weights. */
const weightRefusals = (instance: VrrpInstance, because: string): readonly string[] =>
  (['track_script', 'track_file', 'track_bfd'] as const).flatMap((keyword) =>
    (instance[keyword] ?? [])
      .filter(({ weight }) => weight !== 0)
      .map((tracked) => weightRefusal(keyword, tracked, `(${instance.name})`, because)),
  );

function weightRefusal(
  keyword: 'track_script' | 'track_file' | 'track_bfd',
  { name, weight }: Tracked,
  who: string,
  because: string,
): string {
  switch (keyword) {
    case 'track_script':
      return `${who} ignoring tracked script ${name} with weights due to ${because}`;
    case 'track_bfd':
      return `${who} ignoring tracked bfd ${name} with weight ${weight} due to ${because}`;
    case 'track_file':
      return weight === UNSAID
        ? `${who} ignoring weight from tracked file ${name} due to ${because}. specify weight 0`
        : `${who} ignoring tracked file ${name} with weight ${weight} due to ${because}`;
  }
}

/** The weight of a file that nobody gave one: it is still tracked where weights are refused. */
const UNSAID = 1;
const WEIGHTED = [
  ['track_script', 'script'],
  ['track_file', 'file'],
  ['track_process', 'process'],
  ['track_bfd', 'bfd'],
] as const;

/** An owner has one priority only. In a group that refuses weights, that has been said. */
export function refuseOwnersWeights(
  blocks: readonly { readonly name: string; readonly node: Node }[],
  instances: readonly VrrpInstance[],
  groups: readonly SyncGroup[],
  report: Reporter,
): void {
  for (const instance of instances) {
    if (
      instance.priority !== OWNER_PRIORITY ||
      groupOf(instance, groups)?.sync_group_tracking_weight === false
    )
      continue;
    const node = blocks.find(({ name }) => name === instance.name)?.node;
    if (node === undefined) continue;
    const say = (message: string): void =>
      report(mistake('weight-of-owner', message), node, AFTERWARDS);
    for (const { name, weight } of instance.track_interface ?? [])
      if (weight !== 0)
        say(`(${instance.name}) ignoring ${name} tracked interface due to address owner`);
    for (const message of weightRefusals(instance, 'address_owner')) say(message);
  }
}

const groupOf = ({ name }: VrrpInstance, groups: readonly SyncGroup[]): SyncGroup | undefined =>
  groups.find(({ group }) => group.includes(name));

/** The members as they take part: what the group refuses or an owner has no use for is not tracked. */
export function settleTracks(
  instances: readonly VrrpInstance[],
  groups: readonly SyncGroup[],
): VrrpInstance[] {
  return instances.map((instance) => {
    const group = groupOf(instance, groups);
    if (instance.priority === OWNER_PRIORITY)
      return withoutWeights(instance, ['track_interface', ...KINDS]);
    // keepalived 2.2.7 says that it ignores weights of interfaces too, and counts them all the same.
    return group === undefined || group.sync_group_tracking_weight
      ? instance
      : withoutWeights(instance, KINDS);
  });
}

const KINDS = ['track_script', 'track_file', 'track_bfd'] as const;

function withoutWeights(instance: VrrpInstance, keywords: readonly TrackKeyword[]): VrrpInstance {
  const changed: TrackLists = {};
  for (const keyword of keywords) {
    const list = instance[keyword];
    if (list?.some(({ weight }) => weight !== 0) === true)
      changed[keyword] = list.flatMap((one) => {
        if (keyword === 'track_file' && one.weight === UNSAID) return [{ ...one, weight: 0 }];
        return one.weight === 0 ? [one] : [];
      });
  }
  return { ...instance, ...changed };
}

function withoutOwners(
  block: Definition<typeof syncGroupRows>,
  tracks: TrackLists,
  members: readonly VrrpInstance[],
  report: Reporter,
): TrackLists {
  if (!members.some(({ priority }) => priority === OWNER_PRIORITY)) return tracks;
  for (const [keyword, what] of WEIGHTED)
    for (const { name, weight } of tracks[keyword] ?? [])
      if (weight !== 0)
        report(
          mistake(
            'weight-of-owner',
            `(${block.name}) Cannot have weighted track ${what} '${name}' with member having priority 255 - clearing weight`,
          ),
          block.node,
          AFTERWARDS,
        );
  const cleared: TrackLists = { ...tracks };
  for (const [keyword] of WEIGHTED) {
    const list = tracks[keyword];
    if (list !== undefined) cleared[keyword] = list.map((one) => ({ ...one, weight: 0 }));
  }
  return cleared;
}

type GarpStatement = Statement<typeof garpGroupRows>;

export interface GarpGroup {
  readonly garp_interval?: Duration;
  readonly gna_interval?: Duration;
  readonly interfaces: readonly string[];
  /** They are counted together: the file names them in a block. */
  readonly together?: true;
}

export function resolveGarpGroups(
  blocks: readonly { readonly node: Node; readonly statements: readonly GarpStatement[] }[],
  around: Surroundings,
): GarpGroup[] {
  const taken = new Set<string>();
  return blocks.flatMap(({ node, statements }, index) => {
    const given = collect(garpGroupRows, statements) as Infer<typeof garpGroupRows>;
    const interfaces = statements.flatMap((statement) => {
      if (statement.keyword === 'interface')
        return takeInterface(statement.value, statement.node, taken, around);
      return statement.keyword === 'interfaces'
        ? statement.value.flatMap(({ value, node: at }) =>
            takeInterface(value, at, taken, around, atClosing(statement.node)),
          )
        : [];
    });
    const { garp_interval: garp, gna_interval: gna } = given;
    if (garp === undefined && gna === undefined) {
      const message = `garp group ${index} does not have any delay set - removing`;
      around.report(mistake('garp-group-idle', message), node, atClosing(node));
      for (const name of interfaces) taken.delete(name);
      return [];
    }
    return [
      {
        ...(garp === undefined ? {} : { garp_interval: garp }),
        ...(gna === undefined ? {} : { gna_interval: gna }),
        interfaces,
        ...(statements.some(({ keyword }) => keyword === 'interfaces')
          ? { together: true as const }
          : {}),
      },
    ];
  });
}

/** What groups mean for the interfaces of an instance; for one that is made the interface below counts. */
export function withPauses(instance: VrrpInstance, groups: readonly GarpGroup[]): VrrpInstance {
  const pauses = groups.map(
    (
      { garp_interval = instance.garp_interval, gna_interval = instance.gna_interval, ...group },
      i,
    ) => ({
      queue: -1 - i,
      interfaces: [
        ...group.interfaces,
        ...(instance.made ?? []).flatMap(({ name, parent }) =>
          group.interfaces.includes(parent) ? [name] : [],
        ),
      ],
      garp_interval,
      gna_interval,
    }),
  );
  return pauses.length === 0 ? instance : { ...instance, pauses };
}

function takeInterface(
  name: string,
  node: Node,
  taken: Set<string>,
  { facts, globals, report }: Surroundings,
  more: Partial<Diagnostic> = {},
): string[] {
  if (!facts.interfaces.has(name) && globals.dynamic_interfaces === undefined)
    report(
      {
        ...mistake(
          'no-such-interface',
          `WARNING - interface ${name} specified for garp_group doesn't exist`,
          { word: 0, ...comesLater(name, facts) },
        ),
        severity: 'fatal',
      },
      node,
      more,
    );
  if (taken.has(name)) {
    const message = `garp_group already specified for ${name} - ignoring`;
    report(mistake('garp-group-twice', message, { word: 0 }), node, more);
    return [];
  }
  taken.add(name);
  return [name];
}

/** keepalived only says so, and goes on. */
export function checkInterfaces(
  entries: readonly Entry<{ readonly interface: string }>[],
  purpose: string,
  { facts, report }: Surroundings,
): void {
  for (const { value, node } of entries) {
    if (facts.interfaces.has(value.interface)) continue;
    report(
      {
        ...mistake(
          'no-such-interface',
          `unknown interface ${value.interface} specified for ${purpose}`,
          { word: 0, assumed: 'it is waited for', ...meantOf(value.interface, facts.interfaces) },
        ),
        class: 'interface',
      },
      node,
      { endsLine: true },
    );
  }
}
