// The rows about when and how the configuration is read again, and what is left of it in files: keepalived does the same
// beside ours, step by step.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readlinkSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Daemon } from './daemon.ts';
import { Lab } from './lab.ts';

const NOTABLE =
  /^(validate|New config|Reloading \.\.\.|Reload |Scheduling|Cancelling|Invalid reload)/;

/** Has never anything to do but to be read. */
const config = (vrid: number, globals: readonly string[] = [], more = ''): string => `global_defs {
  reload_check_config /run/checked
  reload_file /run/reading
  reload_time_file /run/when
  config_save_dir /run/saved
  tmp_config_directory /run/nameless
  ${globals.join('\n  ')}
}
# not kept
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id ${vrid}
  ${more}
  virtual_ipaddress {
    10.0.0.100
  }
}
`;

/** As keepalived logs it where TZ is UTC. */
const shown = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ');
const words = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => !/^(#|!)/.test(line))
    .flatMap((line) => line.split(/\s+/).filter(Boolean));

it('reload_check_config, reload_file, reload_time_file, reload_repeat, config_save_dir and tmp_config_directory do what keepalived does', async () => {
  const lab = await Lab.open({ capture: false });
  const touched = new Map<Daemon, Set<string>>();
  const watchers: { close: () => void }[] = [];
  try {
    const players = (['ours', 'keepalived'] as const).map((kind, i) => {
      const name = i === 0 ? 'a' : 'b';
      const folder = join(lab.folder, `${name}1`, 'run');
      mkdirSync(join(folder, 'nameless'), { recursive: true });
      const vrid = 51 + i;
      const daemon = lab.host(name).start(kind, config(vrid), { environment: { TZ: 'UTC' } });
      const names = new Set<string>();
      touched.set(daemon, names);
      watchers.push(watch(folder, (_, file) => names.add(file ?? '')));
      return { daemon, folder, vrid };
    });
    const notable = ({ lines }: Daemon): readonly string[] =>
      lines
        .map(({ text }) => text.replace(/^.*? \d{4}: /, ''))
        .filter((text) => NOTABLE.test(text));
    const heard = new Map<Daemon, number>();
    /** Each has said exactly this since. */
    const said = async (...wanted: readonly string[]): Promise<void> => {
      for (const { daemon } of players) {
        const from = heard.get(daemon) ?? 0;
        await lab.until(
          `${daemon.kind} says ${wanted.at(-1)}`,
          () => notable(daemon).length >= from + wanted.length,
        );
        assert.deepEqual(notable(daemon).slice(from), wanted, daemon.kind);
        heard.set(daemon, from + wanted.length);
      }
    };
    const write = (file: string, text: string): void => {
      for (const { folder } of players) writeFileSync(join(folder, file), text);
    };
    const reload = (...more: readonly [globals?: readonly string[], more?: string]): void => {
      for (const { daemon, vrid } of players) daemon.reload(config(vrid, ...more));
    };
    const everyRead = (file: string): readonly (string | undefined)[] =>
      players.map(({ daemon }) => daemon.read(`run/${file}`));

    for (const { daemon, folder, vrid } of players) {
      await lab.until(`${daemon.kind} runs`, () =>
        daemon.lines.some(({ text }) => /Startup complete/.test(text)),
      );
      assert.ok(
        readdirSync(`/proc/${daemon.pid}/fd`).some((fd) =>
          /nameless\/.* \(deleted\)$/.test(readlinkSync(`/proc/${daemon.pid}/fd/${fd}`)),
        ),
        `${daemon.kind} keeps its configuration in tmp_config_directory`,
      );
      const kept = daemon.read(`run/saved/keepalived.conf.${daemon.pid}.0`) ?? '';
      assert.deepEqual(words(kept), words(config(vrid)), daemon.kind);
      assert.deepEqual(readdirSync(join(folder, 'nameless')), [], 'nothing that has a name');
      touched.get(daemon)?.clear();
    }

    // What is wrong with a file stands where it was asked for, and nothing else happens.
    reload([], 'nonsense');
    await said(
      'validate conf before Reload',
      'New config failed validation, see /run/checked for details',
    );
    for (const text of everyRead('checked')) assert.match(text ?? '', /nonsense/);
    // Everything that -t does not end with 0 for counts, also scripts without a rule for them.
    reload([], 'notify /bin/true');
    await said(
      'validate conf before Reload',
      'New config failed validation, see /run/checked for details',
    );
    for (const text of everyRead('checked')) assert.match(text ?? '', /SECURITY VIOLATION/);

    reload([], 'nopreempt');
    await said('validate conf before Reload', 'Reloading ...', 'Reload complete');
    assert.deepEqual(everyRead('checked'), ['', '']);
    for (const { daemon, folder } of players) {
      assert.ok(touched.get(daemon)?.has('reading'), `${daemon.kind} has announced its reading`);
      const state = await lab.until(`${daemon.kind} has saved its state`, () =>
        readdirSync(join(folder, 'saved')).find((name) =>
          /^keepalived_vrrp\.\d+\.1\.post$/.test(name),
        ),
      );
      for (const name of [state, state.replace('post', 'pre')])
        await lab.until(`${daemon.kind} has written ${name}`, () =>
          daemon.read(`run/saved/${name}`)?.includes('VRRP Instance = VI_1'),
        );
      // Which process has read it is each one's own affair.
      const copies = readdirSync(join(folder, 'saved'))
        .filter((name) => name.startsWith('keepalived.conf.'))
        .map((name) => daemon.read(`run/saved/${name}`) ?? '');
      assert.ok(
        copies.some((text) => words(text).includes('nopreempt')),
        daemon.kind,
      );
    }
    assert.deepEqual(everyRead('reading'), [undefined, undefined], 'nothing is being read');

    // What stands there already is emptied, and goes.
    write('reading', 'a program waits');
    reload([], 'nopreempt');
    await said('validate conf before Reload', 'Reloading ...', 'Reload complete');
    assert.deepEqual(everyRead('reading'), [undefined, undefined]);

    // Times: arranged, moved, forgotten, refused.
    write('when', '2099-01-01 10:10:10Z\n');
    await said('Scheduling reload for 2099-01-01 10:10:10');
    write('when', '68-01-01 11:11:11\nmore\n');
    await said('Reload time updated from 2099-01-01 10:10:10 to 2068-01-01 11:11:11');
    write('when', '2027-02-30 10:00:00\n');
    await said(
      'Reload time 2027-02-30 10:00:00 is not valid - ignoring',
      "Invalid reload time '2027-02-30 10:00:00' specified - ignoring",
      'Cancelling reload scheduled for 2068-01-01 11:11:11',
    );
    write('when', '2001-01-01 01:01:01\n');
    await said(
      'Reload time 2001-01-01 01:01:01 is in the past - ignoring',
      'Reload date/time is in the past - ignoring',
    );
    write('when', '2099-01-01 10:10:10\n');
    await said('Scheduling reload for 2099-01-01 10:10:10');
    // Another reload changes nothing about it.
    reload([], 'nopreempt');
    await said(
      'validate conf before Reload',
      'Reloading ...',
      'Scheduling reload for 2099-01-01 10:10:10',
      'Reload complete',
    );
    for (const { daemon } of players) daemon.discard('run/when');
    await said('Cancelling reload scheduled for 2099-01-01 10:10:10');

    const soon = new Date(Math.ceil(Date.now() / 1000 + 2) * 1000);
    write('when', `${shown(soon).slice(11)}\n`);
    await said(
      `Scheduling reload for ${shown(soon)}`,
      'validate conf before Reload',
      'Reloading ...',
      'Reload complete',
    );
    assert.deepEqual(everyRead('when'), [undefined, undefined], 'it has done its duty');

    reload(['reload_repeat']);
    await said('validate conf before Reload', 'Reloading ...', 'Reload complete');
    const again = new Date(Math.ceil(Date.now() / 1000 + 2) * 1000);
    const line = `${shown(again).slice(11)}\n`;
    write('when', line);
    await said(
      `Scheduling reload for ${shown(again)}`,
      'validate conf before Reload',
      'Reloading ...',
      `Scheduling reload for ${shown(new Date(again.getTime() + 86_400_000))}`,
      'Reload complete',
    );
    assert.deepEqual(everyRead('when'), [line, line], 'it is for every day');
  } finally {
    for (const watcher of watchers) watcher.close();
    await lab.close();
  }
});
