// Two packets a second that are wrong, for the virtual router of a master: it must go on speaking on time. Five virtual
// routers, each with a kind of error of its own; only the master gets the packets.

import assert from 'node:assert/strict';
import type { AdvertOptions } from './craft.ts';
import { craftAdvert } from './craft.ts';
import { testFault } from './fault.ts';
import { startInjector } from './inject.ts';
import type { Host } from './lab.ts';
import { catchUp, longestSilence, milliseconds, reach, takeovers, unheld } from './observe.ts';

const kinds: Record<string, Partial<AdvertOptions>> = {
  checksum: { checksumError: 1 },
  TTL: { hopLimit: 254 },
  password: { password: 'Secret' },
  length: { extra: -4 },
  version: { version: 3, interval: 100 },
};

const base = { version: 2, interval: 1, password: 'secret', vrid: 51 } as const;
const routers = Object.entries(kinds).map(([name, change], i) => ({
  name,
  change,
  vrid: base.vrid + i,
  address: `10.0.0.${101 + i}`,
}));

/** The other instances, in words that both daemons read; the first is the scene's own. */
const others = (priority: number): string =>
  routers
    .slice(1)
    .map(
      ({ vrid, address }) => `vrrp_instance VI_${vrid} {
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass ${base.password}
  }
  virtual_ipaddress {
    ${address}/24
  }
}
`,
    )
    .join('');

const wrong = (host: Host): Buffer[] =>
  routers.map(({ vrid, address, change }) =>
    craftAdvert({
      version: 2,
      source: '10.0.0.3',
      destination: '224.0.0.18',
      vrid,
      // Were one of them believed, the master would step back.
      priority: 254,
      addresses: [address],
      interval: base.interval,
      authType: 1,
      password: base.password,
      destinationMac: host.mac,
      ...change,
    }),
  );

interface Outcome {
  /** Microseconds of silence and without a holder, for each kind. */
  readonly each: readonly {
    readonly name: string;
    readonly silence: number;
    readonly free: number;
  }[];
  readonly takeovers: number;
}

testFault<Outcome>({
  id: 'bad-packets',
  title: 'Two wrong packets a second for its VRID, at a master with adverts every second',
  place: 10,
  router: { ...base, addresses: [`${routers[0]?.address}/24`] },
  tail: (priority) => others(priority),
  hosts: ['a', 'b', 'c'],
  async play({ lab, a, peer }) {
    for (const { address } of routers) await lab.untilHolder(address, 'a');
    const injector = await startInjector(lab.host('c'));
    const from = lab.now();
    for (let round = 1; round <= 10; round++) {
      await injector.send(wrong(a));
      await reach(lab, from + round * 500_000);
    }
    const until = await catchUp(lab);
    injector.close();
    const each = routers.map(({ name, vrid, address }) => ({
      name,
      silence: longestSilence(lab, a, from, until, vrid),
      free: unheld(lab, address, from, until),
    }));
    return { each, takeovers: takeovers(lab, peer, from) };
  },
  tell: ({ each, takeovers }) => {
    const silent = each.filter(({ silence }) => silence > 2_000_000);
    const most = Math.max(...each.map(({ silence }) => silence));
    if (silent.length === 0)
      return `every advert on time (at most ${milliseconds(most)} apart), ${takeovers} takeovers`;
    const names = silent.map(({ name }) => name).join(', ');
    return `silent for up to ${milliseconds(most)} (${names}), ${takeovers} takeovers`;
  },
  check: ({ each, takeovers }) => {
    for (const { name, silence, free } of each) {
      assert.ok(silence < 2_000_000, `silent for ${silence} µs (${name})`);
      assert.equal(free, 0, `the address was away (${name})`);
    }
    assert.equal(takeovers, 0, 'no takeover');
  },
  guards: [
    {
      guard: 'the checksum',
      file: 'src/vrrp/packet.ts',
      from: '  if (checksum(rule, source, summedFor, body) !== 0)',
      to: '  if (checksum(version, source, packet.destination, body) < 0)',
      fails: /\(checksum\)/,
    },
    {
      guard: 'the password',
      file: 'src/vrrp/packet.ts',
      from: "    return { reason: 'authFailure', text: 'received an invalid passwd!' };",
      to: '    return undefined;',
      fails: /\(password\)/,
    },
    {
      guard: 'the TTL',
      file: 'src/vrrp/packet.ts',
      from: "      : { reason: 'ttl', text: `invalid TTL/HL.",
      to: "      : true ? undefined : { reason: 'ttl', text: `invalid TTL/HL.",
      fails: /\(TTL\)/,
    },
  ],
});
