// What is known of the things that instances track besides links: scripts run again and again, numbers in files,
// processes that come and go. Facts come in as events, deadlines are in the state. What they mean for an
// instance is weight.ts's.

import type { Script } from '../config/value.ts';
import { integerIn, isInt } from '../lib/number.ts';
import { after, type Duration, type Instant, seconds } from '../lib/time.ts';
import type { Severity, VrrpAction } from './action.ts';
import type { TrackFile, TrackLists, TrackProcess, VrrpScript } from './definitions.ts';
import type { Observed } from './event.ts';
import type { VrrpConfig } from './keywords.ts';
import { earliest, nextSend } from './schedule.ts';

export interface Trackers {
  readonly scripts: Readonly<Record<string, ScriptState>>;
  /** The number in each file; 0 for one that is not there. */
  readonly files: Readonly<Record<string, number>>;
  readonly processes: Readonly<Record<string, ProcessState>>;
  /** Names the next run of a script, and never another one. */
  readonly nextRun: number;
}

export interface ScriptState {
  readonly config: VrrpScript & { readonly script: Script };
  /** 'pending' until the first result. */
  readonly status: 'pending' | 'good' | 'bad';
  /** init_fail: a pending one counts as failed. */
  readonly failsFirst: boolean;
  /** keepalived's counter: 0 to rise - 1 is bad, rise to rise + fall - 1 good. */
  readonly result: number;
  /** Exit status of the last run that exited. */
  readonly exitStatus: number;
  /** Whether this command has run, or could not be run so far. */
  readonly program?: 'runs' | 'unfit';
  readonly dueAt: Instant;
  readonly run?: Run;
}

interface Run {
  readonly id: number;
  /** When it has failed by taking too long; then `killAt` says when it is ended for good. */
  readonly timeoutAt?: Instant;
  readonly killAt?: Instant;
}

export interface ProcessState {
  readonly config: TrackProcess;
  readonly current: number;
  /** There are enough and not too many, for long enough. */
  readonly up: boolean;
  /** When `up` changes, unless the number changes back. */
  readonly changeAt?: Instant;
}

export type RunEnd =
  | { readonly status: number }
  | { readonly signal: number }
  /** It could not be started; unfit: the file cannot be run at all. */
  | { readonly refused: string; readonly unfit?: true };

export const NOTHING_OBSERVED: Observed = { files: {}, counts: {} };

export const NO_TRACKERS: Trackers = { scripts: {}, files: {}, processes: {}, nextRun: 1 };

/** Due before anything else; those that are take turns from then on. */
const AT_ONCE = 0 as Instant;
/** What a script that ignores SIGTERM is given before SIGKILL. */
const GRACE = seconds(2);

/** Names of those of a kind that something tracks. */
function usedNames(config: VrrpConfig, keyword: keyof TrackLists): ReadonlySet<string> {
  const lists: readonly TrackLists[] = [...config.vrrp_instance, ...(config.vrrp_sync_group ?? [])];
  return new Set(lists.flatMap((list) => (list[keyword] ?? []).map(({ name }) => name)));
}

export function trackedFiles(config: VrrpConfig): readonly TrackFile[] {
  const used = usedNames(config, 'track_file');
  return (config.track_file ?? []).filter(({ name }) => used.has(name));
}

export function trackedProcesses(config: VrrpConfig): readonly TrackProcess[] {
  const used = usedNames(config, 'track_process');
  return (config.vrrp_track_process ?? []).filter(({ name }) => used.has(name));
}

/** Those that something tracks: others are not run. */
export function trackedScripts(config: VrrpConfig): readonly ScriptState['config'][] {
  const used = usedNames(config, 'track_script');
  return (config.vrrp_script ?? []).filter(
    (script): script is ScriptState['config'] =>
      script.script !== undefined && used.has(script.name),
  );
}

export function createScripts(config: VrrpConfig): Trackers['scripts'] {
  return Object.fromEntries(
    trackedScripts(config).map((script) => [script.name, createScript(script)]),
  );
}

const createScript = (config: ScriptState['config']): ScriptState => ({
  config,
  status: 'pending',
  failsFirst: config.init_fail,
  result: 0,
  exitStatus: 0,
  dueAt: AT_ONCE,
});

export function trackerDeadline({ scripts, processes }: Trackers): Instant | undefined {
  let best: Instant | undefined;
  for (const name in processes) best = earliest(best, processes[name]?.changeAt);
  for (const name in scripts) {
    const script = scripts[name];
    if (script !== undefined)
      best = earliest(best, script.dueAt, script.run?.timeoutAt, script.run?.killAt);
  }
  return best;
}

/** Nothing that instances look at has changed. */
export function saysTheSame(before: Trackers, now: Trackers): boolean {
  if (before.files !== now.files) return false;
  for (const name in now.processes)
    if (before.processes[name]?.up !== now.processes[name]?.up) return false;
  if (before.scripts === now.scripts) return true;
  for (const name in now.scripts)
    if (before.scripts[name]?.status !== now.scripts[name]?.status) return false;
  return true;
}

/** What changes at `now`: scripts are started, and those that take too long have failed and are ended. */
export function wakeScripts(trackers: Trackers, now: Instant, actions: VrrpAction[]): Trackers {
  let next = trackers;
  const all = Object.values(trackers.scripts);
  for (const [position, script] of all.entries()) {
    let state = overdue(script, now, actions);
    if (state.dueAt <= now) {
      const spread = state.dueAt === AT_ONCE ? (position + 1) / all.length : undefined;
      const { interval } = state.config;
      const dueAt =
        spread === undefined
          ? nextSend(after(state.dueAt, interval), interval, after(now, 1 as Duration))
          : after(now, Math.ceil(interval * spread) as Duration);
      state = { ...state, dueAt };
      if (state.run === undefined) {
        const id = next.nextRun;
        actions.push({ type: 'probe', run: id, script: state.config.script });
        const timeoutAt = after(now, state.config.timeout ?? interval);
        state = { ...state, run: { id, timeoutAt } };
        next = { ...next, nextRun: id + 1 };
      } else {
        const what = state.run.killAt === undefined ? 'already running' : 'being timed out';
        say(
          actions,
          'detail',
          `Track script ${state.config.name} is ${what}, expect idle - skipping run`,
        );
      }
    }
    if (state !== script)
      next = { ...next, scripts: { ...next.scripts, [script.config.name]: state } };
  }
  return next;
}

/** keepalived counts the failure when the script has gone; here it has failed when its time is over. */
function overdue(script: ScriptState, now: Instant, actions: VrrpAction[]): ScriptState {
  const { run } = script;
  if (run === undefined) return script;
  if (run.killAt !== undefined) {
    if (run.killAt > now) return script;
    actions.push({ type: 'kill', run: run.id, signal: 'SIGKILL' });
    return { ...script, run: { id: run.id, killAt: after(now, GRACE) } };
  }
  if (run.timeoutAt === undefined || run.timeoutAt > now) return script;
  actions.push({ type: 'kill', run: run.id, signal: 'SIGTERM' });
  const failed = failure(script, 'timed_out', actions);
  return { ...failed, run: { id: run.id, killAt: after(now, GRACE) } };
}

/** A run has ended. One that nobody waits for, or that has been counted as failed, tells nothing more. */
export function onRunEnd(
  trackers: Trackers,
  id: number,
  end: RunEnd,
  actions: VrrpAction[],
): Trackers {
  const script = Object.values(trackers.scripts).find(({ run }) => run?.id === id);
  if (script === undefined) return trackers;
  const { run, ...idle } = script;
  const next = run?.killAt === undefined ? judged(idle, end, actions) : idle;
  return { ...trackers, scripts: { ...trackers.scripts, [script.config.name]: next } };
}

function judged(script: ScriptState, end: RunEnd, actions: VrrpAction[]): ScriptState {
  if ('refused' in end)
    return end.unfit === true && script.program !== 'runs'
      ? unfit(script, end.refused, actions)
      : failure(script, `failed (${end.refused})`, actions);
  const ran: ScriptState = { ...script, program: 'runs' };
  if ('signal' in end) return failure(ran, `failed (due to signal ${end.signal})`, actions);
  const { status } = end;
  let next = ran;
  if (status !== script.exitStatus) {
    say(actions, 'info', `Script \`${script.config.name}\` now returning ${status}`);
    next = { ...ran, exitStatus: status };
  }
  return status === 0
    ? success(next, actions)
    : failure(next, `failed (exited with status ${status})`, actions);
}

/**
 * A file that nobody could ever run counts as good, as with keepalived and like one that is not executable: machines
 * that did well without what it was meant to find out must not all fail at once.
 */
function unfit(script: ScriptState, why: string, actions: VrrpAction[]): ScriptState {
  const { name } = script.config;
  if (script.program === undefined)
    say(
      actions,
      'warning',
      `WARNING - script \`${name}\` cannot be run (${why}): it counts as successful`,
    );
  return success({ ...script, program: 'unfit' }, actions);
}

function success(script: ScriptState, actions: VrrpAction[]): ScriptState {
  const { name, rise, fall } = script.config;
  if (script.status === 'bad' && script.result + 1 < rise)
    return { ...script, result: script.result + 1 };
  if (script.status !== 'good') say(actions, 'info', `VRRP_Script(${name}) succeeded`);
  return { ...script, status: 'good', result: rise + fall - 1 };
}

function failure(script: ScriptState, how: string, actions: VrrpAction[]): ScriptState {
  const { name, rise } = script.config;
  if (script.status === 'good' && script.result - 1 >= rise)
    return { ...script, result: script.result - 1 };
  if (script.status !== 'bad') say(actions, 'info', `VRRP_Script(${name}) ${how}`);
  return { ...script, status: 'bad', result: 0 };
}

/** The process before this one was master with these scripts, so they had succeeded. */
export function assumeGood(trackers: Trackers, names: readonly string[]): Trackers {
  const scripts = { ...trackers.scripts };
  for (const name of names) {
    const script = scripts[name];
    if (script?.status === 'pending')
      scripts[name] = {
        ...script,
        status: 'good',
        result: script.config.rise + script.config.fall - 1,
      };
  }
  return { ...trackers, scripts };
}

/**
 * A reload keeps what is known of scripts that are there by name, whatever they run now, and asks all of them again at
 * once. A run goes on while it is of the same command; others are ended.
 */
export function reloadTrackers(
  trackers: Trackers,
  config: VrrpConfig,
  observed: Observed,
  actions: VrrpAction[],
): Trackers {
  const scripts: Record<string, ScriptState> = {};
  for (const wanted of trackedScripts(config)) {
    const old = trackers.scripts[wanted.name];
    if (old === undefined) {
      // Nobody loses priority by being given a script that has not run yet.
      scripts[wanted.name] = { ...createScript(wanted), failsFirst: false };
      continue;
    }
    scripts[wanted.name] = adapt(old, wanted);
    if (old.status !== 'pending') {
      const how = old.status === 'good' ? 'successful' : 'unsuccessful';
      say(actions, 'info', `VRRP_Script(${wanted.name}) considered ${how} on reload`);
    }
  }
  for (const { run, config: old } of Object.values(trackers.scripts))
    if (run !== undefined && scripts[old.name]?.run !== run)
      actions.push({ type: 'kill', run: run.id, signal: 'SIGKILL' });
  return observe({ ...trackers, scripts }, config, observed, actions);
}

function adapt(old: ScriptState, config: ScriptState['config']): ScriptState {
  const { rise, fall, interval } = config;
  const result =
    old.status === 'good'
      ? Math.max(rise, Math.min(old.result, rise + fall - 1))
      : Math.min(old.result, rise - 1);
  const next = { ...old, config, failsFirst: old.failsFirst && config.init_fail, result };
  const { run, program, ...idle } = next;
  if (JSON.stringify(old.config.script) !== JSON.stringify(config.script))
    return { ...idle, dueAt: AT_ONCE };
  return run === undefined
    ? { ...next, dueAt: AT_ONCE }
    : { ...next, dueAt: after(old.dueAt, (interval - old.config.interval) as Duration) };
}

// Files

/** What a file holds now; absent: it is not there, which counts as 0. */
export function onFileRead(
  trackers: Trackers,
  { name, file }: Pick<TrackFile, 'name' | 'file'>,
  text: string | undefined,
  actions: VrrpAction[],
): Trackers {
  const number = integerIn(text);
  if (!isInt(number)) {
    say(actions, 'info', `Invalid number ${number} read from ${file} - ignoring`);
    return trackers;
  }
  const value = Number(number);
  if (trackers.files[name] === value) return trackers;
  return { ...trackers, files: { ...trackers.files, [name]: value } };
}

// Processes

const createProcess = (config: TrackProcess, current: number): ProcessState => ({
  config,
  current,
  up: isQuorum(config, current),
});

/** How things are when a process begins, or begins to look at them. */
export function observe(
  trackers: Trackers,
  config: VrrpConfig,
  { files, counts }: Observed,
  actions: VrrpAction[],
): Trackers {
  let next: Trackers = {
    ...trackers,
    processes: Object.fromEntries(
      trackedProcesses(config).map((wanted) => {
        const { name } = wanted;
        const old = trackers.processes[name];
        const same = old !== undefined && JSON.stringify(old.config) === JSON.stringify(wanted);
        return [name, same ? old : createProcess(wanted, counts[name] ?? 0)];
      }),
    ),
  };
  for (const file of trackedFiles(config)) next = onFileRead(next, file, files[file.name], actions);
  return next;
}

function isQuorum({ quorum, quorum_max: most }: TrackProcess, count: number): boolean {
  if (most === 0) return count === 0;
  return count >= quorum && (most === undefined || count <= most);
}

/** So many run now. */
export function onProcesses(
  trackers: Trackers,
  counts: Readonly<Record<string, number>>,
  now: Instant,
  actions: VrrpAction[],
): Trackers {
  const processes: Record<string, ProcessState> = {};
  for (const [name, state] of Object.entries(trackers.processes)) {
    const current = counts[name] ?? 0;
    const { changeAt: before, ...rest } = state;
    const quorum = isQuorum(state.config, current);
    if (quorum === state.up) {
      processes[name] = { ...rest, current };
      continue;
    }
    const { delay = 0, fork_delay, terminate_delay } = state.config;
    const changeAt =
      before ?? after(now, ((quorum ? fork_delay : terminate_delay) ?? delay) as Duration);
    processes[name] = { ...rest, current, changeAt };
  }
  return wakeProcesses({ ...trackers, processes }, now, actions);
}

export function wakeProcesses(trackers: Trackers, now: Instant, actions: VrrpAction[]): Trackers {
  let next = trackers;
  for (const [name, { changeAt, ...state }] of Object.entries(trackers.processes)) {
    if (changeAt === undefined || changeAt > now) continue;
    const up = !state.up;
    say(actions, 'info', `Quorum ${up ? 'gained' : 'lost'} for tracked process ${name}`);
    next = { ...next, processes: { ...next.processes, [name]: { ...state, up } } };
  }
  return next;
}

/** Nothing is run any more, and what runs is ended. */
export function endScripts(trackers: Trackers, actions: VrrpAction[]): Trackers {
  for (const { run } of Object.values(trackers.scripts))
    if (run !== undefined) actions.push({ type: 'kill', run: run.id, signal: 'SIGKILL' });
  return { ...trackers, scripts: {} };
}

function say(actions: VrrpAction[], severity: Severity, text: string): void {
  actions.push({ type: 'log', severity, text });
}
