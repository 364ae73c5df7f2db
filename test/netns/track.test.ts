// What trackers do to priorities and states, with keepalived in the same scene: priorities on the wire, lines of the
// log, notify scripts, and keepalived.data.

import assert from 'node:assert/strict';
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { addCable, beside, block, type Player, trackingIn, virtualRouter } from './beside.ts';

/** Whether a process of the group runs; one that nobody has waited for yet does not. */
function lives(group: number): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(pgrp) === group && state !== 'Z';
    } catch {
      return false;
    }
  });
}

const GLOBALS = `global_defs {
  script_user root
  vrrp_garp_master_delay 0
}
`;

const NOTIFY = `notify "/bin/sh -c 'echo $* >> /run/told' x"`;

const vrrp = (number: number, offset: number, priority: number, ...more: string[]): string =>
  virtualRouter(number, offset, 'eth0', `priority ${priority}`, ...more);

const set = (name: string, state: 'up' | 'down') => async (player: Player) => {
  await player.host.ip('link', 'set', name, state);
};

it('interfaces with weights, reversed weights and without a weight', async () => {
  const names = ['d1', 'd2', 'd3', 'd4', 'd5'];
  const config = (offset: number): string =>
    GLOBALS +
    vrrp(
      1,
      offset,
      100,
      NOTIFY,
      block(
        'track_interface',
        'd1 weight 10',
        'd2 weight -20',
        'd3 weight 5 reverse',
        'd4',
        'd5 weight -7 reverse',
      ),
    ) +
    vrrp(2, offset, 250, block('track_interface', 'd1 weight 10', 'd2 weight -253'));
  await beside(
    config,
    async ({ host }) => {
      for (const name of names) await addCable(host, name);
    },
    [
      '(VI_1) Changing effective priority from 100 to 105',
      '(VI_2) Changing effective priority from 250 to 254',
      '(VI_1) Entering BACKUP STATE (init)',
      '(VI_2) Entering BACKUP STATE (init)',
      '(VI_2) Entering MASTER STATE',
      '(VI_1) Entering MASTER STATE',
    ],
    async ({ step, speaks, told, dumps }) => {
      await speaks(51, 105);
      await speaks(52, 254);
      await step(set('d1', 'down'), [
        '(VI_1) Changing effective priority from 105 to 95',
        '(VI_2) Changing effective priority from 254 to 250',
      ]);
      await speaks(51, 95);
      await speaks(52, 250);
      await step(set('d2', 'down'), [
        '(VI_1) Changing effective priority from 95 to 75',
        '(VI_2) Changing effective priority from 250 to 1',
      ]);
      await speaks(51, 75);
      await speaks(52, 1);
      await step(set('d3', 'down'), ['(VI_1) Changing effective priority from 75 to 80']);
      await step(set('d5', 'down'), ['(VI_1) Changing effective priority from 80 to 87']);
      await speaks(51, 87);
      await step(set('d4', 'down'), ['(VI_1) Entering FAULT STATE']);
      await speaks(51, 0);
      const [ours, theirs] = await dumps();
      assert.deepEqual(trackingIn(ours), trackingIn(theirs));
      await step(set('d1', 'up'), [
        '(VI_1) Changing effective priority from 87 to 97',
        '(VI_2) Changing effective priority from 1 to 7',
      ]);
      await step(set('d4', 'up'), ['(VI_1) Entering BACKUP STATE', '(VI_1) Entering MASTER STATE']);
      await speaks(51, 97);
      await told('told', [
        'INSTANCE VI_1 BACKUP 105',
        'INSTANCE VI_1 MASTER 105',
        'INSTANCE VI_1 FAULT 87',
        'INSTANCE VI_1 BACKUP 97',
        'INSTANCE VI_1 MASTER 97',
      ]);
    },
  );
});

it('scripts: rise, fall, weights, init, time-outs, user', async () => {
  const asGiven = '#!/bin/sh\ntest "$(id -un) $(id -gn)" = "daemon games"\n';
  const config = (offset: number): string =>
    GLOBALS +
    block('vrrp_script s1', 'script /run/s1', 'interval 1') +
    block(
      'vrrp_script s2',
      'script "/run/s2 with words"',
      'interval 1',
      'weight 10',
      'rise 2',
      'fall 2',
    ) +
    block(
      'vrrp_script s3',
      'script /run/s3',
      'user daemon games',
      'interval 1',
      'timeout 2',
      'weight -5 reverse',
    ) +
    vrrp(1, offset, 100, NOTIFY, block('track_script', 's1')) +
    vrrp(2, offset, 100, block('track_script', 's2', 's3')) +
    vrrp(3, offset, 100, block('track_script', 's2 weight -9'));
  const body = (status: number | string): string => `#!/bin/sh\nexit ${status}\n`;
  const write = (name: string, text: string) => (player: Player) => player.write(name, text);
  await beside(
    config,
    ({ write }) => {
      for (const name of ['s1', 's2']) write(name, body(0));
      write('s3', asGiven);
    },
    [
      '(VI_2) Entering BACKUP STATE (init)',
      '(VI_3) Entering BACKUP STATE (init)',
      'VRRP_Script(s1) succeeded',
      '(VI_1) Entering BACKUP STATE',
      'VRRP_Script(s2) succeeded',
      '(VI_2) Changing effective priority from 100 to 110',
      'VRRP_Script(s3) succeeded',
      '(VI_2) Entering MASTER STATE',
      '(VI_3) Entering MASTER STATE',
      '(VI_1) Entering MASTER STATE',
    ],
    async ({ step, speaks, told, dumps }) => {
      await speaks(52, 110);
      await step(write('s1', body(3)), [
        'Script `s1` now returning 3',
        'VRRP_Script(s1) failed (exited with status 3)',
        '(VI_1) Entering FAULT STATE',
      ]);
      await speaks(51, 0);
      await step(write('s2', body('$#')), [
        'Script `s2` now returning 2',
        'VRRP_Script(s2) failed (exited with status 2)',
        '(VI_2) Changing effective priority from 110 to 100',
        '(VI_3) Changing effective priority from 100 to 91',
      ]);
      await speaks(52, 100);
      await speaks(53, 91);
      const [ours, theirs] = await dumps();
      assert.deepEqual(trackingIn(ours), trackingIn(theirs));
      await step(write('s1', body(0)), [
        'Script `s1` now returning 0',
        'VRRP_Script(s1) succeeded',
        '(VI_1) Entering BACKUP STATE',
        '(VI_1) Entering MASTER STATE',
      ]);
      await step(write('s2', '#!/bin/sh\nkill -USR1 $$\n'), []);
      await step(write('s2', body(0)), [
        'Script `s2` now returning 0',
        'VRRP_Script(s2) succeeded',
        '(VI_2) Changing effective priority from 100 to 110',
        '(VI_3) Changing effective priority from 91 to 100',
      ]);
      await step(write('s3', '#!/bin/sh\nsleep 60 & wait\n'), [
        'VRRP_Script(s3) timed_out',
        '(VI_2) Changing effective priority from 110 to 115',
      ]);
      await step(write('s3', asGiven), [
        'VRRP_Script(s3) succeeded',
        '(VI_2) Changing effective priority from 115 to 110',
      ]);
      await told('told', [
        'INSTANCE VI_1 BACKUP 100',
        'INSTANCE VI_1 MASTER 100',
        'INSTANCE VI_1 FAULT 100',
        'INSTANCE VI_1 BACKUP 100',
        'INSTANCE VI_1 MASTER 100',
      ]);
    },
  );
});

it('a script that forks and ignores SIGTERM is ended with all it started, and the next run is heard', async () => {
  const config = (offset: number): string =>
    GLOBALS +
    block('vrrp_script s1', 'script /run/s1', 'interval 1', 'weight 10') +
    vrrp(1, offset, 100, block('track_script', 's1'));
  const deaf = `#!/bin/sh\ntrap '' TERM\necho $$ > /run/leader\n(trap '' TERM; exec sleep 61) & sleep 62\n`;
  await beside(
    config,
    ({ write }) => write('s1', deaf),
    [
      '(VI_1) Entering BACKUP STATE (init)',
      '(VI_1) Entering MASTER STATE',
      'VRRP_Script(s1) timed_out',
    ],
    async ({ lab, players, speaks, step }) => {
      // keepalived 2.2.7 says that it skips runs, starts them, and leaves what ignores SIGTERM behind.
      const [{ daemon }] = players;
      const leader = Number(daemon.read('run/leader'));
      await step(
        ({ write }) => write('s1', '#!/bin/sh\nexit 0\n'),
        ['VRRP_Script(s1) succeeded', '(VI_1) Changing effective priority from 100 to 110'],
      );
      await speaks(51, 110);
      await lab.until(`nothing of the group ${leader} is left`, () => !lives(leader));
    },
  );
});

it('files: weights, limits, faults, files that come and go', async () => {
  const file = (name: string, ...lines: string[]): string =>
    block(`track_file ${name}`, `file /run/${name}`, ...lines);
  const config = (offset: number): string =>
    GLOBALS +
    file('f1', 'weight 2') +
    file('f2', 'weight 0') +
    file('f3', 'weight 1', 'init_file 9 overwrite') +
    file('f4', 'weight 1', 'init_file 7') +
    vrrp(1, offset, 100, NOTIFY, block('track_file', 'f1')) +
    vrrp(2, offset, 100, block('track_file', 'f2', 'f3 weight -3', 'f4 weight 2 reverse')) +
    vrrp(3, offset, 100, block('track_file', 'f1 weight 0 reverse'));
  const write = (name: string, text: string) => (player: Player) => player.write(name, text);
  const named = (name: string) => (player: Player) => join(player.daemon.place.folder, 'run', name);
  await beside(
    config,
    ({ write }) => {
      write('f1', '3\n');
      write('f3', '1');
    },
    [
      '(VI_1) Changing effective priority from 100 to 106',
      '(VI_2) Changing effective priority from 100 to 59',
      ...[1, 2, 3].map((i) => `(VI_${i}) Entering BACKUP STATE (init)`),
      ...[1, 2, 3].map((i) => `(VI_${i}) Entering MASTER STATE`),
    ],
    async ({ step, speaks, told, dumps, players }) => {
      assert.deepEqual(
        players.map(({ daemon }) => [daemon.read('run/f3'), daemon.read('run/f4')]),
        [
          ['9\n', '7\n'],
          ['9\n', '7\n'],
        ],
      );
      await speaks(51, 106);
      await speaks(52, 59);
      await step(write('f1', '-50'), ['(VI_1) Changing effective priority from 106 to 1']);
      await speaks(51, 1);
      await step(write('f1', '1000'), ['(VI_1) Changing effective priority from 1 to 254']);
      await speaks(51, 254);
      const [ours, theirs] = await dumps();
      assert.deepEqual(trackingIn(ours), trackingIn(theirs));
      await step(write('f1', '99999999999999'), []);
      // As C reads numbers.
      await step(write('f1', '0x10'), ['(VI_1) Changing effective priority from 254 to 132']);
      await step(write('f1', '-010'), ['(VI_1) Changing effective priority from 132 to 84']);
      await step(write('f1', '08'), [
        '(VI_1) Changing effective priority from 84 to 100',
        '(VI_3): tracked file f1 now FAULT state',
        '(VI_3) Entering FAULT STATE',
      ]);
      await step(write('f1', '1000'), [
        '(VI_1) Changing effective priority from 100 to 254',
        '(VI_3): tracked file f1 leaving FAULT state',
        '(VI_3) Entering BACKUP STATE',
        '(VI_3) Entering MASTER STATE',
      ]);
      await step(write('f1', ' 5 and more'), [
        '(VI_1) Changing effective priority from 254 to 110',
      ]);
      await step(
        (player) => unlinkSync(named('f1')(player)),
        [
          '(VI_1) Changing effective priority from 110 to 100',
          '(VI_3): tracked file f1 now FAULT state',
          '(VI_3) Entering FAULT STATE',
        ],
      );
      await speaks(53, 0);
      await step(
        (player) => {
          player.write('new', '8');
          renameSync(named('new')(player), named('f1')(player));
        },
        [
          '(VI_1) Changing effective priority from 100 to 116',
          '(VI_3): tracked file f1 leaving FAULT state',
          '(VI_3) Entering BACKUP STATE',
          '(VI_3) Entering MASTER STATE',
        ],
      );
      // Something slow that the shell has opened f1 for: it counts once, when it is closed.
      const slow = new Map<Player, number>();
      await step(
        (player) => {
          const fd = openSync(named('f1')(player), 'w');
          slow.set(player, fd);
          writeSync(fd, '1');
          player.write('f2', '1');
        },
        ['(VI_2): tracked file f2 now FAULT state', '(VI_2) Entering FAULT STATE'],
      );
      await step(write('f2', '0'), [
        '(VI_2): tracked file f2 leaving FAULT state',
        '(VI_2) Entering BACKUP STATE',
        '(VI_2) Entering MASTER STATE',
      ]);
      await step(
        (player) => {
          const fd = slow.get(player) ?? -1;
          writeSync(fd, '2');
          closeSync(fd);
        },
        ['(VI_1) Changing effective priority from 116 to 124'],
      );
      await step(
        (player) => truncateSync(named('f1')(player), 0),
        [
          '(VI_1) Changing effective priority from 124 to 100',
          '(VI_3): tracked file f1 now FAULT state',
          '(VI_3) Entering FAULT STATE',
        ],
      );
      await told('told', ['INSTANCE VI_1 BACKUP 106', 'INSTANCE VI_1 MASTER 106']);
    },
  );
});

it('a reload keeps what is known of scripts by name, asks all at once, and takes no role for one that has said nothing', async () => {
  const script = (name: string, argument: string, ...lines: string[]): string =>
    block(`vrrp_script ${name}`, `script "/run/${name} ${argument}"`, 'interval 3600', ...lines);
  const config =
    (scripts: string, ...names: string[]) =>
    (offset: number): string =>
      GLOBALS + scripts + vrrp(1, offset, 100, NOTIFY, block('track_script', ...names));
  const reload =
    (...change: Parameters<typeof config>) =>
    ({ daemon, offset }: Player): void =>
      daemon.reload(config(...change)(offset));
  /** Ends with its argument once the file /run/`name`.go is there. */
  const gated = (name: string): string =>
    `#!/bin/sh\necho "$@" >> /run/${name}.runs\nwhile [ ! -e /run/${name}.go ]; do sleep 0.05; done\nexit $1\n`;
  await beside(
    config(script('s1', '0'), 's1'),
    ({ write }) => {
      for (const name of ['s1', 's2']) write(name, gated(name));
      write('s1.go', '');
    },
    ['VRRP_Script(s1) succeeded', '(VI_1) Entering BACKUP STATE', '(VI_1) Entering MASTER STATE'],
    async ({ step, told }) => {
      const master = ['INSTANCE VI_1 BACKUP 100', 'INSTANCE VI_1 MASTER 100'];
      await told('told', master);
      const good = 'VRRP_Script(s1) considered successful on reload';
      await step(reload(script('s1', '0 changed'), 's1'), [good]);
      await told('s1.runs', ['0', '0 changed']);
      const failing = script('s1', '0 changed') + script('s2', '1', 'init_fail');
      await step(reload(failing, 's1', 's2'), [good]);
      await told('s1.runs', ['0', '0 changed', '0 changed']);
      await told('s2.runs', ['1']);
      await told('told', master);
      await step(
        ({ write }) => write('s2.go', ''),
        [
          'Script `s2` now returning 1',
          'VRRP_Script(s2) failed (exited with status 1)',
          '(VI_1) Entering FAULT STATE',
        ],
      );
      await step(reload(script('s1', '0') + script('s2', '0'), 's1', 's2'), [
        good,
        'VRRP_Script(s2) considered unsuccessful on reload',
        'Script `s2` now returning 0',
        'VRRP_Script(s2) succeeded',
        '(VI_1) Entering BACKUP STATE',
        '(VI_1) Entering MASTER STATE',
      ]);
      await told('told', [...master, 'INSTANCE VI_1 FAULT 100', ...master]);
    },
  );
});

it('a script that cannot be run counts as good until it can', async () => {
  const names = ['s1', 's2'];
  const config = (offset: number): string =>
    GLOBALS +
    names
      .map((name) => block(`vrrp_script ${name}`, `script /run/${name}`, 'interval 1'))
      .join('') +
    vrrp(1, offset, 100, block('track_script', ...names));
  await beside(
    config,
    ({ write }) => {
      write('s1', '#!\nexit 1\n');
      write('s2', '#!/does/not/exist\nexit 1\n');
    },
    [
      ...names.map((name) => `VRRP_Script(${name}) succeeded`),
      '(VI_1) Entering BACKUP STATE',
      '(VI_1) Entering MASTER STATE',
    ],
    async ({ step, players }) => {
      const warnings = players[0].daemon.lines.filter(({ text }) => text.includes('cannot be run'));
      assert.equal(warnings.length, names.length);
      await step(
        ({ write }) => write('s1', '#!/bin/sh\nexit 1\n'),
        [
          'Script `s1` now returning 1',
          'VRRP_Script(s1) failed (exited with status 1)',
          '(VI_1) Entering FAULT STATE',
        ],
      );
    },
  );
});
