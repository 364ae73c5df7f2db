// Connections that are only asked for: what was asked of them is seen at the other end, what is refused says why, each
// is told of exactly once, and no descriptor outlives it, however it ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Ip } from '../../src/lib/ip.ts';
import { Recallable } from '../../src/lib/recall.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import { native } from '../../src/net/native.ts';
import { type Endpoint, isOurs } from '../../src/net/stream.ts';
import { addressOf, block, Cable, eventually, ip, listenFar, PROTOCOL, Tape } from './cable.ts';
import { startDials } from './dials.ts';

const NOWHERE = '10.9.0.99' as Ip;
const FAR = '10.9.0.2' as Ip;
let cable: Cable;
let server: Server;
let port: number;
/** Connections that have been accepted and not yet forgotten. */
const accepted: Socket[] = [];
const patience = seconds(10);
const there = (more: Partial<Endpoint> = {}): Endpoint => ({
  address: FAR,
  port,
  mark: 0,
  ...more,
});

/** Sockets of this process that the cable's near end has: those of connections. */
const sockets = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
const forget = (): void => {
  for (const socket of accepted.splice(0)) socket.destroy();
};

before(() => {
  cable = new Cable('dial');
  ({ server, port } = listenFar(cable, accepted));
  ip('-n', cable.near, 'address', 'add', '10.9.0.7/24', 'dev', 'a');
  // A neighbour that is known and does not answer: there is no other refusal than that of time.
  ip(
    ...['-n', cable.near, 'neighbour', 'add', NOWHERE],
    ...['lladdr', '02:00:00:00:00:99', 'dev', 'a'],
  );
});
afterEach(() => {
  native.stop();
  forget();
});
after(() => {
  server.close();
  cable.remove();
});

describe('a connection that is only asked for', () => {
  const seenOf = async (endpoint: Endpoint): Promise<string> => {
    await startDials().reach(endpoint, patience, new Recallable());
    await eventually(() => accepted.length > 0, 'an accepted connection');
    const [peer] = accepted as [Socket];
    const address = addressOf(peer);
    const { remotePort } = peer;
    forget();
    native.stop();
    return endpoint.bindPort === undefined ? address : `${address} ${remotePort}`;
  };

  it('comes from where it was asked to come, again and again', async () => {
    for (let round = 0; round < 3; round++) {
      const from = { bindAddress: '10.9.0.7' as Ip, bindPort: 34567 };
      assert.equal(await seenOf(there(from)), '10.9.0.7 34567');
    }
    assert.equal(await seenOf(there()), '10.9.0.1');
    assert.equal(await seenOf(there({ bindAddress: '10.9.0.7' as Ip })), '10.9.0.7');
    assert.equal(await seenOf(there({ bindPort: 34568 })), '10.9.0.1 34568');
    const linkLocal = { address: 'fe80::2' as Ip, device: 'a' };
    assert.equal(await seenOf(there(linkLocal)), 'fe80::1');
    const bound = { ...linkLocal, bindAddress: 'fe80::1' as Ip, bindPort: 34569 };
    assert.equal(await seenOf(there(bound)), 'fe80::1 34569');
    ip('-n', cable.near, 'rule', 'add', 'fwmark', '4294967295', 'table', '77');
    ip(
      ...['-n', cable.near, 'route', 'add', '10.9.0.0/24', 'dev', 'a'],
      ...['src', '10.9.0.7', 'table', '77'],
    );
    assert.equal(await seenOf(there({ mark: 4294967295 })), '10.9.0.7');
  });

  for (const [what, endpoint, code, ours] of [
    ['a closed port', { port: 1 }, 'ECONNREFUSED', false],
    ['a closed port, of IPv6', { port: 1, address: 'fe80::2', device: 'a' }, 'ECONNREFUSED', false],
    ['a host that does not answer', { address: NOWHERE }, 'ETIMEDOUT', false],
    ['a host that is not there', { address: '10.9.0.98' }, 'EHOSTUNREACH', false],
    ['no route', { address: '192.0.2.1' }, 'ENETUNREACH', true],
    ['a source address that is not here', { bindAddress: '192.0.2.1' }, 'EADDRNOTAVAIL', true],
    ['a device that is not here', { device: 'ka-none' }, 'ENODEV', true],
    ['a link-local address without a device', { address: 'fe80::2' }, 'EINVAL', true],
  ] as const)
    it(`says what was wrong: ${what}`, async () => {
      const before = sockets();
      const wait = code === 'ETIMEDOUT' ? millis(50) : patience;
      const wanted = startDials().reach(
        there(endpoint as Partial<Endpoint>),
        wait,
        new Recallable(),
      );
      const error = await wanted.then(
        () => assert.fail('it was not refused'),
        (refusal: NodeJS.ErrnoException) => refusal,
      );
      assert.equal(error.code, code, error.message);
      assert.equal(isOurs(error), ours);
      assert.ok(error.syscall !== undefined);
      assert.equal(sockets(), before);
    });

  it('ends as keepalived ends it: with a FIN, not with a reset', async () => {
    await startDials().reach(there(), patience, new Recallable());
    await eventually(() => accepted.length > 0, 'an accepted connection');
    const [peer] = accepted;
    peer?.resume();
    await eventually(() => peer?.readableEnded === true || peer?.destroyed === true, 'its end');
    assert.equal(peer?.errored ?? undefined, undefined);
    assert.equal(peer?.readableEnded, true);
  });

  it('holds up no other where its end is never acknowledged', async () => {
    const rules =
      'table ip t { chain o { type filter hook output priority 0; tcp flags & fin == fin drop; }; }';
    ip('netns', 'exec', cable.near, 'nft', rules);
    try {
      const dials = startDials();
      // keepalived 2.2.7 waits five seconds for each.
      const all = Array.from({ length: 5 }, () => dials.reach(there(), patience, new Recallable()));
      let told = 0;
      for (const one of all) void one.then(() => told++);
      await eventually(() => told === all.length, 'what has become of five connections');
    } finally {
      ip('netns', 'exec', cable.near, 'nft', 'delete table ip t');
    }
  });

  it('that is given up leaves nothing, three thousand times, however far it has come', async () => {
    const dials = startDials();
    const before = sockets();
    for (let round = 0; round < 30; round++) {
      const wish = new Recallable();
      const waits: Promise<void>[] = [];
      for (let n = 0; n < 100; n++)
        waits.push(dials.reach(there(n % 2 === 0 ? { address: NOWHERE } : {}), seconds(300), wish));
      // The thread has decided, and nobody has heard of it.
      if (round % 3 === 1) block(5);
      if (round % 3 === 2) await new Promise((resolve) => setImmediate(resolve));
      wish.abort();
      for (const result of await Promise.allSettled(waits))
        if (result.status === 'rejected') assert.equal(result.reason.code, 'ABORT_ERR');
    }
    await assert.rejects(dials.reach(there(), patience, aborted()), { code: 'ABORT_ERR' });
    await eventually(() => {
      forget();
      return sockets() <= before;
    }, 'every descriptor given back');
  });

  it('decided in time counts although the process stood still', async () => {
    // The first question is lost, and its repetition after a second is answered.
    ip('-n', cable.far, 'link', 'set', 'dev', 'b', 'down');
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    const words = ['--import', 'tsx', 'test/native/child.ts', 'dial', FAR, String(port), '1500'];
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    try {
      await eventually(() => said === 'asked\n', 'the question');
      const late = Date.now() + 1600;
      child.kill('SIGSTOP');
      ip('-n', cable.far, 'link', 'set', 'dev', 'b', 'up');
      await eventually(() => accepted.length > 0, 'an accepted connection');
      await eventually(() => Date.now() > late, 'the end of its time');
      child.kill('SIGCONT');
      await eventually(() => said !== 'asked\n', 'an answer');
      assert.equal(said, 'asked\naccepted\n');
    } finally {
      child.kill('SIGKILL');
      ip('-n', cable.far, 'address', 'add', 'fe80::2/64', 'dev', 'b', 'nodad');
    }
  });
});

const aborted = (): Recallable => {
  const wish = new Recallable();
  wish.abort();
  return wish;
};

describe('the thread that waits for connections', () => {
  const reached = (tape: Tape): readonly (readonly [number, number])[] =>
    tape.of('reached').map(({ id, errno }) => [id, errno]);

  it('tells of each exactly once, also where packets have filled its queue', async () => {
    const tape = new Tape();
    const flood = native.rawSocket({ family: 4, protocol: PROTOCOL, device: 'lo' });
    native.watch(flood);
    ip('-n', cable.near, 'link', 'set', 'dev', 'lo', 'up');
    const packets = Array.from({ length: 32 }, () => ({
      to: '127.0.0.1' as Ip,
      bytes: new Uint8Array(4_000),
    }));
    // Nothing of it is read here until the end of the turn.
    for (let round = 0; round < 60; round++) {
      native.send(flood, packets);
      block(1);
    }
    for (let id = 0; id < 100; id++) native.dial(id, FAR, id % 2 === 0 ? port : 1, 10_000_000);
    block(50);
    await tape.until(() => tape.of('reached').length >= 100, 'a hundred answers');
    await tape.flush();
    assert.ok(tape.of('overflow').length > 0, 'no packet was lost');
    const ids = reached(tape).map(([id]) => id);
    assert.deepEqual(
      ids.sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, id) => id),
    );
    native.close(flood);
  });

  it('has closed what it tells of: the number of its descriptor may be that of another file', async () => {
    const tape = new Tape();
    native.dial(1, FAR, port, 10_000_000);
    // Decided, closed, and in the queue.
    block(100);
    const files = Array.from({ length: 10 }, () => openSync('/dev/null', 'r'));
    assert.equal(native.hangUp(1), false);
    await tape.flush();
    for (const fd of files) {
      fstatSync(fd);
      closeSync(fd);
    }
    assert.deepEqual(reached(tape), [[1, 0]]);
  });

  it('takes an id again once it has been given up, and no id twice', async () => {
    const tape = new Tape();
    native.dial(7, NOWHERE, port, 10_000_000);
    assert.throws(() => native.dial(7, FAR, port, 10_000_000), { code: 'EEXIST' });
    assert.equal(native.hangUp(7), true);
    assert.equal(native.hangUp(7), false);
    native.dial(7, FAR, port, 10_000_000);
    await tape.first('reached');
    await tape.flush();
    assert.deepEqual(reached(tape), [[7, 0]]);
  });

  it('leaves nothing when it ends, and tells the next one nothing', async () => {
    const before = sockets();
    new Tape();
    for (let id = 0; id < 50; id++) native.dial(id, NOWHERE, port, 10_000);
    native.stop();
    assert.equal(sockets(), before);
    const tape = new Tape();
    native.dial(99, FAR, port, 10_000_000);
    await tape.first('reached');
    await tape.flush();
    assert.deepEqual(reached(tape), [[99, 0]]);
  });

  it('sleeps while nothing is decided', async () => {
    const tape = new Tape();
    for (let id = 0; id < 500; id++) native.dial(id, NOWHERE, port, 10_000_000);
    const io = readdirSync('/proc/self/task').filter((task) =>
      readFileSync(`/proc/self/task/${task}/comm`, 'utf8').startsWith('io'),
    );
    const switches = (): number =>
      io.reduce((sum, task) => {
        const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8');
        return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
      }, 0);
    native.dial(1_000, FAR, port, 10_000_000);
    await tape.first('reached');
    await tape.flush();
    const before = switches();
    const { resolve, promise } = withResolvers();
    setTimeout(resolve, 200);
    await promise;
    assert.ok(switches() - before < 20, 'it looks again and again');
  });
});

function withResolvers(): { resolve: () => void; promise: Promise<void> } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { resolve, promise };
}
