// What the VRRP process itself takes from the configuration: the priority of its I/O thread, its table of nftables, and
// whether it listens to news of routes. What instances do is not decided here.

import type { VrrpConfig } from './keywords.ts';

/** Priority of the I/O thread where the configuration names none, and no ceiling. */
const DEFAULT_PRIORITY = 50;

/**
 * What vrrp_rt_priority asks for. Otherwise the thread has real time from the start, where keepalived raises a late
 * process step by step: max_auto_priority is the ceiling here too, and -1 means never.
 */
export function realTimePriority({ global_defs }: VrrpConfig): number {
  const { vrrp_rt_priority: wanted, max_auto_priority: ceiling } = global_defs;
  if (wanted > 0) return wanted;
  return ceiling < 0 ? 0 : ceiling || DEFAULT_PRIORITY;
}

/** The table of nftables that is this process's. */
export const tableOf = ({ global_defs }: VrrpConfig) => ({
  name: global_defs.nftables?.[0] ?? 'keepalived',
  priority: global_defs.nftables_priority,
  counters: global_defs.nftables_counters,
});

/** Where nobody asks for routes or rules, the news of them is none of ours. */
export const hasRouting = (config: VrrpConfig): boolean =>
  [config, ...config.vrrp_instance].some(
    (part) =>
      'static_routes' in part ||
      'static_rules' in part ||
      'virtual_routes' in part ||
      'virtual_rules' in part,
  );
