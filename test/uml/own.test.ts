// use_ipvlan in a machine that has it: the same interface with the same settings, addresses on the same interfaces and the
// same source as with keepalived 2.2.7, and nothing left of it.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runInside } from './machine.ts';
import type { Input, Seen } from './own.ts';

const input = (words: string, virtual: string, globals = ''): Input => ({
  address: virtual.split('/')[0] ?? '',
  config: `
global_defs {
  router_id lab
  ${globals}
}
vrrp_instance VI_1 {
  interface eth0
  ${words}
  virtual_router_id 51
  priority 150
  version 3
  advert_int 0.1
  virtual_ipaddress {
    ${virtual}
  }
}
`,
});

const INPUTS = [
  input('use_ipvlan ipv.5 10.0.0.3/24 private', '10.0.0.100/24'),
  input('use_ipvlan fe80::33 bridge', 'fe80::100/64'),
  input('use_ipvlan 10.0.0.4/24 vepa', '10.0.0.101/24'),
];

/** Newer than keepalived 2.2.7. */
const NEWER: readonly Input[] = [
  input(
    'use_vmac name vrrp.9 netlink_notify_msg group 7',
    '10.0.0.102/24',
    'vrrp_delay_after_boot BOOT',
  ),
  input('use_ipvlan name ipv.9 10.0.0.6/24 bridge group 8', '10.0.0.103/24'),
].map((one) => ({ ...one, alone: true }));

it('use_ipvlan: interface, mode, settings, addresses and source as keepalived has them', async () => {
  const inside = import.meta.resolve('./own.ts');
  const results = await runInside<readonly (readonly Seen[])[]>(inside, {
    input: [...INPUTS, ...NEWER],
    milliseconds: 240_000,
  });
  const [[newer] = [], [ipvlan] = []] = results.slice(INPUTS.length);
  for (const [i, [ours, theirs]] of results.slice(0, INPUTS.length).entries()) {
    const what = INPUTS[i]?.config;
    assert.ok((ours?.links.length ?? 0) > 2, `${what}\n${ours?.log}`);
    assert.ok(
      ours?.dump.some((line) => line.includes('IPVLAN type L2')),
      ours?.dump.join('\n'),
    );
    assert.deepEqual(ours?.links, theirs?.links, what);
    assert.deepEqual(ours?.dump, theirs?.dump, what);
    assert.deepEqual(ours?.settings, theirs?.settings, what);
    assert.deepEqual(ours?.left, [], what);
  }
  // use_vmac with netlink_notify_msg makes what it makes without; before its time after boot nobody is master.
  const made = (seen: Seen | undefined, ...words: readonly string[]): void =>
    assert.ok(
      seen?.links.some((line) => words.every((word) => line.includes(word))),
      `${seen?.links.join('\n')}\n${seen?.log}`,
    );
  made(newer, '"ifname":"vrrp.9"', 'macvlan', '"group":"7"');
  made(ipvlan, '"ifname":"ipv.9"', 'ipvlan', '"mode":"l2"', '"group":"8"');
  const wanted = Number(/vrrp_delay_after_boot (\d+)/.exec(newer?.log ?? '')?.[1]);
  assert.ok((newer?.heldAt ?? 0) >= wanted, `${newer?.heldAt}, not ${wanted}\n${newer?.log}`);
  assert.match(newer?.log ?? '', /Delaying startup for/);
  for (const seen of [newer, ipvlan]) assert.deepEqual(seen?.left, []);
});
