// What the trackers of an instance can make of its priority. Pure; the sums are those of vrrp/weight.ts.

import type { Node } from '../config/parser.ts';
import { interfacesOf } from '../vrrp/addresses.ts';
import { tracksOf } from '../vrrp/weight.ts';
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

const LISTS = [
  'track_script',
  'track_file',
  'track_process',
  'track_interface',
  'track_bfd',
] as const;

const OWNER = 255;
/** What is not the owner stays in between. */
const [LOWEST, HIGHEST] = [1, 254];
const MOST_OF_FILE = 253;

/** Trackers with a weight: the instance's own, and those of its group. */
export function sharesOf(machine: Machine, instance: Instance): readonly Share[] {
  const group = groupOf(machine, instance);
  const tracks = tracksOf(instance, group, interfacesOf(instance));
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

const clamp = (priority: number): number => Math.min(HIGHEST, Math.max(LOWEST, priority));

const total = (shares: readonly Share[], end: keyof Range): number =>
  shares.reduce((sum, share) => sum + share[end], 0);

/** Whether the priority is the same with it and without it, whatever the others say. */
export function isIdle(share: Share, { priority }: Instance, shares: readonly Share[]): boolean {
  const others = shares.filter((one) => one !== share);
  return (
    priority + total(others, 'most') + share.most <= LOWEST ||
    priority + total(others, 'least') + share.least >= HIGHEST
  );
}

/** A failure of the instance is below every priority. */
export function rangeOf({ priority }: Instance, shares: readonly Share[]): Range {
  if (priority === OWNER) return { least: OWNER, most: OWNER };
  const least = total(shares, 'least');
  return {
    least: Number.isFinite(least) ? clamp(priority + least) : 0,
    most: clamp(priority + total(shares, 'most')),
  };
}
