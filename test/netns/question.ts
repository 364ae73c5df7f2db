// How checks ask, one row for each option that the server can see something of: what its end sees of both daemons, and where
// keepalived 2.2.7 does otherwise. Data for question.test.ts.

import type { Manner, Sight } from './listener.ts';

/** What is looked at in a row. An echo has an identifier for a port, and `hops` and `length`. */
export interface Seen extends Sight {
  readonly hops?: number;
  readonly length?: number;
}

export interface Row {
  readonly kind: string;
  readonly what: string;
  /** Lines of the checker, of its url, of the real server and of the virtual server. */
  readonly lines: readonly string[];
  readonly url?: readonly string[];
  readonly real?: readonly string[];
  readonly service?: readonly string[];
  readonly manner: Manner | 'echo';
  /** Of the real server, in the file; `PORT` in lines is where the listener of this row is. */
  readonly address: string;
  readonly elsewhere?: boolean;
  /** What both are seen to do, beside the usual. */
  readonly sees: Partial<Seen>;
  /** What keepalived does instead; docs/compatibility.md has the reason. */
  readonly theirs?: Partial<Seen>;
  /** keepalived 2.2.7 does not take it: it is newer, or see docs/compatibility.md. */
  readonly alone?: true;
  /** So many questions at least, where the service has one in an hour. */
  readonly times?: number;
}

const SERVER = '10.7.0.2';
const MANNERS: Readonly<Record<string, Manner>> = {
  TCP_CHECK: 'tcp',
  HTTP_GET: 'web',
  SSL_GET: 'tls',
  SMTP_CHECK: 'mail',
  UDP_CHECK: 'datagram',
  DNS_CHECK: 'names',
};

type More = Partial<Omit<Row, 'kind' | 'what' | 'lines' | 'sees'>>;

const row = (
  kind: string,
  what: string,
  lines: readonly string[],
  sees: Partial<Seen>,
  more: More = {},
): Row => ({
  kind,
  what,
  lines,
  manner: MANNERS[kind] ?? 'echo',
  address: SERVER,
  sees,
  ...more,
});

/** Where from and where to, of every kind that has a port. Each has a source port of its own: keepalived shares none. */
const places: readonly Row[] = Object.keys(MANNERS).flatMap((kind, at): Row[] => [
  row(kind, 'nothing said', [], { from: '10.7.0.1', to: SERVER }),
  row(kind, 'connect_ip', ['connect_ip 10.7.0.3'], { to: '10.7.0.3' }),
  row(kind, 'connect_port', ['connect_port PORT'], {}, { elsewhere: true }),
  row(kind, 'bindto', ['bindto 10.7.0.5'], { from: '10.7.0.5' }),
  row(
    kind,
    'bind_port alone',
    [`bind_port ${4100 + at}`],
    { fromPort: 4100 + at },
    { theirs: { from: '10.7.0.1' } },
  ),
  row(
    kind,
    'bindto and bind_if of a link-local address',
    ['bindto fe80::1', 'bind_if a'],
    { from: 'fe80::1', to: 'fe80::2' },
    { address: 'fe80::2', ...(kind === 'UDP_CHECK' ? { alone: true } : {}) },
  ),
  row(kind, 'bindto and bind_port', ['bindto 10.7.0.5', `bind_port ${4200 + at}`], {
    from: '10.7.0.5',
    fromPort: 4200 + at,
  }),
  row(
    kind,
    'bind_if',
    ['bind_if b'],
    { from: '10.6.0.1' },
    kind === 'UDP_CHECK' ? { theirs: { from: '10.7.0.1' } } : {},
  ),
  row(
    kind,
    'bind_if of a link-local address',
    ['bind_if a'],
    { from: 'fe80::1', to: 'fe80::2' },
    { address: 'fe80::2', ...(kind === 'UDP_CHECK' ? { alone: true } : {}) },
  ),
  row(kind, 'fwmark', ['fwmark 77'], { from: '10.7.0.7' }),
  row(
    kind,
    'bindto of IPv6',
    ['bindto fd00:7::5'],
    { from: 'fd00:7::5', to: 'fd00:7::2' },
    { address: 'fd00:7::2' },
  ),
]);

const request = (path: string, host: string, version = '1.0', close = ''): string =>
  `GET ${path} HTTP/${version}\r\nUser-Agent: KeepAliveClient\r\n${close}Host: ${host}\r\n\r\n`;
const CLOSE = 'Connection: close\r\n';

const pages: readonly Row[] = ['HTTP_GET', 'SSL_GET'].flatMap((kind): Row[] => {
  const page = (what: string, lines: string[], bytes: string, more: More = {}): Row =>
    row(kind, what, lines, { bytes }, more);
  return [
    page('path', [], request('/a?b=c', `${SERVER}:PORT`), { url: ['path /a?b=c'] }),
    page('an address of IPv6', [], request('/', '[fd00:7::2]:PORT'), { address: 'fd00:7::2' }),
    page('virtualhost of the page', ['virtualhost checker.example'], request('/', 'page.example'), {
      url: ['path /', 'virtualhost page.example'],
      real: ['virtualhost real.example'],
    }),
    page(
      'virtualhost of the checker',
      ['virtualhost checker.example'],
      request('/', 'checker.example'),
      {
        real: ['virtualhost real.example'],
      },
    ),
    page('virtualhost of the real server', [], request('/', 'real.example'), {
      real: ['virtualhost real.example'],
      service: ['virtualhost service.example'],
    }),
    page('virtualhost of the service', [], request('/', 'service.example'), {
      service: ['virtualhost service.example'],
    }),
    page('http_protocol 1.0', ['http_protocol 1.0', 'virtualhost x'], request('/', 'x')),
    page(
      'http_protocol 1.0C',
      ['http_protocol 1.0C', 'virtualhost x'],
      request('/', 'x', '1.0', CLOSE),
    ),
    page(
      'http_protocol 1.0c',
      ['http_protocol 1.0c', 'virtualhost x'],
      request('/', 'x', '1.0', CLOSE),
    ),
    page(
      'http_protocol 1.1',
      ['http_protocol 1.1', 'virtualhost x'],
      request('/', 'x', '1.1', CLOSE),
    ),
  ];
});

const names: readonly Row[] = [
  row('SSL_GET', 'no enable_sni', ['virtualhost x.example'], { name: '' }),
  row('SSL_GET', 'enable_sni', ['enable_sni', 'virtualhost x.example'], { name: 'x.example' }),
  row('SSL_GET', 'sni_name', ['sni_name y.example'], { name: 'y.example' }, { alone: true }),
  row('SSL_GET', 'the certificate of the block SSL', [], { client: 'good.example' }),
];

const mail = (name: string): string => `HELO ${name}\r\nQUIT\r\n`;
const mails: readonly Row[] = [
  row('SMTP_CHECK', 'no helo_name', [], { bytes: mail('smtpchecker.keepalived.org') }),
  row('SMTP_CHECK', 'helo_name', ['helo_name me.example'], { bytes: mail('me.example') }),
  row(
    'SMTP_CHECK',
    'a host',
    [
      'host {',
      'connect_ip 10.7.0.3',
      'connect_port PORT',
      'bindto 10.7.0.5',
      'connect_timeout 5',
      '}',
    ],
    { from: '10.7.0.5', to: '10.7.0.3' },
    { elsewhere: true },
  ),
];

/** Behind the two bytes that are drawn by lot. */
const asked = (labels: string, type: number): string =>
  `\x01\0\0\x01\0\0\0\0\0\0${labels}\0\0${String.fromCharCode(type)}\0\x01`;
const questions: readonly Row[] = [
  row('DNS_CHECK', 'no name, no type', [], { bytes: asked('', 6) }),
  row('DNS_CHECK', 'name', ['name www.example.org'], {
    bytes: asked('\x03www\x07example\x03org', 6),
  }),
  row(
    'DNS_CHECK',
    'name that begins with one letter',
    ['name a.example'],
    { bytes: asked('\x01a\x07example', 6) },
    { alone: true },
  ),
  row('DNS_CHECK', 'name with a dot', ['name ns.example.'], {
    bytes: asked('\x02ns\x07example', 6),
  }),
  ...Object.entries({
    A: 1,
    NS: 2,
    CNAME: 5,
    MX: 15,
    TXT: 16,
    AAAA: 28,
    RRSIG: 46,
    DNSKEY: 48,
  }).map(([type, number]) =>
    row('DNS_CHECK', `type ${type}`, [`type ${type}`], { bytes: asked('', number) }),
  ),
];

const datagrams: readonly Row[] = [
  row('UDP_CHECK', 'no payload', [], { bytes: 'keepalived check - keepalived ch' }),
  row('UDP_CHECK', 'payload', ['payload 00ff 4b41'], { bytes: '\0\xffKA' }),
];

/** keepalived leaves an echo to the kernel, whatever the file says of it. */
const EVEN: Partial<Seen> = { from: '10.7.0.1' };
const echoes: readonly Row[] = [
  row('PING_CHECK', 'nothing said', [], { from: '10.7.0.1', hops: 64, length: 136 }),
  row('PING_CHECK', 'bindto', ['bindto 10.7.0.5'], { from: '10.7.0.5' }, { theirs: EVEN }),
  row('PING_CHECK', 'bind_port', ['bind_port 4711'], { fromPort: 4711 }, { theirs: EVEN }),
  row('PING_CHECK', 'bind_if', ['bind_if b'], { from: '10.6.0.1' }, { theirs: EVEN }),
  row('PING_CHECK', 'fwmark', ['fwmark 77'], { from: '10.7.0.7' }, { theirs: EVEN }),
  row('PING_CHECK', 'connect_ip', ['connect_ip OTHER'], {}, { elsewhere: true }),
  row('PING_CHECK', 'IPv6', [], { hops: 64, length: 136 }, { address: 'fd00:7::' }),
];

const times: readonly Row[] = [
  row('TCP_CHECK', 'delay_loop', ['delay_loop 0.3'], {}, { times: 3 }),
  row('HTTP_GET', 'connect_timeout', ['connect_timeout 2'], {}, { manner: 'silent' }),
];

export const ROWS: readonly Row[] = [
  ...places,
  ...pages,
  ...names,
  ...mails,
  ...questions,
  ...datagrams,
  ...echoes,
  ...times,
];

/** Options of which a server sees nothing, or only in what is asked when; and the test that shows what they do. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  retry: 'unit/check-health.test.ts',
  nb_get_retry: 'unit/check-health.test.ts',
  delay_before_retry: 'unit/check-health.test.ts',
  delay_loop: 'unit/check-health.test.ts',
  warmup: 'unit/check-health.test.ts',
  alpha: 'unit/check-health.test.ts',
  fast_recovery: 'unit/check-health.test.ts',
  log_all_failures: 'unit/check-director.test.ts',
  connect_timeout: 'diff/checker.test.ts',
  url: 'unit/check-health.test.ts',
  // Of HTTP_GET it does nothing.
  enable_sni: 'native/secure.test.ts',
  sni_name: 'native/secure.test.ts',
  // An echo has no port.
  connect_port: 'fixtures/dumps/checkers.conf',
  digest: 'diff/checkers.ts',
  status_code: 'diff/checkers.ts',
  regex: 'diff/checkers.ts',
  regex_no_match: 'diff/checkers.ts',
  regex_options: 'diff/checkers.ts',
  regex_min_offset: 'diff/checkers.ts',
  regex_max_offset: 'diff/checkers.ts',
  // Nothing acts on it (docs/compatibility.md); the dump shows it.
  regex_stack: 'fixtures/dumps/checkers.conf',
  tls_compliant: 'native/secure.test.ts',
  require_reply: 'diff/probes.ts',
  min_reply_length: 'diff/probes.ts',
  max_reply_length: 'diff/probes.ts',
  misc_path: 'diff/probes.test.ts',
  misc_timeout: 'diff/probes.ts',
  misc_dynamic: 'diff/probes.ts',
  user: 'netns/service.test.ts',
};
