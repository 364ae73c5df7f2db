// The counters of an instance. Adverts that the I/O thread sends by itself are not reported one by one: a
// schedule is an arithmetic series, so their number follows from the clock.

import type { Instant } from '../lib/time.ts';
import { scheduledSends } from './speech.ts';
import { type Draft, type Member, NO_STATISTICS } from './state.ts';

/** Adverts sent by `now`, those of the running schedule included. */
export function sentBy({ statistics, speaking }: Member, now: Instant): number {
  return statistics.sent + (speaking === undefined ? 0 : scheduledSends(speaking, now));
}

export function clearStatistics(draft: Draft): void {
  const { now } = draft;
  draft.router = {
    ...draft.router,
    members: draft.router.members.map((member) => ({
      ...member,
      // What the running schedule has sent so far is subtracted from what it will have sent.
      statistics: {
        ...NO_STATISTICS,
        sent: sentBy({ ...member, statistics: NO_STATISTICS }, now) * -1,
      },
    })),
  };
}
