// The table of rows and the tests that show their effects, out of tests that name a keyword.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effects, rowsOf, withEffects, witnessOf } from '../../scripts/effects.ts';

const rows = rowsOf(
  [
    'global_defs\tvrrp_strict',
    'global_defs\tlvs_flush',
    'vrrp_script\tweight',
    'vrrp_instance\tno_accept',
    'virtual_server/real_server\tweight',
    'virtual_ipaddress(entry)\t<address>',
  ].join('\n'),
);
const sources = [
  { path: 'unit/z.test.ts', text: "'vrrp_strict'" },
  { path: 'netns/b.test.ts', text: "start('keepalived', 'no_accept'); not_vrrp_strict" },
  { path: 'netns/a.test.ts', text: 'weight 5' },
];

test('rows of load balancing and entries without a keyword are not among those of VRRP', () => {
  assert.deepEqual(
    rows.map(({ keyword }) => keyword),
    ['vrrp_strict', 'weight', 'no_accept'],
  );
});

test('a test must name the keyword as a word, and the block that it stands in', () => {
  const table = effects(rows, sources);
  assert.match(table, /\| `no_accept` \| netns\/b.test.ts \| yes \|/);
  assert.match(table, /\| `vrrp_strict` \| only inside: unit\/z.test.ts \| {2}\|/);
  assert.match(table, /\| `weight` \| none \|/);
  assert.match(table, /^1 of 3 rows/m);
  const [, weight] = rows;
  assert.ok(weight);
  const both = [{ path: 'netns/a.test.ts', text: 'vrrp_script x { weight 5 }' }];
  assert.ok(witnessOf(weight, both, /netns/));
});

test('the table takes the place of the one before, and nothing else changes', () => {
  const one = effects(rows, sources);
  const document = `before\n${one}\nafter\n`;
  assert.equal(withEffects(document, one), document);
  assert.ok(withEffects(document, effects(rows, [])).endsWith('\nafter\n'));
  assert.throws(() => withEffects('nothing', one));
});
