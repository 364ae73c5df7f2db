// The checking process's state files: keepalived_check.data and keepalived_check.json. Loaded when the first one is asked for.

import { type DumpFacts, dumpGlobals } from '../config/dump.ts';
import { jsonText } from '../lib/json.ts';
import { integerIn } from '../lib/number.ts';
import type { Log } from '../log.ts';
import { clockAt, dumpPath, writeDump } from '../net/dump.ts';
import type { Ipvs } from '../net/ipvs.ts';
import { native } from '../net/native.ts';
import { readNow } from '../net/watch.ts';
import { dumpCheck } from './dump.ts';
import { countOf, serviceJson } from './json.ts';
import { liveOf } from './live.ts';
import type { CheckerConfig } from './resolve.ts';
import type { DirectorState } from './state.ts';
import { nameOfKey } from './table.ts';

export async function writeData(state: DirectorState, leads: boolean): Promise<void> {
  const text = dataLines(state, dumpFacts(state.config, leads)).join('\n');
  await writeDump(dumpPath('data', '_check', state.config), `${text}\n`);
}

/** What -d logs: the same, before anything is real-time. */
export const configurationLines = (state: DirectorState, leads: boolean): readonly string[] =>
  dataLines(state, { ...dumpFacts(state.config, leads), realtime: undefined });

function dataLines(state: DirectorState, facts: DumpFacts): readonly string[] {
  const { config } = state;
  const { global_defs } = config;
  const files = config.track_file?.map((one) => ({
    ...one,
    status: Number(integerIn(readNow(one.file))),
  }));
  return [
    ...dumpGlobals(global_defs, facts),
    ...dumpCheck(config, global_defs, liveOf(state, clockAt(native.now())), files),
  ];
}

/**
 * With what IPVS counts, and without where it refuses to tell. Thousands of services take their time: checks have their turns
 * meanwhile. `state` is as it was when it was asked for.
 */
export async function writeJson(state: DirectorState, ipvs: Ipvs, log: Log): Promise<void> {
  await writeDump(dumpPath('json', '_check', state.config), jsonPieces(state, ipvs, log));
}

async function* jsonPieces(state: DirectorState, ipvs: Ipvs, log: Log): AsyncGenerator<string> {
  const breath = breather();
  let isRefused = false;
  const ask = <Answer>(question: () => readonly Answer[]): readonly Answer[] => {
    if (isRefused) return [];
    try {
      return question();
    } catch (error) {
      isRefused = true;
      log.warning(`IPVS: cannot read its table: ${(error as Error).message}`);
      return [];
    }
  };
  const held = new Map(ask(() => ipvs.services()).map((one) => [nameOfKey(one.key), one]));
  yield '{"virtual_servers":[';
  for (const [at, { pools }] of state.plan.services.entries()) {
    const entries = pools.flatMap(({ name }) => held.get(name) ?? []);
    const counts = entries.map((one) =>
      countOf(
        one,
        ask(() => ipvs.destinations(one.key)),
      ),
    );
    yield `${at === 0 ? '' : ','}${jsonText(serviceJson(state, at, new Map(counts)))}`;
    await breath();
  }
  yield ']}\n';
}

/** A turn of the loop is given up when so many milliseconds of it are used. */
const TURN = 5;

function breather(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < TURN) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        since = performance.now();
        resolve();
      }),
    );
  };
}

/** What the first section says of the process; `leads` as in DumpFacts. */
export function dumpFacts(
  { global_defs: globals, ...place }: CheckerConfig,
  leads: boolean,
): DumpFacts {
  const { net_namespace, net_namespace_ipvs, instance } = place;
  const { checker_rt_priority: priority, checker_rlimit_rttime: limit } = globals;
  return {
    process: 'check',
    leads,
    ...(net_namespace === undefined ? {} : { net_namespace }),
    ...(net_namespace_ipvs === undefined ? {} : { net_namespace_ipvs }),
    ...(instance === undefined ? {} : { instance }),
    ...(priority > 0 ? { realtime: { priority, limit } } : {}),
    bus: false,
  };
}
