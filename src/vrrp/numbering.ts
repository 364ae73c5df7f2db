// Which numbers the sealed adverts of an instance bear. A schedule of the I/O thread repeats what it was given, and no
// number may come twice: it gets a row of adverts, and a new row long before the old one begins anew. Numbers may be left
// out, so every new row lies beyond all that was ever handed out, wherever the thread is by then. It orders nothing.

import { after, type Duration, type Instant } from '../lib/time.ts';
import type { Datagram } from './action.ts';
import type { VrrpInstance } from './keywords.ts';
import { isNewer, nextNumber, seal } from './seal.ts';
import { isSealed } from './socket.ts';
import type { Draft, Member, Speaking } from './state.ts';

/** What one instance knows of numbers. */
export interface Numbering {
  /** The newest that was handed out or heard: whatever is sent from now on is newer. */
  readonly top: number;
  /** The newest that was heard of others: what is not newer has been heard before. */
  readonly heard?: number;
}

export const UNNUMBERED: Numbering = { top: 0 };

/** Adverts in a row. */
const ROW = 16;
/** How far the thread may be behind the schedule when it gets a new row. */
const BEHIND = 4;
/** Adverts after which there is a new row; the rest is for a loop that is late. */
const RENEW = 6;
/**
 * Numbers begin with the machine's time in quarters of a second: a process that takes the place of another on the same
 * machine then goes on beyond its numbers, of which version 2 with its whole seconds uses fewer than that.
 */
const QUARTER = 250_000;

export interface Row {
  readonly ticks: readonly (readonly Datagram[])[];
  readonly renewAt: Instant;
  readonly top: number;
}

/** From which number on a sender goes on. */
export function topOf({ top }: Numbering, now: Instant): number {
  const time = Math.floor(now / QUARTER) >>> 0;
  return isNewer(time, top) ? time : top;
}

/** A row for a schedule that began at `first` and has sent `sent` adverts. */
export function rowOf(
  datagrams: readonly Datagram[],
  key: Uint8Array,
  top: number,
  {
    first,
    period,
    sent,
  }: { readonly first: Instant; readonly period: Duration; readonly sent: number },
): Row {
  const ticks: (readonly Datagram[])[] = new Array(ROW);
  let number = top;
  for (let turn = sent - BEHIND; turn < sent - BEHIND + ROW; turn++) {
    number = nextNumber(number);
    ticks[(turn + ROW) % ROW] = sealAll(datagrams, key, number);
  }
  // Half-way between two of them nobody is about to take the next one.
  const renewAt = after(first, ((sent + RENEW - 0.5) * period) as Duration);
  return { ticks, renewAt, top: number };
}

export const sealAll = (
  datagrams: readonly Datagram[],
  key: Uint8Array,
  number: number,
): readonly Datagram[] =>
  datagrams.map(({ to, bytes }) => ({ to, bytes: seal(bytes, key, number) }));

/**
 * Whether others, who have heard this number too, would take what the schedule still has for old: of the row that was handed
 * out last nobody here knows how much has been sent.
 */
export const overtakes = (number: number, { top }: Numbering): boolean =>
  isNewer(number, (top - ROW) >>> 0);

/** After an advert of another with this number. */
export const hearing = ({ top }: Numbering, number: number): Numbering => ({
  heard: number,
  top: isNewer(number, top) ? number : top,
});

/** The first bytes of the password, as keepalived cuts it. */
export function keyOf({ authentication }: VrrpInstance): Uint8Array {
  const bytes = new Uint8Array(8);
  if (authentication === undefined) return bytes;
  bytes.set(new TextEncoder().encode(authentication.auth_pass).subarray(0, bytes.length));
  return bytes;
}

/** What the thread sends from now on, each under a number of its own. */
export function nextRow(
  draft: Draft,
  member: Member,
  speaking: Speaking,
  sent: number,
): { readonly member: Member; readonly ticks: Pick<Speaking, 'datagrams'> & Later } {
  const { config, first, period } = speaking;
  const { numbering = UNNUMBERED } = member;
  const from = topOf(numbering, draft.now);
  const row = rowOf(speaking.datagrams, keyOf(config), from, { first, period, sent });
  const [datagrams = [], ...later] = row.ticks;
  return {
    member: {
      ...member,
      numbering: { ...numbering, top: row.top },
      speaking: { ...speaking, renewAt: row.renewAt },
    },
    ticks: { datagrams, later },
  };
}

interface Later {
  readonly later: readonly (readonly Datagram[])[];
}

/** Datagrams that leave beside the schedule, which is beyond their number afterwards. */
export function numbered(
  draft: Draft,
  member: Member,
  datagrams: readonly Datagram[],
): { readonly member: Member; readonly datagrams: readonly Datagram[] } {
  const { config, numbering = UNNUMBERED, speaking } = member;
  if (!isSealed(config)) return { member, datagrams };
  const top = nextNumber(topOf(numbering, draft.now));
  return {
    member: {
      ...member,
      numbering: { ...numbering, top },
      ...(speaking === undefined ? {} : { speaking: { ...speaking, renewAt: draft.now } }),
    },
    datagrams: sealAll(datagrams, keyOf(config), top),
  };
}
