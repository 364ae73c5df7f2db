// MISC_CHECK with real processes: what each way to end means, and that a command which takes too long is ended with all
// that it has started.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Commands } from '../../src/check/checkers/misc.ts';
import { type Duration, millis, seconds } from '../../src/lib/time.ts';
import { native } from '../../src/net/native.ts';
import { refusalOf } from '../../src/net/script.ts';
import { eventually, Tape } from './cable.ts';

let folder: string;
let tape: Tape;
let commands: Commands;
let spawned = 0;
/** Signals that ended processes, by pid, as the checks were told. */
const ended = new Map<number, number>();
let stop: NodeJS.Timeout;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ka-misc-'));
  tape = new Tape();
  commands = new Commands(({ words, uid, gid }) => {
    spawned += 1;
    const [file = ''] = words;
    return native.spawn({ file, arguments: words, environment: ['PATH=/bin'], uid, gid });
  });
  let told = 0;
  stop = setInterval(() => {
    const ends = tape.of('exit');
    for (; told < ends.length; told++) {
      const end = ends[told];
      if (end === undefined) continue;
      ended.set(end.pid, end.signal);
      commands.exited(end.pid, end.status, end.signal, refusalOf(end.errno));
    }
  }, 5);
});
after(() => {
  clearInterval(stop);
  native.stop();
  rmSync(folder, { recursive: true });
});

const run = (
  words: readonly string[],
  { timeout = seconds(30) as Duration, misc_dynamic = false, uid = 0 } = {},
  signal = new AbortController().signal,
) => commands.check({ script: { words, uid, gid: uid }, timeout, misc_dynamic }, signal, ['any']);
/** Several attempts of one check of a server. */
const checkOf =
  (words: readonly string[], timeout: Duration, server = 'any') =>
  (signal = new AbortController().signal) => {
    const options = { script: { words, uid: 0, gid: 0 }, timeout, misc_dynamic: false };
    return commands.check(options, signal, [server, 'other']);
  };
const shell = (text: string): readonly string[] => ['/bin/sh', '-c', text];
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\sZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('a command that ends', () => {
  it('is good with status 0 and bad with any other', async () => {
    assert.deepEqual(await run(shell('exit 0')), { up: true, status: 0 });
    for (const status of [1, 2, 255])
      assert.deepEqual(await run(shell(`exit ${status}`)), {
        up: false,
        reason: `exited with status ${status}`,
        status,
      });
  });

  it('says a weight with misc_dynamic', async () => {
    const statuses = [0, 1, 2, 3, 255];
    const verdicts = statuses.map((status) => run(shell(`exit ${status}`), { misc_dynamic: true }));
    assert.deepEqual(await Promise.all(verdicts), [
      { up: true, status: 0 },
      { up: false, reason: 'exited with status 1', status: 1 },
      { up: true, weight: 0, status: 2 },
      { up: true, weight: 1, status: 3 },
      { up: true, weight: 253, status: 255 },
    ]);
  });

  it('by a signal has failed, and one that cannot be started is our own fault', async () => {
    const killed = await run(shell('kill -9 $$'), { misc_dynamic: true });
    assert.deepEqual(killed, { up: false, reason: 'due to signal 9' });
    const missing = await run([join(folder, 'none')]);
    assert.ok(!missing.up && missing.local === true);
    assert.match(missing.reason, /ENOENT/);
  });

  it('has run as the user that was asked for', async () => {
    assert.deepEqual(await run(shell('[ "$(id -u) $(id -g)" = "65534 65534" ]'), { uid: 65534 }), {
      up: true,
      status: 0,
    });
  });
});

describe('a command that takes too long', () => {
  it('has failed at once, and is ended with all it has started: SIGTERM, later SIGKILL', async () => {
    const file = join(folder, 'stubborn');
    const text = `trap 'echo TERM >> ${file}' TERM; echo $$ >> ${file}; while :; do sleep 0.1; done`;
    const attempt = checkOf(shell(text), millis(300));
    const verdict = attempt();
    const pid = await pidIn(file);
    assert.deepEqual(await verdict, { up: false, reason: 'timed out' });
    // It has not ended: another one is not started beside it.
    const before = spawned;
    assert.deepEqual(await attempt(), { up: false, reason: 'the one before is still running' });
    assert.equal(spawned, before);
    await eventually(() => read(file).includes('TERM'), 'it heard SIGTERM');
    await eventually(() => !isAlive(pid), 'it was ended for good');
    await eventually(() => ended.get(pid) === 9, 'its end was told');
    // And now it may run again.
    const again = attempt();
    await eventually(() => spawned > before, 'it is started again');
    assert.deepEqual(await again, { up: false, reason: 'timed out' });
  });

  it('leaves nothing behind that is deaf to SIGTERM when its first process is not', async () => {
    const file = join(folder, 'left');
    // The shell dies of SIGTERM, and what it has started does not.
    const text = `(trap '' TERM; exec sleep 60) & echo $! >> ${file}; sleep 60`;
    const verdict = run(shell(text), { timeout: seconds(1) });
    const pid = await pidIn(file);
    assert.deepEqual(await verdict, { up: false, reason: 'timed out' });
    await eventually(() => !isAlive(pid), 'what it had started was ended');
    assert.equal(ended.get(pid) ?? 9, 9);
  });

  it('fails its own check only: another one with the same command is not held back', async () => {
    const file = join(folder, 'shared');
    const go = join(folder, 'go');
    const words = shell(
      `trap '' TERM; echo $$ >> ${file}; until [ -e ${go} ]; do sleep 0.05; done`,
    );
    const hasty = checkOf(words, seconds(1));
    assert.deepEqual(await hasty(), { up: false, reason: 'timed out' });
    const others = { script: { words, uid: 0, gid: 0 }, timeout: seconds(30), misc_dynamic: false };
    const patient = commands.check(others, new AbortController().signal, ['another']);
    assert.deepEqual(await hasty(), { up: false, reason: 'the one before is still running' });
    writeFileSync(go, '');
    assert.deepEqual(await patient, { up: true, status: 0 });
  });
});

describe('a command that a reload changes', () => {
  it('does not run twice at once for its server: what is left of it has to end first', async () => {
    for (const isGivenUp of [true, false]) {
      const file = join(folder, `changed-${isGivenUp}`);
      const words = shell(`trap '' TERM; echo $$ >> ${file}; sleep 1`);
      const abort = new AbortController();
      const first = checkOf(words, millis(isGivenUp ? 9000 : 500))(abort.signal);
      const pid = await pidIn(file);
      if (isGivenUp) abort.abort();
      assert.equal((await first).up, false);
      const second = checkOf(words, seconds(8))();
      const before = spawned;
      assert.ok(isAlive(pid));
      await eventually(() => ended.has(pid), 'it was ended');
      await eventually(() => spawned > before, 'and run once more');
      assert.deepEqual(await second, { up: true, status: 0 });
      assert.equal(read(file).trim().split('\n').length, 2);
    }
  });
});

describe('a command that nobody waits for any more', () => {
  it('is ended, and keeps no other one from running', async () => {
    const file = join(folder, 'given-up');
    const words = shell(`echo $$ > ${file}; exec sleep 60`);
    const abort = new AbortController();
    const verdict = run(words, {}, abort.signal);
    const pid = await pidIn(file);
    abort.abort();
    assert.equal((await verdict).up, false);
    await eventually(() => !isAlive(pid), 'it was ended');
    rmSync(file);
    const next = new AbortController();
    const other = run(words, {}, next.signal);
    await pidIn(file);
    next.abort();
    await other;
  });

  it('is not started where that was known before', async () => {
    const before = spawned;
    assert.equal((await run(shell('exit 0'), {}, AbortSignal.abort())).up, false);
    assert.equal(spawned, before);
  });
});

/** What the command has written into the file first. */
async function pidIn(file: string): Promise<number> {
  await eventually(() => read(file).includes('\n'), 'the command runs');
  return Number.parseInt(read(file), 10);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
