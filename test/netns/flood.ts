// One target under floods, one after the other: a master with a backup that waits for it, or a backup with a master
// that it must go on hearing. Only the target gets the flood. Measures from outside and from the target's own counters;
// judges nothing.

import { readdirSync, readFileSync } from 'node:fs';
import { usualFilter } from './capture.ts';
import type { AdvertOptions } from './craft.ts';
import type { Daemon } from './daemon.ts';
import type { Subject } from './fault.ts';
import type { KindName, Missile } from './kind.ts';
import { missilesOf } from './kind.ts';
import type { Host } from './lab.ts';
import { Lab } from './lab.ts';
import type { Mutant } from './mutant.ts';
import { advertsOf, catchUp, longestSilence, said } from './observe.ts';
import type { Router } from './router.ts';
import { configOf, virtualAddress } from './router.ts';
import type { Counters } from './statistics.ts';
import { readDrops, readStatistics } from './statistics.ts';
import { type Storm, startStorm } from './storm.ts';

export type Role = 'master' | 'backup';

export interface Target {
  readonly subject: Subject;
  readonly role: Role;
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly mutant?: Mutant;
}

/** One flood: its kinds in turn. */
export interface Flood {
  readonly kinds: readonly KindName[];
  readonly rate: number;
  /** Seconds: longer than a backup waits for a master. */
  readonly duration: number;
}

export interface Wave {
  readonly kinds: readonly KindName[];
  /** Microseconds without an advert of whoever is master, at most; and its period. */
  readonly silence: number;
  readonly interval: number;
  /** How often anybody became master. */
  readonly takeovers: number;
  /** What the target's counters rose by, and what they had to rise by; ours only. */
  readonly counted: Counters;
  readonly owed: Counters;
  /** Processor time of the target, of one processor, while it lasted. */
  readonly load: number;
  /** Microseconds that threads were ready to run and did not that nothing here keeps waiting: the machine's doing. */
  readonly waited: number;
  /** The packets took half as long again as they should have: it was another flood. */
  readonly slow: boolean;
}

export interface Outcome {
  readonly waves: readonly Wave[];
  /** Lines that the target logged from the first flood on, and the seconds that they took. */
  readonly lines: readonly string[];
  readonly seconds: number;
  /** Adverts of the master that the target had to hear, and heard; undefined at a master. */
  readonly sent?: number;
  readonly heard?: number;
  /** What the target's memory grew by from after the second flood to the end, in kilobytes. */
  readonly growth: number;
}

const VRID = 51;

export async function playFloods(target: Target, floods: readonly Flood[]): Promise<Outcome> {
  // The flood itself would keep the capture busy: its host is left out.
  const filter = `(${usualFilter}) and not ether src 02:00:00:00:00:03`;
  const lab = await Lab.open({ hosts: ['a', 'b', 'c'], capture: filter });
  let storm: Storm | undefined;
  try {
    const scene = await settle(lab, target);
    storm = await startStorm(lab.host('c'));
    const before = scene.daemon.lines.length;
    const from = lab.now();
    const waves: Wave[] = [];
    let memory = 0;
    for (const flood of floods) {
      waves.push(await endure(scene, storm, flood));
      // By then V8 has compiled what is hot, and has the heap that it wants.
      if (waves.length <= 2) memory = memoryOf(scene.daemon);
    }
    const growth = memoryOf(scene.daemon) - memory;
    const lines = scene.daemon.lines
      .slice(before)
      // What it says of the dumps that this test orders.
      .map(({ text }) => text)
      .filter((text) => !text.includes('Printing'));
    const seconds = (lab.now() - from) / 1e6;
    const heard = target.role === 'backup' ? await hearing(scene) : {};
    return { waves, lines, seconds, growth, ...heard };
  } catch (error) {
    if (error instanceof Error && !error.message.includes('\n'))
      error.message += `\n${lab.describe()}`;
    throw error;
  } finally {
    storm?.close();
    await lab.close();
  }
}

interface Scene {
  readonly lab: Lab;
  readonly target: Target;
  readonly router: Router;
  readonly daemon: Daemon;
  readonly peer: Daemon;
  /** Whoever is to be master. */
  readonly master: Host;
  readonly right: AdvertOptions;
}

async function settle(lab: Lab, target: Target): Promise<Scene> {
  const { subject, role, version, family, mutant } = target;
  const [a, b, c] = [lab.host('a'), lab.host('b'), lab.host('c')];
  const address = virtualAddress({ family });
  const router: Router = {
    version,
    family,
    interval: version === 2 ? 1 : 0.1,
    transport: 'multicast',
    vrid: VRID,
    priority: 150,
    addresses: [`${address}/${family === 4 ? 24 : 64}`],
    ...(version === 2 ? { password: 'secret' } : {}),
    // What it says of itself five seconds later would be counted among the lines.
    more: ['garp_master_delay 0'],
  };
  const rank = (one: Role): Router => ({ ...router, priority: one === 'master' ? 150 : 100 });
  // The target first, so that it hears every advert of the other.
  const daemon = a.start(subject, configOf(subject, rank(role), a), mutant?.options ?? {});
  await lab.untilHolder(address, 'a');
  const other = role === 'master' ? 'backup' : 'master';
  // A peer that is late on a busy machine would prove nothing.
  const peer = b.start('keepalived', configOf('keepalived', rank(other), b), { realTime: true });
  const backup = role === 'master' ? peer : daemon;
  await lab.untilHolder(address, role === 'master' ? 'a' : 'b', 15_000);
  await lab.until(
    'the other is backup',
    () => said(lab, backup, 'Entering BACKUP STATE').length > (role === 'master' ? 0 : 1),
  );
  const six = family === 6;
  const right: AdvertOptions = {
    version,
    source: six ? c.linkLocal : c.address4,
    destination: six ? 'ff02::12' : '224.0.0.18',
    vrid: VRID,
    // Were one of them believed, nobody could miss it.
    priority: 254,
    addresses: [address],
    interval: version === 2 ? 1 : 10,
    authType: version === 2 ? 1 : 0,
    password: router.password ?? '',
    sourceMac: c.mac,
    destinationMac: a.mac,
  };
  return { lab, target, router, daemon, peer, master: role === 'master' ? a : b, right };
}

async function endure(scene: Scene, storm: Storm, flood: Flood): Promise<Wave> {
  const { lab, target, daemon, peer, router, master, right } = scene;
  const missiles = missilesOf(flood.kinds, right);
  const before = target.subject === 'ours' ? await readDrops(lab, daemon) : {};
  const used = daemon.cpuTime();
  const ready = waitOf(daemon, peer);
  const from = await catchUp(lab);
  const { sent, took } = await storm.blow(
    missiles.map(({ frame }) => frame),
    flood.rate,
    flood.duration,
  );
  const until = await catchUp(lab);
  const load = (daemon.cpuTime() - used) / (until - from);
  const waited = waitOf(daemon, peer) - ready;
  const slow = took > flood.duration * 1_500;
  const owed = bill(missiles, sent);
  const counted = target.subject === 'ours' ? await risen(scene, before, owed) : {};
  const silence = longestSilence(lab, master, from, until, VRID);
  const takeovers = [daemon, peer]
    .map((one) => said(lab, one, 'Entering MASTER STATE', from).length)
    .reduce((x, y) => x + y);
  // A target that lost its role gets it back before the next flood.
  await lab.untilHolder(virtualAddress(router), master.name, 20_000);
  return {
    kinds: flood.kinds,
    silence,
    interval: router.interval * 1e6,
    takeovers,
    counted,
    owed,
    load,
    waited,
    slow,
  };
}

/** What the counters must rise by; a reason that is not foreseen is booked under 'any'. */
function bill(missiles: readonly Missile[], sent: readonly number[]): Counters {
  const owed: Record<string, number> = {};
  for (const [i, { reason }] of missiles.entries())
    if (reason !== undefined) owed[reason] = (owed[reason] ?? 0) + (sent[i] ?? 0);
  return owed;
}

const total = (counters: Counters): number => Object.values(counters).reduce((x, y) => x + y, 0);

/** What the drop counters rose by, once all is counted or nothing is counted any more. */
async function risen({ lab, daemon }: Scene, before: Counters, owed: Counters): Promise<Counters> {
  let last = -1;
  for (;;) {
    const now = await readDrops(lab, daemon);
    const rise = Object.fromEntries(
      Object.entries(now)
        .map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const)
        .filter(([, count]) => count !== 0),
    );
    const sum = total(rise);
    if (sum >= total(owed) || sum === last) return 'any' in owed ? folded(rise, owed) : rise;
    last = sum;
  }
}

/** Reasons beyond what is owed by name are what random packets came to. */
function folded(rise: Counters, owed: Counters): Counters {
  const result: Record<string, number> = { any: 0 };
  for (const [reason, count] of Object.entries(rise)) {
    const named = Math.min(count, owed[reason] ?? 0);
    if (named > 0) result[reason] = named;
    result.any = (result.any ?? 0) + count - named;
  }
  return result;
}

/** What I/O threads, and a peer with real-time priority, have waited for a processor, from /proc/PID/task/TID/schedstat. */
function waitOf(...daemons: readonly Daemon[]): number {
  let total = 0;
  for (const daemon of daemons)
    for (const pid of daemon.pids())
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        const at = `/proc/${pid}/task/${task}`;
        if (daemon.kind === 'ours' && readFileSync(`${at}/comm`, 'utf8').trim() !== 'io') continue;
        total += Number(readFileSync(`${at}/schedstat`, 'utf8').split(' ')[1]) / 1000;
      }
  return total;
}

/** Proportional set size of all its processes, in kilobytes. */
function memoryOf(daemon: Daemon): number {
  return daemon
    .pids()
    .map((pid) => {
      const [, size = '0'] =
        /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
      return Number(size);
    })
    .reduce((x, y) => x + y, 0);
}

/** The master says goodbye; then every advert that it ever sent has crossed the wire and has been counted, or is lost. */
async function hearing({
  lab,
  daemon,
  peer,
  router,
  master,
  target,
}: Scene): Promise<{ sent: number; heard: number }> {
  peer.signal('SIGTERM');
  await lab.untilHolder(virtualAddress(router), 'a');
  await catchUp(lab);
  const sent = advertsOf(lab, master).length;
  const heard = (await readStatistics(lab, daemon))['Advertisements/Received'] ?? 0;
  // An advert with other addresses is one of ours to hear, and has been counted as such.
  const strange = target.subject === 'ours' ? ((await readDrops(lab, daemon)).addresses ?? 0) : 0;
  return { sent, heard: heard - strange };
}
