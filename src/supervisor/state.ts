// What the parent knows of its children, as plain data; who changes what is said in machine.ts and life.ts.

import type { Kind } from '../ipc/messages.ts';
import type { Duration, Instant } from '../lib/time.ts';

/** In the order in which they are started: addresses wait for nobody. */
export const KINDS: readonly Kind[] = ['vrrp', 'check'];

export interface Settings {
  /** false with -R: a dead child ends the daemon. */
  readonly respawn: boolean;
  /** How long a child may take to stop. */
  readonly childWait: Duration;
  /** false: the configuration has nothing for a child of this kind, or an option forbids it. */
  readonly wanted: Readonly<Record<Kind, boolean>>;
  /** reload_check_config: a reload is announced once the file is good, and what is wrong with it stands here. */
  readonly validation?: string;
  /** How long after a VRRP child's end somebody can still go on in its role (timeToAdopt in vrrp/schedule.ts). */
  readonly patience: Duration;
}

/** Each state carries what it needs and nothing else; only the last four have no process. */
export type Child =
  /** Started; its code may still be loading. */
  | Alive<'starting'>
  /** It has said that it runs. */
  | (Alive<'running'> & { readonly since: Instant })
  /** Killed because it was silent, stopped or hung; its end is awaited. */
  | {
      readonly name: 'silent';
      readonly pid: number;
      readonly failures: number;
      readonly since: Instant | undefined;
    }
  | Stopping
  /** It has ended as one does that is asked to; this process may be about to be asked too. `was` is its PID. */
  | {
      readonly name: 'left';
      readonly was: number;
      readonly until: Instant;
      readonly failures: number;
    }
  | { readonly name: 'backingOff'; readonly until: Instant; readonly failures: number }
  /** Ordered, and not yet told whether it worked. */
  | { readonly name: 'forking'; readonly failures: number; readonly last?: true }
  | { readonly name: 'absent' };

/** Asked to end. `last`: nobody is started after it to put away what it leaves. */
export interface Stopping {
  readonly name: 'stopping';
  readonly pid: number;
  readonly killAt: Instant | undefined;
  readonly last?: true;
}

export type Watched = Extract<Child, { readonly name: 'starting' | 'running' }>;

interface Alive<Name extends string> {
  readonly name: Name;
  readonly pid: number;
  readonly failures: number;
  readonly beatAt: Instant;
  /** Number of the last heartbeat sent. */
  readonly beat: number;
  readonly unanswered: number;
}

/**
 * `reading`: a process reads the file. `applying`: the children in `waiting` have the new configuration and have not said
 * so. A request during either is kept as `again`, however many there are.
 */
export type Reload =
  | { readonly phase: 'none' | 'reading'; readonly again: boolean }
  | { readonly phase: 'applying'; readonly again: boolean; readonly waiting: readonly number[] };

export interface ParentState {
  readonly phase: 'running' | 'stopping' | 'ended';
  /** What the process will end with. */
  readonly status: number;
  readonly settings: Settings;
  readonly children: Readonly<Record<Kind, Child>>;
  /** A process waits, with everything loaded, to take the VRRP child's place. */
  readonly spare: boolean;
  /** When the last spare was started. */
  readonly spareAt?: Instant;
  /** The VRRP child's addresses go now, unless a successor runs: the others have taken its role over. */
  readonly cleanAt?: Instant;
  readonly reload: Reload;
  /** 'Startup complete' has been said. */
  readonly complete: boolean;
}
