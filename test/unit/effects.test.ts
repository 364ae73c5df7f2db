// The table of rows and the tests that show their effects, out of tests that name a keyword.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effects, rowsOf, shownBy, withCounts, witnessOf } from '../../scripts/effects.ts';

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
  { path: 'netns/b.test.ts', text: "start('keepalived', 'no_accept'); vrrp_strict // vrrp_strict" },
  { path: 'netns/a.test.ts', text: "'weight 5 not_vrrp_strict'" },
];

test('rows of load balancing and entries without a keyword are not among those of VRRP', () => {
  assert.deepEqual(
    rows.map(({ keyword }) => keyword),
    ['vrrp_strict', 'weight', 'no_accept'],
  );
});

test('a test must name the keyword as a word, and the block that it stands in', () => {
  const table = effects(shownBy(rows, sources));
  assert.match(table, /\| `no_accept` \| netns\/b.test.ts \| yes \|/);
  assert.match(table, /\| `vrrp_strict` \| only inside: unit\/z.test.ts \| {2}\|/);
  assert.match(table, /\| `weight` \| none \|/);
  assert.match(table, /^1 of 3 rows/m);
  const [, weight] = rows;
  assert.ok(weight);
  const both = [{ path: 'netns/a.test.ts', text: '`vrrp_script x {\n weight 5\n}`' }];
  assert.ok(witnessOf(weight, both, /netns/));
});

test('an option stands in a line with what it is an option of', () => {
  const row = (block: string, keyword: string) => ({ block, keyword });
  const shown = (one: ReturnType<typeof row>, text: string): boolean =>
    witnessOf(one, [{ path: 'netns/a.test.ts', text }], /netns/) !== undefined;
  const ipvlan = row('vrrp_instance/use_ipvlan(option)', 'private');
  assert.ok(shown(ipvlan, "'use_ipvlan private'"));
  assert.ok(!shown(ipvlan, "'use_ipvlan', 'unshare --propagation private'"));
  const route = row('virtual_routes(entry)', 'as');
  assert.ok(shown(route, "'virtual_routes', '10.0.0.0/8 as to 10.1.0.1'"));
  assert.ok(!shown(route, "'virtual_routes' as const, 'it is as large'"));
});

test('rows are counted by block, in the place of what was counted before', () => {
  const marks = [
    'Counted by scripts/generate.ts from docs/effects.md.',
    'End of what scripts/generate.ts counts.',
  ];
  const document = `before\n${marks.map((mark) => `<!-- ${mark} -->`).join('\nold\n')}\nafter`;
  const counted = withCounts(document, shownBy(rows, sources));
  assert.match(counted, /^before\n[\s\S]*\| `vrrp_instance` \| 1 \| 1 \| 1 \|[\s\S]*after$/);
  assert.match(counted, /\| `vrrp_script` \| 1 \| 0 \| 0 \|/);
  assert.ok(!counted.includes('old'));
});
