// What the trackers of an instance can make of its priority. Pure; the sums are those of vrrp/weight.ts.

import type { Node } from '../config/parser.ts';
import { OWNER_PRIORITY } from '../vrrp/packet.ts';
import type { TrackKeyword } from '../vrrp/track.ts';
import {
  HIGHEST_PRIORITY,
  inRange,
  LOWEST_PRIORITY,
  MOST_OF_FILE,
  tracksFor,
} from '../vrrp/weight.ts';
import {
  blockOf,
  firstOf,
  groupOf,
  type Instance,
  instanceBlock,
  linesOf,
  type Machine,
} from './piece.ts';

/** What one tracker can add, whatever it finds. */
export interface Share {
  readonly text: string;
  readonly least: number;
  readonly most: number;
  readonly node: Node | undefined;
}

export interface Range {
  readonly least: number;
  readonly most: number;
}

/** In the order in which they are named. */
const LISTS: readonly TrackKeyword[] = [
  'track_script',
  'track_file',
  'track_process',
  'track_interface',
  'track_bfd',
];

/** Trackers with a weight: the instance's own, and those of its group. */
export function sharesOf(machine: Machine, instance: Instance): readonly Share[] {
  const group = groupOf(machine, instance);
  const tracks = tracksFor(instance, group);
  const own = instanceBlock(machine, instance);
  const blocks =
    group === undefined ? [own] : [blockOf(machine, 'vrrp_sync_group', group.name), own];
  return LISTS.flatMap((list) =>
    (tracks[list] ?? []).flatMap(({ name, weight, reverse }) => {
      if (weight === 0) return [];
      const lines = blocks.flatMap((block) => linesOf(block, list));
      const node = lines.find((line) => firstOf(line) === name);
      const text = `weight ${weight}${reverse ? ' reverse' : ''} of ${name}`;
      // A file says any number, and a low one makes the instance fail.
      if (list === 'track_file')
        return [{ text, least: Number.NEGATIVE_INFINITY, most: MOST_OF_FILE, node }];
      const added = reverse ? -weight : weight;
      return [{ text, least: Math.min(0, added), most: Math.max(0, added), node }];
    }),
  );
}

const total = (shares: readonly Share[], end: keyof Range): number =>
  shares.reduce((sum, share) => sum + share[end], 0);

/** Whether the priority is the same with it and without it, whatever the others say. */
export function isIdle(share: Share, { priority }: Instance, shares: readonly Share[]): boolean {
  const others = shares.filter((one) => one !== share);
  return (
    priority + total(others, 'most') + share.most <= LOWEST_PRIORITY ||
    priority + total(others, 'least') + share.least >= HIGHEST_PRIORITY
  );
}

/** A failure of the instance is below every priority. */
export function rangeOf({ priority }: Instance, shares: readonly Share[]): Range {
  if (priority === OWNER_PRIORITY) return { least: priority, most: priority };
  const least = total(shares, 'least');
  return {
    least: Number.isFinite(least) ? inRange(priority + least) : 0,
    most: inRange(priority + total(shares, 'most')),
  };
}
