// UDP_CHECK, DNS_CHECK and PING_CHECK at the other end of a cable: where they come from, what the network answers, and
// servers that mean harm.

import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Connection, Verdict } from '../../src/check/checker.ts';
import { checkDns } from '../../src/check/checkers/dns.ts';
import { checkPing } from '../../src/check/checkers/ping.ts';
import { checkUdp } from '../../src/check/checkers/udp.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { type Duration, millis, seconds } from '../../src/lib/time.ts';
import { native } from '../../src/net/native.ts';
import { widenRange } from '../../src/net/ping.ts';
import { block, Cable, ip } from './cable.ts';

const FAR = '10.9.0.2';
const HERE = '127.0.0.1';
const never = new AbortController().signal;

let cable: Cable;
const servers: Socket[] = [];

before(() => {
  cable = new Cable('datagram');
  // What bears the mark 5 does not get out.
  ip('-n', cable.near, 'rule', 'add', 'fwmark', '5', 'prohibit');
  ip('-n', cable.near, '-6', 'rule', 'add', 'fwmark', '5', 'prohibit');
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
after(() => cable.remove());

/** A server on this host that hears with `heard`; its port. */
async function serve(
  heard: (bytes: Buffer, from: RemoteInfo, server: Socket) => void,
  address = HERE,
): Promise<number> {
  const server = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  servers.push(server);
  server.on('message', (bytes, from) => heard(bytes, from, server));
  server.bind(0, address);
  await once(server, 'listening');
  return server.address().port;
}
const echo = (bytes: Buffer, from: RemoteInfo, server: Socket): void =>
  server.send(bytes, from.port, from.address);
const good = (question: Buffer): Buffer => {
  const answer = Buffer.from(question);
  answer.writeUInt16BE(0x8180, 2);
  return answer;
};

const to = (address: string, port: number, more: Partial<Connection> = {}): Connection => ({
  address: address as Ip,
  port,
  mark: 0,
  timeout: seconds(10),
  ...more,
});
const lengths = { min_reply_length: 0, max_reply_length: 65535 };
const udp = (connection: Connection, require_reply?: string, signal = never): Promise<Verdict> =>
  checkUdp(
    { connection, ...lengths, ...(require_reply === undefined ? {} : { require_reply }) },
    signal,
  );
const dns = (connection: Connection): Promise<Verdict> =>
  checkDns({ connection, type: 'A', name: 'www.example.org' }, never);
const ping = (connection: Connection): Promise<Verdict> => checkPing({ connection }, never);
const reasonOf = (verdict: Verdict): string => (verdict.up ? 'up' : verdict.reason);
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('at the server’s end', () => {
  const sources = { UDP: (at: Connection) => udp(at, ''), DNS: dns };
  for (const [name, check] of Object.entries(sources)) {
    it(`${name} comes from the address and the port that it was told`, async () => {
      const seen: string[] = [];
      const port = await serve((bytes, from, server) => {
        seen.push(`${from.address} ${from.port}`);
        echo(good(bytes), from, server);
      });
      const options = { bindAddress: '127.0.0.9' as Ip, bindPort: 4711 };
      assert.deepEqual(await check(to(HERE, port, options)), { up: true });
      assert.deepEqual(await check(to(HERE, port, { bindPort: 4712 })), { up: true });
      assert.deepEqual(seen, ['127.0.0.9 4711', '127.0.0.1 4712']);
    });

    it(`${name} bears its mark`, async () => {
      const port = await serve((bytes, from, server) => echo(good(bytes), from, server));
      assert.equal((await check(to(HERE, port, { mark: 4 }))).up, true);
      // Of addresses of this host the rules say nothing: the way to the far one is forbidden.
      const marked = await check(to(FAR, 9, { mark: 5 }));
      assert.deepEqual(marked, { up: false, reason: 'not permitted', local: true });
    });

    it(`${name} goes through its interface`, async () => {
      const port = await serve((bytes, from, server) => echo(good(bytes), from, server));
      assert.equal((await check(to(HERE, port, { device: 'lo' }))).up, true);
      const other = await check(to(HERE, port, { device: 'a', timeout: millis(200) }));
      assert.equal(other.up, false);
      const none = await check(to(HERE, port, { device: 'none' }));
      assert.deepEqual(none, { up: false, reason: 'no such interface', local: true });
    });
  }

  it('an echo has its mark, interface, source and identifier', async () => {
    assert.deepEqual(await ping(to(FAR, 0)), { up: true });
    assert.deepEqual(await ping(to(FAR, 0, { device: 'a', mark: 4, bindPort: 77 })), { up: true });
    assert.equal(reasonOf(await ping(to(FAR, 0, { mark: 5 }))), 'not permitted');
    const source = { bindAddress: '192.0.2.1' as Ip };
    assert.equal(reasonOf(await ping(to(FAR, 0, source))), 'no such source address');
    assert.deepEqual(await ping(to('fe80::2', 0, { device: 'a' })), { up: true });
  });

  it('IPv6 is asked like IPv4', async () => {
    const port = await serve((bytes, from, server) => echo(good(bytes), from, server), '::1');
    const options = { bindAddress: '::1' as Ip, bindPort: 4713, mark: 4 };
    assert.deepEqual(await dns(to('::1', port, options)), { up: true });
    assert.deepEqual(await udp(to('::1', port), ''), { up: true });
    assert.deepEqual(await ping(to('::1', 0)), { up: true });
  });

  it('two checks from one port to two servers hear each their own', async () => {
    const one = await serve((_, from, server) => echo(Buffer.from('aa', 'hex'), from, server));
    const two = await serve((_, from, server) => echo(Buffer.from('bb', 'hex'), from, server));
    const options = { bindPort: 4714 };
    const verdicts = await Promise.all([
      udp(to(HERE, one, options), 'aa'),
      udp(to(HERE, two, options), 'bb'),
    ]);
    assert.deepEqual(verdicts, [{ up: true }, { up: true }]);
  });
});

describe('what the network answers', () => {
  it('is why it failed', async () => {
    assert.equal(reasonOf(await udp(to(FAR, 9))), 'port unreachable');
    assert.equal(
      reasonOf(await dns(to(FAR, 9))),
      'failed to read socket; errno 111 (Connection refused)',
    );
    // Nobody has the address: ARP is asked in vain.
    const nobody = [udp(to('10.9.0.99', 9)), ping(to('10.9.0.99', 0))];
    const verdicts = await Promise.all(nobody);
    assert.deepEqual(verdicts.map(reasonOf), ['host unreachable', 'host unreachable']);
  });

  it('is not taken for our own fault, and what is ours is not theirs', async () => {
    const theirs = await udp(to(FAR, 9));
    assert.ok(!theirs.up && theirs.local === undefined);
    const ours = await udp(to('192.0.2.1', 9));
    assert.deepEqual(ours, { up: false, reason: 'network unreachable', local: true });
  });

  it('as nothing is good for UDP alone, after all the time there is', async () => {
    const silent = await serve(() => {});
    const short = { timeout: millis(50) };
    assert.deepEqual(await udp(to(HERE, silent, short)), { up: true });
    assert.equal(reasonOf(await udp(to(HERE, silent, short), '')), 'no answer');
    assert.equal(reasonOf(await dns(to(HERE, silent, short))), 'read timeout from socket');
  });
});

describe('a server that means harm', () => {
  it('cannot be another one: what comes from elsewhere is not heard', async () => {
    const stranger = createSocket('udp4');
    servers.push(stranger);
    const port = await serve((bytes, from) => stranger.send(good(bytes), from.port, from.address));
    assert.equal((await dns(to(HERE, port, { timeout: millis(100) }))).up, false);
    assert.equal((await udp(to(HERE, port, { timeout: millis(100) }), '')).up, false);
  });

  it('that sends thousands of datagrams gets an end to it', async () => {
    let asked = 0;
    const port = await serve((bytes, from, server) => {
      asked += 1;
      const wrong = good(bytes);
      wrong.writeUInt16BE(wrong.readUInt16BE(0) ^ 1, 0);
      let left = 3000;
      const more = (): void => {
        if (!servers.includes(server)) return;
        for (const end = left - 50; left > end; left--) server.send(wrong, from.port, from.address);
        if (left > 0) setImmediate(more);
      };
      more();
    });
    const verdict = await dns(to(HERE, port, { timeout: seconds(60) }));
    assert.equal(reasonOf(verdict), 'read timeout from socket, 1000 datagrams were no answer');
    assert.equal(asked, 1);
  });

  it('that answers with as much as there can be is judged by it', async () => {
    const port = await serve((_, from, server) => echo(Buffer.alloc(65_507, 0xaa), from, server));
    assert.deepEqual(await udp(to(HERE, port), 'aa'.repeat(100)), { up: true });
    assert.equal((await dns(to(HERE, port, { timeout: millis(50) }))).up, false);
  });

  it('leaves no descriptor behind, whatever it did', async () => {
    const port = await serve(echo);
    // The server's own descriptors and those of the watch for time are there by now.
    await udp(to(HERE, port), '');
    const open = descriptors();
    const given = new AbortController();
    const silent = await serve(() => {});
    const all = [
      udp(to(HERE, port), ''),
      udp(to(FAR, 9)),
      udp(to(HERE, silent), '', given.signal),
      dns(to(HERE, silent, { timeout: millis(20) })),
      udp(to(HERE, port, { bindAddress: '192.0.2.1' as Ip })),
      ping(to(HERE, 0)),
    ];
    given.abort();
    await Promise.all(all);
    assert.equal(descriptors(), open + 1, 'the silent server is one');
  });
});

describe('time', () => {
  it('that the loop was held up for is no failure of a server that has answered', async () => {
    const port = await serve(echo);
    // The server is in this process, so its answer is made first, and then nothing happens until the time is over.
    const done = udp(to(HERE, port, { timeout: millis(300) }), '');
    await new Promise((resolve) => setImmediate(resolve));
    block(400);
    assert.deepEqual(await done, { up: true });
  });

  it('longer than timers can count is for ever, and giving up ends it at once', async () => {
    const timeout: Duration = seconds(4e6);
    const slow = await serve((...heard) => setTimeout(() => echo(...heard), 50));
    assert.deepEqual(await udp(to(HERE, slow, { timeout }), ''), { up: true });
    const silent = await serve(() => {});
    const given = new AbortController();
    const verdict = udp(to(HERE, silent, { timeout }), '', given.signal);
    given.abort();
    assert.equal((await verdict).up, false);
    assert.equal((await udp(to(HERE, silent), '', given.signal)).up, false);
  });
});

describe('the permission to ping', () => {
  it('is widened just as far as needed', () => {
    assert.equal(widenRange('1\t0\n', 0), '0\t0\n');
    assert.equal(widenRange('100\t200\n', 0), '0\t200\n');
    assert.equal(widenRange('100\t200\n', 300), '100\t300\n');
    assert.equal(widenRange('0\t2147483647\n', 0), undefined);
    assert.equal(readFileSync('/proc/sys/net/ipv4/ping_group_range', 'utf8'), '0\t0\n');
  });
});

it('a refused socket is an error with a code', () => {
  assert.throws(
    () => native.datagramSocket({ protocol: 17, to: FAR as Ip, port: 9, device: 'none' }),
    { code: 'ENODEV', syscall: 'setsockopt' },
  );
});
