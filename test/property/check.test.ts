// The pool logic for every history, and that its properties are worth something: each of these machines is broken, and one of
// the properties must say so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckAction } from '../../src/check/action.ts';
import { director } from '../../src/check/director.ts';
import type { CheckEvent } from '../../src/check/event.ts';
import { unknown } from '../../src/check/health.ts';
import type { Held } from '../../src/check/heir.ts';
import type { Check } from '../../src/check/plan.ts';
import type { CheckerConfig } from '../../src/check/resolve.ts';
import type { VirtualServer } from '../../src/check/rules.ts';
import { checkOfRun, type DirectorState } from '../../src/check/state.ts';
import type { IpvsOrder } from '../../src/lib/ipvs.ts';
import { itemAt, itemsOf, vector, withItem } from '../../src/lib/vector.ts';
import { filters, inherits, succeeds, survives, tells } from './ledger.ts';
import type { StepFunction } from './pool.ts';
import { sharing } from './reading.ts';

test('the table is the configuration filtered by what the checks say', () => filters());
test('a reload forgets nothing and puts nothing back', () => survives());
test('what is not worked out again at a reload would come to the same', () =>
  survives((state, event, now) => {
    const step = director.step(state, event, now);
    if (event.type !== 'reload') return step;
    const config = sharing(state.config, event.config);
    const short = director.step(state, { ...event, config }, now);
    assert.deepEqual(short, step);
    return short;
  }));
test('what a process before left there makes no difference', () => inherits());

test('a process that takes the place of another changes nothing until it knows better', () =>
  succeeds());

test('programs hear of every change once', () => tells());

/** Orders as somebody careless would give them. */
const ordering =
  (
    change: (orders: readonly IpvsOrder[], event: CheckEvent) => readonly IpvsOrder[],
  ): StepFunction =>
  (state, event, now) => {
    const step = director.step(state, event, now);
    const actions = step.actions.map(
      (action): CheckAction =>
        action.type === 'ipvs' ? { ...action, orders: change(action.orders, event) } : action,
    );
    return { ...step, actions };
  };

/** A state that is wrong before the step. */
const remembering =
  (change: (state: DirectorState, event: CheckEvent) => DirectorState): StepFunction =>
  (state, event, now) =>
    director.step(change(state, event), event, now);

/** A configuration that is read wrongly. */
const reading = (change: (server: VirtualServer) => VirtualServer): StepFunction => {
  const wrong = (config: CheckerConfig): CheckerConfig => ({
    ...config,
    virtual_server: (config.virtual_server ?? []).map(change),
  });
  return (state, event, now) =>
    event.type === 'reload'
      ? director.step(state, { ...event, config: wrong(event.config) }, now)
      : director.step(
          event.type === 'facts' ? { ...state, config: wrong(state.config) } : state,
          event,
          now,
        );
};

const failures = (state: DirectorState, event: CheckEvent, count: number): DirectorState => {
  const at = event.type === 'answered' ? checkOfRun(state, event.run) : undefined;
  if (at === undefined) return state;
  const health = { ...itemAt(state.healths, at), failures: count };
  return { ...state, healths: withItem(state.healths, at, health) };
};

/** What is known of the checks at a reload. */
const atReload = (change: (state: DirectorState) => DirectorState): StepFunction =>
  remembering((state, event) => (event.type === 'reload' ? change(state) : state));

interface Mutant {
  readonly what: string;
  readonly step: StepFunction;
  readonly breaks: (step: StepFunction) => void;
  readonly says: RegExp;
}

/** The kernel's refusals are not heard, or only some. */
const deafTo =
  (code: string): StepFunction =>
  (state, event, now) =>
    event.type === 'refused' && event.code === code
      ? { state, actions: [] }
      : director.step(state, event, now);

/** What an heir is told of IPVS. */
const knowing =
  (change: (held: readonly Held[]) => readonly Held[] | undefined): StepFunction =>
  (state, event, now) => {
    if (event.type !== 'facts' || event.facts.held === undefined)
      return director.step(state, event, now);
    const { held, ...facts } = event.facts;
    const told = change(held);
    const wrong = told === undefined ? facts : { ...facts, held: told };
    return director.step(state, { ...event, facts: wrong }, now);
  };

const isRemoval = ({ type }: IpvsOrder): boolean => type === 'removeDestination';

const mutants: readonly Mutant[] = [
  {
    what: 'a failed server is left where it is',
    step: ordering((orders) => orders.filter((order) => !isRemoval(order))),
    breaks: filters,
    says: /deepEqual|deepStrictEqual|strictly/,
  },
  {
    what: 'what goes goes first',
    step: ordering((orders) => [
      ...orders.filter(isRemoval),
      ...orders.filter((order) => !isRemoval(order)),
    ]),
    breaks: filters,
    says: /nobody for a moment/,
  },
  {
    what: 'everything is taken away and put back at a reload',
    step: ordering((orders, { type }) =>
      orders.flatMap((order): IpvsOrder[] =>
        type === 'reload' && order.type === 'editDestination'
          ? [
              { ...order, type: 'removeDestination' },
              { ...order, type: 'addDestination' },
            ]
          : [order],
      ),
    ),
    breaks: survives,
    says: /wrong state|nobody for a moment/,
  },
  {
    what: 'a weight that was changed is not told',
    step: ordering((orders) => orders.filter(({ type }) => type !== 'editDestination')),
    breaks: survives,
    says: /deepEqual|deepStrictEqual|strictly/,
  },
  {
    what: 'no tries are left',
    step: remembering((state, event) => failures(state, event, 9)),
    breaks: filters,
    says: /deepEqual|deepStrictEqual|strictly/,
  },
  {
    what: 'tries never end',
    step: remembering((state, event) => failures(state, event, 0)),
    breaks: filters,
    says: /deepEqual|deepStrictEqual|strictly/,
  },
  {
    what: 'hysteresis is not heeded',
    step: reading((server) => ({ ...server, hysteresis: 0 })),
    breaks: filters,
    says: /deepEqual|deepStrictEqual|strictly/,
  },
  {
    what: 'nobody is sorry',
    step: reading(({ sorry_server: _, ...server }) => server),
    breaks: filters,
    says: /deepEqual|deepStrictEqual|strictly/,
  },
  {
    what: 'the quorum forgets what it was',
    step: remembering((state) => ({
      ...state,
      services: vector([...itemsOf(state.services)].map((s) => ({ ...s, quorum: false }))),
    })),
    breaks: filters,
    says: /./,
  },
  {
    what: 'only the first server follows a check that several share',
    step: remembering((state) => ({
      ...state,
      plan: {
        ...state.plan,
        checks: state.plan.checks.map(
          (check): Check => ({ ...check, users: check.users.slice(0, 1) }),
        ),
      },
    })),
    breaks: filters,
    says: /deepEqual|deepStrictEqual|strictly/,
  },
  {
    what: 'what another process left is not put right',
    step: deafTo('EEXIST'),
    breaks: inherits,
    says: /deepEqual|deepStrictEqual|strictly/,
  },
  {
    what: 'an heir takes all servers for well',
    step: knowing(() => undefined),
    breaks: succeeds,
    says: /the heir changes what is there/,
  },
  {
    what: 'an heir takes all servers for bad',
    step: knowing((held) => held.map((one) => ({ ...one, destinations: [] }))),
    breaks: succeeds,
    says: /the heir changes what is there|nobody/,
  },
  {
    what: 'an heir does not know what programs were told',
    step: (state, event, now) => {
      if (event.type !== 'facts') return director.step(state, event, now);
      const { down: _, ...facts } = event.facts;
      return director.step(state, { ...event, facts }, now);
    },
    breaks: tells,
    says: /said/,
  },
  {
    what: 'a reload forgets what programs were told',
    step: atReload((state) => ({
      ...state,
      services: vector(
        [...itemsOf(state.services)].map((service) => ({
          ...service,
          reals: service.reals.map((real) => ({ ...real, told: undefined })),
        })),
      ),
    })),
    breaks: tells,
    says: /said/,
  },
  {
    what: 'a reload forgets what the checks said',
    step: atReload((state) => ({
      ...state,
      healths: vector(
        [...itemsOf(state.healths)].map(({ run }, at) => ({
          ...unknown(!(state.plan.checks[at] as Check).timing.alpha),
          ...(run === undefined ? {} : { run }),
        })),
      ),
      services: vector(
        [...itemsOf(state.services)].map((service) => ({
          ...service,
          reals: service.reals.map((real) => ({
            ...real,
            standings: real.standings.map(() => ({ up: true, shift: 0 })),
          })),
        })),
      ),
    })),
    breaks: survives,
    says: /was (up|down)/,
  },
];

for (const { what, step, breaks, says } of mutants)
  test(`it is noticed that ${what}`, () => {
    assert.throws(
      () => breaks(step),
      (error: Error) =>
        says.test(String((error.cause as Error | undefined)?.message ?? error.message)),
    );
  });
