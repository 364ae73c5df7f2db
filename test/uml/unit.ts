// Inside the machine, where systemd is process 1: the daemon as a service, ours under our unit and then keepalived under
// Debian's, by the commands that an administrator types. What each answers, what is there then, and what the journal has.

import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { addAddress, addNamespace, type Kind, sh, until } from './world.ts';

/** One line of the journal. */
export interface Entry {
  readonly text: string;
  readonly identifier: string | undefined;
  readonly priority: string | undefined;
  readonly facility: string | undefined;
  /** What syslog was told, and who it was. */
  readonly pids: readonly (string | undefined)[];
  readonly transport: string | undefined;
  /** Microseconds since 1970 when it was sent. */
  readonly at: number;
}

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

/** How things are at one moment. */
export interface Look {
  /** Of the unit, as systemd has them. */
  readonly properties: Readonly<Record<string, string>>;
  /** What the PID file has. */
  readonly pidFile: string | undefined;
  /** In the unit's cgroup. */
  readonly processes: readonly Process[];
  readonly addresses: readonly string[];
}

export interface Answer {
  readonly status: number | null;
  readonly text: string;
  readonly milliseconds: number;
}

/** What one command led to. */
export interface Step {
  readonly answer: Answer;
  readonly look: Look;
  /** Priorities of adverts that were heard, without repetitions. */
  readonly heard: readonly number[];
  readonly journal: readonly Entry[];
}

/** How things were while a command was to be waiting. */
export interface Meanwhile {
  readonly look: Look;
  readonly returned: boolean;
}

export interface Lap {
  /** While the startup script runs. */
  readonly waiting: Meanwhile;
  readonly start: Step;
  readonly status: Answer;
  /** While the parent stands still, with the signal before it. */
  readonly deaf: Meanwhile;
  /** `look` of this and the next is of the moment that systemctl returned. */
  readonly reload: Step;
  readonly broken: Step;
  readonly orphaned: Step;
  readonly killed: Step;
  readonly stop: Step;
  /** A start with a file that is wrong. */
  readonly refused: Step;
}

export interface Seen {
  readonly version: string;
  readonly mounts: readonly string[];
  readonly laps: Readonly<Record<Kind, Lap>>;
}

export interface Input {
  /** ADDRESSES in it becomes the virtual addresses. */
  readonly config: string;
}

const FILE = '/etc/keepalived/keepalived.conf';
const UNIT = '/etc/systemd/system/keepalived.service';
const PROGRAM = '/usr/sbin/keepalived';
const REAL = '/run/keepalived.real';
const CHILD = '/run/vrrp.pid';
/** The configuration asks for it. */
const STARTUP = '/etc/keepalived/startup';
const FIRST = '10.0.0.100';
const SECOND = '10.0.0.101';
const PROPERTIES = [
  'Type',
  'ActiveState',
  'SubState',
  'Result',
  'MainPID',
  'ControlPID',
  'ExecMainCode',
  'ExecMainStatus',
  'NRestarts',
  'StatusText',
  'NotifyAccess',
];
const FAR = 'far';

/** The lines of a program's answer; standard error too. */
function ask(file: string, ...words: readonly string[]): Promise<Answer> {
  const from = performance.now();
  return new Promise((resolve) => {
    const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    child.once('close', (status) =>
      resolve({ status, text, milliseconds: Math.round(performance.now() - from) }),
    );
  });
}

const properties = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    sh('systemctl', 'show', 'keepalived', '-p', PROPERTIES.join(','))
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

const contentOf = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;

/** Whether SIGHUP waits for a process. */
function isTold(pid: string): boolean {
  const [, pending = '0'] =
    /^ShdPnd:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${pending}`) & 1n) === 1n;
}

function processes(): Process[] {
  const path = '/sys/fs/cgroup/system.slice/keepalived.service/cgroup.procs';
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .flatMap((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [, name = '', rest = ''] = /\((.*)\) (.*)/.exec(text) ?? [];
        return [{ pid: Number(pid), parent: Number(rest.split(' ')[1]), name }];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}

function addresses(): string[] {
  const text = sh('ip', '-o', '-4', 'address', 'show', 'dev', 'eth0');
  return [...text.matchAll(/inet (\S+)\//g)].map(([, address = '']) => address);
}

const look = (): Look => ({
  properties: properties(),
  pidFile: contentOf('/run/keepalived.pid'),
  processes: processes(),
  addresses: addresses(),
});

/** What was sent to the network, read line by line. */
class Wire {
  #text = '';

  constructor() {
    const words = [
      'netns',
      'exec',
      FAR,
      'tcpdump',
      '-i',
      FAR,
      '--immediate-mode',
      '-l',
      '-n',
      '-v',
      'ip proto 112',
    ];
    const child = spawn('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => {
        this.#text += part;
      });
  }

  async listening(): Promise<void> {
    await until(
      () => `tcpdump: ${this.#text}`,
      () => this.#text.includes('listening on'),
    );
    this.take();
  }

  hears(priority: number): Promise<unknown> {
    return until(
      () => `priority ${priority}: ${this.#text}`,
      () => this.#text.includes(`prio ${priority},`),
    );
  }

  /** What came since it was asked before. */
  take(): number[] {
    const text = this.#text;
    this.#text = '';
    const all = [...text.matchAll(/\bprio (\d+)/g)].map(([, priority]) => Number(priority));
    return all.filter((priority, i) => priority !== all[i - 1]);
  }
}

/**
 * What came to the journal since it was asked before, from systemd about the unit and from the daemon. By name: of a process
 * that ends at once the journal may not find out any more which unit it was of, and `-u` does not have what it said.
 */
function takeJournal(): Entry[] {
  spawnSync('journalctl', ['--sync']);
  const words = ['-b', '-o', 'json', '--no-pager', '--cursor-file=/run/cursor'];
  // Where there is nothing it is dissatisfied.
  return spawnSync('journalctl', words, { encoding: 'utf8', maxBuffer: 1 << 24 })
    .stdout.trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, string | undefined>)
    .filter(
      ({ UNIT: unit, SYSLOG_IDENTIFIER: name }) =>
        unit === 'keepalived.service' || name?.startsWith('Keepalived') === true,
    )
    .map((it) => ({
      text: it.MESSAGE ?? '',
      identifier: it.SYSLOG_IDENTIFIER,
      priority: it.PRIORITY,
      facility: it.SYSLOG_FACILITY,
      pids: [it.SYSLOG_PID, it._PID],
      transport: it._TRANSPORT,
      at: Number(it._SOURCE_REALTIME_TIMESTAMP ?? it.__REALTIME_TIMESTAMP),
    }));
}

/** What one process has said. */
const wordsOf = (pid: string): string =>
  sh('journalctl', '-o', 'cat', '--no-pager', '-t', 'Keepalived_vrrp', `_PID=${pid}`);

async function systemctl(verb: string): Promise<Answer> {
  const answer = await ask('systemctl', verb, 'keepalived');
  // In the log of a machine that comes to no end.
  console.log(`${Math.round(performance.now())} ms: ${verb}`, answer);
  return answer;
}

/** As its package would. */
async function install(kind: Kind): Promise<void> {
  const project = process.env.KEEPALIVED_PROJECT ?? '';
  rmSync(UNIT, { force: true });
  rmSync(PROGRAM, { force: true });
  if (kind === 'ours') {
    copyFileSync(join(project, 'docs/keepalived.service'), UNIT);
    symlinkSync(join(project, 'dist/keepalived.js'), PROGRAM);
  } else {
    copyFileSync('/lib/systemd/system/keepalived.service', UNIT);
    copyFileSync(REAL, PROGRAM);
  }
  await ask('systemctl', 'daemon-reload');
}

async function lap(kind: Kind, { config }: Input, wire: Wire): Promise<Lap> {
  const write = (...list: readonly string[]): void =>
    writeFileSync(FILE, config.replace('ADDRESSES', list.map((it) => `${it}/24`).join('\n')));
  const holds = (...list: readonly string[]): boolean =>
    list.join() ===
    addresses()
      .filter((it) => it !== '10.0.0.1')
      .join();
  const settled = (...list: readonly string[]): Promise<unknown> =>
    until(
      () => `${list} on eth0: ${addresses()}\n${sh('journalctl', '-b', '--no-pager', '-n', '60')}`,
      () => holds(...list),
    );
  const step = (answer: Answer, seen: Look): Step => ({
    answer,
    look: seen,
    heard: wire.take(),
    journal: takeJournal(),
  });
  const said = (pattern: RegExp): Promise<unknown> =>
    until(
      () => `${pattern} of ${kind}:\n${sh('journalctl', '-b', '--no-pager', '-n', '60')}`,
      () => pattern.test(sh('journalctl', '-u', 'keepalived', '-o', 'cat', '--no-pager')),
    );

  await install(kind);
  write(FIRST);
  takeJournal();
  wire.take();

  let returned = false;
  rmSync('/run/started', { force: true });
  rmSync('/run/go', { force: true });
  const starting = systemctl('start').finally(() => {
    returned = true;
  });
  await until('the startup script runs', () => existsSync('/run/started') || returned);
  const waiting = { look: look(), returned };
  writeFileSync('/run/go', '');
  const started = await starting;
  const atStart = look();
  await settled(FIRST);
  await said(/Removing service/);
  const start = step(started, atStart);
  const status = await systemctl('status');

  write(FIRST, SECOND);
  const { MainPID: head = '' } = properties();
  process.kill(Number(head), 'SIGSTOP');
  let reloaded = false;
  const reloading = systemctl('reload').finally(() => {
    reloaded = true;
  });
  await until(
    'SIGHUP is sent',
    () => (isTold(head) && properties().ControlPID === '0') || reloaded,
  );
  const deaf = { look: look(), returned: reloaded };
  process.kill(Number(head), 'SIGCONT');
  const answered = await reloading;
  const atReload = look();
  await settled(FIRST, SECOND);
  // keepalived's is over later.
  await until('reloaded', () => properties().SubState === 'running');
  const reload = step(answered, atReload);

  write('nonsense');
  const complaint = await systemctl('reload');
  const broken = step(complaint, look());
  write(FIRST, SECOND);
  if (kind === 'keepalived') {
    // It ends because of it.
    await until('the end', () => properties().ActiveState === 'failed');
    await systemctl('start');
    await settled(FIRST, SECOND);
  }

  const child = contentOf(CHILD) ?? '';
  const killing = await ask('kill', '-9', child);
  await until('another VRRP child is master', () => {
    const next = contentOf(CHILD);
    return next !== undefined && next !== child && wordsOf(next).includes('MASTER STATE');
  });
  await settled(FIRST, SECOND);
  const orphaned = step(killing, look());

  const { MainPID: parent = '' } = properties();
  const ending = await ask('kill', '-9', parent);
  await wire.hears(0);
  await until('the parent is gone', () => properties().MainPID !== parent);
  if (kind === 'ours') await until('another parent', () => properties().SubState === 'running');
  else {
    await until('it has failed', () => properties().ActiveState === 'failed');
    await systemctl('start');
  }
  await settled(FIRST, SECOND);
  const killed = step(ending, look());

  const stopped = await systemctl('stop');
  await wire.hears(0);
  const stop = step(stopped, look());

  write('nonsense');
  const refusal = await systemctl('start');
  await until('it has given up', () => {
    const { ActiveState, NRestarts } = properties();
    return ActiveState === 'failed' || NRestarts !== '0';
  });
  const refused = step(refusal, look());
  await systemctl('reset-failed');
  return { waiting, start, status, deaf, reload, broken, orphaned, killed, stop, refused };
}

export async function main(input: Input): Promise<Seen> {
  await until(
    () =>
      sh('sh', '-c', 'systemctl list-jobs --no-pager 2>&1; journalctl -b --no-pager -n 40 || :'),
    () => {
      try {
        return sh('systemctl', 'is-active', 'ka.target') === 'active\n';
      } catch {
        return false;
      }
    },
  );
  addNamespace(FAR);
  sh('ip', ...`link add eth0 type veth peer name ${FAR} netns ${FAR}`.split(' '));
  sh('ip', 'link', 'set', 'eth0', 'up');
  sh('ip', '-n', FAR, 'link', 'set', FAR, 'up');
  sh('ip', 'address', 'add', '10.0.0.1/24', 'dev', 'eth0');
  addAddress(FAR, FAR, '10.0.0.2/24');
  const wire = new Wire();
  await wire.listening();
  mkdirSync('/etc/keepalived', { recursive: true });
  copyFileSync(PROGRAM, REAL);
  if (!existsSync('/usr/bin/node') && !existsSync('/usr/local/bin/node'))
    symlinkSync(process.execPath, '/usr/local/bin/node');
  writeFileSync('/etc/default/keepalived', 'DAEMON_ARGS="-D"\n');
  writeFileSync(
    STARTUP,
    '#!/bin/sh\n: >/run/started\nwhile [ ! -e /run/go ]; do sleep 0.1; done\n',
    {
      mode: 0o755,
    },
  );
  const ours = await lap('ours', input, wire);
  const keepalived = await lap('keepalived', input, wire);
  return {
    version: sh('systemctl', '--version').split('\n')[0] ?? '',
    mounts: readFileSync('/proc/self/mounts', 'utf8').trim().split('\n'),
    laps: { ours, keepalived },
  };
}
