// A machine of its own: boots a user-mode Linux kernel that has IPVS, runs one module of TypeScript in it as root, and
// gives back what that module's `main` returned. The machine's power is always cut, after failure and time-out too, and
// nothing of it is left. Its root file system is this machine's, so every program is there; /tmp, /run and /proc are its own.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { atEnd } from '../netns/ending.ts';
import { type First, prepareBoot } from './boot.ts';

/** Where Debian's package user-mode-linux has the modules of its kernel. */
const MODULES = '/usr/lib/uml/modules';
/** Not below /tmp or /run: the machine has its own. */
const FOLDER = '/var/tmp/ka-uml-';
const project = fileURLToPath(new URL('../..', import.meta.url));

export interface MachineOptions {
  /** What `main` is called with. */
  readonly input?: unknown;
  /** How long it may take from power on to power off. */
  readonly milliseconds?: number;
  readonly memory?: string;
  /** Under systemd the root is a layer in memory on top of this machine's file system, which is read-only. */
  readonly first?: First;
}

/** What the machine left in its folder. */
export type Outcome =
  | { readonly value: unknown; readonly milliseconds: number }
  | { readonly error: string };

const living = new Map<ChildProcess, string>();

/**
 * Runs `main` of the module, a function of the input to a promise of JSON, and returns that.
 * @throws Error with what `main` threw, or with the machine's last words where it came to no end.
 */
export async function runInside<T>(
  module: string,
  { input, milliseconds = 120_000, memory = '1024M', first = 'shell' }: MachineOptions = {},
): Promise<T> {
  guard();
  const folder = mkdtempSync(`${FOLDER}${process.pid}-`);
  try {
    prepareModules(folder);
    await bundle(module, folder);
    writeFileSync(join(folder, 'input.json'), JSON.stringify(input ?? null));
    const words = prepareBoot(first, { folder, project });
    const console = await boot(folder, words, memory, milliseconds);
    return read<T>(folder, console);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The modules as modprobe wants them: links to Debian's, and an index. */
function prepareModules(folder: string): void {
  const [version] = readdirSync(MODULES);
  if (version === undefined)
    throw new Error(`${MODULES} is empty: apt-get install user-mode-linux`);
  const target = join(folder, 'lib/modules');
  mkdirSync(target, { recursive: true });
  execFileSync('cp', ['-as', join(MODULES, version), target]);
  for (const name of readdirSync(join(target, version)))
    if (/^modules\.(?!builtin|order)/.test(name)) rmSync(join(target, version, name));
  execFileSync('depmod', ['-b', folder, version]);
  // The kernel asks for modules through this program, and so does everybody who looks in the PATH.
  mkdirSync(join(folder, 'bin'));
  const modprobe = execFileSync('sh', ['-c', 'PATH=$PATH:/usr/sbin:/sbin command -v modprobe'], {
    encoding: 'utf8',
  }).trim();
  const program = join(folder, 'bin/modprobe');
  writeFileSync(program, `#!/bin/sh\nexec ${modprobe} -d ${folder} "$@"\n`);
  chmodSync(program, 0o755);
}

/** One file that Node starts at once: translating every source inside would take longer than booting. */
async function bundle(module: string, folder: string): Promise<void> {
  await build({
    stdin: {
      contents: `import { main } from ${JSON.stringify(fileURLToPath(module))};
        import { conclude } from ${JSON.stringify(join(project, 'test/uml/conclude.ts'))};
        await conclude(main);`,
      resolveDir: project,
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outfile: join(folder, 'inside.mjs'),
    logLevel: 'warning',
    sourcemap: 'inline',
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}

/** From power on to power off; what the kernel said. */
function boot(
  folder: string,
  first: readonly string[],
  memory: string,
  milliseconds: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const words = [...first];
    words.push(`mem=${memory}`, `uml_dir=${folder}/uml/`, 'con=null', 'con0=null,fd:1', 'quiet');
    // A session of its own: one kill reaches every process that is a part of the kernel.
    const child = spawn('linux.uml', words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      cwd: '/',
      env: { PATH: process.env.PATH, TMPDIR: folder },
    });
    living.set(child, folder);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-10_000);
      });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      cut(child);
    }, milliseconds);
    child.once('error', (error) => {
      clearTimeout(timer);
      living.delete(child);
      reject(error);
    });
    child.once('close', () => {
      clearTimeout(timer);
      cut(child);
      living.delete(child);
      if (late) said += `\npower was cut after ${milliseconds} ms`;
      resolve(said);
    });
  });
}

function cut({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Everything has ended by itself.
  }
}

function read<T>(folder: string, console: string): T {
  const path = join(folder, 'result.json');
  const outcome = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as Outcome)
    : { error: 'it came to no end' };
  if ('value' in outcome) return outcome.value as T;
  const log = existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '';
  throw new Error(
    `inside the machine: ${outcome.error}\nits log:\n${log.slice(-8000)}\nits kernel:\n${console}`,
  );
}

let guarded = false;

/** However this process ends, short of SIGKILL, its machines go with it; those of dead ones are swept. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  for (const name of readdirSync('/var/tmp')) {
    const owner = /^ka-uml-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      rmSync(join('/var/tmp', name), { recursive: true, force: true });
  }
  atEnd(() => {
    for (const [child, folder] of living) {
      cut(child);
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
