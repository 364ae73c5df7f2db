// Files that are watched, processes that are counted, and scripts that are asked: with the real kernel.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { constants as os, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { originPath } from '../../src/net/namespace.ts';
import { type Native, native } from '../../src/net/native.ts';
import { type Probe, type ProbeEnd, Probes } from '../../src/net/probe.ts';
import { Processes } from '../../src/net/processes.ts';
import { refusalOf } from '../../src/net/script.ts';
import { Thread } from '../../src/net/thread.ts';
import { Watch, type WatchedFile } from '../../src/net/watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'ka-watch-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const until = async (what: string, condition: () => boolean): Promise<void> => {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

interface Watching {
  readonly watch: Watch;
  /** All that was told of each file. */
  readonly told: Record<string, (string | undefined)[]>;
  readonly failures: string[];
  /** Waits until this is what was told of it last. */
  readonly says: (name: string, wanted: string | undefined) => Promise<void>;
}

/** Watches these files, as a daemon does, while `work` goes on. */
async function watching(
  files: readonly WatchedFile[],
  work: (watching: Watching, first: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  const told: Watching['told'] = Object.fromEntries(files.map(({ name }) => [name, []]));
  const failures: string[] = [];
  const watch = new Watch({
    changed: (name, now) => void told[name]?.push(now),
    failed: (where, { message }) => failures.push(`${where}: ${message}`),
  });
  const thread = new Thread(
    (records) => {
      for (const record of records) watch.hear(record);
    },
    { priority: 0, deadmanFd: -1 },
  );
  const says = (name: string, wanted: string | undefined): Promise<void> => {
    const list = told[name] ?? [];
    return until(`${name} says ${wanted}`, () => list.length > 0 && list.at(-1) === wanted);
  };
  try {
    await work({ watch, told, failures, says }, watch.follow(files));
  } finally {
    watch.close();
    thread.stop();
  }
}

test('a file is read whenever it changes, is replaced, goes or comes, and so is its folder', async () => {
  const place = join(folder, 'some');
  mkdirSync(place);
  const file = join(place, 'value');
  await watching([{ name: 'f', file }], async ({ says }, first) => {
    assert.deepEqual(first, {});
    writeFileSync(file, '1');
    await says('f', '1');
    writeFileSync(file, '22');
    await says('f', '22');
    writeFileSync(join(place, 'other'), '3');
    renameSync(join(place, 'other'), file);
    await says('f', '3');
    unlinkSync(file);
    await says('f', undefined);
    writeFileSync(file, '4');
    await says('f', '4');
    rmSync(place, { recursive: true });
    await says('f', undefined);
    mkdirSync(place);
    writeFileSync(file, '5');
    await says('f', '5');
    renameSync(place, join(folder, 'moved'));
    await says('f', undefined);
    renameSync(join(folder, 'moved'), place);
    await says('f', '5');
    for (let i = 0; i < 200; i++) writeFileSync(file, String(i));
    await says('f', '199');
  });
});

test('a file counts when it is closed: not while it is truncated and written, and at once when it stays empty', async () => {
  const place = join(folder, 'slow');
  mkdirSync(place);
  const [file, clock] = ['value', 'clock'].map((name) => join(place, name)) as [string, string];
  writeFileSync(file, '1');
  const files = [
    { name: 'f', file },
    { name: 'clock', file: clock },
  ];
  await watching(files, async ({ told, says }) => {
    // By the time that changes of the other file have been told, this one would have been looked at.
    const ticks = async (): Promise<void> => {
      for (const text of ['1', '2', '3']) {
        writeFileSync(clock, text);
        await says('clock', text);
      }
    };
    let fd = openSync(file, 'w');
    await ticks();
    writeSync(fd, '2');
    await ticks();
    writeSync(fd, '3');
    await ticks();
    assert.deepEqual(told.f, []);
    closeSync(fd);
    await says('f', '23');
    writeFileSync(file, '');
    await says('f', '');
    assert.deepEqual(told.f, ['23', '']);
    unlinkSync(file);
    await says('f', undefined);
    // One that is made is not complete either.
    fd = openSync(file, 'w');
    writeSync(fd, '4');
    await ticks();
    writeSync(fd, '5');
    closeSync(fd);
    await says('f', '45');
    assert.deepEqual(told.f, ['23', '', undefined, '45']);
  });
});

test('a file is followed through links, wherever it is, and when one of them is exchanged', async () => {
  const place = join(folder, 'linked');
  for (const name of ['v1', 'v2', 'v3', 'else']) mkdirSync(join(place, name), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(place, name), text);
  // As a ConfigMap is mounted: `value` -> `..data/value`, `..data` -> `v1`.
  write('v1/value', '1');
  write('v2/value', '2');
  write('v3/value', '3');
  symlinkSync('v1', join(place, '..data'));
  symlinkSync('..data/value', join(place, 'value'));
  symlinkSync('../else/../else/far', join(place, 'else', 'far link'));
  const files = [
    { name: 'map', file: join(place, 'value') },
    { name: 'far', file: join(place, 'else', 'far link') },
  ];
  await watching(files, async ({ says, failures }, first) => {
    assert.deepEqual(first, { map: '1' });
    write('else/far', '7');
    await says('far', '7');
    write('v1/value', '11');
    await says('map', '11');
    symlinkSync('v2', join(place, 'new'));
    renameSync(join(place, 'new'), join(place, '..data'));
    await says('map', '2');
    write('v2/value', '22');
    await says('map', '22');
    symlinkSync('v3', join(place, 'new'));
    renameSync(join(place, 'new'), join(place, '..data'));
    rmSync(join(place, 'v2'), { recursive: true });
    await says('map', '3');
    assert.deepEqual(failures, [], 'a folder that is no longer needed may go');
    unlinkSync(join(place, '..data'));
    await says('map', undefined);
    symlinkSync(join(place, 'else'), join(place, '..data'));
    write('else/value', '4');
    await says('map', '4');
    // A link in a circle is no file, and holds nobody up.
    symlinkSync('far link', join(place, 'circle'));
    renameSync(join(place, 'circle'), join(place, 'else', 'far link'));
    await says('far', undefined);
  });
});

test('a file that is written all the time is told while it is, and a hint of before follow() delays none after it', async () => {
  const file = join(folder, 'restless');
  writeFileSync(file, '0');
  const files = [{ name: 'f', file }];
  await watching(files, async ({ watch, told, says }) => {
    const writer = setInterval(() => writeFileSync(file, '1'), 1);
    try {
      await until('it says 1', () => told.f?.includes('1') === true);
      watch.follow(files);
    } finally {
      clearInterval(writer);
    }
    writeFileSync(file, '2');
    await says('f', '2');
  });
});

/** While `work` goes on, this function of the addon is another one. */
async function replacing<Name extends 'inotify' | 'inotifyAdd'>(
  name: Name,
  other: (original: Native[Name]) => Native[Name],
  work: () => Promise<void>,
): Promise<void> {
  const original = native[name];
  const change = (value: Native[Name]): void => void Object.assign(native, { [name]: value });
  change(other(original));
  try {
    await work();
  } finally {
    change(original);
  }
}

test('news that was lost is made good by looking, whoever lost it', async () => {
  const file = join(folder, 'unheard');
  writeFileSync(file, '0');
  let fd = -1;
  await replacing(
    'inotify',
    (open) => () => {
      fd = open();
      return fd;
    },
    () =>
      watching([{ name: 'f', file }], async ({ watch, told, says }) => {
        const at = native.now();
        // The thread reads nothing of it any more.
        native.unwatch(fd);
        writeFileSync(file, '1');
        assert.ok(watch.hear({ kind: 'resync', at, read: at, fd }));
        await says('f', '1');
        writeFileSync(file, '2');
        const overflow = new Int32Array([-1, 0x4000, 0, 0]);
        const bytes = new Uint8Array(overflow.buffer);
        assert.ok(watch.hear({ kind: 'files', at, read: at, fd, bytes }));
        await says('f', '2');
        assert.deepEqual(told.f, ['1', '2']);
        assert.equal(watch.hear({ kind: 'resync', at, read: at, fd: fd + 1 }), false);
      }),
  );
});

for (const [name, code] of [
  ['inotify', 'EMFILE'],
  ['inotifyAdd', 'ENOSPC'],
] as const)
  test(`${code}: files are looked at every second, with one line for all, until more can be watched`, async () => {
    const places = ['one', 'two'].map((part) => join(folder, `${code}-${part}`));
    const files = places.map((place, i) => ({ name: `f${i}`, file: join(place, 'value') }));
    for (const place of places) mkdirSync(place);
    const [one = '', two = ''] = files.map(({ file }) => file);
    writeFileSync(one, '1');
    let short = true;
    let looks = 0;
    await replacing(
      name,
      (original) =>
        (...words: never[]) => {
          looks++;
          if (!short) return (original as (...words: never[]) => number)(...words);
          throw Object.assign(new Error(`${name} ${code}`), { code });
        },
      () =>
        watching(files, async ({ told, says, failures }, first) => {
          assert.deepEqual(first, { f0: '1' });
          writeFileSync(two, '2');
          // Nobody knows whether it will stay empty.
          const fd = openSync(one, 'w');
          await says('f1', '2');
          writeSync(fd, '11');
          closeSync(fd);
          await says('f0', '11');
          writeFileSync(one, '');
          await says('f0', '');
          short = false;
          const before = looks;
          await until('it is watched', () => looks > before);
          writeFileSync(two, '22');
          await says('f1', '22');
          // The last may have been seen before it was heard of.
          assert.deepEqual(
            [told.f0, [...new Set(told.f1)]],
            [
              ['11', ''],
              ['2', '22'],
            ],
          );
          assert.deepEqual(failures, [`${places[0]}: ${name} ${code}`]);
        }),
    );
  });

test('what is there is told before follow() returns, and a FIFO holds nobody up', async () => {
  const file = join(folder, 'there');
  writeFileSync(file, '7 and more');
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const files = [
    { name: 'f', file },
    { name: 'g', file: fifo },
  ];
  await watching(files, async (_, first) => {
    assert.deepEqual(first, { f: '7 and more', g: '' });
  });
});

test('processes are counted as they fork, exec and end', async () => {
  const program = join(folder, 'ka-counted');
  copyFileSync('/bin/sleep', program);
  const lines: string[] = [];
  let counts: Readonly<Record<string, number>> = {};
  const host = {
    counted: (now: typeof counts) => {
      counts = now;
    },
    log: (text: string) => lines.push(text),
  };
  const processes: Processes = new Processes(host, originPath());
  const thread = new Thread(
    (records) => {
      for (const record of records)
        if (record.kind === 'packet' && record.fd === processes.fd)
          processes.read(record.bytes, record.at);
        else if (record.kind === 'resync') processes.lost(record.read);
    },
    { priority: 0, deadmanFd: -1 },
  );
  const begun = [spawn(program, ['301'])];
  try {
    await until('it runs', () => begun[0]?.pid !== undefined);
    counts = processes.follow([
      { name: 'any', process: ['ka-counted'], full_command: false },
      { name: 'path', process: [program], full_command: true },
      { name: 'exact', process: [program, '302'], full_command: false },
      { name: 'initial', process: [program, '30'], full_command: false, param_match: 'initial' },
      { name: 'partial', process: [program, '302'], full_command: false, param_match: 'partial' },
    ]);
    assert.deepEqual(counts, { any: 1, path: 1, exact: 0, initial: 1, partial: 0 });
    begun.push(spawn(program, ['302', '1']), spawn(program, ['302']));
    await until('three run', () => counts.any === 3);
    assert.deepEqual(counts, { any: 3, path: 3, exact: 1, initial: 3, partial: 2 });
    begun[2]?.kill();
    await until('two run', () => counts.any === 2);
    assert.equal(counts.exact, 0);
    // Looked at again, there is nothing else.
    processes.lost(native.now());
    assert.equal(counts.any, 2);
    // One that has ended and that nobody has asked after is a name in /proc still.
    const shell = spawn('/bin/sh', ['-c', `${program} 304 & echo $!; exec sleep 60`]);
    begun.push(shell);
    const [orphan] = (await once(shell.stdout, 'data')) as [Buffer];
    await until('one more runs', () => counts.any === 3);
    // Until then it is a shell, which may ask.
    const name = `/proc/${shell.pid}/comm`;
    await until('its parent is sleep', () => readFileSync(name, 'utf8') === 'sleep\n');
    process.kill(Number(orphan), 'SIGKILL');
    await until('it has ended', () => counts.any === 2);
    processes.lost(native.now());
    assert.equal(counts.any, 2);
    assert.ok(existsSync(`/proc/${Number(orphan)}`), 'its parent does not ask');
    // A shell that becomes the program by exec.
    begun.push(spawn('/bin/sh', ['-c', `exec ${program} 303`]));
    await until('three run again', () => counts.any === 3);
    for (const one of begun) one.kill();
    await until('none runs', () => counts.any === 0);
  } finally {
    for (const one of begun) one.kill('SIGKILL');
    processes.close();
    thread.stop();
  }
});

test('every probe is answered once: status, signal, refusal, a file that can be opened', async () => {
  const ends = new Map<number, ProbeEnd>();
  let pid = 0;
  const probes = new Probes({
    spawn: ({ words }: Probe) => {
      if (words[0] === 'much') throw Object.assign(new Error('fork: EAGAIN'), { code: 'EAGAIN' });
      return ++pid;
    },
    ended: (run, end) => {
      assert.ok(!ends.has(run), 'once');
      ends.set(run, end);
    },
  });
  const start = (run: number, ...words: string[]): void =>
    probes.start({ run, words, uid: 0, gid: 0 });
  start(1, 'one');
  start(2, 'two');
  start(3, 'nothing');
  start(4, `<${folder}`);
  start(5, '</does/not/exist');
  start(6, 'late');
  start(7, 'much');
  start(8, 'forbidden');
  probes.signal(6, 'SIGTERM');
  await until('all that need no process are answered', () => ends.size === 4 && pid === 4);
  probes.exited(1, 3, 0, undefined);
  probes.exited(2, -1, 9, undefined);
  probes.exited(2, 0, 0, undefined);
  probes.exited(77, 0, 0, undefined);
  probes.exited(3, 127, 0, refusalOf(os.errno.ENOENT));
  probes.exited(4, 127, 0, refusalOf(os.errno.EPERM));
  assert.deepEqual(Object.fromEntries(ends), {
    1: { status: 3 },
    2: { signal: 9 },
    3: { refused: 'execve ENOENT: No such file or directory', unfit: true },
    4: { status: 0 },
    5: { status: 1 },
    6: { refused: 'not started in time' },
    7: { refused: 'fork: EAGAIN' },
    8: { refused: 'execve EPERM: Operation not permitted' },
  });
});
