// Load balancing end to end, beside keepalived in the same kernel: servers answer wrongly, die and come back, quorum is
// lost and won, weights and services change; after each event both tables are the same.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { runInside } from './machine.ts';
import type { Chapter, Story } from './story.ts';

const globals = (timeouts: string): string =>
  `global_defs {\n router_id x\n lvs_flush\n lvs_timeouts ${timeouts}\n}\n`;
const usual = globals('tcp 700 tcpfin 50 udp 60');
const service = ({ address = '203.0.113.1', first = 2, third = false } = {}): string => `
virtual_server ${address} 80 {
  delay_loop 1
  protocol TCP
  lvs_sched wrr
  lvs_method NAT
  quorum 2
  hysteresis 1
  retry 1
  delay_before_retry 0.5
  connect_timeout 1
  sorry_server 10.2.3.2 80
  real_server 10.2.1.2 80 {
    weight ${first}
    HTTP_GET {
      url {
        path /
        status_code 200
      }
    }
  }
  real_server 10.2.2.2 80 {
    weight 1
    inhibit_on_failure
    TCP_CHECK {
    }
  }
  ${third ? 'real_server 10.2.3.2 80 {\n weight 4\n TCP_CHECK {\n }\n }' : ''}
}
`;

const chapters: Chapter[] = [];
function chapter(
  what: string,
  more: Omit<Chapter, 'what' | 'table'>,
  ...table: readonly string[]
): void {
  chapters.push({ what, ...more, table });
}

const SERVICE = '-A -t 203.0.113.1:80 -s wrr';
const server = (n: number, weight: number, of = 1): string =>
  `-a -t 203.0.113.${of}:80 -r 10.2.${n}.2:80 -m -w ${weight}`;

chapter('the first answers wrongly', { backend: [0, 500] }, SERVICE, server(2, 1));
chapter('and well again', { backend: [0, 200] }, SERVICE, server(1, 2), server(2, 1));
chapter('the second dies', { backend: [1, 'close'] }, SERVICE, server(1, 2), server(2, 0));
chapter('the first dies too', { backend: [0, 'close'] }, SERVICE, server(2, 0), server(3, 1));
chapter('the second comes back', { backend: [1, 'open'] }, SERVICE, server(2, 0), server(3, 1));
chapter('the first comes back', { backend: [0, 'open'] }, SERVICE, server(1, 2), server(2, 1));
chapter(
  'reload: another weight',
  { reload: usual + service({ first: 5 }) },
  SERVICE,
  server(1, 5),
  server(2, 1),
);
chapter(
  'reload: one server more',
  { reload: usual + service({ first: 5, third: true }) },
  SERVICE,
  server(1, 5),
  server(2, 1),
  server(3, 4),
);
chapter(
  'reload: one server less, other timeouts',
  { reload: globals('tcp 800 tcpfin 51 udp 61') + service() },
  SERVICE,
  server(1, 2),
  server(2, 1),
);
chapter(
  'reload: another service',
  { reload: globals('tcp 800 tcpfin 51 udp 61') + service({ address: '203.0.113.2' }) },
  '-A -t 203.0.113.2:80 -s wrr',
  server(1, 2, 2),
  server(2, 1, 2),
);

const START = [SERVICE, server(1, 2), server(2, 1)];

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
  const all = [{ what: 'start', table: START }, ...chapters, { what: 'stop', table: [] }];
  for (const { what, table } of all)
    it(what, () => {
      const { ours, keepalived } = moment(what);
      assert.deepEqual(ours, keepalived, story.logs.ours.slice(-4000));
      assert.deepEqual(ours, table);
    });
});

it('timeouts are those of the configuration', () => {
  const [ours, keepalived] = story.timeouts;
  assert.equal(ours, keepalived);
  assert.match(ours, /: 800 51 61$/);
});
