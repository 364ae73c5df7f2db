// Traffic through virtual addresses, beside keepalived in the same kernel: NAT, DR and TUN, with nginx, dnsmasq, postfix's
// smtp-sink, openssl and vsftpd as real servers, and curl as the client. Requests reach the servers that the table says.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { runInside } from './machine.ts';
import { type Row, rowOf } from './rows.ts';
import { realAddress, VIRTUAL } from './town.ts';
import { type Chapter, type Moment, type Runs, TIMES } from './traffic.ts';
import type { Kind } from './world.ts';

const [NAT, DR, TUN] = VIRTUAL as [string, string, string];
const METHODS = [
  { address: NAT, method: 'NAT', flag: '-m' },
  { address: DR, method: 'DR', flag: '-g' },
  { address: TUN, method: 'TUN', flag: '-i --tun-type ipip' },
] as const;

interface Service {
  readonly address: string;
  readonly port: number;
  readonly lines: string;
  /** Of each real server; none are taken to be well. */
  readonly check?: string;
  readonly sorry?: boolean;
  /** As ipvsadm says it. */
  readonly saved: string;
  readonly flag: string;
}

const web: Service[] = METHODS.map(({ address, method, flag }) => ({
  address,
  port: 80,
  lines: `protocol TCP\nlvs_sched wrr\nlvs_method ${method}`,
  check: 'HTTP_GET {\n url {\n path /\n status_code 200\n }\n }',
  sorry: true,
  saved: `-t ${address}:80 -s wrr`,
  flag,
}));
const other = (port: number, protocol: 'TCP' | 'UDP', check: string): Service => ({
  address: NAT,
  port,
  lines: `protocol ${protocol}\nlvs_sched rr\nlvs_method NAT`,
  check,
  saved: `${protocol === 'TCP' ? '-t' : '-u'} ${NAT}:${port} -s rr`,
  flag: '-m',
});
const SERVICES: readonly Service[] = [
  ...web,
  other(443, 'TCP', 'SSL_GET {\n url {\n path /name\n status_code 200\n }\n }'),
  other(25, 'TCP', 'SMTP_CHECK {\n helo_name client.test\n }'),
  other(53, 'UDP', 'DNS_CHECK {\n type A\n name who.test\n }'),
  {
    address: NAT,
    port: 21,
    lines: 'protocol TCP\nlvs_sched rr\nlvs_method NAT\npersistence_timeout 60',
    check: 'TCP_CHECK {\n }',
    saved: `-t ${NAT}:21 -s rr -p 60`,
    flag: '-m',
  },
  {
    address: NAT,
    port: 5060,
    lines:
      'protocol UDP\nlvs_sched rr\nlvs_method NAT\npersistence_timeout 60\npersistence_engine sip',
    saved: `-u ${NAT}:5060 -s rr -p 60 --pe sip`,
    flag: '-m',
  },
];

const real = ({ port, check = '' }: Service, n: number): string =>
  `real_server ${realAddress(n)} ${port} {\n weight ${3 - n}\n ${check}\n }`;
const config = `global_defs {
  router_id x
}
${SERVICES.map(
  (service) => `virtual_server ${service.address} ${service.port} {
  delay_loop 2
  warmup 1
  retry 1
  delay_before_retry 1
  connect_timeout 5
  ${service.lines}
  ${service.sorry ? `sorry_server ${realAddress(3)} 80` : ''}
  ${real(service, 1)}
  ${real(service, 2)}
}`,
).join('\n')}
`;

/** With these real servers; the sorry server where they are none. */
const table = (...up: readonly number[]): string[] =>
  SERVICES.flatMap((service) => {
    const { address, port, saved, flag, sorry, check } = service;
    const name = saved.split(' ').slice(0, 2).join(' ');
    const entry = (n: number, weight: number): string => {
      const [method, ...tunnel] = flag.split(' ');
      return [`-a ${name} -r ${realAddress(n)}:${port} ${method} -w ${weight}`, ...tunnel].join(
        ' ',
      );
    };
    assert.equal(name.slice(3), `${address}:${port}`);
    const well = check === undefined ? [1, 2] : up;
    const servers = well.map((n) => entry(n, 3 - n));
    return [`-A ${saved}`, ...(servers.length === 0 && sorry ? [entry(3, 1)] : servers)];
  }).sort();

const START = table(1, 2);
const chapters: readonly Chapter[] = [
  { what: 'the programs of the first die', deeds: [[1, 'kill']], table: table(2) },
  { what: 'the cable of the second is cut', deeds: [[2, 'down']], table: table() },
  { what: 'the second is back', deeds: [[2, 'up']], table: table(2) },
  { what: 'the first is back', deeds: [[1, 'start']], table: table(1, 2) },
];

let runs: Runs;
before(async () => {
  runs = await runInside<Runs>(import.meta.resolve('./traffic.ts'), {
    input: { config, start: START, chapters },
    milliseconds: 300_000,
  });
});

const KINDS: readonly Kind[] = ['ours', 'keepalived'];
const moment = (kind: Kind, what: string): Moment => runs[kind].moments[what] ?? assert.fail(what);
const nameOf = ({ destination }: Row): string =>
  `s${[1, 2, 3].find((n) => destination?.startsWith(`${realAddress(n)}:`))}`;

for (const { what, table } of [{ what: 'all is well', table: START }, ...chapters])
  describe(what, () => {
    it('both tables are the same', () => {
      assert.deepEqual(moment('ours', what).table, moment('keepalived', what).table);
      assert.deepEqual(moment('ours', what).table, table);
    });
    for (const kind of KINDS)
      it(`every request is answered by a server of the table (${kind})`, () => {
        const { answers } = moment(kind, what);
        assert.ok(Object.keys(answers).length >= 3, runs[kind].log.slice(-2000));
        for (const [service, names] of Object.entries(answers)) {
          const rows = table.map(rowOf).filter((row) => row.service === service);
          const servers = rows.filter(({ destination }) => destination !== undefined);
          assert.equal(names.length, TIMES, service);
          // All of them have their turn, and nobody else.
          assert.deepEqual([...new Set(names)].sort(), servers.map(nameOf).sort(), service);
        }
      });
  });

for (const kind of KINDS)
  describe(kind, () => {
    it('the kernel has counted the same connections to the same servers', () => {
      for (const [service, names] of Object.entries(moment(kind, 'all is well').answers))
        for (const n of [1, 2]) {
          const count = names.filter((name) => name === `s${n}`).length;
          assert.equal(runs[kind].counted[`${service} ${realAddress(n)}`], count, service);
        }
    });
    it('weights 2 and 1: two requests of three', () => {
      for (const { address } of METHODS) {
        const names = moment(kind, 'all is well').answers[`-t ${address}:80`] ?? [];
        assert.equal(names.filter((name) => name === 's1').length, 4, `${names}`);
      }
    });
    it('FTP: the data connection is found, whoever makes it', () => {
      const { files, entries } = runs[kind];
      const [[first = ''] = []] = Object.values(files);
      assert.match(first, /^s[12]$/);
      // The client stays with its server.
      assert.deepEqual([...new Set(Object.values(files).flat())], [first], JSON.stringify(files));
      assert.match(entries, new RegExp(`10\\.1\\.0\\.3:\\d+ +${NAT}:20 +10\\.2\\.0\\.1[12]:20`));
    });
    it('persistence_engine sip: a call stays with its server, from wherever it is asked', () => {
      const { calls } = runs[kind];
      assert.equal(Object.keys(calls).length, 4);
      for (const [call, names] of Object.entries(calls))
        assert.equal(new Set(names).size, 1, `${call}: ${names}`);
      assert.deepEqual([...new Set(Object.values(calls).flat())].sort(), ['s1', 's2']);
    });
  });

/** As ipvsadm lists it: of each service and each of its destinations what has been counted, in its order. */
function listedRows(listed: string): readonly string[] {
  let service = '';
  return listed.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/);
    // The heading has words there.
    if (!/^\d+$/.test(words[6] ?? '')) return [];
    const [protocol, name, ...counts] = words;
    if (protocol !== '->') service = `${protocol} ${name}`;
    return [[service, ...(protocol === '->' ? [name] : []), ...counts].join(' ')];
  });
}

interface Counted {
  readonly address: string;
  readonly port: number;
  readonly stats: Readonly<Record<string, number>> | null;
}
interface Virtual extends Counted {
  readonly protocol: string;
  readonly real_servers: readonly Counted[];
  readonly sorry_server?: Counted;
}

it('keepalived_check.json counts what the kernel counts', () => {
  const { json, listed } = runs.ours.counters ?? assert.fail('there is none');
  const { virtual_servers: services } = JSON.parse(json) as {
    readonly virtual_servers: readonly Virtual[];
  };
  const row = (name: string, { stats }: Counted): string[] =>
    stats === null ? [] : [[name, ...Object.values(stats).slice(0, 5)].join(' ')];
  const rows = services.flatMap((service) => {
    const { address, port, protocol, real_servers, sorry_server } = service;
    const name = `${protocol.toUpperCase()} ${address}:${port}`;
    const servers = [...real_servers, ...(sorry_server === undefined ? [] : [sorry_server])];
    return [
      ...row(name, service),
      ...servers.flatMap((one) => row(`${name} ${one.address}:${one.port}`, one)),
    ];
  });
  assert.equal(services.length, SERVICES.length);
  assert.deepEqual([...rows].sort(), [...listedRows(listed)].sort());
  const web = services.find(({ address, port }) => address === NAT && port === 80);
  assert.ok((web?.stats?.connections ?? 0) >= TIMES, json);
  assert.deepEqual(Object.keys(web?.stats ?? {}), [
    ...['connections', 'in_packets', 'out_packets', 'in_bytes', 'out_bytes'],
    ...['cps', 'in_pps', 'out_pps', 'in_bps', 'out_bps'],
  ]);
});
