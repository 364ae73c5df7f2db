// What the parent removes when a child has left addresses behind: what is listed, where it is listed, and nothing else.

import assert from 'node:assert/strict';
import { after, before, beforeEach, it } from 'node:test';
import type { Ip } from '../../src/lib/ip.ts';
import { PROTOCOL } from '../../src/lib/link.ts';
import { native } from '../../src/net/native.ts';
import { NETLINK_ROUTE } from '../../src/net/netlink.ts';
import { encodeNewAddress } from '../../src/net/rt-address.ts';
import { Sweeper } from '../../src/net/sweep.ts';
import { Cable, ip } from './cable.ts';

let cable: Cable;
const dev = 'a';
const placed = (address: string, prefix = 32) => ({ address: address as Ip, prefix, dev });

before(() => {
  cable = new Cable('sweep');
});
after(() => cable.remove());
beforeEach(() => {
  ip('address', 'flush', 'dev', dev);
});

function add(address: string, ...more: string[]): void {
  ip('address', 'add', address, 'dev', dev, ...more);
}
const there = (): string[] =>
  [...ip('-o', 'address', 'show', 'dev', dev).matchAll(/inet6? (10\.\S+|fd00\S+)/g)].map(
    ([, address = '']) => address,
  );

it('removes what is listed and leaves what has another prefix, interface or address', () => {
  for (const n of [1, 2, 3]) add(`10.50.0.${n}/32`);
  add('10.51.0.4/24');
  const swept = new Sweeper().sweep([
    placed('10.50.0.1'),
    placed('10.50.0.2'),
    placed('10.51.0.4'),
    { ...placed('10.50.0.3'), dev: 'lo' },
    placed('10.50.0.9'),
  ]);
  assert.equal(swept, 2);
  assert.deepEqual(there(), ['10.50.0.3/32', '10.51.0.4/24']);
});

it('leaves what somebody else has put there since', () => {
  const foreign = { index: cable.index('near'), address: '10.50.0.1' as Ip, prefix: 32, scope: 0 };
  const message = encodeNewAddress(foreign, 1, true);
  // iproute2 before 6.3 cannot set the tag: it is the last attribute of the message, padded to 4 bytes.
  assert.equal(message[message.length - 4], PROTOCOL);
  message[message.length - 4] = 77;
  const socket = native.netlinkSocket(NETLINK_ROUTE, 0, 1 << 16);
  assert.deepEqual(native.request(socket, message, 1), []);
  native.close(socket);
  assert.equal(new Sweeper().sweep([placed('10.50.0.1')]), 0);
  assert.deepEqual(there(), ['10.50.0.1/32']);
});

it('removes both families, point-to-point addresses, and more than one message full', () => {
  const many = Array.from({ length: 200 }, (_, n) => `10.52.${n >> 7}.${n & 127}`);
  for (const address of many) add(`${address}/32`);
  add('fd00::7/128', 'nodad');
  add('10.53.0.1', 'peer', '10.53.0.2/32');
  const swept = new Sweeper().sweep([
    ...many.map((address) => placed(address)),
    placed('fd00::7', 128),
    { ...placed('10.53.0.1'), peer: '10.53.0.2' as Ip },
  ]);
  assert.equal(swept, 202);
  assert.deepEqual(there(), []);
});
