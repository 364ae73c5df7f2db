// SIGHUP: the difference is applied, what did not change never misses a beat, and a file with errors changes nothing.
// Judged from the wire and from the kernel's addresses.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Daemon } from './daemon.ts';
import { Lab } from './lab.ts';
import type { Frame } from './wire.ts';
import { announced, isAdvert } from './wire.ts';

interface Part {
  readonly vrid: number;
  readonly priority?: number;
  readonly addresses: readonly string[];
}

/** Instances with adverts every 0.1 s. */
function config(parts: readonly Part[], more = ''): string {
  const blocks = parts.map(
    ({ vrid, priority = 150, addresses }) => `
vrrp_instance VI_${vrid} {
  interface eth0
  virtual_router_id ${vrid}
  priority ${priority}
  version 3
  advert_int 0.1
  virtual_ipaddress {
    ${addresses.join('\n    ')}
  }
}`,
  );
  return `global_defs {\n  router_id a\n  vrrp_garp_master_delay 0\n}${blocks.join('')}\n${more}`;
}

const advertsOf = (lab: Lab, vrid: number): Frame[] =>
  lab.frames.filter((frame) => isAdvert(frame) && frame.message.vrid === vrid);

/** The longest time between two adverts of a virtual router, in microseconds. */
function longestGap(frames: readonly Frame[]): number {
  return frames.reduce(
    (gap, frame, i) => Math.max(gap, i === 0 ? 0 : frame.at - (frames[i - 1]?.at ?? 0)),
    0,
  );
}

function assertSteady(lab: Lab, vrid: number): void {
  const gap = longestGap(advertsOf(lab, vrid));
  assert.ok(gap < 150_000, `${gap} µs between two adverts of VRID ${vrid}`);
}

const said = (daemon: Daemon, text: string): number =>
  daemon.lines.filter((line) => line.text.includes(text)).length;

/** Reloads and waits for what the parent says at the end, whichever it is. */
async function reload(lab: Lab, daemon: Daemon, text: string): Promise<void> {
  const ends = (): number => said(daemon, 'Reload complete') + said(daemon, 'not reloaded');
  const before = ends();
  daemon.reload(text);
  await lab.until('the reload has been answered', () => ends() > before);
}

/** The log follows the work. */
const mastersSaid = (lab: Lab, daemon: Daemon, count: number): Promise<true> =>
  lab.until('MASTER is logged', () => said(daemon, 'Entering MASTER STATE') === count || undefined);

it('applies the difference and leaves the other instance alone', async () => {
  const lab = await Lab.open();
  try {
    const steady = { vrid: 51, addresses: ['10.0.0.51/24'] };
    const daemon = lab
      .host('a')
      .start('ours', config([steady, { vrid: 52, addresses: ['10.0.0.52/24'] }]));
    await lab.untilHolder('10.0.0.51', 'a');
    await lab.untilHolder('10.0.0.52', 'a');
    await mastersSaid(lab, daemon, 2);
    const pids = daemon.pids().join();
    const states = (): number => said(daemon, 'Entering');
    const announcements = (): number =>
      lab.frames.filter((f) => announced(f) === '10.0.0.51').length;
    await lab.until('the first announcements are through', () => announcements() === 5);
    const statesBefore = states();

    // An address more, another one less, a new instance: in turn, several times.
    for (let round = 0; round < 5; round++) {
      await reload(
        lab,
        daemon,
        config([steady, { vrid: 52, addresses: ['10.0.0.52/24', '10.0.0.62/24'] }]),
      );
      await lab.untilHolder('10.0.0.62', 'a');
      await reload(lab, daemon, config([steady, { vrid: 52, addresses: ['10.0.0.52/24'] }]));
      await lab.until('10.0.0.62 is gone', () => lab.holders('10.0.0.62').length === 0);
      assert.equal(announcements(), 5, 'nothing that did not change is announced again');
    }
    assert.equal(states(), statesBefore, 'no change of state');
    await lab.until('the same processes', () => daemon.pids().join() === pids);
    assertSteady(lab, 51);

    // The priority goes out with the next advert, on the same schedule.
    await reload(
      lab,
      daemon,
      config([steady, { vrid: 52, priority: 120, addresses: ['10.0.0.52/24'] }]),
    );
    await lab.until('priority 120 is on the wire', () =>
      advertsOf(lab, 52).some((f) => isAdvert(f) && f.message.priority === 120),
    );
    assertSteady(lab, 52);

    // An instance that goes says good-bye, and its address goes with it.
    await reload(lab, daemon, config([steady]));
    await lab.until('10.0.0.52 is gone', () => lab.holders('10.0.0.52').length === 0);
    const farewell = await lab.until('VRID 52 says good-bye', () =>
      advertsOf(lab, 52).find((f) => isAdvert(f) && f.message.priority === 0),
    );
    await lab.until(
      'the other one has spoken twice since',
      () => advertsOf(lab, 51).filter((f) => f.at > farewell.at).length >= 2,
    );
    assert.equal(advertsOf(lab, 52).at(-1), farewell, 'nothing follows the good-bye');
    assert.deepEqual(lab.holders('10.0.0.51'), ['a']);
    assertSteady(lab, 51);
  } finally {
    await lab.close();
  }
});

it('keeps everything where the new file has errors, and names the line', async () => {
  const lab = await Lab.open();
  try {
    const good = config([{ vrid: 51, addresses: ['10.0.0.51/24'] }]);
    const daemon = lab.host('a').start('ours', good);
    await lab.untilHolder('10.0.0.51', 'a');
    const pids = daemon.pids().join();
    const broken: Record<string, [text: string, expected: RegExp]> = {
      'unknown keyword': [
        good.replace('priority', 'prioritty'),
        /keepalived\.conf: Line 8\).*prioritty/,
      ],
      'missing value': [good.replace('priority 150', 'priority'), /Line 8/],
      'missing brace': [good.replace(/}\s*$/, ''), /missing/i],
      'interface that is not there': [good.replace('eth0', 'eth9'), /eth9/],
      'duplicate VRID': [
        config([
          { vrid: 51, addresses: ['10.0.0.51/24'] },
          { vrid: 51, addresses: ['10.0.0.52/24'] },
        ]).replace('VI_51', 'VI_50'),
        /VRID 51|duplicate/i,
      ],
    };
    for (const [name, [text, expected]] of Object.entries(broken)) {
      const before = daemon.lines.length;
      await reload(lab, daemon, text);
      const lines = daemon.lines.slice(before).map((line) => line.text);
      assert.ok(
        lines.some((line) => expected.test(line)),
        `${name}: ${lines.join('\n')}`,
      );
      assert.deepEqual(lab.holders('10.0.0.51'), ['a'], name);
    }
    await lab.until('only those that were there', () => daemon.pids().join() === pids);
    assertSteady(lab, 51);
    // And a good file is still taken afterwards.
    await reload(lab, daemon, config([{ vrid: 51, addresses: ['10.0.0.51/24', '10.0.0.61/24'] }]));
    await lab.untilHolder('10.0.0.61', 'a');
  } finally {
    await lab.close();
  }
});

it('answers reloads that come close together once the last file is in effect', async () => {
  const lab = await Lab.open();
  try {
    const daemon = lab.host('a').start('ours', config([{ vrid: 51, addresses: ['10.0.0.51/24'] }]));
    await lab.untilHolder('10.0.0.51', 'a');
    await mastersSaid(lab, daemon, 1);
    const states = said(daemon, 'Entering');
    const addresses = ['10.0.0.51/24'];
    for (let i = 101; i <= 110; i++) {
      addresses.push(`10.0.0.${i}/24`);
      daemon.reload(config([{ vrid: 51, addresses }]));
    }
    for (const address of addresses) await lab.untilHolder(address.replace(/\/.*/, ''), 'a');
    assert.equal(said(daemon, 'Entering'), states, 'no change of state');
    assertSteady(lab, 51);
  } finally {
    await lab.close();
  }
});
