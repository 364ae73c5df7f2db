// Whether orders led from one table to the next without a detour: nothing was put in that is not to be there, and nothing was
// taken out that is to stay, not for a moment either.

import { type Row, rowText } from './rows.ts';
import type { Heard } from './tap.ts';

/** One complaint for each order that was against it; `after` is what the table was to become. */
export function detours(heard: readonly Heard[], after: readonly Row[]): string[] {
  const wanted = new Set(after.map(rowText));
  const places = new Set(after.map(({ service, destination }) => `${service} ${destination}`));
  const isDetour = ({ command, service = '', destination, weight = 0 }: Heard): boolean => {
    if (command === 'flush') return after.length > 0;
    if (command === 'remove') return places.has(`${service} ${destination}`);
    return !wanted.has(
      rowText(destination === undefined ? { service } : { service, destination, weight }),
    );
  };
  return heard.filter(isDetour).map((order) => JSON.stringify(order));
}
