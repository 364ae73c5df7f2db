// What the kernel lets through: the program is run here by an interpreter of classic BPF, over packets as a raw
// socket sees them. test/native/filter.test.ts attaches the same programs to real sockets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipBytes } from '../../src/lib/ip.ts';
import { seconds } from '../../src/lib/time.ts';
import { admit } from '../../src/net/filter.ts';
import { config, instance, ip } from '../sim/config.ts';
import { Host } from '../sim/host.ts';

const GROUP4 = ip('224.0.0.18');
const GROUP6 = ip('ff02::12');

/** `seen`: where the packet begins for the socket. A load that leaves the packet ends the program with 0 (linux/filter.h). */
function admits(program: Uint8Array, network: Uint8Array, seen: number): boolean {
  const code = new DataView(program.buffer);
  let a = 0;
  let x = 0;
  const at = (offset: number, width: number): number | undefined => {
    const from = offset >= 0xfff00000 ? offset - 0xfff00000 : seen + offset;
    if (from + width > network.length) return undefined;
    return network.subarray(from, from + width).reduce((sum, byte) => sum * 256 + byte, 0);
  };
  for (let pc = 0; ; pc++) {
    const k = code.getUint32(pc * 8 + 4, true);
    switch (code.getUint16(pc * 8, true)) {
      case 0x20:
      case 0x30:
      case 0x50: {
        const op = code.getUint16(pc * 8, true);
        const value = at(op === 0x50 ? x + k : k, op === 0x20 ? 4 : 1);
        if (value === undefined) return false;
        a = value;
        break;
      }
      case 0xb1: {
        const value = at(k, 1);
        if (value === undefined) return false;
        x = 4 * (value & 15);
        break;
      }
      case 0x15:
        pc += code.getUint8(pc * 8 + (a === k ? 2 : 3));
        break;
      case 0x06:
        return k !== 0;
      default:
        throw new Error(`instruction ${code.getUint16(pc * 8, true)}`);
    }
  }
}

function packet4(vrid: number, { to = GROUP4, options = 0, length = 8 } = {}): Uint8Array {
  const bytes = new Uint8Array(20 + options + length);
  bytes[0] = 0x45 + options / 4;
  bytes.set(ipBytes(to), 16);
  bytes.fill(0x99, 20, 20 + options);
  bytes.set([0x31, vrid].slice(0, length), 20 + options);
  return bytes;
}

function packet6(vrid: number, { to = GROUP6, length = 8 } = {}): Uint8Array {
  const bytes = new Uint8Array(40 + length);
  bytes.set(ipBytes(to), 24);
  bytes.set([0x31, vrid].slice(0, length), 40);
  return bytes;
}

const through4 = (program: Uint8Array, packet: Uint8Array): boolean => admits(program, packet, 0);
const through6 = (program: Uint8Array, packet: Uint8Array): boolean => admits(program, packet, 40);

test('of 255 virtual routers only those of the socket pass, in both families', () => {
  for (const values of [
    [51],
    [1, 255],
    [3, 51, 52, 200],
    Array.from({ length: 255 }, (_, i) => i + 1),
  ]) {
    const four = admit({ family: 4, at: 1, least: 8, values, destination: GROUP4 });
    const six = admit({ family: 6, at: 1, least: 8, values, destination: GROUP6 });
    assert.ok(four.length <= 4096 * 8);
    for (let vrid = 0; vrid <= 255; vrid++) {
      assert.equal(through4(four, packet4(vrid)), values.includes(vrid), `IPv4 ${vrid}`);
      assert.equal(through6(six, packet6(vrid)), values.includes(vrid), `IPv6 ${vrid}`);
    }
  }
});

test('IP options move the message, and the program looks behind them', () => {
  const program = admit({ family: 4, at: 1, least: 8, values: [51], destination: GROUP4 });
  for (const options of [4, 8, 40]) {
    assert.ok(through4(program, packet4(51, { options })), `${options}`);
    assert.ok(!through4(program, packet4(52, { options })), `${options}`);
  }
});

test('a packet passes as soon as it has a whole header, and never before', () => {
  const four = admit({ family: 4, at: 1, least: 8, values: [51] });
  const six = admit({ family: 6, at: 1, least: 8, values: [51] });
  for (let length = 0; length < 12; length++) {
    assert.equal(through4(four, packet4(51, { length })), length >= 8, `IPv4 ${length}`);
    assert.equal(through6(six, packet6(51, { length })), length >= 8, `IPv6 ${length}`);
  }
});

test('what is sent to somewhere else than the group does not pass', () => {
  const four = admit({ family: 4, at: 1, least: 8, values: [51], destination: GROUP4 });
  const six = admit({ family: 6, at: 1, least: 8, values: [51], destination: GROUP6 });
  assert.ok(!through4(four, packet4(51, { to: ip('10.0.0.5') })));
  for (const to of ['ff02::13', 'fd02::12', 'ff02:0:0:1::12'])
    assert.ok(!through6(six, packet6(51, { to: ip(to) })), to);
  assert.ok(
    through4(
      admit({ family: 4, at: 1, least: 8, values: [51] }),
      packet4(51, { to: ip('10.0.0.5') }),
    ),
  );
});

test('a socket for nobody lets nothing through', () => {
  assert.ok(!through4(admit({ family: 4, at: 1, least: 8, values: [] }), packet4(51)));
});

// Who tells the kernel

const other = { name: 'VI_2', virtual_router_id: 7 };
const both = (...changes: object[]) => config(...changes.map((change) => instance(change)));

test('a socket is opened for all instances that share it', () => {
  const one = new Host(both({}, other)).start();
  assert.deepEqual(
    one.of('open').map(({ socket }) => socket.vrids),
    [[7, 51]],
  );
  assert.deepEqual(one.of('filter'), []);
});

test('who joins and leaves by a reload is told to the kernel in the same step', () => {
  const one = new Host(both({})).start();
  one.take({ type: 'reload', config: both({}, other) });
  assert.deepEqual(
    one.of('filter').map(({ socket }) => socket.vrids),
    [[7, 51]],
  );
  one.take({ type: 'reload', config: both({}, other) });
  assert.deepEqual(one.of('filter'), []);
  one.take({ type: 'reload', config: both(other) });
  assert.deepEqual(
    one.of('filter').map(({ socket }) => socket.vrids),
    [[7]],
  );
  assert.deepEqual(one.of('close'), []);
});

test('a virtual router of another number is heard at once', () => {
  const one = new Host(both({})).start();
  one.take({ type: 'reload', config: both({ virtual_router_id: 9 }) });
  assert.deepEqual(
    one.of('filter').map(({ socket }) => socket.vrids),
    [[9]],
  );
});

test('what joins while the socket is refused is in the next attempt', () => {
  const one = new Host(both({})).start();
  const action = one.of('open')[0];
  assert.ok(action !== undefined);
  one.take({ type: 'refused', action, code: 'EPERM', message: 'no' });
  one.take({ type: 'reload', config: both({}, other) });
  assert.deepEqual(one.of('filter'), []);
  one.take({ type: 'deadline' }, seconds(1) as never);
  assert.deepEqual(
    one.of('open').map(({ socket }) => socket.vrids),
    [[7, 51]],
  );
});

test('a filter that is refused is said, and nobody is at fault', () => {
  const one = new Host(both({}, other)).start();
  const socket = one.of('open')[0]?.socket;
  assert.ok(socket !== undefined);
  const refused = { type: 'filter', socket } as const;
  one.take({ type: 'refused', action: refused, code: 'ENOMEM', message: 'no memory' });
  assert.deepEqual(one.logs, [
    'cannot filter IPv4 VRRP socket on eth0 for 224.0.0.18: ENOMEM (no memory)',
  ]);
  assert.equal(one.member().state.name, 'backup');
});
