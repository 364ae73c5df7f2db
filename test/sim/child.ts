// One VRRP process (src/vrrp/daemon.ts, shot.ts, wire.ts) on the virtual clock: the real core in the real loop, its I/O
// thread, and JavaScript that turns a little later than it is woken, may be blocked, may be stopped, and may die in the
// middle of what it orders.

import { after, type Duration, type Instant, seconds, since } from '../../src/lib/time.ts';
import { Loop } from '../../src/loop.ts';
import type { Datagram, SocketSpec, VrrpAction } from '../../src/vrrp/action.ts';
import type { Inheritance, ReceivedPacket, VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpConfig } from '../../src/vrrp/keywords.ts';
import { createRouter, nextDeadline, type RouterState, step } from '../../src/vrrp/router.ts';
import type { Clock } from './clock.ts';
import type { Kernel } from './kernel.ts';
import type { Mutation } from './mutation.ts';
import { type Note, type Process, type Scheduled, Thread, ticksOf } from './thread.ts';

const CREDIT = seconds(3);
/** JavaScript renews the credit so often. */
const RENEWAL = 500_000;
/** A deadline nearer than this is looked at at once, in microseconds. */
const NEAR = 5_000;
/** JavaScript turns so much later than it is woken, at most. */
const LAG = 300 as Duration;
const DEADLINE: VrrpEvent = { type: 'deadline' };

/** What happens to a process, and what it does to others. */
export interface Surroundings {
  readonly clock: Clock;
  readonly kernel: Kernel;
  readonly mutation: Mutation;
  /** Where its thread notes its last sends, by pace. */
  readonly ledger: Map<number, Instant>;
  transmit(datagrams: readonly Datagram[], scheduled?: Scheduled): void;
  announce(frames: readonly Uint8Array[]): void;
  /** Roles may have changed: what was known before, and the instant that was stepped. */
  stepped(before: RouterState, now: Instant): void;
  /** Its thread says that its loop no longer turns. */
  hung(): void;
  /** It is no more; `status` is absent where it was killed. */
  ended(status?: number): void;
}

export class Child implements Process {
  readonly thread: Thread;
  readonly clock: Clock;
  readonly kernel: Kernel;
  alive = true;
  stopped = false;
  blocked = false;
  /** It dies before it performs so many more orders. */
  doom = Number.POSITIVE_INFINITY;
  begun = false;
  whenBegun: () => void = () => {};
  readonly pid: number;
  readonly sockets = new Map<string, SocketSpec>();
  readonly #around: Surroundings;
  readonly #loop: Loop<RouterState, VrrpEvent, VrrpAction>;
  readonly #step: NonNullable<Mutation['step']>;
  #deadline: Instant | undefined;
  #lookAt: Instant | undefined;
  #woken = false;
  #orders: (() => void)[] = [];
  #inheritance: Inheritance | undefined;

  constructor(pid: number, config: VrrpConfig, around: Surroundings) {
    this.pid = pid;
    this.#around = around;
    this.clock = around.clock;
    this.kernel = around.kernel;
    this.#step = around.mutation.step ?? step;
    this.thread = new Thread(this, around.ledger, around.mutation.pacer);
    this.#loop = new Loop(createRouter(config), {
      machine: { step: (state, event, now) => this.#observe(state, event, now), nextDeadline },
      deadline: DEADLINE,
      perform: (action) => this.#perform(action),
      alarm: (at) => this.#alarm(at),
      settled: (state) => this.#lookAhead(state),
    });
  }

  /** Its first order. */
  configure(inheritance: Inheritance): void {
    this.#inheritance = inheritance;
    this.wake();
  }

  #begin(inheritance: Inheritance): void {
    this.begun = true;
    this.kernel.listener = (news) => this.thread.tell(news);
    const facts = this.kernel.facts();
    this.#take({ type: 'facts', facts, inheritance }, this.clock.now);
    if (this.alive) this.whenBegun();
  }

  get state(): RouterState {
    return this.#loop.state;
  }

  /** JavaScript knows all that has happened. */
  get settled(): boolean {
    return this.begun && this.runs() && !this.blocked && !this.#woken && this.thread.quiet;
  }

  // What happens to it

  runs(): boolean {
    return this.alive && !this.stopped;
  }

  arrive(packet: ReceivedPacket, vrid: number): void {
    if (!this.alive) return;
    for (const [key, { vrids }] of this.sockets)
      if (vrids.includes(vrid)) this.thread.arrive(key, packet);
  }

  /** An order of the parent; read when JavaScript turns. */
  order(event: VrrpEvent, obeyed: () => void = () => {}): void {
    this.ask(() => {
      this.#take(event, this.clock.now);
      if (this.alive) obeyed();
    });
  }

  /** Done when JavaScript turns. */
  ask(answer: () => void): void {
    this.#orders.push(answer);
    this.wake();
  }

  setStopped(stopped: boolean): void {
    this.stopped = stopped;
    this.#considerCredit();
    if (!stopped) {
      this.thread.run();
      this.wake();
    }
  }

  setBlocked(blocked: boolean): void {
    this.blocked = blocked;
    this.#considerCredit();
    if (!blocked) this.wake();
  }

  survives(): boolean {
    if (this.alive && this.doom-- <= 0) this.kill();
    return this.alive;
  }

  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    if (this.kernel.listener !== undefined) this.kernel.listener = undefined;
    this.#around.ended();
  }

  #considerCredit(): void {
    if (!this.stopped && !this.blocked) return;
    // The last renewal was a while ago.
    const renewed = this.clock.now - this.clock.upTo(RENEWAL as Duration);
    this.thread.alive((renewed + CREDIT) as Instant);
  }

  // The thread's side

  wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    this.clock.in(this.clock.upTo(LAG), () => this.#turn());
  }

  hung(): void {
    this.#around.hung();
  }

  transmit(datagrams: readonly Datagram[], scheduled?: Scheduled): void {
    this.#around.transmit(datagrams, scheduled);
  }

  announce(frames: readonly Uint8Array[]): void {
    this.#around.announce(frames);
  }

  // JavaScript

  #turn(): void {
    this.#woken = false;
    if (!this.runs() || this.blocked) return;
    this.thread.alive(undefined);
    for (const note of this.thread.take()) this.#read(note);
    this.thread.settle();
    const inheritance = this.#inheritance;
    this.#inheritance = undefined;
    if (inheritance !== undefined) this.#begin(inheritance);
    for (const obey of this.#orders.splice(0)) obey();
  }

  #read(note: Note): void {
    switch (note.kind) {
      case 'packet':
        if (this.sockets.has(note.socket))
          this.#take({ type: 'packet', socket: note.socket, packet: note.packet }, note.at);
        break;
      case 'news':
        this.#take(note.news, note.at);
        break;
      case 'alarm':
        this.#alarmed(note.at);
        break;
      case 'fired':
        if (this.#reported()) this.#overtaken(note.at);
        break;
      case 'stalled':
        this.#take({ type: 'stalled', pace: note.pace, missed: note.at }, this.clock.now);
        break;
      case 'withheld':
        break;
    }
  }

  #take(event: VrrpEvent, at: Instant): void {
    if (!this.alive) return;
    if (this.#withdraw() === 'fired' && this.#deadline !== undefined)
      this.#overtaken(this.#deadline);
    this.#loop.take(event, at);
  }

  #observe(state: RouterState, event: VrrpEvent, at: Instant) {
    const late = event.type === 'deadline' && this.#around.mutation.stepsNow;
    const now = late ? this.clock.now : at;
    const result = this.#step(state, event, now);
    if (this.alive) this.#stepped = { before: state, now };
    return result;
  }

  #stepped: { readonly before: RouterState; readonly now: Instant } | undefined;

  #alarm(at: Instant | undefined): void {
    this.#deadline = at;
    this.#lookAt = undefined;
    if (at !== undefined) {
      const wait = since(at, this.clock.now);
      const half = after(this.clock.now, Math.floor(wait / 2) as Duration);
      this.#lookAt = wait < NEAR ? this.clock.now : half;
      this.thread.alarm(wait < NEAR ? at : half);
    } else this.thread.alarm(undefined);
  }

  #alarmed(at: Instant): void {
    if (this.#deadline === undefined || !this.alive) return;
    if (at < this.#deadline) {
      this.thread.alarm(this.#deadline);
      this.#lookAhead(this.#loop.state);
      return;
    }
    if (this.#withdraw() === 'fired') this.#overtaken(this.#deadline);
    this.#loop.alarmed(at);
  }

  /** Tells whoever watches what the last step changed. */
  #report(): void {
    const stepped = this.#stepped;
    this.#stepped = undefined;
    if (stepped !== undefined && this.alive) this.#around.stepped(stepped.before, stepped.now);
  }

  // Looking ahead

  #prepared: { readonly state: RouterState; readonly count: number } | undefined;
  #anticipated = 0;

  #lookAhead(state: RouterState): void {
    this.#report();
    const { now } = this.clock;
    if (!this.alive || this.#deadline === undefined || this.#lookAt === undefined) return;
    if (now < this.#lookAt || now >= this.#deadline || this.#prepared?.state === state) return;
    const actions: VrrpAction[] = [];
    for (const action of this.#step(state, DEADLINE, this.#deadline).actions) {
      if (!isWire(action)) continue;
      if (!SHOOTABLE.has(action.type)) break;
      actions.push(action);
    }
    if (actions.length === 0) return;
    this.thread.shoot({ at: this.#deadline, actions });
    this.#prepared = { state, count: actions.length };
  }

  #reported(): boolean {
    if (this.#anticipated === 0) return true;
    this.#anticipated--;
    return false;
  }

  #withdraw(): 'nothing' | 'withdrawn' | 'fired' {
    if (this.#prepared === undefined) return 'nothing';
    if (!this.thread.disarm()) {
      this.#anticipated++;
      return 'fired';
    }
    this.#prepared = undefined;
    return 'withdrawn';
  }

  #overtaken(at: Instant): void {
    if (!this.alive) return;
    this.#loop.overtaken(at, (actions) => {
      let done = this.#prepared?.count ?? 0;
      this.#prepared = undefined;
      return actions.filter((action) => {
        if (done === 0 || !isWire(action)) return true;
        done--;
        return false;
      });
    });
  }

  // Orders of the core

  #perform(action: VrrpAction): readonly VrrpEvent[] {
    if (!this.alive) return [];
    if (isWire(action) && !this.survives()) return [];
    switch (action.type) {
      case 'open':
      case 'filter':
        this.sockets.set(action.socket.key, action.socket);
        break;
      case 'close':
        this.sockets.delete(action.socket);
        break;
      case 'send':
        this.transmit(action.datagrams);
        break;
      case 'pace': {
        const { pace, period, first: next } = action;
        this.thread.pace(pace, { period, next, ticks: ticksOf(action), turn: 0 });
        break;
      }
      case 'replace':
        this.thread.repace(action.pace, ticksOf(action));
        break;
      case 'silence':
        this.thread.unpace(action.pace);
        break;
      case 'addAddresses':
        this.kernel.add(action.addresses);
        break;
      case 'removeAddresses':
        this.kernel.remove(action.addresses);
        break;
      case 'announce':
        this.announce(action.frames);
        break;
      case 'exit':
        this.alive = false;
        this.kernel.listener = undefined;
        this.#around.ended(action.status);
        break;
      case 'log':
      case 'run':
        break;
    }
    return [];
  }
}

const SHOOTABLE: ReadonlySet<VrrpAction['type']> = new Set([
  'send',
  'pace',
  'addAddresses',
  'announce',
]);

const isWire = ({ type }: VrrpAction): boolean =>
  type !== 'log' && type !== 'run' && type !== 'exit';
