// Value types of global_defs: lines whose words belong together. They know no machine: whether a host, a user or a
// folder exists is decided in globals.ts.

import { type Ip, isMulticast } from '../../lib/ip.ts';
import type { Duration } from '../../lib/time.ts';
import type { Complaint } from '../diagnostic.ts';
import { byteLength } from '../text.ts';
import {
  exactSeconds,
  ipAddress,
  quote,
  type Reading,
  readHost,
  type ValueType,
  wholeNumber,
  wholeSeconds,
  word,
} from '../value.ts';

export const yesNo = (value: boolean): string => (value ? 'true' : 'false');
export const wholeSecondsShown = (value: Duration): string => String(value / 1_000_000);
export const sixDecimals = (value: Duration): string => (value / 1_000_000).toFixed(6);

export const mistaken = (
  id: string,
  message: string,
  more: Partial<Complaint> = {},
): Complaint => ({ id, severity: 'error', class: 'general', message, word: 0, ...more });

/** A path, or what stands for the bare keyword. */
export const optionalPath = (bare: string): ValueType<string> => ({
  ...word(),
  syntax: '[<path>]',
  minimum: 0,
  parse: ([text = bare]) => ({ value: text }),
});

/** Exactly one word; keepalived refuses more here. */
export const onlyWord: ValueType<string> = {
  ...word(),
  parse: ([text = '', more]) =>
    more === undefined
      ? { value: text }
      : { complaints: [mistaken('extra-words', 'one word and no more', { word: 1 })] },
};

/** Up to `most` words, or none. */
export const words = (syntax: string, most: number): ValueType<readonly string[]> => ({
  syntax,
  minimum: 0,
  parse: (given) => ({ value: given.slice(0, most) }),
  format: (value) => value.map(quote).join(' '),
  schema: { type: 'array', items: { type: 'string' }, maxItems: most },
});

export interface MailServer {
  /** An address, or a name to be looked up. */
  readonly host: string;
  readonly port: number;
}

export const mailServer: ValueType<MailServer> = {
  syntax: '<ip>|<host> [<port>]',
  minimum: 1,
  parse: ([host = '', text]) => {
    if (text === undefined) return { value: { host, port: 25 } };
    const port = wholeNumber(text, 1, 65535);
    if (port.value !== undefined) return { value: { host, port: port.value } };
    return { complaints: [invalidServer(host, text, port.complaints?.[0]?.message)] };
  },
  format: ({ host, port }) => (port === 25 ? host : `${host} ${port}`),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['host', 'port'],
    properties: { host: { type: 'string' }, port: { type: 'integer', minimum: 1, maximum: 65535 } },
  },
};

export const invalidServer = (host: string, port: string, cause?: string): Complaint =>
  mistaken('smtp-server', `Invalid smtp server ${host} ${port}`, {
    ...(cause === undefined ? {} : { cause, word: 1 }),
  });

/** A FIFO and who owns it. */
export interface FifoText {
  readonly path: string;
  readonly user?: string;
  readonly group?: string;
}

export const fifo: ValueType<FifoText> = {
  syntax: '<path> [<user> [<group>]]',
  minimum: 1,
  parse: ([path = '', user, group]) => ({
    value: {
      path,
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
    },
  }),
  format: ({ path, user, group }) =>
    [path, user, group].flatMap((text) => (text === undefined ? [] : [quote(text)])).join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: { type: 'string' },
      user: { type: 'string' },
      group: { type: 'string' },
    },
  },
  example: '/run/keepalived/events',
};

/** `[all] <int>`: how often addresses on other interfaces are announced again. */
export interface ExtraInterfaces {
  readonly all: boolean;
  readonly every: Duration;
}

/** `prefix` stands before keepalived's sentences. */
export const extraInterfaces = (minimum: number, prefix = ''): ValueType<ExtraInterfaces> => {
  const period = wholeSeconds(minimum, 86400);
  return {
    syntax: `[all] ${period.syntax}`,
    minimum: 1,
    parse: (given) => {
      // `all` may stand anywhere, and the last of several numbers counts.
      const numbers = given.flatMap((text, at) => (text === 'all' ? [] : [{ text, at }]));
      if (numbers.length === 0)
        return {
          complaints: [mistaken('missing-value', `${prefix}%k specified without time - ignoring`)],
        };
      let every: Duration | undefined;
      for (const { text, at } of numbers) {
        const reading = exactSeconds(text, minimum, 86400);
        every = reading.value;
        if (every !== undefined) continue;
        return {
          complaints: (reading.complaints ?? []).map((c) => ({
            ...c,
            message: `${prefix}%k '${text}' invalid - ignoring`,
            cause: c.message,
            word: at,
          })),
        };
      }
      return every === undefined ? {} : { value: { all: numbers.length < given.length, every } };
    },
    format: ({ all, every }) => `${all ? 'all ' : ''}${period.format(every)}`,
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['all', 'every'],
      properties: { all: { type: 'boolean' }, every: period.schema },
    },
  };
};

export interface Timeouts {
  readonly tcp?: Duration;
  readonly tcpfin?: Duration;
  readonly udp?: Duration;
}

const isTimeout = (text: string): text is keyof Timeouts =>
  text === 'tcp' || text === 'tcpfin' || text === 'udp';
const timeout = wholeSeconds(0, 2678400);

export const timeouts: ValueType<Timeouts> = {
  syntax: '[tcp <int> 0..2678400 s] [tcpfin <int> 0..2678400 s] [udp <int> 0..2678400 s]',
  minimum: 2,
  parse: (given) => {
    const value: { -readonly [K in keyof Timeouts]: Timeouts[K] } = {};
    const complaints: Complaint[] = [];
    for (let i = 0; i < given.length; i++) {
      const option = given[i] as string;
      if (!isTimeout(option)) {
        complaints.push(
          mistaken('unknown-option', `Unknown option ${option} specified for lvs_timeouts`, {
            word: i,
          }),
        );
        continue;
      }
      const text = given[++i];
      if (text === undefined) {
        const message = `No value specified for lvs_timeout ${option} - ignoring`;
        complaints.push(mistaken('option-without-value', message, { word: i - 1 }));
        continue;
      }
      const reading = exactSeconds(text, 0, 2678400);
      if (reading.value !== undefined) value[option] = reading.value;
      for (const c of reading.complaints ?? [])
        complaints.push({
          ...c,
          message: `Invalid lvs_timeout ${option} (${text}) - ignoring`,
          cause: c.message,
          word: i,
        });
    }
    return { value, complaints };
  },
  format: (value) =>
    (['tcp', 'tcpfin', 'udp'] as const)
      .flatMap((name) => (value[name] === undefined ? [] : [name, timeout.format(value[name])]))
      .join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    minProperties: 1,
    properties: { tcp: timeout.schema, tcpfin: timeout.schema, udp: timeout.schema },
  },
};

export interface SyncDaemon {
  readonly interface: string;
  readonly inst?: string;
  readonly id?: number;
  readonly maxlen?: number;
  readonly port?: number;
  readonly ttl?: number;
  readonly group?: Ip;
}

const LIMITS = { id: [0, 255], maxlen: [1, 65507], port: [1, 65535], ttl: [1, 255] } as const;
const isLimited = (text: string): text is keyof typeof LIMITS => Object.hasOwn(LIMITS, text);

export const syncDaemon: ValueType<SyncDaemon> = {
  syntax:
    '<interface> [[inst] <instance>] [id <int> 0..255] [maxlen <int> 1..65507] [port <int> 1..65535] [ttl <int> 1..255] [group <ip>]',
  minimum: 1,
  parse: readSyncDaemon,
  format: (value) =>
    [
      value.interface,
      ...(['inst', 'id', 'maxlen', 'port', 'ttl', 'group'] as const).flatMap((name) =>
        value[name] === undefined ? [] : [name, quote(String(value[name]))],
      ),
    ].join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['interface'],
    properties: {
      interface: { type: 'string', maxLength: 15 },
      inst: { type: 'string' },
      ...Object.fromEntries(
        Object.entries(LIMITS).map(([name, [minimum, maximum]]) => [
          name,
          { type: 'integer', minimum, maximum },
        ]),
      ),
      group: ipAddress.schema,
    },
  },
};

function readSyncDaemon(given: readonly string[]): Reading<SyncDaemon> {
  const [link = ''] = given;
  if (byteLength(link) > 15)
    return {
      complaints: [
        mistaken('interface-name', `lvs_sync_daemon interface name '${link}' too long - ignoring`),
      ],
    };
  const value: { -readonly [K in keyof SyncDaemon]: SyncDaemon[K] } = { interface: link };
  const complaints: Complaint[] = [];
  let i = 1;
  const second = given[1];
  if (second !== undefined && second !== 'inst' && second !== 'group' && !isLimited(second)) {
    value.inst = second;
    i = 2;
  }
  for (; i < given.length; i++) {
    const option = given[i] as string;
    // keepalived takes a word alone for the number of the daemon.
    const named = option === 'inst' || option === 'group' || isLimited(option);
    const text = named ? given[++i] : option;
    if (text === undefined) {
      complaints.push(withoutValue(option, i - 1));
      continue;
    }
    if (option === 'inst') value.inst = text;
    else if (option === 'group') readGroup(text, i, value, complaints);
    else {
      const name = isLimited(option) ? option : 'id';
      const reading = wholeNumber(text, LIMITS[name][0], LIMITS[name][1]);
      if (reading.value !== undefined) value[name] = reading.value;
      for (const c of reading.complaints ?? [])
        complaints.push({
          ...c,
          message:
            name === 'id'
              ? `Invalid syncid (${text}) - defaulting to vrid`
              : `Invalid lvs_sync_daemon ${name} (${text}) - ignoring`,
          cause: c.message,
          word: i,
        });
    }
  }
  return { value, complaints };
}

const withoutValue = (option: string, at: number): Complaint =>
  option === 'inst'
    ? {
        id: 'missing-argument',
        severity: 'fatal',
        class: 'missing-argument',
        message: `*** Configuration line starting \`lvs_sync_daemon\` is missing a parameter after keyword \`inst\` at word position ${at + 3}`,
        status: 2,
        word: at,
      }
    : mistaken(
        'option-without-value',
        `No value specified for lvs_sync_daemon ${option}, ${option === 'id' ? 'defaulting to vrid' : 'ignoring'}`,
        { word: at },
      );

function readGroup(text: string, at: number, value: { group?: Ip }, complaints: Complaint[]): void {
  const group = readHost(text);
  if (group !== undefined && isMulticast(group)) {
    value.group = group;
    return;
  }
  complaints.push(
    mistaken(
      'not-multicast',
      group === undefined
        ? `Invalid lvs_sync_daemon group (${text}) - ignoring`
        : `lvs_sync_daemon group address ${text} is not multicast - ignoring`,
      { word: at },
    ),
  );
}

/** How the size of receive buffers is found: from the MTU, from the adverts, or given in bytes. */
export type BufferPolicy = 'MTU' | 'ADVERT' | number;

export const strongerPolicy = (a: BufferPolicy, b: BufferPolicy): BufferPolicy => {
  if (typeof b === 'number') return b;
  return typeof a === 'number' || a === 'MTU' ? a : b;
};

/** keepalived's sentence where two of them cannot both hold. */
export function policyClash(a: BufferPolicy, b: BufferPolicy): string | undefined {
  if (a === b || (typeof a === 'number' && typeof b === 'number')) return undefined;
  return typeof a === 'number' || typeof b === 'number'
    ? 'Cannot set vrrp_rx_bufs_policy size and policy, ignoring policy'
    : 'Cannot set both vrrp_rx_bufs_policy MTU and ADVERT, ignoring ADVERT';
}

export const bufferPolicy: ValueType<BufferPolicy> = {
  syntax: 'MTU|ADVERT|<int> 0..4294967295',
  minimum: 1,
  parse: (given) => {
    let value: BufferPolicy | undefined;
    const complaints: Complaint[] = [];
    for (const [word, text] of given.entries()) {
      const upper = text.toUpperCase();
      // keepalived reads the first word, whichever it is about, and names the one it is about.
      const reading: Reading<BufferPolicy> =
        upper === 'MTU' || upper === 'ADVERT'
          ? { value: upper }
          : wholeNumber(given[0] ?? '', 0, 4294967295);
      for (const { message: cause, ...c } of reading.complaints ?? [])
        complaints.push({
          ...c,
          message: `Invalid vrrp_rx_bufs_policy ${text}`,
          cause,
          assumed: 'the word is ignored',
          word,
        });
      if (reading.value === undefined) continue;
      const clash = value === undefined ? undefined : policyClash(value, reading.value);
      if (clash !== undefined) complaints.push(mistaken('policy-twice', clash, { word }));
      value = strongerPolicy(value ?? reading.value, reading.value);
    }
    return { complaints, ...(value === undefined ? {} : { value }) };
  },
  format: String,
  schema: { anyOf: [{ enum: ['MTU', 'ADVERT'] }, { type: 'integer', minimum: 0 }] },
};
