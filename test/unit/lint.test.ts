// `keepalived lint`: each piece of advice is given where it belongs, not where it does not, and can be silenced.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { ADVICE, advise, type Machine, type Network } from '../../src/advice.ts';
import type { MachineFacts } from '../../src/config/build.ts';
import { lex } from '../../src/config/lexer.ts';
import { parse } from '../../src/config/parser.ts';
import { buildConfiguration, keywords } from '../../src/keywords.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { findingsOf, LINT_VERSION, lintSchema, type Report } from '../../src/tool/report.ts';
import { isSilenced, silenceIn } from '../../src/tool/silence.ts';

const facts: MachineFacts = {
  hostname: 'host',
  processors: 2,
  interfaces: new Map(['eth0', 'eth1'].map((name) => [name, { loopback: false, mtu: 1500 }])),
  user: () => ({ uid: 0, gid: 0 }),
  group: () => 0,
  inspect: (path) => ({ path }),
};
const networks = new Map<string, readonly Network[]>([
  ['eth0', [{ address: '10.0.0.1' as Ip, prefix: 24 }]],
]);

function machine(text: string, file = 'a.conf'): Machine {
  const { lines } = lex([{ name: file, path: `/${file}`, directory: '/', text }], {
    read: () => ({ files: [], problems: [] }),
    configId: 'me',
    random: { seed: 1 },
  });
  const { config, diagnostics } = buildConfiguration(lines, facts);
  assert.ok(config !== undefined, JSON.stringify(diagnostics));
  return { config, nodes: parse(lines, keywords).nodes, networks };
}

interface Parts {
  readonly global?: readonly string[];
  readonly before?: readonly string[];
  readonly inside?: readonly string[];
  readonly address?: string;
  readonly priority?: number;
}

const conf = ({ global = [], before = [], inside = [], address, priority }: Parts): string =>
  [
    'global_defs {',
    'enable_script_security',
    'script_user root',
    ...global,
    '}',
    ...before,
    'vrrp_instance A {',
    'interface eth0',
    'virtual_router_id 5',
    `priority ${priority ?? 100}`,
    ...inside,
    'virtual_ipaddress {',
    address ?? '10.0.0.100/24',
    '}',
    '}',
    '',
  ].join('\n');

const script = ['vrrp_script c {', 'script /bin/true', 'interval 2', 'timeout 1', '}'];
const track = (weight: number): string[] => ['track_script {', `c weight ${weight}`, '}'];
const seen = new Set<string>();

function given(...parts: readonly Parts[]): string[] {
  const names = advise(parts.map((part, i) => machine(conf(part), `${i}.conf`))).map((d) => {
    assert.ok((d.line ?? 0) > 0 && d.hint !== undefined, JSON.stringify(d));
    // Each can be silenced by its name, for a run, a file and a line.
    const { file = '', line, id } = d;
    const comment = (text: string) => new Map([[file, silenceIn(text)]]);
    const above = '\n'.repeat((line ?? 1) - 1);
    assert.ok(isSilenced(d, new Map(), new Set([id])));
    assert.ok(isSilenced(d, comment(`# lint: ignore-file ${id}`), new Set()));
    assert.ok(isSilenced(d, comment(`${above}x # lint: ignore ${id}`), new Set()));
    assert.ok(!isSilenced(d, comment(`${above}x # lint: ignore other`), new Set(['other'])));
    return id;
  });
  for (const name of names) seen.add(name);
  return names;
}

for (const [what, parts, names] of [
  ['nothing', [{}], []],
  ['a weight that counts', [{ before: script, inside: track(-20) }], []],
  [
    'a weight above the limit',
    [{ before: script, inside: track(10), priority: 254 }],
    ['weight-without-effect'],
  ],
  [
    'a long password',
    [{ inside: ['authentication {', 'auth_type PASS', 'auth_pass 123456789', '}'] }],
    ['auth-pass-cut'],
  ],
  [
    'a password of eight characters',
    [{ inside: ['authentication {', 'auth_type PASS', 'auth_pass 12345678', '}'] }],
    [],
  ],
  ['strict', [{ global: ['vrrp_strict'] }], ['strict-drops-traffic']],
  ['strict elsewhere', [{ global: ['vrrp_strict'], inside: ['strict_mode off'] }], []],
  ['strict, accepting', [{ global: ['vrrp_strict'], inside: ['version 3', 'accept'] }], []],
  [
    'strict with unicast peers',
    [
      {
        global: ['vrrp_strict'],
        inside: ['version 3', 'accept', 'unicast_peer {', '10.0.0.2', '}'],
      },
    ],
    ['strict-unicast'],
  ],
  ['short adverts', [{ inside: ['version 3', 'advert_int 0.02'] }], ['advert-int-too-short']],
  [
    'short adverts with patience',
    [{ inside: ['version 3', 'advert_int 0.02', 'down_timer_adverts 10'] }],
    [],
  ],
  ['an address elsewhere', [{ address: '192.168.0.1/24' }], ['address-outside-network']],
  ['an address of a family that its interface has none of', [{ address: '2001:db8::100/64' }], []],
  ['an address of another interface', [{ address: '192.168.0.1/24 dev eth1' }], []],
  [
    'a script that may take its interval',
    [{ before: script.map((line) => line.replace('timeout 1', 'timeout 2')), inside: track(-2) }],
    [],
  ],
  [
    'a check that takes long',
    [
      {
        before: [
          'virtual_server 10.0.0.100 80 {',
          ...['delay_loop 2', 'lvs_sched rr', 'lvs_method NAT', 'protocol TCP'],
          'real_server 10.0.0.10 80 {',
          ...['MISC_CHECK {', 'misc_path /bin/true', 'misc_timeout 3', '}'],
          ...['TCP_CHECK {', 'connect_timeout 2', '}'],
          '}',
          '}',
        ],
      },
    ],
    ['timeout-longer-than-interval'],
  ],
  [
    'a script that takes long',
    [{ before: script.map((line) => line.replace('timeout 1', 'timeout 3')), inside: track(-2) }],
    ['timeout-longer-than-interval'],
  ],
  ['two machines', [{}, { priority: 90 }], []],
  ['two machines of one priority', [{}, {}], ['same-priority']],
  [
    'two masters',
    [{ inside: ['state MASTER'] }, { inside: ['state MASTER'], priority: 90 }],
    ['master-on-both-sides'],
  ],
  ['one master', [{ inside: ['state MASTER'] }, { inside: ['state BACKUP'], priority: 90 }], []],
  [
    'other virtual routers',
    [{ inside: ['state MASTER'] }, { inside: ['state MASTER', 'virtual_router_id 6'] }],
    [],
  ],
  ['other addresses', [{}, { priority: 90, address: '10.0.0.101/24' }], ['peers-differ']],
  [
    'a weight too small',
    [{ before: script, inside: track(-5) }, { priority: 90 }],
    ['weight-without-effect'],
  ],
  ['a weight large enough', [{ before: script, inside: track(-20) }, { priority: 90 }], []],
] as const) {
  test(`advice on ${what}`, () => assert.deepEqual(given(...(parts as readonly Parts[])), names));
}

test('every piece of advice has been given', () => {
  assert.deepEqual([...seen].sort(), Object.keys(ADVICE).sort());
});

test('comments and names silence warnings and no errors', () => {
  const silence = silenceIn('a # lint: ignore x\nb\nc\n! lint: ignore-file y z\n');
  const silences = new Map([['f', silence]]);
  const d = (id: string, line: number, severity: 'warning' | 'error' = 'warning') =>
    ({ id, severity, class: 'none', message: 'm', file: 'f', line }) as const;
  const none: ReadonlySet<string> = new Set();
  assert.deepEqual(
    [d('x', 1), d('x', 2), d('x', 3), d('y', 9), d('z', 9), d('w', 1), d('x', 1, 'error')].map(
      (one) => isSilenced(one, silences, none),
    ),
    [true, true, false, true, true, false, false],
  );
  assert.equal(isSilenced(d('w', 1), silences, new Set(['w'])), true);
});

const documented = JSON.parse(
  readFileSync(new URL('../../docs/lint.schema.json', import.meta.url), 'utf8'),
);

test('what is printed is what the schema says', () => {
  const check = new Ajv({ strict: true }).compile(documented);
  const folder = mkdtempSync(join(tmpdir(), 'ka-lint-'));
  try {
    const bad = join(folder, 'bad.conf');
    writeFileSync(bad, conf({ global: ['vrrp_strict', 'rooter_id a'], inside: ['priority x'] }));
    const good = join(folder, 'good.conf');
    // The machine that is taken for granted has every interface, and still one to make.
    writeFileSync(good, conf({ inside: ['use_vmac'] }));
    for (const [files, status, names] of [
      [[good], 0, []],
      [
        [good, bad],
        5,
        ['unknown-keyword', 'invalid-number', 'strict-drops-traffic', 'same-priority'],
      ],
      [
        ['--ignore', 'strict-drops-traffic,same-priority', good, bad],
        5,
        ['unknown-keyword', 'invalid-number'],
      ],
    ] as const) {
      const program = ['--import', 'tsx', 'src/main.ts', 'lint', '--json', '--elsewhere', ...files];
      const root = new URL('../..', import.meta.url);
      const { stdout, status: code } = spawnSync(process.execPath, program, {
        cwd: root,
        encoding: 'utf8',
      });
      const report = JSON.parse(stdout) as Report;
      assert.ok(check(report), JSON.stringify(check.errors));
      assert.deepEqual(
        [code, report.status, report.findings.map(({ name }) => name)],
        [status, status, names],
      );
      for (const { file, line, column, source } of report.findings)
        assert.ok(
          file === bad && line !== undefined && column !== undefined && source !== undefined,
        );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the JSON output is what its schema says', () => {
  const check = new Ajv({ strict: true }).compile(lintSchema);
  assert.deepEqual(lintSchema, documented);
  const advice = advise([machine(conf({ global: ['vrrp_strict'] }))]);
  const findings = findingsOf(
    [{ id: 'a', severity: 'error', class: 'general', message: 'm' }],
    advice,
  );
  assert.ok(
    check(JSON.parse(JSON.stringify({ version: LINT_VERSION, status: 5, findings }))),
    JSON.stringify(check.errors),
  );
  assert.equal(findings.length, 2);
});
