// When announcements leave: those of a new master in rounds, the first round between the chunks in which its
// addresses are added, so that the first neighbour learns after the first chunk and not after the last address;
// and no faster than garp_interval and gna_interval allow on an interface.

import { family, type Ip } from '../lib/ip.ts';
import { remembered } from '../lib/memo.ts';
import { after, type Duration, type Instant } from '../lib/time.ts';
import type { KernelAddress, VrrpAction } from './action.ts';
import { addressKey, desiredAddresses } from './addresses.ts';
import { announcement, macBytes } from './announce.ts';
import type { VrrpInstance } from './keywords.ts';
import { earliest } from './schedule.ts';
import type { AnnouncementQueue, Draft, KernelFacts, Member, QueuedAnnouncement } from './state.ts';

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
  const known = framesOf(member.config, draft.router.kernel.links);
  const frames = new Map<KernelAddress, Framed>();
  for (const address of repeat > 0 ? announced : []) {
    const framed = known.get(addressKey(address));
    if (framed === undefined) continue;
    frames.set(address, framed);
    lines.push(framed.queueing);
  }
  const immediate =
    member.config.garp_interval === 0 &&
    member.config.gna_interval === 0 &&
    member.config.pauses === undefined &&
    Object.keys(draft.router.queues).length === 0;
  if (!immediate) {
    add(draft, added);
    enqueue(draft, member.pace, [...frames.values()], repeat);
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

interface Framed {
  readonly index: number;
  /** Those of one number wait for each other. */
  readonly queue: number;
  readonly address: Ip;
  readonly frame: Uint8Array;
  readonly interval: Duration;
  readonly queueing: VrrpAction;
  readonly sending: VrrpAction;
}

/** The announcements of all addresses of an instance, by address key. */
const framesOf = remembered(
  (config: VrrpInstance, links: KernelFacts['links']): ReadonlyMap<string, Framed> => {
    const frames = new Map<string, Framed>();
    const macs = new Map<number, Uint8Array | undefined>();
    for (const wanted of desiredAddresses(config, { links })) {
      const { index, address } = wanted;
      const link = links[index];
      if (link === undefined || link.hardware !== ETHERNET || link.noArp === true) continue;
      if (!macs.has(index)) macs.set(index, macBytes(link.mac));
      const mac = macs.get(index);
      if (mac === undefined) continue;
      const arp = family(address) === 4;
      const kinds = arp ? 'gratuitous ARPs' : 'Unsolicited Neighbour Adverts';
      const kind = arp ? 'gratuitous ARP' : 'unsolicited Neighbour Advert';
      const pause = config.pauses?.find(({ interfaces }) => interfaces.includes(link.name));
      const { garp_interval, gna_interval } = pause ?? config;
      const where = `on ${link.name} for ${address}`;
      frames.set(addressKey(wanted), {
        index,
        queue: pause?.queue ?? index,
        address,
        frame: announcement(mac, address, link.forwarding6 === true),
        interval: arp ? garp_interval : gna_interval,
        queueing: detail(`(${config.name}) Sending/queueing ${kinds} ${where}`),
        sending: detail(`Sending ${kind} ${where}`),
      });
    }
    return frames;
  },
);

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
    lines.push(sending);
  }
  for (const [index, frames] of byInterface)
    draft.actions.push({ type: 'announce', interface: index, frames });
}

const detail = (text: string): VrrpAction => ({ type: 'log', severity: 'detail', text });

// Held back announcements

function enqueue(draft: Draft, owner: number, framed: readonly Framed[], repeat: number): void {
  const queues: Record<number, AnnouncementQueue> = { ...draft.router.queues };
  for (let round = 0; round < repeat; round++)
    for (const { index, queue: at, address, frame, interval } of framed) {
      const queue = queues[at] ?? { waiting: [], arpAt: draft.now, naAt: draft.now };
      const waiting = [...queue.waiting, { owner, interface: index, address, frame, interval }];
      queues[at] = { ...queue, waiting };
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
    const { ready, rest } = take(queue, draft.now);
    notePause(draft, Number(index), queue, rest);
    const byInterface = new Map<number, Uint8Array[]>();
    for (const { interface: at, frame } of ready) {
      const list = byInterface.get(at);
      if (list === undefined) byInterface.set(at, [frame]);
      else list.push(frame);
    }
    for (const [at, frames] of byInterface)
      draft.actions.push({ type: 'announce', interface: at, frames, queue: Number(index) });
    const idle = rest.arpAt <= draft.now && rest.naAt <= draft.now;
    if (rest.waiting.length > 0 || !idle) queues[Number(index)] = rest;
  }
  draft.router = { ...draft.router, queues };
}

/** For the dump. Interfaces that are gone are forgotten. */
function notePause(
  draft: Draft,
  index: number,
  before: AnnouncementQueue,
  { arpAt, naAt }: AnnouncementQueue,
): void {
  if (arpAt === before.arpAt && naAt === before.naAt) return;
  const { paused = {}, kernel } = draft.router;
  const known = Object.entries(paused).filter(([at]) => Number(at) < 0 || at in kernel.links);
  const noted = {
    ...paused[index],
    ...(arpAt === before.arpAt ? {} : { arpAt }),
    ...(naAt === before.naAt ? {} : { naAt }),
  };
  draft.router = {
    ...draft.router,
    paused: { ...Object.fromEntries(known), [index]: noted },
  };
}

function take(
  queue: AnnouncementQueue,
  now: Instant,
): { readonly ready: readonly QueuedAnnouncement[]; readonly rest: AnnouncementQueue } {
  const ready: QueuedAnnouncement[] = [];
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
    ready.push(item);
    if (arp) arpAt = next(arpAt, item.interval);
    else naAt = next(naAt, item.interval);
  }
  return { ready, rest: { waiting, arpAt, naAt } };
}

/** A pause begins when the announcement before it has left, which a busy machine may do late. */
export function postpone(draft: Draft, index: number, late: Duration): void {
  const { [index]: queue, ...others } = draft.router.queues;
  if (queue === undefined) return;
  const moved = (at: Instant): Instant => (at > draft.now ? after(at, late) : at);
  const { arpAt, naAt } = queue;
  const next = { ...queue, arpAt: moved(arpAt), naAt: moved(naAt) };
  draft.router = { ...draft.router, queues: { ...others, [index]: next } };
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
