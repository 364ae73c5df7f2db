// What a process that takes the place of another takes its servers for: those that IPVS serves are well, those that it does
// not serve have failed, until their checks say otherwise. Where a sorry server stood in, all are taken for failed; which
// of them programs know to be down, the process before has noted.

import type { DestinationKey, ServiceKey } from '../lib/ipvs.ts';
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

  constructor(plan: Plan, held: readonly Held[], down?: readonly string[]) {
    this.#plan = plan;
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
    if (served.includes(true)) return unknown(true);
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

  /** Undefined where nothing tells: IPVS does not have the service, or the server has no weight whether it failed or not. */
  serves(service: PlannedService, real: PlannedReal): boolean | undefined {
    if (this.#held.size === 0) return undefined;
    const { pools, config } = service;
    const { sorry_server: sorry } = config;
    const { lvs_method = config.lvs_method } = real.config;
    const { kind } = config.sorry_server_lvs_method ?? config.lvs_method;
    const isSorry = (key: ServiceKey, place: string): boolean =>
      sorry !== undefined && place === placeUnder(key, sorry, kind);
    const found = pools.flatMap(({ name, key }) => {
      const weights = this.#held.get(name);
      if (weights === undefined) return [];
      const place = placeUnder(key, real.config, lvs_method.kind);
      const weight = weights.get(place);
      return [{ weights, weight, replaced: isSorry(key, place) && isAlone(weights, weight) }];
    });
    if (found.length === 0) return undefined;
    if (found.every(({ replaced }) => replaced)) return false;
    const weights = found.flatMap(({ weight }) => weight ?? []);
    if (real.config.weight > 0) return weights.some((weight) => weight > 0);
    if (weights.length === 0) return false;
    if (!inhibits(service, real)) return true;
    return this.#down?.has(idOfReal(service, real)) ? false : undefined;
  }
}

/** In its own place the sorry server, which has the weight 1, cannot be told from a real one. */
const isAlone = (weights: ReadonlyMap<string, number>, weight: number | undefined): boolean =>
  weight === 1 && [...weights.values()].filter((it) => it > 0).length === 1;
