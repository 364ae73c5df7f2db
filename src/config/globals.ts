// The rows of global_defs: what holds for the whole daemon, and the defaults of every instance.

import { type Ip, ipBytes } from '../lib/ip.ts';
import { type Duration, micros, seconds, ZERO } from '../lib/time.ts';
import { collect, type MachineFacts, type Reporter } from './build.ts';
import { includeChecks } from './include.ts';
import { defaulted, type Infer, optional, type Statement } from './keyword.ts';
import {
  affinity,
  dynamicInterfaces,
  fileMask,
  realTime,
  scriptUser,
  type UserText,
} from './process.ts';
import {
  cutWord,
  decimalSeconds,
  flag,
  integer,
  multicast,
  onOff,
  type Reading,
  repeats,
  wholeMicros,
  wholeNumber,
  wholeSeconds,
  word,
} from './value.ts';

const processName = cutWord(
  15,
  (text) => `Process name ${text} more than 15 characters, truncating`,
);
/** The bare keyword means as high as possible. */
const readMaxAutoPriority = ([text = '99']: readonly string[]): Reading<number> =>
  wholeNumber(text, -1, 99);
const yesNo = (value: boolean): string => (value ? 'true' : 'false');
const wholeSecondsShown = (value: Duration): string => String(value / 1_000_000);
const sixDecimals = (value: Duration): string => (value / 1_000_000).toFixed(6);

export const globalDefs = {
  router_id: optional(word(), 'Free text that names this machine.', {
    label: 'Router ID',
    otherwise: 'the host name',
    bare: 'routerid name missing - ignoring',
  }),

  // Processes
  process_names: defaulted(flag, false, 'Name the children keepalived_vrrp and so on.'),
  process_name: optional(processName, 'Process name of the parent.', {
    label: 'Parent process name',
  }),
  vrrp_process_name: optional(processName, 'Process name of the VRRP child.', {
    label: 'VRRP process name',
  }),
  include_check: optional(
    includeChecks,
    'From here on, which mistakes of an include end the daemon with status 6; without words, all of them.',
    { example: 'include_check match +brace_match' },
  ),
  umask: defaulted(fileMask, 0o177, 'File creation mask; the command line option -u wins.', {
    label: 'umask',
    show: (value) => `0${value.toString(8)}`,
    example: '0133',
  }),
  vrrp_priority: defaulted(integer(-20, 19), 0, 'Nice value of the VRRP child.', {
    label: 'VRRP process priority',
    refusal: 'Invalid vrrp process priority specified',
  }),
  vrrp_no_swap: defaulted(flag, false, 'Keep the VRRP child in memory.', {
    label: "VRRP don't swap",
    show: yesNo,
  }),
  vrrp_rt_priority: defaulted(
    realTime,
    0,
    'Real-time priority of the VRRP child; 0 is ordinary scheduling.',
    {
      label: 'VRRP realtime priority',
      refusal: "vrrp process real-time priority '%w' invalid",
    },
  ),
  vrrp_rlimit_rttime: defaulted(
    wholeMicros(1, 4294967295),
    micros(10_000),
    'CPU time that the VRRP child may use between two blocking calls under real-time scheduling.',
    {
      label: 'VRRP realtime limit',
      show: String,
      refusal: 'Invalid vrrp real-time limit - %w',
      aliases: {
        vrrp_rlimit_rtime: {
          class: 'none',
          message: "keyword 'vrrp_rlimit_rtime' is now 'vrrp_rlimit_rttime'",
        },
      },
    },
  ),
  vrrp_cpu_affinity: optional(affinity, 'Processors that the VRRP child may run on.', {
    label: 'VRRP CPU Affinity',
    // keepalived 2.2.7 leaves out processor 0.
    show: (value) =>
      value
        .filter((processor) => processor > 0)
        .sort((a, b) => a - b)
        .map((processor) => `${processor} `)
        .join(''),
  }),
  max_auto_priority: defaulted(
    { ...integer(-1, 99), syntax: '[<int> -1..99]', minimum: 0, parse: readMaxAutoPriority },
    0,
    'Ceiling of the real-time priority that adverts have without vrrp_rt_priority; 0 is no ceiling, -1 no real time.',
    {
      label: 'Max auto priority',
      show: (value) => (value < 0 ? 'Disabled' : String(value)),
      refusal: "max_auto_priority '%w' must be in [0, 99] (or -1 to disable) - ignoring",
    },
  ),
  enable_script_security: defaulted(
    flag,
    false,
    'Run no script as root that another user could change.',
  ),
  script_user: optional(scriptUser, 'User and group that scripts run as.', {
    bare: 'No script username specified',
    otherwise: 'keepalived_script if that account exists, else root',
  }),
  dynamic_interfaces: optional(
    dynamicInterfaces,
    'Accept interfaces that do not exist yet; with allow_if_changes also when they come back as another kind.',
  ),

  // Adverts
  vrrp_version: defaulted(integer(2, 3), 2, 'Protocol version; IPv6 is always 3 by default.', {
    label: 'VRRP default protocol version',
    refusal: 'VRRP Error: Version must be either 2 or 3',
  }),
  vrrp_mcast_group4: defaulted(
    multicast(4),
    '224.0.0.18' as Ip,
    'Group that IPv4 adverts are sent to.',
    {
      label: 'VRRP IPv4 mcast group',
      refusal: 'vrrp_mcast_group4 [%w] is not multicast. Skipping',
    },
  ),
  vrrp_mcast_group6: defaulted(
    multicast(6),
    'ff02::12' as Ip,
    'Group that IPv6 adverts are sent to.',
    {
      label: 'VRRP IPv6 mcast group',
      refusal: 'vrrp_mcast_group6 [%w] is not multicast. Skipping',
    },
  ),
  vrrp_down_timer_adverts: defaulted(
    integer(1, 100),
    3,
    'Adverts missed before a backup takes over.',
    {
      label: 'Num adverts before down',
      refusal: "Invalid vrrp_down_timer_adverts [1:100] '%w'",
    },
  ),
  vrrp_lower_prio_no_advert: defaulted(
    onOff,
    false,
    'Do not answer an advert of lower priority at once.',
    {
      label: 'Send advert after receive lower priority advert',
      show: (value) => yesNo(!value),
      refusal: 'Invalid value for vrrp_lower_prio_no_advert specified',
    },
  ),
  vrrp_higher_prio_send_advert: defaulted(
    onOff,
    false,
    'Send one more advert before giving way to a higher priority.',
    {
      label: 'Send advert after receive higher priority advert',
      show: yesNo,
      refusal: 'Invalid value for vrrp_higher_prio_send_advert specified',
    },
  ),
  vrrp_check_unicast_src: defaulted(
    flag,
    false,
    'Drop unicast adverts that come from no configured peer.',
    { label: 'VRRP check unicast_src', show: yesNo },
  ),
  vrrp_skip_check_adv_addr: defaulted(
    flag,
    false,
    'Do not compare the address list when the advert comes from the same master as before.',
    { label: 'VRRP skip check advert addresses', show: yesNo },
  ),

  // Gratuitous ARP and unsolicited neighbour adverts
  vrrp_garp_master_delay: defaulted(
    wholeSeconds(0, 4294),
    seconds(5),
    'Time between the first and the second burst after becoming master; 0 means no second burst.',
    {
      label: 'Gratuitous ARP delay',
      show: wholeSecondsShown,
      refusal: "vrrp_garp_master_delay '%w' invalid - ignoring",
    },
  ),
  vrrp_garp_master_repeat: defaulted(
    repeats(''),
    5,
    'Messages for each address in a burst after becoming master.',
    {
      label: 'Gratuitous ARP repeat',
      refusal: "vrrp_garp_master_repeat '%w' invalid - ignoring",
    },
  ),
  vrrp_garp_master_refresh: defaulted(
    wholeSeconds(0, 4294967295),
    seconds(0),
    'Period of further bursts while master; 0 means none.',
    {
      label: 'Gratuitous ARP refresh timer',
      show: wholeSecondsShown,
      refusal: "Invalid vrrp_garp_master_refresh '%w' - ignoring",
    },
  ),
  vrrp_garp_master_refresh_repeat: defaulted(
    repeats(''),
    1,
    'Messages for each address in a periodic burst.',
    {
      label: 'Gratuitous ARP refresh repeat',
      refusal: "vrrp_garp_master_refresh_repeat '%w' invalid - ignoring",
    },
  ),
  vrrp_garp_lower_prio_delay: optional(
    wholeSeconds(0, 4294),
    'Time to the second burst after a master hears a lower priority.',
    {
      label: 'Gratuitous ARP lower priority delay',
      show: wholeSecondsShown,
      otherwise: 'vrrp_garp_master_delay',
      refusal: "vrrp_garp_lower_prio_delay '%w' invalid - ignoring",
    },
  ),
  vrrp_garp_lower_prio_repeat: optional(
    integer(0, 2147483647),
    'Messages for each address after a master hears a lower priority.',
    {
      label: 'Gratuitous ARP lower priority repeat',
      otherwise: 'vrrp_garp_master_repeat',
      refusal: "Invalid vrrp_garp_lower_prio_repeat '%w'",
    },
  ),
  vrrp_garp_interval: optional(
    decimalSeconds(0.000001, 4294.967295),
    'Least time between two gratuitous ARP messages on an interface.',
    {
      label: 'Gratuitous ARP interval',
      show: sixDecimals,
      refusal: "vrrp_garp_interval '%w' is invalid",
    },
  ),
  vrrp_gna_interval: optional(
    decimalSeconds(0.000001, 4294.967295),
    'Least time between two unsolicited neighbour adverts on an interface.',
    {
      label: 'Gratuitous NA interval',
      show: sixDecimals,
      refusal: "vrrp_gna_interval '%w' is invalid",
    },
  ),
  vrrp_min_garp: optional(
    onOff,
    'One gratuitous ARP message and no more, unless other settings were given before.',
    { refusal: 'Invalid value for vrrp_min_garp specified' },
  ),
};

/** global_defs as the processes get it: everything decided, plain JSON, microseconds. */
export interface GlobalDefs
  extends Omit<Infer<typeof globalDefs>, 'router_id' | 'script_user' | 'vrrp_min_garp'> {
  readonly router_id: string;
  /** Absent: script security is on and nobody was named to run scripts. */
  readonly script_user?: { readonly uid: number; readonly gid: number };
  /** Empty: all. */
  readonly vrrp_cpu_affinity: readonly number[];
  readonly vrrp_garp_lower_prio_delay: Duration;
  readonly vrrp_garp_lower_prio_repeat: number;
  readonly vrrp_garp_interval: Duration;
  readonly vrrp_gna_interval: Duration;
}

/** What the statements of global_defs mean on this machine. Explicit settings beat vrrp_min_garp wherever they stand. */
export function resolveGlobals(
  statements: readonly Statement<typeof globalDefs>[],
  facts: MachineFacts,
  report: Reporter,
): GlobalDefs {
  const {
    vrrp_min_garp,
    script_user: _,
    ...given
  } = collect(globalDefs, statements) as Infer<typeof globalDefs>;
  const explicit = new Set(statements.map((statement) => statement.keyword));
  const quiet = (keyword: keyof typeof globalDefs): boolean =>
    vrrp_min_garp === true && !explicit.has(keyword);
  const delay = quiet('vrrp_garp_master_delay') ? ZERO : given.vrrp_garp_master_delay;
  const repeat = quiet('vrrp_garp_master_repeat') ? 1 : given.vrrp_garp_master_repeat;
  const scripts = resolveScriptUser(statements, facts, report);
  checkGroup6(statements, report);
  return {
    ...given,
    router_id: given.router_id ?? facts.hostname,
    ...(scripts === undefined ? {} : { script_user: scripts }),
    vrrp_cpu_affinity: resolveAffinity(statements, facts, report),
    // keepalived: 1 µs would end the process at once.
    vrrp_rlimit_rttime: micros(Math.max(2, given.vrrp_rlimit_rttime)),
    vrrp_garp_master_delay: delay,
    vrrp_garp_master_repeat: repeat,
    vrrp_garp_master_refresh_repeat: quiet('vrrp_garp_master_refresh_repeat')
      ? 0
      : given.vrrp_garp_master_refresh_repeat,
    vrrp_garp_lower_prio_delay: given.vrrp_garp_lower_prio_delay ?? delay,
    vrrp_garp_lower_prio_repeat: given.vrrp_garp_lower_prio_repeat ?? repeat,
    vrrp_garp_interval: given.vrrp_garp_interval ?? ZERO,
    vrrp_gna_interval: given.vrrp_gna_interval ?? ZERO,
  };
}

function checkGroup6(statements: readonly Statement<typeof globalDefs>[], report: Reporter): void {
  for (const statement of statements) {
    if (statement.keyword !== 'vrrp_mcast_group6') continue;
    // RFC 4291 2.7: the low four bits of the second byte are the scope; 2 is link-local.
    if (((ipBytes(statement.value)[1] ?? 0) & 0x0f) === 2) continue;
    report(
      {
        id: 'group-not-link-local',
        severity: 'warning',
        class: 'general',
        message: `vrrp_mcast_group6 [${statement.value}] should be link-local multicast.`,
        word: 0,
      },
      statement.node,
    );
  }
}

const DEFAULT_ACCOUNT = 'keepalived_script';

function resolveScriptUser(
  statements: readonly Statement<typeof globalDefs>[],
  facts: MachineFacts,
  report: Reporter,
): { readonly uid: number; readonly gid: number } | undefined {
  let resolved: { readonly uid: number; readonly gid: number } | undefined;
  for (const statement of statements) {
    if (statement.keyword !== 'script_user') continue;
    const found = lookUpUser(statement.value, facts);
    if (found !== undefined) resolved = found;
    else
      report(
        {
          id: 'unknown-user',
          severity: 'error',
          class: 'general',
          message: 'Error setting global script uid/gid',
          cause: `no such user or group: ${scriptUser.format(statement.value)}`,
          word: 0,
        },
        statement.node,
      );
  }
  if (resolved !== undefined) return resolved;
  const account = facts.user(DEFAULT_ACCOUNT);
  if (account !== undefined) return account;
  // With script security a script needs a user of its own; without, it runs as the daemon does.
  const secure = statements.some((statement) => statement.keyword === 'enable_script_security');
  return secure ? undefined : { uid: 0, gid: 0 };
}

/** Names only: keepalived 2.2.7 refuses numbers. */
export function lookUpUser(
  { user, group }: UserText,
  facts: MachineFacts,
): { readonly uid: number; readonly gid: number } | undefined {
  const account = facts.user(user);
  if (account === undefined) return undefined;
  if (group === undefined) return account;
  const gid = facts.group(group);
  return gid === undefined ? undefined : { uid: account.uid, gid };
}

function resolveAffinity(
  statements: readonly Statement<typeof globalDefs>[],
  facts: MachineFacts,
  report: Reporter,
): readonly number[] {
  let processors: readonly number[] = [];
  for (const statement of statements) {
    if (statement.keyword !== 'vrrp_cpu_affinity') continue;
    const wrong = statement.value.findIndex((processor) => processor >= facts.processors);
    if (wrong < 0) {
      processors = statement.value;
      continue;
    }
    report(
      {
        id: 'no-such-processor',
        severity: 'error',
        class: 'number',
        message: `Invalid cpu_id:${statement.value[wrong]} specified for vrrp process`,
        cause: `number '${statement.value[wrong]}' outside range [0, ${facts.processors - 1}]`,
        word: wrong,
      },
      statement.node,
    );
    processors = statement.value.slice(0, wrong);
  }
  return processors;
}
