// What the process that checks servers knows, all of it, and the draft in which one step changes it.

import type { Due } from '../lib/heap.ts';
import { withDue, withoutFirst } from '../lib/heap.ts';
import type { Ip } from '../lib/ip.ts';
import type { IpvsOrder, IpvsTimeouts } from '../lib/ipvs.ts';
import type { Random } from '../lib/random.ts';
import type { Instant } from '../lib/time.ts';
import { itemAt, type Vector, vector, withItem } from '../lib/vector.ts';
import type { CheckAction, Severity } from './action.ts';
import type { Health } from './health.ts';
import { EMPTY, type Plan, type PlannedService } from './plan.ts';
import type { CheckerConfig } from './resolve.ts';
import { isAlike, poolsOf, type ServiceState } from './service.ts';
import { difference, joined, nameOfKey, type Pool, type Table } from './table.ts';

export interface DirectorState {
  /** Nothing is ordered before the facts are known, and nothing after the end. */
  readonly phase: 'starting' | 'running' | 'stopped';
  readonly config: CheckerConfig;
  readonly plan: Plan;
  /** One for each check of the plan. */
  readonly healths: Vector<Health>;
  /** One for each service of the plan. */
  readonly services: Vector<ServiceState>;
  /** Places of checks; one whose check is due at another time now says nothing. */
  readonly due: Due<number>;
  /** Places of services whose address is elsewhere (ha_suspend). */
  readonly suspended: ReadonlySet<number>;
  readonly addresses: ReadonlySet<Ip>;
  /** BFD sessions that have been heard of. */
  readonly sessions: Readonly<Record<string, boolean>>;
  readonly random: Random;
  /** Attempts that were being made when the configuration changed, and the places that their checks have now. */
  readonly carried: ReadonlyMap<number, number>;
  /** Names the next attempt, and never another one. */
  readonly nextSerial: number;
  /** Attempts from this one on were begun with this plan. */
  readonly firstSerial: number;
  /** Services that the kernel refuses (nameOfKey). A reload tries them again. */
  readonly broken: ReadonlySet<string>;
  /** What IPVS had at the start, where lvs_timeouts may change it. */
  readonly timeouts: IpvsTimeouts;
  /** At the end the table stays as it is (-I). */
  readonly keeps: boolean;
}

export interface Draft {
  state: DirectorState;
  readonly now: Instant;
  readonly orders: IpvsOrder[];
  readonly actions: CheckAction[];
}

/** More checks than fit into a configuration. */
const MOST = 2 ** 22;

/** An attempt's name tells whose it is. */
export const nameRun = (serial: number, check: number): number => serial * MOST + check;

/** The check that waits for this attempt. */
export function checkOfRun(state: DirectorState, run: number): number | undefined {
  const place = run >= state.firstSerial * MOST ? run % MOST : state.carried.get(run);
  if (place === undefined || place >= state.healths.length) return undefined;
  return itemAt(state.healths, place).run === run ? place : undefined;
}

export const healthOf = ({ state }: Draft, check: number): Health => itemAt(state.healths, check);

export function setHealth(draft: Draft, check: number, health: Health): void {
  const { state } = draft;
  const before = itemAt(state.healths, check);
  const due =
    health.dueAt === undefined || health.dueAt === before.dueAt
      ? state.due
      : withDue(state.due, health.dueAt, check);
  draft.state = withHealths(state, withItem(state.healths, check, health), due, state.nextSerial);
}

/** Written out: this happens thousands of times a second, and the engine takes twenty times as long for `...state`. */
export const withHealths = (
  state: DirectorState,
  healths: DirectorState['healths'],
  due: DirectorState['due'],
  nextSerial: number,
): DirectorState => ({
  phase: state.phase,
  config: state.config,
  plan: state.plan,
  healths,
  services: state.services,
  due,
  suspended: state.suspended,
  addresses: state.addresses,
  sessions: state.sessions,
  random: state.random,
  carried: state.carried,
  nextSerial,
  firstSerial: state.firstSerial,
  broken: state.broken,
  timeouts: state.timeouts,
  keeps: state.keeps,
});

/** What is due no more at its time goes, so that the first one says when something happens. */
export function tidy(state: DirectorState): DirectorState {
  let { due } = state;
  while (due !== undefined && itemAt(state.healths, due.item).dueAt !== due.at)
    due = withoutFirst(due);
  return due === state.due ? state : withHealths(state, state.healths, due, state.nextSerial);
}

export const say = (draft: Draft, severity: Severity, text: string): void => {
  draft.actions.push({ type: 'log', severity, text });
};

/** All that decides what IPVS is to hold: the configuration filtered by what the checks say now. */
export type Wishes = Pick<DirectorState, 'plan' | 'services'>;

export const NOTHING: Wishes = { plan: EMPTY, services: vector([]) };

/** What brings IPVS from one to the other. Service by service: all tables at once would be tens of thousands of servers, twice. */
export function ordersBetween(before: Wishes, after: Wishes, absent = NONE): IpvsOrder[] {
  const orders: IpvsOrder[] = [];
  const seen = new Set<string>();
  for (const { plan } of [after, before])
    for (const { pools } of plan.services) {
      const names = pools.map(({ name }) => name).filter((name) => !seen.has(name));
      for (const name of names) seen.add(name);
      if (names.length === 0) continue;
      if (names.length === pools.length && isUntouched(before, after, names, absent)) continue;
      const there = new Set(names.filter((name) => !absent.has(name)));
      const [was, is] = [poolsOfNames(before, there), poolsOfNames(after, new Set(names))];
      for (const order of difference(was, is)) orders.push(order);
    }
  return orders;
}

/** One service has had these keys alone and has them still, and nothing of it is otherwise. */
function isUntouched(
  before: Wishes,
  after: Wishes,
  names: readonly string[],
  absent: ReadonlySet<string>,
): boolean {
  const was = ownerOf(before.plan, names);
  const is = ownerOf(after.plan, names);
  return (
    was !== undefined &&
    is !== undefined &&
    !names.some((name) => absent.has(name)) &&
    isAlike(
      before.plan.services[was] as PlannedService,
      itemAt(before.services, was),
      after.plan.services[is] as PlannedService,
      itemAt(after.services, is),
    )
  );
}

/** The place of the service that alone has all of these keys. */
function ownerOf({ owners }: Plan, names: readonly string[]): number | undefined {
  const [own, ...others] = new Set(names.flatMap((name) => owners.get(name) ?? []));
  return others.length === 0 ? own : undefined;
}

const NONE: ReadonlySet<string> = new Set();

/** What IPVS is to hold under one key. */
export const wantedPool = (state: Wishes, name: string): Pool | undefined =>
  poolsOfNames(state, new Set([name])).get(name);

/** What IPVS is to hold under these keys. */
export function poolsOfNames({ plan, services }: Wishes, names: ReadonlySet<string>): Table {
  // A group has the same destinations under each of its keys.
  const known = new Map<number, ReadonlyMap<string, Pool>>();
  const table = new Map<string, Pool>();
  for (const name of names)
    for (const at of plan.owners.get(name) ?? []) {
      const service = plan.services[at];
      if (service === undefined) continue;
      const pools =
        known.get(at) ??
        new Map(
          poolsOf(service, itemAt(services, at)).map(
            (pool) => [nameOfKey(pool.key), pool] as const,
          ),
        );
      known.set(at, pools);
      const pool = pools.get(name);
      if (pool !== undefined) table.set(name, joined(table.get(name), pool));
    }
  return table;
}
