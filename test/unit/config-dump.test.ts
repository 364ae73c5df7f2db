// dumpGlobals against what keepalived 2.2.7 wrote for the same files. Lines of features that this version does not
// have, and whose text depends on the build (nftables, FIFOs), are left out on both sides.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MachineFacts } from '../../src/config/build.ts';
import { type DumpFacts, dumpGlobals } from '../../src/config/dump.ts';
import { textOf } from '../../src/config/text.ts';
import { buildConfiguration, type Config } from '../../src/keywords.ts';

const configOf = (statements: readonly string[], more: Partial<MachineFacts> = {}): Config => {
  const lines = ['global_defs', '{', ...statements, '}'].map((text, index) => ({
    ...textOf(text),
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
    inspect: (path) => ({ path: path === '/bin/true' ? path : `/found${path}` }),
    ...more,
  });
  assert.deepEqual(
    diagnostics.filter(({ class: kind }) => kind !== 'none'),
    [],
  );
  return config as Config;
};

const dump = (...statements: readonly string[]): string[] =>
  dumpGlobals(configOf(statements).global_defs, { process: 'vrrp' });

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
  const lines = dumpGlobals(configOf([]).global_defs, {
    process: 'vrrp',
    default_interface: 'eth0',
  });
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

test('whom a mail server is told of, where the file does not say it', () => {
  const local = { name: 'vm.example.com', account: 'root' };
  const shown = (...statements: readonly string[]): string[] =>
    dumpGlobals(configOf(statements, { local }).global_defs, { process: 'vrrp' }).filter((line) =>
      /Router|Smtp|Email|@/.test(line),
    );
  assert.deepEqual(shown('smtp_server 127.0.0.1'), [
    ' Router ID = vm.example.com',
    ' Smtp server = 127.0.0.1',
    ' Smtp server port = 25',
    ' Smtp HELO name = vm.example.com',
    ' Smtp server connection timeout = 30',
    ' Email notification from = root@vm.example.com',
    ' Email notification to:',
  ]);
  // Without a server nobody is told anything, and without a sender keepalived shows nobody.
  assert.deepEqual(shown('notification_email', '{', 'a@example.com', '}'), [
    ' Router ID = vm.example.com',
  ]);
  assert.deepEqual(
    shown('smtp_server 127.0.0.1', 'smtp_helo_name x', 'notification_email_from y@z').slice(3),
    [
      ' Smtp HELO name = x',
      ' Smtp server connection timeout = 30',
      ' Email notification from = y@z',
      ' Email notification to:',
    ],
  );
});

test('the synchronisation daemon is shown as each process of keepalived 2.2.7 knows it', () => {
  const vrids = new Map([['V', 3]]);
  const shown = (words: string, process: DumpFacts['process']): readonly string[] => {
    const { global_defs } = configOf([`lvs_sync_daemon eth0 ${words}`]);
    const lines = dumpGlobals(global_defs, { process, ...(process === 'vrrp' ? { vrids } : {}) });
    return lines.filter((line) => line.includes('syncd')).map((line) => line.slice(11));
  };
  const [at, nobody] = ['interface = eth0', 'syncid = 4294967295'];
  assert.deepEqual(shown('', 'vrrp'), [at, 'syncid = 0']);
  assert.deepEqual(shown('', 'check'), [at, 'syncid = 0']);
  assert.deepEqual(shown('', 'parent'), [at, nobody]);
  assert.deepEqual(shown('V', 'vrrp'), ['vrrp instance = V', at, 'syncid = 3']);
  assert.deepEqual(shown('V id 0', 'vrrp'), ['vrrp instance = V', at, 'syncid = 0']);
  assert.deepEqual(shown('V', 'check'), ['vrrp name = V', at, nobody]);
  assert.deepEqual(shown('V', 'parent'), ['vrrp name = V', at, nobody]);
  assert.deepEqual(shown('W id 7', 'vrrp'), []);
  assert.deepEqual(shown('W id 7', 'check'), ['vrrp name = W', at, 'syncid = 7']);
});

test('namespace and instance come first', () => {
  const lines = dumpGlobals(configOf([]).global_defs, {
    process: 'vrrp',
    net_namespace: 'blue',
    instance: 'one',
  });
  assert.equal(lines[1], ' Network namespace = blue');
  assert.equal(lines[3], ' Instance name = one');
});

// keepalived_parent.data of a file with almost every keyword of global_defs; libnftnl's version is left out, and the
// lower priority settings, which the parent shows before they are decided.
const EVERYTHING = `process_name pn
vrrp_process_name pv
checker_process_name pc
bfd_process_name pb
router_id R
smtp_helo_name helo
checker_log_all_failures
startup_script /bin/true
startup_script_timeout 7
shutdown_script "/bin/true a"
shutdown_script_timeout 8
min_auto_priority_delay 5
dynamic_interfaces
no_email_faults
default_interface eth1
lvs_timeouts tcp 1 tcpfin 2 udp 3
lvs_flush
lvs_flush_on_stop VS
lvs_sync_daemon eth0 V id 3 maxlen 1000 port 99 ttl 4 group 224.0.0.99
vrrp_garp_extra_if all 30
vrrp_startup_delay 0.5
log_unknown_vrids
vmac_prefix vp
vmac_addr_prefix va
nftables tab
nftables_priority 7
nftables_ifindex
nftables_counters
nftables_ipvs tip
nftables_ipvs_priority 8
nftables_ipvs_start_fwmark 77
vrrp_strict
vrrp_notify_priority_changes
fifo_write_vrrp_states_on_reload
checker_priority -3
checker_no_swap
checker_cpu_affinity 0 1
checker_rlimit_rttime 55
bfd_priority -3
bfd_no_swap
bfd_cpu_affinity 1
bfd_rlimit_rttime 66
snmp_socket udp:1.2.3.4:5
enable_traps
enable_snmp_vrrp
enable_snmp_rfc
enable_snmp_checker
enable_dbus
dbus_service_name foo.bar
enable_script_security
script_user root
vrrp_netlink_cmd_rcv_bufs 1000
vrrp_netlink_cmd_rcv_bufs_force
vrrp_netlink_monitor_rcv_bufs 2000
vrrp_netlink_monitor_rcv_bufs_force
process_monitor_rcv_bufs 3000
process_monitor_rcv_bufs_force
lvs_netlink_cmd_rcv_bufs 4000
lvs_netlink_cmd_rcv_bufs_force
lvs_netlink_monitor_rcv_bufs 5000
lvs_netlink_monitor_rcv_bufs_force
rs_init_notifies
no_checker_emails
vrrp_rx_bufs_policy MTU
vrrp_rx_bufs_multiplier 5
random_seed 5
reload_check_config /tmp/rc
reload_time_file /tmp/rt
reload_repeat
reload_file /tmp/rf
include_check match
config_save_dir /tmp/save
tmp_config_directory /tmp
data_use_instance
disable_local_igmp`;
const EVERYTHING_SHOWN = `------< Global definitions >------
 Config save dir = /tmp/save
 Network namespace = (default)
 Network namespace ipvs = (main namespace)
 Parent process name = pn
 VRRP process name = pv
 LVS process name = pc
 BFD process name = pb
 Router ID = R
 Smtp HELO name = helo
 Default smtp_alert = unset
 Default smtp_alert_vrrp = unset
 Default smtp_alert_checker = unset
 Checkers log all failures = true
 Test config before reload, log to /tmp/rc
 Reload time file = /tmp/rt (repeat)
 No reload scheduled
 Reload_file = /tmp/rf
 config save directory = /tmp
 Use instance name in data dumps
 Startup script = '/bin/true', uid:gid 0:0, timeout 7
 Shutdown script = '/bin/true' 'a', uid:gid 0:0 timeout 8
 Dynamic interfaces = true
 Allow interface changes = false
 Send emails for fault transitions = off
 LVS TCP timeout = 1
 LVS TCP FIN timeout = 2
 LVS TCP timeout = 3
 Disable local IGMP = yes
 LVS syncd vrrp name = V
 LVS syncd interface = eth0
 LVS syncd syncid = 3
 LVS syncd maxlen = 1000
 LVS mcast group 224.0.0.99
 LVS syncd mcast port = 99
 LVS syncd mcast ttl = 4
 LVS flush = true
 LVS flush on stop = VS
 FIFO write vrrp states on reload = true
 VRRP notify priority changes = true
 VRRP IPv4 mcast group = 224.0.0.18
 VRRP IPv6 mcast group = ff02::12
 Gratuitous ARP delay = 5
 Gratuitous ARP repeat = 5
 Gratuitous ARP refresh timer = 0
 Gratuitous ARP refresh repeat = 1
 Gratuitous ARP lower priority delay = 5
 Gratuitous ARP lower priority repeat = 5
 Num adverts before down = 3
 Gratuitous ARP for each secondary i/f = 30s
 Send advert after receive lower priority advert = true
 Send advert after receive higher priority advert = false
 Gratuitous ARP interval = 0.000000
 Gratuitous NA interval = 0.000000
 VRRP default protocol version = 2
 nftables table name = tab
 nftables base chain priority = 7
 nftables force use ifindex for link local IPv6
 ipvs nftables table name = tip
 ipvs nftables base chain priority = 8
 ipvs nftables start fwmark = 77
 nftables with counters
 VRRP check unicast_src = false
 VRRP skip check advert addresses = false
 VRRP strict mode = true
 Max auto priority = 0
 Min auto priority delay = 5 usecs
 VRRP process priority = 0
 VRRP don't swap = false
 VRRP realtime priority = 0
 VRRP realtime limit = 10000
 Checker process priority = -3
 Checker don't swap = true
 Checker realtime priority = 0
 Checker CPU Affinity =  1 
 Checker realtime limit = 55
 BFD process priority = -3
 BFD don't swap = true
 BFD realtime priority = 0
 BFD CPU Affinity = 1 
 BFD realtime limit = 66
 SNMP vrrp enabled
 SNMP checker enabled
 SNMP RFCv2 enabled
 SNMP RFCv3 enabled
 SNMP traps enabled
 SNMP socket = udp:1.2.3.4:5
 DBus enabled
 DBus service name = foo.bar
 Script security enabled
 Default script uid:gid 0:0
 vrrp_netlink_cmd_rcv_bufs = 1000
 vrrp_netlink_cmd_rcv_bufs_force = 1
 vrrp_netlink_monitor_rcv_bufs = 2000
 vrrp_netlink_monitor_rcv_bufs_force = 1
 process_monitor_rcv_bufs = 3000
 process_monitor_rcv_bufs_force = 1
 lvs_netlink_cmd_rcv_bufs = 4000
 lvs_netlink_cmd_rcv_bufs_force = 1
 lvs_netlink_monitor_rcv_bufs = 5000
 lvs_netlink_monitor_rcv_bufs_force = 1
 rs_init_notifies = 1
 no_checker_emails = 1
 rx_bufs_policy = MTU
 rx_bufs_multiples = 5
 umask = 0177
 vrrp_startup_delay = 0.5
 log_unknown_vrids
 VMAC prefix = vp
 VMAC address prefix = va`;

test('almost every keyword of global_defs is shown as keepalived shows it', () => {
  const { global_defs } = configOf(EVERYTHING.split('\n'));
  const vrids = new Map([['V', 5]]);
  const shown = (process: 'parent' | 'vrrp'): string[] =>
    dumpGlobals(global_defs, { process, vrids });
  const lines = EVERYTHING_SHOWN.split('\n');
  // Only the parent tells of scripts that only it runs, and only VRRP of what holds where nothing is said.
  const changed = (line: string): boolean =>
    /^ (Startup|Shutdown) script|lower priority/.test(line);
  const rest = (all: readonly string[]): string[] => all.filter((line) => !changed(line));
  // Only VRRP knows the instance.
  const known = lines.map((line) => line.replace('syncd vrrp name', 'syncd vrrp instance'));
  assert.deepEqual(rest(shown('vrrp')), rest(known));
  assert.deepEqual(rest(shown('parent')), rest(lines));
  assert.deepEqual(
    shown('vrrp').filter(changed),
    lines.filter((line) => /lower/.test(line)),
  );
  assert.deepEqual(shown('parent').filter(changed), [
    ...lines.filter((line) => /^ (Startup|Shutdown)/.test(line)),
    ' Gratuitous ARP lower priority delay = 4294967295',
    ' Gratuitous ARP lower priority repeat = 4294967295',
    ' Send advert after receive lower priority advert = true',
  ]);
});

test('readers of FIFOs: each process shows what it has found, and as written what others start', () => {
  const { global_defs } = configOf([
    'notify_fifo /run/all',
    'notify_fifo_script /bin/all',
    'lvs_notify_fifo /run/lvs',
    'lvs_notify_fifo_script "/bin/lvs a"',
  ]);
  const fifos = (facts: DumpFacts): string[] =>
    dumpGlobals(global_defs, facts).filter((line) => line.includes('fifo script'));
  const all = (words: string): string => ` Global notify fifo script = ${words}, uid:gid 0:0`;
  const lvs = (words: string): string => ` LVS notify fifo script = ${words}, uid:gid 0:0`;
  assert.deepEqual(fifos({ process: 'vrrp', leads: true }), [
    all("'/found/bin/all' '/run/all'"),
    lvs("'/bin/lvs' 'a'"),
  ]);
  assert.deepEqual(fifos({ process: 'vrrp' }), [lvs("'/bin/lvs' 'a'")]);
  assert.deepEqual(fifos({ process: 'check', leads: true }), [
    all("'/found/bin/all' '/run/all'"),
    lvs("'/found/bin/lvs' 'a' '/run/lvs'"),
  ]);
  assert.deepEqual(fifos({ process: 'parent' }), [all("'/bin/all'"), lvs("'/bin/lvs' 'a'")]);
});
