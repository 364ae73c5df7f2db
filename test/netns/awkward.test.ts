// Moments and places in which a helper of the daemon fails: a full folder for its files, a spare that is gone, a reload under
// way, an owner that was killed. None of them may cost the address.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Running, type Sandbox, sandbox, until, options as usual } from './sandbox.ts';

const options = { ...usual, timeout: 90_000 };

const config = (more: string, address = '10.9.0.100'): string => `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  version 3
  advert_int 0.1
  ${more}
  virtual_ipaddress {
    ${address}
  }
}
`;

async function held(box: Sandbox): Promise<string[]> {
  const shown = box.start(['ip', '-o', 'address', 'show', 'dev', 'eth0']);
  await shown.ended;
  return [...shown.stdout.matchAll(/inet (10\.9\.0\.1\d\d)\//g)].map(([, address = '']) => address);
}
const master = (box: Sandbox, address = '10.9.0.100'): Promise<unknown> =>
  until(`${address} is held`, async () => (await held(box)).includes(address));

/** Processes of the daemon, the parent first. */
async function processes(box: Sandbox, daemon: Running): Promise<number[]> {
  const found = box.start(['pgrep', '-P', String(daemon.pid)]);
  await found.ended;
  return [daemon.pid, ...found.stdout.split('\n').filter(Boolean).map(Number)];
}

async function stop(daemon: Running): Promise<void> {
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
}

const child = (box: Sandbox): Promise<number> => until('a child', () => box.pid('run/vrrp.pid'));

async function fullFolder(t: TestContext): Promise<{ box: Sandbox; fill: () => Promise<void> }> {
  const box = await sandbox(t);
  await box.start(['mkdir', '/run/small']).ended;
  await box.start(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', '/run/small']).ended;
  t.after(() => box.start(['umount', '/run/small']).ended);
  const dd = ['dd', 'if=/dev/zero', 'of=/run/small/fill', 'bs=4k'];
  const fill = async (): Promise<void> => {
    assert.equal(await box.start(dd).ended, 1, 'the folder has no end');
  };
  return { box, fill };
}
const small = ['-p', '/run/small/k.pid', '-r', '/run/vrrp.pid'];

test('a full folder for PID file and journal costs a line in the log', options, async (t) => {
  const { box, fill } = await fullFolder(t);
  const daemon = box.daemon(config(''), small);
  await master(box);
  await fill();
  const first = await child(box);
  process.kill(first, 'SIGKILL');
  await until('a successor', () => ![0, first].includes(box.pid('run/vrrp.pid')));
  box.write('tmp/keepalived.conf', config('', '10.9.0.101'));
  daemon.signal('SIGHUP');
  await master(box, '10.9.0.101');
  assert.match(daemon.stderr, /Cannot write \/run\/small\/k\.journal: ENOSPC/);
  await stop(daemon);
  assert.deepEqual(await held(box), []);
});

test('a folder that is full at the start costs the PID file', options, async (t) => {
  const { box, fill } = await fullFolder(t);
  await fill();
  const daemon = box.daemon(config(''), small);
  await master(box);
  assert.match(daemon.stderr, /Cannot write \/run\/small\/k\.pid: ENOSPC/);
  await stop(daemon);
});

test(
  'a journal that is a folder stops nothing and leaves no process behind',
  options,
  async (t) => {
    const box = await sandbox(t);
    await box.start(['mkdir', '-p', '/run/keepalived.journal/x', '/run/keepalived.journal.new/x'])
      .ended;
    const daemon = box.daemon(config(''));
    await master(box);
    await until('parent, child and spare', async () => (await processes(box, daemon)).length === 3);
    await stop(daemon);
  },
);

test('without a spare the addresses go as soon as nobody can go on', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config('').replace('advert_int 0.1', 'advert_int 0.02'));
  await master(box);
  const first = await child(box);
  const [, ...children] = await until('parent, child and spare', async () => {
    const all = await processes(box, daemon);
    return all.length === 3 ? all : undefined;
  });
  const spare = children.find((pid) => pid !== first) ?? assert.fail('no spare');
  process.kill(spare, 'SIGKILL');
  process.kill(first, 'SIGKILL');
  // No process starts in the 60 ms that the others wait.
  const cleaned = 'Removed 1 address that the VRRP child process left';
  await until('the address goes', () => daemon.stderr.includes(cleaned));
  await master(box);
  await stop(daemon);
});

test(
  'a child that dies during a reload is followed by one with the new file',
  options,
  async (t) => {
    const box = await sandbox(t);
    for (const pause of [0, 20, 40, 80, 120, 200]) {
      const daemon = box.daemon(config(''));
      await master(box);
      const before = await child(box);
      box.write('tmp/keepalived.conf', config('', '10.9.0.101'));
      daemon.signal('SIGHUP');
      // Wherever in the reload this hits.
      await new Promise((resolve) => setTimeout(resolve, pause));
      process.kill(before, 'SIGKILL');
      await until('a successor', () => ![0, before].includes(box.pid('run/vrrp.pid')));
      await until('only the new address', async () => (await held(box)).join() === '10.9.0.101');
      assert.doesNotMatch(daemon.stderr, /Unexpected/);
      const said = (text: string): number => daemon.stderr.split(text).length;
      await until('the end', () => said('Reloading ...') === said('Reload complete'));
      await stop(daemon);
    }
  },
);

test(
  'what a killed owner had added goes at the next start; what the machine had stays',
  options,
  async (t) => {
    const box = await sandbox(t);
    const owner = 'priority 255\n  state MASTER';
    for (const [given, left] of [
      [false, []],
      [true, ['10.9.0.100']],
    ] as const) {
      if (given) await box.start(['ip', 'address', 'add', '10.9.0.100/32', 'dev', 'eth0']).ended;
      const daemon = box.daemon(config(owner));
      await until('it speaks', () => daemon.stderr.includes('Entering MASTER STATE'));
      await master(box);
      const everyone = await processes(box, daemon);
      for (const pid of everyone) process.kill(pid, 'SIGSTOP');
      for (const pid of everyone) process.kill(pid, 'SIGKILL');
      await daemon.ended;
      assert.deepEqual(await held(box), ['10.9.0.100']);
      const next = box.daemon(config('', '10.9.0.150'));
      await master(box, '10.9.0.150');
      assert.deepEqual(await held(box), [...left, '10.9.0.150']);
      await stop(next);
      assert.deepEqual(await held(box), left);
    }
  },
);

/** Routes of the daemon and rules with a table of its own. */
async function onward(box: Sandbox): Promise<string[]> {
  const lines: string[] = [];
  for (const words of [
    ['ip', 'route', 'show', 'table', 'all', 'proto', 'keepalived'],
    ['ip', 'rule', 'show', 'table', '100'],
  ]) {
    const shown = box.start(words);
    await shown.ended;
    lines.push(...shown.stdout.split('\n').filter(Boolean));
  }
  return lines;
}

const ROUTING = (third: number): string => `virtual_routes {
    10.${third}.0.0/16 dev eth0
    blackhole 10.${third + 1}.0.0/16 table 100 no_track
  }
  virtual_rules {
    from 10.${third}.0.0/16 table 100 priority ${third}
  }`;

test(
  'routes and rules of a killed daemon go at the next start, also when the file no longer has them',
  options,
  async (t) => {
    const box = await sandbox(t);
    const whole = (third: number) => async (): Promise<true | undefined> => {
      const lines = await onward(box);
      return (
        (lines.length === 3 &&
          lines.every((line) => / 10\.\d+\./.test(` ${line}`)) &&
          lines.some((line) => line.startsWith(`10.${third}.0.0/16`))) ||
        undefined
      );
    };
    const daemon = box.daemon(config(ROUTING(40)));
    await until('its routes and rules', whole(40));
    const everyone = await processes(box, daemon);
    for (const pid of everyone) process.kill(pid, 'SIGSTOP');
    for (const pid of everyone) process.kill(pid, 'SIGKILL');
    await daemon.ended;
    assert.equal((await onward(box)).length, 3);
    // No process starts in the 60 ms that the others wait.
    const next = box.daemon(
      config(ROUTING(50), '10.9.0.150').replace('advert_int 0.1', 'advert_int 0.02'),
    );
    await until('only the new ones', whole(50));
    // Nobody goes on, and nobody is there: the parent removes them.
    const [, ...children] = await until('parent, child and spare', async () => {
      const all = await processes(box, next);
      return all.length === 3 ? all : undefined;
    });
    for (const pid of children) process.kill(pid, 'SIGKILL');
    const cleaned =
      'Removed 1 address and 3 of its routes and rules that the VRRP child process left';
    await until('they go', () => next.stderr.includes(cleaned));
    await until('they come back', whole(50));
    await stop(next);
    assert.deepEqual(await onward(box), []);
  },
);
