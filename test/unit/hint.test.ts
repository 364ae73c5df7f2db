// "did you mean": a word or a name that is nearly one that exists is answered with that one, whatever kind of name it is;
// and an error says what is assumed instead.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how parameters are written

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { exitStatus } from '../../src/config/diagnostic.ts';
import { CASES } from '../diff/cases.ts';
import { LANGUAGE } from '../diff/language.ts';
import { rowCases, twiceCases } from '../diff/rows.ts';
import { TOGETHER } from '../diff/together.ts';
import { TRACKING } from '../diff/tracking.ts';
import { read } from '../property/reading.ts';

const SECURE = 'global_defs {\nenable_script_security\nscript_user root\n}\n';
const VIP = 'virtual_ipaddress {\n10.0.0.1\n}\n';
const instance = (...lines: readonly string[]): string =>
  `vrrp_instance VI_web {\ninterface eth0\nvirtual_router_id 5\n${lines.join('\n')}\n${VIP}}\n`;
const server = (...lines: readonly string[]): string =>
  `virtual_server 10.0.0.1 80 {\n${lines.join('\n')}\nreal_server 10.0.0.2 80 {\n}\n}\n`;

for (const [what, text, meant] of [
  ['a keyword', instance('prioritty 5'), 'priority'],
  ['a keyword of another case', instance('Priority 5'), 'priority'],
  ['a parameter', '$NAME=x\nrouter_id ${NAM}\n', 'NAME'],
  ['a state', instance('state MASTR'), 'MASTER'],
  ['a state of another case', instance('state master'), 'MASTER'],
  ['a kind of password', instance('authentication {', 'auth_type PAS', '}'), 'PASS'],
  [
    'a word of an address',
    instance('virtual_ipaddress_excluded {', '10.0.0.2 lable a', '}'),
    'label',
  ],
  ['an interface', `vrrp_instance A {\ninterface eht0\nvirtual_router_id 5\n${VIP}}\n`, 'eth0'],
  [
    'an interface of an address',
    instance('virtual_ipaddress_excluded {', '10.0.0.2 dev eht1', '}'),
    'eth1',
  ],
  ['an interface of a route', instance('virtual_routes {', '10.1.0.0/16 dev eht1', '}'), 'eth1'],
  ['a word of a route', instance('virtual_routes {', '10.1.0.0/16 devv eth0', '}'), 'dev'],
  ['a word of a rule', instance('virtual_rules {', 'form 10.1.0.0/16', '}'), 'from'],
  ['a tracked interface', instance('track_interface {', 'eht1', '}'), 'eth1'],
  [
    'a script',
    `${SECURE}vrrp_script chk_web {\nscript /bin/true\n}\n${instance('track_script {', 'chk_wbe', '}')}`,
    'chk_web',
  ],
  [
    'a file',
    `track_file maintenance {\nfile /tmp/f\n}\n${instance('track_file {', 'maintenence', '}')}`,
    'maintenance',
  ],
  ['a member of a group', `${instance()}vrrp_sync_group G {\ngroup {\nVI_wbe\n}\n}\n`, 'VI_web'],
  ['a scheduler', server('lvs_sched RR'), 'rr'],
  ['a method', server('lvs_method Dr'), 'DR'],
  ['a protocol', server('protocol TPC'), 'TCP'],
  [
    'a group of services',
    'virtual_server_group web {\n10.0.0.1 80\n}\nvirtual_server group wbe {\nreal_server 10.0.0.2 80 {\n}\n}\n',
    'web',
  ],
] as const) {
  test(`${what}: ${meant}`, () => {
    const hints = read(text).diagnostics.flatMap(
      ({ hint = '' }) => /did you mean '(.*?)'/.exec(hint)?.[1] ?? [],
    );
    assert.deepEqual(hints, [meant], JSON.stringify(read(text).diagnostics));
  });
}

/** keepalived's own sentence says what it does instead. */
const SAYS =
  /ignor|skip|remov|default|clear|moved|disab|truncat|reset|setting|set to|replac|reduc|duplicat|already/i;

test('an error says what is assumed instead', () => {
  const cases = [...CASES, ...LANGUAGE, ...TOGETHER, ...TRACKING, ...rowCases(), ...twiceCases()];
  const silent = cases.flatMap(({ text }) =>
    read(text)
      .diagnostics.filter((d) => d.severity === 'error' && d.id !== 'missing-argument')
      .filter(({ assumed, message }) => assumed === undefined && !SAYS.test(message))
      .map(({ id, message }) => `${id}: ${message}`),
  );
  assert.deepEqual([...new Set(silent)], []);
});

test('what loses nothing of a file is a warning: a reload takes it', () => {
  const virtual = 'virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\n}\n}\n';
  const text = `${instance('track_interface {', 'eth0', '}', 'state MASTER', 'preempt_delay 5')}vrrp_sync_group G {
group {
VI_web
}
}
vrrp_instance empty {
interface eth1
virtual_router_id 7
}
${virtual}`;
  const { diagnostics } = read(text);
  assert.deepEqual(
    diagnostics.map(({ id, severity }) => `${id} ${severity}`).sort(),
    [
      ...['group-of-one', 'no-address', 'no-method', 'no-protocol', 'no-scheduler'],
      ...['own-interface', 'preempt-delay-useless'],
    ].map((id) => `${id} warning`),
  );
  assert.equal(exitStatus(diagnostics), 5);
});

describe('no name is meant', () => {
  it('where none is near', () => {
    const { diagnostics } = read(instance('state SOMETHING', 'track_interface {', 'wlan7', '}'));
    assert.equal(diagnostics.length, 2);
    assert.ok(diagnostics.every(({ hint = '' }) => !hint.includes('did you mean')));
  });

  it('where a file has more wrong names than anybody waits for', () => {
    const many = Array.from({ length: 3000 }, (_, i) => `eht${i}`);
    const { diagnostics } = read(instance('track_interface {', ...many, '}'));
    const hints = diagnostics.filter(({ hint = '' }) => hint.includes('did you mean'));
    assert.ok(hints.length <= 1000, `${hints.length}`);
  });
});
