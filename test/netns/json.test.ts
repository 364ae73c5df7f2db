// keepalived.json: the same bytes as keepalived's in the same scene, but for instants and the password.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireProgram } from './programs.ts';
import { options, program, sandbox, until } from './sandbox.ts';

const JSON_SIGNAL = 36;
const CLEAR_SIGNAL = 63;

const config = `global_defs {
  enable_script_security
  script_user root
}
vrrp_instance MASTER4 {
  interface eth0
  virtual_router_id 5
  priority 150
  advert_int 1
  nopreempt
  garp_master_delay 2
  garp_master_refresh 30
  notify_master "/usr/bin/true m"
  notify_fault /usr/bin/true
  notify "/usr/bin/true any"
  notify_deleted
  smtp_alert
  authentication {
    auth_type PASS
    auth_pass secret
  }
  virtual_ipaddress {
    10.9.0.100/24 dev eth0 label eth0:v
    10.9.0.101
  }
  virtual_ipaddress_excluded {
    10.9.1.1/32
    fd00::7/64
  }
}
vrrp_instance MASTER6 {
  interface eth0
  version 3
  virtual_router_id 6
  advert_int 0.25
  preempt_delay 3.5
  virtual_ipaddress {
    fe80::6
    fd00::6/64
  }
}
vrrp_instance FAULTY {
  interface peer1
  version 3
  virtual_router_id 7
  dont_track_primary
  virtual_ipaddress {
    10.9.2.1
  }
}
`;

test('every field is keepalived’s', options, async (t) => {
  const outcome = async (words: readonly string[]): Promise<string> => {
    const box = await sandbox(t);
    const ip = (...rest: string[]): Promise<unknown> => box.start(['ip', ...rest]).ended;
    await ip('link', 'add', 'peer1', 'type', 'veth', 'peer', 'name', 'peer2');
    await ip('link', 'set', 'peer1', 'up');
    box.write('tmp/keepalived.conf', config);
    const daemon = box.start([...words, '-n', '-l', '-D', '-f', '/tmp/keepalived.conf']);
    await until('masters', () =>
      ['MASTER4', 'MASTER6'].every((name) =>
        `${daemon.stdout}${daemon.stderr}`.includes(`(${name}) Entering MASTER STATE`),
      ),
    );
    daemon.signal(JSON_SIGNAL);
    const text = await until('the file', () => box.read('tmp/keepalived.json'));
    daemon.signal(CLEAR_SIGNAL);
    for (const what of ['Printing VRRP as json', 'Printing and clearing VRRP stats'])
      await until(what, () =>
        `${daemon.stdout}${daemon.stderr}`.includes(`: ${what} for process(`),
      );
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
    return text
      .replaceAll(/"last_transition":\d+\.\d{6}/g, '"last_transition":T')
      .replaceAll(/"auth_data":"[^"]*"/g, '"auth_data":"P"')
      .replaceAll(/"advert_sent":\d+/g, '"advert_sent":N');
  };
  const theirs = await outcome([requireProgram('keepalived')]);
  const ours = await outcome([process.execPath, program]);
  assert.deepEqual(ours.split(','), theirs.split(','));
});
