// What one instance goes by, is, learns and orders, as plain data. Types only; who changes what is said in
// machine.ts.

import type { Ip } from '../lib/ip.ts';
import type { Duration, Instant } from '../lib/time.ts';
import type { Severity } from './action.ts';
import type { Fault } from './fault.ts';
import type { VrrpInstance } from './keywords.ts';
import type { Advert } from './packet.ts';

/** What of the configuration decides the election. */
export type Rules = Pick<
  VrrpInstance,
  | 'name'
  | 'version'
  | 'priority'
  | 'advert_int'
  | 'down_timer_adverts'
  | 'nopreempt'
  | 'preempt_delay'
  | 'garp_master_delay'
  | 'garp_master_repeat'
  | 'garp_master_refresh'
  | 'garp_master_refresh_repeat'
  | 'garp_extra_if'
  | 'garp_lower_prio_delay'
  | 'garp_lower_prio_repeat'
  | 'lower_prio_no_advert'
  | 'higher_prio_send_advert'
  | 'timer_expired_backup'
>;

export interface Subject {
  readonly rules: Rules;
  /** The address our adverts come from, which breaks ties; absent while there is none (then there is a fault). */
  readonly source?: Ip;
  /**
   * It belongs to a sync group with other members; `waits` while one of them would not become master too, `owns` where all
   * of them own their addresses.
   */
  readonly group?: { readonly waits: boolean; readonly owns: boolean };
}

/** Why a state was entered. */
export type Because =
  | { readonly because: 'start' }
  | { readonly because: 'owner' }
  /** The process that was master ended a moment ago. */
  | { readonly because: 'adopted' }
  | { readonly because: 'timeout' }
  | { readonly because: 'advert'; readonly from: Ip; readonly priority: number }
  /** Nothing was said for so long that another may be master: timer_expired_backup. */
  | { readonly because: 'late' }
  | { readonly because: 'faults' }
  | { readonly because: 'recovered' }
  | { readonly because: 'group' }
  | { readonly because: 'stop' };

interface Entered {
  readonly since: Instant;
  readonly reason: Because;
}

export type InstanceState =
  | { readonly name: 'init' }
  | (Entered & {
      readonly name: 'backup';
      readonly masterDownAt: Instant;
      /** Master_Adver_Interval: the master's own, learned in version 3. */
      readonly masterInterval: Duration;
      readonly master?: { readonly address: Ip; readonly priority: number };
      /** preempt_delay is running: until then a lower priority master is left alone. */
      readonly preemptAt?: Instant;
      /** It would be master if it were not for its group. */
      readonly wants?: true;
    })
  | (Entered & {
      readonly name: 'master';
      /** An instant of the schedule of adverts: they leave at phase, phase + advert_int, ... */
      readonly phase: Instant;
      readonly stall?: Stall;
      /** Second burst of announcements. */
      readonly announceAt?: Instant;
      /** Second burst after a lower priority advert. */
      readonly lowerAnnounceAt?: Instant;
      readonly refreshAt?: Instant;
      /** Addresses on other interfaces are announced again. */
      readonly extraAt?: Instant;
      /** A worse master spoke after we had answered one: at the end of the period it is answered too. */
      readonly correctAt?: Instant;
      /** No unscheduled advert before this. */
      readonly replyAt?: Instant;
    })
  | (Entered & { readonly name: 'fault'; readonly faults: readonly Fault[] })
  | (Entered & { readonly name: 'stop' });

/** The schedule was not kept: unless a better master is heard in what is still to be read, we speak again. */
export interface Stall {
  readonly resumeAt: Instant;
  /** Our last advert: from it the others count. */
  readonly spokeAt: Instant;
  /** A worse master that spoke meanwhile. */
  readonly rival?: Heard;
}

export type BackupState = Extract<InstanceState, { name: 'backup' }>;
export type MasterState = Extract<InstanceState, { name: 'master' }>;

export type InstanceEvent =
  | { readonly type: 'start'; readonly faults: readonly Fault[] }
  /** Start where a process ended that was master until a moment ago: the segment has not noticed. */
  | { readonly type: 'adopt' }
  | { readonly type: 'faults'; readonly faults: readonly Fault[] }
  /** A valid advert for this virtual router that we did not send. */
  | { readonly type: 'advert'; readonly advert: Pick<Advert, 'source' | 'priority' | 'interval'> }
  /** The other members of the group have become this. */
  | { readonly type: 'join'; readonly as: 'backup' | 'master' }
  /** Its socket is there, since this instant. */
  | { readonly type: 'hears'; readonly from: Instant }
  | { readonly type: 'deadline' }
  /** An advert of the schedule, due at `missed`, and all after it did not leave. */
  | { readonly type: 'stalled'; readonly missed: Instant }
  | { readonly type: 'stop' };

export type Notification =
  | 'MASTER'
  | 'BACKUP'
  | 'FAULT'
  | 'STOP'
  | 'DELETED'
  | 'MASTER_RX_LOWER_PRI';

export type InstanceAction =
  /** One advert now, beside the schedule. */
  | { readonly type: 'interject' }
  /** A priority 0 advert, once the schedule has been silenced. */
  | { readonly type: 'farewell'; readonly silent?: true }
  /** Tell the segment where the addresses are, `repeat` times each. `quiet`: what others send must not fill the log. */
  | { readonly type: 'announce'; readonly repeat: number; readonly quiet?: true }
  /** The same, of addresses on other interfaces than that of the instance; of all of them, or only where it is made. */
  | { readonly type: 'announceExtra'; readonly all: boolean }
  /** `again`: the process before may have told it already. */
  | { readonly type: 'notify'; readonly state: Notification; readonly again?: true }
  | { readonly type: 'log'; readonly severity: Severity; readonly text: string };

export interface InstanceStep {
  readonly state: InstanceState;
  readonly actions: readonly InstanceAction[];
}

/** An advert as the election sees it. */
export type Heard = Extract<InstanceEvent, { type: 'advert' }>['advert'];
