// The rows of global_defs about processes: names, scheduling, memory, who runs scripts, and the files that a daemon
// reads and writes besides its configuration. What they mean together is decided in globals.ts.

import { micros, seconds } from '../../lib/time.ts';
import { command } from '../command.ts';
import { includeChecks } from '../include.ts';
import { defaulted, later, optional } from '../keyword.ts';
import { affinity, dynamicInterfaces, fileMask, realTime, scriptUser } from '../process.ts';
import {
  cutWord,
  exactInteger,
  flag,
  integer,
  leadingNumber,
  onOff,
  type Reading,
  wholeMicros,
  wholeSeconds,
  word,
} from '../value.ts';
import { onlyWord, optionalPath, yesNo } from './value.ts';

const processName = cutWord(
  15,
  (text) => `Process name ${text} more than 15 characters, truncating`,
);
/** The bare keyword means as high as possible. */
const readMaxAutoPriority = ([text = '99']: readonly string[]): Reading<number> =>
  leadingNumber(text, -1, 99);

/** In the folder of the PID file. */
export const USUAL_RELOAD_FILE = 'keepalived.reload';

export const processRows = {
  process_names: defaulted(flag, false, 'Name the children keepalived_vrrp and so on.'),
  process_name: optional(processName, 'Process name of the parent.', {
    label: 'Parent process name',
    example: 'keepalived',
  }),
  vrrp_process_name: optional(processName, 'Process name of the VRRP child.', {
    label: 'VRRP process name',
    example: 'vrrp',
  }),
  umask: defaulted(fileMask, 0o177, 'File creation mask; the command line option -u wins.', {
    label: 'umask',
    show: (value) => `0${value.toString(8)}`,
    example: '0133',
  }),
  vrrp_priority: defaulted(integer(-20, 19), 0, 'Nice value of the VRRP child.', {
    label: 'VRRP process priority',
    bare: 'No vrrp process priority specified',
    refusal: 'Invalid vrrp process priority specified',
    example: '-10',
  }),
  vrrp_no_swap: defaulted(flag, false, 'Keep the VRRP child in memory.', {
    label: "VRRP don't swap",
    show: yesNo,
  }),
  vrrp_rt_priority: defaulted(
    realTime('vrrp'),
    0,
    'Real-time priority of the VRRP child; 0 is ordinary scheduling.',
    {
      label: 'VRRP realtime priority',
      bare: 'No vrrp process real-time priority specified',
      refusal: "vrrp process real-time priority '%w' invalid",
      example: '50',
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
    bare: 'No vrrp cpu_id set specified',
    refusal: 'Invalid cpu_id:%w specified for vrrp process',
    // keepalived 2.2.7 leaves out processor 0.
    show: (value) =>
      value
        .filter((processor) => processor > 0)
        .sort((a, b) => a - b)
        .map((processor) => `${processor} `)
        .join(''),
    example: '0 1',
  }),
  max_auto_priority: defaulted(
    { ...integer(-1, 99), syntax: '[<int> -1..99]', minimum: 0, parse: readMaxAutoPriority },
    0,
    'Ceiling of the real-time priority that adverts have without vrrp_rt_priority; 0 is no ceiling, -1 no real time.',
    {
      label: 'Max auto priority',
      show: (value) => (value < 0 ? 'Disabled' : String(value)),
      refusal: "max_auto_priority '%w' must be in [0, 99] (or -1 to disable) - ignoring",
      example: '50',
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
    { example: 'allow_if_changes' },
  ),
  include_check: optional(
    includeChecks,
    'From here on, which mistakes of an include end the daemon with status 6; without words, all of them.',
    { example: 'match +brace_match' },
  ),
  startup_script: optional(command, 'Run once before any child starts.', {
    label: 'Startup script',
    bare: 'startup script missing',
    again: 'startup script already specified - ignoring %w',
    example: '"/usr/local/bin/start"',
  }),
  startup_script_timeout: defaulted(
    wholeSeconds(1, 1000),
    seconds(10),
    'How long the startup script may run.',
    {
      bare: 'startup_script_timeout requires value',
      refusal: "startup_script_timeout '%w' must be in [1, 1000] - ignoring",
    },
  ),
  shutdown_script: optional(command, 'Run once after all children have ended.', {
    label: 'Shutdown script',
    bare: 'shutdown script missing',
    again: 'shutdown script already specified - ignoring %w',
    example: '"/usr/local/bin/stop"',
  }),
  shutdown_script_timeout: defaulted(
    wholeSeconds(1, 1000),
    seconds(10),
    'How long the shutdown script may run.',
    {
      bare: 'shutdown_script_timeout requires value',
      refusal: "shutdown_script_timeout '%w' must be in [1, 1000] - ignoring",
    },
  ),
  checker_process_name: optional(processName, 'Process name of the checker child.', {
    label: 'LVS process name',
    aliases: {
      lvs_process_name: {
        class: 'none',
        message: "keyword 'lvs_process_name' is now 'checker_process_name'",
      },
    },
    example: 'checks',
  }),
  checker_priority: defaulted(integer(-20, 19), 0, 'Nice value of the checker child.', {
    label: 'Checker process priority',
    bare: 'No checker process priority specified',
    refusal: 'Invalid checker process priority specified',
    example: '-5',
  }),
  checker_no_swap: defaulted(flag, false, 'Keep the checker child in memory.', {
    label: "Checker don't swap",
    show: yesNo,
  }),
  checker_rt_priority: defaulted(
    realTime('checker'),
    0,
    'Real-time priority of the checker child; 0 is ordinary scheduling.',
    {
      label: 'Checker realtime priority',
      bare: 'No checker process real-time priority specified',
      refusal: "checker process real-time priority '%w' invalid",
      example: '10',
    },
  ),
  checker_cpu_affinity: optional(affinity, 'Processors that the checker child may run on.', {
    label: 'Checker CPU Affinity',
    bare: 'No checker cpu_id set specified',
    refusal: 'Invalid cpu_id:%w specified for checker process',
    example: '0 1',
  }),
  checker_rlimit_rttime: defaulted(
    wholeMicros(1, 4294967295),
    micros(10_000),
    'CPU time that the checker child may use between two blocking calls under real-time scheduling.',
    {
      label: 'Checker realtime limit',
      show: String,
      refusal: 'Invalid checker real-time limit - %w',
      aliases: {
        checker_rlimit_rtime: {
          class: 'none',
          message: "keyword 'checker_rlimit_rtime' is now 'checker_rlimit_rttime'",
        },
      },
    },
  ),
  data_use_instance: defaulted(
    onOff,
    false,
    'Add the names of namespace and instance to the names of dumps.',
    { refusal: "Invalid value '%w' for global date_use_instance specified" },
  ),
  state_dump_file: optional(word(), 'Path of the dump of the state.', {
    since: '2.4.3',
    example: '/run/keepalived/state.data',
  }),
  stats_dump_file: optional(word(), 'Path of the dump of the statistics.', {
    since: '2.4.3',
    example: '/run/keepalived/stats.data',
  }),
  json_dump_file: optional(word(), 'Path of the JSON dump.', {
    since: '2.4.3',
    example: '/run/keepalived/state.json',
  }),
  min_auto_priority_delay: defaulted(
    wholeMicros(1, 10_000_000),
    seconds(1),
    'Lateness at which keepalived raises its priority. Nothing is left to raise here: the thread that sends has the priority of max_auto_priority from the start.',
    {
      label: 'Min auto priority delay',
      show: (value) => `${value} usecs`,
      bare: 'min_auto_priority_delay requires delay time',
      refusal: "min_auto_priority_delay '%w' must be in [1, 10000000] - ignoring",
    },
  ),
  set_supplementary_groups: defaulted(
    onOff,
    false,
    'Give every script the supplementary groups of its user.',
    { since: '2.4.3' },
  ),
  use_symlink_paths: defaulted(
    onOff,
    false,
    'Keep symbolic links in script paths instead of replacing them by the real path.',
    { since: '2.4.3' },
  ),
  reload_check_config: optional(
    optionalPath('/dev/null'),
    'Reload only a configuration that -t ends with 0 for; what is wrong with it replaces what stands in the file.',
    { otherwise: 'off', example: '/run/keepalived/check.log' },
  ),
  reload_time_file: optional(
    onlyWord,
    'File whose first line, [[YY]YY-MM-DD ]HH:MM:SS[Z], says when to reload; it is removed then.',
    {
      label: 'Reload time file',
      bare: 'reload_time_file invalid',
      refusal: 'reload_time_file invalid',
      example: '/etc/keepalived/reload.time',
    },
  ),
  reload_repeat: defaulted(
    flag,
    false,
    'Keep reload_time_file where it names no day, and reload daily.',
  ),
  reload_file: optional(
    optionalPath(USUAL_RELOAD_FILE),
    'File that is made, or made empty, when a reload begins to read, and removed when it has read.',
    { otherwise: 'off', example: '/run/keepalived/reload' },
  ),
  config_save_dir: optional(
    word(),
    'Folder for a copy of every configuration read, and of what the VRRP process knew before and after each reload; made where it is missing.',
    { example: '/var/lib/keepalived' },
  ),
  tmp_config_directory: optional(
    word(),
    'Folder for the files without a name that carry the configuration to the processes; only a restart changes it.',
    {
      bare: 'tmp_config_directory missing directory name',
      again: 'tmp_config_directory already specified - ignoring',
      otherwise: 'in memory',
      example: '/run/keepalived',
    },
  ),
  json_version: defaulted(
    integer(1, 2),
    1,
    'Layout of the JSON dump: 2 adds tracked processes, and puts the instances into an object with them.',
    { since: '2.4.3', example: '2' },
  ),
  iproute_usr_dir: optional(word(), 'Folder with the name tables of iproute2, from its vendor.', {
    since: '2.4.3',
    example: '/usr/share/iproute2',
  }),
  iproute_etc_dir: optional(word(), 'Folder with the name tables of iproute2.', {
    since: '2.4.3',
    otherwise: '/etc/iproute2',
    example: '/etc/iproute2',
  }),
  ...later({
    bfd_process_name: optional(processName, 'Process name of the BFD child.', {
      label: 'BFD process name',
      example: 'bfd',
    }),
    bfd_priority: defaulted(integer(-20, 19), 0, 'Nice value of the BFD child.', {
      label: 'BFD process priority',
      bare: 'No bfd process priority specified',
      refusal: 'Invalid bfd process priority specified',
      example: '-10',
    }),
    bfd_no_swap: defaulted(flag, false, 'Keep the BFD child in memory.', {
      label: "BFD don't swap",
      show: yesNo,
    }),
    bfd_rt_priority: defaulted(
      realTime('bfd'),
      0,
      'Real-time priority of the BFD child; 0 is ordinary scheduling.',
      {
        label: 'BFD realtime priority',
        bare: 'No bfd process real-time priority specified',
        refusal: "bfd process real-time priority '%w' invalid",
        example: '50',
      },
    ),
    bfd_cpu_affinity: optional(affinity, 'Processors that the BFD child may run on.', {
      label: 'BFD CPU Affinity',
      bare: 'No bfd cpu_id set specified',
      refusal: 'Invalid cpu_id:%w specified for bfd process',
      example: '0 1',
    }),
    bfd_rlimit_rttime: defaulted(
      wholeMicros(1, 4294967295),
      micros(10_000),
      'CPU time that the BFD child may use between two blocking calls under real-time scheduling.',
      {
        label: 'BFD realtime limit',
        show: String,
        refusal: 'Invalid bfd real-time limit - %w',
        aliases: {
          bfd_rlimit_rtime: {
            class: 'none',
            message: "keyword 'bfd_rlimit_rtime' is now 'bfd_rlimit_rttime'",
          },
        },
      },
    ),
  }),
  random_seed: optional(
    exactInteger(0, 4294967295),
    'Accepted and without effect, as in keepalived.',
    {
      refusal: 'random_seed %w invalid',
      example: '1',
    },
  ),
};
