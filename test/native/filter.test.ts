// The kernel's filter on real sockets: what it drops never becomes a record, a new program replaces the old one at
// once, and none at all lets everything through.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Ip } from '../../src/lib/ip.ts';
import { ipBytes } from '../../src/lib/ip.ts';
import { admit } from '../../src/net/filter.ts';
import { native } from '../../src/net/native.ts';
import { Cable, GROUP4, GROUP6, PROTOCOL, Tape } from './cable.ts';

let cable: Cable;
const open: number[] = [];
const keep = (fd: number): number => {
  open.push(fd);
  return fd;
};

before(() => {
  cable = new Cable('filter');
});
after(() => cable.remove());
afterEach(() => {
  native.stop();
  for (const fd of open.splice(0)) native.close(fd);
});

const groups = { 4: GROUP4 as Ip, 6: GROUP6 as Ip };
const programFor = (family: 4 | 6, ...values: number[]): Uint8Array =>
  admit({ family, at: 1, least: 8, values, destination: groups[family] });
/** A message whose second byte is `value`. */
const message = (value: number, length = 8): Uint8Array => new Uint8Array(length).fill(value, 1, 2);

function listen(family: 4 | 6, filter: Uint8Array): number {
  return keep(
    cable.on('far', () =>
      native.rawSocket({
        family,
        protocol: PROTOCOL,
        device: 'b',
        index: cable.index('far'),
        group: groups[family],
        filter,
      }),
    ),
  );
}

/** The second byte of each message that has come. */
const valuesOf = (tape: Tape, family: 4 | 6): number[] =>
  tape.of('packet').map(({ bytes }) => {
    const at = family === 4 ? ((bytes[0] ?? 0) & 15) * 4 : 0;
    return bytes[at + 1] ?? -1;
  });

describe('a filter', () => {
  for (const family of [4, 6] as const)
    it(`of IPv${family} lets through what it names, and another takes its place`, async () => {
      const near = keep(cable.socket('near', family));
      const far = listen(family, programFor(family, 51, 52, 255));
      const tape = new Tape();
      native.watch(far);
      const all = Array.from({ length: 255 }, (_, value) => ({
        to: groups[family],
        bytes: message(value),
      }));
      const came = async (): Promise<number[]> => {
        native.send(near, all);
        native.send(near, [{ to: groups[family], bytes: message(255) }]);
        await tape.until(() => valuesOf(tape, family).at(-1) === 255, 'the marker');
        const values = valuesOf(tape, family).slice(0, -1);
        tape.records.length = 0;
        return values;
      };
      assert.deepEqual(await came(), [51, 52]);
      native.filter(far, programFor(family, 7, 255));
      assert.deepEqual(await came(), [7]);
      native.filter(far, new Uint8Array(0));
      assert.equal((await came()).length, 255);
    });

  it('looks behind the options of an IPv4 header, and at nothing that is not there', async () => {
    const near = keep(
      cable.on('near', () =>
        native.rawSocket({
          family: 4,
          protocol: PROTOCOL,
          device: 'a',
          index: cable.index('near'),
          group: groups[4],
          header: true,
        }),
      ),
    );
    const far = listen(4, programFor(4, 51, 255));
    const tape = new Tape();
    native.watch(far);
    const datagram = (options: number, body: Uint8Array) => {
      const bytes = new Uint8Array(20 + options + body.length);
      bytes[0] = 0x45 + options / 4;
      bytes.set([64, PROTOCOL], 8);
      bytes.set(ipBytes('10.9.0.1' as Ip), 12);
      bytes.set(ipBytes(groups[4]), 16);
      // No operation (RFC 791 3.1): where the message would be without options.
      bytes.fill(1, 20, 20 + options);
      bytes.set(body, 20 + options);
      return { to: groups[4], bytes };
    };
    native.send(near, [
      datagram(4, message(51)),
      datagram(40, message(51)),
      datagram(40, message(52)),
      datagram(0, new Uint8Array(0)),
      datagram(0, new Uint8Array(1)),
      datagram(8, message(51, 7)),
      datagram(8, message(51, 8)),
      datagram(0, message(255)),
    ]);
    await tape.until(() => tape.of('packet').length >= 4, 'four packets');
    await tape.flush();
    assert.deepEqual(
      tape.of('packet').map(({ bytes }) => bytes.length),
      [32, 68, 36, 28],
    );
  });

  it('takes the place of user space: 100,000 foreign packets become no record', async () => {
    const near = keep(cable.socket('near'));
    const far = listen(4, programFor(4, 255));
    const tape = new Tape();
    native.watch(far);
    const burst = Array.from({ length: 1_000 }, () => ({ to: groups[4], bytes: message(77) }));
    for (let n = 0; n < 100; n++) native.send(near, burst);
    native.send(near, [{ to: groups[4], bytes: message(255) }]);
    await tape.first('packet');
    await tape.flush();
    assert.equal(tape.of('packet').length, 1);
    assert.deepEqual(tape.of('overflow'), []);
  });
});
