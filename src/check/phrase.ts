// What the log says of one answer of a check, in keepalived's words.

import type { Verdict } from './checker.ts';
import type { Health, Outcome } from './health.ts';
import type { Check, PlannedService, User } from './plan.ts';
import { type Draft, say } from './state.ts';

export function tellOutcome(
  draft: Draft,
  check: Check,
  before: Health,
  outcome: Outcome,
  verdict: Verdict,
): void {
  const { timing, users } = check;
  const [first] = users;
  if (first === undefined) return;
  const what = `${check.kind} of ${realOf(draft, first)}`;
  if (verdict.up) {
    if (outcome === 'recovered') say(draft, 'info', `${what} success`);
    return;
  }
  const counts = outcome === 'failed' || (outcome === 'bad' && !before.known);
  if (counts || timing.log_all_failures) say(draft, 'info', `${what} failed: ${verdict.reason}`);
  if (outcome !== 'failed' || timing.retry === 0) return;
  const times = timing.retry === 1 ? 'retry' : 'retries';
  const names = new Set(users.map((user) => realOf(draft, user)));
  for (const name of names)
    say(draft, 'info', `Check on service ${name} failed after ${timing.retry} ${times}.`);
}

const realOf = ({ state }: Draft, { service, real }: User): string =>
  (state.plan.services[service] as PlannedService).reals[real]?.name ?? '';
