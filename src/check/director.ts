// All checks and all services as one machine: the only thing that the shell of this process steps. Answers come in, orders
// for IPVS go out. What IPVS is to hold is always what poolsOfNames(state) says; a step orders the difference.

import { withoutFirst } from '../lib/heap.ts';
import type { Ip } from '../lib/ip.ts';
import type { Machine, Step } from '../lib/machine.ts';
import { next } from '../lib/random.ts';
import { itemAt, vector, withItem } from '../lib/vector.ts';
import type { CheckAction } from './action.ts';
import type { Verdict } from './checker.ts';
import { followSession } from './checkers/bfd.ts';
import { followFile } from './checkers/file.ts';
import type { CheckEvent, CheckFacts } from './event.ts';
import { asked, believed, firstAt, type Health, judge } from './health.ts';
import { Legacy } from './heir.ts';
import {
  logReal,
  noteAll,
  reportChange,
  tellChecks,
  tellEnd,
  tellQuorum,
  tellStart,
  tellWeight,
} from './notify.ts';
import { mailOutcome, tellFile, tellOutcome } from './phrase.ts';
import {
  type Check,
  EMPTY,
  idOfReal,
  isCrowded,
  type Plan,
  type PlannedReal,
  type PlannedService,
  planOf,
  type User,
} from './plan.ts';
import { correct } from './refusal.ts';
import { reload } from './reload.ts';
import type { CheckerConfig } from './resolve.ts';
import {
  hasQuorum,
  liveWeight,
  type RealState,
  realDestination,
  realState,
  type ServiceState,
  sorryPlace,
  withStandings,
} from './service.ts';
import { standingOf } from './standing.ts';
import {
  checkOfRun,
  type DirectorState,
  type Draft,
  healthOf,
  NOTHING,
  nameRun,
  ordersBetween,
  poolsOfNames,
  setHealth,
  tidy,
  withHealths,
} from './state.ts';
import { resettle } from './suspend.ts';
import { syncOrders } from './syncing.ts';
import { difference, place, under } from './table.ts';
import { timeoutOrders } from './timeouts.ts';

export const director: Machine<DirectorState, CheckEvent, CheckAction> = {
  step(state, event, now) {
    if (state.phase === 'stopped') return { state, actions: [] };
    if (state.phase === 'starting' && event.type !== 'facts' && event.type !== 'stop')
      return { state, actions: [] };
    const draft: Draft = { state, now, orders: [], actions: [] };
    take(draft, event);
    return finish(draft);
  },
  nextDeadline: ({ phase, due }) => (phase === 'running' ? due?.at : undefined),
};

/** `seed` makes the random waits; `keeps`: the table outlives the process (-I). */
export function createDirector(
  config: CheckerConfig,
  { seed, keeps }: { readonly seed: number; readonly keeps: boolean },
): DirectorState {
  return {
    phase: 'starting',
    config,
    plan: EMPTY,
    healths: vector([]),
    services: vector([]),
    due: undefined,
    suspended: new Set(),
    addresses: new Set(),
    sessions: {},
    random: { seed },
    carried: new Map(),
    nextSerial: 1,
    firstSerial: 1,
    broken: new Set(),
    timeouts: {},
    keeps,
  };
}

/** What IPVS sees comes first. */
function finish({ state, orders, actions }: Draft): Step<DirectorState, CheckAction> {
  if (orders.length === 0) return { state: tidy(state), actions };
  return { state: tidy(state), actions: [{ type: 'ipvs', orders }, ...actions] };
}

function take(draft: Draft, event: CheckEvent): void {
  switch (event.type) {
    case 'deadline':
      wake(draft);
      break;
    case 'facts':
      if (draft.state.phase === 'starting') start(draft, event.facts);
      break;
    case 'answered':
      answer(draft, event.run, event.verdict);
      break;
    case 'address':
    case 'addressGone':
      onAddress(draft, event.address, event.type === 'address');
      break;
    case 'fileRead':
      onFile(draft, event.name, event.text);
      break;
    case 'session':
      onSession(draft, event.name, event.up);
      break;
    case 'refused':
      correct(draft, event);
      break;
    case 'reload':
      reload(draft, event.config, event.files);
      break;
    case 'stop':
      stop(draft);
      break;
  }
}

// Start and stop

function start(draft: Draft, facts: CheckFacts): void {
  const { state } = draft;
  const plan = planOf(state.config);
  const legacy = new Legacy(plan, facts);
  const healths = plan.checks.map((check) => first(check, legacy.health(check), facts));
  const services = plan.services.map((service) => settled(service, plan.checks, healths, legacy));
  draft.state = {
    ...state,
    phase: 'running',
    plan,
    healths: vector(healths),
    services: vector(services),
    addresses: new Set(facts.addresses),
    timeouts: facts.timeouts ?? {},
  };
  const { lvs_flush, lvs_timeouts: timeouts } = state.config.global_defs;
  // What a predecessor has put there serves meanwhile.
  if (lvs_flush && facts.held === undefined) draft.orders.push({ type: 'flush' });
  if (timeouts !== undefined) draft.orders.push({ type: 'timeouts', timeouts });
  draft.orders.push(...syncOrders(undefined, state.config));
  for (const order of ordersBetween(NOTHING, draft.state)) draft.orders.push(order);
  for (const [position, service] of plan.services.entries())
    tellStart(draft, service, itemAt(draft.state.services, position));
  schedule(draft, [...plan.checks.keys()]);
  resettle(draft, false);
  noteAll(draft);
  tellChecks(draft);
}

const first = (check: Check, health: Health, { files }: CheckFacts): Health => {
  const { follows } = check;
  if (follows === undefined || !('file' in follows)) return health;
  return followFile(health, follows.weight, files[follows.file]);
};

/** A service of which nothing is known but what its checks are taken for. */
function settled(
  service: PlannedService,
  checks: readonly Check[],
  healths: readonly Health[],
  legacy: Legacy,
): ServiceState {
  const reals = service.reals.map((real) =>
    realState(
      real,
      real.checks.map((at) => {
        const health = healths[at] as Health;
        const standing = standingOf(checks[at] as Check, health, real);
        // Others may have the same check, and serve.
        const up = standing.up && (health.known || legacy.serves(service, real) !== false);
        return { ...standing, up };
      }),
      legacy.told(service, real),
    ),
  );
  return { reals, quorum: hasQuorum(service, legacy.hadQuorum(service), liveWeight(reals)) };
}

/** First attempts, spread over the warm-up. */
function schedule(draft: Draft, places: readonly number[]): void {
  for (const at of places) {
    const check = draft.state.plan.checks[at] as Check;
    if (check.targets.length === 0) continue;
    const { value, random } = next(draft.state.random);
    draft.state = { ...draft.state, random };
    setHealth(draft, at, { ...healthOf(draft, at), dueAt: firstAt(check, value, draft.now) });
  }
}

function stop(draft: Draft): void {
  const { state } = draft;
  if (state.phase === 'running') {
    for (const [at] of state.plan.checks.entries()) cancel(draft, at);
    draft.orders.push(...timeoutOrders(state, undefined));
    draft.orders.push(...syncOrders(state.config, undefined));
    if (!state.keeps) {
      const flushes = state.config.global_defs.lvs_flush_on_stop === 'all';
      const orders = flushes ? [{ type: 'flush' } as const] : ordersBetween(state, NOTHING);
      for (const order of orders) draft.orders.push(order);
    }
    for (const [position, service] of state.plan.services.entries())
      tellEnd(draft, service, itemAt(state.services, position));
  }
  draft.state = { ...draft.state, phase: 'stopped', due: undefined };
  draft.actions.push({ type: 'exit', status: 0 });
}

function cancel(draft: Draft, at: number): void {
  const health = healthOf(draft, at);
  if (health.run !== undefined) draft.actions.push({ type: 'cancel', run: health.run });
  setHealth(draft, at, { ...health, run: undefined, dueAt: undefined });
}

// Attempts

/** Everything that is due is asked. One change of the state for all: there may be many. */
function wake(draft: Draft): void {
  const { state, now, actions } = draft;
  let { due, healths, nextSerial } = state;
  while (due !== undefined && due.at <= now) {
    const { item: at, at: when } = due;
    due = withoutFirst(due);
    const health = itemAt(healths, at);
    if (health.dueAt !== when) continue;
    const target = (state.plan.checks[at] as Check).targets[health.target];
    if (target === undefined) continue;
    const run = nameRun(nextSerial++, at);
    actions.push(
      target.kind === 'MISC_CHECK'
        ? { type: 'probe', run, target, of: serversOf(state.plan, at) }
        : { type: 'probe', run, target },
    );
    healths = withItem(healths, at, asked(health, run));
  }
  draft.state = withHealths(state, healths, due, nextSerial);
}

const serversOf = ({ services, checks }: Plan, at: number): readonly string[] =>
  (checks[at] as Check).users.map((user) => {
    const service = services[user.service] as PlannedService;
    return idOfReal(service, service.reals[user.real] as PlannedReal);
  });

function answer(draft: Draft, run: number, answered: Verdict): void {
  const at = checkOfRun(draft.state, run);
  if (at === undefined) return;
  const before = healthOf(draft, at);
  const check = draft.state.plan.checks[at] as Check;
  const verdict = believed(before, answered);
  const { health, outcome } = judge(check, before, verdict, draft.now);
  const was = draft.state;
  setHealth(draft, at, health);
  tellOutcome(draft, check, before, outcome, verdict);
  if (health.up !== before.up || health.known !== before.known || health.weight !== before.weight)
    follow(draft, [at]);
  if (!before.known && health.known && !health.up) tellFirstFailure(draft, check);
  mailOutcome(draft, check, before, was, outcome, verdict, userState);
}

const userState = ({ services }: DirectorState, { service, real }: User): RealState =>
  itemAt(services, service).reals[real] as RealState;

/** It was taken for down and is: programs hear it once of each server. */
function tellFirstFailure(draft: Draft, check: Check): void {
  for (const { service: position, real: at } of check.users) {
    const { services, plan } = draft.state;
    const state = itemAt(services, position);
    const was = state.reals[at] as RealState;
    if (was.told === false) continue;
    const reals = state.reals.with(at, { ...was, told: false });
    draft.state = { ...draft.state, services: withItem(services, position, { ...state, reals }) };
    const service = plan.services[position] as PlannedService;
    reportChange(draft, service, service.reals[at] as PlannedReal, false);
  }
}

// What others tell

function onFile(draft: Draft, name: string, text: string | undefined): void {
  const changed: number[] = [];
  for (const [at, check] of draft.state.plan.checks.entries()) {
    const { follows } = check;
    if (follows === undefined || !('file' in follows) || follows.file !== name) continue;
    const before = healthOf(draft, at);
    const health = followFile(before, follows.weight, text);
    setHealth(draft, at, health);
    if (health.up !== before.up) tellFile(draft, check, name, health.up);
    changed.push(at);
  }
  follow(draft, changed);
}

function onSession(draft: Draft, name: string, up: boolean): void {
  draft.state = { ...draft.state, sessions: { ...draft.state.sessions, [name]: up } };
  const changed: number[] = [];
  for (const [at, { follows }] of draft.state.plan.checks.entries()) {
    if (follows === undefined || !('session' in follows) || follows.session !== name) continue;
    setHealth(draft, at, followSession(healthOf(draft, at), up));
    changed.push(at);
  }
  follow(draft, changed);
}

function onAddress(draft: Draft, address: Ip, here: boolean): void {
  const { addresses } = draft.state;
  if (addresses.has(address) === here) return;
  const changed = new Set(addresses);
  if (here) changed.add(address);
  else changed.delete(address);
  draft.state = { ...draft.state, addresses: changed };
  resettle(draft, true);
}

// Servers and services

/** Checks are taken for something else: every server that has one of them follows, and all of them at once. */
function follow(draft: Draft, checks: readonly number[]): void {
  const changes = new Map<number, Change>();
  for (const at of checks) {
    const check = draft.state.plan.checks[at] as Check;
    const health = healthOf(draft, at);
    for (const user of check.users) {
      const change = changes.get(user.service) ?? changeOf(draft, user.service);
      const real = change.service.reals[user.real] as PlannedReal;
      const was = change.reals[user.real] as RealState;
      const { standings } = was;
      const standing = standingOf(check, health, real);
      const old = standings[user.checker];
      if (old?.up === standing.up && old.shift === standing.shift) continue;
      change.reals = change.reals.with(
        user.real,
        withStandings(real, was, standings.with(user.checker, standing)),
      );
      change.changed.add(user.real);
      changes.set(user.service, change);
    }
  }
  if (changes.size > 0) settle(draft, [...changes.values()]);
}

/** What becomes of one service in a step. */
interface Change {
  readonly position: number;
  readonly service: PlannedService;
  readonly before: ServiceState;
  reals: ServiceState['reals'];
  readonly changed: Set<number>;
}

function changeOf(draft: Draft, position: number): Change {
  const before = itemAt(draft.state.services, position);
  const service = draft.state.plan.services[position] as PlannedService;
  return { position, service, before, reals: before.reals, changed: new Set() };
}

/** Real servers stand otherwise: their services, IPVS and everybody who listens learn of it. */
function settle(draft: Draft, changes: readonly Change[]): void {
  const { plan, services: before } = draft.state;
  let services = before;
  for (const { service, position, reals, before: old } of changes) {
    const quorum = hasQuorum(service, old.quorum, liveWeight(reals));
    services = withItem(services, position, { reals, quorum });
  }
  draft.state = { ...draft.state, services };
  const names = new Set<string>();
  for (const change of changes)
    if (!moveOne(draft, change, itemAt(services, change.position)))
      for (const { name } of change.service.pools) names.add(name);
  draft.orders.push(
    ...difference(
      poolsOfNames({ plan, services: before }, names),
      poolsOfNames({ plan, services }, names),
    ),
  );
  for (const change of changes) tellChange(draft, change, itemAt(services, change.position));
}

/**
 * One destination of a service, the same in all of its keys: a service may have thousands of them. Not where something else
 * decides too what IPVS holds for it: a quorum where there is a sorry server, a server or a sorry server in its place, another
 * service with its key.
 */
function moveOne(draft: Draft, { service, before, changed }: Change, after: ServiceState): boolean {
  const [at, ...more] = changed;
  const real = at === undefined ? undefined : service.reals[at];
  if (at === undefined || real === undefined || more.length > 0) return false;
  const sorry = sorryPlace(service);
  if (sorry === real.place || (sorry !== undefined && before.quorum !== after.quorum)) return false;
  if (real.shares) return false;
  if (isCrowded(draft.state.plan, service)) return false;
  const [was, is] = [before, after].map(({ reals, quorum }) =>
    realDestination(service, real, reals[at] as RealState, quorum),
  );
  for (const { key } of service.pools)
    draft.orders.push(...place(key, was && under(key, was), is && under(key, is)));
  return true;
}

function tellChange(draft: Draft, { service, before, changed }: Change, after: ServiceState): void {
  for (const at of changed) {
    const real = service.reals[at] as PlannedReal;
    const old = before.reals[at] as RealState;
    const now = after.reals[at] as RealState;
    tellWeight(draft, service, real, old, now);
    if (now.alive === old.alive) continue;
    logReal(draft, service, real, now.alive);
    if (now.alive !== old.told) reportChange(draft, service, real, now.alive);
  }
  if (after.quorum !== before.quorum) tellQuorum(draft, service, after.reals, after.quorum);
}
