// The life of one child, of whatever kind: started, watched by heartbeats, distrusted, started again after a delay, asked to
// end. What the end of a child means for the daemon is said in machine.ts.

import type { Kind } from '../ipc/messages.ts';
import type { Step } from '../lib/machine.ts';
import { after, type Duration, type Instant, millis, seconds } from '../lib/time.ts';
import type { ParentAction, Severity } from './action.ts';
import type { Child, ParentState, Stopping, Watched } from './state.ts';
import type { Condition } from './systemd.ts';

/** The parent asks this often, and the child's loop answers. */
export const HEARTBEAT: Duration = seconds(5);
/** Unanswered heartbeats that make a child silent. Counted, not timed: a parent that was frozen itself accuses nobody. */
export const SILENCE = 3;
/** Longest back-off, and the time that a child must run to be trusted again. keepalived 2.2.7: 0 1 2 4 ... 32 60 s. */
export const LONGEST_DELAY: Duration = seconds(60);

/** A start may take so long, as the limit of a turn has it. */
const START: Duration = seconds(10);

/** Who asks all processes to end, as systemd does, may be held up between two of them by the first one's end. */
export const ECHO: Duration = millis(100);

/** In keepalived's log lines. */
const TITLES: Readonly<Record<Kind, string>> = { vrrp: 'VRRP', check: 'Healthcheck' };
const NAMES: Readonly<Record<Kind, string>> = { vrrp: 'vrrp', check: 'checker' };

export type Result = Step<ParentState, ParentAction>;

export const stay = (state: ParentState): Result => ({ state, actions: [] });

export const log = (severity: Severity, text: string): ParentAction => ({
  type: 'log',
  severity,
  text,
});

export const tell = (condition: Condition): ParentAction => ({ type: 'tell', condition });

export const precede = (
  actions: readonly ParentAction[],
  { state, actions: rest }: Result,
): Result => ({ state, actions: [...actions, ...rest] });

export const chain = (first: Result, then: (state: ParentState) => Result): Result =>
  precede(first.actions, then(first.state));

export const setChild = (state: ParentState, kind: Kind, child: Child): ParentState => ({
  ...state,
  children: { ...state.children, [kind]: child },
});

/** Which of the children that have a process is `pid`. */
export const kindOf = ({ children }: ParentState, pid: number): Kind | undefined =>
  (Object.keys(children) as Kind[]).find((kind) => pidOf(children[kind]) === pid);

const pidOf = (child: Child): number | undefined => ('pid' in child ? child.pid : undefined);

/** As log lines name it: `VRRP child process(12)`. */
export const nameOf = (kind: Kind, pid: number): string => `${TITLES[kind]} child process(${pid})`;

/** The addresses that a VRRP child leaves are the only thing that somebody else has to remove. */
export const clean = (kind: Kind): readonly ParentAction[] =>
  kind === 'vrrp' ? [{ type: 'clean' }] : [];

export const isWatched = (child: Child): child is Watched =>
  child.name === 'starting' || child.name === 'running';

export function childDeadline(child: Child): Instant | undefined {
  switch (child.name) {
    case 'starting':
    case 'running':
      return child.beatAt;
    case 'stopping':
      return child.killAt;
    case 'left':
    case 'backingOff':
      return child.until;
    case 'silent':
    case 'forking':
    case 'absent':
      return undefined;
  }
}

// Starting

export function fork(state: ParentState, kind: Kind, failures: number, inherit: boolean): Result {
  const forking = setChild(state, kind, { name: 'forking', failures });
  return {
    // The spare, if there is one, is the child now.
    state: kind === 'vrrp' ? { ...forking, spare: false } : forking,
    actions: [{ type: 'fork', kind, inherit }],
  };
}

export function forked(state: ParentState, kind: Kind, pid: number, now: Instant): Result {
  const child = state.children[kind];
  if (child.name !== 'forking')
    return { state, actions: [{ type: 'kill', pid, signal: 'SIGKILL' }] };
  const said = log('info', `Starting ${TITLES[kind]} child process, pid=${pid}`);
  if (child.last === true)
    return {
      state: setChild(state, kind, clearing(pid, state, now)),
      actions: [said, { type: 'endChild', pid }],
    };
  const started: Child = {
    name: 'starting',
    pid,
    failures: child.failures,
    beatAt: after(now, HEARTBEAT),
    beat: 0,
    unanswered: 0,
  };
  return { state: setChild(state, kind, started), actions: [said] };
}

export function forkFailed(state: ParentState, kind: Kind, code: string, now: Instant): Result {
  const child = state.children[kind];
  if (child.name !== 'forking') return stay(state);
  const reason = log('error', `Cannot start the ${TITLES[kind]} child process: ${code}`);
  if (child.last === true)
    return { state: setChild(state, kind, { name: 'absent' }), actions: [reason] };
  return precede([...clean(kind), reason], backOff(state, kind, child.failures, now, false));
}

export function running(state: ParentState, pid: number, now: Instant): Result {
  const kind = kindOf(state, pid);
  const child = kind && state.children[kind];
  if (kind === undefined || child?.name !== 'starting') return stay(state);
  const next = setChild(state, kind, { ...child, name: 'running', since: now });
  if (kind !== 'vrrp') return stay(next);
  const { cleanAt: _, ...rest } = next;
  return withSpare(rest, now);
}

/** Nothing waits for a spare: it is started once the VRRP child runs, and again when one has gone. */
const withSpare = (state: ParentState, now: Instant): Result =>
  state.spare || state.phase !== 'running'
    ? stay(state)
    : { state: { ...state, spare: true, spareAt: now }, actions: [{ type: 'startSpare' }] };

/** Replaced at once, unless it had only just been started: then at the next heartbeat. */
export function spareGone(before: ParentState, now: Instant): Result {
  const state: ParentState = { ...before, spare: false };
  const lived = state.spareAt !== undefined && now - state.spareAt >= HEARTBEAT;
  return lived && state.children.vrrp.name === 'running' ? withSpare(state, now) : stay(state);
}

// Watching

/** Answers to any heartbeat count: the loop turns. */
export function answered(state: ParentState, pid: number, number: number): Result {
  const kind = kindOf(state, pid);
  const child = kind && state.children[kind];
  if (kind === undefined || child === undefined || !isWatched(child)) return stay(state);
  if (number > child.beat) return stay(state);
  return stay(setChild(state, kind, { ...child, unanswered: 0 } as Child));
}

/** What a deadline that has been reached asks of the child. */
export function meetDeadline(state: ParentState, kind: Kind, now: Instant): Result {
  const child = state.children[kind];
  const at = childDeadline(child);
  if (at === undefined || now < at) return stay(state);
  switch (child.name) {
    case 'starting':
    case 'running':
      return beat(state, kind, child, now);
    case 'stopping':
      return killStopping(state, kind, child);
    case 'left':
      return precede(
        [log('alert', `${nameOf(kind, child.was)} died: Respawning`)],
        backOff(state, kind, child.failures, now, false),
      );
    case 'backingOff':
      return fork(state, kind, child.failures, false);
    case 'silent':
    case 'forking':
    case 'absent':
      return stay(state);
  }
}

function beat(state: ParentState, kind: Kind, child: Watched, now: Instant): Result {
  if (child.unanswered >= SILENCE)
    return distrust(state, child.pid, `has left ${SILENCE} heartbeats unanswered`);
  const number = child.beat + 1;
  // From now, not from the deadline: after a pause of this process there is one heartbeat, not many.
  const beatAt = after(now, HEARTBEAT);
  const next = { ...child, beat: number, unanswered: child.unanswered + 1, beatAt } as Child;
  const sent: Result = {
    state: setChild(state, kind, next),
    actions: [{ type: 'heartbeat', pid: child.pid, number }],
  };
  return kind === 'vrrp' && child.name === 'running'
    ? chain(sent, (after) => withSpare(after, now))
    : sent;
}

/** A child that cannot be relied on is killed at once; its end brings the next one. */
export function distrust(state: ParentState, pid: number, why: string): Result {
  const kind = kindOf(state, pid);
  const child = kind && state.children[kind];
  if (kind === undefined || child === undefined || !isWatched(child)) return stay(state);
  const since = child.name === 'running' ? child.since : undefined;
  return {
    state: setChild(state, kind, { name: 'silent', pid, failures: child.failures, since }),
    actions: [
      log('error', `${nameOf(kind, pid)} ${why} - forcing termination`),
      { type: 'kill', pid, signal: 'SIGKILL' },
    ],
  };
}

// Starting again

/** Seconds before the start that follows `failures` earlier ones. */
export function respawnDelay(failures: number): Duration {
  if (failures === 0) return seconds(0);
  return Math.min(LONGEST_DELAY, seconds(2 ** Math.min(failures - 1, 10))) as Duration;
}

export function backOff(
  state: ParentState,
  kind: Kind,
  failures: number,
  now: Instant,
  inherit: boolean,
): Result {
  const delay = respawnDelay(failures);
  const text = `Restart of ${TITLES[kind]} process delayed ${delay / 1_000_000} seconds to limit respawn rate`;
  const until = after(now, delay);
  const waiting = setChild(state, kind, { name: 'backingOff', until, failures: failures + 1 });
  const said: Result = { state: waiting, actions: [log('info', text)] };
  return delay > 0 ? said : chain(said, (next) => fork(next, kind, failures + 1, inherit));
}

// Ending

/** Asks the child to end, if there is one. */
export function release(state: ParentState, kind: Kind, now: Instant): Result {
  const child = state.children[kind];
  switch (child.name) {
    case 'starting':
    case 'running':
    case 'silent': {
      const { pid } = child;
      const ends = stopping(pid, state, now);
      const isFresh = kind === 'check' && child.name === 'starting';
      // A signal may come before its configuration, and then it would leave what the one before it has put into IPVS.
      if (isFresh && child.failures > 0)
        return { state: setChild(state, kind, ends), actions: [{ type: 'endChild', pid }] };
      const signal = child.name === 'silent' ? 'SIGKILL' : 'SIGTERM';
      return {
        state: setChild(state, kind, isFresh ? { ...ends, last: true } : ends),
        actions: [{ type: 'kill', pid, signal }],
      };
    }
    case 'stopping':
      return stay(state);
    case 'backingOff':
      return clear(state, kind);
    case 'left':
    case 'forking':
    case 'absent':
      return stay(setChild(state, kind, { name: 'absent' }));
  }
}

/**
 * A child has died and will have no successor. What one that checks servers has put into IPVS nobody else takes out: another one
 * is started for that, and asked to end at once.
 */
export function clear(state: ParentState, kind: Kind): Result {
  if (kind !== 'check') return stay(setChild(state, kind, { name: 'absent' }));
  return {
    state: setChild(state, kind, { name: 'forking', failures: 0, last: true }),
    actions: [{ type: 'fork', kind, inherit: false }],
  };
}

/** It has been asked to end, and has so long for it. */
export const stopping = (pid: number, { settings }: ParentState, now: Instant): Stopping => ({
  name: 'stopping',
  pid,
  killAt: after(now, settings.childWait),
});

/** It has to start first. */
const clearing = (pid: number, state: ParentState, now: Instant): Stopping => ({
  ...stopping(pid, state, after(now, START)),
  last: true,
});

const killStopping = (state: ParentState, kind: Kind, child: Stopping): Result => ({
  state: setChild(state, kind, { ...child, killAt: undefined }),
  actions: [
    log('error', `${NAMES[kind]} process failed to die - forcing termination`),
    { type: 'kill', pid: child.pid, signal: 'SIGKILL' },
  ],
});
