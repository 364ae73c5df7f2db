// Process controls: scheduling by thread, identity, signals that Node cannot handle, locks, memory, namespaces, syslog.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { native } from '../../src/net/native.ts';
import { Cable, eventually, Tape } from './cable.ts';

const child = ['--import', 'tsx', 'test/native/child.ts'];
/** Fields of a stat file as proc(5) numbers them, from 3 on. */
const field = (path: string, number: number): number =>
  Number(readFileSync(`/proc/${path}/stat`, 'utf8').replace(/.*\) /, '').split(' ')[number - 3]);
const status = (name: string): string =>
  new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';

let folder: string;
let daemon: ChildProcess | undefined;
let said = '';

/** Starts a role of child.ts and waits until it says `word`. */
async function start(role: string, word: string, ...words: string[]): Promise<number> {
  said = '';
  const started = spawn(process.execPath, [...child, role, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  daemon = started;
  started.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await eventually(() => said.includes(word), `the word ${word}`);
  return started.pid ?? 0;
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ka-nat-'));
});
after(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  daemon?.kill('SIGKILL');
  daemon = undefined;
});

describe('scheduling', () => {
  afterEach(() => {
    native.stop();
    native.setScheduling(0, 'other', 0, false);
  });

  it('goes to one thread alone, and neither to new threads nor to children, where reset on fork asks so', () => {
    try {
      native.setScheduling(0, 'rr', 10, true);
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      assert.deepEqual([code, syscall], ['EPERM', 'sched_setscheduler']);
      assert.equal(field('self', 41), 0);
      return;
    }
    new Tape('settling', 1 << 17, 0);
    const policies = readdirSync('/proc/self/task').map((tid) => [
      Number(tid) === process.pid,
      field(`self/task/${tid}`, 41),
    ]);
    assert.ok(policies.length > 5, 'V8 has its workers');
    for (const [main, policy] of policies) assert.equal(policy, main ? 2 : 0);
    // comm of the printing process has no spaces: the 41st field is the 41st word.
    const stat = execFileSync('cat', ['/proc/self/stat'], { encoding: 'utf8' });
    assert.equal(stat.split(' ')[40], '0');
  });

  it('of the I/O thread is asked for at its start, or refused as a whole', () => {
    try {
      native.start(() => {}, new Uint8Array(1 << 17), { policy: 'rr', priority: 7 });
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      assert.deepEqual([code, syscall], ['EPERM', 'pthread_create']);
      new Tape();
      return;
    }
    const threads = readdirSync('/proc/self/task').map((tid) => ({
      name: readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim(),
      policy: field(`self/task/${tid}`, 41),
      priority: field(`self/task/${tid}`, 40),
    }));
    assert.deepEqual(
      threads.filter(({ policy }) => policy !== 0),
      [{ name: 'io', policy: 2, priority: 7 }],
    );
  });

  it('onto one processor, with limits and capabilities as the kernel shows them', () => {
    const all = status('Cpus_allowed_list');
    native.setAffinity([0]);
    assert.equal(status('Cpus_allowed_list'), '0');
    native.setAffinity(Array.from({ length: 1_024 }, (_, n) => n));
    assert.equal(status('Cpus_allowed_list'), all);
    // The limit of data, which nothing here comes near; a limit of core files would let a child that crashes leave one.
    native.setLimit(2, 2 ** 45, 2 ** 46);
    assert.match(
      readFileSync('/proc/self/limits', 'utf8'),
      /Max data size\s+35184372088832\s+70368744177664/,
    );
    assert.equal(native.capabilities(), BigInt(`0x${status('CapEff')}`));
  });
});

describe('a relayed signal', () => {
  it('reaches the other process while JavaScript is busy, and its own handler after that', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: 'ignore',
    });
    try {
      let end: string | null = null;
      other.on('exit', (_status, signal) => {
        end = signal;
      });
      const pid = await start('relay', 'ready', `${other.pid}`);
      process.kill(pid, 'SIGTERM');
      await eventually(() => /turn/.test(said), 'the turn of its own handler');
      assert.deepEqual(said.trim().split('\n'), ['ready', 'passed on', 'own turn']);
      assert.equal(end, 'SIGTERM');
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('is refused for one that no handler stands for', () => {
    assert.throws(() => native.relaySignal(12, process.pid), { code: 'EINVAL' });
  });
});

describe('identity', () => {
  it('is what ps, /proc and pidof-like programs see, while process.argv stays', async () => {
    const pid = await start('identity', ']');
    assert.deepEqual(JSON.parse(said), ['identity']);
    assert.equal(
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, ''),
      'keepalived\0-n\0-l',
    );
    const shown = execFileSync('ps', ['-o', 'comm=,args=', '-p', `${pid}`], { encoding: 'utf8' });
    assert.deepEqual(shown.trim().split(/\s+/), ['keepalived', 'keepalived', '-n', '-l']);
    assert.equal(field(`${pid}`, 6), pid, 'a session of its own');
  });

  it('as the parent of orphans, and as a child that ends with its parent', async () => {
    native.childSubreaper();
    const { stdout } = spawnSync('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], {
      encoding: 'utf8',
    });
    const orphan = Number(stdout);
    assert.equal(field(`${orphan}`, 4), process.pid);
    process.kill(orphan, 'SIGKILL');

    await start('parent', 'mortal ');
    await eventually(() => said.endsWith('\n'), 'the number of the child');
    const mortal = Number(said.split(' ')[1]);
    daemon?.kill('SIGKILL');
    await eventually(() => {
      try {
        return readFileSync(`/proc/${mortal}/stat`, 'utf8').includes(') Z');
      } catch {
        return true;
      }
    }, 'the end of the child');
  });
});

describe('signals 36 and 63', () => {
  it('become records, again and again, and do not kill', async () => {
    const pid = await start('signals', 'ready');
    for (const [number, times] of [
      [36, 1],
      [63, 1],
      [36, 2],
    ] as const) {
      execFileSync('bash', ['-c', `kill -${number} ${pid}`]);
      await eventually(() => said.split(`signal ${number}\n`).length === times + 1, `${number}`);
    }
    assert.equal(daemon?.exitCode, null);
  });

  it('kill a Node process that does not catch them, whatever it registers', async () => {
    const code = `process.on('SIGRTMIN+2', () => {}); setInterval(() => {}, 1000);
      console.log(process.pid);`;
    // Through a shell, for Node calls the end of a child by such a signal "exit 0".
    const bare = spawn('bash', ['-c', '"$0" -e "$1"; echo status $?', process.execPath, code]);
    let text = '';
    bare.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    await eventually(() => text.endsWith('\n'), 'the number of the process');
    process.kill(Number(text), 0);
    execFileSync('bash', ['-c', `kill -36 ${Number(text)}`]);
    await eventually(() => text.includes('status'), 'the end of the process');
    assert.match(text, /status 164/);
  });
});

describe('a locked file', () => {
  it('is refused to others, has the mode asked for, and is free once its holder is dead', async () => {
    const path = join(folder, 'pid');
    const before = process.umask(0o077);
    await start('lock', 'locked', path);
    process.umask(before);
    assert.equal(statSync(path).mode & 0o7777, 0o644);
    // EWOULDBLOCK and EAGAIN are one number.
    assert.throws(() => native.openLocked(path, 0o644), {
      errno: 11,
      code: 'EAGAIN',
      syscall: 'flock',
    });
    daemon?.kill('SIGKILL');
    await eventually(() => {
      try {
        native.close(native.openLocked(path, 0o600));
        return true;
      } catch {
        return false;
      }
    }, 'the release of the lock');
    assert.equal(statSync(path).mode & 0o7777, 0o600);
  });

  it('is refused to the process that holds it, for the lock belongs to the open file', () => {
    const path = join(folder, 'own');
    const fd = native.openLocked(path, 0o644);
    assert.throws(() => native.openLocked(path, 0o644), { code: 'EAGAIN' });
    native.close(fd);
    native.close(native.openLocked(path, 0o644));
  });
});

describe('memory', () => {
  it('is locked as it is used: a process does not grow by it', () => {
    const { stdout, stderr, status, signal } = spawnSync(process.execPath, [...child, 'memory'], {
      encoding: 'utf8',
    });
    if (stderr.includes('EPERM') || stderr.includes('ENOMEM')) {
      assert.match(stderr, /mlock2 (EPERM|ENOMEM)/);
      return;
    }
    const { locked, growth } = JSON.parse(stdout) as { locked: number; growth: number };
    assert.ok(locked > 0 && growth < 10_000, `${growth} kB more`);
    // V8 aborts where it cannot give memory back: machine code comes and goes here, and a worker ends.
    assert.deepEqual([status, signal], [0, null], stderr);
  });

  it('of program text is given back, and the program goes on', async () => {
    const before = Number.parseInt(status('RssFile'), 10);
    const given = native.dropText();
    assert.ok(given > 10_000, `${given} kB`);
    assert.ok(Number.parseInt(status('RssFile'), 10) < before);
    const tape = new Tape();
    await tape.flush();
    native.stop();
  });
});

describe('a network namespace', () => {
  it('is entered by the main thread alone: synchronous fs sees it, asynchronous fs does not', async () => {
    const path = '/proc/sys/net/ipv4/ip_default_ttl';
    // Node starts its file threads when the first is needed: here, outside.
    const outside = await readFile(path, 'utf8');
    const cable = new Cable('proc');
    try {
      assert.ok(
        readFileSync('/proc/self/net/dev', 'utf8').includes(' a:'),
        'not on the host that was made',
      );
      writeFileSync(path, '77');
      assert.equal(readFileSync(path, 'utf8').trim(), '77');
      assert.equal(await readFile(path, 'utf8'), outside);
      assert.notEqual(outside.trim(), '77');
      assert.equal(execFileSync('cat', [path], { encoding: 'utf8' }).trim(), '77');
    } finally {
      cable.remove();
    }
  });
});

describe('syslog', () => {
  it('never waits: it drops lines while nobody reads, and finds a new daemon', () => {
    // A /dev of its own, in a mount namespace that ends with the process.
    const script = `mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 &&
      mknod -m 666 /dev/random c 1 8 && exec "$0" "$@"`;
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['-m', 'bash', '-c', script, process.execPath, ...child, 'syslog'],
      { encoding: 'utf8', timeout: 20_000 },
    );
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'nobody false',
      'reader true true',
      'full true true',
      'read ["<30>one","<30>zwei ä"]',
      'again true',
      'gone false',
      'new reader true ["<30>two"]',
    ]);
  });
});
