// A client that asks an address every 10 ms whether it is there, and the longest time it got no answer.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { cleanEnvironment } from './command.ts';
import { requireProgram } from './programs.ts';

export interface Silence {
  /** Microseconds between the last answer before the silence and the first after it. */
  readonly length: number;
  readonly from: number;
  readonly until: number;
}

export interface Probe {
  readonly process: ChildProcess;
  /** Instants of the answers, microseconds since the lab's epoch. */
  readonly answers: readonly number[];
}

/** `ping -D` prints the instant of each answer as `[seconds.microseconds]`. */
export function startProbe(
  namespace: string,
  address: string,
  epoch: number,
  changed: () => void,
): Probe {
  const child = spawn(
    requireProgram('nsenter'),
    [`--net=/run/netns/${namespace}`, requireProgram('setpriv'), '--pdeathsig', 'KILL'].concat([
      requireProgram('ping'),
      '-D',
      '-n',
      '-i',
      '0.01',
      '-W',
      '1',
      address,
    ]),
    { stdio: ['ignore', 'pipe', 'ignore'], env: cleanEnvironment() },
  );
  const answers: number[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const match = /^\[(\d+)\.(\d+)\] \d+ bytes from/.exec(line);
      if (match !== null) answers.push((Number(match[1]) - epoch) * 1e6 + Number(match[2]));
    }
    changed();
  });
  return { process: child, answers };
}

/** The longest time between two successive answers. */
export function longestSilence(answers: readonly number[]): Silence {
  let longest: Silence = { length: 0, from: 0, until: 0 };
  for (let i = 1; i < answers.length; i++) {
    const from = answers[i - 1] as number;
    const until = answers[i] as number;
    if (until - from > longest.length) longest = { length: until - from, from, until };
  }
  return longest;
}
