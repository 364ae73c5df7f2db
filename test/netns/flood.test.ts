// Floods of every kind of wrong packet at a master and at a backup: every advert on time, no valid advert lost, nobody
// takes over, every packet counted, fewer than 20 log lines a minute, memory flat. A choice that has every kind at both
// roles at 10,000 packets a second; with --full every kind alone, at 500 and 10,000, with both versions and families.
// What the same does to keepalived 2.2.7 is recorded where results are asked for, and asserted nowhere.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { record } from './fault.ts';
import type { Flood, Outcome, Role, Target, Wave } from './flood.ts';
import { playFloods } from './flood.ts';
import { isOf, type KindName, kindNames } from './kind.ts';
import type { Removal } from './mutant.ts';
import { buildMutant, placeOf } from './mutant.ts';
import { milliseconds } from './observe.ts';

const full = process.env.KEEPALIVED_TEST_FULL !== undefined;
/** With sanitizers every step takes many times as long, and memory says nothing: fewer packets, the same promises. */
const instrumented = process.env.KEEPALIVED_TEST_NODE !== undefined;
const recording = process.env.KEEPALIVED_FAULTS_RESULTS !== undefined;

/** What V8 may make of its heap; a leak of 100 bytes a packet is more than that in any of these scenes. */
const GROWTH_KILOBYTES = 24 << 10;
/** Processor time of a target that does not wake for what is not for it, of one processor. */
const IDLE = 0.05;
/** They end in the kernel. They come last in a scene: what a start costs is not their doing. */
const unheard: readonly KindName[] = ['foreign VRID', 'zero length'];
const isUnheard = (kind: KindName): boolean => unheard.includes(kind);

/** Longer than a backup waits for a silent master: 0.36 s with 0.1 s adverts, 3.4 s with 1 s. */
const durationOf = (version: 2 | 3): number => (version === 2 ? 4.2 : 0.8);

const flood = (version: 2 | 3, rate: number, ...kinds: readonly KindName[]): Flood => ({
  kinds,
  rate,
  duration: durationOf(version),
});

const each = (version: 2 | 3, rate: number, kinds: readonly KindName[]): Flood[] =>
  [...kinds.filter((kind) => !isUnheard(kind)), ...kinds.filter(isUnheard)].map((kind) =>
    flood(version, rate, kind),
  );

const v3Kinds = kindNames.filter((kind) => isOf(kind, 3));
const half = Math.ceil(v3Kinds.length / 2);
const [some, others] = [v3Kinds.slice(0, half), v3Kinds.slice(half)];

interface Scene {
  readonly name: string;
  readonly target: Target;
  readonly floods: readonly Flood[];
}

function scene(
  role: Role,
  version: 2 | 3,
  family: 4 | 6,
  floods: readonly Flood[],
  rate: number,
): Scene {
  const name = `${role}, VRRPv${version}, IPv${family}, ${rate.toLocaleString('en')} a second`;
  return { name, target: { subject: 'ours', role, version, family }, floods };
}

function chosen(): Scene[] {
  const rate = instrumented ? 500 : 10_000;
  const all = [flood(2, rate, ...kindNames)];
  return [
    scene('master', 3, 4, each(3, rate, some), rate),
    scene('master', 3, 6, each(3, rate, others), rate),
    scene('backup', 3, 4, each(3, rate, others), rate),
    scene('backup', 3, 6, each(3, rate, some), rate),
    scene('master', 2, 4, all, rate),
    scene('backup', 2, 4, all, rate),
  ];
}

function whole(): Scene[] {
  const scenes: Scene[] = [];
  for (const role of ['master', 'backup'] as const)
    for (const rate of [500, 10_000])
      for (const [version, family] of [
        [2, 4],
        [3, 4],
        [3, 6],
      ] as const) {
        const kinds = kindNames.filter((kind) => isOf(kind, version));
        scenes.push(scene(role, version, family, each(version, rate, kinds), rate));
      }
  return scenes;
}

function check(target: Target, outcome: Outcome): void {
  for (const wave of outcome.waves) {
    const { kinds, silence, interval, takeovers, counted, owed, load } = wave;
    const kind = kinds.join(', ');
    if (target.role === 'master')
      assert.ok(silence < 2 * interval, `${kind}: silent for ${milliseconds(silence)}`);
    assert.equal(takeovers, 0, `${kind}: takeovers`);
    assert.deepEqual(counted, owed, `${kind}: what was counted`);
    if (!instrumented && kinds.every(isUnheard))
      assert.ok(load < IDLE, `${kind}: ${load.toFixed(3)} of a processor`);
  }
  const { lines, seconds, sent, heard, growth } = outcome;
  assert.ok(
    lines.length < 20 * Math.max(1, seconds / 60),
    `${lines.length} lines in ${seconds.toFixed(0)} s:\n${lines.slice(0, 40).join('\n')}`,
  );
  assert.equal(heard, sent, 'every advert of the master is heard');
  if (!instrumented) assert.ok(growth < GROWTH_KILOBYTES, `${growth} kB more`);
}

/**
 * A machine that keeps real-time threads waiting for a quarter of an interval, or cannot flood, proves nothing: played again, twice at
 * most; the last time counts whatever it was.
 */
async function play(target: Target, floods: readonly Flood[]): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await playFloods(target, floods);
    const disturbed = outcome.waves.some(
      ({ slow, waited, interval }) => slow || waited > interval / 4,
    );
    if (!disturbed || attempt === 3) return outcome;
  }
}

describe('a flood', () => {
  for (const { name, target, floods } of full && !instrumented ? whole() : chosen())
    it(`at a ${name}`, async (t) => {
      const outcome = await play(target, floods);
      t.diagnostic(tell(target, outcome));
      check(target, outcome);
    });
});

// Guards

interface Guard extends Removal {
  readonly role: Role;
  readonly kind: KindName;
  readonly fails: RegExp;
}

const guards: readonly Guard[] = [
  {
    guard: 'the filter of foreign virtual routers',
    file: 'src/net/filter.ts',
    from: '[JUMP_IF_EQUAL, 0, 1, value], accept',
    to: 'accept',
    role: 'master',
    kind: 'foreign VRID',
    fails: /of a processor/,
  },
  {
    guard: 'the limit of lines',
    file: 'src/vrrp/chatter.ts',
    from: 'lines.length < LINES && same < TIMES',
    to: 'lines.length + same >= 0',
    role: 'backup',
    kind: 'other addresses',
    fails: /lines in/,
  },
];

describe('without its guard a flood does harm', {
  skip: full && !instrumented ? false : 'only with --full',
}, () => {
  for (const guard of guards)
    it(`${guard.guard}: ${placeOf(guard)}`, async (t) => {
      const mutant = await buildMutant(guard);
      try {
        const target: Target = { subject: 'ours', role: guard.role, version: 3, family: 4, mutant };
        const outcome = await play(target, [flood(3, 10_000, guard.kind)]);
        t.diagnostic(tell(target, outcome));
        assert.throws(() => check(target, outcome), guard.fails);
      } finally {
        mutant.remove();
      }
    });
});

// Both beside each other, for docs/reliability.md

const count = (number: number, thing: string): string =>
  `${number === 0 ? 'no' : number.toLocaleString('en')} ${thing}${number === 1 ? '' : 's'}`;

function tell(
  { role, subject }: Target,
  { waves, lines, seconds, growth, sent, heard }: Outcome,
): string {
  const worst = (wave: Wave): number => wave.silence / wave.interval;
  const late = waves.filter((wave) => worst(wave) >= 2);
  const longest = milliseconds(Math.max(...waves.map(({ silence }) => silence)));
  const parts: string[] = [];
  if (role === 'backup') {
    if (subject === 'ours') parts.push(`${heard} of ${sent} adverts heard`);
  } else if (late.length === 0) {
    parts.push(`every advert on time (at most ${longest} apart)`);
  } else {
    const kinds =
      late.length === waves.length
        ? 'every kind'
        : late.map((w) => w.kinds.join(' and ')).join(', ');
    parts.push(`silent for up to ${longest} (${kinds})`);
  }
  parts.push(
    count(
      waves.reduce((sum, { takeovers }) => sum + takeovers, 0),
      'takeover',
    ),
  );
  const perMinute = Math.round(lines.length / Math.max(1, seconds / 60));
  parts.push(`${count(perMinute, 'log line')} a minute`);
  const load = Math.max(...waves.map((wave) => wave.load));
  parts.push(`at most ${Math.round(load * 100)} % of a processor`);
  parts.push(`memory ${growth < 0 ? '-' : '+'}${(Math.abs(growth) / 1024).toFixed(1)} MB`);
  return parts.join(', ');
}

describe('the same at keepalived 2.2.7', {
  skip: recording ? false : 'only where results are asked for',
}, () => {
  let place = 11;
  for (const role of ['master', 'backup'] as const)
    for (const rate of [500, 10_000]) {
      const title = `${rate.toLocaleString('en')} wrong packets a second of ${v3Kinds.length} kinds, each kind alone, at a ${role} (VRRPv3, 0.1 s)`;
      const id = `flood-${role}-${rate}`;
      const at = place++;
      it(title, async (t) => {
        const told: Partial<Record<Target['subject'], string>> = {};
        for (const subject of ['ours', 'keepalived'] as const) {
          const target: Target = { subject, role, version: 3, family: 4 };
          const floods = v3Kinds.map((kind) => ({ ...flood(3, rate, kind), duration: 1 }));
          told[subject] = tell(target, await play(target, floods));
          t.diagnostic(`${subject}: ${told[subject]}`);
        }
        record({ id, title, place: at }, told);
      });
    }
});
