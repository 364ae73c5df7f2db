// How lines of routes and rules are gone through, word by word, and what is said about a word that is wrong.
// It knows no option.

import type { Complaint } from '../config/diagnostic.ts';
import { type Reading, readIp, wholeNumber } from '../config/value.ts';
import { type Family, family, type Ip } from '../lib/ip.ts';

/** A number, or a name of one of iproute2's files. */
export type Name = number | string;

export interface Prefixed {
  readonly address: Ip;
  readonly prefix: number;
}

export interface Cursor {
  readonly words: readonly string[];
  /** Index of the word that is looked at. */
  at: number;
  readonly complaints: Complaint[];
  /** Nothing of the line is used. */
  dropped: boolean;
}

export const cursorOf = (words: readonly string[]): Cursor => ({
  words,
  at: 0,
  complaints: [],
  dropped: false,
});

type Mistake = Pick<Complaint, 'id' | 'message'> & Partial<Complaint>;

export function complain(cursor: Cursor, mistake: Mistake, word = cursor.at): void {
  cursor.complaints.push({ severity: 'error', class: 'general', word, ...mistake });
}

/** The whole line is given up. */
export function drop(cursor: Cursor, mistake: Mistake, word = cursor.at): void {
  cursor.dropped = true;
  complain(cursor, { assumed: 'the line is left out', ...mistake }, word);
}

/** Moves to the word after the one that is looked at; without one keepalived ends. */
export function argument(cursor: Cursor): string | undefined {
  const keyword = cursor.words[cursor.at] ?? '';
  const value = cursor.words[cursor.at + 1];
  if (value === undefined) {
    const message = `*** Configuration line starting \`${cursor.words[0]}\` is missing a parameter after keyword \`${keyword}\` at word position ${cursor.at + 2}`;
    drop(cursor, {
      id: 'missing-argument',
      severity: 'fatal',
      class: 'missing-argument',
      status: 2,
      message,
    });
    return undefined;
  }
  cursor.at++;
  return value;
}

/** The value of a reading; what is wrong with it drops the line, in keepalived's special and general sentence. */
export function accepted<T>(
  cursor: Cursor,
  reading: Reading<T>,
  message: string,
  more: Partial<Complaint> = {},
): T | undefined {
  for (const complaint of reading.complaints ?? []) {
    if (reading.value === undefined)
      drop(cursor, { ...complaint, ...more, message, cause: complaint.message, word: cursor.at });
    else complain(cursor, { ...complaint, word: cursor.at });
  }
  return reading.value;
}

/** A number of the next word. */
export function numberAfter(
  cursor: Cursor,
  range: readonly [number, number],
  says: (text: string) => string,
): number | undefined {
  const text = argument(cursor);
  return text === undefined ? undefined : accepted(cursor, wholeNumber(text, ...range), says(text));
}

const bad = (id: string, message: string): Reading<never> => ({
  complaints: [{ id, severity: 'error', class: 'general', message }],
});

/** An address without a prefix. */
export function readAddress(text: string): Reading<Ip> {
  const value = readIp(text);
  return value === undefined
    ? bad('invalid-address', `VRRP parsed invalid IP ${text}. skipping IP...`)
    : { value };
}

/** An address with a prefix; one whose length is wrong counts as a single address. */
export function readPrefixed(text: string): Reading<Prefixed> {
  const slash = text.indexOf('/');
  const address = readIp(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined)
    return bad('invalid-address', `VRRP parsed invalid IP ${text}. skipping IP...`);
  const longest = family(address) === 4 ? 32 : 128;
  if (slash < 0) return { value: { address, prefix: longest } };
  const length = text.slice(slash + 1);
  const { value = longest, complaints = [] } = wholeNumber(length, 0, longest);
  return {
    value: { address, prefix: value },
    complaints: complaints.map((complaint) => ({
      ...complaint,
      message: `Invalid address prefix len ${length} for address ${text} - using ${longest}`,
      cause: complaint.message,
      assumed: `/${longest}`,
    })),
  };
}

export const formatPrefixed = ({ address, prefix }: Prefixed): string =>
  prefix === (family(address) === 4 ? 32 : 128) ? address : `${address}/${prefix}`;

/** The address of everything in a family. */
export const everything = (of: Family): Prefixed => ({
  address: (of === 4 ? '0.0.0.0' : '::') as Ip,
  prefix: 0,
});

/** A number as C writes it: 10, 010 and 0x10 differ. A sign counts; too long ones lose their upper bits. */
export function cNumber(text: string): bigint | undefined {
  const match = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(text);
  if (match === null) return undefined;
  const [, sign, digits = ''] = match;
  const octal = /^0[0-7]+$/.test(digits);
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  return sign === '-' ? -value : value;
}
