// The value type of a weight: what a tracked script, file, process or BFD session adds to a priority.

import { leadingNumber, type Reading, type ValueType } from './value.ts';

/** How the priority changes: added when up, with `reverse` when down. */
export interface Weight {
  readonly weight: number;
  readonly reverse: boolean;
}

/** `<int> [reverse]`; a refused number is the row's business, `unknown` says what another word is. */
export const weightOf = (limit: number, unknown: string): ValueType<Weight> => ({
  syntax: `<int> -${limit}..${limit} [reverse]`,
  minimum: 1,
  parse: ([text = '', option]): Reading<Weight> => {
    const reading = leadingNumber(text, -limit, limit);
    const { complaints = [] } = reading;
    if (reading.value === undefined) return { complaints };
    const value = { weight: reading.value, reverse: option === 'reverse' };
    return option === undefined || option === 'reverse'
      ? { value, complaints }
      : {
          value,
          complaints: [
            ...complaints,
            {
              id: 'unknown-option',
              severity: 'error',
              class: 'general',
              message: `${unknown} ${option}`,
              word: 1,
            },
          ],
        };
  },
  format: ({ weight, reverse }) => `${weight}${reverse ? ' reverse' : ''}`,
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['weight', 'reverse'],
    properties: {
      weight: { type: 'integer', minimum: -limit, maximum: limit },
      reverse: { type: 'boolean' },
    },
  },
});

export const NO_WEIGHT: Weight = { weight: 0, reverse: false };
