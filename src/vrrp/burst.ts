// When announcements leave: those of a new master in rounds, the first round between the chunks in which its
// addresses are added, so that the first neighbour learns after the first chunk and not after the last address;
// and no faster than garp_interval and gna_interval allow on an interface.

import { family } from '../lib/ip.ts';
import { after, type Duration, type Instant } from '../lib/time.ts';
import type { KernelAddress, VrrpAction } from './action.ts';
import { announcement, macBytes } from './announce.ts';
import { earliest } from './machine.ts';
import type { AnnouncementQueue, Draft, Member, QueuedAnnouncement } from './state.ts';

/** Addresses added before the first announcement, and between the following ones. */
const FIRST_CHUNK = 16;
const CHUNK = 64;
/** ARPHRD_ETHER: the only hardware whose frames we know how to write. */
const ETHERNET = 1;

/** Adds `added` and announces `announced` (which contains them) `repeat` times. */
export function burst(
  draft: Draft,
  member: Member,
  added: readonly KernelAddress[],
  announced: readonly KernelAddress[],
  repeat: number,
  lines: VrrpAction[],
): void {
  const frames = framesOf(draft, member, repeat > 0 ? announced : []);
  for (const { text } of frames.values()) lines.push(detail(`(${member.config.name}) ${text}`));
  const immediate =
    member.config.garp_interval === 0 &&
    member.config.gna_interval === 0 &&
    Object.keys(draft.router.queues).length === 0;
  if (!immediate) {
    add(draft, added);
    enqueue(draft, [...frames.values()], repeat);
    return;
  }
  const rest = new Map(frames);
  for (let at = 0, end = FIRST_CHUNK; at < added.length; at = end, end += CHUNK) {
    const chunk = added.slice(at, end);
    add(draft, chunk);
    const round = chunk.flatMap((address) => {
      const frame = rest.get(address);
      rest.delete(address);
      return frame === undefined ? [] : [frame];
    });
    sendFrames(draft, round, lines);
  }
  sendFrames(draft, [...rest.values()], lines);
  const all = [...frames.values()];
  sendFrames(draft, Array.from({ length: Math.max(0, repeat - 1) }, () => all).flat(), lines);
}

interface Framed extends QueuedAnnouncement {
  readonly index: number;
  readonly text: string;
  readonly sending: string;
}

function framesOf(
  draft: Draft,
  { config, pace }: Member,
  addresses: readonly KernelAddress[],
): Map<KernelAddress, Framed> {
  const frames = new Map<KernelAddress, Framed>();
  const macs = new Map<number, Uint8Array | undefined>();
  for (const held of addresses) {
    const { index, address } = held;
    const link = draft.router.kernel.links[index];
    if (link === undefined || link.hardware !== ETHERNET) continue;
    if (!macs.has(index)) macs.set(index, macBytes(link.mac));
    const mac = macs.get(index);
    if (mac === undefined) continue;
    const arp = family(address) === 4;
    const what = `on ${link.name} for ${address}`;
    frames.set(held, {
      owner: pace,
      index,
      address,
      frame: announcement(mac, address, link.forwarding6 === true),
      interval: arp ? config.garp_interval : config.gna_interval,
      text: `Sending/queueing ${arp ? 'gratuitous ARPs' : 'Unsolicited Neighbour Adverts'} ${what}`,
      sending: `Sending ${arp ? 'gratuitous ARP' : 'unsolicited Neighbour Advert'} ${what}`,
    });
  }
  return frames;
}

function add(draft: Draft, addresses: readonly KernelAddress[]): void {
  if (addresses.length > 0) draft.actions.push({ type: 'addAddresses', addresses });
}

/** One action for each interface, frames in order. */
function sendFrames(draft: Draft, framed: readonly Framed[], lines: VrrpAction[]): void {
  const byInterface = new Map<number, Uint8Array[]>();
  for (const { index, frame, sending } of framed) {
    const list = byInterface.get(index);
    if (list === undefined) byInterface.set(index, [frame]);
    else list.push(frame);
    lines.push(detail(sending));
  }
  for (const [index, frames] of byInterface)
    draft.actions.push({ type: 'announce', interface: index, frames });
}

const detail = (text: string): VrrpAction => ({ type: 'log', severity: 'detail', text });

// Held back announcements

function enqueue(draft: Draft, framed: readonly Framed[], repeat: number): void {
  const queues: Record<number, AnnouncementQueue> = { ...draft.router.queues };
  for (let round = 0; round < repeat; round++)
    for (const { index, owner, address, frame, interval } of framed) {
      const queue = queues[index] ?? { waiting: [], arpAt: draft.now, naAt: draft.now };
      const waiting = [...queue.waiting, { owner, address, frame, interval }];
      queues[index] = { ...queue, waiting };
    }
  draft.router = { ...draft.router, queues };
  flush(draft);
}

/** Sends what may leave now; an interface whose queue is empty and whose pauses are over is forgotten. */
export function flush(draft: Draft): void {
  const entries = Object.entries(draft.router.queues);
  if (entries.length === 0) return;
  const queues: Record<number, AnnouncementQueue> = {};
  for (const [index, queue] of entries) {
    const { frames, rest } = take(queue, draft.now);
    if (frames.length > 0)
      draft.actions.push({ type: 'announce', interface: Number(index), frames });
    const idle = rest.arpAt <= draft.now && rest.naAt <= draft.now;
    if (rest.waiting.length > 0 || !idle) queues[Number(index)] = rest;
  }
  draft.router = { ...draft.router, queues };
}

function take(
  queue: AnnouncementQueue,
  now: Instant,
): { readonly frames: readonly Uint8Array[]; readonly rest: AnnouncementQueue } {
  const frames: Uint8Array[] = [];
  const waiting: QueuedAnnouncement[] = [];
  let { arpAt, naAt } = queue;
  const next = (at: Instant, interval: Duration): Instant =>
    interval > 0 ? after(now, interval) : at;
  for (const item of queue.waiting) {
    const arp = family(item.address) === 4;
    if ((arp ? arpAt : naAt) > now) {
      waiting.push(item);
      continue;
    }
    frames.push(item.frame);
    if (arp) arpAt = next(arpAt, item.interval);
    else naAt = next(naAt, item.interval);
  }
  return { frames, rest: { waiting, arpAt, naAt } };
}

export function queueDeadline(
  queues: Readonly<Record<number, AnnouncementQueue>>,
): Instant | undefined {
  let best: Instant | undefined;
  for (const index in queues) {
    const queue = queues[index] as AnnouncementQueue;
    best = earliest(best, queueAt(queue));
  }
  return best;
}

function queueAt({ waiting, arpAt, naAt }: AnnouncementQueue): Instant | undefined {
  // An empty queue stays until its pauses are over, so that the next burst respects them.
  if (waiting.length === 0) return Math.max(arpAt, naAt) as Instant;
  let best: Instant | undefined;
  for (const { address } of waiting) best = earliest(best, family(address) === 4 ? arpAt : naAt);
  return best;
}

/** A router that is no longer master announces nothing more. */
export function forget(draft: Draft, owner: number): void {
  const { queues } = draft.router;
  if (Object.keys(queues).length === 0) return;
  draft.router = {
    ...draft.router,
    queues: Object.fromEntries(
      Object.entries(queues).map(([index, queue]) => [
        index,
        { ...queue, waiting: queue.waiting.filter((item) => item.owner !== owner) },
      ]),
    ),
  };
}
