// What keywords do, seen from outside: scripts, processes, kernel addresses. Where keepalived does the same, it
// runs beside ours and both must agree.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import type { Daemon } from './daemon.ts';
import { Lab } from './lab.ts';
import { sanitized } from './programs.ts';
import { announced, isAdvert } from './wire.ts';

interface Place {
  readonly vrid?: number;
  readonly more?: readonly string[];
  readonly globals?: readonly string[];
  readonly addresses?: readonly string[];
}

/** An instance that becomes master 0.34 s after its start. */
const config = ({
  vrid = 51,
  more = [],
  globals = [],
  addresses = ['10.0.0.100/24'],
}: Place): string => `
global_defs {
  router_id lab
  ${globals.join('\n  ')}
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id ${vrid}
  priority 150
  version 3
  advert_int 0.1
  ${more.join('\n  ')}
  virtual_ipaddress {
    ${addresses.join('\n    ')}
  }
}
`;

/** The VRRP child of a daemon of ours. */
function childOf(daemon: Daemon): number {
  const pid = Number(daemon.read('run/vrrp.pid'));
  assert.ok(pid > 0, 'vrrp.pid holds a pid');
  return pid;
}

it('runs notify scripts with the words that keepalived gives them, in the order of the states', async () => {
  const lab = await Lab.open();
  try {
    // $* and $0 mean nothing to the configuration language.
    const more = ['MASTER', 'BACKUP', 'FAULT', 'STOP'].map(
      (state) =>
        `notify_${state.toLowerCase()} "/bin/sh -c 'echo $0 $* >> /run/own' ${state} 'two words'"`,
    );
    more.push(`notify "/bin/sh -c 'echo $0 $* >> /run/any' any"`);
    const daemons = [
      lab.host('a').start('ours', config({ vrid: 51, more, addresses: ['10.0.0.101/24'] })),
      lab.host('b').start('keepalived', config({ vrid: 52, more, addresses: ['10.0.0.102/24'] })),
    ];
    const lines = (file: string): number[] =>
      daemons.map((daemon) => (daemon.read(`run/${file}`) ?? '').split('\n').length - 1);
    const both = (count: number): Promise<true> =>
      lab.until(
        `${count} states are told`,
        () => [...lines('own'), ...lines('any')].every((n) => n === count) || undefined,
      );
    await both(2);
    for (const host of lab.hosts) await host.linkDown();
    await both(3);
    for (const host of lab.hosts) await host.linkUp();
    await both(5);
    for (const daemon of daemons) daemon.signal('SIGTERM');
    await Promise.all(daemons.map((daemon) => daemon.ended));
    const [ours, theirs] = daemons.map((daemon) => [
      daemon.read('run/own'),
      daemon.read('run/any'),
    ]);
    assert.deepEqual(ours, theirs);
    assert.deepEqual(ours?.[1]?.trim().split('\n'), [
      'any INSTANCE VI_1 BACKUP 150',
      'any INSTANCE VI_1 MASTER 150',
      'any INSTANCE VI_1 FAULT 150',
      'any INSTANCE VI_1 BACKUP 150',
      'any INSTANCE VI_1 MASTER 150',
      'any INSTANCE VI_1 STOP 150',
    ]);
  } finally {
    await lab.close();
  }
});

it('puts an address that was deleted by hand back at once, and nothing else changes', async () => {
  const lab = await Lab.open();
  try {
    const addresses = ['10.0.0.100/24', '10.0.0.110/24'];
    const globals = ['vrrp_garp_master_delay 0'];
    const daemon = lab.host('a').start('ours', config({ addresses, globals }));
    await lab.untilHolder('10.0.0.100', 'a');
    const count = (address: string): number =>
      lab.frames.filter((f) => announced(f) === address).length;
    await lab.until(
      'both are announced',
      () => addresses.every((a) => count(a.replace('/24', '')) === 5) || undefined,
    );
    await lab.host('a').ip('addr', 'del', '10.0.0.100/24', 'dev', 'eth0');
    await lab.until('it is announced again', () => count('10.0.0.100') > 5);
    await lab.until(
      'the monitor has told that it went and came',
      () => lab.spans('10.0.0.100').length === 2 || undefined,
    );
    const [before, after] = lab.spans('10.0.0.100');
    const gap = (after?.from ?? 0) - (before?.until ?? 0);
    assert.ok(gap < 50_000, `gone for ${gap} µs`);
    assert.equal(count('10.0.0.110'), 5, 'the other one is not announced again');
    assert.equal(lab.spans('10.0.0.110').length, 1, 'the other one has never been away');
    const entered = (): number =>
      daemon.lines.filter(({ text }) => text.includes('Entering')).length;
    await lab.until('it has said that it is master', () => entered() > 1);
    assert.equal(entered(), 2);
    const adverts = lab.frames.filter(isAdvert);
    assert.ok(
      adverts.every(({ message }) => message.priority === 150),
      'no good-bye',
    );
  } finally {
    await lab.close();
  }
});

it('removes at its start what an earlier life has left behind, before it says BACKUP', async () => {
  const lab = await Lab.open();
  try {
    const host = lab.host('a');
    await host.ip('addr', 'add', '10.0.0.100/24', 'dev', 'eth0');
    await host.ip('addr', 'add', '10.0.0.120/24', 'dev', 'eth0');
    await lab.untilHolder('10.0.0.100', 'a');
    const more = ['virtual_ipaddress_excluded {', '  10.0.0.120/24', '}'];
    const daemon = host.start('ours', config({ more }));
    await lab.until(
      'BACKUP',
      () => daemon.lines.some(({ text }) => text.includes('Entering BACKUP')) || undefined,
    );
    await lab.until(
      'both are gone',
      () =>
        ['10.0.0.100', '10.0.0.120'].every(
          (a) => (lab.spans(a)[0]?.until ?? Infinity) < lab.now() - 1,
        ) || undefined,
    );
    await lab.untilHolder('10.0.0.100', 'a');
    await lab.untilHolder('10.0.0.120', 'a');
  } finally {
    await lab.close();
  }
});

it('gives addresses the words of their line, as keepalived does', async () => {
  const lab = await Lab.open();
  try {
    const more = [
      'virtual_ipaddress_excluded {',
      '  10.7.0.1/28 dev eth0 scope link label eth0:seven',
      '  fd00:7::1/64',
      '}',
    ];
    const addresses = ['10.0.0.100/24 brd 10.0.0.255', '10.0.0.130'];
    const shape = async (host: string): Promise<unknown> => {
      interface Info {
        addr_info: Record<string, unknown>[];
      }
      const links = JSON.parse(
        await lab.host(host).ip('-j', 'addr', 'show', 'dev', 'eth0'),
      ) as Info[];
      return links
        .flatMap((link) => link.addr_info)
        .filter(({ local }) => /^10\.7|fd00:7|10\.0\.0\.1[0-9]{2}/.test(String(local)));
    };
    lab.host('a').start('ours', config({ more, addresses }));
    await lab.untilHolder('fd00:7::1', 'a');
    const ours = await shape('a');
    lab.host('b').start('keepalived', config({ vrid: 52, more, addresses }));
    await lab.until(
      'keepalived has its last address',
      () => lab.holders('fd00:7::1').includes('b') || undefined,
    );
    assert.deepEqual(ours, await shape('b'));
    assert.equal((ours as unknown[]).length, 4);
  } finally {
    await lab.close();
  }
});

it('runs the VRRP process with the priorities, limits and names asked for', async () => {
  const lab = await Lab.open();
  try {
    const globals = [
      'vrrp_priority -5',
      'vrrp_no_swap',
      'vrrp_rt_priority 33',
      'vrrp_rlimit_rttime 20000',
      'vrrp_cpu_affinity 0',
      'process_names',
      'process_name guard',
    ];
    const daemon = lab.host('a').start('ours', config({ globals }));
    await lab.untilHolder('10.0.0.100', 'a');
    const pid = childOf(daemon);
    const stat = (path: string): string[] =>
      readFileSync(`${path}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
    const nice = Number(stat(`/proc/${pid}`)[16]);
    assert.equal(nice, -5);
    // Field 40 is the real-time priority, 41 the policy (2 is SCHED_RR); JavaScript is one below the I/O thread, V8's helpers have none.
    const realTime = readdirSync(`/proc/${pid}/task`)
      .map((task) => [
        readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim(),
        ...stat(`/proc/${pid}/task/${task}`).slice(37, 39),
      ])
      .filter(([, priority]) => priority !== '0');
    assert.deepEqual(realTime, [
      ['keepalived_vrrp', '32', '2'],
      ['io', '33', '2'],
    ]);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    // The address sanitizer makes nothing of locking.
    if (!sanitized) assert.match(status, /VmLck:\s+[1-9]/);
    assert.match(status, /Cpus_allowed_list:\s+0\n/);
    assert.match(
      readFileSync(`/proc/${pid}/limits`, 'utf8'),
      /Max realtime timeout\s+20000\s+unlimited/,
    );
    const nameOf = (process: number): string =>
      readFileSync(`/proc/${process}/comm`, 'utf8').trim();
    assert.deepEqual([nameOf(daemon.pid), nameOf(pid)], ['guard', 'keepalived_vrrp']);
  } finally {
    await lab.close();
  }
});
