// State files: whole or not there, of this user only, and written while the process goes on.

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { dumpsWritten, writeDump } from '../../src/net/dump.ts';

describe('a state file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ka-dump-'));
    path = join(folder, 'keepalived.data');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is written while the process goes on, which waits for it before it ends', async () => {
    void writeDump(path, 'text\n');
    assert.ok(!existsSync(path), 'the caller waited for the disk');
    await dumpsWritten();
    assert.equal(readFileSync(path, 'utf8'), 'text\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['keepalived.data']);
  });

  it('may come in pieces, and replaces a link rather than what that leads to', async () => {
    const other = join(folder, 'other');
    symlinkSync(other, path);
    async function* pieces(): AsyncGenerator<string> {
      yield 'one ';
      yield 'two\n';
    }
    await writeDump(path, pieces());
    assert.equal(readFileSync(path, 'utf8'), 'one two\n');
    assert.ok(!existsSync(other));
  });

  it('that cannot be written leaves nothing behind, and the end waits for no other reason', async () => {
    mkdirSync(path);
    await assert.rejects(writeDump(path, 'text\n'), { code: 'EISDIR' });
    await assert.rejects(writeDump(join(folder, 'none', 'x'), 'text\n'), { code: 'ENOENT' });
    async function* broken(): AsyncGenerator<string> {
      yield 'one ';
      throw new Error('no more');
    }
    await assert.rejects(writeDump(join(folder, 'x'), broken()), /no more/);
    await dumpsWritten();
    assert.deepEqual(readdirSync(folder), ['keepalived.data']);
  });
});
