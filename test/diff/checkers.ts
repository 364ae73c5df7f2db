// Servers that answer as they are told, and how keepalived and we judge each: one table for checker.test.ts. What a row
// says is what keepalived 2.2.7 was seen to do; where we differ on purpose, `ours` says so.

import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';

/** What a server does with one connection; its bytes may be under TLS. */
export type Play = (socket: Socket) => Promise<void>;

export interface Row {
  readonly name: string;
  readonly kind: 'TCP_CHECK' | 'HTTP_GET' | 'SSL_GET' | 'SMTP_CHECK';
  /** Absent: nobody listens. */
  readonly play?: Play;
  /** A server with TLS, and which certificate it has. */
  readonly certificate?: 'good' | 'expired';
  /** Lines in the block of the checker, and of its url. */
  readonly lines?: readonly string[];
  readonly url?: readonly string[];
  /** `timing`: it depends on which bytes keepalived reads at once, so only our verdict is looked at. */
  readonly theirs: 'up' | 'down' | 'never' | 'timing';
  readonly ours?: 'up' | 'down';
  /** In the reason that we give, and in keepalived's line unless `log` is another. */
  readonly reason?: string;
  readonly log?: string;
}

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Until what has come ends so. */
async function heard(socket: Socket, end: string): Promise<string> {
  let text = '';
  while (!text.endsWith(end)) {
    const piece = (socket.read() as Buffer | null)?.toString('latin1');
    if (piece !== undefined) text += piece;
    else if (socket.readableEnded || socket.destroyed) break;
    else await Promise.race([wait(5)]);
  }
  return text;
}

type Step = string | Buffer | number | typeof HOLD | typeof RESET | typeof LINE;
const HOLD: unique symbol = Symbol('say nothing more and stay');
const RESET: unique symbol = Symbol('reset the connection');
const LINE: unique symbol = Symbol('wait for a line');

/** Says these, waits so many milliseconds, and closes at the end. */
function says(...steps: readonly Step[]): Play {
  return async (socket) => {
    for (const step of steps) {
      if (typeof step === 'number') await wait(step);
      else if (step === HOLD) return;
      else if (step === RESET) return void below(socket).resetAndDestroy();
      else if (step === LINE) await heard(socket, '\n');
      else if (!socket.destroyed) socket.write(step as string);
    }
    socket.end();
  };
}

/** What carries TLS. */
const below = (socket: Socket & { readonly _parent?: Socket }): Socket => socket._parent ?? socket;

/** Answers a request of HTTP so. */
const answers =
  (...steps: readonly Step[]): Play =>
  async (socket) => {
    await heard(socket, '\r\n\r\n');
    await says(...steps)(socket);
  };

/** Sends it again and again, as fast as it is taken. */
const floods =
  (first: string, piece: Buffer): Play =>
  async (socket) => {
    await heard(socket, '\r\n\r\n');
    socket.write(first);
    while (!socket.destroyed)
      if (socket.write(piece)) await wait(0);
      else await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), wait(50)]);
  };

const byBytes = (text: string, pause: number): Step[] => [...text].flatMap((char) => [char, pause]);
const OK = 'HTTP/1.0 200 OK\r\n';
const BODY = 'hello world\n';
const md5 = (text: string): string => `digest ${createHash('md5').update(text).digest('hex')}`;
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';
const header = (size: number): string => {
  const empty = `${OK}X: \r\n\r\n`;
  return `${OK}X: ${'a'.repeat(size - empty.length)}\r\n\r\n`;
};
const usual = answers(`${OK}\r\n${BODY}`);
const apart = (...pieces: Step[]): Play =>
  answers(`${OK}\r\n`, ...pieces.flatMap((piece): Step[] => [150, piece]));

const get = (name: string, play: Play, theirs: Row['theirs'], more: Partial<Row> = {}): Row => ({
  name,
  kind: 'HTTP_GET',
  play,
  theirs,
  ...more,
});
const status = (line: string, theirs: Row['theirs'], ...url: string[]): Row =>
  get(
    `status line ${JSON.stringify(line)} ${url.join()}`,
    answers(`${line}\r\n\r\n${BODY}`),
    theirs,
    {
      url,
      ...(theirs === 'down' ? { reason: 'HTTP status code error' } : {}),
    },
  );
const NONE = { reason: 'Read, no data received' };

const http: readonly Row[] = [
  get('an ordinary page', usual, 'up'),
  get('version 1.1', usual, 'up', { lines: ['http_protocol 1.1'] }),
  get('version 1.0C', usual, 'up', { lines: ['http_protocol 1.0C', 'virtualhost b.example'] }),
  get('version 1.1 and a name', usual, 'up', {
    lines: ['http_protocol 1.1'],
    url: ['virtualhost a.example'],
  }),
  status('HTTP/1.0 299 x', 'up'),
  status('HTTP/1.0 300 x', 'down'),
  status('HTTP/1.0 404 x', 'down'),
  status('HTTP/1.0 404 x', 'up', 'status_code 300-399 404'),
  status('HTTP/1.0 302 Found\r\nLocation: /', 'down'),
  status('HTTP/1.1 100 Continue', 'down'),
  status('HTTP/1.0 200', 'down'),
  status('HTTP/1.0 200x', 'down'),
  status('HTTP/1.0 2000 x', 'down'),
  status('HTTP/1.0 20 x', 'down'),
  status('HTTP/1.0  200 x', 'down'),
  status('HTTP/1.0\t200 x', 'down'),
  status('HTTP/1.0 -200 x', 'down'),
  status('HTTP/1.0 0200 x', 'down'),
  status('XTTP/9.9 200 x', 'up'),
  status('HTTP/1.0', 'down'),
  status('\0\x01garbage', 'down'),
  get('no header', answers('hello'), 'down', NONE),
  get('a header that does not end', answers(`${OK}X: y\r\n`), 'down', NONE),
  get('lines that end with LF', answers(`HTTP/1.0 200 OK\n\n${BODY}`), 'down', NONE),
  get('a header and no body', answers(`${OK}\r\n`), 'up'),
  get('nothing', answers(), 'down', NONE),
  get('a header of 4095 bytes', answers(header(4095), BODY), 'up'),
  get('a header of 4096 bytes', answers(header(4096), BODY), 'down', NONE),
  get('a header without end', floods(OK, Buffer.from(`X: ${'y'.repeat(9_000)}\r\n`)), 'down', NONE),
  get('a line without end', floods(`${OK}X: `, Buffer.alloc(1 << 16, 'x')), 'down', NONE),
  get('no answer', answers(HOLD), 'down', { reason: 'Timeout WEB read' }),
  get('a body that stays open', answers(`${OK}Content-Length: 12\r\n\r\n${BODY}`, HOLD), 'down', {
    reason: 'Timeout HTTP read',
  }),
  get('a reset instead of an answer', answers(RESET), 'down', { reason: 'Read error' }),
  get('a reset in the body', answers(`${OK}\r\nhel`, 200, RESET), 'down', { reason: 'Read error' }),
  get('a reset right behind the body', answers(`${OK}\r\nhel`, RESET), 'down', {
    reason: 'Read error',
  }),
  get('a reset behind all of it', answers(`${OK}Content-Length: 3\r\n\r\nhel`, RESET), 'down', {
    reason: 'Read error',
  }),
  get('byte by byte', answers(...byBytes(`${OK}\r\nhello`, 60)), 'up', { url: [md5('hello')] }),
  get('a body without end', floods(`${OK}\r\n`, Buffer.alloc(1 << 16, 'x')), 'never', {
    ours: 'down',
    reason: 'more than',
  }),
  {
    name: 'nobody there',
    kind: 'HTTP_GET',
    theirs: 'down',
    reason: 'Connection failed',
  },
];

const digests: readonly Row[] = [
  get('the right digest', usual, 'up', { url: [md5(BODY)] }),
  get('the right digest in capitals', usual, 'up', {
    url: [md5(BODY).replace(/[a-f](?=\w*$)/g, (c) => c.toUpperCase())],
  }),
  get('another digest', usual, 'down', { url: [md5('')], reason: 'MD5 digest error' }),
  get(
    'a digest of what is within Content-Length',
    answers(`${OK}Content-Length: 5\r\n\r\n${BODY}`),
    'up',
    {
      url: [md5('hello')],
    },
  ),
  get(
    'a digest of more than Content-Length',
    answers(`${OK}Content-Length: 5\r\n\r\n${BODY}`),
    'down',
    {
      url: [md5(BODY)],
    },
  ),
  get(
    'a digest of less than Content-Length',
    answers(`${OK}Content-Length: 50\r\n\r\n${BODY}`),
    'up',
    {
      url: [md5(BODY)],
    },
  ),
  get(
    'a digest with a length in small letters',
    answers(`${OK}content-length: 5\r\n\r\n${BODY}`),
    'up',
    {
      url: [md5(BODY)],
    },
  ),
  get(
    'a digest with a length that is none',
    answers(`${OK}Content-Length: abc\r\n\r\n${BODY}`),
    'up',
    {
      url: [md5(BODY)],
    },
  ),
  get('a digest with no length', answers(`${OK}Content-Length: 0\r\n\r\n${BODY}`), 'up', {
    url: [md5('')],
  }),
  get(
    'a digest of chunks as they stand',
    answers(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`),
    'up',
    {
      url: [md5(CHUNKS)],
    },
  ),
  get(
    'a digest of what came in pieces',
    answers(OK, 150, 'A: b\r\n\r', 150, '\nhel', 150, 'lo'),
    'up',
    {
      url: [md5('hello')],
    },
  ),
  get('a digest and a wrong status', answers(`HTTP/1.0 404 x\r\n\r\n${BODY}`), 'down', {
    url: [md5(BODY)],
    reason: 'HTTP status code error',
  }),
];

/** The body apart from the header: keepalived also searches a header that came with it. */
const regexes: readonly Row[] = [
  ...(
    [
      [String.raw`"\"status\": \"ok\""`, 'up'],
      [`'"status": "ok"'`, 'up'],
      [String.raw`\"ok\"`, 'up'],
      [`'she said'`, 'up'],
      [String.raw`"said\\s"`, 'up'],
      [String.raw`said\\s.status`, 'up'],
      [String.raw`"\\bshe\\b"`, 'up'],
      [String.raw`"said\s"`, 'down'],
      [String.raw`"\bshe\b"`, 'down'],
      [String.raw`s\150e\040said`, 'up'],
      // Hexadecimal digits are taken as long as there are any.
      [String.raw`"s\x68e said"`, 'down'],
      [`s'he 's"aid"`, 'up'],
    ] as const
  ).map(([regex, verdict]) =>
    get(
      `a pattern in quotes and with escapes: ${regex}`,
      apart('she said "status": "ok" now'),
      verdict,
      {
        url: [`regex ${regex}`],
      },
    ),
  ),
  get('a pattern that is there', apart(BODY), 'up', { url: ['regex "lo w"'] }),
  get('a pattern that is not there', apart(BODY), 'down', {
    url: ['regex nope'],
    reason: 'Regex match failed',
  }),
  get('a pattern that must not be there', apart(BODY), 'up', {
    url: ['regex nope', 'regex_no_match'],
  }),
  get('a pattern that must not be there and is', apart(BODY), 'down', {
    url: ['regex world', 'regex_no_match'],
  }),
  get('a pattern at the beginning', apart(BODY), 'timing', { ours: 'up', url: ['regex ^hello'] }),
  get('a pattern of the header', apart(BODY), 'timing', { ours: 'down', url: ['regex HTTP'] }),
  get('a pattern in several pieces', apart('hel', 'lo wor', 'ld'), 'up', {
    url: ['regex "hello world"'],
  }),
  get('a pattern far behind', apart('a'.repeat(6_000), 'b'.repeat(6_000), 'needle'), 'up', {
    url: ['regex needle'],
  }),
  get('a pattern without regard to case', apart(BODY), 'up', {
    url: ['regex WORLD', 'regex_options caseless'],
  }),
  get('a pattern from an offset on', apart(BODY), 'timing', {
    ours: 'down',
    url: ['regex hello', 'regex_min_offset 1'],
  }),
  get('a pattern up to an offset', apart(BODY), 'timing', {
    ours: 'up',
    url: ['regex world', 'regex_max_offset 6'],
  }),
  get('a pattern beyond an offset', apart(BODY), 'timing', {
    ours: 'down',
    url: ['regex world', 'regex_max_offset 5'],
  }),
  get('a pattern and a wrong digest', apart(BODY), 'down', {
    url: ['regex world', md5('')],
    reason: 'MD5 digest error',
  }),
  get('a pattern in nothing', answers(`${OK}\r\n`), 'down', { url: ['regex world'] }),
  get('a pattern that goes astray', apart(`${'a'.repeat(40)}!`), 'down', {
    url: ['regex "^(a+)+$"'],
    reason: 'Regex match failed',
  }),
  get('a pattern at the very end', apart('hello'), 'down', { url: ['regex hello$'], ours: 'up' }),
  get('a pattern over pieces with a star', apart('hel', 'lo wor', 'ld'), 'timing', {
    url: ['regex h.*d'],
    ours: 'up',
  }),
  get('a pattern of the header that comes with the body', usual, 'up', {
    url: ['regex HTTP'],
    ours: 'down',
  }),
];

const mail = (
  name: string,
  theirs: Row['theirs'],
  reason: string | undefined,
  ...steps: Step[]
): Row => ({
  name: `mail: ${name}`,
  kind: 'SMTP_CHECK',
  play: says(...steps),
  lines: ['helo_name me.example'],
  theirs,
  ...(reason === undefined ? {} : { reason }),
});
const GREETING = 'Bad greeting banner';
const REST: readonly Step[] = [LINE, '250 ok\r\n', LINE, '221 bye\r\n'];
const smtp: readonly Row[] = [
  mail('an ordinary one', 'up', undefined, '220 hi\r\n', ...REST),
  mail('lines that end with LF', 'up', undefined, '220 hi\n', LINE, '250 ok\n', LINE, '221 bye\n'),
  mail(
    'in pieces',
    'up',
    undefined,
    '22',
    60,
    '0 hi\r',
    60,
    '\n',
    LINE,
    '2',
    60,
    '50 ok\r\n',
    LINE,
    '221\r\n',
  ),
  mail('a greeting of several lines', 'down', GREETING, '220-hi\r\n220 ho\r\n', ...REST),
  mail(
    'an answer of several lines',
    'down',
    'Bad HELO response',
    '220 hi\r\n',
    LINE,
    '250-a\r\n250 ok\r\n',
  ),
  mail('a refusal', 'down', GREETING, '554 no\r\n', LINE),
  mail('a code without a blank', 'down', GREETING, '220\r\n', ...REST),
  mail('a code and no more', 'up', undefined, '220 \r\n', LINE, '250 \r\n', LINE, '\n'),
  mail('HELO refused', 'down', 'Bad HELO response', '220 hi\r\n', LINE, '500 no\r\n', LINE),
  mail(
    'another good answer to HELO',
    'down',
    'Bad HELO response',
    '220 hi\r\n',
    LINE,
    '251 x\r\n',
    LINE,
  ),
  mail('QUIT refused', 'up', undefined, '220 hi\r\n', LINE, '250 ok\r\n', LINE, '500 no\r\n'),
  mail('QUIT not answered', 'down', 'Read failure', '220 hi\r\n', LINE, '250 ok\r\n', LINE),
  mail('QUIT and silence', 'down', 'Read timeout', '220 hi\r\n', LINE, '250 ok\r\n', LINE, HOLD),
  mail('no greeting', 'down', 'Read timeout', HOLD),
  mail('nothing', 'down', 'Read failure'),
  mail('a greeting without end of line', 'down', 'Read timeout', '220 hi', HOLD),
  mail('a line of 511 bytes', 'up', undefined, `220 ${'x'.repeat(505)}\r\n`, ...REST),
  mail('a line of 512 bytes', 'down', GREETING, `220 ${'x'.repeat(506)}\r\n`, ...REST),
  {
    ...mail('a line without end', 'down', GREETING, `220 ${'x'.repeat(100_000)}`, HOLD),
    log: 'Buffer overflow',
  },
  mail('the next answer too early', 'down', 'Read timeout', '220 hi\r\n250 early\r\n', LINE, HOLD),
  mail('a reset', 'down', undefined, RESET),
  { name: 'mail: nobody there', kind: 'SMTP_CHECK', theirs: 'down', reason: 'Could not connect' },
];

const tls = (name: string, play: Play, theirs: Row['theirs'], more: Partial<Row> = {}): Row => ({
  name: `TLS: ${name}`,
  kind: 'SSL_GET',
  play,
  certificate: 'good',
  theirs,
  ...more,
});
/** Without TLS on the other side. */
const bare = (name: string, play: Play, reason: string): Row => ({
  name: `TLS: ${name}`,
  kind: 'SSL_GET',
  play,
  theirs: 'down',
  reason,
});
const SHAKE = 'SSL handshake/communication error connecting';
const secure: readonly Row[] = [
  tls('an ordinary page', usual, 'up', { url: [md5(BODY)] }),
  tls('a certificate that has expired', usual, 'up', { certificate: 'expired' }),
  tls('a name', usual, 'up', { lines: ['enable_sni', 'virtualhost sni.example'] }),
  tls('a wrong status', answers('HTTP/1.0 404 x\r\n\r\n'), 'down', {
    reason: 'HTTP status code error',
  }),
  tls('a reset in the body', answers(`${OK}Content-Length: 9\r\n\r\nhel`, 200, RESET), 'up'),
  tls('a reset instead of an answer', answers(RESET), 'down', { reason: 'Read, no data received' }),
  tls('a reset in the header', answers(OK, 200, RESET), 'down', {
    reason: 'Read, no data received',
  }),
  tls('no answer', answers(HOLD), 'down', { reason: 'Timeout SSL read' }),
  bare('garbage', async (socket) => void socket.write('garbage\r\n'.repeat(20)), SHAKE),
  bare('silence', says(HOLD), 'Timeout connecting'),
  bare(
    'closed at once',
    async (socket) => {
      await heard(socket, '');
      await wait(100);
      socket.end();
    },
    SHAKE,
  ),
];

const tcp: readonly Row[] = [
  { name: 'TCP: somebody there', kind: 'TCP_CHECK', play: says(), theirs: 'up' },
  { name: 'TCP: silent', kind: 'TCP_CHECK', play: says(HOLD), theirs: 'up' },
  {
    name: 'TCP: nobody there',
    kind: 'TCP_CHECK',
    theirs: 'down',
    reason: 'refused',
    log: 'TCP_CHECK on service',
  },
];

export const rows: readonly Row[] = [...http, ...digests, ...regexes, ...smtp, ...secure, ...tcp];
