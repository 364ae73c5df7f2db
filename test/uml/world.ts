// What a module that runs inside a machine stands on: network namespaces, programs, and daemons that are ours or
// keepalived's, each with files of its own. Two worlds of the same make, one with each daemon, can be compared: IPVS has
// a table for each network namespace.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { inNamespace } from '../../src/net/namespace.ts';

const PATIENCE = 30_000;

export type Kind = 'ours' | 'keepalived';

/** Standard output; throws with standard error where the status is not 0. */
export function sh(program: string, ...words: string[]): string {
  return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export const within = (namespace: string, program: string, ...words: string[]): string =>
  sh('ip', 'netns', 'exec', namespace, program, ...words);

/** Commands of ip(8) in a namespace, one a line, by one program: starting one for each takes longer than all of them. */
export const batch = (namespace: string, ...lines: readonly string[]): string =>
  execFileSync('ip', ['-n', namespace, '-batch', '-'], {
    encoding: 'utf8',
    input: `${lines.join('\n')}\n`,
    stdio: ['pipe', 'pipe', 'pipe'],
  });

/** A namespace whose loopback is up. */
export function addNamespace(name: string): void {
  sh('ip', 'netns', 'add', name);
  sh('ip', '-n', name, 'link', 'set', 'lo', 'up');
}

/** A cable between two namespaces. */
export function addCable(
  [one, oneName]: readonly [namespace: string, device: string],
  [other, otherName]: readonly [namespace: string, device: string],
): void {
  const cable = `${oneName} type veth peer name ${otherName} netns ${other}`;
  batch(one, `link add ${cable}`, `link set ${oneName} up`);
  sh('ip', '-n', other, 'link', 'set', otherName, 'up');
}

export const addAddress = (namespace: string, device: string, address: string): string =>
  sh(
    'ip',
    '-n',
    namespace,
    'address',
    'add',
    address,
    'dev',
    device,
    ...(address.includes(':') ? ['nodad'] : []),
  );

/** The first value that is neither undefined nor false. */
export async function until<T>(
  what: string | (() => string),
  condition: () => T | undefined | false,
  milliseconds = PATIENCE,
): Promise<T> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) {
      const missed = typeof what === 'string' ? what : what();
      throw new Error(`not within ${milliseconds} ms: ${missed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A port of a namespace on which something listens. */
export class Port {
  readonly #namespace: string;
  readonly #port: number;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  /** How often somebody has connected. */
  asked = 0;

  constructor(namespace: string, port: number) {
    this.#namespace = namespace;
    this.#port = port;
  }

  open(): void {
    this.#server = createServer((socket) => {
      this.asked += 1;
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    });
    // Without an address the socket is made at once, and so in here.
    inNamespace(this.#namespace, () => this.#server?.listen(this.#port));
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

let started = 0;

export class Daemon {
  readonly kind: Kind;
  /** What it has said. */
  text = '';
  /** Exit status, or the name of the signal; undefined while it runs. */
  end: number | string | undefined;
  /** The PID file of the child that checks servers. */
  readonly checkersPid: string;
  readonly #process: ChildProcess;
  readonly #file: string;

  constructor(kind: Kind, namespace: string, config: string, options: readonly string[] = []) {
    this.kind = kind;
    const folder = `/run/daemon${++started}`;
    mkdirSync(folder);
    this.#file = join(folder, 'keepalived.conf');
    this.write(config);
    const words = ['-n', '-l', '-D', '-f', this.#file, '-p', join(folder, 'keepalived.pid')];
    this.checkersPid = join(folder, 'check.pid');
    words.push('-r', join(folder, 'vrrp.pid'), '-c', this.checkersPid, ...options);
    const program =
      kind === 'keepalived'
        ? ['keepalived']
        : [process.execPath, join(process.env.KEEPALIVED_PROJECT ?? '', 'dist/keepalived.js')];
    this.#process = spawn('ip', ['netns', 'exec', namespace, ...program, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.text += text;
      });
    this.#process.once('exit', (status, signal) => {
      this.end = signal ?? status ?? 0;
    });
  }

  write(config: string): void {
    writeFileSync(this.#file, config, { mode: 0o644 });
  }

  signal(name: NodeJS.Signals | number): void {
    // A child of Node takes no real-time signals.
    if (this.#process.pid !== undefined) process.kill(this.#process.pid, name);
  }

  /** Until every process has the new configuration. */
  async reload(config: string): Promise<void> {
    const from = this.text.length;
    this.write(config);
    this.signal('SIGHUP');
    await until(
      () => `${this.kind} reloads:\n${this.text.slice(from)}`,
      () => this.text.slice(from).includes('Reload complete'),
    );
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM');
    await until(`${this.kind} ends`, () => this.end !== undefined);
  }
}

/** Lines of a table as ipvsadm saves it, sorted: the order is the kernel's hash. */
export const savedTable = (namespace: string): string[] =>
  within(namespace, 'ipvsadm', '-Sn')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .sort();

/** The sync daemons that run, as ipvsadm lists them. */
export const listedSync = (namespace: string): string[] =>
  within(namespace, 'ipvsadm', '-L', '--daemon')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .sort();
