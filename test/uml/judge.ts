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

/** Of services 0, of what is not there nothing. */
type Weights = Map<string, number>;

const placeOf = ({ service, destination = '' }: Partial<Row>): string =>
  `${service ?? ''} ${destination}`;
const weightsOf = (rows: readonly Row[]): Weights =>
  new Map(rows.map((row) => [placeOf(row), row.weight ?? 0]));
const serves = (weights: Weights, service = ''): boolean =>
  [...weights].some(([place, weight]) => weight > 0 && place.startsWith(`${service} `));

/**
 * The same where orders may also say what is so already, or be refused: each that has an effect must bring something from what it
 * was to what it is to be, and where somebody serves before and after, somebody must always do.
 */
export function wanderings(
  before: readonly Row[],
  heard: readonly Heard[],
  after: readonly Row[],
): string[] {
  const [was, now, goal] = [weightsOf(before), weightsOf(before), weightsOf(after)];
  const isWrong = (order: Heard): boolean => {
    const { command, service, weight = 0 } = order;
    const place = placeOf(order);
    if (command === 'flush') return after.length > 0;
    // The kernel refuses what does not fit.
    if (now.has(place) === (command === 'add')) return false;
    const old = now.get(place);
    if (command === 'remove') now.delete(place);
    else now.set(place, weight);
    if (now.get(place) !== old && now.get(place) !== goal.get(place)) return true;
    return serves(was, service) && serves(goal, service) && !serves(now, service);
  };
  return heard.filter(isWrong).map((order) => JSON.stringify(order));
}
