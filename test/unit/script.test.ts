import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../../src/lib/time.ts';
import { type Job, Scripts } from '../../src/net/script.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function rig() {
  const started: string[] = [];
  const overdue: string[] = [];
  const failed: string[] = [];
  const overtaken: string[] = [];
  let pid = 100;
  let clock = 0;
  const scripts = new Scripts({
    now: () => clock as Instant,
    spawn: (job) => {
      if (job.words[0] === 'missing')
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      started.push(job.words.join(' '));
      return pid++;
    },
    failed: (job) => failed.push(job.words.join(' ')),
    overdue: (job) => overdue.push(job.words.join(' ')),
    overtaken: (job) => overtaken.push(job.words.join(' ')),
  });
  const later = (milliseconds: number) => {
    clock += milliseconds * 1_000;
  };
  return { scripts, started, overdue, failed, overtaken, later };
}

const job = (owner: string, ...words: string[]): Job => ({ owner, words, uid: 0, gid: 0 });
/** As an instance tells a state: by the script for it, and by the one for any. */
const tell = (scripts: Scripts, state: string): void => {
  for (const words of [[state], ['any', state]])
    scripts.run({ owner: 'a', state, words, uid: 0, gid: 0 });
};
const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await turn();
};

test('nothing starts within the call, and one script a turn after it', async () => {
  const { scripts, started } = rig();
  for (const owner of ['a', 'b', 'c']) scripts.run(job(owner, owner));
  assert.deepEqual(started, []);
  await turn();
  assert.deepEqual(started, ['a']);
  await turn();
  assert.deepEqual(started, ['a', 'b']);
});

test('one that could not be run is told of, and the next one follows', async () => {
  const { scripts, started, failed } = rig();
  scripts.run(job('a', 'a MASTER'));
  scripts.run(job('a', 'a BACKUP'));
  await turn();
  scripts.exited(100, new Error('execve ENOENT'));
  await turn();
  assert.deepEqual([failed, started], [['a MASTER'], ['a MASTER', 'a BACKUP']]);
});

test('scripts of one owner run one after the other, others do not wait for them', async () => {
  const { scripts, started } = rig();
  scripts.run(job('a', 'a MASTER'));
  scripts.run(job('a', 'a BACKUP'));
  scripts.run(job('b', 'b MASTER'));
  for (let i = 0; i < 5; i++) await turn();
  assert.deepEqual(started, ['a MASTER', 'b MASTER']);
  scripts.exited(100);
  await turn();
  assert.deepEqual(started, ['a MASTER', 'b MASTER', 'a BACKUP']);
});

test('a script that never ends holds the next one back for ten seconds only', async (context) => {
  const { scripts, started, overdue } = rig();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  scripts.run(job('a', 'a MASTER'));
  scripts.run(job('a', 'a BACKUP'));
  await turn();
  context.mock.timers.tick(9_999);
  await turn();
  assert.deepEqual([started, overdue], [['a MASTER'], []]);
  context.mock.timers.tick(1);
  await turn();
  await turn();
  assert.deepEqual([started, overdue], [['a MASTER', 'a BACKUP'], ['a MASTER']]);
});

test('a script that cannot be started is reported and forgotten', async () => {
  const { scripts, started, failed } = rig();
  scripts.run(job('a', 'missing'));
  scripts.run(job('a', 'next'));
  await turn();
  await turn();
  assert.deepEqual([failed, started], [['missing'], ['next']]);
});

test('scripts that keep up hear every state', async () => {
  const { scripts, started, overtaken, later } = rig();
  tell(scripts, 'BACKUP');
  await settle();
  tell(scripts, 'MASTER');
  tell(scripts, 'FAULT');
  for (let pid = 100; pid < 106; pid++) {
    later(150);
    scripts.exited(pid);
    await settle();
  }
  const all = ['BACKUP', 'any BACKUP', 'MASTER', 'any MASTER', 'FAULT', 'any FAULT'];
  assert.deepEqual([started, overtaken], [all, []]);
});

test('after a slow script only the newest state is told, by both its scripts', async () => {
  const { scripts, started, overtaken, later } = rig();
  tell(scripts, 'BACKUP');
  await settle();
  for (const state of ['MASTER', 'FAULT', 'BACKUP', 'MASTER']) tell(scripts, state);
  later(1_000);
  scripts.exited(100);
  await settle();
  assert.deepEqual(started, ['BACKUP', 'MASTER']);
  assert.deepEqual(overtaken, [
    'any BACKUP',
    ...['MASTER', 'any MASTER', 'FAULT', 'any FAULT', 'BACKUP', 'any BACKUP'],
  ]);
  scripts.exited(101);
  await settle();
  assert.deepEqual(started, ['BACKUP', 'MASTER', 'any MASTER']);
});

test('what was overtaken and has waited for a second is dropped, however quick each script is', async () => {
  const { scripts, started, overtaken, later } = rig();
  tell(scripts, 'BACKUP');
  tell(scripts, 'MASTER');
  await settle();
  later(900);
  tell(scripts, 'FAULT');
  assert.deepEqual(overtaken, []);
  later(100);
  tell(scripts, 'BACKUP');
  assert.deepEqual(overtaken, ['any BACKUP', 'MASTER', 'any MASTER']);
  scripts.exited(100);
  await settle();
  // The first has run for a second: it does not keep up.
  assert.deepEqual(started, ['BACKUP', 'BACKUP']);
});

test('the same is not told twice while it waits, and what is no state overtakes nothing', async () => {
  const { scripts, started, later } = rig();
  tell(scripts, 'MASTER');
  await settle();
  for (let i = 0; i < 3; i++) scripts.run(job('a', 'lower'));
  later(200);
  for (let pid = 100; pid < 103; pid++) {
    scripts.exited(pid);
    await settle();
  }
  assert.deepEqual(started, ['MASTER', 'any MASTER', 'lower']);
});

test('at the end STOP comes last, after what runs has ended', async () => {
  const { scripts, started, overtaken } = rig();
  let done = 0;
  tell(scripts, 'MASTER');
  await settle();
  tell(scripts, 'STOP');
  scripts.run(job('b', 'b'));
  scripts.drain(() => {
    done += 1;
  });
  assert.deepEqual([started, overtaken], [['MASTER', 'b'], ['any MASTER']]);
  for (const pid of [101, 100, 102]) {
    scripts.exited(pid);
    await settle();
  }
  assert.deepEqual([started, done], [['MASTER', 'b', 'STOP', 'any STOP'], 0]);
  scripts.exited(103);
  await settle();
  assert.equal(done, 1);
});

test('at the end scripts that hang cost half a second each, and the last one started has a second', async (context) => {
  const { scripts, started } = rig();
  let done = 0;
  tell(scripts, 'MASTER');
  await settle();
  tell(scripts, 'STOP');
  context.mock.timers.enable({ apis: ['setTimeout'] });
  scripts.drain(() => {
    done += 1;
  });
  const seen: [number, number][] = [];
  for (const wait of [499, 1, 499, 1, 999]) {
    context.mock.timers.tick(wait);
    await settle();
    seen.push([started.length, done]);
  }
  assert.deepEqual(seen, [
    [1, 0],
    [2, 0],
    [2, 0],
    [3, 0],
    [3, 0],
  ]);
  context.mock.timers.tick(1);
  assert.equal(done, 1);
  for (const pid of [100, 101, 102]) scripts.exited(pid);
  await settle();
  assert.equal(done, 1);
});

test('the end comes at once where nothing runs', async () => {
  const { scripts } = rig();
  let done = false;
  scripts.drain(() => {
    done = true;
  });
  await settle();
  assert.equal(done, true);
});
