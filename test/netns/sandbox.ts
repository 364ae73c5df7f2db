// One machine for one daemon: a network namespace with a live eth0, and a mount namespace with /run and /tmp of its own, so
// that default paths can be tested. Everything in it is removed at the end, on failure too. Needs root.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment, run, runNow } from './command.ts';
import { node, requireProgram } from './programs.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
export const program =
  process.env.KEEPALIVED_TEST_PROGRAM ?? join(project, 'dist', 'keepalived.js');

/** Options of a test that has one: without root there are no namespaces. */
/** For our daemons: what stands in for the IPVS that kernels of test machines lack. */
export const withIpvs = {
  NODE_OPTIONS: `--require=${fileURLToPath(new URL('../fixtures/ipvs.cjs', import.meta.url))}`,
};

export const options = {
  skip: process.getuid?.() === 0 ? false : 'needs root',
  timeout: 60_000,
};

/** One instance on eth0 with the address 10.9.0.100, ten adverts a second, and these lines. */
export const instance = (...more: readonly string[]): string => `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  version 3
  advert_int 0.1
  ${more.join('\n  ')}
  virtual_ipaddress {
    10.9.0.100
  }
}
`;

let counter = 0;

/** A program in the sandbox; its pid is the program's own. */
export interface Running {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Exit status, or the signal's name. */
  readonly ended: Promise<number | string>;
  stderr: string;
  stdout: string;
  signal(name: NodeJS.Signals | number): void;
}

export class Sandbox {
  readonly namespace: string;
  readonly folder: string;
  #holder: ChildProcess | undefined;

  constructor(namespace: string, folder: string) {
    this.namespace = namespace;
    this.folder = folder;
  }

  async open(): Promise<void> {
    const { namespace, folder } = this;
    await run('ip', ['netns', 'add', namespace]);
    const ip = (...words: string[]): Promise<string> => run('ip', ['-n', namespace, ...words]);
    await ip('link', 'set', 'lo', 'up');
    await ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0');
    await ip('link', 'set', 'eth0', 'up');
    await ip('link', 'set', 'peer0', 'up');
    await ip('addr', 'add', '10.9.0.1/24', 'dev', 'eth0');
    for (const name of ['run/netns', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
    // The project may itself lie below /tmp: it is bound into the new /tmp first.
    const below = relative('/tmp', dirname(project));
    const kept = below.startsWith('..')
      ? undefined
      : join(folder, 'tmp', relative('/tmp', project));
    if (kept !== undefined) mkdirSync(kept, { recursive: true });
    const script = [
      ...(kept === undefined ? [] : [`mount --bind '${project}' '${kept}'`]),
      `mount --rbind /run/netns '${folder}/run/netns'`,
      `mount --rbind '${folder}/run' /run`,
      `mount --rbind '${folder}/tmp' /tmp`,
      'echo mounted && exec sleep infinity',
    ].join(' && ');
    const words = ['--pdeathsig', 'KILL', requireProgram('unshare'), '--mount'];
    words.push('--propagation', 'private', '--', '/bin/sh', '-c', script);
    this.#holder = spawn(requireProgram('setpriv'), words, {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { stdout } = this.#holder;
    await new Promise<void>((resolve, reject) => {
      stdout?.once('data', () => resolve());
      this.#holder?.once('exit', () => reject(new Error('the sandbox could not be mounted')));
    });
  }

  /** Starts a program; `before` are words that run it, for example setpriv with options. */
  start(
    words: readonly string[],
    options: { directory?: string; env?: Record<string, string> } = {},
  ): Running {
    const inside = [
      `--net=/run/netns/${this.namespace}`,
      `--mount=/proc/${this.#holder?.pid}/ns/mnt`,
      `--wd=${options.directory ?? '/'}`,
      '--',
      ...words,
    ];
    const child = spawn(requireProgram('nsenter'), inside, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: cleanEnvironment(options.env),
    });
    const running: Running = {
      process: child,
      pid: child.pid ?? -1,
      stderr: '',
      stdout: '',
      ended: new Promise((resolve) => {
        child.on('close', (status, signal) => resolve(status ?? signal ?? 'unknown'));
      }),
      signal: (name) => {
        if (child.exitCode === null && child.signalCode === null)
          process.kill(child.pid ?? -1, name);
      },
    };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      running.stderr += text;
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      running.stdout += text;
    });
    return running;
  }

  /** The daemon under test, in the foreground with its log on stderr. */
  daemon(
    config: string,
    options: readonly string[] = [],
    env: Record<string, string> = {},
  ): Running {
    this.write('tmp/keepalived.conf', config);
    const words = ['-n', '-l', '-D', '-f', '/tmp/keepalived.conf', ...options];
    return this.start([node, program, ...words], { env });
  }

  /** A file below `run` or `tmp`; undefined where it is not there. */
  read(path: string): string | undefined {
    try {
      return readFileSync(join(this.folder, path), 'utf8');
    } catch {
      return undefined;
    }
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text, { mode: 0o644 });
  }

  /** The number in a PID file, 0 while there is none. */
  pid(path: string): number {
    return Number(this.read(path) ?? 0);
  }

  addresses(): Promise<string> {
    return run('ip', ['-n', this.namespace, '-4', '-br', 'addr', 'show', 'dev', 'eth0']);
  }

  close(): void {
    // Only what was started in this namespace.
    for (const pid of runNow('ip', ['netns', 'pids', this.namespace]).split('\n').filter(Boolean))
      endProcess(Number(pid));
    this.#holder?.kill('SIGKILL');
    runNow('ip', ['netns', 'del', this.namespace]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}

/** A sandbox that goes with the test. */
export async function sandbox(context: TestContext): Promise<Sandbox> {
  const namespace = `ka-sup-${process.pid}-${++counter}`;
  const made = new Sandbox(namespace, mkdtempSync(join(tmpdir(), 'ka-sup-')));
  context.after(() => made.close());
  await made.open();
  return made;
}

/** Waits until the log has this, behind its first `from` characters. */
export const logged = (daemon: Running, text: string | RegExp, from = 0): Promise<unknown> =>
  until(`the log line ${text}`, () => {
    const log = daemon.stderr.slice(from);
    return typeof text === 'string' ? log.includes(text) : text.test(log);
  }).catch(() => assert.fail(`no line ${text} in the log:\n${daemon.stderr}`));

/** Waits until `condition` gives something, and gives it back; fails with `what` after `limit` milliseconds. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  limit = 15_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + limit;
  for (;;) {
    const found = await condition();
    if (
      found !== undefined &&
      found !== null &&
      (found as unknown) !== false &&
      (found as unknown) !== 0
    )
      return found as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${limit} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
