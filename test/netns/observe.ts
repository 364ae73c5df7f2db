// What a fault did, measured from outside and over one span of time: silence on the wire, an address that nobody or
// that two hosts held, changes of role, announcements. Judges nothing.

import { runNow } from './command.ts';
import type { Daemon } from './daemon.ts';
import type { Host, Lab } from './lab.ts';
import type { Span } from './timeline.ts';
import { overlaps } from './timeline.ts';
import type { Advert, Frame } from './wire.ts';
import { announced, isAdvert } from './wire.ts';

export type AdvertFrame = Frame & { readonly message: Advert };

/** Adverts that left this host in the span, by its MAC; priority 0 too. */
export const advertsOf = (
  lab: Lab,
  host: Host,
  from = 0,
  until = Number.POSITIVE_INFINITY,
): AdvertFrame[] =>
  lab.frames
    .filter(isAdvert)
    .filter((frame) => frame.from === host.mac && frame.at >= from && frame.at <= until);

/**
 * The longest time without an advert of the host, or of anybody, within the span; it begins with the last one before
 * and ends with `until`. A farewell (priority 0) is none.
 */
export function longestSilence(
  lab: Lab,
  host: Host | undefined,
  from: number,
  until: number,
  vrid = 51,
): number {
  const own = lab.frames
    .filter(isAdvert)
    .filter(({ message }) => message.vrid === vrid && message.priority > 0)
    .filter((frame) => host === undefined || frame.from === host.mac);
  const before = own.findLast(({ at }) => at < from)?.at ?? from;
  let longest = 0;
  let last = before;
  for (const { at } of own) {
    if (at < from || at > until) continue;
    longest = Math.max(longest, at - last);
    last = at;
  }
  return Math.max(longest, until - last);
}

/** Instants of the announcements of an address by a host. */
export const announcementsOf = (lab: Lab, host: Host, address: string, from = 0): number[] =>
  lab.frames
    .filter((f) => f.from === host.mac && f.at >= from && announced(f) === address)
    .map(({ at }) => at);

/** Microseconds of the span in which no reachable host had the address. */
export function unheld(lab: Lab, address: string, from: number, until: number): number {
  let free = 0;
  let covered = from;
  for (const span of clipped(lab.spans(address), from, until)) {
    free += Math.max(0, span.from - covered);
    covered = Math.max(covered, span.until);
  }
  return free + Math.max(0, until - covered);
}

/** Microseconds of the span, at a stretch, in which two reachable hosts had the address. */
export function doublyHeld(lab: Lab, address: string, from: number, until: number): number {
  return overlaps(clipped(lab.spans(address), from, until))[0]?.for ?? 0;
}

function clipped(spans: readonly Span[], from: number, until: number): Span[] {
  return spans
    .map((span) => ({
      ...span,
      from: Math.max(span.from, from),
      until: Math.min(span.until, until),
    }))
    .filter((span) => span.until > span.from);
}

/** How often a host lost the address within the span. */
export const losses = (lab: Lab, host: Host, address: string, from: number): number =>
  lab.changes.filter(
    (c) => c.host === host.name && c.name === address && !c.present && c.at >= from,
  ).length;

/** How often the daemon said, from an instant of the lab on, that it became master. */
export const takeovers = (lab: Lab, daemon: Daemon, from: number): number =>
  said(lab, daemon, 'Entering MASTER STATE', from).length;

/** Instants, as far as a log line has one, at which the daemon said something. */
export const said = (lab: Lab, daemon: Daemon, text: string, from = 0): number[] =>
  daemon.lines
    .filter((line) => line.text.includes(text))
    .map((line) => (line.at - lab.epoch * 1000) * 1000)
    .filter((at) => at >= from);

/**
 * Waits until what happened before now has arrived here, and gives that instant: the monitors of the addresses and the
 * capture come by ways of their own. Somebody must be speaking.
 */
export async function catchUp(lab: Lab): Promise<number> {
  const now = lab.now();
  for (const host of lab.hosts) {
    runNow('ip', ['-n', host.namespace, 'addr', 'add', '127.9.9.9/32', 'dev', 'lo']);
    runNow('ip', ['-n', host.namespace, 'addr', 'del', '127.9.9.9/32', 'dev', 'lo']);
    await lab.until(`the monitor of ${host.name} has come so far`, () =>
      lab.changes.some(
        (c) => c.host === host.name && c.name === '127.9.9.9' && !c.present && c.at >= now,
      ),
    );
  }
  await lab.until('the capture has come so far', () => lab.frames.some(({ at }) => at > now));
  return now;
}

/** Waits for an instant of the lab. */
export const reach = (lab: Lab, at: number): Promise<true> =>
  lab.until('time passes', () => lab.now() >= at, Math.max(0, at - lab.now()) / 1000 + 10_000);

/** A duration as a person would say it; what is shorter than a reader of the kernel's news can tell is just that. */
export function milliseconds(microseconds: number): string {
  if (microseconds === Number.POSITIVE_INFINITY) return 'ever';
  const ms = microseconds / 1000;
  if (ms < 1) return 'less than 1 ms';
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** What most faults are judged by. Durations in microseconds. */
export interface Course {
  /** The longest time without an advert from anybody. */
  readonly quiet: number;
  /** The longest time without an advert of host a. */
  readonly silence: number;
  readonly unheld: number;
  readonly doublyHeld: number;
  /** How often the peer became master. */
  readonly takeovers: number;
  /** How often host a lost the address. */
  readonly losses: number;
  readonly holder: string;
  /** Announcements by who has the address in the end. */
  readonly announcements: number;
}

/** The course of things on hosts a and b from an instant until everything that has happened so far. */
export async function observe(
  { lab, a, peer, address }: { lab: Lab; a: Host; peer: Daemon; address: string },
  from: number,
): Promise<Course> {
  const until = await catchUp(lab);
  const holder = lab.holders(address);
  const final = holder.length === 1 ? lab.host(holder[0] ?? '') : undefined;
  return {
    quiet: longestSilence(lab, undefined, from, until),
    silence: longestSilence(lab, a, from, until),
    unheld: unheld(lab, address, from, until),
    doublyHeld: doublyHeld(lab, address, from, until),
    takeovers: takeovers(lab, peer, from),
    losses: losses(lab, a, address, from),
    holder: holder.join(' and ') || 'nobody',
    announcements:
      final === undefined
        ? 0
        : announcementsOf(lab, final, address, from).filter((at) => at <= until).length,
  };
}

/** The course in words, leaving out what did not happen. */
export function tellCourse(course: Course): string {
  const parts: string[] = [];
  if (course.unheld > 0) parts.push(`address away for ${milliseconds(course.unheld)}`);
  else if (course.losses === 0) parts.push('address never removed');
  parts.push(`longest silence ${milliseconds(course.quiet)}`);
  if (course.doublyHeld > 0)
    parts.push(`address on two machines for ${milliseconds(course.doublyHeld)}`);
  parts.push(course.takeovers === 0 ? 'no takeover' : 'the peer took over');
  return parts.join(', ');
}

/** Waits until exactly one host has had the address for a while. */
export async function untilSteady(lab: Lab, address: string, span = 1_000_000): Promise<void> {
  await lab.until(
    'the address has come to rest on one host',
    () => {
      if (lab.holders(address).length !== 1) return false;
      const last = lab.changes.findLast((c) => c.name === address)?.at ?? 0;
      return lab.now() - last > span;
    },
    30_000,
  );
}
