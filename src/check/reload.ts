// A new configuration. Results survive: a check that is the same goes on as it was; one that asks something else is made at
// once, and until it has answered its server stays what it was. So nothing that has failed is put back for a moment, and
// nothing healthy is taken away for a moment.

import { type Due, withDue } from '../lib/heap.ts';
import { next } from '../lib/random.ts';
import { itemAt, vector } from '../lib/vector.ts';
import { firstAt, type Health, newborn, unknown } from './health.ts';
import {
  reportReal,
  tellChecks,
  tellGone,
  tellQuorum,
  tellReal,
  tellServiceGone,
  tellStart,
  tellWeight,
} from './notify.ts';
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
} from './service.ts';
import { followFile, standingOf } from './standing.ts';
import { type DirectorState, type Draft, healthOf, ordersBetween, say } from './state.ts';
import { resettle } from './suspend.ts';
import { syncOrders } from './syncing.ts';
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
  const plan = planOf(config);
  const history = new History(before, plan);
  const made = plan.checks.map((check) => history.health(check, files));
  const services = plan.services.map((service, at) => history.service(service, at, made));
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
  const { plan } = draft.state;
  const kept = new Map(services.flatMap(({ old }, at) => (old === undefined ? [] : [[old, at]])));
  for (const [at, service] of before.plan.services.entries()) {
    const state = itemAt(before.services, at);
    const now = kept.get(at);
    if (now === undefined) tellServiceGone(draft, service, state);
    else tellRealsGone(draft, service, state, plan.services[now] as PlannedService);
  }
  for (const [at, { state, old }] of services.entries()) {
    const service = plan.services[at] as PlannedService;
    for (const [position, real] of service.reals.entries())
      if (history.real(at, position) === undefined) tellNewcomer(draft, service, real);
    if (old === undefined) {
      tellStart(draft, service, state);
      continue;
    }
    for (const [position, real] of service.reals.entries()) {
      const now = state.reals[position] as RealState;
      const was = history.real(at, position)?.state;
      // keepalived takes a new one in without a word.
      if (was === undefined) continue;
      tellWeight(draft, service, real, was, now);
      if (was.alive !== now.alive) tellReal(draft, service, real, now.alive);
    }
    if (itemAt(before.services, old).quorum !== state.quorum)
      tellQuorum(draft, service, state.reals, state.quorum);
  }
}

/**
 * A server that a check of others already knows to be down: keepalived, which checks it anew, finds that out in a moment and
 * tells of it.
 */
function tellNewcomer(draft: Draft, service: PlannedService, real: PlannedReal): void {
  const { plan } = draft.state;
  const isDown = (at: number): boolean => {
    const { up, known } = healthOf(draft, at);
    return known && !up && (plan.checks[at]?.targets.length ?? 0) > 0;
  };
  const down = real.checks.filter(isDown);
  if (down.length === 0) return;
  // One that has to show itself first has not been taken in.
  if (down.some((at) => plan.checks[at]?.timing.alpha)) reportReal(draft, service, real, false);
  else tellReal(draft, service, real, false);
}

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
    tellGone(draft, service, real, state.reals[at]?.alive === true);
  }
}

/** What was before, found by what stays the same: services by name, real servers by address and port, checks by what they do. */
class History {
  readonly #before: DirectorState;
  readonly #plan: Plan;
  readonly #services: ReadonlyMap<string, number>;
  /** For each service of the new plan, and each of its real servers, the old one. */
  readonly #reals: readonly (readonly (Old | undefined)[])[];

  constructor(before: DirectorState, plan: Plan) {
    this.#before = before;
    this.#plan = plan;
    this.#services = new Map(before.plan.services.map(({ id }, at) => [id, at]));
    this.#reals = plan.services.map((service) => this.#match(service));
  }

  #match({ id, reals }: PlannedService): readonly (Old | undefined)[] {
    const at = this.#services.get(id);
    const old = at === undefined ? undefined : this.#before.plan.services[at];
    if (at === undefined || old === undefined) return [];
    const states = itemAt(this.#before.services, at).reals;
    let places: ReadonlyMap<string, number> | undefined;
    return reals.map(({ place }, now) => {
      // Mostly it stands where it stood.
      let i: number | undefined = now;
      if (old.reals[now]?.place !== place) {
        places ??= new Map(old.reals.map((one, at) => [one.place, at]));
        i = places.get(place);
      }
      if (i === undefined) return undefined;
      return { real: old.reals[i] as PlannedReal, state: states[i] as RealState };
    });
  }

  /** By its position in a service of the new plan. */
  real(service: number, position: number): Old | undefined {
    return this.#reals[service]?.[position];
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
    if (asked !== undefined) {
      const { run: _, dueAt: __, doubted: ___, ...health } = itemAt(this.#before.healths, asked);
      return { ...health, failures: 0, target: 0 };
    }
    if (follows !== undefined && 'session' in follows) {
      const up = this.#before.sessions[follows.session];
      return up === undefined ? unknown(!check.timing.alpha) : { ...unknown(up), known: true };
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
    service: PlannedService,
    at: number,
    healths: readonly Health[],
  ): { readonly state: ServiceState; readonly old?: number } {
    const reals = service.reals.map((real, position) =>
      realState(
        real,
        real.checks.map((place) => {
          const check = this.#plan.checks[place] as Check;
          const health = healths[place] as Health;
          const standing = standingOf(check, health, real);
          if (health.known) return standing;
          return {
            ...standing,
            up: this.#believed(real, this.real(at, position), check, standing.up),
          };
        }),
      ),
    );
    const old = this.#services.get(service.id);
    const was = old === undefined ? false : itemAt(this.#before.services, old).quorum;
    const state = { reals, quorum: hasQuorum(service, was, liveWeight(reals)) };
    return old === undefined ? { state } : { state, old };
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
