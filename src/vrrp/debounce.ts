// interface_up_down_delays: a link that goes down or comes up is believed only once it has stayed so for a while. Until then
// the instances see it as it was; one that is gone is gone at once. It knows no instance.

import type { Link } from '../lib/link.ts';
import { after, type Duration, type Instant } from '../lib/time.ts';
import { earliest } from './schedule.ts';
import type { Draft, RouterState } from './state.ts';

const isUp = ({ up, running }: Link): boolean => up && running;

/**
 * How long a link must have been so; that of an interface that is made is that of the one below. A backup that hears nothing
 * must be at fault before its time is over, so it is never longer than an instance on the interface can wait, less the
 * part of an interval that a priority of 255 takes off the skew, as keepalived has it.
 */
export function delayOf(
  { config, members }: Pick<RouterState, 'config' | 'members'>,
  { name }: Pick<Link, 'name'>,
  up: boolean,
): Duration {
  const { interface_up_down_delays: delays = [], vrrp_instance: instances } = config;
  if (delays.length === 0) return 0 as Duration;
  const made = instances.flatMap(({ made: own = [] }) => own).find((one) => one.name === name);
  const entry = delays.findLast((one) => one.interface === (made?.parent ?? name));
  if (entry === undefined) return 0 as Duration;
  let delay: number = up ? entry.up : entry.down;
  for (const { config: one, state } of members) {
    if (one.interface !== name && one.own !== name) continue;
    const interval =
      state.name === 'backup' ? Math.min(one.advert_int, state.masterInterval) : one.advert_int;
    const most = (one.down_timer_adverts - 1) * interval - Math.floor(interval / 256);
    delay = Math.min(delay, Math.max(0, most));
  }
  return delay as Duration;
}

/** The link as the instances shall see it now; what is held back of it is noted. */
export function believe(draft: Draft, link: Link): Link {
  const { kernel, swaying } = draft.router;
  const { [link.index]: noted, ...others } = swaying;
  const known = kernel.links[link.index];
  const settle = (next: RouterState['swaying']): void => {
    if (next !== swaying) draft.router = { ...draft.router, swaying: next };
  };
  if (known === undefined || isUp(known) === isUp(link)) {
    settle(noted === undefined ? swaying : others);
    return link;
  }
  const delay = delayOf(draft.router, link, isUp(link));
  if (delay === 0) {
    settle(noted === undefined ? swaying : others);
    return link;
  }
  const at = noted?.at ?? after(draft.now, delay);
  settle({ ...others, [link.index]: { at, link } });
  return { ...link, up: known.up, running: known.running };
}

/** Those that have stayed as they are for long enough, as they are. */
export function settledLinks(draft: Draft): readonly Link[] {
  const due = Object.values(draft.router.swaying).filter(({ at }) => at <= draft.now);
  if (due.length === 0) return [];
  const gone = new Set(due.map(({ link }) => String(link.index)));
  draft.router = {
    ...draft.router,
    swaying: Object.fromEntries(
      Object.entries(draft.router.swaying).filter(([index]) => !gone.has(index)),
    ) as RouterState['swaying'],
  };
  return due.map(({ link }) => link);
}

export function forgetSwaying(draft: Draft, index: number): void {
  const { [index]: noted, ...others } = draft.router.swaying;
  if (noted !== undefined) draft.router = { ...draft.router, swaying: others };
}

export function swayingDeadline({ swaying }: RouterState): Instant | undefined {
  let best: Instant | undefined;
  for (const index in swaying) best = earliest(best, swaying[index]?.at);
  return best;
}
