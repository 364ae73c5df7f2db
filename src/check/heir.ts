// What a process that takes the place of another takes its servers for: those that IPVS serves are well, those that it does
// not serve have failed, until their checks say otherwise. Where a sorry server stood in, all are taken for failed; which
// of them programs know to be down, the process before has noted.

import type { DestinationKey, ServiceKey } from '../lib/ipvs.ts';
import { followFile } from './checkers/file.ts';
import type { CheckFacts } from './event.ts';
import { type Health, newborn, unknown } from './health.ts';
import { type Check, idOfReal, type Plan, type PlannedReal, type PlannedService } from './plan.ts';
import { inhibits } from './service.ts';
import { nameOfKey, placeOf, placeUnder } from './table.ts';

/** What IPVS held when the process started. */
export interface Held {
  readonly key: ServiceKey;
  readonly destinations: readonly {
    readonly destination: DestinationKey;
    readonly to: { readonly weight: number };
  }[];
}

export class Legacy {
  readonly #plan: Plan;
  /** Weights by place, of each service by name. */
  readonly #held: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Servers that programs do not take for up; absent where nothing was noted. */
  readonly #down: ReadonlySet<string> | undefined;
  readonly #files: CheckFacts['files'];

  constructor(plan: Plan, { held = [], down, files }: Pick<CheckFacts, 'held' | 'down' | 'files'>) {
    this.#plan = plan;
    this.#files = files;
    this.#down = down === undefined ? undefined : new Set(down);
    this.#held = new Map(
      held.map(({ key, destinations }) => [
        nameOfKey(key),
        new Map(destinations.map(({ destination, to }) => [placeOf(destination), to.weight])),
      ]),
    );
  }

  /** What a check begins with. One that several servers have failed only if none of them serves. */
  health(check: Check): Health {
    const served = check.users.map(({ service: at, real }) => {
      const service = this.#plan.services[at] as PlannedService;
      return this.serves(service, service.reals[real] as PlannedReal);
    });
    // It has been relied on: its first answer has the tries that any other has.
    if (served.includes(true)) return { ...unknown(true), weight: this.#weight(check) };
    if (!served.includes(false)) return newborn(check);
    return unknown(false);
  }

  /** What programs take a server for that is taken for down. Where they know that it is down, its first failure is told anew. */
  told(service: PlannedService, real: PlannedReal): true | undefined {
    return this.#down?.has(idOfReal(service, real)) === false ? true : undefined;
  }

  /** There were enough servers: some serve, and the sorry server does not. */
  hadQuorum(service: PlannedService): boolean {
    return service.reals.some((real) => this.serves(service, real));
  }

  /** What a script that gives a weight has said last: what IPVS has, less what files add to it. */
  #weight(check: Check): number | undefined {
    if (!isDynamic(check)) return undefined;
    for (const { service: at, real: place } of check.users) {
      const service = this.#plan.services[at] as PlannedService;
      const real = service.reals[place] as PlannedReal;
      const checks = real.checks.map((it) => this.#plan.checks[it] as Check);
      const [weight] = this.#found(service, real).flatMap((one) => one.weight ?? []);
      if (weight === undefined || this.serves(service, real) !== true) continue;
      // Of several nobody knows which has said what.
      if (checks.filter(isDynamic).length > 1) continue;
      return checks.reduce((rest, one) => rest - this.#added(one), weight);
    }
    return undefined;
  }

  #added({ follows }: Check): number {
    if (follows === undefined || !('file' in follows)) return 0;
    return followFile(unknown(true), follows.weight, this.#files[follows.file]).weight ?? 0;
  }

  /** Undefined where nothing tells: IPVS does not have the service, or the server has no weight whether it failed or not. */
  serves(service: PlannedService, real: PlannedReal): boolean | undefined {
    const found = this.#found(service, real);
    if (found.length === 0) return undefined;
    if (found.every(({ replaced }) => replaced)) return false;
    const weights = found.flatMap(({ weight }) => weight ?? []);
    if (weights.some((weight) => weight > 0)) return true;
    // Without a weight it may be well, where the file or a check gives it none.
    const mayRest =
      real.config.weight === 0 ||
      real.checks.some((at) => isWeighing(this.#plan.checks[at] as Check));
    if (!mayRest || weights.length === 0) return false;
    if (!inhibits(service, real) && !found.some(({ isSorry }) => isSorry)) return true;
    return this.#down?.has(idOfReal(service, real)) ? false : undefined;
  }

  /** Under each key of the service that IPVS has. `isSorry`: in the place of the sorry server; `replaced`: it is that. */
  #found(service: PlannedService, real: PlannedReal) {
    const { pools, config } = service;
    const { sorry_server: sorry } = config;
    const { lvs_method = config.lvs_method } = real.config;
    const { kind } = config.sorry_server_lvs_method ?? config.lvs_method;
    return pools.flatMap(({ name, key }) => {
      const weights = this.#held.get(name);
      if (weights === undefined) return [];
      const place = placeUnder(key, real.config, lvs_method.kind);
      const weight = weights.get(place);
      const isSorry = sorry !== undefined && place === placeUnder(key, sorry, kind);
      return [{ weight, isSorry, replaced: isSorry && isAlone(weights, weight) }];
    });
  }
}

/** A script that may give a weight. */
const isDynamic = ({ targets: [target] }: Check): boolean =>
  target?.kind === 'MISC_CHECK' && target.options.misc_dynamic;

/** What it says may change the weight. */
const isWeighing = (check: Check): boolean => check.kind === 'FILE_CHECK' || isDynamic(check);

/** In its own place the sorry server, which has the weight 1, cannot be told from a real one. */
const isAlone = (weights: ReadonlyMap<string, number>, weight: number | undefined): boolean =>
  weight === 1 && [...weights.values()].filter((it) => it > 0).length === 1;
