// A child in a host's namespace that floods: it holds a list of frames and puts them on its eth0, in turn, at a rate
// that it keeps however late it wakes. The parent half starts it and is told how many of each left.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from './command.ts';
import type { Host } from './lab.ts';
import { requireProgram } from './programs.ts';

const thisFile = fileURLToPath(import.meta.url);

interface Order {
  /** In hex. */
  readonly frames: readonly string[];
  readonly rate: number;
  /** Seconds. */
  readonly duration: number;
}

export interface Blow {
  /** How many of each frame the kernel took. */
  readonly sent: readonly number[];
  /** Milliseconds from the first to the last. */
  readonly took: number;
}

export interface Storm {
  /** Sends the frames in turn, `rate` a second, for `duration` seconds. */
  blow(frames: readonly Buffer[], rate: number, duration: number): Promise<Blow>;
  close(): void;
}

export async function startStorm(host: Host): Promise<Storm> {
  const [link] = JSON.parse(await host.ip('-j', 'link', 'show', 'eth0')) as { ifindex: number }[];
  const words = [`--net=/run/netns/${host.namespace}`, requireProgram('setpriv'), '--pdeathsig'];
  words.push('KILL', process.execPath, '--import', 'tsx', thisFile, String(link?.ifindex));
  const child: ChildProcess = spawn(requireProgram('nsenter'), words, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: cleanEnvironment(),
  });
  const answers: Blow[] = [];
  if (child.stdout === null) throw new Error('the storm has no standard output');
  createInterface({ input: child.stdout }).on('line', (line) => {
    answers.push(JSON.parse(line) as Blow);
    host.lab.changed();
  });
  return {
    async blow(frames, rate, duration) {
      const order: Order = { frames: frames.map((f) => f.toString('hex')), rate, duration };
      child.stdin?.write(`${JSON.stringify(order)}\n`);
      const patience = duration * 1_000 + 20_000;
      await host.lab.until('the flood is over', () => answers.length > 0, patience);
      return answers.shift() as Blow;
    },
    close: () => {
      child.kill('SIGKILL');
    },
  };
}

/** Frames sent in one system call at most: what a late wake-up has to make up for comes in several. */
const BATCH = 64;

if (process.argv[1] === thisFile) {
  const { native } = await import('../../src/net/native.ts');
  const fd = native.packetSocket(Number(process.argv[2]));
  const nap = new Int32Array(new SharedArrayBuffer(4));
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { frames, rate, duration } = JSON.parse(line) as Order;
    const datagrams = frames.map((frame) => ({ bytes: Buffer.from(frame, 'hex') }));
    const sent = frames.map(() => 0);
    const total = Math.round(rate * duration);
    const begin = native.now();
    for (let count = 0; count < total; ) {
      const due = Math.min(total, Math.ceil(((native.now() - begin) * rate) / 1e6) + 1);
      while (count < due) {
        const batch = Math.min(BATCH, due - count);
        const turn = Array.from({ length: batch }, (_, i) => (count + i) % frames.length);
        native.send(
          fd,
          turn.map((which) => datagrams[which] as { bytes: Uint8Array }),
        );
        for (const which of turn) sent[which] = (sent[which] ?? 0) + 1;
        count += batch;
      }
      Atomics.wait(nap, 0, 0, 1);
    }
    process.stdout.write(`${JSON.stringify({ sent, took: (native.now() - begin) / 1000 })}\n`);
  });
}
