// What the statements of an instance mean together, and the resolved shape that the core gets.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MachineFacts } from '../../src/config/build.ts';
import {
  type Diagnostic,
  daemonStatus,
  exitStatus,
  formatDiagnostic,
} from '../../src/config/diagnostic.ts';
import { lex } from '../../src/config/lexer.ts';
import { buildConfiguration, type Config } from '../../src/keywords.ts';
import { findingOf } from '../../src/supervisor/reading.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';

const facts: MachineFacts = {
  hostname: 'host',
  processors: 2,
  interfaces: new Map([
    ['lo', { loopback: true, mtu: 65536 }],
    ['eth0', { loopback: false, mtu: 1500 }],
    ['eth1', { loopback: false, mtu: 1000 }],
  ]),
  user: (name) =>
    name === 'root' ? { uid: 0, gid: 0 } : name === 'nobody' ? { uid: 99, gid: 99 } : undefined,
  group: (name) => (name === 'root' ? 0 : undefined),
  inspect: (path) => (path === '/bin/no' ? { message: 'not there' } : { path }),
};

function build(text: string): {
  readonly config?: Config;
  readonly diagnostics: readonly Diagnostic[];
} {
  const file = { name: 'f', path: '/f', directory: '/', text };
  const lexed = lex([file], {
    read: () => ({ files: [], problems: [] }),
    configId: 'host',
    random: { seed: 1 },
  });
  const built = buildConfiguration(lexed.lines, facts);
  return { ...built, diagnostics: [...lexed.diagnostics, ...built.diagnostics] };
}

const V4 = ['virtual_ipaddress {', '192.0.2.1/24', '}'];
const BASE = ['interface eth0', 'virtual_router_id 5'];
const instance = (...lines: readonly string[]): ReturnType<typeof build> =>
  build(`vrrp_instance A {\n${lines.join('\n')}\n}\n`);
const ids = (built: ReturnType<typeof build>): string[] => built.diagnostics.map((d) => d.id);
function only(built: ReturnType<typeof build>): VrrpInstance {
  const found = built.config?.vrrp_instance[0];
  assert.ok(found, built.diagnostics.map(formatDiagnostic).join('\n'));
  return found;
}

describe('an instance', () => {
  it('has every default', () => {
    const built = instance(...BASE, ...V4);
    assert.deepEqual(ids(built), []);
    assert.deepEqual(only(built), {
      name: 'A',
      state: 'BACKUP',
      interface: 'eth0',
      virtual_router_id: 5,
      priority: 100,
      advert_int: 1_000_000,
      version: 2,
      family: 4,
      native_ipv6: false,
      mcast_dst_ip: '224.0.0.18',
      unicast_peer: [],
      unicast_ttl: 255,
      check_unicast_src: false,
      skip_check_adv_addr: false,
      virtual_ipaddress: [{ address: '192.0.2.1', prefix: 24, scope: 0 }],
      virtual_ipaddress_excluded: [],
      accept: true,
      nopreempt: false,
      preempt_delay: 0,
      down_timer_adverts: 3,
      lower_prio_no_advert: false,
      higher_prio_send_advert: false,
      dont_track_primary: false,
      garp_master_delay: 5_000_000,
      garp_master_repeat: 5,
      garp_master_refresh: 0,
      garp_master_refresh_repeat: 1,
      garp_lower_prio_delay: 5_000_000,
      garp_lower_prio_repeat: 5,
      garp_interval: 0,
      gna_interval: 0,
    });
  });

  it('takes defaults from global_defs wherever that stands', () => {
    const text = `vrrp_instance A {\n${[...BASE, ...V4].join('\n')}\n}\nglobal_defs {\nvrrp_version 3\nvrrp_garp_master_delay 7\nvrrp_garp_interval 0.5\nvrrp_lower_prio_no_advert\n}\n`;
    const a = only(build(text));
    assert.deepEqual(
      [a.version, a.garp_master_delay, a.garp_lower_prio_delay, a.garp_interval],
      [3, 7_000_000, 7_000_000, 500_000],
    );
    assert.equal(a.lower_prio_no_advert, true);
  });

  it('survives a trip through JSON', () => {
    const { config } = instance(...BASE, ...V4, 'notify "/bin/x a"');
    assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
  });

  it('is an owner when it is MASTER without a priority, and MASTER when it is an owner', () => {
    assert.equal(only(instance(...BASE, ...V4, 'state MASTER')).priority, 255);
    assert.equal(only(instance(...BASE, ...V4, 'state MASTER', 'priority 50')).priority, 50);
    assert.equal(only(instance(...BASE, ...V4, 'priority 255')).state, 'MASTER');
  });

  it('has version 3 with IPv6 unless version 2 was asked for first', () => {
    const v6 = ['virtual_ipaddress {', 'fe80::1', '}'];
    const plain = only(instance(...BASE, ...v6));
    assert.deepEqual([plain.version, plain.family, plain.mcast_dst_ip], [3, 6, 'ff02::12']);
    assert.deepEqual(plain.virtual_ipaddress, [
      { address: 'fe80::1', prefix: 128, scope: 0, deprecated: true },
    ]);
    assert.equal(only(instance(...BASE, 'version 2', ...v6)).version, 2);
    const late = instance(...BASE, ...v6, 'version 2');
    assert.deepEqual(ids(late), ['version-conflict']);
    assert.equal(only(late).version, 3);
  });

  it('lets the first address decide the family', () => {
    const built = instance(...BASE, 'virtual_ipaddress {', '10.0.0.1', 'fd00::1', '}');
    assert.deepEqual(ids(built), ['address-family']);
    assert.equal(only(built).virtual_ipaddress.length, 1);
    assert.deepEqual(ids(instance(...BASE, 'native_ipv6', ...V4)), [
      'address-family',
      'no-address',
    ]);
    const excluded = ['virtual_ipaddress_excluded {', 'fd00::1/64', '}'];
    assert.deepEqual(ids(instance(...BASE, ...V4, ...excluded)), []);
  });

  it('rounds the interval to what the version can say', () => {
    const version2 = (text: string): number =>
      only(instance(...BASE, ...V4, `advert_int ${text}`)).advert_int;
    assert.deepEqual(
      ['1.5', '2.5', '0.4', '2'].map(version2),
      [2_000_000, 3_000_000, 1_000_000, 2_000_000],
    );
    const version3 = (text: string): number =>
      only(instance(...BASE, ...V4, 'version 3', `advert_int ${text}`)).advert_int;
    assert.deepEqual(
      ['0.015', '1.255', '41', '40.95', '0.01'].map(version3),
      [20_000, 1_260_000, 40_950_000, 40_950_000, 10_000],
    );
  });

  it('clears nopreempt and preempt_delay where they cannot work', () => {
    const master = instance(
      ...BASE,
      ...V4,
      'state MASTER',
      'priority 9',
      'nopreempt',
      'preempt_delay 3',
    );
    assert.deepEqual(ids(master), ['nopreempt-master', 'preempt-delay-useless']);
    assert.deepEqual([only(master).nopreempt, only(master).preempt_delay], [false, 0]);
    const backup = instance(...BASE, ...V4, 'nopreempt', 'preempt_delay 3');
    assert.deepEqual(ids(backup), ['preempt-delay-useless']);
    assert.equal(only(backup).nopreempt, true);
    assert.equal(only(instance(...BASE, ...V4, 'nopreempt', 'preempt')).nopreempt, false);
  });

  it('authenticates in version 2 only, with eight characters', () => {
    const auth = ['authentication {', 'auth_type PASS', 'auth_pass 123456789', '}'];
    const v2 = instance(...BASE, ...V4, ...auth);
    assert.deepEqual(only(v2).authentication, { auth_type: 'PASS', auth_pass: '12345678' });
    assert.deepEqual(ids(v2), ['too-long']);
    const v3 = instance(...BASE, ...V4, 'version 3', ...auth);
    assert.equal(only(v3).authentication, undefined);
    assert.deepEqual(ids(v3), ['too-long', 'auth-version-3']);
    assert.deepEqual(ids(instance(...BASE, ...V4, 'authentication {', 'auth_type PASS', '}')), [
      'auth-without-password',
    ]);
    assert.deepEqual(ids(instance(...BASE, ...V4, 'authentication {', 'auth_type AH', '}')), [
      'auth-without-password',
    ]);
  });

  it('is unicast with peers, and says so loudly without', () => {
    const peers = ['unicast_peer {', '192.0.2.3 min_ttl 250', '}', 'unicast_src_ip 192.0.2.2'];
    const unicast = instance(...BASE, ...V4, ...peers, 'unicast_ttl 3', 'mcast_dst_ip 224.0.0.9');
    assert.deepEqual(ids(unicast), ['group-with-unicast']);
    const u = only(unicast);
    assert.deepEqual(u.unicast_peer, [{ address: '192.0.2.3', min_ttl: 250 }]);
    assert.deepEqual(
      [u.unicast_src_ip, u.mcast_src_ip, u.unicast_ttl, u.check_unicast_src, u.mcast_dst_ip],
      ['192.0.2.2', undefined, 3, true, '224.0.0.18'],
    );
    const lonely = instance(...BASE, ...V4, 'unicast_src_ip 192.0.2.2', 'unicast_ttl 3');
    assert.deepEqual(ids(lonely), ['ttl-without-peers', 'unicast-without-peers']);
    assert.deepEqual(
      lonely.diagnostics.map((d) => d.severity),
      ['error', 'error'],
    );
    assert.deepEqual(
      [only(lonely).mcast_src_ip, only(lonely).unicast_src_ip, only(lonely).unicast_ttl],
      ['192.0.2.2', undefined, 255],
    );
  });

  it('moves addresses that no advert can hold', () => {
    const many = Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    const held = (link: string, ...more: readonly string[]): number[] => {
      const built = instance(
        `interface ${link}`,
        'virtual_router_id 5',
        ...more,
        'virtual_ipaddress {',
        ...many,
        '}',
      );
      assert.deepEqual(ids(built), ['too-many-addresses']);
      return [only(built).virtual_ipaddress.length, only(built).virtual_ipaddress_excluded.length];
    };
    assert.deepEqual(held('eth0'), [255, 45]);
    // MTU 1000.
    assert.deepEqual(held('eth1'), [237, 63]);
    assert.deepEqual(held('eth1', 'version 3'), [239, 61]);
  });

  it('keeps the group in the scope of its family', () => {
    assert.equal(
      only(instance(...BASE, ...V4, 'mcast_dst_ip 224.0.0.9')).mcast_dst_ip,
      '224.0.0.9',
    );
    assert.deepEqual(ids(instance(...BASE, ...V4, 'mcast_dst_ip 10.0.0.1')), ['not-multicast']);
    assert.deepEqual(ids(instance(...BASE, ...V4, 'mcast_dst_ip ff02::1')), ['group-family']);
    const v6 = ['virtual_ipaddress {', 'fe80::1', '}'];
    assert.deepEqual(ids(instance(...BASE, ...v6, 'mcast_dst_ip ff05::1')), [
      'group-not-link-local',
    ]);
  });
});

describe('what ends the daemon', () => {
  const statuses = (built: ReturnType<typeof build>): unknown[] => [
    exitStatus(built.diagnostics),
    daemonStatus(built.diagnostics),
    built.config === undefined,
  ];
  for (const [name, lines] of [
    ['no virtual_router_id', ['interface eth0', ...V4]],
    ['no interface', ['virtual_router_id 5', ...V4]],
    ['the loopback interface', ['interface lo', 'virtual_router_id 5', ...V4]],
    ['an unknown interface', ['interface eth9', 'virtual_router_id 5', ...V4]],
    ['an unknown device', [...BASE, 'virtual_ipaddress {', '10.0.0.1 dev eth9', '}']],
    ['version 3 without addresses', [...BASE, 'version 3']],
  ] as const)
    it(name, () => assert.deepEqual(statuses(instance(...lines)), [5, 2, true]));

  it('a keyword without its argument', () =>
    assert.deepEqual(statuses(instance(...BASE, ...V4, 'priority')), [2, 2, true]));

  it('the same number twice on one network', () => {
    const one = (name: string, ...more: readonly string[]): string =>
      `vrrp_instance ${name} {\n${[...BASE, ...V4, ...more].join('\n')}\n}\n`;
    assert.deepEqual(statuses(build(one('A') + one('B'))), [5, 2, true]);
    assert.deepEqual(statuses(build(one('A') + one('B', 'interface eth1'))), [0, undefined, false]);
    const peers = ['unicast_peer {', '192.0.2.9', '}'];
    assert.deepEqual(statuses(build(one('A') + one('B', ...peers))), [0, undefined, false]);
    const far = ['unicast_peer {', '192.0.2.8', '}'];
    assert.deepEqual(statuses(build(one('A', ...peers) + one('B', ...peers))), [5, 2, true]);
    for (const more of [far, [...peers, 'unicast_src_ip 192.0.2.7']])
      assert.deepEqual(statuses(build(one('A', ...peers) + one('B', ...more))), [
        0,
        undefined,
        false,
      ]);
    const group = 'mcast_dst_ip 224.0.0.30';
    assert.deepEqual(statuses(build(one('A') + one('B', group))), [0, undefined, false]);
    assert.deepEqual(statuses(build(one('A', group) + one('B', group))), [5, 2, true]);
  });

  it('but not an unknown interface where interfaces may come later', () => {
    const text = `global_defs {\ndynamic_interfaces\n}\nvrrp_instance A {\ninterface eth9\nvirtual_router_id 5\n${V4.join('\n')}\n}\n`;
    assert.deepEqual(statuses(build(text)), [0, undefined, false]);
  });

  it('nor version 2 without addresses', () =>
    assert.deepEqual(statuses(instance(...BASE)), [5, undefined, false]));
});

describe('scripts of an instance', () => {
  it('make one diagnostic about security, and only when one can run', () => {
    const insecure = instance(...BASE, ...V4, 'notify /bin/x', 'notify_fault /bin/y');
    assert.deepEqual(ids(insecure), ['script-security']);
    assert.equal(exitStatus(insecure.diagnostics), 6);
    assert.equal(daemonStatus(insecure.diagnostics), undefined);
    const absent = instance(...BASE, ...V4, 'notify /bin/no');
    assert.deepEqual(ids(absent), ['script-unusable']);
    assert.equal(exitStatus(absent.diagnostics), 0);
  });

  it('are not those that only ask for a file', () => {
    const asks = (path: string): readonly string[] =>
      [
        ...build(
          `vrrp_script s {\nscript ${path}\n}\nvrrp_instance A {\n${[...BASE, ...V4].join('\n')}\n}\n`,
        ).diagnostics,
      ].map(({ id }) => id);
    assert.deepEqual(asks('</bin/x'), []);
    assert.deepEqual(asks('/bin/x'), ['script-security']);
  });

  it('need somebody once, who is said to be missing where the first of them stands', () => {
    const missing = (...blocks: readonly string[]): readonly unknown[] =>
      build(`global_defs {\nenable_script_security\n}\n${blocks.join('')}`).diagnostics.flatMap(
        (d) => (/default user keepalived_script/.test(d.message) ? [d.saidAt ?? d.line] : []),
      );
    const script = 'vrrp_script s {\nscript /bin/x\n}\n';
    const own = 'vrrp_script s {\nscript /bin/x\nuser root\n}\n';
    const notified = `vrrp_instance A {\n${[...BASE, ...V4, 'notify /bin/x'].join('\n')}\n}\n`;
    const lines = notified.split('\n').indexOf('notify /bin/x') + 1;
    assert.deepEqual(missing(notified), [3 + lines]);
    assert.deepEqual(missing(script, notified), [6]);
    assert.deepEqual(missing(own, notified), [7 + lines]);
  });

  it('do not decide the status where an interface is missing', () => {
    const base = ['interface eth9', 'virtual_router_id 5', ...V4];
    const { diagnostics } = instance(...base, 'notify /bin/x');
    assert.deepEqual(
      diagnostics.map(({ id }) => id),
      ['no-such-interface', 'script-security'],
    );
    assert.equal(exitStatus(diagnostics), 5);
  });

  it('stay the first ones given', () => {
    const twice = instance(...BASE, ...V4, 'notify_master /bin/x', 'notify_master /bin/y');
    assert.deepEqual(only(twice).notify_master?.words, ['/bin/x']);
    assert.equal(
      twice.diagnostics[0]?.message,
      '(A) notify_master script already specified - ignoring /bin/y',
    );
  });

  it('may be absent from notify_deleted', () => {
    assert.equal(only(instance(...BASE, ...V4, 'notify_deleted')).notify_deleted, true);
    assert.deepEqual(only(instance(...BASE, ...V4, 'notify_deleted /bin/x')).notify_deleted, {
      words: ['/bin/x'],
      uid: 0,
      gid: 0,
    });
  });
});

describe('global_defs', () => {
  const globals = (...lines: readonly string[]): NonNullable<Config>['global_defs'] => {
    const { config } = build(`global_defs {\n${lines.join('\n')}\n}\n`);
    assert.ok(config);
    return config.global_defs;
  };

  it('gives commands and FIFOs to whoever ran scripts where they stand', () => {
    const owners = (...lines: readonly string[]): readonly unknown[] => {
      const { notify_fifo, notify_fifo_script, startup_script } = globals(...lines);
      return [notify_fifo?.uid, notify_fifo_script?.uid, startup_script?.uid];
    };
    const asked = ['notify_fifo /f', 'notify_fifo_script /bin/x', 'startup_script /bin/x'];
    assert.deepEqual(owners('script_user nobody', ...asked), [99, 99, 99]);
    assert.deepEqual(owners(...asked, 'script_user nobody'), [0, 0, 0]);
    assert.deepEqual(owners(...asked, 'enable_script_security'), [0, 0, 0]);
    const nobody = ['enable_script_security', ...asked, 'script_user nobody'];
    assert.deepEqual(owners(...nobody), [undefined, undefined, undefined]);
    assert.equal(globals('notify_fifo /f', 'enable_script_security').script_user?.uid, 0);
    assert.equal(globals('script_user root', 'notify_fifo /f nobody').notify_fifo?.uid, 99);
  });

  it('has the quiet announcements of vrrp_min_garp except where told otherwise', () => {
    const garp = (...lines: readonly string[]): unknown[] => {
      const g = globals(...lines);
      return [
        g.vrrp_garp_master_delay,
        g.vrrp_garp_master_repeat,
        g.vrrp_garp_master_refresh,
        g.vrrp_garp_master_refresh_repeat,
      ];
    };
    // As keepalived 2.2.7's dump shows them.
    assert.deepEqual(garp('vrrp_min_garp'), [0, 1, 0, 0]);
    assert.deepEqual(garp('vrrp_garp_master_delay 9', 'vrrp_min_garp'), [9_000_000, 1, 0, 0]);
    assert.deepEqual(garp('vrrp_min_garp off'), [5_000_000, 5, 0, 1]);
  });

  it('adds up over several blocks', () => {
    const { config } = build('global_defs {\nrouter_id a\n}\nglobal_defs {\nvrrp_version 3\n}\n');
    assert.equal(config?.global_defs.router_id, 'a');
    assert.equal(config?.global_defs.vrrp_version, 3);
  });

  it('falls back to the host name and to root', () => {
    assert.equal(globals().router_id, 'host');
    assert.deepEqual(globals().script_user, { uid: 0, gid: 0 });
    assert.equal(globals('enable_script_security').script_user, undefined);
  });

  it('knows how many processors there are', () => {
    assert.deepEqual(globals('vrrp_cpu_affinity 1 0').vrrp_cpu_affinity, [1, 0]);
    assert.deepEqual(ids(build('global_defs {\nvrrp_cpu_affinity 5\n}\n')), ['no-such-processor']);
  });
});

describe('the protocol of a virtual server of a group', () => {
  for (const [entries, protocol, said] of [
    [['fwmark 1', 'fwmark 2 inet'], true, ['mark-protocol']],
    // The server is IPv4: the service is left out, and no more is said of it.
    [['fwmark 1', 'fwmark 2 inet6'], true, ['group-family']],
    [['fwmark 1'], false, []],
    [['10.0.0.1 80', 'fwmark 1'], true, []],
    [['fwmark 1', '10.0.0.1 80'], false, ['no-protocol']],
  ] as const)
    it(`${protocol ? 'given' : 'missing'} for ${entries.join(' and ')}: ${said}`, () => {
      const built = build(
        [
          'virtual_server_group G {',
          ...entries,
          '}',
          'virtual_server group G {',
          'lb_algo rr',
          'lb_kind NAT',
          ...(protocol ? ['protocol TCP'] : []),
          'real_server 10.0.0.2 80 {',
          '}',
          '}',
        ].join('\n'),
      );
      assert.deepEqual(
        ids(built).filter((id) => id !== 'not-yet-effective'),
        said,
      );
    });
});

describe('preferred_lft', () => {
  for (const [written, meant] of [
    ['fd00::1', { deprecated: true }],
    ['fd00::1 preferred_lft forever', {}],
    ['fd00::1 preferred_lft 30', { preferred: 30 }],
    ['fd00::1/64', {}],
    ['fd00::1/64 preferred_lft 0', { deprecated: true }],
    ['10.0.0.1/24 preferred_lft 0', {}],
  ] as const)
    it(`of ${written}: ${JSON.stringify(meant)}`, () => {
      const built = instance(...BASE, 'virtual_ipaddress {', written, '}');
      const {
        address: _,
        prefix: _prefix,
        scope,
        ...rest
      } = only(built).virtual_ipaddress[0] ?? {};
      assert.equal(scope, 0);
      assert.deepEqual(rest, meant);
    });
});

/** As the dump of a running keepalived 2.2.7 shows them. */
describe('weights of tracked scripts', () => {
  const given = (words: string) => {
    const script = ['vrrp_script s {', 'script /bin/true', 'weight 3 reverse', '}'];
    const inside = [...BASE, ...V4, 'track_script {', `s ${words}`, '}'];
    const text = [...script, 'vrrp_instance A {', ...inside, '}', ''].join('\n');
    return only(build(text)).track_script?.map(({ weight, reverse }) => [weight, reverse]);
  };
  for (const [words, weight, reverse] of [
    ['', 3, true],
    ['weight 300', 3, true],
    ['weight 300 noreverse', 3, false],
    ['weight x', 0, true],
    ['weight x noreverse', 0, false],
    ['weight 5x', 5, true],
    ['weight 5 x', 5, true],
    ['weight -254', -253, true],
  ] as const)
    it(JSON.stringify(words), () => assert.deepEqual(given(words), [[weight, reverse]]));

  it('without a number the line is not there', () => assert.deepEqual(given('weight') ?? [], []));
});

describe('use_vmac with a keyword of unicast', () => {
  for (const [what, lines, said] of [
    ['peers', ['unicast_peer {', '192.0.2.9', '}'], ['unicast-vmac']],
    ['no peers', ['unicast_src_ip 192.0.2.8'], ['unicast-without-peers', 'unicast-vmac']],
  ] as const)
    it(`speaks on the interface below, as it says: ${what}`, () => {
      const built = instance(...BASE, 'use_vmac', ...lines, ...V4);
      assert.deepEqual(ids(built).sort(), [...said].sort());
      assert.equal(only(built).vmac_xmit_base, true);
    });

  it('speaks on its own without one', () => {
    assert.equal(only(instance(...BASE, 'use_vmac', ...V4)).vmac_xmit_base, undefined);
  });
});

describe('a regex of HTTP_GET', () => {
  for (const [regex, options, said, urls] of [
    ['"(a)\\\\1"', '', ['regex'], ['/good']],
    ['a b', '', ['regex-words'], ['/', '/good']],
    ['"\\"a\\" b"', '', [], ['/', '/good']],
    ['"(a"', '', ['regex'], ['/good']],
    ['[]', 'allow_empty_class', [], ['/', '/good']],
    ['[]', 'caseless', ['regex'], ['/good']],
    ['"^a++$"', 'multiline', [], ['/', '/good']],
  ] as const)
    it(`${regex} ${options}: ${urls.length === 1 ? 'its url is left out, and why is said' : 'its url stays'}`, () => {
      const built = build(
        [
          'virtual_server 10.0.0.1 80 {',
          ...[
            'lb_algo rr',
            'lb_kind NAT',
            'protocol TCP',
            'real_server 10.0.0.2 80 {',
            'HTTP_GET {',
          ],
          ...['url {', 'path /', `regex ${regex}`, `regex_options ${options || 'utf'}`, '}'],
          ...['url {', 'path /good', 'regex ok', '}'],
          ...['}', '}', '}'],
        ].join('\n'),
      );
      assert.deepEqual(
        ids(built).filter((id) => id !== 'not-yet-effective'),
        said,
      );
      const [checker] = built.config?.virtual_server?.[0]?.real_server[0]?.checkers ?? [];
      assert.deepEqual(
        checker?.url?.map(({ path }) => path),
        urls,
      );
    });
});

describe('what is to serve at least', () => {
  const served = (weight: number, quorum: number): ReturnType<typeof build> =>
    build(
      `virtual_server 192.0.2.1 80 {\nprotocol TCP\nquorum ${quorum}\nhysteresis 1\nreal_server 192.0.2.9 80 {\nweight ${weight}\n}\n}\n`,
    );

  it('is reduced with a warning, so that a reload that relieves servers goes on; -t says 5', () => {
    for (const [weight, quorum] of [
      [0, 3],
      [2, 3],
      [2, 1],
    ] as const) {
      const { diagnostics, config } = served(weight, quorum);
      assert.ok(diagnostics.length > 0 && config !== undefined);
      assert.deepEqual(
        diagnostics.filter(({ severity }) => severity !== 'warning'),
        [],
      );
      assert.equal(exitStatus(diagnostics), 5);
      assert.ok(findingOf({ config, diagnostics }, false).gist !== undefined);
    }
  });
});
