// The VRRP part of keepalived.data, and keepalived.stats, in the layout of keepalived 2.2.7 (passwords masked, as
// 2.4.3 does). What keepalived cannot say (faults, dropped packets) has a file of its own. Nothing here is parsed back.

import { shownScript } from '../config/command.ts';
import type { AddressEntry } from '../config/value.ts';
import { family } from '../lib/ip.ts';
import { type Clock, stamp } from '../lib/stamp.ts';
import { type Instant, toSeconds } from '../lib/time.ts';
import type { KernelAddress } from './action.ts';
import { addressKey, entriesOf, linkNamed } from './addresses.ts';
import type { Tracked } from './definitions.ts';
import { delayLines, interfaceLines, ownLines, socketLines } from './dump-link.ts';
import { groupNamed, trackedLines, trackerLines } from './dump-track.ts';
import { describeFault, type Fault } from './fault.ts';
import type { InstanceState } from './instance.ts';
import type { StaticAddress, VrrpConfig, VrrpInstance } from './keywords.ts';
import { isMailing, tellsPriority } from './notify.ts';
import { holdsOn, ownSource, promotes, speaksOn } from './own.ts';
import { OWNER_PRIORITY } from './packet.ts';
import { routeText, ruleText } from './routing-text.ts';
import { exactSkew, nextSend } from './schedule.ts';
import { isShielded } from './shield.ts';
import { isUnicast } from './socket.ts';
import type { Member, RouterState } from './state.ts';
import { sentBy } from './statistics.ts';

/** From `VRRP Topology` on; `descriptors` gives the descriptor of a socket by its key. */
export function dumpData(
  state: RouterState,
  clock: Clock,
  descriptors: ReadonlyMap<string, number>,
): string {
  return [
    ...delayLines(state, clock),
    ...staticLines(state),
    ...when(state.members.length > 0, TOPOLOGY),
    ...state.members.flatMap((member) => instanceLines(state, member, clock, descriptors)),
    ...socketLines(state, descriptors),
    ...trackerLines(state),
    ...interfaceLines(state, clock),
    '',
  ].join('\n');
}

const TOPOLOGY = '------< VRRP Topology >------';

/** What an instance has only once it runs. */
const RUNNING =
  /^ {3}(State|Master router|Master priority|Master advert int|Master advert interval|Number of interface and track script faults|Number of track scripts init|Last transition|Read timeout|Master down timer|Effective priority|Total priority) = /;

/** The same of a configuration before anything of it runs (-d): as it was understood. */
export function dumpConfiguration(router: RouterState, clock: Clock): readonly string[] {
  const instances = router.members.flatMap((member) =>
    instanceLines(router, { ...member, held: [] }, clock, new Map())
      .filter((line) => !RUNNING.test(line))
      .map((line) => (/^ {3}fd_in /.test(line) ? '   No sockets allocated' : line))
      .map((line) => line.replace(/^( {3}Next gratuitous ARP .* =) .*/, `$1 ${NEVER}`))
      .map((line) => line.replace(/^( {3}Wantstate =) .*/, `$1 ${wantedAtFirst(router, member)}`)),
  );
  return [
    ...delayLines(router, clock),
    ...staticLines(router),
    ...when(instances.length > 0, TOPOLOGY),
    ...instances,
    ...trackerLines(router)
      .filter((line) => !/^ {3}(Fork|Terminate) delay timer /.test(line))
      .map((line) => (line === '   State = running' ? '   State = idle' : line)),
    ...interfaceLines({ ...router, members: router.members.map(asConfigured) }, clock, false),
  ];
}

/** A group decides for its members. */
const wantedAtFirst = (router: RouterState, { config }: Member): string =>
  groupNamed(router, config.name) === undefined ? config.state : 'BACKUP';

const asConfigured = (member: Member): Member => ({ ...member, state: { name: 'init' } });

export function dumpStatistics(state: RouterState, now: Instant): string {
  return state.members.map((member) => statisticsOf(member, now)).join('');
}

function statisticsOf(member: Member, now: Instant): string {
  const { name } = member.config;
  const { received, becameMaster, releasedMaster, drops, ...zero } = member.statistics;
  return `VRRP Instance: ${name}
  Advertisements:
    Received: ${received}
    Sent: ${sentBy(member, now)}
  Became master: ${becameMaster}
  Released master: ${releasedMaster}
  Packet Errors:
    Length: ${drops.length}
    TTL: ${drops.ttl}
    Invalid Type: ${drops.type}
    Advertisement Interval: ${drops.interval}
    Address List: ${drops.addresses}
  Authentication Errors:
    Invalid Type: ${drops.authType}
    Type Mismatch: ${drops.authMismatch}
    Failure: ${drops.authFailure}
  Priority Zero:
    Received: ${zero.priorityZeroReceived}
    Sent: ${zero.priorityZeroSent}
`;
}

function instanceLines(
  router: RouterState,
  member: Member,
  clock: Clock,
  descriptors: ReadonlyMap<string, number>,
): readonly string[] {
  const { kernel } = router;
  const { config, rules, state, faults, source } = member;
  const group = groupNamed(router, config.name);
  const pending = faults.filter(({ kind }) => kind === 'pending').length;
  const wrong = faults.filter(({ kind }) => kind === 'configuration').length;
  const lonely = faults.filter(isLonely).length;
  const fd = (member.socket === undefined ? undefined : descriptors.get(member.socket)) ?? -1;
  const unicast = isUnicast(config);
  const given = config.unicast_src_ip ?? config.mcast_src_ip ?? ownSource(config);
  const at = speaksOn(config);
  const index = linkNamed(kernel, at ?? '')?.index;
  // keepalived counts an interface that is not there twice: it has no address either.
  const without = at !== undefined && index === undefined && given === undefined ? 1 : 0;
  return [
    ` VRRP Instance = ${config.name}`,
    `   VRRP Version = ${config.version}`,
    ...when(group !== undefined, `   Sync group = ${group?.config.name}`),
    ...when(config.family === 6, '   Using Native IPv6'),
    `   State = ${stateWord(state)}`,
    ...masterLines(config, state),
    ...flagLines(config),
    `   Wantstate = ${wantedState(member, hadToWait(router, member))}`,
    `   Number of config faults = ${wrong + lonely}`,
    `   Number of interface and track script faults = ${faults.length - pending - wrong + without}`,
    `   Number of track scripts init = ${pending}`,
    `   Last transition = ${stamp(clock, since(state, clock))}`,
    `   Read timeout = ${readTimeout(config, state, clock)}`,
    `   Master down timer = ${masterDownMicros(member, hadToWait(router, member))} usecs`,
    ...ownLines(config, kernel),
    ...when(config.dont_track_primary, '   VRRP interface tracking disabled'),
    ...when(config.skip_check_adv_addr, '   Skip checking advert IP addresses'),
    ...when(config.strict_mode === true, '   Enforcing strict VRRP compliance'),
    `   Using src_ip = ${given === undefined ? (source ?? '(none)') : `${given} (from configuration)`}`,
    ...when(
      !unicast,
      `   Multicast address ${config.mcast_dst_ip}${config.family === 6 ? `, ifindex ${index ?? 0}` : ''}`,
    ),
    `   Gratuitous ARP delay = ${toSeconds(config.garp_master_delay)}`,
    `   Gratuitous ARP repeat = ${config.garp_master_repeat}`,
    `   Gratuitous ARP refresh = ${toSeconds(config.garp_master_refresh)}`,
    `   Gratuitous ARP refresh repeat = ${config.garp_master_refresh_repeat}`,
    `   Gratuitous ARP lower priority delay = ${toSeconds(config.garp_lower_prio_delay)}`,
    `   Gratuitous ARP lower priority repeat = ${config.garp_lower_prio_repeat}`,
    `   Down timer adverts = ${config.down_timer_adverts}`,
    ...extraLines(config, state, clock),
    `   Send advert after receive lower priority advert = ${!config.lower_prio_no_advert}`,
    `   Send advert after receive higher priority advert = ${config.higher_prio_send_advert}`,
    `   Virtual Router ID = ${config.virtual_router_id}`,
    `   Priority = ${config.priority}`,
    `   Effective priority = ${rules.priority}`,
    `   Total priority = ${member.total}`,
    config.version === 2
      ? `   Advert interval = ${Math.round(toSeconds(config.advert_int))} sec`
      : `   Advert interval = ${Math.round(config.advert_int / 1000)} milli-sec`,
    ...masterIntervalLines(config, state),
    `   Accept = ${config.accept ? 'enabled' : 'disabled'}`,
    `   Preempt = ${config.nopreempt ? 'disabled' : 'enabled'}`,
    ...when(config.preempt_delay > 0, `   Preempt delay = ${toSeconds(config.preempt_delay)} secs`),
    `   Promote_secondaries = ${promotes(config) ? 'enabled' : 'disabled'}`,
    ...authenticationLines(config),
    ...when(
      (config.kernel_rx_buf_size ?? 0) > 0,
      `   Kernel rx buffer size = ${config.kernel_rx_buf_size}`,
    ),
    ...when((config.debug ?? 0) > 0, `   Debug level = ${config.debug}`),
    ...addressLines(member, kernel),
    ...unicastLines(config),
    `   fd_in ${fd}, fd_out ${fd}`,
    ...listed('   Virtual Routes :', config.virtual_routes?.map(routeText)),
    ...listed('   Virtual Rules :', config.virtual_rules?.map(ruleText)),
    ...trackedLines(router, member),
    `   Using smtp notification = ${isMailing(router.config, config) ? 'yes' : 'no'}`,
    `   Notify deleted = ${config.notify_deleted === undefined ? 'Fault' : 'Deleted'}`,
    ...scriptLines(config),
    `   Notify priority changes = ${tellsPriority(router.config, config, group?.config)}`,
  ];
}

/** What keepalived cannot say: why each instance is at fault, and what became of the packets that were dropped. */
export function dumpReasons(state: RouterState): string {
  const lines = state.members.flatMap(({ config, faults, statistics }) => [
    ` VRRP Instance = ${config.name}`,
    ...listed('   Faults :', faults.map(describeFault)),
    '   Dropped packets :',
    ...Object.entries(statistics.drops).map(([reason, count]) => `     ${reason} ${count}`),
  ]);
  return [...lines, ''].join('\n');
}

/** keepalived has more flags than words for them: the heading stands alone where it has none. */
function flagLines(config: VrrpInstance): readonly string[] {
  const source = config.unicast_src_ip ?? config.mcast_src_ip;
  const flagged = [
    ...[config.nopreempt, config.skip_check_adv_addr, config.dont_track_primary],
    config.own !== undefined || config.use_vmac_addr === true || config.use_ipvlan !== undefined,
    promotes(config),
    config.garp_extra_if?.all,
    config.linkbeat_use_polling,
  ];
  const fails = config.unicast_fault_no_peer === true;
  const rest = when(fails, '     If unicast go to fault state if no peers');
  if (isUnicast(config)) return ['   Flags:', '     Using unicast', ...rest];
  if (config.unicast_without_peers === true || fails)
    return ['   Flags:', '     Unicast config option specified but using multicast', ...rest];
  return source !== undefined || flagged.includes(true) ? ['   Flags:'] : ['   Flags: none'];
}

/** For the others of its group, or for what a script says. A script that cannot be run is not waited for. */
function hadToWait({ groups, trackers }: RouterState, { config }: Member): boolean {
  const { name, track_script = [] } = config;
  const waits = (one: Tracked): boolean =>
    one.weight === 0 && trackers.scripts[one.name] !== undefined;
  return groups.some(({ config: { group } }) => group.includes(name)) || track_script.some(waits);
}

/** Without peers that unicast needs it never begins. keepalived counts that among the faults of both kinds. */
const isLonely = ({ kind }: Fault): boolean => kind === 'peers';

/** An instance that is MASTER in the file wants to be it until it has heard somebody, unless it had to wait. */
function wantedState({ config, state, statistics, faults }: Member, waited: boolean): string {
  if (faults.some(isLonely)) return config.state;
  if (state.name !== 'backup') return stateWord(state);
  const first = state.master === undefined && statistics.becameMaster === 0 && !waited;
  return state.wants === true || (config.state === 'MASTER' && first) ? 'MASTER' : 'BACKUP';
}

const when = (condition: boolean, line: string): readonly string[] => (condition ? [line] : []);

function stateWord({ name }: InstanceState): string {
  switch (name) {
    case 'init':
    case 'stop':
      return 'INIT';
    case 'backup':
      return 'BACKUP';
    case 'master':
      return 'MASTER';
    case 'fault':
      return 'FAULT';
  }
}

function masterLines(config: VrrpInstance, state: InstanceState): readonly string[] {
  if (state.name !== 'backup') return [];
  const nobody = config.family === 4 ? '0.0.0.0' : '::';
  return [
    `   Master router = ${state.master?.address ?? nobody}`,
    `   Master priority = ${state.master?.priority ?? 0}`,
    ...when(
      config.version === 3,
      `   Master advert int = ${toSeconds(state.masterInterval).toFixed(2)} sec`,
    ),
  ];
}

const masterIntervalLines = ({ version }: VrrpInstance, state: InstanceState): readonly string[] =>
  version === 3 && state.name === 'backup'
    ? [`   Master advert interval = ${Math.round(state.masterInterval / 1000)} milli-sec`]
    : [];

export const since = (state: InstanceState, clock: Clock): Instant =>
  state.name === 'init' ? clock.monotonic : state.since;

function readTimeout(config: VrrpInstance, state: InstanceState, clock: Clock): string {
  switch (state.name) {
    case 'backup':
      return stamp(clock, state.masterDownAt);
    case 'master':
      return stamp(clock, nextSend(state.phase, config.advert_int, clock.monotonic));
    case 'init':
    case 'fault':
    case 'stop':
      return 'DISABLED';
  }
}

/** keepalived's owner is timed out at once when it starts, and does not set its timer when it was never anything else. */
function masterDownMicros({ rules, state, statistics }: Member, waited: boolean): number {
  const owns = state.name === 'master' && rules.priority === OWNER_PRIORITY;
  if (owns && statistics.becameMaster === 1 && !waited) return 1;
  const interval = state.name === 'backup' ? state.masterInterval : rules.advert_int;
  return Math.floor(rules.down_timer_adverts * interval + exactSkew(rules, interval));
}

function authenticationLines({ version, authentication }: VrrpInstance): readonly string[] {
  if (version !== 2) return [];
  if (authentication === undefined) return ['   Authentication type = none'];
  const type = authentication.auth_type === 'PASS' ? 'SIMPLE_PASSWORD' : 'IPSEC_AH';
  return [
    `   Authentication type = ${type}`,
    ...when(authentication.auth_type === 'PASS', '   Password = ********'),
  ];
}

/** Addresses on other interfaces, or those made for them, that are announced again and again. */
function extraLines(config: VrrpInstance, state: InstanceState, clock: Clock): readonly string[] {
  const { garp_extra_if: extra, own = config.interface, made = [] } = config;
  if (extra === undefined || extra.every === 0) return [];
  const isExtra = ({ address, dev = holdsOn(config, address) }: AddressEntry): boolean =>
    dev !== own && (extra.all || made.some(({ name }) => name === dev));
  if (!entriesOf(config).some(isExtra)) return [];
  const next = state.name === 'master' ? state.extraAt : undefined;
  return [
    `   Gratuitous ARP for each secondary ${extra.all ? 'i/f' : 'VMAC'} = ${toSeconds(extra.every)}`,
    `   Next gratuitous ARP for such secondary = ${next === undefined ? NEVER : stamp(clock, next, true)}`,
  ];
}

const NEVER = '0.000000 (Thu Jan  1 00:00:00 1970.000000)';

const SCOPES: Readonly<Record<number, string>> = {
  0: 'global',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
};

const listed = (title: string, lines: readonly string[] = []): readonly string[] =>
  lines.length === 0 ? [] : [title, ...lines.map((line) => `     ${line}`)];

const NO_PARENTS: ReadonlyMap<string, string> = new Map();

const FLAGS = [
  ['home', 'home'],
  ['dad', '-nodad'],
  ['mngtmpaddr', 'mngtmpaddr'],
  ['noprefixroute', 'noprefixroute'],
  ['autojoin', 'autojoin'],
] as const;

/** What an address looks like in the dump; `set` are those that have been ordered. */
function addressText(
  entry: StaticAddress | AddressEntry,
  usual: string,
  set: ReadonlySet<string>,
  kernel: RouterState['kernel'],
  parents: ReadonlyMap<string, string> = NO_PARENTS,
): string {
  const {
    address,
    prefix,
    scope,
    label,
    broadcast,
    peer,
    deprecated,
    preferred,
    dev = usual,
    use_vmac,
  } = entry;
  const parent = parents.get(dev);
  const index = linkNamed(kernel, dev)?.index ?? -1;
  const whole = family(address) === 4 ? 32 : 128;
  return [
    prefix === whole ? address : `${address}/${prefix}`,
    ...(broadcast === undefined ? [] : [`brd ${broadcast}`]),
    `dev ${dev}${parent === undefined ? '' : `@${parent}`}`,
    ...(use_vmac === true ? ['use_vmac'] : []),
    `scope ${SCOPES[scope] ?? scope}`,
    ...(label === undefined ? [] : [`label ${label}`]),
    ...(peer === undefined ? [] : [`peer ${peer}/${prefix}`]),
    ...FLAGS.flatMap(([flag, text]) => (entry[flag] === true ? [text] : [])),
    ...('no_track' in entry ? ['no_track'] : []),
    ...('track_group' in entry ? [`track_group ${entry.track_group}`] : []),
    ...(whole === 32
      ? []
      : [deprecated === true ? 'deprecated' : `preferred_lft ${preferred ?? 'forever'}`]),
    ...(set.has(addressKey({ index, address, prefix })) ? ['set'] : []),
  ].join(' ');
}

function heldKeys(
  held: readonly KernelAddress[],
  refused: readonly KernelAddress[],
): ReadonlySet<string> {
  const keys = new Set(held.map(addressKey));
  for (const address of refused) keys.delete(addressKey(address));
  return keys;
}

/** Each address as keepalived writes it; `set` says that it is on its interface: the kernel has not refused it. */
export function addressTexts(
  { config, held, refused }: Pick<Member, 'config' | 'held' | 'refused'>,
  kernel: RouterState['kernel'],
  entries: VrrpInstance['virtual_ipaddress'],
): readonly string[] {
  const set = heldKeys(held, refused);
  const parents = new Map((config.made ?? []).map(({ name, parent }) => [name, parent]));
  // With their rules: of an instance that takes no packets for its addresses.
  const shielded = isShielded(config) ? ' nftable_set' : '';
  return entries
    .map((entry) => addressText(entry, holdsOn(config, entry.address) ?? '', set, kernel, parents))
    .map((text) => (text.endsWith(' set') ? `${text}${shielded}` : text));
}

function addressLines(member: Member, kernel: RouterState['kernel']): readonly string[] {
  const { virtual_ipaddress, virtual_ipaddress_excluded } = member.config;
  const texts = (entries: VrrpInstance['virtual_ipaddress']): readonly string[] =>
    addressTexts(member, kernel, entries);
  return [
    ...listed(`   Virtual IP (${virtual_ipaddress.length}):`, texts(virtual_ipaddress)),
    ...listed('   Virtual IP Excluded :', texts(virtual_ipaddress_excluded)),
  ];
}

const groupLines = ({ track_group = [] }: VrrpConfig): readonly string[] =>
  track_group.length === 0
    ? []
    : [
        '------< Static Track groups >------',
        ...track_group.flatMap(({ name, group }) => [
          ` Static Track Group = ${name}`,
          ...listed('   VRRP member instances :', group),
        ]),
      ];

function staticLines({ config, kernel, statics }: RouterState): readonly string[] {
  const set = heldKeys(statics.addresses, statics.refused);
  return [
    ...listed(
      '------< Static Addresses >------',
      config.static_ipaddress?.map((entry) => addressText(entry, '', set, kernel)),
    ),
    ...listed('------< Static Routes >------', config.static_routes?.map(routeText)),
    ...listed('------< Static Rules >------', config.static_rules?.map(ruleText)),
    ...groupLines(config),
  ];
}

function checksumWord({ old_unicast_checksum: given }: VrrpInstance): string {
  if (given === undefined) return 'no';
  return given === 'never' ? given : 'config';
}

function unicastLines(config: VrrpInstance): readonly string[] {
  if (!isUnicast(config)) return [];
  return [
    ...when(
      config.family === 4 || config.unicast_ttl !== 255,
      `   Unicast TTL = ${config.unicast_ttl}`,
    ),
    `   Check unicast src : ${config.check_unicast_src && config.checked_by_default === undefined ? 'yes' : 'no'}`,
    '   Unicast Peer :',
    ...config.unicast_peer.map(
      ({ address, min_ttl = 0, max_ttl = 255 }) =>
        `     ${address} min_ttl ${min_ttl} max_ttl ${max_ttl}`,
    ),
    `   Unicast checksum compatibility = ${checksumWord(config)}`,
  ];
}

function scriptLines(config: VrrpInstance): readonly string[] {
  const deleted = config.notify_deleted === true ? undefined : config.notify_deleted;
  return (
    [
      ['Backup state transition', config.notify_backup],
      ['Master state transition', config.notify_master],
      ['Fault state transition', config.notify_fault],
      ['Stop state transition', config.notify_stop],
      ['Deleted state transition', deleted],
      ['Generic state transition', config.notify],
      ['Master rx lower pri state transition', config.notify_master_rx_lower_pri],
    ] as const
  ).flatMap(([label, script]) =>
    script === undefined ? [] : [`   ${label} script = ${shownScript(script)}`],
  );
}
