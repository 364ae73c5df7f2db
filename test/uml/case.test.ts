// The user guide's case studies of health checks and of the mixed set-up, each with two directors and VRRP in front, with --full
// ours beside keepalived in the same kernel: addresses move, traffic goes on through the other director, tables are equal.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { digestOf, type Runs, type Study, type Tables } from './case.ts';
import { runInside } from './machine.ts';
import { rowOf } from './rows.ts';
import type { Kind } from './world.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../fixtures/cases/${name}.conf`, import.meta.url), 'utf8');
const FULL = process.env.KEEPALIVED_TEST_FULL === '1';
/** Two pairs of directors in one machine of one processor take minutes: checks of a busy one fail, and come every 30 s. */
const KINDS: readonly Kind[] = FULL ? ['ours', 'keepalived'] : ['ours'];

/** The pages that the guide's servers had nobody has: their digests are replaced by those of ours, in the order of the file. */
const mend = (text: string): string =>
  text.replace(/path (\S+)\s+digest \S+/g, (_, path) => `path ${path}\n digest ${digestOf(path)}`);

const both = (one: string, other: string): Pick<Study, 'given' | 'mended'> => ({
  given: [one, other],
  mended: [mend(one), mend(other)],
});

const entry = (service: string, server: string, weight: number): string =>
  `-a ${service} -r 192.168.100.${server} -m -w ${weight}`;

function tables(web: string, ...others: readonly string[]): Tables {
  const service = `-t ${web}:80`;
  const all = [`-A ${service} -s wrr -p 50`, ...others];
  const one = [...all, entry(service, '2:80', 2)];
  return {
    sorry: [...all, entry(service, '100:80', 1)].sort(),
    one: one.sort(),
    whole: [...one, entry(service, '3:80', 1)].sort(),
  };
}

const secure = (address: string): string[] => [
  `-A -t ${address}:443 -s rr -p 360`,
  ...['2:443', '3:443'].map((server) => entry(`-t ${address}:443`, server, 1)),
];

/** The second director of the mixed case: what is MASTER there is BACKUP here. */
const mirrored = (text: string): string =>
  text
    .replace(/state MASTER(\s[^}]*?)priority 150/g, 'state backup$1priority ten')
    .replace(/state BACKUP(\s[^}]*?)priority 100/g, 'state MASTER$1priority 150')
    .replaceAll('state backup', 'state BACKUP')
    .replaceAll('priority ten', 'priority 100');

/** The guide's file has no VRRP: its address, and the gateway of its servers. */
const front = (priority: number): string => `
vrrp_sync_group VG1 {
    group {
        VI_1
        VI_2
    }
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority ${priority}
    virtual_ipaddress {
        192.168.200.15
    }
}
vrrp_instance VI_2 {
    interface eth1
    virtual_router_id 52
    priority ${priority}
    virtual_ipaddress {
        192.168.100.10
    }
}
`;

const mixed = read('mixed');
const health = read('healthcheck');
const ALL: readonly Study[] = [
  {
    name: 'mixed',
    ...both(mixed, mirrored(mixed)),
    web: '192.168.200.10',
    moves: ['192.168.200.10', '192.168.200.11', '192.168.100.10'],
    others: [['192.168.200.12', 443]],
    tables: tables('192.168.200.10', ...secure('192.168.200.12')),
    whole: FULL,
    kinds: KINDS,
  },
  {
    name: 'health',
    ...both(health + front(150), health + front(100)),
    web: '192.168.200.15',
    moves: ['192.168.200.15', '192.168.100.10'],
    others: [
      ['192.168.200.15', 443],
      ['192.168.200.15', 25],
    ],
    tables: tables(
      '192.168.200.15',
      ...secure('192.168.200.15'),
      '-A -t 192.168.200.15:25 -s wlc -p 50',
      entry('-t 192.168.200.15:25', '4:25', 1),
      entry('-t 192.168.200.15:25', '5:25', 2),
    ),
    whole: FULL,
    kinds: KINDS,
  },
];

// Minutes of waiting for checks every 30 s.
const STUDIES = FULL ? ALL : ALL.slice(0, 1);

const runs = new Map<string, Runs>();
before(async () => {
  const inside = import.meta.resolve('./case.ts');
  for (const study of STUDIES)
    runs.set(
      study.name,
      await runInside<Runs>(inside, { input: study, milliseconds: 900_000, memory: '2048M' }),
    );
});

for (const { name, moves, web, tables } of STUDIES)
  describe(name, () => {
    const of = (kind: Kind) => runs.get(name)?.[kind] ?? assert.fail(name);
    for (const kind of KINDS) {
      it(`addresses move together, and back (${kind})`, () => {
        for (const { what, held } of of(kind).moments) {
          const first = !/cut off|dies|comes/.test(what);
          const [one, two] = held;
          assert.deepEqual(first ? one : two, moves, what);
          if (first) assert.deepEqual(two, [], what);
        }
      });
      it(`clients are answered by the servers of the table (${kind})`, () => {
        for (const {
          what,
          tables: [table = []],
          answers,
        } of of(kind).moments)
          for (const [service, names] of Object.entries(answers)) {
            const servers = table
              .map(rowOf)
              .filter((row) => row.service === `-t ${service}`)
              .flatMap(({ destination }) => /\.(\d+):/.exec(destination ?? '')?.[1] ?? [])
              .map((n) => `s${n}`);
            assert.equal(names.length, 4);
            assert.deepEqual([...new Set(names)].sort(), servers.sort(), `${what}: ${service}`);
          }
      });
    }
    it('tables are what the file says, and keepalived’s, on both directors', () => {
      const [ours, ...others] = KINDS.map((kind) => of(kind).moments);
      assert.ok(ours !== undefined && ours.length >= 3);
      for (const theirs of others)
        for (const [i, { what, tables }] of ours.entries())
          assert.deepEqual(tables, theirs[i]?.tables, what);
      assert.deepEqual(ours[0]?.tables, [tables.whole, tables.whole]);
      if (FULL) assert.deepEqual(ours.at(-1)?.tables, [tables.sorry, tables.sorry]);
      assert.ok(Object.hasOwn(ours[0]?.answers ?? {}, `${web}:80`));
    });
  });
