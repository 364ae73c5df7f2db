// Every exported function against its wrong calls (wrong.ts). A function without a row there fails: whoever adds one
// to the addon adds its wrong calls too.

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { type Native, native } from '../../src/net/native.ts';
import { Cable } from './cable.ts';
import { type Call, file, rows } from './wrong.ts';

const show = (call: Call): string => call.map((value) => inspect(value)).join(', ');

describe('wrong arguments', () => {
  let cable: Cable;
  before(() => {
    cable = new Cable('args');
    // It keeps a pipe from its first use on.
    native.catchSignal(36);
  });
  after(() => {
    closeSync(file);
    cable.remove();
  });

  it('are known for every function that the addon exports', () => {
    assert.deepEqual(Object.keys(native).sort(), Object.keys(rows).sort());
  });

  for (const name of Object.keys(native) as (keyof Native)[])
    it(`of ${name} are refused and leave no descriptor behind`, () => {
      const call = native[name] as (...words: unknown[]) => unknown;
      const { wrong, refused = [] } = rows[name];
      const free = lowestFree();
      for (const words of wrong)
        assert.throws(() => call(...words), { name: 'TypeError' }, `${name}(${show(words)})`);
      if (wrong.length > 0) assert.throws(() => call(), { name: 'TypeError' });
      for (const [code, ...words] of refused)
        assert.throws(
          () => call(...words),
          (error: NodeJS.ErrnoException) =>
            error.code === code && (error.errno ?? 0) > 0 && error.syscall !== undefined,
          `${name}(${show(words)}) is refused with ${code}`,
        );
      // What loaded this file may still be closing descriptors of its own.
      const now = lowestFree();
      assert.ok(now <= free, `${now}, after ${free}`);
    });

  it('stop at what a stream socket would do to the thread', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    assert.throws(() => native.watch(fd), { code: 'ESOCKTNOSUPPORT' });
    server.close();
  });
});

/** Descriptors are given out from the lowest free number: one that leaked moves it. */
function lowestFree(): number {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  return fd;
}
