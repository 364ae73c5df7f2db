// What keepalived_check.data says of what has happened since the start: a view of the director's state in the words of that
// file, by places in the configuration.

import { type Clock, stamp } from '../lib/stamp.ts';
import { itemAt } from '../lib/vector.ts';
import type { PlannedReal, PlannedService } from './plan.ts';
import { type RealState, realDestination } from './service.ts';
import type { DirectorState } from './state.ts';

export interface LiveChecker {
  /** Its service is here, or is everywhere. */
  readonly enabled: boolean;
  readonly up: boolean;
  /** It has answered. */
  readonly ran: boolean;
  /** What it adds to the weight. */
  readonly shift: number;
  /** Tries that have failed in a row. */
  readonly failures: number;
  /** When its command last ended by itself, as text, and how. */
  readonly last?: { readonly time: string; readonly status: number };
  /** Which of several targets it has failed at. */
  readonly failed?: number;
}

export interface LiveReal {
  readonly alive: boolean;
  readonly weight: number;
  /** IPVS has it. */
  readonly set: boolean;
  readonly checkers: readonly LiveChecker[];
}

export interface LiveService {
  readonly quorum: boolean;
  readonly reals: readonly LiveReal[];
}

/** One for each virtual server of the configuration, in its order. */
export const liveOf = (
  { plan, services, healths, suspended }: DirectorState,
  clock: Clock,
): readonly LiveService[] =>
  plan.services.map((service, at) => {
    const { quorum, reals } = itemAt(services, at);
    return {
      quorum,
      reals: service.reals.map((real, place) =>
        realOf(
          service,
          real,
          reals[place] as RealState,
          quorum,
          healths,
          clock,
          !suspended.has(at),
        ),
      ),
    };
  });

function realOf(
  service: PlannedService,
  real: PlannedReal,
  state: RealState,
  quorum: boolean,
  healths: DirectorState['healths'],
  clock: Clock,
  enabled: boolean,
): LiveReal {
  const checkers = real.checks.map((at, place): LiveChecker => {
    const { up, known, failures, ran, doubted, target } = itemAt(healths, at);
    const last =
      ran === undefined ? {} : { last: { time: stamp(clock, ran.at, true), status: ran.status } };
    const shift = state.standings[place]?.shift ?? 0;
    const failed = doubted === true ? { failed: target } : {};
    return { enabled, up, ran: known, shift, failures, ...last, ...failed };
  });
  const set = realDestination(service, real, state, quorum) !== undefined;
  return { alive: state.alive, weight: state.weight, set, checkers };
}
