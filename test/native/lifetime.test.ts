// How the thread ends: with the process in every way a process can end, with a worker, from within its own callback;
// and that garbage collection takes nothing it uses.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, afterEach, before, describe, it } from 'node:test';
import { native } from '../../src/net/native.ts';
import { readRecords } from '../../src/net/record.ts';
import { Cable, eventually, numbered, Tape } from './cable.ts';

const ORDINARY = { policy: 'other', priority: 0 } as const;
let cable: Cable;

/** Runs a role of child.ts to its end. */
function runChild(...words: string[]): {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
} {
  const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
  return spawnSync(process.execPath, ['--import', 'tsx', 'test/native/child.ts', ...words], {
    encoding: 'utf8',
    timeout: 20_000,
    env: environment,
  });
}

before(() => {
  cable = new Cable('life');
});
after(() => cable.remove());

describe('a process whose thread is at its busiest', () => {
  for (const [way, status, signal] of [
    ['exit', 7, null],
    ['stop', 0, null],
    ['throw', 1, null],
    ['abort', null, 'SIGTERM'],
  ] as const)
    it(`ends cleanly by ${way}, ten times`, () => {
      for (let round = 0; round < 10; round++) {
        const result = runChild('end', way);
        assert.deepEqual(
          [result.stdout, result.status, result.signal],
          ['busy\n', status, signal],
          result.stderr,
        );
        if (way === 'throw') assert.match(result.stderr, /on purpose/);
        else assert.equal(result.stderr, '');
      }
    });

  it('keeps its ring and callback through garbage collections', () => {
    const { stdout, stderr, status } = runChild('collect');
    assert.deepEqual([stdout, stderr, status], ['records many\n', '', 0]);
  });

  it('shares the thread with no worker, and ends it with the worker that has it', () => {
    const { stdout, stderr, status } = runChild('worker');
    assert.deepEqual(stdout.split('\n'), [
      'second EBUSY',
      'foreign stop EBUSY',
      'first done',
      'again',
      '',
    ]);
    assert.deepEqual([stderr, status], ['', 0]);
  });
});

describe('the thread', () => {
  let ring = new Uint8Array(1 << 17);
  afterEach(() => native.stop());

  it('is one: a second start is refused with EBUSY and the first goes on', async () => {
    const tape = new Tape();
    assert.throws(() => native.start(() => {}, ring, ORDINARY), {
      code: 'EBUSY',
      syscall: 'start',
    });
    await tape.flush();
  });

  it('stops from within its callback, and starts there again, without delivering the old to the new', async () => {
    const seen: string[] = [];
    const done = new Promise<void>((resolve) => {
      const own = new Uint8Array(1 << 17);
      const second = (length: number): void => {
        for (const { kind } of readRecords(own, length)) seen.push(`second ${kind}`);
        resolve();
      };
      native.start(
        (length) => {
          for (const { kind } of readRecords(ring, length)) seen.push(`first ${kind}`);
          native.stop();
          native.stop();
          native.start(second, own, ORDINARY);
          native.alarm(native.now() + 1_000);
        },
        ring,
        ORDINARY,
      );
    });
    const near = cable.socket('near');
    const far = cable.socket('far');
    native.watch(far);
    // More than one ring holds, so that a second piece would follow the stop.
    native.send(
      near,
      Array.from({ length: 2_000 }, (_, n) => numbered(n)),
    );
    await done;
    native.close(near);
    native.close(far);
    assert.ok(seen.filter((line) => line === 'first packet').length < 2_000);
    assert.ok(!seen.includes('first alarm') && seen.includes('second alarm'));
  });

  it('gives the other records to a handler of uncaughtException after its callback has thrown', async () => {
    let calls = 0;
    let caught = 0;
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', () => {
      caught++;
    });
    try {
      native.start(
        () => {
          native.settle();
          if (++calls === 1) throw new Error('on purpose');
        },
        ring,
        ORDINARY,
      );
      native.alarm(native.now());
      await eventually(() => caught === 1, 'the exception');
      native.alarm(native.now());
      await eventually(() => calls === 2, 'a call after the exception');
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it('refuses to write into a ring that has been given away', async () => {
    let caught: unknown;
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => {
      caught = error;
    });
    try {
      native.start(() => {}, ring, ORDINARY);
      structuredClone(ring.buffer, { transfer: [ring.buffer] });
      native.alarm(native.now());
      await eventually(() => caught !== undefined, 'the error');
      assert.match(String(caught), /the ring has been detached/);
    } finally {
      ring = new Uint8Array(1 << 17);
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it('starts and stops a hundred times without leaving a descriptor or a thread', async () => {
    const { readdirSync } = await import('node:fs');
    const count = (): string =>
      ['fd', 'task'].map((what) => readdirSync(`/proc/self/${what}`).length).join(' ');
    await eventually(() => {
      native.start(() => {}, ring, ORDINARY);
      native.stop();
      return true;
    }, 'the first start');
    const before = count();
    for (let round = 0; round < 100; round++) {
      native.start(() => {}, ring, ORDINARY);
      native.deadman(1_000_000, 1);
      native.stop();
    }
    await eventually(() => count() === before, `descriptors and threads as before (${before})`);
  });
});
