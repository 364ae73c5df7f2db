// What signals do that nobody has given a meaning, to the parent and to the VRRP process, ours beside keepalived 2.2.7.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireProgram } from './programs.ts';
import { instance, options, program, sandbox, until } from './sandbox.ts';

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

const CONFIG = instance();

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
      assert.doesNotMatch(said(), /exited due to|Respawning|died/);
      daemon.signal('SIGTERM');
      assert.equal(await daemon.ended, 0);
    }
  },
);
