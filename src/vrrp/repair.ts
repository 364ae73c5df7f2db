// Routes and rules of masters, and of the static blocks, that vanish without being asked to: which come back, and when.
// keepalived gives up the role of an instance whose route somebody deletes; here the route comes back and the role stays.

import type { GoneRoute, GoneRule } from '../lib/route.ts';
import type { VrrpAction } from './action.ts';
import { holdOnward, memberAt, setMember } from './member.ts';
import {
  over,
  restoreRoute,
  restoreRoutes,
  restoreRouting,
  restoreRule,
  retryRouting,
} from './routes.ts';
import { entryOf, routeText, ruleText } from './routing-text.ts';
import type { Draft, Member } from './state.ts';
import { onStaticLinkUp, onStaticRouteGone, onStaticRuleGone, retryStatics } from './statics.ts';

export function onRouteGone(draft: Draft, gone: GoneRoute): void {
  const { links } = draft.router.kernel;
  for (const { config, routing } of masters(draft))
    for (const route of restoreRoute(draft, routing, gone))
      log(draft, `(${config.name}) Restoring deleted route ${routeText(entryOf(route, links))}`);
  onStaticRouteGone(draft, gone);
}

export function onRuleGone(draft: Draft, gone: GoneRule): void {
  for (const { config, routing } of masters(draft))
    for (const rule of restoreRule(draft, routing, gone))
      log(draft, `(${config.name}) Restoring deleted rule ${ruleText(rule)}`);
  onStaticRuleGone(draft, gone);
}

/** An interface has come, or has come up again: the kernel had taken the routes over it, some without a word. */
export function onLinkUp(draft: Draft, index: number): void {
  onStaticLinkUp(draft, index);
  for (const [position, { state, routing }] of draft.router.members.entries()) {
    if (state.name !== 'master') continue;
    const lines: VrrpAction[] = [];
    holdOnward(draft, position, lines);
    draft.actions.push(...lines);
    restoreRoutes(draft, routing, over(index));
  }
}

/** With an address the kernel takes routes that prefer it as source, without a word. */
export function afterAddress(draft: Draft, { routing }: Member): void {
  restoreRoutes(draft, routing, () => true);
}

/** News was lost. */
export function repairRouting(draft: Draft, { state, routing }: Member): void {
  if (state.name === 'master') restoreRouting(draft, routing);
}

export function retryRefused(draft: Draft): void {
  retryStatics(draft);
  for (const position of draft.router.members.keys()) {
    const member = memberAt(draft, position);
    const routing = retryRouting(draft, member.routing);
    if (routing !== member.routing) setMember(draft, position, { ...member, routing });
  }
}

const masters = ({ router }: Draft): readonly Member[] =>
  router.members.filter(({ state }) => state.name === 'master');

const log = (draft: Draft, text: string): void => {
  draft.actions.push({ type: 'log', severity: 'info', text });
};
