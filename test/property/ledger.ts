// What must hold of every history of answers and reloads: the table that IPVS holds is the configuration filtered by what the
// checks say, or the sorry server where too few are left. That nothing is wrong on the way is minded by pool.ts.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RealState } from '../../src/check/service.ts';
import { itemAt } from '../../src/lib/vector.ts';
import {
  configOf,
  expected,
  history,
  kills,
  nameOfCheck,
  plain,
  type RealShape,
  reloads,
  type ServiceShape,
  type StepFunction,
  sameTable,
  World,
} from './pool.ts';

/** What each real server is, from the answers that its checks have got; written down once more, without the machine. */
class Ledger {
  readonly #results = new Map<string, { up: boolean; failures: number }>();
  readonly #shape: readonly ServiceShape[];
  readonly #limits: readonly { readonly quorum: number; readonly hysteresis: number }[];
  #quorum: readonly boolean[];

  constructor(shape: readonly ServiceShape[]) {
    this.#shape = shape;
    this.#limits = configOf(shape).virtual_server ?? [];
    this.#quorum = shape.map(() => false);
    this.#count();
  }

  answered(check: string, up: boolean): void {
    const retry = Number(check.split(' ')[1]);
    const before = this.#result(check);
    const failures = up || !before.up ? 0 : before.failures + 1;
    const failed = !up && (!before.up || failures > retry);
    this.#results.set(check, {
      up: up || (before.up && !failed),
      failures: failed ? 0 : failures,
    });
    this.#count();
  }

  table() {
    return expected(
      this.#shape,
      (at, i) => this.#alive(this.#shape[at]?.reals[i] as RealShape),
      (at) => this.#quorum[at] as boolean,
    );
  }

  #result(check: string): { readonly up: boolean; readonly failures: number } {
    // The first answer of all has no tries.
    const [, retry, alpha] = check.split(' ');
    return this.#results.get(check) ?? { up: alpha === 'false', failures: Number(retry) };
  }

  #alive({ ports, retry, alpha }: RealShape): boolean {
    return ports.every((port) => this.#result(nameOfCheck(port, retry, alpha)).up);
  }

  #count(): void {
    this.#quorum = this.#quorum.map((had, at) => {
      const reals = this.#shape[at]?.reals ?? [];
      const live = reals.reduce((sum, real) => sum + (this.#alive(real) ? real.weight : 0), 0);
      const { quorum, hysteresis } = this.#limits[at] as { quorum: number; hysteresis: number };
      // Where all servers have the weight 0 the quorum is 0, and that is not enough.
      return live > 0 && live >= (had ? quorum - hysteresis : quorum + hysteresis);
    });
  }
}

/** The table after every event. */
export function filters(step?: StepFunction): void {
  fc.assert(
    fc.property(history, ({ shape, seed, events }) => {
      const world = new World(shape, seed, step);
      const ledger = new Ledger(shape);
      world.answered = (check, up) => ledger.answered(check, up);
      sameTable(world, ledger.table());
      for (const event of events) {
        if ('answers' in event)
          for (let i = 0; i < event.answers; i++) {
            world.turn();
            sameTable(world, ledger.table());
          }
        else world.happen(event);
      }
    }),
    { numRuns: 300 },
  );
}

/** After reloads too, once every check has said what is so; and at once where nothing about a server has changed. */
export function survives(step?: StepFunction): void {
  fc.assert(
    fc.property(reloads, ({ shape, seed, events }) => {
      const world = new World(shape, seed, step);
      for (const event of events) {
        const before = alive(world);
        world.happen(event);
        if ('ports' in event || 'answers' in event) continue;
        const after = alive(world);
        for (const [name, was] of before)
          assert.equal(after.get(name) ?? was, was, `${name} was ${was ? 'up' : 'down'}`);
      }
      world.rest();
      sameTable(
        world,
        expected(
          world.shape,
          (at, i) => (world.shape[at]?.reals[i]?.ports ?? []).every((port) => world.open.has(port)),
          (at) => itemAt(world.state.services, at).quorum,
        ),
      );
    }),
    { numRuns: 300 },
  );
}

/** Whatever a process before left there of the same services: it is as if nothing had been. */
export function inherits(step?: StepFunction): void {
  fc.assert(
    fc.property(history, fc.array(fc.boolean()), ({ shape, seed, events }, flips) => {
      const before = new World(shape, seed);
      for (const event of events) before.happen(event);
      let at = 0;
      const flip = (): boolean => flips[at++ % Math.max(1, flips.length)] ?? false;
      const left = new Map(
        [...before.kernel].flatMap(([name, pool]) =>
          flip()
            ? []
            : [
                [
                  name,
                  new Map(
                    [...pool].flatMap(([place, weight]) => (flip() ? [] : [[place, weight]])),
                  ),
                ],
              ],
        ),
      );
      const ledger = new Ledger(shape);
      const world = new World(shape, seed, step, left);
      world.answered = (check, up) => ledger.answered(check, up);
      sameTable(world, ledger.table());
      for (let i = 0; i < 20; i++) world.turn();
      sameTable(world, ledger.table());
    }),
    { numRuns: 200 },
  );
}

/**
 * The process is killed and another takes its place: from its first order to its last nothing in IPVS is other than it was,
 * and once every check has answered the table is what it is to be.
 */
export function succeeds(step?: StepFunction): void {
  fc.assert(
    fc.property(history, ({ shape, seed, events }) => {
      // IPVS does not tell a sorry server from the real server that has its address.
      fc.pre(shape.every(({ sorry }) => sorry !== 'twin'));
      const before = new World(shape, seed);
      for (const event of events) before.happen(event);
      const was = plain(before.kernel);
      let started = false;
      const world = new World(shape, seed + 1, step, before.kernel, (kernel) => {
        if (!started) assert.deepEqual(plain(kernel), was, 'the heir changes what is there');
      });
      started = true;
      sameTable(world, before.kernel);
      world.open = before.open;
      world.rest();
      sameTable(
        world,
        expected(
          shape,
          (at, i) => (shape[at]?.reals[i]?.ports ?? []).every((port) => world.open.has(port)),
          (at) => itemAt(world.state.services, at).quorum,
        ),
      );
    }),
    { numRuns: 200 },
  );
}

/** What a program knows that hears every line; servers that it hears nothing of it takes for up, unless they have to show it. */
class Listener {
  readonly #heard = new Map<string, boolean>();
  /** Of these a process that has just begun may say once more what is so. */
  #again = new Set<string>();
  #repeats = new Set<string>();

  hear(line: string): void {
    const words = line.split(' ');
    const up = words.pop() === 'UP';
    const name = words.join(' ');
    const mayRepeat =
      (this.#again.delete(name) && (!up || words[0] === 'VS')) ||
      (this.#repeats.delete(name) && !up);
    if (!mayRepeat) assert.notEqual(this.#heard.get(name), up, `${line}: said twice`);
    this.#heard.set(name, up);
  }

  begins(): void {
    this.#again = new Set(this.#heard.keys());
  }

  /** A reload may bring these services a sorry server: that they have too few servers is said again. */
  mayRepeat(services: readonly string[]): void {
    this.#repeats = new Set(services);
  }

  /** Which there are from now on. */
  learn(before: ReadonlyMap<string, boolean>, now: ReadonlyMap<string, boolean>): void {
    this.#repeats.clear();
    for (const name of before.keys()) if (!now.has(name)) this.#heard.delete(name);
    for (const [name, shows] of now)
      if (!before.has(name) && !this.#heard.has(name) && !shows) this.#heard.set(name, true);
  }

  check({ state }: World): void {
    for (const [at, { name, reals }] of state.plan.services.entries())
      for (const [i, real] of reals.entries()) {
        const told = this.#heard.get(`RS ${real.name} ${name}`) ?? false;
        const { alive } = itemAt(state.services, at).reals[i] as RealState;
        assert.equal(told, alive, `${real.name} of ${name}: said to be ${told ? 'up' : 'down'}`);
      }
  }
}

/** Services without a sorry server. */
const unaided = ({ state }: World): readonly string[] =>
  state.plan.services.flatMap(({ name, config }) =>
    config.sorry_server === undefined ? [`VS ${name}`] : [],
  );

/** Names of services and servers, and whether they have to show themselves before they are up. */
const listed = ({ state }: World): ReadonlyMap<string, boolean> =>
  new Map(
    state.plan.services.flatMap(({ name, reals }) => [
      [`VS ${name}`, true],
      ...reals.map(({ name: real, checks }): [string, boolean] => [
        `RS ${real} ${name}`,
        checks.some((at) => state.plan.checks[at]?.timing.alpha === true),
      ]),
    ]),
  );

/** Programs hear of each change once, through reloads and processes that are killed, and know in the end what is so. */
export function tells(step?: StepFunction): void {
  fc.assert(
    fc.property(kills, ({ shape, seed, events }) => {
      const isTwin = ({ sorry }: ServiceShape): boolean => sorry === 'twin';
      fc.pre(
        !shape.some(isTwin) &&
          !events.some((e) => e !== 'kill' && 'reload' in e && e.reload.some(isTwin)),
      );
      const listener = new Listener();
      let world = new World(shape, seed, step);
      listener.learn(new Map(), listed(world));
      world.told = (line) => listener.hear(line);
      for (const event of events) {
        const before = listed(world);
        if (event === 'kill') {
          listener.begins();
          world = new World(world.shape, seed, step, world.kernel, () => {}, world);
        } else {
          if ('reload' in event) listener.mayRepeat(unaided(world));
          world.happen(event);
          listener.learn(before, listed(world));
        }
      }
      world.rest();
      listener.check(world);
    }),
    { numRuns: 300 },
  );
}

/** Servers and what they are, named by all that decides it. */
function alive(world: World): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (const [at, { reals, group }] of world.shape.entries())
    for (const [i, { ports, retry, alpha }] of reals.entries()) {
      const name = `${group} ${at} ${i} ${[...new Set(ports)].sort()} ${retry} ${alpha}`;
      found.set(name, itemAt(world.state.services, at).reals[i]?.alive === true);
    }
  return found;
}
