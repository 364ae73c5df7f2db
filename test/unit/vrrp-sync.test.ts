// lvs_sync_daemon and lvs_sync_daemon_interface: which daemon of the kernel runs follows from the state of the instance
// that is named (test/uml/sync.test.ts runs it beside keepalived).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SyncDaemon } from '../../src/lib/ipvs.ts';
import type { Instant } from '../../src/lib/time.ts';
import type { VrrpAction } from '../../src/vrrp/action.ts';
import type { VrrpConfig } from '../../src/vrrp/keywords.ts';
import { config, instance, ip } from '../sim/config.ts';
import { FACTS, Host, link } from '../sim/host.ts';

type Spec = VrrpConfig['global_defs']['lvs_sync_daemon'];

const withSync = (spec: Spec): VrrpConfig => ({
  ...config(instance()),
  global_defs: { lvs_sync_daemon: spec } as VrrpConfig['global_defs'],
});
const spec = { interface: 'eth0', inst: 'VI_1' };

/** What was ordered of sync daemons in this step. */
const orders = ({ actions }: Host): readonly string[] =>
  actions.flatMap((action) => {
    if (action.type === 'stopSync') return [`stop ${action.role}`];
    return action.type === 'startSync' ? [`start ${JSON.stringify(action.daemon)}`] : [];
  });
const daemon = (role: SyncDaemon['role'], more: Partial<SyncDaemon> = {}): string =>
  `start ${JSON.stringify({ interface: 'eth0', role, id: 51, ...more })}`;

test('a backup hears, a master tells, and whoever stops does neither', () => {
  const host = new Host(withSync(spec)).start();
  assert.deepEqual(orders(host), ['stop master', 'stop backup', daemon('backup')]);
  host.until('master');
  assert.deepEqual(orders(host), ['stop backup', daemon('master')]);
  host.hears(150);
  assert.deepEqual(orders(host), ['stop master', daemon('backup')]);
  host.take({ type: 'link', link: link(2, 'eth0', { running: false }) });
  assert.equal(host.member().state.name, 'fault');
  assert.deepEqual(orders(host), []);
  host.take({ type: 'stop' });
  assert.deepEqual(orders(host), ['stop backup']);
  assert.equal(host.actions.at(-1)?.type, 'exit');
});

test('the number is that of the configuration, else of the virtual router; every option is passed on', () => {
  const all = { id: 3, maxlen: 1000, port: 99, ttl: 4, group: ip('224.0.0.99') };
  const host = new Host(withSync({ ...spec, ...all })).start();
  const { daemon: started } = host.of('startSync')[0] ?? {};
  assert.deepEqual(started, { interface: 'eth0', role: 'backup', ...all });
});

test('without an instance it is the checking process that plays both roles', () => {
  const host = new Host(withSync({ interface: 'eth0' })).start();
  assert.deepEqual(orders(host), []);
  assert.deepEqual(orders(host.until('master')), []);
});

test('an instance that is not there is said at start and at reload', () => {
  const line = 'Unable to find vrrp instance VI_9 for lvs_syncd - clearing lvs_syncd config';
  const unknown = withSync({ interface: 'eth0', inst: 'VI_9' });
  const host = new Host(unknown).start();
  assert.ok(host.logs.includes(line));
  assert.deepEqual(orders(host), []);
  assert.ok(host.take({ type: 'reload', config: unknown }).logs.includes(line));
  assert.ok(!host.take({ type: 'reload', config: withSync(spec) }).logs.includes(line));
});

test('the older keyword names the interface in its instance, and the number is 0', () => {
  const host = new Host(config(instance({ lvs_sync_daemon_interface: 'eth0' }))).start();
  assert.deepEqual(orders(host).slice(2), [daemon('backup', { id: 0 })]);
  assert.deepEqual(orders(new Host(config(instance())).start()), []);
});

test('takeover comes first: nobody waits for the daemon', () => {
  const host = new Host(withSync(spec)).start().until('master');
  const at = (type: VrrpAction['type']): number =>
    host.actions.findIndex((action) => action.type === type);
  assert.ok(at('announce') >= 0);
  assert.ok(at('stopSync') > at('announce') && at('stopSync') > at('pace'));
});

test('a reload changes what differs', () => {
  const host = new Host(withSync(spec)).start().until('master');
  const reload = (next: Spec): readonly string[] =>
    orders(host.take({ type: 'reload', config: withSync(next) }));
  assert.deepEqual(reload(spec), []);
  assert.deepEqual(reload({ ...spec, id: 9 }), ['stop master', daemon('master', { id: 9 })]);
  assert.deepEqual(reload(undefined), ['stop master']);
  assert.deepEqual(reload(undefined), []);
  assert.deepEqual(reload(spec), [daemon('master')]);
});

test('what is refused is said once, and tried again when the interface comes up', () => {
  const host = new Host(withSync(spec)).start();
  const [action] = host.of('startSync');
  assert.ok(action !== undefined);
  host.take({ type: 'refused', action, code: 'ENODEV', message: 'gone' });
  assert.deepEqual(host.logs, [
    'cannot start the IPVS sync daemon as backup on eth0: ENODEV (gone)',
  ]);
  assert.deepEqual(orders(host), []);
  host.take({ type: 'facts', facts: FACTS });
  assert.deepEqual(orders(host), []);
  host.take({ type: 'link', link: link(3, 'eth1') });
  assert.deepEqual(orders(host), []);
  host.take({ type: 'link', link: link() });
  assert.deepEqual(orders(host), [daemon('backup')]);
  host.take({ type: 'stop' }, (host.now + 1) as Instant);
  assert.deepEqual(orders(host), ['stop backup']);
});
