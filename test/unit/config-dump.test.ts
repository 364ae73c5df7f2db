// dumpGlobals against what keepalived 2.2.7 wrote for the same files. Lines of features that this version does not
// have, and whose text depends on the build (nftables, FIFOs), are left out on both sides.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dumpGlobals } from '../../src/config/dump.ts';
import { textOf } from '../../src/config/text.ts';
import { buildConfiguration, type Config } from '../../src/keywords.ts';

const configOf = (statements: readonly string[]): Config => {
  const lines = ['global_defs', '{', ...statements, '}'].map((text, index) => ({
    text: textOf(text),
    file: 'test',
    line: index + 1,
    source: text,
  }));
  const { config, diagnostics } = buildConfiguration(lines, {
    hostname: 'vm',
    processors: 2,
    numberOf: () => undefined,
    vrfTable: () => undefined,
    interfaces: new Map(),
    user: (name) => (name === 'root' ? { uid: 0, gid: 0 } : undefined),
    group: () => undefined,
    inspect: () => ({}),
  });
  assert.deepEqual(diagnostics, []);
  return config as Config;
};

const dump = (...statements: readonly string[]): string[] =>
  dumpGlobals(configOf(statements).global_defs);

// keepalived.data of a file that has no global_defs.
const DEFAULTS = `------< Global definitions >------
 Network namespace = (default)
 Network namespace ipvs = (main namespace)
 Router ID = vm
 Default smtp_alert = unset
 Default smtp_alert_vrrp = unset
 Default smtp_alert_checker = unset
 Checkers log all failures = false
 No test config before reload
 Dynamic interfaces = false
 Default interface = eth0
 Disable local IGMP = no
 LVS flush = false
 LVS flush on stop = disabled
 FIFO write vrrp states on reload = false
 VRRP notify priority changes = false
 VRRP IPv4 mcast group = 224.0.0.18
 VRRP IPv6 mcast group = ff02::12
 Gratuitous ARP delay = 5
 Gratuitous ARP repeat = 5
 Gratuitous ARP refresh timer = 0
 Gratuitous ARP refresh repeat = 1
 Gratuitous ARP lower priority delay = 5
 Gratuitous ARP lower priority repeat = 5
 Num adverts before down = 3
 Gratuitous ARP for each secondary VMAC = 0s
 Send advert after receive lower priority advert = true
 Send advert after receive higher priority advert = false
 Gratuitous ARP interval = 0.000000
 Gratuitous NA interval = 0.000000
 VRRP default protocol version = 2
 nftables without counters
 VRRP check unicast_src = false
 VRRP skip check advert addresses = false
 VRRP strict mode = false
 Max auto priority = 0
 Min auto priority delay = 1000000 usecs
 VRRP process priority = 0
 VRRP don't swap = false
 VRRP realtime priority = 0
 VRRP realtime limit = 10000
 Checker process priority = 0
 Checker don't swap = false
 Checker realtime priority = 0
 Checker realtime limit = 10000
 BFD process priority = 0
 BFD don't swap = false
 BFD realtime priority = 0
 BFD realtime limit = 10000
 SNMP vrrp disabled
 SNMP checker disabled
 SNMP RFCv2 disabled
 SNMP RFCv3 disabled
 SNMP traps disabled
 SNMP socket = default (unix:/var/agentx/master)
 DBus disabled
 DBus service name = 
 Script security disabled
 Default script uid:gid 0:0
 vrrp_netlink_cmd_rcv_bufs = 0
 vrrp_netlink_cmd_rcv_bufs_force = 0
 vrrp_netlink_monitor_rcv_bufs = 0
 vrrp_netlink_monitor_rcv_bufs_force = 0
 process_monitor_rcv_bufs = 0
 process_monitor_rcv_bufs_force = 0
 lvs_netlink_cmd_rcv_bufs = 0
 lvs_netlink_cmd_rcv_bufs_force = 0
 lvs_netlink_monitor_rcv_bufs = 0
 lvs_netlink_monitor_rcv_bufs_force = 0
 rs_init_notifies = 0
 no_checker_emails = 0
 rx_bufs_multiples = 3
 umask = 0177`;

test('the defaults are dumped as by keepalived 2.2.7', () => {
  const lines = dumpGlobals(configOf([]).global_defs, { default_interface: 'eth0' });
  assert.equal(lines.join('\n'), DEFAULTS);
});

// What each statement changed in the dump of keepalived 2.2.7.
for (const [statement, expected] of [
  ['router_id "two words"', ['Router ID = two words']],
  ['process_name kaparent', ['Parent process name = kaparent']],
  ['vrrp_process_name kavrrp', ['VRRP process name = kavrrp']],
  ['umask 0022', ['umask = 022']],
  ['umask 0', ['umask = 00']],
  ['vrrp_priority -5', ['VRRP process priority = -5']],
  ['vrrp_no_swap', ["VRRP don't swap = true"]],
  ['vrrp_rt_priority 3', ['VRRP realtime priority = 3']],
  ['vrrp_rlimit_rttime 20000', ['VRRP realtime limit = 20000']],
  ['vrrp_cpu_affinity 1', ['VRRP CPU Affinity = 1 ']],
  ['vrrp_cpu_affinity 1 0', ['VRRP CPU Affinity =  1 ']],
  ['vrrp_cpu_affinity 0', ['VRRP CPU Affinity =  ']],
  ['max_auto_priority 7', ['Max auto priority = 7']],
  ['max_auto_priority -1', ['Max auto priority = Disabled']],
  ['dynamic_interfaces', ['Dynamic interfaces = true', 'Allow interface changes = false']],
  [
    'dynamic_interfaces allow_if_changes',
    ['Dynamic interfaces = true', 'Allow interface changes = true'],
  ],
  ['vrrp_version 3', ['VRRP default protocol version = 3']],
  ['vrrp_mcast_group4 224.0.0.20', ['VRRP IPv4 mcast group = 224.0.0.20']],
  ['vrrp_garp_lower_prio_delay 9', ['Gratuitous ARP lower priority delay = 9']],
  ['vrrp_garp_lower_prio_repeat 8', ['Gratuitous ARP lower priority repeat = 8']],
  ['vrrp_garp_master_refresh 60', ['Gratuitous ARP refresh timer = 60']],
  ['vrrp_garp_interval 0.5', ['Gratuitous ARP interval = 0.500000']],
  ['vrrp_gna_interval 1.25', ['Gratuitous NA interval = 1.250000']],
  ['vrrp_lower_prio_no_advert', ['Send advert after receive lower priority advert = false']],
  ['vrrp_higher_prio_send_advert', ['Send advert after receive higher priority advert = true']],
  ['vrrp_check_unicast_src', ['VRRP check unicast_src = true']],
  ['vrrp_skip_check_adv_addr', ['VRRP skip check advert addresses = true']],
  ['enable_script_security', ['Script security enabled']],
  [
    'process_names',
    [
      'VRRP process name = keepalived_vrrp',
      'LVS process name = keepalived_lvs',
      'BFD process name = keepalived_bfd',
    ],
  ],
  [
    'vrrp_min_garp',
    [
      'Gratuitous ARP delay = 0',
      'Gratuitous ARP repeat = 1',
      'Gratuitous ARP refresh repeat = 0',
      'Gratuitous ARP lower priority delay = 0',
      'Gratuitous ARP lower priority repeat = 1',
    ],
  ],
] as const) {
  test(`dump of ${statement}`, () => {
    const before = new Set(dump());
    const changed = dump(statement).filter((line) => !before.has(line));
    assert.deepEqual(
      changed,
      expected.map((line) => ` ${line}`),
    );
  });
}

test('namespace and instance come first', () => {
  const lines = dumpGlobals(configOf([]).global_defs, { net_namespace: 'blue', instance: 'one' });
  assert.equal(lines[1], ' Network namespace = blue');
  assert.equal(lines[3], ' Instance name = one');
});
