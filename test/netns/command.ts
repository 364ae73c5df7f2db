// Runs short commands to their end and says, when one fails, which and why. Keeps nothing running.

import { execFile, execFileSync } from 'node:child_process';
import type { Program } from './programs.ts';
import { requireProgram } from './programs.ts';

/** Without the variable that costs every Node process 48 ms at start; times are printed in UTC. */
export function cleanEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, NODE_TEST_CONTEXT: ___, ...rest } = process.env;
  return { ...rest, TZ: 'UTC', LC_ALL: 'C', ...extra };
}

/** Standard output of the command; rejects with its standard error where the exit status is not 0. */
export function run(program: Program, words: readonly string[], input?: string): Promise<string> {
  const path = requireProgram(program);
  return new Promise((resolve, reject) => {
    const child = execFile(
      path,
      words,
      { env: cleanEnvironment(), maxBuffer: 64 << 20 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${program} ${words.join(' ')}: ${stderr.trim() || error.message}`));
      },
    );
    if (input !== undefined) child.stdin?.end(input);
  });
}

/** The same, blocking: for what must happen in one instant, and for removal at exit. */
export function runNow(program: Program, words: readonly string[]): string {
  return execFileSync(requireProgram(program), words, {
    env: cleanEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
