// A configuration on its way: whole, without a name, and made where it can be.

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { fstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  closeParcel,
  openParcel,
  ParcelReader,
  parcelPath,
  writeParcel,
} from '../../src/ipc/parcel.ts';

test('what is written is read through /proc, again and again, and no name is left', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ka-parcel-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const fd = openParcel(folder);
  t.after(() => closeParcel(fd));
  assert.deepEqual(readdirSync(folder), []);
  assert.equal(fstatSync(fd).mode & 0o777, 0o600);
  const path = parcelPath(process.pid, fd);
  const value = { name: 'grüße', list: Array.from({ length: 20_000 }, (_, i) => i) };
  writeParcel(path, value);
  assert.deepEqual(new ParcelReader().read(path), value);
  assert.deepEqual(new ParcelReader().read(path), value);
});

test('what stands in the parcel before is the same object', (t) => {
  const fd = openParcel();
  t.after(() => closeParcel(fd));
  const path = parcelPath(process.pid, fd);
  const reader = new ParcelReader();
  const parcel = (value: object) => {
    writeParcel(path, value);
    const config = reader.read(path) as { list: object[]; one: object; none?: object[] };
    assert.deepEqual(config, value);
    return config;
  };
  const one = { text: 'two\nlines' };
  const first = parcel({ one, list: [{ a: 1 }, { b: 2 }], none: [] });
  const second = parcel({ list: [{ b: 2 }, { c: 3 }, { a: 1 }], one });
  assert.equal(second.list[0], first.list[1]);
  assert.equal(second.list[2], first.list[0]);
  assert.equal(second.one, first.one);
  // Nothing of an earlier one is changed by it.
  assert.deepEqual(first.list, [{ a: 1 }, { b: 2 }]);
  const third = parcel({ one: {}, list: [{ c: 3 }] });
  assert.equal(third.list[0], second.list[1]);
  assert.deepEqual(parcel({ one: {}, list: [{ c: 3 }, { c: 3 }] }).list.length, 2);
  assert.deepEqual(third.list, [{ c: 3 }]);
});

test('another process reads it', async (t) => {
  const fd = openParcel();
  t.after(() => closeParcel(fd));
  writeParcel(fd, { answer: 42 });
  const code = `process.send(require('fs').readFileSync(${JSON.stringify(parcelPath(process.pid, fd))}, 'utf8'))`;
  const child = fork('-e', [code], { execArgv: [] });
  const text = await new Promise((resolve) => child.once('message', resolve));
  assert.equal(text, '{"answer":42}');
});

test('without a folder, or where it does not allow it, the parcel is in memory, for this user only', () => {
  for (const folder of [undefined, '/proc/nowhere', '/proc/1']) {
    const fd = openParcel(folder);
    assert.match(readlinkSync(`/proc/self/fd/${fd}`), /^\/memfd:/);
    assert.equal(fstatSync(fd).mode & 0o777, 0o600);
    closeParcel(fd);
  }
});
