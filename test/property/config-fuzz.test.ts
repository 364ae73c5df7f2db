// Fuzzing of lexer, parser, rules and the YAML front end: mutated pieces of real configurations. Nothing throws, nothing
// takes long or much memory, and twice the text never takes more than about twice the time. 100,000 inputs, of which every
// fiftieth is YAML; 10 million with KEEPALIVED_TEST_FULL, in pieces, each with a seed and a process of its own.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how parameters are written

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { exitStatus } from '../../src/config/diagnostic.ts';
import { readAsYaml, spent } from './fuzz.ts';
import { read } from './reading.ts';

const PIECES = process.env.KEEPALIVED_TEST_FULL === undefined ? 2 : 200;
/** And a fiftieth of it as YAML. */
const COUNT = 50_000;
const SEED = 20261121;
/** Of the heap, in MiB; one of these pieces needs a fifth of it. */
const HEAP = 512;

/** What a run of fuzz.ts has said, the end of it where that is much. */
async function fuzz(seed: number, signal: AbortSignal): Promise<string> {
  const program = join(import.meta.dirname, 'fuzz.ts');
  const words = ['--import', 'tsx', program, String(seed), String(COUNT)];
  const options = [`--max-old-space-size=${HEAP}`, ...words];
  const child = spawn(process.execPath, options, { signal });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      said = (said + data).slice(-100_000);
    });
  const [code, killedBy] = await once(child, 'close');
  // How far it was, and why it ended: the heap being full is a signal.
  const story = said.split('\n').slice(-40).join('\n');
  assert.equal(killedBy ?? code, 0, `node ${words.join(' ')}\n${story}`);
  return said;
}

describe('mutated configurations are read', { concurrency: availableParallelism() }, () => {
  for (let piece = 0; piece < PIECES; piece++) {
    const seed = SEED + 2 * piece;
    it(`${COUNT}, and ${COUNT / 50} as YAML, from seed ${seed}`, async (t) => {
      t.diagnostic((await fuzz(seed, t.signal)).trim().split('\n').at(-1) ?? '');
    });
  }
});

/** Texts that grow in one direction each. */
const GROWING: Readonly<Record<string, (n: number) => string>> = {
  'unknown keywords': (n) => 'nosuch 5\n'.repeat(n),
  'different unknown keywords': (n) => Array.from({ length: n }, (_, i) => `no${i}\n`).join(''),
  'open braces': (n) => `${'{\n'.repeat(n)}${'a b\n'.repeat(n)}`,
  'closed braces': (n) => '}\n'.repeat(n),
  'nested blocks': (n) => 'global_defs {\n'.repeat(n),
  'braces in a line': (n) =>
    '{}{}{}{}'
      .repeat(100)
      .concat('\n')
      .repeat(n / 100),
  quotes: (n) => 'router_id "a" "\n'.repeat(n),
  comments: (n) => 'a # b \\# c\n'.repeat(n),
  conditions: (n) => '@me a\n@^me b\n'.repeat(n),
  definitions: (n) => Array.from({ length: n }, (_, i) => `$A${i}=$A${i - 1}\n`).join(''),
  'uses of a definition': (n) => `$A=x y\n${'a $A ${A}\n'.repeat(n)}`,
  'lines of a definition': (n) => `$A=${'x \\\n'.repeat(n)}y\n$A\n`,
  sequences: (n) => `~SEQ(i,${n}) a $i\n`,
  'sequences of sequences': (n) => '~SEQ(i,10) ~SEQ(j,10) a $i $j\n'.repeat(n / 100),
  includes: (n) => 'include inc\n'.repeat(n),
  instances: (n) =>
    Array.from({ length: n / 8 }, (_, i) =>
      [
        `vrrp_instance A${i} {`,
        'interface eth0',
        `virtual_router_id ${1 + (i % 255)}`,
        'virtual_ipaddress {',
        `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
        '}',
        '}\n',
      ].join('\n'),
    ).join(''),
  addresses: (n) =>
    `vrrp_instance A {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n${Array.from(
      { length: n },
      (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}\n`,
    ).join('')}}\n}\n`,
};

/** Processor time in ms, the best of several: what else the machine does must not count. */
function fastest(text: string, run: (text: string) => unknown = read): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const started = process.cpuUsage();
    run(text);
    const { user, system } = process.cpuUsage(started);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

for (const [name, grow] of Object.entries(GROWING)) {
  test(`time grows with the text and no faster: ${name}`, () => {
    const [small, large] = [2000, 32_000];
    const before = fastest(grow(small));
    const after = fastest(grow(large));
    // Sixteen times the text; squared it would be 256 times the time.
    assert.ok(after < 100 * Math.max(before, 4), `${before} ms became ${after} ms`);
  });
}

for (const [name, grow] of [
  ['instances', (n: number) => `vrrp_instance:\n${'  - name: A\n    priority: 5\n'.repeat(n / 2)}`],
  ['aliases', (n: number) => `vrrp_script:\n  - &a {name: x}\n${'  - *a\n'.repeat(n)}`],
  ['unknown keywords', (n: number) => Array.from({ length: n }, (_, i) => `k${i}: 1\n`).join('')],
] as const) {
  test(`time grows with the YAML and no faster: ${name}`, () => {
    const before = fastest(grow(500), readAsYaml);
    const after = fastest(grow(4000), readAsYaml);
    assert.ok(after < 40 * Math.max(before, 4), `${before} ms became ${after} ms`);
  });
}

test('more mistakes than a call has arguments', () => {
  const { diagnostics } = read('nosuch 5\n'.repeat(200_000));
  assert.equal(diagnostics.length, 200_000);
  assert.equal(exitStatus(diagnostics), 5);
});

test('little YAML cannot ask for endless work', () => {
  const nine = (x: string): string => `[${new Array<string>(9).fill(x).join(', ')}]`;
  const laughs = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} ${nine(`*a${i}`)}`);
  for (const text of [
    `a0: &a0 x\n${laughs.join('\n')}\nvrrp_script: *a9\n`,
    `vrrp_script: ${'['.repeat(3000)}`,
    `vrrp_script: ${'{a: '.repeat(3000)}`,
    `${'- '.repeat(3000)}\n`,
    `vrrp_script: &a [${new Array<string>(1000).fill('*a').join(',')}]\n`,
  ]) {
    const started = performance.now();
    readAsYaml(text);
    const took = performance.now() - started;
    assert.ok(took < 20_000, `${took} ms for ${JSON.stringify(text.slice(0, 80))}`);
  }
});

test('little text cannot ask for endless work', () => {
  for (const text of [
    '$A=$A$A\na $A\n',
    '$A=${B}${B}\n$B=${A}${A}\na $A\n',
    `$A=${'x'.repeat(900)}\n${'$B=${A}${A}${A}${A}${A}${A}${A}${A}\n'}~SEQ(i,1000000) a ${'${B}'.repeat(8)}\n`,
    '$M=a $M \\\nb\n$M\n',
    '$M=a \\\n$N\n$N=$M \\\nc\n$M\n',
    '~SEQ(i,100000) ~SEQ(j,100000) ~SEQ(k,100000) a\n',
    '~SEQ(i,100000) ~SEQ(j,100000) @no a\n',
    '~SEQ(i,1000000000) $A=1\n',
    '~SEQ(i,1000000) a ${b} ${c} ${d} ${e} $i\n',
    `vrrp_instance A {\nvirtual_ipaddress {\n~SEQ(i,1000000) ${'a '.repeat(400)} $i\n}\n}\n`,
    `~SEQ(i,1000000) ${'{}'.repeat(400)}\n`,
    'include inc\n'.repeat(1000),
    `include ${'{a,b}'.repeat(200)}\n`,
    `include ${'*'.repeat(900)}x\n`,
    `include ${'[a-'.repeat(300)}\n`,
    `~LST(${'a,'.repeat(500)}) b\n`,
    '('.repeat(1000),
  ]) {
    const started = spent();
    const { lines, diagnostics } = read(text, 'include inc\nb\n');
    const took = spent() - started;
    assert.ok(
      lines <= 1_000_000 && diagnostics.length < 3000,
      `${diagnostics.length}, ${lines} lines`,
    );
    assert.ok(took < 20_000, `${took} ms for ${JSON.stringify(text.slice(0, 80))}`);
  }
});
