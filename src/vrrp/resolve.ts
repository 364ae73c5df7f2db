// All blocks of VRRP -> what the VRRP child gets. The order matters: definitions, then what refers to them.

import type { Entry, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import type { Weight } from '../config/weight.ts';
import { mistake, type Surroundings } from './decision.ts';
import {
  type Definition,
  defineFiles,
  defineProcesses,
  defineScripts,
  Names,
} from './definitions.ts';
import type {
  DelayEntry,
  garpGroupRows,
  LinkbeatEntry,
  syncGroupRows,
  trackGroupRows,
} from './group.ts';
import type { FollowedSession, VrrpConfig, VrrpInstance, vrrpInstance } from './keywords.ts';
import {
  checkInterfaces,
  refuseOwnersWeights,
  resolveGarpGroups,
  resolveSyncGroups,
  settleTracks,
  withPauses,
} from './membership.ts';
import { preferences } from './routing.ts';
import type { RuleText } from './rule.ts';
import { resolveInstances } from './rules.ts';
import { resolveStatics, type StaticBlocks } from './static.ts';
import { type fileRows, processRows, type scriptRows } from './track.ts';

export interface VrrpBlocks extends StaticBlocks {
  readonly vrrp_script: readonly Definition<typeof scriptRows>[];
  readonly vrrp_track_process: readonly Definition<typeof processRows>[];
  readonly track_file: readonly Definition<typeof fileRows>[];
  /** Sessions as VRRP sees them: also those that cannot run. */
  readonly bfd_instance: readonly {
    readonly name: string;
    readonly order: number;
    readonly statements: readonly { readonly keyword: string; readonly value: unknown }[];
  }[];
  readonly vrrp_instance: readonly Definition<typeof vrrpInstance>[];
  readonly vrrp_sync_group: readonly Definition<typeof syncGroupRows>[];
  readonly track_group: readonly Definition<typeof trackGroupRows>[];
  readonly garp_group: readonly {
    readonly node: Node;
    readonly statements: readonly Statement<typeof garpGroupRows>[];
  }[];
  readonly linkbeat_interfaces: readonly Entry<LinkbeatEntry>[];
  readonly linkbeat_use_polling: boolean;
  readonly interface_up_down_delays: readonly Entry<DelayEntry>[];
}

export function resolveVrrp(blocks: VrrpBlocks, surroundings: Surroundings): VrrpConfig {
  const { report } = surroundings;
  const around = { ...surroundings, preference: preferences(rulesInOrder(blocks), report) };
  const names = new Names();
  const used = blocks.vrrp_instance.length > 0;
  const scripts = defineScripts(blocks.vrrp_script, names, used, around);
  const processes = defineProcesses(blocks.vrrp_track_process, processRows, names, report);
  const files = defineFiles(blocks.track_file, names, report);
  const sessions: FollowedSession[] = [];
  for (const { name, order, statements } of blocks.bfd_instance) {
    const said = (keyword: string): boolean => statements.some((s) => s.keyword === keyword);
    if (said('checker') && !said('vrrp')) continue;
    const weight = statements.findLast((s) => s.keyword === 'weight')?.value as Weight | undefined;
    const usual = weight ?? { weight: 0, reverse: false };
    names.add('track_bfd', name, order, usual);
    sessions.push({ name, weight: usual });
  }
  const resolved = resolveInstances(blocks.vrrp_instance, around, names);
  checkSyncInterfaces(blocks.vrrp_instance, around);
  const statics = resolveStatics(blocks, groupsOf(blocks), around);
  const instances = resolved.map((instance): VrrpInstance => {
    const tied = statics.tied.get(instance.name);
    return tied === undefined ? instance : { ...instance, tied_to: tied };
  });
  const runs = new Set(instances.map(({ name }) => name));
  const given = blocks.vrrp_instance.map(({ name }) => name);
  const refused = new Set(given.filter((name) => !runs.has(name)));
  const groups = resolveSyncGroups(blocks.vrrp_sync_group, instances, refused, names, around);
  refuseOwnersWeights(blocks.vrrp_instance, instances, groups, report);
  const garpGroups = resolveGarpGroups(blocks.garp_group, around);
  const paused = instances.map((instance) => withPauses(instance, garpGroups));
  checkInterfaces(blocks.linkbeat_interfaces, 'linkbeat interface', around);
  checkInterfaces(blocks.interface_up_down_delays, 'up/down delay', around);
  const trackGroups = groupsOf(blocks).map(({ name, group }) => ({ name, group }));
  return {
    global_defs: around.globals,
    vrrp_instance: settleTracks(paused, groups),
    ...some('vrrp_script', scripts),
    ...some('vrrp_track_process', processes),
    ...some('track_file', files),
    ...some('sessions', sessions),
    ...some('vrrp_sync_group', groups),
    ...some('track_group', trackGroups),
    ...some('garp_group', garpGroups),
    ...some(
      'linkbeat_interfaces',
      blocks.linkbeat_interfaces.map(({ value }) => value),
    ),
    ...(blocks.linkbeat_use_polling ? { linkbeat_use_polling: true as const } : {}),
    ...some(
      'interface_up_down_delays',
      blocks.interface_up_down_delays.map(({ value }) => value),
    ),
    ...statics.part,
  };
}

/** One of all the lines counts: lvs_sync_daemon, else the first of the older ones. */
function checkSyncInterfaces(
  instances: VrrpBlocks['vrrp_instance'],
  { globals, report }: Surroundings,
): void {
  let taken = globals.lvs_sync_daemon?.interface;
  for (const { name, statements } of instances)
    for (const { keyword, value, node } of statements) {
      if (keyword !== 'lvs_sync_daemon_interface') continue;
      if (taken !== undefined) {
        const message = `(${name}) lvs_sync_daemon_interface has already been specified as ${taken} - ignoring`;
        report(mistake('sync-twice', message), node);
      }
      taken ??= value;
    }
}

const groupsOf = ({ track_group }: VrrpBlocks) =>
  track_group.map(({ name, order, statements }) => ({
    name,
    order,
    group: statements.flatMap((s) => s.value.map(({ value }) => value)),
  }));

/** All rules of routing in the order of the file: those without a preference get one in that order. */
const rulesInOrder = ({ vrrp_instance, static_rules }: VrrpBlocks): readonly Entry<RuleText>[] =>
  [
    ...static_rules.map(({ entry, order }) => ({ order, entries: [entry] })),
    ...vrrp_instance.map(({ order, statements }) => ({
      order,
      entries: statements.flatMap((s) => (s.keyword === 'virtual_rules' ? s.value : [])),
    })),
  ]
    .sort((a, b) => a.order - b.order)
    .flatMap(({ entries }) => entries);

/** Only what there is goes to the child. */
const some = <K extends string, T>(
  keyword: K,
  list: readonly T[],
): { readonly [N in K]?: readonly T[] } =>
  (list.length === 0 ? {} : { [keyword]: list }) as { readonly [N in K]?: readonly T[] };
