// Adverts that do not fit through their interface, ours beside keepalived 2.2.7: addresses that an MTU below IPv6's least has
// no room for leave the advert, and what the kernel refuses to send is said.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { block } from './beside.ts';
import type { DaemonKind } from './daemon.ts';
import { Lab } from './lab.ts';
import { isAdvert } from './wire.ts';

const ADDRESSES = 90;
/** (300 - 20 of IP - 8 of VRRP - 14 of Ethernet, which keepalived takes off too) / 4. */
const ROOM = 64;
const KINDS = ['ours', 'keepalived'] as const satisfies readonly DaemonKind[];

const instance = (vrid: number): string =>
  block(
    'vrrp_instance VI_1',
    'interface eth0',
    `virtual_router_id ${vrid}`,
    'version 3',
    'advert_int 0.1',
    block(
      'virtual_ipaddress',
      ...Array.from({ length: ADDRESSES }, (_, i) => `10.0.${vrid}.${i + 1}/24`),
    ),
  );

it('an MTU of 300 leaves room for 64 addresses of 90; one of 68 for none of the adverts, and that is said', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b'] });
  try {
    const places = KINDS.map((kind, i) => ({ kind, host: lab.host('ab'.charAt(i)), vrid: 51 + i }));
    const all = places.map(async ({ kind, host, vrid }) => {
      await host.ip('link', 'set', 'eth0', 'mtu', '300');
      const daemon = host.start(kind, instance(vrid));
      const moved = `(VI_1) Number of VIPs (${ADDRESSES}) exceeds maximum/space available in packet (max ${ROOM} addresses) - excess moved to eVIPs`;
      await lab.until(moved, () => daemon.lines.some(({ text }) => text.includes(moved)));
      const advert = () =>
        lab.frames.filter(isAdvert).find(({ message }) => message.vrid === vrid)?.message;
      await lab.until(`an advert of ${kind}`, () => advert() !== undefined);
      assert.equal(advert()?.addresses.length, ROOM);
      await lab.untilHolder(`10.0.${vrid}.${ADDRESSES}`, host.name);
      await host.ip('link', 'set', 'eth0', 'mtu', '68');
      const refused = '(VI_1): send advert error 90 (Message too long)';
      await lab.until(refused, () => daemon.lines.some(({ text }) => text.includes(refused)));
    });
    await Promise.all(all);
  } finally {
    await lab.close();
  }
});
