// "did you mean": a word or a name that is nearly one that exists is answered with that one, whatever kind of name it is.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how parameters are written

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
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
