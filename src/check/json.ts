// The state for programs: one object for each virtual server, with what keepalived's SNMP tables tell of it and of its servers,
// in words like those of keepalived.json. What IPVS counts is handed in; null where IPVS has nothing to count.

import type {
  DestinationEntry,
  DestinationKey,
  IpvsStatistics,
  ServiceEntry,
} from '../lib/ipvs.ts';
import type { Json } from '../lib/json.ts';
import { toSeconds } from '../lib/time.ts';
import { itemAt } from '../lib/vector.ts';
import type { PlannedPool, PlannedReal, PlannedService } from './plan.ts';
import { inhibits, isSorry, liveWeight, type RealState, type ServiceState } from './service.ts';
import type { DirectorState } from './state.ts';
import { nameOfKey, placeOf, placeUnder } from './table.ts';
import type { Method } from './value.ts';

/** What IPVS tells of one of its services. */
export interface Count {
  readonly statistics: IpvsStatistics;
  /** By placeOf. */
  readonly destinations: ReadonlyMap<string, DestinationEntry>;
}

/** By nameOfKey. */
export type Counts = ReadonlyMap<string, Count>;

export const countOf = (
  { key, statistics }: Pick<ServiceEntry, 'key' | 'statistics'>,
  destinations: readonly DestinationEntry[],
): readonly [string, Count] => [
  nameOfKey(key),
  {
    statistics,
    destinations: new Map(destinations.map((one) => [placeOf(one.destination), one])),
  },
];

/** The virtual server at this place of the configuration. */
export function serviceJson(state: DirectorState, at: number, counts: Counts): Json {
  const service = state.plan.services[at] as PlannedService;
  const now = itemAt(state.services, at);
  const { config, pools } = service;
  const timeout = pools[0]?.service.timeout ?? 0;
  return {
    ...headingJson(service),
    virtualhost: config.virtualhost,
    load_algo: config.lvs_sched,
    // Where each server has its own.
    load_kind: config.own_methods === true ? null : config.lvs_method.kind,
    status: wordFor(pools.some(({ name }) => !state.broken.has(name))),
    persistence_timeout: timeout === 0 ? null : timeout,
    persistence_granularity: config.persistence_granularity,
    ops: config.ops,
    delay_loop: toSeconds(config.delay_loop),
    ha_suspend: config.ha_suspend,
    suspended: state.suspended.has(at),
    alpha: config.alpha,
    omega: config.omega,
    quorum: config.quorum,
    hysteresis: config.hysteresis,
    quorum_status: now.quorum ? 'met' : 'not_met',
    weight: liveWeight(now.reals),
    real_servers_total: now.reals.length,
    real_servers_up: now.reals.filter(({ alive }) => alive).length,
    stats: statisticsJson(pools.flatMap(({ name }) => counts.get(name)?.statistics ?? [])),
    ...('group' in config.service
      ? { members: pools.map((pool) => memberJson(pool, counts)) }
      : {}),
    real_servers: service.reals.map((real, place) =>
      realJson(state, service, real, now.reals[place] as RealState, counts),
    ),
    sorry_server: sorryJson(service, now, counts),
  };
}

function headingJson({ name, config }: PlannedService): { readonly [name: string]: Json } {
  const { service, protocol } = config;
  const word = protocol?.toLowerCase() ?? null;
  if ('fwmark' in service) return { name, type: 'fwmark', fwmark: service.fwmark, protocol: word };
  if ('group' in service) return { name, type: 'group', group: service.group, protocol: word };
  return { name, type: 'ip', address: service.address, port: service.port, protocol: word };
}

const wordFor = (alive: boolean): string => (alive ? 'alive' : 'dead');

/** An address or a mark of a group: IPVS has a service for each. */
function memberJson({ name, key }: PlannedPool, counts: Counts): Json {
  const statistics = counts.get(name)?.statistics;
  return {
    ...('mark' in key ? { fwmark: key.mark } : { address: key.address, port: key.port }),
    stats: statisticsJson(statistics === undefined ? [] : [statistics]),
  };
}

function realJson(
  { healths }: DirectorState,
  service: PlannedService,
  real: PlannedReal,
  { alive, weight }: RealState,
  counts: Counts,
): Json {
  const { name, config, checks } = real;
  const method = config.lvs_method ?? service.config.lvs_method;
  return {
    name,
    type: 'regular',
    address: config.address,
    port: config.port,
    load_kind: method.kind,
    status: wordFor(alive),
    weight: config.weight,
    effective_weight: weight,
    upper_connection_limit: config.uthreshold,
    lower_connection_limit: config.lthreshold,
    action_when_down: inhibits(service, real) ? 'inhibit' : 'remove',
    checks: checks.length,
    failed_checks: checks.filter((check) => !itemAt(healths, check).up).length,
    ...countedJson(service, config, method, counts),
  };
}

function sorryJson(service: PlannedService, now: ServiceState, counts: Counts): Json | undefined {
  const { config } = service;
  const { sorry_server: sorry, sorry_server_lvs_method: method = config.lvs_method } = config;
  if (sorry === undefined) return undefined;
  return {
    type: 'sorry',
    address: sorry.address,
    port: sorry.port,
    load_kind: method.kind,
    /** Nobody checks it: it is there, and serves while there are too few others. */
    serves: isSorry(service, now),
    action_when_down: config.sorry_server_inhibit ? 'inhibit' : 'remove',
    ...countedJson(service, sorry, method, counts),
  };
}

/** Of one server, under all that IPVS knows its virtual server by. */
function countedJson(
  { pools }: PlannedService,
  server: DestinationKey,
  { kind }: Method,
  counts: Counts,
): { readonly [name: string]: Json } {
  const found = pools.flatMap(
    ({ name, key }) => counts.get(name)?.destinations.get(placeUnder(key, server, kind)) ?? [],
  );
  const sum = (of: (entry: DestinationEntry) => number): number | null =>
    found.length === 0 ? null : found.reduce((total, entry) => total + of(entry), 0);
  return {
    active_connections: sum((entry) => entry.activeConnections),
    inactive_connections: sum((entry) => entry.inactiveConnections),
    persistent_connections: sum((entry) => entry.persistentConnections),
    stats: statisticsJson(found.map(({ statistics }) => statistics)),
  };
}

/** Since IPVS has it; rates are a second's. */
function statisticsJson(all: readonly IpvsStatistics[]): Json {
  if (all.length === 0) return null;
  const sum = (name: keyof IpvsStatistics): bigint =>
    all.reduce((total, statistics) => total + statistics[name], 0n);
  return {
    connections: sum('connections'),
    in_packets: sum('packetsIn'),
    out_packets: sum('packetsOut'),
    in_bytes: sum('bytesIn'),
    out_bytes: sum('bytesOut'),
    cps: sum('connectionRate'),
    in_pps: sum('packetRateIn'),
    out_pps: sum('packetRateOut'),
    in_bps: sum('byteRateIn'),
    out_bps: sum('byteRateOut'),
  };
}
