// Everything of interest that crosses a bridge, with the kernel's receive timestamps: tcpdump writes pcap
// to its standard output and this file reads it. Decodes nothing itself (wire.ts does) and drops nothing.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { cleanEnvironment } from './command.ts';
import { requireProgram } from './programs.ts';
import type { Frame } from './wire.ts';
import { decodeFrame } from './wire.ts';

export const usualFilter = 'arp or ip proto 112 or ip6 proto 112 or (icmp6 and ip6[40] == 136)';

export interface Capture {
  readonly frames: readonly Frame[];
  readonly process: ChildProcess;
  /** Resolves once tcpdump reads the interface; rejects with its words if it cannot. */
  readonly ready: Promise<void>;
}

/** `epoch` is in whole seconds since 1970; frames' instants count from there. */
export function startCapture(
  namespace: string,
  device: string,
  epoch: number,
  changed: () => void,
  filter = usualFilter,
): Capture {
  const words = ['-i', device, '-n', '-U', '-w', '-', '-Z', 'root', '--immediate-mode'];
  words.push('--time-stamp-precision=nano', '-B', '8192', '-s', '0', filter);
  const child = spawn(
    requireProgram('nsenter'),
    [`--net=/run/netns/${namespace}`, requireProgram('setpriv'), '--pdeathsig', 'KILL']
      .concat(requireProgram('tcpdump'))
      .concat(words),
    { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() },
  );
  const frames: Frame[] = [];
  const feed = pcapReader(epoch, (at, bytes) => frames.push(decodeFrame(at, bytes)));
  child.stdout.on('data', (chunk: Buffer) => {
    feed(chunk);
    changed();
  });
  let said = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('listening on')) resolve();
    });
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`tcpdump ended: ${said.trim()}`)));
  });
  ready.catch(() => {});
  return { frames, process: child, ready };
}

// pcap: a 24-byte header (magic 0xa1b23c4d: nanoseconds), then records of
// | seconds | nanoseconds | captured length | original length | bytes |   all little-endian on this machine
export function pcapReader(
  epoch: number,
  take: (at: number, bytes: Buffer) => void,
): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!started) {
      if (rest.length < 24) return;
      const magic = rest.readUInt32LE(0);
      if (magic !== 0xa1b23c4d) throw new Error(`not nanosecond pcap: ${magic.toString(16)}`);
      rest = rest.subarray(24);
      started = true;
    }
    while (rest.length >= 16) {
      const length = rest.readUInt32LE(8);
      if (rest.length < 16 + length) return;
      const at = (rest.readUInt32LE(0) - epoch) * 1e6 + rest.readUInt32LE(4) / 1e3;
      take(at, Buffer.from(rest.subarray(16, 16 + length)));
      rest = rest.subarray(16 + length);
    }
  };
}
