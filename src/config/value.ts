// Value types: how the words after a keyword become a value, how a value is written back, and its JSON Schema.
// Knows no keyword. A type never throws: what it cannot accept comes back as complaints.

import { type Family, family, type Ip, isMulticast, parseIp } from '../lib/ip.ts';
import { type Duration, micros, millis, seconds, toSeconds } from '../lib/time.ts';
import { type Complaint, meant } from './diagnostic.ts';
import { byteLength, cutAtBytes } from './text.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What reading gave: without `value` the statement is ignored; complaints may accompany a value. */
export interface Reading<T> {
  readonly value?: T;
  readonly complaints?: readonly Complaint[];
}

export interface ValueType<T> {
  /** For the reference page: `<int> 1..255`. */
  readonly syntax: string;
  /** How many words must follow the keyword; fewer end keepalived with status 2. */
  readonly minimum: number;
  /** Has quoting of its own, so any text after the keyword counts as an argument. */
  readonly ownQuotes?: true;
  /** `raw` is the text after the keyword with its quotes, for types that have their own quoting. */
  readonly parse: (words: readonly string[], raw: string) => Reading<T>;
  /** Text after the keyword that parses to the same value. */
  readonly format: (value: T) => string;
  readonly schema: JsonSchema;
  /** What serves as an example for every keyword of this type. */
  readonly example?: string;
}

/** A command as resolved at start: no shell, absolute path where it was found. */
export interface Script {
  /** Path and arguments; the daemon appends its own. */
  readonly words: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** Its groups where set_supplementary_groups is on; absent: the one alone. */
  readonly groups?: readonly number[];
}

/** The reader of a FIFO. */
export interface FifoScript extends Script {
  /** The program as the file names it. */
  readonly written?: string;
}

/** A command as written. */
export interface ScriptText {
  readonly words: readonly string[];
  readonly user?: string;
  readonly group?: string;
}

/** One line of virtual_ipaddress, resolved. */
export interface AddressEntry {
  readonly address: Ip;
  readonly prefix: number;
  /** Absent: the interface of the instance. */
  readonly dev?: string;
  /** rtnetlink scope: 0 global, 200 site, 253 link, 254 host, 255 nowhere. */
  readonly scope: number;
  readonly label?: string;
  readonly broadcast?: Ip;
  readonly peer?: Ip;
  /** Preferred lifetime 0 (the default of IPv6 /128): never a source address. */
  readonly deprecated?: true;
  /** Seconds of preferred lifetime (IPv6), more than 0; absent: for ever unless deprecated. */
  readonly preferred?: number;
  readonly home?: true;
  /** `-nodad`: duplicate address detection is left to the kernel; otherwise it is switched off (IPv6). */
  readonly dad?: true;
  readonly mngtmpaddr?: true;
  readonly noprefixroute?: true;
  readonly autojoin?: true;
  /** Leave it gone when somebody deletes it. */
  readonly no_track?: true;
  /** On an interface of its own on top of `dev`. */
  readonly use_vmac?: true;
}

const bad = (id: string, message: string, more: Partial<Complaint> = {}): Reading<never> => ({
  complaints: [{ id, severity: 'error', class: 'number', message, word: 0, ...more }],
});

/** Reads as keepalived does: decimal only, blanks before it, an empty word is 0. */
export function wholeNumber(word: string, minimum: number, maximum: number): Reading<number> {
  const text = word.replace(/^[ \t\n\v\f\r]+/, '');
  if (text.startsWith('-') && minimum >= 0)
    return bad('negative-number', `negative number '${word}'`);
  if (!/^([+-]?\d+)?$/.test(text)) return bad('invalid-number', `invalid number '${word}'`);
  const value = Number(text) + 0;
  if (minimum >= 0 && value > 0xffffffff)
    return bad('number-out-of-range', `number '${word}' outside unsigned integer range`);
  if (minimum < 0 && (value > 0x7fffffff || value < -0x80000000))
    return bad('number-out-of-range', `number '${word}' outside integer range`);
  if (value < minimum || value > maximum)
    return bad('number-out-of-range', `number '${word}' outside range [${minimum}, ${maximum}]`);
  return { value };
}

/**
 * As a running keepalived reads most numbers: the digits in front count, and it warns. `-t` refuses such a word, with the
 * same sentence. Without digits it is `none`; absent: refused.
 */
export function leadingNumber(
  word: string,
  minimum: number,
  maximum: number,
  none?: number,
): Reading<number> {
  const reading = wholeNumber(word, minimum, maximum);
  const [complaint] = reading.complaints ?? [];
  if (complaint?.id !== 'invalid-number') return reading;
  const digits = /^\s*[+-]?\d+/.exec(word)?.[0];
  const value = digits === undefined ? none : wholeNumber(digits, minimum, maximum).value;
  if (value === undefined) return reading;
  return { value, complaints: [{ ...complaint, severity: 'warning', assumed: String(value) }] };
}

interface Unit {
  readonly micros: number;
  readonly decimals: number;
}
const SECONDS: Unit = { micros: 1_000_000, decimals: 6 };
const MILLISECONDS: Unit = { micros: 1000, decimals: 3 };

/** A number with a decimal point, in microseconds. More decimals than the unit has are rounded, with a complaint. */
function readDecimal(
  word: string,
  minimum: Duration,
  maximum: Duration,
  unit: Unit = SECONDS,
): Reading<Duration> {
  const text = word.replace(/^[ \t\n\v\f\r]+/, '');
  if (text.startsWith('-')) return bad('negative-number', `negative number '${word}'`);
  if (!/^(\+?\d+\.?\d*|\+?\.\d+|\.|)$/.test(text))
    return bad('invalid-number', `invalid number '${word}'`);
  const value = micros(text === '.' ? 0 : Math.round(Number(text) * unit.micros));
  const decimals = text.split('.')[1] ?? '';
  const rounded: Complaint[] =
    decimals.length <= unit.decimals
      ? []
      : [
          {
            id: 'too-many-decimals',
            severity: 'warning',
            class: 'number',
            message: `number '${word}' has too many decimal places`,
            assumed: formatDecimal(value, unit),
            word: 0,
          },
        ];
  if (value < minimum || value > maximum) {
    const shown = (limit: Duration): string => (limit / unit.micros).toFixed(unit.decimals);
    const range = `[${shown(minimum)}, ${shown(maximum)}]`;
    return bad('number-out-of-range', `number '${word}' outside range ${range}`);
  }
  return { value, complaints: rounded };
}

const formatDecimal = (value: Duration, unit: Unit = SECONDS): string =>
  (value / unit.micros).toFixed(unit.decimals).replace(/\.?0+$/, '');

const mapReading = <A, B>(reading: Reading<A>, map: (value: A) => B): Reading<B> => ({
  ...(reading.complaints === undefined ? {} : { complaints: reading.complaints }),
  ...(reading.value === undefined ? {} : { value: map(reading.value) }),
});

/** A whole number; ranges that include negative ones accept a sign. */
export const integer = (minimum: number, maximum: number): ValueType<number> => ({
  syntax: `<int> ${minimum}..${maximum}`,
  minimum: 1,
  parse: ([word = '']) => leadingNumber(word, minimum, maximum),
  format: String,
  schema: { type: 'integer', minimum, maximum },
});

/** The same, of which keepalived refuses a word that has more than digits also when it runs. */
export const exactInteger = (minimum: number, maximum: number): ValueType<number> => ({
  ...integer(minimum, maximum),
  parse: ([word = '']) => wholeNumber(word, minimum, maximum),
});

/** A count of whole seconds. */
export const wholeSeconds = (minimum: number, maximum: number): ValueType<Duration> => ({
  syntax: `<int> ${minimum}..${maximum} s`,
  minimum: 1,
  parse: ([word = '']) => mapReading(leadingNumber(word, minimum, maximum), seconds),
  format: (value) => String(toSeconds(value)),
  schema: { type: 'integer', minimum, maximum, description: 'seconds' },
});

/** Of which keepalived refuses a word that has more than digits. */
export const exactSeconds = (word: string, minimum: number, maximum: number): Reading<Duration> =>
  mapReading(wholeNumber(word, minimum, maximum), seconds);

/** A count of whole microseconds. */
export const wholeMicros = (minimum: number, maximum: number): ValueType<Duration> => ({
  syntax: `<int> ${minimum}..${maximum} µs`,
  minimum: 1,
  parse: ([word = '']) => mapReading(leadingNumber(word, minimum, maximum), micros),
  format: String,
  schema: { type: 'integer', minimum, maximum, description: 'microseconds' },
});

/** Seconds with up to six decimals. */
export const decimalSeconds = (minimum: number, maximum: number): ValueType<Duration> => ({
  syntax: `<decimal> ${minimum}..${maximum} s`,
  minimum: 1,
  parse: ([word = '']) => readDecimal(word, seconds(minimum), seconds(maximum)),
  format: (value) => formatDecimal(value),
  schema: { type: 'number', minimum, maximum, description: 'seconds' },
});

/** Milliseconds with up to three decimals. */
export const decimalMillis = (minimum: number, maximum: number): ValueType<Duration> => ({
  syntax: `<decimal> ${minimum}..${maximum} ms`,
  minimum: 1,
  parse: ([word = '']) => readDecimal(word, millis(minimum), millis(maximum), MILLISECONDS),
  format: (value) => formatDecimal(value, MILLISECONDS),
  schema: { type: 'number', minimum, maximum, description: 'milliseconds' },
});

/** The bare keyword; words after it are ignored, as keepalived does. */
export const flag: ValueType<boolean> = {
  syntax: '',
  minimum: 0,
  parse: () => ({ value: true }),
  format: () => '',
  schema: { type: 'boolean' },
};

/** on, true, yes, off, false, no in lower case; the bare keyword means on. */
export const onOff: ValueType<boolean> = {
  syntax: '[on|off|true|false|yes|no]',
  minimum: 0,
  parse: ([word]) => {
    if (word === undefined || ['on', 'true', 'yes'].includes(word)) return { value: true };
    if (['off', 'false', 'no'].includes(word)) return { value: false };
    return bad('invalid-boolean', `invalid boolean '${word}'`, { class: 'general' });
  },
  format: (value) => (value ? 'on' : 'off'),
  schema: { type: 'boolean' },
};

export const oneOf = <const T extends string>(...names: readonly T[]): ValueType<T> => ({
  syntax: names.join('|'),
  minimum: 1,
  parse: ([word = '']) => {
    const value = names.find((name) => name === word);
    if (value !== undefined) return { value };
    return bad('unknown-word', `'${word}' is not one of ${names.join(', ')}`, {
      class: 'general',
      ...meant(word, names),
    });
  },
  format: (value) => value,
  schema: { enum: names },
  example: names[0] as string,
});

/** One word of at most `longest` characters. */
export const word = (longest = 1023): ValueType<string> => ({
  syntax: '<string>',
  minimum: 1,
  parse: ([text = '']) => ({ value: text }),
  format: quote,
  schema: { type: 'string', ...(longest < 1023 ? { maxLength: longest } : {}) },
});

/** A word, or several, of a grammar that is read elsewhere: what the reference page says of it. */
export const written = (syntax: string): ValueType<string> => ({ ...word(), syntax });

/** Cut to `longest` bytes with a complaint; whoever uses it cuts a character that lies across. */
export const cutWord = (longest: number, says: (text: string) => string): ValueType<string> => ({
  ...word(longest),
  parse: ([text = '']) =>
    byteLength(text) <= longest
      ? { value: text }
      : {
          value: cutAtBytes(text, longest),
          complaints: [
            {
              id: 'too-long',
              severity: 'warning',
              class: 'general',
              message: says(text),
              assumed: cutAtBytes(text, longest),
              word: 0,
            },
          ],
        },
});

/** IFNAMSIZ leaves 15 characters. */
export const interfaceName: ValueType<string> = {
  ...word(15),
  syntax: '<interface>',
  example: 'eth0',
};

/** Like inet_pton: no leading zeros in IPv4 parts. */
export function readIp(text: string): Ip | undefined {
  return /(^|\.)0\d/.test(text) && !text.includes(':') ? undefined : parseIp(text);
}

/** At the first `at`; without it there is no second part. */
export const splitOnce = (text: string, at: string): [string, string | undefined] => {
  const index = text.indexOf(at);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
};

/** keepalived takes a prefix or a range here, and forgets it, but for a range behind a prefix. */
export const readHost = (text: string): Ip | undefined =>
  readIp(text.split(text.includes('-') ? '-' : '/', 1)[0] as string);

export const ipAddress: ValueType<Ip> = {
  syntax: '<ip>',
  minimum: 1,
  parse: ([text = '']) => {
    const value = readHost(text);
    return value === undefined
      ? bad('invalid-address', `'${text}' is not an address`, { class: 'general' })
      : { value };
  },
  format: (value) => value,
  schema: { type: 'string', description: 'IPv4 or IPv6 address' },
  example: '192.0.2.1',
};

/** Quotes where a word would not survive as it is. A double quote itself cannot be written. */
export function quote(text: string): string {
  return text === '' || /[\s#!{}]/.test(text) ? `"${text}"` : text;
}

/** A multicast address of one family. `refusal` words are the row's. */
export const multicast = (of: Family): ValueType<Ip> => ({
  syntax: `<ipv${of} multicast>`,
  minimum: 1,
  parse: ([text = '']) => {
    const value = readHost(text);
    if (value === undefined)
      return bad('invalid-address', `Can't parse %k [${text}]. Skipping`, { class: 'general' });
    if (family(value) !== of)
      return bad('wrong-family', `%k [${text}] is not IPv${of}. Skipping`, { class: 'general' });
    return isMulticast(value)
      ? { value }
      : bad('not-multicast', `%k [${text}] is not multicast. Skipping`, { class: 'general' });
  },
  format: (value) => value,
  schema: { type: 'string', description: `IPv${of} multicast address` },
});

/** How many messages; 0 becomes 1. `prefix` stands before keepalived's sentence. */
export const repeats = (prefix: string): ValueType<number> => ({
  ...integer(1, 4294967295),
  parse: ([text = '']) => {
    const reading = leadingNumber(text, 0, 4294967295);
    if (reading.value !== 0) return reading;
    const odd = reading.complaints ?? [];
    if (odd.length > 0) return { value: 1, complaints: odd.map((c) => ({ ...c, assumed: '1' })) };
    return {
      value: 1,
      complaints: [
        {
          id: 'zero-repeats',
          severity: 'warning',
          class: 'general',
          message: `${prefix}%k must be greater than 0, setting to 1`,
          assumed: '1',
          word: 0,
        },
      ],
    };
  },
});
