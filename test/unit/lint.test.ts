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
  interfaces: new Map(
    ['eth0', 'eth1', 'eth2', 'eth3', 'lo'].map((name) => [
      name,
      { loopback: name === 'lo', mtu: 1500 },
    ]),
  ),
  user: () => ({ uid: 0, gid: 0 }),
  group: () => 0,
  inspect: (path) => ({ path }),
};
const networks = new Map<string, readonly Network[]>([
  ['eth0', [{ address: '10.0.0.1' as Ip, prefix: 24 }]],
  [
    'eth1',
    [
      { address: '172.16.0.1' as Ip, prefix: 24 },
      { address: 'fe80::1' as Ip, prefix: 64 },
    ],
  ],
  ['lo', [{ address: '127.0.0.1' as Ip, prefix: 8 }]],
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
  return namesIn(parts.map(conf));
}

function namesIn(texts: readonly string[]): string[] {
  const names = advise(texts.map((text, i) => machine(text, `${i}.conf`))).map((d) => {
    assert.ok((d.line ?? 0) > 0 && d.hint !== undefined, JSON.stringify(d));
    // A whole word is marked.
    const { column = 0, length = 0, source = '' } = d;
    assert.match(source.slice(column - 1, column - 1 + length), /^[\w.:/]+$/, JSON.stringify(d));
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

const password = (word: string): string[] => ['authentication {', 'auth_type PASS', word, '}'];
const tracker = (weight: string): string[] => ['vrrp_script c {', 'script /bin/true', weight, '}'];
const tracks = ['track_script {', 'c', '}'];
const file = ['track_file f {', 'file /run/f', 'weight 1', '}'];
const files = ['track_file {', 'f', '}'];
const peers = (own: string, other: string): string[] => [
  `unicast_src_ip ${own}`,
  ...['unicast_peer {', other, '}'],
];
const falls = { before: tracker('weight -20'), inside: tracks };

/** What each machine of a set is beside the others, and what one line hides of another. */
const BEYOND: readonly (readonly [string, readonly Parts[], readonly string[]])[] = [
  ['a weight turned round', [{ ...falls, before: tracker('weight -20 reverse'), priority: 1 }], []],
  [
    'a weight turned round the wrong way',
    [{ ...falls, before: tracker('weight 20 reverse'), priority: 1 }],
    ['weight-without-effect'],
  ],
  [
    'a weight that another one makes room for',
    [
      {
        before: [...tracker('weight 20'), 'vrrp_script d {', 'script /bin/true', 'weight -30', '}'],
        inside: ['track_script {', 'c', 'd', '}'],
        priority: 254,
      },
    ],
    [],
  ],
  ['a file, which says any number', [{ before: file, inside: files, priority: 254 }], []],
  [
    'a file beside a far lower priority',
    [{ before: file, inside: files, priority: 200 }, { priority: 90 }],
    [],
  ],
  [
    'a weight that makes two priorities equal',
    [
      { ...falls, priority: 110 },
      { ...falls, priority: 90 },
    ],
    ['weight-without-effect'],
  ],
  [
    'weights turned round that reach',
    [
      { ...falls, before: tracker('weight 20 reverse'), priority: 105 },
      { ...falls, before: tracker('weight 20 reverse') },
    ],
    [],
  ],
  [
    'a backup that cannot rise enough',
    [{ priority: 200 }, { ...falls, before: tracker('weight 5') }],
    ['weight-without-effect'],
  ],
  [
    'a weight that reaches the second of three',
    [{ ...falls, priority: 110 }, { priority: 100 }, { priority: 80 }],
    [],
  ],
  [
    'a weight that reaches nobody of three',
    [
      { ...falls, priority: 150 },
      { ...falls, priority: 100 },
      { ...falls, priority: 90 },
    ],
    ['weight-without-effect'],
  ],
  ['an owner and two backups', [{ priority: 255 }, falls, { ...falls, priority: 90 }], []],
  [
    'backups that do not preempt',
    [
      { ...falls, inside: ['nopreempt', ...tracks], priority: 110 },
      { ...falls, inside: ['nopreempt', ...tracks] },
    ],
    ['nopreempt-ignores-weight'],
  ],
  [
    'a backup that does not preempt, and a master that does',
    [{ ...falls, priority: 110 }, { inside: ['nopreempt'] }],
    [],
  ],
  ['a password without a type', [{ inside: ['authentication {', 'auth_pass 123456789', '}'] }], []],
  ['letters of two bytes', [{ inside: password('auth_pass ääääe') }], ['auth-pass-cut']],
  ['strict, not accepting on purpose', [{ global: ['vrrp_strict'], inside: ['no_accept'] }], []],
  ['strict, an owner', [{ global: ['vrrp_strict'], priority: 255 }], []],
  [
    'an excluded address elsewhere',
    [{ inside: ['virtual_ipaddress_excluded {', '192.168.0.1', '}'] }],
    ['address-outside-network'],
  ],
  ['an address of the loopback interface', [{ address: '192.168.0.1/32 dev lo' }], []],
  ['the far end of a link', [{ address: '192.168.0.1 peer 10.0.0.7' }], []],
  [
    'an address elsewhere on an interface of its own',
    [{ address: '192.168.0.1/24', inside: ['use_vmac'] }],
    ['address-outside-network'],
  ],
  ['an address that a master has', [{ address: '172.16.0.1/24 dev eth1' }], []],
  ['a global address where there are link-local ones', [{ address: '2001:db8::1 dev eth1' }], []],
  [
    'unicast of two sides',
    [
      { inside: peers('10.0.0.1', '10.0.0.2') },
      { inside: peers('10.0.0.2', '10.0.0.1'), priority: 90 },
    ],
    [],
  ],
  [
    'unicast of one side',
    [
      { inside: peers('10.0.0.1', '10.0.0.2') },
      { inside: peers('10.0.0.2', '10.0.0.3'), priority: 90 },
    ],
    ['peers-differ'],
  ],
  [
    'unicast of other machines',
    [
      { inside: peers('10.0.0.1', '10.0.0.2') },
      { inside: peers('10.0.0.3', '10.0.0.4'), address: '10.0.0.101' },
    ],
    [],
  ],
  [
    'unicast and multicast',
    [{ inside: peers('10.0.0.1', '10.0.0.2') }, { priority: 90 }],
    ['peers-differ'],
  ],
  [
    'another group',
    [{ global: ['vrrp_mcast_group4 224.0.0.19'] }, { priority: 90 }],
    ['peers-differ'],
  ],
  [
    'another password',
    [{ inside: password('auth_pass abc') }, { inside: password('auth_pass abd'), priority: 90 }],
    ['peers-differ'],
  ],
];

const two = (priority: number, state: string, [first, second]: readonly [string, string]): string =>
  [first, second]
    .flatMap((link, i) => [
      `vrrp_instance V${i} {`,
      ...[`interface ${link}`, 'virtual_router_id 5', `state ${state}`, `priority ${priority}`],
      ...['virtual_ipaddress {', `10.${i}.0.100 dev eth2`, '}', '}'],
    ])
    .join('\n');

test('one number on two networks is two virtual routers', () => {
  const here = two(110, 'MASTER', ['eth0', 'eth1']);
  assert.deepEqual(namesIn([here, two(100, 'BACKUP', ['eth0', 'eth1'])]), []);
  assert.deepEqual(namesIn([here, two(100, 'BACKUP', ['eth1', 'eth0'])]), []);
  assert.deepEqual(namesIn([here, two(100, 'MASTER', ['eth0', 'eth1'])]), [
    'master-on-both-sides',
    'master-on-both-sides',
  ]);
  const others = here.replaceAll('virtual_router_id 5', 'virtual_router_id 6');
  assert.deepEqual(namesIn([here, others]), ['peers-differ', 'peers-differ']);
});

test('thousands of addresses are looked at once each', () => {
  const many = (priority: number): string =>
    Array.from({ length: 250 }, (_, i) => [
      ...[`vrrp_instance V${i} {`, 'interface eth0', `virtual_router_id ${i + 1}`],
      ...[`priority ${priority}`, 'no_virtual_ipaddress', 'virtual_ipaddress_excluded {'],
      ...Array.from({ length: 60 }, (__, j) => `11.0.${i}.${j}`),
      ...['}', '}'],
    ])
      .flat()
      .join('\n');
  const machines = [many(100), many(90)].map((text, i) => machine(text, `${i}.conf`));
  const begun = performance.now();
  const outside = advise(machines).filter(({ id }) => id === 'address-outside-network');
  // Each beside each other one would be minutes.
  assert.ok(performance.now() - begun < 10_000);
  assert.equal(outside.length, 2 * 250 * 60);
});

const group = (weight: number, more: string): string =>
  [
    ...script,
    ...['vrrp_sync_group G {', 'group {', 'V0', 'V1', '}', 'sync_group_tracking_weight'],
    ...['track_script {', `c weight ${weight}`, '}', '}'],
    more,
  ].join('\n');

test('a group falls as one', () => {
  const links = ['eth0', 'eth1'] as const;
  const lower = two(100, 'BACKUP', links);
  const upper = two(110, 'BACKUP', links);
  assert.deepEqual(namesIn([group(-5, upper), lower]), ['weight-without-effect']);
  assert.deepEqual(namesIn([group(-20, upper), lower]), []);
  // Of a script that both track the group's weight counts.
  const both = upper.replaceAll('virtual_ip', 'track_script {\nc weight -6\n}\nvirtual_ip');
  assert.deepEqual(namesIn([group(-5, both), lower]), ['weight-without-effect']);
  // One of its members falls enough, and takes the others with it.
  const one = upper.replace('virtual_ip', 'track_interface {\neth3 weight -6\n}\nvirtual_ip');
  assert.deepEqual(namesIn([group(-5, one), lower]), []);
});

const checked = (service: readonly string[], check: readonly string[]): string =>
  [
    ...['virtual_server 10.0.0.100 80 {', 'lvs_sched rr', 'lvs_method NAT', 'protocol TCP'],
    ...service,
    ...['real_server 10.0.0.10 80 {', 'TCP_CHECK {', ...check, '}', '}', '}'],
  ].join('\n');

for (const [what, service, check, names] of [
  ['its own', [], ['delay_loop 2', 'connect_timeout 3'], ['timeout-longer-than-interval']],
  ['of the service', ['connect_timeout 5'], ['delay_loop 2'], ['timeout-longer-than-interval']],
  ['of the service, and enough', ['delay_loop 2', 'connect_timeout 5'], ['delay_loop 9'], []],
  ['nowhere', ['delay_loop 2'], [], []],
] as const)
  test(`the timeout of a check: ${what}`, () =>
    assert.deepEqual(namesIn([checked(service, check)]), names));

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
  ['an address of another interface', [{ address: '192.168.0.1/24 dev eth2' }], []],
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
  ...BEYOND,
  ['one master', [{ inside: ['state MASTER'] }, { inside: ['state BACKUP'], priority: 90 }], []],
  [
    'other virtual routers',
    [
      { inside: ['state MASTER'] },
      { inside: ['state MASTER', 'virtual_router_id 6'], address: '10.0.0.101' },
    ],
    [],
  ],
  [
    'another number for the same address',
    [{ inside: ['state MASTER'] }, { inside: ['state MASTER', 'virtual_router_id 6'] }],
    ['peers-differ'],
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
        ['unknown-keyword', 'strict-drops-traffic', 'invalid-number', 'same-priority'],
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

test('comments count in the file they stand in, and a file that is not there is no success', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ka-lint-'));
  const put = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const lint = (...words: readonly string[]) => {
    const program = ['--import', 'tsx', 'src/main.ts', 'lint', '--json', '--elsewhere', ...words];
    const root = new URL('../..', import.meta.url);
    const { stdout } = spawnSync(process.execPath, program, { cwd: root, encoding: 'utf8' });
    const { status, findings } = JSON.parse(stdout) as Report;
    return [status, findings.map(({ name }) => name)];
  };
  try {
    const long = conf({ inside: password('auth_pass 123456789') });
    put('part.conf', `# lint: ignore-file auth-pass-cut\n${long}`);
    assert.deepEqual(lint(put('all.conf', 'include part.conf\n')), [0, []]);
    assert.deepEqual(lint(put('long.conf', long)), [5, ['auth-pass-cut']]);
    assert.deepEqual(lint('--ignore', 'auth-pass-cut', join(folder, 'long.conf')), [0, []]);
    assert.deepEqual(lint(join(folder, 'none.conf')), [6, ['file-missing']]);
    const both = put(
      'both.conf',
      conf({}).replace('priority 100', '@a priority 100\n@b priority 90'),
    );
    assert.deepEqual(lint('-i', 'a', both, '-i', 'b', both), [0, []]);
    assert.deepEqual(lint('-i', 'a', both, both), [3, ['same-priority']]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the JSON output is what its schema says', () => {
  const check = new Ajv({ strict: true }).compile(lintSchema);
  assert.deepEqual(lintSchema, documented);
  const advice = advise([machine(conf({ global: ['vrrp_strict'] }))]);
  const findings = findingsOf(
    [{ id: 'a', severity: 'error', class: 'general', message: 'm' }, ...advice],
    new Set(advice),
  );
  assert.ok(
    check(JSON.parse(JSON.stringify({ version: LINT_VERSION, status: 5, findings }))),
    JSON.stringify(check.errors),
  );
  assert.equal(findings.length, 2);
});

test('advice and complaints say where they belong, and nothing more of the line', () => {
  const text = 'vrrp_script s {\nscript /bin/true\ninterval 1\ntimeout 2\nmisstpelt\n}\n';
  const { lines } = lex([{ name: 'a.conf', path: '/a.conf', directory: '/', text }], {
    read: () => ({ files: [], problems: [] }),
    configId: 'me',
    random: { seed: 1 },
  });
  const found = [...advise([machine(text)]), ...buildConfiguration(lines, facts).diagnostics];
  assert.ok(found.length >= 2);
  for (const one of found) {
    assert.ok(one.line !== undefined && one.source !== undefined);
    for (const key of ['text', 'columns', 'cut']) assert.ok(!Object.hasOwn(one, key), key);
  }
});
