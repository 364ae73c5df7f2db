// The end of what runs inside a machine: result or error as a file of JSON that the outside reads.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Outcome } from './machine.ts';

export async function conclude(main: (input: never) => unknown): Promise<void> {
  const folder = process.env.KEEPALIVED_MACHINE ?? '';
  const outcome = await attempt(main, join(folder, 'input.json'));
  const path = join(folder, 'result.json');
  // Renamed into place: half a file is no result.
  writeFileSync(`${path}.new`, JSON.stringify(outcome));
  renameSync(`${path}.new`, path);
  // Whatever still runs goes with the machine.
  process.exit(0);
}

async function attempt(main: (input: never) => unknown, path: string): Promise<Outcome> {
  try {
    const input = JSON.parse(readFileSync(path, 'utf8')) as never;
    const value = (await main(input)) ?? null;
    return { value, milliseconds: performance.now() };
  } catch (error) {
    return { error: (error as Error).stack ?? String(error) };
  }
}
