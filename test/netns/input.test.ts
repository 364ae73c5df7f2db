// What a configuration or the machine gives that cannot be used: a script that is not there, or goes; a route that the kernel
// refuses; an interface without an address. Each is said in a clear line, in the words of keepalived 2.2.7 where it has any,
// holds nobody up, and is put right as soon as it can be.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { addCable, beside, block, virtualRouter } from './beside.ts';
import { isAdvert } from './wire.ts';

it('scripts that are missing or vanish, a refused route, an interface without an address: said, and nothing else suffers', async () => {
  const config = (offset: number): string =>
    block('global_defs', 'router_id lab', 'script_user root') +
    block('vrrp_script missing', 'script /run/none', 'interval 1') +
    block('vrrp_script leaves', 'script /run/leaves', 'interval 1', 'weight 10') +
    virtualRouter(1, offset, 'eth0', block('track_script', 'missing')) +
    virtualRouter(
      2,
      offset,
      'eth0',
      'notify_master /run/nobody',
      block('track_script', 'leaves'),
      block('virtual_routes', '10.50.0.0/16 via 10.51.0.1 dev eth0', '10.52.0.0/16 dev eth0'),
    ) +
    virtualRouter(3, offset, 'eth1');
  await beside(
    config,
    async ({ host, write }) => {
      write('leaves', '#!/bin/sh\nexit 0\n');
      await addCable(host, 'eth1');
    },
    [
      '(VI_1) Entering BACKUP STATE (init)',
      '(VI_2) Entering BACKUP STATE (init)',
      '(VI_3) entering FAULT state',
      'VRRP_Script(leaves) succeeded',
      '(VI_2) Changing effective priority from 100 to 110',
      '(VI_1) Entering MASTER STATE',
      '(VI_2) Entering MASTER STATE',
    ],
    async ({ lab, players, speaks, skip }) => {
      const [ours] = players;
      // keepalived says it before it knows the line, and gives reasons a line of their own.
      for (const words of [
        'Disabling track script missing since not found/accessible',
        'Script /run/none cannot be accessed - No such file or directory',
        'Script /run/nobody cannot be accessed - No such file or directory',
        '(VI_3) entering FAULT state (no IPv4 address for interface)',
      ])
        for (const { daemon } of players)
          assert.ok(
            daemon.lines.some(({ text }) => text.includes(words)),
            `${daemon.kind} does not say ${words}`,
          );
      const refused = (): boolean =>
        ours.daemon.lines.some(
          ({ text }) =>
            text.includes('10.50.0.0/16') && /refused|ENETUNREACH|unreachable/i.test(text),
        );
      await lab.until('the route and the reason are named', refused);
      // A script that goes away while it is asked: keepalived believes for ever what it said last.
      const [{ daemon }] = players;
      rmSync(join(daemon.place.folder, 'run/leaves'));
      const says = (words: string): Promise<true> =>
        lab.until(`it says ${words}`, () => daemon.lines.some(({ text }) => text.includes(words)));
      await says('VRRP_Script(leaves) failed (execve ENOENT: No such file or directory)');
      await says('(VI_2) Changing effective priority from 110 to 100');
      for (const { host } of players) await host.ip('addr', 'add', '10.51.0.9/24', 'dev', 'eth0');
      await lab.until('the refused route is there as soon as it can be', async () => {
        const routes = await ours.host.ip('route', 'show', 'proto', 'keepalived');
        return (routes.includes('10.50.0.0/16') && routes.includes('10.52.0.0/16')) || undefined;
      });
      ours.write('leaves', '#!/bin/sh\nexit 0\n');
      await speaks(52, 110);
      for (const { host, offset, daemon } of players) {
        await host.ip('addr', 'add', `10.53.0.${1 + offset}/24`, 'dev', 'eth1');
        await lab.until(`${daemon.kind} is master there too`, () =>
          daemon.lines.some(({ text }) => text.includes('(VI_3) Entering MASTER STATE')),
        );
      }
      // Nothing of it cost an advert: none is more than a few intervals after the one before.
      for (const { offset, daemon } of players) {
        const times = lab.frames
          .filter(isAdvert)
          .filter(({ message }) => message.vrid === 51 + offset)
          .map(({ at }) => at);
        const longest = Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? at)));
        assert.ok(longest < 1e6, `${daemon.kind} was silent for ${longest} µs`);
      }
      skip();
    },
  );
});
