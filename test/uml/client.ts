// Runs inside: what a client of a virtual address gets, by programs that people use where there are such, each request over a
// connection of its own. A server is told by the name that it says.

import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Ip } from '../../src/lib/ip.ts';
import { type Duration, seconds } from '../../src/lib/time.ts';
import { ask } from '../../src/net/datagram.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import { native } from '../../src/net/native.ts';

/** Of a request that nobody answered. */
export const NOBODY = '-';
const TIMEOUT: Duration = seconds(10);

/** Who answered; each request is a list of words for curl, all by one program. */
export async function curl(
  client: string,
  ...requests: readonly (readonly string[])[]
): Promise<string[]> {
  const usual = ['-sS', '-k', '-m', '10', '--http1.0'];
  const words = requests.flatMap((request, i) => [
    ...(i === 0 ? [] : ['--next']),
    ...usual,
    ...request,
  ]);
  const text = await new Promise<string>((resolve) => {
    const program = spawn('ip', ['netns', 'exec', client, 'curl', ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    program.stdout.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    program.once('close', () => resolve(said));
  });
  const names = text.split('\n').filter(Boolean);
  while (names.length < requests.length) names.push(NOBODY);
  return names;
}

async function times(count: number, one: () => Promise<string>): Promise<string[]> {
  const names: string[] = [];
  while (names.length < count) names.push(await one());
  return names;
}

/** The name in the first line of a mail server and of others that greet so. */
export const greeting = (
  client: string,
  address: string,
  port: number,
  from?: string,
): Promise<string> =>
  new Promise((resolve) => {
    const source = from === undefined ? {} : { source: from as Ip };
    const fd = inNamespace(client, () => native.tcpSocket({ family: 4, ...source }));
    const socket = new Socket({ fd });
    socket.setTimeout(10_000, () => socket.destroy());
    socket.setEncoding('latin1').once('data', (line) => {
      resolve(String(line).trim().split(' ')[1] ?? NOBODY);
      socket.end('QUIT\r\n');
    });
    socket.on('error', () => {}).once('close', () => resolve(NOBODY));
    socket.connect({ host: address, port });
  });

export const mail = (client: string, count: number, address: string): Promise<string[]> =>
  times(count, () => greeting(client, address, 25));

interface Query {
  readonly port: number;
  readonly bytes: Uint8Array;
  readonly heard: (bytes: Uint8Array) => string | undefined;
}

/** One datagram from a new port. */
const query = (client: string, address: string, from: string, asked: Query): Promise<string> =>
  inNamespace(client, () =>
    ask<string>(
      {
        protocol: 'udp',
        address: address as Ip,
        bindAddress: from as Ip,
        mark: 0,
        timeout: TIMEOUT,
        silence: () => NOBODY,
        failed: () => NOBODY,
        ...asked,
      },
      new AbortController().signal,
    ),
  );

// who.test, type A, class IN; its address ends with the server's number.
const QUESTION = Buffer.from(
  '\x4b\x41\x01\x00\x00\x01\0\0\0\0\0\0\x03who\x04test\0\0\x01\0\x01',
  'latin1',
);

export const dns = (client: string, count: number, address: string): Promise<string[]> =>
  times(count, () =>
    query(client, address, '10.1.0.2', {
      port: 53,
      bytes: QUESTION,
      heard: (bytes) => `s${bytes.at(-1)}`,
    }),
  );

/** One message of a call, from one of the client's addresses. */
export const sip = (client: string, address: string, from: string, call: string): Promise<string> =>
  query(client, address, from, {
    port: 5060,
    bytes: Buffer.from(
      [
        `OPTIONS sip:who@${address} SIP/2.0`,
        `Via: SIP/2.0/UDP ${from};branch=z9hG4bK${call}`,
        `From: <sip:me@${from}>;tag=1`,
        `To: <sip:who@${address}>`,
        `Call-ID: ${call}`,
        'CSeq: 1 OPTIONS',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    ),
    heard: (bytes) => /^Server: (\S+)/m.exec(Buffer.from(bytes).toString('latin1'))?.[1],
  });
