// Effective priority, scripts that are run again and again, and what instances make of both: the numbers and lines
// are those of keepalived 2.2.7, which test/netns/track.test.ts runs beside ours.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '../../src/lib/link.ts';
import { type Instant, seconds } from '../../src/lib/time.ts';
import type { VrrpScript } from '../../src/vrrp/definitions.ts';
import type { VrrpConfig, VrrpInstance } from '../../src/vrrp/keywords.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import { NO_TRACKERS, type RunEnd } from '../../src/vrrp/tracker.ts';
import { tracksOf, weigh } from '../../src/vrrp/weight.ts';
import { config, instance } from '../sim/config.ts';
import { FACTS, Host, link, priorityIn } from '../sim/host.ts';

const at = (secondsLater: number): Instant => Math.round(1e6 * secondsLater) as Instant;
const tracked = (name: string, weight = 0, reverse = false) => ({ name, weight, reverse });

const script = (name: string, changes: Partial<VrrpScript> = {}): VrrpScript => ({
  name,
  script: { words: [`/bin/${name}`], uid: 0, gid: 0 },
  interval: seconds(1),
  weight: { weight: 0, reverse: false },
  rise: 1,
  fall: 1,
  init_fail: false,
  ...changes,
});

const links = (...downs: readonly string[]) => ({
  addresses: {},
  links: Object.fromEntries(
    ['d1', 'd2', 'd3', 'd4', 'd5'].map((name, i) => [
      i + 3,
      link(i + 3, name, { running: !downs.includes(name) }),
    ]),
  ),
});

const host = (
  changes: Partial<VrrpInstance>,
  scripts: readonly VrrpScript[],
  others: Partial<VrrpConfig> = {},
): Host => new Host({ ...config(instance(changes)), vrrp_script: scripts, ...others });

const ended = (one: Host, end: RunEnd, now = one.now): Host => {
  const run = Object.values(one.state.trackers.scripts).find((s) => s.run !== undefined)?.run;
  assert.ok(run !== undefined, 'a script runs');
  return one.take({ type: 'probed', run: run.id, end }, now);
};

test('weights of interfaces add up as keepalived has them, up, down and reversed', () => {
  const list = {
    track_interface: [
      tracked('d1', 10),
      tracked('d2', -20),
      tracked('d3', 5, true),
      tracked('d5', -7, true),
    ],
  };
  const sum = (...downs: readonly string[]) =>
    weigh(100, list, links(...downs), NO_TRACKERS).effective;
  assert.deepEqual(
    [sum(), sum('d1'), sum('d1', 'd2'), sum('d1', 'd2', 'd3'), sum('d1', 'd2', 'd3', 'd5')],
    [105, 95, 75, 80, 87],
  );
});

test('what an advert carries stays between 1 and 254, and the sum is kept', () => {
  const weighed = (priority: number, weight: number) =>
    weigh(priority, { track_interface: [tracked('d1', weight)] }, links(), NO_TRACKERS);
  const down = weigh(250, { track_interface: [tracked('d2', -253)] }, links('d2'), NO_TRACKERS);
  assert.deepEqual([weighed(250, 10).effective, weighed(250, 10).total], [254, 260]);
  assert.deepEqual([down.effective, down.total], [1, -3]);
  assert.equal(weighed(255, -10).effective, 255, 'an owner has one priority');
});

test('weight 0 is a fault when down, or with reverse when up; each thing once', () => {
  const own = { track_interface: [tracked('d1'), tracked('d2', 0, true)] };
  const tracks = tracksOf(own, { track_interface: [tracked('d1')] }, []);
  const faults = (...downs: readonly string[]) =>
    weigh(100, tracks, links(...downs), NO_TRACKERS).faults.map(({ what }) => what);
  assert.deepEqual(faults(), ['d2']);
  assert.deepEqual(faults('d1', 'd2'), ['d1']);
  assert.deepEqual(faults('d1'), ['d1', 'd2']);
});

test('each thing has one weight: 0 for what is needed or said to be, else that of the group', () => {
  const own = {
    track_interface: [tracked('d1', 3), tracked('d2'), tracked('d3', 5), tracked('d4', 1)],
    track_script: [tracked('s', 2)],
  };
  const ofGroup = {
    track_interface: [tracked('d1', 7), tracked('d2', 7), tracked('d4', 7), tracked('d5', 7)],
    track_script: [tracked('s', 9), tracked('t', 9)],
  };
  const weights = (list: readonly { readonly name: string; readonly weight: number }[] = []) =>
    list.map(({ name, weight }) => `${name} ${weight}`);
  const tracks = tracksOf(own, ofGroup, ['d4', 'd5']);
  assert.deepEqual(weights(tracks.track_interface), ['d1 7', 'd2 0', 'd3 5']);
  assert.deepEqual(weights(tracks.track_script), ['s 9', 't 9']);
  assert.deepEqual(weights(tracksOf(own, undefined, []).track_script), ['s 2']);
});

test('a number in a file counts times its weight, and is a fault at -254', () => {
  const weighed = (value: number, weight: number, reverse = false) => {
    const { total, faults } = weigh(100, { track_file: [tracked('f', weight, reverse)] }, links(), {
      ...NO_TRACKERS,
      files: { f: value },
    });
    return faults.length > 0 ? 'fault' : total;
  };
  assert.deepEqual(
    [weighed(5, 2), weighed(-126, 2), weighed(-127, 2), weighed(10, 2, true), weighed(10, -3)],
    [110, -152, 'fault', 80, 70],
  );
  assert.deepEqual(
    [weighed(0, 0), weighed(1, 0), weighed(0, 0, true), weighed(1, 0, true)],
    [100, 'fault', 'fault', 100],
  );
});

test('the priority that a master speaks with changes in the running schedule', () => {
  const eth1 = (running: boolean): Link => link(3, 'eth1', { running });
  const facts = { ...FACTS, links: [link(), eth1(true)] };
  const one = host({ track_interface: [tracked('eth1', 20)] }, [])
    .start(facts)
    .until('master');
  assert.equal(priorityIn(one.of('pace')[0]?.datagrams[0]?.bytes), 120);
  one.take({ type: 'link', link: eth1(false) }, at(9));
  assert.deepEqual(one.kinds, ['replace']);
  assert.equal(priorityIn(one.of('replace')[0]?.datagrams[0]?.bytes), 100);
  assert.deepEqual(one.logs, [
    'Netlink reports eth1 down',
    '(VI_1) Changing effective priority from 120 to 100',
  ]);
});

test('a backup waits longer with a lower priority, from where it was counted before', () => {
  const facts = { ...FACTS, links: [link(), link(3, 'eth1')] };
  const one = host({ track_interface: [tracked('eth1', 20)] }, []).start(facts);
  assert.equal(nextDeadline(one.state), at(3) + ((256 - 120) * 1e6) / 256);
  one.take({ type: 'link', link: link(3, 'eth1', { up: false }) }, at(1));
  assert.equal(nextDeadline(one.state), at(3) + ((256 - 100) * 1e6) / 256);
});

test('an instance waits in silence for the first result of a script without a weight', () => {
  const one = host({ track_script: [tracked('s')] }, [script('s')]).start();
  assert.deepEqual(one.logs, []);
  assert.equal(one.of('probe')[0]?.script.words[0], '/bin/s');
  assert.equal(one.member().state.name, 'fault');
  ended(one, { status: 0 }, at(0.1));
  assert.deepEqual(one.logs, ['VRRP_Script(s) succeeded', '(VI_1) Entering BACKUP STATE']);
});

test('results count as rise and fall say, the first one at once', () => {
  const one = host({ track_script: [tracked('s', 10)] }, [script('s', { rise: 2, fall: 3 })]);
  one.start();
  const said: string[] = [];
  for (const [i, status] of [0, 7, 7, 0, 7, 7, 7, 0, 7, 0, 0].entries()) {
    ended(one, { status }, at(i + 0.5));
    said.push(...one.logs.filter((text) => !text.includes('returning')));
    one.take({ type: 'deadline' }, at(i + 1));
    assert.equal(one.of('probe').length, 1, `run ${i + 1}`);
  }
  assert.deepEqual(said, [
    'VRRP_Script(s) succeeded',
    '(VI_1) Changing effective priority from 100 to 110',
    'VRRP_Script(s) failed (exited with status 7)',
    '(VI_1) Changing effective priority from 110 to 100',
    'VRRP_Script(s) succeeded',
    '(VI_1) Changing effective priority from 100 to 110',
  ]);
});

test('one that takes too long has failed, is ended with all it started, and is not started beside itself', () => {
  const one = host({ track_script: [tracked('s')] }, [script('s', { timeout: seconds(3) })]);
  one.start();
  ended(one, { status: 0 });
  one.take({ type: 'deadline' }, at(1));
  one.take({ type: 'deadline' }, at(2));
  assert.deepEqual(one.logs, ['Track script s is already running, expect idle - skipping run']);
  one.take({ type: 'deadline' }, at(4));
  assert.deepEqual(one.of('kill'), [{ type: 'kill', run: 2, signal: 'SIGTERM' }]);
  assert.ok(one.logs.includes('VRRP_Script(s) timed_out'));
  assert.equal(one.member().state.name, 'fault');
  one.take({ type: 'deadline' }, at(6));
  assert.deepEqual(one.of('kill'), [{ type: 'kill', run: 2, signal: 'SIGKILL' }]);
  assert.equal(one.of('probe').length, 0);
  // Whatever it says in the end comes too late.
  one.take({ type: 'probed', run: 2, end: { status: 0 } }, at(6.1));
  assert.equal(one.member().state.name, 'fault');
  one.take({ type: 'deadline' }, at(7));
  assert.equal(one.of('probe').length, 1);
  one.take({ type: 'probed', run: 2, end: { status: 0 } }, at(7.1));
  assert.deepEqual(one.actions, [], 'a run of long ago');
});

test('one that cannot be started, or is ended by a signal, has failed', () => {
  const one = host({ track_script: [tracked('s', 10), tracked('t', 10)] }, [
    script('s'),
    script('t'),
  ]).start();
  one.take({ type: 'probed', run: 1, end: { refused: 'execve: ENOENT' } });
  assert.deepEqual(one.logs, ['VRRP_Script(s) failed (execve: ENOENT)']);
  one.take({ type: 'probed', run: 2, end: { signal: 11 } });
  assert.deepEqual(one.logs, ['VRRP_Script(t) failed (due to signal 11)']);
});

test('scripts start together and then take turns', () => {
  const names = ['a', 'b', 'c', 'd'];
  const one = host(
    { track_script: names.map((name) => tracked(name, 1)) },
    names.map((name) => script(name)),
  ).start();
  assert.equal(one.of('probe').length, 4);
  for (const run of [1, 2, 3, 4]) one.take({ type: 'probed', run, end: { status: 0 } });
  const starts: number[] = [];
  while (one.now < at(2)) {
    one.deadline();
    if (one.of('probe').length > 0) starts.push(one.now / 1e6);
    for (const { run } of one.of('probe')) one.take({ type: 'probed', run, end: { status: 0 } });
  }
  assert.deepEqual(starts, [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]);
});

test('a script that nothing tracks is not run', () => {
  assert.deepEqual(
    host({}, [script('s')])
      .start()
      .of('probe'),
    [],
  );
});

test('a reload keeps what is known of a script, and ends the run of one that is gone', () => {
  const scripts = ['s', 't'].map((name) => script(name, { timeout: seconds(100) }));
  const both = { track_script: [tracked('s'), tracked('t', 5)] };
  const one = host(both, scripts).start();
  one.take({ type: 'probed', run: 1, end: { status: 0 } }).until('master');
  const { state } = one.member();
  const next = { ...config(instance({ track_script: [tracked('s', 9)] })), vrrp_script: scripts };
  const running = one.state.trackers.scripts.t?.run?.id;
  one.take({ type: 'reload', config: next });
  assert.ok(one.logs.includes('VRRP_Script(s) considered successful on reload'));
  assert.ok(one.logs.includes('(VI_1) Changing effective priority from 100 to 109'));
  assert.deepEqual(one.of('kill'), [{ type: 'kill', run: running, signal: 'SIGKILL' }]);
  assert.deepEqual(one.member().state, state);
});

const command = (...words: string[]): Pick<VrrpScript, 'script'> => ({
  script: { words, uid: 0, gid: 0 },
});

/** Nothing is made of its silence. */
const patient = (name: string, changes: Partial<VrrpScript> = {}): VrrpScript =>
  script(name, { timeout: seconds(100), ...changes });

/** A master whose script `s` has succeeded, and runs again. */
const master = (changes: Partial<VrrpScript> = {}, weight = 0): Host => {
  const one = host({ track_script: [tracked('s', weight)] }, [patient('s', changes)]).start();
  ended(one, { status: 0 }).until('master');
  return one;
};

const reloaded = (
  one: Host,
  scripts: readonly VrrpScript[],
  list = scripts.map(({ name }) => tracked(name)),
): Host =>
  one.take({
    type: 'reload',
    config: { ...config(instance({ track_script: list })), vrrp_script: scripts },
  });

test('a reload that changes what a script runs keeps what is known of it, and asks at once', () => {
  for (const changes of [
    command('/bin/s', 'argument'),
    { script: { words: ['/bin/s'], uid: 1, gid: 1 } },
    { ...command('/bin/other'), init_fail: true, rise: 2 },
  ]) {
    const one = master({ interval: seconds(3600) });
    const { state } = one.member();
    reloaded(one, [patient('s', { interval: seconds(3600), ...changes })]);
    assert.deepEqual(one.member().state, state);
    assert.deepEqual(one.logs, ['VRRP_Script(s) considered successful on reload']);
    assert.deepEqual(one.kinds, ['probe']);
    assert.deepEqual(one.of('probe')[0]?.script, changes.script);
    ended(one, { status: 1 });
    assert.equal(one.member().state.name, 'fault', 'what it says counts');
  }
});

test('a reload asks a script that has not changed at once, unless it is running', () => {
  const slow = { interval: seconds(3600) };
  const one = master(slow);
  assert.equal(reloaded(one, [patient('s', slow)]).of('probe').length, 1);
  assert.deepEqual(reloaded(one, [patient('s', slow)]).of('probe'), []);
  assert.deepEqual(one.of('kill'), []);
  ended(one, { status: 1 });
  assert.equal(one.member().state.name, 'fault');
  reloaded(one, [patient('s', { ...slow, rise: 2 })]);
  assert.equal(ended(one, { status: 0 }).member().state.name, 'fault', 'rise counts');
  reloaded(one, [patient('s', { ...slow, rise: 2 })]);
  assert.equal(ended(one, { status: 0 }).member().state.name, 'backup');
});

test('a script that failed has failed under another command until that succeeds', () => {
  const one = host({ track_script: [tracked('s')] }, [patient('s')]).start();
  ended(one, { status: 1 });
  reloaded(one, [patient('s', command('/bin/other'))]);
  assert.deepEqual(one.logs, ['VRRP_Script(s) considered unsuccessful on reload']);
  assert.equal(one.member().state.name, 'fault');
  assert.equal(ended(one, { status: 0 }).member().state.name, 'backup');
});

test('a script that a reload brings takes no role before it has said anything, and gives none', () => {
  const both = [patient('s'), patient('new', { init_fail: true })];
  const one = master();
  const { state } = one.member();
  reloaded(one, both);
  assert.deepEqual(one.member().state, state);
  assert.deepEqual([one.of('pace'), one.of('removeAddresses')], [[], []]);
  const runOf = (name: string): number => one.state.trackers.scripts[name]?.run?.id ?? 0;
  one.take({ type: 'probed', run: runOf('s'), end: { status: 0 } });
  assert.deepEqual(one.member().state, state);
  one.take({ type: 'probed', run: runOf('new'), end: { status: 1 } });
  assert.equal(one.member().state.name, 'fault');
  // Under another name it has not said anything yet: who is at fault waits for it.
  reloaded(one, [patient('s'), patient('third')]);
  assert.equal(one.member().state.name, 'fault');
  one.take({ type: 'probed', run: runOf('third'), end: { status: 0 } });
  assert.equal(one.member().state.name, 'backup');
  // A backup waits no longer for the role than before.
  reloaded(one, [patient('s'), patient('fourth')]).until('master');
  assert.equal(one.state.trackers.scripts.fourth?.status, 'pending');
});

test('an instance that a reload brings waits for its new script, as at a start', () => {
  const one = master();
  const scripts = [patient('s'), patient('new')];
  const second = instance({ name: 'VI_2', virtual_router_id: 52, track_script: [tracked('new')] });
  one.take({
    type: 'reload',
    config: {
      ...config(instance({ track_script: [tracked('s')] }), second),
      vrrp_script: scripts,
    },
  });
  assert.deepEqual(
    one.state.members.map(({ state }) => state.name),
    ['master', 'fault'],
  );
});

test('nobody of a group waits for a script that a reload brings while another member takes part without it', () => {
  const group = (
    changes: Partial<VrrpInstance>,
    ...others: readonly VrrpInstance[]
  ): VrrpConfig => {
    const all = config(instance({ track_script: [tracked('s')], ...changes }), ...others);
    const names = all.vrrp_instance.map(({ name }) => name);
    return {
      ...all,
      vrrp_script: [patient('s'), patient('new')],
      vrrp_sync_group: [{ name: 'G', group: names }],
    } as unknown as VrrpConfig;
  };
  const one = new Host(group({})).start();
  const say = (name: string, status: number): Host =>
    one.take({
      type: 'probed',
      run: one.state.trackers.scripts[name]?.run?.id ?? 0,
      end: { status },
    });
  const states = (): readonly string[] => one.state.members.map(({ state }) => state.name);
  say('s', 0).until('master');
  const second = { name: 'VI_2', virtual_router_id: 52, track_script: [tracked('new')] };
  // As without a script: a group that grows begins anew, as one.
  one.take({ type: 'reload', config: group({}, instance(second)) });
  assert.deepEqual(states(), ['backup', 'backup']);
  say('new', 1);
  assert.deepEqual(states(), ['fault', 'fault']);
});

test('a new script that is waited for does not hide the fault of another member of the group', () => {
  const group = (...scripts: readonly string[]) => ({
    ...config(
      instance({ track_script: scripts.map((name) => tracked(name)) }),
      instance({ name: 'VI_2', virtual_router_id: 52, track_script: [tracked('t')] }),
    ),
    vrrp_script: ['s', 't', 'new'].map((name) => patient(name)),
    vrrp_sync_group: [{ name: 'G', group: ['VI_1', 'VI_2'] }],
  });
  const one = new Host(group('s') as unknown as VrrpConfig).start();
  const say = (name: string, status: number): Host =>
    one.take({
      type: 'probed',
      run: one.state.trackers.scripts[name]?.run?.id ?? 0,
      end: { status },
    });
  say('s', 0);
  say('t', 0);
  one.until('master');
  one.take({ type: 'reload', config: group('s', 'new') as unknown as VrrpConfig });
  const states = (): readonly string[] => one.state.members.map(({ state }) => state.name);
  assert.deepEqual(states(), ['master', 'master']);
  say('t', 1);
  assert.deepEqual(states(), ['fault', 'fault']);
});

test('a weight stays through a reload that changes the command, and a new one is not counted as failed', () => {
  const one = master({}, 10);
  assert.equal(one.member().rules.priority, 110);
  reloaded(one, [patient('s', command('/bin/other'))], [tracked('s', 10)]);
  assert.equal(one.member().rules.priority, 110);
  const list = [tracked('s', 10), tracked('new', -20)];
  const scripts = [patient('s'), patient('new', { init_fail: true })];
  reloaded(one, scripts, list);
  assert.equal(one.member().rules.priority, 110);
  assert.equal(reloaded(one, scripts, list).member().rules.priority, 110, 'nor the next time');
});

test('a file that cannot be run counts as good until it has run once, and that is said once', () => {
  const unfit = { refused: 'execve ENOEXEC: Exec format error', unfit: true } as const;
  const one = host({ track_script: [tracked('s')] }, [patient('s')]).start();
  ended(one, unfit);
  assert.deepEqual(one.logs, [
    'WARNING - script `s` cannot be run (execve ENOEXEC: Exec format error): it counts as successful',
    'VRRP_Script(s) succeeded',
    '(VI_1) Entering BACKUP STATE',
  ]);
  one.take({ type: 'deadline' }, at(1));
  assert.deepEqual(ended(one, unfit).logs, []);
  one.take({ type: 'deadline' }, at(2));
  ended(one, { status: 0 });
  one.take({ type: 'deadline' }, at(3));
  assert.equal(ended(one, unfit).member().state.name, 'fault', 'it could be run');
  reloaded(one, [patient('s')]);
  assert.equal(ended(one, unfit).member().state.name, 'fault', 'and is the same after a reload');
  reloaded(one, [patient('s', command('/bin/other'))]);
  assert.equal(ended(one, unfit).member().state.name, 'backup', 'another one is not');
  reloaded(one, [patient('s', command('/bin/third'))]);
  const late = ended(one, { refused: 'fork EAGAIN: Resource temporarily unavailable' });
  assert.equal(late.member().state.name, 'fault', 'it may be run another time');
});

test('stop ends what runs', () => {
  const one = host({ track_script: [tracked('s')] }, [script('s')]).start();
  one.take({ type: 'stop' });
  assert.deepEqual(one.of('kill'), [{ type: 'kill', run: 1, signal: 'SIGKILL' }]);
  assert.equal(nextDeadline(one.state), undefined);
});
