// no_accept, accept, strict_mode and vrrp_strict: the ruleset of nf_tables, compared with keepalived 2.2.7's in every
// state, and what it means: nobody reaches the address, and its neighbours still find it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DaemonKind } from './daemon.ts';
import { Lab } from './lab.ts';

interface Scene {
  readonly globals?: readonly string[];
  readonly lines: readonly string[];
  readonly addresses: readonly string[];
  readonly excluded?: readonly string[];
}

const scenes: Record<string, Scene> = {
  'no_accept of both families': {
    lines: ['no_accept'],
    addresses: ['10.0.0.100/24'],
    excluded: ['10.0.0.101/24', 'fe80::100/64', 'fd00::100/64'],
  },
  'no_accept without a link-local address': {
    lines: ['no_accept'],
    addresses: ['10.0.0.100/24'],
    excluded: ['fd00::100/64'],
  },
  'no_accept, told by names with dont_track_primary': {
    lines: ['no_accept', 'dont_track_primary', 'native_ipv6'],
    addresses: ['fe80::100/64'],
    excluded: ['10.0.0.100/24'],
  },
  'no_accept with nftables_ifindex, told by numbers in spite of dont_track_primary': {
    globals: ['nftables_ifindex'],
    lines: ['no_accept', 'dont_track_primary', 'native_ipv6'],
    addresses: ['fe80::100/64'],
    excluded: ['10.0.0.100/24'],
  },
  'no_accept with nftables, nftables_priority and nftables_counters': {
    globals: ['nftables mytable', 'nftables_priority 7', 'nftables_counters'],
    lines: ['no_accept'],
    addresses: ['10.0.0.100/24'],
    excluded: ['fe80::100/64'],
  },
  'no_accept with vrrp_iptables and vrrp_ipsets, in whose place nftables is used': {
    globals: ['vrrp_iptables MINE', 'vrrp_ipsets one'],
    lines: ['no_accept'],
    addresses: ['10.0.0.100/24'],
  },
  'no_accept of an owner, who accepts': {
    lines: ['no_accept', 'priority 255', 'state MASTER'],
    addresses: ['10.0.0.100/24'],
  },
  'strict_mode in version 3': {
    lines: ['strict_mode on', 'version 3'],
    addresses: ['10.0.0.100/24'],
  },
  'strict_mode with accept in version 3': {
    lines: ['strict_mode on', 'version 3', 'accept'],
    addresses: ['10.0.0.100/24'],
  },
  'strict_mode with accept in version 2': {
    lines: ['strict_mode on', 'accept'],
    addresses: ['10.0.0.100/24'],
  },
  vrrp_strict: { globals: ['vrrp_strict'], lines: ['version 3'], addresses: ['10.0.0.100/24'] },
  'vrrp_strict with strict_mode off': {
    globals: ['vrrp_strict'],
    lines: ['strict_mode off', 'version 3'],
    addresses: ['10.0.0.100/24'],
  },
  'accept, the default': { lines: ['accept'], addresses: ['10.0.0.100/24'] },
};

const configOf = ({ globals = [], lines, addresses, excluded = [] }: Scene, vrid = 51): string => `
global_defs {
  ${globals.join('\n  ')}
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id ${vrid}
  ${lines.join('\n  ')}
  virtual_ipaddress {
    ${addresses.join('\n    ')}
  }
  ${excluded.length === 0 ? '' : `virtual_ipaddress_excluded {\n    ${excluded.join('\n    ')}\n  }`}
}
`;

const bare = (address: string): string => address.replace(/\/.*/, '');
/** Packets counted are not compared. */
const rulesetOf = async (lab: Lab, host = 'a'): Promise<string> =>
  (await lab.host(host).exec(['nft', 'list', 'ruleset'])).replaceAll(
    /packets \d+ bytes \d+/g,
    'packets - bytes -',
  );

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await holds()); )
    assert.ok(Date.now() < end, `not within 10 s: ${what}`);
}

async function watch(kind: DaemonKind, scene: Scene): Promise<Record<string, string>> {
  const lab = await Lab.open({ hosts: ['a'], capture: false });
  try {
    const daemon = lab.host('a').start(kind, configOf(scene));
    const last = bare((scene.excluded ?? scene.addresses).at(-1) ?? '');
    await lab.untilHolder(last, 'a', 15_000);
    const seen: Record<string, string> = { master: await rulesetOf(lab) };
    if (!scene.lines.includes('dont_track_primary')) {
      await lab.host('a').linkDown();
      await lab.until('it gives up', () => lab.holders(last).length === 0, 15_000);
      await lab.until('and says so', () =>
        daemon.lines.some(({ text }) => text.includes('Entering FAULT STATE')),
      );
      // keepalived's rules go after its addresses and its words.
      await eventually('nothing is dropped', async () => !(await rulesetOf(lab)).includes(last));
      seen.fault = await rulesetOf(lab);
    }
    daemon.signal('SIGTERM');
    await daemon.ended;
    seen.stopped = await rulesetOf(lab);
    return seen;
  } finally {
    await lab.close();
  }
}

describe('the same ruleset as keepalived', { concurrency: 3 }, () => {
  for (const [name, scene] of Object.entries(scenes))
    it(name, async () => {
      const [ours, theirs] = await Promise.all([watch('ours', scene), watch('keepalived', scene)]);
      assert.deepEqual(ours, theirs);
      assert.equal(ours.stopped, '');
    });
});

it('no_accept: others find the address and do not reach it, at once after a takeover and a reload', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b'] });
  try {
    const scene: Scene = {
      lines: ['no_accept', 'version 3', 'advert_int 0.1'],
      addresses: ['10.0.0.100/24'],
    };
    const daemon = lab.host('a').start('ours', configOf(scene));
    await lab.untilHolder('10.0.0.100', 'a');
    const ping = (address: string): Promise<boolean> =>
      lab
        .host('b')
        .exec(['ping', '-c', '1', '-W', '1', address])
        .then(
          () => true,
          () => false,
        );
    assert.deepEqual([await ping('10.0.0.100'), await ping('10.0.0.1')], [false, true]);
    assert.match(await lab.host('b').ip('neigh', 'show', '10.0.0.100'), /lladdr/);
    daemon.reload(configOf({ ...scene, lines: ['version 3', 'advert_int 0.1'] }));
    await eventually('it is reached', () => ping('10.0.0.100'));
    daemon.reload(configOf(scene));
    await eventually('it is not any more', async () => !(await ping('10.0.0.100')));
  } finally {
    await lab.close();
  }
});

it('no_accept: what a killed daemon has left is removed by the next one, before it is master', async () => {
  const lab = await Lab.open({ hosts: ['a'], capture: false });
  try {
    const scene: Scene = {
      lines: ['no_accept'],
      addresses: ['10.0.0.100/24'],
      excluded: ['fd00::100/64'],
    };
    const daemon = lab.host('a').start('ours', configOf(scene));
    await lab.untilHolder('fd00::100', 'a', 15_000);
    daemon.killAll();
    await daemon.ended;
    assert.match(await rulesetOf(lab), /10\.0\.0\.100/);
    const next = lab.host('a').start('ours', configOf(scene));
    await lab.until('BACKUP', () =>
      next.lines.some(({ text }) => text.includes('Entering BACKUP STATE')),
    );
    assert.equal(await rulesetOf(lab), '');
  } finally {
    await lab.close();
  }
});

it('no_accept: a child that takes the place of a killed one drops what it dropped', async () => {
  const lab = await Lab.open({ hosts: ['a'], capture: false });
  try {
    const scene: Scene = { lines: ['no_accept'], addresses: ['10.0.0.100/24'] };
    const daemon = lab.host('a').start('ours', configOf(scene));
    await lab.untilHolder('10.0.0.100', 'a', 15_000);
    const before = await rulesetOf(lab);
    process.kill(Number(daemon.read('run/vrrp.pid')), 'SIGKILL');
    await lab.until('another goes on', () =>
      daemon.lines.some(({ text }) => text.includes('Going on in MASTER STATE')),
    );
    assert.equal(await rulesetOf(lab), before);
    assert.match(before, /10\.0\.0\.100/);
  } finally {
    await lab.close();
  }
});
