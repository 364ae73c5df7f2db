// The command line: keepalived's option letters and words, read as getopt_long reads them, then handed to commander in
// one spelling. An option for a part that this version does not have yet is named, never ignored without a word.

import { Command, Option } from 'commander';
import { cNumber } from './config/process.ts';
import type { Duties } from './ipc/messages.ts';
import { VERSION } from './version.ts';

export interface Options {
  readonly file: string;
  /** false with -C: no VRRP child. */
  readonly vrrp: boolean;
  /** false with -P: no checker child. */
  readonly check: boolean;
  readonly console: boolean;
  /** How often -D was given. */
  readonly detail: number;
  /** syslog facility 0-23; absent: no syslog. */
  readonly facility?: number;
  /** -g: where to log to. */
  readonly logFile?: string;
  /** Beats the configuration's umask. */
  readonly umask?: number;
  /** -I: what is in IPVS stays there at the end. */
  readonly keepIpvs: boolean;
  readonly duties: Duties;
  /** --all: every child is started. */
  readonly all: boolean;
  readonly respawn: boolean;
  readonly daemon: boolean;
  readonly pid?: string;
  readonly vrrpPid?: string;
  readonly checkersPid?: string;
  readonly namespace?: string;
  readonly coreDump: boolean;
  readonly corePattern?: string;
  readonly allConfig: boolean;
  readonly configId?: string;
}

/** What is said of the command line before anything is done. */
export interface Notices {
  /** For standard output: words that mean nothing. */
  readonly strays?: string;
  /** For standard error: values that are ignored. */
  readonly ignored: readonly string[];
  /** Whether -t counts one of these as a mistake, as keepalived does. */
  readonly counted: boolean;
}

/** What stands in place of the options. */
const TOOLS = ['convert', 'help', 'lint'] as const;
export type Tool = (typeof TOOLS)[number];

export type Invocation =
  | { readonly kind: 'run'; readonly options: Options; readonly notices: Notices }
  /** Check only; messages go to `output`, or to stderr where it is absent. */
  | {
      readonly kind: 'test';
      readonly options: Options;
      readonly notices: Notices;
      readonly output?: string;
    }
  | { readonly kind: 'version' }
  /** A first word that keepalived does not have: it asks for something other than the daemon. */
  | { readonly kind: 'tool'; readonly tool: Tool; readonly words: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string };

const DEFAULT_FILE = '/etc/keepalived/keepalived.conf';
const DEFAULT_LOG_FILE = '/tmp/keepalived.log';
const DAEMON_FACILITY = 3;

/** Numbers of the signals that the daemon acts on, by the words of --signum. */
const SIGNALS: Readonly<Record<string, number>> = {
  STOP: 15,
  RELOAD: 1,
  DATA: 10,
  STATS: 12,
  STATS_CLEAR: 63,
  JSON: 36,
};

/** It must come first. */
const MISPLACED = new Set(['-T', '--genhash']);

/** Options for parts that are not there yet. */
const UNSERVED = {
  bfd_pid: '--bfd_pid: there is no BFD process yet',
  snmp: '--snmp: SNMP is not served yet',
  snmpAgentSocket: '--snmp-agent-socket: SNMP is not served yet',
} as const;

function definitions(): Command {
  const command = new Command('keepalived')
    .usage(
      '[OPTION...]\n       keepalived lint FILE...\n       keepalived convert FILE\n       keepalived help KEYWORD',
    )
    .helpOption(false)
    .configureHelp({ helpWidth: 100 });
  const facility = 'syslog facility: 0-7, local0-local7, user or daemon (default)';
  for (const [flags, text] of [
    ['-f, --use-file <file>', `configuration file (default ${DEFAULT_FILE})`],
    ['-P, --vrrp', 'run VRRP only'],
    ['-C, --check', 'do not run VRRP'],
    ['-B, --no_bfd', 'do not run BFD'],
    ['--all', 'start every child, whatever the configuration has for it'],
    ['-l, --log-console', 'log to stderr too'],
    ['-D, --log-detail', 'detailed log'],
    ['-S, --log-facility <facility>', facility],
    ['-g, --log-file [file]', `log to a file, one for each process (default ${DEFAULT_LOG_FILE})`],
    ['--flush-log-file', 'write each line of the log file at once (always so)'],
    ['-G, --no-syslog', 'do not log to syslog'],
    ['-u, --umask <mask>', 'file creation mask, as 0177 or 0x7f'],
    ['-X, --release-vips', 'give up the addresses when stopped by a signal (always so)'],
    ['-I, --dont-release-ipvs', 'leave IPVS as it is when stopped'],
    ['-V, --dont-release-vrrp', 'leave addresses, routes and rules as they are when stopped'],
    ['-d, --dump-conf', 'log the configuration as it was understood'],
    ['-a, --address-monitoring', 'log addresses that come and go'],
    ['-R, --dont-respawn', 'end when a child dies'],
    ['-n, --dont-fork', 'stay in the foreground'],
    ['-p, --pid <file>', 'PID file of the parent'],
    ['-r, --vrrp_pid <file>', 'PID file of the VRRP child'],
    ['-c, --checkers_pid <file>', 'PID file of the child that checks servers'],
    ['-b, --bfd_pid <file>', 'PID file of the child that speaks BFD (not yet)'],
    ['-x, --snmp', 'serve all that SNMP can ask (not yet)'],
    ['-A, --snmp-agent-socket <address>', 'where the SNMP master agent is (not yet)'],
    ['-s, --namespace <name>', 'run in a network namespace; beats net_namespace'],
    ['-m, --core-dump', 'no limit for core files'],
    ['-M, --core-dump-pattern [pattern]', 'the same, and set the core pattern while running'],
    ['-e, --all-config', 'every missing or unreadable file is an error'],
    ['-i, --config-id <id>', 'name that @NAME lines are compared with (default: host name)'],
    ['--signum <word>', `number of a signal: ${Object.keys(SIGNALS).join(' ')}`],
    ['-t, --config-test [file]', 'check the configuration; messages to stderr or appended to file'],
    ['-v, --version', 'version'],
    ['-h, --help', 'this text'],
  ] as const)
    command.addOption(new Option(flags, text));
  return command;
}

/** One option as written: its definition, its value if it has one. */
interface Given {
  readonly option: Option;
  readonly value?: string;
}

/** getopt_long: groups of letters, values glued or following, long words shortened while they stay unambiguous. */
function readWords(
  words: readonly string[],
  options: readonly Option[],
): {
  readonly given: readonly Given[];
  readonly strays: readonly string[];
  readonly error?: string;
} {
  const given: Given[] = [];
  const strays: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      strays.push(...rest.splice(0));
    } else if (word.startsWith('--')) {
      const error = readLong(word, rest, options, given);
      if (error !== undefined) return { given, strays, error };
    } else if (word.startsWith('-') && word.length > 1) {
      const error = readLetters(word, rest, options, given);
      if (error !== undefined) return { given, strays, error };
    } else {
      strays.push(word);
    }
  }
  return { given, strays };
}

function readLong(
  word: string,
  rest: string[],
  options: readonly Option[],
  given: Given[],
): string | undefined {
  const cut = word.indexOf('=');
  const name = cut < 0 ? word : word.slice(0, cut);
  const option = findLong(name, options);
  if (option === undefined) return unknownOption(MISPLACED.has(name) ? name : word);
  const takesValue = option.required || option.optional;
  if (cut >= 0 && !takesValue) return unknownOption(word);
  let value = cut < 0 ? undefined : word.slice(cut + 1);
  // A value that may be left out must be glued on.
  if (value === undefined && option.required) value = rest.shift();
  if (value === '' || (value === undefined && option.required))
    return `Missing parameter for option ${option.long}`;
  given.push({ option, ...(value === undefined ? {} : { value }) });
  return undefined;
}

function findLong(name: string, options: readonly Option[]): Option | undefined {
  const exact = options.find((o) => o.long === name);
  if (exact !== undefined) return exact;
  const [first, ...more] = [
    ...options.map((o) => o.long),
    ...[...MISPLACED].filter((n) => n.startsWith('--')),
  ].filter((long) => long?.startsWith(name));
  return more.length > 0 ? undefined : options.find((o) => o.long === first);
}

function readLetters(
  word: string,
  rest: string[],
  options: readonly Option[],
  given: Given[],
): string | undefined {
  for (let i = 1; i < word.length; i++) {
    const letter = `-${word[i]}`;
    const option = options.find((o) => o.short === letter);
    if (option === undefined) return unknownOption(letter);
    if (!option.required && !option.optional) {
      given.push({ option });
      continue;
    }
    let value: string | undefined = word.slice(i + 1);
    if (value === '') value = option.required ? rest.shift() : undefined;
    if (value === undefined && option.required) return `Missing parameter for option ${letter}`;
    given.push({ option, ...(value === undefined ? {} : { value }) });
    return undefined;
  }
  return undefined;
}

const unknownOption = (name: string): string =>
  MISPLACED.has(name) ? `${name} must be the first option` : `Unknown option ${name}`;

/** `words` without the program's name. */
export function readCommandLine(words: readonly string[]): Invocation {
  const tool = TOOLS.find((name) => name === words[0]);
  if (tool !== undefined) return { kind: 'tool', tool, words: words.slice(1) };
  const command = definitions();
  const { given, strays, error } = readWords(words, command.options);
  for (const { option, value } of given) {
    if (option.long === '--version') return { kind: 'version' };
    if (option.long === '--help') return { kind: 'help', text: command.helpInformation() };
    if (option.long === '--signum') return signum(value ?? '');
  }
  if (error !== undefined) return { kind: 'error', text: error };
  const detail = given.filter(({ option }) => option.long === '--log-detail').length;
  command.parse(given.map(canonical), { from: 'user' });
  return invocation(command.opts(), detail, strays);
}

const canonical = ({ option, value }: Given): string =>
  value === undefined ? String(option.long) : `${option.long}=${value}`;

function signum(word: string): Invocation {
  const number = Object.hasOwn(SIGNALS, word) ? SIGNALS[word] : undefined;
  return number === undefined
    ? { kind: 'error', text: `Unknown sigfunc ${word}` }
    : { kind: 'print', text: String(number) };
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function invocation(values: Values, detail: number, strays: readonly string[]): Invocation {
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const test = values.configTest !== undefined;
  const facility = readFacility(text('logFacility'));
  const umask = readMask(text('umask'));
  const notices: Notices = {
    ...(strays.length === 0 ? {} : { strays: `Unexpected argument(s): ${strays.join(' ')} ` }),
    ignored: [
      ...(facility === undefined ? [`Invalid log facility '${text('logFacility')}'`] : []),
      ...(umask === 'invalid' ? [`Invalid --umask option ${text('umask')}`] : []),
      ...Object.entries(UNSERVED).flatMap(([name, why]) =>
        values[name] === undefined || test ? [] : [why],
      ),
    ],
    counted: facility === undefined,
  };
  const options: Options = {
    file: text('useFile') ?? DEFAULT_FILE,
    vrrp: values.check === undefined || values.vrrp !== undefined,
    check: values.vrrp === undefined || values.check !== undefined,
    console: values.logConsole !== undefined,
    detail,
    keepIpvs: values.dontReleaseIpvs !== undefined,
    duties: {
      tells: values.dumpConf !== undefined,
      observes: values.addressMonitoring !== undefined,
      stays: values.dontReleaseVrrp !== undefined,
    },
    all: values.all !== undefined,
    respawn: values.dontRespawn === undefined && !test,
    daemon: values.dontFork === undefined && !test,
    coreDump: values.coreDump !== undefined || values.coreDumpPattern !== undefined,
    allConfig: values.allConfig !== undefined,
    ...(values.syslog !== false && !test ? { facility: facility ?? DAEMON_FACILITY } : {}),
    ...defined('logFile', values.logFile === true ? DEFAULT_LOG_FILE : text('logFile')),
    ...defined('umask', umask === 'invalid' ? undefined : umask),
    ...defined('pid', text('pid')),
    ...defined('vrrpPid', text('vrrp_pid')),
    ...defined('checkersPid', text('checkers_pid')),
    ...defined('namespace', text('namespace')),
    ...defined('corePattern', values.coreDumpPattern === true ? 'core' : text('coreDumpPattern')),
    ...defined('configId', text('configId')),
  };
  if (!test) return { kind: 'run', options, notices };
  return { kind: 'test', options, notices, ...defined('output', text('configTest')) };
}

const defined = <Name extends string, T>(name: Name, value: T | undefined): { [N in Name]?: T } =>
  value === undefined ? {} : ({ [name]: value } as { [N in Name]?: T });

/** Undefined where it is none. */
function readFacility(text: string | undefined): number | undefined {
  if (text === undefined || text === 'daemon') return DAEMON_FACILITY;
  if (text === 'user') return 1;
  const local = /^(?:local)?([0-7])$/.exec(text);
  return local === null ? undefined : 16 + Number(local[1]);
}

function readMask(text: string | undefined): number | 'invalid' | undefined {
  if (text === undefined) return undefined;
  const mask = cNumber(text);
  return mask !== undefined && mask <= 0o777 ? mask : 'invalid';
}

/**
 * What -v prints. Programs read word 2 of line 1 as keepalived's version and decide by it what they may configure; the
 * second line says what this really is.
 */
export function versionText(system: string, node: string): string {
  return [
    `Keepalived v${COMPATIBLE} (keepalived-ts ${VERSION})`,
    `This is keepalived-ts ${VERSION}, a replacement for keepalived written anew; it follows keepalived ${COMPATIBLE}.`,
    '',
    `Running on ${system}`,
    `Running with Node.js ${node}`,
    '',
    'Config options:  VRRP VRRP_AUTH',
    '',
  ].join('\n');
}

/** The keepalived whose options, files and messages this program has. */
export const COMPATIBLE = '2.2.7';
