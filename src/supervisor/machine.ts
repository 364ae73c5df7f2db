// The parent as a machine: when the VRRP child is started, watched, killed, started again and stopped, and in which order a
// reload happens. It holds no configuration and no file; the shell (daemon.ts) knows what a child is made of.

import type { DumpKind } from '../ipc/messages.ts';
import type { Step } from '../lib/machine.ts';

import { after, type Duration, type Instant, seconds } from '../lib/time.ts';
import type { Child, ParentState, Settings, Watched } from './state.ts';
import type { Condition } from './systemd.ts';

/** The parent asks this often, and the child's loop answers. */
export const HEARTBEAT: Duration = seconds(5);
/** Unanswered heartbeats that make a child silent. Counted, not timed: a parent that was frozen itself accuses nobody. */
export const SILENCE = 3;
/** Longest back-off, and the time that a child must run to be trusted again. keepalived 2.2.7: 0 1 2 4 ... 32 60 s. */
export const LONGEST_DELAY: Duration = seconds(60);

export type ParentEvent =
  | { readonly type: 'deadline' }
  /** The first event: everything is read. */
  | { readonly type: 'begin' }
  | { readonly type: 'forked'; readonly pid: number }
  | { readonly type: 'forkFailed'; readonly code: string }
  | { readonly type: 'running'; readonly pid: number }
  | { readonly type: 'answered'; readonly pid: number; readonly number: number }
  | { readonly type: 'reloaded'; readonly pid: number }
  /** `status` is absent where a signal ended it. */
  | {
      readonly type: 'exited';
      readonly pid: number;
      readonly status?: number;
      readonly signal?: string;
    }
  /** It has been stopped by a signal (SIGSTOP). */
  | { readonly type: 'halted'; readonly pid: number }
  /** Its I/O thread says that its loop no longer turns. */
  | { readonly type: 'hung'; readonly pid: number }
  /** The spare has ended, or could not be started. */
  | { readonly type: 'spareGone' }
  | { readonly type: 'stop' }
  | { readonly type: 'reload' }
  /** The file has been read. `settings` absent: nothing may change, and the reasons have been logged. */
  | { readonly type: 'read'; readonly settings?: Settings }
  | { readonly type: 'dump'; readonly kind: DumpKind };

export type ParentAction =
  /**
   * Start a child, or the spare as the child, and configure it. `inherit`: it is told what its predecessor spoke for.
   * Answered by forked or forkFailed.
   */
  | { readonly type: 'fork'; readonly inherit: boolean }
  /** Answered by spareGone one day. */
  | { readonly type: 'startSpare' }
  | { readonly type: 'dropSpare' }
  /** Remove the addresses that a child left: nobody goes on in its role. */
  | { readonly type: 'clean' }
  | { readonly type: 'kill'; readonly pid: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'heartbeat'; readonly pid: number; readonly number: number }
  /** Read the configuration in a process of its own. Answered by read. */
  | { readonly type: 'read' }
  /** What was read is the configuration from now on. */
  | { readonly type: 'adopt' }
  /** Send the adopted configuration. Answered by reloaded. */
  | { readonly type: 'reloadChild'; readonly pid: number }
  | { readonly type: 'dumpChild'; readonly pid: number; readonly kind: DumpKind }
  | { readonly type: 'dumpParent' }
  /** The service manager wants to know. */
  | { readonly type: 'tell'; readonly condition: Condition }
  | { readonly type: 'log'; readonly severity: 'error' | 'warning' | 'info'; readonly text: string }
  | { readonly type: 'exit'; readonly status: number };

type Result = Step<ParentState, ParentAction>;

export function createParent(settings: Settings): ParentState {
  return {
    phase: 'running',
    status: 0,
    settings,
    child: { name: 'absent' },
    spare: false,
    reload: { phase: 'none', again: false },
    complete: false,
  };
}

export function nextDeadline({ child, cleanAt }: ParentState): Instant | undefined {
  const next = childDeadline(child);
  if (cleanAt === undefined || next === undefined) return cleanAt ?? next;
  return cleanAt < next ? cleanAt : next;
}

function childDeadline(child: Child): Instant | undefined {
  switch (child.name) {
    case 'starting':
    case 'running':
      return child.beatAt;
    case 'stopping':
      return child.killAt;
    case 'backingOff':
      return child.until;
    case 'silent':
    case 'forking':
    case 'absent':
      return undefined;
  }
}

export function step(state: ParentState, event: ParentEvent, now: Instant): Result {
  if (state.phase === 'ended') return stay(state);
  switch (event.type) {
    case 'begin':
      return begin(state);
    case 'deadline':
      return deadline(state, now);
    case 'forked':
      return forked(state, event.pid, now);
    case 'forkFailed':
      return forkFailed(state, event.code, now);
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

const stay = (state: ParentState): Result => ({ state, actions: [] });

const log = (severity: 'error' | 'warning' | 'info', text: string): ParentAction => ({
  type: 'log',
  severity,
  text,
});

const tell = (condition: Condition): ParentAction => ({ type: 'tell', condition });

/** The child that is `pid`, if it is one that is watched. */
function watched(state: ParentState, pid: number): Watched | undefined {
  const { child } = state;
  const alive = child.name === 'starting' || child.name === 'running';
  return alive && child.pid === pid ? child : undefined;
}

function begin(state: ParentState): Result {
  if (state.child.name !== 'absent') return stay(state);
  return state.settings.wanted ? fork(state, 0, false) : nothingToRun(state);
}

function nothingToRun(state: ParentState): Result {
  const text = 'Warning - keepalived has no configuration to run';
  return { state, actions: [log('warning', text), tell('ready')] };
}

const fork = (state: ParentState, failures: number, inherit: boolean): Result => ({
  state: { ...state, spare: false, child: { name: 'forking', failures } },
  actions: [{ type: 'fork', inherit }],
});

/** Nothing waits for a spare: it is started once the child runs, and again when one has gone. */
const withSpare = (state: ParentState, now: Instant): Result =>
  state.spare || state.phase !== 'running'
    ? stay(state)
    : { state: { ...state, spare: true, spareAt: now }, actions: [{ type: 'startSpare' }] };

/** Replaced at once, unless it had only just been started: then at the next heartbeat. */
function spareGone(before: ParentState, now: Instant): Result {
  const state: ParentState = { ...before, spare: false };
  const lived = state.spareAt !== undefined && now - state.spareAt >= HEARTBEAT;
  return lived && state.child.name === 'running' ? withSpare(state, now) : stay(state);
}

function forked(state: ParentState, pid: number, now: Instant): Result {
  const { child } = state;
  if (child.name !== 'forking')
    return { state, actions: [{ type: 'kill', pid, signal: 'SIGKILL' }] };
  const started: Child = {
    name: 'starting',
    pid,
    failures: child.failures,
    beatAt: after(now, HEARTBEAT),
    beat: 0,
    unanswered: 0,
  };
  const actions = [log('info', `Starting VRRP child process, pid=${pid}`)];
  return { state: { ...state, child: started }, actions };
}

function forkFailed(state: ParentState, code: string, now: Instant): Result {
  const { child } = state;
  if (child.name !== 'forking') return stay(state);
  const reason = log('error', `Cannot start the VRRP child process: ${code}`);
  return precede([CLEAN, reason], backOff(state, child.failures, now, false));
}

function running(state: ParentState, pid: number, now: Instant): Result {
  const child = watched(state, pid);
  if (child?.name !== 'starting') return stay(state);
  const actions = state.complete ? [] : [log('info', 'Startup complete'), tell('ready')];
  const next: Child = { ...child, name: 'running', since: now };
  const { cleanAt: _, ...rest } = state;
  return precede(actions, withSpare({ ...rest, child: next, complete: true }, now));
}

/** Answers to any heartbeat count: the loop turns. */
function answered(state: ParentState, pid: number, number: number): Result {
  const child = watched(state, pid);
  if (child === undefined || number > child.beat) return stay(state);
  return stay({ ...state, child: { ...child, unanswered: 0 } as Child });
}

function deadline(state: ParentState, now: Instant): Result {
  if (state.cleanAt === undefined || now < state.cleanAt) return ofChild(state, now);
  const { cleanAt: _, ...rest } = state;
  return precede([CLEAN], ofChild(rest, now));
}

function ofChild(state: ParentState, now: Instant): Result {
  const { child } = state;
  switch (child.name) {
    case 'starting':
    case 'running':
      return now < child.beatAt ? stay(state) : beat(state, child, now);
    case 'stopping':
      return child.killAt === undefined || now < child.killAt
        ? stay(state)
        : killStopping(state, child.pid);
    case 'backingOff':
      return now < child.until ? stay(state) : fork(state, child.failures, false);
    case 'silent':
    case 'forking':
    case 'absent':
      return stay(state);
  }
}

function beat(state: ParentState, child: Watched, now: Instant): Result {
  if (child.unanswered >= SILENCE)
    return distrust(state, child.pid, `has left ${SILENCE} heartbeats unanswered`);
  const number = child.beat + 1;
  // From now, not from the deadline: after a pause of this process there is one heartbeat, not many.
  const beatAt = after(now, HEARTBEAT);
  const next = { ...child, beat: number, unanswered: child.unanswered + 1, beatAt } as Child;
  const sent: Result = {
    state: { ...state, child: next },
    actions: [{ type: 'heartbeat', pid: child.pid, number }],
  };
  return child.name === 'running' ? chain(sent, (next) => withSpare(next, now)) : sent;
}

function killStopping(state: ParentState, pid: number): Result {
  return {
    state: { ...state, child: { name: 'stopping', pid, killAt: undefined } },
    actions: [
      log('error', 'vrrp process failed to die - forcing termination'),
      { type: 'kill', pid, signal: 'SIGKILL' },
    ],
  };
}

/** A child that cannot be relied on is killed at once; its end brings the next one. */
function distrust(state: ParentState, pid: number, why: string): Result {
  const child = watched(state, pid);
  if (child === undefined) return stay(state);
  const since = child.name === 'running' ? child.since : undefined;
  return {
    state: { ...state, child: { name: 'silent', pid, failures: child.failures, since } },
    actions: [
      log('error', `VRRP child process(${pid}) ${why} - forcing termination`),
      { type: 'kill', pid, signal: 'SIGKILL' },
    ],
  };
}

type Exit = Extract<ParentEvent, { readonly type: 'exited' }>;

function exited(state: ParentState, exit: Exit, now: Instant): Result {
  const { child } = state;
  if (!('pid' in child) || child.pid !== exit.pid) return stay(state);
  if (child.name === 'stopping') return gone(state);
  const permanent = permanentError(exit.status);
  if (permanent !== undefined && child.name !== 'silent') {
    const text = `pid ${exit.pid} exited with permanent error ${permanent}. Terminating`;
    const ended = { ...state, child: { name: 'absent' }, status: exit.status ?? 0 } as const;
    return end(ended, [CLEAN, log('error', text)]);
  }
  const actions: ParentAction[] = [];
  if (exit.signal !== undefined)
    actions.push(log('warning', `pid ${exit.pid} exited due to signal ${exit.signal}`));
  if (!state.settings.respawn) {
    actions.push(log('warning', `VRRP child process(${exit.pid}) died: Exiting`));
    actions.push(log('info', 'Stopping'), tell('stopping'), CLEAN);
    return end({ ...state, child: { name: 'absent' } }, actions);
  }
  actions.push(log('error', `VRRP child process(${exit.pid}) died: Respawning`));
  const since = 'since' in child ? child.since : undefined;
  const trusted = since !== undefined && now - since >= LONGEST_DELAY;
  const failures = trusted ? 0 : child.failures;
  // Only the first failure in a while: what ends twice in a minute would end a third time in its role.
  const inherit = since !== undefined && failures === 0;
  if (!inherit) {
    const { cleanAt: _, ...rest } = state;
    return precede([CLEAN, ...actions], backOff(rest, failures, now, false));
  }
  const cleanAt = after(now, state.settings.patience);
  return precede(actions, backOff({ ...state, cleanAt }, failures, now, true));
}

const CLEAN: ParentAction = { type: 'clean' };

/** Statuses that a new child would only repeat. */
function permanentError(status: number | undefined): string | undefined {
  if (status === 1) return 'FATAL';
  if (status === 2) return 'CONFIG';
  return status === 4 ? 'MISSING PERMISSION' : undefined;
}

/** Seconds before the start that follows `failures` earlier ones. */
export function respawnDelay(failures: number): Duration {
  if (failures === 0) return seconds(0);
  return Math.min(LONGEST_DELAY, seconds(2 ** Math.min(failures - 1, 10))) as Duration;
}

function backOff(state: ParentState, failures: number, now: Instant, inherit: boolean): Result {
  const delay = respawnDelay(failures);
  const text = `Restart of VRRP process delayed ${delay / 1_000_000} seconds to limit respawn rate`;
  const child: Child = { name: 'backingOff', until: after(now, delay), failures: failures + 1 };
  // What was being applied died with the child; the next one starts with it.
  const applied = state.reload.phase === 'applying' ? [log('info', 'Reload complete')] : [];
  const settled = settleReload({ ...state, child }, [...applied, log('info', text)]);
  return delay > 0 ? settled : precede(settled.actions, fork(settled.state, failures + 1, inherit));
}

const precede = (actions: readonly ParentAction[], { state, actions: rest }: Result): Result => ({
  state,
  actions: [...actions, ...rest],
});

/** A child that was asked to end has done so. */
function gone(state: ParentState): Result {
  const next: ParentState = { ...state, child: { name: 'absent' } };
  if (state.phase === 'stopping') return end(next, [CLEAN]);
  // It was stopped by a reload that left nothing for it; a later one may have brought something.
  return precede([CLEAN], next.settings.wanted ? fork(next, 0, false) : stay(next));
}

const end = (state: ParentState, actions: readonly ParentAction[]): Result => ({
  state: { ...state, phase: 'ended' },
  actions: [...actions, { type: 'exit', status: state.status }],
});

function stop(state: ParentState, status: number, now: Instant): Result {
  if (state.phase !== 'running') return stay(state);
  const stopping: ParentState = { ...state, phase: 'stopping', status };
  return precede([log('info', 'Stopping'), tell('stopping')], release(stopping, now));
}

/** Asks the child to end, if there is one, and its spare. */
function release(before: ParentState, now: Instant): Result {
  const state: ParentState = { ...before, spare: false };
  const dropped: ParentAction[] = before.spare ? [{ type: 'dropSpare' }] : [];
  return precede(dropped, releaseChild(state, now));
}

function releaseChild(state: ParentState, now: Instant): Result {
  const { child, settings } = state;
  switch (child.name) {
    case 'starting':
    case 'running':
    case 'silent': {
      const killAt = after(now, settings.childWait);
      const next: Child = { name: 'stopping', pid: child.pid, killAt };
      const signal = child.name === 'silent' ? 'SIGKILL' : 'SIGTERM';
      return {
        state: { ...state, child: next },
        actions: [{ type: 'kill', pid: child.pid, signal }],
      };
    }
    case 'stopping':
      return stay(state);
    case 'backingOff':
    case 'forking':
    case 'absent': {
      const none: ParentState = { ...state, child: { name: 'absent' } };
      return state.phase === 'stopping' ? end(none, []) : stay(none);
    }
  }
}

function reload(state: ParentState): Result {
  if (state.phase !== 'running') return stay(state);
  if (state.reload.phase !== 'none')
    return stay({ ...state, reload: { ...state.reload, again: true } });
  return startReload(state);
}

const startReload = (state: ParentState): Result => ({
  state: { ...state, reload: { phase: 'reading', again: false } },
  actions: [log('info', 'Reloading ...'), tell('reloading'), { type: 'read' }],
});

function read(state: ParentState, settings: Settings | undefined, now: Instant): Result {
  if (state.phase !== 'running' || state.reload.phase !== 'reading') return stay(state);
  if (settings === undefined) {
    const text = 'Configuration not reloaded: the previous one stays in force';
    return endReload(state, [log('error', text)]);
  }
  const adopted: ParentState = { ...state, settings };
  const adopt: ParentAction = { type: 'adopt' };
  const { child } = state;
  if (!settings.wanted) {
    const released = release(adopted, now);
    const warning = nothingToRun(released.state).actions.filter(({ type }) => type === 'log');
    return endReload(released.state, [adopt, ...released.actions, ...warning]);
  }
  switch (child.name) {
    case 'starting':
    case 'running':
      return {
        state: { ...adopted, reload: { ...state.reload, phase: 'applying' } },
        actions: [adopt, { type: 'reloadChild', pid: child.pid }],
      };
    case 'absent':
      return precede(
        [adopt],
        chain(fork(adopted, 0, false), (next) => endReload(next, [])),
      );
    // The next child starts with what has been adopted.
    case 'silent':
    case 'stopping':
    case 'backingOff':
    case 'forking':
      return endReload(adopted, [adopt]);
  }
}

const chain = (first: Result, then: (state: ParentState) => Result): Result =>
  precede(first.actions, then(first.state));

function reloaded(state: ParentState, pid: number): Result {
  if (watched(state, pid) === undefined) return stay(state);
  return settleReload(state, [log('info', 'Reload complete')]);
}

/** Ends the applying of a configuration, if there was one; `actions` come first in any case. */
const settleReload = (state: ParentState, actions: readonly ParentAction[]): Result =>
  state.reload.phase === 'applying' ? endReload(state, actions) : { state, actions };

function endReload(state: ParentState, actions: readonly ParentAction[]): Result {
  const { again } = state.reload;
  const settled: ParentState = { ...state, reload: { phase: 'none', again: false } };
  return again && settled.phase === 'running'
    ? precede(actions, startReload(settled))
    : { state: settled, actions: [...actions, tell('ready')] };
}

function dump(state: ParentState, kind: DumpKind): Result {
  const { child } = state;
  const actions: ParentAction[] = kind === 'data' ? [{ type: 'dumpParent' }] : [];
  if (child.name === 'starting' || child.name === 'running')
    actions.push({ type: 'dumpChild', pid: child.pid, kind });
  return { state, actions };
}
