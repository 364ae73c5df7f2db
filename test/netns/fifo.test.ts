// The FIFOs and their readers: the same files, lines and processes as keepalived's in the same scene.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requireProgram } from './programs.ts';
import { options, program, type Running, type Sandbox, sandbox, until } from './sandbox.ts';

/** Says when it starts and what it reads. */
const READER = `#!/bin/bash
echo "start $1 $2 $(id -u)" >>/run/reader.log
while read -r line; do echo "line $line" >>/run/reader.log; done <"$2"
`;

const config = (priority: number): string => `global_defs {
  enable_script_security
  script_user root
  vrrp_notify_fifo /run/vrrp.fifo daemon daemon
  vrrp_notify_fifo_script "/run/reader one" root
  notify_fifo /run/all.fifo
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  priority ${priority}
  advert_int 0.1
  version 3
  virtual_ipaddress {
    10.9.0.100
  }
}
`;

const isFifo = (box: Sandbox, name: string): boolean =>
  statSync(join(box.folder, `run/${name}.fifo`), { throwIfNoEntry: false })?.isFIFO() === true;

async function play(box: Sandbox, daemon: Running): Promise<string> {
  const log = (): string => box.read('run/reader.log') ?? '';
  await until('MASTER is told', () => log().includes('MASTER 100'));
  const modes = ['vrrp', 'all'].map((name) => {
    const { mode, uid } = statSync(join(box.folder, `run/${name}.fifo`));
    return `${name} ${(mode & 0o170777).toString(8)} ${uid}`;
  });
  unlinkSync(join(box.folder, 'run/all.fifo'));
  box.write('tmp/keepalived.conf', config(120));
  daemon.signal('SIGHUP');
  await until('the reader starts again', () => log().split('start').length === 3);
  await until('the FIFO that was removed is there again', () => isFifo(box, 'all') || undefined);
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
  const left = ['vrrp', 'all'].filter((name) => existsSync(join(box.folder, `run/${name}.fifo`)));
  // The reader that starts again may write before or after the end of the old one is noted.
  const lines = log()
    .split('\n')
    .filter((line) => line !== 'end' && !line.includes('STOP'));
  return [...modes, `left: ${left}`, ...lines].join('\n');
}

test('files, owners, lines and readers are keepalived’s', options, async (t) => {
  const outcome = async (words: readonly string[]): Promise<string> => {
    const box = await sandbox(t);
    box.write('run/reader', READER);
    await box.start(['chmod', '755', '/run/reader']).ended;
    box.write('tmp/keepalived.conf', config(100));
    const arguments_ = ['-n', '-l', '-D', '-f', '/tmp/keepalived.conf'];
    return play(box, box.start([...words, ...arguments_]));
  };
  const theirs = await outcome([requireProgram('keepalived')]);
  assert.equal(await outcome([process.execPath, program]), theirs);
  assert.match(theirs, /^vrrp 10600 1\nall 10600 0\nleft: \nstart one \/run\/vrrp.fifo 0\n/);
});

test(
  'a FIFO that nobody reads holds nobody up, and says once that lines are lost',
  options,
  async (t) => {
    const box = await sandbox(t);
    const globals = 'global_defs {\n  notify_fifo /run/all.fifo\n}\n';
    const daemon = box.daemon(globals + config(100).replace(/global_defs \{[^}]*\}\n/, ''));
    await until('it is master', () => daemon.stderr.includes('Entering MASTER STATE'));
    const filler = box.start([
      'bash',
      '-c',
      'exec 9<>/run/all.fifo; dd if=/dev/zero of=/run/all.fifo oflag=nonblock bs=1 count=70000; sleep 1000',
    ]);
    await until('the pipe is full', () => filler.stderr.includes('records out'));
    // The link goes and comes: FAULT, BACKUP, MASTER.
    const ip = ['ip', 'link', 'set', 'peer0'];
    await box.start([...ip, 'down']).ended;
    await until('it says so', () => daemon.stderr.includes('FIFO /run/all.fifo is full'));
    const times = daemon.stderr.split('Entering MASTER STATE').length;
    await box.start([...ip, 'up']).ended;
    await until('master again', () => daemon.stderr.split('Entering MASTER STATE').length > times);
    assert.equal(daemon.stderr.split('is full').length, 2);
    filler.signal('SIGKILL');
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
  },
);

test(
  'what is no FIFO is written to and stays; a path that cannot be is an error and no end',
  options,
  async (t) => {
    const box = await sandbox(t);
    box.write('run/file', 'before\n');
    const globals = 'global_defs {\n  notify_fifo /run/file\n  vrrp_notify_fifo /nowhere/fifo\n}\n';
    const daemon = box.daemon(globals + config(100).replace(/global_defs \{[^}]*\}\n/, ''));
    await until('MASTER is told', () => box.read('run/file')?.includes('MASTER 100') === true);
    assert.match(daemon.stderr, /Unable to create FIFO \/nowhere\/fifo/);
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
    assert.match(box.read('run/file') ?? '', /^before\nINSTANCE "VI_1" BACKUP 100\n.*STOP 100\n$/s);
  },
);

test(
  'a reader that a reload sends away takes none of the lines that follow',
  options,
  async (t) => {
    const box = await sandbox(t);
    const reader = (before: string, file: string): void => {
      // Put into its place whole: the one that runs is still being read.
      box.write('run/new', `#!/bin/bash\n${before}\nexec cat "$2" >>/run/${file}\n`);
      chmodSync(join(box.folder, 'run/new'), 0o755);
      renameSync(join(box.folder, 'run/new'), join(box.folder, 'run/reader'));
    };
    reader("trap '' TERM", 'first');
    const text = config(100).replace('{', '{\n  fifo_write_vrrp_states_on_reload');
    const daemon = box.daemon(text);
    await until('MASTER is told', () => box.read('run/first')?.includes('MASTER 100') === true);
    const first = box.read('run/first');
    // As long as somebody else has it open, its end tells a reader nothing.
    const holder = box.start(['bash', '-c', 'exec 9<>/run/vrrp.fifo; echo open >&2; sleep 1000']);
    await until('it is open', () => holder.stderr.includes('open'));
    reader('', 'second');
    daemon.signal('SIGHUP');
    await until('and again', () => box.read('run/second')?.includes('MASTER 100') === true);
    assert.equal(box.read('run/first'), first);
    holder.signal('SIGKILL');
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
  },
);
