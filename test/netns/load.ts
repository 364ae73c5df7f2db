// Keeps every processor busy. The processes end with the test that started them, whatever happens to it.

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { cleanEnvironment } from './command.ts';
import { requireProgram } from './programs.ts';

export interface Burners {
  stop(): void;
}

export function startBurners(): Burners {
  const words = ['--pdeathsig', 'KILL', '/bin/sh', '-c', 'while :; do :; done'];
  const children = Array.from({ length: availableParallelism() }, () =>
    spawn(requireProgram('setpriv'), words, { stdio: 'ignore', env: cleanEnvironment() }),
  );
  return {
    stop: () => {
      for (const child of children) child.kill('SIGKILL');
    },
  };
}
