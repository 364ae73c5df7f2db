// What the log says of an SMTP_CHECK that fails: which mail server, and of an HTTP_GET that is good: what made it so; all in
// keepalived's words (seen of 2.2.7).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../../src/check/checker.ts';
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
const said = (reason: string): readonly string[] => heard(FILE, { up: false, reason });

/** Lines about attempts that are answered so, one after the other. */
function heard(file: string, ...verdicts: readonly Verdict[]): readonly string[] {
  const { config } = read(file);
  assert.ok(config !== undefined);
  let now = 1_000_000 as Instant;
  const start = createDirector(config, { seed: 1, keeps: false });
  const facts = { files: {}, addresses: [] };
  let { state } = director.step(start, { type: 'facts', facts }, now);
  const lines: string[] = [];
  for (const verdict of verdicts) {
    now = director.nextDeadline(state) ?? now;
    const asked = director.step(state, { type: 'deadline' }, now);
    const run = asked.actions.find((action) => action.type === 'probe')?.run ?? assert.fail();
    const answered = director.step(asked.state, { type: 'answered', run, verdict }, now);
    state = answered.state;
    for (const action of answered.actions) if (action.type === 'log') lines.push(action.text);
  }
  return lines;
}

for (const [reason, line] of [
  ['Bad greeting banner', 'SMTP_CHECK Bad greeting banner from server [10.9.0.2]:25'],
  ['Read timeout', 'SMTP_CHECK Read timeout from server [10.9.0.2]:25'],
  ['Could not connect', 'SMTP_CHECK Could not connect to server [10.9.0.2]:25'],
  ['no descriptor left', 'SMTP_CHECK no descriptor left: server [10.9.0.2]:25'],
] as const)
  test(line, () => assert.equal(said(reason)[0], line));

const web = (alpha: string, page: string): string =>
  `virtual_server 10.0.0.1 80 {\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n${alpha}\nreal_server 10.9.0.1 8080 {
HTTP_GET {\nretry 0\nurl {\npath /p\n${page}\n}\n}\n}\n}\n`;
const good: Verdict = { up: true, length: { came: 5, told: 5 } };
const none: Verdict = { up: false, reason: 'HTTP status code error: 404' };

for (const [page, line] of [
  ['', 'HTTP status code success to [10.9.0.1]:tcp:8080 url(/p)'],
  ['digest 5d41402abc4b2a76b9719d911017c592', 'MD5 digest success to [10.9.0.1]:tcp:8080 url(/p)'],
  ['regex hello', 'Regex match success to [10.9.0.1]:tcp:8080 url(/p)'],
] as const)
  test(`${line}: of each good page until the server is up again`, () => {
    const pages = (...args: Parameters<typeof heard>) =>
      heard(...args).filter((text) => text === line).length;
    assert.equal(pages(web('alpha', page), good), 1);
    assert.equal(pages(web('', page), good), 0);
    assert.equal(pages(web('', page), good, none, good, good, good), 2);
  });

test('a page of another length than it says is good, and said once until one has come that is not', () => {
  const odd: Verdict = { up: true, length: { came: 5, told: 500 } };
  const told =
    'http_check for RS [10.9.0.1]:tcp:8080 VS [10.0.0.1]:tcp:80 url /p: content_length (500) does not match received bytes (5)';
  const [first, ...more] = heard(web('alpha', ''), odd, odd);
  assert.equal(first, told);
  assert.ok(more.includes('Remote Web server [10.9.0.1]:tcp:8080 succeed on service.'));
  assert.ok(!more.includes(told));
  const count = (...verdicts: Verdict[]) =>
    heard(web('', ''), ...verdicts).filter((text) => text === told).length;
  // What failed before it came to its end tells nothing of it.
  assert.equal(count(odd, none, odd), 1);
  assert.equal(count(odd, good, odd), 2);
});

for (const [check, retry, first, later] of [
  [
    'HTTP_GET {\nurl {\npath /\n}\n}',
    2,
    'HTTP_CHECK on service RS failed after 2 retries.',
    undefined,
  ],
  [
    'TCP_CHECK {\n}',
    2,
    'TCP_CHECK on service RS failed.',
    'TCP_CHECK on service RS failed after 2 retries.',
  ],
  [
    'PING_CHECK {\n}',
    2,
    'ICMP CHECK on service RS failed.',
    'ICMP CHECK on service RS of VS failed after 2 retries.',
  ],
  ['PING_CHECK {\nretry 0\n}', 0, 'ICMP CHECK on service RS failed.', undefined],
  [
    'MISC_CHECK {\nmisc_path /bin/false\n}',
    2,
    'Misc check for [RS VS VS] by [/bin/false] failed after 2 retries (bad).',
    undefined,
  ],
] as const)
  test(`${first} It is the first answer, and has had no tries (${retry})`, () => {
    const file = `global_defs {\nscript_user root\n}\nvirtual_server 10.0.0.1 80 {
lvs_sched rr\nlvs_method NAT\nprotocol TCP\nretry 2\nreal_server 10.9.0.1 80 {\n${check}\n}\n}\n`;
    const short = (text: string): string =>
      text.replaceAll('[10.9.0.1]:tcp:80', 'RS').replaceAll('[10.0.0.1]:tcp:80', 'VS');
    const bad: Verdict = { up: false, reason: 'bad' };
    assert.ok(heard(file, bad).map(short).includes(first), heard(file, bad).join());
    const failures = Array.from({ length: retry + 1 }, () => bad);
    const after = heard(file, { up: true }, ...failures).map(short);
    assert.ok(after.includes(later ?? first), after.join());
  });
