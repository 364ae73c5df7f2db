// What a check says about a real server: up or down, and what it adds to the weight.

import type { Health } from './health.ts';
import type { Check, PlannedReal } from './plan.ts';
import type { Standing } from './service.ts';

export function standingOf(
  { kind }: Pick<Check, 'kind'>,
  { up, weight }: Pick<Health, 'up' | 'weight'>,
  { config }: PlannedReal,
): Standing {
  if (weight === undefined) return { up, shift: 0 };
  // MISC_CHECK says what the weight is to be, FILE_CHECK what is to be added.
  return { up, shift: kind === 'FILE_CHECK' ? weight : weight - config.weight };
}
