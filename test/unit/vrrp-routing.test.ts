// Routes and rules of a master: ordered after its addresses and removed before them; one that vanishes comes back alone;
// one that is refused is tried again. The bytes of an order, and of news, as the kernel has them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KernelRoute, KernelRule } from '../../src/lib/route.ts';
import { after, seconds } from '../../src/lib/time.ts';
import { decodeMessages } from '../../src/net/netlink.ts';
import { decodeGoneRoute, encodeDeleteRoute, encodeNewRoute } from '../../src/net/rt-route.ts';
import { decodeGoneRule, encodeDeleteRule } from '../../src/net/rt-rule.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import type { RuleEntry } from '../../src/vrrp/routing.ts';
import { config, instance, ip, route } from '../sim/config.ts';
import { Host } from '../sim/host.ts';

const rule: RuleEntry = { family: 4, priority: 50, action: 1, table: 100, protocol: 18 };

const { dev: _, ...bare } = route(1);
const held: KernelRoute = { ...bare, index: 2 };
const gone = { family: 4, destination: ip('10.1.0.0'), prefix: 16, table: 254, tos: 0 } as const;

const kinds = (host: Host): string[] =>
  host.actions.map(({ type }) => type).filter((type) => /Addresses|Routes|Rules/.test(type));

const master = (): Host =>
  new Host(
    config(
      instance({
        virtual_routes: [route(1), route(2), route(3, { no_track: true })],
        virtual_rules: [rule],
      }),
    ),
  )
    .start()
    .until('master');

test('routes and rules come after the addresses and go before them', () => {
  const host = master();
  assert.deepEqual(kinds(host), ['addAddresses', 'addRoutes', 'addRules']);
  host.take({ type: 'stop' });
  assert.deepEqual(kinds(host), ['removeRules', 'removeRoutes', 'removeAddresses']);
});

test('a deleted route comes back alone, and the role stays', () => {
  const host = master().take({ type: 'routeGone', route: gone });
  assert.deepEqual(
    host.actions.filter(({ type }) => type !== 'log'),
    [{ type: 'addRoutes', routes: [held], restored: true }],
  );
  assert.equal(host.member().state.name, 'master');
});

for (const [what, change] of [
  ['another destination', { destination: ip('10.9.0.0') }],
  ['another table', { table: 100 }],
  ['another metric', { metric: 5 }],
  ['another interface', { index: 3 }],
  ['no_track', { destination: ip('10.3.0.0') }],
] as const)
  test(`nothing is done about a deleted route with ${what}`, () => {
    assert.deepEqual(
      master().take({ type: 'routeGone', route: { ...gone, ...change } }).actions,
      [],
    );
  });

test('a deleted rule comes back alone', () => {
  const host = master().take({ type: 'ruleGone', rule: { family: 4, priority: 50 } });
  assert.deepEqual(kinds(host), ['addRules']);
  assert.deepEqual(
    master().take({ type: 'ruleGone', rule: { family: 6, priority: 50 } }).actions,
    [],
  );
});

test('a refused route is named in the log and tried again after a second', () => {
  const host = master();
  const action = { type: 'addRoutes', routes: [held] } as const;
  host.take({ type: 'refused', action, code: 'ENETUNREACH', message: 'no way' });
  const [said] = host.actions;
  assert.ok(said?.type === 'log' && said.text.includes('10.1.0.0/16 dev eth0'), said?.type);
  const again = after(host.now, seconds(1));
  assert.equal(host.state.members[0]?.routing.retryAt, again);
  assert.ok((nextDeadline(host.state) ?? again) <= again);
  host.take({ type: 'deadline' }, again);
  assert.deepEqual(
    host.actions.filter(({ type }) => type === 'addRoutes'),
    [{ ...action, restored: true }],
  );
});

test('a backup does nothing about deleted routes', () => {
  const host = new Host(config(instance({ virtual_routes: [route(1)] }))).start();
  assert.deepEqual(host.take({ type: 'routeGone', route: gone }).actions, []);
});

test('static routes are there from the start to the end, and come back', () => {
  const host = new Host({ ...config(instance()), static_routes: [route(1)] }).start();
  assert.deepEqual(kinds(host), ['addRoutes']);
  host.take({ type: 'routeGone', route: gone });
  assert.deepEqual(kinds(host), ['addRoutes']);
  host.take({ type: 'stop' });
  assert.ok(kinds(host).includes('removeRoutes'));
});

test('what names a route in an order is what news of its deletion names', () => {
  const whole: KernelRoute = { ...held, table: 1000, tos: 8, metric: 7, via: ip('10.0.0.1') };
  const [message] = decodeMessages(encodeDeleteRoute(whole, 1, true));
  assert.ok(message !== undefined);
  assert.deepEqual(decodeGoneRoute(message), {
    ...gone,
    table: 1000,
    tos: 8,
    metric: 7,
    via: '10.0.0.1',
    index: 2,
  });
  const wanted: KernelRule = { ...rule, protocol: 18 };
  const [removal] = decodeMessages(encodeDeleteRule(wanted, 1, true));
  assert.deepEqual(removal && decodeGoneRule(removal), { family: 4, priority: 50 });
});

test('an order for a route, byte for byte (struct rtmsg, RTA_DST, RTA_OIF, RTA_METRICS)', () => {
  const [message] = decodeMessages(encodeNewRoute({ ...held, metrics: { mtu: 1400 } }, 1, true));
  assert.equal(
    Buffer.from(message?.body ?? []).toString('hex'),
    '021000' +
      '00' +
      'fe' +
      '12' +
      '00' +
      '01' +
      '00000000' +
      '08000100' +
      '0a010000' +
      '08000400' +
      '02000000' +
      '0c000800' +
      '08000200' +
      '78050000',
  );
});
