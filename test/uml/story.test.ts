// Load balancing end to end, beside keepalived in the same kernel: servers answer wrongly, hang, die and come back, quorum is
// lost and won, certificates expire, weights and everything that a reload can change do; after each event both tables are the
// same, within one check, and no order that led there put back what had failed or took away what was well.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { detours } from './judge.ts';
import { runInside } from './machine.ts';
import { rowOf } from './rows.ts';
import type { Chapter, Scene, Story } from './story.ts';

const globals = (timeouts = ''): string =>
  `global_defs {\n router_id x\n script_user root\n lvs_flush\n ${timeouts}\n}\n`;
const usual = globals('lvs_timeouts tcp 700 tcpfin 50 udp 60');

interface Words {
  /** In front of the service. */
  readonly before?: string;
  readonly heading?: string;
  readonly lines?: string;
  readonly quorum?: number;
  readonly hysteresis?: number;
  readonly sorry?: string;
  readonly first?: number;
  readonly second?: number;
  /** Checks of the first and the second server. */
  readonly checks?: readonly [string, string];
  readonly more?: string;
}

const HTTP = 'HTTP_GET {\n url {\n path /\n status_code 200\n }\n }';
const TCP = 'TCP_CHECK {\n }';
const INHIBITED = `inhibit_on_failure\n${TCP}`;

// The servers share a process with who observes: a second without an answer is nothing on a busy machine.
const service = ({
  before = '',
  heading = '203.0.113.1 80',
  lines = 'lvs_sched wrr\nlvs_method NAT',
  quorum = 2,
  hysteresis = 1,
  sorry = 'sorry_server 10.2.3.2 80',
  first = 2,
  second = 1,
  checks: [one, two] = [HTTP, INHIBITED],
  more = '',
}: Words = {}): string => `
${before}
virtual_server ${heading} {
  delay_loop 1
  protocol TCP
  ${lines}
  quorum ${quorum}
  hysteresis ${hysteresis}
  retry 1
  delay_before_retry 0.5
  connect_timeout 5
  ${sorry}
  real_server 10.2.1.2 80 {
    weight ${first}
    ${one}
  }
  real_server 10.2.2.2 80 {
    weight ${second}
    ${two}
  }
  ${more}
}
virtual_server 203.0.113.3 443 {
  delay_loop 1
  protocol TCP
  lvs_sched rr
  lvs_method NAT
  real_server 10.2.1.2 443 {
    SSL_GET {
      url {
        path /
        status_code 200
      }
    }
  }
  real_server 10.2.2.2 443 {
    weight 3
    MISC_CHECK {
      misc_path /tmp/KIND/weight
      misc_timeout 20
      misc_dynamic
    }
  }
}
`;
const third = `real_server 10.2.3.2 80 {\n weight 4\n ${TCP}\n }`;

/** The service of TLS, with what a script gives for the second server. */
const secure = (weight: number): string[] => [
  '-A -t 203.0.113.3:443 -s rr',
  '-a -t 203.0.113.3:443 -r 10.2.1.2:443 -m -w 1',
  `-a -t 203.0.113.3:443 -r 10.2.2.2:443 -m -w ${weight}`,
];
const SERVICE = '-A -t 203.0.113.1:80 -s wrr';
const server = (n: number, weight: number, of = 1, method = '-m'): string =>
  `-a -t 203.0.113.${of}:80 -r 10.2.${n}.2:80 ${method} -w ${weight}`;
const SORRY = server(3, 1);
const FULL = [SERVICE, server(1, 2), server(2, 1)];

/** With what is said of the first two servers and their checks at most, while IPVS was not yet right. */
interface Told extends Chapter {
  readonly asked?: readonly [at: number, most: number];
}
const chapters: Told[] = [];
let weight = 3;
function chapter(
  what: string,
  more: Omit<Told, 'what' | 'table'>,
  ...table: readonly string[]
): void {
  chapters.push({ what, ...more, table: [...table, ...secure(weight)].sort() });
}
const reload = (what: string, words: Words, ...table: readonly string[]): void =>
  chapter(`reload: ${what}`, { reload: usual + service(words) }, ...table);

// Two tries make a failure, and a page is had twice before its server is taken in again: the next time it is asked IPVS is
// right. One that is dead sees nobody; there the other one's checks are the clock.
chapter('the first answers wrongly', { server: [0, 500], asked: [0, 2] }, SERVICE, server(2, 1));
chapter('and well again', { server: [0, 200], asked: [0, 2] }, ...FULL);
chapter('the first hangs', { server: [0, 'hang'], asked: [0, 2] }, SERVICE, server(2, 1));
chapter('and answers again', { server: [0, 200], asked: [0, 2] }, ...FULL);
chapter('the first dies', { server: [0, 'close'], asked: [1, 4] }, SERVICE, server(2, 1));
reload('another check of what is down', { checks: [TCP, INHIBITED] }, SERVICE, server(2, 1));
chapter('it comes back', { server: [0, 'open'], asked: [0, 1] }, ...FULL);
reload('another check of what is well', {}, ...FULL);
chapter('certificates expire', { certificate: 'expired', calm: 3 }, ...FULL);
weight = 7;
chapter('a script gives another weight', { status: 9 }, ...FULL);
chapter('the second dies', { server: [1, 'close'] }, SERVICE, server(1, 2), server(2, 0));
chapter('the first dies too', { server: [0, 'close'] }, SERVICE, server(2, 0), SORRY);
chapter('the second comes back', { server: [1, 'open'], calm: 2 }, SERVICE, server(2, 0), SORRY);
chapter('the first comes back', { server: [0, 'open'], asked: [0, 2] }, ...FULL);
reload('another weight', { first: 5 }, SERVICE, server(1, 5), server(2, 1));
reload(
  'one server more',
  { first: 5, more: third },
  SERVICE,
  server(1, 5),
  server(2, 1),
  server(3, 4),
);
reload(
  'one server less, another scheduler, persistence',
  {
    lines:
      'lvs_sched wlc\nlvs_method NAT\npersistence_timeout 70\npersistence_granularity 255.255.255.0',
  },
  '-A -t 203.0.113.1:80 -s wlc -p 70 -M 255.255.255.0',
  server(1, 2),
  server(2, 1),
);
reload(
  'another way of forwarding',
  { lines: 'lvs_sched wrr\nlvs_method DR' },
  SERVICE,
  server(1, 2, 1, '-g'),
  server(2, 1, 1, '-g'),
);
const removing: Words = { checks: [HTTP, TCP] };
reload('what fails is to be removed', removing, ...FULL);
chapter('the second dies once more', { server: [1, 'close'] }, SERVICE, server(1, 2));
const strict = { ...removing, quorum: 3, hysteresis: 0 };
reload('a quorum that is not reached', strict, SERVICE, SORRY);
reload(
  'another sorry server meanwhile',
  { ...strict, sorry: 'sorry_server 10.2.3.2 81' },
  SERVICE,
  '-a -t 203.0.113.1:80 -r 10.2.3.2:81 -m -w 1',
);
// To win a quorum takes the hysteresis too.
reload('the quorum of before', removing, SERVICE, SORRY);
reload('what is down is to stay with weight 0', {}, SERVICE, server(2, 0), SORRY);
chapter('the second is back', { server: [1, 'open'], asked: [1, 1] }, ...FULL);
chapter(
  'reload: other timeouts',
  { reload: globals('lvs_timeouts tcp 800') + service(), timeouts: [800, 120, 300] },
  ...FULL,
);
chapter(
  'reload: no timeouts',
  { reload: globals() + service(), timeouts: [900, 120, 300] },
  ...FULL,
);
reload(
  'a group of addresses',
  { heading: 'group web', before: 'virtual_server_group web {\n203.0.113.1-2 80\n}' },
  ...FULL,
  '-A -t 203.0.113.2:80 -s wrr',
  server(1, 2, 2),
  server(2, 1, 2),
);
reload('no group', {}, ...FULL);
reload(
  'another service',
  { heading: '203.0.113.2 80' },
  '-A -t 203.0.113.2:80 -s wrr',
  server(1, 2, 2),
  server(2, 1, 2),
);

reload('the service of before', {}, ...FULL);
reload('all are relieved', { first: 0, second: 0 }, SERVICE, server(2, 0), SORRY);
reload('they count again', {}, ...FULL);
chapter(
  'the second dies for the last time',
  { server: [1, 'close'] },
  SERVICE,
  server(1, 2),
  server(2, 0),
);
const strictly: Words = { quorum: 3, hysteresis: 0 };
reload(
  'a quorum that is lost by it, while one is inhibited',
  strictly,
  SERVICE,
  server(2, 0),
  SORRY,
);
reload(
  'other tries while the sorry server serves',
  { ...strictly, checks: [HTTP, `inhibit_on_failure\nTCP_CHECK {\nretry 0\n}`] },
  SERVICE,
  server(2, 0),
  SORRY,
);
chapter('the quorum is won', { server: [1, 'open'] }, ...FULL);

weight = 3;
const START = [...FULL, ...secure(weight)].sort();
const all: readonly Told[] = [
  { what: 'start', table: START },
  ...chapters,
  { what: 'stop', table: [] },
];

let story: Story;
before(async () => {
  story = await runInside<Story>(import.meta.resolve('./story.ts'), {
    input: { config: usual + service(), start: START, chapters },
    milliseconds: 300_000,
  });
});

const moment = (name: string): Story['moments'][number] =>
  story.moments.find(({ what }) => what === name) ?? assert.fail(name);

describe('after each event the table is keepalived’s', () => {
  for (const { what, table } of all)
    it(what, () => {
      const { ours, keepalived } = moment(what).scenes;
      assert.deepEqual(ours.table, keepalived.table, story.logs.ours.slice(-4000));
      assert.deepEqual(ours.table, table);
    });
});

describe('no order puts back what has failed, nor takes away what is well', () => {
  for (const { what, table } of all.slice(1))
    it(what, () => {
      const { heard } = moment(what).scenes.ours;
      assert.deepEqual(detours(heard, table.map(rowOf)), [], JSON.stringify(heard));
    });
  it('something was heard', () => {
    const all = story.moments.flatMap(({ scenes }) => [scenes.ours, scenes.keepalived]);
    const changes = all.filter(({ heard }) => heard.length > 0);
    assert.ok(changes.length > 30, `${changes.length}`);
  });
});

describe('IPVS is right before a server is asked once more', () => {
  for (const { what, asked } of chapters)
    if (asked !== undefined)
      it(what, () => {
        const [at, most] = asked;
        const of = ({ asked }: Scene): number => asked[at] ?? 0;
        const { ours, keepalived } = moment(what).scenes;
        assert.ok(of(ours) <= most, `${of(ours)}, keepalived ${of(keepalived)}`);
        assert.ok(of(ours) <= of(keepalived) + 1, `${of(ours)}, keepalived ${of(keepalived)}`);
      });
});

it('timeouts are those of the configuration, else what they were', () => {
  for (const { what, scenes } of story.moments)
    assert.deepEqual(scenes.ours.timeouts, scenes.keepalived.timeouts, what);
  assert.deepEqual(moment('start').scenes.ours.timeouts, [700, 50, 60]);
  assert.deepEqual(moment('reload: other timeouts').scenes.ours.timeouts, [800, 120, 300]);
  assert.deepEqual(moment('reload: no timeouts').scenes.ours.timeouts, [900, 120, 300]);
  assert.deepEqual(moment('stop').scenes.ours.timeouts, [900, 120, 300]);
});
