// Sync groups: their members move together, in keepalived's order and words (test/netns/group.test.ts runs it beside).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Script } from '../../src/config/value.ts';
import { seconds } from '../../src/lib/time.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import type { SyncGroup } from '../../src/vrrp/membership.ts';
import { roleOf } from '../../src/vrrp/start.ts';
import { config, instance } from '../sim/config.ts';
import { address, FACTS, Host, link } from '../sim/host.ts';

const script = (word: string): Script => ({ words: [word], uid: 0, gid: 0 });
const notify = script('any');

const group = (changes: Partial<SyncGroup> = {}): SyncGroup => ({
  name: 'G1',
  group: ['VI_1', 'VI_2'],
  sync_group_tracking_weight: false,
  notify,
  notify_master: script('gm'),
  ...changes,
});

const two = (
  first: Partial<VrrpInstance> = {},
  second: Partial<VrrpInstance> = {},
): VrrpInstance[] => [
  instance({ notify, ...first }),
  instance({ name: 'VI_2', virtual_router_id: 52, interface: 'eth1', notify, ...second }),
];

const facts = (up = true) => ({
  links: [link(), link(3, 'eth1', { running: up })],
  addresses: [...FACTS.addresses, address('10.0.1.5', 24, { index: 3 })],
});

const host = (instances = two(), one = group()): Host =>
  new Host({ ...config(...instances), vrrp_sync_group: [one] });

const states = (one: Host): readonly string[] => one.state.members.map(({ state }) => state.name);
const eth1 = (one: Host, up: boolean): Host =>
  one.take({ type: 'link', link: link(3, 'eth1', { running: up }) });

/** Both are master. */
const mastered = (one = host()): Host => {
  one.start(facts());
  for (let i = 0; i < 4 && states(one).includes('backup'); i++) one.deadline();
  assert.deepEqual(states(one), ['master', 'master']);
  return one;
};

test('at start the group is told before its members', () => {
  const one = host().start(facts());
  assert.deepEqual(one.scripts, [
    'any GROUP G1 BACKUP 0',
    'any INSTANCE VI_1 BACKUP 100',
    'any INSTANCE VI_2 BACKUP 100',
  ]);
});

test('nobody becomes master before all would; the last one takes the others along', () => {
  const one = host(two({}, { priority: 90 })).start(facts());
  one.deadline();
  assert.deepEqual(one.logs, ['(VI_1) Receive advertisement timeout']);
  assert.deepEqual(states(one), ['backup', 'backup']);
  one.deadline();
  assert.deepEqual(
    one.logs.filter((text) => text.includes('MASTER')),
    [
      '(VI_2) Entering MASTER STATE',
      'VRRP_Group(G1) Syncing instances to MASTER state',
      '(VI_1) Entering MASTER STATE',
    ],
  );
  assert.deepEqual(one.scripts, [
    'any INSTANCE VI_2 MASTER 90',
    'any INSTANCE VI_1 MASTER 100',
    'gm',
    'any GROUP G1 MASTER 0',
  ]);
});

test('an owner in a group waits for the others', () => {
  const one = host(two({ priority: 255 })).start(facts());
  assert.deepEqual(states(one), ['backup', 'backup']);
});

test('a group of owners alone waits for nobody: master at once, and so after a fault', () => {
  const one = host(two({ priority: 255 }, { priority: 255, nopreempt: true })).start(facts());
  assert.deepEqual(states(one), ['master', 'master']);
  assert.deepEqual(one.scripts, [
    'gm',
    'any GROUP G1 MASTER 0',
    'any INSTANCE VI_1 MASTER 255',
    'any INSTANCE VI_2 MASTER 255',
  ]);
  eth1(one, false);
  assert.deepEqual(states(one), ['fault', 'fault']);
  eth1(one, true);
  assert.deepEqual(states(one), ['master', 'master']);
});

test('no owner of a group is master where another member is at fault, also where a reload brings them', () => {
  const owners = two({ priority: 255 }, { priority: 255 });
  assert.deepEqual(states(host(owners).start(facts(false))), ['fault', 'fault']);
  const one = new Host(config()).start(facts(false));
  one.take({ type: 'reload', config: { ...config(...owners), vrrp_sync_group: [group()] } });
  assert.deepEqual(states(one), ['fault', 'fault']);
});

test('vrrp_startup_delay holds a group of owners too', () => {
  const owners = config(...two({ priority: 255 }, { priority: 255 }));
  const global_defs = { ...owners.global_defs, vrrp_startup_delay: seconds(5) };
  const one = new Host({ ...owners, global_defs, vrrp_sync_group: [group()] }).start(facts());
  assert.deepEqual(states(one), ['backup', 'backup']);
  one.deadline();
  assert.deepEqual(states(one), ['master', 'master']);
});

test('who would be master and hears a better one does not want it any more', () => {
  const one = host(two({}, { priority: 90 })).start(facts());
  one.deadline();
  one.hears(150);
  one.deadline();
  assert.deepEqual(states(one), ['backup', 'backup']);
});

test('a fault of one is a fault of all, until the last is over', () => {
  const one = eth1(mastered(), false);
  assert.deepEqual(
    one.logs.filter((text) => /FAULT|sent 0/.test(text)),
    [
      '(VI_2) Entering FAULT STATE',
      'VRRP_Group(G1) Syncing instances to FAULT state',
      '(VI_1) Entering FAULT STATE',
    ],
  );
  // The interface of the other one still carries its good-bye.
  assert.equal(one.of('send').length, 1);
  assert.deepEqual(one.scripts, [
    'any INSTANCE VI_2 FAULT 100',
    'any INSTANCE VI_1 FAULT 100',
    'any GROUP G1 FAULT 0',
  ]);
  one.take({ type: 'link', link: link(2, 'eth0', { running: false }) });
  assert.deepEqual(one.scripts, []);
  eth1(one, true);
  assert.deepEqual(states(one), ['fault', 'fault']);
  one.take({ type: 'link', link: link() });
  assert.deepEqual(one.scripts, [
    'any INSTANCE VI_1 BACKUP 100',
    'any INSTANCE VI_2 BACKUP 100',
    'any GROUP G1 BACKUP 0',
  ]);
});

test('what the group tracks is tracked by every member', () => {
  const tracks = { track_interface: [{ name: 'eth2', weight: 20, reverse: false }] };
  const one = host(two(), group(tracks));
  const more = { ...facts(), links: [...facts().links, link(4, 'eth2')] };
  one.start(more);
  assert.deepEqual(
    one.state.members.map(({ rules }) => rules.priority),
    [120, 120],
  );
  one.take({ type: 'linkGone', index: 4 });
  assert.deepEqual(
    one.state.members.map(({ rules }) => rules.priority),
    [100, 100],
  );
});

test('one that gives way to a better master takes the others along', () => {
  const one = mastered().hears(150);
  assert.deepEqual(states(one), ['backup', 'backup']);
  assert.deepEqual(one.scripts, [
    'any INSTANCE VI_1 BACKUP 100',
    'any INSTANCE VI_2 BACKUP 100',
    'any GROUP G1 BACKUP 0',
  ]);
  assert.equal(one.kernel.size, 0);
});

test('at the end the group is told last', () => {
  const one = mastered().take({ type: 'stop' });
  assert.deepEqual(one.scripts.at(-1), 'any GROUP G1 STOP 0');
});

test('the members of a group go on in the role of a dead process together, or not at all', () => {
  const roles = (...instances: readonly VrrpInstance[]) =>
    instances.map((one) => ({ role: roleOf(one), spokeAt: 0 as never }));
  const start = (...instances: readonly VrrpInstance[]): Host =>
    host().take({
      type: 'facts',
      facts: facts(),
      inheritance: { journal: [], roles: roles(...instances) },
    });
  assert.deepEqual(states(start(...two())), ['master', 'master']);
  assert.deepEqual(start(...two()).scripts, [
    'any INSTANCE VI_1 MASTER 100',
    'any INSTANCE VI_2 MASTER 100',
    'gm',
    'any GROUP G1 MASTER 0',
  ]);
  assert.deepEqual(states(start(...two().slice(0, 1))), ['backup', 'backup']);
});

test('a role is taken over although scripts have not said anything yet', () => {
  const tracked = { track_script: [{ name: 's', weight: 0, reverse: false }] };
  const [first] = two(tracked);
  assert.ok(first !== undefined);
  const one = new Host({
    ...config(first),
    vrrp_script: [
      {
        name: 's',
        script: script('s'),
        interval: seconds(1),
        weight: { weight: 0, reverse: false },
        rise: 1,
        fall: 2,
        init_fail: false,
      },
    ],
  });
  one.take({
    type: 'facts',
    facts: facts(),
    inheritance: { journal: [], roles: [{ role: roleOf(first), spokeAt: 0 as never }] },
  });
  assert.deepEqual(states(one), ['master']);
  one.take({ type: 'probed', run: 1, end: { status: 1 } });
  assert.deepEqual(states(one), ['master'], 'fall counts');
});

test('instances that a reload brings together stand for election together', () => {
  const one = new Host(config(...two())).start(facts());
  one.until('master');
  while (states(one).includes('backup')) one.deadline();
  one.hears(150);
  assert.deepEqual(states(one), ['backup', 'master']);
  one.take({ type: 'reload', config: { ...config(...two()), vrrp_sync_group: [group()] } });
  assert.deepEqual(states(one), ['backup', 'backup']);
  assert.ok(one.scripts.includes('any GROUP G1 BACKUP 0'));
});

test('a reload that dissolves a group sets its members free', () => {
  const one = host().start(facts(false));
  assert.deepEqual(states(one), ['fault', 'fault']);
  one.take({ type: 'reload', config: config(...two()) });
  assert.deepEqual(states(one), ['backup', 'fault']);
});
