// Value types of the process options: file mask, processors, real-time priority, users.

import { type Reading, type ValueType, wholeNumber } from './value.ts';

const MASK_BITS: Readonly<Record<string, number>> = {
  IRUSR: 0o400,
  IWUSR: 0o200,
  IXUSR: 0o100,
  IRGRP: 0o040,
  IWGRP: 0o020,
  IXGRP: 0o010,
  IROTH: 0o004,
  IWOTH: 0o002,
  IXOTH: 0o001,
};

/** A number in C notation up to 0777, or names of bits joined by |. */
export const fileMask: ValueType<number> = {
  syntax: `<number> | <bit>[|<bit>...]`,
  minimum: 1,
  parse: (words) => {
    const text = words.join('');
    if (/^\d/.test(text)) {
      const value = cNumber(words[0] ?? '');
      return value === undefined || value > 0o777
        ? refuse('invalid-umask', `invalid umask value ${words.join(' ')}`)
        : words.length > 1
          ? refuse('extra-words', 'Extra parameter(s) to umask option')
          : { value };
    }
    const value = maskBits(text);
    return typeof value === 'string'
      ? refuse('unknown-umask-bit', `Unknown umask bit ${value}`)
      : { value };
  },
  format: (value) => `0${value.toString(8)}`,
  schema: { type: 'integer', minimum: 0, maximum: 0o777 },
};

/** Or the name that is none. */
function maskBits(text: string): number | string {
  let mask = 0;
  for (const name of text.split('|')) {
    const bit = MASK_BITS[name];
    if (bit === undefined) return name;
    mask |= bit;
  }
  return mask;
}

/** 0x.., 0.. and decimal. */
export function cNumber(text: string): number | undefined {
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return Number.parseInt(text, 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

const refuse = (id: string, message: string): Reading<never> => ({
  complaints: [{ id, severity: 'error', class: 'general', message, word: 0 }],
});

/** 1 to 99; a number outside is moved to the nearest end with a complaint. */
export const realTime = (of: string): ValueType<number> => ({
  syntax: '<int> 1..99',
  minimum: 1,
  parse: ([text = '']) => {
    const reading = wholeNumber(text, -2147483648, 2147483647);
    if (reading.value === undefined || (reading.value >= 1 && reading.value <= 99)) return reading;
    const high = reading.value > 99;
    return {
      value: high ? 99 : 1,
      complaints: [
        {
          id: 'real-time-priority-moved',
          severity: 'warning',
          class: 'number',
          message: high
            ? `${of} process real-time priority ${reading.value} greater than maximum 99 - setting to maximum`
            : `${of} process real-time priority ${reading.value} less than minimum 1 - setting to minimum`,
          assumed: high ? '99' : '1',
          word: 0,
        },
      ],
    };
  },
  format: String,
  schema: { type: 'integer', minimum: 0, maximum: 99 },
});

const NO_PROCESSOR = {
  id: 'number-out-of-range',
  severity: 'error',
  class: 'number',
  message: 'a processor has a number from 0 on',
} as const;

/** Numbers of processors; which of them exist is a fact of the machine. */
export const affinity: ValueType<readonly number[]> = {
  syntax: '<int> ...',
  minimum: 1,
  parse: (words) => {
    const value: number[] = [];
    for (const [index, text] of words.entries()) {
      const reading = wholeNumber(text, -2147483648, 2147483647);
      if (reading.value === undefined || reading.value < 0)
        return { complaints: [{ ...NO_PROCESSOR, ...reading.complaints?.[0], word: index }] };
      if (!value.includes(reading.value)) value.push(reading.value);
    }
    return { value };
  },
  format: (value) => value.join(' '),
  schema: { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
};

/** As written; whether they exist is a fact of the machine. */
export interface UserText {
  readonly user: string;
  readonly group?: string;
}

export const scriptUser: ValueType<UserText> = {
  syntax: '<user> [<group>]',
  minimum: 1,
  parse: ([user = '', group]) => ({ value: { user, ...(group === undefined ? {} : { group }) } }),
  format: ({ user, group }) => (group === undefined ? user : `${user} ${group}`),
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['user'],
    properties: { user: { type: 'string' }, group: { type: 'string' } },
  },
  example: 'nobody',
};

export const dynamicInterfaces: ValueType<'yes' | 'allow_if_changes'> = {
  syntax: '[allow_if_changes]',
  minimum: 0,
  parse: ([text]) => {
    if (text === undefined) return { value: 'yes' };
    if (text === 'allow_if_changes') return { value: 'allow_if_changes' };
    return {
      value: 'yes',
      complaints: [
        {
          id: 'unknown-option',
          severity: 'error',
          class: 'general',
          message: `Unknown dynamic_interfaces option '${text}'`,
          assumed: 'the keyword alone',
          word: 0,
        },
      ],
    };
  },
  format: (value) => (value === 'yes' ? '' : value),
  schema: { enum: ['yes', 'allow_if_changes'] },
};
