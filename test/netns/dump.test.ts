// Where state files are: data_use_instance, state_dump_file, stats_dump_file and json_dump_file, by the files that are
// there after the signals, beside keepalived 2.2.7 where it knows the row.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requireProgram } from './programs.ts';
import {
  options,
  program,
  type Running,
  type Sandbox,
  sandbox,
  until,
  withIpvs,
} from './sandbox.ts';

const JSON_SIGNAL = 36;
const ours = [process.execPath, program];

const configOf = (globals: readonly string[], top = ''): string => `${top}
global_defs {
  ${globals.join('\n  ')}
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  virtual_ipaddress {
    10.9.0.100/24
  }
}
`;

const service = `virtual_server 10.9.0.100 80 {
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 10.9.0.1 80 {
  }
}
`;

function start(
  box: Sandbox,
  words: readonly string[],
  config: string,
  more: readonly string[] = [],
): Running {
  box.write('tmp/keepalived.conf', config);
  const all = [...words, '-n', '-l', '-D', '-f', '/tmp/keepalived.conf', ...more];
  return box.start(all, { env: withIpvs });
}

async function ask(box: Sandbox, daemon: Running, files: readonly string[]): Promise<void> {
  await until('it runs', () => `${daemon.stdout}${daemon.stderr}`.includes('Startup complete'));
  for (const signal of ['SIGUSR1', 'SIGUSR2', JSON_SIGNAL] as const) daemon.signal(signal);
  const there = (): boolean => files.every((name) => existsSync(join(box.folder, name)));
  await until(`${files} are there`, there);
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
}

const dumpsIn = (box: Sandbox): readonly string[] =>
  readdirSync(join(box.folder, 'tmp'))
    .filter((name) => /\.(data|stats|json)$/.test(name) && !name.includes('_reasons'))
    .sort();

test(
  'data_use_instance: names of namespace and instance stand in the names of data',
  options,
  async (t) => {
    const outcome = async (words: readonly string[]): Promise<readonly string[]> => {
      const box = await sandbox(t);
      // Without the child that checks servers there is nothing of them either.
      const config = configOf(['data_use_instance'], 'instance inst1') + service;
      const daemon = start(box, words, config, ['--vrrp']);
      await ask(box, daemon, [
        'tmp/keepalived.inst1.data',
        'tmp/keepalived_parent.inst1.data',
        'tmp/keepalived.stats',
      ]);
      return dumpsIn(box);
    };
    const theirs = await outcome([requireProgram('keepalived')]);
    assert.deepEqual(await outcome(ours), theirs);
  },
);

test('data_use_instance: with -s the namespace is among the names', options, async (t) => {
  // A sandbox sees the namespaces that were there before it.
  const inner = await sandbox(t);
  const box = await sandbox(t);
  const config = configOf(['data_use_instance'], 'instance inst1');
  const daemon = start(box, ours, config, ['-s', inner.namespace]);
  await ask(box, daemon, [`tmp/keepalived.${inner.namespace}_inst1.data`]);
});

test(
  'state_dump_file, stats_dump_file and json_dump_file name the files, or a folder',
  options,
  async (t) => {
    const box = await sandbox(t);
    mkdirSync(join(box.folder, 'tmp/there'));
    const daemon = start(
      box,
      ours,
      configOf([
        'state_dump_file /tmp/there/own.data',
        'stats_dump_file /tmp/there/',
        'json_dump_file below.json',
      ]) + service,
    );
    await ask(box, daemon, [
      'tmp/there/own.data',
      'tmp/there/own_check.data',
      'tmp/there/own_parent.data',
      'tmp/there/keepalived.stats',
      'tmp/below.json',
      'tmp/below_check.json',
    ]);
    assert.deepEqual(dumpsIn(box), ['below.json', 'below_check.json']);
  },
);
