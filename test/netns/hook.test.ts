// startup_script and shutdown_script: what they see, what happens when they fail or never end, and that nothing of them is left.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireProgram } from './programs.ts';
import { instance, options, program, type Sandbox, sandbox, until } from './sandbox.ts';

/** Notes whether the VRRP child and its address are there; then sleeps and ends as it is told. */
const SCRIPT = `#!/bin/bash
ip -o address show dev eth0 | grep -q 10.9.0.100 && held=held || held=free
test -e /run/vrrp.pid && grep -q . /run/vrrp.pid && child=child || child=alone
echo "$1 $child $held" >>/run/hook.log
sleep "$2" & wait
exit "$3"
`;

const config = (up: string, down: string): string => `global_defs {
  enable_script_security
  script_user root
  startup_script "/run/hook up ${up}"
  startup_script_timeout 1
  shutdown_script "/run/hook down ${down}"
  shutdown_script_timeout 1
}
${instance()}`;

async function prepare(box: Sandbox, text: string): Promise<void> {
  box.write('run/hook', SCRIPT);
  await box.start(['chmod', '755', '/run/hook']).ended;
  box.write('tmp/keepalived.conf', text);
}
const holds = async (box: Sandbox): Promise<boolean> => {
  const shown = box.start(['ip', '-o', 'address', 'show', 'dev', 'eth0']);
  await shown.ended;
  return shown.stdout.includes('10.9.0.100');
};
const arguments_ = ['-n', '-l', '-D', '-f', '/tmp/keepalived.conf'];

test(
  'before the first child and after the last address, as keepalived’s; a failure changes nothing',
  options,
  async (t) => {
    for (const words of [[requireProgram('keepalived')], [process.execPath, program]]) {
      const box = await sandbox(t);
      await prepare(box, config('0 3', '0 4'));
      const daemon = box.start([...words, ...arguments_]);
      await until('the address', () => holds(box));
      daemon.signal('SIGTERM');
      assert.equal(await daemon.ended, 0);
      const log = `${daemon.stdout}${daemon.stderr}`;
      for (const line of [
        'Running startup script /run/hook',
        'startup script script failed, status 3',
        'Running shutdown script /run/hook',
        'shutdown script script failed, status 4',
      ])
        assert.ok(log.includes(line), `${line}\n${log}`);
      assert.equal(box.read('run/hook.log'), 'up alone free\ndown alone free\n');
    }
  },
);

test('one that does not end is ended, with what it has started', options, async (t) => {
  const box = await sandbox(t);
  await prepare(box, config('1000 0', '1000 0'));
  const daemon = box.start([process.execPath, program, ...arguments_]);
  await until('the address', () => holds(box));
  assert.ok(daemon.stderr.includes('startup script timed out'));
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
  assert.ok(daemon.stderr.includes('shutdown script timed out'));
  const left = box.start(['pgrep', '-f', 'sleep 1000']);
  await left.ended;
  const mine = box.start(['ip', 'netns', 'pids', box.namespace]);
  await mine.ended;
  const sleeping = left.stdout.split('\n').filter((pid) => mine.stdout.split('\n').includes(pid));
  assert.deepEqual(sleeping.filter(Boolean), []);
});

test(
  'stopped while the startup script runs, it ends at once and starts nothing',
  options,
  async (t) => {
    const box = await sandbox(t);
    await prepare(box, config('1000 0', '0 0').replace('startup_script_timeout 1', ''));
    const daemon = box.start([process.execPath, program, ...arguments_]);
    await until('the script', () => box.read('run/hook.log')?.includes('up'));
    daemon.signal('SIGHUP');
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
    assert.ok(!daemon.stderr.includes('Starting VRRP child'));
    assert.equal(box.read('run/hook.log'), 'up alone free\n');
  },
);
