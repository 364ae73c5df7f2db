// auth_type AH against keepalived 2.2.7 in both roles: who is believed, who takes over, and what is not believed: a
// changed advert, one with another password, one that was heard before.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Daemon, DaemonKind } from './daemon.ts';
import { startInjector } from './inject.ts';
import { Lab } from './lab.ts';
import type { Router } from './router.ts';
import { configOf } from './router.ts';
import { type Counters, readStatistics } from './statistics.ts';

const router = (priority: number, password = 'secret12', nopreempt = false): Router => ({
  version: 2,
  family: 4,
  interval: 1,
  transport: 'multicast',
  vrid: 51,
  priority,
  nopreempt,
  addresses: ['10.0.0.100/24'],
  more: ['authentication {', '  auth_type AH', `  auth_pass ${password}`, '}'],
});

const capture = 'ip proto 51 or ip proto 112 or arp';
const FAILURE = 'Authentication Errors/Failure';

/** The number in the authentication header, where the frame has one. */
const numberOf = ({ bytes }: { readonly bytes: Buffer }): number | undefined =>
  bytes.length >= 58 && bytes[23] === 51 ? bytes.readUInt32BE(42) : undefined;

const errorsOf = (counters: Counters): Counters =>
  Object.fromEntries(
    Object.entries(counters).filter(([name, count]) => name.includes('Errors/') && count > 0),
  );

async function start(lab: Lab, host: string, kind: DaemonKind, settings: Router): Promise<Daemon> {
  return lab.host(host).start(kind, configOf(kind, settings, lab.host(host)));
}

// Each mostly waits.
describe('AH', { concurrency: true }, () => {
  for (const [better, worse] of [
    ['ours', 'keepalived'],
    ['keepalived', 'ours'],
  ] as const)
    it(`under auth_type AH ${better} is obeyed by ${worse}, which takes over and gives back`, async () => {
      const lab = await Lab.open({ capture });
      try {
        const second = await start(lab, 'b', worse, router(100));
        await lab.untilHolder('10.0.0.100', 'b', 15_000);
        const first = await start(lab, 'a', better, router(150));
        await lab.untilHolder('10.0.0.100', 'a', 15_000);
        await lab.until('it steps back', () => lab.holders('10.0.0.100').join() === 'a', 15_000);
        const sealed = (): number =>
          lab.frames.filter((frame) => numberOf(frame) !== undefined).length;
        const seen = sealed();
        await lab.until('nine adverts later', () => sealed() > seen + 9, 20_000);
        assert.deepEqual(lab.holders('10.0.0.100'), ['a'], 'each of them was believed');
        assert.deepEqual(errorsOf(await readStatistics(lab, second)), {});
        first.signal('SIGTERM');
        await first.ended;
        await lab.until(
          'the other takes over',
          () => lab.holders('10.0.0.100').join() === 'b',
          15_000,
        );
        await start(lab, 'a', better, router(150));
        await lab.until('it comes back', () => lab.holders('10.0.0.100').join() === 'a', 20_000);
        assert.deepEqual(errorsOf(await readStatistics(lab, second)), {});
        // Multicast: everything without a header would be another authentication.
        assert.equal(lab.frames.filter(({ message }) => message.kind === 'advert').length, 0);
      } finally {
        await lab.close();
      }
    });

  it('under auth_type AH what is heard again, changed or sealed with another password is counted and not believed', async () => {
    const lab = await Lab.open({ hosts: ['a', 'b', 'c', 'd'], capture });
    let injector: Awaited<ReturnType<typeof startInjector>> | undefined;
    try {
      await start(lab, 'a', 'keepalived', router(150));
      await lab.untilHolder('10.0.0.100', 'a', 15_000);
      const ours = await start(lab, 'b', 'ours', router(100));
      const theirs = await start(lab, 'd', 'keepalived', router(90));
      const frames = await lab.until(
        'two adverts',
        () => {
          const sealed = lab.frames.filter((frame) => numberOf(frame) !== undefined);
          return sealed.length > 6 ? sealed : undefined;
        },
        20_000,
      );
      injector = await startInjector(lab.host('c'));
      const [old] = frames;
      assert.ok(old);
      const before = [await readStatistics(lab, ours), await readStatistics(lab, theirs)];
      const changed = Buffer.from(frames.at(-1)?.bytes ?? old.bytes);
      changed.writeUInt32BE(changed.readUInt32BE(42) + 100, 42);
      await injector.send([old.bytes, changed]);
      const rise = async (daemon: Daemon, at: number): Promise<number> =>
        ((await readStatistics(lab, daemon))[FAILURE] ?? 0) - (before[at]?.[FAILURE] ?? 0);
      let risen = 0;
      while (risen < 2) risen = await rise(ours, 0);
      assert.equal(risen, 2, 'one heard before, one changed');
      // One complaint a minute for each reason.
      const said = (): string => ours.lines.map(({ text }) => text).join('\n');
      await lab.until('ours has said why', () => /already processed/.test(said()) || undefined);
      assert.equal(await rise(theirs, 1), 2, 'keepalived counts the same');
      assert.deepEqual(lab.holders('10.0.0.100'), ['a']);
    } finally {
      injector?.close();
      await lab.close();
    }
  });

  it('under auth_type AH a killed VRRP child is followed by one whose adverts keepalived takes for new', async () => {
    const lab = await Lab.open({ capture });
    try {
      const ours = await start(lab, 'a', 'ours', router(150));
      await lab.untilHolder('10.0.0.100', 'a', 15_000);
      const theirs = await start(lab, 'b', 'keepalived', router(100));
      const numbers = (): readonly number[] => lab.frames.flatMap((frame) => numberOf(frame) ?? []);
      let seen = numbers().length;
      await lab.until('five adverts', () => numbers().length > seen + 5, 15_000);
      process.kill(Number(ours.read('run/vrrp.pid')), 'SIGKILL');
      seen = numbers().length;
      await lab.until('five more', () => numbers().length > seen + 5, 15_000);
      const all = numbers();
      for (const [i, number] of all.entries())
        assert.ok(i === 0 || number > (all[i - 1] ?? 0), `${all}`);
      assert.deepEqual(errorsOf(await readStatistics(lab, theirs)), {});
      assert.deepEqual(lab.holders('10.0.0.100'), ['a']);
    } finally {
      await lab.close();
    }
  });
});
