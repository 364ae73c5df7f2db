// vrrp_startup_delay: when the master-down interval begins, and what an owner does until then.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, type Duration, type Instant, millis, seconds } from '../../src/lib/time.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import { config, instance } from '../sim/config.ts';
import { FACTS, Host } from '../sim/host.ts';

const START = seconds(1000) as number as Instant;
const at = (wait: Duration): Instant => after(START, wait);

function held(changes: Parameters<typeof instance>[0], globals: object): Host {
  const plain = config(instance(changes));
  const delayed = { vrrp_startup_delay: millis(4_500) };
  const global_defs = { ...plain.global_defs, ...delayed, ...globals };
  return new Host({ ...plain, global_defs }).take({ type: 'facts', facts: FACTS }, START);
}

test('a backup waits for its whole interval after the delay, and says so', () => {
  const host = held({}, {});
  assert.equal(host.logs[0], 'Delaying startup for 4.5 seconds');
  assert.equal(host.member().state.name, 'backup');
  assert.equal(nextDeadline(host.state), at(millis(4_500 + 3_609.375)));
});

test('an owner is silent until the delay is over, and master then', () => {
  const host = held({ priority: 255, state: 'MASTER' }, {});
  assert.deepEqual(host.kinds, ['open']);
  assert.equal(host.member().state.name, 'backup');
  assert.equal(nextDeadline(host.state), at(millis(4_500)));
  assert.equal(host.deadline().member().state.name, 'master');
});

test('a master that is heard and gives up during the delay is not replaced before its end', () => {
  const host = held({}, {});
  host.hears(200, '10.0.0.9', {}, at(seconds(2)));
  assert.equal(nextDeadline(host.state), at(millis(4_500 + 3_609.375)));
  host.hears(0, '10.0.0.9', {}, at(seconds(3)));
  assert.ok((nextDeadline(host.state) as number) >= at(millis(4_500)));
  assert.equal(host.take({ type: 'deadline' }, at(seconds(4))).member().state.name, 'backup');
});

test('after the delay everything is as without it', () => {
  const host = held({}, {});
  host.hears(200, '10.0.0.9', {}, at(seconds(6)));
  assert.equal(nextDeadline(host.state), at(millis(6_000 + 3_609.375)));
});

test('vrrp_delay_after_boot counts from boot; the longer of both wins', () => {
  const one = held({}, { vrrp_delay_after_boot: seconds(1_002) });
  assert.equal(nextDeadline(one.state), at(millis(4_500 + 3_609.375)));
  const two = held({}, { vrrp_delay_after_boot: seconds(1_010) });
  assert.equal(nextDeadline(two.state), at(millis(10_000 + 3_609.375)));
  const past = held({}, { vrrp_startup_delay: undefined, vrrp_delay_after_boot: seconds(9) });
  assert.equal(nextDeadline(past.state), at(millis(3_609.375)));
});

test('an instance that is reloaded or recovers during the delay still waits', () => {
  const host = held({}, {});
  const down = { ...FACTS, links: FACTS.links.map((link) => ({ ...link, running: false })) };
  host.take({ type: 'facts', facts: down }, at(seconds(1)));
  assert.equal(host.member().state.name, 'fault');
  host.take({ type: 'facts', facts: FACTS }, at(seconds(2)));
  assert.equal(nextDeadline(host.state), at(millis(4_500 + 3_609.375)));
  host.take({ type: 'reload', config: { ...host.state.config } }, at(seconds(3)));
  assert.equal(nextDeadline(host.state), at(millis(4_500 + 3_609.375)));
});
