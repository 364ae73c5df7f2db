// TCP_CHECK, HTTP_GET, SSL_GET and SMTP_CHECK beside keepalived: each server of checkers.ts is asked by both, who must
// say the same bytes to it and come to the same verdict, or to the one that docs/compatibility.md gives a reason for. Of a
// server that is well both log the same lines.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { Verdict } from '../../src/check/checker.ts';
import { checks } from '../../src/check/checkers/index.ts';
import { tcpCheck } from '../../src/check/checkers/tcp.ts';
import { httpRows } from '../../src/check/checkers.ts';
import { createDirector, director } from '../../src/check/director.ts';
import type { HttpOptions } from '../../src/check/options.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { type Instant, seconds } from '../../src/lib/time.ts';
import { native } from '../../src/net/native.ts';
import { startDials } from '../native/dials.ts';
import { read } from '../property/reading.ts';
import { type Row, rows } from './checkers.ts';

const namespace = `ka-check-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'ka-check-'));
const fixtures = join(import.meta.dirname, '../fixtures/tls');
const PATIENCE = 30_000;
const servers: Server[] = [];
const sockets = new Set<Socket>();
const ports = new Map<Row, number>();
/** What each server has heard, by connection. */
const heard = new Map<Row, string[]>();
let keepalived: ChildProcess | undefined;
let log = '';

function listen(row: Row): Server {
  heard.set(row, []);
  const { play, certificate } = row;
  const met = async (socket: Socket): Promise<void> => {
    const index = heard.get(row)?.push('') ?? 0;
    socket.on('error', () => {});
    // Before the player reads: it takes away what it has read.
    const read = socket.read.bind(socket);
    socket.read = ((size?: number) => {
      const piece = read(size) as Buffer | null;
      const words = heard.get(row) as string[];
      if (piece !== null) words[index - 1] += piece.toString('latin1');
      return piece;
    }) as typeof socket.read;
    await play?.(socket);
  };
  const server =
    certificate === undefined
      ? createServer({ allowHalfOpen: true }, (socket) => void met(socket))
      : createTlsServer(
          {
            cert: readFileSync(join(fixtures, `${certificate}.pem`)),
            key: readFileSync(join(fixtures, `${certificate}.key`)),
            allowHalfOpen: true,
          } as object,
          (socket) => void met(socket),
        );
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  // Without a host the socket is made in this turn, hence in that namespace.
  server.listen(0);
  ports.set(row, (server.address() as AddressInfo).port);
  servers.push(server);
  return server;
}

const isGet = ({ kind }: Row): boolean => kind.endsWith('_GET');

function configuration(some = rows): string {
  const services = some.map((row) => {
    const index = rows.indexOf(row);
    const page = isGet(row) ? `url {\n path /page\n ${(row.url ?? []).join('\n ')}\n }` : '';
    const lines = (row.lines ?? []).join('\n ');
    return `virtual_server 10.0.${index}.1 80 {
 delay_loop 60
 lb_algo rr
 lb_kind NAT
 protocol TCP
 real_server 127.0.0.1 ${ports.get(row)} {
 ${row.kind} {
 alpha
 retry 0
 warmup 0
 connect_timeout 1
 ${lines}
 ${page}
 }
 }
}
`;
  });
  return `global_defs {\n checker_log_all_failures\n}\n${services.join('')}`;
}

const word = (row: Row, name: string): string | undefined =>
  [...(row.url ?? []), ...(row.lines ?? [])]
    .find((line) => line.split(' ')[0] === name)
    ?.replace(/^\w+ ?/, '')
    .replaceAll('"', '');
const number = (row: Row, name: string): number | undefined => {
  const text = word(row, name);
  return text === undefined ? undefined : Number(text);
};

function ask(row: Row): Promise<Verdict> {
  const connection = {
    address: '127.0.0.1' as Ip,
    port: ports.get(row) ?? 0,
    mark: 0,
    timeout: seconds(1),
  };
  const { signal } = new AbortController();
  if (row.kind === 'TCP_CHECK') return checkTcp({ connection }, signal);
  if (row.kind === 'SMTP_CHECK')
    return checks.SMTP_CHECK({ connection, helo_name: 'me.example' }, signal);
  const raw = row.url?.find((line) => line.startsWith('regex '))?.slice('regex '.length);
  const pattern = raw === undefined ? undefined : httpRows.url.rows.regex.type.parse([], raw).value;
  const virtualhost = word(row, 'virtualhost');
  const digest = word(row, 'digest');
  const [least, most] = [number(row, 'regex_min_offset'), number(row, 'regex_max_offset')];
  const codes = word(row, 'status_code')?.split(' ') ?? ['200-299'];
  const options: HttpOptions = {
    connection,
    path: '/page',
    http_protocol: (word(row, 'http_protocol') ?? '1.0') as '1.0',
    status_code: codes.map((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return [first, last] as const;
    }),
    ...(virtualhost === undefined ? {} : { virtualhost }),
    ...(digest === undefined ? {} : { digest }),
    ...(pattern === undefined
      ? {}
      : {
          regex: {
            pattern,
            regex_no_match: word(row, 'regex_no_match') !== undefined,
            regex_options: word(row, 'regex_options')?.split(' ') ?? [],
            ...(least === undefined ? {} : { regex_min_offset: least }),
            ...(most === undefined ? {} : { regex_max_offset: most }),
          },
        }),
    ...(row.kind === 'HTTP_GET'
      ? {}
      : {
          tls: {
            enable_sni: word(row, 'enable_sni') !== undefined,
            tls_compliant: false,
            context: {},
          },
        }),
  };
  return checks[row.kind](options, signal);
}

/** What keepalived has said of the server of the row. */
const linesOf = (row: Row): string[] =>
  log.split('\n').filter((line) => new RegExp(`:${ports.get(row)}\\b`).test(line));
const FAILURE = /error|failed|failure|timeout|Bad |Could not|no data/i;
function theirVerdict(row: Row): 'up' | 'down' | undefined {
  const lines = linesOf(row);
  if (lines.some((line) => line.includes('Adding service'))) return 'up';
  return lines.some((line) => FAILURE.test(line)) ? 'down' : undefined;
}

/** What keepalived has logged of the server until it was first taken for up, and what we log of such an answer. */
const theirLines = (row: Row): string[] => {
  const lines = linesOf(row).filter((line) => !line.includes('Activating'));
  const texts = lines.map((line) => line.replace(/^.*?\d{4}: /, ''));
  return untilAdded(texts);
};
const untilAdded = (texts: readonly string[]): string[] =>
  texts.slice(0, texts.findIndex((text) => text.startsWith('Adding')) + 1);
function ourLines(row: Row, verdict: Verdict): string[] {
  const { config } = read(configuration([row]));
  assert.ok(config !== undefined);
  const start = createDirector(config, { seed: 1, keeps: false });
  const facts = { files: {}, addresses: [] };
  let { state } = director.step(start, { type: 'facts', facts }, 1 as Instant);
  const now = director.nextDeadline(state) ?? assert.fail('no check is due');
  const asked = director.step(state, { type: 'deadline' }, now);
  state = asked.state;
  const run = asked.actions.find((action) => action.type === 'probe')?.run ?? assert.fail();
  const { actions } = director.step(state, { type: 'answered', run, verdict }, now);
  return actions.flatMap((action) => (action.type === 'log' ? [action.text] : []));
}

async function eventually(met: () => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!met()) {
    if (Date.now() > deadline) throw new Error(`${what()} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let checkTcp: ReturnType<typeof tcpCheck>;
before(async () => {
  checkTcp = tcpCheck(startDials());
  execFileSync('ip', ['netns', 'add', namespace]);
  process.once('exit', remove);
  native.enterNamespace(`/run/netns/${namespace}`, 0x40000000);
  execFileSync('ip', ['link', 'set', 'dev', 'lo', 'up']);
  const listening = rows.map((row) => [row, listen(row)] as const);
  // Where nobody is to be nobody else may come: only now, when no other one looks for a port.
  for (const [{ play }, server] of listening) if (play === undefined) server.close();
  const library = join(folder, 'standin.so');
  execFileSync('g++', [
    ...['-x', 'c', '-shared', '-fPIC', '-o', library],
    join(import.meta.dirname, 'standin.c'),
    '-ldl',
  ]);
  const file = join(folder, 'keepalived.conf');
  writeFileSync(file, configuration());
  const pidfiles = ['p', 'c', 'r'].flatMap((letter) => [`-${letter}`, join(folder, letter)]);
  keepalived = spawn('keepalived', ['-n', '-l', '-D', '-C', '-f', file, ...pidfiles], {
    env: { PATH: process.env.PATH, LD_PRELOAD: library },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [keepalived.stdout, keepalived.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  const judged = rows.filter(({ theirs }) => theirs !== 'never');
  await eventually(
    () => judged.every((row) => theirVerdict(row) !== undefined),
    () =>
      `keepalived's verdict about ${judged
        .filter((row) => theirVerdict(row) === undefined)
        .map(({ name }) => name)
        .join('; ')}`,
  );
});

after(async () => {
  if (keepalived?.exitCode === null) {
    keepalived.kill();
    await new Promise((resolve) => keepalived?.once('exit', resolve));
  }
  native.stop();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  remove();
});

let removed = false;
function remove(): void {
  if (removed) return;
  removed = true;
  rmSync(folder, { recursive: true, force: true });
  execFileSync('ip', ['netns', 'delete', namespace], { stdio: 'ignore' });
}

describe('a server is judged as keepalived judges it', () => {
  for (const row of rows)
    it(row.name, async () => {
      const theirs = theirVerdict(row);
      if (row.theirs !== 'timing')
        assert.equal(theirs ?? 'never', row.theirs, linesOf(row).join('\n'));
      const words = heard.get(row) as string[];
      const [before] = words.filter((text) => text !== '');
      const count = words.length;
      const verdict = await ask(row);
      assert.equal(verdict.up ? 'up' : 'down', row.ours ?? row.theirs, JSON.stringify(verdict));
      if (!verdict.up && row.reason !== undefined) {
        assert.ok(verdict.reason.includes(row.reason), verdict.reason);
        if (row.ours === undefined) {
          const said = linesOf(row).join('\n');
          assert.ok(said.includes(row.log ?? row.reason), said);
          // What we know beyond that stands behind it.
          const ours = ourLines(row, verdict).map((text) => text.replace(/ \(.*\)$/, ''));
          if (isGet(row))
            assert.ok(
              ours.some((text) => said.includes(text)),
              ours.join('\n'),
            );
        }
      }
      if (verdict.up && theirs === 'up')
        assert.deepEqual(untilAdded(ourLines(row, verdict)), theirLines(row));
      const after = words.slice(count).find((text) => text !== '');
      if (before !== undefined) assert.equal(after, before);
    });
});
