// Rows of global_defs that keepalived 2.2.7 does not have: as whom and under which path scripts run, where names of iproute2
// come from, and what the JSON dump looks like.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { options, type Sandbox, sandbox, until } from './sandbox.ts';

const config = (globals: readonly string[]): string => `global_defs {
  script_user daemon
  startup_script /tmp/link/startup
  ${globals.join('\n  ')}
}
vrrp_track_process nobody {
  process such-a-thing with words
  param_match partial
  quorum 1
  quorum_max 3
  weight 9 reverse
  delay 2.5
}
vrrp_script check {
  script /tmp/link/check
  interval 1
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  version 3
  advert_int 0.1
  notify_master /tmp/link/notify
  track_script {
    check
  }
  track_process {
    nobody
  }
  virtual_ipaddress {
    10.9.0.100
  }
  virtual_routes {
    10.77.0.0/16 dev eth0 table ours tos theirs
  }
}
`;

/** daemon is in two more groups here, and scripts say who runs them under which name. */
async function prepare(box: Sandbox): Promise<void> {
  const inside = (name: string): string => join(box.folder, 'tmp', name);
  const group = readFileSync('/etc/group', 'utf8');
  box.write('tmp/group', `${group}ka-a:x:4711:daemon\nka-b:x:4712:root,daemon\n`);
  assert.equal(await box.start(['mount', '--bind', '/tmp/group', '/etc/group']).ended, 0);
  for (const name of ['real', 'etc', 'usr']) mkdirSync(inside(name));
  symlinkSync('/tmp/real', inside('link'));
  for (const name of ['', 'real']) chmodSync(inside(name), 0o755);
  box.write('tmp/etc/rt_tables', '4242 ours\n');
  box.write('tmp/usr/rt_dsfield', '0x10 theirs\n');
  for (const name of ['startup', 'check', 'notify']) {
    box.write(`tmp/${name}.out`, '');
    box.write(`tmp/real/${name}`, `#!/bin/sh\necho "$0 $(id -u) $(id -G)" >/tmp/${name}.out\n`);
    for (const file of [`${name}.out`, `real/${name}`]) chmodSync(inside(file), 0o777);
  }
}

test(
  'use_symlink_paths, set_supplementary_groups, iproute_etc_dir, iproute_usr_dir and json_version 2',
  options,
  async (t) => {
    const box = await sandbox(t);
    await prepare(box);
    const daemon = box.daemon(
      config([
        'use_symlink_paths',
        'set_supplementary_groups',
        'iproute_etc_dir /tmp/etc',
        'iproute_usr_dir /tmp/usr',
        'json_version 2',
      ]),
    );
    for (const name of ['startup', 'check', 'notify'])
      assert.equal(
        await until(name, () => box.read(`tmp/${name}.out`) || undefined),
        `/tmp/link/${name} 1 1 4711 4712\n`,
      );
    const routes = box.start(['ip', '-j', 'route', 'show', 'table', '4242']);
    await routes.ended;
    const [route] = JSON.parse(routes.stdout);
    assert.deepEqual([route?.dst, route?.tos], ['10.77.0.0/16', '0x10']);
    daemon.signal(36);
    const json = JSON.parse(await until('a dump', () => box.read('tmp/keepalived.json')));
    assert.equal(json.vrrp[0].data.iname, 'VI_1');
    assert.deepEqual(json.vrrp[0].data.track_process, ['nobody']);
    assert.deepEqual(json.track_process, [
      {
        process: 'nobody',
        parameters: 'with words',
        param_match: 'partial',
        min_processes: 1,
        max_processes: 3,
        current_processes: 0,
        have_quorum: false,
        weight: -9,
        terminate_delay: 2.5,
        fork_delay: 2.5,
        fork_delay_timer_running: false,
        terminate_delay_timer_running: false,
        full_command: true,
      },
    ]);
  },
);

test(
  'without them: the file itself, one group, an array of instances, and no such names',
  options,
  async (t) => {
    const box = await sandbox(t);
    await prepare(box);
    const daemon = box.daemon(config(['json_version 1']));
    for (const name of ['startup', 'check', 'notify'])
      assert.match(
        await until(name, () => box.read(`tmp/${name}.out`) || undefined),
        new RegExp(`^/tmp/real/${name} 1 1\n$`),
      );
    assert.match(daemon.stderr, /ours/);
    daemon.signal(36);
    const json = JSON.parse(await until('a dump', () => box.read('tmp/keepalived.json')));
    assert.equal(json[0].data.iname, 'VI_1');
    assert.equal(json[0].data.track_process, undefined);
  },
);
