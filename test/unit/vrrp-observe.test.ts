// Numbers in files and counts of processes: what the core makes of them. What keepalived does is in test/netns/track.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, seconds } from '../../src/lib/time.ts';
import type { TrackProcess } from '../../src/vrrp/definitions.ts';
import type { Observed } from '../../src/vrrp/event.ts';
import type { VrrpConfig, VrrpInstance } from '../../src/vrrp/keywords.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import { config, instance } from '../sim/config.ts';
import { FACTS, Host } from '../sim/host.ts';

const at = (secondsLater: number): Instant => Math.round(1e6 * secondsLater) as Instant;
const tracked = (name: string, weight = 0) => ({ name, weight, reverse: false });
const weight = { weight: 0, reverse: false };
const files = [{ name: 'f', file: '/run/f', weight }];

const nginx = (changes: Partial<TrackProcess> = {}): TrackProcess => ({
  name: 'p',
  process: ['nginx'],
  weight,
  quorum: 2,
  full_command: false,
  ...changes,
});

const setUp = (changes: Partial<VrrpInstance>, others: Partial<VrrpConfig>): VrrpConfig => ({
  ...config(instance(changes)),
  ...others,
});

const begin = (all: VrrpConfig, observed: Observed): Host =>
  new Host(all).take({ type: 'facts', facts: FACTS, observed });

const priority = (one: Host): number => one.member().rules.priority;

test('a file counts from the start, as it changes, and not at all when it is gone', () => {
  const all = setUp({ track_file: [tracked('f', 2)] }, { track_file: files });
  const one = begin(all, { files: { f: '3\n' }, counts: {} });
  assert.equal(priority(one), 106);
  const read = (text?: string): number =>
    priority(one.take({ type: 'fileRead', name: 'f', ...(text === undefined ? {} : { text }) }));
  assert.deepEqual(
    [
      read('5'),
      read('-50'),
      read('  12 rest'),
      read('12abc'),
      read('garbage 7'),
      read('4'),
      read(),
    ],
    [110, 1, 124, 124, 100, 108, 100],
  );
});

test('a number that is none is said and changes nothing', () => {
  const all = setUp({ track_file: [tracked('f', 2)] }, { track_file: files });
  const one = begin(all, { files: { f: '3' }, counts: {} });
  one.take({ type: 'fileRead', name: 'f', text: '99999999999999' });
  assert.deepEqual(one.logs, ['Invalid number 99999999999999 read from /run/f - ignoring']);
  assert.equal(priority(one), 106);
});

test('a file without a weight is a fault unless it says 0', () => {
  const all = setUp({ track_file: [tracked('f')] }, { track_file: files });
  const one = begin(all, { files: {}, counts: {} });
  one.take({ type: 'fileRead', name: 'f', text: '1' });
  assert.deepEqual(one.logs, [
    '(VI_1): tracked file f now FAULT state',
    '(VI_1) fault: tracked file f',
    '(VI_1) Entering FAULT STATE',
  ]);
  one.take({ type: 'fileRead', name: 'f', text: '0' });
  assert.deepEqual(one.logs, [
    '(VI_1): tracked file f leaving FAULT state',
    '(VI_1) Entering BACKUP STATE',
  ]);
});

test('who fails because of a file is told with the priority it had', () => {
  const script = { words: ['any'], uid: 0, gid: 0 };
  const all = setUp({ track_file: [tracked('f', 2)], notify: script }, { track_file: files });
  const one = begin(all, { files: { f: '5' }, counts: {} });
  one.take({ type: 'fileRead', name: 'f', text: '-200' });
  assert.deepEqual(one.scripts, ['any INSTANCE VI_1 FAULT 110']);
});

test('too few processes are a fault, at once where there is no delay', () => {
  const all = setUp({ track_process: [tracked('p')] }, { vrrp_track_process: [nginx()] });
  const one = begin(all, { files: {}, counts: { p: 2 } });
  assert.equal(one.member().state.name, 'backup');
  one.take({ type: 'processes', counts: { p: 1 } });
  assert.deepEqual(one.logs, [
    'Quorum lost for tracked process p',
    '(VI_1) fault: process p',
    '(VI_1) Entering FAULT STATE',
  ]);
  one.take({ type: 'processes', counts: { p: 3 } });
  assert.deepEqual(one.logs, [
    'Quorum gained for tracked process p',
    '(VI_1) Entering BACKUP STATE',
  ]);
});

test('too many are as bad as too few, and quorum_max 0 wants none', () => {
  const up = (changes: Partial<TrackProcess>, count: number): boolean | undefined =>
    begin(setUp({ track_process: [tracked('p')] }, { vrrp_track_process: [nginx(changes)] }), {
      files: {},
      counts: { p: count },
    }).state.trackers.processes.p?.up;
  assert.deepEqual(
    [1, 2, 3].map((n) => up({ quorum: 1, quorum_max: 2 }, n)),
    [true, true, false],
  );
  assert.deepEqual(
    [0, 1].map((n) => up({ quorum: 1, quorum_max: 0 }, n)),
    [true, false],
  );
});

test('a delay runs anew whenever the number has been right in between', () => {
  const slow = nginx({ fork_delay: seconds(1), terminate_delay: seconds(3) });
  const all = setUp({ track_process: [tracked('p', 10)] }, { vrrp_track_process: [slow] });
  const one = begin(all, { files: {}, counts: { p: 2 } });
  assert.equal(priority(one), 110);
  const count = (p: number, now: number): Host =>
    one.take({ type: 'processes', counts: { p } }, at(now));
  count(0, 0.1);
  count(1, 1);
  count(2, 2);
  count(1, 2.5);
  one.take({ type: 'deadline' }, at(3.2));
  assert.equal(priority(one), 110);
  while (priority(one) === 110) one.deadline();
  assert.equal(one.now, at(5.5));
  count(2, 6);
  while (priority(one) === 100) one.deadline();
  assert.equal(one.now, at(7));
});

test('a reload looks at what is there before it judges', () => {
  const before = setUp({}, {});
  const one = begin(before, { files: {}, counts: {} }).until('master');
  const after = setUp(
    { track_process: [tracked('p')], track_file: [tracked('f', 3)] },
    { vrrp_track_process: [nginx()], track_file: files },
  );
  one.take({ type: 'reload', config: after, observed: { files: { f: '4' }, counts: { p: 2 } } });
  assert.equal(one.member().state.name, 'master');
  assert.equal(priority(one), 112);
  one.take({ type: 'reload', config: after, observed: { files: { f: '4' }, counts: { p: 1 } } });
  assert.equal(one.member().state.name, 'fault', 'what a running tracker misses it is told');
});

test('nothing waits for a process whose number is right', () => {
  const all = setUp({ track_process: [tracked('p', 1)] }, { vrrp_track_process: [nginx()] });
  const one = begin(all, { files: {}, counts: { p: 2 } });
  const { state } = one.member();
  assert.ok(state.name === 'backup');
  assert.equal(nextDeadline(one.state), state.masterDownAt);
});
