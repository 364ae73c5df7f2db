// Behaviours of servers and of commands, what UDP_CHECK, DNS_CHECK, PING_CHECK and MISC_CHECK make of each, and where we
// differ on purpose.

import type { DnsOptions, UdpOptions } from '../../src/check/options.ts';

export interface Behaviour {
  readonly name: string;
  /** What the server sends to each question, as hex: `ID` and `REST` are those of a DNS question, `OTHER` is another id. */
  readonly replies?: readonly string[];
  /** Nothing listens. */
  readonly closed?: true;
  readonly up: boolean;
  /** Why keepalived 2.2.7 says the opposite; see docs/compatibility.md. */
  readonly differs?: string;
  /** Lines of the check beyond `connection`. */
  readonly lines?: readonly string[];
  readonly udp?: Partial<UdpOptions>;
  readonly dns?: Partial<DnsOptions>;
  readonly ping?: true;
  /** What the shell runs for MISC_CHECK. */
  readonly command?: string;
  /** The first line of its file. */
  readonly head?: string;
  readonly misc_dynamic?: boolean;
  readonly weight?: number;
}

const ANSWER = 'ID81800001000000000000REST';
const bytes = (count: number): string => 'aa'.repeat(count);

const udp = (
  name: string,
  replies: readonly string[] | 'closed',
  up: boolean,
  options: Partial<UdpOptions> = {},
  lines: readonly string[] = [],
): Behaviour => ({
  name: `UDP: ${name}`,
  ...(replies === 'closed' ? { closed: true } : { replies }),
  up,
  udp: options,
  lines: [
    ...lines,
    ...(options.payload === undefined ? [] : [`payload ${options.payload}`]),
    ...(options.require_reply === undefined ? [] : [`require_reply ${options.require_reply}`]),
    `min_reply_length ${options.min_reply_length ?? 0}`,
    `max_reply_length ${options.max_reply_length ?? 255}`,
  ],
});

const dns = (
  name: string,
  replies: readonly string[] | 'closed',
  up: boolean,
  options: Partial<DnsOptions> = {},
  differs?: string,
): Behaviour => ({
  name: `DNS: ${name}`,
  ...(replies === 'closed' ? { closed: true } : { replies }),
  up,
  ...(differs === undefined ? {} : { differs }),
  dns: options,
  lines: Object.entries(options).map(([keyword, value]) => `${keyword} ${value}`),
});

const misc = (
  name: string,
  command: string,
  up: boolean,
  more: Pick<Behaviour, 'misc_dynamic' | 'weight' | 'differs' | 'head'> = {},
): Behaviour => ({
  name: `MISC: ${name}`,
  closed: true,
  command,
  up,
  ...more,
  lines: ['misc_timeout 1', ...(more.misc_dynamic === true ? ['misc_dynamic'] : [])],
});

const dynamic = { misc_dynamic: true };

const pattern = (require_reply: string) => ({ require_reply });

export const BEHAVIOURS: readonly Behaviour[] = [
  udp('silence', [], true),
  udp('nobody listens', 'closed', false),
  udp('an answer that is not required', ['00'], true),
  udp('2,000 bytes that are not required', [bytes(2000)], true),
  udp('silence where an answer is required', [], false, pattern('')),
  udp('any answer', ['0102'], true, pattern('')),
  udp('an empty one', [''], true, pattern('')),
  // Lengths are looked at with a pattern only.
  udp('too long, no pattern', [bytes(256)], true, pattern('')),
  udp('too short, no pattern', [bytes(3)], true, { ...pattern(''), min_reply_length: 4 }),
  udp('too short', [bytes(3)], false, { ...pattern('aa'), min_reply_length: 4 }),
  udp('just long enough', [bytes(4)], true, { ...pattern('aa'), min_reply_length: 4 }),
  udp('just short enough', [bytes(4)], true, { ...pattern('aa'), max_reply_length: 4 }),
  udp('too long', [bytes(5)], false, { ...pattern('aa'), max_reply_length: 4 }),
  udp('255 bytes', [bytes(255)], true, pattern('aa')),
  udp('256 bytes', [bytes(256)], false, pattern('aa')),
  udp('60,000 bytes', [bytes(60000)], true, { ...pattern('aa'), max_reply_length: 65535 }),
  udp('empty, at least one byte', [''], false, { ...pattern('aa'), min_reply_length: 1 }),
  udp('the pattern', ['0102'], true, pattern('0102')),
  udp('more than the pattern', ['010203'], true, pattern('0102')),
  udp('the beginning of the pattern', ['0102'], true, pattern('010203')),
  udp('nothing of the pattern', [''], true, pattern('010203')),
  udp('not the pattern', ['0103'], false, pattern('0102')),
  udp('not the pattern at first', ['0103', '0102'], false, pattern('0102')),
  udp('any digits', ['0f07'], true, pattern('0x0X')),
  udp('any digits, another differs', ['0f17'], false, pattern('0x0X')),
  udp('capitals in the pattern', ['ab'], true, pattern('AB')),
  dns('no error, no record', [ANSWER], true),
  dns('no error, one record said', ['ID81800001000100000000REST'], true),
  dns('the header alone', ['ID81800000000000000000'], true),
  dns('11 bytes', ['ID818000000000000000'], false, {}, 'less than a header is no answer'),
  dns('7 bytes', ['ID8180000000'], false),
  dns('nothing in it', [''], false),
  dns('the question itself', ['ID01000001000000000000REST'], false),
  dns('another id', ['OTHER81800001000000000000REST'], false),
  dns('another id, then the right one', ['OTHER81800001000000000000REST', ANSWER], true),
  dns('the question, then the answer', ['ID01000001000000000000REST', ANSWER], true),
  dns('half an id, then the answer', ['00', ANSWER], true),
  dns('another operation', ['IDa9800001000000000000REST'], true),
  dns('cut off', ['ID83800001000000000000REST'], true),
  dns('no question in it', ['ID81800000000100000000'], true),
  dns('two questions said', ['ID81800002000100000000REST'], true),
  dns('another question', ['ID81800001000100000000036162630000010001'], true),
  dns('a name that points at itself', ['ID81800001000100000000c00c00060001c00c00060001'], true),
  dns('5,000 bytes', [`${ANSWER}${'00'.repeat(5000)}`], true),
  dns('silence', [], false),
  dns('nobody listens', 'closed', false),
  ...Array.from({ length: 15 }, (_, at) =>
    dns(`reply code ${at + 1}`, [`ID818${(at + 1).toString(16)}0001000000000000REST`], false),
  ),
  ...(['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'] as const).map((type) =>
    dns(`type ${type}`, [ANSWER], true, { type, name: 'www.example.org.' }),
  ),
  { name: 'ping: it answers', up: true, ping: true },
  ...[0, 1, 2, 255].map((status) => misc(`status ${status}`, `exit ${status}`, status === 0)),
  misc('status 0, dynamic', 'exit 0', true, dynamic),
  misc('status 1, dynamic', 'exit 1', false, dynamic),
  misc('status 2, dynamic', 'exit 2', true, { ...dynamic, weight: 0 }),
  misc('status 255, dynamic', 'exit 255', true, { ...dynamic, weight: 253 }),
  misc('a signal', 'kill -9 $$', false),
  misc('a signal, dynamic', 'kill -9 $$', false, dynamic),
  misc('too long', 'exec sleep 60', false),
  // keepalived leaves it behind when it ends: it goes with its file.
  misc('too long, deaf', 'trap : TERM; while [ -e "$0" ]; do sleep 0.1; done', false),
  misc('too long, then status 0', 'trap "exit 0" TERM; while :; do sleep 0.1; done', false, {
    differs: 'its time is over',
  }),
  misc('no #!', 'exit 1', true, { head: '' }),
  misc('no such interpreter', 'exit 1', true, { head: '#!/nowhere' }),
  misc('no #!, dynamic', 'exit 1', true, { ...dynamic, head: '' }),
];
