// One virtual server: what its checks come to. Which of its real servers are alive and with which weight, whether there are
// enough of them, and what IPVS is to hold then. Everything is worked out anew from what the checks stand at; nothing is
// counted up or down, and only the quorum remembers (hysteresis).

import type { IpvsDestination, ServiceKey } from '../lib/ipvs.ts';
import type { PlannedReal, PlannedService } from './plan.ts';
import { type Destination, forwardingOf, isSame, type Pool, placeOf, under } from './table.ts';

/** What one check says about one real server. */
export interface Standing {
  readonly up: boolean;
  /** What it adds to the weight. */
  readonly shift: number;
}

export interface RealState {
  /** Of its checks, in the order of the file. */
  readonly standings: readonly Standing[];
  readonly alive: boolean;
  /** What it has in IPVS while it is alive. */
  readonly weight: number;
  /** What programs take it for; undefined until the first answer where it has to show itself. */
  readonly told: boolean | undefined;
}

export interface ServiceState {
  readonly reals: readonly RealState[];
  /** There are enough, or there were and it is not yet far enough below. */
  readonly quorum: boolean;
}

/** What IPVS takes. */
const HEAVIEST = 2147483647;

/** `told`: what programs take it for if it is down. */
export function realState(
  real: PlannedReal,
  standings: readonly Standing[],
  told?: boolean,
): RealState {
  const shift = standings.reduce((sum, standing) => sum + standing.shift, 0);
  const alive = standings.every(({ up }) => up);
  return {
    standings,
    alive,
    weight: Math.min(HEAVIEST, Math.max(0, real.config.weight + shift)),
    told: alive || told,
  };
}

/** What its checks stand at now. Whether it is alive is told as soon as it changes. */
export function withStandings(
  real: PlannedReal,
  before: RealState,
  standings: readonly Standing[],
): RealState {
  const now = realState(real, standings, before.told);
  return before.alive && !now.alive ? { ...now, told: false } : now;
}

/** The weight of those that are alive. */
export const liveWeight = (reals: readonly RealState[]): number =>
  reals.reduce((sum, { alive, weight }) => sum + (alive ? weight : 0), 0);

type Limits = Pick<PlannedService['config'], 'quorum' | 'hysteresis'>;

/** The weight at which there are enough, where there were too few. */
export const leastGained = ({ quorum, hysteresis }: Limits): number =>
  Math.max(1, quorum + hysteresis);

/**
 * The weight below which there are too few, where there were enough. The quorum is 0 where all servers have the weight 0: they
 * are to be relieved, and the sorry server serves.
 */
export const leastLeft = ({ quorum, hysteresis }: Limits): number =>
  Math.max(1, quorum - hysteresis);

/** Whether there are enough now. */
export const hasQuorum = ({ config }: PlannedService, before: boolean, live: number): boolean =>
  live >= (before ? leastLeft(config) : leastGained(config));

/** The place of the sorry server, where it has one. */
export const sorryPlace = ({
  config: { sorry_server: sorry },
}: PlannedService): string | undefined => (sorry === undefined ? undefined : placeOf(sorry));

/** While there are too few, the sorry server serves, and nobody else. */
export const isSorry = ({ config }: PlannedService, { quorum }: Pick<ServiceState, 'quorum'>) =>
  config.sorry_server !== undefined && !quorum;

/** It stays in IPVS while it is down, with the weight 0. */
export const inhibits = (service: PlannedService, real: PlannedReal): boolean =>
  real.config.inhibit_on_failure ?? service.config.inhibit_on_failure;

/** What IPVS is to hold for a real server; absent: nothing. It says nothing of a sorry server in the same place. */
export function realDestination(
  service: PlannedService,
  real: PlannedReal,
  { alive, weight }: Pick<RealState, 'alive' | 'weight'>,
  quorum: boolean,
): Destination | undefined {
  const { config } = real;
  const serves = alive && !isSorry(service, { quorum });
  if (!serves && !inhibits(service, real)) return undefined;
  return {
    key: { address: config.address, port: config.port },
    to: {
      forwarding: forwardingOf(config.lvs_method ?? service.config.lvs_method),
      weight: serves ? weight : 0,
      upperThreshold: config.uthreshold,
      lowerThreshold: config.lthreshold,
    },
  };
}

function sorryDestination(service: PlannedService, quorum: boolean): Destination | undefined {
  const {
    sorry_server: sorry,
    sorry_server_inhibit,
    sorry_server_lvs_method,
    lvs_method,
  } = service.config;
  if (sorry === undefined || (quorum && !sorry_server_inhibit)) return undefined;
  const to: IpvsDestination = {
    forwarding: forwardingOf(sorry_server_lvs_method ?? lvs_method),
    weight: quorum ? 0 : 1,
    upperThreshold: 0,
    lowerThreshold: 0,
  };
  return { key: sorry, to };
}

/** Everything that IPVS is to hold for a service. */
export function destinationsOf(
  service: PlannedService,
  { reals, quorum }: ServiceState,
): ReadonlyMap<string, Destination> {
  const wanted = new Map<string, Destination>();
  for (const [position, real] of service.reals.entries()) {
    const state = reals[position] as RealState;
    const destination = realDestination(service, real, state, quorum);
    if (destination !== undefined) add(wanted, destination);
  }
  const sorry = sorryDestination(service, quorum);
  if (sorry !== undefined) add(wanted, sorry);
  return wanted;
}

/** What of a service decides about its destinations, beside its real servers. */
const frameOf = ({ pools, config }: PlannedService) => [
  pools,
  config.lvs_method,
  config.inhibit_on_failure,
  config.sorry_server,
  config.sorry_server_inhibit,
  config.sorry_server_lvs_method,
];

/**
 * IPVS is to hold the same for both, by what that follows from: at a reload nearly every service is such, and to work out
 * all destinations of both takes longer.
 */
export function isAlike(
  before: PlannedService,
  was: ServiceState,
  after: PlannedService,
  is: ServiceState,
): boolean {
  if (was === is && before.config === after.config && before.pools === after.pools) return true;
  return (
    was.quorum === is.quorum &&
    before.reals.length === after.reals.length &&
    isSame(frameOf(before), frameOf(after)) &&
    after.reals.every(({ place, config }, at) => {
      const { place: oldPlace, config: old } = before.reals[at] as PlannedReal;
      const then = was.reals[at] as RealState;
      const now = is.reals[at] as RealState;
      return (
        place === oldPlace &&
        then.alive === now.alive &&
        then.weight === now.weight &&
        old.uthreshold === config.uthreshold &&
        old.lthreshold === config.lthreshold &&
        old.inhibit_on_failure === config.inhibit_on_failure &&
        isSame(old.lvs_method, config.lvs_method)
      );
    })
  );
}

/** The services of IPVS that it is, each with the same destinations, but for their ports. */
export const poolsOf = (service: PlannedService, state: ServiceState): readonly Pool[] => {
  const destinations = destinationsOf(service, state);
  const known = new Map<number, ReadonlyMap<string, Destination>>();
  return service.pools.map(({ key, service: ipvs }) => {
    const port = 'mark' in key ? 0 : key.port;
    const own = known.get(port) ?? allUnder(key, destinations);
    known.set(port, own);
    return { key, service: ipvs, destinations: own };
  });
};

function allUnder(
  key: ServiceKey,
  destinations: ReadonlyMap<string, Destination>,
): ReadonlyMap<string, Destination> {
  if ([...destinations.values()].every((one) => under(key, one) === one)) return destinations;
  const own = new Map<string, Destination>();
  for (const one of destinations.values()) add(own, under(key, one));
  return own;
}

/** Several in one place are there once, and serve if any does. */
function add(wanted: Map<string, Destination>, one: Destination): void {
  const place = placeOf(one.key);
  const twin = wanted.get(place);
  if (twin === undefined || (twin.to.weight === 0 && one.to.weight > 0)) wanted.set(place, one);
}
