// What UDP_CHECK, DNS_CHECK and PING_CHECK take for good, ours beside keepalived 2.2.7: both ask the same servers in one
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
import { checkPing } from '../../src/check/checkers/ping.ts';
import { checkUdp } from '../../src/check/checkers/udp.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { seconds } from '../../src/lib/time.ts';
import { Cable } from '../native/cable.ts';
import { cleanEnvironment } from '../netns/command.ts';
import { requireProgram } from '../netns/programs.ts';
import { BEHAVIOURS, type Behaviour } from './probes.ts';

const HERE = '127.0.0.1' as Ip;
const FIRST = 2001;
const STANDIN = join(import.meta.dirname, '../fixtures/ipvs-standin.c');
const never = new AbortController().signal;

let cable: Cable;
let folder: string;
let keepalived: ChildProcess;
let log = '';
const servers: Socket[] = [];
/** What came to each server, as hex, in order. */
const received = BEHAVIOURS.map((): string[] => []);

const portOf = (at: number): number => FIRST + at;

before(async () => {
  cable = new Cable('probes');
  folder = mkdtempSync(join(tmpdir(), 'ka-probes-'));
  for (const [at, behaviour] of BEHAVIOURS.entries())
    if (behaviour.closed !== true) servers.push(await serve(at, behaviour));
  execFileSync('g++', ['-x', 'c', '-shared', '-fPIC', '-o', join(folder, 'standin.so'), STANDIN]);
  writeFileSync(join(folder, 'conf'), configuration());
  keepalived = start();
});
after(async () => {
  for (const server of servers) server.close();
  if (keepalived?.exitCode === null) {
    keepalived.kill('SIGTERM');
    await once(keepalived, 'exit');
  }
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
  const reals = BEHAVIOURS.map(({ udp, dns, lines = [] }, at) => {
    const kind = udp !== undefined ? 'UDP_CHECK' : dns !== undefined ? 'DNS_CHECK' : 'PING_CHECK';
    return `real_server ${HERE} ${portOf(at)} {\n${kind} {\n${lines.join('\n')}\n}\n}`;
  });
  const server = ['delay_loop 2', 'protocol UDP', 'alpha', 'lvs_sched rr', 'connect_timeout 1'];
  server.push('warmup 0.1', 'retry 1', 'delay_before_retry 0.2');
  return `global_defs {\nchecker_log_all_failures\n}\nvirtual_server 10.9.0.77 53 {\n${[...server, ...reals].join('\n')}\n}\n`;
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
  const failures = `(UDP_CHECK|ICMP CHECK) on service ${name} failed|DNS_CHECK \\(${name}\\) (read|failed)`;
  return new RegExp(failures).test(log) ? false : undefined;
}

/** What keepalived says of a DNS server that fails. */
const wordsOf = (at: number): string[] =>
  log
    .split('\n')
    .map((line) => line.split(`DNS_CHECK ([${HERE}]:udp:${portOf(at)}) `)[1])
    .flatMap((words) => (words === undefined ? [] : [words.replace(/ after \d+ retr.*/, '')]));

async function until<T>(what: string, value: () => T | undefined): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const got = value();
    if (got !== undefined) return got;
    if (Date.now() > deadline) throw new Error(`${what} did not happen\n${log.slice(-3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function ours(at: number, { udp, dns }: Behaviour): Promise<Verdict> {
  const connection = { address: HERE, port: portOf(at), mark: 0, timeout: seconds(1) };
  if (udp !== undefined)
    return checkUdp({ connection, min_reply_length: 0, max_reply_length: 255, ...udp }, never);
  if (dns !== undefined) return checkDns({ connection, type: 'SOA', name: '.', ...dns }, never);
  return checkPing({ connection }, never);
}

describe('the same server', () => {
  for (const [at, behaviour] of BEHAVIOURS.entries()) {
    const { name, up, differs, dns } = behaviour;
    it(`${name}: ${up ? 'up' : 'down'}${differs === undefined ? '' : `, unlike keepalived: ${differs}`}`, async () => {
      const theirs = await until(`a verdict of keepalived`, () => verdictOf(at));
      assert.equal(theirs, differs === undefined ? up : !up, 'keepalived');
      const [question] = received[at]?.splice(0) ?? [];
      const verdict = await ours(at, behaviour);
      assert.equal(verdict.up, up, JSON.stringify(verdict));
      if (dns !== undefined && !verdict.up && !theirs)
        assert.ok(wordsOf(at).includes(verdict.reason.replace(/, \d+ .*/, '')), verdict.reason);
      if (question === undefined) return;
      // keepalived goes on asking, so ours is one of those that came meanwhile; the id of a DNS question is random.
      const without = (hex: string): string => (dns === undefined ? hex : hex.slice(4));
      const sent = received[at] ?? [];
      assert.ok(sent.length > 0);
      for (const one of sent) assert.equal(without(one), without(question));
    });
  }
});
