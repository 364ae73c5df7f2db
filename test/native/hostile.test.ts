// Servers that mean no good, beside checkers that must end with a reason whatever comes: in bounded memory, within the
// limits of time that they state, and with nothing left open.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Verdict } from '../../src/check/checker.ts';
import { checks } from '../../src/check/checkers/index.ts';
import type { HttpOptions } from '../../src/check/options.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import { Cable, eventually } from './cable.ts';

let cable: Cable;
let server: Server;
let port: number;
/** What the next connections meet. */
let play: (socket: Socket) => void;
let connections = 0;
const open = new Set<Socket>();
const descriptors = (): number => readdirSync('/proc/self/fd').length;

before(() => {
  cable = new Cable('hostile');
  server = createServer({ allowHalfOpen: true }, (socket) => {
    connections++;
    open.add(socket);
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.once('close', () => open.delete(socket));
    play(socket);
  });
  // Without a host the socket is made in this turn, hence in that namespace.
  cable.on('far', () => server.listen(0));
  port = (server.address() as AddressInfo).port;
});
after(() => {
  for (const socket of open) socket.destroy();
  server.close();
  cable.remove();
});

const connection = (timeout = seconds(5)) => ({
  address: '10.9.0.2' as Ip,
  port,
  mark: 0,
  timeout,
});
const page = (more: Partial<HttpOptions> = {}): HttpOptions => ({
  connection: connection(),
  http_protocol: '1.0',
  path: '/',
  status_code: [[200, 299]],
  ...more,
});
const never = new AbortController().signal;
const get = (more: Partial<HttpOptions> = {}): Promise<Verdict> =>
  checks.HTTP_GET(page(more), never);
const reasonOf = (verdict: Verdict): string => (verdict.up ? 'up' : verdict.reason);
const regexOf = (pattern: string) => ({ pattern, regex_no_match: false, regex_options: [] });

/** Sends `first`, then `piece` again and again as long as it is taken; tells how much. */
function flood(first: string, piece: Buffer): { sent: number } {
  const told = { sent: 0 };
  play = (socket) => {
    socket.resume();
    socket.write(first);
    const more = (): void => {
      while (!socket.destroyed) {
        told.sent += piece.length;
        if (!socket.write(piece)) return;
      }
    };
    socket.on('drain', more);
    more();
  };
  return told;
}
/** Sends one byte after the other for ever; tells how many. */
function drip(first: string): { sent: number } {
  const told = { sent: 0 };
  play = (socket) => {
    socket.resume();
    socket.write(first);
    const timer = setInterval(() => {
      told.sent++;
      socket.write('x');
    }, 10);
    socket.once('close', () => clearInterval(timer));
  };
  return told;
}
const say = (bytes: string | Buffer): void => {
  play = (socket) => socket.once('data', () => socket.end(bytes));
};
const HEADER = 'HTTP/1.0 200 OK\r\n\r\n';

describe('a server that', { timeout: 60_000 }, () => {
  for (const [what, line] of [
    ['sends a header of many lines without end', `X: ${'y'.repeat(1_000)}\r\n`],
    ['sends a header of one line without end', 'y'.repeat(65_536)],
  ] as const)
    it(what, async () => {
      const told = flood('HTTP/1.0 200 OK\r\n', Buffer.from(line));
      assert.equal(reasonOf(await get()), 'Read, no data received');
      // What the kernel holds for both, and no more.
      assert.ok(told.sent < 32 << 20, `${told.sent} bytes`);
    });

  it('sends a body without end, eight times at once', async () => {
    flood(HEADER, Buffer.alloc(65_536, 'x'));
    const before = process.memoryUsage.rss();
    let largest = 0;
    const timer = setInterval(() => {
      largest = Math.max(largest, process.memoryUsage.rss() - before);
    }, 20);
    const digest = 'd41d8cd98f00b204e9800998ecf8427e';
    const asked = Array.from({ length: 8 }, () => get({ digest, regex: regexOf('needle') }));
    const reasons = (await Promise.all(asked)).map(reasonOf);
    clearInterval(timer);
    assert.deepEqual(new Set(reasons), new Set([`more than ${64 << 20} bytes`]));
    // The server lives in this process too. 8 bodies of 64 MiB would be 512 MiB.
    assert.ok(largest < 160 << 20, `${largest} bytes`);
  });

  it('answers byte by byte and never ends', async () => {
    drip(HEADER);
    const verdict = await get({ connection: connection(millis(300)) });
    assert.equal(reasonOf(verdict), 'the answer takes too long');
  });

  it('greets byte by byte and never ends', async () => {
    const told = drip('220 ');
    const options = { connection: connection(millis(300)), helo_name: 'me.example' };
    assert.equal(reasonOf(await checks.SMTP_CHECK(options, never)), 'Bad greeting banner');
    // Time, not the length of the line, has ended it.
    assert.ok(told.sent < 450, `${told.sent} bytes`);
  });

  it('greets with a line without end', async () => {
    flood('220 ', Buffer.alloc(65_536, 'x'));
    const options = { connection: connection(), helo_name: 'me.example' };
    assert.equal(reasonOf(await checks.SMTP_CHECK(options, never)), 'Bad greeting banner');
  });

  it('floods the beginning of TLS', async () => {
    const tls = { enable_sni: false, tls_compliant: false, context: {} };
    for (const piece of ['garbage', '\x16\x03\x03\x40\x00']) {
      flood(piece, Buffer.alloc(65_536, piece));
      const verdict = await checks.SSL_GET(page({ tls }), never);
      assert.equal(reasonOf(verdict), 'SSL handshake/communication error connecting');
    }
  });

  it('redirects in a circle is asked once', async () => {
    say('HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n');
    const before = connections;
    assert.equal(reasonOf(await get()), 'HTTP status code error: 302');
    assert.equal(connections - before, 1);
  });

  it('sends what unpacks to much: nothing is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    const head = `HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`;
    say(Buffer.concat([Buffer.from(head), bomb]));
    const digest = createHash('md5').update(bomb).digest('hex');
    assert.equal(reasonOf(await get({ digest })), 'up');
  });

  it('leads a pattern astray', async () => {
    say(`${HEADER}${'a'.repeat(60)}!`);
    const verdict = await get({ regex: regexOf('^(a+)+$') });
    assert.equal(reasonOf(verdict), 'Regex match failed: the search takes too long');
    say(`${HEADER}aaa`);
    assert.equal(reasonOf(await get({ regex: regexOf('^(a+)+$') })), 'up');
  });

  it('hides the pattern behind more than is kept', async () => {
    const much = 'x'.repeat(1 << 20);
    say(`${HEADER}needle${much}`);
    assert.equal(reasonOf(await get({ regex: regexOf('needle') })), 'up');
    say(`${HEADER}${much}needle`);
    assert.match(reasonOf(await get({ regex: regexOf('needle') })), /not in the first 1048576/);
    const absent = { ...regexOf('needle'), regex_no_match: true };
    assert.match(reasonOf(await get({ regex: absent })), /not in the first 1048576/);
  });

  it('resets, closes or says nothing leaves no descriptor behind', async () => {
    const free = descriptors();
    const ways: ((socket: Socket) => void)[] = [
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      (socket) => socket.destroy(),
      (socket) => socket.resume(),
      (socket) => socket.once('data', () => socket.write(HEADER)),
    ];
    for (let round = 0; round < 200; round++) {
      play = ways[round % ways.length] as (typeof ways)[0];
      const verdict = await get({ connection: connection(millis(20)) });
      assert.equal(verdict.up, false);
    }
    await eventually(() => descriptors() <= free + open.size, 'every descriptor given back');
  });

  it('is let go of at once when nobody waits any more', async () => {
    for (const first of [undefined, HEADER]) {
      let reached = false;
      play = (socket) => {
        if (first !== undefined) socket.write(first);
        socket.once('data', () => {
          reached = true;
        });
      };
      const control = new AbortController();
      const asked = checks.HTTP_GET(
        page({ connection: connection(seconds(3600)) }),
        control.signal,
      );
      await eventually(() => reached, 'the request');
      control.abort();
      assert.equal((await asked).up, false);
      await eventually(() => open.size === 0, 'the end at the other side');
    }
  });
});
