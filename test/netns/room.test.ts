// How much room sockets of instances have for what comes in, beside keepalived 2.2.7: vrrp_rx_bufs_policy in bytes, in
// MTUs and in adverts, as the kernel counts it.

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { it } from 'node:test';
import { block } from './beside.ts';
import type { Daemon, DaemonKind } from './daemon.ts';
import { type Host, Lab } from './lab.ts';

const instance = (vrid: number): string =>
  block(
    `vrrp_instance VI_${vrid}`,
    'interface eth0',
    `virtual_router_id ${vrid}`,
    'version 3',
    'advert_int 0.1',
    block('virtual_ipaddress', `10.0.0.${vrid}/24`),
  );

/**
 * Borrows a descriptor of another process (pidfd_open, pidfd_getfd: 434 and 438 everywhere) and asks for SO_PROTOCOL (38) and
 * SO_RCVBUF (8): ss does not know of raw sockets how large their buffers are.
 */
const ASK = `for my $at (@ARGV) { my ($pid, $fd) = split m{/}, $at; my $p = syscall(434, $pid + 0, 0); next if $p < 0;
my $own = syscall(438, $p, $fd + 0, 0); next if $own < 0; open(my $s, '+<&=', $own) or next;
print join(' ', map { unpack('i', getsockopt($s, 1, $_) // pack('i', 0)) } 38, 8), "\\n" }`;

/** Of sockets for VRRP (112), what was asked for: the kernel counts it twice. */
async function roomsOf(host: Host, daemon: Daemon): Promise<readonly number[]> {
  const sockets = daemon.pids().flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:') ? [`${pid}/${fd}`] : [];
      } catch {
        return [];
      }
    }),
  );
  const text = await host.exec(['perl', '-e', ASK, ...sockets]);
  return text.split('\n').flatMap((line) => {
    const [protocol, room] = line.split(' ').map(Number);
    return protocol === 112 ? [(room ?? 0) / 2] : [];
  });
}

/** Two instances share a socket, and what each asks for adds up. */
const POLICIES: readonly (readonly [what: string, lines: readonly string[], room: number])[] = [
  ['a number', ['vrrp_rx_bufs_policy 40000'], 2 * 40_000],
  ['MTU', ['vrrp_rx_bufs_policy MTU', 'vrrp_rx_bufs_multiplier 5'], 2 * 5 * 1500],
  // An advert of one address: 20 bytes of IP, 8 of VRRP, 4 of the address.
  ['ADVERT', ['vrrp_rx_bufs_policy ADVERT', 'vrrp_rx_bufs_multiplier 200'], 2 * 200 * 32],
];

it('vrrp_rx_bufs_policy with a number, MTU and ADVERT, and vrrp_rx_bufs_multiplier', async () => {
  const lab = await Lab.open({ hosts: ['a', 'b', 'c', 'd', 'e', 'f'], capture: false });
  try {
    const places = POLICIES.flatMap(([what, lines, room], i) =>
      (['ours', 'keepalived'] as const satisfies readonly DaemonKind[]).map((kind, k) => {
        const at = 2 * i + k;
        const host = lab.host('abcdef'.charAt(at));
        const vrid = 51 + 10 * at;
        const globals = block('global_defs', 'router_id lab', ...lines);
        const daemon = host.start(kind, globals + instance(vrid) + instance(vrid + 1));
        return { what, kind, host, daemon, room, address: `10.0.0.${vrid}` };
      }),
    );
    for (const { what, kind, host, daemon, room, address } of places) {
      await lab.untilHolder(address, host.name, 15_000);
      const rooms = await roomsOf(host, daemon);
      assert.ok(rooms.includes(room), `${kind}, ${what}: ${rooms}, not ${room}`);
    }
  } finally {
    await lab.close();
  }
});
