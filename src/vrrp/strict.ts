// vrrp_strict and strict_mode: what the RFCs do not allow is said and put right, as keepalived 2.2.7 does.

import { AFTERWARDS, nodeOf, type Reporter } from '../config/build.ts';
import type { Complaint } from '../config/diagnostic.ts';
import { isLinkLocal6 } from '../lib/ip.ts';
import { ZERO } from '../lib/time.ts';
import { type InstanceBlock, mistake, type Rows } from './decision.ts';
import type { VrrpInstance } from './keywords.ts';
import { OWNER_PRIORITY } from './packet.ts';

/** RFC 9568 6.1: Active_Down_Interval. */
const DOWN_TIMER_ADVERTS = 3;

/** The instance as strict mode leaves it. */
export function applyStrict(
  instance: VrrpInstance,
  block: InstanceBlock,
  report: Reporter,
): VrrpInstance {
  const { name, version } = instance;
  const given = (keyword: keyof Rows & string): boolean =>
    nodeOf(block.statements, keyword) !== undefined;
  const say = (
    keyword: keyof Rows & string,
    id: string,
    message: string,
    more: Partial<Complaint> = {},
  ): void =>
    report(
      mistake(id, `(${name}) ${message}`, more),
      nodeOf(block.statements, keyword) ?? block.node,
      AFTERWARDS,
    );
  const changes: { -readonly [K in keyof VrrpInstance]?: VrrpInstance[K] } = {};

  const [first] = instance.virtual_ipaddress;
  if (instance.family === 6 && first !== undefined && !isLinkLocal6(first.address))
    say('virtual_ipaddress', 'strict-link-local', 'the first IPv6 VIP address must be link local');
  if (given('state') && wantsMaster(block) !== (instance.priority === OWNER_PRIORITY))
    say('state', 'strict-state', 'State MASTER must match being address owner', {
      assumed: instance.priority === OWNER_PRIORITY ? 'MASTER' : 'BACKUP',
    });
  changes.state = instance.priority === OWNER_PRIORITY ? 'MASTER' : 'BACKUP';
  if (instance.lower_prio_no_advert === false && given('lower_prio_no_advert'))
    say(
      'lower_prio_no_advert',
      'strict-lower',
      'Strict mode requires no lower priority advert. resetting',
    );
  changes.lower_prio_no_advert = true;
  if (instance.higher_prio_send_advert) {
    say(
      'higher_prio_send_advert',
      'strict-higher',
      'strict mode requires higher_prio_send_advert to be clear. resetting',
    );
    changes.higher_prio_send_advert = false;
  }
  if (instance.garp_lower_prio_repeat > 0 && given('garp_lower_prio_repeat')) {
    say(
      'garp_lower_prio_repeat',
      'strict-repeat',
      'Strict mode requires no repeat garps. resetting',
    );
  }
  changes.garp_lower_prio_repeat = 0;
  changes.garp_lower_prio_delay = ZERO;
  if (given('accept') && version === 2 && instance.priority !== OWNER_PRIORITY)
    say(
      'accept',
      'strict-accept',
      'warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting',
    );
  // RFC 9568 6.1: Accept_Mode is off by default; version 2 has none.
  // An owner has its addresses as its own.
  if (instance.priority !== OWNER_PRIORITY && (version === 2 || !given('accept')))
    changes.accept = false;
  if (instance.preempt_delay > 0) {
    say(
      'preempt_delay',
      'strict-delay',
      'preempt_delay is incompatible with strict mode - resetting',
    );
    changes.preempt_delay = ZERO;
  }
  if (instance.down_timer_adverts !== DOWN_TIMER_ADVERTS) {
    say(
      'down_timer_adverts',
      'strict-down-timer',
      'down_timer_adverts is incompatible with strict mode - resetting',
    );
    changes.down_timer_adverts = DOWN_TIMER_ADVERTS;
  }
  // RFC 9568 7.3: adverts come from the virtual MAC address.
  if (instance.use_vmac !== undefined && instance.vmac_xmit_base === true) {
    say(
      'vmac_xmit_base',
      'strict-xmit-base',
      'xmit_base is incompatible with strict mode - resetting',
    );
    changes.vmac_xmit_base = false;
  }
  return { ...instance, ...changes };
}

const wantsMaster = (block: InstanceBlock): boolean =>
  block.statements.findLast((statement) => statement.keyword === 'state')?.value === 'MASTER';
