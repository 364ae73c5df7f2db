// The child that checks servers as a process: who starts it, what it is called, what is written where, and what its end
// means for the VRRP child. The kernels that tests run on have no IPVS: test/fixtures/ipvs.cjs stands in for it where one is needed,
// and what is in its table is the concern of test/uml.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildMutant } from './mutant.ts';
import { node, requireProgram, sanitized } from './programs.ts';
import {
  logged,
  options,
  type Running,
  type Sandbox,
  sandbox,
  until,
  withIpvs,
} from './sandbox.ts';

const JSON_SIGNAL = 36;

const global = (lines = ''): string => `global_defs {
  router_id test
  script_user root
  ${lines}
}
`;

const router = `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  state MASTER
  priority 254
  version 3
  advert_int 0.1
  virtual_ipaddress {
    10.9.0.100
  }
}
`;

/** Nobody listens on the port of the server. */
const service = `virtual_server 10.9.0.100 80 {
  delay_loop 1
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 10.9.0.1 8080 {
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
}
`;

const start = (box: Sandbox, config: string, words: readonly string[] = []): Running =>
  box.daemon(config, words, {
    ...withIpvs,
    KEEPALIVED_TEST_IPVS: '/tmp/orders',
  });

/** Pids of the children once both run. */
async function running(box: Sandbox, daemon: Running): Promise<{ vrrp: number; check: number }> {
  await logged(daemon, 'Startup complete');
  return { vrrp: box.pid('run/vrrp.pid'), check: box.pid('run/checkers.pid') };
}

const replaced = (box: Sandbox, old: number): Promise<number> =>
  until('another checker child', () => {
    const pid = box.pid('run/checkers.pid');
    return pid !== old && existsSync(`/proc/${pid}`) ? pid : 0;
  });

const comm = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
const parentOf = (pid: number): number => Number(statOf(pid)[1]);
/** Fields of /proc/PID/stat from the state on. */
const statOf = (pid: number): readonly string[] =>
  (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '').split(' ');

test(
  'virtual servers bring a child of their own, with its PID file and name',
  options,
  async (t) => {
    const box = await sandbox(t);
    const daemon = start(box, global() + router + service);
    const { vrrp, check } = await running(box, daemon);
    assert.ok(check > 0 && check !== vrrp);
    assert.deepEqual([parentOf(vrrp), parentOf(check)], [daemon.pid, daemon.pid]);
    assert.deepEqual([vrrp, check].map(comm), ['keepalived', 'keepalived']);
    assert.equal(statSync(join(box.folder, 'run/checkers.pid')).mode & 0o777, 0o644);
    await logged(daemon, `Starting Healthcheck child process, pid=${check}`);
    await logged(daemon, 'Removing service [10.9.0.1]:tcp:8080 from VS [10.9.0.100]:tcp:80');
    assert.ok((box.read('tmp/orders') ?? '').length > 0, 'IPVS has been told');
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
    assert.ok(!existsSync(`/proc/${check}`));
    for (const file of ['keepalived', 'vrrp', 'checkers'])
      assert.equal(box.read(`run/${file}.pid`), undefined);
  },
);

test('a kernel without IPVS ends the daemon with status 1, as keepalived', options, async (t) => {
  const box = await sandbox(t);
  const config = global() + router + service;
  const ours = box.daemon(config);
  assert.equal(await ours.ended, 1);
  const words = ['-n', '-l', '-D', '-f', '/tmp/keepalived.conf'];
  const theirs = box.start([requireProgram('keepalived'), ...words]);
  // keepalived says the same, and very seldom does not get to its end.
  await logged(theirs, /exited with permanent error FATAL\. Terminating/);
  for (const { stderr } of [ours, theirs]) {
    assert.match(stderr, /: Initializing ipvs\n/);
    assert.match(stderr, /: IPVS: Can't initialize ipvs: /);
    assert.match(stderr, /: pid \d+ exited with permanent error FATAL\. Terminating\n/);
  }
  assert.ok(!(await box.addresses()).includes('10.9.0.100'));
});

for (const signal of ['SIGKILL', 'SIGSTOP'] as const)
  test(
    `a checker child that gets ${signal} is replaced; the VRRP child speaks on`,
    options,
    async (t) => {
      const box = await sandbox(t);
      const daemon = start(box, global() + router + service);
      const { vrrp, check } = await running(box, daemon);
      await logged(daemon, 'Entering MASTER STATE');
      await until('the address', async () => (await box.addresses()).includes('10.9.0.100'));
      const sniffer = box.start([
        ...[requireProgram('tcpdump'), '-i', 'peer0', '-n', '-tt', '-l', '--immediate-mode'],
        'ip proto 112',
      ]);
      await until('adverts', () => sniffer.stdout.split('\n').length > 5);
      process.kill(check, signal);
      const next = await replaced(box, check);
      await until('adverts after that', () => sniffer.stdout.split('\n').length > 25);
      await logged(daemon, `Healthcheck child process(${check}) died: Respawning`);
      await logged(daemon, `Starting Healthcheck child process, pid=${next}`);
      assert.equal(box.pid('run/vrrp.pid'), vrrp);
      assert.equal(daemon.stderr.split('Entering MASTER STATE').length - 1, 1);
      assert.ok((await box.addresses()).includes('10.9.0.100'));
      const times = sniffer.stdout.split('\n').slice(0, -1).map(Number.parseFloat);
      const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
      assert.ok(Math.max(...gaps) < 0.2, `an advert is missing: ${gaps.join(' ')}`);
      sniffer.signal('SIGTERM');
    },
  );

test(
  'SIGUSR1 and the signal for JSON: the checker child writes its state too; SIGUSR2 is not for it',
  options,
  async (t) => {
    const box = await sandbox(t);
    const daemon = start(box, global() + router + service);
    const { check } = await running(box, daemon);
    await logged(daemon, 'Lost quorum 1-0=1 > 0 for VS [10.9.0.100]:tcp:80');
    daemon.signal('SIGUSR1');
    const text = await until('its dump', () => box.read('tmp/keepalived_check.data'));
    // What keepalived 2.2.7 was seen to write when the same had happened.
    const state =
      /^ *(quorum_state_up|alive|num failed checkers|RS set|Up|Has run|effective weight) = /;
    assert.deepEqual(
      text
        .split('\n')
        .filter((line) => state.test(line))
        .map((line) => line.trim()),
      [
        ...['alive = 1', 'quorum_state_up = 0'],
        ...['effective weight = 1', 'alive = 0', 'num failed checkers = 1', 'RS set = 0'],
        ...['Up = no', 'Has run = yes'],
      ],
    );
    assert.match(text, /^------< Global definitions >------\n/);
    assert.match(text, /^ VS VIP = 10\.9\.0\.100, VPORT = 80$/m);
    assert.equal(statSync(join(box.folder, 'tmp/keepalived_check.data')).mode & 0o7777, 0o600);
    assert.ok(!(box.read('tmp/keepalived.data') ?? '').includes('VPORT'));
    await logged(daemon, `Printing checker data for process(${check}) on signal`);
    daemon.signal('SIGUSR2');
    await until('statistics', () => box.read('tmp/keepalived.stats'));
    daemon.signal(JSON_SIGNAL);
    const [virtual] = JSON.parse(
      (await until('JSON', () => box.read('tmp/keepalived_check.json'))) as string,
    ).virtual_servers;
    assert.deepEqual(
      [virtual.name, virtual.quorum_status, virtual.real_servers_up, virtual.stats],
      // The IPVS of this test has nothing, and so nothing that is counted.
      ['[10.9.0.100]:tcp:80', 'not_met', 0, null],
    );
    assert.equal(virtual.real_servers[0].failed_checks, 1);
    assert.equal(statSync(join(box.folder, 'tmp/keepalived_check.json')).mode & 0o7777, 0o600);
    const routers = await until('the other JSON', () => box.read('tmp/keepalived.json'));
    assert.ok(!routers?.includes('virtual_servers'), 'keepalived.json is as it was');
    await logged(daemon, `Printing checker as json for process(${check}) on signal`);
    assert.ok(existsSync(`/proc/${check}`));
  },
);

test(
  'a reload brings virtual servers, changes them in the same process, and takes them away',
  options,
  async (t) => {
    const box = await sandbox(t);
    const daemon = start(box, global() + router);
    await logged(daemon, 'Startup complete');
    const vrrp = box.pid('run/vrrp.pid');
    assert.equal(box.read('run/checkers.pid'), undefined);
    const reload = (config: string): void => {
      box.write('tmp/keepalived.conf', config);
      daemon.signal('SIGHUP');
    };
    reload(global() + router + service);
    const check = await replaced(box, 0);
    await logged(daemon, 'Activating healthchecker for service [10.9.0.1]:tcp:8080');
    reload(global() + router + service.replace('8080', '8081'));
    await logged(daemon, 'Removing service [10.9.0.1]:tcp:8081');
    assert.equal(box.pid('run/checkers.pid'), check);
    reload(global() + router);
    await until('its end', () => !existsSync(`/proc/${check}`));
    // It goes as one that a reload takes away, and not as at the end of the daemon.
    await logged(daemon, 'Removing Virtual Server ');
    assert.equal(box.pid('run/vrrp.pid'), vrrp);
    assert.ok(existsSync(`/proc/${vrrp}`));
  },
);

test('-P runs no checker child, -C no VRRP child; -c names its PID file', options, async (t) => {
  const box = await sandbox(t);
  const config = global() + router + service;
  const vrrp = start(box, config, ['-P']);
  await logged(vrrp, 'Startup complete');
  assert.ok(!vrrp.stderr.includes('Healthcheck'));
  assert.equal(box.read('run/checkers.pid'), undefined);
  vrrp.signal('SIGTERM');
  assert.equal(await vrrp.ended, 0);
  const check = start(box, config, ['-C', '-c', '/run/other.pid']);
  await logged(check, 'Startup complete');
  assert.ok(!check.stderr.includes('VRRP'));
  assert.equal(box.read('run/vrrp.pid'), undefined);
  assert.equal(comm(box.pid('run/other.pid')), 'keepalived');
  check.signal('SIGTERM');
  assert.equal(await check.ended, 0);
  assert.equal(box.read('run/other.pid'), undefined);
});

test(
  'the checker child has the name, priorities and limits that the file asks for',
  options,
  async (t) => {
    const box = await sandbox(t);
    const own = [
      'checker_process_name looker',
      'checker_priority 7',
      'checker_no_swap',
      'checker_cpu_affinity 0',
      'checker_rt_priority 33',
      'checker_rlimit_rttime 20000',
    ].join('\n');
    const daemon = start(box, global(own) + service, ['-C']);
    await logged(daemon, 'Startup complete');
    const pid = box.pid('run/checkers.pid');
    assert.equal(comm(pid), 'looker');
    // The 19th field of all, the 17th from the state on.
    assert.equal(statOf(pid)[16], '7');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    assert.match(status, /^Cpus_allowed_list:\t0$/m);
    // The address sanitizer makes nothing of locking.
    if (!sanitized) assert.match(status, /VmLck:\s+[1-9]/);
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    assert.match(limits, /Max realtime timeout\s+20000\s+unlimited/);
    // As of the VRRP child: JavaScript one below the I/O thread once the long turn of the start is over, V8's helpers never.
    const realTime = (): readonly string[] =>
      readdirSync(`/proc/${pid}/task`)
        .map((task) => readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8'))
        .map(
          (text) =>
            `${text.replace(/.*\((.*)\).*/s, '$1')} ${text.split(') ').at(-1)?.split(' ')[37]}`,
        )
        .filter((thread) => !thread.endsWith(' 0'));
    await until('real time', () => realTime().length > 1);
    assert.deepEqual(realTime(), ['looker 32', 'io 33']);
    daemon.signal('SIGTERM');
    await daemon.ended;
    const other = start(box, global('process_names') + service, ['-C']);
    await logged(other, 'Startup complete');
    assert.equal(comm(box.pid('run/checkers.pid')), 'keepalived_lvs');
  },
);

test(
  'both children write to notify_fifo, the checker child starts its one reader; lvs_notify_fifo has no news of VRRP, lvs_notify_fifo_script reads it',
  options,
  async (t) => {
    const box = await sandbox(t);
    const script = '#!/bin/bash\necho "$$ $PPID" >> /tmp/readers\nexec cat "$1" >> /tmp/all\n';
    box.write('tmp/reader', script);
    box.write('tmp/lvs-reader', '#!/bin/bash\nexec cat "$1" >> /tmp/lvs\n');
    for (const file of ['reader', 'lvs-reader']) chmodSync(join(box.folder, 'tmp', file), 0o755);
    const fifos =
      'notify_fifo /tmp/all.fifo\n  notify_fifo_script /tmp/reader\n  lvs_notify_fifo /tmp/lvs.fifo\n  lvs_notify_fifo_script /tmp/lvs-reader';
    const daemon = start(box, global(fifos) + router + service);
    const { check } = await running(box, daemon);
    const down = 'VS [10.9.0.100]:tcp:80 DOWN\n';
    await until('news of the service', () => box.read('tmp/all')?.includes(down));
    await until('news of the instance', () =>
      box.read('tmp/all')?.includes('INSTANCE "VI_1" MASTER 254\n'),
    );
    await until('news of the service alone', () => box.read('tmp/lvs')?.includes(down));
    assert.ok(!box.read('tmp/lvs')?.includes('INSTANCE'));
    const readers = (box.read('tmp/readers') ?? '').trim().split('\n');
    assert.deepEqual(
      readers.map((line) => Number(line.split(' ')[1])),
      [check],
    );
  },
);

// Beside busy processors the build of the mutant alone takes half a minute.
const slowly = { ...options, timeout: 180_000 };

test(
  'a reload that takes four seconds is no hang, and one that never ends is',
  slowly,
  async (t) => {
    const slow = await buildMutant({
      guard: 'nothing: something is added, not taken away',
      file: 'src/check/daemon.ts',
      from: "    this.#context.log.info('Reloading');\n",
      to: `    this.#context.log.info('Reloading');
    const endless = config.virtual_server?.length !== 1;
    for (const begun = Date.now(); endless || Date.now() - begun < 4000; );\n`,
    });
    t.after(() => slow.remove());
    const box = await sandbox(t);
    box.write('tmp/keepalived.conf', global() + service);
    const words = [node, slow.program, '-n', '-l', '-C', '-f', '/tmp/keepalived.conf'];
    const daemon = box.start(words, {
      env: { ...slow.options.environment, ...withIpvs },
    });
    await logged(daemon, 'Startup complete');
    const child = box.pid('run/checkers.pid');
    const more = service.replace('lvs_sched rr', 'lvs_sched wrr');
    box.write('tmp/keepalived.conf', global() + more);
    daemon.signal('SIGHUP');
    await logged(daemon, 'Reload complete');
    assert.doesNotMatch(daemon.stderr, /hangs/);
    assert.equal(box.pid('run/checkers.pid'), child);
    box.write('tmp/keepalived.conf', global() + more + service.replace(' 80 ', ' 81 '));
    daemon.signal('SIGHUP');
    await logged(daemon, `Healthcheck child process(${child}) hangs`);
    await replaced(box, child);
  },
);
