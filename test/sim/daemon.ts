// The daemon of one machine: the real parent's machine in the real loop (src/supervisor/machine.ts), with a model of its
// shell (src/supervisor/daemon.ts, estate.ts): a child, a spare that gets warm, a journal, a ledger, a channel.

import { after, type Duration, type Instant, millis, seconds } from '../../src/lib/time.ts';
import { Loop } from '../../src/loop.ts';
import type { ParentAction } from '../../src/supervisor/action.ts';
import type { ParentEvent } from '../../src/supervisor/event.ts';
import { createParent, nextDeadline, step } from '../../src/supervisor/machine.ts';
import type { ParentState, Settings } from '../../src/supervisor/state.ts';
import { journalOf } from '../../src/vrrp/addresses.ts';
import type { Inheritance, JournalEntry } from '../../src/vrrp/event.ts';
import type { VrrpConfig } from '../../src/vrrp/keywords.ts';
import { timeToAdopt } from '../../src/vrrp/schedule.ts';
import { roleOf } from '../../src/vrrp/start.ts';
import { Child, type Surroundings } from './child.ts';
import type { Mutation } from './mutation.ts';

/** The parent learns of what happens to a child so much later, at most. */
const NOTICE = millis(1);
/** A warm spare begins so much after it is told to, at most; a cold one so much. */
const WARM = millis(9);
const COLD = millis(300);
/** A spare is warm after this. */
const WARMING = millis(400);
/** Reading a file. */
const READING = millis(20);

const settingsOf = ({ vrrp_instance }: VrrpConfig): Settings => ({
  respawn: true,
  childWait: seconds(5),
  wanted: { vrrp: true, check: false },
  patience: Math.min(...vrrp_instance.map(timeToAdopt)) as Duration,
});

type Around = Omit<Surroundings, 'hung' | 'ended' | 'ledger'>;

export class Daemon {
  child: Child | undefined;
  alive = true;
  frozen = false;
  readonly #around: Around;
  readonly #faults: NonNullable<Mutation['parent']>;
  readonly #loop: Loop<ParentState, ParentEvent, ParentAction>;
  /** Shared memory. */
  readonly #ledger = new Map<number, Instant>();
  #config: VrrpConfig;
  #next: VrrpConfig | undefined;
  #paces: readonly { readonly role: string; readonly pace: number }[] = [];
  #spareWarmAt: Instant | undefined;
  #pid = 0;
  /** What happened to it while it was frozen. */
  #postponed: (() => void)[] = [];

  constructor(config: VrrpConfig, around: Around) {
    this.#config = config;
    this.#around = around;
    this.#faults = around.mutation.parent ?? {};
    this.#loop = new Loop(createParent(settingsOf(config)), {
      machine: { step, nextDeadline },
      deadline: { type: 'deadline' },
      perform: (action) => this.#perform(action),
      alarm: (at) => this.#alarm(at),
    });
  }

  begin(): void {
    this.#take({ type: 'begin' });
  }

  /** Nothing is being replaced. */
  get whole(): boolean {
    return this.alive && this.child?.alive === true && this.child.begun;
  }

  // What happens to it

  reload(config: VrrpConfig): void {
    this.#next = config;
    this.#hear(0 as Duration, () => this.#take({ type: 'reload' }));
  }

  stop(): void {
    this.#hear(0 as Duration, () => this.#take({ type: 'stop' }));
  }

  /** The child learns of it by a closed channel. */
  killParent(): void {
    this.alive = false;
    this.child?.order({ type: 'stop' });
  }

  /** Everything ends at once; what is in the kernel and on disk stays. */
  killAll(): void {
    this.alive = false;
    this.child?.kill();
  }

  setFrozen(frozen: boolean): void {
    this.frozen = frozen;
    this.child?.setStopped(frozen);
    if (!frozen) for (const act of this.#postponed.splice(0)) act();
  }

  /** SIGSTOP, to the child alone. */
  haltChild(): void {
    const { child } = this;
    if (child?.alive !== true) return;
    child.setStopped(true);
    const { pid } = child;
    if (!this.#faults.blind) this.#hear(NOTICE, () => this.#take({ type: 'halted', pid }));
  }

  // The parent

  #take(event: ParentEvent): void {
    if (this.alive) this.#loop.take(event, this.#around.clock.now);
  }

  /** It acts so much later, unless it is gone; while it is frozen everything waits. */
  #hear(most: Duration, act: () => void): void {
    const { clock } = this.#around;
    clock.in(clock.upTo(most), () => {
      if (!this.alive) return;
      if (this.frozen) this.#postponed.push(act);
      else act();
    });
  }

  #armed: Instant | undefined;

  #alarm(at: Instant | undefined): void {
    this.#armed = at;
    if (at === undefined) return;
    const { clock } = this.#around;
    clock.at(at, () => {
      const ring = (): void => {
        if (this.alive && this.#armed === at) this.#loop.alarmed(at);
      };
      if (this.frozen) this.#postponed.push(ring);
      else ring();
    });
  }

  #perform(action: ParentAction): readonly ParentEvent[] {
    const { clock, kernel } = this.#around;
    switch (action.type) {
      case 'fork':
        return [this.#fork(action.inherit)];
      case 'startSpare':
        this.#spareWarmAt = after(clock.now, WARMING);
        break;
      case 'dropSpare':
        this.#spareWarmAt = undefined;
        break;
      case 'clean':
        if (this.#faults.careless) break;
        kernel.remove(kernel.journal);
        kernel.journal = [];
        break;
      case 'kill': {
        const { child } = this;
        if (child?.pid !== action.pid) break;
        if (action.signal === 'SIGKILL') child.kill();
        else child.order({ type: 'stop' });
        break;
      }
      case 'heartbeat': {
        const { pid, number } = action;
        const { child } = this;
        if (child?.pid === pid)
          child.ask(() => this.#hear(NOTICE, () => this.#take({ type: 'answered', pid, number })));
        break;
      }
      case 'read':
        this.#hear(READING, () =>
          this.#take({ type: 'read', settings: settingsOf(this.#next ?? this.#config) }),
        );
        break;
      case 'adopt':
        this.#config = this.#next ?? this.#config;
        this.#extend();
        break;
      case 'reloadChild': {
        const { child } = this;
        if (child?.pid !== action.pid) break;
        child.order({ type: 'reload', config: this.#config }, () =>
          this.#settle(child, { type: 'reloaded', pid: action.pid }),
        );
        break;
      }
      case 'exit':
        this.alive = false;
        break;
      default:
        // Nothing that anyone on the segment could notice.
        break;
    }
    return [];
  }

  #fork(inherit: boolean): ParentEvent {
    const { clock } = this.#around;
    const warm = this.#spareWarmAt !== undefined && this.#spareWarmAt <= clock.now;
    this.#spareWarmAt = undefined;
    const inheritance = this.#bequeath(inherit);
    this.#extend();
    const pid = ++this.#pid;
    const child: Child = new Child(pid, this.#config, {
      ...this.#around,
      ledger: this.#ledger,
      hung: () => {
        if (!this.#faults.blind) this.#hear(NOTICE, () => this.#take({ type: 'hung', pid }));
      },
      ended: (status) =>
        this.#hear(NOTICE, () =>
          this.#take({
            type: 'exited',
            pid,
            ...(status === undefined ? { signal: 'SIGKILL' } : { status }),
          }),
        ),
    });
    this.child = child;
    // It reads what it has to run when it runs: a frozen one does so later, a killed one never.
    clock.in(clock.upTo(warm ? WARM : COLD), () => child.configure(inheritance));
    child.whenBegun = () => this.#settle(child, { type: 'running', pid });
    return { type: 'forked', kind: 'vrrp', pid };
  }

  #settle(child: Child, event: ParentEvent): void {
    const paces = child.state.members.map(({ config, pace }) => ({ role: roleOf(config), pace }));
    const { kernel } = this.#around;
    const journal = journalOf(this.#config);
    this.#hear(NOTICE, () => {
      if (this.child !== child) return;
      this.#paces = paces;
      if (!this.#faults.forgetful) kernel.journal = journal;
      this.#take(event);
    });
  }

  #bequeath(withRoles: boolean): Inheritance {
    const { clock, kernel } = this.#around;
    const roles = this.#paces.flatMap(({ role, pace }) => {
      const spokeAt = this.#ledger.get(pace);
      this.#ledger.delete(pace);
      if (spokeAt === undefined || !withRoles) return [];
      return [{ role, spokeAt: this.#faults.flattering ? clock.now : spokeAt }];
    });
    this.#paces = [];
    const { journal } = kernel;
    if (this.#faults.tidy) kernel.remove(journal);
    return { journal, roles };
  }

  /** Before a child gets a configuration. */
  #extend(): void {
    const { kernel } = this.#around;
    if (this.#faults.forgetful) return;
    const known = new Map<string, JournalEntry>();
    for (const entry of [...kernel.journal, ...journalOf(this.#config)])
      known.set(JSON.stringify(entry), entry);
    kernel.journal = [...known.values()];
  }
}
