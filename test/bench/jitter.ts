// How regular the adverts of a master are, from outside with the kernel's timestamps: drift (slope of a line by
// least squares through the send times, less the interval) and lateness (distance from that line). The daemons
// take turns, a block each, so that both meet the same moods of the machine. Prints a table of ratios.

import type { DaemonKind } from '../netns/daemon.ts';
import { Lab } from '../netns/lab.ts';
import { isAdvert } from '../netns/wire.ts';
import type { Row } from './figures.ts';
import { fitPoints, percentile } from './figures.ts';
import { benchOptions, writeReport } from './report.ts';

const interval = 10_000;
const blocks = 4;

interface Block {
  readonly daemon: DaemonKind;
  readonly instances: number;
  /** µs by which the mean interval differs from 10 ms, for each virtual router. */
  readonly drifts: readonly number[];
  /** µs from the fitted line, every advert of every virtual router. */
  readonly residuals: readonly number[];
  /** µs by which gaps between successive adverts of one router exceed the interval. */
  readonly excesses: readonly number[];
  /** Adverts that were not sent at all. */
  readonly missing: number;
  /** CPU time of all its processes for one advert, µs. */
  readonly cpu: number;
}

function configuration(instances: number): string {
  const one = (i: number): string => `vrrp_instance VI_${i} {
  state MASTER
  interface eth0
  virtual_router_id ${i}
  priority 200
  advert_int 0.01
  virtual_ipaddress {
    10.0.1.${i}/32
  }
}
`;
  const list = Array.from({ length: instances }, (_, i) => one(i + 1));
  return `global_defs {\n  router_id bench\n  vrrp_version 3\n}\n${list.join('')}`;
}

/** The number of the interval in which each advert was sent; a missing one leaves its number out. */
function ticksOf(times: readonly number[]): number[] {
  let tick = 0;
  return times.map((time, i) => {
    if (i > 0) tick += Math.max(1, Math.round((time - (times[i - 1] as number)) / interval));
    return tick;
  });
}

async function measure(daemon: DaemonKind, instances: number, count: number): Promise<Block> {
  const lab = await Lab.open({ hosts: ['a', 'b'], capture: 'ip proto 112' });
  try {
    const started = lab.host('a').start(daemon, configuration(instances));
    const settled = await lab.until(
      'every router is master',
      () => {
        const speakers = new Set(lab.frames.filter(isAdvert).map((f) => f.message.vrid));
        return speakers.size === instances ? lab.now() + 1e6 : undefined;
      },
      20_000,
    );
    const begun = await lab.until('it has settled', () => lab.now() > settled && started.cpuTime());
    const wanted = settled + count * interval;
    await lab.until('its adverts', () => lab.now() > wanted, count * 10 + 20_000);
    const used = started.cpuTime() - begun;
    const byRouter = new Map<number, number[]>();
    for (const frame of lab.frames) {
      if (!isAdvert(frame) || frame.at < settled || frame.at > wanted) continue;
      const times = byRouter.get(frame.message.vrid) ?? [];
      times.push(frame.at);
      byRouter.set(frame.message.vrid, times);
    }
    const series = [...byRouter.values()].map((times) => ({
      times,
      ...fitPoints(ticksOf(times), times),
    }));
    const adverts = series.reduce((sum, { times }) => sum + times.length, 0);
    return {
      daemon,
      instances,
      drifts: series.map(({ slope }) => slope - interval),
      residuals: series.flatMap(({ times, slope, offset }) =>
        ticksOf(times).map((tick, i) => (times[i] as number) - offset - slope * tick),
      ),
      excesses: series.flatMap(({ times }) =>
        times.slice(1).map((time, i) => time - (times[i] as number) - interval),
      ),
      missing: series.reduce(
        (sum, { times }) => sum + (ticksOf(times).at(-1) ?? 0) + 1 - times.length,
        0,
      ),
      cpu: used / adverts,
    };
  } finally {
    await lab.close();
  }
}

const { daemons, count, out } = benchOptions('jitter', 10_000);
const all: Block[] = [];
for (const instances of [1, 20]) {
  for (let block = 0; block < blocks; block++) {
    for (const daemon of daemons) {
      process.stderr.write(`${instances} routers, ${daemon}, ${count / blocks} adverts each\n`);
      all.push(await measure(daemon, instances, count / blocks));
    }
  }
}
const rows: Row[] = [];
for (const instances of [1, 20]) {
  const row = (what: string, figure: (blocks: Block[]) => number): Row => {
    const of = (daemon: DaemonKind): number => {
      const own = all.filter((b) => b.daemon === daemon && b.instances === instances);
      return own.length === 0 ? Number.NaN : figure(own);
    };
    const name = instances === 1 ? '1 router' : `${instances} routers`;
    return { what: `${name}: ${what}`, keepalived: of('keepalived'), ours: of('ours') };
  };
  const distances = (own: Block[]): number[] => own.flatMap((b) => b.residuals.map(Math.abs));
  const excesses = (own: Block[]): number[] => own.flatMap((b) => b.excesses);
  rows.push(
    row('drift, median, µs an interval', (own) =>
      percentile(
        own.flatMap((b) => b.drifts),
        0.5,
      ),
    ),
  );
  for (const [name, p] of [
    ['p50', 0.5],
    ['p99', 0.99],
    ['p99.9', 0.999],
    ['worst', 1],
  ] as const) {
    rows.push(
      row(`distance from its own line, ${name}, µs`, (own) => percentile(distances(own), p)),
    );
  }
  rows.push(row('gap beyond 10 ms, p99.9, µs', (own) => percentile(excesses(own), 0.999)));
  rows.push(row('adverts missing', (own) => own.reduce((sum, b) => sum + b.missing, 0)));
  rows.push(
    row('CPU an advert, µs', (own) =>
      percentile(
        own.map((b) => b.cpu),
        0.5,
      ),
    ),
  );
}
const raw = all.map((block) => ({
  ...block,
  residuals: block.residuals.map(Math.round),
  excesses: undefined,
}));
writeReport('jitter', out, raw, rows);
