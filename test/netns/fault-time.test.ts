// When things leave: adverts over many intervals, adverts while every processor is busy, the end of the daemon.

import assert from 'node:assert/strict';
import { testFault } from './fault.ts';
import { startBurners } from './load.ts';
import { advertsOf, catchUp, milliseconds, takeovers } from './observe.ts';
import { sanitized } from './programs.ts';
import { configOf } from './router.ts';

const interval = 10_000;

/** Microseconds by which an interval is too long: the median, which a stall of the machine or a lost advert does not move. */
function excess(instants: readonly number[]): number {
  const gaps = instants.slice(1).map((at, i) => at - (instants[i] ?? 0));
  return (gaps.sort((x, y) => x - y)[Math.floor(gaps.length / 2)] ?? Number.NaN) - interval;
}

testFault<{ readonly drift: number }>({
  id: 'drift',
  title: '500 adverts at 10 ms: how much too long half of the intervals are, at least',
  place: 20,
  router: { interval: interval / 1e6 },
  async play({ lab, a }) {
    const from = lab.now();
    const spoken = (): boolean => advertsOf(lab, a, from).length >= 500;
    await lab.until('it has spoken that often', spoken, 30_000);
    return { drift: excess(advertsOf(lab, a, from).map(({ at }) => at)) };
  },
  tell: ({ drift }) => `${Math.abs(drift) < 0.05 ? '0.0' : drift.toFixed(1)} µs`,
  check: ({ drift }) => assert.ok(Math.abs(drift) < 5, `${drift} µs an interval`),
  guards: [
    {
      guard: 'the absolute schedule',
      file: 'native/io_loop.h',
      from: '    pace.next += pace.period;',
      to: '    pace.next = Now() + pace.period;',
      fails: /µs an interval/,
    },
  ],
});

testFault<{ readonly late: number; readonly most: number; readonly takeovers: number }>({
  id: 'busy',
  title: 'Every processor busy, adverts every 10 ms: how late they are (99 of 100, and the worst)',
  place: 30,
  router: { interval: interval / 1e6 },
  async play({ lab, a, peer }) {
    const burners = startBurners();
    try {
      const from = lab.now();
      await lab.until('5 s have passed', () => lab.now() > from + 5e6);
      const until = await catchUp(lab);
      const instants = advertsOf(lab, a, from, until).map(({ at }) => at);
      const late = instants
        .slice(1)
        .map((at, i) => at - (instants[i] ?? 0) - interval)
        .sort((x, y) => x - y);
      return {
        late: late[Math.floor(late.length * 0.99)] ?? Number.NaN,
        most: late.at(-1) ?? Number.NaN,
        takeovers: takeovers(lab, peer, from),
      };
    } finally {
      burners.stop();
    }
  },
  tell: ({ late, most, takeovers }) =>
    `${milliseconds(late)}, ${milliseconds(most)}; ${takeovers === 0 ? 'no takeover' : `${takeovers} takeovers`}`,
  // What other machines on the same host leave of the processors decides the tail: these are facts, not promises.
  check: ({ late }) => assert.ok(late < interval, `one in a hundred is ${late} µs late`),
});

interface Stop {
  /** From SIGTERM to the end of the process, the best of three, and to priority 0. */
  readonly took: number;
  readonly farewell: number | undefined;
  readonly left: readonly string[];
}

testFault<Stop>({
  id: 'stop',
  title:
    'SIGTERM, without scripts: until the process has ended, and until priority 0 (best of three)',
  place: 100,
  async play({ lab, a, daemon: running, subject, router, restart, address }) {
    let daemon = running;
    const took: number[] = [];
    const farewells: number[] = [];
    const left: string[] = [];
    for (let round = 1; ; round++) {
      await lab.untilHolder(address, 'a');
      const from = lab.now();
      daemon.signal('SIGTERM');
      await daemon.ended;
      took.push(lab.now() - from);
      const until = await catchUp(lab);
      const farewell = advertsOf(lab, a, from, until).find(({ message }) => message.priority === 0);
      if (farewell !== undefined) farewells.push(farewell.at - from);
      if ((await a.addresses()).some((one) => one.startsWith(`${address}/`))) left.push(address);
      if (round === 3) break;
      daemon = restart(configOf(subject, router, a));
    }
    return { took: Math.min(...took), farewell: Math.min(...farewells), left };
  },
  tell: ({ took, farewell, left }) =>
    `${milliseconds(took)}, ${farewell === undefined ? 'no priority 0' : milliseconds(farewell)}${left.length > 0 ? ', address left behind' : ''}`,
  check: ({ took, farewell, left }) => {
    assert.ok(took < (sanitized ? 1_000_000 : 100_000), `it took ${took} µs`);
    assert.ok(farewell !== undefined && farewell < 100_000, `priority 0 after ${farewell} µs`);
    assert.deepEqual(left, [], 'no address is left');
  },
});
