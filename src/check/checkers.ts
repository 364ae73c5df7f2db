// The rows of every checker of a real server. Defaults that come from the server around are decided in rules.ts.

import { commandAlone, formatWord, parseWord } from '../config/command.ts';
import { meant } from '../config/diagnostic.ts';
import { blocks, defaulted, type Notes, optional } from '../config/keyword.ts';
import { scriptUser } from '../config/process.ts';
import { byteLength } from '../config/text.ts';
import {
  decimalSeconds,
  exactInteger,
  flag,
  integer,
  interfaceName,
  ipAddress,
  leadingNumber,
  onOff,
  type Reading,
  type ValueType,
  wholeNumber,
  wholeSeconds,
  word,
} from '../config/value.ts';
import { mistake } from './value.ts';

/** keepalived counts in microseconds up to 64 bits. */
export const LONGEST = 18_446_744_073_709;
const fromServer = 'that of the real server';

const onOffOf = (keyword: string, doc: string, otherwise: string) =>
  optional(onOff, doc, { refusal: `Invalid ${keyword} parameter %w`, otherwise });

/** A number of tries. keepalived has the greatest one for none given. */
export const tries = (type: ValueType<number>): ValueType<number> => ({
  ...type,
  parse: (words, raw) => {
    const reading = type.parse(words, raw);
    return reading.value === 4294967295 ? { complaints: reading.complaints ?? [] } : reading;
  },
});

/** What every checker that waits and tries again has. */
export const retryRows = (otherwise: { readonly retry: string; readonly delay: string }) => ({
  retry: optional(tries(integer(0, 4294967295)), 'Tries left after the first one failed.', {
    refusal: "Invalid retry connection value '%w'",
    otherwise: `${fromServer}, else ${otherwise.retry}`,
    example: '3',
  }),
  delay_before_retry: optional(decimalSeconds(0, LONGEST), 'Wait before another try.', {
    refusal: "Invalid delay_before_retry connection value '%w'",
    otherwise: `${fromServer}, else ${otherwise.delay}`,
    example: '2',
  }),
  warmup: optional(decimalSeconds(0, LONGEST), 'Longest random wait before the first check.', {
    refusal: "Invalid warmup connection value '%w'",
    otherwise: `${fromServer}, else delay_loop`,
    example: '5',
  }),
  delay_loop: optional(decimalSeconds(0.000001, LONGEST), 'Time between two checks.', {
    refusal: "delay_loop '%w' is invalid - ignoring",
    otherwise: fromServer,
    example: '6',
  }),
  alpha: onOffOf('alpha', 'Take it for failed until it has succeeded.', fromServer),
  log_all_failures: onOffOf('log_all_failures', 'Log every failure.', 'checker_log_all_failures'),
});

export const RETRY_KEYWORDS = Object.keys(retryRows({ retry: '', delay: '' }));

const linkName: ValueType<string> = {
  ...interfaceName,
  parse: ([text = '']) =>
    byteLength(text) <= 15
      ? { value: text }
      : {
          complaints: [mistake('interface-name', `Interface name ${text} is too long - ignoring`)],
        },
};

/** Where a checker connects to, and from where. */
export const connectionRows = {
  connect_ip: optional(ipAddress, 'Address to check.', {
    refusal: 'Invalid connect_ip address %w - ignoring',
    otherwise: 'that of the real server',
    example: '192.0.2.10',
  }),
  connect_port: optional(integer(1, 65535), 'Port to check.', {
    refusal: "Invalid checker connect_port '%w'",
    otherwise: 'that of the real server',
    example: '8080',
  }),
  bindto: optional(ipAddress, 'Address to check from.', {
    refusal: 'Invalid bindto address %w - ignoring',
    otherwise: 'chosen by the kernel',
  }),
  bind_port: optional(integer(1, 65535), 'Port to check from.', {
    refusal: "Invalid checker bind_port '%w'",
    otherwise: 'chosen by the kernel',
    example: '10000',
  }),
  bind_if: optional(linkName, 'Interface to check through; link-local addresses need one.', {
    otherwise: 'chosen by the kernel',
    example: 'eth0',
  }),
  connect_timeout: optional(
    decimalSeconds(0.000001, 4294.967295),
    'How long a connection may take.',
    {
      refusal: 'connect_timeout %w invalid - ignoring',
      otherwise: fromServer,
      example: '3',
    },
  ),
  fwmark: defaulted(integer(0, 4294967295), 0, 'Mark of the packets of the check.', {
    refusal: "Invalid fwmark connection value '%w'",
  }),
};

const usual = { retry: '1', delay: '1 s' };

export const tcpRows = { ...connectionRows, ...retryRows(usual) };

/** The whole line after the keyword is said to be old. */
const oldRetry: ValueType<number> = tries({
  ...integer(0, 4294967295),
  parse: ([text = '']) => {
    const reading = leadingNumber(text, 0, 4294967295);
    const old = mistake('deprecated', "nb_get_retry is deprecated - please use 'retry'", {
      severity: 'warning',
      class: 'deprecated',
      word: -1,
    });
    return { ...reading, complaints: [old, ...(reading.complaints ?? [])] };
  },
});

const statusCodes: ValueType<readonly (readonly [number, number])[]> = {
  syntax: '<int> 100..599[-<int>] ...',
  minimum: 0,
  parse: (words) => {
    const value: (readonly [number, number])[] = [];
    const complaints = words.flatMap((text, index) => {
      const [, first, last] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text) ?? [];
      const low = Number(first);
      const high = Number(last ?? first);
      if (first !== undefined && low >= 100 && high <= 599 && low <= high) {
        value.push([low, high]);
        return [];
      }
      return [
        mistake('status-code', `Invalid HTTP_GET status code '${text}'`, {
          word: index,
          assumed: 'the other ones',
        }),
      ];
    });
    return { value, complaints };
  },
  format: (value) =>
    value.map(([low, high]) => (low === high ? String(low) : `${low}-${high}`)).join(' '),
  schema: {
    type: 'array',
    items: {
      type: 'array',
      items: { type: 'integer', minimum: 100, maximum: 599 },
      minItems: 2,
      maxItems: 2,
    },
  },
};

const byteOf = (pair: string): string =>
  (Number.parseInt(pair, 16) & 0xff).toString(16).padStart(2, '0');

const digest: ValueType<string> = {
  ...word(),
  syntax: '<32 hex digits>',
  parse: ([text = '']): Reading<string> => {
    if (text.length !== 32) {
      const why = `character length should be 32 rather than ${text.length}`;
      return { complaints: [mistake('digest-length', `digest '${text}' ${why}`)] };
    }
    // Two at a time, as the C library reads them: a sign may stand before one digit.
    const at = text.search(/(?<=^(?:..)*)(?!(?:[\da-f]{2}|[ +-][\da-f]))../i);
    if (at < 0) return { value: text.replace(/../g, byteOf) };
    const part = text.slice(0, at + 2);
    const why = `Unable to interpret hex digit in '${part}' at offset ${at}/${at + 1}`;
    return { complaints: [mistake('digest-digit', why)] };
  },
};

/** In the quotes and escapes of command strings: a backslash for PCRE is written as two. */
const pattern: ValueType<string> = {
  ...word(),
  syntax: '<pattern>',
  minimum: 0,
  ownQuotes: true,
  // keepalived 2.2.7 says it at its start, and nothing with -t.
  parse: (_, raw) =>
    parseWord(raw, {
      ...mistake('regex-words', 'regex missing or too many fields'),
      class: 'none',
    }),
  format: formatWord,
};

const options: ValueType<readonly string[]> = {
  syntax: '<option> ...',
  minimum: 0,
  parse: (words) => ({ value: words }),
  format: (value) => value.join(' '),
  schema: { type: 'array', items: { type: 'string' } },
};

/** keepalived 2.2.7 says nothing about a number that is none. */
const offset: ValueType<number> = {
  ...integer(0, 2147483647),
  minimum: 0,
  parse: ([text = '']) => {
    const { value } = wholeNumber(text, 0, 2147483647);
    return value === undefined || text === '' ? {} : { value };
  },
};

const stack: ValueType<readonly [number, number]> = {
  syntax: '<start> <most>',
  minimum: 0,
  parse: ([start = '', most = '']) => {
    const low = wholeNumber(start, 1, 2147483647).value;
    const high = wholeNumber(most, 1, 2147483647).value;
    return low === undefined || high === undefined || low > high ? {} : { value: [low, high] };
  },
  format: (value) => value.join(' '),
  schema: {
    type: 'array',
    items: { type: 'integer', minimum: 1 },
    minItems: 2,
    maxItems: 2,
  },
};

const REGEX_OPTIONS =
  'allow_empty_class alt_bsux auto_callout caseless dollar_endonly dotall dupnames extended firstline match_unset_backref multiline never_ucp never_utf no_auto_capture no_auto_possess no_dotstar_anchor no_start_optimize ucp ungreedy utf never_backslash_c alt_circumflex alt_verbnames use_offset_limit';

export const urlRows = {
  path: optional(word(), 'What to ask for.', { otherwise: 'none: it is required', example: '/' }),
  digest: optional(digest, 'MD5 of what must come back.', {
    again: "Digest '%w' is a duplicate",
    otherwise: 'none',
    example: '0123456789abcdef0123456789abcdef',
  }),
  status_code: optional(statusCodes, 'Which answers are good.', {
    otherwise: '200-299',
    example: '200-299 304',
  }),
  virtualhost: optional(word(), 'Name of the host asked for.', {
    bare: 'Missing HTTP_GET virtualhost name',
    otherwise: 'that of the checker',
    example: 'www.example.org',
  }),
  regex: optional(pattern, 'Pattern that must occur in the answer.', {
    otherwise: 'none',
    example: '"status: (ok|ready)"',
  }),
  regex_no_match: defaulted(flag, false, 'Fail where the pattern occurs.'),
  regex_options: optional(options, `How the pattern is read: ${REGEX_OPTIONS}.`, {
    otherwise: 'none',
    example: 'caseless',
  }),
  regex_min_offset: optional(offset, 'First byte of the answer that is searched.', {
    otherwise: '0',
    example: '10',
  }),
  regex_max_offset: optional(offset, 'Last byte at which the pattern may begin.', {
    otherwise: 'the last one',
    example: '1000',
  }),
  regex_stack: optional(stack, 'Size of the stack of the search in bytes, at first and at most.', {
    otherwise: 'left to PCRE',
    example: '32768 65536',
  }),
};

const compliant: Notes<boolean> = { since: '2.4.3' };

const getRows = {
  ...connectionRows,
  ...retryRows({ retry: '1', delay: '3 s' }),
  nb_get_retry: optional(oldRetry, 'Former name of retry.', { otherwise: 'retry', example: '3' }),
  virtualhost: optional(word(), 'Name of the host asked for.', {
    bare: 'HTTP_GET virtualhost name missing',
    otherwise: fromServer,
    example: 'www.example.org',
  }),
  http_protocol: defaulted(httpVersion(), '1.0', 'Version of HTTP; 1.0C adds a close header.', {
    bare: 'Missing http_protocol version',
  }),
  enable_sni: defaulted(onOff, false, 'Name the host when TLS begins.', {
    refusal: 'Invalid enable_sni parameter %w',
  }),
  sni_name: optional(
    { ...word(), syntax: '[<string>]', minimum: 0, parse: ([text = '']) => ({ value: text }) },
    'Name used when TLS begins; switches enable_sni on.',
    { since: '2.4.3', otherwise: 'virtualhost', example: 'www.example.org' },
  ),
  fast_recovery: defaulted(onOff, false, 'Try all pages at once when it recovers.', {
    refusal: 'Invalid fast_recovery parameter %w',
  }),
};

function httpVersion(): ValueType<'1.0' | '1.0C' | '1.0c' | '1.1'> {
  const versions = ['1.0', '1.0C', '1.0c', '1.1'] as const;
  return {
    syntax: versions.join('|'),
    minimum: 1,
    parse: ([text = '']) => {
      const value = versions.find((version) => version === text.replace('c', 'C'));
      const message = `Invalid http_protocol version ${text}`;
      return value === undefined ? { complaints: [mistake('http-version', message)] } : { value };
    },
    format: (value) => value,
    schema: { enum: versions },
  };
}

export const httpRows = {
  ...getRows,
  url: blocks(urlRows, 'A page to fetch.', { example: { lines: ['path /', 'status_code 200'] } }),
};
export const sslRows = {
  ...getRows,
  tls_compliant: defaulted(onOff, false, 'Say goodbye at the end of TLS.', {
    ...compliant,
    example: 'on',
  }),
  url: blocks(
    {
      ...urlRows,
      tls_compliant: optional(onOff, 'Say goodbye at the end of TLS.', {
        ...compliant,
        otherwise: 'that of the checker',
        example: 'on',
      }),
    },
    'A page to fetch.',
    { example: { lines: ['path /', 'status_code 200'] } },
  ),
};

export const smtpRows = {
  ...tcpRows,
  helo_name: optional(word(), 'Name given in the greeting.', {
    bare: 'SMTP_CHECK helo name missing',
    otherwise: 'smtpchecker.keepalived.org',
    example: 'lb1.example.org',
  }),
  host: blocks(tcpRows, 'Former way to check another address too; write another SMTP_CHECK.', {
    example: { lines: ['connect_ip 192.0.2.10', 'connect_timeout 3'] },
  }),
};

const RECORDS = ['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'] as const;

const record: ValueType<(typeof RECORDS)[number]> = {
  syntax: RECORDS.join('|'),
  minimum: 1,
  parse: ([text = '']) => {
    const value = RECORDS.find((name) => name === text.toUpperCase());
    const message = `Unknown DNS check type ${text} - ignoring`;
    return value === undefined
      ? { complaints: [mistake('dns-type', message, meant(text, RECORDS))] }
      : { value };
  },
  format: (value) => value,
  schema: { enum: [...RECORDS, ...RECORDS.map((name) => name.toLowerCase())] },
};

const domain: ValueType<string> = {
  ...word(),
  syntax: '<domain>',
  parse: ([text = '']) => {
    const empty = text !== '.' && text.replace(/\.$/, '').split('.').includes('');
    const message = `DNS_CHECK name '${text}' has empty label - ignoring`;
    return empty ? { complaints: [mistake('empty-label', message)] } : { value: text };
  },
};

export const dnsRows = {
  ...connectionRows,
  ...retryRows({ retry: '3', delay: 'delay_loop' }),
  type: defaulted(record, 'SOA', 'What is asked for.'),
  name: optional(domain, 'Name that is asked about.', {
    otherwise: 'the root',
    again: 'DNS_CHECK name already specified - ignoring',
    example: 'www.example.org',
  }),
};

export const pingRows = tcpRows;

/**
 * Digits in pairs, blanks between them at will: a digit that a blank leaves alone is a byte of its own. `x` stands for any
 * digit where allowed. The value has all its digits.
 */
const hexString = (what: string, any: boolean, minimum: number): ValueType<string> => ({
  syntax: minimum === 0 ? '[<hex>]' : '<hex>',
  minimum,
  parse: (words) => {
    const pairs = words
      .flatMap((text) => text.trim().split(/\s+/))
      .flatMap((text) => text.match(/..?/gs) ?? []);
    const value = pairs.map((pair) => pair.padStart(2, '0')).join('');
    const nothing = words.length > 0 && value === '';
    return !nothing && (any ? /^[0-9a-fA-FxX]*$/ : /^[0-9a-fA-F]*$/).test(value)
      ? { value }
      : { complaints: [mistake('hex', `Invalid hex string for UDP_CHECK ${what}`)] };
  },
  format: (value) => value,
  schema: { type: 'string', pattern: any ? '^[0-9a-fA-FxX]*$' : '^[0-9a-fA-F]*$' },
});

const replyLength = (which: string, doc: string, fallback: number) =>
  defaulted(exactInteger(0, 65535), fallback, doc, {
    refusal: `UDP_CHECK ${which} length %w not valid - must be between 0 & 65535`,
  });

export const udpRows = {
  ...connectionRows,
  ...retryRows(usual),
  payload: optional(hexString('payload', false, 1), 'What is sent.', {
    bare: 'UDP_CHECK payload requires a payload',
    otherwise: 'anything',
    example: '0123abcd',
  }),
  require_reply: optional(
    hexString('reply', true, 0),
    'An answer must come, and this one if given.',
    {
      otherwise: 'none is needed',
      example: '01xxab',
    },
  ),
  min_reply_length: replyLength('min', 'Length of the shortest good answer.', 0),
  max_reply_length: replyLength('max', 'Length of the longest good answer.', 255),
};

export const miscRows = {
  ...retryRows({ retry: '0', delay: '1 s' }),
  misc_path: optional(commandAlone, 'Command whose exit status tells.', {
    otherwise: 'none: it is required',
    example: '"/usr/local/bin/check 192.0.2.10"',
  }),
  misc_timeout: optional(wholeSeconds(0, 4294), 'How long the command may run.', {
    refusal: "Invalid misc_timeout value '%w'",
    otherwise: 'delay_loop',
    example: '5',
  }),
  misc_dynamic: defaulted(flag, false, 'An exit status from 2 to 255 less 2 is the weight.'),
  user: optional(scriptUser, 'User and group that it runs as.', {
    bare: 'No user specified for misc checker script',
    otherwise: 'script_user',
  }),
};

/** One word; how many there are is looked at in checks.ts, which can say where. */
const names: ValueType<readonly string[]> = {
  syntax: '<bfd_instance>',
  minimum: 0,
  parse: (words) => ({ value: words }),
  format: (value) => value.join(' '),
  schema: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 1 },
};

export const bfdRows = {
  name: optional(names, 'Session that must be up.', {
    otherwise: 'none: it is required',
    example: 'gateway',
  }),
  alpha: onOffOf('alpha', 'Take it for failed until the session is up.', fromServer),
};

export interface FileWeight {
  readonly weight: number;
  readonly reverse: boolean;
}

const fileWeight: ValueType<FileWeight> = {
  syntax: '<int> -2147483647..2147483647 [reverse|noreverse]',
  minimum: 1,
  parse: ([text = '', option]) => {
    const reading = leadingNumber(text, -2147483647, 2147483647);
    const { complaints = [] } = reading;
    if (reading.value === undefined) return { complaints };
    const value = { weight: reading.value, reverse: option === 'reverse' };
    if (option === undefined || option === 'reverse' || option === 'noreverse')
      return { value, complaints };
    const message = `unknown track file weight option ${option} - ignoring`;
    return { value, complaints: [mistake('unknown-option', message, { word: 1 })] };
  },
  format: ({ weight, reverse }) => `${weight}${reverse ? ' reverse' : ''}`,
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['weight', 'reverse'],
    properties: { weight: { type: 'integer' }, reverse: { type: 'boolean' } },
  },
};

export const fileRows = {
  track_file: optional(word(), 'File that tells.', {
    otherwise: 'none: it is required',
    example: 'maintenance',
  }),
  weight: optional(fileWeight, 'The number in the file is multiplied by this.', {
    bare: 'track file weight missing',
    refusal: 'weight for track file must be in [-2147483647..2147483647] inclusive. Ignoring...',
    otherwise: 'that of the track_file',
    example: '2',
  }),
};
