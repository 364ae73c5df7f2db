// The election of one instance, sentence by sentence of RFC 9568 6.4 (and RFC 3768 6.4 where version 2 differs),
// and keepalived's additions as keepalived 2.2.7 was seen to behave.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, type Duration, type Instant, millis, seconds } from '../../src/lib/time.ts';
import type {
  BackupState,
  InstanceAction,
  InstanceEvent,
  InstanceState,
  InstanceStep,
  MasterState,
} from '../../src/vrrp/instance.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { INIT, instanceDeadline, stepInstance } from '../../src/vrrp/machine.ts';
import { masterDownInterval, nextSend, skewTime } from '../../src/vrrp/schedule.ts';
import { instance, ip } from '../sim/config.ts';

const at = (secondsLater: number): Instant => Math.round(1e6 * secondsLater) as Instant;
const ours = ip('10.0.0.5');

class One {
  state: InstanceState = INIT;
  actions: readonly InstanceAction[] = [];
  readonly config: VrrpInstance;

  constructor(changes: Partial<VrrpInstance> = {}) {
    this.config = instance(changes);
  }

  step(event: InstanceEvent, now: Instant): this {
    const { state, actions }: InstanceStep = stepInstance(
      { rules: this.config, source: ours },
      this.state,
      event,
      now,
    );
    this.state = state;
    this.actions = actions;
    return this;
  }

  start(now = at(0)): this {
    return this.step({ type: 'start', faults: [] }, now);
  }

  /** At the instant for which it asked to be called. */
  deadline(): this {
    const now = instanceDeadline(this.state);
    assert.ok(now !== undefined);
    return this.step({ type: 'deadline' }, now);
  }

  hears(priority: number, now: Instant, from = '10.0.0.9', interval: Duration = seconds(1)): this {
    return this.step({ type: 'advert', advert: { source: ip(from), priority, interval } }, now);
  }

  get logs(): readonly string[] {
    return this.actions.flatMap((action) => (action.type === 'log' ? [action.text] : []));
  }

  get others(): readonly unknown[] {
    return this.actions.filter(({ type }) => type !== 'log');
  }

  get backup(): BackupState {
    assert.equal(this.state.name, 'backup');
    return this.state as BackupState;
  }

  get master(): MasterState {
    assert.equal(this.state.name, 'master');
    return this.state as MasterState;
  }
}

const master = (changes: Partial<VrrpInstance> = {}): One => new One(changes).start().deadline();

// Timers

test('RFC 3768 6.1: Skew_Time is (256 - priority) / 256 seconds, whatever the interval', () => {
  for (const advert_int of [seconds(1), seconds(5)]) {
    const rules = instance({ version: 2, priority: 100, advert_int });
    assert.equal(skewTime(rules, advert_int), 609_375);
    assert.equal(masterDownInterval(rules, advert_int), 3 * advert_int + 609_375);
  }
});

test('RFC 9568 6.1: Skew_Time is a fraction of the master interval', () => {
  const rules = instance({ version: 3, priority: 118 });
  assert.equal(skewTime(rules, millis(500)), 269_532);
  // keepalived shows 1769531, cut off; we never round towards an early takeover.
  assert.equal(masterDownInterval(rules, millis(500)), 1_769_532);
  assert.equal(masterDownInterval(rules, millis(10)), 35_391);
});

test('down_timer_adverts replaces the three intervals', () => {
  const rules = instance({ priority: 255, down_timer_adverts: 7 });
  assert.equal(masterDownInterval(rules, seconds(2)), 14_000_000 + 3907);
});

// RFC 9568 6.4.1, Initialize

test('the address owner sends at once and is master', () => {
  const one = new One({ priority: 255 }).start(at(3));
  assert.equal(one.master.phase, at(3));
  assert.deepEqual(one.others, [
    { type: 'announce', repeat: 5 },
    { type: 'notify', state: 'MASTER' },
  ]);
  assert.deepEqual(one.logs, [
    '(VI_1) Receive advertisement timeout',
    '(VI_1) Entering MASTER STATE',
  ]);
});

test('everybody else becomes backup and waits a Master_Down_Interval of the own interval', () => {
  for (const state of ['MASTER', 'BACKUP'] as const) {
    const one = new One({ state }).start(at(3));
    assert.equal(one.backup.masterDownAt, at(3 + 3.609375));
    assert.equal(one.backup.masterInterval, seconds(1));
    assert.deepEqual(one.others, [{ type: 'notify', state: 'BACKUP' }]);
    assert.deepEqual(one.logs, ['(VI_1) Entering BACKUP STATE (init)']);
  }
});

test('an instance that starts with a fault says which, and reports FAULT', () => {
  const faults = [{ kind: 'address', what: 'no IPv4 address for interface' }] as const;
  const one = new One().step({ type: 'start', faults }, at(0));
  assert.equal(one.state.name, 'fault');
  assert.deepEqual(one.logs, [
    '(VI_1) entering FAULT state (no IPv4 address for interface)',
    '(VI_1) entering FAULT state',
  ]);
  assert.deepEqual(one.others, [{ type: 'notify', state: 'FAULT' }]);
});

// RFC 9568 6.4.2, Backup

test('when the Master_Down_Timer fires it becomes master', () => {
  const one = new One().start().deadline();
  assert.equal(one.master.phase, at(3.609375));
  assert.deepEqual(one.logs, [
    '(VI_1) Receive advertisement timeout',
    '(VI_1) Entering MASTER STATE',
  ]);
});

test('not a microsecond earlier', () => {
  const one = new One().start();
  one.step({ type: 'deadline' }, after(one.backup.masterDownAt, -1 as Duration));
  assert.equal(one.state.name, 'backup');
});

test('priority 0: the timer is set to Skew_Time', () => {
  const one = new One().start().hears(200, at(1)).hears(0, at(1.5));
  assert.equal(one.backup.masterDownAt, at(1.5 + 0.609375));
  assert.deepEqual(one.logs, ['(VI_1) Backup received priority 0 advertisement']);
});

test('version 3: Skew_Time after priority 0 is that of the learned interval', () => {
  const one = new One({ version: 3 })
    .start()
    .hears(200, at(1), '10.0.0.9', millis(100))
    .hears(0, at(1.05));
  assert.equal(one.backup.masterDownAt, at(1.05 + 0.060938));
});

test('priority equal to ours or higher: the timer starts anew', () => {
  for (const priority of [100, 101, 255]) {
    const one = new One().start().hears(priority, at(2));
    assert.equal(one.backup.masterDownAt, at(2 + 3.609375));
    assert.deepEqual(one.backup.master, { address: '10.0.0.9', priority });
  }
});

test('version 3 learns the interval of its master', () => {
  const one = new One({ version: 3 }).start().hears(200, at(1), '10.0.0.9', seconds(3));
  assert.equal(one.backup.masterInterval, seconds(3));
  assert.equal(one.backup.masterDownAt, at(1 + 9 + 3 * 0.609375));
  assert.deepEqual(one.logs, [
    '(VI_1) advertisement interval updated from 1000ms to 3000ms by master',
  ]);
});

test('lower priority is discarded: the timer stands', () => {
  const one = new One().start();
  const before = one.state;
  one.hears(99, at(2));
  assert.equal(one.state, before);
  assert.deepEqual(one.logs, [
    '(VI_1) received lower priority (99) advert from 10.0.0.9 - discarding',
  ]);
});

test('Preempt_Mode false: lower priority restarts the timer like any other', () => {
  const one = new One({ nopreempt: true }).start().hears(1, at(2));
  assert.equal(one.backup.masterDownAt, at(2 + 3.609375));
});

test('the address owner preempts even where Preempt_Mode is false', () => {
  const one = new One({ nopreempt: true, priority: 255 });
  one.start().hears(255, at(1), '10.0.0.9');
  assert.equal(one.state.name, 'backup');
  const waiting = one.state;
  one.hears(200, at(2));
  assert.equal(one.state, waiting);
});

test('preempt_delay leaves a lower priority master alone for that long, then its adverts are discarded', () => {
  const one = new One({ preempt_delay: seconds(3) }).start().hears(50, at(1));
  assert.deepEqual(one.logs, ['(VI_1) start preempt delay (3.000000)']);
  one.hears(50, at(2)).hears(50, at(3)).hears(50, at(3.9));
  assert.equal(one.backup.masterDownAt, at(3.9 + 3.609375));
  one.hears(50, at(4));
  assert.match(one.logs[0] ?? '', /discarding/);
  assert.equal(one.backup.masterDownAt, at(3.9 + 3.609375));
});

test('preempt_delay does not keep a lone router waiting', () => {
  const one = new One({ preempt_delay: seconds(30) }).start().deadline();
  assert.equal(one.master.since, at(3.609375));
});

test('a better master heard in between begins the delay anew', () => {
  const one = new One({ preempt_delay: seconds(3) }).start().hears(50, at(1)).hears(200, at(2));
  assert.equal(one.backup.preemptAt, undefined);
  one.hears(50, at(5));
  assert.equal(one.backup.preemptAt, at(8));
});

// RFC 9568 6.4.3, Master

test('priority 0 is answered with an advert at once, beside the schedule', () => {
  const one = master();
  const { phase } = one.master;
  one.hears(0, at(10));
  assert.deepEqual(one.others, [{ type: 'interject' }]);
  assert.equal(one.master.phase, phase);
  assert.deepEqual(one.logs, ['(VI_1) Master received priority 0 message']);
});

test('at most one such answer a period', () => {
  const one = master().hears(0, at(10)).hears(0, at(10.999));
  assert.deepEqual(one.others, []);
  assert.deepEqual(one.hears(50, at(10.9999)).actions, []);
  assert.deepEqual(one.hears(0, at(11)).others, [{ type: 'interject' }]);
});

test('a worse master that spoke too soon for an answer is answered at the end of the period', () => {
  const one = master({ garp_lower_prio_delay: seconds(0), garp_master_delay: seconds(0) });
  one.hears(50, at(10)).hears(60, at(10.5)).hears(60, at(10.7));
  assert.deepEqual(one.actions, []);
  assert.equal(instanceDeadline(one.state), at(11));
  assert.deepEqual(one.deadline().others, [{ type: 'announce', repeat: 5, quiet: true }]);
  assert.equal(instanceDeadline(one.state), undefined);
  assert.deepEqual(one.hears(60, at(11.5)).actions, [], 'that was the answer of this period');
});

test('higher priority: back to backup, waiting for the new master', () => {
  const one = master().hears(101, at(10));
  assert.equal(one.backup.masterDownAt, at(10 + 3.609375));
  assert.deepEqual(one.backup.reason, { because: 'advert', from: '10.0.0.9', priority: 101 });
  assert.deepEqual(one.logs, [
    '(VI_1) Master received advert from 10.0.0.9 with higher priority 101, ours 100',
    '(VI_1) Entering BACKUP STATE',
  ]);
  assert.deepEqual(one.others, [{ type: 'notify', state: 'BACKUP' }]);
});

test('equal priority: the higher address wins, compared as a number', () => {
  const one = master().hears(100, at(10), '10.0.0.10');
  assert.deepEqual(one.logs, [
    '(VI_1) Master received advert from 10.0.0.10 with same priority 100 but higher IP address than ours',
    '(VI_1) Entering BACKUP STATE',
  ]);
  const stays = master().hears(100, at(10), '10.0.0.4');
  assert.equal(stays.state.name, 'master');
});

test('version 3: the interval of the better master is learned on giving way', () => {
  const one = master({ version: 3 }).hears(101, at(10), '10.0.0.9', millis(300));
  assert.equal(one.backup.masterInterval, millis(300));
});

test('lower priority: it asserts itself, corrects the neighbours, and keeps its schedule', () => {
  const one = master();
  const { phase } = one.master;
  one.hears(50, at(10));
  assert.equal(one.master.phase, phase);
  assert.deepEqual(one.others, [
    { type: 'interject' },
    { type: 'announce', repeat: 5 },
    { type: 'notify', state: 'MASTER_RX_LOWER_PRI' },
  ]);
  assert.deepEqual(one.logs, [
    '(VI_1) Received advert from 10.0.0.9 with lower priority 50, ours 100, forcing new election',
  ]);
  assert.equal(one.master.lowerAnnounceAt, at(15));
});

test('lower_prio_no_advert corrects the neighbours without an advert', () => {
  const one = master({ lower_prio_no_advert: true }).hears(50, at(10));
  assert.deepEqual(one.others.slice(0, 1), [{ type: 'announce', repeat: 5 }]);
  assert.deepEqual(one.logs, [
    '(VI_1) Received advert from 10.0.0.9 with lower priority 50, ours 100',
  ]);
});

test('higher_prio_send_advert sends once more before giving way', () => {
  const one = master({ higher_prio_send_advert: true }).hears(200, at(10));
  assert.equal(one.state.name, 'backup');
  assert.deepEqual(one.others[0], { type: 'interject' });
});

test('a role that was taken a moment ago is not given up without an advert: our announcement may be the last', () => {
  const one = master({ garp_master_delay: seconds(0) });
  const { since } = one.master;
  one.hears(200, after(since, millis(999)));
  assert.deepEqual(one.others, [{ type: 'interject' }, { type: 'notify', state: 'BACKUP' }]);
  const later = master().hears(200, after(since, seconds(1)));
  assert.deepEqual(later.others, [{ type: 'notify', state: 'BACKUP' }]);
});

test('a shutdown says priority 0', () => {
  const one = master().step({ type: 'stop' }, at(10));
  assert.equal(one.state.name, 'stop');
  assert.deepEqual(one.others, [{ type: 'farewell' }, { type: 'notify', state: 'STOP' }]);
});

test('a backup that stops has nothing to say on the wire', () => {
  const one = new One().start().step({ type: 'stop' }, at(1));
  assert.deepEqual(one.others, [{ type: 'notify', state: 'STOP' }]);
});

// Announcements

test('a second burst follows garp_master_delay after the first, once', () => {
  const one = master({ garp_master_delay: seconds(2), garp_master_repeat: 3 });
  const { since } = one.master;
  one.deadline();
  assert.deepEqual(one.others, [{ type: 'announce', repeat: 3 }]);
  assert.equal(one.master.announceAt, undefined);
  assert.equal(after(since, seconds(2)), at(3.609375 + 2));
  assert.equal(instanceDeadline(one.state), undefined);
});

test('no delay, no second burst', () => {
  assert.equal(instanceDeadline(master({ garp_master_delay: seconds(0) }).state), undefined);
});

test('garp_master_refresh repeats for as long as it is master', () => {
  const one = master({
    garp_master_delay: seconds(0),
    garp_master_refresh: seconds(60),
    garp_master_refresh_repeat: 2,
  });
  for (let round = 1; round <= 3; round++) {
    assert.equal(instanceDeadline(one.state), at(3.609375 + 60 * round));
    assert.deepEqual(one.deadline().others, [{ type: 'announce', repeat: 2 }]);
  }
});

test('the second burst after a lower priority advert has its own delay and count', () => {
  const one = master({
    garp_master_delay: seconds(0),
    garp_lower_prio_delay: seconds(2),
    garp_lower_prio_repeat: 4,
  }).hears(50, at(10));
  assert.equal(instanceDeadline(one.state), at(12));
  assert.deepEqual(one.deadline().others, [{ type: 'announce', repeat: 4 }]);
});

// Faults

const down = [{ kind: 'down', what: 'eth0' }] as const;

test('a fault takes the role away, the last one gone gives a new start', () => {
  const one = master().step({ type: 'faults', faults: down }, at(10));
  assert.equal(one.state.name, 'fault');
  assert.deepEqual(one.others, [{ type: 'farewell' }, { type: 'notify', state: 'FAULT' }]);
  one.hears(200, at(11));
  assert.equal(one.state.name, 'fault');
  one.step({ type: 'faults', faults: [] }, at(12));
  assert.equal(one.backup.masterDownAt, at(12 + 3.609375));
  assert.deepEqual(one.logs, ['(VI_1) Entering BACKUP STATE']);
});

test('the address owner is master again as soon as its last fault is gone', () => {
  const one = new One({ priority: 255 }).step({ type: 'start', faults: down }, at(0));
  assert.equal(one.step({ type: 'faults', faults: [] }, at(1)).master.phase, at(1));
});

test('another fault in FAULT is remembered without a word', () => {
  const one = new One().step({ type: 'start', faults: down }, at(0));
  const more = [...down, { kind: 'missing', what: 'eth1' }] as const;
  assert.deepEqual(one.step({ type: 'faults', faults: more }, at(1)).actions, []);
  assert.deepEqual(one.state.name === 'fault' && one.state.faults, more);
});

// Stalls

const lone = { garp_master_delay: seconds(0), down_timer_adverts: 3 };

test('after a stall a better master heard meanwhile is obeyed before anything is sent', () => {
  const one = master().step({ type: 'stalled', missed: at(12) }, at(20));
  assert.equal(instanceDeadline(one.state), at(20));
  one.hears(50, at(16));
  assert.deepEqual(one.others, []);
  one.hears(0, at(17));
  assert.deepEqual(one.others, []);
  one.hears(200, at(18));
  assert.equal(one.state.name, 'backup');
  assert.deepEqual(one.others, [{ type: 'notify', state: 'BACKUP' }]);
});

test('after a short stall one advert leaves at once, and nothing else is different', () => {
  const before = master(lone);
  const { state } = before;
  const one = before.step({ type: 'stalled', missed: at(12) }, at(13.999999)).deadline();
  assert.deepEqual(one.actions, [{ type: 'interject' }]);
  assert.deepEqual(one.state, state, 'the phase too');
});

test('after a stall in which others may have taken over it corrects the neighbours too', () => {
  const one = master(lone);
  const { phase } = one.master;
  one.step({ type: 'stalled', missed: at(12) }, at(14)).deadline();
  assert.equal(one.master.phase, phase);
  assert.equal(one.master.stall, undefined);
  assert.deepEqual(one.others, [{ type: 'interject' }, { type: 'announce', repeat: 5 }]);
  assert.deepEqual(one.logs, ['(VI_1) Resuming adverts after a stall']);
});

test('a worse master heard during a stall, however short, is answered once, when all has been read', () => {
  const one = master(lone).step({ type: 'stalled', missed: at(12) }, at(13));
  one.hears(50, at(12.5)).hears(50, at(12.6));
  assert.deepEqual(one.actions, []);
  one.deadline();
  assert.deepEqual(one.others, [
    { type: 'interject' },
    { type: 'announce', repeat: 5 },
    { type: 'announce', repeat: 5 },
    { type: 'notify', state: 'MASTER_RX_LOWER_PRI' },
  ]);
  assert.deepEqual(one.hears(50, at(13.5)).others, [], 'one answer a period');
});

test('a master that left during a stall had taught the segment where it was', () => {
  const one = master(lone).step({ type: 'stalled', missed: at(12) }, at(13));
  one.hears(0, at(12.5)).deadline();
  assert.deepEqual(one.others, [{ type: 'interject' }, { type: 'announce', repeat: 5 }]);
});

test('a worse master that is heard right after a stall is answered at once', () => {
  const one = master(lone)
    .step({ type: 'stalled', missed: at(12) }, at(20))
    .deadline();
  one.hears(50, at(20.1));
  assert.deepEqual(one.others.slice(0, 2), [
    { type: 'interject' },
    { type: 'announce', repeat: 5 },
  ]);
});

test('a stall within a stall is one, as long as both', () => {
  const one = master(lone).step({ type: 'stalled', missed: at(12) }, at(13));
  one.hears(50, at(12.5)).step({ type: 'stalled', missed: at(14) }, at(15));
  assert.equal(instanceDeadline(one.state), at(15));
  assert.equal(one.master.stall?.spokeAt, at(11));
  assert.equal(one.master.stall?.rival?.priority, 50);
});

test('nothing is announced between a stall and what follows from it', () => {
  const one = master({ garp_master_delay: seconds(5) });
  one.step({ type: 'stalled', missed: at(12) }, at(20));
  assert.deepEqual(one.step({ type: 'deadline' }, at(9)).actions, []);
});

// Totality

test('early deadlines and events for another state change nothing', () => {
  const one = new One();
  for (const event of [
    { type: 'deadline' },
    { type: 'stalled', missed: at(1) },
    { type: 'faults', faults: down },
    { type: 'advert', advert: { source: ip('10.0.0.9'), priority: 200, interval: seconds(1) } },
  ] as const)
    assert.equal(one.step(event, at(1)).state, INIT);
  const stopped = new One().start().step({ type: 'stop' }, at(1));
  const { state } = stopped;
  for (const event of [
    { type: 'start', faults: [] },
    { type: 'stop' },
    { type: 'deadline' },
  ] as const)
    assert.equal(stopped.step(event, at(2)).state, state);
});

test('a schedule is counted from its phase, never from now', () => {
  assert.equal(nextSend(at(1), seconds(1), at(0)), at(1));
  assert.equal(nextSend(at(1), seconds(1), at(1)), at(1));
  assert.equal(nextSend(at(1), seconds(1), at(1.000001)), at(2));
  assert.equal(nextSend(at(1), seconds(1), at(5.5)), at(6));
});
