// lvs_timeouts: what it does not name, or names no more, is what it was at the start; so are all at the end.

import type { IpvsOrder, IpvsTimeouts } from '../lib/ipvs.ts';
import type { DirectorState } from './state.ts';
import { isSame } from './table.ts';

/** The orders from the configuration in force to one with these. Nothing for what is not known and not named. */
export function timeoutOrders(
  { config, timeouts: initial }: DirectorState,
  next: IpvsTimeouts | undefined,
): readonly IpvsOrder[] {
  const timeouts = { ...initial, ...next };
  if (isSame({ ...initial, ...config.global_defs.lvs_timeouts }, timeouts)) return [];
  return Object.keys(timeouts).length === 0 ? [] : [{ type: 'timeouts', timeouts }];
}
