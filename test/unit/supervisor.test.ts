// The parent's machine: one test for each promise about its children, and a random walk that no event can break.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DumpKind, Kind } from '../../src/ipc/messages.ts';
import { type Instant, seconds } from '../../src/lib/time.ts';
import type { ParentAction } from '../../src/supervisor/action.ts';
import type { ParentEvent } from '../../src/supervisor/event.ts';
import { HEARTBEAT, respawnDelay, SILENCE } from '../../src/supervisor/life.ts';
import { createParent, nextDeadline, step } from '../../src/supervisor/machine.ts';
import type { ParentState, Settings } from '../../src/supervisor/state.ts';

const NONE = { vrrp: false, check: false };
const settings: Settings = {
  respawn: true,
  childWait: seconds(5),
  wanted: { vrrp: true, check: false },
  patience: seconds(3),
};
const at = (s: number): Instant => seconds(s) as number as Instant;

/** A parent with a clock: feeds events, keeps every action. */
class Run {
  state: ParentState;
  now = at(100);
  readonly actions: ParentAction[] = [];
  #pid = 10;

  constructor(own: Partial<Settings> = {}) {
    this.state = createParent(Object.keys(own).length === 0 ? settings : { ...settings, ...own });
  }

  take(event: ParentEvent): ParentAction[] {
    const { state, actions } = step(this.state, event, this.now);
    this.state = state;
    const all = [...actions];
    for (const action of actions)
      if (action.type === 'fork')
        all.push(...this.take({ type: 'forked', kind: action.kind, pid: ++this.#pid }));
    this.actions.push(...actions);
    return all;
  }

  /** Lets time pass up to `s` seconds from now, meeting every deadline. */
  pass(s: number): ParentAction[] {
    const until = (this.now + seconds(s)) as Instant;
    const all: ParentAction[] = [];
    for (
      let next = nextDeadline(this.state);
      next !== undefined && next <= until;
      next = nextDeadline(this.state)
    ) {
      this.now = next;
      all.push(...this.take({ type: 'deadline' }));
    }
    this.now = until;
    return all;
  }

  begin(): this {
    this.take({ type: 'begin' });
    this.take({ type: 'running', pid: this.pid });
    return this;
  }

  /** Of the VRRP child. */
  get pid(): number {
    return this.pids.vrrp;
  }

  get pids(): Record<Kind, number> {
    const { vrrp, check } = this.state.children;
    const pidOf = (child: typeof vrrp): number => ('pid' in child ? child.pid : -1);
    return { vrrp: pidOf(vrrp), check: pidOf(check) };
  }
}

const kinds = (actions: readonly ParentAction[]): string[] =>
  actions.filter((a) => a.type !== 'log' && a.type !== 'tell').map((a) => a.type);
const texts = (actions: readonly ParentAction[]): string[] =>
  actions.flatMap((a) => (a.type === 'log' ? [a.text] : []));

test("begin starts the child and says so in keepalived's words", () => {
  const run = new Run();
  const actions = run.take({ type: 'begin' });
  assert.deepEqual(kinds(actions), ['fork']);
  assert.deepEqual(texts(actions), ['Starting VRRP child process, pid=11']);
  assert.deepEqual(texts(run.take({ type: 'running', pid: 11 })), ['Startup complete']);
  assert.equal(run.state.children.vrrp.name, 'running');
});

test('with nothing to run the parent stays and warns', () => {
  const run = new Run({ wanted: NONE });
  assert.deepEqual(texts(run.take({ type: 'begin' })), [
    'Warning - keepalived has no configuration to run',
  ]);
  assert.equal(nextDeadline(run.state), undefined);
  assert.equal(run.state.phase, 'running');
});

test('a heartbeat every 5 s, and an answer to any of them clears the count', () => {
  const run = new Run().begin();
  assert.deepEqual(kinds(run.pass(14)), ['heartbeat', 'heartbeat']);
  run.take({ type: 'answered', pid: run.pid, number: 1 });
  assert.deepEqual(kinds(run.pass(15)), ['heartbeat', 'heartbeat', 'heartbeat']);
  assert.equal(run.state.children.vrrp.name, 'running');
});

test('a child that leaves three heartbeats unanswered is killed when the fourth is due', () => {
  const run = new Run().begin();
  assert.equal(SILENCE, 3);
  assert.deepEqual(kinds(run.pass(19)), ['heartbeat', 'heartbeat', 'heartbeat']);
  assert.deepEqual(kinds(run.pass(1)), ['kill']);
  assert.equal(run.state.children.vrrp.name, 'silent');
});

test('a child that never gets ready is silent too', () => {
  const run = new Run();
  run.take({ type: 'begin' });
  assert.ok(kinds(run.pass(20)).includes('kill'));
});

test('a parent that was frozen for a minute accuses nobody', () => {
  const run = new Run().begin();
  run.now = (run.now + seconds(60)) as Instant;
  assert.deepEqual(kinds(run.take({ type: 'deadline' })), ['heartbeat']);
  assert.equal(nextDeadline(run.state), run.now + HEARTBEAT);
});

test('an answer to a heartbeat that was never sent counts for nothing', () => {
  const run = new Run().begin();
  run.pass(10);
  run.take({ type: 'answered', pid: run.pid, number: 7 });
  assert.equal((run.state.children.vrrp as { unanswered: number }).unanswered, 2);
});

test('the early deadline changes nothing', () => {
  const run = new Run().begin();
  assert.deepEqual(run.take({ type: 'deadline' }), []);
});

test('addresses that nobody has gone on with in time go, even while a successor is being started', () => {
  const run = new Run().begin();
  run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  assert.deepEqual(kinds(run.pass(2.9)), []);
  assert.deepEqual(kinds(run.pass(0.1)), ['clean']);
  run.take({ type: 'running', pid: run.pid });
  assert.ok(!kinds(run.pass(30)).includes('clean'));
});

test('a successor that runs in time keeps them', () => {
  const run = new Run().begin();
  run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  run.pass(2.9);
  run.take({ type: 'running', pid: run.pid });
  assert.ok(!kinds(run.pass(10)).includes('clean'));
});

test('a spare that ends is replaced at once, but not in a loop', () => {
  const run = new Run().begin();
  run.pass(5);
  assert.deepEqual(kinds(run.take({ type: 'spareGone' })), ['startSpare']);
  assert.deepEqual(kinds(run.take({ type: 'spareGone' })), []);
});

for (const type of ['halted', 'hung'] as const)
  test(`a ${type} child is killed at once, and its end brings the next`, () => {
    const run = new Run().begin();
    const { pid } = run;
    const [said, kill] = run.take({ type, pid });
    assert.equal(said?.type, 'log');
    assert.deepEqual(kill, { type: 'kill', pid, signal: 'SIGKILL' });
    assert.deepEqual(run.take({ type, pid }), [], 'once is enough');
    assert.deepEqual(kinds(run.take({ type: 'exited', pid, signal: 'SIGKILL' })), ['fork']);
    assert.notEqual(run.pid, pid);
  });

test('news of a process that is not the child is ignored', () => {
  const run = new Run().begin();
  const before = run.state;
  for (const type of ['halted', 'hung', 'running', 'reloaded', 'exited'] as const)
    assert.deepEqual(run.take({ type, pid: 999 }), []);
  assert.deepEqual(run.state, before);
});

test("the back-off grows as keepalived 2.2.7's: 0 1 2 4 8 16 32 60 60", () => {
  const delays = Array.from({ length: 9 }, (_, failures) => respawnDelay(failures) / 1e6);
  assert.deepEqual(delays, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
});

test('a dead child is started again after its delay, not before', () => {
  const run = new Run().begin();
  const first = run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  assert.deepEqual(texts(first), [
    'pid 11 exited due to signal SIGKILL',
    'VRRP child process(11) died: Respawning',
    'Restart of VRRP process delayed 0 seconds to limit respawn rate',
    'Starting VRRP child process, pid=12',
  ]);
  const second = run.take({ type: 'exited', pid: run.pid, status: 134 });
  assert.deepEqual(kinds(second), ['clean']);
  assert.deepEqual(kinds(run.pass(0.999)), []);
  assert.deepEqual(kinds(run.pass(0.001)), ['fork']);
  assert.equal(run.pid, 13);
});

test('a child that ends as if it had been asked to is given a moment: whoever asked may be asking the parent too', () => {
  const all = new Run().begin();
  const left = all.take({ type: 'exited', pid: all.pid, status: 0 });
  assert.deepEqual([kinds(left), texts(left)], [['clean'], []]);
  assert.deepEqual(texts(all.take({ type: 'stop' })), ['Stopping']);
  assert.equal(all.state.children.vrrp.name, 'absent');
  const alone = new Run().begin();
  const { pid } = alone;
  alone.take({ type: 'exited', pid, status: 0 });
  const later = alone.pass(0.1);
  assert.equal(texts(later)[0], `VRRP child process(${pid}) died: Respawning`);
  assert.ok(kinds(later).includes('fork'));
  assert.equal(alone.state.children.vrrp.name, 'starting');
});

test('the first death in a minute is inherited from; the second leaves nothing to inherit', () => {
  const run = new Run().begin();
  const first = run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  assert.deepEqual(
    first.filter(({ type }) => type === 'fork'),
    [{ type: 'fork', kind: 'vrrp', inherit: true }],
  );
  assert.ok(!kinds(first).includes('clean'));
  run.take({ type: 'running', pid: run.pid });
  run.pass(59);
  assert.deepEqual(kinds(run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' })), ['clean']);
  assert.deepEqual(
    run.pass(1).filter(({ type }) => type === 'fork'),
    [{ type: 'fork', kind: 'vrrp', inherit: false }],
  );
});

for (const type of ['halted', 'hung'] as const)
  test(`a child that is ${type} is inherited from once it is dead`, () => {
    const run = new Run().begin();
    const { pid } = run;
    assert.deepEqual(kinds(run.take({ type, pid })), ['kill']);
    const next = run.take({ type: 'exited', pid, signal: 'SIGKILL' });
    assert.deepEqual(
      next.filter(({ type }) => type === 'fork'),
      [{ type: 'fork', kind: 'vrrp', inherit: true }],
    );
  });

test('a child that never ran is not inherited from', () => {
  const run = new Run();
  run.take({ type: 'begin' });
  const actions = run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  assert.deepEqual(kinds(actions), ['clean', 'fork']);
});

test('a spare is started once the child runs, and again at the next heartbeat when it has gone', () => {
  const run = new Run();
  assert.ok(!kinds(run.take({ type: 'begin' })).includes('startSpare'));
  assert.deepEqual(kinds(run.take({ type: 'running', pid: run.pid })), ['startSpare']);
  assert.deepEqual(run.take({ type: 'spareGone' }), []);
  assert.deepEqual(kinds(run.pass(5)), ['heartbeat', 'startSpare']);
  run.take({ type: 'answered', pid: run.pid, number: 1 });
  assert.deepEqual(kinds(run.pass(5)), ['heartbeat']);
  // It has become the child: another one is needed.
  run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  assert.deepEqual(kinds(run.take({ type: 'running', pid: run.pid })), ['startSpare']);
  assert.deepEqual(kinds(run.take({ type: 'stop' })), ['dropSpare', 'kill']);
});

test('a child that ran for a minute is trusted again', () => {
  const run = new Run().begin();
  run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  run.take({ type: 'running', pid: run.pid });
  for (let beat = 1; beat <= 12; beat++) {
    run.pass(5);
    run.take({ type: 'answered', pid: run.pid, number: beat });
  }
  const last = run.take({ type: 'exited', pid: run.pid, status: 3 });
  assert.deepEqual(
    last.filter(({ type }) => type === 'fork'),
    [{ type: 'fork', kind: 'vrrp', inherit: true }],
  );
});

for (const status of [1, 2, 4])
  test(`exit status ${status} of a child is permanent and becomes the daemon's`, () => {
    const run = new Run().begin();
    const actions = run.take({ type: 'exited', pid: run.pid, status });
    assert.match(texts(actions)[0] ?? '', /^pid 11 exited with permanent error .*Terminating$/);
    assert.deepEqual(actions.at(-1), { type: 'exit', status });
    assert.equal(run.state.phase, 'ended');
  });

test('with -R a dead child ends the daemon with status 0', () => {
  const run = new Run({ respawn: false }).begin();
  const actions = run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  assert.ok(texts(actions).includes('VRRP child process(11) died: Exiting'));
  assert.deepEqual(actions.at(-1), { type: 'exit', status: 0 });
});

test('a process that cannot be started is tried again', () => {
  const run = new Run();
  run.state = {
    ...run.state,
    children: { ...run.state.children, vrrp: { name: 'forking', failures: 1 } },
  };
  assert.deepEqual(kinds(run.take({ type: 'forkFailed', kind: 'vrrp', code: 'EAGAIN' })), [
    'clean',
  ]);
  assert.deepEqual(kinds(run.pass(1)), ['fork']);
});

test('stop asks the child, waits for its end and exits', () => {
  const run = new Run().begin();
  const { pid } = run;
  const actions = run.take({ type: 'stop' });
  assert.deepEqual(texts(actions), ['Stopping']);
  assert.deepEqual(actions.at(-1), { type: 'kill', pid, signal: 'SIGTERM' });
  assert.deepEqual(run.take({ type: 'stop' }), [], 'a second request adds nothing');
  assert.deepEqual(kinds(run.take({ type: 'exited', pid, status: 0 })), ['clean', 'exit']);
});

test('a child that does not stop in child_wait_time is killed', () => {
  const run = new Run().begin();
  const { pid } = run;
  run.take({ type: 'stop' });
  assert.deepEqual(run.pass(4.9), []);
  assert.deepEqual(kinds(run.pass(0.1)), ['kill']);
  assert.deepEqual(kinds(run.take({ type: 'exited', pid, signal: 'SIGKILL' })), ['clean', 'exit']);
});

test('stop during the back-off exits at once', () => {
  const run = new Run().begin();
  run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  run.take({ type: 'exited', pid: run.pid, signal: 'SIGKILL' });
  assert.equal(run.state.children.vrrp.name, 'backingOff');
  assert.deepEqual(run.take({ type: 'stop' }).at(-1), { type: 'exit', status: 0 });
});

test('a child that fails while it is being stopped is not started again', () => {
  const run = new Run().begin();
  const { pid } = run;
  run.take({ type: 'stop' });
  assert.deepEqual(kinds(run.take({ type: 'exited', pid, signal: 'SIGSEGV' })), ['clean', 'exit']);
});

test('reload: read elsewhere, adopt, tell the child, say when it is done', () => {
  const run = new Run().begin();
  const { pid } = run;
  const asked = run.take({ type: 'reload' });
  assert.deepEqual(texts(asked), ['Reloading ...']);
  assert.deepEqual(kinds(asked), ['read']);
  assert.deepEqual(run.take({ type: 'read', settings }), [
    { type: 'adopt' },
    { type: 'reloadChild', pid },
  ]);
  assert.deepEqual(texts(run.take({ type: 'reloaded', pid })), ['Reload complete']);
  assert.equal(run.state.reload.phase, 'none');
});

test('the service manager is told: ready, reloading, ready again whatever came of it, stopping', () => {
  const run = new Run().begin();
  const { pid } = run;
  run.take({ type: 'reload' });
  run.take({ type: 'read', settings });
  run.take({ type: 'reloaded', pid });
  run.take({ type: 'reload' });
  run.take({ type: 'read' });
  run.take({ type: 'stop' });
  const told = run.actions.flatMap((a) => (a.type === 'tell' ? [a.condition] : []));
  assert.deepEqual(told, ['ready', 'reloading', 'ready', 'reloading', 'ready', 'stopping']);
});

test('a daemon with nothing to run is ready', () => {
  const run = new Run({ wanted: NONE });
  const actions = run.take({ type: 'begin' });
  assert.ok(actions.some((a) => a.type === 'tell' && a.condition === 'ready'));
});

test('a file with errors changes nothing', () => {
  const run = new Run().begin();
  run.take({ type: 'reload' });
  const { children } = run.state;
  const actions = run.take({ type: 'read' });
  assert.deepEqual(kinds(actions), []);
  assert.equal(texts(actions).length, 1);
  assert.deepEqual(run.state.children, children);
  assert.equal(run.state.settings, settings);
});

test('requests during a reload become one more reload after it', () => {
  const run = new Run().begin();
  run.take({ type: 'reload' });
  assert.deepEqual(run.take({ type: 'reload' }), []);
  run.take({ type: 'read', settings });
  assert.deepEqual(run.take({ type: 'reload' }), []);
  assert.deepEqual(kinds(run.take({ type: 'reloaded', pid: run.pid })), ['read']);
  run.take({ type: 'read', settings });
  assert.deepEqual(kinds(run.take({ type: 'reloaded', pid: run.pid })), []);
  assert.equal(run.state.reload.phase, 'none');
});

test('a reload that brings the first instance starts the child; one that takes the last stops it', () => {
  const run = new Run({ wanted: NONE });
  run.take({ type: 'begin' });
  run.take({ type: 'reload' });
  assert.deepEqual(kinds(run.take({ type: 'read', settings })), ['adopt', 'fork']);
  run.take({ type: 'running', pid: run.pid });
  run.take({ type: 'reload' });
  const gone = run.take({ type: 'read', settings: { ...settings, wanted: NONE } });
  assert.deepEqual(kinds(gone), ['adopt', 'dropSpare', 'kill']);
  assert.deepEqual(kinds(run.take({ type: 'exited', pid: run.pid, status: 0 })), ['clean']);
  assert.equal(run.state.children.vrrp.name, 'absent');
  assert.equal(run.state.phase, 'running');
});

test('a child that dies while it applies a configuration is replaced by one that starts with it', () => {
  const run = new Run().begin();
  run.take({ type: 'reload' });
  run.take({ type: 'read', settings });
  assert.deepEqual(kinds(run.take({ type: 'exited', pid: run.pid, signal: 'SIGSEGV' })), ['fork']);
  assert.equal(run.state.reload.phase, 'none');
});

test('dumps go to the child; data also to the parent', () => {
  const run = new Run().begin();
  assert.deepEqual(kinds(run.take({ type: 'dump', kind: 'data' })), ['dumpParent', 'dumpChild']);
  assert.deepEqual(kinds(run.take({ type: 'dump', kind: 'statistics' })), ['dumpChild']);
  const idle = new Run({ wanted: NONE });
  idle.take({ type: 'begin' });
  assert.deepEqual(kinds(idle.take({ type: 'dump', kind: 'data' })), ['dumpParent']);
});

// The checker child beside the VRRP child

const both: Partial<Settings> = { wanted: { vrrp: true, check: true } };

/** Both children run; their pids. */
function beginBoth(own: Partial<Settings> = both): { run: Run; vrrp: number; check: number } {
  const run = new Run({ ...both, ...own });
  run.take({ type: 'begin' });
  const { vrrp, check } = run.pids;
  run.take({ type: 'running', pid: vrrp });
  run.take({ type: 'running', pid: check });
  return { run, vrrp, check };
}

test('both children are started, and the start is complete when both run', () => {
  const run = new Run(both);
  assert.deepEqual(texts(run.take({ type: 'begin' })), [
    'Starting VRRP child process, pid=11',
    'Starting Healthcheck child process, pid=12',
  ]);
  assert.deepEqual(texts(run.take({ type: 'running', pid: 11 })), []);
  const last = run.take({ type: 'running', pid: 12 });
  assert.deepEqual(texts(last), ['Startup complete']);
  assert.deepEqual(kinds(last), [], 'the checker child has no spare');
});

test('a daemon that only checks servers has no spare and nothing to clean', () => {
  const run = new Run({ wanted: { vrrp: false, check: true } });
  run.take({ type: 'begin' });
  const { check } = run.pids;
  assert.deepEqual(texts(run.take({ type: 'running', pid: check })), ['Startup complete']);
  assert.deepEqual(kinds(run.pass(5)), ['heartbeat']);
  const died = run.take({ type: 'exited', pid: check, signal: 'SIGKILL' });
  assert.deepEqual(
    died.filter(({ type }) => type === 'fork' || type === 'clean'),
    [{ type: 'fork', kind: 'check', inherit: false }],
  );
});

test('each child has heartbeats of its own; one that is silent is killed, the other left alone', () => {
  const { run, vrrp, check } = beginBoth();
  for (let number = 1; number <= 3; number++) {
    const beats = run.pass(5).flatMap((a) => (a.type === 'heartbeat' ? [a.pid] : []));
    assert.deepEqual(beats, [vrrp, check]);
    run.take({ type: 'answered', pid: vrrp, number });
  }
  const kills = run.pass(5).filter(({ type }) => type === 'kill');
  assert.deepEqual(kills, [{ type: 'kill', pid: check, signal: 'SIGKILL' }]);
  assert.equal(run.state.children.vrrp.name, 'running');
});

test('a checker child that dies is started again after a delay, and the VRRP child not touched', () => {
  const { run, vrrp, check } = beginBoth();
  const before = run.state.children.vrrp;
  const first = run.take({ type: 'exited', pid: check, signal: 'SIGKILL' });
  assert.deepEqual(texts(first), [
    `pid ${check} exited due to signal SIGKILL`,
    `Healthcheck child process(${check}) died: Respawning`,
    'Restart of Healthcheck process delayed 0 seconds to limit respawn rate',
    'Starting Healthcheck child process, pid=13',
  ]);
  assert.deepEqual(kinds(run.take({ type: 'exited', pid: 13, signal: 'SIGKILL' })), []);
  assert.deepEqual(kinds(run.pass(0.999)), []);
  assert.deepEqual(kinds(run.pass(0.001)), ['fork']);
  assert.equal(run.pids.check, 14);
  assert.deepEqual(run.state.children.vrrp, before);
  assert.equal(run.pids.vrrp, vrrp);
});

test('stop while the checker child is dead: another one is started, only to take out of IPVS what it has left', () => {
  const { run, vrrp, check } = beginBoth();
  run.take({ type: 'exited', pid: check, signal: 'SIGKILL' });
  run.take({ type: 'exited', pid: run.pids.check, signal: 'SIGKILL' });
  assert.equal(run.state.children.check.name, 'backingOff');
  assert.deepEqual(kinds(run.take({ type: 'stop' })), ['dropSpare', 'kill', 'fork', 'endChild']);
  run.take({ type: 'exited', pid: vrrp, status: 0 });
  assert.deepEqual(run.pass(14.9), [], 'it has to start first');
  assert.deepEqual(kinds(run.pass(0.2)), ['kill']);
  assert.deepEqual(kinds(run.take({ type: 'exited', pid: run.pids.check, status: 0 })), ['exit']);
});

test('stop after the checker child has ended by itself, as everybody has been asked to: it has left nothing', () => {
  const { run, check } = beginBoth();
  run.take({ type: 'exited', pid: check, status: 0 });
  assert.deepEqual(kinds(run.take({ type: 'stop' })), ['dropSpare', 'kill']);
});

test('stop before the one that takes its place has its configuration: it is asked behind it, not by a signal', () => {
  const { run, check } = beginBoth();
  run.take({ type: 'exited', pid: check, signal: 'SIGKILL' });
  const { check: next } = run.pids;
  assert.equal(run.state.children.check.name, 'starting');
  assert.deepEqual(run.take({ type: 'stop' }).at(-1), { type: 'endChild', pid: next });
});

test('a reload that leaves nothing to check while the checker child is dead: the same', () => {
  const { run, check } = beginBoth();
  run.take({ type: 'exited', pid: check, signal: 'SIGKILL' });
  run.take({ type: 'exited', pid: run.pids.check, signal: 'SIGKILL' });
  run.take({ type: 'reload' });
  assert.deepEqual(kinds(run.take({ type: 'read', settings })), [
    'adopt',
    'fork',
    'reloadChild',
    'endChild',
  ]);
});

test('a reload that leaves nothing to run, and one that only brings something, are complete too', () => {
  const run = new Run({ wanted: { vrrp: false, check: true } }).begin();
  const { check } = run.pids;
  run.take({ type: 'running', pid: check });
  run.take({ type: 'reload' });
  const nothing = { ...settings, wanted: NONE };
  assert.equal(texts(run.take({ type: 'read', settings: nothing })).at(-1), 'Reload complete');
  run.take({ type: 'exited', pid: check, status: 0 });
  run.take({ type: 'reload' });
  const wanted = { vrrp: false, check: true };
  const brought = run.take({ type: 'read', settings: { ...settings, wanted } });
  assert.ok(texts(brought).includes('Reload complete'));
});

test('a VRRP child that dies is inherited from, whatever the checker child does', () => {
  const { run, vrrp, check } = beginBoth();
  run.take({ type: 'exited', pid: check, signal: 'SIGKILL' });
  const next = run.take({ type: 'exited', pid: vrrp, signal: 'SIGKILL' });
  assert.deepEqual(
    next.filter(({ type }) => type === 'fork'),
    [{ type: 'fork', kind: 'vrrp', inherit: true }],
  );
});

test('stop asks both, waits for both, and only then ends', () => {
  const { run, vrrp, check } = beginBoth();
  const asked = run.take({ type: 'stop' }).filter(({ type }) => type === 'kill');
  assert.deepEqual(asked, [
    { type: 'kill', pid: vrrp, signal: 'SIGTERM' },
    { type: 'kill', pid: check, signal: 'SIGTERM' },
  ]);
  assert.deepEqual(kinds(run.take({ type: 'exited', pid: vrrp, status: 0 })), ['clean']);
  assert.deepEqual(texts(run.pass(5)), ['checker process failed to die - forcing termination']);
  // What it has left in IPVS another one takes out, and no third one.
  const killed = run.take({ type: 'exited', pid: check, signal: 'SIGKILL' });
  assert.deepEqual(kinds(killed), ['fork', 'endChild']);
  const last = run.pids.check;
  assert.deepEqual(kinds(run.take({ type: 'exited', pid: last, signal: 'SIGKILL' })), ['exit']);
});

test("a permanent error of one child stops the other and becomes the daemon's status", () => {
  const { run, vrrp, check } = beginBoth();
  const actions = run.take({ type: 'exited', pid: check, status: 1 });
  assert.match(texts(actions)[0] ?? '', /^pid 12 exited with permanent error FATAL\. Terminating$/);
  assert.ok(!kinds(actions).includes('clean'), 'the VRRP child removes its addresses itself');
  assert.deepEqual(actions.at(-1), { type: 'kill', pid: vrrp, signal: 'SIGTERM' });
  const last = run.take({ type: 'exited', pid: vrrp, status: 0 });
  assert.deepEqual(last.at(-1), { type: 'exit', status: 1 });
});

test('with -R the death of the checker child ends the daemon, once the VRRP child has ended', () => {
  const { run, vrrp, check } = beginBoth({ respawn: false });
  const died = run.take({ type: 'exited', pid: check, signal: 'SIGKILL' });
  assert.ok(texts(died).includes(`Healthcheck child process(${check}) died: Exiting`));
  assert.deepEqual(died.at(-1), { type: 'kill', pid: vrrp, signal: 'SIGTERM' });
  assert.deepEqual(run.take({ type: 'exited', pid: vrrp, status: 0 }).at(-1), {
    type: 'exit',
    status: 0,
  });
});

test('a reload is complete when all children that run have applied it', () => {
  const { run, vrrp, check } = beginBoth();
  run.take({ type: 'reload' });
  const read = run.take({ type: 'read', settings: { ...settings, ...both } });
  assert.deepEqual(read, [
    { type: 'adopt' },
    { type: 'reloadChild', pid: vrrp },
    { type: 'reloadChild', pid: check },
  ]);
  assert.deepEqual(run.take({ type: 'reloaded', pid: check }), []);
  assert.deepEqual(texts(run.take({ type: 'reloaded', pid: vrrp })), ['Reload complete']);
});

test('a reload that a child dies of is complete without it', () => {
  const { run, vrrp, check } = beginBoth();
  run.take({ type: 'reload' });
  run.take({ type: 'read', settings: { ...settings, ...both } });
  run.take({ type: 'reloaded', pid: vrrp });
  const died = run.take({ type: 'exited', pid: check, signal: 'SIGSEGV' });
  assert.ok(texts(died).includes('Reload complete'));
  assert.equal(run.state.reload.phase, 'none');
});

test('a reload brings virtual servers and takes them away; the VRRP child goes on', () => {
  const run = new Run().begin();
  const { vrrp } = run.pids;
  run.take({ type: 'reload' });
  const came = run.take({ type: 'read', settings: { ...settings, ...both } });
  assert.deepEqual(kinds(came), ['adopt', 'reloadChild', 'fork']);
  run.take({ type: 'running', pid: run.pids.check });
  run.take({ type: 'reloaded', pid: vrrp });
  run.take({ type: 'reload' });
  const went = run.take({ type: 'read', settings });
  const { check } = run.pids;
  assert.deepEqual(went, [
    { type: 'adopt' },
    { type: 'dismissChild', pid: check },
    { type: 'reloadChild', pid: vrrp },
  ]);
  assert.deepEqual(run.take({ type: 'reloaded', pid: check }), []);
  run.take({ type: 'reloaded', pid: vrrp });
  assert.deepEqual(kinds(run.take({ type: 'exited', pid: run.pids.check, status: 0 })), []);
  assert.equal(run.state.phase, 'running');
  assert.equal(run.pids.vrrp, vrrp);
});

test('data and JSON are dumped by every child, statistics by the VRRP child', () => {
  const { run, vrrp, check } = beginBoth();
  const dumped = (kind: DumpKind): number[] =>
    run.take({ type: 'dump', kind }).flatMap((a) => (a.type === 'dumpChild' ? [a.pid] : []));
  assert.deepEqual(dumped('data'), [vrrp, check]);
  assert.deepEqual(dumped('json'), [vrrp, check]);
  assert.deepEqual(dumped('statistics'), [vrrp]);
  assert.deepEqual(dumped('clear'), [vrrp]);
});

/** Every pid belongs to one kind, as living processes do. */
const pids = fc.constantFrom(10, 11, 12, 20, 21, 22);
const kindFor = (pid: number): Kind => (pid < 20 ? 'vrrp' : 'check');
const ALL: readonly Kind[] = ['vrrp', 'check'];
const anySettings = fc.record({
  respawn: fc.boolean(),
  childWait: fc.integer({ min: 0, max: 10 }).map(seconds),
  wanted: fc.record({ vrrp: fc.boolean(), check: fc.boolean() }),
  patience: fc.nat(10).map(seconds),
});
const events: fc.Arbitrary<ParentEvent> = fc.oneof(
  fc.constantFrom<ParentEvent>(
    { type: 'deadline' },
    { type: 'begin' },
    { type: 'stop' },
    { type: 'reload' },
    { type: 'read' },
    { type: 'dump', kind: 'data' },
    { type: 'dump', kind: 'clear' },
    { type: 'forkFailed', kind: 'vrrp', code: 'EAGAIN' },
    { type: 'forkFailed', kind: 'check', code: 'EAGAIN' },
    { type: 'spareGone' },
  ),
  pids.map((pid): ParentEvent => ({ type: 'forked', kind: kindFor(pid), pid })),
  pids.map((pid): ParentEvent => ({ type: 'running', pid })),
  pids.map((pid): ParentEvent => ({ type: 'reloaded', pid })),
  pids.map((pid): ParentEvent => ({ type: 'halted', pid })),
  pids.map((pid): ParentEvent => ({ type: 'hung', pid })),
  fc
    .tuple(pids, fc.nat(5))
    .map(([pid, number]): ParentEvent => ({ type: 'answered', pid, number })),
  fc.tuple(pids, fc.nat(5)).map(([pid, status]): ParentEvent => ({ type: 'exited', pid, status })),
  pids.map((pid): ParentEvent => ({ type: 'exited', pid, signal: 'SIGKILL' })),
  anySettings.map((s): ParentEvent => ({ type: 'read', settings: s })),
);

test('any event in any state: no exception, one child of a kind at a time, nothing after the end', () => {
  fc.assert(
    fc.property(
      anySettings,
      fc.array(fc.tuple(events, fc.nat(20)), { maxLength: 60 }),
      (own, history) => {
        let state = createParent(own);
        let now = at(100);
        const living = { vrrp: 0, check: 0 };
        for (const [event, pause] of history) {
          now = (now + seconds(pause)) as Instant;
          const before = state;
          const result = step(state, event, now);
          state = result.state;
          if (before.phase === 'ended') {
            assert.equal(state, before);
            assert.deepEqual(result.actions, []);
          }
          for (const kind of ALL) {
            const child = before.children[kind];
            if ('pid' in child && event.type === 'exited' && event.pid === child.pid)
              living[kind]--;
            const forks = result.actions.filter((a) => a.type === 'fork' && a.kind === kind);
            assert.ok(forks.length <= 1);
            if (forks.length === 1) {
              assert.equal(living[kind], 0, 'a child is started only when there is none');
              assert.equal(state.children[kind].name, 'forking');
            }
            const forked = event.type === 'forked' && event.kind === kind;
            if (forked && before.phase !== 'ended' && child.name === 'forking') living[kind]++;
          }
          const next = nextDeadline(state);
          assert.ok(next === undefined || Number.isFinite(next));
          // A deadline that has been reached and handled lies in the future, or is gone.
          if (event.type === 'deadline' && next !== undefined && state.phase !== 'ended')
            assert.ok(next > now || ALL.some((kind) => state.children[kind].name === 'backingOff'));
          const ends = result.actions.filter((a) => a.type === 'exit').length;
          assert.equal(ends, before.phase !== 'ended' && state.phase === 'ended' ? 1 : 0);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
