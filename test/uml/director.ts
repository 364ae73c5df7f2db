// Runs inside: our daemon and keepalived, each in a namespace of its own with servers of its own, through the same events. What
// IPVS holds after each is noted; director.test.ts judges.

import { readFileSync } from 'node:fs';
import { toSeconds } from '../../src/lib/time.ts';
import { Ipvs } from '../../src/net/ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import { type Heirs, inherit } from './heir.ts';
import {
  addAddress,
  addNamespace,
  Daemon,
  type Kind,
  Port,
  savedTable,
  until,
  within,
} from './world.ts';

const KINDS: readonly Kind[] = ['ours', 'keepalived'];
const SORRY = '10.9.0.1:9000';

const real = (port: number, weight: number): string => `  real_server 10.9.0.1 ${port} {
    weight ${weight}
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
`;

const config = (reals: string, more = '', global = ''): string => `global_defs {
  router_id x
  lvs_timeouts tcp 700 udp 60
  ${global}
}
virtual_server 10.9.0.100 80 {
  delay_loop 1
  warmup 0
  lvs_sched wrr
  lvs_method NAT
  protocol TCP
  quorum 2
  sorry_server ${SORRY.replace(':', ' ')}
  ${more}
${reals}}
# Packets reach these as they came: their ports are the service's.
virtual_server_group group {
  10.9.0.101 443
  fwmark 5
}
virtual_server group group {
  delay_loop 1
  warmup 0
  lvs_sched wrr
  lvs_method DR
  protocol TCP
  quorum 2
  sorry_server 10.9.0.10 9000
  sorry_server_lvs_method TUN
  ${more}
${reals.replaceAll(/10\.9\.0\.1 800(\d)/g, '10.9.0.1$1 800$1')}}
`;

/** A server, and the one that stands for it behind the address and the mark of the group. */
const everywhere = (server: string): readonly string[] => {
  const own = `10.9.0.1${server === SORRY ? 0 : server.at(-1)}`;
  return [server, `${own}:443`, `${own}:0`];
};

export interface Seen {
  readonly event: string;
  readonly tables: Readonly<Record<Kind, readonly string[]>>;
}

export async function main(): Promise<{
  readonly seen: readonly Seen[];
  readonly killed: { readonly during: readonly string[]; readonly after: readonly string[] };
  readonly kept: readonly string[];
  /** What lvs_flush_on_stop has left. */
  readonly flushed: Readonly<Record<Kind, readonly string[]>>;
  /** tcp, tcpfin and udp in seconds: before anything, after the second checker child has come, and after the stop. */
  readonly timeouts: readonly (readonly number[])[];
  readonly heirs: Heirs;
}> {
  // Beside all that follows: most of it is waiting.
  const heirs = inherit();
  const seen: Seen[] = [];
  const ports = [8001, 8002, 8003] as const;
  const services = KINDS.map((kind) => {
    addNamespace(kind);
    addAddress(kind, 'lo', '10.9.0.1/32');
    addAddress(kind, 'lo', '10.9.0.100/32');
    for (const n of [1, 2, 3]) addAddress(kind, 'lo', `10.9.0.1${n}/32`);
    // Somebody else's.
    within(kind, 'ipvsadm', '-A', '-t', '198.51.100.1:22', '-s', 'wlc');
    return ports.map((port) => new Port(kind, port));
  });
  const ipvs = inNamespace('ours', () => Ipvs.open());
  const times = (): number[] => {
    const { tcp, tcpfin, udp } = ipvs.timeouts();
    return [tcp, tcpfin, udp].map((time) => (time === undefined ? 0 : toSeconds(time)));
  };
  const timeouts = [times()];
  const each = (at: number, act: (service: Port) => void): void => {
    for (const list of services) act(list[at] as Port);
  };
  each(0, (service) => service.open());
  each(1, (service) => service.open());
  const both = real(8001, 3) + real(8002, 2);
  const daemons = KINDS.map((kind) => new Daemon(kind, kind, config(both), ['-C']));
  const [ours] = daemons as [Daemon];

  /** Both tables are what is expected; what they are by then. */
  const note = async (event: string, expected: (table: readonly string[]) => boolean) => {
    const tables = {} as Record<Kind, string[]>;
    for (const { kind, text } of daemons)
      await until(
        () => `${kind}: ${event}:\n${tables[kind]?.join('\n')}\n${text}`,
        () => {
          tables[kind] = savedTable(kind);
          return expected(tables[kind] ?? []);
        },
      );
    seen.push({ event, tables });
  };
  const holds =
    (...servers: readonly string[]) =>
    (table: readonly string[]): boolean => {
      const found = table.filter((line) => line.startsWith('-a')).map((line) => line.split(' ')[4]);
      return JSON.stringify(found.sort()) === JSON.stringify(servers.flatMap(everywhere).sort());
    };

  await note('start', holds('10.9.0.1:8001', '10.9.0.1:8002'));
  each(0, (service) => service.close());
  await note('a server is gone', holds('10.9.0.1:8002'));
  each(1, (service) => service.close());
  await note('all servers are gone', holds(SORRY));
  each(0, (service) => service.open());
  await note('a server is back', holds('10.9.0.1:8001'));
  each(1, (service) => service.open());
  await note('all servers are back', holds('10.9.0.1:8001', '10.9.0.1:8002'));
  each(2, (service) => service.open());
  const three = real(8001, 3) + real(8002, 5) + real(8003, 1);
  for (const daemon of daemons) await daemon.reload(config(three, 'persistence_timeout 60'));
  await note('reload', holds('10.9.0.1:8001', '10.9.0.1:8002', '10.9.0.1:8003'));

  each(2, (service) => service.close());
  await note('one of three is gone', holds('10.9.0.1:8001', '10.9.0.1:8002'));

  const pid = Number(readFileSync(ours.checkersPid, 'utf8'));
  const from = ours.text.length;
  process.kill(pid, 'SIGKILL');
  const during = savedTable('ours');
  await until(
    () => `another checker child:\n${ours.text.slice(from)}`,
    () => ours.text.slice(from).includes('Activating healthchecker'),
  );
  const killed = { during, after: savedTable('ours') };
  timeouts.push(times());

  for (const daemon of daemons) await daemon.stop();
  await note('stop', (table) => table.length === 1);
  timeouts.push(times());

  const keeper = new Daemon('ours', 'ours', config(both), ['-C', '-I']);
  await until(
    () => `its table:\n${keeper.text}`,
    () => savedTable('ours').length > 3,
  );
  await keeper.stop();
  const kept = savedTable('ours');

  const flushed = {} as Record<Kind, readonly string[]>;
  for (const kind of KINDS) {
    const daemon = new Daemon(kind, kind, config(both, '', 'lvs_flush_on_stop'), ['-C']);
    await until(
      () => `it serves:\n${daemon.text}`,
      () => daemon.text.includes('Activating healthchecker') && savedTable(kind).length > 3,
    );
    await daemon.stop();
    flushed[kind] = savedTable(kind);
  }
  return { seen, killed, kept, flushed, timeouts, heirs: await heirs };
}
