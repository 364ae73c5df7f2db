// How far apart announcements are: gratuitous ARP and neighbour advertisements of an interface, and of the interfaces of a
// group, beside keepalived 2.2.7. Judged by how long all of them take, for keepalived on a busy machine sends one late and the
// next in time; and of ours by every pause.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { block } from './beside.ts';
import { type Host, Lab } from './lab.ts';
import { announced } from './wire.ts';

const COUNT = 8;
const ALL = Array.from({ length: COUNT }, (_, i) => i + 1);
/** 50 ms between two, in microseconds, less what the first may be late on a busy machine; unpaced they take a fifth of that. */
const LEAST = (COUNT - 1) * 50_000 * 0.6;

const vrrp = (name: string, vrid: number, addresses: readonly string[]): string =>
  block(
    `vrrp_instance ${name}`,
    'interface eth0',
    `virtual_router_id ${vrid}`,
    'version 3',
    'advert_int 0.1',
    block('virtual_ipaddress', ...addresses),
  );

const four = (offset: number): readonly string[] => ALL.map((i) => `10.1.${offset}.${i}`);
const six = (offset: number): readonly string[] => ALL.map((i) => `fd01:${offset}::${i}`);

const config = (offset: number, globals: readonly string[], groups: string): string =>
  block('global_defs', 'vrrp_garp_master_delay 0', 'vrrp_garp_master_repeat 1', ...globals) +
  groups +
  vrrp('VI_4', 51 + offset, four(offset)) +
  vrrp('VI_6', 52 + offset, [`fe80::${offset + 1}`, ...six(offset)]);

const group = (...interfaces: readonly string[]): string =>
  block('garp_group', 'garp_interval 0.05', 'gna_interval 0.05', ...interfaces);

const SCENES: readonly (readonly [string, readonly string[], string])[] = [
  [
    'vrrp_garp_interval and vrrp_gna_interval',
    ['vrrp_garp_interval 0.05', 'vrrp_gna_interval 0.05'],
    '',
  ],
  ['garp_group: garp_interval and gna_interval of an interface', [], group('interface eth0')],
  ['garp_group: the same of interfaces', [], group(block('interfaces', 'eth0'))],
];

for (const [what, globals, groups] of SCENES)
  it(`${what} hold announcements apart`, async () => {
    const lab = await Lab.open({ hosts: ['a', 'b'] });
    try {
      lab.host('a').start('ours', config(1, globals, groups));
      lab.host('b').start('keepalived', config(101, globals, groups));
      /** When each of the addresses was announced first. */
      const firsts = (host: Host, addresses: readonly string[]): readonly number[] =>
        addresses.flatMap(
          (one) =>
            lab.frames.find((frame) => frame.from === host.mac && announced(frame) === one)?.at ??
            [],
        );
      for (const [i, host] of lab.hosts.entries())
        for (const addresses of [four(1 + 100 * i), six(1 + 100 * i)]) {
          const times = (): readonly number[] => firsts(host, addresses);
          await lab.until(`${host.name} announces all`, () => times().length === COUNT, 20_000);
          const took = Math.max(...times()) - Math.min(...times());
          assert.ok(took >= LEAST, `${host.name}: ${addresses.at(0)} and so on within ${took} µs`);
          // Ours never makes a pause shorter, also where it was late with what came before it.
          const sorted = times().toSorted((one, other) => one - other);
          const gaps = sorted.slice(1).map((at, k) => at - (sorted[k] ?? at));
          if (i === 0) assert.ok(Math.min(...gaps) > 45_000, `pauses of ${gaps} µs`);
        }
    } finally {
      await lab.close();
    }
  });
