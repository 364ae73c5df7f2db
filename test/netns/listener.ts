// The other end of every check of question.test.ts, as a process of its own in a namespace of its own: listens as it is told
// (a JSON list of ports on the command line) and writes one line of JSON for each question: from where to where, and in which
// bytes. Answers well, and judges nothing.

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';

/** What is spoken on a port. `silent` is the web without an answer. */
export type Manner = 'tcp' | 'web' | 'silent' | 'tls' | 'mail' | 'datagram' | 'names';

export interface Place {
  readonly port: number;
  readonly manner: Manner;
}

export interface Sight {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
  /** Latin-1. */
  readonly bytes: string;
  /** That TLS was begun with; empty for none. */
  readonly name?: string;
  /** Common name of the certificate that the client showed; empty for none. */
  readonly client?: string;
}

const ADDRESSES = ['10.7.0.2', '10.7.0.3', 'fd00:7::2', 'fe80::2%a'];
const fixtures = join(import.meta.dirname, '../fixtures/tls');

const plain = (address: string): string => address.replace('::ffff:', '').replace(/%.*/, '');
const tell = (sight: Sight): void => void process.stdout.write(`${JSON.stringify(sight)}\n`);

type Ends = Omit<Sight, 'bytes'>;
const ends = (socket: Socket): Ends => ({
  from: plain(socket.remoteAddress ?? ''),
  fromPort: socket.remotePort ?? 0,
  to: plain(socket.localAddress ?? ''),
  toPort: socket.localPort ?? 0,
});

/** Answers a whole request, and tells it; one that is not answered is told when the other end has had enough. */
function speakWeb(
  socket: Socket,
  silent: boolean,
  more: Pick<Sight, 'name' | 'client'> = {},
): void {
  let bytes = '';
  const seen = ends(socket);
  socket.on('data', (piece: Buffer) => {
    bytes += piece.toString('latin1');
    if (!bytes.endsWith('\r\n\r\n') || silent) return;
    tell({ ...seen, ...more, bytes });
    socket.end('HTTP/1.0 200 OK\r\n\r\nwell\n');
  });
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    if (silent) tell({ ...seen, ...more, bytes });
  });
}

function speakMail(socket: Socket): void {
  let bytes = '';
  const seen = ends(socket);
  socket.write('220 well\r\n');
  socket.on('data', (piece: Buffer) => {
    bytes += piece.toString('latin1');
    socket.write(bytes.includes('QUIT') ? '221 bye\r\n' : '250 well\r\n');
  });
  socket.on('end', () => {
    tell({ ...seen, bytes });
    socket.end();
  });
}

const listeners: Promise<unknown>[] = [];

function listen({ port, manner }: Place): void {
  if (manner === 'datagram' || manner === 'names') {
    for (const address of ADDRESSES) {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      socket.on('message', (question, { address: from, port: fromPort }) => {
        const bytes = question.toString('latin1');
        tell({ from: plain(from), fromPort, to: plain(address), toPort: port, bytes });
        const answer = Buffer.from(question);
        if (manner === 'names') answer.writeUInt16BE(0x8180, 2);
        socket.send(answer, fromPort, from);
      });
      listeners.push(new Promise<void>((resolve) => socket.bind(port, address, resolve)));
    }
    return;
  }
  const met = (socket: Socket): void => {
    socket.on('error', () => {});
    if (manner === 'mail') speakMail(socket);
    else if (manner !== 'tcp') speakWeb(socket, manner === 'silent');
    else {
      tell({ ...ends(socket), bytes: '' });
      socket.on('end', () => socket.end()).resume();
    }
  };
  const server =
    manner === 'tls'
      ? createTlsServer(
          {
            cert: readFileSync(join(fixtures, 'good.pem')),
            key: readFileSync(join(fixtures, 'good.key')),
            requestCert: true,
            rejectUnauthorized: false,
          },
          (socket: TLSSocket) => {
            socket.on('error', () => {});
            const name = typeof socket.servername === 'string' ? socket.servername : '';
            const client = socket.getPeerCertificate().subject?.CN ?? '';
            speakWeb(socket, false, { name, client: String(client) });
          },
        )
      : createServer({ allowHalfOpen: true }, met);
  server.on('tlsClientError', () => {});
  listeners.push(new Promise<void>((resolve) => server.listen(port, '::', resolve)));
}

// Imported for its types it does nothing.
if (process.argv[1] === import.meta.filename) {
  for (const place of JSON.parse(process.argv[2] ?? '[]') as Place[]) listen(place);
  await Promise.all(listeners);
  process.stdout.write('"ready"\n');
}
