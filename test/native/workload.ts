// Every function of the addon at work for a moment, also in the ways that end badly: what the sanitizers watch.
// Ends with "done" and status 0.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ip } from '../../src/lib/ip.ts';
import type { KernelAddress } from '../../src/lib/link.ts';
import { FOLDER_NEWS, readFolderNews } from '../../src/net/inotify.ts';
import { type Native, native } from '../../src/net/native.ts';
import { Route, readNews } from '../../src/net/route.ts';
import { block, Cable, numbered, Tape } from './cable.ts';
import { file, rows } from './wrong.ts';

const folder = mkdtempSync(join(tmpdir(), 'ka-nat-'));
const cable = new Cable('work');
const index = cable.index('near');
const virtual = (n: number): KernelAddress => ({
  index,
  address: `10.60.${n >> 8}.${n & 255}` as Ip,
  prefix: 32,
  scope: 0,
  label: 'a:x',
});

async function speak(family: 4 | 6): Promise<void> {
  const tape = new Tape('settling', 128 << 10);
  const near = cable.socket('near', family);
  const far = cable.socket('far', family);
  native.watch(far);
  native.prewake(100);
  for (let id = 0; id < 20; id++)
    native.pace(id, near, 2_000, native.now(), [[numbered(id, family)], [numbered(id, family)]]);
  const parts = [
    { fd: near, datagrams: Array.from({ length: 100 }, (_, n) => numbered(n, family)) },
    { fd: near, pace: 30, period: 5_000, ticks: [[numbered(30, family)]] },
  ];
  for (let round = 0; round < 50; round++) {
    native.shot(round, native.now() + 500, parts);
    native.moveShot(round, native.now() + 200);
    native.repace(round % 20, near, [[numbered(round, family)]]);
    if (round % 3 === 0) native.disarm(round);
    if (round % 7 === 0) block(3);
    await tape.flush();
  }
  for (let id = 0; id < 20; id++) native.unpace(id);
  native.deadman(5_000, file);
  writeFileSync(join(folder, 'ledger'), new Uint8Array(64));
  native.ledger(join(folder, 'ledger'));
  native.ledger(join(folder, 'ledger'));
  native.pace(1, near, 1_000, native.now(), [[numbered(1, family)]]);
  block(20);
  native.alive();
  native.unwatch(far);
  native.pace(2, near, 1_000, native.now(), [[numbered(1, family)]]);
  native.close(near);
  native.close(far);
  await tape.flush();
  native.stop();
}

async function route(): Promise<void> {
  const tape = new Tape('settling', 128 << 10);
  const kernel = new Route();
  const many = Array.from({ length: 500 }, (_, n) => virtual(n));
  kernel.add(many);
  kernel.add([...many, { ...virtual(1), prefix: 33 }, { ...virtual(2), index: 999_999 }]);
  kernel.links();
  kernel.addresses();
  kernel.remove(many);
  await tape.until(() => {
    const news = tape.of('packet').flatMap(({ bytes }) => readNews(bytes));
    return news.filter(({ type }) => type === 'addressGone').length >= 500;
  }, 'the news of 500 addresses');
  kernel.close();
  native.stop();
}

async function processes(): Promise<void> {
  const tape = new Tape();
  const run = (...words: string[]): number =>
    native.spawn({
      file: '/bin/sh',
      arguments: ['sh', '-c', ...words],
      environment: ['A=1'],
      groups: [1, 2],
      uid: 65_534,
      gid: 65_534,
      deathSignal: 15,
    });
  for (let round = 0; round < 20; round++) run(`exit ${round}`);
  const sleeper = run('sleep 60');
  native.stopped(sleeper);
  process.kill(sleeper, 'SIGKILL');
  await tape.until(() => tape.of('exit').length === 21, '21 ends');
  native.catchSignal(36);
  run(`kill -36 ${process.pid}`);
  process.kill(process.pid, 36);
  await tape.first('signal');
  native.setNice(0);
  native.setAffinity([0, 1]);
  native.setScheduling(0, 'other', 0, true);
  native.setLimit(4, 0, Number.POSITIVE_INFINITY);
  native.setName('a name that is too long for the kernel');
  native.setArguments(['keepalived', '-n']);
  native.setArguments(Array.from({ length: 500 }, () => 'more than fits'));
  native.childSubreaper();
  native.parentDeathSignal(0);
  native.capabilities();
  native.syslog(30, 'a line');
  const fd = native.openLocked(join(folder, 'lock'), 0o600);
  native.close(fd);
  native.close(native.packetSocket(index));
  const asker = native.netlinkSocket(0, 0, 4096);
  native.linkFlags(asker, 'a');
  native.linkDetected(asker, 'a');
  try {
    native.linkRegister(asker, 'a', 1);
  } catch {
    // This one has no transceiver; the machine of test/uml has.
  }
  native.close(asker);
  native.stop();
}

/** More news of files than is read at once, of a folder with two names that goes, and after the descriptor has. */
async function files(): Promise<void> {
  const tape = new Tape('settling', 128 << 10);
  const place = join(folder, 'some');
  mkdirSync(place);
  symlinkSync(place, join(folder, 'same'));
  const fd = native.inotify();
  const number = native.inotifyAdd(fd, place, FOLDER_NEWS);
  native.inotifyAdd(fd, join(folder, 'same'), FOLDER_NEWS);
  for (let i = 0; i < 500; i++) writeFileSync(join(place, `${i}${'x'.repeat(200)}`), '1');
  rmSync(place, { recursive: true });
  await tape.until(() => {
    const news = tape.of('files').flatMap(({ bytes }) => [...readFolderNews(bytes)]);
    return news.some((one) => one.number === number && one.what === 'end');
  }, 'the end of the folder');
  native.inotifyAdd(fd, folder, FOLDER_NEWS);
  writeFileSync(join(folder, 'last'), '1');
  native.close(fd);
  await tape.flush();
  native.stop();
}

/** Accepted, refused, unheard, given up before and after, and under way when the thread ends. */
async function dial(): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => {}).destroy());
  cable.on('far', () => server.listen(0));
  const { port } = server.address() as AddressInfo;
  for (const rest of [false, true]) {
    const tape = new Tape('settling', 128 << 10);
    for (let id = 0; id < 300; id++) {
      if (id % 4 === 0) native.dial(id, '10.9.0.2' as Ip, port, 1e6);
      else if (id % 4 === 1) native.dial(id, 'fe80::2' as Ip, 1, 1e6, { device: 'a' });
      else native.dial(id, '10.9.0.99' as Ip, port, id % 8 === 2 ? 1_000 : 1e7, { mark: 3 });
      if (id % 5 === 0) native.hangUp(id);
    }
    native.hangUp(299);
    if (!rest) await tape.until(() => tape.of('reached').length >= 100, 'most answers');
    native.stop();
  }
  server.close();
}

function misuse(): void {
  for (const name of Object.keys(rows) as (keyof Native)[]) {
    const call = native[name] as (...words: unknown[]) => unknown;
    const { wrong, refused = [] } = rows[name];
    for (const words of [...wrong, ...refused.map(([, ...rest]) => rest)]) {
      try {
        call(...words);
      } catch {
        // As it should be: arguments.test.ts looks at how.
      }
    }
  }
}

try {
  await speak(4);
  await speak(6);
  await route();
  await processes();
  await files();
  await dial();
  misuse();
  // The process ends with the thread at work.
  new Tape();
  native.pace(1, cable.socket('near'), 300, native.now(), [[numbered(1)]]);
  console.log('done');
} finally {
  rmSync(folder, { recursive: true });
  setImmediate(() => process.exit());
}
