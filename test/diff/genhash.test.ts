// genhash beside keepalived's: the same request to the same server, the same words on standard output.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { native } from '../../src/net/native.ts';

const namespace = `ka-genhash-${process.pid}`;
const fixtures = join(import.meta.dirname, '../fixtures/tls');
const ours = join(import.meta.dirname, '../../dist');
const BODY = 'hello world\n';
const OK = 'HTTP/1.0 200 OK\r\n';

const PAGES: Readonly<Record<string, string>> = {
  '/': `${OK}X: y\r\n\r\n${BODY}`,
  '/length': `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${BODY}`,
  '/chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  '/404': `HTTP/1.0 404 Not Found\r\n\r\n${BODY}`,
  '/empty': `${OK}\r\n`,
  '/large': `${OK}\r\n${'0123456789abcdef\n'.repeat(40_000)}`,
};

let requests: string[] = [];
const ports = { plain: 0, secure: 0 };
const serve = (socket: Socket): void => {
  let request = '';
  socket.on('error', () => {});
  socket.on('data', (piece) => {
    request += piece;
    // The beginning of TLS, where none is spoken.
    if (request.startsWith('\x16')) socket.end('400 what?\r\n');
    if (!request.endsWith('\r\n\r\n')) return;
    requests.push(request);
    socket.end(PAGES[request.split(' ')[1] ?? ''] ?? '');
  });
};
const servers = [
  createServer(serve),
  createTlsServer(
    {
      cert: readFileSync(join(fixtures, 'good.pem')),
      key: readFileSync(join(fixtures, 'good.key')),
      SNICallback: (name, done) => {
        requests.push(`SNI ${name}`);
        done(null);
      },
    },
    serve,
  ),
] as const;

interface Result {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  readonly requests: readonly string[];
}

async function start(program: string, words: readonly string[]): Promise<Result> {
  requests = [];
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    err += text;
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, out: out.replace(/\d+ usecs/, 'usecs'), err, requests };
}

const theirs = (words: readonly string[]): Promise<Result> => start('genhash', words);
const own = (words: readonly string[]): Promise<Result> =>
  start(process.execPath, [join(ours, 'genhash.js'), ...words]);

before(() => {
  execFileSync('ip', ['netns', 'add', namespace]);
  process.once('exit', remove);
  native.enterNamespace(`/run/netns/${namespace}`, 0x40000000);
  execFileSync('ip', ['link', 'set', 'dev', 'lo', 'up']);
  // Without a host the socket is made in this turn, hence in that namespace.
  for (const server of servers) server.listen(0);
  ports.plain = (servers[0].address() as AddressInfo).port;
  ports.secure = (servers[1].address() as AddressInfo).port;
});
after(() => {
  for (const server of servers) server.close();
  remove();
});

let removed = false;
function remove(): void {
  if (removed) return;
  removed = true;
  execFileSync('ip', ['netns', 'delete', namespace], { stdio: 'ignore' });
}

describe('genhash asks and answers as keepalived does', () => {
  const plain = (): string[] => ['-s', '127.0.0.1', '-p', String(ports.plain)];
  const secure = (): string[] => ['-S', '-s', '127.0.0.1', '-p', String(ports.secure)];
  for (const [name, words] of [
    ['a page', () => [...plain(), '-u', '/']],
    ['over IPv6', () => ['-s', '::1', '-p', String(ports.plain), '-u', '/']],
    ['in detail', () => [...plain(), '-u', '/', '-v']],
    ['what is within Content-Length', () => [...plain(), '-u', '/length', '-v']],
    ['chunks', () => [...plain(), '-u', '/chunks', '-P', '1.1']],
    ['another status', () => [...plain(), '-u', '/404']],
    ['nothing', () => [...plain(), '-u', '/empty']],
    ['nothing, in detail', () => [...plain(), '-u', '/empty', '-v']],
    ['much', () => [...plain(), '-u', '/large']],
    ['a virtual host', () => [...plain(), '-u', '/', '-V', 'a.example', '-P', '1.0c']],
    ['long options', () => [...plain(), '--url=/', '--use-virt', 'a.example', '--proto', '1.1']],
    ['options together', () => [`-vs127.0.0.1`, `-p${ports.plain}`, '-u/']],
    ['TLS', () => [...secure(), '-u', '/']],
    ['TLS with a name', () => [...secure(), '-u', '/', '-I', '-V', 'a.example']],
    ['TLS with a name that is not asked for', () => [...secure(), '-u', '/', '-V', 'a.example']],
    ['a mark and a timeout', () => [...plain(), '-u', '/', '-m', '7', '-t', '3']],
  ] as const)
    it(name, async () => {
      const [a, b] = [await theirs(words()), await own(words())];
      assert.equal(a.status, 0);
      assert.deepEqual(b, a);
    });

  for (const words of [
    ['-u', '/'],
    ['-s', 'localhost', '-p', '80', '-u', '/'],
    ['-s', '127.0.0.1', '-p', '0', '-u', '/'],
    ['-s', '127.0.0.1', '-p', 'x', '-u', '/'],
    ['-s', '127.0.0.1', '-p', '80', '-u', '/', '-P', '2'],
    ['-s', '127.0.0.1', '-p', '80', '-u', '/', '-t', 'x'],
    ['-s', '127.0.0.1', '-p', '80', '-u', '/', '-m', 'x'],
    ['-s', '127.0.0.1', '-p', '80', '-u', '/', 'more'],
    ['-s', '127.0.0.1', '-p', '80', '--nothing'],
    ['-h'],
  ])
    it(`refuses ${words.join(' ')}`, async () => {
      const [a, b] = [await theirs(words), await own(words)];
      assert.deepEqual([b.status, b.out], [a.status, a.out]);
      assert.equal(b.err.split('\n')[0], a.err.split('\n')[0]);
    });

  it('says what was wrong with the server, and does not call that success', async () => {
    for (const [port, path, words] of [
      ['1', '/', 'Connection failed'],
      [String(ports.plain), '/unknown', 'no data received'],
    ] as const) {
      const line = ['-s', '127.0.0.1', '-p', port, '-u', path];
      const [a, b] = [await theirs(line), await own(line)];
      assert.ok(`${a.out}${a.err}`.includes(words), `${a.out}${a.err}`);
      assert.ok(`${b.out}${b.err}`.includes(words), `${b.out}${b.err}`);
      assert.equal(b.status, 1);
    }
    const failed = await own(['-S', ...plain(), '-u', '/']);
    assert.equal(failed.out, 'SSL connection failed: wrong version number\n');
    assert.equal(failed.status, 1);
  });

  it('is what keepalived -T and --genhash are', async () => {
    for (const option of ['-T', '--genhash']) {
      const words = [...plain(), '-u', '/'];
      const result = await start(process.execPath, [join(ours, 'keepalived.js'), option, ...words]);
      assert.equal(result.out, '6f5902ac237024bdd0c176cb93063dc4\n');
      assert.equal(result.status, 0);
    }
  });
});
