// keepalived_check.json: configuration, state and what IPVS counts -> one object for each virtual server.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDirector, director } from '../../src/check/director.ts';
import type { CheckEvent } from '../../src/check/event.ts';
import { type Counts, countOf, serviceJson } from '../../src/check/json.ts';
import { writeJson } from '../../src/check/report.ts';
import type { DirectorState } from '../../src/check/state.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { DestinationEntry, IpvsStatistics, ServiceKey } from '../../src/lib/ipvs.ts';
import { type Json, jsonText } from '../../src/lib/json.ts';
import type { Instant } from '../../src/lib/time.ts';
import { itemAt } from '../../src/lib/vector.ts';
import type { Log } from '../../src/log.ts';
import type { Ipvs } from '../../src/net/ipvs.ts';
import { read } from '../property/reading.ts';

const NAMES = [
  ...(['connections', 'packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'] as const),
  ...(['connectionRate', 'packetRateIn', 'packetRateOut', 'byteRateIn', 'byteRateOut'] as const),
];
/** first, first + 1, ... */
const statistics = (first: bigint): IpvsStatistics =>
  Object.fromEntries(
    NAMES.map((name, i) => [name, first + BigInt(i)]),
  ) as unknown as IpvsStatistics;
const counted = (first: bigint): Json => ({
  connections: first,
  in_packets: first + 1n,
  out_packets: first + 2n,
  in_bytes: first + 3n,
  out_bytes: first + 4n,
  cps: first + 5n,
  in_pps: first + 6n,
  out_pps: first + 7n,
  in_bps: first + 8n,
  out_bps: first + 9n,
});
const entry = (address: string, port: number, first: bigint): DestinationEntry => ({
  destination: { address: address as Ip, port },
  to: { forwarding: { method: 'NAT' }, weight: 1, upperThreshold: 0, lowerThreshold: 0 },
  activeConnections: 1,
  inactiveConnections: 2,
  persistentConnections: 3,
  statistics: statistics(first),
});
const tcp = (address: string, port: number): ServiceKey => ({
  protocol: 'TCP',
  address: address as Ip,
  port,
});
const mark = (number: number): ServiceKey => ({ family: 4, mark: number });

/** Every check is made once, and fails where the server has this address. */
function checked(text: string, failing: string): DirectorState {
  const config =
    read(`global_defs {\nscript_user root\n}\n${text}`).config ?? assert.fail('it is read');
  let state = createDirector(config, { seed: 1, keeps: false });
  const take = (event: CheckEvent, at: number): void => {
    state = director.step(state, event, at as Instant).state;
  };
  take({ type: 'facts', facts: { addresses: ['203.0.113.1' as Ip], files: {} } }, 0);
  for (const [at, check] of state.plan.checks.entries()) {
    while (itemAt(state.healths, at).run === undefined)
      take({ type: 'deadline' }, director.nextDeadline(state) ?? assert.fail('it is asked'));
    const { run = 0 } = itemAt(state.healths, at);
    const fails = check.users.some(({ service, real }) =>
      state.plan.services[service]?.reals[real]?.name.includes(failing),
    );
    take(
      { type: 'answered', run, verdict: fails ? { up: false, reason: 'bad' } : { up: true } },
      1e6,
    );
  }
  return state;
}

const server = (address: string, ...lines: readonly string[]): string =>
  [`real_server ${address} 8080 {`, ...lines, 'TCP_CHECK {', 'retry 0', '}', '}'].join('\n');

const WEB = `virtual_server 203.0.113.1 80 {
delay_loop 2.5
lvs_sched wrr
lvs_method NAT
protocol TCP
persistence_timeout 50
quorum 2
hysteresis 1
virtualhost www.test
ha_suspend
sorry_server 10.0.0.9 80
${server('10.0.0.1', 'weight 3', 'uthreshold 9', 'lthreshold 4')}
${server('10.0.0.2', 'inhibit_on_failure')}
}
`;

test('a virtual server, its real servers and its sorry server, with what IPVS counts', () => {
  const state = checked(WEB, '10.0.0.2');
  const counts: Counts = new Map([
    countOf({ key: tcp('203.0.113.1', 80), statistics: statistics(2n ** 60n) }, [
      entry('10.0.0.1', 8080, 100n),
      entry('10.0.0.2', 8080, 0n),
    ]),
  ]);
  assert.deepEqual(serviceJson(state, 0, counts), {
    name: '[203.0.113.1]:tcp:80',
    type: 'ip',
    address: '203.0.113.1',
    port: 80,
    protocol: 'tcp',
    virtualhost: 'www.test',
    load_algo: 'wrr',
    load_kind: 'NAT',
    status: 'alive',
    persistence_timeout: 50,
    persistence_granularity: undefined,
    ops: false,
    delay_loop: 2.5,
    ha_suspend: true,
    suspended: false,
    alpha: false,
    omega: false,
    quorum: 2,
    hysteresis: 1,
    quorum_status: 'met',
    weight: 3,
    real_servers_total: 2,
    real_servers_up: 1,
    stats: counted(2n ** 60n),
    real_servers: [
      {
        name: '[10.0.0.1]:tcp:8080',
        type: 'regular',
        address: '10.0.0.1',
        port: 8080,
        load_kind: 'NAT',
        status: 'alive',
        weight: 3,
        effective_weight: 3,
        upper_connection_limit: 9,
        lower_connection_limit: 4,
        action_when_down: 'remove',
        checks: 1,
        failed_checks: 0,
        active_connections: 1,
        inactive_connections: 2,
        persistent_connections: 3,
        stats: counted(100n),
      },
      {
        name: '[10.0.0.2]:tcp:8080',
        type: 'regular',
        address: '10.0.0.2',
        port: 8080,
        load_kind: 'NAT',
        status: 'dead',
        weight: 1,
        effective_weight: 1,
        upper_connection_limit: 0,
        lower_connection_limit: 0,
        action_when_down: 'inhibit',
        checks: 1,
        failed_checks: 1,
        active_connections: 1,
        inactive_connections: 2,
        persistent_connections: 3,
        stats: counted(0n),
      },
    ],
    sorry_server: {
      type: 'sorry',
      address: '10.0.0.9',
      port: 80,
      load_kind: 'NAT',
      serves: false,
      action_when_down: 'remove',
      active_connections: null,
      inactive_connections: null,
      persistent_connections: null,
      stats: null,
    },
  });
});

const PEOPLE = `virtual_server_group G {
203.0.113.1-3 80
fwmark 7
}
virtual_server group G {
lvs_sched rr
lvs_method DR
protocol TCP
${server('10.0.0.1')}
}
virtual_server fwmark 9 {
lvs_sched rr
lvs_method NAT
${server('10.0.0.1')}
}
`;

test('a group has the sum of its members, whatever ports its servers have there; a mark, and a kernel that tells nothing', () => {
  const state = checked(PEOPLE, '10.0.0.1');
  const counts: Counts = new Map([
    ...[1, 2, 3].map((n) =>
      countOf({ key: tcp(`203.0.113.${n}`, 80), statistics: statistics(BigInt(n)) }, [
        entry('10.0.0.1', 80, BigInt(n)),
      ]),
    ),
    countOf({ key: mark(7), statistics: statistics(1000n) }, [entry('10.0.0.1', 0, 1000n)]),
  ]);
  interface Seen {
    readonly [name: string]: unknown;
    readonly stats: { readonly connections: bigint } | null;
    readonly members?: readonly Seen[];
    readonly real_servers: readonly Seen[];
  }
  const [group, marked] = [0, 1].map((at) => serviceJson(state, at, counts) as unknown as Seen);
  assert.deepEqual([group?.type, group?.group, group?.fwmark], ['group', 'G', undefined]);
  assert.equal(group?.stats?.connections, 1006n);
  assert.deepEqual(
    group?.members?.map(({ address, fwmark, stats }) => [address ?? fwmark, stats?.connections]),
    [...[1, 2, 3].map((n) => [`203.0.113.${n}`, BigInt(n)]), [7, 1000n]],
  );
  const [real] = group?.real_servers ?? [];
  assert.deepEqual([real?.stats?.connections, real?.active_connections], [1006n, 4]);
  assert.deepEqual(
    [group?.quorum_status, group?.real_servers_up, real?.failed_checks, real?.status],
    ['not_met', 0, 1, 'dead'],
  );
  assert.deepEqual([marked?.type, marked?.fwmark, marked?.protocol], ['fwmark', 9, null]);
  assert.deepEqual([marked?.stats, marked?.real_servers[0]?.stats], [null, null]);
});

test('JSON text: numbers of 64 bits as they are, nothing for what is not said', () => {
  const value = { a: 2n ** 64n - 1n, b: ['\n"', 1.5, true, null], c: undefined, 'd"': {} };
  assert.equal(
    jsonText(value),
    '{"a":18446744073709551615,"b":["\\n\\"",1.5,true,null],"d\\"":{}}',
  );
});

test('a kernel that refuses to tell is asked once, and the rest is written', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ka-json-'));
  const { TMPDIR: before } = process.env;
  process.env.TMPDIR = folder;
  t.after(() => {
    rmSync(folder, { recursive: true });
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const state = checked(PEOPLE, '10.0.0.2');
  let asked = 0;
  const lines: string[] = [];
  const ipvs = {
    services: () => [
      { key: mark(7), statistics: statistics(1n) },
      { key: mark(9), statistics: statistics(2n) },
    ],
    destinations: () => {
      asked++;
      throw new Error('netlink EPERM');
    },
  } as unknown as Ipvs;
  const log = { warning: (text: string) => lines.push(text) } as unknown as Log;
  await writeJson(state, ipvs, log);
  const text = readFileSync(join(folder, 'keepalived_check.json'), 'utf8');
  const { virtual_servers: services } = JSON.parse(text);
  assert.deepEqual([asked, lines], [1, ['IPVS: cannot read its table: netlink EPERM']]);
  interface Seen {
    readonly stats: { readonly connections: number } | null;
    readonly real_servers: readonly Seen[];
  }
  const seen = services.map(({ stats, real_servers }: Seen) => [
    stats?.connections,
    ...real_servers.map((real) => real.stats),
  ]);
  assert.deepEqual(seen, [
    [1, null],
    [2, null],
  ]);
  assert.deepEqual(readdirSync(folder), ['keepalived_check.json']);
});
