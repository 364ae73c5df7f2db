// The parent's handle on one child: starts it, tells it orders, and turns its end, its stop, its silence pipe and
// its reports into calls. It decides nothing.

import type { ChildProcess } from 'node:child_process';
import type { Kind, Letter, Report } from '../ipc/messages.ts';
import type { LogOptions } from '../log.ts';
import { originPath } from '../net/namespace.ts';
import { native } from '../net/native.ts';
import { forkSelf, restorable, type SelfCommand } from './self.ts';

export interface ChildEvents {
  readonly report: (pid: number, report: Report) => void;
  readonly exited: (pid: number, status: number | undefined, signal: string | undefined) => void;
  /** Its I/O thread wrote to the dead-man pipe. */
  readonly hung: (pid: number) => void;
}

export class Child {
  readonly kind: Kind;
  readonly pid: number;
  readonly #process: ChildProcess;

  /** Throws where no process can be started. `words` are the command line that ps shows; `umask` beats the file's. */
  constructor(
    kind: Kind,
    self: SelfCommand,
    words: readonly string[],
    log: LogOptions,
    umask: number | undefined,
  ) {
    this.kind = kind;
    const role = {
      name: kind,
      parent: process.pid,
      origin: originPath(),
      log,
      restore: restorable(),
      ...(umask === undefined ? {} : { umask }),
    } as const;
    // 3 is the channel, 4 the dead-man pipe (DEADMAN_FD).
    const stdio = ['inherit', 'inherit', 'inherit', 'ipc', 'pipe'] as const;
    this.#process = forkSelf(self, words, role, [...stdio]);
    const { pid } = this.#process;
    // An 'error' event follows; the exception says the same at once.
    this.#process.on('error', () => {});
    if (pid === undefined) throw Object.assign(new Error('cannot fork'), { code: 'EAGAIN' });
    this.pid = pid;
  }

  /** A child says nothing before it is configured, so it may be listened to later than it was started. */
  listen(events: ChildEvents): void {
    const { pid } = this;
    this.#process.on('message', (report) => events.report(pid, report as Report));
    this.#process.on('exit', (status, signal) =>
      events.exited(pid, status ?? undefined, signal ?? undefined),
    );
    const deadman = this.#process.stdio[4];
    deadman?.on('data', () => events.hung(pid));
    deadman?.on('error', () => {});
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  send(letter: Letter): void {
    // A child that is gone is learnt of through 'exit'.
    if (this.#process.connected) this.#process.send(letter, () => {});
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** True while it is stopped by a signal. */
  halted(): boolean {
    try {
      return native.stopped(this.pid);
    } catch {
      return false;
    }
  }
}
