// Builds the addon with AddressSanitizer and with UndefinedBehaviorSanitizer and puts each to work (workload.ts).
// Any report fails: of memory that is not its own or no more, of what C++ leaves undefined.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { native } from '../../src/net/native.ts';
import { sweep } from './cable.ts';

function build(sanitize: string): string {
  execFileSync('scripts/build-addon', {
    env: { ...process.env, SANITIZE: sanitize },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return `${process.cwd()}/dist/sanitize-${sanitize}/keepalived.node`;
}

/** Node itself is not instrumented: the library has to be there before it. */
function work(addon: string, library: string, options: Record<string, string>) {
  const preload = execFileSync('g++', [`-print-file-name=${library}`], { encoding: 'utf8' }).trim();
  const { NODE_EXTRA_CA_CERTS: _, NODE_TEST_CONTEXT: __, ...environment } = process.env;
  return spawnSync(process.execPath, ['--import', 'tsx', 'test/native/workload.ts'], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...environment, LD_PRELOAD: preload, KEEPALIVED_ADDON: addon, ...options },
  });
}

describe('the addon', () => {
  after(sweep);

  it('uses no memory that is not its own', () => {
    const addon = build('address');
    assert.match(readFileSync(addon, 'latin1'), /__asan_report/);
    // Leaks of Node itself are not ours to find, and it never frees all it has.
    const { stdout, stderr, status } = work(addon, 'libasan.so', {
      ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:detect_stack_use_after_return=1',
    });
    assert.doesNotMatch(stderr, /Sanitizer|runtime error/);
    assert.deepEqual([stdout, status], ['done\n', 0], stderr);
  });

  it('does nothing that C++ leaves undefined', () => {
    const addon = build('undefined');
    assert.match(readFileSync(addon, 'latin1'), /__ubsan_handle/);
    const { stdout, stderr, status } = work(addon, 'libubsan.so', {
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    });
    assert.doesNotMatch(stderr, /Sanitizer|runtime error/);
    assert.deepEqual([stdout, status], ['done\n', 0], stderr);
  });

  it('that the other tests use is not instrumented', () => {
    assert.ok(native.now() > 0);
    assert.doesNotMatch(
      readFileSync('dist/keepalived.node', 'latin1'),
      /__asan_report|__ubsan_handle/,
    );
  });
});
