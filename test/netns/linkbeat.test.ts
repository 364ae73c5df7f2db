// linkbeat_interfaces and linkbeat_use_polling beside keepalived 2.2.7: whose link is asked for and by what, what is said
// when it goes and comes, and that the kernel's own news of such a link are nobody's.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addCable, beside, block } from './beside.ts';

const instance = (offset: number, ...lines: readonly string[]): string =>
  block(
    'vrrp_instance VI_1',
    'interface eth0',
    `virtual_router_id ${51 + offset}`,
    'priority 150',
    'version 3',
    'advert_int 0.1',
    ...lines,
    'virtual_ipaddress {',
    `10.0.0.${100 + (offset > 0 ? 1 : 0)}/24`,
    '}',
  );

const START = ['(VI_1) Entering BACKUP STATE (init)', '(VI_1) Entering MASTER STATE'];

/** Of each interface how its link is known. */
const questions = (data: string): readonly string[] =>
  [...data.matchAll(/^ Name = (.*)$|^ {3}(NIC .*)$/gm)].map(([, name, how]) => name ?? how ?? '');

/** What is said at the start has no order. */
const LINKBEAT = /^(Linkbeat|Netlink) reports eth|^Turning off linkbeat|linkbeat type/;
const told = (lines: readonly { readonly text: string }[]): readonly string[] =>
  lines.map(({ text }) => text.replace(/^.*? \d{4}: /, '')).filter((text) => LINKBEAT.test(text));

it('linkbeat_interfaces with MII, ETHTOOL, IOCTL and nothing: asked every second, said and dumped alike', async () => {
  const config = (offset: number): string =>
    `global_defs {\n  router_id lab\n}\n${block('linkbeat_interfaces', 'eth1', 'eth2 IOCTL', 'eth3 MII', 'eth4 ETHTOOL', 'eth5')}${instance(
      offset,
      'track_interface {',
      ...[1, 2, 3, 4].map((n) => `eth${n}`),
      '}',
    )}`;
  const prepare = async ({ host }: { host: Parameters<typeof addCable>[0] }): Promise<void> => {
    for (const n of [1, 2, 3, 4, 5]) await addCable(host, `eth${n}`);
  };
  await beside(config, prepare, START, async ({ step, dumps, players }) => {
    const [ours, theirs] = await dumps();
    assert.deepEqual(questions(ours), questions(theirs));
    assert.equal(questions(ours).filter((how) => /ETHTOOL|ioctl/.test(how)).length, 4);
    for (const name of ['eth1', 'eth2', 'eth3', 'eth4']) {
      await step(
        ({ host }) => host.ip('link', 'set', `x${name}`, 'down').then(() => undefined),
        ['(VI_1) Entering FAULT STATE'],
      );
      await step(
        ({ host }) => host.ip('link', 'set', `x${name}`, 'up').then(() => undefined),
        ['(VI_1) Entering BACKUP STATE', '(VI_1) Entering MASTER STATE'],
      );
    }
    const [a, b] = players.map(({ daemon }) => told(daemon.lines));
    assert.deepEqual(a?.toSorted(), b?.toSorted());
    assert.equal(a?.filter((line) => line.startsWith('Linkbeat')).length, 8, a?.join('\n'));
    assert.ok(a?.includes('(eth3): Configured linkbeat type MII not supported, using ETHTOOL'));
    assert.ok(a?.includes('Turning off linkbeat for eth5 since not used for tracking'));
  });
});

for (const [what, head, ...lines] of [
  ['of the whole', 'linkbeat_use_polling\n'],
  ['of an instance', '', 'linkbeat_use_polling'],
] as const)
  it(`linkbeat_use_polling ${what}: the interface of the instance, until a reload without it`, async () => {
    const config = (offset: number, on = true): string =>
      `global_defs {\n  router_id lab\n}\n${on ? head : ''}${instance(offset, ...(on ? lines : []), 'track_interface {', 'eth1', '}')}`;
    await beside(
      (offset) => config(offset),
      ({ host }) => addCable(host, 'eth1'),
      START,
      async ({ lab, step, dumps, players }) => {
        const [ours, theirs] = await dumps();
        assert.deepEqual(questions(ours), questions(theirs));
        assert.deepEqual(
          questions(ours).filter((how) => how.includes('ETHTOOL')).length,
          1,
          'only eth0',
        );
        const down = ['(VI_1) Entering FAULT STATE'];
        const up = ['(VI_1) Entering BACKUP STATE', '(VI_1) Entering MASTER STATE'];
        await step(({ host }) => host.linkDown(), down);
        await step(({ host }) => host.linkUp(), up);
        for (const { daemon, offset } of players) {
          daemon.reload(config(offset, false));
          await lab.until('it has reloaded', () =>
            daemon.lines.some(({ text }) => text.includes('Reload complete')),
          );
        }
        await step(({ host }) => host.linkDown(), down);
        await step(({ host }) => host.linkUp(), up);
        const [a, b] = players.map(({ daemon }) =>
          told(daemon.lines).filter((line) => line.includes('eth0')),
        );
        assert.deepEqual(a, b);
        assert.deepEqual(a, [
          'Linkbeat reports eth0 down',
          'Linkbeat reports eth0 up',
          'Netlink reports eth0 down',
          'Netlink reports eth0 up',
        ]);
      },
    );
  });
