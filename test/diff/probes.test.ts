// What UDP_CHECK, DNS_CHECK, PING_CHECK and MISC_CHECK take for good, ours beside keepalived 2.2.7: both ask the same servers in one
// namespace, and both send the same bytes. keepalived gets its IPVS from a stand-in.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Verdict } from '../../src/check/checker.ts';
import { checkDns } from '../../src/check/checkers/dns.ts';
import { Commands } from '../../src/check/checkers/misc.ts';
import { checkPing } from '../../src/check/checkers/ping.ts';
import { checkUdp } from '../../src/check/checkers/udp.ts';
import { believed, unknown } from '../../src/check/health.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { seconds } from '../../src/lib/time.ts';
import { native } from '../../src/net/native.ts';
import { refusalOf } from '../../src/net/script.ts';
import { Cable, Tape } from '../native/cable.ts';
import { cleanEnvironment } from '../netns/command.ts';
import { requireProgram } from '../netns/programs.ts';
import { BEHAVIOURS, type Behaviour } from './probes.ts';

const HERE = '127.0.0.1' as Ip;
const FIRST = 2001;
const STANDIN = join(import.meta.dirname, 'standin.c');
const never = new AbortController().signal;

let cable: Cable;
let folder: string;
let keepalived: ChildProcess;
let log = '';
let tape: Tape;
let told: NodeJS.Timeout;
/** Those of MISC_CHECK: what they run. */
const programOf = (at: number): string => join(folder, `program${at}`);
const commands = new Commands(({ words }) =>
  native.spawn({ file: words[0] ?? '', arguments: words, environment: ['PATH=/bin:/usr/bin'] }),
);
const servers: Socket[] = [];
/** What came to each server, as hex, in order. */
const received = BEHAVIOURS.map((): string[] => []);

const portOf = (at: number): number => FIRST + at;

before(async () => {
  cable = new Cable('probes');
  folder = mkdtempSync(join(tmpdir(), 'ka-probes-'));
  for (const [at, behaviour] of BEHAVIOURS.entries())
    if (behaviour.closed !== true) servers.push(await serve(at, behaviour));
  for (const [at, { command, head = '#!/bin/sh' }] of BEHAVIOURS.entries())
    if (command !== undefined)
      writeFileSync(programOf(at), `${head}\n${command}\n`, { mode: 0o755 });
  execFileSync('g++', ['-x', 'c', '-shared', '-fPIC', '-o', join(folder, 'standin.so'), STANDIN]);
  writeFileSync(join(folder, 'conf'), configuration());
  tape = new Tape();
  let read = 0;
  told = setInterval(() => {
    const ends = tape.of('exit');
    for (const { pid, status, signal, errno } of ends.slice(read))
      commands.exited(pid, status, signal, refusalOf(errno));
    read = ends.length;
  }, 10);
  keepalived = start();
});
after(async () => {
  for (const server of servers) server.close();
  if (keepalived?.exitCode === null) {
    keepalived.kill('SIGTERM');
    await once(keepalived, 'exit');
  }
  clearInterval(told);
  native.stop();
  cable.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(at: number, { replies = [] }: Behaviour): Promise<Socket> {
  const server = createSocket('udp4');
  server.on('message', (question, from) => {
    received[at]?.push(question.toString('hex'));
    for (const reply of replies) {
      const other = Buffer.from([(question[0] ?? 0) ^ 1, question[1] ?? 0]).toString('hex');
      const text = reply
        .replace('OTHER', other)
        .replace('ID', question.subarray(0, 2).toString('hex'))
        .replace('REST', question.subarray(12).toString('hex'));
      server.send(Buffer.from(text, 'hex'), from.port, from.address);
    }
  });
  server.bind(portOf(at), HERE);
  await once(server, 'listening');
  return server;
}

/** Everything is taken for failed at first, and every failure is written: so each check says something. */
function configuration(): string {
  const reals = BEHAVIOURS.map(({ lines = [], ...behaviour }, at) => {
    const own = behaviour.command === undefined ? lines : [`misc_path ${programOf(at)}`, ...lines];
    return `real_server ${HERE} ${portOf(at)} {\n${kindOf(behaviour)} {\n${own.join('\n')}\n}\n}`;
  });
  const server = ['delay_loop 2', 'protocol UDP', 'alpha', 'lvs_sched rr', 'connect_timeout 1'];
  server.push('warmup 0.1', 'retry 1', 'delay_before_retry 0.2');
  return `global_defs {\nchecker_log_all_failures\nscript_user root\n}\nvirtual_server 10.9.0.77 53 {\n${[...server, ...reals].join('\n')}\n}\n`;
}

function kindOf({ udp, dns, command }: Omit<Behaviour, 'lines'>): string {
  if (command !== undefined) return 'MISC_CHECK';
  if (udp !== undefined) return 'UDP_CHECK';
  return dns !== undefined ? 'DNS_CHECK' : 'PING_CHECK';
}

function start(): ChildProcess {
  const words = [
    '-n',
    '-l',
    '-D',
    '-C',
    '-f',
    join(folder, 'conf'),
    '-p',
    '/run/k',
    '-c',
    '/run/c',
  ];
  const script = `mount -t tmpfs none /run && LD_PRELOAD=${folder}/standin.so exec "$@"`;
  const inside = ['sh', '-c', script, 'sh', requireProgram('keepalived'), ...words];
  const child = spawn(
    requireProgram('setpriv'),
    ['--pdeathsig', 'KILL', requireProgram('unshare'), '-m', ...inside],
    { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() },
  );
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  return child;
}

/** What keepalived has said of the server last; undefined until it has said something. */
function verdictOf(at: number): boolean | undefined {
  const name = `\\[${HERE}\\]:udp:${portOf(at)}\\b`;
  if (new RegExp(`Adding service ${name}`).test(log)) return true;
  const failures = `(UDP_CHECK|ICMP CHECK) on service ${name} failed|DNS_CHECK \\(${name}\\) (read|failed)|Misc check for \\[${name} VS \\S+ by \\S+ (failed|timed out)`;
  return new RegExp(failures).test(log) ? false : undefined;
}

/** What keepalived says of a DNS server that fails. */
const wordsOf = (at: number): string[] =>
  log
    .split('\n')
    .map((line) => line.split(`DNS_CHECK ([${HERE}]:udp:${portOf(at)}) `)[1])
    .flatMap((words) => (words === undefined ? [] : [words.replace(/ after \d+ retr.*/, '')]));

const weightLine = (at: number, weight: number): RegExp =>
  new RegExp(
    `Changing weight from 1 to ${weight} for inactive service \\[${HERE}\\]:udp:${portOf(at)} `,
  );

async function until<T>(what: string, value: () => T | undefined): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const got = value();
    if (got !== undefined) return got;
    if (Date.now() > deadline) throw new Error(`${what} did not happen\n${log.slice(-3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function ours(
  at: number,
  { udp, dns, command, misc_dynamic = false }: Behaviour,
): Promise<Verdict> {
  if (command !== undefined) {
    const script = { words: [programOf(at)], uid: 0, gid: 0 };
    return commands.check({ script, timeout: seconds(1), misc_dynamic }, never, [`${at}`]);
  }
  const connection = { address: HERE, port: portOf(at), mark: 0, timeout: seconds(1) };
  if (udp !== undefined)
    return checkUdp({ connection, min_reply_length: 0, max_reply_length: 255, ...udp }, never);
  if (dns !== undefined) return checkDns({ connection, type: 'SOA', name: '.', ...dns }, never);
  return checkPing({ connection }, never);
}

describe('the same server', () => {
  for (const [at, behaviour] of BEHAVIOURS.entries()) {
    const { name, up, differs, dns, command, weight } = behaviour;
    it(`${name}: ${up ? 'up' : 'down'}${differs === undefined ? '' : `, unlike keepalived: ${differs}`}`, async () => {
      const theirs = await until(`a verdict of keepalived`, () => verdictOf(at));
      assert.equal(theirs, differs === undefined ? up : !up, 'keepalived');
      const [question] = received[at]?.splice(0) ?? [];
      const verdict = believed(unknown(false), await ours(at, behaviour));
      assert.equal(verdict.up, up, JSON.stringify(verdict));
      if (dns !== undefined && !verdict.up && !theirs)
        assert.ok(wordsOf(at).includes(verdict.reason.replace(/, \d+ .*/, '')), verdict.reason);
      if (command !== undefined && !verdict.up && !theirs)
        assert.ok(log.includes(verdict.reason), verdict.reason);
      if (verdict.up) assert.equal(verdict.weight, weight);
      if (weight !== undefined) assert.match(log, weightLine(at, weight));
      if (question === undefined) return;
      // keepalived goes on asking, so ours is one of those that came meanwhile; the id of a DNS question is random.
      const without = (hex: string): string => (dns === undefined ? hex : hex.slice(4));
      const sent = received[at] ?? [];
      assert.ok(sent.length > 0);
      for (const one of sent) assert.equal(without(one), without(question));
    });
  }
});
