// Links that instances depend on, beside keepalived 2.2.7: how long one must be down or up before it counts, and whose
// absence is a fault because of static objects, or is nobody's.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addCable, beside, block, type Player } from './beside.ts';
import { isAdvert } from './wire.ts';

const GLOBALS = block('global_defs', 'router_id lab', 'vrrp_garp_master_delay 1');

const instance = (number: number, offset: number, ...lines: readonly string[]): string =>
  block(
    `vrrp_instance VI_${number}`,
    'interface eth0',
    `virtual_router_id ${50 + number + offset}`,
    'priority 150',
    'version 3',
    // Without effect in either.
    'debug 2',
    ...lines,
  );

const started = (...numbers: readonly number[]): readonly string[] =>
  numbers.flatMap((n) => [
    `(VI_${n}) Entering BACKUP STATE (init)`,
    `(VI_${n}) Entering MASTER STATE`,
  ]);
const back = (n: number): readonly string[] => [
  `(VI_${n}) Entering BACKUP STATE`,
  `(VI_${n}) Entering MASTER STATE`,
];

it('interface_up_down_delays: a link that is away for a moment concerns nobody, and one that stays away does later', async () => {
  const config = (offset: number): string =>
    GLOBALS +
    block('interface_up_down_delays', 'eth0 1 0.6') +
    instance(1, offset, 'advert_int 1', block('virtual_ipaddress', `10.0.0.${51 + offset}/24`));
  await beside(
    config,
    () => {},
    started(1),
    async ({ step, players }) => {
      for (const { host } of players) {
        await host.linkDown();
        await host.linkUp();
      }
      /** How long after its cable was pulled or put back each said this, in milliseconds. */
      const waits = async (
        act: (player: Player) => Promise<void>,
        lines: readonly string[],
      ): Promise<readonly number[]> => {
        const began = new Map<Player, number>();
        await step(async (player) => {
          began.set(player, Date.now());
          await act(player);
        }, lines);
        const [first = ''] = lines;
        return players.map(
          (player) =>
            (player.daemon.lines.findLast(({ text }) => text.endsWith(first))?.at ?? 0) -
            (began.get(player) ?? 0),
        );
      };
      const down = await waits(({ host }) => host.linkDown(), ['(VI_1) Entering FAULT STATE']);
      assert.ok(
        down.every((time) => time >= 990),
        `down: ${down}`,
      );
      const up = await waits(({ host }) => host.linkUp(), back(1));
      assert.ok(
        up.every((time) => time >= 590),
        `up: ${up}`,
      );
    },
  );
});

it('track_group with group: instances are at fault with the interfaces of static objects; virtual_ipaddress_excluded with no_track', async () => {
  const config = (offset: number): string =>
    GLOBALS +
    instance(
      1,
      offset,
      'advert_int 0.1',
      block('virtual_ipaddress', `10.0.0.${51 + offset}/24`),
      block(
        'virtual_ipaddress_excluded',
        `10.6.0.${51 + offset}/24 dev eth0 no_track`,
        `10.7.0.${51 + offset}/24 dev eth0`,
      ),
    ) +
    instance(2, offset, 'advert_int 0.1', block('virtual_ipaddress', `10.0.0.${71 + offset}/24`)) +
    instance(3, offset, 'advert_int 0.1', block('virtual_ipaddress', `10.0.0.${91 + offset}/24`)) +
    block('track_group TG_1', block('group', 'VI_1')) +
    block('track_group TG_3', block('group', 'VI_3')) +
    block('static_ipaddress', '10.41.0.1/24 dev eth2 track_group TG_3') +
    block('static_routes', '10.40.0.0/16 dev eth1 track_group TG_1') +
    block('static_rules', 'from 10.40.0.0/16 iif eth3 table 100 priority 50 track_group TG_1');
  await beside(
    config,
    async ({ host }) => {
      for (const name of ['eth1', 'eth2', 'eth3']) await addCable(host, name);
    },
    started(1, 2, 3),
    async ({ lab, step, players, statistics }) => {
      const set =
        (name: string, state: 'up' | 'down') =>
        async ({ host }: Player) => {
          await host.ip('link', 'set', name, state);
        };
      const has = async ({ host }: Player, address: string): Promise<boolean> =>
        (await host.addresses()).includes(address);
      const [ours] = players;
      for (const player of players) {
        const address = `10.6.0.${51 + player.offset}/24`;
        await lab.until(
          `${player.daemon.kind} has the excluded address`,
          () => lab.holders(`10.6.0.${51 + player.offset}`).length > 0,
        );
        assert.ok(await has(player, address));
        await player.host.ip('addr', 'del', address, 'dev', 'eth0');
      }
      // keepalived is elected again where a tracked one goes; ours puts it back, and by then the other was noticed too.
      await ours.host.ip('addr', 'del', '10.7.0.51/24', 'dev', 'eth0');
      await lab.until('the tracked one comes back', () =>
        ours.daemon.lines.some(({ text }) => text.includes('IP 10.7.0.51 removed')),
      );
      assert.ok(!(await has(ours, '10.6.0.51/24')));
      await step(set('eth1', 'down'), ['(VI_1) Entering FAULT STATE']);
      await step(set('eth1', 'up'), back(1));
      await step(set('eth3', 'down'), ['(VI_1) Entering FAULT STATE']);
      await step(set('eth3', 'up'), back(1));
      await step(set('eth2', 'down'), ['(VI_3) Entering FAULT STATE']);
      await step(set('eth2', 'up'), back(3));
      const masked = (text: string): string => text.replace(/(\bSent: )\d+/, '$1N');
      const [mine, theirs] = (await statistics()).map((text) => text.split('\n').map(masked));
      assert.deepEqual(mine, theirs);
      assert.ok(
        mine?.some((line) => /Became master: 3/.test(line)),
        mine?.join('\n'),
      );
    },
  );
});

it('interfaces that come after the start, vanish, come back with another index, are renamed, and change their address', async () => {
  const config = (offset: number): string =>
    block('global_defs', 'router_id lab', 'dynamic_interfaces allow_if_changes') +
    instance(
      1,
      offset,
      'advert_int 0.1',
      'virtual_ipaddress {',
      `10.6.0.${51 + offset}/24`,
      '}',
    ).replace('interface eth0', 'interface eth1') +
    instance(2, offset, 'advert_int 0.1', block('virtual_ipaddress', `10.7.0.${71 + offset}/24`));
  const appears = async ({ host, offset }: Pick<Player, 'host' | 'offset'>): Promise<void> => {
    await addCable(host, 'eth1');
    await host.ip('addr', 'add', `10.6.0.${1 + offset}/24`, 'dev', 'eth1');
  };
  const first = ['(VI_1) entering FAULT state', ...started(2)];
  await beside(
    config,
    () => {},
    first,
    async ({ lab, step, players }) => {
      const holds = async (what: string): Promise<void> => {
        for (const { host, offset, daemon } of players)
          await lab.until(`${daemon.kind}: ${what}`, async () =>
            (await host.addresses()).includes(`10.6.0.${51 + offset}/24`),
          );
      };
      await step(appears, back(1));
      await holds('the address is there');
      await step(
        async ({ host }) => {
          await host.ip('link', 'del', 'eth1');
        },
        ['(VI_1) Entering FAULT STATE'],
      );
      await step(appears, back(1));
      await holds('the address is there again');
      await step(
        async ({ host }) => {
          await host.ip('link', 'set', 'eth1', 'down');
          await host.ip('link', 'set', 'eth1', 'name', 'other');
        },
        ['(VI_1) Entering FAULT STATE'],
      );
      await step(async ({ host }) => {
        await host.ip('link', 'set', 'other', 'name', 'eth1');
        await host.ip('link', 'set', 'eth1', 'up');
      }, back(1));
      await holds('the address is on what bears the name');
      // The source of adverts follows.
      for (const { host, offset } of players) {
        await host.ip('addr', 'add', `10.8.0.${1 + offset}/24`, 'dev', 'eth0');
        await host.ip('addr', 'del', `${host.address4}/24`, 'dev', 'eth0');
      }
      for (const { host, offset, daemon } of players)
        await lab.until(`${daemon.kind} speaks from its other address`, () =>
          lab.frames
            .filter(isAdvert)
            .some(
              ({ from, message }) => from === host.mac && message.source === `10.8.0.${1 + offset}`,
            ),
        );
    },
  );
});
