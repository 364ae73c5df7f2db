// How regular the adverts of a master are, from outside with the kernel's timestamps: drift (slope of a line by
// least squares through the send times, less the interval) and lateness (distance from that line), with idle and with
// busy processors. The contenders take turns, a block each, so that all meet the same moods of the machine.

import { Lab } from '../netns/lab.ts';
import type { Frame } from '../netns/wire.ts';
import { isAdvert } from '../netns/wire.ts';
import { Burner } from './burner.ts';
import {
  type Column,
  fitPoints,
  histogram,
  median,
  percentile,
  percentileOf,
  type Row,
  ticksOf,
} from './figures.ts';
import { record } from './recording.ts';
import { begin, benchOptions, type Contender, rowOf, writeReport } from './report.ts';

const interval = 10_000;
const blocks = 4;

interface Setting {
  readonly name: string;
  readonly instances: number;
  readonly busy: boolean;
}

const settings: readonly Setting[] = [false, true].flatMap((busy) =>
  [1, 20, 100].map((instances) => ({
    name: `${busy ? 'busy' : 'idle'}, ${instances === 1 ? '1 router' : `${instances} routers`}`,
    instances,
    busy,
  })),
);

interface Block {
  readonly contender: Column;
  readonly setting: string;
  /** µs by which the mean interval differs from 10 ms, for each virtual router. */
  readonly drifts: readonly number[];
  /** How often each distance from the fitted line, in µs, occurred among all adverts. */
  readonly distances: readonly (readonly [number, number])[];
  /** The same for that by which gaps between successive adverts of one router exceed the interval. */
  readonly excesses: readonly (readonly [number, number])[];
  readonly adverts: number;
  /** Adverts that were not sent at all. */
  readonly missing: number;
  /** CPU time of all its processes for one advert, µs. */
  readonly cpu: number;
}

function configuration(instances: number, globals: readonly string[]): string {
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
  const lines = ['router_id bench', 'vrrp_version 3', ...globals].map((line) => `  ${line}\n`);
  return `global_defs {\n${lines.join('')}}\n${list.join('')}`;
}

async function measure(
  { name: contender, kind, globals }: Contender,
  { name: setting, instances, busy }: Setting,
  count: number,
): Promise<Block> {
  const lab = await Lab.open({ hosts: ['a', 'b'], capture: false });
  let burner: Burner | undefined;
  try {
    const daemon = lab.host('a').start(kind, configuration(instances, globals), { quiet: true });
    const masters = (): number =>
      daemon.lines.filter(({ text }) => text.includes('Entering MASTER STATE')).length;
    await lab.until('every router is master', () => masters() === instances, 20_000);
    if (busy) burner = new Burner();
    const recording = await record(lab, 'ip proto 112');
    const settled = lab.now() + 1e6;
    await lab.until('it has settled', () => lab.now() > settled);
    const [begun, from] = [daemon.cpuTime(), lab.now()];
    const wanted = from + count * interval;
    await lab.until('its adverts', () => lab.now() > wanted, count * 10 + 20_000);
    const [used, until] = [daemon.cpuTime() - begun, lab.now()];
    const frames = await recording.end();
    const adverts = frames.filter((f) => f.at >= from && f.at <= until);
    return { contender, setting, ...judge(adverts), cpu: used / adverts.length };
  } finally {
    await burner?.stop();
    await lab.close();
  }
}

type Judgement = Omit<Block, 'contender' | 'setting' | 'cpu'>;

function judge(frames: readonly Frame[]): Judgement {
  const byRouter = new Map<number, number[]>();
  for (const frame of frames) {
    if (!isAdvert(frame)) continue;
    const times = byRouter.get(frame.message.vrid) ?? [];
    times.push(frame.at);
    byRouter.set(frame.message.vrid, times);
  }
  const series = [...byRouter.values()].map((times) => {
    const ticks = ticksOf(times, interval);
    return { times, ticks, ...fitPoints(ticks, times) };
  });
  const distances = series.flatMap(({ times, ticks, slope, offset }) =>
    ticks.map((tick, i) => Math.abs((times[i] as number) - offset - slope * tick)),
  );
  const excesses = series.flatMap(({ times }) =>
    times.slice(1).map((time, i) => time - (times[i] as number) - interval),
  );
  return {
    drifts: series.map(({ slope }) => slope - interval),
    distances: histogram(distances),
    excesses: histogram(excesses),
    adverts: distances.length,
    missing: series.reduce((n, { ticks }) => n + (ticks.at(-1) ?? 0) + 1 - ticks.length, 0),
  };
}

/** One histogram of several. */
const joined = (
  blocks: readonly Block[],
  field: 'distances' | 'excesses',
): (readonly [number, number])[] => {
  const counts = new Map<number, number>();
  for (const block of blocks)
    for (const [value, times] of block[field]) counts.set(value, (counts.get(value) ?? 0) + times);
  return [...counts].sort(([a], [b]) => a - b);
};

const { contenders, count, out, only } = benchOptions('jitter', { full: 10_000, quick: 400 });
const begun = begin();
const all: Block[] = [];
const wanted = settings.filter(({ name }) => name.includes(only));
for (const setting of wanted) {
  for (let block = 0; block < blocks; block++) {
    for (const contender of contenders) {
      process.stderr.write(`${setting.name}, ${contender.name}, ${count / blocks} adverts each\n`);
      all.push(await measure(contender, setting, count / blocks));
    }
  }
}
const rows: Row[] = [];
for (const { name, busy, instances } of wanted) {
  const own = all.filter(({ setting }) => setting === name);
  const row = (
    what: string,
    figure: (blocks: readonly Block[]) => number,
    target?: Row['target'],
  ): Row => rowOf(own, `${name}: ${what}`, figure, target);
  const lateness = (p: number) => (blocks: readonly Block[]) =>
    percentileOf(joined(blocks, 'distances'), p);
  rows.push(
    row('drift, median, µs an interval', (list) => median(list.flatMap((b) => b.drifts)), {
      most: 1,
    }),
    row('lateness p50, µs', lateness(0.5)),
    row('lateness p99, µs', lateness(0.99)),
    row('lateness p99.9, µs', lateness(0.999), { ratio: busy ? 0.1 : 1 }),
    row('lateness, worst, µs', lateness(1)),
    row('p99.9 of the best block, µs', (list) =>
      Math.min(...list.map(({ distances }) => percentileOf(distances, 0.999))),
    ),
    row('gap beyond 10 ms, p99.9, µs', (list) => percentileOf(joined(list, 'excesses'), 0.999)),
    row('adverts missing', (list) => list.reduce((sum, { missing }) => sum + missing, 0)),
    row(
      'CPU an advert, µs',
      (list) =>
        percentile(
          list.map(({ cpu }) => cpu),
          0.5,
        ),
      instances > 1 ? { ratio: 0.6 } : undefined,
    ),
  );
}
writeReport('jitter', out, begun, all, rows);
