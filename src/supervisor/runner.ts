// The process between the parent and a startup or shutdown script that has supplementary groups: Node gives them up
// wherever it changes the user, so this process becomes that user first. It ends as the script does.

import { spawn } from 'node:child_process';
import type { Script } from '../config/value.ts';

/** The exit status; a signal that ended the script ends this process too. */
export function runAs({ words: [file = '', ...words], uid, gid, groups }: Script): Promise<number> {
  process.setgroups?.([...(groups ?? [gid])]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  return new Promise((resolve) => {
    const child = spawn(file, words, { stdio: 'ignore' });
    child.on('error', () => resolve(127));
    child.on('exit', (status, signal) => {
      if (signal !== null) process.kill(process.pid, signal);
      else resolve(status ?? 0);
    });
  });
}
