// vrrp_startup_delay and vrrp_delay_after_boot: nobody becomes master before an instant, however silent the segment is, so
// that a network that is still coming up does not see two of them. It changes when, never what.

import { after, type Instant, seconds } from '../lib/time.ts';
import type { InstanceEvent, InstanceState, InstanceStep, Subject } from './instance.ts';
import type { VrrpConfig } from './keywords.ts';
import { stepInstance } from './machine.ts';
import { OWNER_PRIORITY } from './packet.ts';
import { masterDownInterval } from './schedule.ts';

/** Until when a process that starts at `now` holds; `now` counts from boot, as the monotonic clock does. */
export function holdUntil({ global_defs }: VrrpConfig, now: Instant): Instant | undefined {
  const { vrrp_startup_delay = seconds(0), vrrp_delay_after_boot = seconds(0) } = global_defs;
  const until = Math.max(after(now, vrrp_startup_delay), vrrp_delay_after_boot) as Instant;
  return until > now ? until : undefined;
}

/** One step of an instance. Until then its master-down interval has not begun, and an owner waits as a backup. */
export function stepHeld(
  subject: Subject,
  state: InstanceState,
  event: InstanceEvent,
  now: Instant,
  until: Instant | undefined,
): InstanceStep {
  const step = stepInstance(subject, state, event, now);
  if (until === undefined || now >= until || event.type === 'adopt') return step;
  const { rules } = subject;
  const next = step.state;
  if (next.name === 'master' && state.name !== 'master') {
    const { since, reason } = next;
    const waiting = { masterInterval: rules.advert_int, masterDownAt: until } as const;
    return { state: { name: 'backup', since, reason, ...waiting }, actions: [] };
  }
  if (next.name !== 'backup') return step;
  const wait =
    rules.priority === OWNER_PRIORITY ? seconds(0) : masterDownInterval(rules, next.masterInterval);
  const earliest = after(until, wait);
  return next.masterDownAt >= earliest
    ? step
    : { ...step, state: { ...next, masterDownAt: earliest } };
}
