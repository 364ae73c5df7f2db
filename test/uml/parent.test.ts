// Instances on VLANs, in VRFs and on bonds, in a machine that has them: the same interfaces, addresses, routes, frames and
// words as with keepalived 2.2.7, also when cables are pulled, and nothing left of them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInside } from './machine.ts';
import type { Input, Seen } from './parent.ts';

const config = (device: string, words: string, more = ''): string => `
global_defs {
  router_id lab
}
${more}
vrrp_instance VI_1 {
  interface ${device}
  ${words}
  virtual_router_id 51
  priority 150
  version 3
  advert_int 0.1
  garp_master_delay 1
  virtual_ipaddress {
    10.5.0.100/24
  }
}
`;

const own = (device: string): string => `addr add 10.5.0.1/24 dev ${device}`;
const address = '10.5.0.100';

const VLAN = {
  address,
  prepare: [
    'link set eth0 up',
    'link add link eth0 name eth0.5 type vlan id 5',
    'link set eth0.5 up',
    own('eth0.5'),
  ],
  remove: ['link del eth0.5', 'link set eth0 down'],
  events: [
    ['link set eth0.5 down', false],
    ['link set eth0.5 up', true],
    ['link set far0 down', false],
    ['link set far0 up', true],
  ],
} as const;

const VRF = {
  address,
  prepare: [
    'link add blue type vrf table 10',
    'link set blue up',
    'link set eth0 master blue',
    'link set eth0 up',
    own('eth0'),
  ],
  remove: ['link del blue', 'addr flush dev eth0', 'link set eth0 down'],
  events: [
    ['link set far0 down', false],
    ['link set far0 up', true],
  ],
} as const;

const BOND = {
  address,
  prepare: [
    'link add bond0 address 02:00:00:00:00:09 type bond mode active-backup miimon 100',
    'link set eth0 down',
    'link set eth1 down',
    'link set eth0 master bond0',
    'link set eth1 master bond0',
    'link set bond0 type bond primary eth0',
    'link set bond0 up',
    own('bond0'),
  ],
  remove: ['link del bond0'],
  events: [
    ['link set far1 down; link set far0 down', false],
    ['link set far1 up; link set far0 up', true],
  ],
} as const;

const USUAL: Readonly<Record<string, Input>> = {
  // Headers that few kernels can put before a packet.
  'use_vmac on a VLAN, with routes that wrap packets (encap mpls, encap ila)': {
    ...VLAN,
    config: config(
      'eth0.5',
      `use_vmac
  virtual_routes {
    10.78.0.0/16 dev eth0.5 encap mpls 100/200
    fd00:78::/64 dev eth0.5 encap ila 1:2:3:4
  }`,
    ),
  },
  'use_vmac in a VRF': {
    ...VRF,
    config: config('eth0', 'use_vmac'),
    events: [
      ['link set eth0 nomaster', true],
      ['link set eth0 master blue', true],
    ],
  },
  'a bond, asked for its link by MII': {
    ...BOND,
    config: config('bond0', '', 'linkbeat_interfaces {\n  bond0 MII\n}'),
  },
};

/** The rest, where time does not matter. */
const MORE: typeof USUAL = {
  'a VLAN': { ...VLAN, config: config('eth0.5', '') },
  'a VRF, with a route in its table': {
    ...VRF,
    config: config(
      'eth0',
      'virtual_routes {\n    10.77.0.0/16 dev eth0 vrf blue\n  }',
      'static_routes {\n    10.79.0.0/16 dev eth0 vrf blue\n  }',
    ),
  },
  'use_vmac on a bond': { ...BOND, config: config('bond0', 'use_vmac') },
};

const CASES = process.env.KEEPALIVED_TEST_FULL === undefined ? USUAL : { ...USUAL, ...MORE };

describe('interfaces that few kernels have', { timeout: 300_000 }, () => {
  let results: Promise<readonly (readonly Seen[])[]> | undefined;
  for (const [i, what] of Object.keys(CASES).entries())
    it(`${what}: as keepalived has it`, async () => {
      results ??= runInside(import.meta.resolve('./parent.ts'), {
        input: Object.values(CASES),
        milliseconds: 280_000,
      });
      const [ours, theirs] = (await results)[i] ?? [];
      assert.ok(ours !== undefined && theirs !== undefined);
      const { log, ...seen } = ours;
      const { log: other, ...expected } = theirs;
      assert.ok(
        expected.objects[0]?.some((line) => line.includes(address)),
        other,
      );
      assert.ok(expected.frames.join('') !== '', other);
      assert.deepEqual(seen, expected, `${log}\n-- keepalived's:\n${other}`);
    });
});
