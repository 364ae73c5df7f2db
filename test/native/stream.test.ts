// TCP as a checker of servers needs it: what was asked for (source, port, device, mark) is seen at the other end, what
// is refused says why, and no descriptor outlives its stream.

import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { Ip } from '../../src/lib/ip.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import { type Endpoint, isOurs, Stream } from '../../src/net/stream.ts';
import { addressOf, Cable, eventually, ip, listenFar } from './cable.ts';

const fixtures = join(import.meta.dirname, '../fixtures/tls');
let cable: Cable;
let server: Server;
let port: number;
/** Connections that have been accepted and not yet forgotten. */
const accepted: Socket[] = [];
const never = new AbortController().signal;
const patience = seconds(10);
const there = (more: Partial<Endpoint> = {}): Endpoint => ({
  address: '10.9.0.2' as Ip,
  port,
  mark: 0,
  ...more,
});
const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Connects, and tells what the other end saw of us. */
async function seenOf(endpoint: Endpoint): Promise<{ address: string; port: number }> {
  const stream = new Stream(endpoint, never);
  await stream.connected(patience);
  await eventually(() => accepted.length > 0, 'an accepted connection');
  const [peer] = accepted.splice(0) as [Socket];
  const seen = { address: addressOf(peer), port: peer.remotePort ?? 0 };
  stream.close();
  peer.destroy();
  return seen;
}

async function refusalOf(endpoint: Endpoint, timeout = patience): Promise<NodeJS.ErrnoException> {
  try {
    const stream = new Stream(endpoint, never);
    await stream.connected(timeout);
    stream.close();
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error('it was not refused');
}

before(async () => {
  cable = new Cable('stream');
  ({ server, port } = listenFar(cable, accepted));
  ip('-n', cable.near, 'address', 'add', '10.9.0.7/24', 'dev', 'a');
});
after(() => {
  for (const socket of accepted) socket.destroy();
  server.close();
  cable.remove();
});

describe('a stream', () => {
  it('comes from the address and port that were asked for, again and again', async () => {
    const from = there({ bindAddress: '10.9.0.7' as Ip, bindPort: 34567 });
    for (let round = 0; round < 3; round++)
      assert.deepEqual(await seenOf(from), { address: '10.9.0.7', port: 34567 });
    const { address } = await seenOf(there({ bindAddress: '10.9.0.7' as Ip }));
    assert.equal(address, '10.9.0.7');
    assert.equal((await seenOf(there({ bindPort: 34568 }))).port, 34568);
  });

  it('carries the mark that routing rules ask for', async () => {
    ip('-n', cable.near, 'rule', 'add', 'fwmark', '4294967295', 'table', '77');
    ip(
      ...['-n', cable.near, 'route', 'add', '10.9.0.0/24', 'dev', 'a'],
      ...['src', '10.9.0.7', 'table', '77'],
    );
    assert.equal((await seenOf(there())).address, '10.9.0.1');
    assert.equal((await seenOf(there({ mark: 4294967295 }))).address, '10.9.0.7');
  });

  it('leaves through the device that was asked for, which is the zone of link-local addresses', async () => {
    const far = { address: 'fe80::2' as Ip, device: 'a' };
    assert.equal((await seenOf(there(far))).address, 'fe80::1');
    const bound = there({ ...far, bindAddress: 'fe80::1' as Ip, bindPort: 34569 });
    assert.deepEqual(await seenOf(bound), { address: 'fe80::1', port: 34569 });
    assert.equal((await seenOf(there({ device: 'a' }))).address, '10.9.0.1');
    // There is no way to the other host through the loopback device.
    const error = await refusalOf(there({ device: 'lo' }), millis(200));
    assert.ok(['ETIMEDOUT', 'ENETUNREACH', 'EINVAL'].includes(error.code ?? ''), error.message);
  });

  for (const [what, endpoint, code, ours] of [
    ['a closed port', { port: 1 }, 'ECONNREFUSED', false],
    ['a host that does not answer', { address: '10.9.0.99' }, 'ETIMEDOUT', false],
    ['no route', { address: '192.0.2.1' }, 'ENETUNREACH', true],
    ['a source address that is not here', { bindAddress: '192.0.2.1' }, 'EADDRNOTAVAIL', true],
    ['a device that is not here', { device: 'ka-none' }, 'ENODEV', true],
  ] as const)
    it(`says what was wrong: ${what}`, async () => {
      const error = await refusalOf(there(endpoint as Partial<Endpoint>), millis(200));
      assert.equal(error.code, code, error.message);
      assert.equal(isOurs(error), ours);
      assert.ok(error.syscall !== undefined);
    });

  it('says what it was waiting for when its time is over, and is closed then', async () => {
    const stream = new Stream(there(), never);
    await stream.connected(patience);
    await assert.rejects(stream.read(millis(20)), { code: 'ETIMEDOUT', syscall: 'read' });
    await assert.rejects(stream.read(patience), { code: 'ETIMEDOUT' });
    await eventually(() => accepted.length > 0, 'an accepted connection');
    let ended = false;
    accepted
      .splice(0)[0]
      ?.once('end', () => {
        ended = true;
      })
      .resume();
    await eventually(() => ended, 'the end at the other side');
  });

  it('delivers what was sent before the end, then the end', async () => {
    const stream = new Stream(there(), never);
    await stream.connected(patience);
    await eventually(() => accepted.length > 0, 'an accepted connection');
    const peer = accepted.splice(0)[0];
    peer?.end(Buffer.alloc(300_000, 'x'));
    let length = 0;
    let largest = 0;
    for (;;) {
      const piece = await stream.read(patience);
      if (piece === undefined) break;
      length += piece.length;
      largest = Math.max(largest, piece.length);
    }
    assert.equal(length, 300_000);
    assert.equal(await stream.read(patience), undefined);
    stream.close();
    peer?.destroy();
  });

  it('rejects behind bytes that a reset has cut off, plain and under TLS, however soon it comes', async () => {
    const tls = createTlsServer({
      cert: readFileSync(join(fixtures, 'good.pem')),
      key: readFileSync(join(fixtures, 'good.key')),
    });
    for (let round = 0; round < 20; round++) {
      const stream = new Stream(there(), never);
      await stream.connected(patience);
      await eventually(() => accepted.length > 0, 'an accepted connection');
      const peer = accepted.splice(0)[0];
      if (round % 2 === 0) {
        // Bytes and reset are both there before this process reads.
        peer?.write('hello', () => peer.resetAndDestroy());
      } else {
        tls.once('secureConnection', (secured) => {
          secured.on('error', () => {});
          secured.write('hello', () => peer?.resetAndDestroy());
        });
        // What Nagle holds back a reset takes away.
        peer?.setNoDelay(true);
        tls.emit('connection', peer);
        await stream.secure({ rejectUnauthorized: false }, patience);
      }
      assert.equal((await stream.read(patience))?.toString(), 'hello');
      await assert.rejects(stream.read(patience), { code: 'ECONNRESET' });
    }
  });

  it('has ended where the end came before the reset', async () => {
    const stream = new Stream(there(), never);
    await stream.connected(patience);
    await eventually(() => accepted.length > 0, 'an accepted connection');
    const peer = accepted.splice(0)[0];
    peer?.end('hello', () => peer.resetAndDestroy());
    assert.equal((await stream.read(patience))?.toString(), 'hello');
    assert.equal(await stream.read(patience), undefined);
    assert.equal(await stream.read(patience), undefined);
    stream.close();
  });

  it('takes no more than it is asked for: the rest waits in the kernel', async () => {
    const stream = new Stream(there(), never);
    await stream.connected(patience);
    await eventually(() => accepted.length > 0, 'an accepted connection');
    const peer = accepted.splice(0)[0];
    const before = process.memoryUsage().external;
    for (let piece = 0; piece < 64; piece++) peer?.write(Buffer.alloc(1 << 20));
    await stream.read(patience);
    await eventually(() => (peer?.bytesWritten ?? 0) > 0, 'something sent');
    assert.ok(peer !== undefined && peer.writableLength > 32 << 20, 'most of it is still there');
    assert.ok(process.memoryUsage().external - before < 96 << 20);
    stream.close();
    peer.destroy();
  });

  it('that is given up rejects at once and leaves no descriptor, three thousand times', async () => {
    const free = descriptors();
    for (let round = 0; round < 30; round++) {
      const control = new AbortController();
      setMaxListeners(0, control.signal);
      const waits: Promise<unknown>[] = [];
      for (let n = 0; n < 100; n++) {
        const nowhere = n % 2 === 0 ? { address: '10.9.0.99' as Ip } : {};
        waits.push(new Stream(there(nowhere), control.signal).connected(patience));
      }
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      control.abort();
      const results = await Promise.allSettled(waits);
      const fulfilled = results.filter((result) => result.status === 'fulfilled');
      assert.ok(fulfilled.length <= 50);
      for (const socket of accepted.splice(0)) socket.destroy();
    }
    await eventually(() => {
      for (const socket of accepted.splice(0)) socket.destroy();
      return descriptors() <= free;
    }, 'every descriptor given back');
  });

  it('begun after its signal was given connects to nobody', async () => {
    const stream = new Stream(there(), AbortSignal.abort());
    await assert.rejects(stream.connected(patience), { code: 'ABORT_ERR' });
  });
});
