// How much longer than the protocol's own interval a takeover takes, measured on the wire: from the old master's
// last advert to the heir's first, less master-down time (or skew after priority 0), with the kernel's
// timestamps. Both daemons run at the same time, each in a network of its own. Prints a table of ratios.

import type { DaemonKind } from '../netns/daemon.ts';
import type { Host } from '../netns/lab.ts';
import { Lab } from '../netns/lab.ts';
import type { Router } from '../netns/router.ts';
import { configOf, masterDown, skewTime, virtual4 } from '../netns/router.ts';
import { announced, isAdvert } from '../netns/wire.ts';
import type { Row } from './figures.ts';
import { median, percentile } from './figures.ts';
import { benchOptions, writeReport } from './report.ts';

interface Takeover {
  readonly overhead: number;
  /** From the heir's first advert to its first gratuitous ARP. */
  readonly announcement: number;
}

interface Series {
  readonly daemon: DaemonKind;
  readonly profile: string;
  readonly loss: string;
  readonly takeovers: readonly Takeover[];
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

const profiles: Record<string, Router> = {
  'v2 1 s': router(2, 1),
  'v3 0.1 s': router(3, 0.1),
  'v3 0.01 s': router(3, 0.01),
};

async function measure(
  daemon: DaemonKind,
  profile: string,
  loss: (typeof losses)[number],
  count: number,
): Promise<Series> {
  const one = profiles[profile] as Router;
  const lab = await Lab.open();
  const patience = masterDown(one) / 100 + 15_000;
  try {
    let [master, heir] = [lab.host('a'), lab.host('b')] as [Host, Host];
    const start = (host: Host) => host.start(daemon, configOf(daemon, one, host));
    start(master);
    await lab.untilHolder(virtual4, master.name, patience);
    let returned = lab.now();
    start(heir);
    const takeovers: Takeover[] = [];
    while (takeovers.length < count) {
      await ready(lab, heir, returned, one, patience);
      const loser = master;
      if (loss === 'machine death') loser.killMachine();
      else if (loss === 'link loss') await loser.linkDown();
      else loser.daemons.at(-1)?.signal('SIGTERM');
      await lab.untilHolder(virtual4, heir.name, patience);
      takeovers.push(await judge(lab, loser, heir, one, loss));
      if (loss === 'SIGTERM') await loser.daemons.at(-1)?.ended;
      returned = lab.now();
      if (loss === 'machine death') await loser.reviveMachine();
      if (loss === 'link loss') await loser.linkUp();
      else start(loser);
      [master, heir] = [heir, loser];
    }
    return { daemon, profile, loss, takeovers };
  } finally {
    await lab.close();
  }
}

const advertsOf = (lab: Lab, host: Host) =>
  lab.frames.filter(isAdvert).filter((frame) => frame.from === host.mac);

/** The heir is backup since its return and has heard the master at least twice; nothing moves any more. */
async function ready(
  lab: Lab,
  heir: Host,
  returned: number,
  one: Router,
  patience: number,
): Promise<void> {
  const backup = (): number => {
    const lines = heir.daemons.at(-1)?.lines ?? [];
    const line = lines.findLast(({ text }) => text.includes('Entering BACKUP STATE'));
    return line === undefined ? 0 : (line.at - lab.epoch * 1000) * 1000;
  };
  await lab.until(
    `${heir.name} is backup`,
    () => {
      const since = backup();
      if (since < returned) return false;
      const heard = advertsOf(lab, lab.host(heir.name === 'a' ? 'b' : 'a')).filter(
        (f) => f.at > since,
      );
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
): Promise<Takeover> {
  const last = advertsOf(lab, loser).at(-1);
  if (last === undefined) throw new Error(`no advert of ${loser.name}\n${lab.describe()}`);
  const first = await lab.until('the heir speaks', () =>
    advertsOf(lab, heir).find((frame) => frame.at > last.at),
  );
  const garp = await lab.until('the heir announces', () =>
    lab.frames.find((f) => f.at >= first.at && f.from === heir.mac && announced(f) === virtual4),
  );
  const silent = loss === 'SIGTERM';
  if (silent && last.message.priority !== 0) throw new Error(`no priority 0\n${lab.describe()}`);
  const expected = silent ? skewTime(one) : masterDown(one);
  return { overhead: first.at - last.at - expected, announcement: garp.at - first.at };
}

const { daemons, count, out, only } = benchOptions('failover', 20);
const all: Series[] = [];
const names = Object.keys(profiles).flatMap((profile) => losses.map((loss) => ({ profile, loss })));
const wanted = names.filter(({ profile, loss }) => `${profile}, ${loss}`.includes(only));
for (const { profile, loss } of wanted) {
  process.stderr.write(`${profile}, ${loss}, ${count} takeovers\n`);
  all.push(...(await Promise.all(daemons.map((daemon) => measure(daemon, profile, loss, count)))));
}
const rows: Row[] = [];
for (const { profile, loss } of wanted) {
  const of = (daemon: DaemonKind, field: keyof Takeover): number[] =>
    all
      .filter((s) => s.daemon === daemon && s.profile === profile && s.loss === loss)
      .flatMap((s) => s.takeovers.map((takeover) => takeover[field]));
  const row = (what: string, field: keyof Takeover, figure: (values: number[]) => number): Row => ({
    what: `${profile}, ${loss}: ${what}`,
    keepalived: figure(of('keepalived', field)),
    ours: figure(of('ours', field)),
  });
  rows.push(row('overhead, median, µs', 'overhead', median));
  rows.push(row('overhead, worst, µs', 'overhead', (values) => percentile(values, 1)));
  rows.push(row('first advert to first ARP, median, µs', 'announcement', median));
}
writeReport('failover', out, all, rows);
