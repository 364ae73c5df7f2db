// The parts of keepalived.data about sync groups and trackers, in the layout of keepalived 2.2.7. Nothing here is
// parsed back.

import { shownScript, shownWords } from '../config/command.ts';
import type { Script } from '../config/value.ts';
import type { Weight } from '../config/weight.ts';
import { type Duration, toSeconds, ZERO } from '../lib/time.ts';
import type { Tracked, TrackFile, TrackLists } from './definitions.ts';
import { isSilent } from './fault.ts';
import type { FollowedSession } from './keywords.ts';
import { isMailing } from './notify.ts';
import type { GroupState, Member, RouterState } from './state.ts';
import type { TrackKeyword } from './track.ts';
import { type ProcessState, type ScriptState, trackedFiles } from './tracker.ts';

export const weightText = ({ weight, reverse }: Weight): string =>
  `weight ${weight}${reverse ? ' reverse' : ''}`;

/** `comma` stands between name and weight where keepalived has one. */
const LISTS: readonly (readonly [TrackKeyword, title: string, comma: string])[] = [
  ['track_interface', 'Tracked interfaces', ''],
  ['track_script', 'Tracked scripts', ''],
  ['track_file', 'Tracked files', ','],
  ['track_process', 'Tracked processes', ','],
  ['track_bfd', 'Tracked BFDs', ':'],
];

/** Of a group keepalived speaks as if it tracked one process. Scripts that are not run are not tracked. */
const listLines = (
  { trackers }: RouterState,
  lists: TrackLists,
  grouped = false,
): readonly string[] =>
  LISTS.flatMap(([keyword, title, comma]) => {
    const list = (lists[keyword] ?? []).filter(
      ({ name }) => keyword !== 'track_script' || trackers.scripts[name] !== undefined,
    );
    if (list.length === 0) return [];
    const shown = grouped && keyword === 'track_process' ? 'Tracked process' : title;
    return [`   ${shown} :`, ...list.map((one) => `     ${one.name}${comma} ${weightText(one)}`)];
  });

export const groupNamed = (state: RouterState, member: string): GroupState | undefined =>
  state.groups.find(({ config }) => config.group.includes(member));

/** What an instance tracks by itself. keepalived shows no weight of interfaces in a group that refuses weights. */
export function trackedLines(state: RouterState, { config }: Member): readonly string[] {
  const group = groupNamed(state, config.name);
  if (group === undefined || group.config.sync_group_tracking_weight)
    return listLines(state, config);
  const plain = (config.track_interface ?? []).map((one) => ({ ...one, weight: 0 }));
  return listLines(state, { ...config, track_interface: plain });
}

/** Who tracks something, with the weight of each: those that do so by themselves come first. */
export function usersOf(
  { config, groups }: RouterState,
  keyword: TrackKeyword,
  name: string,
): readonly string[] {
  const users = new Map<string, Tracked>();
  const add = (instance: string, list: readonly Tracked[] | undefined): void => {
    const tracked = list?.find((one) => one.name === name);
    if (tracked !== undefined && users.get(instance)?.weight !== 0) users.set(instance, tracked);
  };
  for (const instance of config.vrrp_instance) add(instance.name, instance[keyword]);
  for (const { config: group } of groups)
    for (const member of group.group) add(member, group[keyword]);
  return [...users].map(([instance, tracked]) => `     ${instance}, ${weightText(tracked)}`);
}

export function trackerLines(state: RouterState): readonly string[] {
  const { config, groups, trackers } = state;
  return [
    ...section('VRRP Sync groups', groups, (group) => groupLines(state, group)),
    ...section('VRRP Scripts', Object.values(trackers.scripts), (one) => scriptLines(state, one)),
    ...section('VRRP Track files', trackedFiles(config), (file) => fileLines(state, file)),
    // Those that nobody tracks are shown, and not counted.
    ...section('VRRP Track processes', config.vrrp_track_process ?? [], (one) =>
      processLines(state, trackers.processes[one.name] ?? { config: one, current: 0, up: false }),
    ),
    ...section('VRRP Track BFDs', config.sessions ?? [], (one) => sessionLines(state, one)),
  ];
}

const section = <T>(title: string, all: readonly T[], lines: (one: T) => readonly string[]) =>
  all.length === 0 ? [] : [`------< ${title} >------`, ...all.flatMap(lines)];

const groupScripts = [
  ['Backup', 'notify_backup'],
  ['Master', 'notify_master'],
  ['Fault', 'notify_fault'],
  ['Stop', 'notify_stop'],
  ['Generic', 'notify'],
] as const;

function groupLines(router: RouterState, { config, state }: GroupState): readonly string[] {
  const { members } = router;
  const faults = members.flatMap((member) =>
    config.group.includes(member.config.name) ? [member.faults] : [],
  );
  const failed = faults.filter((list) => !list.every(isSilent)).length;
  const waiting = faults.filter((list) => list.some(isSilent)).length;
  return [
    ` VRRP Sync Group = ${config.name}, ${state.toUpperCase()}`,
    `   Num member fault ${failed}, num member init ${waiting}`,
    '   VRRP member instances :',
    ...config.group.map((name) => `     ${name}`),
    ...(config.sync_group_tracking_weight ? ['   sync group tracking weight set'] : []),
    `   Using smtp notification = ${isMailing(router.config, config) ? 'yes' : 'no'}`,
    ...(config.notify_priority_changes === undefined
      ? []
      : [`   Notify priority changes = ${config.notify_priority_changes ? 'yes' : 'no'}`]),
    ...listLines(router, config, true),
    ...groupScripts.flatMap(([word, keyword]) => {
      const script = config[keyword];
      return script === undefined
        ? []
        : [`   ${word} state transition script = ${shownScript(script)}`];
    }),
  ];
}

/** What only asks for a file is shown as it stands. */
const commandText = ({ words }: Script): string =>
  words[0]?.startsWith('<') === true ? words.join(' ') : shownWords(words);

function scriptLines(state: RouterState, script: ScriptState): readonly string[] {
  const { name, interval, timeout, weight, rise, fall, script: run } = script.config;
  const pending = script.status === 'pending';
  return [
    ` VRRP Script = ${name}`,
    `   Command = ${commandText(run)}`,
    `   Interval = ${toSeconds(interval)} sec`,
    `   Timeout = ${timeout === undefined ? 0 : toSeconds(timeout)} sec`,
    `   Weight = ${weight.weight}${weight.reverse ? ' reverse' : ''}`,
    `   Rise = ${rise}`,
    `   Fall = ${fall}`,
    `   Result = ${script.result}`,
    '   Insecure = no',
    `   Init state = ${pending ? 'INIT' : 'unknown'}`,
    `   Status = ${script.status === 'good' ? 'GOOD' : 'BAD'}`,
    `   Script uid:gid = ${run.uid}:${run.gid}`,
    '   VRRP instances :',
    '   Tracking instances :',
    ...usersOf(state, 'track_script', name),
    `   State = ${stateOf(script)}`,
  ];
}

function fileLines(state: RouterState, { name, file, weight }: TrackFile): readonly string[] {
  return [
    ` Track file = ${name}`,
    `   File = ${file}`,
    `   Status = ${state.trackers.files[name] ?? 0}`,
    `   Weight = ${weight.weight}${weight.reverse ? ' reverse' : ''}`,
    '   Tracking instances :',
    ...usersOf(state, 'track_file', name),
  ];
}

/** keepalived has a heading for those that track it with a weight of a file, and no line below. */
function sessionLines(state: RouterState, { name, weight }: FollowedSession): readonly string[] {
  const users = usersOf(state, 'track_bfd', name);
  return [
    ` VRRP Track BFD = ${name}`,
    `   Weight = ${weight.weight}${weight.reverse ? ' reverse' : ''}`,
    '   Bfd is down',
    '   Tracking VRRP instances :',
    ...(users.length === 0 ? [] : ['   Tracking instances :', ...users]),
  ];
}

const seconds = (delay: Duration | undefined): string => `${toSeconds(delay ?? ZERO).toFixed(6)}s`;

function processLines(state: RouterState, one: ProcessState): readonly string[] {
  const { name, process, param_match: match, weight, quorum, quorum_max: most } = one.config;
  const { delay, fork_delay: fork, terminate_delay: terminate } = one.config;
  const [command = '', ...words] = process;
  const users = usersOf(state, 'track_process', name);
  const running = (up: boolean): string =>
    one.changeAt !== undefined && one.up !== up ? 'running' : 'not running';
  return [
    ` VRRP Track process = ${name}`,
    `   Process = ${command}`,
    ...(words.length === 0 ? [] : [`   Parameters = ${words.join(' ')}`]),
    ...(match === undefined && words.length === 0
      ? []
      : [`   Param match${match === undefined || match === 'exact' ? '' : ` = ${match}`}`]),
    `   Min processes = ${quorum}`,
    ...(most === undefined ? [] : [`   Max processes = ${most}`]),
    `   Current processes = ${one.current}`,
    `   Have quorum = ${one.up}`,
    `   Weight = ${weight.weight}${weight.reverse ? ' reverse' : ''}`,
    `   Terminate delay = ${seconds(terminate ?? delay)}`,
    `   Fork delay = ${seconds(fork ?? delay)}`,
    `   Fork delay timer ${running(true)}`,
    `   Terminate delay timer ${running(false)}`,
    `   Full command = ${one.config.full_command || match !== undefined || words.length > 0}`,
    ...(users.length === 0 ? [] : ['   Tracking instances :', ...users]),
  ];
}

function stateOf({ run }: ScriptState): string {
  if (run === undefined) return 'idle';
  return run.killAt === undefined ? 'running' : 'requested termination';
}
