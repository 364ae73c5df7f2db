// keepalived 2.2.7 as the judge of configuration files, and our reader asked the same, both in a network namespace
// that is made here. Compares nothing.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { basename } from 'node:path';
import type { Judgement } from './judge.ts';

/** What keepalived -t answered. */
export interface Theirs {
  readonly status: number;
  /** FILE:LINE of every message that has one, FILE without its folders. */
  readonly lines: ReadonlySet<string>;
  readonly text: string;
}

export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Bench {
  readonly run: (words: readonly string[]) => Promise<Answer>;
  readonly askKeepalived: (path: string) => Promise<Theirs>;
  /** One process reads all of them; the answers are in the order of the paths. */
  readonly askUs: (paths: readonly string[]) => Promise<readonly Judgement[]>;
  readonly remove: () => void;
}

/** A fresh namespace; `lines` are commands of `ip -batch`. */
export function makeBench(name: string, lines: string): Bench {
  ip(['netns', 'add', name]);
  ip(['-n', name, '-force', '-batch', '-'], lines);
  const run = (words: readonly string[]): Promise<Answer> => runInside(name, words);
  return {
    run,
    askKeepalived: (path) => askKeepalived(run, path),
    askUs: (paths) => askUs(run, paths),
    remove: () => spawnSync('ip', ['netns', 'del', name]),
  };
}

/** Three interfaces with addresses, as most files expect. */
export const THREE_INTERFACES = [
  'link set lo up',
  ...[0, 1, 2].flatMap((n) => [
    `link add eth${n} type veth peer name peer${n}`,
    `address add 10.9.${n}.1/24 dev eth${n}`,
    `link set eth${n} up`,
    `link set peer${n} up`,
  ]),
  '',
].join('\n');

function ip(words: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8', input });
  assert.equal(status, 0, `ip ${words.join(' ')}: ${stderr}`);
}

/** As a shell counts a program that a signal ended. */
const signalStatus = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

function runInside(name: string, words: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 1 << 28, timeout: 100_000 };
    execFile('ip', ['netns', 'exec', name, ...words], options, (error, stdout, stderr) => {
      // ip execs the program, so its signal is what ends the process here.
      const died = error?.killed === false && error.signal ? signalStatus(error.signal) : undefined;
      const code = error === null ? 0 : (died ?? error.code);
      if (typeof code === 'number') resolve({ status: code, stdout, stderr });
      else reject(error as Error);
    });
  });
}

/** `(FILE: Line N) text`, or `(Line N) text` while only one file is read. */
async function askKeepalived(run: Bench['run'], path: string): Promise<Theirs> {
  // On some files it never ends; that counts as if it had crashed.
  const limit = ['timeout', '-s', 'KILL', '60'];
  const { status, stderr } = await run([...limit, 'keepalived', '-t', '-i', 'vm', '-f', path]);
  const found = [...stderr.matchAll(/^\((?:(.*): )?Line (\d+)\)/gm)];
  const lines = found.map(([, file = path, line]) => `${basename(file)}:${line}`);
  return { status, lines: new Set(lines), text: stderr };
}

async function askUs(run: Bench['run'], paths: readonly string[]): Promise<readonly Judgement[]> {
  const judge = new URL('judge.ts', import.meta.url).pathname;
  const judged = await run([process.execPath, '--import', 'tsx', judge, ...paths]);
  assert.equal(judged.status, 0, judged.stderr);
  return judged.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Judgement);
}

/** The lines that ours complains of; `quiet` adds those that keepalived need not speak of. */
export const linesOf = (ours: Judgement, path: string, quiet: boolean): Set<string> =>
  new Set(
    ours.complaints
      .filter((c) => c.line !== undefined && (quiet || !c.quiet))
      .map((c) => `${basename(c.file ?? path)}:${c.line}`),
  );
