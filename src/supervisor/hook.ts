// startup_script and shutdown_script: one program that must end, or be ended, before the daemon goes on. Its output is nobody's,
// and whatever it returns the daemon goes on.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Script } from '../config/value.ts';
import type { Duration } from '../lib/time.ts';
import { killGroup } from '../net/kill.ts';
import { roleEnvironment, type SelfCommand } from './self.ts';

/** Between SIGTERM and SIGKILL for one that takes too long, in milliseconds. */
const GRACE = 1_000;

export class Hook {
  readonly #self: SelfCommand;
  readonly #say: (severity: 'error' | 'info', text: string) => void;
  #process: ChildProcess | undefined;

  constructor(self: SelfCommand, say: (severity: 'error' | 'info', text: string) => void) {
    this.#self = self;
    this.#say = say;
  }

  /** `kind` is the word in keepalived's log lines: startup or shutdown. */
  run(kind: 'startup' | 'shutdown', script: Script, timeout: Duration): Promise<void> {
    this.#say('info', `Running ${kind} script ${script.words[0]}`);
    return new Promise((resolve) => {
      const child = this.#start(script);
      this.#process = child;
      let timedOut = false;
      const timers = [
        setTimeout(() => {
          timedOut = true;
          this.#say('info', `${kind} script timed out`);
          this.#signal('SIGTERM');
        }, timeout / 1000),
        setTimeout(() => this.#signal('SIGKILL'), timeout / 1000 + GRACE),
      ];
      const done = (complaint?: string): void => {
        for (const timer of timers) clearTimeout(timer);
        if (complaint !== undefined && !timedOut) this.#say('error', complaint);
        this.#process = undefined;
        resolve();
      };
      child.on('error', (error) => done(`${kind} script cannot be run: ${error.message}`));
      child.on('exit', (status, signal) => {
        if (status === 0) done();
        else if (signal === null) done(`${kind} script script failed, status ${status}`);
        else done(`${kind} script script terminated by signal ${signal}`);
      });
    });
  }

  /** In a group of its own, so that what it has started ends with it. */
  #start(script: Script): ChildProcess {
    const { words, uid, gid, groups } = script;
    const [file = '', ...more] = words;
    const apart = { stdio: 'ignore', detached: true } as const;
    if (groups === undefined) return spawn(file, more, { ...apart, uid, gid });
    const { execPath, execArgv, script: program } = this.#self;
    const env = roleEnvironment({ name: 'script', script });
    return spawn(execPath, [...execArgv, program], { ...apart, env });
  }

  /** The daemon ends before the script has. */
  cancel(): void {
    this.#signal('SIGKILL');
  }

  #signal(name: NodeJS.Signals): void {
    const { pid } = this.#process ?? {};
    if (pid !== undefined) killGroup(pid, name);
  }
}
