// Servers that mean harm to a daemon that checks them: each check fails in time with a reason in the log, the daemon's memory
// stays bounded, nothing stays open, and a server that means well is taken in beside them. test/native/hostile.test.ts has
// the same checkers one by one.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sanitized } from './programs.ts';
import { type Running, Sandbox, until, withIpvs } from './sandbox.ts';
import type { Play, Told, Villain } from './villain.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const FIRST = 20_000;
/** Megabytes that the checker child may ever have: Node itself needs some 60, and a body is read up to 64. */
const MOST = 220;

interface Row {
  readonly kind: 'HTTP_GET' | 'SSL_GET' | 'SMTP_CHECK' | 'DNS_CHECK' | 'UDP_CHECK' | 'MISC_CHECK';
  readonly what: string;
  readonly play: Play;
  /** In the line of the log that names the server. */
  readonly reason: string;
  readonly over?: Villain['over'];
  readonly begins?: string;
  readonly waits?: boolean;
  readonly lines?: readonly string[];
  readonly url?: readonly string[];
}

const NO_HEAD = 'Read, no data received';
const SHAKE = 'SSL handshake/communication error connecting';
const OK = 'HTTP/1.0 200 OK\r\n';

/** The same villains with and without TLS in front. */
const web: readonly Row[] = (['HTTP_GET', 'SSL_GET'] as const).flatMap((kind): Row[] => {
  const asked = {
    kind,
    over: kind === 'HTTP_GET' ? ('tcp' as const) : ('tls' as const),
    waits: true,
  };
  return [
    { ...asked, what: 'a header of lines without end', play: 'lines', begins: OK, reason: NO_HEAD },
    { ...asked, what: 'a header line without end', play: 'line', begins: OK, reason: NO_HEAD },
    { ...asked, what: 'a body without end', play: 'body', reason: 'more than 67108864 bytes' },
    {
      ...asked,
      what: 'byte by byte without end',
      play: 'drip',
      begins: `${OK}\r\n`,
      reason: 'the answer takes too long',
    },
    {
      ...asked,
      what: 'a reset',
      play: 'reset',
      reason: kind === 'HTTP_GET' ? 'Read error' : 'Read, no data received',
    },
    {
      ...asked,
      what: 'no answer',
      play: 'silence',
      reason: kind === 'HTTP_GET' ? 'Timeout WEB read' : 'Timeout SSL read',
    },
    { ...asked, what: 'garbage', play: 'garbage', reason: '. (none)' },
    {
      ...asked,
      what: 'redirects in a circle',
      play: 'circle',
      reason: '. (302)',
    },
    {
      ...asked,
      what: 'what unpacks to much',
      play: 'bomb',
      url: [`digest ${'0'.repeat(32)}`],
      reason: 'MD5 digest error',
    },
  ];
});

const shake = (what: string, play: Play, reason: string): Row => ({
  kind: 'SSL_GET',
  what,
  play,
  reason,
  over: 'tcp',
  waits: true,
});
const handshakes: readonly Row[] = [
  shake('garbage for TLS', 'garbage', SHAKE),
  shake('a flood for TLS', 'flood', SHAKE),
  shake('a reset in the handshake', 'reset', SHAKE),
  shake('silence in the handshake', 'silence', 'Timeout connecting'),
  // The header of a record that is long enough for all that drips.
  {
    ...shake('a handshake byte by byte', 'drip', 'Timeout connecting'),
    begins: '\x16\x03\x03\x40\x00',
  },
];

const mail = (what: string, play: Play, reason: string, begins = ''): Row => ({
  kind: 'SMTP_CHECK',
  what,
  play,
  reason,
  over: 'tcp',
  begins,
});
const mails: readonly Row[] = [
  mail('a greeting byte by byte without end', 'drip', 'Bad greeting banner', '220 '),
  mail('a greeting without end', 'flood', 'Bad greeting banner', '220 '),
  mail('garbage', 'garbage', 'Bad greeting banner'),
  mail('silence', 'silence', 'Read timeout'),
  mail('lines without end', 'lines', 'Bad greeting banner', '220-well\r\n'),
  // Whether it was connected before is chance.
  mail('a reset at once', 'reset', 'SMTP_CHECK '),
];

const datagrams: readonly Row[] = [
  {
    kind: 'DNS_CHECK',
    what: 'thousands of answers to other questions',
    play: 'flood',
    over: 'udp',
    reason: 'datagrams were no answer',
  },
  { kind: 'DNS_CHECK', what: 'silence', play: 'silence', over: 'udp', reason: 'read timeout' },
  {
    kind: 'UDP_CHECK',
    what: 'thousands of wrong answers',
    play: 'flood',
    over: 'udp',
    lines: ['payload 0000', 'require_reply 0000'],
    reason: 'byte 1 of the answer is not as required',
  },
  {
    kind: 'UDP_CHECK',
    what: 'silence',
    play: 'silence',
    over: 'udp',
    lines: ['require_reply 00'],
    reason: 'no answer',
  },
];

const commands: readonly Row[] = [
  {
    kind: 'MISC_CHECK',
    what: 'a command that writes without end',
    play: 'silence',
    over: 'udp',
    lines: ['misc_path /tmp/endless.sh', 'misc_timeout 1'],
    reason: 'timed out',
  },
];

const ROWS: readonly Row[] = [...web, ...handshakes, ...mails, ...datagrams, ...commands];
const portOf = (row: Row): number => FIRST + ROWS.indexOf(row);

/** Seconds; `patient`: a server that is only slow to start is not taken for a bad one. */
const service = (
  at: number,
  protocol: string,
  port: number,
  check: string,
  patient: boolean,
): string =>
  `virtual_server 10.0.${at}.1 80 {
 delay_loop 3600
 warmup 0
 connect_timeout ${patient ? 5 : 1}
 lvs_sched rr
 lvs_method NAT
 protocol ${protocol}
 real_server 127.0.0.1 ${port} {
 ${check}
 }
}
`;

const configuration = (): string => {
  const services = ROWS.map((row, at) => {
    const { kind, lines = [], url = [] } = row;
    const page = kind.endsWith('_GET') ? `url {\n path /\n ${url.join('\n ')}\n }` : '';
    const check = `${kind} {\n retry 0\n ${lines.join('\n ')}\n ${page}\n }`;
    const protocol = row.over === 'udp' ? 'UDP' : 'TCP';
    return service(at, protocol, portOf(row), check, row.play !== 'drip');
  });
  const good = service(200, 'UDP', FIRST + 900, 'UDP_CHECK {\n retry 0\n }', true);
  return `global_defs {\n script_user root\n}\n${services.join('')}${good}`;
};

let box: Sandbox;
let daemon: Running;
let villains: Running;
before(async () => {
  box = new Sandbox(`ka-hostile-${process.pid}`, mkdtempSync(join(tmpdir(), 'ka-hostile-')));
  await box.open();
  box.write('tmp/endless.sh', '#!/bin/bash\nwhile :; do echo endless; echo endless >&2; done\n');
  chmodSync(join(box.folder, 'tmp/endless.sh'), 0o755);
  const list = ROWS.map((row): Villain => {
    const { play, over = 'tcp', begins, waits } = row;
    return {
      port: portOf(row),
      play,
      over,
      ...(begins === undefined ? {} : { begins }),
      ...(waits === undefined ? {} : { waits }),
    };
  });
  const good: Villain = { port: FIRST + 900, play: 'silence', over: 'udp' };
  villains = box.start(
    [
      process.execPath,
      '--import',
      'tsx',
      join(here, 'villain.ts'),
      JSON.stringify([...list, good]),
    ],
    { directory: join(here, '../..') },
  );
  await until('the villains', () => villains.stdout.includes('ready'), 60_000);
  daemon = box.daemon(configuration(), ['-C'], withIpvs);
});
after(() => box.close());

/** What the log says of the server of a row. */
const linesOf = (row: Row): string[] =>
  daemon.stderr.split('\n').filter((line) => line.includes(`:${portOf(row)}`));

describe('a server that means harm fails with a reason in the log', { timeout: 120_000 }, () => {
  for (const row of ROWS)
    it(`${row.kind}: ${row.what}`, async () => {
      const said = (): boolean => linesOf(row).some((line) => line.includes(row.reason));
      await until(row.reason, said, 40_000).catch(() =>
        assert.fail(`no reason ${row.reason}:\n${linesOf(row).join('\n')}\n${villains.stderr}`),
      );
    });
});

describe('meanwhile', { timeout: 60_000 }, () => {
  it('a redirect is not followed, and no more is taken than is looked at', async () => {
    const from = villains.stdout.length;
    villains.signal('SIGUSR1');
    await until('what they have seen', () => villains.stdout.slice(from).endsWith('}\n'));
    const told = JSON.parse(villains.stdout.slice(from)) as Told;
    for (const row of ROWS) {
      const { connections, bytes } = told[portOf(row)] ?? assert.fail(row.what);
      if (row.over !== 'udp') assert.equal(connections, 1, row.what);
      // What the kernel holds for both ends; a body is read up to 64 MiB.
      const most = (row.play === 'body' ? 64 : 0) + 32;
      assert.ok(bytes < most << 20, `${row.kind} ${row.what}: ${bytes} bytes`);
    }
  });

  it('memory stays bounded, and nothing stays open', async () => {
    const pid = box.pid('run/checkers.pid');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const high = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1000;
    // A program under the sanitizers has other sizes.
    if (!sanitized) assert.ok(high < MOST, `${high} MB`);
    await until('the end of the command', () =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .every((name) => parentOf(name) !== pid),
    );
  });

  it('a server that means well is taken in', () => {
    assert.ok(!daemon.stderr.includes(`:${FIRST + 900} from VS`), 'it is not removed');
  });
});

function parentOf(pid: string): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
    return Number(fields?.[1]);
  } catch {
    return undefined;
  }
}
