// Several routers on one segment and one virtual clock. Each has a kernel (a link, a table of addresses), an I/O
// thread (paces, one alarm, a socket buffer) and a JavaScript loop that may be blocked; a whole process may be
// frozen, stopped or dead. Everything is decided by the arguments: the same ones always give the same history.

import assert from 'node:assert/strict';
import type { Step } from '../../src/lib/machine.ts';
import { next as draw, type Random } from '../../src/lib/random.ts';
import { after, type Duration, type Instant, seconds } from '../../src/lib/time.ts';
import type { Datagram, VrrpAction } from '../../src/vrrp/action.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { createRouter, nextDeadline, type RouterState, step } from '../../src/vrrp/router.ts';
import { config } from './config.ts';
import { address, link } from './host.ts';
import { Rules } from './rules.ts';

export type StepFunction = (
  state: RouterState,
  event: VrrpEvent,
  now: Instant,
) => Step<RouterState, VrrpAction>;

/** What is deliberately done wrong, to see that somebody notices. */
export interface Mutation {
  readonly step?: StepFunction;
  /** Alarms are stepped with the time of processing. */
  readonly stepsNow?: boolean;
}

export interface Options {
  readonly seed: number;
  readonly latency: Duration;
  readonly mutation?: Mutation;
}

/** The I/O thread stops the paces of a loop that has not turned for so long. */
const CREDIT = seconds(3);
const INDEX = 2;

interface Pace {
  readonly period: Duration;
  next: Instant;
  datagrams: readonly Datagram[];
}

interface Record {
  readonly event: VrrpEvent;
  readonly at: Instant;
}

export interface Router {
  readonly position: number;
  instance: VrrpInstance;
  readonly source: string;
  state: RouterState;
  alive: boolean;
  up: boolean;
  frozen: boolean;
  blocked: boolean;
  /** When the loop turned last. */
  turned: Instant;
  alarm: Instant | undefined;
  readonly paces: Map<number, Pace>;
  readonly kernel: Set<string>;
  readonly queue: Record[];
  /** Datagrams that arrived while the whole process was frozen. */
  readonly buffer: Record[];
  readonly rules: Rules;
}

export class Segment {
  now = 0 as Instant;
  readonly routers: Router[];
  readonly trace: string[] = [];
  /** Since when nothing has been lost, cut, blocked, started or changed. */
  calm = 0 as Instant;
  loss = 0;
  steps = 0;
  #random: Random;
  #order = 0;
  readonly #latency: Duration;
  readonly #mutation: Mutation;
  readonly #agenda: { readonly at: Instant; readonly order: number; readonly run: () => void }[] =
    [];
  readonly #sides = new Map<number, number>();

  constructor(instances: readonly VrrpInstance[], { seed, latency, mutation = {} }: Options) {
    this.#random = { seed };
    this.#latency = latency;
    this.#mutation = mutation;
    this.routers = instances.map((instance, position) => ({
      position,
      instance,
      source: `10.0.0.${position + 1}`,
      state: createRouter(config(instance)),
      alive: false,
      up: true,
      frozen: false,
      blocked: false,
      turned: 0 as Instant,
      alarm: undefined,
      paces: new Map(),
      kernel: new Set(),
      queue: [],
      buffer: [],
      rules: new Rules(),
    }));
  }

  // What can be done to it

  at(wait: Duration, run: () => void): void {
    this.#plan(after(this.now, wait), run);
  }

  start(position: number): void {
    const router = this.#router(position);
    if (router.alive) return;
    this.disturb();
    router.alive = true;
    router.state = createRouter(config(router.instance));
    const addresses = [address(router.source), ...[...router.kernel].map((held) => address(held))];
    this.#record(router, {
      type: 'facts',
      facts: { links: [this.#link(router)], addresses },
    });
  }

  stop(position: number): void {
    const router = this.#router(position);
    if (!router.alive) return;
    this.disturb();
    this.thaw(position);
    this.unblock(position);
    this.#record(router, { type: 'stop' });
    this.#bury(router);
  }

  /** The machine dies: its link goes in the same instant, its addresses stay in its kernel. */
  kill(position: number): void {
    const router = this.#router(position);
    this.disturb();
    this.#bury(router);
    router.up = false;
  }

  setLink(position: number, up: boolean): void {
    const router = this.#router(position);
    if (router.up === up) return;
    this.disturb();
    router.up = up;
    this.#record(router, { type: 'link', link: this.#link(router) });
  }

  /** Routers on different sides do not hear each other. */
  setSide(position: number, side: number): void {
    this.disturb();
    this.#sides.set(position, side);
  }

  block(position: number): void {
    const router = this.#router(position);
    if (!router.alive || router.blocked) return;
    this.disturb();
    router.blocked = true;
    const since = this.now;
    router.turned = since;
    this.at(CREDIT, () => {
      if (router.blocked && router.turned === since) this.#creditEnds(router);
    });
  }

  unblock(position: number): void {
    const router = this.#router(position);
    if (!router.blocked) return;
    this.disturb();
    router.blocked = false;
    this.#turn(router);
  }

  freeze(position: number): void {
    const router = this.#router(position);
    if (!router.alive || router.frozen) return;
    this.disturb();
    router.frozen = true;
  }

  /** The thread looks at what it should have sent, then reads its sockets, then looks at its alarm. */
  thaw(position: number): void {
    const router = this.#router(position);
    if (!router.frozen) return;
    this.disturb();
    router.frozen = false;
    for (const [id, pace] of router.paces)
      if (this.now - pace.next > pace.period) this.#tick(router, id, pace);
    router.queue.push(...router.buffer.splice(0));
    for (const [id, pace] of router.paces) if (pace.next <= this.now) this.#tick(router, id, pace);
    if (router.alarm !== undefined && router.alarm <= this.now) this.#ring(router, router.alarm);
    this.#turn(router);
  }

  reload(position: number, instance: VrrpInstance): void {
    const router = this.#router(position);
    this.disturb();
    router.instance = instance;
    if (router.alive) this.#record(router, { type: 'reload', config: config(instance) });
  }

  disturb(): void {
    this.calm = this.now;
  }

  // What can be seen

  run(duration: Duration, observe: () => void = () => {}): void {
    const end = after(this.now, duration);
    for (
      let next = this.#earliest();
      next !== undefined && next.at <= end;
      next = this.#earliest()
    ) {
      this.#agenda.splice(this.#agenda.indexOf(next), 1);
      // An alarm may be asked for at an instant that is over; time goes on all the same.
      this.now = Math.max(this.now, next.at) as Instant;
      next.run();
      observe();
    }
    this.now = end;
    observe();
  }

  stateOf(position: number): string {
    const router = this.#router(position);
    return router.alive ? (router.state.members[0]?.state.name ?? 'none') : 'dead';
  }

  /** Masters that others could hear and that could hear others. */
  masters(): number[] {
    return this.routers
      .filter(({ position, up }) => up && this.stateOf(position) === 'master')
      .map(({ position }) => position);
  }

  reaches(a: number, b: number): boolean {
    const [from, to] = [this.#router(a), this.#router(b)];
    return from.up && to.up && (this.#sides.get(a) ?? 0) === (this.#sides.get(b) ?? 0);
  }

  // The I/O threads

  #record(router: Router, event: VrrpEvent, at = this.now): void {
    if (!router.alive) return;
    router.queue.push({ event, at });
    this.#turn(router);
  }

  #tick(router: Router, id: number, pace: Pace): void {
    if (router.paces.get(id) !== pace || !router.alive) return;
    if (router.frozen || pace.next > this.now) return;
    if (this.now - pace.next > pace.period) {
      router.paces.delete(id);
      this.#record(router, { type: 'stalled', pace: id, missed: pace.next });
      return;
    }
    assert.equal(
      this.stateOf(router.position),
      'master',
      `r${router.position} speaks after silence\n${this.#story()}`,
    );
    this.#send(router, pace.datagrams);
    pace.next = after(pace.next, pace.period);
    if (pace.next <= this.now) pace.next = after(this.now, pace.period);
    this.#plan(pace.next, () => this.#tick(router, id, pace));
  }

  #ring(router: Router, at: Instant): void {
    if (router.alarm !== at || router.frozen || !router.alive) return;
    router.alarm = undefined;
    this.#record(router, { type: 'deadline' }, at);
  }

  #creditEnds(router: Router): void {
    for (const id of [...router.paces.keys()]) {
      router.paces.delete(id);
      this.#record(router, { type: 'stalled', pace: id, missed: this.now });
    }
  }

  #send(from: Router, datagrams: readonly Datagram[]): void {
    for (const { bytes, to } of datagrams)
      for (const other of this.routers) {
        if (other === from || !this.reaches(from.position, other.position)) continue;
        if (this.#chance() < this.loss) {
          this.disturb();
          continue;
        }
        const wait = Math.floor(this.#chance() * this.#latency) as Duration;
        this.at(wait, () => this.#arrive(other, from, to, bytes));
      }
  }

  #arrive(router: Router, from: Router, to: string, bytes: Uint8Array): void {
    const socket = Object.keys(router.state.sockets)[0];
    if (!router.alive || !router.up || socket === undefined) return;
    router.rules.arrived(bytes, from.instance, this.now);
    const event: VrrpEvent = {
      type: 'packet',
      socket,
      packet: {
        source: from.source as never,
        destination: to as never,
        hopLimit: 255,
        interface: INDEX,
        bytes,
      },
    };
    if (router.frozen) router.buffer.push({ event, at: this.now });
    else this.#record(router, event);
  }

  // The loops

  #turn(router: Router): void {
    if (!router.alive || router.blocked || router.frozen) return;
    router.turned = this.now;
    for (let next = router.queue.shift(); next !== undefined; next = router.queue.shift())
      this.#step(router, next);
    const due = nextDeadline(router.state);
    router.alarm = due;
    if (due !== undefined) this.#plan(due, () => this.#ring(router, due));
  }

  #step(router: Router, { event, at }: Record): void {
    const stepper = this.#mutation.step ?? step;
    const present =
      event.type === 'stalled' || (event.type === 'deadline' && this.#mutation.stepsNow === true);
    const now = present ? this.now : at;
    const before = this.stateOf(router.position);
    this.steps++;
    const { state, actions } = stepper(router.state, event, now);
    router.state = state;
    for (const action of actions) this.#perform(router, action);
    const name = this.stateOf(router.position);
    if (name !== before) this.#changed(router, before, name, now);
    const held = router.kernel.size > 0;
    assert.equal(
      held,
      name === 'master',
      `r${router.position} is ${name} and holds ${held}\n${this.#story()}`,
    );
  }

  #changed(router: Router, before: string, name: string, now: Instant): void {
    this.trace.push(`${(now / 1e6).toFixed(6)} r${router.position} ${before}>${name}`);
    const [member] = router.state.members;
    if (name === 'backup') router.rules.backup(router.instance, now);
    if (name !== 'master' || member?.state.name !== 'master') return;
    if (member.state.reason.because === 'timeout') {
      const allowed = router.rules.allowed(router.instance, now);
      assert.ok(
        now >= allowed,
        `r${router.position} took over ${allowed - now} us early\n${this.#story()}`,
      );
    }
  }

  #perform(router: Router, action: VrrpAction): void {
    switch (action.type) {
      case 'send':
        this.#send(router, action.datagrams);
        return;
      case 'pace': {
        const { pace: id, period, first, datagrams } = action;
        const pace: Pace = { period, next: first, datagrams };
        router.paces.set(id, pace);
        if (first <= this.now) this.#plan(this.now, () => this.#tick(router, id, pace));
        else this.#plan(first, () => this.#tick(router, id, pace));
        return;
      }
      case 'replace': {
        const pace = router.paces.get(action.pace);
        if (pace !== undefined) pace.datagrams = action.datagrams;
        return;
      }
      case 'silence':
        router.paces.delete(action.pace);
        return;
      case 'addAddresses':
        for (const held of action.addresses) router.kernel.add(held.address);
        return;
      case 'removeAddresses':
        for (const held of action.addresses) router.kernel.delete(held.address);
        return;
      case 'open':
      case 'filter':
      case 'close':
      case 'announce':
      case 'run':
      case 'log':
      case 'exit':
        return;
    }
  }

  // Odds and ends

  #bury(router: Router): void {
    router.alive = false;
    router.frozen = false;
    router.blocked = false;
    router.alarm = undefined;
    router.paces.clear();
    router.queue.length = 0;
    router.buffer.length = 0;
    router.rules.forget();
  }

  #link(router: Router) {
    return link(INDEX, 'eth0', { running: router.up });
  }

  #router(position: number): Router {
    const router = this.routers[position];
    if (router === undefined) throw new RangeError(`no router ${position}`);
    return router;
  }

  #chance(): number {
    const { value, random } = draw(this.#random);
    this.#random = random;
    return value;
  }

  #plan(at: Instant, run: () => void): void {
    this.#agenda.push({ at, order: this.#order++, run });
  }

  #earliest() {
    let best = this.#agenda[0];
    for (const each of this.#agenda)
      if (
        best !== undefined &&
        (each.at < best.at || (each.at === best.at && each.order < best.order))
      )
        best = each;
    return best;
  }

  #story(): string {
    return [...this.trace.slice(-30), `now ${(this.now / 1e6).toFixed(6)}`].join('\n');
  }
}
