// The harness itself: what it reads from others' programs, and that it leaves nothing behind however it ends.

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pcapReader } from './capture.ts';
import { craftAdvert } from './craft.ts';
import { Lab } from './lab.ts';
import { pairsOf, pairwise } from './pairwise.ts';
import { longestSilence } from './probe.ts';
import type { Program } from './programs.ts';
import { findProgram, packages, programs, requireProgram } from './programs.ts';
import { holderSpans, overlaps, readMonitorLine } from './timeline.ts';
import { decodeFrame, ip6, isAdvert } from './wire.ts';

it('scripts/test installs every package that the lab needs', () => {
  const script = readFileSync(new URL('../../scripts/test', import.meta.url), 'utf8');
  const list = /\nprograms='\n([^']*)'/.exec(script)?.[1] ?? '';
  const installed = list
    .trim()
    .split(/\s+/)
    .map((entry) => entry.replace(/^.*:/, ''));
  assert.deepEqual(
    packages.filter((name) => !installed.includes(name)),
    [],
  );
});

it('every program of the list is installed here', () => {
  const missing = Object.keys(programs).filter(
    (name) => findProgram(name as Program) === undefined,
  );
  assert.deepEqual(missing, []);
});

it('a missing program is named together with its package', () => {
  assert.throws(
    () => requireProgram('tcpdump', () => undefined),
    /tcpdump is not installed: apt-get install tcpdump/,
  );
});

it('reads pcap in pieces of any size', () => {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b23c4d);
  const record = (seconds: number, nanoseconds: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(seconds, 0);
    head.writeUInt32LE(nanoseconds, 4);
    head.writeUInt32LE(body.length, 8);
    head.writeUInt32LE(body.length, 12);
    return Buffer.concat([head, body]);
  };
  const file = Buffer.concat([
    header,
    record(1000, 5000, Buffer.from('one')),
    record(1002, 7500, Buffer.from('three')),
  ]);
  for (let size = 1; size <= file.length; size++) {
    const seen: [number, string][] = [];
    const feed = pcapReader(1000, (at, bytes) => seen.push([at, bytes.toString()]));
    for (let at = 0; at < file.length; at += size) feed(file.subarray(at, at + size));
    assert.deepEqual(seen, [
      [5, 'one'],
      [2_000_007.5, 'three'],
    ]);
  }
});

it('decodes an advert captured from keepalived 2.2.7, and sees a wrong checksum', () => {
  const hex =
    '01005e000012020000000001080045c0002800010000ff70d0910a00' +
    '0001e000001221336401000170660a0000640000000000000000';
  const bytes = Buffer.from(hex, 'hex');
  const frame = decodeFrame(0, bytes);
  assert.ok(isAdvert(frame));
  const { version, vrid, priority, addresses, interval, source, hopLimit, checksumGood } =
    frame.message;
  assert.deepEqual(
    { version, vrid, priority, addresses, interval, source, hopLimit, checksumGood },
    {
      version: 2,
      vrid: 51,
      priority: 100,
      addresses: ['10.0.0.100'],
      interval: 1,
      source: '10.0.0.1',
      hopLimit: 255,
      checksumGood: true,
    },
  );
  bytes.writeUInt8(101, 36);
  const wrong = decodeFrame(0, bytes);
  assert.ok(isAdvert(wrong) && !wrong.message.checksumGood);
});

it('what is crafted is decoded again, in both families and versions', () => {
  for (const [version, source, destination, address] of [
    [2, '10.0.0.9', '224.0.0.18', '10.0.0.100'],
    [3, '10.0.0.9', '224.0.0.18', '10.0.0.100'],
    [3, 'fe80::9', 'ff02::12', 'fd00::100'],
  ] as const) {
    const options = { version, source, destination, vrid: 7, priority: 9, interval: 3 };
    const frame = decodeFrame(0, craftAdvert({ ...options, addresses: [address, address] }));
    assert.ok(isAdvert(frame) && frame.message.checksumGood);
    assert.deepEqual(frame.message.addresses, [address, address]);
    assert.equal(frame.message.interval, version === 2 ? 3 : 0.03);
    const spoilt = craftAdvert({ ...options, addresses: [address], checksumError: 1 });
    const wrong = decodeFrame(0, spoilt);
    assert.ok(isAdvert(wrong) && !wrong.message.checksumGood);
  }
});

it('writes IPv6 addresses as RFC 5952 does', () => {
  const text = (hex: string): string => ip6(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 0);
  assert.equal(text('fe80 0000 0000 0000 0000 00ff fe00 0001'), 'fe80::ff:fe00:1');
  assert.equal(text('2001 0db8 0000 0000 0001 0000 0000 0001'), '2001:db8::1:0:0:1');
  assert.equal(text('0000 0000 0000 0000 0000 0000 0000 0001'), '::1');
  assert.equal(text('2001 0db8 0000 0001 0001 0001 0001 0001'), '2001:db8:0:1:1:1:1:1');
  assert.equal(text('ff02 0000 0000 0000 0000 0000 0000 0000'), 'ff02::');
  assert.equal(text('0010 0000 0000 0000 0000 0000 0000 0100'), '10::100');
});

it('reads the timeline: addresses, links and cables, holders and their overlaps', () => {
  const epoch = Date.parse('2026-11-21T04:43:45Z') / 1000;
  const read = (host: string, line: string) => {
    const change = readMonitorLine(host, line, epoch);
    assert.ok(change !== undefined, line);
    return change;
  };
  const added = '2: eth0    inet 10.0.0.100/32 scope global eth0\\       valid_lft forever';
  const changes = [
    read('a', `[2026-11-21T04:43:45.000100] ${added}`),
    read('a', `[2026-11-21T04:43:45.000400] Deleted ${added}`),
    read('b', `[2026-11-21T04:43:45.000300] ${added}`),
    read(
      'b',
      '[2026-11-21T04:43:45.000900] 2: eth0@if3: <NO-CARRIER,BROADCAST,UP> mtu 1500 state DOWN',
    ),
  ];
  assert.equal(readMonitorLine('a', 'nonsense', epoch), undefined);
  const spans = holderSpans(changes, '10.0.0.100', 2000);
  assert.deepEqual(spans, [
    { host: 'a', from: 100, until: 400 },
    { host: 'b', from: 300, until: 900 },
  ]);
  assert.deepEqual(overlaps(spans), [{ hosts: ['a', 'b'], from: 300, for: 100 }]);
  const cut = { at: 200, host: 'a', what: 'cable', name: '', device: '', present: false } as const;
  assert.deepEqual(overlaps(holderSpans([...changes, cut], '10.0.0.100', 2000)), []);
});

it('finds the longest silence', () => {
  assert.deepEqual(longestSilence([10, 20, 65, 70]), { length: 45, from: 20, until: 65 });
});

it('pairwise covers every pair with fewer cases than all', () => {
  const factors = { a: [1, 2, 3], b: [1, 2, 3], c: [1, 2, 3], d: [1, 2] };
  const cases = pairwise(factors);
  const pairs = new Set(cases.flatMap((one) => pairsOf(factors, one)));
  assert.equal(pairs.size, 9 * 3 + 6 * 3);
  assert.ok(cases.length <= 12, `${cases.length} cases`);
});

const labModule = fileURLToPath(new URL('lab.ts', import.meta.url));

/** A process that opens a lab, starts keepalived in it, prints the lab's tag and waits. */
async function openElsewhere(): Promise<{ child: ChildProcess; tag: string; daemon: number }> {
  const code = `
    const { Lab } = await import(${JSON.stringify(labModule)});
    const lab = await Lab.open({ hosts: ['a'] });
    const daemon = lab.host('a').start('keepalived', 'global_defs {\\n}\\n');
    await lab.until('it speaks', () => daemon.lines.length > 0);
    console.log(lab.tag, daemon.pid);
    setInterval(() => {}, 1000);
  `;
  const words = ['--import', 'tsx', '--input-type=module', '-e', code];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  const [tag = '', daemon = ''] = text.trim().split(' ');
  return { child, tag, daemon: Number(daemon) };
}

const namespacesOf = (tag: string): string[] =>
  readdirSync('/run/netns').filter((name) => name.startsWith(`${tag}-`));

/** Dead, or dead and not yet buried by whoever inherited it. */
function isGone(pid: number): boolean {
  return !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  it(`leaves nothing behind after ${signal}`, async () => {
    const { child, tag, daemon } = await openElsewhere();
    assert.equal(namespacesOf(tag).length, 2);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill(signal);
    assert.equal(await ended, signal === 'SIGINT' ? 130 : 143);
    assert.deepEqual(namespacesOf(tag), []);
    // Killed, but perhaps not yet run again to die of it.
    const end = performance.now() + 5_000;
    while (!isGone(daemon) && performance.now() < end) await setTimeout(5);
    assert.ok(isGone(daemon));
  });
}

it('the next lab sweeps what a killed one left, and its daemons die with it', async () => {
  const { child, tag, daemon } = await openElsewhere();
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  assert.equal(namespacesOf(tag).length, 2, 'nobody could clean up');
  const lab = await Lab.open({ hosts: ['a'], capture: false });
  try {
    assert.deepEqual(namespacesOf(tag), []);
    assert.ok(!readdirSync(tmpdir()).some((name) => name.startsWith(`${tag}-`)), 'no folder');
    await lab.until('the daemon is gone', () => isGone(daemon));
  } finally {
    await lab.close();
  }
});

it('a vain wait says what was waited for and shows the lab', async () => {
  const lab = await Lab.open({ hosts: ['a'], capture: false });
  try {
    await assert.rejects(
      lab.until('pigs fly', () => false, 50),
      /not within 50 ms: pigs fly\n(.|\n)*a address 10\.0\.0\.1 true/,
    );
  } finally {
    await lab.close();
    assert.deepEqual(namespacesOf(lab.tag), []);
    assert.equal(existsSync(lab.folder), false);
  }
});
