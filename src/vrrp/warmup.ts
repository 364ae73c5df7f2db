// Runs of the core on made-up news before the first real one: cold, the path to an advert takes three times as long.
// Nothing of it leaves this file.

import { after, type Duration, type Instant } from '../lib/time.ts';
import type { Facts } from './event.ts';
import type { VrrpConfig } from './keywords.ts';
import { createRouter, nextDeadline, step } from './router.ts';

const RUNS = 20;
/** Instances, and addresses of each: more of them teach the engine nothing. */
const ENOUGH = 8;

export function warmUp(whole: VrrpConfig): void {
  const config = sample(whole);
  for (let run = 0; run < RUNS; run++) {
    let state = createRouter(config);
    let now = 1 as Instant;
    const indexes = new Map<string, number>();
    for (const { interface: name } of config.vrrp_instance)
      if (name !== undefined && !indexes.has(name)) indexes.set(name, indexes.size + 1);
    state = step(state, { type: 'facts', facts: imaginaryFacts(indexes) }, now).state;
    for (let deadline = nextDeadline(state), i = 0; deadline !== undefined && i < 4; i++) {
      now = deadline;
      state = step(state, { type: 'deadline' }, now).state;
      deadline = nextDeadline(state);
    }
    step(state, { type: 'stop' }, after(now, 1 as Duration));
  }
}

/** Thousands of addresses would hold up the start by a second. */
const sample = (config: VrrpConfig): VrrpConfig => ({
  ...config,
  vrrp_instance: config.vrrp_instance.slice(0, ENOUGH).map((instance) => ({
    ...instance,
    virtual_ipaddress: instance.virtual_ipaddress.slice(0, ENOUGH),
    virtual_ipaddress_excluded: instance.virtual_ipaddress_excluded.slice(0, ENOUGH),
  })),
});

function imaginaryFacts(indexes: ReadonlyMap<string, number>): Facts {
  const both = ['192.0.2.1', 'fe80::1'] as readonly string[];
  return {
    links: [...indexes].map(([name, index]) => ({
      index,
      name,
      mac: '02:00:00:00:00:01',
      mtu: 1500,
      hardware: 1,
      up: true,
      running: true,
      multicast: true,
    })),
    addresses: [...indexes.values()].flatMap((index) =>
      both.map((address) => ({
        index,
        address: address as Facts['addresses'][number]['address'],
        prefix: 24,
        scope: address === 'fe80::1' ? 253 : 0,
        secondary: false,
        tentative: false,
      })),
    ),
  };
}
