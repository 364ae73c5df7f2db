// The rows of virtual_server, real_server, virtual_server_group and SSL. What they mean together is decided in rules.ts.

import { command } from '../config/command.ts';
import { meant } from '../config/diagnostic.ts';
import { blocks, defaulted, entries, headed, optional, section } from '../config/keyword.ts';
import {
  cutWord,
  decimalSeconds,
  exactInteger,
  flag,
  integer,
  onOff,
  type ValueType,
  wholeNumber,
  word,
} from '../config/value.ts';
import { seconds } from '../lib/time.ts';
import {
  bfdRows,
  dnsRows,
  fileRows,
  httpRows,
  LONGEST,
  miscRows,
  pingRows,
  smtpRows,
  sslRows,
  tcpRows,
  tries,
  udpRows,
} from './checkers.ts';
import { endpoint, groupEntry, method, mistake, service } from './value.ts';

/** Exactly one word, or keepalived's sentence. */
const label = (of: string): ValueType<string> => ({
  ...word(),
  parse: ([text = '', more]) =>
    more === undefined
      ? { value: text }
      : { complaints: [mistake('extra-words', `${of} snmp_name missing or extra parameters`)] },
});

const fromService = 'that of the virtual server';

/** What virtual servers and real servers have in common, with the words of each. */
const timing = (of: string, spelling: { readonly delay: string; readonly loop: string }) => ({
  retry: {
    type: tries(exactInteger(1, 4294967295)),
    notes: { refusal: 'retry value invalid - %w' },
  },
  delay_before_retry: {
    type: decimalSeconds(0, LONGEST),
    notes: { refusal: `${of} ${spelling.delay} '%w' invalid - ignoring` },
  },
  warmup: {
    type: decimalSeconds(0, LONGEST),
    notes: { refusal: `${of} warmup '%w' invalid - ignoring` },
  },
  connect_timeout: {
    type: decimalSeconds(0.000001, 4294.967295),
    notes: { refusal: `${of} connect_timeout %w invalid - ignoring` },
  },
  delay_loop: {
    type: decimalSeconds(0.000001, LONGEST),
    notes: { refusal: `${of} ${spelling.loop} '%w' invalid - ignoring` },
  },
});

const ofReal = timing('real server', { delay: 'delay_before_retry', loop: 'delay_loop' });
const ofVirtual = timing('virtual server', { delay: 'delay before retry', loop: 'delay loop' });
const ONCE = { again: '(%n) %k script already specified - ignoring %w' };

export const realServer = {
  weight: optional(integer(0, 2147483647), 'Weight in IPVS.', {
    refusal: 'Real server weight %w is outside range 0-2147483647',
    otherwise: fromService,
    example: '10',
  }),
  lvs_method: optional(method('real server'), 'How packets reach it.', {
    otherwise: fromService,
    example: 'NAT',
  }),
  uthreshold: defaulted(integer(0, 4294967295), 0, 'Most connections; 0 is no limit.', {
    refusal: "Invalid real_server uthreshold '%w' - ignoring",
    example: '1000',
  }),
  lthreshold: defaulted(
    integer(0, 4294967295),
    0,
    'Connections below which a full server is used again.',
    { refusal: "Invalid real_server lthreshold '%w' - ignoring", example: '800' },
  ),
  inhibit_on_failure: optional(onOff, 'Weight 0 in place of removal when it fails.', {
    refusal: 'Invalid inhibit_on_failure parameter %w',
    otherwise: fromService,
  }),
  notify_up: optional(command, 'Run when it comes up.', ONCE),
  notify_down: optional(command, 'Run when it goes down.', ONCE),
  alpha: optional(onOff, 'Take it for down until its checks have succeeded.', {
    refusal: 'Invalid alpha parameter %w',
    otherwise: fromService,
  }),
  retry: optional(ofReal.retry.type, 'Tries left to its checkers after the first one failed.', {
    ...ofReal.retry.notes,
    otherwise: fromService,
    example: '3',
  }),
  delay_before_retry: optional(ofReal.delay_before_retry.type, 'Wait before another try.', {
    ...ofReal.delay_before_retry.notes,
    otherwise: fromService,
    example: '2',
  }),
  warmup: optional(ofReal.warmup.type, 'Longest random wait before the first check.', {
    ...ofReal.warmup.notes,
    otherwise: fromService,
    example: '5',
  }),
  connect_timeout: optional(ofReal.connect_timeout.type, 'How long a connection may take.', {
    ...ofReal.connect_timeout.notes,
    otherwise: fromService,
    example: '3',
  }),
  delay_loop: optional(ofReal.delay_loop.type, 'Time between two checks.', {
    ...ofReal.delay_loop.notes,
    otherwise: fromService,
    example: '6',
  }),
  smtp_alert: optional(onOff, 'Mail when it goes up or down.', {
    refusal: 'Invalid real_server smtp_alert parameter %w',
    otherwise: 'smtp_alert_checker, then smtp_alert of global_defs, then on',
  }),
  virtualhost: optional(word(), 'Name of the host that HTTP checks ask for.', {
    bare: 'real server virtualhost missing',
    otherwise: fromService,
    example: 'www.example.org',
  }),
  snmp_name: optional(label('real server'), 'Name shown by SNMP.', {
    bare: 'real server snmp_name missing or extra parameters',
    otherwise: 'none',
    effect: 'later',
    example: 'web',
  }),
  MISC_CHECK: blocks(miscRows, 'Run a command.', {
    example: { lines: ['misc_path "/usr/local/bin/check 192.0.2.10"'] },
  }),
  SMTP_CHECK: blocks(smtpRows, 'Hold a short SMTP dialogue.', {
    example: { lines: ['connect_timeout 3', 'helo_name lb1.example.org'] },
  }),
  TCP_CHECK: blocks(tcpRows, 'Connect over TCP.', { example: { lines: ['connect_timeout 3'] } }),
  HTTP_GET: blocks(httpRows, 'Fetch pages over HTTP.', {
    example: { lines: ['connect_timeout 3'], blocks: ['url'] },
  }),
  SSL_GET: blocks(sslRows, 'Fetch pages over HTTPS.', {
    example: { lines: ['connect_timeout 3'], blocks: ['url'] },
  }),
  DNS_CHECK: blocks(dnsRows, 'Ask a name server.', {
    example: { lines: ['type A', 'name www.example.org'] },
  }),
  PING_CHECK: blocks(pingRows, 'Send ICMP echo requests.', {
    example: { lines: ['connect_timeout 3'] },
  }),
  UDP_CHECK: blocks(udpRows, 'Send a datagram.', {
    example: { lines: ['payload 0123abcd', 'require_reply'] },
  }),
  BFD_CHECK: blocks(bfdRows, 'Follow a BFD session.', {
    effect: 'later',
    example: { lines: ['name gateway'] },
  }),
  FILE_CHECK: blocks(fileRows, 'Take the weight from a file.', {
    example: { lines: ['track_file maintenance'] },
  }),
};

export const SCHEDULERS = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'sh',
  'mh',
  'dh',
  'fo',
  'ovf',
  'sed',
  'nq',
  'twos',
] as const;
export type Scheduler = (typeof SCHEDULERS)[number];

const scheduler: ValueType<Scheduler> = {
  syntax: SCHEDULERS.join('|'),
  minimum: 1,
  parse: ([text = '']) => {
    const value = SCHEDULERS.find((name) => name === text);
    if (value !== undefined) return { value };
    const message = `Invalid lvs_scheduler '${text}' - ignoring`;
    return { complaints: [mistake('unknown-scheduler', message, meant(text, SCHEDULERS))] };
  },
  format: (value) => value,
  schema: { enum: SCHEDULERS },
};

const protocol: ValueType<'TCP' | 'UDP' | 'SCTP'> = {
  syntax: 'TCP|UDP|SCTP',
  minimum: 1,
  parse: ([text = '']) => {
    const upper = text.toUpperCase();
    if (upper === 'TCP' || upper === 'UDP' || upper === 'SCTP') return { value: upper };
    const message = `Unknown protocol ${text} - ignoring`;
    return {
      complaints: [mistake('unknown-protocol', message, meant(text, ['TCP', 'UDP', 'SCTP']))],
    };
  },
  format: (value) => value,
  schema: { enum: ['TCP', 'UDP', 'SCTP', 'tcp', 'udp', 'sctp'] },
};

const ipFamily: ValueType<'inet' | 'inet6'> = {
  syntax: 'inet|inet6',
  minimum: 1,
  parse: ([text = '']) => {
    if (text === 'inet' || text === 'inet6') return { value: text };
    return { complaints: [mistake('unknown-family', `unknown address family ${text}`)] };
  },
  format: (value) => value,
  schema: { enum: ['inet', 'inet6'] },
};

/** The bare keyword means six minutes. */
const persistence: ValueType<number> = {
  ...integer(1, 2678400),
  syntax: '[<int> 1..2678400 s]',
  minimum: 0,
  parse: ([text = '360']) => wholeNumber(text, 1, 2678400),
};

/** A dotted mask for IPv4, a prefix length for IPv6; which one it is, and whether it is good, depends on the service. */
const granularity: ValueType<string> = { ...word(), syntax: '<netmask>|<prefix>' };

/** Read only where there is a sorry server, as keepalived does. */
const methodWords: ValueType<readonly string[]> = {
  syntax: method('').syntax,
  minimum: 0,
  parse: (words) => ({ value: words }),
  format: (value) => value.join(' '),
  schema: { type: 'array', items: { type: 'string' }, minItems: 1 },
};

const schedulerFlag = (doc: string) => defaulted(flag, false, doc);

export const virtualServer = {
  ip_family: optional(ipFamily, 'Family of a service known by a mark.', {
    otherwise: 'that of the addresses',
    example: 'inet',
  }),
  protocol: optional(protocol, 'Protocol above IP.', {
    otherwise: 'UDP, with a complaint',
    example: 'TCP',
  }),
  lvs_sched: optional(scheduler, 'How connections are shared out.', {
    otherwise: 'wlc, with a complaint',
    aliases: { lb_algo: {} },
    example: 'rr',
  }),
  lvs_method: optional(method('virtual server'), 'How packets reach the real servers.', {
    otherwise: 'NAT, with a complaint',
    aliases: { lb_kind: {} },
    example: 'NAT',
  }),
  hashed: schedulerFlag('Without effect, as in keepalived.'),
  ops: schedulerFlag('One packet is one connection; UDP or marks only.'),
  'flag-1': schedulerFlag('First flag of the scheduler.'),
  'flag-2': schedulerFlag('Second flag of the scheduler.'),
  'flag-3': schedulerFlag('Third flag of the scheduler.'),
  'sh-port': schedulerFlag('sh: the port counts too.'),
  'sh-fallback': schedulerFlag('sh: use another server when the chosen one is down.'),
  'mh-port': schedulerFlag('mh: the port counts too.'),
  'mh-fallback': schedulerFlag('mh: use another server when the chosen one is down.'),
  persistence_engine: optional(
    cutWord(15, (text) => `persistence_name too long, truncating - ${text}`),
    'What tells clients apart; sip is the only one there is.',
    { otherwise: 'none', example: 'sip' },
  ),
  persistence_timeout: optional(persistence, 'How long a client stays with its server.', {
    refusal: 'persistence_timeout invalid',
    otherwise: 'not at all; 360 for the bare keyword',
    example: '600',
  }),
  persistence_granularity: optional(granularity, 'Which clients are taken for one.', {
    otherwise: 'the whole address',
    example: '255.255.255.0',
  }),
  ha_suspend: defaulted(flag, false, 'No checks while the address of the service is elsewhere.'),
  alpha: defaulted(flag, false, 'Take all real servers for down until their checks succeed.'),
  omega: defaulted(flag, false, 'Run the scripts of going down when the daemon stops.'),
  inhibit_on_failure: defaulted(flag, false, 'Weight 0 in place of removal when one fails.'),
  retry: optional(ofVirtual.retry.type, 'Tries left to a checker after the first one failed.', {
    ...ofVirtual.retry.notes,
    otherwise: 'that of the checker',
    example: '3',
  }),
  delay_before_retry: optional(ofVirtual.delay_before_retry.type, 'Wait before another try.', {
    ...ofVirtual.delay_before_retry.notes,
    otherwise: 'that of the checker',
    example: '2',
  }),
  warmup: optional(ofVirtual.warmup.type, 'Longest random wait before the first check.', {
    ...ofVirtual.warmup.notes,
    otherwise: 'delay_loop',
    example: '5',
  }),
  connect_timeout: defaulted(
    ofVirtual.connect_timeout.type,
    seconds(5),
    'How long a connection may take.',
    { ...ofVirtual.connect_timeout.notes, example: '3' },
  ),
  delay_loop: defaulted(ofVirtual.delay_loop.type, seconds(60), 'Time between two checks.', {
    ...ofVirtual.delay_loop.notes,
    example: '6',
  }),
  smtp_alert: optional(onOff, 'Mail when the quorum is reached or lost.', {
    refusal: 'Invalid virtual_server smtp_alert parameter %w',
    otherwise: 'smtp_alert_checker, then smtp_alert of global_defs, then off',
  }),
  virtualhost: optional(word(), 'Name of the host that HTTP checks ask for.', {
    bare: 'virtual server virtualhost missing',
    otherwise: 'none',
    example: 'www.example.org',
  }),
  snmp_name: optional(label('virtual server'), 'Name shown by SNMP.', {
    bare: 'virtual server snmp_name missing or extra parameters',
    otherwise: 'none',
    effect: 'later',
    example: 'web',
  }),
  quorum: defaulted(integer(1, 4294967295), 1, 'Weight that must be alive.', {
    refusal: 'Quorum %w must be in [1, 4294967295]. Setting to 1.',
    salvage: 1,
    example: '2',
  }),
  hysteresis: defaulted(integer(0, 4294967295), 0, 'How far beyond the quorum counts.', {
    refusal: 'Hysteresis %w must be in [0, 4294967295] - ignoring',
    example: '1',
  }),
  quorum_up: optional(command, 'Run when the quorum is reached.', ONCE),
  quorum_down: optional(command, 'Run when the quorum is lost.', ONCE),
  weight: defaulted(integer(1, 2147483647), 1, 'Weight of real servers that have none.', {
    refusal: 'Virtual server weight %w is outside range 1-2147483647',
    example: '10',
  }),
  sorry_server: optional(
    endpoint((address) => `Invalid sorry server IP address ${address} - skipping`),
    'Server used when the quorum is lost.',
    { otherwise: 'none', example: '192.0.2.99 80' },
  ),
  sorry_server_inhibit: defaulted(flag, false, 'Weight 0 in place of removal of that server.'),
  sorry_server_lvs_method: optional(methodWords, 'How packets reach that server.', {
    otherwise: fromService,
    example: 'NAT',
  }),
  real_server: headed(
    endpoint(
      (address, port) =>
        `Invalid real server ip address/port ${address}${port === undefined ? '' : `/${port}`} - skipping`,
    ),
    realServer,
    'A server behind the service.',
    { example: { title: '192.0.2.10 80', lines: ['weight 10'], blocks: ['TCP_CHECK'] } },
  ),
};

const contextRows = {
  password: optional(word(), 'Password of the key.', {
    bare: 'SSL password missing',
    replaced: 'SSL password already specified - replacing',
    otherwise: 'none',
    example: 's3cr3t',
  }),
  ca: optional(word(), 'File with the certificates of authorities.', {
    bare: 'SSL cafile missing',
    replaced: 'SSL cafile already specified - replacing',
    otherwise: 'none',
    example: '/etc/keepalived/ca.pem',
  }),
  certificate: optional(word(), 'File with the certificate.', {
    bare: 'SSL certfile missing',
    replaced: 'SSL certfile already specified - replacing',
    otherwise: 'none',
    example: '/etc/keepalived/client.pem',
  }),
  key: optional(word(), 'File with the key.', {
    bare: 'SSL keyfile missing',
    replaced: 'SSL keyfile already specified - replacing',
    otherwise: 'none',
    example: '/etc/keepalived/client.key',
  }),
};

const groupGrammar = {
  fwmark: optional(integer(0, 4294967295), 'A mark in place of an address.', {
    example: 'fwmark 1',
  }),
};

export const checkKeywords = {
  SSL: section(contextRows, 'What SSL_GET shows to servers.', {
    example: {
      lines: ['certificate /etc/keepalived/client.pem', 'key /etc/keepalived/client.key'],
    },
  }),
  virtual_server_group: entries(groupEntry, 'Addresses, ranges and marks of one service.', {
    named: true,
    empty: 'virtual server group %n has no entries - removing',
    grammar: groupGrammar,
    example: '192.0.2.10-20 80',
  }),
  virtual_server: headed(service, virtualServer, 'A service and its real servers.', {
    example: {
      title: '192.0.2.100 80',
      lines: ['delay_loop 6', 'lvs_sched rr', 'lvs_method NAT', 'protocol TCP'],
      blocks: ['real_server'],
    },
  }),
};
