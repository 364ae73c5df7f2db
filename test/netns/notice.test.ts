// Who is told of what: scripts and FIFOs of groups and instances, when priorities change and configurations are read again;
// and what is tracked through a group. Ours and keepalived 2.2.7 live through the same, and must say the same of it.

import { it } from 'node:test';
import { beside, block, virtualRouter } from './beside.ts';

const GLOBALS = block(
  'global_defs',
  'script_user root',
  'vrrp_garp_master_delay 0',
  'vrrp_notify_fifo /run/fifo',
  'vrrp_notify_fifo_script /run/reader',
  'vrrp_notify_priority_changes on',
  'fifo_write_vrrp_states_on_reload',
);

const tell = (keyword: string, who: string): string =>
  `${keyword} "/bin/sh -c 'echo ${keyword} ${who} >> /run/told'"`;

const vrrp = (number: number, offset: number, ...more: readonly string[]): string =>
  virtualRouter(number, offset, 'eth0', ...more);

const members = (...numbers: readonly number[]): string =>
  block('group', ...numbers.map((number) => `VI_${number}`));

const instanceLine = (rest: string): string => `INSTANCE "${rest}`;

const READER = '#!/bin/sh\nexec cat "$1" >>/run/lines\n';

const script = (status: number): string => `#!/bin/sh\nexit ${status}\n`;

it('init_fail, vrrp_track_file, sync_group_tracking_weight, global_tracking and notify_priority_changes', async () => {
  const config = (offset: number): string =>
    GLOBALS +
    block('vrrp_track_file f1', 'file /run/f1', 'weight 1', 'init_file 5') +
    block('track_file f2', 'file /run/f2', 'weight 1', 'init_file 0') +
    block('vrrp_script s1', 'script /run/s1', 'interval 1', 'init_fail') +
    block('vrrp_script s2', 'script /run/s2', 'interval 1', 'weight 4') +
    block(
      'vrrp_sync_group G1',
      members(1, 2),
      'sync_group_tracking_weight',
      block('track_file', 'f2 weight 2 reverse'),
      block('track_script', 's1'),
      tell('notify_master', 'G1'),
      tell('notify_backup', 'G1'),
      tell('notify_fault', 'G1'),
      tell('notify_stop', 'G1'),
      'notify_priority_changes off',
    ) +
    block(
      'vrrp_sync_group G2',
      members(3, 4),
      'global_tracking',
      block('track_file', 'f2 weight 3 noreverse'),
      'notify_priority_changes on',
    ) +
    vrrp(1, offset, block('track_file', 'f1')) +
    vrrp(2, offset) +
    vrrp(3, offset, block('track_file', 'f1 weight 3 reverse')) +
    vrrp(4, offset) +
    vrrp(
      5,
      offset,
      block('track_file', 'f1 weight 2 noreverse'),
      block('track_script', 's2 weight 4 noreverse'),
      tell('notify_stop', 'VI_5'),
      'notify_priority_changes off',
    );
  await beside(
    config,
    ({ write }) => {
      write('s1', script(1));
      write('s2', script(0));
      write('reader', READER);
    },
    [
      '(VI_1) Changing effective priority from 100 to 105',
      '(VI_3) Changing effective priority from 100 to 85',
      '(VI_5) Changing effective priority from 100 to 110',
      ...[3, 4, 5].map((number) => `(VI_${number}) Entering BACKUP STATE (init)`),
      // Because of init_fail nobody of its group was a backup before.
      'Script `s1` now returning 1',
      'VRRP_Script(s1) failed (exited with status 1)',
      'VRRP_Group(G1) Syncing instances to FAULT state',
      'VRRP_Script(s2) succeeded',
      '(VI_5) Changing effective priority from 110 to 114',
      ...[3, 4, 5].map((number) => `(VI_${number}) Entering MASTER STATE`),
      'VRRP_Group(G2) Syncing instances to MASTER state',
    ],
    async ({ step, told, players }) => {
      const lines = [
        'INSTANCE "VI_3" BACKUP_PRIORITY 85',
        ...['VI_3" BACKUP 85', 'VI_4" BACKUP 100', 'VI_5" BACKUP 110'].map(instanceLine),
        ...['VI_1" FAULT 105', 'VI_2" FAULT 100'].map(instanceLine),
        ...['VI_3" MASTER 85', 'VI_4" MASTER 100', 'VI_5" MASTER 114'].map(instanceLine),
        ...['"G1" FAULT', '"G2" BACKUP', '"G2" MASTER'].map((state) => `GROUP ${state} 0`),
      ];
      await told('lines', lines);
      await told('told', ['notify_fault G1']);
      await step(
        ({ write }) => write('s1', script(0)),
        [
          'Script `s1` now returning 0',
          'VRRP_Script(s1) succeeded',
          ...['BACKUP', 'MASTER'].flatMap((state) => [
            `(VI_1) Entering ${state} STATE`,
            `(VI_2) Entering ${state} STATE`,
            `VRRP_Group(G1) Syncing instances to ${state} state`,
          ]),
        ],
      );
      lines.push(
        ...['VI_1" BACKUP 105', 'VI_2" BACKUP 100'].map(instanceLine),
        ...['VI_1" MASTER 105', 'VI_2" MASTER 100'].map(instanceLine),
        ...['"G1" BACKUP', '"G1" MASTER'].map((state) => `GROUP ${state} 0`),
      );
      await told('lines', lines);
      await told('told', ['notify_fault G1', 'notify_backup G1', 'notify_master G1']);
      await step(
        ({ write }) => write('f1', '7\n'),
        [
          '(VI_1) Changing effective priority from 105 to 107',
          '(VI_3) Changing effective priority from 85 to 79',
          '(VI_5) Changing effective priority from 114 to 118',
        ],
      );
      await step(
        ({ write }) => write('f2', '2\n'),
        [
          '(VI_1) Changing effective priority from 107 to 103',
          '(VI_2) Changing effective priority from 100 to 96',
          '(VI_3) Changing effective priority from 79 to 85',
          '(VI_4) Changing effective priority from 100 to 106',
        ],
      );
      // Of G1 and VI_5 nobody wants to hear it.
      lines.push(
        ...['VI_3" MASTER_PRIORITY 79', 'VI_3" MASTER_PRIORITY 85'].map(instanceLine),
        ...['VI_4" MASTER_PRIORITY 106'].map(instanceLine),
      );
      await told('lines', lines);
      for (const { daemon } of players) daemon.signal('SIGTERM');
      const stopped = ['notify_stop G1', 'notify_stop VI_5'];
      await told('told', ['notify_fault G1', 'notify_backup G1', 'notify_master G1', ...stopped]);
    },
  );
});

it('fifo_write_vrrp_states_on_reload: what a group is, is told again', async () => {
  const config = (offset: number): string =>
    GLOBALS + block('vrrp_sync_group G1', members(1, 2)) + vrrp(1, offset) + vrrp(2, offset);
  await beside(
    config,
    ({ write }) => write('reader', READER),
    [
      '(VI_1) Entering BACKUP STATE (init)',
      '(VI_2) Entering BACKUP STATE (init)',
      '(VI_1) Entering MASTER STATE',
      '(VI_2) Entering MASTER STATE',
      'VRRP_Group(G1) Syncing instances to MASTER state',
    ],
    async ({ lab, players, told }) => {
      const states = (state: string): readonly string[] => [
        `INSTANCE "VI_1" ${state} 100`,
        `INSTANCE "VI_2" ${state} 100`,
        `GROUP "G1" ${state} 0`,
      ];
      await told('lines', [...states('BACKUP'), ...states('MASTER')]);
      for (const { daemon, write } of players) {
        write('lines', '');
        daemon.reload();
        await lab.until(`${daemon.kind} tells of the group`, () =>
          daemon.read('run/lines')?.includes('GROUP "G1" MASTER 0\n'),
        );
      }
      // keepalived says nothing of instances that stay what they are.
      const [ours] = players;
      await lab.until('of its members, too', () =>
        states('MASTER').every((line) => ours.daemon.read('run/lines')?.includes(line)),
      );
    },
  );
});
