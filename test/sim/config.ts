// Instances and routes for tests, with keepalived's defaults.

import type { Ip } from '../../src/lib/ip.ts';
import { micros, seconds } from '../../src/lib/time.ts';
import type { VrrpConfig, VrrpInstance } from '../../src/vrrp/keywords.ts';
import type { RouteEntry } from '../../src/vrrp/routing.ts';

export const ip = (text: string): Ip => text as Ip;

export function instance(changes: Partial<VrrpInstance> = {}): VrrpInstance {
  return {
    name: 'VI_1',
    state: 'BACKUP',
    family: 4,
    version: 2,
    interface: 'eth0',
    virtual_router_id: 51,
    priority: 100,
    advert_int: seconds(1),
    native_ipv6: false,
    mcast_dst_ip: ip('224.0.0.18'),
    unicast_peer: [],
    unicast_ttl: 255,
    check_unicast_src: false,
    skip_check_adv_addr: false,
    virtual_ipaddress: [{ address: ip('10.0.0.100'), prefix: 24, scope: 0 }],
    virtual_ipaddress_excluded: [],
    accept: true,
    nopreempt: false,
    preempt_delay: seconds(0),
    down_timer_adverts: 3,
    lower_prio_no_advert: false,
    higher_prio_send_advert: false,
    dont_track_primary: false,
    garp_master_delay: seconds(5),
    garp_master_repeat: 5,
    garp_master_refresh: seconds(0),
    garp_master_refresh_repeat: 1,
    garp_lower_prio_delay: seconds(5),
    garp_lower_prio_repeat: 5,
    garp_interval: micros(0),
    gna_interval: micros(0),
    ...changes,
  };
}

/** The core never looks at global_defs for an instance: everything is resolved before. */
export const config = (...vrrp_instance: readonly VrrpInstance[]): VrrpConfig => ({
  global_defs: {} as VrrpConfig['global_defs'],
  vrrp_instance,
});

/** To 10.`third`.0.0/16. */
export const route = (third: number, more: Partial<RouteEntry> = {}): RouteEntry => ({
  family: 4,
  placement: 'prepend',
  type: 1,
  destination: ip(`10.${third}.0.0`),
  prefix: 16,
  dev: 'eth0',
  protocol: 18,
  ...more,
});
