// A child in a host's namespace that puts frames on its eth0: it reads one frame in hex a line and says `sent`
// for each. The parent half starts it. Uses the project's own addon, since nothing else here can open a packet socket.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from './command.ts';
import type { Host } from './lab.ts';
import { requireProgram } from './programs.ts';

const thisFile = fileURLToPath(import.meta.url);

export interface Injector {
  /** Resolves when the kernel has taken them all. */
  send(frames: readonly Buffer[]): Promise<void>;
  close(): void;
}

export async function startInjector(host: Host): Promise<Injector> {
  const [link] = JSON.parse(await host.ip('-j', 'link', 'show', 'eth0')) as { ifindex: number }[];
  const words = [`--net=/run/netns/${host.namespace}`, requireProgram('setpriv'), '--pdeathsig'];
  words.push('KILL', process.execPath, '--import', 'tsx', thisFile, String(link?.ifindex));
  const child: ChildProcess = spawn(requireProgram('nsenter'), words, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: cleanEnvironment(),
  });
  let sent = 0;
  let wanted = 0;
  if (child.stdout === null) throw new Error('the injector has no standard output');
  createInterface({ input: child.stdout }).on('line', () => {
    sent++;
    host.lab.changed();
  });
  return {
    send: async (frames) => {
      wanted += frames.length;
      child.stdin?.write(frames.map((frame) => `${frame.toString('hex')}\n`).join(''));
      await host.lab.until(`${wanted} frames are sent`, () => sent >= wanted);
    },
    close: () => {
      child.kill('SIGKILL');
    },
  };
}

if (process.argv[1] === thisFile) {
  const { native } = await import('../../src/net/native.ts');
  const fd = native.packetSocket(Number(process.argv[2]));
  createInterface({ input: process.stdin }).on('line', (line) => {
    native.send(fd, [{ bytes: Buffer.from(line, 'hex') }]);
    process.stdout.write('sent\n');
  });
}
