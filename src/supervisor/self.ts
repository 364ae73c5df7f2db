// How this program starts itself. Nobody else knows, so that a single executable can do it too, and nothing of the
// parent's interpreter options is inherited by accident.

import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import type { Script } from '../config/value.ts';
import type { Kind } from '../ipc/messages.ts';
import type { LogOptions } from '../log.ts';

export interface SelfCommand {
  readonly execPath: string;
  /** Options of the interpreter. */
  readonly execArgv: readonly string[];
  /** The program's own file. */
  readonly script: string;
}

/** What kind of process this is; it travels in an environment variable that main.ts removes first thing. */
export type Role =
  /** The parent in the background; `directory` is where the command was given. */
  | { readonly name: 'daemon'; readonly directory: string }
  | {
      readonly name: Kind;
      readonly parent: number;
      /** Path of the network namespace that the parent was started in. */
      readonly origin: string;
      readonly log: LogOptions;
      /** Variables that cost time at start and that scripts want back. */
      readonly restore: Readonly<Record<string, string>>;
      /** -u. */
      readonly umask?: number;
    }
  | { readonly name: 'mailer' }
  /** Runs a script with more groups than its own, which Node's way of starting programs takes away. */
  | { readonly name: 'script'; readonly script: Script }
  | {
      readonly name: 'reader';
      readonly source: Source;
      /** Where the part of each child goes. */
      readonly parcels: Readonly<Record<Kind, string>>;
      readonly namespace?: string;
      /** Where what is wrong with the file is written: then everything that is wrong counts. */
      readonly validation?: string;
      /** Which reading of the daemon this is, from 0. */
      readonly serial: number;
    };

/** What to read, and as whom. */
export interface Source {
  readonly file: string;
  readonly configId?: string;
  readonly allConfig: boolean;
}

export const ROLE = 'KEEPALIVED_ROLE';

/** The young part of the heap, in MB: what a flood throws away must not be 40 MB before somebody looks. */
const HEAP = ['--max-semi-space-size=2'];

/**
 * Where much is made at once: what thousands of checks a second leave, and what a big file is made into, is young, and each
 * look at a small part copies all that is under way: a fifth of the processor time. One that has little to do does not use
 * the room.
 */
const ROOM = '--max-semi-space-size=16';
const ROOMY: ReadonlySet<Role['name']> = new Set(['check', 'reader']);

export function childCommand(): SelfCommand {
  const script = process.argv[1] ?? '';
  return {
    execPath: process.execPath,
    // From source the TypeScript loader is needed; dist/ runs by itself.
    execArgv: script.endsWith('.ts') ? ['--import', 'tsx'] : HEAP,
    script,
  };
}

/** The environment of a process that is to have `role`. */
export function roleEnvironment(role: Role): Record<string, string | undefined> {
  const environment: Record<string, string | undefined> = { ...process.env };
  environment[ROLE] = JSON.stringify(role);
  // Costs a Node process 48 ms at start.
  delete environment.NODE_EXTRA_CA_CERTS;
  return environment;
}

/** A process of this program that has `role`; `stdio` has an 'ipc' for the channel to it. It has no pid where none could be started. */
export function forkSelf(
  self: SelfCommand,
  words: readonly string[],
  role: Role,
  stdio: NonNullable<ForkOptions['stdio']>,
): ChildProcess {
  const options: ForkOptions & { readonly argv0: string } = {
    execPath: self.execPath,
    // The last word counts.
    execArgv: [...self.execArgv, ...(ROOMY.has(role.name) ? [ROOM] : [])],
    env: roleEnvironment(role),
    stdio,
    argv0: 'keepalived',
  };
  return fork(self.script, words, options);
}

/** What roleEnvironment takes away and the role gives back. */
export function restorable(): Record<string, string> {
  const { NODE_EXTRA_CA_CERTS } = process.env;
  return NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS };
}
