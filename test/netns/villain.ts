// Servers that mean harm, as a process of its own: one for each port that it is told of (a JSON list on the command line).
// SIGUSR1 makes it write how many connections each has had and how many bytes it got rid of. Judges nothing.

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { gzipSync } from 'node:zlib';

/** What a villain does, over TCP once it has been spoken to or connected to. */
export type Play =
  | 'garbage'
  | 'reset'
  | 'silence'
  | 'drip'
  | 'lines'
  | 'line'
  | 'body'
  | 'circle'
  | 'bomb'
  | 'flood';

export interface Villain {
  readonly port: number;
  readonly play: Play;
  readonly over: 'tcp' | 'tls' | 'udp';
  /** What it says first. */
  readonly begins?: string;
  /** It waits for a question before it begins. */
  readonly waits?: boolean;
}

/** By port. */
export type Told = Readonly<Record<string, { connections: number; bytes: number }>>;

const told: Record<string, { connections: number; bytes: number }> = {};
const fixtures = join(import.meta.dirname, '../fixtures/tls');
const BOMB = gzipSync(Buffer.alloc(64 << 20));
const OK = 'HTTP/1.0 200 OK\r\n';

/** Again and again, as fast as it is taken. */
function flood(socket: Socket, port: number, piece: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed) {
      (told[port] as { bytes: number }).bytes += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', more);
  more();
}

/** `bare` is the connection below TLS. */
function act(socket: Socket, bare: Socket, { port, play, begins = '' }: Villain): void {
  if (begins !== '') socket.write(begins);
  switch (play) {
    case 'garbage':
      socket.end('\0\x01\xff garbage\r\n\r\n'.repeat(20));
      break;
    case 'reset':
      bare.resetAndDestroy();
      break;
    case 'silence':
      break;
    case 'drip': {
      const timer = setInterval(() => socket.write('x'), 20);
      socket.once('close', () => clearInterval(timer));
      break;
    }
    case 'lines':
      flood(socket, port, Buffer.from(`X: ${'y'.repeat(1000)}\r\n`.repeat(60)));
      break;
    case 'line':
    case 'flood':
      flood(socket, port, Buffer.alloc(1 << 16, 'x'));
      break;
    case 'body':
      socket.write(`${OK}\r\n`);
      flood(socket, port, Buffer.alloc(1 << 16, 'x'));
      break;
    case 'circle':
      socket.end('HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n');
      break;
    case 'bomb':
      socket.write(`${OK}Content-Encoding: gzip\r\nContent-Length: ${BOMB.length}\r\n\r\n`);
      socket.end(BOMB);
      break;
  }
}

function meet(socket: Socket, bare: Socket, villain: Villain): void {
  (told[villain.port] as { connections: number }).connections++;
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  if (villain.waits === true) socket.once('data', () => act(socket, bare, villain));
  else {
    socket.resume();
    act(socket, bare, villain);
  }
}

const listening: Promise<unknown>[] = [];
for (const villain of JSON.parse(process.argv[2] ?? '[]') as Villain[]) {
  const { port, over, play } = villain;
  told[port] = { connections: 0, bytes: 0 };
  if (over === 'udp') {
    const socket = createSocket('udp4');
    socket.on('message', (question, from) => {
      const wrong = Buffer.from(question);
      wrong.writeUInt16BE(wrong.readUInt16BE(0) ^ 1, 0);
      let left = play === 'flood' ? 3_000 : 0;
      const more = (): void => {
        for (const end = left - 50; left > end && left > 0; left--)
          socket.send(wrong, from.port, from.address);
        if (left > 0) setImmediate(more);
      };
      more();
    });
    listening.push(new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve)));
    continue;
  }
  let bare: Socket | undefined;
  const server =
    over === 'tcp'
      ? createServer({ allowHalfOpen: true }, (socket) => meet(socket, socket, villain))
      : createTlsServer(
          {
            cert: readFileSync(join(fixtures, 'good.pem')),
            key: readFileSync(join(fixtures, 'good.key')),
          },
          (socket) => meet(socket, bare ?? socket, villain),
        );
  server.on('connection', (socket: Socket) => {
    bare = socket;
  });
  server.on('tlsClientError', () => {});
  listening.push(new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve)));
}
process.on('SIGUSR1', () => process.stdout.write(`${JSON.stringify(told)}\n`));
await Promise.all(listening);
process.stdout.write('ready\n');
