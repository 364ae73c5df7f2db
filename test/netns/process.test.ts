// Tracked processes beside keepalived 2.2.7: how many there must be and may be, how they are recognised, how long they must
// have been there or gone. Both daemons are born outside of their host, where the kernel tells of processes.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { beside, block, trackingIn, virtualRouter } from './beside.ts';
import { run } from './command.ts';

/** Programs with names of their own, which do nothing, and everything of them that runs. */
class Crowd {
  readonly folder = mkdtempSync(join(tmpdir(), 'ka-process-'));
  readonly #members: { readonly name: string; readonly child: ChildProcess }[] = [];

  /** Up to 15 characters: more than that the kernel does not keep. */
  nameOf(kind: string): string {
    return `ka${process.pid}${kind}`;
  }

  pathOf(kind: string): string {
    return join(this.folder, this.nameOf(kind));
  }

  make(kind: string): void {
    copyFileSync('/bin/sleep', this.pathOf(kind));
  }

  begin(kind: string, ...words: readonly string[]): void {
    // Through no other program: keepalived may miss the second of two execs. It ends by itself if nobody ends it.
    const child = spawn(this.pathOf(kind), words, { stdio: 'ignore' });
    this.#members.push({ name: kind, child });
  }

  end(kind: string): void {
    const at = this.#members.findIndex(({ name }) => name === kind);
    const [found] = this.#members.splice(at, 1);
    found?.child.kill('SIGKILL');
  }

  close(): void {
    for (const { child } of this.#members) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true });
  }
}

const vrrp = (number: number, offset: number, ...more: readonly string[]): string =>
  virtualRouter(number, offset, 'eth0', ...more);

const changes = (number: number, from: number, to: number): string =>
  `(VI_${number}) Changing effective priority from ${from} to ${to}`;

it('quorum, quorum_max, param_match, full_command, delays and groups of vrrp_track_process; process_monitor_rcv_bufs', async () => {
  const crowd = new Crowd();
  for (const kind of 'acdefipsw') crowd.make(kind);
  const tracked = (name: string, ...lines: readonly string[]): string =>
    block(`vrrp_track_process ${name}`, ...lines);
  const config = (offset: number): string =>
    block(
      'global_defs',
      'router_id lab',
      `process_monitor_rcv_bufs ${300_000 + offset}`,
      'process_monitor_rcv_bufs_force',
    ) +
    tracked('some', `process ${crowd.nameOf('a')}`, 'quorum 2', 'quorum_max 3', 'weight 10') +
    // Each has a program of its own: keepalived counts a process for the first that it belongs to.
    tracked('exact', `process ${crowd.pathOf('e')} 60 61`, 'weight 1') +
    tracked('part', `process ${crowd.pathOf('p')} 60 6`, 'param_match partial', 'weight 2') +
    tracked('first', `process ${crowd.pathOf('f')} 60`, 'param_match partial', 'weight 4') +
    tracked('initial', `process ${crowd.pathOf('i')} 60 6`, 'param_match initial', 'weight 8') +
    tracked('whole', `process ${crowd.pathOf('w')}`, 'full_command', 'weight 16') +
    tracked('short', `process ${crowd.nameOf('s')}`, 'full_command', 'weight 32') +
    tracked(
      'slow',
      `process ${crowd.nameOf('c')}`,
      'fork_delay 0.7',
      'terminate_delay 1.2',
      'weight 9',
    ) +
    tracked('even', `process ${crowd.nameOf('c')}`, 'delay 0.9', 'weight 9') +
    tracked('needed', `process ${crowd.nameOf('d')}`, 'weight 0') +
    block(
      'vrrp_sync_group G1',
      block('group', 'VI_4', 'VI_5'),
      block('track_process', 'needed', `some weight 3`),
    ) +
    vrrp(1, offset, block('track_process', 'some')) +
    vrrp(2, offset, block('track_process', 'exact', 'part', 'first', 'initial', 'whole', 'short')) +
    vrrp(3, offset, block('track_process', 'slow')) +
    vrrp(4, offset) +
    vrrp(5, offset) +
    vrrp(6, offset, block('track_process', 'even'));
  // Both see the same processes.
  const once = (act: () => void) => (player: { readonly offset: number }) => {
    if (player.offset === 0) act();
  };
  try {
    crowd.begin('a', '60');
    crowd.begin('d', '60');
    await beside(
      config,
      () => {},
      [
        ...[1, 2, 3, 4, 5, 6].map((i) => `(VI_${i}) Entering BACKUP STATE (init)`),
        ...[1, 2, 3, 4, 5, 6].map((i) => `(VI_${i}) Entering MASTER STATE`),
        'VRRP_Group(G1) Syncing instances to MASTER state',
      ],
      async ({ step, speaks, dumps, players }) => {
        const sizes = await run('nsenter', [
          '--net=/proc/self/ns/net',
          '--',
          'ss',
          ...['-H', '-O', '-f', 'netlink', '-a', '-m'],
        ]);
        for (const { offset, daemon } of players)
          assert.ok(
            sizes.split('\n').some((line) => line.includes(`rb${2 * (300_000 + offset)}`)),
            `${daemon.kind}\n${sizes}`,
          );
        await step(
          once(() => crowd.begin('a', '60')),
          [changes(1, 100, 110), changes(4, 100, 103), changes(5, 100, 103)],
        );
        await speaks(51, 110);
        await speaks(54, 103);
        for (const _ of [3, 4]) crowd.begin('a', '60');
        await step(() => {}, [changes(1, 110, 100), changes(4, 103, 100), changes(5, 103, 100)]);
        await speaks(51, 100);
        await step(
          once(() => crowd.end('a')),
          [changes(1, 100, 110), changes(4, 100, 103), changes(5, 100, 103)],
        );
        for (const kind of ['p', 's']) crowd.begin(kind, '60', '61');
        for (const [kind, from, to] of [
          ['e', 100, 101],
          ['f', 101, 105],
          ['i', 105, 113],
          ['w', 113, 129],
        ] as const)
          await step(
            once(() => crowd.begin(kind, '60', '61')),
            [changes(2, from, to)],
          );
        await speaks(52, 129);
        const [ours, theirs] = await dumps();
        assert.deepEqual(trackingIn(ours), trackingIn(theirs));
        await step(
          once(() => crowd.end('w')),
          [changes(2, 129, 113)],
        );

        /** How long after this each said so, in milliseconds. */
        const waits = async (
          act: () => void,
          said: readonly string[],
        ): Promise<readonly (readonly number[])[]> => {
          const from = Date.now();
          await step(once(act), said);
          return said.map((text) =>
            players.map(
              ({ daemon: { lines } }) =>
                (lines.findLast((line) => line.text.includes(text))?.at ?? 0) - from,
            ),
          );
        };
        const [slow = [], even = []] = await waits(
          () => crowd.begin('c', '60'),
          [changes(3, 100, 109), changes(6, 100, 109)],
        );
        assert.ok(
          // keepalived waits only after a fork.
          (slow[0] ?? 0) >= 690,
          `fork_delay: ${slow}`,
        );
        assert.ok((even[0] ?? 0) >= 890, `delay: ${even}`);
        const [gone = [], away = []] = await waits(
          () => crowd.end('c'),
          [changes(3, 109, 100), changes(6, 109, 100)],
        );
        assert.ok(
          gone.every((time) => time >= 1190),
          `terminate_delay: ${gone}`,
        );
        assert.ok(
          away.every((time) => time >= 890),
          `delay: ${away}`,
        );

        await step(
          once(() => crowd.end('d')),
          [
            '(VI_4) Entering FAULT STATE',
            '(VI_5) Entering FAULT STATE',
            'VRRP_Group(G1) Syncing instances to FAULT state',
          ],
        );
        await speaks(54, 0);
        await step(
          once(() => crowd.begin('d', '60')),
          [
            '(VI_4) Entering BACKUP STATE',
            '(VI_5) Entering BACKUP STATE',
            'VRRP_Group(G1) Syncing instances to BACKUP state',
            '(VI_4) Entering MASTER STATE',
            '(VI_5) Entering MASTER STATE',
            'VRRP_Group(G1) Syncing instances to MASTER state',
          ],
        );
      },
      ['a', 'b'],
      { outside: true },
    );
  } finally {
    crowd.close();
  }
});
