// The rows of global_defs: what holds for the whole daemon, and the defaults of every instance.

import { ipBytes } from '../lib/ip.ts';
import { type Duration, micros, ZERO } from '../lib/time.ts';
import { collect, givenTwice, type MachineFacts, type Reporter } from './build.ts';
import { command } from './command.ts';
import type { Complaint } from './diagnostic.ts';
import { checkRows } from './global/check.ts';
import { processRows } from './global/process.ts';
import { reportRows, tellRows } from './global/report.ts';
import {
  type BufferPolicy,
  invalidServer,
  mistaken,
  policyClash,
  strongerPolicy,
} from './global/value.ts';
import { vrrpRows } from './global/vrrp.ts';
import { type Infer, optional, type Statement } from './keyword.ts';
import type { Node } from './parser.ts';
import { scriptUser } from './process.ts';
import { lookUpUser, type Runners, resolveCommands, runAs } from './script.ts';
import { type FifoScript, readIp, type Script, type ScriptText, word } from './value.ts';

export const globalDefs = {
  router_id: optional(word(), 'Free text that names this machine.', {
    label: 'Router ID',
    otherwise: 'the host name',
    bare: 'routerid name missing - ignoring',
    example: 'lb1',
  }),
  ...processRows,
  ...vrrpRows,
  ...reportRows,
  ...tellRows,
  ...checkRows,
};

/** global_defs as the processes get it: everything decided, plain JSON, microseconds. */
export interface GlobalDefs
  extends Omit<
    Infer<typeof globalDefs>,
    'router_id' | 'script_user' | 'vrrp_min_garp' | ScriptKeyword | FifoKeyword
  > {
  readonly router_id: string;
  /** What smtp_server's name stood for when the file was read; absent: nobody knew. */
  readonly smtp_address?: string;
  /** Absent: script security is on and nobody was named to run scripts. */
  readonly script_user?: { readonly uid: number; readonly gid: number };
  /** Empty: all. */
  readonly vrrp_cpu_affinity: readonly number[];
  /** Absent: vrrp_garp_master_delay. */
  readonly vrrp_garp_lower_prio_delay?: Duration;
  /** Absent: vrrp_garp_master_repeat. */
  readonly vrrp_garp_lower_prio_repeat?: number;
  readonly vrrp_garp_interval: Duration;
  readonly vrrp_gna_interval: Duration;
  readonly startup_script?: Script;
  readonly shutdown_script?: Script;
  readonly notify_fifo_script?: FifoScript;
  readonly vrrp_notify_fifo_script?: FifoScript;
  readonly lvs_notify_fifo_script?: FifoScript;
  readonly notify_fifo?: Fifo;
  readonly vrrp_notify_fifo?: Fifo;
  readonly lvs_notify_fifo?: Fifo;
}

/** A FIFO and who shall own it. */
export interface Fifo {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
}

const SCRIPTS = [
  'startup_script',
  'shutdown_script',
  'notify_fifo_script',
  'vrrp_notify_fifo_script',
  'lvs_notify_fifo_script',
] as const;
const FIFOS = ['notify_fifo', 'vrrp_notify_fifo', 'lvs_notify_fifo'] as const;
type FifoKeyword = (typeof FIFOS)[number];
type ScriptKeyword = (typeof SCRIPTS)[number];

/** What the statements of global_defs mean on this machine. Explicit settings beat vrrp_min_garp wherever they stand. */
export function resolveGlobals(
  statements: readonly Statement<typeof globalDefs>[],
  facts: MachineFacts,
  report: Reporter,
): GlobalDefs {
  const {
    vrrp_min_garp,
    script_user: _,
    startup_script: _startup,
    shutdown_script: _shutdown,
    notify_fifo_script: _fifo,
    vrrp_notify_fifo_script: _vrrp,
    lvs_notify_fifo_script: _lvs,
    notify_fifo: _fifo1,
    vrrp_notify_fifo: _fifo2,
    lvs_notify_fifo: _fifo3,
    nftables,
    ...given
  } = collect(globalDefs, statements) as Infer<typeof globalDefs>;
  const hasTable = !iptablesFirst(statements, report) && !iptablesLast(statements);
  const explicit = new Set(statements.map((statement) => statement.keyword));
  const quiet = (keyword: keyof typeof globalDefs): boolean =>
    vrrp_min_garp === true && !explicit.has(keyword);
  const delay = quiet('vrrp_garp_master_delay') ? ZERO : given.vrrp_garp_master_delay;
  const repeat = quiet('vrrp_garp_master_repeat') ? 1 : given.vrrp_garp_master_repeat;
  const { user: scripts, at } = resolveScriptUser(statements, facts, report);
  checkGroup6(statements, report);
  const buffers = decideBuffers(statements, report);
  const relay = locateMailServer(statements, facts, report);
  const runners = {
    ...given,
    enable_script_security: explicit.has('enable_script_security'),
    ...(scripts === undefined ? {} : { script_user: scripts }),
  };
  const runnersAt = (node: Node): Runners => {
    const { script_user: _last, ...others } = runners;
    const user = at.get(node);
    return user === undefined ? others : { ...others, script_user: user };
  };
  checkStartScripts(statements, runnersAt, facts, report);
  return {
    ...given,
    ...(nftables === undefined || !hasTable ? {} : { nftables }),
    nftables_priority: priorityAfter(statements, 'nftables_priority', [
      'nftables',
      'vrrp_iptables',
    ]),
    nftables_ipvs_priority: priorityAfter(statements, 'nftables_ipvs_priority', ['nftables_ipvs']),
    ...(relay === undefined ? {} : { smtp_address: relay, ...senderOf(given, facts) }),
    ...(buffers === undefined ? {} : { vrrp_rx_bufs_policy: buffers }),
    notification_email: statements.flatMap((s) =>
      s.keyword === 'notification_email' ? s.value.map(({ value }) => value) : [],
    ),
    ...resolveScripts(statements, runnersAt, facts, report),
    ...resolveFifos(statements, runnersAt, facts, report),
    router_id: given.router_id ?? facts.local?.name ?? facts.hostname,
    ...(scripts === undefined ? {} : { script_user: scripts }),
    vrrp_cpu_affinity: resolveAffinity('vrrp', statements, facts, report),
    checker_cpu_affinity: resolveAffinity('checker', statements, facts, report),
    bfd_cpu_affinity: resolveAffinity('bfd', statements, facts, report),
    // keepalived: 1 µs would end the process at once.
    vrrp_rlimit_rttime: micros(Math.max(2, given.vrrp_rlimit_rttime)),
    vrrp_garp_master_delay: delay,
    vrrp_garp_master_repeat: repeat,
    vrrp_garp_master_refresh_repeat: quiet('vrrp_garp_master_refresh_repeat')
      ? 0
      : given.vrrp_garp_master_refresh_repeat,
    vrrp_garp_interval: given.vrrp_garp_interval ?? ZERO,
    vrrp_gna_interval: given.vrrp_gna_interval ?? ZERO,
  };
}

/** vrrp_iptables asks for the table of nftables that needs no name: who names one after it comes too late. */
function iptablesFirst(
  statements: readonly Statement<typeof globalDefs>[],
  report: Reporter,
): boolean {
  const first = statements.findIndex(({ keyword }) => keyword === 'vrrp_iptables');
  const named = statements.findIndex(({ keyword }) => keyword === 'nftables');
  if (first < 0 || named < first) return false;
  const { node } = statements[named] as (typeof statements)[number];
  report(givenTwice(globalDefs.nftables.again ?? '', node, ''), node);
  return true;
}

/** Behind `nftables` it takes the name of the table away again. */
const iptablesLast = (statements: readonly Statement<typeof globalDefs>[]): boolean =>
  statements.findLastIndex(({ keyword }) => keyword === 'vrrp_iptables') >
  statements.findLastIndex(({ keyword }) => keyword === 'nftables');

/** Naming a table gives its chains their usual priority: another one has to stand behind. */
function priorityAfter(
  statements: readonly Statement<typeof globalDefs>[],
  keyword: 'nftables_priority' | 'nftables_ipvs_priority',
  names: readonly (keyof typeof globalDefs)[],
): number {
  const { fallback: usual = -1 } = globalDefs[keyword];
  let priority = usual;
  for (const statement of statements) {
    if (statement.keyword === keyword) priority = statement.value as number;
    else if (names.includes(statement.keyword)) priority = usual;
  }
  return priority;
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

/** A size beats a policy, and MTU beats ADVERT, whichever comes first. */
function decideBuffers(
  statements: readonly Statement<typeof globalDefs>[],
  report: Reporter,
): BufferPolicy | undefined {
  let decided: BufferPolicy | undefined;
  for (const { keyword, value, node } of statements) {
    if (keyword !== 'vrrp_rx_bufs_policy') continue;
    const clash = decided === undefined ? undefined : policyClash(decided, value);
    if (clash !== undefined) report(mistaken('policy-twice', clash), node);
    decided = strongerPolicy(decided ?? value, value);
  }
  return decided;
}

/** The address of the mail server now. A name that is not known may be known later, so it stays. */
function locateMailServer(
  statements: readonly Statement<typeof globalDefs>[],
  facts: MachineFacts,
  report: Reporter,
): string | undefined {
  let address: string | undefined;
  for (const { keyword, value, node } of statements) {
    if (keyword !== 'smtp_server') continue;
    address = readIp(value.host);
    if (address !== undefined || facts.addressOf === undefined) continue;
    address = facts.addressOf(value.host);
    if (address !== undefined) continue;
    const complaint = invalidServer(value.host, String(value.port), undefined);
    report({ ...complaint, severity: 'warning', cause: 'no such host' }, node);
  }
  return address;
}

/** What a mail server is told where the file does not say it. */
const senderOf = (
  { smtp_helo_name: helo, notification_email_from: from }: Partial<Infer<typeof globalDefs>>,
  { local }: MachineFacts,
): Pick<GlobalDefs, 'smtp_helo_name' | 'notification_email_from'> =>
  local === undefined
    ? {}
    : {
        smtp_helo_name: helo ?? local.name,
        notification_email_from: from ?? `${local.account}@${local.name}`,
      };

/** keepalived adds a complaint about those that run before and after everything else. */
function checkStartScripts(
  statements: readonly Statement<typeof globalDefs>[],
  runnersAt: RunnersAt,
  facts: MachineFacts,
  report: Reporter,
): void {
  for (const { keyword, value, node } of statements) {
    if (keyword !== 'startup_script' && keyword !== 'shutdown_script') continue;
    if (typeof runAs(value, runnersAt(node), facts) !== 'string') continue;
    const kind = keyword === 'startup_script' ? 'startup' : 'shutdown';
    report(mistaken('unknown-user', `Invalid ${kind} script`, { assumed: 'it is not run' }), node);
  }
}

const FIFO_SCRIPTS = [
  'notify_fifo_script',
  'vrrp_notify_fifo_script',
  'lvs_notify_fifo_script',
] as const;

/** The dumps show the scripts of FIFOs as they are written. */
function resolveScripts(
  statements: readonly Statement<typeof globalDefs>[],
  runnersAt: RunnersAt,
  facts: MachineFacts,
  report: Reporter,
) {
  const scripts: { [K in ScriptKeyword]?: Script } = {};
  for (const keyword of SCRIPTS) {
    const given = statements.filter((statement) => statement.keyword === keyword);
    const [first] = given;
    if (first === undefined) continue;
    const around = { globals: runnersAt(first.node), facts, report };
    Object.assign(scripts, resolveCommands(globalDefs, given, '', around));
  }
  const fifos: { [K in (typeof FIFO_SCRIPTS)[number]]?: FifoScript } = {};
  for (const { keyword, value, node } of statements) {
    const name = FIFO_SCRIPTS.find((known) => known === keyword);
    const script = name === undefined ? undefined : scripts[name];
    if (name === undefined || script === undefined || fifos[name] !== undefined) continue;
    const [written] = (value as ScriptText).words;
    if (typeof runAs(value as ScriptText, runnersAt(node), facts) !== 'string')
      fifos[name] = { ...script, ...(written === undefined ? {} : { written }) };
  }
  return { ...scripts, ...fifos };
}

/**
 * keepalived says nothing of an owner that does not exist; the FIFO is then the daemon's own. Without an owner it is that of
 * whoever runs scripts, and where nobody does there is none. The first one that there is stays.
 */
function resolveFifos(
  statements: readonly Statement<typeof globalDefs>[],
  runnersAt: RunnersAt,
  facts: MachineFacts,
  report: Reporter,
): { readonly [K in FifoKeyword]?: Fifo } {
  const fifos: { [K in FifoKeyword]?: Fifo } = {};
  for (const { keyword, value, node } of statements) {
    switch (keyword) {
      case 'notify_fifo':
      case 'vrrp_notify_fifo':
      case 'lvs_notify_fifo': {
        const { path, user, group } = value;
        if (fifos[keyword] !== undefined) {
          report(givenTwice('%k already specified - ignoring %w', node, ''), node);
          break;
        }
        const named = { user: user ?? '', ...(group === undefined ? {} : { group }) };
        const owner = user === undefined ? undefined : lookUpUser(named, facts);
        if (user !== undefined && owner === undefined)
          report(
            {
              id: 'unknown-user',
              severity: 'warning',
              class: 'none',
              message: `FIFO ${path} is owned by root: no such user or group`,
              word: 1,
            },
            node,
          );
        const { script_user: usual } = runnersAt(node);
        if (user !== undefined) fifos[keyword] = { path, ...(owner ?? { uid: 0, gid: 0 }) };
        else if (usual !== undefined) fifos[keyword] = { path, ...usual };
        break;
      }
      default:
        break;
    }
  }
  return fifos;
}

const DEFAULT_ACCOUNT = 'keepalived_script';

/** Whom keepalived makes the default the first time that a command needs one; nobody, where scripts must be safe. */
export const NOBODY: Complaint = mistaken(
  'no-script-user',
  `Unable to set default user ${DEFAULT_ACCOUNT} for script`,
  { assumed: 'scripts without a user of their own are not run' },
);

type Account = NonNullable<Runners['script_user']>;
/** Who runs scripts, as far as the file was read up to a statement. */
type RunnersAt = (node: Node) => Runners;

/**
 * Who runs scripts that have no user of their own, and who ran them where a statement of global_defs asked for him, in the
 * order of the file. Once somebody was wanted and was not there, nobody else can be named any more.
 */
function resolveScriptUser(
  statements: readonly Statement<typeof globalDefs>[],
  facts: MachineFacts,
  report: Reporter,
): { readonly user?: Account; readonly at: ReadonlyMap<Node, Account> } {
  const at = new Map<Node, Account>();
  const fifos = new Set<string>();
  let resolved: Account | undefined;
  let failed = false;
  let secure = false;
  // With script security a script needs a user of its own; without, it runs as the daemon does.
  const usual = (): Account | undefined =>
    facts.user(DEFAULT_ACCOUNT) ?? (secure ? undefined : { uid: 0, gid: 0 });
  for (const { keyword, value, node } of statements) {
    if (keyword === 'enable_script_security') secure = true;
    // Nobody is wanted for a FIFO that is there already.
    if (needsUser(keyword, value) && !fifos.has(keyword)) {
      if (!failed) resolved ??= usual();
      if (resolved !== undefined) at.set(node, resolved);
      else if (!failed) {
        failed = true;
        report(NOBODY, node);
      }
    }
    if (FIFOS.some((name) => name === keyword) && (at.has(node) || !needsUser(keyword, value)))
      fifos.add(keyword);
    if (keyword !== 'script_user') continue;
    const found = failed ? undefined : lookUpUser(value, facts);
    if (found === undefined) {
      const cause = failed
        ? 'the default user could not be set before'
        : `no such user or group: ${scriptUser.format(value)}`;
      const assumed = 'scripts without a user of their own are not run';
      const message = 'Error setting global script uid/gid';
      report({ ...mistaken('unknown-user', message), cause, assumed }, node);
      failed = true;
    }
    resolved = found;
  }
  const user = resolved ?? (failed ? undefined : usual());
  return user === undefined ? { at } : { user, at };
}

/** A command or a FIFO that names nobody. */
const needsUser = (keyword: keyof typeof globalDefs, value: unknown): boolean =>
  ((globalDefs[keyword].form === 'words' && globalDefs[keyword].type === command) ||
    FIFOS.some((name) => name === keyword)) &&
  (value as { readonly user?: string }).user === undefined;

/** Whether keepalived has looked for a default user while it read global_defs, and has spoken of it. */
export const spokenOfUser = (statements: readonly Statement<typeof globalDefs>[]): boolean =>
  statements.some(({ keyword, value }) => keyword === 'script_user' || needsUser(keyword, value));

type AffinityKeyword = 'vrrp_cpu_affinity' | 'checker_cpu_affinity' | 'bfd_cpu_affinity';

const isAffinity = (
  statement: Statement<typeof globalDefs>,
): statement is Extract<Statement<typeof globalDefs>, { keyword: AffinityKeyword }> =>
  statement.keyword.endsWith('_cpu_affinity');

function resolveAffinity(
  of: 'vrrp' | 'checker' | 'bfd',
  statements: readonly Statement<typeof globalDefs>[],
  facts: MachineFacts,
  report: Reporter,
): readonly number[] {
  let processors: readonly number[] = [];
  for (const statement of statements) {
    if (statement.keyword !== `${of}_cpu_affinity` || !isAffinity(statement)) continue;
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
        message: `Invalid cpu_id:${statement.value[wrong]} specified for ${of} process`,
        cause: `number '${statement.value[wrong]}' outside range [0, ${facts.processors - 1}]`,
        assumed: processors.length === 0 ? 'all processors' : 'those given before',
        word: wrong,
      },
      statement.node,
    );
    processors = statement.value.slice(0, wrong);
  }
  return processors;
}
