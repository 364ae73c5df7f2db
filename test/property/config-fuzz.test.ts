// Fuzzing of lexer, parser and rules: mutated pieces of real configurations. Nothing throws, nothing takes long, and
// twice the text never takes more than about twice the time. 100,000 inputs; 10 million with KEEPALIVED_TEST_FULL.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how parameters are written

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitStatus, formatDiagnostic } from '../../src/config/diagnostic.ts';
import { keywords } from '../../src/keywords.ts';
import { dice, mutate, pieces } from './mutate.ts';
import { names, read } from './reading.ts';

const COUNT = process.env.KEEPALIVED_TEST_FULL === undefined ? 100_000 : 10_000_000;
/** No input of a few lines needs a thousandth of it; a busy machine may stop us for a while. */
const LONGEST_MS = 2000;

test(`${COUNT} mutated configurations are read`, () => {
  const seeds = pieces();
  const words = names(keywords);
  const chance = dice(20261121);
  for (let i = 0; i < COUNT; i++) {
    const text = mutate(chance.pick(seeds), chance, words);
    const started = performance.now();
    try {
      const { diagnostics } = read(text, 'a\ninclude inc\n');
      if (![0, 2, 4, 5, 6].includes(exitStatus(diagnostics))) throw new Error('no such status');
      const last = diagnostics.at(-1);
      if (last !== undefined && formatDiagnostic(last) === '') throw new Error('nothing is said');
    } catch (error) {
      assert.fail(`input ${i}: ${JSON.stringify(text)}\n${(error as Error).stack}`);
    }
    const took = performance.now() - started;
    assert.ok(took < LONGEST_MS, `input ${i} took ${took} ms: ${JSON.stringify(text)}`);
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
function fastest(text: string): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const started = process.cpuUsage();
    read(text, 'x\n');
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
    'include inc\n'.repeat(1000),
    `include ${'{a,b}'.repeat(200)}\n`,
    `include ${'*'.repeat(900)}x\n`,
    `include ${'[a-'.repeat(300)}\n`,
    `~LST(${'a,'.repeat(500)}) b\n`,
    '('.repeat(1000),
  ]) {
    const started = performance.now();
    read(text, 'include inc\nb\n');
    const took = performance.now() - started;
    assert.ok(took < 20_000, `${took} ms for ${JSON.stringify(text.slice(0, 80))}`);
  }
});
