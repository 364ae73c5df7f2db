// The I/O thread (native/io_loop.h, io_read.h) once more, on the virtual clock: sockets with wall-clock stamps, paces,
// one alarm, one shot, and credit. It knows no VRRP. It runs whenever something is readable or due, unless the process
// is stopped.

import assert from 'node:assert/strict';
import { after, type Duration, type Instant, micros, millis } from '../../src/lib/time.ts';
import type { Datagram, VrrpAction } from '../../src/vrrp/action.ts';
import type { ReceivedPacket, VrrpEvent } from '../../src/vrrp/event.ts';
import type { Clock } from './clock.ts';
import type { Kernel } from './kernel.ts';
import type { Mutation } from './mutation.ts';

/** A thread that wakes so much later than it wanted was not run. */
const ABSENCE = millis(100);

/** It wakes so much later than it wanted, at most. */
const LATE = micros(50);
/** A wall clock that moves so much between two looks has jumped. */
const JUMP = millis(10);

export interface Pace {
  readonly period: Duration;
  next: Instant;
  /** What leaves in turn: one advert again and again, or sealed ones, each with a number of its own. */
  ticks: readonly (readonly Datagram[])[];
  turn: number;
}

/** As src/vrrp/wire.ts hands them over. */
export const ticksOf = ({
  datagrams,
  later = [],
}: Extract<VrrpAction, { readonly type: 'pace' | 'replace' }>): Pace['ticks'] => [
  datagrams,
  ...later,
];

interface Shot {
  readonly at: Instant;
  readonly actions: readonly VrrpAction[];
}

export type Note =
  | {
      readonly kind: 'packet';
      readonly socket: string;
      readonly packet: ReceivedPacket;
      readonly at: Instant;
    }
  | { readonly kind: 'news'; readonly news: VrrpEvent; readonly at: Instant }
  | { readonly kind: 'alarm' | 'fired' | 'withheld'; readonly at: Instant }
  | { readonly kind: 'stalled'; readonly pace: number; readonly at: Instant };

interface Waiting {
  readonly socket: string;
  readonly packet: ReceivedPacket;
  /** By the wall clock. */
  readonly stamp: number;
}

/** Which schedule a datagram belongs to, and when it should have left. */
export interface Scheduled {
  readonly pace: number;
  readonly due: Instant;
  readonly period: Duration;
}

/** What the thread is part of. */
export interface Process {
  readonly clock: Clock;
  readonly kernel: Kernel;
  runs(): boolean;
  /** Asked before each order that is carried out: it may die here. */
  survives(): boolean;
  /** There are notes for JavaScript. */
  wake(): void;
  /** The credit has ended. */
  hung(): void;
  transmit(datagrams: readonly Datagram[], scheduled?: Scheduled): void;
  announce(frames: readonly Uint8Array[]): void;
}

export class Thread {
  readonly paces = new Map<number, Pace>();
  /** When each pace that was not withdrawn sent last; outlives the process. */
  readonly ledger: Map<number, Instant>;
  readonly #process: Process;
  readonly #faults: NonNullable<Mutation['pacer']>;
  readonly #buffer: Waiting[] = [];
  readonly #news: VrrpEvent[] = [];
  #notes: Note[] = [];
  #alarm: Instant | undefined;
  #shot: Shot | undefined;
  #fired = false;
  #credit: Instant | undefined;
  #exhausted = false;
  #armed: Instant | undefined;
  #polled: Instant;
  /** Wall clock minus ours when the sockets were last seen empty. */
  #wall: number;
  /** Adverts, and with the kernel's news, that JavaScript has not handled. */
  #unsettled = { all: 0, heard: 0 };
  #handed = { all: 0, heard: 0 };
  #turning = false;
  #shooting = false;
  #again = false;

  constructor(process: Process, ledger: Map<number, Instant>, faults: Mutation['pacer'] = {}) {
    this.ledger = ledger;
    this.#process = process;
    this.#faults = faults;
    this.#polled = process.clock.now;
    this.#wall = process.kernel.wall;
  }

  // What the kernel does to it

  arrive(socket: string, packet: ReceivedPacket): void {
    const { clock, kernel } = this.#process;
    this.#buffer.push({ socket, packet, stamp: clock.now + kernel.wall });
    this.run();
  }

  tell(news: VrrpEvent): void {
    this.#news.push(news);
    this.run();
  }

  // Orders

  alarm(at: Instant | undefined): void {
    this.#alarm = at;
    this.#rearm();
  }

  /** One that is ordered late joins its schedule, unless something was heard that JavaScript does not know yet. */
  pace(id: number, pace: Pace): void {
    const late = this.#process.clock.now - pace.next;
    if (late > pace.period && !this.#exhausted) {
      this.#drain();
      if (this.#unsettled.heard === 0) this.#join(pace, late);
    }
    this.paces.set(id, pace);
    // What is due leaves before whatever is ordered next.
    if (late >= 0) this.#runPaces();
    if (this.#notes.length > 0) this.#process.wake();
    this.#rearm();
  }

  /** What was to leave in the periods that are over is left out. */
  #join(pace: Pace, late: number): void {
    const over = Math.floor(late / pace.period);
    pace.next = after(pace.next, (over * pace.period) as Duration);
    if (this.#faults.losesCount === undefined) pace.turn += over;
  }

  /** Whose turn it is stands. */
  repace(id: number, ticks: readonly (readonly Datagram[])[]): void {
    const pace = this.paces.get(id);
    if (pace !== undefined) pace.ticks = ticks;
  }

  unpace(id: number): void {
    if (this.#faults.deafToUnpace) return;
    this.paces.delete(id);
    this.ledger.delete(id);
  }

  shoot(shot: Shot): void {
    this.#fired = false;
    this.#shot = shot;
    this.#rearm();
  }

  /** False where it is too late. */
  disarm(): boolean {
    this.#shot = undefined;
    const fired = this.#fired;
    this.#fired = false;
    return !fired;
  }

  /** The loop has turned; `until` is when its credit ends unless it turns again: not at all while it can turn. */
  alive(until: Instant | undefined): void {
    this.#credit = this.#faults.trusting ? undefined : until;
    this.#exhausted = false;
    this.#rearm();
  }

  take(): readonly Note[] {
    const notes = this.#notes;
    this.#notes = [];
    for (const { kind } of notes) {
      if (kind === 'packet') this.#handed.heard++;
      if (kind === 'packet' || kind === 'news') this.#handed.all++;
    }
    return notes;
  }

  settle(): void {
    this.#unsettled.all -= this.#handed.all;
    this.#unsettled.heard -= this.#handed.heard;
    this.#handed = { all: 0, heard: 0 };
  }

  /** Nothing is on its way to JavaScript, and nothing was done in its name that it does not know. */
  get quiet(): boolean {
    return this.#notes.length === 0 && this.#handed.all === 0 && !this.#shooting;
  }

  // One turn

  run(): void {
    if (!this.#process.runs()) return;
    // What it does itself is readable at once: that is for the next turn.
    if (this.#turning) {
      this.#again = true;
      return;
    }
    this.#turning = true;
    do {
      this.#again = false;
      this.#turn();
    } while (this.#again);
    this.#turning = false;
  }

  #turn(): void {
    this.#forgive();
    if (!this.#faults.readsFirst) this.#stallLate();
    this.#drain();
    this.#checkCredit();
    this.#runPaces();
    this.#runShot();
    const { now } = this.#process.clock;
    if (this.#alarm !== undefined && this.#alarm <= now) {
      const at = this.#alarm;
      this.#alarm = undefined;
      this.#notes.push({ kind: 'alarm', at });
    }
    this.#armed = undefined;
    this.#rearm();
    if (this.#notes.length > 0) this.#process.wake();
  }

  #rearm(): void {
    let earliest = this.#alarm;
    const consider = (at: Instant | undefined): void => {
      if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at;
    };
    for (const { next } of this.paces.values()) consider(next);
    consider(this.#shot?.at);
    if (!this.#exhausted) consider(this.#credit);
    if (earliest === this.#armed) return;
    this.#armed = earliest;
    const armed = earliest;
    if (armed === undefined) return;
    const { clock } = this.#process;
    clock.at(after(armed, clock.upTo(LATE)), () => {
      if (this.#armed === armed) this.run();
    });
  }

  #forgive(): void {
    if (this.#credit === undefined || this.#exhausted || this.#armed === undefined) return;
    const absence = (this.#process.clock.now - this.#armed) as Duration;
    if (absence > ABSENCE && !this.#faults.unforgiving) this.#credit = after(this.#credit, absence);
  }

  #stallLate(): void {
    for (const [id, pace] of [...this.paces]) this.#stallIfLate(id, pace);
  }

  #stallIfLate(id: number, pace: Pace): boolean {
    const late = this.#process.clock.now - pace.next;
    if (late < 0 || ((late <= pace.period || this.#faults.sendsLate) && !this.#exhausted))
      return false;
    this.paces.delete(id);
    this.#notes.push({ kind: 'stalled', pace: id, at: pace.next });
    return true;
  }

  #drain(): void {
    const { clock, kernel } = this.#process;
    const { now } = clock;
    const wall = now + kernel.wall;
    for (const { socket, packet, stamp } of this.#buffer.splice(0)) {
      this.#notes.push({ kind: 'packet', socket, packet, at: this.#arrival(stamp, now, wall) });
      this.#unsettled.all++;
      this.#unsettled.heard++;
    }
    for (const news of this.#news.splice(0)) {
      this.#notes.push({ kind: 'news', news, at: now });
      this.#unsettled.all++;
    }
    this.#polled = now;
    this.#wall = kernel.wall;
  }

  /** io_read.h: the age by the wall clock, unless that has jumped, within the time since the sockets were last empty. */
  #arrival(stamp: number, now: Instant, wall: number): Instant {
    const at = (now - (wall - stamp)) as Instant;
    if (this.#faults.believesStamps) return at;
    const jumped = Math.abs(wall - now - this.#wall) > JUMP;
    if (jumped && !this.#faults.overlooksJumps) return now;
    return Math.min(now, Math.max(at, this.#polled)) as Instant;
  }

  #checkCredit(): void {
    const { now } = this.#process.clock;
    if (this.#credit === undefined || this.#exhausted || now < this.#credit) return;
    this.#exhausted = true;
    for (const id of this.paces.keys()) this.#notes.push({ kind: 'stalled', pace: id, at: now });
    this.paces.clear();
    if (this.#shot !== undefined) this.#notes.push({ kind: 'withheld', at: this.#shot.at });
    this.#shot = undefined;
    this.#process.hung();
  }

  #runPaces(): void {
    const { now } = this.#process.clock;
    for (const [id, pace] of [...this.paces]) {
      if (this.paces.get(id) !== pace || pace.next > now || this.#stallIfLate(id, pace)) continue;
      const datagrams = pace.ticks[pace.turn % pace.ticks.length] ?? [];
      if (this.#faults.repeats === undefined) pace.turn++;
      this.#process.transmit(datagrams, { pace: id, due: pace.next, period: pace.period });
      this.ledger.set(id, now);
      pace.next = after(this.#faults.relative ? now : pace.next, pace.period);
    }
  }

  #runShot(): void {
    const shot = this.#shot;
    const { now } = this.#process.clock;
    if (shot === undefined || shot.at > now) return;
    this.#shot = undefined;
    const patience = Math.min(
      ...shot.actions.map((action) =>
        action.type === 'pace' ? action.period : Number.POSITIVE_INFINITY,
      ),
    );
    const blind = this.#unsettled.all > 0 && !this.#faults.fearless;
    if (blind || this.#exhausted || now - shot.at > patience) {
      this.#notes.push({ kind: 'withheld', at: shot.at });
      return;
    }
    this.#fired = true;
    this.#shooting = true;
    for (const action of shot.actions) if (this.#process.survives()) this.#fire(shot.at, action);
    this.#shooting = false;
    this.#notes.push({ kind: 'fired', at: shot.at });
  }

  #fire(at: Instant, action: VrrpAction): void {
    const { clock, kernel } = this.#process;
    switch (action.type) {
      case 'send':
        this.#process.transmit(action.datagrams);
        break;
      case 'pace': {
        const { pace: id, period } = action;
        const pace = { period, next: at, ticks: ticksOf(action), turn: 0 };
        this.#join(pace, clock.now - at);
        this.paces.set(id, pace);
        break;
      }
      case 'addAddresses':
        kernel.add(action.addresses);
        break;
      case 'announce':
        this.#process.announce(action.frames);
        break;
      default:
        assert.fail(`${action.type} in a shot`);
    }
    this.#runPaces();
  }
}
