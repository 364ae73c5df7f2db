// A world for the process that checks servers: configurations as text, servers that answer well or badly, and an IPVS table
// that minds every order. What the table must hold is worked out here a second time, in the plainest way.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CheckAction } from '../../src/check/action.ts';
import type { Verdict } from '../../src/check/checker.ts';
import { createDirector, director } from '../../src/check/director.ts';
import type { CheckEvent } from '../../src/check/event.ts';
import type { Held } from '../../src/check/heir.ts';
import type { Check } from '../../src/check/plan.ts';
import type { CheckerConfig } from '../../src/check/resolve.ts';
import { checkOfRun, type DirectorState } from '../../src/check/state.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { IpvsOrder, ServiceKey } from '../../src/lib/ipvs.ts';
import type { Step } from '../../src/lib/machine.ts';
import type { Instant } from '../../src/lib/time.ts';
import { read } from './reading.ts';

export type StepFunction = (
  state: DirectorState,
  event: CheckEvent,
  now: Instant,
) => Step<DirectorState, CheckAction>;

export interface RealShape {
  readonly weight: number;
  readonly inhibit: boolean;
  readonly alpha: boolean;
  /** Ports that its checks try; each is up or down for all who try it. */
  readonly ports: readonly number[];
  readonly retry: number;
}

export interface ServiceShape {
  readonly reals: readonly RealShape[];
  readonly quorum: number;
  readonly hysteresis: number;
  /** `twin`: the same address as its first real server. */
  readonly sorry: 'none' | 'own' | 'twin';
  readonly sorryInhibit: boolean;
  readonly group: boolean;
}

const real: fc.Arbitrary<RealShape> = fc.record({
  weight: fc.integer({ min: 0, max: 4 }),
  inhibit: fc.boolean(),
  alpha: fc.boolean(),
  ports: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
  retry: fc.integer({ min: 0, max: 2 }),
});

const service: fc.Arbitrary<ServiceShape> = fc.record({
  reals: fc.array(real, { minLength: 1, maxLength: 3 }),
  quorum: fc.integer({ min: 1, max: 5 }),
  hysteresis: fc.integer({ min: 0, max: 2 }),
  sorry: fc.constantFrom('none', 'own', 'twin'),
  sorryInhibit: fc.boolean(),
  group: fc.boolean(),
});

export const shapes = fc.array(service, { minLength: 1, maxLength: 3 });

/** The file that has this shape. */
export function textOf(all: readonly ServiceShape[]): string {
  const lines: string[] = ['global_defs {', 'lvs_notify_fifo /f', '}'];
  for (const [at, { reals, quorum, hysteresis, sorry, sorryInhibit, group }] of all.entries()) {
    if (group)
      lines.push(`virtual_server_group g${at} {`, `10.1.${at}.1-3 80`, `fwmark ${at + 1}`, '}');
    lines.push(
      group ? `virtual_server group g${at} {` : `virtual_server 10.0.0.${at + 1} 80 {`,
      'lvs_sched rr',
      'lvs_method NAT',
      'protocol TCP',
      'delay_loop 5',
      'retry 1',
      'delay_before_retry 1',
      'warmup 2',
      `quorum ${quorum}`,
      `hysteresis ${hysteresis}`,
    );
    if (sorry !== 'none') lines.push(`sorry_server 10.9.${at}.${sorry === 'own' ? 99 : 1} 80`);
    if (sorry !== 'none' && sorryInhibit) lines.push('sorry_server_inhibit');
    for (const [i, { weight, inhibit, alpha, ports, retry }] of reals.entries()) {
      lines.push(`real_server 10.9.${at}.${i + 1} 80 {`, `weight ${weight}`);
      if (inhibit) lines.push('inhibit_on_failure');
      if (alpha) lines.push('alpha');
      for (const port of ports)
        lines.push(
          'TCP_CHECK {',
          'connect_ip 10.9.9.9',
          `connect_port ${port}`,
          `retry ${retry}`,
          '}',
        );
      lines.push('}');
    }
    lines.push('}');
  }
  return lines.join('\n');
}

export function configOf(all: readonly ServiceShape[]): CheckerConfig {
  const { config } = read(textOf(all));
  assert.ok(config !== undefined);
  return config;
}

export type Happening =
  /** Ports are up from now on, the others down. */
  | { readonly ports: readonly number[] }
  /** So many attempts are answered as things are. */
  | { readonly answers: number }
  | { readonly reload: readonly ServiceShape[] }
  /** A reload in which one server has changed, or nothing. */
  | { readonly change: Partial<RealShape>; readonly service: number; readonly real: number };

const ports = fc.subarray([1, 2, 3, 4]).map((open) => ({ ports: open }));
const answers = fc.integer({ min: 1, max: 12 }).map((count) => ({ answers: count }));
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: ports },
  { weight: 5, arbitrary: answers },
);

export const history = fc.record({
  shape: shapes,
  seed: fc.integer(),
  events: fc.array(happening, { maxLength: 30 }),
});

const change: fc.Arbitrary<Happening> = fc.record({
  change: fc.oneof(
    fc.constant({}),
    fc.record({ weight: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ ports: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }) }),
    fc.record({ inhibit: fc.boolean(), alpha: fc.boolean() }),
  ),
  service: fc.nat(2),
  real: fc.nat(2),
});

const reloading: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: happening },
  { weight: 1, arbitrary: shapes.map((reload) => ({ reload })) },
  { weight: 2, arbitrary: change },
);

export const reloads = fc.record({
  shape: shapes,
  seed: fc.integer(),
  events: fc.array(reloading, { maxLength: 30 }),
});

/** With processes that are killed, and others that take their place. */
export const kills = fc.record({
  shape: shapes,
  seed: fc.integer(),
  events: fc.array(fc.oneof({ weight: 8, arbitrary: reloading }, fc.constant('kill' as const)), {
    maxLength: 30,
  }),
});

export const nameOfCheck = (port: number, retry: number, alpha: boolean): string =>
  `${port} ${retry} ${alpha}`;

/** Destinations of each service: place -> weight. */
export type Kernel = Map<string, Map<string, number>>;

type Keyed = Extract<IpvsOrder, { readonly key: ServiceKey }>;

const nameOf = ({ key }: Keyed): string =>
  'mark' in key ? `mark ${key.mark}` : `${key.protocol} ${key.address}:${key.port}`;
const copy = (kernel: Kernel): Kernel =>
  new Map([...kernel].map(([name, pool]) => [name, new Map(pool)]));
export const plain = (kernel: Kernel): Record<string, Record<string, number>> =>
  Object.fromEntries(
    [...kernel].sort().map(([name, pool]) => [name, Object.fromEntries([...pool].sort())]),
  );
const serves = (pool: Map<string, number> | undefined): boolean =>
  [...(pool?.values() ?? [])].some((weight) => weight > 0);

export class World {
  readonly #step: StepFunction;
  #lenient = false;
  readonly #passing: (kernel: Kernel) => void;
  state: DirectorState;
  shape: readonly ServiceShape[];
  now = 1_000_000 as Instant;
  kernel: Kernel = new Map();
  open: ReadonlySet<number> = new Set([1, 2, 3, 4]);
  readonly asked: { readonly run: number; readonly port: number }[] = [];
  /** Which check has been answered, and how. */
  answered: (check: string, up: boolean) => void = () => {};
  /** Hears every line for programs. */
  told: (line: string) => void = () => {};
  /** What it has noted for an heir. */
  readonly down = new Set<string>();

  /**
   * `left`: what is in the kernel already; it refuses what does not fit, where otherwise that is a mistake. `passing`: this is
   * the heir of who left it, and each table on the way is shown to it. `before`: who that was, whose listeners it has.
   */
  constructor(
    shape: readonly ServiceShape[],
    seed: number,
    step: StepFunction = director.step,
    left?: Kernel,
    passing?: (kernel: Kernel) => void,
    before?: World,
  ) {
    this.#step = step;
    this.#passing = passing ?? (() => {});
    if (left !== undefined) {
      this.kernel = left;
      this.#lenient = true;
    }
    if (before !== undefined) {
      this.open = before.open;
      this.told = before.told;
    }
    this.shape = shape;
    this.state = createDirector(configOf(shape), { seed, keeps: false });
    const facts = { addresses: [] as Ip[], files: {} };
    const held =
      passing === undefined ? {} : { held: heldOf(this.kernel), down: [...(before?.down ?? [])] };
    this.take({ type: 'facts', facts: { ...facts, ...held } });
  }

  take(event: CheckEvent): void {
    const before = this.kernel;
    const { state, actions } = this.#step(this.state, event, this.now);
    this.state = state;
    const path: Kernel[] = [before];
    const refused: CheckEvent[] = [];
    for (const action of actions) {
      if (action.type === 'ipvs')
        for (const order of action.orders) {
          const code = this.#lenient ? refusal(path.at(-1) as Kernel, order) : undefined;
          if (code === undefined) {
            path.push(applied(path.at(-1) as Kernel, order));
            this.#passing(path.at(-1) as Kernel);
          } else refused.push({ type: 'refused', order, code, message: code });
        }
      else if (action.type === 'probe') {
        const { target, run } = action;
        assert.equal(target.kind, 'TCP_CHECK');
        this.asked.push({
          run,
          port: (target.options as { connection: { port: number } }).connection.port,
        });
      } else if (action.type === 'cancel') {
        const at = this.asked.findIndex(({ run }) => run === action.run);
        assert.ok(at >= 0, 'only what runs is cancelled');
        this.asked.splice(at, 1);
      } else if (action.type === 'note') {
        if (action.up === 'others') this.down.clear();
        else for (const server of action.up) this.down.delete(server);
        for (const server of action.down) this.down.add(server);
      } else if (action.type === 'fifo') this.told(action.line);
    }
    this.kernel = path.at(-1) as Kernel;
    if (!this.#lenient) for (const between of path) minded(before, between, this.kernel);
    for (const one of refused) this.take(one);
  }

  /** The next thing in time: a deadline, or the answer to what has been asked longest. */
  turn(): void {
    const first = this.asked.shift();
    if (first !== undefined) {
      this.now = (this.now + 1_000) as Instant;
      const up = this.open.has(first.port);
      const at = checkOfRun(this.state, first.run);
      assert.ok(at !== undefined, 'what is asked is waited for');
      const { retry, alpha } = (this.state.plan.checks[at] as Check).timing;
      this.answered(nameOfCheck(first.port, retry, alpha), up);
      const verdict: Verdict = up ? { up } : { up, reason: 'closed' };
      this.take({ type: 'answered', run: first.run, verdict });
      return;
    }
    const at = director.nextDeadline(this.state);
    if (at === undefined) return;
    assert.ok(at >= 0);
    this.now = Math.max(this.now, at) as Instant;
    this.take({ type: 'deadline' });
  }

  happen(what: Happening): void {
    if ('ports' in what) this.open = new Set(what.ports);
    else if ('answers' in what) for (let i = 0; i < what.answers; i++) this.turn();
    else {
      this.shape = 'reload' in what ? what.reload : changed(this.shape, what);
      this.take({ type: 'reload', config: configOf(this.shape), files: {} });
    }
  }

  /** Long enough for every check to know what is so. */
  rest(): void {
    for (let i = 0; i < 400; i++) this.turn();
  }
}

/** As a process that starts reads it. */
const heldOf = (kernel: Kernel): readonly Held[] =>
  [...kernel].map(([name, pool]) => {
    const [kind, at = ''] = name.split(' ');
    const [address, port] = at.split(':');
    return {
      key:
        kind === 'mark'
          ? { family: 4, mark: Number(at) }
          : { protocol: 'TCP', address: address as Ip, port: Number(port) },
      destinations: [...pool].map(([place, weight]) => ({
        destination: { address: place.split(':')[0] as Ip, port: Number(place.split(':')[1]) },
        to: { weight },
      })),
    };
  });

/** The kernel's answer to an order that does not fit what it has. */
function refusal(kernel: Kernel, order: IpvsOrder): string | undefined {
  assert.ok('key' in order);
  const pool = kernel.get(nameOf(order));
  if (order.type === 'addService') return pool === undefined ? undefined : 'EEXIST';
  if (pool === undefined) return 'ESRCH';
  if (!('destination' in order)) return undefined;
  const there = pool.has(`${order.destination.address}:${order.destination.port}`);
  if (order.type === 'addDestination') return there ? 'EEXIST' : undefined;
  return there ? undefined : 'ENOENT';
}

const changed = (
  all: readonly ServiceShape[],
  { change: to, service: at, real: i }: Extract<Happening, { readonly service: number }>,
): readonly ServiceShape[] =>
  all.map((one, place) => ({
    ...one,
    reals: one.reals.map((old, position) =>
      place === at && position === i ? { ...old, ...to } : old,
    ),
  }));

/** What the kernel holds after an order; it is strict. */
function applied(kernel: Kernel, order: IpvsOrder): Kernel {
  assert.ok('key' in order);
  const next = copy(kernel);
  const name = nameOf(order);
  const pool = next.get(name);
  if (order.type === 'addService') {
    assert.ok(pool === undefined, 'a service is added once');
    next.set(name, new Map());
    return next;
  }
  assert.ok(pool !== undefined, `${order.type} of ${name}, which is not there`);
  if (order.type === 'removeService') next.delete(name);
  if (!('destination' in order)) return next;
  const place = `${order.destination.address}:${order.destination.port}`;
  assert.equal(pool.has(place), order.type !== 'addDestination', `${order.type} of ${place}`);
  if (order.type === 'removeDestination') pool.delete(place);
  else pool.set(place, order.to.weight);
  return next;
}

/** Between two tables nothing is ever what it neither was nor will be, and who has servers keeps one. */
function minded(before: Kernel, between: Kernel, after: Kernel): void {
  for (const [name, pool] of between) {
    for (const place of new Set([...pool.keys(), ...(before.get(name)?.keys() ?? [])])) {
      const is = pool.get(place);
      const was = before.get(name)?.get(place);
      const becomes = after.get(name)?.get(place);
      assert.ok(is === was || is === becomes, `${place} of ${name} passes through a wrong state`);
    }
    if (serves(before.get(name)) && serves(after.get(name)))
      assert.ok(serves(pool), `${name} has nobody for a moment`);
  }
  for (const name of before.keys())
    if (after.has(name)) assert.ok(between.has(name), `${name} is gone for a moment`);
}

export const sameTable = (world: World, wanted: Kernel): void =>
  assert.deepEqual(plain(world.kernel), plain(wanted));

/** The table that belongs to servers that are up or down, for a quorum that is there or not. */
export function expected(
  shape: readonly ServiceShape[],
  alive: (service: number, real: number) => boolean,
  quorum: (service: number) => boolean,
): Kernel {
  const kernel: Kernel = new Map();
  for (const [at, { reals, sorry, sorryInhibit, group }] of shape.entries()) {
    const pool = new Map<string, number>();
    const apology = sorry !== 'none' && !quorum(at);
    for (const [i, { weight, inhibit }] of reals.entries()) {
      const used = alive(at, i) && !apology;
      if (used || inhibit) pool.set(`10.9.${at}.${i + 1}:80`, used ? weight : 0);
    }
    const place = `10.9.${at}.${sorry === 'own' ? 99 : 1}:80`;
    // keepalived says that the sorry server is inhibited where its twin is, and only there.
    const inhibited = sorry === 'twin' ? reals[0]?.inhibit === true : sorryInhibit;
    if (apology) pool.set(place, 1);
    else if (sorry !== 'none' && inhibited && !pool.has(place)) pool.set(place, 0);
    const names = group
      ? [1, 2, 3].map((last) => `TCP 10.1.${at}.${last}:80`).concat(`mark ${at + 1}`)
      : [`TCP 10.0.0.${at + 1}:80`];
    for (const name of names) kernel.set(name, new Map(pool));
  }
  return kernel;
}
