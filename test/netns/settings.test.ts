// What the rows about processes, files and starts do, each daemon in a machine of its own with the usual paths: names, masks,
// PID files, limits, what they set in the kernel, and how long they wait.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { requireProgram } from './programs.ts';
import {
  instance,
  options,
  program,
  type Running,
  type Sandbox,
  sandbox,
  until,
} from './sandbox.ts';

const KINDS = ['keepalived', 'ours'] as const;
const wordsOf = (kind: (typeof KINDS)[number]): readonly string[] =>
  kind === 'ours' ? [process.execPath, program] : [requireProgram('keepalived')];

/** Both, each in its own sandbox, at the same time; the rows are right where both give the same. */
async function both<T>(
  t: TestContext,
  config: string,
  look: (box: Sandbox, daemon: Running) => Promise<T>,
): Promise<readonly [theirs: T, ours: T]> {
  const one = async (kind: (typeof KINDS)[number]): Promise<T> => {
    const box = await sandbox(t);
    box.write('tmp/keepalived.conf', config);
    const daemon = box.start([...wordsOf(kind), '-n', '-l', '-D', '-f', '/tmp/keepalived.conf']);
    return look(box, daemon);
  };
  return (await Promise.all(KINDS.map(one))) as unknown as readonly [T, T];
}

const says = (daemon: Running, words: string | RegExp): Promise<true> =>
  until(
    `it says ${words}`,
    () => `${daemon.stdout}${daemon.stderr}`.search(words) >= 0 || undefined,
  );

const status = (pid: number, name: string): string =>
  new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ??
  '';

test(
  'use_pid_dir, vrrp_process_name, umask, max_auto_priority -1, default_interface, disable_local_igmp, random_seed',
  options,
  async (t) => {
    const config = `use_pid_dir
global_defs {
  default_interface peer0
  process_name the_parent
  vrrp_process_name the_router
  umask 0027
  random_seed 5
  min_auto_priority_delay 500000
  max_auto_priority -1
  disable_local_igmp
}
static_ipaddress {
  10.8.0.1/24
}
${instance(`notify_master "/bin/sh -c 'umask >/run/mask'"`)}`;
    const [theirs, ours] = await both(t, config, async (box, daemon) => {
      await says(daemon, 'Entering MASTER STATE');
      const scripts = await until('the script has run', () => box.read('run/mask') || undefined);
      const folder = join(box.folder, 'run/keepalived');
      const pid = box.pid('run/keepalived/vrrp.pid');
      assert.ok(pid > 0, daemon.stderr);
      const shown = box.start(['ip', '-o', 'address', 'show', 'dev', 'peer0']);
      await shown.ended;
      const igmp = box.start(['cat', '/proc/sys/net/ipv4/igmp_link_local_mcast_reports']);
      await igmp.ended;
      const policies = readdirSync(`/proc/${pid}/task`).map(
        (task) =>
          readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8').split(') ')[1]?.split(' ')[38],
      );
      return {
        pids: readdirSync(folder).filter((name) => name.endsWith('.pid')),
        names: [daemon.pid, pid].map((one) => status(one, 'Name')),
        scripts,
        masks: [daemon.pid, pid].map((one) => status(one, 'Umask')),
        realTime: policies.some((policy) => policy !== '0'),
        address: /10\.8\.0\.1\/24/.test(shown.stdout),
        igmp: igmp.stdout,
      };
    });
    assert.deepEqual(ours, theirs);
    assert.deepEqual(ours, {
      pids: ['keepalived.pid', 'vrrp.pid'],
      names: ['the_parent', 'the_router'],
      scripts: '0027\n',
      masks: ['0027', '0027'],
      realTime: false,
      address: true,
      igmp: '0\n',
    });
  },
);

test(
  'vrrp_rlimit_rtime, the old name of vrrp_rlimit_rttime, limits the VRRP process',
  options,
  async (t) => {
    const config = `global_defs {
  vrrp_rt_priority 20
  vrrp_rlimit_rtime 30000
}
${instance()}`;
    const limits = await both(t, config, async (box, daemon) => {
      await says(daemon, 'Entering MASTER STATE');
      const text = readFileSync(`/proc/${box.pid('run/vrrp.pid')}/limits`, 'utf8');
      return /Max realtime timeout\s+(\S+)\s+(\S+)/.exec(text)?.slice(1);
    });
    // keepalived is warned at the half, and killed at the whole.
    assert.deepEqual(limits, [
      ['15000', '30000'],
      ['30000', 'unlimited'],
    ]);
  },
);

test('vrrp_startup_delay: nobody is master before its time', options, async (t) => {
  const config = `global_defs {
  vrrp_startup_delay 1.5
}
${instance()}`;
  const waited = await both(t, config, async (_, daemon) => {
    await says(daemon, 'Startup complete');
    const from = performance.now();
    await says(daemon, 'Entering MASTER STATE');
    return performance.now() - from;
  });
  // 0.34 s without it. What was said is heard a little later than it was said.
  for (const time of waited) assert.ok(time > 1_300, `${waited}`);
});

test('child_wait_time: a child that does not end is waited for so long', options, async (t) => {
  const config = `child_wait_time 6
${instance()}`;
  const waited = await both(t, config, async (box, daemon) => {
    await says(daemon, 'Entering MASTER STATE');
    // The parent hears of the order to stop first, and then that its child stands still.
    daemon.signal('SIGSTOP');
    await until('the parent stands still', () => /^T/.test(status(daemon.pid, 'State')));
    process.kill(box.pid('run/vrrp.pid'), 'SIGSTOP');
    const from = performance.now();
    daemon.signal('SIGTERM');
    daemon.signal('SIGCONT');
    await daemon.ended;
    return performance.now() - from;
  });
  // 5 s by default.
  for (const time of waited) assert.ok(time > 5_900, `${waited}`);
});

test(
  'include_check: read, match, wildcard_match, brace_match and readable end with the same status',
  options,
  async (t) => {
    const box = await sandbox(t);
    mkdirSync(join(box.folder, 'tmp/parts'));
    box.write('tmp/parts/a', '! nothing\n');
    for (const [checks, include] of [
      ['match', '/tmp/parts/none'],
      ['match', '/tmp/parts/n*'],
      ['wildcard_match', '/tmp/parts/n*'],
      ['brace_match', '/tmp/parts/{a,b}'],
      ['brace_match', '/tmp/parts/{a,a}'],
      ['match', '/tmp/parts/{a,b}'],
      ['read', '/tmp/parts'],
      ['readable', '/tmp/parts'],
      ['', '/tmp/parts/none'],
    ]) {
      const config = `global_defs {\n  include_check ${checks}\n}\ninclude ${include}\n${instance()}`;
      box.write('tmp/keepalived.conf', config);
      const ends = await Promise.all(
        KINDS.map(
          (kind) => box.start([...wordsOf(kind), '-t', '-f', '/tmp/keepalived.conf']).ended,
        ),
      );
      assert.equal(ends[1], ends[0], `include_check ${checks} and include ${include}`);
    }
  },
);

test(
  'use_pid_dir: the folder goes with the last PID file in it, and a name with a slash has none',
  options,
  async (t) => {
    const folderOf = (box: Sandbox): string => join(box.folder, 'run/keepalived');
    const outcomes = await both(t, `use_pid_dir\n${instance()}`, async (box, daemon) => {
      await until('its PID file', () => box.pid('run/keepalived/vrrp.pid') > 0 || undefined);
      daemon.signal('SIGTERM');
      return { status: await daemon.ended, left: existsSync(folderOf(box)) };
    });
    assert.deepEqual(outcomes, Array(2).fill({ status: 0, left: false }));
    const slashed = await both(t, `instance a/b\n${instance()}`, async (box, daemon) => {
      const status = await daemon.ended;
      const said = /pidfile_write : .*/.exec(`${daemon.stdout}${daemon.stderr}`)?.[0];
      return { status, said, left: existsSync(folderOf(box)) };
    });
    const said = 'pidfile_write : Cannot open /run/keepalived/keepalived_a/b.pid pidfile';
    assert.deepEqual(slashed, Array(2).fill({ status: 0, said, left: false }));
  },
);
