// Reading the configuration, the same for a start, for a reload and for -t: in the namespace it is for, with what was
// found as lines for the log.

import { setFlagsFromString } from 'node:v8';
import type { Diagnostic } from '../config/diagnostic.ts';
import { exitStatus, formatLogLine } from '../config/diagnostic.ts';
import type { Line } from '../config/lexer.ts';
import { loadConfiguration } from '../config/source.ts';
import type { Kind, Parts } from '../ipc/messages.ts';
import type { Config } from '../keywords.ts';
import { type Duration, ZERO } from '../lib/time.ts';
import { inNamespace } from '../net/namespace.ts';
import { linksByName, vrfTables } from '../net/vrf.ts';
import { leavingsOf } from '../vrrp/addresses.ts';
import type { Leavings } from '../vrrp/event.ts';
import type { VrrpConfig } from '../vrrp/keywords.ts';
import { timeToAdopt } from '../vrrp/schedule.ts';
import type { Source } from './self.ts';

export interface Reading {
  /** Absent where nothing can be run. */
  readonly config?: Config;
  readonly diagnostics: readonly Diagnostic[];
  /** All statements in the order in which they are read; absent where nothing could be. */
  readonly lines?: readonly Line[];
  /** The namespace it is for does not exist or may not be entered. */
  readonly unreachable?: string;
}

/**
 * For a process that reads and is gone: nearly all it makes stays until its end, and looking through that again for what
 * does not takes a tenth of the time of a big file.
 */
export const collectSeldom = (): void => setFlagsFromString('--heap-growing-percent=2000');

/** `namespace` is that of -s, which beats the file's. */
export function readConfiguration(source: Source, namespace?: string): Reading {
  const read = (): ReturnType<typeof loadConfiguration> =>
    loadConfiguration({ ...source, vrfTables, links: linksByName });
  let wanted = namespace;
  try {
    const first = inNamespace(namespace, read);
    if (namespace !== undefined)
      return first.config === undefined
        ? first
        : { ...first, config: { ...first.config, net_namespace: namespace } };
    if (first.net_namespace === undefined) return first;
    wanted = first.net_namespace;
    return inNamespace(wanted, read);
  } catch (error) {
    if (wanted === undefined || !isSystemError(error)) throw error;
    return { diagnostics: [], unreachable: wanted };
  }
}

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

/** What the parent keeps: what is of no child alone. */
export type Common = Pick<
  Config,
  | 'global_defs'
  | 'net_namespace'
  | 'net_namespace_ipvs'
  | 'instance'
  | 'use_pid_dir'
  | 'child_wait_time'
>;

/** What of a Config each child gets; the compiler sees that nothing is forgotten. */
const VRRP: Readonly<Record<keyof Parts['vrrp'], true>> = {
  global_defs: true,
  net_namespace: true,
  net_namespace_ipvs: true,
  instance: true,
  vrrp_instance: true,
  vrrp_script: true,
  vrrp_track_process: true,
  track_file: true,
  sessions: true,
  vrrp_sync_group: true,
  track_group: true,
  garp_group: true,
  interface_up_down_delays: true,
  linkbeat_interfaces: true,
  linkbeat_use_polling: true,
  static_ipaddress: true,
  static_routes: true,
  static_rules: true,
};

const CHECK: Readonly<Record<keyof Parts['check'], true>> = {
  global_defs: true,
  net_namespace: true,
  net_namespace_ipvs: true,
  instance: true,
  SSL: true,
  secure: true,
  virtual_server_group: true,
  virtual_server: true,
  check_sessions: true,
  track_file: true,
};

const PARTS: Readonly<Record<Kind, Readonly<Record<string, true>>>> = { vrrp: VRRP, check: CHECK };

/** What a child gets: nothing of the others. */
export const partFor = <K extends Kind>(kind: K, config: Config): Parts[K] =>
  Object.fromEntries(
    Object.entries(config).filter(([part]) => Object.hasOwn(PARTS[kind], part)),
  ) as unknown as Parts[K];

function commonPart(config: Config): Common {
  const { global_defs, net_namespace, net_namespace_ipvs, instance, use_pid_dir, child_wait_time } =
    config;
  return {
    ...(net_namespace === undefined ? {} : { net_namespace }),
    ...(net_namespace_ipvs === undefined ? {} : { net_namespace_ipvs }),
    ...(instance === undefined ? {} : { instance }),
    global_defs,
    use_pid_dir,
    child_wait_time,
  };
}

const wantsVrrp = ({
  vrrp_instance,
  static_ipaddress,
  static_routes,
  static_rules,
}: VrrpConfig): boolean =>
  vrrp_instance.length > 0 ||
  [static_ipaddress, static_routes, static_rules].some((part) => part !== undefined);

export interface LogLine {
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

export const logLines = (diagnostics: readonly Diagnostic[]): LogLine[] =>
  diagnostics.flatMap((d) => {
    const severity = d.severity === 'warning' ? 'warning' : 'error';
    const texts = [formatLogLine(d), ...(d.remedy === undefined ? [] : [d.remedy])];
    return texts.map((text) => ({ severity, text }));
  });

/** What the parent needs of a configuration; what the children need is in parcels. */
export interface Gist {
  readonly common: Common;
  /** Whether there is anything for each child. */
  readonly wanted: Readonly<Record<Kind, boolean>>;
  /** The addresses that it may add. */
  readonly journal: Leavings;
  /** How long after its end somebody can still go on in all of its roles. */
  readonly patience: Duration;
}

export const gistOf = (config: Config): Gist => ({
  common: commonPart(config),
  wanted: { vrrp: wantsVrrp(config), check: config.virtual_server !== undefined },
  journal: leavingsOf(config),
  patience: patienceOf(config),
});

const patienceOf = ({ vrrp_instance }: VrrpConfig): Duration =>
  vrrp_instance.length === 0 ? ZERO : (Math.min(...vrrp_instance.map(timeToAdopt)) as Duration);

/** What the process that reads for a reload tells the parent. `gist` absent: nothing may change. */
export interface Finding {
  readonly lines: readonly LogLine[];
  readonly gist?: Gist;
}

/** `strict`: what `-t` would not end with 0 for is refused, and its reasons are not for the log. */
export function findingOf({ config, diagnostics, unreachable }: Reading, strict: boolean): Finding {
  if (strict && exitStatus(diagnostics) !== 0) return { lines: [] };
  const lines = logLines(diagnostics);
  if (unreachable !== undefined)
    lines.push({ severity: 'error', text: `Unable to set network namespace ${unreachable}` });
  // At a start keepalived runs with what it understood; a running daemon has something better: what it does now.
  const wrong = diagnostics.some((d) => d.severity !== 'warning' && d.class !== 'none');
  return config !== undefined && !wrong ? { lines, gist: gistOf(config) } : { lines };
}
