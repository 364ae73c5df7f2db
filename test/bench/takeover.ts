// How long a new master takes to tell the segment where many addresses are: from its first advert to the first and to
// the last address announced for the first time, and to the last announcement of all, on the wire with the
// kernel's timestamps. The old master dies; the contenders take turns.

import type { Host } from '../netns/lab.ts';
import { Lab } from '../netns/lab.ts';
import type { Router } from '../netns/router.ts';
import { configOf } from '../netns/router.ts';
import { announced, type Frame, isAdvert } from '../netns/wire.ts';
import type { Column, Row } from './figures.ts';
import { median, percentile } from './figures.ts';
import { record } from './recording.ts';
import { begin, benchOptions, type Contender, rowOf, writeReport } from './report.ts';

/** Announcements of each address: the default of garp_master_repeat, sent at once. */
const REPEAT = 5;

interface Takeover {
  readonly contender: Column;
  readonly addresses: number;
  /** All in µs from the heir's first advert. */
  readonly first: number;
  readonly everyOne: number;
  readonly last: number;
  /** Longest time between two adverts of the heir in its first second, beyond the interval. */
  readonly gap: number;
}

const router = (addresses: number, globals: readonly string[]): Router => ({
  version: 3,
  family: 4,
  interval: 0.1,
  transport: 'multicast',
  vrid: 51,
  priority: 100,
  nopreempt: true,
  addresses: [`${addressOf(1)}/32`],
  globals,
  // A packet holds few; the others are not part of adverts.
  more: [
    'virtual_ipaddress_excluded {',
    ...Array.from({ length: addresses - 1 }, (_, i) => `  ${addressOf(i + 2)}/32`),
    '}',
    // Nothing after the first round: the second one, 5 s later, is of no interest here.
    'garp_master_delay 0',
  ],
});

const label = (addresses: number): string =>
  addresses === 1 ? '1 address' : `${addresses} addresses`;

const addressOf = (i: number): string => `10.1.${i >> 8}.${i & 255}`;

async function measure(
  { name: contender, kind, globals }: Contender,
  addresses: number,
): Promise<Takeover> {
  const lab = await Lab.open({ capture: false });
  try {
    const one = router(addresses, globals);
    const start = (host: Host) => host.start(kind, configOf(kind, one, host), { quiet: true });
    const [master, heir] = [lab.host('a'), lab.host('b')];
    let looked = 0;
    const held = { a: new Set<string>(), b: new Set<string>() };
    const holds = (host: 'a' | 'b'): boolean => {
      for (; looked < lab.changes.length; looked++) {
        const { host: where, name, present } = lab.changes[looked] as (typeof lab.changes)[number];
        if (!name.startsWith('10.1.')) continue;
        if (present) held[where as 'a' | 'b'].add(name);
        else held[where as 'a' | 'b'].delete(name);
      }
      return held[host].size === addresses;
    };
    const recording = await record(lab, 'arp or ip proto 112');
    start(master);
    await lab.until('the master has them', () => holds('a'), 20_000);
    const daemon = start(heir);
    const entered = (): boolean =>
      daemon.lines.some(({ text }) => text.includes('Entering BACKUP STATE'));
    await lab.until('the heir is backup', entered, 20_000);
    const quiet = lab.now() + 1e6;
    await lab.until('nothing moves any more', () => lab.now() > quiet);
    if (held.b.size > 0) throw new Error(`${contender}: a takeover without a loss`);
    const dead = lab.now();
    master.killMachine();
    await lab.until('the heir has them', () => holds('b'), 20_000);
    const done = lab.now() + 1.5e6;
    await lab.until('it has announced them', () => lab.now() > done);
    const frames = (await recording.end()).filter(({ at, from }) => at > dead && from === heir.mac);
    return { contender, addresses, ...judge(frames, addresses) };
  } finally {
    await lab.close();
  }
}

function judge(
  frames: readonly Frame[],
  addresses: number,
): Omit<Takeover, 'contender' | 'addresses'> {
  const adverts = frames.filter(isAdvert).map(({ at }) => at);
  const [begun = Number.NaN] = adverts;
  const arps = frames.filter((frame) => announced(frame)?.startsWith('10.1.') === true);
  const firsts = new Map<string, number>();
  for (const frame of arps) {
    const address = announced(frame) as string;
    if (!firsts.has(address)) firsts.set(address, frame.at);
  }
  if (firsts.size !== addresses || arps.length !== addresses * REPEAT)
    throw new Error(
      `${firsts.size} addresses, ${arps.length} announcements, ${adverts.length} adverts`,
    );
  const instants = [...firsts.values()];
  const gaps = adverts.slice(1).map((at, i) => at - (adverts[i] as number) - 100_000);
  return {
    first: Math.min(...instants) - begun,
    everyOne: Math.max(...instants) - begun,
    last: (arps.at(-1)?.at ?? Number.NaN) - begun,
    gap: Math.max(...gaps),
  };
}

const failures: {
  readonly contender: Column;
  readonly addresses: number;
  readonly reason: string;
}[] = [];

/** A busy machine spoils some: they are counted, and tried again. */
async function repeated(contender: Contender, addresses: number): Promise<Takeover> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await measure(contender, addresses);
    } catch (error) {
      const reason = (error as Error).message.split('\n')[0] ?? '';
      process.stderr.write(`${contender.name}: ${reason}\n`);
      failures.push({ contender: contender.name, addresses, reason });
      if (attempt === 3) throw error;
    }
  }
}

const { contenders, count, out, only } = benchOptions('takeover', { full: 10, quick: 2 });
const begun = begin();
const all: Takeover[] = [];
const wanted = [1, 100, 1000, 2000].filter((addresses) => `${addresses}`.includes(only));
for (const addresses of wanted) {
  process.stderr.write(`${addresses} addresses, ${count} takeovers\n`);
  for (let round = 0; round < count; round++)
    for (const contender of contenders) all.push(await repeated(contender, addresses));
}
const rows: Row[] = [];
for (const addresses of wanted) {
  const own = all.filter((takeover) => takeover.addresses === addresses);
  const row = (
    what: string,
    field: 'first' | 'everyOne' | 'last' | 'gap',
    figure: (values: readonly number[]) => number,
    target?: Row['target'],
  ): Row =>
    rowOf(
      own,
      `${label(addresses)}: ${what}`,
      (list) => figure(list.map((one) => one[field] / 1000)),
      target,
    );
  const worst = (values: readonly number[]): number => percentile(values, 1);
  rows.push(
    row('first announced, median, ms', 'first', median),
    row('first announced, worst, ms', 'first', worst, { most: 2 }),
    row(
      'every address announced, median, ms',
      'everyOne',
      median,
      addresses > 1 ? { ratio: 0.5 } : undefined,
    ),
    row('every address announced, worst, ms', 'everyOne', worst),
    row('last of all announcements, median, ms', 'last', median),
    row('gap between adverts beyond 100 ms, worst, ms', 'gap', worst),
    rowOf(
      own,
      `${label(addresses)}: attempts that failed`,
      ([one]) =>
        failures.filter((f) => f.contender === one?.contender && f.addresses === addresses).length,
    ),
  );
}
writeReport('takeover', out, begun, { takeovers: all, failures }, rows);
