import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Job, Scripts } from '../../src/net/script.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function rig() {
  const started: string[] = [];
  const overdue: string[] = [];
  const failed: string[] = [];
  let pid = 100;
  const scripts = new Scripts({
    spawn: (job) => {
      if (job.words[0] === 'missing')
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      started.push(job.words.join(' '));
      return pid++;
    },
    failed: (job) => failed.push(job.words.join(' ')),
    overdue: (job) => overdue.push(job.words.join(' ')),
  });
  return { scripts, started, overdue, failed };
}

const job = (owner: string, ...words: string[]): Job => ({ owner, words, uid: 0, gid: 0 });

test('nothing starts within the call, and one script a turn after it', async () => {
  const { scripts, started } = rig();
  for (const owner of ['a', 'b', 'c']) scripts.run(job(owner, owner));
  assert.deepEqual(started, []);
  await turn();
  assert.deepEqual(started, ['a']);
  await turn();
  assert.deepEqual(started, ['a', 'b']);
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

test('draining starts everything at once and reports when the last has ended', async () => {
  const { scripts, started } = rig();
  let done = false;
  scripts.run(job('a', 'one'));
  scripts.run(job('a', 'two'));
  scripts.drain(() => {
    done = true;
  });
  assert.deepEqual(started, ['one', 'two']);
  await turn();
  assert.equal(done, false);
  scripts.exited(100);
  scripts.exited(101);
  await turn();
  assert.equal(done, true);
});
