// The kernel's daemon that tells other directors of IPVS connections: which ones should run is a function of the state
// of the instance that lvs_sync_daemon names, and the orders are the difference to those that were given.

import type { SyncDaemon } from '../lib/ipvs.ts';
import type { VrrpConfig } from './keywords.ts';
import type { Draft, RouterState, SyncState } from './state.ts';

const NONE: SyncState = { running: [], refused: [] };

/** What lvs_sync_daemon says, or the lvs_sync_daemon_interface of older files, whose number is 0 always. */
export function wantedSync(config: VrrpConfig): VrrpConfig['global_defs']['lvs_sync_daemon'] {
  const { lvs_sync_daemon: wanted } = config.global_defs;
  if (wanted !== undefined) return wanted;
  for (const { name, lvs_sync_daemon_interface: link } of config.vrrp_instance)
    if (link !== undefined) return { interface: link, inst: name, id: 0 };
  return undefined;
}

/** Those that should run. Without an instance to follow they are the checking process's, which plays both roles. */
function desiredSync({ config, members, phase }: RouterState): readonly SyncDaemon[] {
  const wanted = wantedSync(config);
  if (wanted?.inst === undefined || phase !== 'running') return [];
  const { inst, id, ...rest } = wanted;
  const member = members.find((one) => one.config.name === inst);
  if (member === undefined || member.state.name === 'stop') return [];
  const role = member.state.name === 'master' ? 'master' : 'backup';
  return [{ ...rest, role, id: id ?? member.config.virtual_router_id }];
}

/** A configuration that has come now. */
export function checkSync({ router: { config }, actions }: Draft): void {
  const inst = wantedSync(config)?.inst;
  if (inst === undefined || config.vrrp_instance.some(({ name }) => name === inst)) return;
  const text = `Unable to find vrrp instance ${inst} for lvs_syncd - clearing lvs_syncd config`;
  actions.push({ type: 'log', severity: 'info', text });
}

/** Orders the difference; at the end of a step, for nobody waits for it. */
export function settleSync(draft: Draft): void {
  const { sync = NONE } = draft.router;
  const desired = desiredSync(draft.router);
  if (desired.length === 0 && sync === NONE) return;
  const known = [...sync.running, ...sync.refused];
  const gone = sync.running.filter((daemon) => !includes(desired, daemon));
  const fresh = desired.filter((daemon) => !includes(known, daemon));
  const left = sync.refused.filter((daemon) => includes(desired, daemon));
  if (gone.length === 0 && fresh.length === 0 && left.length === sync.refused.length) return;
  // What a predecessor that was killed has left running goes too.
  const roles = sync === NONE ? (['master', 'backup'] as const) : gone.map(({ role }) => role);
  for (const role of roles) draft.actions.push({ type: 'stopSync', role });
  for (const daemon of fresh) draft.actions.push({ type: 'startSync', daemon });
  const kept = sync.running.filter((daemon) => !gone.includes(daemon));
  draft.router = {
    ...draft.router,
    sync: { running: [...kept, ...fresh], refused: left },
  };
}

/** The kernel would not start it. */
export function refuseSync(draft: Draft, refused: SyncDaemon): void {
  const { sync = NONE } = draft.router;
  if (!includes(sync.running, refused)) return;
  draft.router = {
    ...draft.router,
    sync: {
      running: sync.running.filter((daemon) => !same(daemon, refused)),
      refused: [...sync.refused, refused],
    },
  };
}

/** The interface has changed: what was refused on it may be taken now. */
export function retrySync(draft: Draft, index: number): void {
  const { sync = NONE, kernel } = draft.router;
  const link = kernel.links[index];
  const refused = sync.refused.filter((daemon) => daemon.interface !== link?.name);
  if (refused.length === sync.refused.length || link?.up !== true) return;
  draft.router = { ...draft.router, sync: { ...sync, refused } };
}

const same = (a: SyncDaemon, b: SyncDaemon): boolean => JSON.stringify(a) === JSON.stringify(b);
const includes = (list: readonly SyncDaemon[], daemon: SyncDaemon): boolean =>
  list.some((one) => same(one, daemon));
