// Receiving and its limits: instants, where a packet came from, a queue that is bounded and says what it lost,
// news of the kernel that was lost, and sockets that take nothing more.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Ip } from '../../src/lib/ip.ts';
import { native } from '../../src/net/native.ts';
import { NETLINK_ROUTE, RTMGRP_IPV4_IFADDR } from '../../src/net/netlink.ts';
import { readNews } from '../../src/net/route.ts';
import { block, Cable, GROUP4, GROUP6, ip, numbered, numberOf, Tape } from './cable.ts';

let cable: Cable;
let tape: Tape;
const open: number[] = [];
const keep = (fd: number): number => {
  open.push(fd);
  return fd;
};

before(() => {
  cable = new Cable('recv');
});
after(() => cable.remove());
afterEach(() => {
  native.stop();
  for (const fd of open.splice(0)) native.close(fd);
});

describe('a received packet', () => {
  for (const family of [4, 6] as const)
    it(`of IPv${family} tells its addresses, hop limit, interface and arrival`, async () => {
      const near = keep(cable.socket('near', family));
      const far = keep(cable.socket('far', family));
      tape = new Tape();
      native.watch(far);
      const before = native.now();
      assert.equal(native.send(near, [numbered(77, family)]), 1);
      const sent = native.now();
      const packet = await tape.first('packet');
      assert.equal(numberOf(packet), 77);
      assert.equal(packet.bytes.length, family === 4 ? 36 : 16);
      assert.deepEqual(
        {
          fd: packet.fd,
          hopLimit: packet.hopLimit,
          interface: packet.interface,
          source: packet.source,
          destination: packet.destination,
        },
        {
          fd: far,
          hopLimit: 255,
          interface: cable.index('far'),
          source: family === 4 ? '10.9.0.1' : 'fe80::1',
          destination: family === 4 ? GROUP4 : GROUP6,
        },
      );
      // The stamp comes from another clock: half a millisecond is room for reading two clocks on a busy machine.
      assert.ok(packet.at > before - 500 && packet.at < sent + 500, `${packet.at - before} µs`);
      assert.ok(packet.read >= packet.at);
    });

  it('keeps its arrival while JavaScript is blocked, and while nobody reads its socket', async () => {
    const near = keep(cable.socket('near'));
    const far = keep(cable.socket('far'));
    native.send(near, [numbered(1)]);
    const first = native.now();
    block(50);
    tape = new Tape();
    native.watch(far);
    block(50);
    native.send(near, [numbered(2)]);
    const second = native.now();
    block(50);
    await tape.until(() => tape.of('packet').length === 2, 'both packets');
    const [one, two] = tape.of('packet');
    assert.ok(Math.abs((one?.at ?? 0) - first) < 5_000, `${(one?.at ?? 0) - first} µs`);
    assert.ok(Math.abs((two?.at ?? 0) - second) < 5_000, `${(two?.at ?? 0) - second} µs`);
  });

  it('behind 500 others has its own instant, not the instant of reading', async () => {
    const near = keep(cable.socket('near'));
    const far = keep(cable.socket('far', 4, 4 << 20));
    for (let n = 0; n < 500; n++) native.send(near, [numbered(n)]);
    const sent = native.now();
    block(50);
    tape = new Tape();
    native.watch(far);
    await tape.until(() => tape.of('packet').length === 500, '500 packets');
    assert.deepEqual(
      tape.of('packet').map(numberOf),
      Array.from({ length: 500 }, (_, n) => n),
    );
    assert.ok(tape.of('packet').every(({ at }) => at < sent + 5_000));
  });

  it('is cut off where it is longer than any the daemon knows, and harms nothing', async () => {
    const near = keep(cable.socket('near'));
    keep(cable.socket('far'));
    const far = open.at(-1) ?? -1;
    tape = new Tape();
    native.watch(far);
    native.send(near, [{ to: GROUP4 as Ip, bytes: new Uint8Array(20_000) }, numbered(1)]);
    await tape.until(() => tape.of('packet').length === 2, 'both packets');
    assert.deepEqual(
      tape.of('packet').map(({ bytes }) => bytes.length),
      [4608, 36],
    );
  });
});

describe('a socket', () => {
  it('told not to receive receives nothing', async () => {
    const near = keep(cable.socket('near'));
    const deaf = keep(
      cable.on('far', () =>
        native.rawSocket({
          family: 4,
          protocol: 253,
          device: 'b',
          index: cable.index('far'),
          group: GROUP4 as Ip,
          receive: false,
        }),
      ),
    );
    const far = keep(cable.socket('far'));
    tape = new Tape();
    native.watch(deaf);
    native.watch(far);
    native.send(near, [numbered(1)]);
    await tape.first('packet');
    await tape.flush();
    assert.deepEqual(
      tape.of('packet').map(({ fd }) => fd),
      [far],
    );
  });

  it('that takes nothing more refuses with EAGAIN and delays no other', async () => {
    // What waits for an answer to ARP stays charged to its socket.
    writeFileSync('/proc/sys/net/ipv4/neigh/a/unres_qlen_bytes', '50000000');
    const storm = keep(native.rawSocket({ family: 4, protocol: 253, device: 'a', header: true }));
    const bytes = new Uint8Array(1_400);
    bytes.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 253, 0, 0, 0, 0, 0, 0, 10, 9, 0, 77]);
    const lost = { to: '10.9.0.77' as Ip, bytes };
    assert.throws(
      () =>
        native.send(
          storm,
          Array.from({ length: 1_000 }, () => lost),
        ),
      { code: 'EAGAIN', errno: 11, syscall: 'sendmmsg' },
    );
    const near = keep(cable.socket('near'));
    native.watch(keep(cable.socket('far')));
    tape = new Tape();
    native.pace(1, storm, 1_000, native.now(), [Array.from({ length: 100 }, () => lost)]);
    native.pace(2, near, 50_000, native.now(), [[numbered(1)]]);
    await tape.until(() => tape.of('packet').length >= 10, 'ten adverts beside the storm');
    assert.ok(tape.of('sendFailed').some(({ id, errno }) => id === 1 && errno === 11));
    assert.deepEqual(
      tape.of('stalled').filter(({ id }) => id === 2),
      [],
    );
  });
});

describe('the queue to JavaScript', () => {
  it('keeps the oldest 4 MB, counts what it lost, and asks for a new dump where news was among it', async () => {
    const near = keep(cable.socket('near'));
    const far = keep(cable.socket('far', 4, 16 << 20));
    const monitor = keep(native.netlinkSocket(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR, 1 << 20));
    tape = new Tape();
    native.watch(far);
    native.watch(monitor);
    const count = 6_000;
    const bytes = (n: number): Uint8Array => {
      const long = new Uint8Array(1_400);
      long.set(numbered(n).bytes);
      return long;
    };
    for (let n = 0; n < count; n++) native.send(near, [{ to: GROUP4 as Ip, bytes: bytes(n) }]);
    block(200);
    // More news than the remainder holds that is too small for one more packet.
    for (let round = 0; round < 10; round++)
      for (const order of ['add', 'delete']) ip('address', order, '10.9.9.9/32', 'dev', 'a');
    block(50);
    await tape.first('overflow');
    await tape.flush();
    const lost = tape.of('overflow').reduce((sum, record) => sum + record.lost, 0);
    const kept = tape.of('packet').filter(({ fd }) => fd === far);
    assert.ok(kept.length > 2_000 && kept.length * 1_492 <= 4 << 20, `${kept.length} kept`);
    assert.deepEqual(
      kept.map(numberOf),
      Array.from({ length: kept.length }, (_, n) => n),
    );
    assert.equal((await tape.first('resync')).fd, monitor);
    const news = tape.of('packet').filter(({ fd }) => fd === monitor).length;
    assert.equal(kept.length + news + lost, count + 20);
    // And goes on from there.
    native.send(near, [numbered(123_456)]);
    ip('address', 'add', '10.9.9.9/32', 'dev', 'a');
    await tape.until(
      () => tape.of('packet').some((p) => p.fd === far && numberOf(p) === 123_456),
      'a packet after the flood',
    );
    await tape.until(
      () => tape.of('packet').some((p) => p.fd === monitor && readNews(p.bytes).length === 1),
      'news after the flood',
    );
    ip('address', 'delete', '10.9.9.9/32', 'dev', 'a');
  });

  // The guard is NoteLoss in native/io_loop.h: noted at the end of a delivery, the loss would come after the alarm.
  it('has the loss where it happened: before an alarm that is decided without what was lost', async () => {
    const near = keep(cable.socket('near'));
    const far = keep(cable.socket('far', 4, 16 << 20));
    tape = new Tape();
    native.watch(far);
    const long = (n: number): Uint8Array => {
      const bytes = new Uint8Array(1_400);
      bytes.set(numbered(n).bytes);
      return bytes;
    };
    for (let n = 0; n < 4_000; n++) native.send(near, [{ to: GROUP4 as Ip, bytes: long(n) }]);
    // The I/O thread reads all of it while JavaScript does nothing, and then the alarm goes off.
    native.alarm(native.now() + 100_000);
    block(200);
    await tape.first('alarm');
    const kinds = tape.records.map(({ kind }) => kind);
    assert.ok(kinds.indexOf('overflow') > kinds.indexOf('packet'));
    assert.ok(kinds.indexOf('overflow') < kinds.indexOf('alarm'));
    const lost = tape.of('overflow').reduce((sum, record) => sum + record.lost, 0);
    assert.equal(tape.of('packet').length + lost, 4_000);
    // One record a loss that nothing interrupts, not one a packet.
    assert.ok(tape.of('overflow').length < 10, `${tape.of('overflow').length} records`);
  });

  it('tells that the kernel dropped news of a monitor (ENOBUFS)', async () => {
    const monitor = keep(native.netlinkSocket(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR, 2_048));
    for (let round = 0; round < 20; round++)
      for (const order of ['add', 'delete']) ip('address', order, '10.9.9.9/32', 'dev', 'a');
    tape = new Tape();
    native.watch(monitor);
    assert.equal((await tape.first('resync')).fd, monitor);
    await tape.flush();
    assert.equal(tape.of('resync').length, 1);
  });

  it('delivers what is longer than the ring in several batches, in order', async () => {
    const near = keep(cable.socket('near'));
    const far = keep(cable.socket('far', 4, 4 << 20));
    tape = new Tape('settling', 128 << 10);
    native.watch(far);
    for (let n = 0; n < 3_000; n++) native.send(near, [numbered(n)]);
    await tape.until(() => tape.of('packet').length === 3_000, 'all packets');
    assert.deepEqual(
      tape.of('packet').map(numberOf),
      Array.from({ length: 3_000 }, (_, n) => n),
    );
  });
});
