// Log lines: late enough, in order, whole, and dropped with a count where nobody takes them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { calendar, type Destination, file, Log } from '../../src/log.ts';

interface Taken {
  readonly text: string;
  readonly priority: number;
}

function collector(accept: () => boolean = () => true): Destination & { readonly taken: Taken[] } {
  const taken: Taken[] = [];
  return {
    taken,
    write(text, priority): boolean {
      if (accept()) taken.push({ text, priority });
      else return false;
      return true;
    },
  };
}

const texts = ({ taken }: { readonly taken: Taken[] }): string[] => taken.map((line) => line.text);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('lines wait until the turn is over, and keep their order', async () => {
  const out = collector();
  const log = new Log(0, [out]);
  log.info('one');
  log.error('two');
  assert.deepEqual(out.taken, []);
  await turn();
  assert.deepEqual(texts(out), ['one', 'two']);
});

test('each severity has its syslog priority; detail and debug need -D and -DD', () => {
  for (const [level, expected] of [
    [0, ['alert 1', 'error 3', 'warning 4', 'info 6', 'routine 6']],
    [1, ['alert 1', 'error 3', 'warning 4', 'info 6', 'routine 6', 'detail 6']],
    [2, ['alert 1', 'error 3', 'warning 4', 'info 6', 'routine 6', 'detail 6', 'debug 7']],
  ] as const) {
    const out = collector();
    const log = new Log(level, [out]);
    const all = ['alert', 'error', 'warning', 'info', 'routine', 'detail', 'debug'] as const;
    for (const severity of all) log.write(severity, severity);
    log.flush();
    assert.deepEqual(
      out.taken.map(({ text, priority }) => `${text} ${priority}`),
      expected,
    );
  }
});

test('a text of several lines is several lines', () => {
  const out = collector();
  const log = new Log(0, [out]);
  log.info('a\nb');
  log.flush();
  assert.deepEqual(texts(out), ['a', 'b']);
});

test('what a destination refuses is counted, and said when it takes lines again', () => {
  let open = false;
  const out = collector(() => open);
  const log = new Log(1, [out]);
  for (let i = 0; i < 5; i++) log.detail('lost');
  log.flush();
  open = true;
  log.info('back');
  log.flush();
  assert.deepEqual(texts(out), ['5 log lines were dropped', 'back']);
});

test('what tells something and was refused is said later, once, in order, without another line', async () => {
  let room = 2;
  const out = collector(() => room-- > 0);
  const log = new Log(1, [out]);
  for (const text of ['one', 'two', 'three']) log.info(text);
  log.detail('lost');
  log.warning('four');
  log.flush();
  assert.deepEqual(texts(out), ['one', 'two']);
  room = 10;
  while (out.taken.length < 5) await delay(5);
  assert.deepEqual(texts(out), ['one', 'two', '1 log lines were dropped', 'three', 'four']);
  log.info('five');
  log.flush();
  assert.equal(texts(out).at(-1), 'five');
});

test('what was refused is tried until it is taken', async () => {
  let asked = 0;
  const out = collector(() => ++asked > 6);
  const log = new Log(0, [out]);
  log.info('one');
  while (out.taken.length === 0) await delay(5);
  assert.deepEqual(texts(out), ['one']);
});

test('lines that are poured are all taken, in order, however slowly', async () => {
  // A socket takes some 280 short lines before somebody reads.
  let room = 30;
  const out = collector(() => room-- > 0);
  const more = setInterval(() => {
    room = 400;
  }, 1);
  const lines = Array.from({ length: 1500 }, (_, at) => `line ${at}`);
  await new Log(0, [out]).pour(lines);
  clearInterval(more);
  assert.deepEqual(texts(out), lines);
});

test('of what a destination refuses a bounded number is kept', () => {
  let open = false;
  const out = collector(() => open);
  const log = new Log(0, [out]);
  for (let i = 0; i < 6000; i++) log.info(`${i}`);
  log.flush();
  open = true;
  log.flush();
  assert.deepEqual(texts(out), [
    '5000 log lines were dropped',
    ...Array.from({ length: 1000 }, (_, i) => `${i}`),
  ]);
});

test('a flood within one turn is bounded and counted', async () => {
  const out = collector();
  const log = new Log(0, [out]);
  for (let i = 0; i < 10_000; i++) log.info(`line ${i}`);
  await turn();
  log.info('after');
  log.flush();
  const kept = texts(out).filter((text) => text.startsWith('line ')).length;
  const said = /^(\d+) log lines were dropped$/.exec(
    texts(out).find((text) => text.includes('dropped')) ?? '',
  );
  assert.ok(kept < 10_000);
  assert.equal(kept + Number(said?.[1]), 10_000);
});

test('behind a flood of routine what has changed has room, and behind a flood of that what is wrong', async () => {
  const out = collector();
  const log = new Log(1, [out]);
  for (let i = 0; i < 40_000; i++) log.write(i % 2 === 0 ? 'routine' : 'detail', 'Activating');
  log.info('Removing service');
  for (let i = 0; i < 40_000; i++) log.info('Removing');
  for (const severity of ['warning', 'error', 'alert'] as const) log.write(severity, severity);
  await turn();
  const said = texts(out).filter((text) => !/^(Activating|Removing|\d+ log lines.*)$/.test(text));
  assert.deepEqual(said, ['Removing service', 'warning', 'error', 'alert']);
});

// A pipe that nobody reads holds whoever writes, as a file does on a disk that stands still.
test('a file that takes nothing holds nobody, and what it had no room for is counted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ka-log-'));
  const path = join(folder, 'stuck');
  execFileSync('mkfifo', [path]);
  const [writer, reader] = [openSync(path, 'r+'), openSync(path, 'r')];
  const log = new Log(1, [file(writer)]);
  const text = 'x'.repeat(1000);
  for (let i = 0; i < 2000; i++) {
    log.detail(`${i} ${text}`);
    if (i % 100 === 0) log.flush();
  }
  log.flush();
  let said = '';
  const readable = createReadStream('', { fd: reader, encoding: 'latin1' });
  readable.on('data', (chunk) => {
    said += chunk;
  });
  while (!said.includes('dropped')) {
    await delay(5);
    log.info('room again?');
  }
  // Nothing is left to be written when the pipe is closed.
  log.info('the end');
  log.flush();
  while (!said.includes('the end')) await delay(5);
  const lines = said.split('\n');
  const kept = lines.filter((line) => line.endsWith(text));
  const [, dropped] = /: (\d+) log lines were dropped/.exec(said) ?? [];
  assert.ok(kept.length > 900 && kept.length < 1100, `${kept.length} kept`);
  assert.ok(kept.length + Number(dropped) >= 2000, `${dropped} dropped`);
  assert.match(kept[0] ?? '', /: 0 x/);
  closeSync(writer);
  await once(readable, 'end');
  rmSync(folder, { recursive: true });
});

test('lines in a file are whole and in order, those of the last turn too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ka-log-'));
  const path = join(folder, 'log');
  const program = `
    import { openLog } from ${JSON.stringify(new URL('../../src/log.ts', import.meta.url).href)};
    const log = openLog({ ident: 'x', detail: 0, console: false, file: ${JSON.stringify(path)} });
    for (let i = 0; i < 1000; i++) log.info('line ' + i);
    log.flush();
    process.exit(0);`;
  execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program]);
  assert.deepEqual(
    readFileSync(path, 'latin1')
      .split('\n')
      .map((line) => line.slice(26)),
    [...Array.from({ length: 1000 }, (_, i) => `line ${i}`), ''],
  );
  rmSync(folder, { recursive: true });
});

test("the date is asctime's, the day padded with a blank", () => {
  assert.equal(calendar(new Date(2026, 10, 1, 5, 4, 1)), 'Sun Nov  1 05:04:01 2026');
  assert.equal(calendar(new Date(2026, 10, 21, 15, 4, 1)), 'Sat Nov 21 15:04:01 2026');
});
