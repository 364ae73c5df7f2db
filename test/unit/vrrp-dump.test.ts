// The dumps, line for line as keepalived 2.2.7 wrote them for the same configuration; what is ours alone (faults,
// dropped packets) and what depends on the run is named here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instant, seconds } from '../../src/lib/time.ts';
import { dumpData, dumpReasons, dumpStatistics } from '../../src/vrrp/dump.ts';
import type { VrrpInstance } from '../../src/vrrp/keywords.ts';
import { config, instance, ip } from '../sim/config.ts';
import { FACTS, Host, link } from '../sim/host.ts';

const one = () =>
  new Host(
    config(
      instance({
        name: 'V4',
        virtual_router_id: 10,
        priority: 150,
        authentication: { auth_type: 'PASS', auth_pass: 'secret12' },
        virtual_ipaddress: [
          { address: ip('10.9.0.100'), prefix: 24, scope: 0 },
          { address: ip('10.9.0.101'), prefix: 32, scope: 254, dev: 'eth1', label: 'eth1:v' },
        ],
        virtual_ipaddress_excluded: [
          { address: ip('10.9.0.102'), prefix: 24, scope: 0 },
          { address: ip('fd00:9::102'), prefix: 64, scope: 0 },
        ],
        notify_master: { words: ['/usr/bin/true', 'm'], uid: 0, gid: 0 },
        notify: { words: ['/usr/bin/true'], uid: 0, gid: 0 },
      }),
      instance({
        name: 'UNI',
        virtual_router_id: 40,
        priority: 80,
        unicast_src_ip: ip('10.0.0.5'),
        unicast_peer: [{ address: ip('10.9.0.2'), min_ttl: 200, max_ttl: 255 }],
        check_unicast_src: true,
        preempt_delay: seconds(2),
        virtual_ipaddress: [{ address: ip('10.9.0.140'), prefix: 24, scope: 0 }],
      }),
    ),
  ).start({ links: [link(), link(3, 'eth1')], addresses: FACTS.addresses });

// 2026-11-21 02:05:36.092689 in the time zone of the recording.
const clock = (monotonic: Instant) => ({ monotonic, wall: 1_795_226_736_092_689 });
const fds = new Map([
  ['vrrp 4 2:eth0 224.0.0.18  255', 18],
  ['vrrp 4 2:eth0  10.0.0.5 255', 26],
]);

/** One instance of the dump. */
function section(dump: string, name: string): string {
  const from = dump.indexOf(` VRRP Instance = ${name}\n`);
  const to = dump.slice(from + 1).search(/^( VRRP Instance|------<)/m);
  assert.ok(from >= 0 && to >= 0);
  return dump.slice(from, from + 1 + to);
}

test('a master in the data dump', () => {
  const host = one().until('master');
  const dump = dumpData(host.state, clock(host.now), fds);
  assert.equal(
    section(dump, 'V4'),
    ` VRRP Instance = V4
   VRRP Version = 2
   State = MASTER
   Flags: none
   Wantstate = MASTER
   Number of config faults = 0
   Number of interface and track script faults = 0
   Number of track scripts init = 0
   Last transition = 1795226736.092689 (Sat Nov 21 02:05:36.092689 2026)
   Read timeout = 1795226736.092689 (Sat Nov 21 02:05:36.092689 2026)
   Master down timer = 3414062 usecs
   Interface = eth0
   Using src_ip = 10.0.0.5
   Multicast address 224.0.0.18
   Gratuitous ARP delay = 5
   Gratuitous ARP repeat = 5
   Gratuitous ARP refresh = 0
   Gratuitous ARP refresh repeat = 1
   Gratuitous ARP lower priority delay = 5
   Gratuitous ARP lower priority repeat = 5
   Down timer adverts = 3
   Send advert after receive lower priority advert = true
   Send advert after receive higher priority advert = false
   Virtual Router ID = 10
   Priority = 150
   Effective priority = 150
   Total priority = 150
   Advert interval = 1 sec
   Accept = enabled
   Preempt = enabled
   Promote_secondaries = disabled
   Authentication type = SIMPLE_PASSWORD
   Password = ********
   Virtual IP (2):
     10.9.0.100/24 dev eth0 scope global set
     10.9.0.101 dev eth1 scope host label eth1:v set
   Virtual IP Excluded :
     10.9.0.102/24 dev eth0 scope global set
     fd00:9::102/64 dev eth0 scope global preferred_lft forever set
   fd_in 18, fd_out 18
   Using smtp notification = no
   Notify deleted = Fault
   Master state transition script = '/usr/bin/true' 'm', uid:gid 0:0
   Generic state transition script = '/usr/bin/true', uid:gid 0:0
   Notify priority changes = false
`,
  );
  assert.ok(!dump.includes('secret12'));
});

test('a unicast backup in the data dump', () => {
  const host = one();
  host.take({
    type: 'packet',
    socket: '',
    packet: {
      source: ip('10.0.0.9'),
      destination: ip('10.0.0.5'),
      hopLimit: 255,
      interface: 2,
      bytes: new Uint8Array(0),
    },
  });
  const dump = dumpData(host.state, clock(host.now), fds);
  const lines = section(dump, 'UNI').split('\n');
  assert.deepEqual(lines.slice(0, 7), [
    ' VRRP Instance = UNI',
    '   VRRP Version = 2',
    '   State = BACKUP',
    '   Master router = 0.0.0.0',
    '   Master priority = 0',
    '   Flags:',
    '     Using unicast',
  ]);
  assert.deepEqual(lines.slice(lines.indexOf('   Virtual IP (1):'), -1), [
    '   Virtual IP (1):',
    '     10.9.0.140/24 dev eth0 scope global',
    '   Unicast TTL = 255',
    '   Check unicast src : yes',
    '   Unicast Peer :',
    '     10.9.0.2 min_ttl 200 max_ttl 255',
    '   Unicast checksum compatibility = no',
    '   fd_in 26, fd_out 26',
    '   Using smtp notification = no',
    '   Notify deleted = Fault',
    '   Notify priority changes = false',
  ]);
  assert.ok(lines.includes('   Preempt delay = 2 secs'));
  assert.ok(lines.includes('   Using src_ip = 10.0.0.5 (from configuration)'));
});

test('a fault in the data dump', () => {
  const host = one().take({ type: 'link', link: link(2, 'eth0', { up: false }) });
  const lines = section(dumpData(host.state, clock(host.now), fds), 'V4').split('\n');
  assert.ok(lines.includes('   State = FAULT'));
  assert.ok(lines.includes('   Number of interface and track script faults = 1'));
  assert.ok(
    dumpReasons(host.state).includes(
      ' VRRP Instance = V4\n   Faults :\n     interface eth0 is down\n',
    ),
  );
  assert.ok(lines.includes('   Read timeout = DISABLED'));
});

test('an address that the kernel refuses is not set', () => {
  const host = one().until('master');
  const [refused] = host.state.members[0]?.held ?? [];
  assert.ok(refused !== undefined);
  const lines = (): string[] =>
    section(dumpData(host.state, clock(host.now), fds), 'V4').split('\n');
  const shown = `     ${refused.address}/24 dev eth0 scope global`;
  assert.ok(lines().includes(`${shown} set`));
  host.take({
    type: 'refused',
    action: { type: 'addAddresses', addresses: [refused] },
    code: 'EINVAL',
    message: 'Invalid argument',
  });
  assert.ok(lines().includes(shown));
});

test('until when announcements are held back, and after a master what held them last', () => {
  const interval = seconds(0.5);
  const master = instance({ garp_interval: interval, gna_interval: seconds(0.25) });
  const host = new Host(config(master)).start({ links: [link()], addresses: FACTS.addresses });
  const next = (): (string | undefined)[] =>
    dumpData(host.state, { monotonic: host.now, wall: host.now }, fds)
      .split('\n')
      .filter((line) => line.includes(' next time '))
      .map((line) => / next time (\d+\.\d+)/.exec(line)?.[1]);
  assert.deepEqual(next(), ['0.000000', '0.000000']);
  host.until('master');
  const held = host.now + interval;
  assert.deepEqual(next(), [(held / 1e6).toFixed(6), '0.000000']);
});

test('sockets and interfaces in the data dump', () => {
  const host = one();
  const dump = dumpData(host.state, clock(host.now), fds);
  assert.ok(
    dump.includes(`------< VRRP Sockpool >------
 fd_in 18 fd_out = 18
   Interface = eth0
   Family = IPv4
   Protocol = VRRP
   Type = Multicast
   Rx buf size = 0
   VRRP instances
     V4 vrid 10
 fd_in 26 fd_out = 26
   Interface = eth0
   Family = IPv4
   Protocol = VRRP
   Type = Unicast
   Address = 10.0.0.5
   Rx buf size = 0
   VRRP instances
     UNI vrid 40
`),
  );
  assert.ok(
    dump.includes(` Name = eth0
   index = 2
   IPv4 address = 10.0.0.5
   IPv6 address = fe80::5
   MAC = 02:00:00:00:00:02
   MAC broadcast = ff:ff:ff:ff:ff:ff
   State = UP, RUNNING
`),
  );
});

test('announcements on other interfaces, and addresses that take no packets', () => {
  const dump = (changes: Partial<VrrpInstance>, role: 'master' | 'backup'): readonly string[] => {
    const first = { address: ip('10.9.0.100'), prefix: 24, scope: 0 };
    const second = { ...first, address: ip('10.9.0.101'), dev: 'eth1' };
    const virtual_ipaddress = [first, second];
    const host = new Host(config(instance({ virtual_ipaddress, ...changes })));
    host.start({ links: [link(), link(3, 'eth1')], addresses: FACTS.addresses }).until(role);
    return dumpData(host.state, { monotonic: host.now, wall: host.now }, fds).split('\n');
  };
  const extra = { garp_extra_if: { every: seconds(20), all: true } };
  const next = '   Next gratuitous ARP for such secondary =';
  const of = (lines: readonly string[]): readonly string[] =>
    lines.filter((line) => /Flags|secondary/.test(line));
  const [flags, every, at = ''] = of(dump(extra, 'master'));
  assert.deepEqual([flags, every], ['   Flags:', '   Gratuitous ARP for each secondary i/f = 20']);
  assert.match(at, new RegExp(`^${next} [1-9]\\d*\\.\\d{6} \\(.* 1970\\.\\d{6}\\)$`));
  const backup = of(dump(extra, 'backup'));
  assert.equal(backup[2], `${next} 0.000000 (Thu Jan  1 00:00:00 1970.000000)`);
  // None of them is on an interface that is made for it.
  const made = { garp_extra_if: { every: seconds(20), all: false } };
  assert.deepEqual(of(dump(made, 'master')), ['   Flags: none']);
  const shown = dump({ accept: false }, 'master').filter((line) => / dev eth\d /.test(line));
  assert.deepEqual(shown, [
    '     10.9.0.100/24 dev eth0 scope global set nftable_set',
    '     10.9.0.101/24 dev eth1 scope global set nftable_set',
  ]);
});

test('an interface with several addresses of its own shows all but those of this daemon', () => {
  const address = { index: 2, prefix: 24, scope: 0, secondary: false, tentative: false };
  const more = ['10.0.1.5', 'fe80::77', 'fd00::5'].map((text) => ({
    ...address,
    address: ip(text),
  }));
  const owner = instance({ priority: 255, state: 'MASTER' });
  const host = new Host(config(owner)).start({
    links: [link()],
    addresses: [...FACTS.addresses, ...more],
  });
  host.until('master');
  const lines = dumpData(host.state, clock(host.now), fds).split('\n');
  const at = lines.indexOf(' Name = eth0');
  assert.deepEqual(lines.slice(at + 2, at + 8), [
    '   IPv4 address = 10.0.0.5',
    '   Additional IPv4 addresses :',
    '     10.0.1.5',
    '   IPv6 address = fe80::5',
    '   Additional IPv6 addresses :',
    '     fe80::77',
  ]);
});

test('an address that this daemon has put on an interface is not that of the interface', () => {
  const address = {
    address: ip('10.9.0.101'),
    prefix: 32,
    scope: 254,
    index: 3,
    secondary: false,
    tentative: false,
  };
  const host = one().take({ type: 'address', address });
  const dump = dumpData(host.state, clock(host.now), fds);
  assert.match(dump, / Name = eth1\n {3}index = 3\n {3}IPv4 address = \(none\)\n/);
});

test('local time is told where the zone is known', () => {
  const host = one();
  const dump = dumpData(host.state, { ...clock(host.now), zone: seconds(-5 * 3600) }, fds);
  assert.match(dump, /Last transition = 1795226736\.092689 \(Fri Nov 20 21:05:36\.092689 2026\)/);
  const leap = dumpData(host.state, { monotonic: host.now, wall: 1_709_164_799_000_001 }, fds);
  assert.match(leap, /Last transition = 1709164799\.000001 \(Wed Feb 28 23:59:59\.000001 2024\)/);
  const next = dumpData(host.state, { monotonic: host.now, wall: 1_709_164_800_000_000 }, fds);
  assert.match(next, /\(Thu Feb 29 00:00:00\.000000 2024\)/);
});

test('statistics, and what clearing them leaves', () => {
  const host = one().until('master').hears(50, '10.0.0.9').hears(0, '10.0.0.9');
  host.hears(0, '10.0.0.9', { advert_int: seconds(2) });
  const text = (sent: number, more: readonly [number, number, number, number]): string =>
    `VRRP Instance: V4
  Advertisements:
    Received: ${more[0]}
    Sent: ${sent}
  Became master: ${more[1]}
  Released master: 0
  Packet Errors:
    Length: 0
    TTL: 0
    Invalid Type: 0
    Advertisement Interval: ${more[2]}
    Address List: 0
  Authentication Errors:
    Invalid Type: 0
    Type Mismatch: 0
    Failure: 0
  Priority Zero:
    Received: ${more[3]}
    Sent: 0
`;
  const statistics = () => dumpStatistics(host.state, host.now);
  assert.ok(statistics().startsWith(text(2, [2, 1, 1, 1])), statistics());
  host.take({ type: 'clearStatistics' });
  assert.ok(statistics().startsWith(text(0, [0, 0, 0, 0])), statistics());
});
