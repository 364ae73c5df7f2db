// TCP_CHECK in the process that checks servers: what becomes of connections that nobody answers when their check is taken away, or the
// daemon ends, and of checks for which there is no descriptor, no interface or no answer.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { run } from './command.ts';
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

const start = (box: Sandbox, config: string): Running =>
  box.daemon(config, [], {
    ...withIpvs,
    KEEPALIVED_TEST_IPVS: '/tmp/orders',
  });

const check = (lines: string, more = '') => `real_server 10.9.0.50 8080 {
    TCP_CHECK {
      warmup 0
      ${lines}
    }
  }
  ${more}`;
const service = (lines: string, more = ''): string => `virtual_server 10.9.0.100 80 {
  delay_loop 1
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  ${check(lines, more)}
}
`;
const globals = 'global_defs {\n checker_log_all_failures\n}\n';

/** A neighbour that is known and answers nothing: connections to it wait for their time to be over. */
async function deafNeighbour({ namespace }: Sandbox): Promise<void> {
  const words = ['neigh', 'add', '10.9.0.50', 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0'];
  await run('ip', ['-n', namespace, ...words]);
}

async function serving(box: Sandbox, address: string): Promise<Running> {
  const code = `require('net').createServer().listen(8080, '${address}', () => console.log('ready'))`;
  const server = box.start([node, '-e', code]);
  await until('the server', () => server.stdout.includes('ready'));
  return server;
}

/** Connections of the namespace that have asked and are not answered (SYN_SENT, state 2). */
const waiting = (pid: number): number =>
  readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .filter((line) => line.trim().split(/\s+/)[3] === '02').length;

test(
  'a connection that nobody answers goes with its check, and with the daemon',
  options,
  async (t) => {
    const box = await sandbox(t);
    await deafNeighbour(box);
    const daemon = start(box, globals + service('connect_timeout 300\n retry 0'));
    await logged(daemon, 'Startup complete');
    const pid = box.pid('run/checkers.pid');
    await until('the question', () => waiting(pid) === 1);
    box.write('tmp/keepalived.conf', globals + service('connect_timeout 299'));
    daemon.signal('SIGHUP');
    // Another check, which asks anew: the one before waits no more.
    await logged(daemon, /Reloading[\s\S]*(finished|complete)/i);
    await until('one question', () => waiting(pid) === 1);
    const other = service('')
      .replace(/TCP_CHECK \{[^}]*\}/, '')
      .replace('10.9.0.50', '10.9.0.51');
    box.write('tmp/keepalived.conf', globals + other);
    daemon.signal('SIGHUP');
    await until('no question', () => waiting(pid) === 0);
    assert.equal(box.pid('run/checkers.pid'), pid);
    box.write('tmp/keepalived.conf', globals + service('connect_timeout 300\n retry 0'));
    daemon.signal('SIGHUP');
    await until('a question again', () => waiting(pid) === 1);
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
  },
);

test(
  'a server that does not answer fails when its time is over, each time anew',
  options,
  async (t) => {
    const box = await sandbox(t);
    await deafNeighbour(box);
    const daemon = start(box, globals + service('connect_timeout 1'));
    await logged(
      daemon,
      /timeout connecting[\s\S]*TCP_CHECK on service \[10\.9\.0\.50\]:tcp:8080 failed/,
    );
    await run('ip', ['-n', box.namespace, 'addr', 'add', '10.9.0.50/24', 'dev', 'eth0']);
    const server = await serving(box, '10.9.0.50');
    await logged(daemon, 'TCP connection to [10.9.0.50]:tcp:8080 success.');
    server.signal('SIGKILL');
    await logged(daemon, /success[\s\S]*connection refused/);
  },
);

test(
  'no descriptor, then no source address, are failures of our own, and the check goes on',
  options,
  async (t) => {
    const box = await sandbox(t);
    const ip = (...words: string[]): Promise<string> => run('ip', ['-n', box.namespace, ...words]);
    const plug = async (): Promise<void> => {
      await ip('link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
      await ip('link', 'set', 'd0', 'up');
      await ip('addr', 'add', '10.7.0.1/24', 'dev', 'd0');
    };
    await plug();
    const server = await serving(box, '10.9.0.1');
    const lines = 'connect_timeout 1\n retry 1000\n bindto 10.7.0.1';
    const daemon = start(box, globals + service(lines).replace('10.9.0.50', '10.9.0.1'));
    await logged(daemon, 'TCP connection to [10.9.0.1]:tcp:8080 success.');
    const pid = box.pid('run/checkers.pid');
    const [, before = ''] =
      /Max open files\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? [];
    const limit = (count: string): void => {
      const words = ['--pid', String(pid), `--nofile=${count}:`];
      execFileSync('prlimit', words);
    };
    limit('3');
    await logged(daemon, 'failed. (no descriptor left)');
    limit(before);
    await ip('link', 'del', 'd0');
    await logged(daemon, 'failed. (no such source address, or no port left)');
    await plug();
    server.signal('SIGKILL');
    await logged(daemon, 'failed. (connection refused)');
    assert.equal(box.pid('run/checkers.pid'), pid);
  },
);
