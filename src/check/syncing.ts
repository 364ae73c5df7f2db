// The kernel's daemons for IPVS connections where lvs_sync_daemon names no instance to follow: both roles, as long as this
// process runs. With an instance they are the VRRP process's (vrrp/sync.ts).

import type { IpvsOrder, SyncDaemon } from '../lib/ipvs.ts';
import type { CheckerConfig } from './resolve.ts';

const ROLES = ['master', 'backup'] as const;

/** Those that should run. */
function daemonsOf({ global_defs: { lvs_sync_daemon: wanted } }: CheckerConfig): SyncDaemon[] {
  if (wanted === undefined || wanted.inst !== undefined) return [];
  const { inst: _, id = 0, ...rest } = wanted;
  return ROLES.map((role) => ({ ...rest, role, id }));
}

/** The orders from one configuration to the next; undefined is none. What a process before this one left goes at the start. */
export function syncOrders(
  before: CheckerConfig | undefined,
  now: CheckerConfig | undefined,
): readonly IpvsOrder[] {
  const [old, next] = [before, now].map((config) =>
    config === undefined ? [] : daemonsOf(config),
  );
  if (JSON.stringify(old) === JSON.stringify(next)) return [];
  const gone = before === undefined ? ROLES : (old ?? []).map(({ role }) => role);
  return [
    ...gone.map((role): IpvsOrder => ({ type: 'stopSync', role })),
    ...(next ?? []).map((daemon): IpvsOrder => ({ type: 'startSync', daemon })),
  ];
}
