// docs/keywords.md: every row has a default and an example; the example is read in its block without a complaint, and the
// default is what a configuration without the keyword means.

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { planOf } from '../../src/check/plan.ts';
import type { MachineFacts } from '../../src/config/build.ts';
import type { Diagnostic } from '../../src/config/diagnostic.ts';
import { entriesFor, markdown } from '../../src/config/docs.ts';
import { lex } from '../../src/config/lexer.ts';
import { buildConfiguration, type Config, keywords } from '../../src/keywords.ts';
import { hintFor, overview } from '../../src/tool/help.ts';
import { type Example, examples } from './examples.ts';

const NAMES: Readonly<Record<string, number>> = { static: 4, global: 0, tcp: 6 };

/** A machine that has all that the examples name. */
const facts: MachineFacts = {
  hostname: 'lb1',
  processors: 2,
  interfaces: new Map(
    ['eth0', 'eth1', 'eth2', 'vrf-blue'].map((name) => [name, { loopback: false, mtu: 1500 }]),
  ),
  user: () => ({ uid: 0, gid: 0 }),
  group: () => 0,
  numberOf: (_, name) => NAMES[name],
  vrfTable: (device) => (device === 'vrf-blue' ? 10 : undefined),
  inspect: (path) => ({ path }),
};

interface Read {
  readonly config?: Config;
  readonly diagnostics: readonly Diagnostic[];
}

function read(text: string): Read {
  const { lines, diagnostics } = lex([{ name: 'x', path: '/x', directory: '/', text }], {
    read: () => ({ files: [], problems: [] }),
    configId: 'lb1',
    random: { seed: 1 },
  });
  const built = buildConfiguration(lines, facts);
  return {
    ...built,
    diagnostics: [...diagnostics, ...built.diagnostics].filter((d) => d.id !== 'not-yet-effective'),
  };
}

/** Complained of however they are written, and by which name. Their rows say so, or call them former. */
const ALWAYS: Readonly<Record<string, string>> = {
  'global_defs/vrrp_iptables': 'no-iptables',
  'global_defs/vrrp_ipsets': 'no-ipsets',
  'vrrp_instance/virtual_routes/gw': 'deprecated',
  'vrrp_instance/virtual_routes/or': 'deprecated',
  'static_routes/gw': 'deprecated',
  'static_routes/or': 'deprecated',
  'vrrp_instance/vrf': 'vrf-with-interface',
  'vrrp_instance/linkbeat_use_polling': 'deprecated',
  'vrrp_instance/lvs_sync_daemon_interface': 'deprecated',
  'vrrp_sync_group/global_tracking': 'deprecated',
  'virtual_server/real_server/HTTP_GET/nb_get_retry': 'deprecated',
  'virtual_server/real_server/SSL_GET/nb_get_retry': 'deprecated',
};
const complaintOf = (path: string): string | undefined =>
  path.startsWith('vrrp_instance/auth_hmac') ? 'auth-hmac' : ALWAYS[path];

const all = examples();

describe('every example is read in its block', () => {
  for (const { path, text, shown } of all)
    it(`${path}: ${shown.split('\n')[0]}`, () => {
      const said = read(text).diagnostics.map(({ id, line, message }) =>
        id === complaintOf(path) ? id : `${id} ${line}: ${message}`,
      );
      assert.deepEqual(said, [complaintOf(path) ?? []].flat(), text);
    });
});

test('a mistake in an example would be seen', () => {
  const example = all.find(({ path }) => path === 'vrrp_instance/priority') as Example;
  const text = example.text.replace(example.shown, 'priority 1000');
  assert.deepEqual(
    read(text).diagnostics.map(({ line }) => line),
    [example.from],
  );
});

/** 0 cannot be written; debug is only dumped where it is given. */
const UNWRITABLE = /rt_priority$|vrrp_instance\/debug$/;

/** Checkers keep what is written until it is decided how they are made. */
function meaning(text: string): unknown {
  const { config } = read(text);
  assert.ok(config !== undefined, text);
  const whole = { config, checks: planOf(config).checks };
  return JSON.parse(JSON.stringify(whole, (key, value) => (key === 'values' ? undefined : value)));
}

describe('the default is what a configuration without the keyword means', () => {
  for (const { path, row, text, shown, from } of all) {
    if (row.form !== 'words' || typeof row.fallback === 'boolean' || row.fallback === undefined)
      continue;
    if (row.otherwise !== undefined || UNWRITABLE.test(path) || complaintOf(path) !== undefined)
      continue;
    const keyword = path.split('/').at(-1) as string;
    const lines = text.split('\n');
    assert.equal(lines[from - 1]?.trim(), shown);
    it(path, () => {
      const written = `${keyword} ${row.type.format(row.fallback)}`;
      const without = meaning(lines.toSpliced(from - 1, 1).join('\n'));
      assert.deepEqual(meaning(lines.toSpliced(from - 1, 1, written).join('\n')), without);
    });
  }
});

const cellsOf = (line: string): readonly string[] =>
  line.split(/(?<!\\)\|/).map((cell) => cell.trim());

test('every row of the page has a default, a meaning and an example', () => {
  const [page = ''] = markdown(keywords).split('## Beside keywords');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map(cellsOf);
  assert.equal(rows.length, all.length);
  assert.ok(all.length > 700, `${all.length} rows`);
  for (const [, keyword = '', , fallback, meaning, example = ''] of rows) {
    assert.ok(fallback !== '' && meaning !== '' && example !== '', `${keyword}: ${example}`);
    assert.ok(example.includes(keyword.replaceAll('`', '')), `${keyword} is not in ${example}`);
  }
});

test('the terminal tells the same', () => {
  for (const { path, shown } of all) {
    const told = entriesFor(keywords, path.split('/').at(-1) as string).join('\n');
    for (const line of shown.split('\n')) assert.ok(told.includes(line), `${path}: ${line}`);
    assert.ok(/^ {2}default {2}\S/m.test(told), path);
  }
});

test('a path names one keyword of several, and what is the same in several blocks is told once', () => {
  const priority = entriesFor(keywords, 'vrrp_instance/priority');
  assert.equal(priority.length, 1);
  assert.match(priority.join(), /^priority .*\n {2}in {7}vrrp_instance\n/);
  assert.deepEqual(entriesFor(keywords, 'virtual_server/priority'), []);
  const dev = entriesFor(keywords, 'dev');
  assert.equal(
    new Set(dev.map((entry) => entry.replace(/ {2}in.*? {2}meaning/s, ''))).size,
    dev.length,
  );
  const inner = entriesFor(keywords, 'vrrp_instance/virtual_ipaddress/dev');
  assert.equal(inner.length, 1);
});

for (const [word, beginning] of [
  ['vrrp_instance / priority', 'priority <int> 1..255'],
  ['inet6', 'inet\n'],
  ['dsfield', 'tos <int> 0..255|<name>'],
  ['blackhole', 'unicast <ip>'],
  ['virtual_rules/blackhole', 'type nop|blackhole'],
  ['sup_pl', 'suppress_prefixlength <int> 0..2147483647'],
  ['maxlen', 'lvs_sync_daemon <interface>'],
  ['virtual_ipaddress/scope', 'scope global|site|link|host|nowhere|<int> 0..255'],
  ['lb_kind', 'lvs_method NAT|DR|TUN'],
] as const)
  test(`help finds ${word}`, () => {
    const all = entriesFor(keywords, word);
    assert.ok(
      all.some((entry) => entry.startsWith(beginning)),
      all.join('\n'),
    );
  });

for (const [word, hint] of [
  ['prioritty', "; did you mean 'priority'?"],
  ['virtual_ip', '; there is virtual_ipaddress, virtual_ipaddress_excluded, no_virtual_ipaddress'],
  ['real_server/weigth', "; did you mean 'weight'?"],
  ['vrrp_script/priority', /vrrp_instance\/priority/],
  ['lvs_id', ": it is obsolete, use 'router_id'"],
  ['nothinglikeit', ''],
  ['', ''],
] as const)
  test(`help knows what '${word}' may have been`, () => {
    if (typeof hint === 'string') assert.equal(hintFor(word), hint);
    else assert.match(hintFor(word), hint);
  });

test('help without a keyword lists the blocks to begin with, and every other word of the top level', () => {
  const lines = overview().split('\n');
  const at = (name: string): number => lines.findIndex((line) => line.startsWith(`  ${name} `));
  for (const name of Object.keys(keywords)) assert.ok(at(name) > 0, name);
  assert.ok(at('vrrp_instance') < at('net_namespace'));
});
