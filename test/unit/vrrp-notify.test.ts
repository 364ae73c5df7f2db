// The lines in the FIFOs: for whom they are written, and what they say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../../src/lib/time.ts';
import type { VrrpConfig } from '../../src/vrrp/keywords.ts';
import { roleOf } from '../../src/vrrp/start.ts';
import { config, instance } from '../sim/config.ts';
import { FACTS, Host } from '../sim/host.ts';

const fifo = { path: '/run/x', uid: 0, gid: 0 };
function withFifo(globals: object, ...changes: Parameters<typeof instance>[0][]): VrrpConfig {
  const plain = config(...changes.map((change) => instance(change)));
  return { ...plain, global_defs: { ...plain.global_defs, ...globals } };
}
const linesOf = (host: Host): readonly string[] => host.of('fifo').map(({ line }) => line);

for (const keyword of ['notify_fifo', 'vrrp_notify_fifo'])
  test(`${keyword}: backup, master, a lower priority, stop, with name and priority`, () => {
    const host = new Host(withFifo({ [keyword]: fifo }, {})).start();
    assert.deepEqual(linesOf(host), ['INSTANCE "VI_1" BACKUP 100']);
    assert.deepEqual(linesOf(host.until('master')), ['INSTANCE "VI_1" MASTER 100']);
    assert.deepEqual(linesOf(host.hears(50)), ['INSTANCE "VI_1" MASTER_RX_LOWER_PRI 100']);
    assert.deepEqual(linesOf(host.take({ type: 'stop' })), ['INSTANCE "VI_1" STOP 100']);
  });

test('without a FIFO no line is made; one for virtual servers is none', () => {
  for (const globals of [{}, { lvs_notify_fifo: fifo }])
    assert.deepEqual(linesOf(new Host(withFifo(globals, {})).start()), []);
});

test('after a reload the states that stay are told again only where that is wanted', () => {
  const before = withFifo({ notify_fifo: fifo }, {});
  for (const wanted of [false, true]) {
    const host = new Host(before).start().until('master');
    const globals = { notify_fifo: fifo, fifo_write_vrrp_states_on_reload: wanted };
    const two = { name: 'VI_2', virtual_router_id: 52 };
    host.take({ type: 'reload', config: withFifo(globals, {}, two) });
    assert.deepEqual(linesOf(host), [
      'INSTANCE "VI_2" BACKUP 100',
      ...(wanted ? ['INSTANCE "VI_1" MASTER 100'] : []),
    ]);
  }
});

test('an instance that goes says FAULT, or DELETED where it asks for that', () => {
  const gone = withFifo({ notify_fifo: fifo });
  for (const [changes, word] of [
    [{}, 'FAULT'],
    [{ notify_deleted: true as const }, 'DELETED'],
  ] as const) {
    const host = new Host(withFifo({ notify_fifo: fifo }, changes)).start();
    assert.deepEqual(linesOf(host.take({ type: 'reload', config: gone })), [
      `INSTANCE "VI_1" ${word} 100`,
    ]);
  }
});

test('who adopts tells programs again, and people not', () => {
  const all = withFifo(
    { notify_fifo: fifo, notification_email: ['a@example.org'], smtp_alert: true },
    { smtp_alert: true },
  );
  const [own = instance()] = all.vrrp_instance;
  const inheritance = { journal: [], roles: [{ role: roleOf(own), spokeAt: 0 as Instant }] };
  const host = new Host(all).take({ type: 'facts', facts: FACTS, inheritance }, 1 as Instant);
  assert.deepEqual(linesOf(host), ['INSTANCE "VI_1" MASTER 100']);
  assert.deepEqual(host.of('mail'), []);
  assert.deepEqual(
    host
      .hears(200)
      .of('mail')
      .map(({ subject }) => subject),
    ['[undefined] VRRP Instance VI_1 - Entering BACKUP state'],
  );
});
