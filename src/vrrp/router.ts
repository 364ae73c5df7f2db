// All instances of the VRRP process as one machine; the only thing the shell steps. It gives packets to the
// instance they are for, turns kernel news into what each instance may do, and repairs what others break.
// It never fails: what the kernel refuses comes back as an event.

import type { Step } from '../lib/machine.ts';
import { type Instant, since, toSeconds } from '../lib/time.ts';
import type { KernelAddress, VrrpAction } from './action.ts';
import {
  isVirtual,
  kernelFacts,
  NO_FACTS,
  sameAddress,
  virtualAddresses,
  withAddress,
  withLink,
  withoutAddress,
  withoutLink,
} from './addresses.ts';
import { advance, createGroups, refresh } from './advance.ts';
import { tuneSockets } from './audience.ts';
import { burst, flush, postpone, queueDeadline } from './burst.ts';
import { catchUp, chatterDeadline, onOverflow, restrain, SILENT } from './chatter.ts';
import { believe, forgetSwaying, settledLinks, swayingDeadline } from './debounce.ts';
import type { Inheritance, Observed, VrrpEvent } from './event.ts';
import { holdUntil } from './hold.ts';
import type { InstanceState } from './instance.ts';
import type { VrrpConfig } from './keywords.ts';
import { instanceDeadline } from './machine.ts';
import { createMember, memberAt, renew, setMember } from './member.ts';
import { isRunning, tellAddress, tellLink } from './news.ts';
import { notifyGroup } from './notify.ts';
import { receive } from './receive.ts';
import { onRefused, onUnsent, repairRefused, retrySockets } from './refusal.ts';
import { reload } from './reload.ts';
import {
  afterAddress,
  onLinkUp,
  onRouteGone,
  onRuleGone,
  repairRouting,
  retryRefused,
} from './repair.ts';
import { earliest } from './schedule.ts';
import { clearShield } from './shield.ts';
import { startMembers } from './start.ts';
import type { Draft, RouterState } from './state.ts';
import { NO_STATICS, onStaticAddressGone, releaseStatics, repairStatics } from './statics.ts';
import { clearStatistics } from './statistics.ts';
import { checkSync, retrySync, settleSync } from './sync.ts';
import {
  forgetAsked,
  inheritLinks,
  linksAreReady,
  NOTHING_TENDED,
  noteTuned,
  releaseLinks,
  stopWaiting,
  tendedDeadline,
  tendLinks,
  waitForLinks,
} from './tend.ts';
import {
  createScripts,
  endScripts,
  NO_TRACKERS,
  NOTHING_OBSERVED,
  observe,
  onFileRead,
  onProcesses,
  onRunEnd,
  saysTheSame,
  type Trackers,
  trackedFiles,
  trackerDeadline,
  wakeProcesses,
  wakeScripts,
} from './tracker.ts';

export type { RouterState } from './state.ts';

const NOTHING: Inheritance = { journal: [], roles: [] };

/** Nothing has happened yet; the first `facts` event starts the instances. */
export function createRouter(config: VrrpConfig): RouterState {
  return {
    phase: 'new',
    config,
    members: config.vrrp_instance.map((instance, i) => createMember(instance, i)),
    kernel: NO_FACTS,
    virtual: virtualAddresses(config),
    sockets: {},
    queues: {},
    trackers: { ...NO_TRACKERS, scripts: createScripts(config) },
    groups: createGroups(config, []),
    nextPace: config.vrrp_instance.length,
    chatter: SILENT,
    statics: NO_STATICS,
    tended: NOTHING_TENDED,
    swaying: {},
  };
}

/** Total: any event in any state. `now` is when the event happened, not when it is processed. */
export function step(
  state: RouterState,
  event: VrrpEvent,
  now: Instant,
): Step<RouterState, VrrpAction> {
  const draft: Draft = { router: state, actions: [], now };
  if (state.phase === 'new') beforeFacts(draft, event);
  else if (state.phase === 'running') onEvent(draft, event);
  if (draft.router.phase === 'running') settleSync(draft);
  return { state: draft.router, actions: draft.actions };
}

export function nextDeadline(state: RouterState): Instant | undefined {
  let best = earliest(
    queueDeadline(state.queues),
    chatterDeadline(state.chatter),
    state.phase === 'running' ? trackerDeadline(state.trackers) : undefined,
  );
  for (const member of state.members)
    best = earliest(
      best,
      instanceDeadline(member.state),
      earliest(member.repairAt, member.routing.retryAt, member.speaking?.renewAt),
    );
  best = earliest(best, earliest(state.statics.retryAt, state.statics.routing.retryAt));
  best = earliest(best, earliest(tendedDeadline(state), swayingDeadline(state)));
  for (const key in state.sockets) best = earliest(best, state.sockets[key]?.until);
  return best;
}

function beforeFacts(draft: Draft, event: VrrpEvent): void {
  switch (event.type) {
    case 'facts':
      draft.router = { ...draft.router, kernel: kernelFacts(event.facts) };
      prepareLinks(draft, event);
      return;
    case 'link':
      draft.router = { ...draft.router, kernel: withLink(draft.router.kernel, event.link) };
      break;
    case 'linkGone':
      draft.router = { ...draft.router, kernel: withoutLink(draft.router.kernel, event.index) };
      break;
    case 'address':
      draft.router = { ...draft.router, kernel: withAddress(draft.router.kernel, event.address) };
      break;
    case 'addressGone':
      draft.router = {
        ...draft.router,
        kernel: withoutAddress(draft.router.kernel, event.address),
      };
      break;
    case 'tuned':
      noteTuned(draft, event.was);
      return;
    case 'refused':
      onRefused(draft, event);
      break;
    case 'reload': {
      const { waiting } = draft.router.tended;
      draft.router = { ...createRouter(event.config), kernel: draft.router.kernel };
      if (waiting !== undefined)
        prepareLinks(draft, { ...waiting, observed: event.observed ?? waiting.observed });
      return;
    }
    case 'stop':
      stop(draft, event.stays);
      return;
    default:
  }
  const { waiting } = draft.router.tended;
  if (waiting !== undefined && linksAreReady(draft)) begin(draft, waiting);
}

/** The instances start once the interfaces that they have made are there: nobody is at fault meanwhile. */
function prepareLinks(
  draft: Draft,
  given: { inheritance?: Inheritance; observed?: Observed },
): void {
  const { inheritance = NOTHING, observed = NOTHING_OBSERVED } = given;
  inheritLinks(draft, inheritance);
  tendLinks(draft);
  if (linksAreReady(draft)) begin(draft, { inheritance, observed });
  else waitForLinks(draft, { inheritance, observed });
}

function begin(
  draft: Draft,
  { inheritance, observed }: { readonly inheritance: Inheritance; readonly observed: Observed },
): void {
  stopWaiting(draft);
  const { config, trackers } = draft.router;
  draft.router = {
    ...draft.router,
    phase: 'running',
    trackers: observe(trackers, config, observed, draft.actions),
  };
  hold(draft);
  checkSync(draft);
  startMembers(draft, inheritance);
  clearShield(draft);
  track(draft, wakeScripts(draft.router.trackers, draft.now, draft.actions));
  tuneSockets(draft);
}

function hold(draft: Draft): void {
  const until = holdUntil(draft.router.config, draft.now);
  if (until === undefined) return;
  draft.router = { ...draft.router, holdUntil: until };
  const text = `Delaying startup for ${toSeconds(since(until, draft.now))} seconds`;
  draft.actions.push({ type: 'log', severity: 'info', text });
}

function onEvent(draft: Draft, event: VrrpEvent): void {
  switch (event.type) {
    case 'deadline':
      onDeadline(draft);
      return;
    case 'packet':
      receive(draft, event.socket, event.packet);
      return;
    case 'overflow':
      onOverflow(draft, event.lost);
      return;
    case 'facts':
      draft.router = { ...draft.router, kernel: kernelFacts(event.facts) };
      tendLinks(draft);
      repairStatics(draft);
      for (const position of draft.router.members.keys()) repairAll(draft, position);
      refreshAll(draft);
      return;
    case 'link':
      onLink(draft, event.link.index, withLink(draft.router.kernel, believe(draft, event.link)));
      retrySync(draft, event.link.index);
      return;
    case 'linkGone':
      forgetSwaying(draft, event.index);
      onLink(draft, event.index, withoutLink(draft.router.kernel, event.index));
      return;
    case 'address':
      onAddress(draft, event.address);
      return;
    case 'addressGone':
      onAddressGone(draft, event.address);
      return;
    case 'routeGone':
      onRouteGone(draft, event.route);
      return;
    case 'ruleGone':
      onRuleGone(draft, event.rule);
      return;
    case 'tuned':
      noteTuned(draft, event.was);
      return;
    case 'announced':
      postpone(draft, event.queue, event.late);
      return;
    case 'opened':
      onOpened(draft, event.socket, event.hears);
      return;
    case 'refused':
      onRefused(draft, event);
      settleSockets(draft);
      return;
    case 'probed':
      track(draft, onRunEnd(draft.router.trackers, event.run, event.end, draft.actions));
      return;
    case 'fileRead':
    case 'processes':
      track(draft, observed(draft, event));
      return;
    case 'stalled':
      onStalled(draft, event.pace, event.missed);
      return;
    case 'unsent':
      onUnsent(draft, event);
      return;
    case 'reload': {
      const { config, observed: seen = NOTHING_OBSERVED } = event;
      reload(draft, config, seen);
      checkSync(draft);
      track(draft, onProcesses(draft.router.trackers, seen.counts, draft.now, draft.actions));
      settleSockets(draft);
      return;
    }
    case 'clearStatistics':
      clearStatistics(draft);
      return;
    case 'stop':
      stop(draft, event.stays);
      return;
  }
}

function onDeadline(draft: Draft): void {
  for (const link of settledLinks(draft))
    onLink(draft, link.index, withLink(draft.router.kernel, link));
  for (const [position, { state }] of draft.router.members.entries()) {
    const at = instanceDeadline(state);
    const said = draft.actions.length;
    if (at !== undefined && at <= draft.now) advance(draft, position, { type: 'deadline' });
    if (isStalled(state)) repairAll(draft, position);
    // Announced because of what another sent, as often as it is sent.
    if (state.name === 'master' && at === state.lowerAnnounceAt) restrain(draft, said);
    repairRefused(draft, position);
    renew(draft, position);
  }
  retryRefused(draft);
  tendLinks(draft);
  const awake = wakeProcesses(draft.router.trackers, draft.now, draft.actions);
  track(draft, wakeScripts(awake, draft.now, draft.actions));
  retrySockets(draft);
  flush(draft);
  catchUp(draft);
  settleSockets(draft);
}

function onOpened(draft: Draft, socket: string, hears: Instant): void {
  for (const [position, member] of draft.router.members.entries())
    if (member.socket === socket) advance(draft, position, { type: 'hears', from: hears });
}

function onStalled(draft: Draft, pace: number, missed: Instant): void {
  const position = draft.router.members.findIndex((member) => member.pace === pace);
  if (position >= 0) advance(draft, position, { type: 'stalled', missed });
}

function observed(
  { router, now, actions }: Draft,
  event: Extract<VrrpEvent, { readonly type: 'fileRead' | 'processes' }>,
): Trackers {
  const { trackers, config } = router;
  if (event.type === 'processes') return onProcesses(trackers, event.counts, now, actions);
  const file = trackedFiles(config).find(({ name }) => name === event.name);
  return file === undefined ? trackers : onFileRead(trackers, file, event.text, actions);
}

/** What instances make of trackers that have changed. */
function track(draft: Draft, trackers: Trackers): void {
  const before = draft.router.trackers;
  if (trackers === before) return;
  draft.router = { ...draft.router, trackers };
  if (saysTheSame(before, trackers)) return;
  refreshAll(draft);
}

/** What -V leaves out of the end of an instance: the last advert, and what takes away what it holds. */
const RELEASES: ReadonlySet<VrrpAction['type']> = new Set([
  ...(['send', 'removeAddresses', 'unshield', 'removeRoutes', 'removeRules'] as const),
]);

const isQuiet = (action: VrrpAction): boolean =>
  !RELEASES.has(action.type) &&
  !(action.type === 'log' && /\) (removing |sent 0 priority)/.test(action.text));

/** Everything is given up; what comes after this changes nothing any more. */
function stop(draft: Draft, stays = false): void {
  for (const position of draft.router.members.keys()) {
    advance(draft, position, { type: 'stop' });
    const { socket: _, ...rest } = memberAt(draft, position);
    setMember(draft, position, rest);
  }
  if (stays) draft.actions.splice(0, Number.POSITIVE_INFINITY, ...draft.actions.filter(isQuiet));
  releaseStatics(draft);
  if (!stays) releaseLinks(draft);
  for (const { config } of draft.router.groups)
    notifyGroup(draft.router.config, config, 'stop', draft.actions);
  settleSockets(draft);
  const trackers = endScripts(draft.router.trackers, draft.actions);
  draft.router = { ...draft.router, phase: 'stopped', queues: {}, chatter: SILENT, trackers };
  settleSync(draft);
  draft.actions.push({ type: 'exit', status: 0 });
}

// The kernel's news

function refreshAll(draft: Draft): void {
  for (const position of draft.router.members.keys()) refresh(draft, position);
  settleSockets(draft);
}

function onLink(draft: Draft, index: number, kernel: RouterState['kernel']): void {
  const before = draft.router.kernel.links[index];
  const link = kernel.links[index];
  draft.router = { ...draft.router, kernel };
  tellLink(draft, before, link);
  if (link === undefined && before !== undefined) forgetAsked(draft, before.name);
  tendLinks(draft);
  refreshAll(draft);
  if (isRunning(link) && !isRunning(before)) onLinkUp(draft, index);
}

function onAddress(
  draft: Draft,
  address: Extract<VrrpEvent, { type: 'address' }>['address'],
): void {
  draft.router = { ...draft.router, kernel: withAddress(draft.router.kernel, address) };
  // Our own additions come back as news, by the thousand; they are never a source.
  if (isVirtual(draft.router, address)) return;
  const sources = sourcesOf(draft.router);
  refreshAll(draft);
  const used = !sources.has(address.address) && sourcesOf(draft.router).has(address.address);
  if (used) tellAddress(draft, 'Assigned', 'for', address);
}

function onAddressGone(
  draft: Draft,
  address: Extract<VrrpEvent, { type: 'addressGone' }>['address'],
): void {
  draft.router = { ...draft.router, kernel: withoutAddress(draft.router.kernel, address) };
  const name = draft.router.kernel.links[address.index]?.name;
  // With another label it is what a reload has taken off and put on again.
  const isHeld = (held: KernelAddress): boolean =>
    sameAddress(held, address) &&
    (address.label === undefined || (held.label ?? name) === address.label);
  for (const position of draft.router.members.keys()) repair(draft, position, isHeld);
  tendLinks(draft);
  onStaticAddressGone(draft, address);
  if (isVirtual(draft.router, address)) return;
  if (sourcesOf(draft.router).has(address.address))
    tellAddress(draft, 'Deassigned', 'from', address);
  refreshAll(draft);
}

const sourcesOf = ({ members }: RouterState): Set<string | undefined> =>
  new Set(members.map(({ source }) => source));

const isStalled = (state: InstanceState): boolean =>
  state.name === 'master' && state.stall !== undefined;

/** Puts back what a master holds and somebody else took away: just that, with its announcement. */
function repair(draft: Draft, position: number, lost: (held: KernelAddress) => boolean): void {
  const member = memberAt(draft, position);
  // After a stall it may have to yield: until it has read everything it takes nothing back.
  if (member.state.name !== 'master' || isStalled(member.state)) return;
  const missing = member.held.filter(
    (held) =>
      held.no_track === undefined &&
      lost(held) &&
      draft.router.kernel.links[held.index] !== undefined,
  );
  if (missing.length === 0) return;
  const lines: VrrpAction[] = missing.map(({ address, index }) => ({
    type: 'log',
    severity: 'detail',
    text: `Netlink reflector reports IP ${address} removed from ${draft.router.kernel.links[index]?.name}`,
  }));
  burst(draft, member, missing, missing, member.config.garp_master_repeat, lines);
  afterAddress(draft, member);
  draft.actions.push(...lines);
}

function repairAll(draft: Draft, position: number): void {
  const { addresses } = draft.router.kernel;
  repairRouting(draft, memberAt(draft, position));
  repair(draft, position, (held) => {
    const known = addresses[held.index] ?? [];
    return !known.some(
      (address) => address.address === held.address && address.prefix === held.prefix,
    );
  });
}

/** Every socket is for the instances that use it, and those that none uses are closed. */
function settleSockets(draft: Draft): void {
  tuneSockets(draft);
  const used = new Set(draft.router.members.map(({ socket }) => socket));
  const keys = Object.keys(draft.router.sockets);
  if (keys.every((key) => used.has(key))) return;
  for (const key of keys) if (!used.has(key)) draft.actions.push({ type: 'close', socket: key });
  draft.router = {
    ...draft.router,
    sockets: Object.fromEntries(
      Object.entries(draft.router.sockets).filter(([key]) => used.has(key)),
    ),
  };
}
