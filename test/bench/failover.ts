// How much longer than the protocol's own interval a takeover takes, measured on the wire: from the old master's
// last advert to the heir's first, less master-down time (or skew after priority 0), with the kernel's
// timestamps. Every contender has a network of its own and they take turns: while one fails over and what it lost
// starts again, the others stand still. Prints a table of ratios.

import { fileURLToPath } from 'node:url';
import type { DaemonOptions } from '../netns/daemon.ts';
import type { Host } from '../netns/lab.ts';
import { Lab } from '../netns/lab.ts';
import type { Router } from '../netns/router.ts';
import { configOf, masterDown, skewTime, virtual4 } from '../netns/router.ts';
import { announced, isAdvert } from '../netns/wire.ts';
import type { Column, Row } from './figures.ts';
import { median, percentile } from './figures.ts';
import { begin, benchOptions, type Contender, rowOf, writeReport } from './report.ts';
import { Turns } from './turns.ts';

interface Takeover {
  readonly overhead: number;
  /** From the heir's first advert to its first gratuitous ARP. */
  readonly announcement: number;
}

interface Series {
  readonly contender: Column;
  readonly profile: string;
  readonly loss: string;
  readonly takeovers: readonly Takeover[];
  /** Times that a daemon became master without a loss. */
  readonly spurious: number;
  /** Takeovers that could not be judged, because both had spoken before, or the loser was not master. */
  readonly spoiled: number;
}

interface Profile {
  readonly router: Router;
  /** Our JavaScript is kept busy for 100 ms of every 400. */
  readonly blocked?: true;
}

const losses = ['machine death', 'link loss', 'SIGTERM'] as const;

// Equal routers that never preempt take the address from each other, so that each loss is one takeover.
const router = (version: 2 | 3, interval: number): Router => ({
  version,
  family: 4,
  interval,
  transport: 'multicast',
  vrid: 51,
  priority: 100,
  nopreempt: true,
  addresses: [`${virtual4}/24`],
});

const profiles: Record<string, Profile> = {
  'v2 1 s': { router: router(2, 1) },
  'v3 0.1 s': { router: router(3, 0.1) },
  'v3 0.01 s': { router: router(3, 0.01) },
  'v3 0.01 s, our JavaScript blocked': { router: router(3, 0.01), blocked: true },
};

const blocker = fileURLToPath(new URL('block.cjs', import.meta.url));

async function measure(
  { name, kind, globals }: Contender,
  profile: string,
  loss: (typeof losses)[number],
  count: number,
  turns: Turns,
): Promise<Series> {
  const { router, blocked } = profiles[profile] as Profile;
  const one: Router = { ...router, globals };
  const options: DaemonOptions = {
    quiet: true,
    ...(blocked === true && kind === 'ours'
      ? { environment: { NODE_OPTIONS: `--require ${blocker}` } }
      : {}),
  };
  const lab = await Lab.open();
  const patience = masterDown(one) / 1000 + 20_000;
  try {
    let [master, heir] = [lab.host('a'), lab.host('b')] as [Host, Host];
    const start = (host: Host) => host.start(kind, configOf(kind, one, host), options);
    start(master);
    await lab.untilHolder(virtual4, master.name, patience);
    let returned = lab.now();
    start(heir);
    await lab.until('the heir is backup', () => backupSince(lab, heir) > returned, patience);
    const takeovers: Takeover[] = [];
    let [attempts, spoiled] = [0, 0];
    while (takeovers.length < count && spoiled <= count) {
      await ready(lab, one, patience);
      await turns.take(async () => {
        // At 10 ms a busy machine makes masters of heirs without a loss.
        if (lab.holders(virtual4)[0] !== master.name) [master, heir] = [heir, master];
        attempts++;
        const loser = master;
        const lost = lab.now() - 1000;
        if (loss === 'machine death') loser.killMachine();
        else if (loss === 'link loss') await loser.linkDown();
        else loser.daemons.at(-1)?.signal('SIGTERM');
        await lab.untilHolder(virtual4, heir.name, patience);
        const judged = await judge(lab, loser, heir, one, loss);
        if (judged === undefined) spoiled++;
        else takeovers.push(judged);
        if (loss === 'SIGTERM') await loser.daemons.at(-1)?.ended;
        // A cable that is back before anybody has missed it is another test.
        if (loss === 'link loss') await lab.until('the fault', () => faultSince(lab, loser) > lost);
        returned = lab.now();
        if (loss === 'machine death') await loser.reviveMachine();
        if (loss === 'link loss') await loser.linkUp();
        else start(loser);
        [master, heir] = [heir, loser];
        await lab.until('the heir is backup', () => backupSince(lab, loser) > returned, patience);
      });
    }
    const entered = lab.hosts
      .flatMap((host) => host.daemons.flatMap((daemon) => daemon.lines))
      .filter(({ text }) => text.includes('Entering MASTER STATE')).length;
    return { contender: name, profile, loss, takeovers, spurious: entered - attempts - 1, spoiled };
  } finally {
    await lab.close();
  }
}

const advertsOf = (lab: Lab, host: Host) =>
  lab.frames.filter(isAdvert).filter((frame) => frame.from === host.mac);

/** When the last daemon of the host said so last; 0 where it has not. */
function saidAt(lab: Lab, host: Host, text: string): number {
  const lines = host.daemons.at(-1)?.lines ?? [];
  const line = lines.findLast((one) => one.text.includes(text));
  return line === undefined ? 0 : (line.at - lab.epoch * 1000) * 1000;
}

const backupSince = (lab: Lab, host: Host): number => saidAt(lab, host, 'Entering BACKUP STATE');
const faultSince = (lab: Lab, host: Host): number => saidAt(lab, host, 'Entering FAULT STATE');

/** One host has the address, and the other has heard it at least twice since it is backup; nothing moves any more. */
async function ready(lab: Lab, one: Router, patience: number): Promise<void> {
  await lab.until(
    'the heir hears the master',
    () => {
      const [name, another] = lab.holders(virtual4);
      if (name === undefined || another !== undefined) return false;
      const [holder, other] = name === 'a' ? ['a', 'b'] : ['b', 'a'];
      const since = backupSince(lab, lab.host(other as string));
      if (since === 0) return false;
      const heard = advertsOf(lab, lab.host(holder as string)).filter((f) => f.at > since);
      return (
        heard.length >= 2 && (heard.at(-1)?.at ?? 0) > since + Math.min(3e5, one.interval * 2e6)
      );
    },
    patience,
  );
}

async function judge(
  lab: Lab,
  loser: Host,
  heir: Host,
  one: Router,
  loss: string,
): Promise<Takeover | undefined> {
  const last = advertsOf(lab, loser).at(-1);
  if (last === undefined) throw new Error(`no advert of ${loser.name}\n${lab.describe()}`);
  const first = await lab.until('the heir speaks', () =>
    advertsOf(lab, heir).find((frame) => frame.at > last.at),
  );
  const garp = await lab.until('the heir announces', () =>
    lab.frames.find((f) => f.at >= first.at && f.from === heir.mac && announced(f) === virtual4),
  );
  const silent = loss === 'SIGTERM';
  // What it said as the master before its own loss disputes nothing.
  const from = Math.max(last.at - masterDown(one), backupSince(lab, heir));
  const disputed = advertsOf(lab, heir).some(({ at }) => at > from && at <= last.at);
  if (disputed || (silent && last.message.priority !== 0)) return undefined;
  const expected = silent ? skewTime(one) : masterDown(one);
  return { overhead: first.at - last.at - expected, announcement: garp.at - first.at };
}

const { contenders, count, out, only } = benchOptions('failover', { full: 20, quick: 3 });
const begun = begin();
const all: Series[] = [];
const names = Object.keys(profiles).flatMap((profile) => losses.map((loss) => ({ profile, loss })));
const wanted = names.filter(({ profile, loss }) => `${profile}, ${loss}`.includes(only));
for (const { profile, loss } of wanted) {
  process.stderr.write(`${profile}, ${loss}, ${count} takeovers\n`);
  const turns = new Turns();
  const series = contenders.map((one) => measure(one, profile, loss, count, turns));
  all.push(...(await Promise.all(series)));
}
const rows: Row[] = [];
for (const { profile, loss } of wanted) {
  const own = all.filter((s) => s.profile === profile && s.loss === loss);
  const row = (
    what: string,
    figure: (takeovers: readonly Takeover[]) => number,
    target?: Row['target'],
  ): Row =>
    rowOf(
      own,
      `${profile}, ${loss}: ${what}`,
      (list) => figure(list.flatMap(({ takeovers }) => takeovers)),
      target,
    );
  const overheads = (list: readonly Takeover[]) => list.map(({ overhead }) => overhead);
  const firsts = (list: readonly Takeover[]) => list.map(({ announcement }) => announcement);
  rows.push(
    row('overhead, median, µs', (list) => median(overheads(list)), { ratio: 0.4 }),
    row('overhead, worst, µs', (list) => percentile(overheads(list), 1)),
    row('first advert to first ARP, median, µs', (list) => median(firsts(list)), { ratio: 0.9 }),
    rowOf(
      own,
      `${profile}, ${loss}: takeovers without a loss`,
      ([series]) => series?.spurious ?? Number.NaN,
      { most: 0 },
    ),
    rowOf(
      own,
      `${profile}, ${loss}: takeovers that could not be judged`,
      ([series]) => series?.spoiled ?? Number.NaN,
    ),
  );
}
writeReport('failover', out, begun, all, rows);
