// ha_suspend: while the address of a service is on another machine its servers are not checked. What is known of them stays.

import { itemAt } from '../lib/vector.ts';
import { tellActivity } from './notify.ts';
import type { PlannedService } from './plan.ts';
import { type DirectorState, type Draft, healthOf, setHealth } from './state.ts';

/** None of its addresses is here. Marks have none and are never suspended. */
export function isElsewhere(
  { config, pools }: PlannedService,
  addresses: DirectorState['addresses'],
): boolean {
  if (!config.ha_suspend) return false;
  const own = pools.flatMap(({ key }) => ('mark' in key ? [] : [key.address]));
  return own.length > 0 && !own.some((address) => addresses.has(address));
}

/** After addresses or services have changed: checks that nobody needs now rest, and those that are needed again are made at once. */
export function resettle(draft: Draft, tells: boolean): void {
  const { plan, addresses, suspended: before } = draft.state;
  if (!plan.services.some(({ config }) => config.ha_suspend)) return;
  const suspended = new Set(
    [...plan.services.keys()].filter((at) =>
      isElsewhere(plan.services[at] as PlannedService, addresses),
    ),
  );
  draft.state = { ...draft.state, suspended };
  if (tells) tell(draft, before, suspended);
  for (const [at, check] of plan.checks.entries()) {
    if (check.targets.length === 0) continue;
    const rests = check.users.every(({ service }) => suspended.has(service));
    const rested = check.users.every(({ service }) => before.has(service));
    const health = itemAt(draft.state.healths, at);
    const { run, dueAt } = health;
    const active = run !== undefined || dueAt !== undefined;
    if (rests && active) {
      if (run !== undefined) draft.actions.push({ type: 'cancel', run });
      setHealth(draft, at, { ...health, failures: 0, run: undefined, dueAt: undefined });
    } else if (!rests && rested && !active)
      setHealth(draft, at, { ...healthOf(draft, at), dueAt: draft.now });
  }
}

function tell(draft: Draft, before: ReadonlySet<number>, now: ReadonlySet<number>): void {
  const { plan } = draft.state;
  for (const [at, service] of plan.services.entries()) {
    if (before.has(at) === now.has(at)) continue;
    for (const real of service.reals)
      for (const check of real.checks)
        if ((plan.checks[check]?.targets.length ?? 0) > 0)
          tellActivity(draft, service, real, now.has(at) ? 'Suspending' : 'Activating');
  }
}
