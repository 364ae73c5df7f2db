// Announcements byte for byte as keepalived 2.2.7 puts them on the wire.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announcement, macBytes } from '../../src/vrrp/announce.ts';
import { ip } from '../sim/config.ts';

const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');
const clean = (text: string): string => text.replace(/\s/g, '');

test('a gratuitous ARP is a broadcast request whose two protocol addresses are the virtual one', () => {
  assert.equal(
    hex(announcement(mac, ip('10.0.0.100'), false)),
    clean(`ffff ffff ffff 0200 0000 0001 0806 0001 0800 0604 0001 0200 0000 0001 0a00 0064
           ffff ffff ffff 0a00 0064`),
  );
});

test('an unsolicited neighbour advert overrides and comes from the virtual address', () => {
  assert.equal(
    hex(announcement(mac, ip('fe80::12:1'), false)),
    clean(`3333 0000 0001 0200 0000 0001 86dd 6000 0000 0020 3aff fe80 0000 0000 0000 0000
           0000 0012 0001 ff02 0000 0000 0000 0000 0000 0000 0001 8800 5777 2000 0000 fe80
           0000 0000 0000 0000 0000 0012 0001 0201 0200 0000 0001`),
  );
  assert.equal(hex(announcement(mac, ip('fd00::102'), false)).slice(112, 116), '5899');
});

test('RFC 4861 4.4: a forwarding node sets the router flag', () => {
  const plain = announcement(mac, ip('fd00::102'), false);
  const router = announcement(mac, ip('fd00::102'), true);
  assert.deepEqual([plain[58], router[58]], [0x20, 0xa0]);
  // One more bit in the message, one less in the sum's complement.
  const sum = (frame: Uint8Array): number => ((frame[56] ?? 0) << 8) | (frame[57] ?? 0);
  assert.equal(
    sum(plain) - sum(router) === 0x8000 || sum(plain) - sum(router) === 0x8000 - 0xffff,
    true,
  );
});

test('what is not an Ethernet address is not one', () => {
  assert.deepEqual(macBytes('02:00:00:00:00:01'), mac);
  for (const text of ['', '02:00', '02:00:00:00:00:0g', '02:00:00:00:00:00:01', '2:0:0:0:0:1'])
    assert.equal(macBytes(text), undefined);
});
