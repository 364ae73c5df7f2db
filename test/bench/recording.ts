// Everything of interest on the lab's bridge into a file, read only when the measurement is over: ten thousand frames
// a second that are decoded meanwhile would be a load of their own. Nothing may be lost, or it throws.

import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pcapReader } from '../netns/capture.ts';
import { cleanEnvironment } from '../netns/command.ts';
import type { Lab } from '../netns/lab.ts';
import { requireProgram } from '../netns/programs.ts';
import { decodeFrame, type Frame } from '../netns/wire.ts';

export interface Recording {
  /** Ends it and gives what was seen, by the kernel's time. */
  end(): Promise<Frame[]>;
}

let counter = 0;

export async function record(lab: Lab, filter: string): Promise<Recording> {
  const file = join(lab.folder, `recording${++counter}.pcap`);
  const words = [`--net=/run/netns/${lab.switch}`, requireProgram('setpriv'), '--pdeathsig'];
  words.push('KILL', requireProgram('tcpdump'), '-i', 'br0', '-n', '-Z', 'root', '-w', file);
  // Long enough for a VRRP header and a whole ARP; packets wait in the kernel. To make room for them takes the kernel up
  // to 3 ms a MiB, in which nothing else runs on that processor, real-time or not: it begins before what is measured does.
  words.push('--time-stamp-precision=nano', '-B', '65536', '-s', '64', filter);
  const child = spawn(requireProgram('nsenter'), words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: cleanEnvironment(),
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    lab.changed();
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  await lab.until(
    'tcpdump listens',
    () => said.includes('listening on') || child.exitCode !== null,
  );
  return {
    async end() {
      child.kill('SIGINT');
      await ended;
      const lost = /(\d+) packets dropped by kernel/.exec(said)?.[1];
      if (lost !== '0') throw new Error(`the recording is not complete: ${said.trim()}`);
      const frames: Frame[] = [];
      const feed = pcapReader(lab.epoch, (at, bytes) => frames.push(decodeFrame(at, bytes)));
      for await (const chunk of createReadStream(file)) feed(chunk as Buffer);
      return frames;
    },
  };
}
