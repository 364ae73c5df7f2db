// What must be true of a segment whatever happens to it, looked at after everything that happens. It judges by what the
// machines' kernels hold, by what is on the wire and by RULES of its own (rules.ts), never by asking the code under
// test what it ought to do. Each `INVARIANT` has a mutant in mutants.test.ts.

import assert from 'node:assert/strict';
import { after, type Instant, millis, seconds } from '../../src/lib/time.ts';
import type { Datagram } from '../../src/vrrp/action.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import type { Member, RouterState } from '../../src/vrrp/state.ts';
import { messageIn, Rules } from './rules.ts';
import type { Machine, Segment } from './segment.ts';
import type { Scheduled } from './thread.ts';

/** How long a master may lack an address that is not its doing, and how long anything else may keep one. */
const TOLERATED = millis(50);
const GLANCE = millis(4);
/** JavaScript may turn so much later; nobody is late by more. */
const SLACK = millis(20);

interface Record {
  readonly rules: Rules;
  /** When an advert with a priority left last, from which process, and when the last one of the process before did. */
  spoke: { readonly at: Instant; readonly pid: number; readonly before: Instant } | undefined;
  grid: { readonly since: Instant; readonly due: Instant } | undefined;
  /** Since when the kernel has had something else than the role asks for. */
  wrongSince: Instant | undefined;
}

export class Watch {
  /** Since when nothing has been lost, cut, stopped, started or changed. */
  calm = 0 as Instant;
  readonly trace: string[] = [];
  /** Where a client that hears everything on side 0 believes each address to be. */
  readonly neighbours = new Map<string, number>();
  /** Advert of each kind that has left, for tests that count. */
  readonly sent: { readonly at: Instant; readonly position: number; readonly priority: number }[] =
    [];
  #lookAgain = 0 as Instant;
  announcements = 0;
  readonly #segment: Segment;
  readonly #records = new Map<string, Record>();

  constructor(segment: Segment) {
    this.#segment = segment;
  }

  disturb(): void {
    this.calm = this.#segment.now;
  }

  // Reports of what happened

  arrived(position: number, vrid: number, bytes: Uint8Array): void {
    this.#record(position, vrid).rules.arrived(bytes, this.#segment.now);
  }

  announced(machine: Machine, frames: readonly Uint8Array[]): void {
    if (!machine.kernel.up || machine.side !== 0) return;
    this.announcements += frames.length;
    for (const frame of frames)
      this.neighbours.set(frame.subarray(28, 32).join('.'), machine.position);
  }

  transmitted(
    machine: Machine,
    datagrams: readonly Datagram[],
    scheduled: Scheduled | undefined,
  ): void {
    const { now } = this.#segment;
    const { position } = machine;
    const [, vrid = 0, priority = 0] = messageIn(datagrams[0]?.bytes ?? new Uint8Array());
    const record = this.#record(position, vrid);
    this.sent.push({ at: now, position, priority });
    const child = machine.daemon?.child;
    const pid = child?.pid ?? 0;
    const { spoke } = record;
    if (priority > 0) {
      const before = spoke?.pid === pid ? spoke.before : (spoke?.at ?? (0 as Instant));
      record.spoke = { at: now, pid, before };
    }
    this.#check(child?.runs() === true, `r${position} speaks, and does not run`);
    if (scheduled === undefined) return;
    const { due, period } = scheduled;
    // INVARIANT: no advert of a schedule leaves more than a period late.
    this.#check(now - due <= period, `r${position} sends ${now - due} us late`);
    const state = this.#segment.member(machine, vrid)?.state;
    // INVARIANT: once JavaScript has ordered silence nothing leaves.
    if (child?.settled && scheduled.pace < child.state.nextPace)
      this.#check(
        state?.name === 'master' && state.stall === undefined,
        `r${position} speaks after silence`,
      );
    if (state?.name !== 'master') return;
    // INVARIANT: as long as it is master its schedule stands, whatever pauses there were.
    if (record.grid?.since !== state.since) record.grid = { since: state.since, due };
    const drift = (due - record.grid.due) % period;
    this.#check(drift === 0, `r${position} has drifted by ${drift} us`);
  }

  stepped(machine: Machine, before: RouterState, now: Instant): void {
    const { position, daemon } = machine;
    for (const member of daemon?.child?.state.members ?? []) {
      const old = before.members.find(({ pace }) => pace === member.pace);
      const was = old?.state.name ?? 'none';
      const { name } = member.state;
      const vrid = member.config.virtual_router_id;
      if (was === name) continue;
      this.trace.push(
        `${(now / 1e6).toFixed(6)} r${position}${vrid === 51 ? '' : `/${vrid}`} ${was}>${name}`,
      );
      const record = this.#record(position, vrid);
      if (was === 'init' || was === 'none') {
        record.rules.forget();
        this.disturb();
      }
      if (name === 'backup') record.rules.backup(member.config, now);
      if (name === 'master') this.#becameMaster(position, member, record, now);
    }
  }

  #becameMaster(position: number, { config, state }: Member, record: Record, now: Instant): void {
    if (state.name !== 'master') return;
    if (state.reason.because === 'timeout') {
      // INVARIANT: nobody takes over earlier than the RFC allows.
      const allowed = record.rules.allowed(config, now);
      this.#check(now >= allowed, `r${position} took over ${allowed - now} us early`);
    }
    if (state.reason.because === 'adopted') {
      // INVARIANT: nobody who is too late adopts.
      const { spoke } = record;
      const pid = this.#segment.machine(position).daemon?.child?.pid;
      const last = spoke?.pid === pid ? spoke?.before : spoke?.at;
      const silence = this.#segment.now - (last ?? 0);
      const most = 3 * config.advert_int;
      this.#check(silence < most, `r${position} adopts after ${silence} us of silence`);
    }
  }

  // A look at everything

  look(): void {
    // What is wrong for less than this is right soon enough.
    if (this.#segment.now < this.#lookAgain) return;
    this.#lookAgain = after(this.#segment.now, GLANCE);
    for (const machine of this.#segment.machines) this.#lookAt(machine);
    if (this.#segment.machines.some(({ daemon }) => this.#restless(daemon))) {
      this.disturb();
      return;
    }
    if (this.#segment.now - this.calm > this.#longest()) this.#expectHolders();
  }

  #restless(daemon: Machine['daemon']): boolean {
    if (daemon === undefined || !daemon.alive) return daemon?.child?.alive === true;
    return daemon.frozen || !daemon.whole || daemon.child?.runs() !== true || daemon.child.blocked;
  }

  /** INVARIANT: never master without the addresses, never with them in any other role, for longer than 50 ms. */
  #lookAt(machine: Machine): void {
    const { now } = this.#segment;
    const { position, kernel, daemon, instances } = machine;
    const child = daemon?.child;
    for (const { virtual_router_id: vrid } of instances) {
      const record = this.#record(position, vrid);
      const member = this.#segment.member(machine, vrid);
      const judged = child?.settled === true && member !== undefined && daemon?.alive === true;
      const wrong = judged && !this.#right(machine, member);
      if (!wrong) record.wrongSince = undefined;
      else record.wrongSince ??= now;
      const since = record.wrongSince;
      if (since !== undefined && now - since > TOLERATED)
        this.#check(false, `r${position} is ${member?.state.name} and has ${[...kernel.held]}`);
    }
  }

  #right({ kernel, instances }: Machine, { config, state }: Member): boolean {
    if (state.name === 'master')
      return config.virtual_ipaddress.every(({ address }) => kernel.holds(address));
    if (kernel.size === 0) return true;
    const others = instances.filter(
      ({ virtual_router_id }) => virtual_router_id !== config.virtual_router_id,
    );
    const elsewhere = new Set(addressesOf(others));
    return [...kernel.held].every((address) => elsewhere.has(address));
  }

  /** INVARIANT: among machines that hear each other exactly one is master, and nobody else has its addresses. */
  #expectHolders(): void {
    const able = this.#segment.machines.filter((each) => this.#segment.able(each));
    const vrids = new Set(
      able.flatMap(({ instances }) => instances.map((each) => each.virtual_router_id)),
    );
    for (const vrid of vrids)
      for (const side of new Set(able.map((each) => each.side))) {
        const here = able.filter((each) => each.side === side);
        const masters = here.filter((m) => this.#segment.member(m, vrid)?.state.name === 'master');
        const names = masters.map(({ position }) => `r${position}`).join(' and ') || 'nobody';
        this.#check(masters.length === 1, `${names} is master of ${vrid} on side ${side}`);
        const addresses = addressesOf(
          masters[0]?.instances.filter((each) => each.virtual_router_id === vrid) ?? [],
        );
        const holders = here.filter(({ kernel }) => addresses.some((a) => kernel.holds(a)));
        this.#check(
          holders.every((each) => each === masters[0]),
          `${holders.map(({ position }) => `r${position}`)} hold what r${masters[0]?.position} has`,
        );
      }
  }

  /** The longest Master_Down_Interval anybody can have, and an interval in which the last one to take over is heard. */
  #longest(): number {
    let longest = 0;
    for (const { instances } of this.#segment.machines)
      for (const { advert_int, version } of instances)
        longest = Math.max(longest, 5 * advert_int + (version === 2 ? seconds(1) : 0));
    return longest + SLACK;
  }

  /**
   * INVARIANT: when all is at rest, what the segment was told last is where the address is. Not where adverts were lost:
   * a router that yields without having been heard leaves its announcement behind.
   */
  expectAnnounced(): void {
    for (const [address, position] of this.neighbours) {
      const holders = this.#segment.machines.filter(
        (each) => this.#segment.able(each) && each.kernel.holds(address),
      );
      if (holders.length === 0) continue;
      this.#check(
        holders.some((each) => each.position === position),
        `${address} is on r${holders[0]?.position}, and r${position} said so last`,
      );
    }
  }

  // Odds and ends

  #record(position: number, vrid: number): Record {
    const key = `${position} ${vrid}`;
    let record = this.#records.get(key);
    if (record === undefined) {
      record = { rules: new Rules(), spoke: undefined, grid: undefined, wrongSince: undefined };
      this.#records.set(key, record);
    }
    return record;
  }

  #check(good: boolean, text: string): void {
    if (!good) assert.fail(`${text}\n${this.story()}`);
  }

  story(): string {
    return [...this.trace.slice(-40), `now ${(this.#segment.now / 1e6).toFixed(6)}`].join('\n');
  }
}

const addressesOf = (instances: readonly VrrpInstance[]): readonly string[] =>
  instances.flatMap(({ virtual_ipaddress }) => virtual_ipaddress.map(({ address }) => address));
