// FILE_CHECK: the number in a file is what is added to the weight of the server, or says whether it is well. Nothing is asked: the
// file is watched, and what it says is handed in.

import { integerIn, isInt } from '../../lib/number.ts';
import type { FileWeight } from '../checkers.ts';
import type { Health } from '../health.ts';

/** A number that low is not a weight but a fault. */
const FAULT = -2147483648;
const HEAVIEST = 2147483647;

/** `text` is what the file holds; absent: it is not there, which counts as 0. */
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
