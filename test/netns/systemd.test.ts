// A service manager that waits for the daemon (Type=notify, Type=notify-reload): what arrives at its socket.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { options, sandbox, until } from './sandbox.ts';

const config = (interval: number | string): string => `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  advert_int ${interval}
  virtual_ipaddress {
    10.9.0.100
  }
}
`;

/** Prints every datagram that comes to the socket, one a line; `@` is the abstract namespace. */
const LISTENER = `use Socket; $ARGV[0] =~ s/^\\@/\\0/; socket(S, PF_UNIX, SOCK_DGRAM, 0) or die;
bind(S, pack('S a*', AF_UNIX, $ARGV[0])) or die; $| = 1; print "listening\\n";
while (defined recv(S, $_, 4096, 0)) { s/\\n/ /g; print "$_\\n" }`;

for (const path of ['/tmp/notify', '@ka-notify'])
  test(`ready, reloading, ready, stopping, at ${path}`, options, async (t) => {
    const box = await sandbox(t);
    const manager = box.start(['perl', '-e', LISTENER, path]);
    const told = (): string[] => manager.stdout.trim().split('\n').slice(1);
    try {
      await until('the service manager', () => manager.stdout.startsWith('listening'));
      const daemon = box.daemon(config(1), [], { NOTIFY_SOCKET: path });
      await until('READY', () => told().length === 1);
      assert.deepEqual(told(), [`READY=1 MAINPID=${daemon.pid}`]);
      // The log comes through another pipe.
      await until('its log', () => daemon.stderr.includes('Entering BACKUP STATE'));
      box.write('tmp/keepalived.conf', config(2));
      daemon.signal('SIGHUP');
      await until('READY after a reload', () => told().length === 3);
      assert.match(told()[1] ?? '', /^RELOADING=1 MONOTONIC_USEC=\d+$/);
      assert.match(told()[2] ?? '', /^READY=1 /);
      // A reload that changes nothing because the file is wrong is over as well.
      box.write('tmp/keepalived.conf', config('soon'));
      daemon.signal('SIGHUP');
      await until('READY after a refused reload', () => told().length === 5);
      daemon.signal('SIGTERM');
      assert.equal(await daemon.ended, 0);
      await until('STOPPING', () => told().length === 6);
      assert.equal(told()[5], 'STOPPING=1');
    } finally {
      manager.signal('SIGKILL');
    }
  });

test('a service manager that is not there holds nobody up', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config(1), [], { NOTIFY_SOCKET: '/tmp/nobody' });
  await until('the start', () => daemon.stderr.includes('Startup complete'));
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
});
