// What trackers say about an instance: its effective priority and what of them is a fault. Numbers as keepalived
// 2.2.7 makes them, worked out anew from facts each time; nothing is counted up or down.

import type { Weight } from '../config/weight.ts';
import { remembered } from '../lib/memo.ts';
import { interfacesOf } from './addresses.ts';
import type { Tracked, TrackLists } from './definitions.ts';
import type { Fault } from './fault.ts';
import type { VrrpInstance } from './keywords.ts';
import { OWNER_PRIORITY } from './packet.ts';
import type { KernelFacts } from './state.ts';
import { TRACKS } from './track.ts';
import type { Trackers } from './tracker.ts';

/** The range of what is not an address owner. */
export const LOWEST_PRIORITY = 1;
export const HIGHEST_PRIORITY = OWNER_PRIORITY - 1;
/** A file whose number times its weight is this or less is a fault, */
const LEAST_OF_FILE = -254;
/** and one whose product is more than this counts no more. */
export const MOST_OF_FILE = 253;

/** The nearest priority that one who is not the owner can have. */
export const inRange = (priority: number): number =>
  Math.min(Math.max(priority, LOWEST_PRIORITY), HIGHEST_PRIORITY);

export interface Weighing {
  /** The sum, which may lie outside what an advert can carry. */
  readonly total: number;
  readonly effective: number;
  readonly faults: readonly Fault[];
}

/**
 * What an instance tracks, each thing with one weight: 0 if it says so itself, else that of its group, else its own. An
 * interface that it needs anyhow (`needed`) has 0 too, and is not named here.
 */
export function tracksOf(
  own: TrackLists,
  ofGroup: TrackLists | undefined,
  needed: readonly string[],
): TrackLists {
  const tracks: TrackLists = {};
  for (const keyword of TRACKS) {
    const list = merged(own[keyword], ofGroup?.[keyword]);
    const isNeeded = ({ name }: Tracked): boolean => needed.includes(name);
    tracks[keyword] = keyword === 'track_interface' ? list.filter((one) => !isNeeded(one)) : list;
  }
  return tracks;
}

function merged(
  own: readonly Tracked[] = [],
  ofGroup: readonly Tracked[] = [],
): readonly Tracked[] {
  if (ofGroup.length === 0) return own;
  const named = ({ name }: Tracked, list: readonly Tracked[]): Tracked | undefined =>
    list.find((one) => one.name === name);
  return [
    ...own.map((one) => chosen(one, named(one, ofGroup))),
    ...ofGroup.filter((one) => named(one, own) === undefined),
  ];
}

/** Which of two weights of one thing counts. */
export const chosen = (own: Tracked, ofGroup: Tracked | undefined): Tracked =>
  own.weight === 0 ? own : (ofGroup ?? own);

/** The same of an instance and its group, worked out once: it may have thousands of addresses. */
export const tracksFor = remembered((config: VrrpInstance, ofGroup: TrackLists | undefined) =>
  tracksOf(config, ofGroup, interfacesOf(config)),
);

/** An address owner has one priority whatever its trackers say. */
export function weigh(
  priority: number,
  tracks: TrackLists,
  kernel: KernelFacts,
  trackers: Trackers,
): Weighing {
  let total = priority;
  const faults: Fault[] = [];
  const fault = (one: Fault): void => {
    if (!faults.some(({ kind, what }) => kind === one.kind && what === one.what)) faults.push(one);
  };
  const judge = (kind: Fault['kind'], what: string, tracked: Weight, up: boolean): void => {
    if (tracked.weight !== 0) total += share(tracked, up);
    else if (up === tracked.reverse) fault({ kind, what });
  };
  for (const tracked of tracks.track_interface ?? [])
    judge('down', tracked.name, tracked, isUp(kernel, tracked.name));
  for (const tracked of tracks.track_script ?? []) {
    const script = trackers.scripts[tracked.name];
    // A script that cannot be run is not tracked.
    if (script === undefined) continue;
    if (script.status !== 'pending')
      judge('script', tracked.name, tracked, script.status === 'good');
    else if (tracked.weight === 0) fault({ kind: 'pending', what: tracked.name });
    else if (script.failsFirst) total += share(tracked, false);
  }
  for (const tracked of tracks.track_file ?? []) {
    const value = trackers.files[tracked.name] ?? 0;
    if (tracked.weight === 0) {
      if ((value === 0) === tracked.reverse) fault({ kind: 'file', what: tracked.name });
      continue;
    }
    const product = value * (tracked.reverse ? -tracked.weight : tracked.weight);
    if (product <= LEAST_OF_FILE) fault({ kind: 'file', what: tracked.name });
    else total += Math.min(product, MOST_OF_FILE);
  }
  for (const tracked of tracks.track_process ?? []) {
    const process = trackers.processes[tracked.name];
    if (process !== undefined) judge('process', tracked.name, tracked, process.up);
  }
  if (priority === OWNER_PRIORITY) return { total: priority, effective: priority, faults };
  return { total, effective: inRange(total), faults };
}

/** A positive weight is added while it is up, a negative one while it is down; `reverse` changes the sign. */
function share({ weight, reverse }: Weight, up: boolean): number {
  if (up !== weight > 0) return 0;
  return reverse ? -weight : weight;
}

function isUp({ links }: KernelFacts, name: string): boolean {
  for (const index in links) {
    const link = links[index];
    if (link?.name === name) return link.up && link.running;
  }
  return false;
}
