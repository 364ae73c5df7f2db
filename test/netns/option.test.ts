// Options of the command line that change what a daemon does, beside keepalived 2.2.7: -d, -a and -V, by their log and
// by what is left on the machine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './command.ts';
import { requireProgram } from './programs.ts';
import { options, program, type Running, type Sandbox, sandbox, until } from './sandbox.ts';

const ours = [process.execPath, program];
const theirs = (): readonly string[] => [requireProgram('keepalived')];

const CONFIG = `global_defs {
  router_id here
  script_user root
  enable_script_security
}
vrrp_script ok {
  script "/bin/true"
}
static_ipaddress {
  10.8.0.1/24 dev eth0
}
vrrp_sync_group G {
  group {
    VI_3
    VI_4
  }
}
vrrp_instance VI_1 {
  interface eth0
  state MASTER
  virtual_router_id 5
  virtual_ipaddress {
    10.9.0.100/24
  }
  virtual_routes {
    10.77.0.0/24 dev eth0
  }
}
vrrp_instance VI_2 {
  interface eth0
  version 3
  virtual_router_id 6
  virtual_ipaddress {
    10.9.0.101/24
  }
  track_script {
    ok weight 2
  }
}
vrrp_instance VI_3 {
  interface eth0
  state MASTER
  virtual_router_id 7
  virtual_ipaddress {
    10.9.0.102/24
  }
}
vrrp_instance VI_4 {
  interface eth0
  virtual_router_id 8
  promote_secondaries
  track_script {
    ok
  }
  virtual_ipaddress {
    10.9.0.103/24
  }
}
`;

const log = ({ stdout, stderr }: Running): readonly string[] =>
  `${stdout}\n${stderr}`
    .split('\n')
    .map((line) => line.replace(/^\w{3} \w{3} +\d+ [\d:]+ \d{4}: /, ''));

/** A daemon that is master, with one option more. */
async function master(box: Sandbox, words: readonly string[], option: string): Promise<Running> {
  box.write('tmp/keepalived.conf', CONFIG);
  const daemon = box.start([...words, '-n', '-l', '-D', option, '-f', '/tmp/keepalived.conf']);
  const is = (text: string): boolean => log(daemon).some((line) => line.includes(text));
  await until('it is master', () => is('(VI_1) Entering MASTER STATE'));
  await until('it has announced', () => is('gratuitous ARP on eth0 for 10.9.0.100'));
  await until('it has told', () => option !== '-d' || is('------< Interfaces >------'));
  return daemon;
}

async function stop(daemon: Running): Promise<void> {
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
}

test('-d logs the configuration in the lines of keepalived', options, async (t) => {
  const told = async (words: readonly string[]): Promise<readonly string[]> => {
    const box = await sandbox(t);
    const daemon = await master(box, words, '-d');
    await stop(daemon);
    const all = log(daemon);
    const lines = all.slice(all.indexOf('------< Global definitions >------'));
    return (
      lines
        .filter((line) => /^(------<| )/.test(line) && !line.startsWith(' libnftnl version'))
        // What differs from one machine to the next.
        .map((line) => line.replace(/(MAC|IPv6 address|next time|index) = .*/, '$1'))
    );
  };
  const right = await told(theirs());
  assert.ok(right.includes('   No sockets allocated'));
  assert.deepEqual(await told(ours), right);
});

test('-V leaves addresses and routes where they are', options, async (t) => {
  const left = async (words: readonly string[], option: string): Promise<readonly string[]> => {
    const box = await sandbox(t);
    await stop(await master(box, words, option));
    const ip = (...rest: string[]): Promise<string> => run('ip', ['-n', box.namespace, ...rest]);
    const text = `${await ip('-4', 'addr', 'show', 'dev', 'eth0')}${await ip('route')}`;
    return ['10.9.0.100/24', '10.77.0.0/24', '10.8.0.1/24'].filter((one) => text.includes(one));
  };
  const right = await left(theirs(), '-V');
  assert.deepEqual(await left(ours, '-V'), right);
  assert.ok(right.includes('10.9.0.100/24'));
  assert.deepEqual(await left(ours, '-D'), []);
});

test('-a logs addresses that come and go, but those of instances', options, async (t) => {
  const told = async (words: readonly string[]): Promise<readonly string[]> => {
    const box = await sandbox(t);
    const daemon = await master(box, words, '-a');
    const ip = (...rest: string[]): Promise<string> => run('ip', ['-n', box.namespace, ...rest]);
    await ip('addr', 'add', '10.44.0.1/24', 'dev', 'eth0');
    await ip('addr', 'del', '10.44.0.1/24', 'dev', 'eth0');
    const said = (): readonly string[] =>
      log(daemon).filter((line) => line.startsWith('Netlink reflector reports IP 10.'));
    await until('it is said', () => said().some((line) => line.includes('removed from')));
    await stop(daemon);
    return said();
  };
  const right = await told(theirs());
  assert.deepEqual(await told(ours), right);
});
