// The parent process and everything around it, on real processes: who is started again, what is written where, and how the
// daemon ends. Each test has namespaces of its own.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inNamespace, originPath } from '../../src/net/namespace.ts';
import { run } from './command.ts';
import { buildMutant } from './mutant.ts';
import { node, sanitized } from './programs.ts';
import { logged, options, program, type Running, type Sandbox, sandbox, until } from './sandbox.ts';

const config = `global_defs {
  router_id test
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 5
  priority 100
  advert_int 1
  virtual_ipaddress {
    10.9.0.100
  }
}
`;

const alive = (pid: number): boolean => existsSync(`/proc/${pid}`) && state(pid) !== 'Z';

/** The letter of /proc/PID/stat. */
function state(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3);
  } catch {
    return 'Z';
  }
}

const words = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').split('\0');
const name = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

const pidFiles = (box: Sandbox): string[] =>
  readdirSync(join(box.folder, 'run')).filter((file) => file.endsWith('.pid'));

/** The child's pid once it runs. */
async function running(box: Sandbox, daemon: Running): Promise<number> {
  await logged(daemon, 'Startup complete');
  return until("the child's PID file", () => box.pid('run/vrrp.pid'));
}

const replaced = (box: Sandbox, old: number): Promise<number> =>
  until('another child', () => {
    const pid = box.pid('run/vrrp.pid');
    return pid !== 0 && pid !== old && alive(pid) ? pid : 0;
  });

test(
  'parent and child are called keepalived, keep their arguments, and write PID files',
  options,
  async (t) => {
    const box = await sandbox(t);
    const daemon = box.daemon(config);
    const child = await running(box, daemon);
    const expected = ['keepalived', '-n', '-l', '-D', '-f', '/tmp/keepalived.conf'];
    for (const pid of [daemon.pid, child]) {
      assert.equal(name(pid), 'keepalived');
      assert.deepEqual(words(pid), expected);
    }
    assert.ok(daemon.pid < child, 'the parent has the lowest pid');
    const pgrep = box.start(['pgrep', '-x', 'keepalived']);
    assert.equal(await pgrep.ended, 0);
    const found = pgrep.stdout.split('\n').map(Number);
    assert.ok(found.includes(daemon.pid) && found.includes(child));
    assert.equal(box.read('run/keepalived.pid'), `${daemon.pid}\n`);
    assert.equal(box.read('run/vrrp.pid'), `${child}\n`);
    assert.equal(statSync(join(box.folder, 'run/keepalived.pid')).mode & 0o777, 0o644);
    assert.equal(statSync(join(box.folder, 'run/vrrp.pid')).mode & 0o777, 0o644);
  },
);

test(
  'what the I/O thread writes to is in memory: a page of a file would make it wait for the disk',
  options,
  async (t) => {
    const box = await sandbox(t);
    const child = await running(box, box.daemon(config));
    const shared = readFileSync(`/proc/${child}/maps`, 'utf8').match(/ rw-s .*/g) ?? [];
    assert.ok(shared.length > 0);
    for (const mapping of shared) assert.match(mapping, /\/memfd:keepalived|io_uring/);
  },
);

test("the log begins and ends as keepalived's", options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config);
  const child = await running(box, daemon);
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
  const lines = daemon.stderr.trim().split('\n');
  const dated =
    /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123]\d \d\d:\d\d:\d\d \d{4}: /;
  for (const line of lines) assert.match(line, dated);
  const texts = lines.map((line) => line.replace(dated, ''));
  assert.match(texts[0] ?? '', /^Starting Keepalived v2\.2\.7 /);
  assert.match(texts[1] ?? '', /^Running on Linux /);
  assert.equal(texts[2], "Command line: 'keepalived' '-n' '-l' '-D' '-f' '/tmp/keepalived.conf'");
  assert.equal(texts[3], "Opening file '/tmp/keepalived.conf'.");
  assert.equal(texts[4], 'Configuration file /tmp/keepalived.conf');
  assert.ok(texts.includes(`Starting VRRP child process, pid=${child}`));
  assert.ok(texts.includes('Stopping'));
  assert.match(texts.at(-1) ?? '', /^Stopped Keepalived v2\.2\.7 /);
});

test('a killed child is started again', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config);
  const child = await running(box, daemon);
  process.kill(child, 'SIGKILL');
  const next = await replaced(box, child);
  assert.ok(alive(next));
  await logged(daemon, `VRRP child process(${child}) died: Respawning`);
  await logged(daemon, 'Restart of VRRP process delayed 0 seconds to limit respawn rate');
});

test('a start that takes four seconds, as on a small machine, is no hang', options, async (t) => {
  const slow = await buildMutant({
    guard: 'nothing: something is added, not taken away',
    file: 'src/net/thread.ts',
    from: '    this.#renewal =',
    to: '    for (const begun = Date.now(); Date.now() - begun < 4000; );\n    this.#renewal =',
  });
  t.after(() => slow.remove());
  const box = await sandbox(t);
  box.write('tmp/keepalived.conf', config);
  const words = [node, slow.program, '-n', '-l', '-P', '-f', '/tmp/keepalived.conf'];
  const daemon = box.start(words, { env: slow.options.environment ?? {} });
  await logged(daemon, 'Startup complete');
  assert.doesNotMatch(daemon.stderr, /hangs/);
});

test('a child stopped from outside is killed and replaced', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config);
  const child = await running(box, daemon);
  process.kill(child, 'SIGSTOP');
  await replaced(box, child);
  assert.ok(!alive(child));
  await logged(daemon, `VRRP child process(${child}) was stopped by a signal`);
});

test(
  'a child whose loop hangs is noticed by its I/O thread, killed and replaced',
  options,
  async (t) => {
    const box = await sandbox(t);
    box.write('tmp/keepalived.conf', config);
    const fixture = fileURLToPath(new URL('../fixtures/hanging.ts', import.meta.url));
    const project = fileURLToPath(new URL('../..', import.meta.url));
    const command = [node, '--import', 'tsx', fixture, '-n', '-l', '-f', '/tmp/keepalived.conf'];
    const daemon = box.start(command, { directory: project });
    const child = await running(box, daemon);
    daemon.signal('SIGUSR2');
    const since = performance.now();
    await replaced(box, child);
    // Three heartbeats would take 20 s: it was the pipe.
    assert.ok(performance.now() - since < 10_000);
    assert.ok(!alive(child));
    await logged(daemon, `VRRP child process(${child}) hangs`);
  },
);

test('with -R a dead child ends the daemon with status 0', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config, ['-R']);
  const child = await running(box, daemon);
  process.kill(child, 'SIGKILL');
  assert.equal(await daemon.ended, 0);
  assert.match(daemon.stderr, /VRRP child process\(\d+\) died: Exiting/);
});

test(
  'SIGTERM and SIGINT stop everything, remove the PID files and give status 0',
  options,
  async (t) => {
    const box = await sandbox(t);
    const times: number[] = [];
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) {
      const daemon = box.daemon(config);
      const child = await running(box, daemon);
      const since = performance.now();
      daemon.signal(signal);
      assert.equal(await daemon.ended, 0);
      times.push(performance.now() - since);
      assert.ok(!alive(child));
      assert.deepEqual(pidFiles(box), []);
    }
    const limit = sanitized ? 1_000 : 100;
    assert.ok(Math.min(...times) < limit, `stopping took ${times.map(Math.round).join(', ')} ms`);
  },
);

test('the child gives up its addresses and ends when the parent is killed', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config.replace('priority 100', 'priority 254\n  state MASTER'));
  const child = await running(box, daemon);
  await until('the address', async () => (await box.addresses()).includes('10.9.0.100'));
  daemon.signal('SIGKILL');
  await until('the end of the child', () => !alive(child));
  assert.ok(!(await box.addresses()).includes('10.9.0.100'));
});

test(
  'a second daemon says that one is running and ends with 0; a stale PID file stops nobody',
  options,
  async (t) => {
    const box = await sandbox(t);
    // The number of a process that lives and is not ours.
    for (const file of ['run/keepalived.pid', 'run/vrrp.pid']) box.write(file, `${process.pid}\n`);
    const daemon = box.daemon(config);
    const child = await running(box, daemon);
    assert.equal(box.pid('run/keepalived.pid'), daemon.pid);
    const second = box.daemon(config);
    assert.equal(await second.ended, 0);
    assert.match(second.stderr, /daemon is already running/);
    assert.equal(box.pid('run/keepalived.pid'), daemon.pid, "the file is the first one's still");
    // Even where only one of the files is shared.
    const third = box.daemon(config, ['-p', '/run/other.pid']);
    assert.equal(await third.ended, 0);
    assert.equal(box.read('run/other.pid'), undefined);
    assert.equal(box.pid('run/vrrp.pid'), child);
    // Killed, both files stay behind; the next daemon starts at once.
    daemon.signal('SIGKILL');
    await until('the end of both', () => !alive(daemon.pid) && !alive(child));
    assert.equal(box.pid('run/keepalived.pid'), daemon.pid);
    const fourth = box.daemon(config);
    await running(box, fourth);
    assert.equal(box.pid('run/keepalived.pid'), fourth.pid);
  },
);

test(
  'in the background: status 0 once the PID file is written, 6 and 1 for early errors',
  options,
  async (t) => {
    const box = await sandbox(t);
    box.write('tmp/keepalived.conf', config);
    const start = (...more: string[]): Running =>
      box.start([node, program, ...more], { directory: '/tmp' });
    const launcher = start('-D', '-l', '-f', 'keepalived.conf');
    assert.equal(await launcher.ended, 0);
    const pid = box.pid('run/keepalived.pid');
    assert.ok(pid > 0 && pid !== launcher.pid);
    assert.deepEqual(words(pid), ['keepalived', '-D', '-l', '-f', 'keepalived.conf']);
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    assert.deepEqual(fields.slice(2, 4), [String(pid), String(pid)], 'leads a session and a group');
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), '/');
    for (const fd of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${pid}/fd/${fd}`), '/dev/null');
    assert.equal(await start('-f', 'keepalived.conf').ended, 0, 'already running');
    // A relative path is found again at a reload, though the daemon has changed its directory.
    const child = await until('the child', () => box.pid('run/vrrp.pid'));
    box.write('tmp/keepalived.conf', config.replace('priority 100', 'priority 77'));
    process.kill(pid, 'SIGHUP');
    await until('the new priority in the dump', () => {
      process.kill(pid, 'SIGUSR1');
      return box.read('tmp/keepalived.data')?.includes('Priority = 77');
    });
    assert.equal(box.pid('run/vrrp.pid'), child);
    process.kill(pid, 'SIGTERM');
    await until('the end', () => !alive(pid));
    assert.equal(box.read('run/keepalived.pid'), undefined);
    assert.equal(await start('-f', 'missing.conf').ended, 6);
    assert.equal(await start('--no-such-option').ended, 1);
  },
);

/** What SIGUSR1 writes; the last one is ours alone. */
const DUMPS = ['keepalived.data', 'keepalived_parent.data', 'keepalived_reasons.data'];

test(
  'SIGUSR1: dumps of parent and child, mode 0600, never through a link, TMPDIR honoured',
  options,
  async (t) => {
    const box = await sandbox(t);
    box.write('tmp/victim', 'untouched');
    for (const file of DUMPS) symlinkSync('/tmp/victim', join(box.folder, 'tmp', file));
    const daemon = box.daemon(config);
    await running(box, daemon);
    daemon.signal('SIGUSR1');
    for (const file of DUMPS) {
      const path = join(box.folder, 'tmp', file);
      await until(file, () => lstatSync(path).isFile());
      assert.equal(lstatSync(path).mode & 0o7777, 0o600);
    }
    assert.equal(box.read('tmp/victim'), 'untouched');
    assert.match(
      box.read('tmp/keepalived_parent.data') ?? '',
      /^------< Global definitions >------\n/,
    );
    assert.match(box.read('tmp/keepalived.data') ?? '', /VRRP Instance = VI_1/);
    assert.deepEqual(
      readdirSync(join(box.folder, 'tmp'))
        .filter((file) => file.startsWith('keepalived'))
        .sort(),
      ['keepalived.conf', ...DUMPS],
      'nothing temporary is left',
    );
    daemon.signal('SIGTERM');
    await daemon.ended;
    mkdirSync(join(box.folder, 'tmp/elsewhere'));
    const other = box.daemon(config, [], { TMPDIR: '/tmp/elsewhere' });
    await running(box, other);
    other.signal('SIGUSR1');
    await until('the dumps in TMPDIR', () =>
      DUMPS.every((file) => box.read(`tmp/elsewhere/${file}`)),
    );
  },
);

test(
  'SIGHUP: a good file is applied by the same processes, a bad one changes nothing and says why',
  options,
  async (t) => {
    const box = await sandbox(t);
    const daemon = box.daemon(config);
    const child = await running(box, daemon);
    const dump = async (): Promise<string> => {
      const path = join(box.folder, 'tmp/keepalived.data');
      const before = statSync(path, { throwIfNoEntry: false })?.ino;
      daemon.signal('SIGUSR1');
      await until('a new dump', () => {
        const now = statSync(path, { throwIfNoEntry: false })?.ino;
        return now !== undefined && now !== before;
      });
      return box.read('tmp/keepalived.data') ?? '';
    };
    assert.match(await dump(), /Priority = 100/);
    box.write('tmp/keepalived.conf', config.replace('priority 100', 'priority 77'));
    daemon.signal('SIGHUP');
    await logged(daemon, 'Reload complete');
    assert.match(await dump(), /Priority = 77/);
    box.write('tmp/keepalived.conf', config.replace('priority 100', 'priorität 88'));
    daemon.signal('SIGHUP');
    await logged(daemon, /\(\/tmp\/keepalived\.conf: Line 7\) Unknown keyword 'priorität'/);
    await logged(daemon, 'Configuration not reloaded');
    assert.match(await dump(), /Priority = 77/);
    box.write('tmp/keepalived.conf', `instance other\n${config}`);
    daemon.signal('SIGHUP');
    await logged(daemon, 'Cannot change instance name at a reload - please restart keepalived');
    assert.equal(box.pid('run/vrrp.pid'), child);
    assert.ok(alive(daemon.pid));
  },
);

test('ten reloads asked for at once end in one that has the last file', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config);
  const child = await running(box, daemon);
  for (let priority = 1; priority <= 10; priority++) {
    box.write('tmp/keepalived.conf', config.replace('priority 100', `priority ${priority}`));
    daemon.signal('SIGHUP');
  }
  await until('the last priority', () => {
    daemon.signal('SIGUSR1');
    return box.read('tmp/keepalived.data')?.includes('Priority = 10\n');
  });
  assert.ok(daemon.stderr.split('Reloading ...').length - 1 <= 10);
  assert.equal(box.pid('run/vrrp.pid'), child);
});

test(
  'an empty file is run without a child; a reload brings it, another takes it away',
  options,
  async (t) => {
    const box = await sandbox(t);
    const daemon = box.daemon('global_defs {\n}\n');
    await logged(daemon, 'Warning - keepalived has no configuration to run');
    box.write('tmp/keepalived.conf', config);
    daemon.signal('SIGHUP');
    const child = await running(box, daemon);
    assert.ok(alive(child));
    box.write('tmp/keepalived.conf', 'global_defs {\n}\n');
    daemon.signal('SIGHUP');
    await until('the end of the child', () => !alive(child));
    assert.ok(alive(daemon.pid));
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
  },
);

test(
  'without CAP_SYS_NICE, CAP_IPC_LOCK and CAP_SYS_ADMIN it runs and one line says what is lost',
  options,
  async (t) => {
    const box = await sandbox(t);
    box.write('tmp/keepalived.conf', config);
    const drop = ['setpriv', '--bounding-set', '-sys_nice,-ipc_lock,-sys_admin'];
    const daemon = box.start([...drop, node, program, '-n', '-l', '-f', '/tmp/keepalived.conf']);
    const child = await running(box, daemon);
    assert.ok(alive(child));
    const lines = daemon.stderr.split('\n').filter((line) => line.includes('Running without'));
    assert.equal(lines.length, 1);
    for (const capability of ['CAP_SYS_NICE', 'CAP_IPC_LOCK', 'CAP_SYS_ADMIN'])
      assert.ok(lines[0]?.includes(capability), capability);
    daemon.signal('SIGHUP');
    await logged(daemon, 'Reload complete');
    process.kill(child, 'SIGKILL');
    await replaced(box, child);
  },
);

test('one that may use idle time only, and may not change that, runs too', options, async (t) => {
  const box = await sandbox(t);
  box.write('tmp/keepalived.conf', config);
  const idle = ['chrt', '--idle', '0', 'setpriv', '--bounding-set', '-sys_nice'];
  await running(box, box.start([...idle, node, program, '-n', '-l', '-f', '/tmp/keepalived.conf']));
});

test(
  'signals that programs send to every process of the name end neither parent nor child',
  options,
  async (t) => {
    const box = await sandbox(t);
    const daemon = box.daemon(config);
    const child = await running(box, daemon);
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE', 36, 63] as const)
      process.kill(child, signal);
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE', 36, 63] as const) daemon.signal(signal);
    await until('statistics', () => box.read('tmp/keepalived.stats'));
    await until('the state for programs', () => box.read('tmp/keepalived.json'));
    assert.ok(alive(daemon.pid));
    assert.equal(box.pid('run/vrrp.pid'), child);
    assert.ok(alive(child));
  },
);

test('SIGUSR1 at any moment of the start opens no debugger', options, async (t) => {
  const box = await sandbox(t);
  for (const delay of [15, 25, 35, 45, 60, 80]) {
    const daemon = box.daemon(config);
    // Not a wait for something: the moment is what is tested.
    await new Promise((resolve) => setTimeout(resolve, delay));
    daemon.signal('SIGUSR1');
    // Before Node has installed any handler the signal ends it, as it would end keepalived.
    const end = await Promise.race([
      daemon.ended,
      logged(daemon, 'Startup complete').then(() => 'up'),
    ]);
    await until(
      `port 9229 to be closed, after ${delay} ms`,
      async () => {
        const seen = await run('ip', ['netns', 'exec', box.namespace, 'cat', '/proc/net/tcp']);
        return !seen.includes(':240D ');
      },
      2_000,
    );
    if (end !== 'up') continue;
    daemon.signal('SIGTERM');
    assert.equal(await daemon.ended, 0);
  }
});

test(
  '-s: the child lives in the namespace, the parent outside, PID files below /run/keepalived',
  options,
  async (t) => {
    const inner = await sandbox(t);
    const box = await sandbox(t);
    const daemon = box.daemon(config, ['-s', inner.namespace]);
    await logged(daemon, 'Startup complete');
    const child = await until('PID file', () =>
      box.pid(`run/keepalived/${inner.namespace}/vrrp.pid`),
    );
    assert.equal(box.pid(`run/keepalived/${inner.namespace}/keepalived.pid`), daemon.pid);
    const of = (path: string): number => statSync(path).ino;
    assert.equal(of(`/proc/${child}/ns/net`), of(`/run/netns/${inner.namespace}`));
    assert.equal(of(`/proc/${daemon.pid}/ns/net`), of(`/run/netns/${box.namespace}`));
    for (const thread of readdirSync(`/proc/${child}/task`))
      assert.equal(of(`/proc/${child}/task/${thread}/ns/net`), of(`/run/netns/${inner.namespace}`));
    assert.match(
      daemon.stderr,
      new RegExp(`Changing syslog ident to Keepalived_${inner.namespace}`),
    );
    // A child that is started later, and what a reload reads, belong there too.
    process.kill(child, 'SIGKILL');
    const next = await until('another child', () => {
      const pid = box.pid(`run/keepalived/${inner.namespace}/vrrp.pid`);
      return pid !== child && alive(pid) ? pid : 0;
    });
    assert.equal(of(`/proc/${next}/ns/net`), of(`/run/netns/${inner.namespace}`));
    daemon.signal('SIGHUP');
    await logged(daemon, 'Reload complete');
  },
);

test('net_namespace and instance of the file have the same effect', options, async (t) => {
  const inner = await sandbox(t);
  const box = await sandbox(t);
  const daemon = box.daemon(`net_namespace ${inner.namespace}\ninstance blue\n${config}`);
  await logged(daemon, 'Startup complete');
  const folder = `run/keepalived/${inner.namespace}`;
  const child = await until('PID file', () => box.pid(`${folder}/vrrp_blue.pid`));
  assert.equal(
    statSync(`/proc/${child}/ns/net`).ino,
    statSync(`/run/netns/${inner.namespace}`).ino,
  );
  assert.match(
    daemon.stderr,
    new RegExp(`Changing syslog ident to Keepalived_${inner.namespace}_blue`),
  );
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
  assert.equal(existsSync(join(box.folder, 'run/keepalived')), false);
});

test('lint judges the interfaces of the namespace that the file names', options, async (t) => {
  const { namespace, folder } = await sandbox(t);
  const link = 'only-there';
  await run('ip', ['-n', namespace, 'link', 'add', link, 'type', 'veth']);
  const lint = (named: string): string => {
    const path = join(folder, 'keepalived.conf');
    writeFileSync(path, `net_namespace ${named}\n${config.replace('eth0', link)}`);
    return spawnSync(node, [program, 'lint', path], { encoding: 'utf8' }).stdout;
  };
  assert.equal(lint(namespace), '');
  assert.match(lint(`${namespace}-none`), /Unable to set network namespace/);
});

test(
  'where a process was started is found from a child that it starts elsewhere',
  options,
  async (t) => {
    const box = await sandbox(t);
    const here = statSync('/proc/self/ns/net').ino;
    const [there, origin] = inNamespace(box.namespace, () => {
      const read = "require('fs').statSync('/proc/self/ns/net').ino";
      const seen = `[${read}, require('fs').statSync('${originPath()}').ino]`;
      const text = execFileSync(process.execPath, ['-p', `JSON.stringify(${seen})`]);
      return JSON.parse(text.toString()) as [number, number];
    });
    assert.equal(there, statSync(`/run/netns/${box.namespace}`).ino);
    assert.equal(origin, here);
  },
);

test(
  'a namespace that does not exist ends the daemon with 0, and -t checks nothing',
  options,
  async (t) => {
    const box = await sandbox(t);
    const daemon = box.daemon('nonsense', ['-s', 'ka-sup-none']);
    assert.equal(await daemon.ended, 0);
    assert.match(daemon.stderr, /Unable to set network namespace ka-sup-none - exiting/);
    const check = box.daemon('nonsense', ['-t', '-s', 'ka-sup-none']);
    assert.equal(await check.ended, 0);
  },
);

test('exit statuses of a start: 2 for an unknown interface, 6 for no file', options, async (t) => {
  const box = await sandbox(t);
  assert.equal(await box.daemon(config.replace('eth0', 'eth9')).ended, 2);
  assert.equal(await box.daemon(config, ['-f', '/tmp/missing']).ended, 6);
  assert.deepEqual(pidFiles(box), []);
});

test('-t: 0, 5 with a caret, messages appended to a file, links refused', options, async (t) => {
  const box = await sandbox(t);
  assert.equal(await box.daemon(config, ['-t']).ended, 0);
  const wrong = config.replace('priority', 'priotity');
  const shown = box.daemon(wrong, ['-t', 'stray']);
  assert.equal(await shown.ended, 5);
  assert.match(
    shown.stderr,
    /keepalived\.conf:7:3: error: Unknown keyword 'priotity'.*\n.*\n.*\^{8}/,
  );
  assert.match(shown.stdout, /^Unexpected argument\(s\): stray/);
  for (let time = 1; time <= 2; time++)
    assert.equal(await box.daemon(wrong, ['-t/tmp/messages']).ended, 5);
  assert.equal(box.read('tmp/messages')?.match(/Unknown keyword/g)?.length, 2);
  symlinkSync('/tmp/messages', join(box.folder, 'tmp/link'));
  const refused = box.daemon(wrong, ['--config-test=/tmp/link']);
  assert.equal(await refused.ended, 1);
  assert.match(
    refused.stderr,
    /^Unable to open config-test log file \/tmp\/link 40 - Too many levels of symbolic links/,
  );
});

test('-g writes a log file for each process', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config, ['-g/tmp/ka.log', '-G']);
  await running(box, daemon);
  await until("the child's log", () =>
    box.read('tmp/ka_vrrp.log')?.includes('Entering BACKUP STATE'),
  );
  assert.match(box.read('tmp/ka.log') ?? '', /Starting VRRP child process/);
  assert.doesNotMatch(box.read('tmp/ka.log') ?? '', /Entering BACKUP STATE/);
});

test('-m lifts the limit of core files', options, async (t) => {
  const box = await sandbox(t);
  const daemon = box.daemon(config, ['-m']);
  const child = await running(box, daemon);
  for (const pid of [daemon.pid, child])
    assert.match(
      readFileSync(`/proc/${pid}/limits`, 'utf8'),
      /Max core file size +unlimited +unlimited/,
    );
});

test('-M sets the core pattern while the daemon runs', options, async (t) => {
  const box = await sandbox(t);
  // A file stands in for the kernel's setting, which belongs to the whole machine.
  box.write('tmp/pattern', 'before\n');
  box.write('tmp/keepalived.conf', config);
  const bind = 'mount --bind /tmp/pattern /proc/sys/kernel/core_pattern && exec "$@"';
  const own = ['unshare', '--mount', '--propagation', 'private', '/bin/sh', '-c', bind, 'sh'];
  const more = [node, program, '-n', '-l', '-f', '/tmp/keepalived.conf', '-Mcore.%p'];
  const daemon = box.start([...own, ...more]);
  await running(box, daemon);
  assert.equal(box.read('tmp/pattern'), 'core.%p');
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
  assert.equal(box.read('tmp/pattern'), 'before\n');
});

test('a reader of the log that does not read holds nobody up', options, async (t) => {
  const box = await sandbox(t);
  box.write('tmp/keepalived.conf', config);
  // A pipe of one page, full at once, whose other end stays open and is never read.
  const script = `exec 3<>/tmp/pipe; exec "$0" "$@" 2>/tmp/pipe`;
  assert.equal(await box.start(['mkfifo', '/tmp/pipe']).ended, 0);
  const daemon = box.start([
    '/bin/sh',
    '-c',
    script,
    node,
    program,
    '-n',
    '-l',
    '-D',
    '-f',
    '/tmp/keepalived.conf',
  ]);
  const child = await until('the child', () => box.pid('run/vrrp.pid'));
  for (let i = 0; i < 1500; i++) daemon.signal(36);
  for (let i = 0; i < 30; i++) {
    daemon.signal(36);
    await new Promise((resolve) => setImmediate(resolve));
  }
  daemon.signal('SIGUSR1');
  await until('a dump all the same', () => box.read('tmp/keepalived_parent.data'));
  assert.ok(alive(child));
  daemon.signal('SIGTERM');
  assert.equal(await daemon.ended, 0);
});
