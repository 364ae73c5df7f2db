// What logs, scripts, FIFOs and people are told of servers and quorums, in keepalived's words and order.

import type { Script } from '../config/value.ts';
import { itemAt } from '../lib/vector.ts';
import { idOfReal, type PlannedReal, type PlannedService, realName } from './plan.ts';
import {
  inhibits,
  isSorry,
  leastGained,
  leastLeft,
  liveWeight,
  type RealState,
  realDestination,
  type ServiceState,
  sorryPlace,
} from './service.ts';
import { type Draft, say } from './state.ts';

/** A real server has come up or gone down. */
export function tellReal(
  draft: Draft,
  service: PlannedService,
  real: PlannedReal,
  up: boolean,
): void {
  logReal(draft, service, real, up);
  reportReal(draft, service, real, up);
}

export function logReal(
  draft: Draft,
  service: PlannedService,
  real: PlannedReal,
  up: boolean,
): void {
  const inhibit = inhibits(service, real);
  const verb = up ? (inhibit ? 'Enabling' : 'Adding') : inhibit ? 'Disabling' : 'Removing';
  const preposition = inhibit ? 'of' : up ? 'to' : 'from';
  say(draft, 'info', `${verb} service ${real.name} ${preposition} VS ${service.name}`);
}

/** What programs are told of it. */
export function reportReal(
  draft: Draft,
  service: PlannedService,
  real: PlannedReal,
  up: boolean,
): void {
  const { name, config } = real;
  // The same server may be up in one service and down in another, and two services may have one name: a mark of both families.
  runScript(draft, up ? config.notify_up : config.notify_down, idOfReal(service, real), up);
  tellFifo(draft, `RS ${name} ${service.name} ${up ? 'UP' : 'DOWN'}`);
}

/** What programs take a server for is another now. */
export function reportChange(
  draft: Draft,
  service: PlannedService,
  real: PlannedReal,
  up: boolean,
): void {
  const server = [idOfReal(service, real)];
  draft.actions.push({ type: 'note', down: up ? [] : server, up: up ? server : [] });
  reportReal(draft, service, real, up);
}

/** What programs take all servers for, at a start and after a reload. */
export function noteAll(draft: Draft): void {
  const { plan, services } = draft.state;
  const down = plan.services.flatMap((service, at) => {
    const { reals } = itemAt(services, at);
    return service.reals.flatMap((real, place) =>
      reals[place]?.told === true ? [] : [idOfReal(service, real)],
    );
  });
  draft.actions.push({ type: 'note', down, up: 'others' });
}

/** What people are told of it. */
export function mailReal(
  draft: Draft,
  service: PlannedService,
  { name, config }: PlannedReal,
  up: boolean,
  text: string,
): void {
  const { smtp_alert_checker, smtp_alert } = draft.state.config.global_defs;
  if (!(config.smtp_alert ?? smtp_alert_checker ?? smtp_alert ?? true)) return;
  const of = `Realserver ${name} of virtual server ${service.name}`;
  mail(draft, `${of} - ${up ? 'UP' : 'DOWN'}`, text);
}

/** There are enough servers now, or no longer. */
export function tellQuorum(
  draft: Draft,
  service: PlannedService,
  reals: readonly RealState[],
  up: boolean,
  before: PlannedService = service,
): void {
  const { name, config } = service;
  const { quorum, hysteresis } = config;
  const live = liveWeight(reals);
  const text = up
    ? `Gained quorum ${quorum}+${hysteresis}=${leastGained(config)} <= ${live}`
    : `Lost quorum ${quorum}-${hysteresis}=${leastLeft(config)} > ${live}`;
  say(draft, 'info', `${text} for VS ${name}`);
  tellSorry(draft, service, up, before);
  reportQuorum(draft, service, up);
  mailQuorum(draft, service, reals, up, up ? 'Gained quorum' : 'Lost quorum');
}

/** A reload has brought another sorry server, or taken it away, and the quorum is what it was. */
export function tellOtherSorry(
  draft: Draft,
  before: PlannedService,
  service: PlannedService,
  { reals, quorum }: ServiceState,
): void {
  tellSorryGone(draft, before, quorum);
  if (quorum) return;
  // It serves from now on: keepalived tells of that as at a start.
  if (service.config.sorry_server !== undefined) tellTooFew(draft, service, reals);
  else if (liveWeight(reals) > 0)
    say(draft, 'info', `Adding alive servers to the pool for VS ${service.name}`);
}

/** One that is not there any more; `quorum`: as it was until now. */
function tellSorryGone(draft: Draft, { config, name }: PlannedService, quorum: boolean): void {
  const { sorry_server: sorry, sorry_server_inhibit: inhibit } = config;
  if (sorry === undefined || (quorum && !inhibit)) return;
  say(draft, 'info', `Removing sorry server ${realName(sorry, config)} from VS ${name}`);
}

function reportQuorum(draft: Draft, { id, name, config }: PlannedService, up: boolean): void {
  runScript(draft, up ? config.quorum_up : config.quorum_down, id, up);
  tellFifo(draft, `VS ${name} ${up ? 'UP' : 'DOWN'}`);
}

function mailQuorum(
  draft: Draft,
  { name, config }: PlannedService,
  reals: readonly RealState[],
  up: boolean,
  what: string,
): void {
  const { smtp_alert_checker, smtp_alert } = draft.state.config.global_defs;
  if (!(config.smtp_alert ?? smtp_alert_checker ?? smtp_alert ?? false)) return;
  const { quorum, hysteresis } = config;
  // keepalived writes the same sum whichever it was.
  const sum = `${quorum}+${hysteresis}=${quorum + hysteresis} <= ${liveWeight(reals)}`;
  mail(draft, `Virtualserver ${name} - ${up ? 'UP' : 'DOWN'}`, `${what} ${sum}`);
}

/** `before`: what the service was until now, where a reload may have brought another sorry server. */
function tellSorry(
  draft: Draft,
  service: PlannedService,
  quorum: boolean,
  before: PlannedService = service,
): void {
  const { config, name } = service;
  const { sorry_server: sorry, sorry_server_inhibit: inhibit } = config;
  const stays = isSameSorry(before, service);
  if (!stays) tellSorryGone(draft, before, !quorum);
  if (isSorry(service, { quorum })) {
    if (sorry === undefined) return;
    const verb = inhibit ? 'Enabling' : 'Adding';
    say(draft, 'info', `${verb} sorry server ${realName(sorry, config)} to VS ${name}`);
    say(draft, 'info', `Removing alive servers from the pool for VS ${name}`);
  } else if (before.config.sorry_server !== undefined) {
    const verb = inhibit ? 'Disabling' : 'Removing';
    if (stays && sorry !== undefined)
      say(draft, 'info', `${verb} sorry server ${realName(sorry, config)} from VS ${name}`);
    if (quorum) say(draft, 'info', `Adding alive servers to the pool for VS ${name}`);
  }
}

/** Both have the same, or none. */
export const isSameSorry = (a: PlannedService, b: PlannedService): boolean =>
  sorryPlace(a) === sorryPlace(b);

/** What a service begins with. */
export function tellStart(draft: Draft, service: PlannedService, state: ServiceState): void {
  const { config, name } = service;
  if (draft.state.config.global_defs.rs_init_notifies)
    for (const [at, real] of service.reals.entries())
      if (state.reals[at]?.alive === true) reportReal(draft, service, real, true);
  // Where nobody stands in for them, too few servers are no news; test/unit/check-director.test.ts has keepalived's.
  if (!state.quorum) {
    if (config.sorry_server !== undefined) tellTooFew(draft, service, state.reals);
    return;
  }
  const { quorum, hysteresis } = config;
  const sum = `${quorum}+${hysteresis}=${leastGained(config)} <= ${liveWeight(state.reals)}`;
  say(draft, 'info', `Gained quorum ${sum} for VS ${name}`);
  reportQuorum(draft, service, true);
  mailQuorum(draft, service, state.reals, true, 'Starting with quorum up');
}

/** The sorry server of a service begins to serve with it. */
function tellTooFew(draft: Draft, service: PlannedService, reals: readonly RealState[]): void {
  const { config, name } = service;
  const { quorum, hysteresis } = config;
  // The minus is keepalived's, the sum is right.
  const sum = `${quorum}-${hysteresis}=${leastGained(config)} > ${liveWeight(reals)}`;
  say(draft, 'info', `Starting with quorum down ${sum} for VS ${name}`);
  tellSorry(draft, service, false);
  reportQuorum(draft, service, false);
  mailQuorum(draft, service, reals, false, 'Starting with quorum down');
}

/** Which checks are made from now on, at a start and after a reload. */
export function tellChecks(draft: Draft): void {
  const { plan, suspended } = draft.state;
  for (const [at, service] of plan.services.entries())
    for (const real of service.reals)
      for (const check of real.checks)
        if ((plan.checks[check]?.targets.length ?? 0) > 0)
          tellActivity(
            draft,
            service,
            real,
            suspended.has(at) ? 'Deactivating' : 'Activating',
            'routine',
          );
}

export function tellActivity(
  draft: Draft,
  service: PlannedService,
  real: PlannedReal,
  verb: 'Activating' | 'Deactivating' | 'Suspending',
  severity: 'info' | 'routine' = 'info',
): void {
  say(draft, severity, `${verb} healthchecker for service ${real.name} for VS ${service.name}`);
}

/** What a service ends with. */
export function tellEnd(draft: Draft, service: PlannedService, state: ServiceState): void {
  const { config, reals, name } = service;
  for (const [at, real] of reals.entries()) {
    const standing = state.reals[at] as RealState;
    const { alive } = standing;
    const how = !alive && inhibits(service, real) ? ' (inhibited)' : '';
    say(draft, 'info', `Shutting down${how} service ${real.name} from VS ${name}`);
    // One that stands behind a sorry server has served nobody, as in tellGone.
    const set = realDestination(service, real, standing, state.quorum) !== undefined;
    if (config.omega && alive && set) reportReal(draft, service, real, false);
  }
  // A quorum that is lost already too, as keepalived does: what cleans up is run whatever there was.
  if (config.omega) reportQuorum(draft, service, false);
}

/** A real server that a reload has left out. What stood behind a sorry server, or was down, is not in IPVS: that it goes is no news. */
export function tellGone(
  draft: Draft,
  service: PlannedService,
  real: PlannedReal,
  state: RealState,
  quorum: boolean,
): void {
  if (realDestination(service, real, state, quorum) === undefined) return;
  const how = state.alive ? '' : ' (inhibited)';
  say(draft, 'info', `Removing${how} service ${real.name} from VS ${service.name}`);
  if (!state.alive) return;
  reportReal(draft, service, real, false);
  mailReal(draft, service, real, false, 'Removing');
}

/** A service that a reload has left out. */
export function tellServiceGone(draft: Draft, service: PlannedService, state: ServiceState): void {
  say(draft, 'info', `Removing Virtual Server ${service.name}`);
  for (const [at, real] of service.reals.entries())
    tellGone(draft, service, real, state.reals[at] as RealState, state.quorum);
  if (state.quorum) reportQuorum(draft, service, false);
}

/** A server counts for more or less now, or will when it is up. */
export function tellWeight(
  draft: Draft,
  { name }: PlannedService,
  real: PlannedReal,
  before: RealState,
  now: RealState,
): void {
  // One that goes down starts anew with the weight that it has in the file, which is no news.
  if (before.weight === now.weight || (before.alive && !now.alive)) return;
  const what = before.alive ? 'active' : 'inactive';
  const change = `from ${before.weight} to ${now.weight}`;
  say(draft, 'info', `Changing weight ${change} for ${what} service ${real.name} of VS ${name}`);
}

function runScript(draft: Draft, script: Script | undefined, owner: string, up: boolean): void {
  if (script === undefined) return;
  draft.actions.push({ type: 'run', owner, state: up ? 'UP' : 'DOWN', script });
}

function tellFifo(draft: Draft, line: string): void {
  const { notify_fifo, lvs_notify_fifo } = draft.state.config.global_defs;
  if (notify_fifo !== undefined || lvs_notify_fifo !== undefined)
    draft.actions.push({ type: 'fifo', line });
}

function mail(draft: Draft, subject: string, text: string): void {
  const { notification_email, router_id } = draft.state.config.global_defs;
  if (notification_email === undefined || notification_email.length === 0) return;
  draft.actions.push({
    type: 'mail',
    subject: `[${router_id}] ${subject}`,
    text: `=> ${text} <=\n\n`,
  });
}
