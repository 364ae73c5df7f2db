// The whole of keepalived.data for real configurations, beside what keepalived 2.2.7 wrote two seconds after its start on
// the same machine: the machine is what its own list of interfaces says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InterfaceFacts } from '../../src/config/build.ts';
import { dumpGlobals } from '../../src/config/dump.ts';
import type { Config } from '../../src/keywords.ts';
import type { Instant } from '../../src/lib/time.ts';
import { dumpData } from '../../src/vrrp/dump.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import { dumpFacts } from '../../src/vrrp/report.ts';
import { nextDeadline } from '../../src/vrrp/router.ts';
import { Host } from '../sim/host.ts';
import { DIFFERENT, REFUSED } from './differing.ts';
import {
  machineOf,
  masked,
  readConfiguration,
  readCorpus,
  recorded,
  recording,
} from './recorded.ts';

/** A script takes so long, in microseconds. */
const SCRIPT = 5_000;
/** So long it takes until its own interfaces are there. */
const MADE = 2_000;
/** They were asked after two seconds, but for what keepalived itself takes. */
const ASKED = 1_950_000;

function ours(
  read: (interfaces: ReadonlyMap<string, InterfaceFacts>) => Config,
  theirs: readonly string[],
  leads: boolean,
): readonly string[] {
  const { links, addresses, made } = machineOf(theirs);
  const facts = {
    links: links.filter((link) => !made.includes(link)),
    addresses: addresses.filter(({ index }) => !made.some((link) => link.index === index)),
  };
  const known = facts.links.map(
    ({ name, mtu }) => [name, { loopback: name === 'lo', mtu }] as const,
  );
  const host = new Host(read(new Map(known)));
  const ends: { readonly run: number; readonly at: number }[] = [];
  const take = (event: VrrpEvent, at: number): void => {
    host.take(event, at as Instant);
    for (const { run } of host.of('probe')) ends.push({ run, at: at + SCRIPT });
  };
  take({ type: 'facts', facts, observed: { files: {}, counts: {} } }, 0);
  for (const link of made) take({ type: 'link', link }, MADE);
  for (const address of addresses.filter((one) => !facts.addresses.includes(one)))
    take({ type: 'address', address }, MADE);
  for (;;) {
    const deadline = nextDeadline(host.state) ?? Number.POSITIVE_INFINITY;
    const [first] = ends;
    if (Math.min(deadline, first?.at ?? deadline) > ASKED) break;
    if (first !== undefined && first.at <= deadline) {
      ends.shift();
      take({ type: 'probed', run: first.run, end: { status: 0 } }, first.at);
    } else take({ type: 'deadline' }, deadline);
  }
  const clock = { monotonic: host.now, wall: 0 };
  return [
    ...dumpGlobals(host.state.config.global_defs, dumpFacts(host.state, leads)),
    ...dumpData(host.state, clock, new Map()).split('\n'),
  ];
}

const known = new Set(Object.values(DIFFERENT['.data']).flat());

for (const number of recorded('.data').filter((one) => !REFUSED['.data'].includes(one))) {
  test(`keepalived.data of ${number}`, () => {
    const theirs = recording(number, '.data');
    const leads = !recorded('.check.data').includes(number);
    const read = (interfaces: ReadonlyMap<string, InterfaceFacts>): Config =>
      readCorpus(number, interfaces);
    const same = { ours: masked(ours(read, theirs, leads)), theirs: masked(theirs) };
    if (known.has(number)) assert.notDeepEqual(same.ours, same.theirs, 'no longer different');
    else assert.deepEqual(same.ours, same.theirs);
  });
}

/** Recorded in the same way for configurations of ours. */
const OWN = [
  ['dynamic', 'interfaces that are named and not there'],
  ['told', 'words that depend on more than their row'],
  ['disabled', 'scripts that cannot be run'],
  ['options', 'options that few configurations have'],
  ['waiting', 'who had to wait, and a synchronisation daemon that follows nobody'],
  ['overruled', 'what one statement leaves of another'],
  ['bounds', 'delays, announcements and strict mode'],
  ['nobody', 'static objects alone'],
  ['inherited', 'what global_defs give to instances, and a process that nobody tracks'],
] as const;

for (const [name, what] of OWN) {
  test(`keepalived.data of ${what}`, () => {
    const folder = join(import.meta.dirname, '../fixtures/dumps');
    const theirs = readFileSync(join(folder, `${name}.data`), 'utf8')
      .trimEnd()
      .split('\n');
    const own = ours(
      (interfaces) => readConfiguration(join(folder, `${name}.conf`), interfaces),
      theirs,
      true,
    );
    assert.deepEqual(masked(own), masked(theirs));
  });
}
