// The state for programs: keepalived.json, with keepalived's names, order and number formats. Passwords are masked, as 2.4.3
// does. Nothing here is parsed back.

import { shownWords } from '../config/command.ts';
import type { Script } from '../config/value.ts';
import type { Clock } from '../lib/stamp.ts';
import { type Instant, toSeconds, ZERO } from '../lib/time.ts';
import { addressTexts, since } from './dump.ts';
import type { InstanceState } from './instance.ts';
import type { VrrpInstance } from './keywords.ts';
import { isMailing } from './notify.ts';
import { authType } from './speech.ts';
import type { Member, RouterState } from './state.ts';
import { sentBy } from './statistics.ts';
import type { ProcessState, Trackers } from './tracker.ts';

/**
 * One line. json_version 1, the only form that 2.2.7 has: an array with an object for each instance. 2: that array as
 * `vrrp` of an object, and what is known of tracked processes beside it.
 */
export function dumpJson(state: RouterState, clock: Clock): string {
  const instances = array(
    state.members.map((member) =>
      object([
        ['data', data(state, member, clock)],
        ['stats', statistics(member, clock.monotonic)],
      ]),
    ),
  );
  if (state.config.global_defs.json_version !== 2) return instances;
  const processes = Object.values(state.trackers.processes).map(trackedProcess);
  return object([
    ['vrrp', instances],
    ['track_process', processes.length === 0 ? undefined : array(processes)],
  ]);
}

const array = (items: readonly string[]): string => `[${items.join(',')}]`;

function trackedProcess({ config, current, up, changeAt }: ProcessState): string {
  const { name, process, param_match: match, weight, delay, full_command } = config;
  const [, ...words] = process;
  const compares = match !== undefined || words.length > 0;
  const pending = (to: boolean): string => String(changeAt !== undefined && up !== to);
  return object([
    ['process', text(name)],
    ['parameters', words.length === 0 ? undefined : text(words.join(' '))],
    ['param_match', text(compares ? (match ?? 'exact') : 'none')],
    ['min_processes', String(config.quorum)],
    ['max_processes', config.quorum_max === undefined ? undefined : String(config.quorum_max)],
    ['current_processes', String(current)],
    ['have_quorum', String(up)],
    ['weight', String(weight.reverse ? -weight.weight : weight.weight)],
    ['terminate_delay', String(toSeconds(config.terminate_delay ?? delay ?? ZERO))],
    ['fork_delay', String(toSeconds(config.fork_delay ?? delay ?? ZERO))],
    ['fork_delay_timer_running', pending(true)],
    ['terminate_delay_timer_running', pending(false)],
    ['full_command', String(full_command || compares)],
  ]);
}

/** A name and a value that is JSON already; one without a value is left out. */
type Field = readonly [name: string, json: string | undefined];

const object = (fields: readonly Field[]): string =>
  `{${fields.flatMap(([name, json]) => (json === undefined ? [] : [`"${name}":${json}`])).join(',')}}`;

// keepalived's writer escapes the slash.
const text = (value: string): string => JSON.stringify(value).replaceAll('/', '\\/');
const bit = (value: boolean): string => (value ? '1' : '0');
const list = (texts: readonly string[]): string | undefined =>
  texts.length === 0 ? undefined : array(texts.map(text));

function script(value: Script | true | undefined): string | undefined {
  if (value === undefined || value === true) return undefined;
  return text(shownWords(value.words));
}

const STATES: { readonly [name in InstanceState['name']]: number } = {
  init: 0,
  stop: 0,
  backup: 1,
  master: 2,
  fault: 3,
};

function data(
  { kernel, config: all, trackers }: RouterState,
  member: Member,
  clock: Clock,
): string {
  const { config, rules, state } = member;
  return object([
    ['iname', text(config.name)],
    ['dont_track_primary', bit(config.dont_track_primary)],
    ['skip_check_adv_addr', bit(config.skip_check_adv_addr)],
    ['strict_mode', bit(config.strict_mode === true)],
    ['vmac_ifname', text(config.own ?? '')],
    [
      'ifp_ifname',
      config.interface === undefined ? undefined : text(config.own ?? config.interface),
    ],
    ['master_priority', String(state.name === 'backup' ? (state.master?.priority ?? 0) : 0)],
    ['last_transition', wallSeconds(clock, since(state, clock))],
    ['garp_delay', String(toSeconds(config.garp_master_delay))],
    ['garp_refresh', String(toSeconds(config.garp_master_refresh))],
    ['garp_rep', String(config.garp_master_repeat)],
    ['garp_refresh_rep', String(config.garp_master_refresh_repeat)],
    ['garp_lower_prio_delay', String(toSeconds(config.garp_lower_prio_delay))],
    ['garp_lower_prio_rep', String(config.garp_lower_prio_repeat)],
    ['lower_prio_no_advert', bit(config.lower_prio_no_advert)],
    ['higher_prio_send_advert', bit(config.higher_prio_send_advert)],
    ['vrid', String(config.virtual_router_id)],
    ['base_priority', String(config.priority)],
    ['effective_priority', String(rules.priority)],
    ['vipset', String(state.name === 'master')],
    ['promote_secondaries', String(config.promote_secondaries === true)],
    ['adver_int', String(toSeconds(config.advert_int))],
    ['master_adver_int', String(toSeconds(masterInterval(config, state)))],
    ['accept', bit(config.accept)],
    ['nopreempt', String(config.nopreempt)],
    ['preempt_delay', String(Math.trunc(toSeconds(config.preempt_delay)))],
    ['state', String(STATES[state.name])],
    ['wantstate', String(STATES[state.name])],
    ['version', String(config.version)],
    ['smtp_alert', String(isMailing(all, config))],
    ['notify_deleted', String(config.notify_deleted !== undefined)],
    ['script_backup', script(config.notify_backup)],
    ['script_master', script(config.notify_master)],
    ['script_fault', script(config.notify_fault)],
    ['script_stop', script(config.notify_stop)],
    ['script_deleted', script(config.notify_deleted)],
    ['script', script(config.notify)],
    ['script_master_rx_lower_pri', script(config.notify_master_rx_lower_pri)],
    ['vips', list(addressTexts(member, kernel, config.virtual_ipaddress))],
    ['evips', list(addressTexts(member, kernel, config.virtual_ipaddress_excluded))],
    ['track_ifp', list((config.track_interface ?? []).map(({ name }) => name))],
    ['track_script', list(scriptTexts(config, trackers))],
    // Version 1 stays what 2.2.7 writes.
    [
      'track_process',
      all.global_defs.json_version === 2
        ? list((config.track_process ?? []).map(({ name }) => name))
        : undefined,
    ],
    ['auth_type', String(authType(config))],
    ['auth_data', config.authentication === undefined ? undefined : text('********')],
  ]);
}

/** keepalived names the commands, not the scripts. */
const scriptTexts = ({ track_script = [] }: VrrpInstance, { scripts }: Trackers) =>
  track_script.flatMap(({ name }) => {
    const words = scripts[name]?.config.script.words;
    return words === undefined ? [] : [shownWords(words)];
  });

const masterInterval = (config: VrrpInstance, state: InstanceState) =>
  state.name === 'backup' ? state.masterInterval : config.advert_int;

/** Seconds since 1970, six decimals. */
const wallSeconds = ({ wall, monotonic }: Clock, at: Instant): string =>
  ((wall - (monotonic - at)) / 1e6).toFixed(6);

function statistics(member: Member, now: Instant): string {
  const { received, becameMaster, releasedMaster, drops, ...zero } = member.statistics;
  const counters: readonly (readonly [string, number])[] = [
    ['advert_rcvd', received],
    ['advert_sent', sentBy(member, now)],
    ['become_master', becameMaster],
    ['release_master', releasedMaster],
    ['packet_len_err', drops.length],
    ['advert_interval_err', drops.interval],
    ['ip_ttl_err', drops.ttl],
    ['invalid_type_rcvd', drops.type],
    ['addr_list_err', drops.addresses],
    ['invalid_authtype', drops.authType],
    ['authtype_mismatch', drops.authMismatch],
    ['auth_failure', drops.authFailure],
    ['pri_zero_rcvd', zero.priorityZeroReceived],
    ['pri_zero_sent', zero.priorityZeroSent],
  ];
  return object(counters.map(([name, count]) => [name, String(count)]));
}
