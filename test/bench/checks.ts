// The process that checks servers, from outside. Ten thousand TCP_CHECK and two thousand HTTP_GET once a second: processor
// time, memory, and how late each server is called, by the clock of the servers' end. And a reload of 2,284 services with
// 37,298 servers of which one has another weight: when IPVS is told so, and whether adverts wait for it. Both daemons run on
// the same stand-in for IPVS (test/diff/standin.c).

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DaemonKind } from '../netns/daemon.ts';
import { atEnd } from '../netns/ending.ts';
import { node, requireProgram } from '../netns/programs.ts';
import { program, type Running, Sandbox, until } from '../netns/sandbox.ts';
import { type Column, histogram, median, percentile, type Row } from './figures.ts';
import { begin, benchOptions, type Contender, rowOf, writeReport } from './report.ts';

/** Milliseconds that the checks are watched. */
const WINDOW = 30_000;
const SERVICES = 2_284;
const SERVERS = 37_298;
/** Seconds between two checks of each of those: keepalived needs milliseconds of processor time for the first one. */
const LOOP = 600;
/** Milliseconds after which a reload is no longer waited for: keepalived takes minutes. */
const PATIENCE = 300_000;
/** Milliseconds that a daemon has to come to its full rate: keepalived needs a millisecond for each first answer. */
const HOPE = 60_000;
/** Clock ticks a second, of /proc/PID/stat. */
const TICKS = 100;

const ROUTER = `vrrp_instance VI_1 {
 interface eth0
 virtual_router_id 5
 state MASTER
 priority 254
 version 3
 advert_int 0.1
 virtual_ipaddress {
 10.9.0.100
 }
}
`;

const tcp = 'TCP_CHECK {\n connect_timeout 1\n }';
const page = 'HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 1\n }';

const service = (name: string, delay: number, servers: readonly string[]): string =>
  `virtual_server ${name} 80 {\n delay_loop ${delay}\n lvs_sched rr\n lvs_method NAT\n protocol TCP\n ${servers.join('\n ')}\n}\n`;
const server = (address: string, port: number, check: string, weight = 1): string =>
  `real_server ${address} ${port} {\n weight ${weight}\n ${check}\n }`;

/** 100 services of 100 servers that are connected to and 20 that are asked for a page, each at an address of its own. */
function steady(): string {
  const services = Array.from({ length: 100 }, (_, at) =>
    service(
      `10.8.${at}.1`,
      1,
      Array.from({ length: 120 }, (_, i) =>
        server(`127.1.${at}.${i + 1}`, i < 100 ? 8001 : 8002, i < 100 ? tcp : page),
      ),
    ),
  );
  return ROUTER + services.join('');
}

/** The size that users have reported; the last server has this weight. */
function large(weight: number): string {
  let made = 0;
  const services = Array.from({ length: SERVICES }, (_, at) => {
    const count = Math.floor((SERVERS * (at + 1)) / SERVICES) - made;
    const servers = Array.from({ length: count }, () => {
      const own = ++made === SERVERS ? weight : 1;
      return server(`127.${2 + (made >> 16)}.${(made >> 8) & 255}.${made & 255}`, 8001, tcp, own);
    });
    return service(`10.${100 + (at >> 8)}.${at & 255}.1`, LOOP, servers);
  });
  return ROUTER + services.join('');
}

/** What is there at a time. */
const living = new Set<Sandbox>();
atEnd(() => {
  for (const box of living) box.close();
});

class Bench {
  readonly box: Sandbox;
  readonly #servers: Running;

  private constructor(box: Sandbox, servers: Running) {
    this.box = box;
    this.#servers = servers;
  }

  static async open(serial: number): Promise<Bench> {
    const box = new Sandbox(
      `ka-checks-${process.pid}-${serial}`,
      mkdtempSync(join(tmpdir(), 'ka-checks-')),
    );
    living.add(box);
    try {
      await box.open();
      compile('../diff/standin.c', join(box.folder, 'tmp/standin.so'), ['-shared', '-fPIC']);
      compile('server.c', join(box.folder, 'tmp/server'), []);
      // Of this namespace only: all servers are one, and may be called at once.
      await box.start([requireProgram('sysctl'), '-q', '-w', 'net.core.somaxconn=65535']).ended;
      const servers = box.start(['/tmp/server', '/tmp/calls']);
      await until('the servers', () => servers.stdout.includes('ready'));
      return new Bench(box, servers);
    } catch (error) {
      remove(box);
      throw error;
    }
  }

  start(kind: DaemonKind): Running {
    const words = kind === 'ours' ? [node, program] : [requireProgram('keepalived')];
    return this.box.start([...words, '-n', '-l', '-f', '/tmp/keepalived.conf'], {
      env: { LD_PRELOAD: '/tmp/standin.so', KEEPALIVED_TEST_ORDERS: '/tmp/orders' },
    });
  }

  /** How long `-t` takes, in milliseconds. */
  async reading(kind: DaemonKind): Promise<number> {
    const words = kind === 'ours' ? [node, program] : [requireProgram('keepalived')];
    const begun = performance.now();
    await this.box.start([...words, '-t', '-f', '/tmp/keepalived.conf']).ended;
    return performance.now() - begun;
  }

  /** When IPVS has been told something, in nanoseconds of the monotonic clock. */
  orders(): number[] {
    return (this.box.read('tmp/orders') ?? '').split('\n').filter(Boolean).map(Number);
  }

  /** How many calls there have been. */
  async count(): Promise<number> {
    const heard = this.#servers.stdout.length;
    this.#servers.signal('SIGUSR1');
    await until('a count', () => this.#servers.stdout.length > heard);
    return Number(/(\d+) calls\n$/.exec(this.#servers.stdout)?.[1]);
  }

  /** Until so many are called in a second, or there is no more hope that they will be. */
  async lively(wanted: number): Promise<void> {
    for (const end = performance.now() + HOPE; performance.now() < end; ) {
      const before = await this.count();
      await wait(1000);
      if ((await this.count()) - before >= wanted) return;
    }
  }

  /** Until nothing has been ordered for three seconds. */
  async quiet(): Promise<void> {
    for (let before = -1; before !== this.orders().length; await wait(3000))
      before = this.orders().length;
  }

  /** When each server has been called. */
  async calls(): Promise<Map<string, number[]>> {
    this.#servers.signal('SIGTERM');
    await this.#servers.ended;
    const bytes = readFileSync(join(this.box.folder, 'tmp/calls'));
    const calls = new Map<string, number[]>();
    for (let at = 0; at < bytes.length; at += 16) {
      const name = `${bytes.readUInt32BE(at)} ${bytes.readUInt32LE(at + 4)}`;
      const own = calls.get(name);
      const when = Number(bytes.readBigUInt64LE(at + 8));
      if (own === undefined) calls.set(name, [when]);
      else own.push(when);
    }
    return calls;
  }

  close(): void {
    remove(this.box);
  }
}

function remove(box: Sandbox): void {
  if (living.delete(box)) box.close();
}

const compile = (source: string, out: string, words: readonly string[]): void => {
  const path = fileURLToPath(new URL(source, import.meta.url));
  execFileSync('g++', ['-x', 'c', '-O2', ...words, '-o', out, path, '-ldl']);
};

const now = (): number => Number(process.hrtime.bigint());
const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Seconds of processor time. */
function consumed(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

const resident = (pid: number): number =>
  Number(/^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);

interface Steady {
  readonly contender: Column;
  /** Calls a second, of all servers. */
  readonly rate: number;
  /** Of the process that checks. */
  readonly cpu: number;
  /** kB of it, shared pages divided by their users. */
  readonly memory: number;
  readonly silent: number;
  /** Microseconds between two calls of a server, beyond the second that it is to be: a histogram. */
  readonly late: readonly (readonly [number, number])[];
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly worst: number;
}

async function watch({ name: contender, kind }: Contender, serial: number): Promise<Steady> {
  const bench = await Bench.open(serial);
  try {
    const { box } = bench;
    box.write('tmp/keepalived.conf', steady());
    bench.start(kind);
    const pid = await until('the child', () => box.pid('run/checkers.pid'));
    await bench.lively(11_500);
    await wait(3_000);
    const before = consumed(pid);
    const begun = now();
    await wait(WINDOW);
    const cpu = (consumed(pid) - before) / ((now() - begun) / 1e9);
    const ended = now();
    const memory = resident(pid);
    const calls = [...(await bench.calls()).values()].map((times) =>
      times.filter((at) => at >= begun && at < ended),
    );
    const late = calls.flatMap((times) =>
      times.slice(1).map((at, i) => (at - (times[i] as number)) / 1000 - 1e6),
    );
    const made = calls.reduce((sum, { length }) => sum + length, 0);
    return {
      contender,
      rate: made / ((ended - begun) / 1e9),
      cpu,
      memory,
      silent: 12_000 - calls.filter(({ length }) => length > 0).length,
      late: histogram(late),
      p50: median(late),
      p99: percentile(late, 0.99),
      p999: percentile(late, 0.999),
      worst: percentile(late, 1),
    };
  } finally {
    bench.close();
  }
}

interface Reload {
  readonly contender: Column;
  /** Milliseconds: beside the running daemon, in the middle of once before the reload and once behind it. */
  readonly reading: number;
  /** From SIGHUP to the order for the server that has changed; PATIENCE where none came until then. */
  readonly told: number;
  /** Processor time of the process that checks. */
  readonly cpu: number;
  /** Orders for IPVS: there should be one. */
  readonly orders: number;
  /** The longest time between two adverts meanwhile; 100 is meant. */
  readonly gap: number;
}

async function reload({ name: contender, kind }: Contender, serial: number): Promise<Reload> {
  const bench = await Bench.open(serial);
  try {
    const { box } = bench;
    box.write('tmp/keepalived.conf', large(1));
    const daemon = bench.start(kind);
    const pid = await until('the child', () => box.pid('run/checkers.pid'), PATIENCE);
    while (bench.orders().length === 0) await wait(500);
    await bench.quiet();
    const words = ['-i', 'peer0', '-n', '-tt', '-l', '--immediate-mode', 'ip proto 112'];
    const sniffer = box.start([requireProgram('tcpdump'), ...words]);
    await until('adverts', () => sniffer.stdout.split('\n').length > 5, PATIENCE);
    box.write('tmp/keepalived.conf', large(2));
    const first = await bench.reading(kind);
    const known = bench.orders().length;
    const before = consumed(pid);
    const begun = now();
    daemon.signal('SIGHUP');
    let at: number | undefined;
    while (at === undefined && now() < begun + PATIENCE * 1e6) {
      await wait(500);
      at = bench.orders()[known];
    }
    if (at !== undefined) await bench.quiet();
    const adverts = sniffer.stdout.split('\n').slice(0, -1).map(Number.parseFloat);
    const cpu = (consumed(pid) - before) * 1000;
    const reading = (first + (await bench.reading(kind))) / 2;
    const gaps = adverts.slice(1).map((time, i) => time - (adverts[i] as number));
    return {
      contender,
      reading,
      told: at === undefined ? PATIENCE : (at - begun) / 1e6,
      cpu,
      orders: bench.orders().length - known,
      gap: Math.max(...gaps) * 1000,
    };
  } finally {
    bench.close();
  }
}

const { contenders, count, out, only } = benchOptions('checks', { full: 3, quick: 1 });
// What vrrp_rt_priority does to the process that checks: nothing.
const both = contenders.filter(({ name }) => name !== 'keepalived rt');
const begun = begin();
const series = { steady: [] as Steady[], reload: [] as Reload[] };
let serial = 0;
for (let round = 0; round < count; round++)
  for (const contender of both) {
    if ('steady'.includes(only)) {
      process.stderr.write(`checks ${round + 1} of ${count}, ${contender.name}\n`);
      series.steady.push(await watch(contender, ++serial));
    }
    if ('reload'.includes(only)) {
      process.stderr.write(`reload ${round + 1} of ${count}, ${contender.name}\n`);
      series.reload.push(await reload(contender, ++serial));
    }
  }

/** Of all rounds the one in the middle, where nothing else is asked for. */
const of =
  <T extends Steady | Reload>(all: readonly T[]) =>
  (
    what: string,
    figure: (one: T) => number,
    target?: Row['target'],
    choose: (all: readonly number[]) => number = median,
  ): Row[] =>
    all.length === 0 ? [] : [rowOf(all, what, (own) => choose(own.map(figure)), target)];
const worst = (all: readonly number[]): number => Math.max(...all);
const beyondReading = ({ told, reading }: Reload): number => Math.max(0, told - reading);
const steadily = of(series.steady);
const reloading = of(series.reload);
writeReport('checks', out, begun, series, [
  ...steadily('10,000 TCP_CHECK and 2,000 HTTP_GET a second: calls a second', (one) => one.rate),
  ...steadily('servers that were not called', (one) => one.silent, { most: 0 }),
  ...steadily('processor time, % of one processor', (one) => one.cpu * 100),
  ...steadily('processor time a check, µs', (one) => (one.cpu / one.rate) * 1e6),
  ...steadily('memory of the process that checks, MB', (one) => one.memory / 1000),
  ...steadily('called later than after 1 s, p50, µs', (one) => one.p50),
  ...steadily('called later than after 1 s, p99, µs', (one) => one.p99),
  ...steadily('called later than after 1 s, p99.9, µs', (one) => one.p999),
  ...steadily('called later than after 1 s, worst, µs', (one) => one.worst),
  ...reloading('2,284 services, 37,298 servers: reading the file (-t), ms', (one) => one.reading),
  ...reloading(`SIGHUP to the order for IPVS, ms (${PATIENCE}: not by then)`, (one) => one.told),
  ...reloading('the same without reading, ms', beyondReading, { most: 1000 }),
  ...reloading('the same without reading, worst, ms', beyondReading, { most: 1000 }, worst),
  ...reloading('processor time of the process that checks, ms', (one) => one.cpu),
  ...reloading('orders for IPVS, of which one is needed', (one) => one.orders),
  ...reloading('longest time between two adverts (100 ms), ms', (one) => one.gap, { most: 110 }),
]);
