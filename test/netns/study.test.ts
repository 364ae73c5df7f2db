// Two directors that back each other up: the failover study of keepalived's user guide, its two files as they stand. Each is
// master of one sync group with an instance on either side. Played with ours and keepalived in each place, and
// with keepalived on both: the same addresses on the same hosts after each event.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { addCable } from './beside.ts';
import type { DaemonKind } from './daemon.ts';
import { type Host, Lab } from './lab.ts';

/** Of the first and the second director. */
const FILES = [1, 2].map((number) =>
  readFileSync(
    new URL(`../fixtures/cases/failover-director${number}.conf`, import.meta.url),
    'utf8',
  ),
) as [string, string];

/** What the groups of the study hold. */
const GROUPS = [
  ['192.168.200.10', '192.168.200.11', '192.168.100.10'],
  ['192.168.200.12', '192.168.200.13', '192.168.100.11'],
] as const;

/** Who has the addresses of each group, once each group is whole on one host or on none. */
async function settled(lab: Lab, wanted: readonly (readonly string[])[]): Promise<void> {
  const shown = (): readonly (readonly string[])[] =>
    GROUPS.map((addresses) => [
      ...new Set(addresses.map((one) => lab.holders(one).toSorted().join('+'))),
    ]);
  await lab
    .until(
      `groups are at ${JSON.stringify(wanted)}`,
      () => {
        return JSON.stringify(shown()) === JSON.stringify(wanted);
      },
      20_000,
    )
    .catch((error: Error) => assert.deepEqual(shown(), wanted, error.message));
}

/** The other side: a cable between the two, through the switch's namespace. */
async function secondSide(lab: Lab, hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) await addCable(host, 'eth1');
  const [first, second] = hosts;
  assert.ok(first !== undefined && second !== undefined);
  await first.ip('link', 'add', 'br1', 'type', 'bridge', 'mcast_snooping', '0');
  await first.ip('link', 'set', 'br1', 'up');
  await first.ip('link', 'set', 'xeth1', 'master', 'br1');
  // The far end of the second host's cable lives on the first.
  await second.ip('link', 'set', 'xeth1', 'name', 'yeth1');
  await second.ip('link', 'set', 'yeth1', 'netns', first.namespace);
  await first.ip('link', 'set', 'yeth1', 'master', 'br1');
  await first.ip('link', 'set', 'yeth1', 'up');
  for (const [i, host] of hosts.entries())
    await host.ip('addr', 'add', `192.168.100.25${i + 1}/24`, 'dev', 'eth1');
  assert.ok(lab.hosts.length >= 2);
}

// Each mostly waits.
describe('two directors', { concurrency: true }, () => {
  for (const [first, second] of [
    ['ours', 'keepalived'],
    ['keepalived', 'ours'],
    ['keepalived', 'keepalived'],
  ] as const satisfies readonly (readonly [DaemonKind, DaemonKind])[])
    it(`${first} and ${second}: groups with AH go over together and come back`, async () => {
      const lab = await Lab.open({ hosts: ['a', 'b'], capture: false });
      try {
        const [a, b] = [lab.host('a'), lab.host('b')];
        await secondSide(lab, [a, b]);
        const one = a.start(first, FILES[0]);
        b.start(second, FILES[1]);
        await settled(lab, [['a'], ['b']]);
        // One side of the first director loses its cable: the whole of its group goes, and what it backs up is at fault.
        await a.linkDown();
        await settled(lab, [['b'], ['b']]);
        await a.linkUp();
        await settled(lab, [['a'], ['b']]);
        await b.ip('link', 'set', 'eth1', 'down');
        await settled(lab, [['a'], ['a']]);
        await b.ip('link', 'set', 'eth1', 'up');
        await settled(lab, [['a'], ['b']]);
        one.signal('SIGTERM');
        await one.ended;
        await settled(lab, [['b'], ['b']]);
      } finally {
        await lab.close();
      }
    });
});
