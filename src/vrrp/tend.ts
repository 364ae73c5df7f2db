// The interfaces that instances have made, and what is set on those of others: what is wanted is a function of the
// configuration and of the kernel's links, what is ordered is the difference. They are there whoever is master.

import { type Ip, isLinkLocal6, linkLocalOf } from '../lib/ip.ts';
import { isThisLink, type Link, type MadeLink, type Setting } from '../lib/link.ts';
import { remembered } from '../lib/memo.ts';
import { after, type Instant, seconds } from '../lib/time.ts';
import type { Hushed, Making } from './action.ts';
import { isVirtualOn, linkNamed } from './addresses.ts';
import type { Inheritance } from './event.ts';
import type { VrrpConfig } from './keywords.ts';
import { looseAll, needsLooseAll, settingsOf } from './own.ts';
import { earliest } from './schedule.ts';
import type { Draft, KernelFacts, RouterState, Tended } from './state.ts';

export const NOTHING_TENDED: Tended = { asked: {}, refused: {}, tuned: {}, was: [] };

const NONE: readonly Hushed[] = [];

/** How long after an order the same thing is ordered again, where it has not come to be. */
const RETRY = seconds(1);

export const madeLinks = (config: VrrpConfig): readonly MadeLink[] => madeOf(config, undefined);

const madeOf = remembered((config: VrrpConfig, _: undefined): readonly MadeLink[] =>
  config.vrrp_instance.flatMap(({ made = [] }) => made),
);

const settingsFor = remembered((config: VrrpConfig, _: undefined) => settingsOf(config));

/** What was before counts, also where a process before this one has changed it. */
function wantedSettings({ config, kernel, tended }: RouterState): readonly Setting[] {
  const usual = settingsFor(config, undefined);
  if (kernel.filters === undefined || !needsLooseAll(config)) return usual;
  const was = new Map(tended.was.map((setting) => [keyOf(setting), setting]));
  return [
    ...usual,
    ...looseAll(
      config,
      kernel.filters.map((one) => was.get(keyOf(one)) ?? one),
    ),
  ];
}

function set(draft: Draft, change: Partial<Tended>): void {
  draft.router = { ...draft.router, tended: { ...draft.router.tended, ...change } };
}

type Facts = Pick<RouterState, 'kernel' | 'virtual'>;

/** With the link-local address of the interface below, or where it has none the one that its MAC address makes. */
function addressesOf(
  { addresses, linkLocal, name }: MadeLink,
  parent: Link,
  { kernel, virtual }: Facts,
): MadeLink['addresses'] {
  if (linkLocal === undefined) return addresses;
  const isFree = (address: Ip): boolean =>
    ![parent.name, name].some((dev) => isVirtualOn(dev, address, virtual));
  const below = kernel.addresses[parent.index]?.find(
    ({ address }) => isLinkLocal6(address) && isFree(address),
  );
  const address = below?.address ?? linkLocalOf(parent.mac);
  return address === undefined ? addresses : [...addresses, { address, prefix: 64 }];
}

/** ifindex of the VRF that the interface is in: what is made on it must be in the same, or it hears and sends nothing there. */
function vrfOf({ links }: KernelFacts, { master }: Link): number | undefined {
  return master !== undefined && links[master]?.kind === 'vrf' ? master : undefined;
}

const inVrf = (vrf: number | undefined): { vrf?: number } => (vrf === undefined ? {} : { vrf });

function isReady({ kernel, virtual }: Facts, made: MadeLink): boolean {
  const parent = linkNamed(kernel, made.parent);
  const link = linkNamed(kernel, made.name);
  if (parent === undefined) return true;
  if (link === undefined || !isThisLink(link, made, parent)) return false;
  if (parent.up && !link.up) return false;
  if (vrfOf(kernel, link) !== vrfOf(kernel, parent)) return false;
  const there = kernel.addresses[link.index] ?? [];
  return addressesOf(made, parent, { kernel, virtual }).every(({ address }) =>
    there.some((known) => known.address === address && !known.tentative),
  );
}

/** Orders what is missing. An interface of that name that is something else altogether stays. */
export function tendLinks(draft: Draft): void {
  const { config, kernel, tended } = draft.router;
  const wanted = madeLinks(config);
  tune(draft);
  hush(draft, wanted);
  if (wanted.length === 0) return;
  const asked: Record<string, Instant> = {};
  const refused: Record<string, string> = {};
  const making: Making[] = [];
  const wrong: Link[] = [];
  for (const made of wanted) {
    if (isReady(draft.router, made)) continue;
    const parent = linkNamed(kernel, made.parent);
    const link = linkNamed(kernel, made.name);
    const again = tended.asked[made.name];
    asked[made.name] = again ?? after(draft.now, RETRY);
    const why = tended.refused[made.name];
    if (why !== undefined) refused[made.name] = why;
    if (parent === undefined || (again !== undefined && again > draft.now)) continue;
    asked[made.name] = after(draft.now, RETRY);
    if (link !== undefined && !isThisLink(link, made, parent)) {
      if (link.kind !== made.kind) {
        const why = `there is an interface of that name, and it is no ${made.kind}`;
        if (refused[made.name] !== why) log(draft, `cannot make ${made.name}: ${why}`);
        refused[made.name] = why;
        continue;
      }
      wrong.push(link);
    }
    const addresses = addressesOf(made, parent, draft.router);
    making.push({ ...made, addresses, below: parent.index, ...inVrf(vrfOf(kernel, parent)) });
  }
  if (wrong.length > 0)
    draft.actions.push({
      type: 'removeLinks',
      links: wrong.map(({ index, name }) => ({ index, name })),
    });
  if (making.length > 0) draft.actions.push({ type: 'makeLinks', links: making });
  if (Object.keys(asked).length > 0 || Object.keys(tended.asked).length > 0)
    set(draft, { asked, refused });
}

/** Before there is one that could send a report: bridges would learn the virtual MAC from whoever is no master. */
function hush(draft: Draft, wanted: readonly MadeLink[]): void {
  const { kernel, tended } = draft.router;
  const { hushed = NONE } = tended;
  const links = wanted.flatMap(({ name, parent, kind }) => {
    if (kind !== 'macvlan') return [];
    const below = linkNamed(kernel, parent)?.index;
    return below === undefined ? [] : [{ name, below }];
  });
  if (JSON.stringify(links) === JSON.stringify(hushed)) return;
  draft.actions.push({ type: 'hush', links });
  set(draft, { hushed: links });
}

/** The first start waits for what it has ordered, but not for ever: true where it can begin. */
export const linksAreReady = ({ router, now }: Draft): boolean => {
  const { config, kernel, tended } = router;
  const { waiting } = tended;
  if (waiting !== undefined && waiting.until <= now) return true;
  return madeLinks(config).every((made) => {
    if (tended.refused[made.name] !== undefined) return true;
    if (!isReady(router, made)) return false;
    const link = linkNamed(kernel, made.name);
    const parent = linkNamed(kernel, made.parent);
    return link?.running !== false || parent?.running !== true;
  });
};

export function waitForLinks(
  draft: Draft,
  waiting: Omit<NonNullable<Tended['waiting']>, 'until'>,
): void {
  set(draft, { waiting: { ...waiting, until: after(draft.now, RETRY) } });
}

export function stopWaiting(draft: Draft): void {
  const { waiting: _, ...rest } = draft.router.tended;
  draft.router = { ...draft.router, tended: rest };
}

export function tendedDeadline({ tended, kernel, config }: RouterState): Instant | undefined {
  let best = tended.waiting?.until;
  for (const { name, parent } of Object.keys(tended.asked).length === 0 ? [] : madeLinks(config))
    if (linkNamed(kernel, parent) !== undefined) best = earliest(best, tended.asked[name]);
  return best;
}

/** Said once; asked for again like everything that is not there. */
export function refuseLinks(draft: Draft, links: readonly Making[], why: string): void {
  const { refused } = draft.router.tended;
  // Where the one below has just gone, news of that is on its way.
  for (const { name, parent } of links)
    if (refused[name] !== why && !why.startsWith('ENODEV'))
      log(draft, `cannot make ${name} on ${parent}: ${why}`);
  set(draft, {
    refused: { ...refused, ...Object.fromEntries(links.map(({ name }) => [name, why])) },
  });
}

/** An interface has gone: whoever took it, it is wanted again at once. */
export function forgetAsked(draft: Draft, name: string): void {
  const { [name]: gone, ...asked } = draft.router.tended.asked;
  if (gone !== undefined) set(draft, { asked });
}

/** What a process before this one has changed, and what it has made that nobody wants any more. */
export function inheritLinks(draft: Draft, { links = [], settings = [] }: Inheritance): void {
  if (settings.length > 0) set(draft, { was: settings });
  // Whatever it was: what is wanted now is ordered, or the removal of all.
  if (links.length > 0) set(draft, { hushed: links.map(({ name }) => ({ name, below: 0 })) });
  const { config, kernel } = draft.router;
  const wanted = new Set(madeLinks(config).map(({ name }) => name));
  removeMade(
    draft,
    links.filter(({ name }) => !wanted.has(name)),
    kernel,
  );
}

/** After a reload: those that only the old configuration wanted. */
export function shedLinks(draft: Draft, before: VrrpConfig): void {
  const { config, kernel } = draft.router;
  const wanted = new Set(madeLinks(config).map(({ name }) => name));
  removeMade(
    draft,
    madeLinks(before).filter(({ name }) => !wanted.has(name)),
    kernel,
  );
}

/** At the end nothing is left that was made, and what was set is as it was. */
export function releaseLinks(draft: Draft): void {
  const { config, kernel, tended } = draft.router;
  removeMade(draft, madeLinks(config), kernel);
  if (tended.hushed !== undefined && tended.hushed.length > 0)
    draft.actions.push({ type: 'hush', links: [] });
  if (tended.was.length > 0) draft.actions.push({ type: 'tune', settings: tended.was });
  draft.router = { ...draft.router, tended: NOTHING_TENDED };
}

function removeMade(draft: Draft, links: readonly MadeLink[], kernel: KernelFacts): void {
  const ours = links.flatMap((made) => {
    const link = linkNamed(kernel, made.name);
    const parent = linkNamed(kernel, made.parent);
    const is = link !== undefined && isThisLink(link, made, parent);
    return is ? [{ index: link.index, name: link.name }] : [];
  });
  if (ours.length > 0) draft.actions.push({ type: 'removeLinks', links: ours });
}

// Settings of interfaces that are somebody else's

const keyOf = ({ family, interface: at = '', name }: Setting): string => `${family} ${at} ${name}`;

/** Which of the interfaces of that name it is; undefined where there is none. */
function placeIn(kernel: KernelFacts, { interface: at }: Setting): number | undefined {
  if (at === undefined || at === 'all' || at === 'default') return 0;
  return linkNamed(kernel, at)?.index;
}

function tune(draft: Draft): void {
  const { kernel, tended } = draft.router;
  const wanted = wantedSettings(draft.router);
  if (wanted.length === 0 && tended.was.length === 0) return;
  const tuned: Record<string, string> = {};
  const settings: Setting[] = [];
  for (const setting of wanted) {
    const place = placeIn(kernel, setting);
    if (place === undefined) continue;
    const key = keyOf(setting);
    // An interface that has come again has forgotten it.
    tuned[key] = `${place} ${setting.value}`;
    if (tended.tuned[key] !== tuned[key]) settings.push(setting);
  }
  const back = tended.was.filter((setting) => !wanted.some((one) => keyOf(one) === keyOf(setting)));
  const all = [...back, ...settings];
  if (all.length === 0) return;
  draft.actions.push({ type: 'tune', settings: all });
  set(draft, { tuned, was: tended.was.filter((setting) => !back.includes(setting)) });
}

/** What some of them were before; what is noted of one already stands. */
export function noteTuned(draft: Draft, was: readonly Setting[]): void {
  const { tended } = draft.router;
  const wanted = new Set(wantedSettings(draft.router).map(keyOf));
  const known = new Set(tended.was.map(keyOf));
  const fresh = was.filter((setting) => wanted.has(keyOf(setting)) && !known.has(keyOf(setting)));
  if (fresh.length > 0) set(draft, { was: [...tended.was, ...fresh] });
}

const log = (draft: Draft, text: string): void => {
  draft.actions.push({ type: 'log', severity: 'error', text });
};
