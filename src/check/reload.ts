// A new configuration. Results survive: a check that is the same goes on as it was; one that asks something else is made at
// once, and until it has answered its server stays what it was. So nothing that has failed is put back for a moment, and
// nothing healthy is taken away for a moment. A service that is the same object in both configurations has not changed:
// what follows from it is taken over without being worked out again, and so is its state.

import { type Due, withDue } from '../lib/heap.ts';
import { next } from '../lib/random.ts';
import { itemAt, vector } from '../lib/vector.ts';
import { followSession } from './checkers/bfd.ts';
import { followFile } from './checkers/file.ts';
import { firstAt, type Health, newborn, unknown } from './health.ts';
import {
  isSameSorry,
  logReal,
  noteAll,
  reportReal,
  tellChecks,
  tellGone,
  tellOtherSorry,
  tellQuorum,
  tellReal,
  tellServiceGone,
  tellStart,
  tellWeight,
} from './notify.ts';
import { mailKnown } from './phrase.ts';
import {
  type Check,
  type Plan,
  type PlannedReal,
  type PlannedService,
  placeOfCheck,
  planOf,
} from './plan.ts';
import type { CheckerConfig } from './resolve.ts';
import {
  hasQuorum,
  liveWeight,
  type RealState,
  realState,
  type ServiceState,
  type Standing,
  withStandings,
} from './service.ts';
import { standingOf } from './standing.ts';
import { type DirectorState, type Draft, healthOf, ordersBetween, say } from './state.ts';
import { resettle } from './suspend.ts';
import { syncOrders } from './syncing.ts';
import { isSame } from './table.ts';
import { timeoutOrders } from './timeouts.ts';

/** A real server as it was before, and is now. */
interface Old {
  readonly real: PlannedReal;
  readonly state: RealState;
}

export function reload(
  draft: Draft,
  config: CheckerConfig,
  files: Readonly<Record<string, string>>,
): void {
  const before = draft.state;
  const plan = planOf(config, before);
  const history = new History(before, plan);
  const made = plan.checks.map((check) => history.health(check, files));
  const services = plan.services.map((_, at) => history.service(at, made));
  const carried = new Map<number, number>();
  for (const [at, check] of before.plan.checks.entries()) {
    const { run } = itemAt(before.healths, at);
    if (run === undefined) continue;
    const now = placeOfCheck(plan, check);
    if (now === undefined) draft.actions.push({ type: 'cancel', run });
    else carried.set(run, now);
  }
  draft.state = {
    ...before,
    config,
    plan,
    healths: vector(made),
    services: vector(services.map(({ state }) => state)),
    due: undefined,
    carried,
    firstSerial: before.nextSerial,
    suspended: new Set(),
    broken: new Set(),
  };
  draft.orders.push(...timeoutOrders(before, config.global_defs.lvs_timeouts));
  draft.orders.push(...syncOrders(before.config, config));
  for (const order of ordersBetween(before, draft.state, before.broken)) draft.orders.push(order);
  schedule(draft, made, history);
  resettle(draft, false);
  tell(draft, before, history, services);
  noteAll(draft);
  tellChecks(draft);
}

/** Every check that is not being made is due as it was, or at once, or, where all is new, within its warm-up. */
function schedule(draft: Draft, made: readonly Health[], history: History): void {
  let { random } = draft.state;
  let due: Due<number>;
  const healths = draft.state.plan.checks.map((check, at) => {
    const health = made[at] as Health;
    if (check.targets.length === 0 || health.run !== undefined) return health;
    let { dueAt } = health;
    if (dueAt === undefined) {
      const drawn = next(random);
      random = drawn.random;
      dueAt = history.isNew(check) ? firstAt(check, drawn.value, draft.now) : draft.now;
    }
    due = withDue(due, dueAt, at);
    return dueAt === health.dueAt ? health : { ...health, dueAt };
  });
  draft.state = { ...draft.state, healths: vector(healths), due, random };
}

function tell(
  draft: Draft,
  before: DirectorState,
  history: History,
  services: readonly { readonly state: ServiceState; readonly old?: number }[],
): void {
  const { plan, config } = draft.state;
  const { rs_init_notifies } = config.global_defs;
  const showing = ({ checks }: PlannedReal): boolean =>
    checks.some((it) => hasToShow(plan.checks[it] as Check));
  const kept = new Map(services.flatMap(({ old }, at) => (old === undefined ? [] : [[old, at]])));
  for (const [at, service] of before.plan.services.entries()) {
    const state = itemAt(before.services, at);
    const now = kept.get(at);
    if (now === undefined) tellServiceGone(draft, service, state);
    else if (plan.services[now]?.config !== service.config)
      tellRealsGone(draft, service, state, plan.services[now] as PlannedService);
  }
  for (const [at, { state, old }] of services.entries()) {
    if (old !== undefined && state === itemAt(before.services, old)) continue;
    const service = plan.services[at] as PlannedService;
    // Where nobody has to show himself keepalived has its quorum first, and then learns who is down.
    const begins = old === undefined && state.quorum && !service.reals.some(showing);
    if (begins) tellStart(draft, service, state);
    for (const [position, real] of service.reals.entries())
      if (history.real(at, position) === undefined) {
        const alive = state.reals[position]?.alive === true;
        tellNewcomer(draft, service, real, alive);
        mailKnown(draft, { service: at, real: position, checker: 0 }, alive);
      }
    if (old === undefined) {
      if (!begins) tellStart(draft, service, state);
      continue;
    }
    for (const [position, real] of service.reals.entries()) {
      const now = state.reals[position] as RealState;
      const was = history.real(at, position)?.state;
      if (was === undefined) {
        // keepalived takes a new one in without a word in the log.
        if (now.alive && rs_init_notifies) reportReal(draft, service, real, true);
        continue;
      }
      tellWeight(draft, service, real, was, now);
      if (was.alive === now.alive) continue;
      logReal(draft, service, real, now.alive);
      if (was.told !== now.alive) reportReal(draft, service, real, now.alive);
    }
    const then = before.plan.services[old] as PlannedService;
    if (itemAt(before.services, old).quorum !== state.quorum)
      tellQuorum(draft, service, state.reals, state.quorum, then);
    else if (!isSameSorry(then, service)) tellOtherSorry(draft, then, service, state);
  }
}

/**
 * A server of which a check of others already knows how it is: keepalived, which checks it anew, finds that out in a moment and
 * tells of it where it is down, or had to show itself first.
 */
function tellNewcomer(
  draft: Draft,
  service: PlannedService,
  real: PlannedReal,
  alive: boolean,
): void {
  const { plan, config } = draft.state;
  const checks = real.checks.map((at) => plan.checks[at] as Check);
  const down = checks.filter(
    ({ targets }, i) => targets.length > 0 && isDown(healthOf(draft, real.checks[i] as number)),
  );
  if (down.length > 0) {
    if (!down.some(hasToShow)) tellReal(draft, service, real, false);
    else if (!down.filter(hasToShow).every(hasTries)) reportReal(draft, service, real, false);
  } else if (alive && checks.some(hasToShow)) {
    logReal(draft, service, real, true);
    if (!config.global_defs.rs_init_notifies) reportReal(draft, service, real, true);
  }
}

const isDown = ({ up, known }: Health): boolean => known && !up;
const hasToShow = ({ timing }: Check): boolean => timing.alpha;
const hasTries = ({ kind, timing }: Check): boolean => timing.retry > 0 && kind !== 'SMTP_CHECK';

function tellRealsGone(
  draft: Draft,
  service: PlannedService,
  state: ServiceState,
  now: PlannedService,
): void {
  const places = new Set(now.reals.map(({ place }) => place));
  for (const [at, real] of service.reals.entries()) {
    if (places.has(real.place)) continue;
    say(draft, 'info', `service ${real.name} no longer exist`);
    tellGone(draft, service, real, state.reals[at] as RealState, state.quorum);
  }
}

/** A service as it was before. */
interface OldService {
  readonly at: number;
  readonly service: PlannedService;
  readonly state: ServiceState;
  /** Where its real servers stood; absent where each of them stands there still. */
  readonly places?: ReadonlyMap<string, number>;
}

/** For each service the place of the same one before; where one is given twice, of that which is unchanged, else of that with most of its servers. */
function pairs(
  before: readonly PlannedService[],
  now: readonly PlannedService[],
): readonly (number | undefined)[] {
  const left = new Map<string, Set<number>>();
  for (const [at, { family }] of before.entries())
    left.set(family, (left.get(family) ?? new Set()).add(at));
  const found: (number | undefined)[] = [];
  const take = (at: number, family: string, old: number | undefined): void => {
    if (old === undefined) return;
    left.get(family)?.delete(old);
    found[at] = old;
  };
  const twins = new Set(
    [...before, ...now].flatMap(({ id, family }) => (id === family ? [] : [family])),
  );
  for (const [at, { family, config }] of now.entries())
    if (twins.has(family)) {
      const same = [...(left.get(family) ?? [])].find((old) => isSame(before[old]?.config, config));
      take(at, family, same);
    }
  for (const [at, { family, reals }] of now.entries()) {
    if (found[at] !== undefined) continue;
    const common = (old: number): number =>
      before[old]?.reals.filter((was) => reals.some(({ place }) => place === was.place)).length ??
      0;
    const [first, ...others] = left.get(family) ?? [];
    take(
      at,
      family,
      others.reduce((best, old) => (common(old) > common(best as number) ? old : best), first),
    );
  }
  return found;
}

/** What was before, found by what stays the same: services by name, real servers by address and port, checks by what they do. */
class History {
  readonly #before: DirectorState;
  readonly #plan: Plan;
  /** For each service of the new plan the old one. */
  readonly #services: readonly (OldService | undefined)[];

  constructor(before: DirectorState, plan: Plan) {
    this.#before = before;
    this.#plan = plan;
    const places = pairs(before.plan.services, plan.services);
    this.#services = plan.services.map((service, at) => this.#match(service, places[at]));
  }

  #match({ config, reals }: PlannedService, at: number | undefined): OldService | undefined {
    if (at === undefined) return undefined;
    const service = this.#before.plan.services[at] as PlannedService;
    const old = { at, service, state: itemAt(this.#before.services, at) };
    const stands =
      service.config === config || reals.every(({ place }, i) => place === service.reals[i]?.place);
    return stands ? old : { ...old, places: new Map(service.reals.map((r, i) => [r.place, i])) };
  }

  /** By its position in a service of the new plan. */
  real(service: number, position: number): Old | undefined {
    const old = this.#services[service];
    if (old === undefined) return undefined;
    const { reals } = this.#plan.services[service] as PlannedService;
    const { place } = reals[position] as PlannedReal;
    // Mostly it stands where it stood.
    const at = old.service.reals[position]?.place === place ? position : old.places?.get(place);
    if (at === undefined) return undefined;
    return { real: old.service.reals[at] as PlannedReal, state: old.state.reals[at] as RealState };
  }

  /** All of its servers are. */
  isNew({ users }: Check): boolean {
    return users.every(({ service, real }) => this.real(service, real) === undefined);
  }

  health(check: Check, files: Readonly<Record<string, string>>): Health {
    const { follows } = check;
    const { plan } = this.#before;
    const known = placeOfCheck(plan, check);
    if (follows !== undefined && 'file' in follows)
      return followFile(unknown(!check.timing.alpha), follows.weight, files[follows.file]);
    if (known !== undefined) return itemAt(this.#before.healths, known);
    const asked = plan.askers.get(check.question)?.at(-1);
    const was = asked === undefined ? undefined : itemAt(this.#before.healths, asked);
    // What others only assume says nothing of new servers.
    if (was !== undefined && (was.known || !this.isNew(check))) {
      const { run: _, dueAt: __, doubted: ___, ...health } = was;
      return { ...health, failures: 0, target: 0 };
    }
    if (follows !== undefined && 'session' in follows) {
      const up = this.#before.sessions[follows.session];
      const health = unknown(!check.timing.alpha);
      return up === undefined ? health : followSession(health, up);
    }
    // Taken for up where a server of it is: that has its tries before it goes.
    const assumed = check.users.map((user) => {
      const service = this.#plan.services[user.service] as PlannedService;
      const real = service.reals[user.real] as PlannedReal;
      return this.#assume(real, this.real(user.service, user.real), check);
    });
    return this.isNew(check) ? newborn(check) : unknown(assumed.some((up) => up));
  }

  /** What a check without a history is taken for: what those were that it stands in the place of. */
  #assume(real: PlannedReal, old: Old | undefined, check: Check): boolean {
    if (old === undefined) return !check.timing.alpha;
    const gone = old.real.checks.flatMap((at, index) => {
      const { question } = this.#before.plan.checks[at] as Check;
      const stays = real.checks.some((now) => this.#plan.checks[now]?.question === question);
      return stays ? [] : [old.state.standings[index] as Standing];
    });
    return gone.every(({ up }) => up);
  }

  service(
    at: number,
    healths: readonly Health[],
  ): { readonly state: ServiceState; readonly old?: number } {
    const service = this.#plan.services[at] as PlannedService;
    const old = this.#services[at];
    if (old !== undefined && this.#stands(service, old, healths))
      return { state: old.state, old: old.at };
    const reals = service.reals.map((real, position) => {
      const was = this.real(at, position);
      const standings = real.checks.map((place) => {
        const check = this.#plan.checks[place] as Check;
        const health = healths[place] as Health;
        const standing = standingOf(check, health, real);
        if (health.known) return standing;
        return { ...standing, up: this.#believed(real, was, check, standing.up) };
      });
      return was === undefined
        ? realState(real, standings, this.#told(real, healths))
        : withStandings(real, was.state, standings);
    });
    const quorum = hasQuorum(service, old?.state.quorum ?? false, liveWeight(reals));
    return { state: { reals, quorum }, ...(old === undefined ? {} : { old: old.at }) };
  }

  /**
   * Of a new server that is down. It is told at once where a check of others knows that. One that has to show itself is told of
   * with its first answer, but for failures of one that has tries, as with keepalived.
   */
  #told({ checks }: PlannedReal, healths: readonly Health[]): boolean | undefined {
    if (checks.some((at) => isDown(healths[at] as Health))) return false;
    const shown = checks.map((at) => this.#plan.checks[at] as Check).filter(hasToShow);
    if (shown.length === 0) return true;
    return shown.every(hasTries) ? false : undefined;
  }

  /** Neither it nor what its checks say has changed. */
  #stands({ config, reals }: PlannedService, old: OldService, healths: readonly Health[]): boolean {
    return (
      config === old.service.config &&
      reals.every(({ checks }, position) =>
        checks.every((place, index) => {
          const was = old.service.reals[position]?.checks[index] as number;
          return healths[place] === itemAt(this.#before.healths, was);
        }),
      )
    );
  }

  /** Of a check that has not answered yet, each server believes what it believed. */
  #believed(real: PlannedReal, old: Old | undefined, check: Check, otherwise: boolean): boolean {
    if (old === undefined) return otherwise;
    const index = old.real.checks.findIndex(
      (at) => this.#before.plan.checks[at]?.question === check.question,
    );
    if (index >= 0) return (old.state.standings[index] as Standing).up;
    return this.#assume(real, old, check);
  }
}
