// What the log says of an SMTP_CHECK that fails: which mail server, in keepalived's words (seen of 2.2.7).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDirector, director } from '../../src/check/director.ts';
import type { Instant } from '../../src/lib/time.ts';
import { read } from '../property/reading.ts';

const FILE = `virtual_server 10.0.0.1 80 {
lvs_sched rr
lvs_method NAT
protocol TCP
warmup 0
real_server 10.9.0.1 8080 {
SMTP_CHECK {
retry 0
connect_ip 10.9.0.2
connect_port 25
}
}
}
`;

/** Lines about an attempt that has failed so. */
function said(reason: string): readonly string[] {
  const { config } = read(FILE);
  assert.ok(config !== undefined);
  let now = 1_000_000 as Instant;
  const start = createDirector(config, { seed: 1, keeps: false });
  const facts = { files: {}, addresses: [] };
  let { state } = director.step(start, { type: 'facts', facts }, now);
  now = director.nextDeadline(state) ?? now;
  const asked = director.step(state, { type: 'deadline' }, now);
  state = asked.state;
  const run = asked.actions.find((action) => action.type === 'probe')?.run ?? assert.fail();
  const event = { type: 'answered', run, verdict: { up: false, reason } } as const;
  return director
    .step(state, event, now)
    .actions.flatMap((action) => (action.type === 'log' ? [action.text] : []));
}

for (const [reason, line] of [
  ['Bad greeting banner', 'SMTP_CHECK Bad greeting banner from server [10.9.0.2]:25'],
  ['Read timeout', 'SMTP_CHECK Read timeout from server [10.9.0.2]:25'],
  ['Could not connect', 'SMTP_CHECK Could not connect to server [10.9.0.2]:25'],
  ['no descriptor left', 'SMTP_CHECK no descriptor left: server [10.9.0.2]:25'],
] as const)
  test(line, () => assert.equal(said(reason)[0], line));
