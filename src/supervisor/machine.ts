// The parent as a machine: which children there are, what the end of one means, in which order a reload happens and when the
// daemon ends. It holds no configuration and no file; the shell (daemon.ts) knows what a child is made of.

import type { DumpKind, Kind } from '../ipc/messages.ts';
import { after, type Instant } from '../lib/time.ts';
import type { ParentAction } from './action.ts';
import type { Exit, ParentEvent } from './event.ts';
import {
  answered,
  backOff,
  chain,
  childDeadline,
  clean,
  clear,
  distrust,
  ECHO,
  fork,
  forked,
  forkFailed,
  isWatched,
  kindOf,
  LONGEST_DELAY,
  log,
  meetDeadline,
  nameOf,
  precede,
  type Result,
  release,
  running,
  setChild,
  spareGone,
  stay,
  stopping,
  tell,
} from './life.ts';
import { KINDS, type ParentState, type Settings, type Stopping } from './state.ts';

export function createParent(settings: Settings): ParentState {
  return {
    phase: 'running',
    status: 0,
    settings,
    children: { vrrp: { name: 'absent' }, check: { name: 'absent' } },
    spare: false,
    reload: { phase: 'none', again: false },
    complete: false,
  };
}

export function nextDeadline({ children, cleanAt }: ParentState): Instant | undefined {
  const all = KINDS.flatMap((kind) => childDeadline(children[kind]) ?? []);
  if (cleanAt !== undefined) all.push(cleanAt);
  return all.length === 0 ? undefined : (Math.min(...all) as Instant);
}

export const step = (state: ParentState, event: ParentEvent, now: Instant): Result =>
  state.phase === 'ended' ? stay(state) : chain(happen(state, event, now), settle);

function happen(state: ParentState, event: ParentEvent, now: Instant): Result {
  switch (event.type) {
    case 'begin':
      return begin(state);
    case 'deadline':
      return deadline(state, now);
    case 'forked':
      return forked(state, event.kind, event.pid, now);
    case 'forkFailed':
      return forkFailed(state, event.kind, event.code, now);
    case 'running':
      return running(state, event.pid, now);
    case 'answered':
      return answered(state, event.pid, event.number);
    case 'reloaded':
      return reloaded(state, event.pid);
    case 'exited':
      return exited(state, event, now);
    case 'halted':
      return distrust(state, event.pid, 'was stopped by a signal');
    case 'hung':
      return distrust(state, event.pid, 'hangs');
    case 'spareGone':
      return spareGone(state, now);
    case 'stop':
      return stop(state, 0, now);
    case 'reload':
      return reload(state);
    case 'read':
      return read(state, event.settings, now);
    case 'dump':
      return dump(state, event.kind);
  }
}

/** One thing after the other, each with what the one before has left. */
const forEach = (
  kinds: readonly Kind[],
  state: ParentState,
  act: (state: ParentState, kind: Kind) => Result,
): Result =>
  kinds.reduce<Result>((done, kind) => chain(done, (next) => act(next, kind)), stay(state));

const wantedOf = ({ settings }: ParentState): readonly Kind[] =>
  KINDS.filter((kind) => settings.wanted[kind]);

/** What follows from the state of all children together, whatever happened to one of them. */
function settle(state: ParentState): Result {
  const { phase, children, reload } = state;
  if (phase === 'ended') return stay(state);
  if (phase === 'stopping')
    return KINDS.every((kind) => children[kind].name === 'absent') ? end(state) : stay(state);
  const wanted = wantedOf(state);
  if (
    !state.complete &&
    wanted.length > 0 &&
    wanted.every((kind) => children[kind].name === 'running')
  )
    return chain(
      {
        state: { ...state, complete: true },
        actions: [log('info', 'Startup complete'), tell('ready')],
      },
      settle,
    );
  // What was being applied by a child that died is what the next one starts with.
  const applied =
    reload.phase === 'applying' && reload.waiting.every((pid) => kindOf(state, pid) === undefined);
  return applied ? endReload(state, [COMPLETE]) : stay(state);
}

const end = (state: ParentState): Result => ({
  state: { ...state, phase: 'ended' },
  actions: [{ type: 'exit', status: state.status }],
});

function begin(state: ParentState): Result {
  if (KINDS.some((kind) => state.children[kind].name !== 'absent')) return stay(state);
  const wanted = wantedOf(state);
  if (wanted.length === 0) return { state, actions: [NOTHING_TO_RUN, tell('ready')] };
  return forEach(wanted, state, (next, kind) => fork(next, kind, 0, false));
}

const NOTHING_TO_RUN = log('warning', 'Warning - keepalived has no configuration to run');

function deadline(state: ParentState, now: Instant): Result {
  if (state.cleanAt === undefined || now < state.cleanAt) return ofChildren(state, now);
  const { cleanAt: _, ...rest } = state;
  return precede(clean('vrrp'), ofChildren(rest, now));
}

const ofChildren = (state: ParentState, now: Instant): Result =>
  forEach(KINDS, state, (next, kind) => meetDeadline(next, kind, now));

// The end of a child

function exited(state: ParentState, exit: Exit, now: Instant): Result {
  const kind = kindOf(state, exit.pid);
  if (kind === undefined) return stay(state);
  const child = state.children[kind];
  if (child.name === 'stopping') return gone(state, kind, child, exit);
  const permanent = permanentError(exit.status);
  if (permanent !== undefined && child.name !== 'silent') {
    const text = `pid ${exit.pid} exited with permanent error ${permanent}. Terminating`;
    const ended = setChild(state, kind, { name: 'absent' });
    return precede([...clean(kind), log('error', text)], stop(ended, exit.status ?? 0, now));
  }
  const actions: ParentAction[] = [];
  if (exit.signal !== undefined)
    actions.push(log('warning', `pid ${exit.pid} exited due to signal ${exit.signal}`));
  if (!state.settings.respawn) {
    actions.push(log('warning', `${nameOf(kind, exit.pid)} died: Exiting`));
    const ended = setChild(state, kind, { name: 'absent' });
    return precede([...clean(kind), ...actions], stop(ended, 0, now));
  }
  const since = 'since' in child ? child.since : undefined;
  const trusted = since !== undefined && now - since >= LONGEST_DELAY;
  const failures = trusted || !('failures' in child) ? 0 : child.failures;
  if (exit.status === 0 && child.name === 'running') {
    const until = after(now, ECHO);
    return precede(
      clean(kind),
      stay(setChild(state, kind, { name: 'left', was: exit.pid, until, failures })),
    );
  }
  actions.push(log('alert', `${nameOf(kind, exit.pid)} died: Respawning`));
  if (kind !== 'vrrp') return precede(actions, backOff(state, kind, failures, now, false));
  // Only the first failure in a while: what ends twice in a minute would end a third time in its role.
  const inherit = since !== undefined && failures === 0;
  if (!inherit) {
    const { cleanAt: _, ...rest } = state;
    return precede([...clean(kind), ...actions], backOff(rest, kind, failures, now, false));
  }
  const cleanAt = after(now, state.settings.patience);
  return precede(actions, backOff({ ...state, cleanAt }, kind, failures, now, true));
}

/** Statuses that a new child would only repeat. */
function permanentError(status: number | undefined): string | undefined {
  if (status === 1) return 'FATAL';
  if (status === 2) return 'CONFIG';
  return status === 4 ? 'MISSING PERMISSION' : undefined;
}

/** A child that was asked to end has ended, by itself mostly. */
function gone(state: ParentState, kind: Kind, { last }: Stopping, { signal }: Exit): Result {
  const killed = signal !== undefined && kind === 'check' && state.settings.respawn;
  if (killed && last === undefined) return clear(state, kind);
  const next = setChild(state, kind, { name: 'absent' });
  // It was stopped by a reload that left nothing for it; a later one may have brought something.
  const again = state.phase === 'running' && state.settings.wanted[kind];
  return precede(clean(kind), again ? fork(next, kind, 0, false) : stay(next));
}

// The end of the daemon

function stop(state: ParentState, status: number, now: Instant): Result {
  if (state.phase !== 'running') return stay(state);
  const stopping: ParentState = { ...state, phase: 'stopping', status };
  return precede([log('info', 'Stopping'), tell('stopping')], releaseAll(KINDS, stopping, now));
}

const releaseAll = (kinds: readonly Kind[], state: ParentState, now: Instant): Result =>
  forEach(kinds, state, (next, kind) =>
    kind === 'vrrp' && next.spare
      ? precede([{ type: 'dropSpare' }], release({ ...next, spare: false }, kind, now))
      : release(next, kind, now),
  );

// Reload

function reload(state: ParentState): Result {
  if (state.phase !== 'running') return stay(state);
  if (state.reload.phase !== 'none')
    return stay({ ...state, reload: { ...state.reload, again: true } });
  return startReload(state);
}

const RELOADING = log('info', 'Reloading ...');
const COMPLETE = log('info', 'Reload complete');

const startReload = (state: ParentState): Result => ({
  state: { ...state, reload: { phase: 'reading', again: false } },
  actions: [
    state.settings.validation === undefined
      ? RELOADING
      : log('info', 'validate conf before Reload'),
    tell('reloading'),
    { type: 'read' },
  ],
});

function read(state: ParentState, settings: Settings | undefined, now: Instant): Result {
  if (state.phase !== 'running' || state.reload.phase !== 'reading') return stay(state);
  const { validation } = state.settings;
  if (settings === undefined) {
    const text =
      validation === undefined
        ? 'Configuration not reloaded: the previous one stays in force'
        : `New config failed validation, see ${validation} for details`;
    return endReload(state, [log('error', text)]);
  }
  const announced = validation === undefined ? [] : [RELOADING];
  const adopted: Result = {
    state: { ...state, settings },
    actions: [...announced, { type: 'adopt' }],
  };
  const unwanted = KINDS.filter((kind) => !settings.wanted[kind]);
  const wanted = KINDS.filter((kind) => settings.wanted[kind]);
  const released = chain(adopted, (next) =>
    forEach(unwanted, next, (it, kind) => dismiss(it, kind, now)),
  );
  if (wanted.length === 0)
    return chain(released, (next) => endReload(next, [NOTHING_TO_RUN, COMPLETE]));
  const applying = chain(released, (next) => forEach(wanted, next, apply));
  const waiting = wanted.flatMap((kind) => {
    const child = applying.state.children[kind];
    return isWatched(child) ? [child.pid] : [];
  });
  if (waiting.length === 0) return chain(applying, (next) => endReload(next, [COMPLETE]));
  const { again } = state.reload;
  return {
    ...applying,
    state: { ...applying.state, reload: { phase: 'applying', again, waiting } },
  };
}

/** A reload has left nothing for it. The scripts of virtual servers that are gone are run, as of any that a reload takes away. */
const dismiss = (state: ParentState, kind: Kind, now: Instant): Result => {
  const child = state.children[kind];
  if (kind === 'vrrp' || !isWatched(child)) return releaseAll([kind], state, now);
  const { pid } = child;
  return {
    state: setChild(state, kind, stopping(pid, state, now)),
    actions: [{ type: 'dismissChild', pid }],
  };
};

/** What has been adopted reaches a child that runs; the next one of any other starts with it. */
function apply(state: ParentState, kind: Kind): Result {
  const child = state.children[kind];
  if (isWatched(child)) return { state, actions: [{ type: 'reloadChild', pid: child.pid }] };
  return child.name === 'absent' ? fork(state, kind, 0, false) : stay(state);
}

function reloaded(state: ParentState, pid: number): Result {
  const { reload } = state;
  if (reload.phase !== 'applying') return stay(state);
  const kind = kindOf(state, pid);
  if (kind === undefined || !isWatched(state.children[kind])) return stay(state);
  const waiting = reload.waiting.filter((other) => other !== pid);
  return stay({ ...state, reload: { ...reload, waiting } });
}

function endReload(state: ParentState, actions: readonly ParentAction[]): Result {
  const { again } = state.reload;
  const settled: ParentState = { ...state, reload: { phase: 'none', again: false } };
  return again && settled.phase === 'running'
    ? precede(actions, startReload(settled))
    : { state: settled, actions: [...actions, tell('ready')] };
}

/** Statistics are of VRRP alone. */
function dump(state: ParentState, kind: DumpKind): Result {
  const asked: readonly Kind[] = kind === 'data' || kind === 'json' ? KINDS : ['vrrp'];
  const actions: ParentAction[] = kind === 'data' ? [{ type: 'dumpParent' }] : [];
  for (const one of asked) {
    const child = state.children[one];
    if (isWatched(child)) actions.push({ type: 'dumpChild', pid: child.pid, kind });
  }
  return { state, actions };
}
