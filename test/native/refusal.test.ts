// What is wrong on our own side, of every kind of check: no route, no source address, no interface, what a rule forbids, no
// descriptor. Each is a failed check with its own reason, marked as ours, and nothing stays open.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Connection, Verdict } from '../../src/check/checker.ts';
import { checks } from '../../src/check/checkers/index.ts';
import { tcpCheck } from '../../src/check/checkers/tcp.ts';
import type { HttpOptions } from '../../src/check/options.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { seconds } from '../../src/lib/time.ts';
import { native } from '../../src/net/native.ts';
import { Cable, eventually, ip } from './cable.ts';
import { startDials } from './dials.ts';

const never = new AbortController().signal;
let cable: Cable;
let checkTcp: ReturnType<typeof tcpCheck>;

before(() => {
  cable = new Cable('refusal');
  checkTcp = tcpCheck(startDials());
  // What bears the mark 5 does not get out.
  ip('-n', cable.near, 'rule', 'add', 'fwmark', '5', 'prohibit');
  ip('-n', cable.near, 'route', 'add', 'blackhole', '198.51.100.1');
});
after(() => {
  native.stop();
  cable.remove();
});

const page = (connection: Connection): HttpOptions => ({
  connection,
  http_protocol: '1.0',
  path: '/',
  status_code: [[200, 299]],
});
const tls = { enable_sni: false, tls_compliant: false, context: {} };

const KINDS: Readonly<Record<string, (connection: Connection) => Promise<Verdict>>> = {
  TCP_CHECK: (connection) => checkTcp({ connection }, never),
  HTTP_GET: (connection) => checks.HTTP_GET(page(connection), never),
  SSL_GET: (connection) => checks.SSL_GET({ ...page(connection), tls }, never),
  SMTP_CHECK: (connection) => checks.SMTP_CHECK({ connection, helo_name: 'x' }, never),
  DNS_CHECK: (connection) => checks.DNS_CHECK({ connection, type: 'A', name: 'x' }, never),
  UDP_CHECK: (connection) =>
    checks.UDP_CHECK({ connection, min_reply_length: 0, max_reply_length: 255 }, never),
  PING_CHECK: (connection) => checks.PING_CHECK({ connection }, never),
};

const to = (more: Partial<Connection> = {}): Connection => ({
  address: '10.9.0.2' as Ip,
  port: 9,
  mark: 0,
  timeout: seconds(5),
  ...more,
});

const WRONG: readonly (readonly [string, Partial<Connection>, RegExp])[] = [
  ['no route', { address: '192.0.2.1' as Ip }, /^network unreachable/],
  ['a route that drops', { address: '198.51.100.1' as Ip }, /^no usable route$/],
  ['no source address', { bindAddress: '192.0.2.1' as Ip }, /^no such source address/],
  ['no interface', { device: 'ka-none' }, /^no such interface$/],
  ['what a rule forbids', { mark: 5 }, /^not permitted$/],
];

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Another process sets our limit: we could not start one to set it back. */
class Limit {
  readonly #shell = spawn(
    'bash',
    ['-c', `while read n; do prlimit --pid ${process.pid} --nofile=$n: || exit; echo $n; done`],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );

  async set(count: number): Promise<void> {
    const answered = once(this.#shell.stdout, 'data');
    this.#shell.stdin.write(`${count}\n`);
    await answered;
  }

  /** Its pipes too have been closed then: one that goes later is a descriptor to spare in the next test. */
  async close(): Promise<void> {
    const closed = once(this.#shell, 'close');
    this.#shell.kill();
    await closed;
  }
}

for (const [kind, check] of Object.entries(KINDS))
  describe(kind, () => {
    for (const [what, more, reason] of WRONG)
      it(`${what} is a failed check with its own reason`, async () => {
        const verdict = await check(to(more));
        assert.ok(!verdict.up);
        assert.match(verdict.reason, reason);
        assert.equal(verdict.local, true);
      });

    it('no descriptor is one too, and the next attempt is made', async () => {
      // What the first attempt of all opens for good is there then.
      await check(to());
      const limit = new Limit();
      try {
        await limit.set(4096);
        const before = descriptors();
        const free = openSync('/dev/null', 'r');
        closeSync(free);
        await limit.set(free);
        const verdict = await check(to());
        await limit.set(4096);
        assert.deepEqual(verdict, { up: false, reason: 'no descriptor left', local: true });
        const after = await check(to());
        assert.ok(after.up || after.local === undefined, JSON.stringify(after));
        await eventually(() => descriptors() <= before, 'every descriptor given back');
      } finally {
        await limit.close();
      }
    });
  });
