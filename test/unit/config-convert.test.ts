// keepalived.conf -> YAML -> keepalived.conf: every real configuration means the same in each of them, and its YAML is
// what the schema allows.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MachineFacts } from '../../src/config/build.ts';
import { readPattern } from '../../src/config/include.ts';
import { type Line, lex } from '../../src/config/lexer.ts';
import { readYaml } from '../../src/config/yaml.ts';
import { buildConfiguration, keywords } from '../../src/keywords.ts';
import { confToYaml, statusOf, yamlToConf } from '../../src/tool/convert.ts';

const corpus = join(import.meta.dirname, '../fixtures/corpus');
const some = { loopback: false, mtu: 1500 };
/** A machine that has every interface that a file names. */
const facts: MachineFacts = {
  hostname: 'host',
  processors: 2,
  interfaces: Object.assign(new Map(), { has: () => true, get: () => some }),
  user: () => ({ uid: 0, gid: 0 }),
  group: () => 0,
  inspect: (path) => ({ path }),
};

function linesOf(text: string): readonly Line[] {
  const none = { read: () => ({ problem: 'missing' as const }), list: () => undefined };
  return lex([{ name: 'x', path: '/x', directory: '/', text }], {
    read: (pattern, directory) => readPattern(none, pattern, directory),
    configId: 'vm',
    random: { seed: 1 },
  }).lines;
}

const meaning = (lines: readonly Line[]) => buildConfiguration(lines, facts).config;

/** By which mistakes the daemon would end. */
const fatal = (lines: readonly Line[]): readonly string[] =>
  buildConfiguration(lines, facts)
    .diagnostics.filter(({ severity }) => severity === 'fatal')
    .map(({ id }) => id);

const files = ['files', 'clients'].flatMap((group) =>
  readdirSync(join(corpus, group), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(group, entry.name)),
);

test('real configurations mean the same as YAML and back', () => {
  let [meaningful, ended, argumentless] = [0, 0, 0];
  for (const file of files) {
    const lines = linesOf(readFileSync(join(corpus, file), 'utf8'));
    const expected = meaning(lines);
    const yaml = confToYaml(lines);
    const read = readYaml({ name: 'y', path: '/y', directory: '/', text: yaml.text }, keywords);
    assert.deepEqual(read.diagnostics, [], file);
    // What ends the daemon means nothing; a keyword without its argument does, and is no value of it.
    if (fatal(lines).includes('missing-argument')) {
      argumentless++;
      continue;
    }
    assert.deepEqual(read.schema, [], `${file}\n${yaml.text}`);
    if (expected === undefined) {
      assert.deepEqual(fatal(read.lines), fatal(lines), file);
      assert.deepEqual(fatal(yamlToConf(read.lines).lines), fatal(lines), file);
      ended++;
      continue;
    }
    assert.deepEqual(meaning(read.lines), expected, `${file}\n${yaml.text}`);
    const back = yamlToConf(read.lines);
    assert.deepEqual(back.lost, [], file);
    assert.deepEqual(meaning(back.lines), expected, `${file}\n${back.text}`);
    meaningful++;
  }
  const counts = `${meaningful} mean anything, ${ended} end the daemon, ${argumentless} lack an argument`;
  assert.equal(meaningful + ended + argumentless, files.length);
  assert.ok(meaningful >= 200 && argumentless <= 4, counts);
});

const yaml = (text: string) => readYaml({ name: 'y', path: '/y', directory: '/', text }, keywords);

test('a mistake in YAML is said with its place', () => {
  const { diagnostics } = yaml(
    'vrrp_instance:\n  - name: A\n    nopreempt: yes\n    unicast_peer: {a: b}\n',
  );
  assert.deepEqual(
    diagnostics.map(({ id, line, column }) => [id, line, column]),
    [
      ['yaml-type', 3, 16],
      ['yaml-type', 4, 19],
    ],
  );
  const { schema } = yaml(
    'vrrp_instance:\n  - name: A\n    virtual_router_id: 5\n    state: BACKUPP\n',
  );
  assert.deepEqual(
    schema.map(({ id, line, column, hint }) => [id, line, column, hint]),
    [['schema', 4, 12, "did you mean 'BACKUP'?"]],
  );
});

test('a choice that keepalived reads in either case is one for the schema too', () => {
  const server = 'virtual_server:\n  - heading: 10.0.0.1 80\n    protocol:';
  assert.deepEqual(yaml(`${server} tcp\n`).schema, []);
  assert.equal(yaml(`${server} icmp\n`).schema.length, 1);
});

test('an alias without an anchor is fatal, with its place', () => {
  const { diagnostics } = yaml('vrrp_script: &one []\nglobal_defs:\n  router_id: *ona\n');
  assert.deepEqual(
    diagnostics.map(({ id, severity, line, column, hint }) => [id, severity, line, column, hint]),
    [['yaml-syntax', 'fatal', 3, 14, "did you mean 'one'?"]],
  );
});

test('what must be a list says how one is written', () => {
  const { schema } = yaml('global_defs:\n  notification_email: a@example.com\n');
  assert.deepEqual(
    schema.map(({ line, column, message, hint }) => [line, column, message, hint]),
    [
      [
        2,
        23,
        "'notification_email' must be array",
        "write a list: a line of its own for each, which begins with '- '",
      ],
    ],
  );
});

test('a byte order mark is nothing to YAML', () => {
  assert.deepEqual(yaml('\ufeffglobal_defs:\n  router_id: x\n').diagnostics, []);
});

for (const [what, text, id] of [
  ['broken YAML', 'a: [1\nb: 2', 'yaml-syntax'],
  ['a key twice', 'global_defs: {}\nglobal_defs: {}', 'yaml-syntax'],
  ['a list at the top', '- a', 'yaml-type'],
  [
    "another program's dialect",
    'vrrp_instances:\n  - name: A\nhealth_checkers: []\n',
    'foreign-dialect',
  ],
  ['endless nesting', '['.repeat(5000), 'yaml-syntax'],
  ['an alias of nothing', 'global_defs:\n  notification_email: *x\n', 'yaml-syntax'],
  ['UTF-16', 'a\0:\0 \0b\0', 'yaml-syntax'],
] as const) {
  test(`YAML: ${what}`, () => {
    assert.deepEqual(
      yaml(text).diagnostics.map((d) => d.id),
      [id],
    );
  });
}

test('numbers, text and lists of words say the same', () => {
  const texts = (text: string) => yaml(text).lines.map((line) => line.text);
  assert.deepEqual(
    texts('vrrp_script:\n  - name: a b\n    script: \'"/bin/x" \'\n    interval: 5\n'),
    ['vrrp_script "a b"', '{', 'script "/bin/x" ', 'interval 5', '}'],
  );
  assert.deepEqual(
    texts('global_defs:\n  vrrp_cpu_affinity: [0, 1]\n  vrrp_no_swap: false\n  umask: 0177'),
    ['global_defs', '{', 'vrrp_cpu_affinity 0 1', 'umask 0177', '}'],
  );
});

test('aliases and merged mappings', () => {
  const { lines, diagnostics } = yaml(
    'vrrp_instance:\n  - &a\n    name: A\n    priority: 5\n  - <<: *a\n    name: B\n',
  );
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(
    lines.map((line) => line.text).filter((text) => text.includes(' ')),
    ['vrrp_instance A', 'priority 5', 'vrrp_instance B', 'priority 5'],
  );
});

test('a mapping inside itself ends', () => {
  const ids = yaml('global_defs: &g {router_id: *g, <<: *g}\n').diagnostics.map((d) => d.id);
  assert.ok(ids.includes('yaml-type'), ids.join());
});

test('the command says what a file loses, and refuses what would mean something else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ka-convert-'));
  const convert = (...inside: readonly string[]) => {
    const file = join(folder, 'a.conf');
    const lines = ['interface nosuch0', 'virtual_router_id 5', ...inside];
    const vips = ['virtual_ipaddress {', '10.0.0.1', '}'];
    writeFileSync(file, ['vrrp_instance A {', ...lines, ...vips, '}', ''].join('\n'));
    const program = ['--import', 'tsx', 'src/main.ts', 'convert', file];
    const cwd = new URL('../..', import.meta.url);
    const { status, stdout, stderr } = spawnSync(process.execPath, program, {
      cwd,
      encoding: 'utf8',
    });
    return { status, stdout, said: stderr.match(/(?<=\[)[a-z-]+(?=\]$)/gm) ?? [], stderr };
  };
  try {
    const good = convert('use_vmac', 'linkbeat_use_polling');
    assert.deepEqual([good.status, good.said], [0, ['deprecated']], good.stderr);
    assert.match(good.stdout, /^ {4}use_vmac: true$/m);
    const bad = convert('priority x');
    assert.deepEqual([bad.status, bad.said], [5, ['invalid-number']], bad.stderr);
    assert.match(bad.stdout, /^ {4}priority: 100$/m);
    // The line counts as a keyword of unicast although its address is wrong; a YAML without it would not.
    const changed = convert('use_vmac', 'unicast_src_ip 15');
    assert.deepEqual([changed.status, changed.stdout], [5, '']);
    // -t gives 6 for the script, whatever ends the daemon.
    const ends = convert('notify_master /bin/true', 'vrrp_version', 'virtual_router_id 300');
    assert.deepEqual(ends.status, 6, ends.stderr);
    assert.match(changed.stderr, /cannot be converted without a change of meaning/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const instance = (name: string, ...inside: readonly string[]): string[] => [
  ...[`vrrp_instance ${name} {`, 'interface eth0', 'virtual_router_id 5', ...inside],
  ...['virtual_ipaddress {', '10.0.0.1', '}', '}'],
];
const url = (line: string): string[] => [
  ...['virtual_server 10.0.0.1 80 {', 'real_server 10.0.0.2 80 {', 'HTTP_GET {'],
  ...['url {', 'path /', line, '}', '}', '}', '}'],
];

for (const [what, lines] of [
  ['a pattern that ends with a quote', url('regex abc"')],
  ['a quote within a pattern', url('regex "a\\"b # c"')],
  [
    'a quote without an end in a list',
    ['global_defs {', 'notification_email {', 'a@b "c', '}', '}'],
  ],
  ['a quote without an end in an address', instance('A', 'virtual_routes {', '"10.0.0.9', '}')],
  ['a last word of three', instance('A', 'preempt', 'nopreempt', 'preempt')],
  ['a last word of two', instance('A', 'nopreempt', 'preempt')],
] as const)
  test(`${what} means the same as YAML and back`, () => {
    const original = linesOf(lines.join('\n'));
    const there = confToYaml(original);
    const back = yamlToConf(there.lines);
    assert.deepEqual(meaning(there.lines), meaning(original), there.text);
    assert.deepEqual([back.lost, meaning(back.lines)], [[], meaning(original)], back.text);
  });

test('YAML that keepalived.conf cannot say is refused with the reason, and what the schema refuses is said', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ka-convert-'));
  const convert = (text: string) => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, text);
    const program = ['--import', 'tsx', 'src/main.ts', 'convert', file];
    const cwd = new URL('../..', import.meta.url);
    const { status, stderr } = spawnSync(process.execPath, program, { cwd, encoding: 'utf8' });
    return [status, stderr.match(/(?<=\[)[a-z-]+(?=\]$)/gm)];
  };
  try {
    const script = 'vrrp_script:\n  - name: c\n    script: /bin/true {}\n';
    assert.deepEqual(convert(script), [5, ['unexpected-open']]);
    assert.deepEqual(convert('global_defs:\n  router_id: |\n    a\n    b\n'), [5, ['unwritable']]);
    assert.deepEqual(convert('global_defs:\n  notification_email: a@b\n'), [5, ['schema']]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the status of a conversion is not 0 where no daemon starts', () => {
  const of = (severity: 'warning' | 'fatal', kind: 'none' | 'general', ends?: number) => ({
    id: 'x',
    severity,
    class: kind,
    message: 'x',
    ...(ends === undefined ? {} : { ends }),
  });
  assert.equal(statusOf([of('warning', 'general')]), 0);
  assert.equal(statusOf([of('fatal', 'general')]), 5);
  assert.equal(statusOf([of('fatal', 'none')]), 2);
  assert.equal(statusOf([of('fatal', 'none', 6)]), 6);
});
