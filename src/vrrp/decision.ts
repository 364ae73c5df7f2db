// The decisions about an instance that take several of its statements together: role, preemption, authentication,
// interval, how many addresses an advert holds, scripts. rules.ts gathers what they decide upon.

import {
  AFTERWARDS,
  givenTwice,
  type MachineFacts,
  nodeOf,
  type Reporter,
} from '../config/build.ts';
import { type Complaint, type Diagnostic, meantOf } from '../config/diagnostic.ts';
import type { GlobalDefs } from '../config/globals.ts';
import type { Entry, Infer, Statement } from '../config/keyword.ts';
import type { Node } from '../config/parser.ts';
import { resolveCommands, resolveScript } from '../config/script.ts';
import type { AddressEntry, Script } from '../config/value.ts';
import type { Family } from '../lib/ip.ts';
import { type Duration, millis, seconds, toSeconds } from '../lib/time.ts';
import { type VrrpInstance, vrrpInstance } from './keywords.ts';
import type { RuleText } from './rule.ts';

export type Rows = typeof vrrpInstance;
export type InstanceStatement = Statement<Rows>;

export interface InstanceBlock {
  readonly name: string;
  readonly node: Node;
  readonly statements: readonly InstanceStatement[];
  /** Its place among the blocks of the file. */
  readonly order: number;
}

export interface Surroundings {
  readonly globals: GlobalDefs;
  readonly facts: MachineFacts;
  readonly report: Reporter;
}

/** Where rules of routing are among what is read. */
export interface RuledSurroundings extends Surroundings {
  /** The preference of a rule, its own or the one it gets. */
  readonly preference: (entry: Entry<RuleText>) => number;
}

export const fatal = (id: string, message: string): Complaint => ({
  id,
  severity: 'fatal',
  class: 'general',
  message,
});

export const mistake = (id: string, message: string, more: Partial<Complaint> = {}): Complaint => ({
  id,
  severity: 'error',
  class: 'general',
  message,
  ...more,
});

/** What to do about an interface that is not there. */
export function comesLater(name: string, facts: MachineFacts): { readonly hint: string } {
  const { hint } = meantOf(name, facts.interfaces);
  const later = 'dynamic_interfaces in global_defs allows interfaces that come later';
  return { hint: hint === undefined ? later : `${hint} ${later}` };
}

export type Say = (
  keyword: keyof Rows & string,
  complaint: Complaint,
  more?: Partial<Diagnostic>,
) => void;

/** What an instance wants to hold, on which interface. */
interface Held {
  readonly interface: string | undefined;
  readonly addresses: readonly AddressEntry[];
  readonly excluded: readonly AddressEntry[];
}

/** Priority 255 is the owner and always wants to be master; MASTER without a priority is taken for an owner. */
export function decideRole(
  given: Infer<Rows>,
  { name, statements }: InstanceBlock,
  authentication: VrrpInstance['authentication'],
  say: Say,
  report: Reporter,
): Pick<VrrpInstance, 'state' | 'priority'> {
  let state: VrrpInstance['state'] = 'BACKUP';
  for (const { keyword, value, node } of statements) {
    if (keyword !== 'state') continue;
    if (state === 'MASTER' && value === 'BACKUP') {
      const message = `(${name}) state previously set as MASTER - ignoring BACKUP`;
      report({ ...mistake('given-twice', message), assumed: 'MASTER', word: 0 }, node);
    } else state = value;
  }
  const priority =
    nodeOf(statements, 'priority') === undefined && state === 'MASTER' ? 255 : given.priority;
  if (priority === 255) return { state: 'MASTER', priority };
  // Its numbers go on from those of the master before, whom it has to hear.
  if (state !== 'MASTER' || authentication?.auth_type !== 'AH') return { state, priority };
  const message = `(${name}) Initial state master is incompatible with AH authentication - clearing`;
  say('state', mistake('master-with-ah', message, { hint: 'use state BACKUP' }));
  return { state: 'BACKUP', priority };
}

export function decidePreemption(
  role: {
    readonly name: string;
    readonly state: 'MASTER' | 'BACKUP';
    readonly priority: number;
    readonly nopreempt: boolean;
    readonly delay: Duration;
  },
  say: Say,
): Pick<VrrpInstance, 'nopreempt' | 'preempt_delay'> {
  const { name, state } = role;
  let { nopreempt, delay } = role;
  if (nopreempt && state === 'MASTER') {
    const message =
      role.priority === 255
        ? `(${name}) nopreempt is incompatible with priority 255. resetting nopreempt`
        : `(${name}) Warning - nopreempt will not work with initial state MASTER - clearing`;
    say('nopreempt', mistake('nopreempt-master', message, { hint: 'use state BACKUP' }));
    nopreempt = false;
  }
  if (delay > 0 && (state === 'MASTER' || nopreempt)) {
    const message =
      state === 'MASTER'
        ? `(${name}) Warning - preempt delay will not work with initial state MASTER - clearing`
        : `(${name}) preempt_delay is incompatible with nopreempt mode - resetting`;
    say('preempt_delay', { ...mistake('preempt-delay-useless', message), severity: 'warning' });
    delay = seconds(0);
  }
  return { nopreempt, preempt_delay: delay };
}

/**
 * auth_hmac came with 2.4.3, and there is no peer to judge its packets by. An instance without it would speak unsigned
 * and obey anybody, so a configuration that asks for it does not run.
 */
function refuseSignatures({ name }: InstanceBlock, node: Node, report: Reporter): void {
  const message = `(${name}) auth_hmac is not supported: adverts would be neither signed nor checked`;
  const hint = 'auth_type AH signs adverts of version 2';
  report({ ...fatal('auth-hmac', message), hint }, node);
}

export function decideAuthentication(
  block: InstanceBlock,
  version: 2 | 3,
  strict: boolean,
  report: Reporter,
): VrrpInstance['authentication'] {
  let type: { readonly value: 'PASS' | 'AH'; readonly node: Node } | undefined;
  let password = '';
  for (const statement of block.statements) {
    if (statement.keyword === 'auth_hmac') refuseSignatures(block, statement.node, report);
    if (statement.keyword !== 'authentication') continue;
    for (const inner of statement.value) {
      if (inner.keyword === 'auth_type') type = inner;
      else password = inner.value;
    }
  }
  if (type === undefined) return undefined;
  const name = block.name;
  if (strict) {
    const message = `(${name}) Strict mode does not support authentication. Ignoring.`;
    report(mistake('auth-strict', message), type.node, AFTERWARDS);
    return undefined;
  }
  if (version === 3) {
    const message = `(${name}) VRRP version 3 does not support authentication. Ignoring.`;
    report(mistake('auth-version-3', message), type.node, AFTERWARDS);
    return undefined;
  }
  if (password === '') {
    const message = `(${name}) Authentication specified but no password given. Ignoring`;
    report(mistake('auth-without-password', message), type.node, AFTERWARDS);
    return undefined;
  }
  return { auth_type: type.value, auth_pass: password };
}

/** What an instance bears with in others: defaults that are not there at all are off. */
export function decideTolerance(
  {
    name,
    advert_length,
    nopreempt,
  }: {
    readonly name: string;
    readonly advert_length: number;
    readonly nopreempt: boolean;
  },
  given: Infer<Rows>,
  strict: boolean,
  globals: GlobalDefs,
  say: Say,
): Partial<VrrpInstance> {
  const ignores = given.owner_ignore_adverts ?? (strict || globals.vrrp_owner_ignore_adverts);
  const bare = given.v3_checksum_as_v2 ?? globals.v3_checksum_as_v2;
  const expiry = given.timer_expired_backup;
  if (expiry !== undefined && !nopreempt)
    say(
      'timer_expired_backup',
      mistake(
        'timer-expired-preempts',
        `(${name}) timer_expired_backup needs nopreempt - resetting`,
      ),
    );
  const { vrrp_rx_bufs_policy: policy, vrrp_rx_bufs_multiplier: times } = globals;
  const sized = (given.kernel_rx_buf_size ?? 0) > 0;
  const bytes = policy === 'ADVERT' ? advert_length * times : policy === 'MTU' ? undefined : policy;
  return {
    ...(sized || bytes === undefined ? {} : { rx_bufs_bytes: bytes }),
    ...(sized || policy !== 'MTU' ? {} : { rx_bufs_mtus: times }),
    ...(given.dont_track_primary && !globals.nftables_ifindex ? { shield_by_name: true } : {}),
    ...(globals.log_unknown_vrids ? { log_unknown_vrids: true } : {}),
    ...(expiry === undefined || !nopreempt ? {} : { timer_expired_backup: expiry }),
    ...(ignores ? { owner_ignore_adverts: true } : {}),
    ...(bare ? { v3_checksum_as_v2: true } : {}),
  };
}

/** RFC 9568 5.2.5: the count is one byte; and the packet must fit into the interface's MTU. */
export function fitAddresses(
  block: InstanceBlock,
  walk: Held & { readonly addressless: boolean },
  version: 2 | 3,
  of: Family,
  strict: boolean,
  { facts, report }: Surroundings,
): { readonly addresses: readonly AddressEntry[]; readonly excluded: readonly AddressEntry[] } {
  const { name } = block;
  const node = nodeOf(block.statements, 'virtual_ipaddress') ?? block.node;
  const { addresses, excluded } = walk;
  if (addresses.length === 0) {
    if (walk.addressless) return { addresses, excluded };
    const message = `(${name}) No VIP specified; at least one is`;
    report(
      version === 3 || strict
        ? fatal('no-address', `${message} required`)
        : { ...mistake('no-address', `${message} sensible`), severity: 'warning' },
      node,
      AFTERWARDS,
    );
    return { addresses, excluded };
  }
  const mtu = facts.interfaces.get(walk.interface ?? '')?.mtu ?? 1500;
  const limit = mostAddresses(mtu, version, of);
  if (addresses.length <= limit) return { addresses, excluded };
  report(
    mistake(
      'too-many-addresses',
      `(${name}) Number of VIPs (${addresses.length}) exceeds maximum/space available in packet (max ${limit} addresses) - excess moved to eVIPs`,
    ),
    node,
    AFTERWARDS,
  );
  return {
    addresses: addresses.slice(0, limit),
    excluded: [...excluded, ...addresses.slice(limit)],
  };
}

/** keepalived 2.2.7 leaves room for an Ethernet header besides IP and VRRP headers (measured at MTUs around 1000). */
function mostAddresses(mtu: number, version: 2 | 3, of: Family): number {
  const headers = of === 6 ? 40 + 8 + 14 : 20 + 8 + 14 + (version === 2 ? 8 : 0);
  return Math.max(0, Math.min(255, Math.floor((mtu - headers) / (of === 6 ? 16 : 4))));
}

const LONGEST_V3 = millis(40_950);

export function roundInterval(given: Duration, version: 2 | 3, name: string, say: Say): Duration {
  if (version === 2) {
    if (given % 1_000_000 === 0) return given;
    const rounded = seconds(Math.max(1, Math.round(toSeconds(given))));
    say(
      'advert_int',
      warning(
        'interval-rounded',
        `(${name}) VRRPv2 advertisement interval ${toSeconds(given).toFixed(6)}s must be an integer. rounding`,
        rounded,
      ),
    );
    return rounded;
  }
  if (given > LONGEST_V3 + 5_000) {
    say(
      'advert_int',
      mistake(
        'interval-too-long',
        `(${name}) VRRPv3 advertisement interval ${toSeconds(given).toFixed(2)}s is out of range. Must be less than 40.96s. Setting to 40.95s`,
        { assumed: '40.95 s' },
      ),
    );
    return LONGEST_V3;
  }
  if (given % 10_000 === 0) return given;
  const rounded = millis(Math.min(4095, Math.max(1, Math.round(given / 10_000))) * 10);
  say(
    'advert_int',
    warning(
      'interval-rounded',
      `(${name}) VRRPv3 advertisement interval ${toSeconds(given).toFixed(6)}s must be in units of 10ms - rounding`,
      rounded,
    ),
  );
  return rounded;
}

const warning = (id: string, message: string, assumed: Duration): Complaint => ({
  id,
  severity: 'warning',
  class: 'general',
  message,
  assumed: `${toSeconds(assumed)} s`,
});

/** notify_deleted may stand without a command. */
export function resolveScripts(
  { name, statements }: Pick<InstanceBlock, 'name' | 'statements'>,
  around: Surroundings,
): Pick<VrrpInstance, ScriptKeyword | 'notify_deleted'> {
  const { globals, facts, report } = around;
  const scripts = resolveCommands(vrrpInstance, statements, name, around);
  let deleted: Script | true | undefined;
  for (const { keyword, value, node } of statements) {
    if (keyword !== 'notify_deleted') continue;
    const { again } = vrrpInstance.notify_deleted;
    if (deleted !== undefined) {
      if (again !== undefined) report(givenTwice(again, node, name), node);
    } else
      deleted =
        value === true ? true : (resolveScript(value, node, globals, facts, report) ?? true);
  }
  return deleted === undefined ? scripts : { ...scripts, notify_deleted: deleted };
}

type ScriptKeyword =
  | 'notify_master'
  | 'notify_backup'
  | 'notify_fault'
  | 'notify_stop'
  | 'notify'
  | 'notify_master_rx_lower_pri';
