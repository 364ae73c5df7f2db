// Recorded histories told to the core again: what it orders is compared with what it ordered when the recording was
// made. UPDATE=1 writes the answers anew; read the difference before you commit it.
//
// A recording is made by a daemon with KEEPALIVED_RECORD=FILE in its environment.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeEntry, encodeEntry } from '../../src/lib/history.ts';
import type { VrrpEvent } from '../../src/vrrp/event.ts';
import type { VrrpConfig } from '../../src/vrrp/keywords.ts';
import { createRouter, step } from '../../src/vrrp/router.ts';

const folder = import.meta.dirname;
const lines = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split('\n');

function replay(recording: string): string[] {
  const [first, ...events] = lines(recording).map(decodeEntry);
  let state = createRouter(first?.value as VrrpConfig);
  return events.flatMap(({ at, value }) => {
    const next = step(state, value as VrrpEvent, at);
    state = next.state;
    return next.actions.map((action) => encodeEntry({ at, value: action }));
  });
}

const recordings = readdirSync(folder).filter((name) => name.endsWith('.events'));

test('there are recordings', () => assert.ok(recordings.length >= 2));

for (const name of recordings)
  test(name.replace('.events', ''), () => {
    const actions = replay(join(folder, name));
    const golden = join(folder, name.replace('.events', '.actions'));
    if (process.env.UPDATE === '1') writeFileSync(golden, `${actions.join('\n')}\n`);
    assert.ok(actions.length > 20);
    assert.deepEqual(actions, lines(golden));
  });
