// What signals do to the parent and to its children: those that nobody has given a meaning, and those sent to a child rather
// than to its parent. Ours beside keepalived 2.2.7.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requireProgram } from './programs.ts';
import { instance, options, program, sandbox, until, withIpvs } from './sandbox.ts';

/** SIGILL, SIGBUS, SIGFPE, SIGKILL, SIGSEGV. */
const ENDS = [4, 7, 8, 9, 11];
/** SIGTRAP and SIGSYS come from a fault with us: keepalived, which blocks them, lives. */
const ENDS_OURS = [5, 31];
const STOPS = [19];
/** SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM; SIGRTMIN+2 for JSON and SIGRTMAX-1 for statistics that start anew. */
const MEANS = [1, 2, 10, 12, 15, 36, 63];
/** The C library keeps them for itself. */
const RESERVED = [32, 33];

const SHRUGGED = Array.from({ length: 64 }, (_, i) => i + 1).filter(
  (signal) => ![...ENDS, ...ENDS_OURS, ...STOPS, ...MEANS, ...RESERVED].includes(signal),
);

/** What a signal to the VRRP process writes. */
const DUMPS = [
  [10, 'keepalived.data'],
  [12, 'keepalived.stats'],
  [36, 'keepalived.json'],
  [63, 'keepalived.stats'],
] as const;

const CONFIG = instance();
const SERVICE = `virtual_server 10.0.0.200 80 {
lvs_sched rr
lvs_method NAT
protocol TCP
real_server 127.0.0.1 80 {
}
}
`;

test(
  'signals without a meaning change nothing, in the parent and in its child',
  options,
  async (t) => {
    assert.equal(SHRUGGED.length, 64 - 17);
    for (const words of [[requireProgram('keepalived')], [process.execPath, program]]) {
      const box = await sandbox(t);
      box.write('tmp/keepalived.conf', CONFIG);
      const daemon = box.start([...words, '-n', '-l', '-D', '-f', '/tmp/keepalived.conf']);
      const said = (): string => daemon.stdout + daemon.stderr;
      await until('master', () => said().includes('Entering MASTER STATE') || undefined);
      const child = box.pid('run/vrrp.pid');
      for (const signal of SHRUGGED)
        for (const pid of [daemon.pid, child]) {
          process.kill(pid, signal);
          assert.equal(box.pid('run/vrrp.pid'), child, `signal ${signal} to ${words[0]}`);
        }
      daemon.signal('SIGUSR2');
      await until('it writes statistics', () => box.read('tmp/keepalived.stats'));
      // To the child alone.
      for (const [signal, file] of DUMPS) {
        rmSync(join(box.folder, 'tmp', file), { force: true });
        process.kill(child, signal);
        await until(`signal ${signal} writes ${file}`, () => box.read(`tmp/${file}`));
      }
      process.kill(child, 'SIGHUP');
      await until('a reload', () => /Reloading$/m.test(said()) || undefined);
      assert.equal(box.pid('run/vrrp.pid'), child);
      assert.doesNotMatch(said(), /exited due to|Respawning|died/);
      daemon.signal('SIGTERM');
      assert.equal(await daemon.ended, 0);
    }
  },
);

test(
  'who signals the parent and its children at once clears once, and reloads once or twice',
  options,
  async (t) => {
    const box = await sandbox(t);
    box.write('tmp/keepalived.conf', `${CONFIG}${SERVICE}`);
    const words = ['-n', '-l', '-D', '-f', '/tmp/keepalived.conf'];
    const daemon = box.start([process.execPath, program, ...words], { env: withIpvs });
    const said = (): string => daemon.stdout + daemon.stderr;
    const count = (text: RegExp): number => [...said().matchAll(text)].length;
    await until('master', () => said().includes('Entering MASTER STATE') || undefined);
    await until('both children', () => said().includes('Startup complete') || undefined);
    const [vrrp, check] = [box.pid('run/vrrp.pid'), box.pid('run/checkers.pid')];
    process.kill(check, 'SIGUSR1');
    await until('the checker child alone', () => box.read('tmp/keepalived_check.data'));
    const all = (signal: number): void => {
      for (const pid of [daemon.pid, vrrp, check]) process.kill(pid, signal);
    };
    all(63);
    await until('the statistics', () => box.read('tmp/keepalived.stats'));
    all(1);
    await until('the end of a reload', () => count(/Reload complete/g) > 0 || undefined);
    // What comes after this answer would have begun before it.
    all(36);
    await until('JSON', () => box.read('tmp/keepalived.json'));
    const reloads = count(/Reloading \.\.\.$/gm);
    assert.ok(reloads === 1 || reloads === 2, `${reloads} reloads`);
    assert.match(box.read('tmp/keepalived.stats') ?? '', /Became master: 1/);
    assert.equal(count(/Printing and clearing/g), 1);
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
  },
);
