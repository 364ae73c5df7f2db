// Sync groups with keepalived in the same scene: lines of the log, notify scripts, keepalived.data; and the two groups
// of the user guide's failover case study.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addCable, beside, block, type Player, trackingIn, virtualRouter } from './beside.ts';
import { run } from './command.ts';
import { untilCalm } from './fault.ts';
import { Lab } from './lab.ts';
import { isAdvert } from './wire.ts';

const GLOBALS = block('global_defs', 'script_user root', 'vrrp_garp_master_delay 0');
const NOTIFY = `notify "/usr/bin/dash -c 'echo $* >> /run/told' x"`;
const told = (state: string): string =>
  `notify_${state} "/usr/bin/dash -c 'echo group ${state} >> /run/told'"`;

const vrrp = (number: number, dev: string, offset: number, priority: number, ...more: string[]) =>
  virtualRouter(number, offset, dev, `priority ${priority}`, NOTIFY, ...more);

const set = (name: string, state: 'up' | 'down') => async (player: Player) => {
  await player.host.ip('link', 'set', name, state);
};

const both = (state: string): readonly string[] => [
  `(VI_1) Entering ${state} STATE`,
  `(VI_2) Entering ${state} STATE`,
  `VRRP_Group(G1) Syncing instances to ${state} state`,
];

it('members fail, come back and become master together, and what the group tracks they all track', async () => {
  const config = (offset: number): string =>
    GLOBALS +
    block('vrrp_script s1', 'script /run/s1', 'interval 1', 'weight 10') +
    block('vrrp_script s2', 'script /run/s2', 'interval 1') +
    block(
      'vrrp_sync_group G1',
      block('group', 'VI_1', 'VI_2'),
      block('track_interface', 'd2 weight 20', 'd3'),
      block('track_script', 's1', 's2'),
      NOTIFY,
      ...['master', 'backup', 'fault', 'stop'].map(told),
    ) +
    vrrp(1, 'eth0', offset, 100, block('track_interface', 'd4 weight 5')) +
    vrrp(2, 'd1', offset, 90, `mcast_src_ip 10.1.${offset}.1`);
  const body = (status: number): string => `#!/bin/sh\nexit ${status}\n`;
  await beside(
    config,
    async ({ host, write, offset }) => {
      for (const name of ['d1', 'd2', 'd3', 'd4']) await addCable(host, name);
      await host.ip('addr', 'add', `10.1.${offset}.1/24`, 'dev', 'd1');
      for (const name of ['s1', 's2']) write(name, body(0));
    },
    [
      '(VI_1) Changing effective priority from 100 to 125',
      '(VI_2) Changing effective priority from 90 to 110',
      'VRRP_Script(s1) succeeded',
      '(VI_1) Changing effective priority from 125 to 135',
      '(VI_2) Changing effective priority from 110 to 120',
      'VRRP_Script(s2) succeeded',
      ...both('BACKUP'),
      ...both('MASTER'),
    ],
    async ({ step, speaks, told: hear, dumps, players, lab }) => {
      const heard: string[] = [];
      const tell = async (first: number, second: number, ...states: string[]): Promise<void> => {
        for (const state of states) {
          heard.push(`INSTANCE VI_1 ${state} ${first}`, `INSTANCE VI_2 ${state} ${second}`);
          heard.push(`GROUP G1 ${state} 0`, `group ${state.toLowerCase()}`);
        }
        await hear('told', heard);
      };
      // The two scripts end in any order, so the first priority of all is chance.
      for (const { daemon, write } of players) {
        const lines = (): number => daemon.read('run/told')?.match(/\n/g)?.length ?? 0;
        await lab.until(`${daemon.kind} has told both states`, () => lines() === 8);
        write('told', '');
      }
      await speaks(51, 135);
      const first = await dumps();
      assert.deepEqual(trackingIn(first[0]), trackingIn(first[1]));
      await step(set('d1', 'down'), both('FAULT'));
      await tell(135, 120, 'FAULT');
      await speaks(51, 0);
      const second = await dumps();
      assert.deepEqual(trackingIn(second[0]), trackingIn(second[1]));
      await step(set('d3', 'down'), []);
      await step(set('d1', 'up'), []);
      await step(set('d3', 'up'), [...both('BACKUP'), ...both('MASTER')]);
      await tell(135, 120, 'BACKUP', 'MASTER');
      await step(set('d2', 'down'), [
        '(VI_1) Changing effective priority from 135 to 115',
        '(VI_2) Changing effective priority from 120 to 100',
      ]);
      await speaks(51, 115);
      await step(set('d4', 'down'), ['(VI_1) Changing effective priority from 115 to 110']);
      await step(
        ({ write }) => write('s2', body(1)),
        ['Script `s2` now returning 1', 'VRRP_Script(s2) failed (exited with status 1)'].concat(
          both('FAULT'),
        ),
      );
      await tell(110, 100, 'FAULT');
      for (const { daemon } of players) daemon.signal('SIGTERM');
      await tell(110, 100, 'STOP');
    },
  );
});

it('a better master of one member makes backups of all, and nobody comes back alone', async () => {
  const config = (offset: number): string =>
    GLOBALS +
    block('vrrp_sync_group G1', block('group', 'VI_1', 'VI_2'), NOTIFY) +
    vrrp(1, 'eth0', offset, 100) +
    vrrp(2, 'eth0', offset, 90);
  await beside(
    config,
    () => undefined,
    [
      '(VI_1) Entering BACKUP STATE (init)',
      '(VI_2) Entering BACKUP STATE (init)',
      ...both('MASTER'),
    ],
    async ({ lab, step, speaks }) => {
      await speaks(51, 100);
      await speaks(52, 90);
      // One rival for each of the two, on a host of its own.
      const rivals = [0, 100].map((offset) =>
        lab.host(`c${offset}`).start('keepalived', GLOBALS + vrrp(1, 'eth0', offset, 200)),
      );
      await step(() => undefined, both('BACKUP'));
      await speaks(51, 200);
      const waits = (kind: string): boolean =>
        lab.hosts
          .flatMap((host) => host.daemons)
          .filter((daemon) => daemon.kind === kind && !rivals.includes(daemon))
          .every(
            ({ lines }) =>
              lines.filter(({ text }) => text.includes('(VI_2) Receive advertisement timeout'))
                .length >= 4,
          );
      await lab.until('VI_2 would be master, again and again', () => waits('ours'));
      await lab.until('so it is with keepalived', () => waits('keepalived'));
      for (const rival of rivals) rival.signal('SIGTERM');
      await step(() => undefined, both('MASTER'));
      await speaks(51, 100);
      await speaks(52, 90);
    },
    ['a', 'b', 'c0', 'c100'],
  );
});

/** The user guide's failover case study: two directors, two networks, a group of two instances for each director. */
function director(first: number, second: number): string {
  const member = (number: number, dev: string, priority: number, ...addresses: string[]): string =>
    block(
      `vrrp_instance VI_${number}`,
      `state ${priority === 150 ? 'MASTER' : 'BACKUP'}`,
      `interface ${dev}`,
      `virtual_router_id ${50 + number}`,
      `priority ${priority}`,
      'advert_int 1',
      block('authentication', 'auth_type PASS', `auth_pass k@l!ve${number}`),
      block('virtual_ipaddress', ...addresses),
    );
  return [
    block('vrrp_sync_group VG1', block('group', 'VI_1', 'VI_2')),
    block('vrrp_sync_group VG2', block('group', 'VI_3', 'VI_4')),
    member(1, 'eth0', first, '192.168.200.10', '192.168.200.11'),
    member(2, 'eth1', first, '192.168.100.10'),
    member(3, 'eth0', second, '192.168.200.12', '192.168.200.13'),
    member(4, 'eth1', second, '192.168.100.11'),
  ].join('');
}

// Each mostly waits.
describe('two groups', { concurrency: true }, () => {
  for (const [one, other] of [
    ['ours', 'keepalived'],
    ['keepalived', 'ours'],
    ['ours', 'ours'],
  ] as const)
    it(`two directors share two groups and stand in for each other: ${one} and ${other}`, async () => {
      const lab = await Lab.open();
      try {
        const [a, b] = [lab.host('a'), lab.host('b')];
        // A network of its own, whose carrier at one end says nothing about the other.
        const wire = (...words: string[]): Promise<string> =>
          run('ip', ['-n', lab.switch, ...words]);
        await wire('link', 'add', 'br1', 'up', 'type', 'bridge', 'mcast_snooping', '0');
        for (const [i, host] of [a, b].entries()) {
          const far = ['peer', 'name', 'eth1', 'netns', host.namespace];
          await wire('link', 'add', `q${i}`, 'type', 'veth', ...far);
          await wire('link', 'set', `q${i}`, 'up', 'master', 'br1');
          await host.ip('addr', 'add', `10.1.0.${i + 1}/24`, 'dev', 'eth1');
          await host.ip('link', 'set', 'eth1', 'up');
        }
        const first = ['192.168.200.10', '192.168.200.11', '192.168.100.10'];
        const second = ['192.168.200.12', '192.168.200.13', '192.168.100.11'];
        const held = async (addresses: readonly string[], by: 'a' | 'b'): Promise<void> => {
          for (const address of addresses) await lab.untilHolder(address, by, 15_000);
        };
        a.start(one, director(150, 100));
        const peer = b.start(other, director(100, 150));
        await held(first, 'a');
        await held(second, 'b');
        // One network of one director: all that it does goes to the other.
        await a.ip('link', 'set', 'eth1', 'down');
        await held([...first, ...second], 'b');
        await a.ip('link', 'set', 'eth1', 'up');
        await held(first, 'a');
        await held(second, 'b');
        peer.signal('SIGTERM');
        await held([...first, ...second], 'a');
      } finally {
        await lab.close();
      }
    });
});

it('a killed VRRP process: all members of a group go on, before their scripts have said anything', async () => {
  const lab = await Lab.open({ hosts: ['a'] });
  try {
    const host = lab.host('a');
    const config =
      GLOBALS +
      block('vrrp_script s1', 'script /usr/bin/true', 'interval 5') +
      block('vrrp_script s2', 'script /usr/bin/true', 'interval 5', 'weight 10') +
      block(
        'vrrp_sync_group G1',
        block('group', 'VI_1', 'VI_2'),
        block('track_script', 's1', 's2'),
      ) +
      vrrp(1, 'eth0', 0, 100) +
      vrrp(2, 'eth0', 0, 90);
    const daemon = host.start('ours', config);
    const addresses = ['10.0.0.51', '10.0.0.52'];
    for (const address of addresses) await lab.untilHolder(address, 'a');
    const ready = (): boolean => daemon.pids().length === 3;
    await lab.until('the spare is there', ready);
    await untilCalm(lab, daemon);
    const speaks = (vrid: number): readonly number[] =>
      lab.frames.filter(isAdvert).flatMap(({ at, message }) => (message.vrid === vrid ? [at] : []));
    const killed = lab.now();
    process.kill(Number(daemon.read('run/vrrp.pid')), 'SIGKILL');
    const says = (text: string) => (): boolean =>
      daemon.lines.filter((line) => line.text.includes(text)).length === 2;
    await lab.until('both go on', says('Going on in MASTER STATE'));
    for (const vrid of [51, 52])
      await lab.until(`${vrid} speaks on`, () => speaks(vrid).some((at) => at > killed + 500_000));
    for (const address of addresses) assert.equal(lab.spans(address).length, 1, 'no address moves');
    assert.deepEqual(
      [...new Set(lab.frames.filter(isAdvert).map(({ message }) => message.priority))].sort(),
      [100, 110],
      'the scripts were taken to be as they were',
    );
  } finally {
    await lab.close();
  }
});
