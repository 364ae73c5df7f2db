// What logs, scripts, FIFOs and people are told of servers and quorums, in keepalived's words and order.

import type { Script } from '../config/value.ts';
import type { PlannedReal, PlannedService } from './plan.ts';
import { realName } from './plan.ts';
import { isSorry, liveWeight, type RealState, type ServiceState } from './service.ts';
import { type Draft, say } from './state.ts';

/** A real server has come up or gone down. */
export function tellReal(
  draft: Draft,
  service: PlannedService,
  real: PlannedReal,
  up: boolean,
  _sorry: boolean,
): void {
  const inhibit = real.config.inhibit_on_failure ?? service.config.inhibit_on_failure;
  const verb = up ? (inhibit ? 'Enabling' : 'Adding') : inhibit ? 'Disabling' : 'Removing';
  const preposition = up ? 'to' : inhibit ? 'of' : 'from';
  say(draft, 'info', `${verb} service ${real.name} ${preposition} VS ${service.name}`);
  reportReal(draft, service, real, up);
}

/** What programs are told of it. */
export function reportReal(
  draft: Draft,
  service: PlannedService,
  { name, config }: PlannedReal,
  up: boolean,
): void {
  const of = `service ${name} in VS ${service.name}`;
  runScript(draft, up ? config.notify_up : config.notify_down, name, of);
  line(draft, `RS ${name} ${service.name} ${up ? 'UP' : 'DOWN'}`);
}

/** There are enough servers now, or no longer. */
export function tellQuorum(
  draft: Draft,
  service: PlannedService,
  reals: readonly RealState[],
  up: boolean,
): void {
  const { quorum, hysteresis, quorum_up, quorum_down } = service.config;
  const live = liveWeight(reals);
  const { name } = service;
  say(
    draft,
    'info',
    up
      ? `Gained quorum ${quorum}+${hysteresis}=${quorum + hysteresis} <= ${live} for VS ${name}`
      : `Lost quorum ${quorum}-${hysteresis}=${quorum - hysteresis} > ${live} for VS ${name}`,
  );
  if (service.config.sorry_server !== undefined) tellSorry(draft, service, up);
  runScript(draft, up ? quorum_up : quorum_down, name, `VS ${name}`);
  line(draft, `VS ${name} ${up ? 'UP' : 'DOWN'}`);
}

export function tellSorry(draft: Draft, service: PlannedService, quorum: boolean): void {
  const { config, name } = service;
  if (config.sorry_server === undefined) return;
  const sorry = realName(config.sorry_server, config);
  if (isSorry(service, { quorum })) {
    say(draft, 'info', `Adding sorry server ${sorry} to VS ${name}`);
    say(draft, 'info', `Removing alive servers from the pool for VS ${name}`);
  } else {
    say(draft, 'info', `Adding alive servers to the pool for VS ${name}`);
    say(draft, 'info', `Removing sorry server ${sorry} from VS ${name}`);
  }
}

function runScript(draft: Draft, script: Script | undefined, owner: string, of: string): void {
  if (script === undefined) return;
  say(draft, 'info', `Executing [${script.words.join(' ')}] for ${of}`);
  draft.actions.push({ type: 'run', owner, script });
}

function line(draft: Draft, text: string): void {
  const { notify_fifo, lvs_notify_fifo } = draft.state.config.global_defs;
  if (notify_fifo === undefined && lvs_notify_fifo === undefined) return;
  draft.actions.push({ type: 'fifo', line: text });
}

/** What a service begins with. */
export function tellStart(draft: Draft, service: PlannedService, state: ServiceState): void {
  const { config, name } = service;
  if (!state.quorum) {
    const { quorum, hysteresis } = config;
    const live = liveWeight(state.reals);
    const least = quorum - hysteresis;
    say(
      draft,
      'info',
      `Starting with quorum down ${quorum}-${hysteresis}=${least} > ${live} for VS ${name}`,
    );
    tellSorry(draft, service, false);
  }
  for (const real of service.reals)
    for (const _ of real.checks)
      say(draft, 'info', `Activating healthchecker for service ${real.name} for VS ${name}`);
}

/** What a service ends with. */
export function tellEnd(
  draft: Draft,
  { config, reals, name }: PlannedService,
  state: ServiceState,
): void {
  for (const [at, real] of reals.entries()) {
    say(draft, 'info', `Removing service ${real.name} from VS ${name}`);
    if (config.omega && state.reals[at]?.alive === true)
      runScript(draft, real.config.notify_down, real.name, `service ${real.name} in VS ${name}`);
  }
  if (config.omega && state.quorum) runScript(draft, config.quorum_down, name, `VS ${name}`);
}

/** A server that is alive counts for more or less now. */
export function tellWeight(
  draft: Draft,
  { name }: PlannedService,
  real: PlannedReal,
  before: number,
  now: number,
): void {
  if (before === now) return;
  say(
    draft,
    'info',
    `Changing weight from ${before} to ${now} for service ${real.name} of VS ${name}`,
  );
}
