// The one impure file of config/: reads configuration files, and gathers what has to be known of the machine -
// interfaces, accounts, scripts - in the namespace this process is in. Decides nothing about keywords.

import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  accessSync,
  constants,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { availableParallelism, hostname, userInfo } from 'node:os';
import { basename, delimiter, dirname, resolve } from 'node:path';
import { buildConfiguration, type Config, keywords } from '../keywords.ts';
import { accountsFrom } from './account.ts';
import type { Inspection, InterfaceFacts, MachineFacts, NameFolders, NameKind } from './build.ts';
import { type Diagnostic, inFileOrder } from './diagnostic.ts';
import {
  type FileResult,
  type Files,
  includeMessage,
  type ReadProblem,
  readPattern,
  type SourceFile,
} from './include.ts';
import { type Line, lex } from './lexer.ts';

export interface LoadOptions {
  /** A file, or a pattern of files. */
  readonly file: string;
  /** The identifier of `@ID` lines; the host name up to the first dot where absent. */
  readonly configId?: string;
  /** Every problem with a file counts. */
  readonly allConfig?: boolean;
  /** Where relative paths of `file` begin. */
  readonly directory?: string;
  /** The routing table of each VRF device; asked for when a configuration names one. */
  readonly vrfTables?: () => ReadonlyMap<string, number>;
  /** What the kernel says of each interface, by name; asked for once a reading, when a configuration needs it. */
  readonly links?: () => ReadonlyMap<string, { readonly mac: string; readonly mtu: number }>;
  /** Files are called by their paths, whatever an include calls them. */
  readonly byPath?: boolean;
  /** Makes `${_RANDOM}` repeatable. */
  readonly seed?: number;
}

export interface Loaded {
  /** Absent where something fatal was found. */
  readonly config?: Config;
  readonly diagnostics: readonly Diagnostic[];
  /** The namespace that the file asks for: facts were gathered in the one this process is in. */
  readonly net_namespace?: string;
  /** Absolute paths of all files read, in order of their first line. */
  readonly files: readonly string[];
  /** What they say, includes and conditions decided. */
  readonly lines: readonly Line[];
}

/** The statements of all files, before anything is known of their meaning. */
export interface LoadedLines {
  readonly lines: readonly Line[];
  readonly diagnostics: readonly Diagnostic[];
  /** What only YAML's schema refuses: worth saying of lines that nothing else is said of. */
  readonly schema: readonly Diagnostic[];
  readonly files: readonly string[];
  /** What messages call them, in the order in which they are included. */
  readonly names: readonly string[];
}

const isYaml = (path: string): boolean => /\.ya?ml$/.test(path);
let yaml: typeof import('./yaml.ts') | undefined;

/** Loads what reads YAML, where the name says YAML. To be waited for before that file is read. */
export async function prepareFormat(file: string): Promise<void> {
  if (isYaml(file)) yaml ??= await import('./yaml.ts');
}

export function loadLines(options: LoadOptions): LoadedLines {
  const files = readingOnce();
  const main = readPattern(files, options.file, resolve(options.directory ?? '.'));
  const diagnostics: Diagnostic[] = main.problems.map(({ problem, name }) =>
    fileProblem(problem, name, options.allConfig === true),
  );
  if (main.files.length === 0 && diagnostics.length === 0)
    diagnostics.push(fileProblem('no-match', options.file, options.allConfig === true));
  if (main.files.length > 1) diagnostics.push(severalFiles(options.file, main.files));
  if (isYaml(options.file)) {
    const { readYaml } = yaml as NonNullable<typeof yaml>;
    const read = main.files.map((file) => readYaml(file, keywords));
    return {
      lines: read.flatMap((one) => one.lines),
      diagnostics: [...diagnostics, ...read.flatMap((one) => one.diagnostics)],
      schema: read.flatMap((one) => one.schema),
      files: files.seen(),
      names: main.files.map(({ name }) => name),
    };
  }
  const names = main.files.map(({ name }) => name);
  const lexed = lex(main.files, {
    read: (pattern, directory) => {
      const result = readPattern(files, pattern, directory);
      const included =
        options.byPath === true
          ? result.files.map((file) => ({ ...file, name: file.path }))
          : result.files;
      for (const { name } of included) names.push(name);
      return { ...result, files: included };
    },
    configId: options.configId ?? (hostname().split('.')[0] as string),
    allConfig: options.allConfig === true,
    random: { seed: options.seed ?? randomInt(2 ** 32) },
    environment: process.env,
  });
  return {
    lines: lexed.lines,
    diagnostics: [...diagnostics, ...lexed.diagnostics],
    schema: [],
    files: files.seen(),
    names,
  };
}

/** Never throws for anything that stands in the files, or for files that are not there. */
export function loadConfiguration(options: LoadOptions): Loaded {
  const { lines, diagnostics, schema, files, names } = loadLines(options);
  const ended = diagnostics.some((d) => d.severity === 'fatal');
  const built = ended ? { diagnostics: [] } : buildConfiguration(lines, gatherFacts(options));
  const found = withSchema([...diagnostics, ...built.diagnostics], schema);
  return { ...built, diagnostics: inFileOrder(found, names), files, lines };
}

/** What only the schema of YAML refuses is said of lines that nothing was said of. */
export function withSchema(
  found: readonly Diagnostic[],
  schema: readonly Diagnostic[],
): readonly Diagnostic[] {
  const spoken = new Set(found.map((d) => `${d.file}:${d.line}`));
  return [...found, ...schema.filter((d) => !spoken.has(`${d.file}:${d.line}`))];
}

function fileProblem(problem: ReadProblem, name: string, counts: boolean): Diagnostic {
  return {
    id: `file-${problem}`,
    severity: 'fatal',
    // keepalived -t says it and exits 0, unless -e is given; a daemon does not start.
    class: counts || problem === 'unreadable' ? 'file' : 'none',
    ends: 6,
    message: includeMessage(problem, name),
  };
}

const severalFiles = (pattern: string, files: readonly SourceFile[]): Diagnostic => ({
  id: 'several-files',
  severity: 'warning',
  class: 'several-files',
  message: `'${pattern}' matches ${files.length} files: ${files.map((file) => file.name).join(', ')}`,
  assumed: 'all of them, one after the other',
});

/** Files as they were when first looked at, so that one reading sees one state. */
function readingOnce(): Files & { readonly seen: () => readonly string[] } {
  const known = new Map<string, FileResult>();
  return {
    read: (path) => {
      const before = known.get(path);
      if (before !== undefined) return before;
      const result = readFile(path);
      known.set(path, result);
      return result;
    },
    list: (directory) => {
      try {
        return readdirSync(directory);
      } catch {
        return undefined;
      }
    },
    seen: () => [...known].filter(([, result]) => 'text' in result).map(([path]) => path),
  };
}

const NOWHERE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function readFile(path: string): FileResult {
  try {
    const status = statSync(path);
    // A device, or something that looks like a program: not a configuration.
    if (status.isDirectory()) return { problem: 'directory' };
    if (!status.isFile() || (status.mode & 0o111) !== 0) return { problem: 'not-plain' };
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (isLink(path)) return { problem: code === 'EACCES' ? 'unreadable' : 'not-plain' };
    return { problem: NOWHERE.has(code) ? 'missing' : 'unreadable' };
  }
}

/** Everything is read in the namespace of the calling thread; /sys could still show another one. */
export function gatherFacts({
  vrfTables,
  links,
}: Pick<LoadOptions, 'vrfTables' | 'links'> = {}): MachineFacts {
  let known: ReturnType<NonNullable<typeof links>> | undefined;
  const linkOf = (name: string) => {
    known ??= links?.();
    return known?.get(name);
  };
  return {
    hostname: hostname(),
    get local() {
      return {
        name: nameInHosts(hostname(), readLines('/etc/hosts')),
        account: userInfo().username,
      };
    },
    processors: availableParallelism(),
    interfaces: readInterfaces((name) => linkOf(name)?.mtu ?? mtuWithout(name)),
    ...accountsFrom({ lines: readLines, getent: patientGetent() }),
    addressOf,
    numberOf,
    vrfTable: (device) => vrfTables?.().get(device),
    macOf: (device) => linkOf(device)?.mac,
    inspect,
  };
}

/** What `getent` says, which is what the C library would; a name server that is silent counts as no. */
function addressOf(host: string): string | undefined {
  if (host.startsWith('-')) return undefined;
  return /^\S+/.exec(getent('ahosts', host).text)?.[0];
}

function getent(database: string, key: string): { readonly text: string; readonly late: boolean } {
  const asked = spawnSync('getent', [database, key], { timeout: 5000, encoding: 'utf8' });
  const late = (asked.error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
  return { text: asked.status === 0 ? asked.stdout : '', late };
}

/** Who has not answered once is not asked again: a reading must not take minutes. */
function patientGetent(): (database: string, key: string) => string | undefined {
  let silent = false;
  return (database, key) => {
    if (silent) return undefined;
    const { text, late } = getent(database, key);
    silent = late;
    return text === '' ? undefined : text;
  };
}

/** The first name in the line of /etc/hosts that has ours; no name server is asked, which may be away when we start. */
export function nameInHosts(own: string, hosts: readonly string[]): string {
  for (const line of hosts) {
    const [, first, ...others] = (line.split('#')[0] as string).trim().split(/\s+/);
    if (first === own || others.includes(own)) return first ?? own;
  }
  return own;
}

function readInterfaces(mtuOf: (name: string) => number): ReadonlyMap<string, InterfaceFacts> {
  const interfaces = new Map<string, InterfaceFacts>();
  for (const line of readLines('/proc/net/dev').slice(2)) {
    const name = line.slice(0, line.lastIndexOf(':')).trim();
    if (name === '') continue;
    interfaces.set(name, {
      loopback: name === 'lo',
      get mtu() {
        return mtuOf(name);
      },
    });
  }
  return interfaces;
}

/** For who cannot ask the kernel: IPv6's, where /proc shows the right namespace and IPv6 takes part, or Ethernet's. */
const mtuWithout = (name: string): number =>
  Number(readLines(`/proc/sys/net/ipv6/conf/${name}/mtu`)[0] ?? 1500);

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

const NAME_FILES: Readonly<Record<Exclude<NameKind, 'transport'>, string>> = {
  table: 'rt_tables',
  protocol: 'rt_protos',
  scope: 'rt_scopes',
  realm: 'rt_realms',
  tos: 'rt_dsfield',
  group: 'group',
};

/** Distributions put iproute2's files into one of these; the administrator's come first. */
const ETC_FOLDERS = ['/etc/iproute2'];
const USR_FOLDERS = ['/usr/share/iproute2', '/usr/lib/iproute2'];

function numberOf(
  kind: NameKind,
  name: string,
  { iproute_etc_dir: etc, iproute_usr_dir: usr }: NameFolders = {},
): number | undefined {
  if (kind === 'transport') return transportNumber(name);
  const file = NAME_FILES[kind];
  const folders = [
    ...(etc === undefined ? ETC_FOLDERS : [etc]),
    ...(usr === undefined ? USR_FOLDERS : [usr]),
  ];
  for (const folder of folders) {
    const more = listOf(`${folder}/${file}.d`).filter((entry) => entry.endsWith('.conf'));
    for (const path of [file, ...more.map((entry) => `${file}.d/${entry}`)])
      for (const line of readLines(`${folder}/${path}`)) {
        const [number = '', found] = (line.split('#')[0] as string).trim().split(/\s+/);
        if (found === name && Number.isInteger(Number(number))) return Number(number);
      }
  }
  return undefined;
}

function listOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** /etc/protocols: name, number, further names. */
function transportNumber(name: string): number | undefined {
  for (const line of readLines('/etc/protocols')) {
    const [first, number, ...aliases] = (line.split('#')[0] as string).trim().split(/\s+/);
    if (first === name || aliases.includes(name)) return Number(number);
  }
  return undefined;
}

const ABSENT = 'since not found/accessible';
const INSECURE = 'due to insecure';

/** As strerror(3) says it. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
};

/** Finds a command and judges it as keepalived does, in keepalived's words. */
function inspect(
  command: string,
  as: { readonly uid: number; readonly gid: number },
  keepsLinks = false,
): Inspection {
  const searched = command.includes('/') ? command : searchPath(command, as);
  if (searched === undefined)
    return { message: `Cannot find script ${command} in path - disabling`, disabled: ABSENT };
  let path: string;
  try {
    // Node's own forgives a slash behind the name of a file.
    path = realpathSync.native(searched);
    if (!statSync(path).isFile())
      return {
        message: `Wrong file type found in script path '${command}'.`,
        disabled: INSECURE,
      };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return {
      message: `Script ${command} cannot be accessed - ${REASONS[code] ?? code}`,
      disabled: ABSENT,
    };
  }
  if (!mayExecute(path, as)) {
    const who = `${as.uid}:${as.gid}`;
    return {
      message: `WARNING - script '${command}' is not executable for uid:gid ${who} - disabling.`,
    };
  }
  const here = `${realpathSync(dirname(searched))}/${basename(searched)}`;
  // A link to a file beside it is run by its own name: /bin/sh is /usr/bin/sh, whatever shell that is.
  const run = keepsLinks ? searched : dirname(here) === dirname(path) ? here : path;
  // Such a link is part of the way to the file: who can change it decides what runs.
  const used = run === path ? [path] : [path, ...linksTo(resolve(searched))];
  const open =
    as.uid === 0 ? used.map(whoElseCanChange).find((one) => one !== undefined) : undefined;
  return {
    path: run,
    ...(searched === command
      ? {}
      : {
          message: `WARNING - script \`${command}\` resolved by path search to \`${searched}\`. Please specify full path.`,
        }),
    ...(open === undefined
      ? {}
      : {
          insecure: `Unsafe permissions found for script '${command}' - disabling.`,
          disabled: INSECURE,
          remedy: open,
        }),
  };
}

function searchPath(
  command: string,
  as: { readonly uid: number; readonly gid: number },
): string | undefined {
  const directories = (process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter);
  return directories
    .map((directory) => `${directory === '' ? '.' : directory}/${command}`)
    .find((path) => {
      try {
        accessSync(path, constants.F_OK);
        return statSync(path).isFile() && mayExecute(path, as);
      } catch {
        return false;
      }
    });
}

function mayExecute(path: string, as: { readonly uid: number; readonly gid: number }): boolean {
  const { mode, uid, gid } = statSync(path);
  if (as.uid === 0) return (mode & 0o111) !== 0;
  if (as.uid === uid) return (mode & 0o100) !== 0;
  return (mode & (as.gid === gid ? 0o010 : 0o001)) !== 0;
}

/** Every symbolic link that stands between a path and the file, each under the real name of its folder. */
function linksTo(path: string): readonly string[] {
  const links: string[] = [];
  // The kernel gives up after as many.
  for (let at = path; links.length < 40; ) {
    const here = `${realpathSync(dirname(at))}/${basename(at)}`;
    if (!lstatSync(here).isSymbolicLink()) break;
    links.push(here);
    at = resolve(dirname(here), readlinkSync(here));
  }
  return links;
}

/** As a shell reads it. */
const quoted = (path: string): string =>
  /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

/**
 * Which part of a path, the file and every directory above, lets someone other than root put something else in its place, and
 * the command that mends it; undefined where none does.
 */
function whoElseCanChange(path: string): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid, gid } = lstatSync(at);
    const sticky = (mode & 0o1000) !== 0 && at !== path;
    // Nothing can be written into a link: its mode, which is 0777, says nothing. The group of root is trusted, as in keepalived.
    const open =
      ((mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0)) &&
      (mode & constants.S_IFMT) !== constants.S_IFLNK;
    if (uid !== 0) return `${at} belongs to uid ${uid}: chown root ${quoted(at)}`;
    if (open && !sticky)
      return `${at} can be written by others than root: chmod go-w ${quoted(at)}`;
    if (at === '/') return undefined;
  }
}
