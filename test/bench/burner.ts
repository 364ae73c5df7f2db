// Load on every core: one endless loop for each, at normal priority. They end with this process.

import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { cleanEnvironment } from '../netns/command.ts';
import { requireProgram } from '../netns/programs.ts';

export class Burner {
  readonly #loops: readonly ChildProcess[];

  constructor() {
    const words = ['--pdeathsig', 'KILL', '/bin/sh', '-c', 'while :; do :; done'];
    this.#loops = cpus().map(() =>
      spawn(requireProgram('setpriv'), words, { stdio: 'ignore', env: cleanEnvironment() }),
    );
  }

  async stop(): Promise<void> {
    const ends = this.#loops.map((loop) => new Promise((resolve) => loop.on('exit', resolve)));
    for (const loop of this.#loops) loop.kill('SIGKILL');
    await Promise.all(ends);
  }
}
