// Several machines on one segment and one virtual clock, and everything that can be done to them. Each has a kernel, and
// a daemon of two processes on it. Everything is decided by the arguments: the same ones give the same history.
// What must be true of it is in watch.ts.

import { after, type Duration, type Instant } from '../../src/lib/time.ts';
import type { Datagram } from '../../src/vrrp/action.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import type { Member } from '../../src/vrrp/state.ts';
import { Clock } from './clock.ts';
import { config } from './config.ts';
import { Daemon } from './daemon.ts';
import { INDEX, Kernel } from './kernel.ts';
import type { Mutation } from './mutation.ts';
import { messageIn } from './rules.ts';
import { Watch } from './watch.ts';

export interface Options {
  readonly seed: number;
  readonly latency: Duration;
  /** What is sent arrives in that order, as on a cable; otherwise it may not. */
  readonly ordered?: boolean;
  readonly mutation?: Mutation;
}

export interface Machine {
  readonly position: number;
  readonly kernel: Kernel;
  instances: readonly VrrpInstance[];
  daemon: Daemon | undefined;
  side: number;
}

export class Segment {
  readonly clock: Clock;
  readonly machines: readonly Machine[];
  readonly watch: Watch;
  loss = 0;
  readonly #latency: Duration;
  readonly #ordered: boolean;
  /** When the last thing that was sent arrives. */
  #last = 0;
  readonly #mutation: Mutation;

  constructor(
    routers: readonly (readonly VrrpInstance[])[],
    { seed, latency, ordered = false, mutation = {} }: Options,
  ) {
    this.clock = new Clock(seed);
    this.#latency = latency;
    this.#ordered = ordered;
    this.#mutation = mutation;
    this.machines = routers.map((instances, position) => ({
      position,
      kernel: new Kernel(position),
      instances,
      daemon: undefined,
      side: 0,
    }));
    this.watch = new Watch(this);
  }

  get now(): Instant {
    return this.clock.now;
  }

  run(duration: Duration): void {
    this.clock.run(duration, () => this.watch.look());
  }

  // The daemon

  start(position: number): void {
    const machine = this.machine(position);
    if (machine.daemon?.alive || machine.daemon?.child?.alive) return;
    this.watch.disturb();
    const { clock, kernel } = this;
    machine.daemon = new Daemon(config(...machine.instances), {
      clock,
      kernel: kernel(position),
      mutation: this.#mutation,
      transmit: (datagrams, scheduled) => {
        this.watch.transmitted(machine, datagrams, scheduled);
        this.#transmit(machine, datagrams);
      },
      announce: (frames) => this.watch.announced(machine, frames),
      stepped: (before, now) => this.watch.stepped(machine, before, now),
    });
    machine.daemon.begin();
  }

  kernel = (position: number): Kernel => this.machine(position).kernel;

  stop(position: number): void {
    this.#wake(position);
    this.machine(position).daemon?.stop();
  }

  reload(position: number, instances: readonly VrrpInstance[]): void {
    const machine = this.machine(position);
    this.watch.disturb();
    machine.instances = instances;
    if (machine.daemon?.alive) machine.daemon.reload(config(...instances));
  }

  killChild(position: number): void {
    this.watch.disturb();
    this.machine(position).daemon?.child?.kill();
  }

  /** The child dies in the middle of a step, before its order number `orders` from now. */
  doom(position: number, orders: number): void {
    const child = this.machine(position).daemon?.child;
    if (child !== undefined) child.doom = orders;
  }

  killParent(position: number): void {
    this.#wake(position);
    this.machine(position).daemon?.killParent();
  }

  killAll(position: number): void {
    this.watch.disturb();
    this.machine(position).daemon?.killAll();
  }

  haltChild(position: number): void {
    this.watch.disturb();
    this.machine(position).daemon?.haltChild();
  }

  block(position: number): void {
    this.watch.disturb();
    this.machine(position).daemon?.child?.setBlocked(true);
  }

  unblock(position: number): void {
    this.watch.disturb();
    this.machine(position).daemon?.child?.setBlocked(false);
  }

  freeze(position: number): void {
    this.watch.disturb();
    this.machine(position).daemon?.setFrozen(true);
  }

  thaw(position: number): void {
    this.watch.disturb();
    const daemon = this.machine(position).daemon;
    if (daemon?.frozen) daemon.setFrozen(false);
  }

  // The machine

  /** The power fails: nothing that was in memory is left. */
  cutPower(position: number): void {
    const machine = this.machine(position);
    this.watch.disturb();
    machine.daemon?.killAll();
    machine.daemon = undefined;
    machine.kernel.reset();
    machine.kernel.setLink(false);
  }

  setLink(position: number, up: boolean): void {
    const { kernel } = this.machine(position);
    if (kernel.up === up) return;
    this.watch.disturb();
    kernel.setLink(up);
  }

  /** Machines on different sides do not hear each other. */
  setSide(position: number, side: number): void {
    this.watch.disturb();
    this.machine(position).side = side;
  }

  /** Somebody removes an address by hand: nothing that anyone else may notice. */
  removeAddress(position: number, which: number): void {
    const { kernel } = this.machine(position);
    const held = [...kernel.held];
    const address = held[which % held.length];
    if (address !== undefined) kernel.remove([{ address }]);
  }

  /** Nobody may notice this either. */
  stepClock(position: number, by: Duration): void {
    this.machine(position).kernel.wall += by;
  }

  // What can be seen

  machine(position: number): Machine {
    const machine = this.machines[position];
    if (machine === undefined) throw new RangeError(`no machine ${position}`);
    return machine;
  }

  /** A child that runs, and a link. */
  able({ daemon, kernel }: Machine): boolean {
    return kernel.up && daemon?.whole === true;
  }

  member(machine: Machine, vrid: number): Member | undefined {
    const child = machine.daemon?.child;
    if (child?.alive !== true) return undefined;
    return child.state.members.find(({ config: own }) => own.virtual_router_id === vrid);
  }

  stateOf(position: number, vrid = 51): string {
    return this.member(this.machine(position), vrid)?.state.name ?? 'none';
  }

  /** Positions of those able that are master of this virtual router. */
  masters(vrid = 51): number[] {
    return this.machines
      .filter((each) => this.able(each) && this.member(each, vrid)?.state.name === 'master')
      .map(({ position }) => position);
  }

  reaches(a: Machine, b: Machine): boolean {
    return a.kernel.up && b.kernel.up && a.side === b.side;
  }

  // The wire

  #transmit(from: Machine, datagrams: readonly Datagram[]): void {
    for (const { bytes, to } of datagrams)
      for (const other of this.machines) {
        if (other === from || !this.reaches(from, other)) continue;
        if (this.clock.chance() < this.loss) {
          this.watch.disturb();
          continue;
        }
        const { source } = from.kernel;
        const wait = this.clock.upTo(this.#latency);
        const least = this.#ordered ? this.#last - this.now : 0;
        const after = Math.max(wait, least) as Duration;
        this.#last = this.now + after;
        this.clock.in(after, () => this.#arrive(other, source, to, bytes));
      }
  }

  #arrive({ kernel, daemon, position }: Machine, source: string, to: string, bytes: Uint8Array) {
    const child = daemon?.child;
    const vrid = messageIn(bytes)[1] ?? 0;
    if (!kernel.up || child?.alive !== true) return;
    this.watch.arrived(position, vrid, bytes);
    const packet = {
      source: source as never,
      destination: to as never,
      hopLimit: 255,
      interface: INDEX,
      bytes,
    };
    child.arrive(packet, vrid);
  }

  /** Nobody waits for a process that does not run. */
  #wake(position: number): void {
    this.watch.disturb();
    this.thaw(position);
    const child = this.machine(position).daemon?.child;
    if (child?.alive && child.blocked) child.setBlocked(false);
  }

  at(wait: Duration, run: () => void): void {
    this.clock.at(after(this.now, wait), run);
  }
}
