// Scripts as the addon starts them: what they inherit and what they do not, how their end is told, and that they
// end with the daemon.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { native, type SpawnOptions } from '../../src/net/native.ts';
import { eventually, Tape } from './cable.ts';

let folder: string;
let tape: Tape;

/**
 * Starts `sleep`, looks at it from outside once it sleeps, ends it, and returns what was seen. `spawn` returns when the
 * descriptors that close on exec have closed; after that the kernel still writes down where words and environment are,
 * and the loader opens libraries.
 */
async function look<T>(options: Partial<SpawnOptions>, see: (pid: number) => T): Promise<T> {
  const pid = native.spawn({
    file: '/bin/sleep',
    arguments: ['sleep', '60'],
    environment: [],
    ...options,
  });
  try {
    await eventually(
      () => status(pid).get('State')?.startsWith('S') ?? false,
      'the sleep of sleep',
    );
    return see(pid);
  } finally {
    process.kill(pid, 'SIGKILL');
    await tape.until(() => tape.of('exit').some((exit) => exit.pid === pid), 'the end of sleep');
  }
}

/** Fields of /proc/PID/stat as proc(5) numbers them, from 3 on. */
const stat = (pid: number | string, field: number): number =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ')[field - 3]);
const status = (pid: number): Map<string, string> =>
  new Map(
    readFileSync(`/proc/${pid}/status`, 'utf8')
      .split('\n')
      .map((line) => line.split(/:\s+/, 2) as [string, string]),
  );

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ka-nat-'));
});
after(() => rmSync(folder, { recursive: true }));

describe('a script', () => {
  before(() => {
    tape = new Tape();
  });
  after(() => native.stop());

  it('has a process group of its own and the session of the daemon', async () => {
    const [group, session, pid] = await look({}, (p) => [stat(p, 5), stat(p, 6), p]);
    assert.deepEqual([group, session], [pid, stat('self', 6)]);
  });

  it('has /dev/null three times and no other descriptor', async () => {
    const links = await look({}, (pid) =>
      readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`),
    );
    assert.deepEqual(links, ['0 /dev/null', '1 /dev/null', '2 /dev/null']);
  });

  it('runs as the user, groups, umask and folder asked for, and with nothing but its environment', async () => {
    const options = {
      uid: 65_534,
      gid: 65_533,
      groups: [65_532, 65_531],
      umask: 0o27,
      directory: '/usr',
      environment: ['A=1', 'B=two words'],
    };
    const seen = await look(options, (pid) => ({
      uid: status(pid).get('Uid'),
      gid: status(pid).get('Gid'),
      groups: status(pid).get('Groups')?.trim(),
      umask: status(pid).get('Umask'),
      capabilities: status(pid).get('CapEff'),
      folder: readlinkSync(`/proc/${pid}/cwd`),
      environment: readFileSync(`/proc/${pid}/environ`, 'utf8'),
      words: readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
    }));
    assert.deepEqual(seen, {
      uid: '65534\t65534\t65534\t65534',
      gid: '65533\t65533\t65533\t65533',
      groups: '65531 65532',
      umask: '0027',
      capabilities: '0000000000000000',
      folder: '/usr',
      environment: 'A=1\0B=two words\0',
      words: 'sleep\x0060\0',
    });
  });

  it('ignores, blocks and catches no signal, although Node ignores SIGPIPE and the daemon catches 36', async () => {
    native.catchSignal(36);
    const masks = await look({}, (pid) =>
      ['SigBlk', 'SigIgn', 'SigCgt'].map((name) => status(pid).get(name)),
    );
    assert.deepEqual(masks, Array(3).fill('0000000000000000'));
  });

  it('has neither the nice value nor the real-time policy that the daemon gave itself', async () => {
    native.setNice(-5);
    let realTime = true;
    try {
      native.setScheduling(0, 'rr', 10, false);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EPERM');
      realTime = false;
    }
    try {
      assert.deepEqual([stat('self', 19), stat('self', 41)], [-5, realTime ? 2 : 0]);
      assert.deepEqual(await look({}, (pid) => [stat(pid, 19), stat(pid, 41)]), [0, 0]);
    } finally {
      native.setScheduling(0, 'other', 0, false);
      native.setNice(0);
    }
  });

  for (const [what, command, ended] of [
    ['its status', 'exit 3', { status: 3, signal: 0 }],
    ['success', ':', { status: 0, signal: 0 }],
    ['the signal that killed it', 'kill -KILL $$', { status: -1, signal: 9 }],
  ] as const)
    it(`tells ${what} when it ends, and leaves no zombie`, async () => {
      const pid = native.spawn({
        file: '/bin/sh',
        arguments: ['sh', '-c', command],
        environment: [],
      });
      await tape.until(() => tape.of('exit').some((exit) => exit.pid === pid), 'its end');
      const record = tape.of('exit').find((exit) => exit.pid === pid);
      assert.deepEqual({ status: record?.status, signal: record?.signal }, ended);
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    });

  for (const [what, options, errno] of [
    ['is not there', { file: '/nowhere/program' }, constants.errno.ENOENT],
    ['may not be run', { file: '/etc/passwd' }, constants.errno.EACCES],
    ['has a folder that is not there', { directory: '/nowhere' }, constants.errno.ENOENT],
    [
      'is no program',
      { file: `${import.meta.dirname}/../fixtures/no-program` },
      constants.errno.ENOEXEC,
    ],
  ] as const)
    it(`that ${what} ends at once and says why, without a zombie or a descriptor`, async () => {
      const descriptors = readdirSync('/proc/self/fd').length;
      const program = { file: '/bin/true', arguments: ['x'], environment: [] };
      const pid = native.spawn({ ...program, ...options });
      await tape.until(() => tape.of('exit').some((exit) => exit.pid === pid), 'its end');
      assert.equal(tape.of('exit').find((exit) => exit.pid === pid)?.errno, errno);
      assert.equal(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim(), '');
      assert.equal(readdirSync('/proc/self/fd').length, descriptors);
    });

  it('is not waited for until it runs: a disk may have to bring it', async () => {
    const early = Array.from({ length: 50 }, () => {
      const pid = native.spawn({ file: '/bin/sleep', arguments: ['sleep', '60'], environment: [] });
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      process.kill(pid, 'SIGKILL');
      return { pid, name };
    });
    assert.ok(early.some(({ name }) => name !== 'sleep'));
    const ends = (): number =>
      tape.of('exit').filter((exit) => early.some(({ pid }) => pid === exit.pid)).length;
    await tape.until(() => ends() === early.length, 'all ends');
  });

  it('does not take the end of a process that Node started, nor Node the end of a script', async () => {
    const script = native.spawn({
      file: '/bin/sh',
      arguments: ['sh', '-c', 'exit 4'],
      environment: [],
    });
    const child = spawn('/bin/sh', ['-c', 'exit 5']);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(code, 5);
    await tape.until(() => tape.of('exit').some(({ pid }) => pid === script), 'the end');
    assert.ok(!tape.of('exit').some(({ pid }) => pid === child.pid));
  });

  it('that is stopped is told from one that runs', async () => {
    await look({}, () => undefined);
    const child = spawn('/bin/sleep', ['60']);
    const pid = child.pid ?? 0;
    assert.equal(native.stopped(pid), false);
    child.kill('SIGSTOP');
    await eventually(() => native.stopped(pid), 'the stop');
    assert.equal(native.stopped(pid), true, 'looking takes nothing away');
    child.kill('SIGCONT');
    await eventually(() => !native.stopped(pid), 'the going on');
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    assert.throws(() => native.stopped(pid), { code: 'ECHILD' });
  });
});

describe('a daemon that is killed with SIGKILL', () => {
  const diary = (): string => {
    try {
      return readFileSync(join(folder, 'diary'), 'utf8');
    } catch {
      return '';
    }
  };
  let pid = 0;
  afterEach(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  });

  it('takes its scripts along: they get SIGTERM, and had none of the descriptors it inherited', async () => {
    // Node sets close-on-exec on what it opens, not on what it was started with.
    const daemon = spawn(
      'bash',
      [
        ...['-c', 'exec 9</dev/null; exec "$0" "$@"', process.execPath],
        ...['--import', 'tsx', 'test/native/child.ts', 'spawn', join(folder, 'diary')],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    await eventually(() => diary().endsWith('ready\n'), 'the script');
    pid = Number.parseInt(diary(), 10);
    assert.equal(stat(pid, 4), daemon.pid);
    assert.ok(readdirSync(`/proc/${daemon.pid}/fd`).includes('9'));
    assert.ok(!readdirSync(`/proc/${pid}/fd`).includes('9'));
    daemon.kill('SIGKILL');
    await eventually(() => diary().endsWith('terminated\n'), 'SIGTERM at the script');
  });
});
