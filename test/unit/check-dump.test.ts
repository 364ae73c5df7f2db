// The whole of keepalived_check.data beside what keepalived 2.2.7 wrote for the same files. What
// happens after the start - is it up, how often was it tried - is left out on both sides.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDirector, director } from '../../src/check/director.ts';
import { dumpCheck } from '../../src/check/dump.ts';
import type { CheckEvent } from '../../src/check/event.ts';
import { type LiveChecker, liveOf } from '../../src/check/live.ts';
import { dumpFacts } from '../../src/check/report.ts';
import type { InterfaceFacts } from '../../src/config/build.ts';
import { dumpGlobals } from '../../src/config/dump.ts';
import type { Config } from '../../src/keywords.ts';
import type { Instant } from '../../src/lib/time.ts';
import { itemAt } from '../../src/lib/vector.ts';
import { read } from '../property/reading.ts';
import { DIFFERENT } from './differing.ts';
import { masked, readConfiguration, readCorpus, recorded, recording } from './recorded.ts';

/** Every interface exists, except those that instances make: their names are free. */
const isMade = (name: string): boolean => /^vrrp\d*\./.test(name);
const everyInterface: ReadonlyMap<string, InterfaceFacts> = Object.assign(new Map(), {
  has: (name: string) => !isMade(name),
  get: (name: string) => (isMade(name) ? undefined : { loopback: false, mtu: 1500 }),
});

const STATE =
  /^ *(alive|quorum_state_up|effective weight|previous effective_weight|num failed checkers|RS set|reloaded|Failed URL|Up|Has run|Enabled|Current weight|Retries iterations|Delay before retry|Last ran|Last status)\b|^ *Alive:/;

const settled = (lines: readonly string[]): readonly string[] =>
  masked(lines)
    .filter((line) => line.trim() !== '' && !STATE.test(line))
    .map((line) => line.replace(/ EFF WEIGHT.*/, ''));

const known = new Set(Object.values(DIFFERENT['.check.data']).flat());

const oursOf = (config: Config): readonly string[] =>
  settled([
    ...dumpGlobals(config.global_defs, dumpFacts(config, true)),
    ...dumpCheck(config, config.global_defs, [], config.track_file),
  ]);

test('every kind of check, in the words of keepalived 2.2.7', () => {
  const folder = join(import.meta.dirname, '../fixtures/dumps');
  const config = readConfiguration(join(folder, 'checkers.conf'), everyInterface);
  const theirs = readFileSync(join(folder, 'checkers.check.data'), 'utf8')
    .replace('Password : foo', 'Password : ********')
    .split('\n');
  assert.deepEqual(oursOf(config), settled(theirs));
});

for (const [name, what] of [
  ['ports', 'ports that IPVS has otherwise than the file, groups and marks'],
  ['order', 'methods, families and masks that the order of statements decides'],
  ['tunnels', 'tunnels with mistaken options'],
  ['words', 'words that few configurations bring out'],
  ['settled', 'what several words come to'],
] as const) {
  test(`${what}, in the words of keepalived 2.2.7`, () => {
    const folder = join(import.meta.dirname, '../fixtures/dumps');
    const config = readConfiguration(join(folder, `${name}.conf`), everyInterface);
    const lines = dumpCheck(config, config.global_defs, [], config.track_file);
    const first = lines.findIndex((line) => line.includes('< Virtual server group >'));
    const theirs = readFileSync(join(folder, `${name}.check.data`), 'utf8').split('\n');
    const section = theirs.findIndex((line) => line.includes('< Virtual server group >'));
    assert.deepEqual(settled(lines.slice(first)), settled(theirs.slice(section)));
    // Nobody was asked yet.
    const alive = (all: readonly string[]): readonly string[] =>
      all.filter((line) => line.includes('Alive:'));
    assert.deepEqual(alive(lines), alive(theirs));
  });
}

for (const number of recorded('.check.data')) {
  test(`the virtual servers of ${number}`, () => {
    const config = readCorpus(number, everyInterface);
    const ours = oursOf(config);
    const theirs = settled(recording(number, '.check.data'));
    if (known.has(number)) assert.notDeepEqual(ours, theirs, 'no longer different');
    else assert.deepEqual(ours, theirs);
  });
}

test('what has run, and the services of a group, are shown as keepalived 2.2.7 shows them', () => {
  const text = `global_defs {
script_user root
}
virtual_server_group G {
10.0.0.1 80
}
virtual_server_group M {
fwmark 9
}
${['G', 'G', 'M']
  .map(
    (group, at) => `virtual_server group ${group} {
lvs_sched rr
lvs_method NAT
protocol ${at === 1 ? 'UDP' : 'TCP'}
real_server 127.0.0.1 80 {
MISC_CHECK {
misc_path /bin/false
}
}
}`,
  )
  .join('\n')}`;
  const config = read(text).config ?? assert.fail('it is read');
  let state = createDirector(config, { seed: 1, keeps: false });
  const take = (event: CheckEvent, at: number): void => {
    state = director.step(state, event, at as Instant).state;
  };
  take({ type: 'facts', facts: { addresses: [], files: {} } }, 0);
  const at = director.nextDeadline(state) ?? assert.fail('it is asked');
  take({ type: 'deadline' }, at);
  const { run = 0 } = itemAt(state.healths, 0);
  take({ type: 'answered', run, verdict: { up: false, reason: 'bad', status: 3 } }, at);
  const clock = { monotonic: at, wall: 1_795_275_789_267_098 };
  const lines = dumpCheck(config, config.global_defs, liveOf(state, clock));
  const shown = lines.filter((line) => /VS GROUP|->.*\]:|Last|protocol = /.test(line));
  assert.deepEqual(shown, [
    ' VS GROUP = [G]:0',
    '   protocol = TCP',
    ' VS GROUP = [G]:1',
    '   protocol = UDP',
    ' VS GROUP = [M]:0',
    '   protocol = none',
    ' [G]:0 -> [127.0.0.1]:tcp:80',
    '   Last ran = 1795275789.267098 (Sat Nov 21 15:43:09 2026.267098)',
    '   Last status = 3',
    ' [G]:1 -> [127.0.0.1]:udp:80',
    '   Last ran = 1795275789.267098 (Sat Nov 21 15:43:09 2026.267098)',
    '   Last status = 3',
    ' [M]:0 -> [127.0.0.1]:none:80',
    '   Last ran = 1795275789.267098 (Sat Nov 21 15:43:09 2026.267098)',
    '   Last status = 3',
  ]);
});

test('a check that rests and the page that failed are shown as keepalived 2.2.7 shows them', () => {
  const pages = 'url {\npath /a\n}\nurl {\npath /b\n}\n';
  const text = ['10.9.9.1 80', '127.0.0.9 80']
    .map(
      (address, at) => `virtual_server ${address} {
lvs_sched rr
lvs_method NAT
protocol TCP
${at === 0 ? 'ha_suspend' : ''}
real_server 127.0.0.1 8${at} {
HTTP_GET {
${pages}}
}
}`,
    )
    .join('\n');
  const config = read(text).config ?? assert.fail('it is read');
  let state = createDirector(config, { seed: 1, keeps: false });
  const take = (event: CheckEvent, at: number): void => {
    state = director.step(state, event, at as Instant).state;
  };
  const shown = (at: number): readonly string[] =>
    dumpCheck(config, config.global_defs, liveOf(state, { monotonic: at as Instant, wall: 0 }))
      .map((line) => line.trim())
      .filter((line) => /Enabled|Failed URL/.test(line));
  take({ type: 'facts', facts: { addresses: [], files: {} } }, 0);
  assert.deepEqual(shown(0), ['Enabled = no', 'Enabled = yes']);
  const answer = (up: boolean): void => {
    const at = director.nextDeadline(state) ?? assert.fail('it is asked');
    take({ type: 'deadline' }, at);
    const { run = 0 } = itemAt(state.healths, 1);
    take({ type: 'answered', run, verdict: up ? { up } : { up, reason: 'bad' } }, at);
  };
  answer(true);
  for (let i = 0; i < 9 && shown(0).length < 3; i++) answer(false);
  assert.deepEqual(shown(0), ['Enabled = no', 'Enabled = yes', 'Failed URL = /b']);
  answer(true);
  assert.deepEqual(shown(0), ['Enabled = no', 'Enabled = yes']);
});

test('tunnels are shown as keepalived 2.2.7 shows them', () => {
  const shown = (method: string, own = method): readonly string[] => {
    const text = `virtual_server 10.0.0.1 80 {
protocol TCP
lvs_sched rr
lvs_method ${method}
sorry_server 10.0.0.99 80
sorry_server_lvs_method ${method}
real_server 10.0.1.1 80 {
lvs_method ${own}
}
}`;
    const config = read(text).config ?? assert.fail('it is read');
    const lines = dumpCheck(config, config.global_defs);
    return lines.filter((line) => line.includes('forwarding method'));
  };
  const everywhere = (line: string): readonly string[] => Array(3).fill(`   ${line}`);
  const plain = (end: string): readonly string[] => [
    `   default forwarding method = ${end}`,
    `     forwarding method = ${end}`,
    `   forwarding method = ${end}`,
  ];
  for (const [words, lines] of [
    ['DR', plain('DR')],
    ['NAT type gre', plain('NAT')],
    ['TUN', plain('TUN, type = IPIP')],
    ['TUN type ipip nocsum', plain('TUN, type = IPIP')],
    ['TUN type gre', everywhere('forwarding method = TUN, type = GRE, no checksum')],
    ['TUN csum type gre', everywhere('forwarding method = TUN, type = GRE, checksum')],
    [
      'TUN type gue port 5 port 6 remcsum',
      everywhere('forwarding method = TUN, type = GUE, port = 6, remote checksum'),
    ],
    // What is wrong with a tunnel leaves the usual one.
    ['TUN type gre remcsum', plain('TUN, type = IPIP')],
    ['TUN type gre foo', plain('TUN, type = IPIP')],
    ['TUN type gue', plain('TUN, type = IPIP')],
  ] as const)
    assert.deepEqual(shown(words), lines, words);
});

test('how many tries have been made, as keepalived 2.2.7 counts them', () => {
  const text = `virtual_server 10.0.0.1 80 {
protocol TCP
lvs_sched rr
retry 3
real_server 10.0.1.1 80 {
TCP_CHECK {
}
HTTP_GET {
url {
path /
}
}
SMTP_CHECK {
}
}
}`;
  const config = read(text).config ?? assert.fail('it is read');
  const tries = (checker: Pick<LiveChecker, 'up' | 'ran' | 'failures'>): readonly number[] => {
    const real = { alive: true, weight: 1, set: true, checkers: Array(3).fill(checker) };
    return dumpCheck(config, config.global_defs, [{ quorum: true, reals: [real] }])
      .map((line) => / Retries iterations = (\d+)/.exec(line)?.[1])
      .flatMap((count) => (count === undefined ? [] : [Number(count)]));
  };
  assert.deepEqual(tries({ up: true, ran: false, failures: 0 }), [3, 3, 3]);
  assert.deepEqual(tries({ up: true, ran: false, failures: 2 }), [2, 2, 2]);
  assert.deepEqual(tries({ up: false, ran: false, failures: 3 }), [3, 3, 3]);
  assert.deepEqual(tries({ up: true, ran: true, failures: 0 }), [0, 0, 0]);
  assert.deepEqual(tries({ up: false, ran: true, failures: 0 }), [0, 4, 4]);
});

test('what keepalived 2.2.7 shows otherwise than it is: times of hosts, options and offsets of patterns', () => {
  const text = `virtual_server 10.0.0.1 80 {
protocol TCP
lvs_sched rr
real_server 10.0.1.1 80 {
HTTP_GET {
url {
path /
regex a
regex_options utf caseless
regex_min_offset 3
}
url {
path /b
regex b
regex_max_offset 4
}
}
SMTP_CHECK {
connect_timeout 7
host {
connect_ip 10.0.1.3
}
host {
connect_ip 10.0.1.4
connect_timeout 3
}
}
}
}`;
  const config = read(text).config ?? assert.fail('it is read');
  const shown = dumpCheck(config, config.global_defs).filter((line) =>
    / (Dest|Timeout|Regex (options|min))/.test(line),
  );
  assert.deepEqual(shown, [
    '     Dest = [10.0.1.1]:80',
    '     Timeout = 5.000000',
    '     Regex min offset = 3',
    `     Regex options: ${[
      'allow_empty_class alt_bsux auto_callout caseless dollar_endonly dotall dupnames extended',
      'firstline match_unset_backref multiline never_ucp never_utf no_auto_capture',
      'no_auto_possess no_dotstar_anchor no_start_optimize ucp ungreedy utf never_backslash_c',
      'alt_circumflex alt_verbnames use_offset_limit',
    ].join(' ')}`,
    '     Regex min offset = 0, max_offset = 4',
    '     Regex options:',
    '     Dest = [10.0.1.1]:80',
    '     Timeout = 7.000000',
    '     Dest = [10.0.1.3]:80',
    '     Timeout = 0.000000',
    '     Dest = [10.0.1.4]:80',
    '     Timeout = 3.000000',
  ]);
});
