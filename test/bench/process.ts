// A daemon's own life, from outside: from exec to an address owner's first advert, from SIGTERM to the priority 0
// advert and to its end, and the memory of all its processes. Instants on the wire are the kernel's.

import { readFileSync } from 'node:fs';
import { Lab } from '../netns/lab.ts';
import { configOf, type Router } from '../netns/router.ts';
import { isAdvert } from '../netns/wire.ts';
import type { Column, Row } from './figures.ts';
import { median, percentile } from './figures.ts';
import { begin, benchOptions, type Contender, rowOf, writeReport } from './report.ts';

interface Life {
  readonly contender: Column;
  /** µs. */
  readonly execToAdvert: number;
  readonly termToFarewell: number;
  readonly termToEnd: number;
  /** kB of the parent and the VRRP process. */
  readonly pair: number;
  /** kB of all its processes: ours has a spare. */
  readonly resident: number;
  readonly proportional: number;
  readonly privateDirty: number;
}

const owner: Router = {
  version: 3,
  family: 4,
  interval: 1,
  transport: 'multicast',
  vrid: 51,
  priority: 255,
  state: 'MASTER',
  addresses: ['10.0.1.1/32'],
};

/** Microseconds since the lab's epoch, finer than Date.now(). */
const wall = (lab: Lab): number =>
  (performance.timeOrigin + performance.now() - lab.epoch * 1000) * 1000;

function memory(pids: readonly number[]): Pick<Life, 'resident' | 'proportional' | 'privateDirty'> {
  const sum = (field: string): number =>
    pids.reduce((total, pid) => {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      return total + Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);
    }, 0);
  return { resident: sum('Rss'), proportional: sum('Pss'), privateDirty: sum('Private_Dirty') };
}

async function measure({ name: contender, kind, globals }: Contender): Promise<Life> {
  const lab = await Lab.open({ hosts: ['a', 'b'], capture: 'ip proto 112' });
  try {
    const host = lab.host('a');
    const options = { quiet: true, stamped: true };
    const daemon = host.start(kind, configOf(kind, { ...owner, globals }, host), options);
    const advert = await lab.until('an advert', () => lab.frames.find(isAdvert), 20_000);
    const stamp = daemon.read('run/started') ?? '';
    const started = (Number(stamp.slice(0, 10)) - lab.epoch) * 1e6 + Number(stamp.slice(10)) / 1e3;
    await lab.until('two more adverts', () => lab.frames.filter(isAdvert).length >= 3, 20_000);
    const pids = daemon.pids();
    const size = memory(pids);
    const { resident: pair } = memory([daemon.pid, Number(daemon.read('run/vrrp.pid'))]);
    const told = wall(lab);
    daemon.signal('SIGTERM');
    await daemon.ended;
    const ended = wall(lab);
    const farewell = await lab.until('priority 0', () =>
      lab.frames.find((frame) => isAdvert(frame) && frame.message.priority === 0),
    );
    return {
      contender,
      execToAdvert: advert.at - started,
      termToFarewell: farewell.at - told,
      termToEnd: ended - told,
      pair,
      ...size,
    };
  } finally {
    await lab.close();
  }
}

const { contenders, count, out } = benchOptions('process', { full: 20, quick: 3 });
const begun = begin();
const all: Life[] = [];
for (let round = 0; round < count; round++) {
  process.stderr.write(`life ${round + 1} of ${count}\n`);
  for (const contender of contenders) all.push(await measure(contender));
}
const row = (
  what: string,
  field: keyof Omit<Life, 'contender'>,
  figure: (values: readonly number[]) => number,
  target?: Row['target'],
): Row => rowOf(all, what, (list) => figure(list.map((life) => life[field] / 1000)), target);
const worst = (values: readonly number[]): number => percentile(values, 1);
writeReport('process', out, begun, all, [
  row('exec to first advert, median, ms', 'execToAdvert', median, { most: 150 }),
  row('exec to first advert, worst, ms', 'execToAdvert', worst),
  row('SIGTERM to priority 0, median, ms', 'termToFarewell', median, { ratio: 1.5 }),
  row('SIGTERM to priority 0, worst, ms', 'termToFarewell', worst),
  row('SIGTERM to the end, median, ms', 'termToEnd', median, { most: 100 }),
  row('SIGTERM to the end, worst, ms', 'termToEnd', worst),
  row('resident memory of parent and VRRP process, median, MB', 'pair', median, { most: 80 }),
  row('resident memory of all processes, median, MB', 'resident', median),
  row('the same, shared pages divided by their users, MB', 'proportional', median),
  row('private and written to, median, MB', 'privateDirty', median),
]);
