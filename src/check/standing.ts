// What a check says about a real server: up or down, and what it adds to the weight.

import { integerIn, isInt } from '../lib/number.ts';
import type { FileWeight } from './checkers.ts';
import type { Health } from './health.ts';
import type { Check, PlannedReal } from './plan.ts';
import type { Standing } from './service.ts';

/** A number that low is not a weight but a fault. */
const FAULT = -2147483648;
const HEAVIEST = 2147483647;

export function standingOf(
  { kind }: Pick<Check, 'kind'>,
  { up, weight }: Pick<Health, 'up' | 'weight'>,
  { config }: PlannedReal,
): Standing {
  if (weight === undefined) return { up, shift: 0 };
  // MISC_CHECK says what the weight is to be, FILE_CHECK what is to be added.
  return { up, shift: kind === 'FILE_CHECK' ? weight : weight - config.weight };
}

/** A FILE_CHECK after its file has been read; absent text: it is not there, which counts as 0. */
export function followFile(
  health: Health,
  { weight, reverse }: FileWeight,
  text: string | undefined,
): Health {
  const number = integerIn(text);
  // A number that no file of this kind can mean leaves all as it was.
  if (!isInt(number)) return health;
  const value = Number(number);
  if (weight === 0)
    return { ...health, known: true, up: (value === 0) !== reverse, weight: undefined };
  const shift = value * (reverse ? -weight : weight);
  if (shift <= FAULT) return { ...health, known: true, up: false, weight: undefined };
  return { ...health, known: true, up: true, weight: Math.min(shift, HEAVIEST) };
}
