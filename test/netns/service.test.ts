// What reaches the child that checks servers besides its own checks, and whom it tells: addresses that come and go, files,
// scripts, mail. test/fixtures/ipvs.cjs stands in for the IPVS that kernels of test machines lack.

import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from './command.ts';
import { serve } from './post.ts';
import { node } from './programs.ts';
import {
  logged,
  options,
  type Running,
  type Sandbox,
  sandbox,
  until,
  withIpvs,
} from './sandbox.ts';

const start = (box: Sandbox, config: string): Running => box.daemon(config, ['-C'], withIpvs);

const config = (
  check: string,
  { global = '', service = '', real = '', more = '' } = {},
): string => `global_defs {
  router_id R1
  script_user root
  ${global}
}
${more}
virtual_server 10.9.0.100 80 {
  delay_loop 1
  warmup 0
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  ${service}
  real_server 10.9.0.1 8080 {
    ${real}
    ${check}
  }
}
`;

/** Nobody listens there. */
const tcp = 'TCP_CHECK {\n connect_timeout 1\n retry 0\n }';

test(
  'ha_suspend: servers are checked while the address is here, and only then',
  options,
  async (t) => {
    const box = await sandbox(t);
    const address = (verb: string): Promise<string> =>
      run('ip', ['-n', box.namespace, 'address', verb, '10.9.0.100/32', 'dev', 'eth0']);
    const global = [
      'lvs_netlink_cmd_rcv_bufs 100000',
      'lvs_netlink_cmd_rcv_bufs_force',
      'lvs_netlink_monitor_rcv_bufs 9000000',
      'lvs_netlink_monitor_rcv_bufs_force',
    ].join('\n');
    const daemon = start(box, config(tcp, { global, service: 'ha_suspend' }));
    await logged(daemon, 'Startup complete');
    const sockets = await run('ip', [
      ...['netns', 'exec', box.namespace],
      ...['ss', '-f', 'netlink', '-a', '-m'],
    ]);
    // The kernel counts twice what was asked for.
    for (const size of [200_000, 18_000_000]) assert.ok(sockets.includes(`rb${size},`), sockets);
    await address('add');
    await logged(daemon, 'Activating healthchecker for service [10.9.0.1]:tcp:8080');
    const beginning = daemon.stderr.indexOf('Activating healthchecker');
    await logged(daemon, 'Removing service [10.9.0.1]:tcp:8080');
    assert.ok(
      daemon.stderr.indexOf('Removing service') > beginning,
      'nothing is known of servers before the address has come',
    );
    await address('del');
    await logged(daemon, 'Suspending healthchecker for service [10.9.0.1]:tcp:8080');
    const from = daemon.stderr.length;
    await address('add');
    await logged(daemon, 'Activating healthchecker for service [10.9.0.1]:tcp:8080', from);
  },
);

test('FILE_CHECK: the number in a track_file, now and whenever it changes', options, async (t) => {
  const box = await sandbox(t);
  box.write('tmp/number', '0\n');
  const file = 'track_file f {\n file /tmp/number\n weight 0\n}';
  const check = 'FILE_CHECK {\n track_file f\n weight 0\n }';
  const daemon = start(box, config(check, { more: file }));
  await logged(daemon, 'Startup complete');
  let from = daemon.stderr.length;
  box.write('tmp/number', '1\n');
  await logged(daemon, 'Removing service [10.9.0.1]:tcp:8080 from VS [10.9.0.100]:tcp:80', from);
  from = daemon.stderr.length;
  box.write('tmp/number', '0\n');
  await logged(daemon, 'Adding service [10.9.0.1]:tcp:8080 to VS [10.9.0.100]:tcp:80', from);
});

test(
  'a server that goes and comes back: scripts, FIFO and mail, of it and of the quorum',
  options,
  async (t) => {
    const box = await sandbox(t);
    const mails = await serve(t, box, 'good');
    for (const name of ['down', 'lost', 'up', 'won']) {
      box.write(`tmp/${name}.sh`, `#!/bin/bash\necho ${name} $# >> /tmp/${name}\n`);
      chmodSync(join(box.folder, `tmp/${name}.sh`), 0o755);
    }
    const global = `notification_email {
    a@example.org
  }
  smtp_server 127.0.0.1
  lvs_notify_fifo /tmp/fifo
  lvs_notify_fifo_script /tmp/reader`;
    box.write('tmp/reader', '#!/bin/bash\nexec cat "$1" >> /tmp/news\n');
    chmodSync(join(box.folder, 'tmp/reader'), 0o755);
    const service = 'smtp_alert\nquorum_down /tmp/lost.sh\nquorum_up /tmp/won.sh';
    const real = 'notify_down /tmp/down.sh\nnotify_up /tmp/up.sh';
    const daemon = start(box, config(tcp, { global, service, real }));
    await logged(daemon, 'Removing service [10.9.0.1]:tcp:8080');
    await until(
      'the scripts',
      () => box.read('tmp/down') === 'down 0\n' && box.read('tmp/lost') === 'lost 0\n',
    );
    const mailed = async (subject: string): Promise<void> => {
      const found = await until(`the mail ${subject}`, () =>
        mails().find(({ lines = [] }) =>
          lines.join(' ').replaceAll(/\s+/g, ' ').includes(`Subject: [R1] ${subject}`),
        ),
      ).catch(() => assert.fail(`no mail ${subject}: ${JSON.stringify(mails())}`));
      assert.deepEqual(found.to, ['<a@example.org>']);
    };
    const name = '[10.9.0.1]:tcp:8080';
    const virtual = '[10.9.0.100]:tcp:80';
    await mailed(`Realserver ${name} of virtual server ${virtual} - DOWN`);
    await mailed(`Virtualserver ${virtual} - DOWN`);
    const listener = box.start([node, '-e', 'require("net").createServer().listen(8080)']);
    await logged(daemon, `Adding service ${name}`);
    await until(
      'the scripts of the way back',
      () => box.read('tmp/up') === 'up 0\n' && box.read('tmp/won')?.endsWith('won 0\n'),
    );
    await mailed(`Realserver ${name} of virtual server ${virtual} - UP`);
    await mailed(`Virtualserver ${virtual} - UP`);
    const news = [`RS ${name} ${virtual} DOWN`, `VS ${virtual} DOWN`, `RS ${name} ${virtual} UP`];
    const all = `VS ${virtual} UP\n${[...news, `VS ${virtual} UP`].join('\n')}\n`;
    await until('the news', () => box.read('tmp/news') === all).catch(() =>
      assert.equal(box.read('tmp/news'), all),
    );
    listener.signal('SIGTERM');
  },
);

test(
  'MISC_CHECK: its command runs as the user named, and its status is the weight',
  options,
  async (t) => {
    const box = await sandbox(t);
    box.write('tmp/check.sh', '#!/bin/bash\nid -un > /tmp/who\nexit 9\n');
    box.write('tmp/who', '');
    for (const [file, mode] of [
      ['check.sh', 0o755],
      ['who', 0o666],
    ] as const)
      chmodSync(join(box.folder, 'tmp', file), mode);
    const check = 'MISC_CHECK {\n misc_path /tmp/check.sh\n misc_dynamic\n user nobody\n }';
    const daemon = start(box, config(check));
    await logged(daemon, 'Changing weight from 1 to 7 for active service [10.9.0.1]:tcp:8080');
    assert.equal(box.read('tmp/who'), 'nobody\n');
  },
);
