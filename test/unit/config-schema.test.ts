// The JSON Schema and the reference page: whole, true to the table, and fresh.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { markdown } from '../../src/config/docs.ts';
import type { Block } from '../../src/config/keyword.ts';
import { jsonSchema } from '../../src/config/schema.ts';
import { keywords } from '../../src/keywords.ts';

const file = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const validator = new Ajv({ strict: true, allErrors: true }).compile(jsonSchema(keywords));
const accepts = (value: unknown): boolean => validator(value) as boolean;

test('ajv compiles the schema in strict mode and takes a configuration', () => {
  const instance = {
    name: 'VI_1',
    interface: 'eth0',
    virtual_router_id: 51,
    advert_int: 1.5,
    virtual_ipaddress: [],
  };
  assert.ok(
    accepts({ global_defs: { router_id: 'a' }, vrrp_instance: [instance] }),
    JSON.stringify(validator.errors),
  );
});

test('the schema knows other spellings, and says which are former ones', () => {
  const server = { heading: '10.0.0.1 80', lb_algo: 'rr', lb_kind: 'NAT', protocol: 'TCP' };
  const files = { vrrp_track_file: [{ name: 'a', file: '/b' }] };
  assert.ok(accepts({ ...files, virtual_server: [server] }), JSON.stringify(validator.errors));
  const { properties } = jsonSchema(keywords) as { properties: Record<string, Block> };
  const old = (name: string) => (properties[name] as { deprecated?: true }).deprecated;
  assert.deepEqual([old('vrrp_track_file'), old('track_file')], [true, undefined]);
});

for (const [what, value] of [
  ['an unknown keyword at the top level', { vrrp_instanze: [] }],
  ['an unknown keyword in a block', { global_defs: { rooter_id: 'a' } }],
  ['a number outside its range', { vrrp_instance: [{ name: 'A', virtual_router_id: 256 }] }],
  ['an instance without a name', { vrrp_instance: [{ virtual_router_id: 5 }] }],
  ['an instance without a virtual router id', { vrrp_instance: [{ name: 'A' }] }],
  ['text in place of a flag', { global_defs: { vrrp_no_swap: 'yes' } }],
] as const) {
  test(`the schema refuses ${what}`, () => {
    assert.equal(accepts(value), false);
  });
}

test('defaults in the schema are in the unit of the keyword and inside its range', () => {
  const properties = (jsonSchema(keywords) as { properties: Record<string, unknown> }).properties;
  assert.equal((properties.child_wait_time as { default: number }).default, 5);
  const filled = { global_defs: {} as Record<string, unknown> };
  const rows = (properties.global_defs as { properties: Record<string, { default?: unknown }> })
    .properties;
  for (const [keyword, { default: fallback }] of Object.entries(rows)) {
    if (fallback !== undefined) filled.global_defs[keyword] = fallback;
  }
  assert.ok(Object.keys(filled.global_defs).length > 15);
  assert.ok(accepts(filled), JSON.stringify(validator.errors));
});

test('every keyword stands in the reference page, with a description', () => {
  const page = markdown(keywords);
  const visit = (rows: Block): void => {
    for (const [keyword, row] of Object.entries(rows)) {
      const lines = page.split('\n').filter((text) => text.startsWith(`| \`${keyword}\` |`));
      const doc = row.doc.replaceAll('|', '\\|');
      assert.ok(
        lines.some((line) => line.includes(doc)),
        keyword,
      );
      if (row.form !== 'words' && row.form !== 'entries') visit(row.rows);
      if (row.form === 'entries' && row.grammar !== undefined) visit(row.grammar);
    }
  };
  visit(keywords);
});

test('every row of a keyword on the reference page has five cells', () => {
  const [page = ''] = markdown(keywords).split('## Beside keywords');
  for (const line of page.split('\n').filter((text) => text.startsWith('|')))
    assert.equal(line.split(/(?<!\\)\|/).length, 7, line);
});

test('the generated files are fresh', () => {
  assert.equal(file('docs/keywords.md'), markdown(keywords));
  assert.deepEqual(JSON.parse(file('docs/config.schema.json')), jsonSchema(keywords));
});
