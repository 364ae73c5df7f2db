// What a flood of packets may cost: lines in the log and steps, never a role, a schedule or a counter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, seconds } from '../../src/lib/time.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import type { AdvertOptions } from '../netns/craft.ts';
import { craftAdvert } from '../netns/craft.ts';
import { config, instance, ip } from '../sim/config.ts';
import { Host } from '../sim/host.ts';

const secret = { auth_type: 'PASS', auth_pass: 'secret' } as const;
const SOURCE = '10.0.0.9';
const right: AdvertOptions = {
  version: 2,
  source: SOURCE,
  destination: '224.0.0.18',
  vrid: 51,
  priority: 1,
  addresses: ['10.0.0.100'],
  interval: 1,
  authType: 1,
  password: 'secret',
};

/** One of every kind that there is a counter for; none of them is an advert to be believed. */
const wrong: Record<string, Partial<AdvertOptions>> = {
  length: { extra: -4 },
  ttl: { hopLimit: 3 },
  version: { version: 7 },
  type: { type: 2 },
  checksum: { checksumError: 1 },
  authType: { authType: 7 },
  authMismatch: { authType: 0 },
  authFailure: { password: 'Secret' },
  interval: { interval: 2 },
  addresses: { addresses: ['10.0.0.77'] },
};

function hear(one: Host, change: Partial<AdvertOptions>, now: Instant): Host {
  const { member } = { member: one.member() };
  return one.take(
    {
      type: 'packet',
      socket: member.socket ?? '',
      packet: {
        source: ip(SOURCE),
        destination: ip('224.0.0.18'),
        hopLimit: change.hopLimit ?? 255,
        interface: 2,
        bytes: new Uint8Array(craftAdvert({ ...right, ...change }).subarray(14)),
      },
    },
    now,
  );
}

const host = (...changes: Partial<VrrpInstance>[]): Host =>
  new Host(
    config(...changes.map((change) => instance({ authentication: secret, ...change }))),
  ).start();

/** Packets from `from` on, a hundred a second of each kind, with every deadline met; the lines logged, with instants. */
function flood(
  one: Host,
  kinds: readonly Partial<AdvertOptions>[],
  from: Instant,
  duration: number,
): { at: Instant; text: string }[] {
  const lines: { at: Instant; text: string }[] = [];
  const note = (): void => {
    for (const text of one.logs) lines.push({ at: one.now, text });
  };
  for (let now: number = from; now < from + duration; now += 10_000) {
    for (;;) {
      const due = nextDeadline(one.state);
      if (due === undefined || due > now) break;
      one.deadline();
      note();
    }
    for (const kind of kinds) {
      hear(one, kind, now as Instant);
      note();
    }
  }
  return lines;
}

const most = (lines: readonly { at: Instant }[]): number =>
  Math.max(
    0,
    ...lines.map(({ at }) => lines.filter((l) => l.at >= at && l.at < at + seconds(60)).length),
  );

// Guards: COMPLAINT_PAUSE in src/vrrp/receive.ts, LINES and TIMES in src/vrrp/chatter.ts (`admits`).
test('every kind at once, for three minutes, is fewer than 20 lines in any minute, and every packet is counted', () => {
  for (const role of ['master', 'backup'] as const) {
    const one = host({});
    if (role === 'master') one.until('master');
    else hear(one, { priority: 200 }, one.now);
    const from = one.now;
    const kinds = [...Object.values(wrong), ...(role === 'backup' ? [{ priority: 200 }] : [])];
    const lines = flood(one, kinds, from, seconds(180));
    assert.ok(most(lines) < 20, `${role}: ${most(lines)}`);
    const { drops } = one.member().statistics;
    for (const reason of Object.keys(wrong))
      assert.equal(drops[reason as keyof typeof drops], 18_000, reason);
    assert.equal(one.member().state.name, role);
  }
});

// Holds because `receive` gives what is wrong to no instance: in src/vrrp/receive.ts, `count(draft, position, …)` is
// followed by `return`. keepalived reads a socket with the timer of the master's own adverts and arms it anew.
test('nothing that is wrong moves the schedule of a master, nor the timer of a backup', () => {
  const silent = Object.entries(wrong).filter(([reason]) => reason !== 'addresses');
  for (const role of ['master', 'backup'] as const) {
    const one = host({});
    if (role === 'master') one.until('master');
    else hear(one, { priority: 200 }, one.now);
    const { state, speaking } = one.member();
    const orders: string[] = [];
    for (let i = 1; i <= 100; i++)
      for (const [, change] of silent) {
        hear(one, { priority: 254, ...change }, (one.now + 1_000) as Instant);
        orders.push(...one.kinds);
      }
    assert.deepEqual(orders, [], role);
    assert.equal(one.member().state, state, role);
    assert.equal(one.member().speaking, speaking, role);
  }
});

test('the schedule of a master stands whatever adverts of lower priority it answers', () => {
  const one = host({ lower_prio_no_advert: false }).until('master');
  const { speaking } = one.member();
  const orders: string[] = [];
  for (let i = 1; i <= 1_000; i++) {
    hear(one, {}, (one.now + 1_000) as Instant);
    orders.push(...one.kinds);
  }
  // One answer a period, and what it announces; no order that concerns the schedule.
  assert.deepEqual([...new Set(orders)].sort(), ['announce', 'send']);
  assert.equal(orders.filter((kind) => kind === 'send').length, 1);
  assert.equal(one.member().speaking, speaking);
});

test('a hundred instances that are all talked to wrongly are as quiet as one, and what was not said is counted', () => {
  const many = Array.from({ length: 100 }, (_, i) => ({
    name: `VI_${i}`,
    virtual_router_id: i + 1,
  }));
  const one = host(...many);
  const lines: string[] = [];
  for (const { virtual_router_id: vrid } of many)
    for (const kind of Object.values(wrong)) {
      hear(one, { vrid, ...kind }, seconds(1) as never);
      lines.push(...one.logs);
    }
  assert.equal(lines.length, 15);
  const due = nextDeadline(one.state);
  assert.ok(due !== undefined && due < seconds(61));
  let told = '';
  while (told === '' && one.now < seconds(70)) {
    one.deadline();
    told = one.logs.find((line) => line.includes('not logged')) ?? '';
  }
  // Each of the ten kinds at each instance, and what adverts with other addresses make a backup say besides.
  const said = /^(\d+) similar messages were not logged$/.exec(told);
  assert.ok(Number(said?.[1]) >= 1_000 - 15, told);
  assert.equal(one.now, seconds(61));
});

test('adverts of lower priority do not fill the log, whatever role hears them', () => {
  for (const role of ['master', 'backup'] as const) {
    const one = host({ priority: 100, advert_int: seconds(1) });
    if (role === 'master') one.until('master');
    const from = one.now;
    const lines = flood(
      one,
      role === 'master' ? [{}, { priority: 2 }] : [{}, { priority: 200 }],
      from,
      seconds(120),
    );
    assert.ok(most(lines) < 20, `${role}: ${most(lines)}`);
    assert.equal(one.member().state.name, role);
  }
});

test('a change of role is said however loud it was before', () => {
  const one = host({ priority: 100 }).until('master');
  flood(one, Object.values(wrong), one.now, seconds(2));
  for (let round = 0; round < 30; round++) {
    hear(one, { priority: 200 }, one.now);
    assert.ok(
      one.logs.some((line) => line.includes('Entering BACKUP STATE')),
      `round ${round}`,
    );
    one.until('master');
    assert.ok(one.logs.some((line) => line.includes('Entering MASTER STATE')));
  }
});

test('what overflowed is said once with its sum, and the rest a minute later', () => {
  const one = host({}).until('master');
  const lines: string[] = [];
  for (let i = 0; i < 10; i++) {
    one.take({ type: 'overflow', lost: 100 });
    lines.push(...one.logs);
  }
  assert.deepEqual(lines.slice(0, 1), ['100 packets came faster than they could be read']);
  assert.ok(lines.length < 5, lines.join('\n'));
  const end = one.now + seconds(61);
  for (
    let due = nextDeadline(one.state);
    due !== undefined && due < end;
    due = nextDeadline(one.state)
  ) {
    one.deadline();
    lines.push(...one.logs);
  }
  const sum = lines
    .map((line) => Number(/^(\d+) packets came/.exec(line)?.[1] ?? 0))
    .reduce((a, b) => a + b);
  assert.equal(sum, 1_000);
});

test('a stopped router waits for nothing, whatever it has not said', () => {
  const one = host({}).until('master');
  flood(one, [...Object.values(wrong), {}, { priority: 2 }], one.now, seconds(30));
  assert.ok(one.state.chatter.withheld > 0);
  one.take({ type: 'stop' });
  assert.equal(nextDeadline(one.state), undefined);
});
