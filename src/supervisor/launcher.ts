// Puts the daemon into the background: starts it in a session of its own and waits until it is set up or has failed.
// A caller that gets status 0 finds the PID file written.

import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { roleEnvironment, type SelfCommand } from './self.ts';

/** Where the daemon says that it is set up. */
const READY_FD = 3;

/** The status for the launching process. */
export function launch(self: SelfCommand, words: readonly string[]): Promise<number> {
  const daemon = spawn(self.execPath, [...self.execArgv, self.script, ...words], {
    argv0: 'keepalived',
    cwd: '/',
    detached: true,
    env: roleEnvironment({ name: 'daemon', directory: process.cwd() }),
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    daemon.on('error', reject);
    daemon.stdio[READY_FD]?.on('data', () => resolve(0));
    daemon.on('exit', (status) => resolve(status ?? 1));
  });
}

/** The daemon's side: the launcher may go. */
export function tellLauncher(): void {
  try {
    writeSync(READY_FD, '1');
  } catch {
    // The launcher has been killed; the daemon runs all the same.
  }
  closeSync(READY_FD);
}
