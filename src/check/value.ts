// Value types of virtual and real servers: what stands before the brace, forwarding methods, service addresses.

import { type Complaint, meant } from '../config/diagnostic.ts';
import {
  type JsonSchema,
  type Reading,
  readHost,
  readIp,
  splitOnce,
  type ValueType,
  wholeNumber,
} from '../config/value.ts';
import { family, type Ip, ipBytes } from '../lib/ip.ts';

export const mistake = (id: string, message: string, more: Partial<Complaint> = {}): Complaint => ({
  id,
  severity: 'error',
  class: 'general',
  message,
  word: 0,
  ...more,
});

const TEXT = { type: 'string' };
const PORT = { type: 'integer', minimum: 0, maximum: 65535 };
const MARK = { type: 'integer', minimum: 0, maximum: 4294967295 };
const object = (
  properties: Record<string, JsonSchema>,
  required: readonly string[],
): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});

/** What a virtual server is known by. */
export type Service =
  | { readonly address: Ip; readonly port: number }
  | { readonly fwmark: number }
  /** `use`: so many services before it use the group too; absent for none. */
  | { readonly group: string; readonly use?: number };

const port = (text: string | undefined): Reading<number> => {
  if (text === undefined || text === '0') return { value: 0 };
  return wholeNumber(text, 1, 65535);
};

const causeOf = (reading: Reading<unknown>): Partial<Complaint> => {
  const cause = reading.complaints?.[0];
  return cause === undefined ? {} : { cause: cause.message, class: cause.class, word: 1 };
};

export const service: ValueType<Service> = {
  syntax: '<ip> [<port>] | fwmark <int> 1..4294967295 | group <name>',
  minimum: 1,
  parse: readService,
  format: (value) => {
    if ('fwmark' in value) return `fwmark ${value.fwmark}`;
    return 'group' in value ? `group ${value.group}` : `${value.address} ${value.port}`;
  },
  schema: {
    anyOf: [
      object({ address: TEXT, port: PORT }, ['address', 'port']),
      object({ fwmark: MARK }, ['fwmark']),
      object({ group: TEXT }, ['group']),
    ],
  },
};

function readService(words: readonly string[]): Reading<Service> {
  const [first = '', second] = words;
  if (first === 'fwmark' || first === 'group') {
    // keepalived crashes here.
    if (second === undefined)
      return {
        complaints: [
          mistake('missing-value', `virtual server ${first} without a value - skipping`),
        ],
      };
    if (first === 'group') return { value: { group: second } };
    const mark = wholeNumber(second, 1, 4294967295);
    if (mark.value !== undefined) return { value: { fwmark: mark.value } };
    const message =
      wholeNumber(second, 0, 0).value === 0
        ? 'virtual server fwmark 0 is no mark: packets without one have it - skipping'
        : `virtual server fwmark '${second}' must be in [0, 4294967295] - ignoring`;
    return { complaints: [mistake('invalid-fwmark', message, causeOf(mark))] };
  }
  const address = readHost(first);
  const number = port(second);
  if (address !== undefined && number.value !== undefined)
    return { value: { address, port: number.value } };
  const text = second === undefined ? first : `${first}/${second}`;
  const message = `Invalid virtual server IP address${second === undefined ? '' : '/port'} ${text} - skipping`;
  return {
    complaints: [mistake('invalid-service', message, address === undefined ? {} : causeOf(number))],
  };
}

/** An address and a port; 0 where there is none. */
export interface Endpoint {
  readonly address: Ip;
  readonly port: number;
}

/** `says` is keepalived's sentence. */
export const endpoint = (
  says: (address: string, port: string | undefined) => string,
): ValueType<Endpoint> => ({
  syntax: '<ip> [<port>]',
  minimum: 1,
  parse: ([first = '', second]) => {
    const address = readHost(first);
    const number = port(second);
    return address !== undefined && number.value !== undefined
      ? { value: { address, port: number.value } }
      : {
          complaints: [
            mistake(
              'invalid-endpoint',
              says(first, second),
              address === undefined ? {} : causeOf(number),
            ),
          ],
        };
  },
  format: ({ address, port: number }) => (number === 0 ? address : `${address} ${number}`),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['address', 'port'],
    properties: {
      address: { type: 'string' },
      port: { type: 'integer', minimum: 0, maximum: 65535 },
    },
  },
});

/** How packets reach a real server. */
export interface Method {
  readonly kind: 'NAT' | 'DR' | 'TUN';
  readonly type?: 'ipip' | 'gue' | 'gre';
  readonly port?: number;
  readonly checksum?: 'nocsum' | 'csum' | 'remcsum';
  /** A tunnel whose options are mistaken: those that held before stay (walk.ts). */
  readonly mistaken?: true;
}

const KINDS = ['NAT', 'DR', 'TUN'] as const;
const TYPES = ['ipip', 'gue', 'gre'] as const;
const CHECKSUMS = ['nocsum', 'csum', 'remcsum'] as const;
const oneWord = <T extends string>(names: readonly T[], text: string | undefined): T | undefined =>
  names.find((name) => name === text);

export const method = (of: string): ValueType<Method> => ({
  syntax: 'NAT|DR|TUN [type ipip|gue|gre] [port <int> 1..65535] [nocsum|csum|remcsum]',
  minimum: 1,
  parse: (words) => readMethod(words, of),
  format: ({ kind, type, port: number, checksum }) =>
    [
      kind,
      ...(type === undefined ? [] : ['type', type]),
      ...(number === undefined ? [] : ['port', number]),
      ...(checksum === undefined ? [] : [checksum]),
    ].join(' '),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['kind'],
    properties: {
      kind: { enum: KINDS },
      type: { enum: TYPES },
      port: { type: 'integer', minimum: 1, maximum: 65535 },
      checksum: { enum: CHECKSUMS },
    },
  },
});

function readMethod(words: readonly string[], of: string): Reading<Method> {
  const kind = oneWord(KINDS, words[0]);
  if (kind === undefined) {
    const message = `PARSER : unknown [${words[0] ?? ''}] routing method for ${of}.`;
    return { complaints: [mistake('unknown-method', message, meant(words[0] ?? '', KINDS))] };
  }
  const value: { -readonly [K in keyof Method]: Method[K] } = { kind };
  const complaints: Complaint[] = [];
  const say = (word: number, id: string, message: string, cause?: Reading<unknown>): void => {
    complaints.push(mistake(id, message, { ...(cause === undefined ? {} : causeOf(cause)), word }));
  };
  for (let i = 1; i < words.length; i++) {
    const option = words[i] as string;
    const checksum = oneWord(CHECKSUMS, option);
    if (option === 'type') {
      const text = words[++i];
      const type = oneWord(TYPES, text);
      if (type !== undefined) value.type = type;
      else if (text === undefined) say(i - 1, 'missing-value', `Missing tunnel type for ${of}.`);
      else say(i, 'unknown-tunnel', `Unknown tunnel type ${text} for ${of}.`);
    } else if (option === 'port') {
      const text = words[++i] ?? '';
      const number = wholeNumber(text, 1, 65535);
      if (number.value !== undefined) value.port = number.value;
      else say(i, 'invalid-port', `Invalid gue tunnel port ${text} for ${of}.`, number);
    } else if (checksum !== undefined) value.checksum = checksum;
    else {
      say(i, 'unknown-option', `Invalid tunnel option ${option} for ${of}.`);
      break;
    }
  }
  if (complaints.length === 0) checkTunnel(value, say);
  // Options of a tunnel are judged behind NAT and DR too, and mean nothing there.
  if (kind !== 'TUN') return { value: { kind }, complaints };
  return complaints.length === 0 ? { value } : { value: { kind, mistaken: true }, complaints };
}

function checkTunnel(
  value: Method,
  say: (word: number, id: string, message: string) => void,
): void {
  if ((value.type === 'gue') !== (value.port !== undefined))
    say(0, 'tunnel-port', 'gue tunnels require port, otherwise cannot have port.');
  else if ((value.type ?? 'ipip') === 'ipip' && (value.checksum ?? 'nocsum') !== 'nocsum')
    say(0, 'tunnel-checksum', 'ipip tunnels do not support checksum option.');
  else if (value.type === 'gre' && value.checksum === 'remcsum')
    say(0, 'tunnel-checksum', 'gre tunnels do not support remote checksum option.');
}

/** A line of virtual_server_group. */
export type GroupEntry =
  | {
      readonly address: Ip;
      /** The last address of a range. */
      readonly last?: Ip;
      readonly prefix?: number;
      readonly port: number;
    }
  | { readonly fwmark: number; readonly family?: 'inet' | 'inet6' };

export const groupEntry: ValueType<GroupEntry> = {
  syntax: '<ip>[-<last>|/<prefix>] [<port>] | fwmark <int> [inet|inet6]',
  minimum: 1,
  parse: readGroupEntry,
  format: (value) => {
    if ('fwmark' in value)
      return `fwmark ${value.fwmark}${value.family === undefined ? '' : ` ${value.family}`}`;
    const end = value.last === undefined ? '' : `-${value.last}`;
    const mask = value.prefix === undefined ? '' : `/${value.prefix}`;
    return `${value.address}${end}${mask}${value.port === 0 ? '' : ` ${value.port}`}`;
  },
  schema: {
    anyOf: [
      object(
        {
          address: TEXT,
          last: TEXT,
          prefix: { type: 'integer', minimum: 1, maximum: 128 },
          port: PORT,
        },
        ['address', 'port'],
      ),
      object({ fwmark: MARK, family: { enum: ['inet', 'inet6'] } }, ['fwmark']),
    ],
  },
};

const refuse = (id: string, message: string, more: Partial<Complaint> = {}): Reading<never> => ({
  complaints: [mistake(id, message, more)],
});

function readGroupEntry(words: readonly string[]): Reading<GroupEntry> {
  const [first = '', second] = words;
  if (first === 'fwmark') return readMark(second, words[2]);
  const address = readHost(first);
  const number = port(second);
  if (address === undefined || number.value === undefined) {
    const message = `Invalid virtual server group IP address ${first}${second === undefined ? '' : ` /port/${second}`} - skipping`;
    return refuse('invalid-service', message, address === undefined ? {} : causeOf(number));
  }
  const base = { address, port: number.value };
  const [, mask] = splitOnce(first, '/');
  if (mask !== undefined) return readMask(first, base, mask);
  const [, end] = splitOnce(first, '-');
  return end === undefined ? { value: base } : readRange(first, base, end);
}

function readMark(text: string | undefined, of: string | undefined): Reading<GroupEntry> {
  if (text === undefined)
    return {
      complaints: [
        {
          id: 'missing-argument',
          severity: 'fatal',
          class: 'missing-argument',
          message:
            '*** Configuration line starting `fwmark` is missing a parameter after keyword `fwmark` at word position 2',
          status: 2,
          word: 0,
        },
      ],
    };
  const mark = wholeNumber(text, 0, 4294967295);
  if (mark.value === undefined) {
    const message = `(%n): fwmark '${text}' must be in [0, 4294967295] - ignoring`;
    return refuse('invalid-fwmark', message, causeOf(mark));
  }
  if (of === undefined) return { value: { fwmark: mark.value } };
  return of === 'inet' || of === 'inet6'
    ? { value: { fwmark: mark.value, family: of } }
    : refuse('unknown-family', `(%n): fwmark '${text}' family ${of} unknown - ignoring`, {
        word: 2,
      });
}

function readRange(
  first: string,
  base: { readonly address: Ip; readonly port: number },
  text: string,
): Reading<GroupEntry> {
  const six = family(base.address) === 6;
  if (!six && text.includes(':'))
    return refuse('range-end', `Invalid virtual server group IP address ${first}  - skipping`);
  const whole = text.includes(six ? ':' : '.');
  const digits = (six ? /^[0-9a-fA-F]*/ : /^\d*/).exec(text)?.[0] ?? '';
  const odd = whole ? '' : text.slice(digits.length);
  // As with numbers, a running keepalived counts the digits in front, and -t does not.
  const said =
    odd === ''
      ? []
      : [
          mistake(
            'range-end',
            `Virtual server group range '${first}' has extra characters at end '${odd}'`,
          ),
        ];
  const full = whole ? readIp(text) : lastOf(base.address, digits);
  if (full === 'too-large')
    return odd === ''
      ? refuse('range-end', `Virtual server group range '${first}' end '${text}' too large`)
      : { complaints: said };
  if (full === undefined) return refuse('range-end', `Invalid range end ${first} - skipping`);
  if (compare(full, base.address) <= 0)
    return odd === ''
      ? refuse(
          'range-end',
          `Address range end is not greater than address range start - ${first} - skipping`,
        )
      : { complaints: said };
  const assumed = `${base.address}-${full}`;
  return {
    value: { ...base, last: full },
    complaints: said.map((c) => ({ ...c, severity: 'warning', assumed })),
  };
}

/** The address with its last part replaced. */
function lastOf(address: Ip, text: string): Ip | 'too-large' | undefined {
  const six = family(address) === 6;
  const number = text === '' ? 0 : Number.parseInt(text, six ? 16 : 10);
  if (number > (six ? 0xffff : 255)) return 'too-large';
  const parts = ipBytes(address);
  if (!six) return readIp([...parts.slice(0, 3), number].join('.'));
  const words = Array.from({ length: 7 }, (_, i) =>
    (((parts[2 * i] as number) << 8) | (parts[2 * i + 1] as number)).toString(16),
  );
  return readIp([...words, number.toString(16)].join(':'));
}

function compare(a: Ip, b: Ip): number {
  const [left, right] = [ipBytes(a), ipBytes(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at < 0 ? 0 : (left[at] as number) - (right[at] as number);
}

function readMask(
  first: string,
  base: { readonly address: Ip; readonly port: number },
  text: string,
): Reading<GroupEntry> {
  const bytes = ipBytes(base.address);
  const prefix = wholeNumber(text, 1, bytes.length * 8).value;
  if (prefix === undefined)
    return refuse('invalid-prefix', `Invalid netmask - ${first} - skipping`);
  const empty = bytes.every((byte, index) => {
    const mask = 0xff >> Math.min(8, Math.max(0, prefix - 8 * index));
    return (byte & mask) === 0;
  });
  if (!empty) return refuse('host-bits', `Address mask bits not empty - ${first} - skipping`);
  return { value: { ...base, prefix } };
}
