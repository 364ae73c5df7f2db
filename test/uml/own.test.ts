// use_ipvlan in a machine that has it: the same interface with the same settings, addresses on the same interfaces and the
// same source as with keepalived 2.2.7, and nothing left of it.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runInside } from './machine.ts';
import type { Input, Seen } from './own.ts';

const input = (words: string, virtual: string): Input => ({
  address: virtual.split('/')[0] ?? '',
  config: `
global_defs {
  router_id lab
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
  input('use_ipvlan fe80::33', 'fe80::100/64'),
];

it('use_ipvlan: interface, mode, settings, addresses and source as keepalived has them', async () => {
  const inside = import.meta.resolve('./own.ts');
  const results = await runInside<readonly (readonly Seen[])[]>(inside, {
    input: INPUTS,
    milliseconds: 240_000,
  });
  assert.equal(results.length, INPUTS.length);
  for (const [i, [ours, theirs]] of results.entries()) {
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
});
