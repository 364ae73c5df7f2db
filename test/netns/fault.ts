// One fault, played twice in the same scene: at a master that is ours and at one that is keepalived 2.2.7, with a
// keepalived as the peer of both. Measures from outside (the wire, the kernel's addresses, what the peer does),
// asserts what ours must do, and with KEEPALIVED_FAULTS_RESULTS writes both outcomes down, from which scripts/generate.ts
// makes docs/reliability.md. Each guard that a fault is about can be named with it: the checks must then fail without it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Daemon, DaemonOptions } from './daemon.ts';
import type { Host } from './lab.ts';
import { Lab } from './lab.ts';
import type { Mutant, Removal } from './mutant.ts';
import { buildMutant, placeOf } from './mutant.ts';
import type { Router } from './router.ts';
import { configOf, optionsOf, virtual4 } from './router.ts';

export type Subject = 'ours' | 'keepalived';

export interface Scene {
  readonly lab: Lab;
  readonly subject: Subject;
  /** Where the fault happens; its daemon is the subject. */
  readonly a: Host;
  readonly b: Host;
  readonly daemon: Daemon;
  readonly peer: Daemon;
  readonly router: Router;
  /** Starts the subject on its host again; `after` leaves it the files of the one before. */
  restart(config: string, after?: Daemon): Daemon;
  /** The first virtual address, without its prefix. */
  readonly address: string;
}

/** A guard whose removal must make the checks fail, and the words with which they then fail. */
export interface Guard extends Removal {
  readonly fails: RegExp;
  /** Seen to matter in every run, not only in a full one. */
  readonly cheap?: boolean;
}

export interface Fault<Outcome> {
  /** Name of the file with the outcomes. */
  readonly id: string;
  readonly title: string;
  /** The order in docs/reliability.md. */
  readonly place: number;
  readonly router?: Partial<Router>;
  readonly peer?: Partial<Router>;
  /** More text at the end of both configurations; the argument is the router's priority. */
  readonly tail?: (priority: number) => string;
  readonly options?: DaemonOptions;
  /** Why the fault cannot be brought about in keepalived; it is then not played there. */
  readonly only?: string;
  /** Only with `scripts/test --full`. */
  readonly slow?: boolean;
  readonly hosts?: readonly string[];
  /** From two settled routers, a the master: does the damage, waits until it is over, and measures. */
  play(scene: Scene): Promise<Outcome>;
  /** A short English sentence with the figures. */
  tell(outcome: Outcome): string;
  /** What ours must do. */
  check(outcome: Outcome): void;
  readonly guards?: readonly Guard[];
}

const full = process.env.KEEPALIVED_TEST_FULL !== undefined;

/** The usual scene: VRRPv3, 0.1 s, priority 150 over 100, so that a takeover takes 0.36 s. */
const usual: Router = {
  version: 3,
  family: 4,
  interval: 0.1,
  transport: 'multicast',
  vrid: 51,
  priority: 150,
  addresses: [`${virtual4}/24`],
};

/** Registers the tests of one fault. */
export function testFault<Outcome>(fault: Fault<Outcome>): void {
  const skip = fault.slow && !full ? 'only with --full' : false;
  const told: Partial<Record<Subject, string>> = {};
  if (fault.only !== undefined) told.keepalived = fault.only;
  const observe = async (subject: Subject): Promise<Outcome> => {
    const outcome = await play(fault, subject);
    told[subject] = fault.tell(outcome);
    record(fault, told);
    return outcome;
  };
  describe(fault.title, { skip }, () => {
    it('ours', async (t) => {
      const outcome = await observe('ours');
      t.diagnostic(told.ours ?? '');
      fault.check(outcome);
    });
    if (fault.only === undefined) {
      it('keepalived 2.2.7 in the same scene', async (t) => {
        await observe('keepalived');
        t.diagnostic(told.keepalived ?? '');
      });
    }
    for (const guard of fault.guards ?? []) {
      const settings = { skip: guard.cheap || full ? false : 'only with --full' };
      it(`is seen to need ${guard.guard}: ${placeOf(guard)}`, settings, async (t) => {
        const mutant = await buildMutant(guard);
        try {
          const outcome = await play(fault, 'ours', mutant);
          t.diagnostic(`without it: ${fault.tell(outcome)}`);
          assert.throws(() => fault.check(outcome), guard.fails);
        } finally {
          mutant.remove();
        }
      });
    }
  });
}

async function play<Outcome>(
  fault: Fault<Outcome>,
  subject: Subject,
  mutant?: Mutant,
): Promise<Outcome> {
  const lab = await Lab.open({ hosts: fault.hosts ?? ['a', 'b'] });
  try {
    return await fault.play(await settle(lab, fault, subject, mutant));
  } catch (error) {
    if (error instanceof Error && !error.message.includes('\n')) {
      error.message += `\n${lab.describe()}`;
    }
    throw error;
  } finally {
    await lab.close();
  }
}

async function settle<Outcome>(
  lab: Lab,
  fault: Fault<Outcome>,
  subject: Subject,
  mutant: Mutant | undefined,
): Promise<Scene> {
  const router: Router = { ...usual, ...fault.router };
  const [a, b] = [lab.host('a'), lab.host('b')];
  const environment = { ...fault.options?.environment, ...mutant?.options.environment };
  const options = subject === 'ours' ? { ...fault.options, ...mutant?.options, environment } : {};
  const start = (host: Host, kind: Subject, own: Router, more: DaemonOptions): Daemon => {
    const text = `${configOf(kind, own, host)}${fault.tail?.(own.priority) ?? ''}`;
    return host.start(kind, text, more);
  };
  const daemon = start(a, subject, router, options);
  for (const address of router.addresses) await lab.untilHolder(bare(address), 'a');
  const below: Router = { ...router, priority: 100, ...fault.peer };
  const peer = start(b, 'keepalived', below, optionsOf('keepalived', below));
  await lab.until('b is backup', () =>
    peer.lines.some(({ text }) => text.includes('Entering BACKUP STATE')),
  );
  const heard = lab.now();
  // By then b would have taken over, had it not heard a.
  await lab.until('b has accepted a', () => lab.now() > heard + 4 * router.interval * 1e6);
  await untilCalm(lab, daemon);
  const address = bare(router.addresses[0] ?? '');
  assert.deepEqual(lab.holders(address), ['a'], 'the scene settles');
  const restart = (config: string, after?: Daemon): Daemon =>
    a.start(subject, config, after === undefined ? options : { ...options, after });
  return { lab, subject, a, b, daemon, peer, router, restart, address };
}

/** Waits until the daemon does no more than its usual work: whatever it prepares for later is ready. */
export async function untilCalm(lab: Lab, daemon: Daemon): Promise<void> {
  const used = (): number => {
    try {
      return daemon.cpuTime();
    } catch {
      return Number.POSITIVE_INFINITY; // one of its processes was just ending
    }
  };
  let [since, before] = [lab.now(), used()];
  await lab.until('the daemon has come to rest', () => {
    if (lab.now() < since + 250_000) return false;
    const now = used();
    const spent = now - before;
    [since, before] = [lab.now(), now];
    return spent >= 0 && spent < 10_000;
  });
}

const bare = (address: string): string => address.replace(/\/.*/, '');

/** Written anew whenever a subject has been observed; a file with both is a result. */
export function record(
  { id, title, place }: Pick<Fault<unknown>, 'id' | 'title' | 'place'>,
  told: Readonly<Partial<Record<Subject, string>>>,
): void {
  const folder = process.env.KEEPALIVED_FAULTS_RESULTS;
  if (folder === undefined || told.ours === undefined || told.keepalived === undefined) return;
  mkdirSync(folder, { recursive: true });
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const date = new Date().toISOString().slice(0, 10);
  const result = { fault: title, place, ...told, date, commit };
  writeFileSync(join(folder, `${id}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** The VRRP child: both daemons write its number where the lab tells them to. */
export function childOf(daemon: Daemon): number {
  const pid = Number(daemon.read('run/vrrp.pid'));
  assert.ok(pid > 0 && existsSync(`/proc/${pid}`), 'vrrp.pid holds the pid of a process');
  return pid;
}
