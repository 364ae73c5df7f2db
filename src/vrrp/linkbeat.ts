// Which links are asked for every second: those of linkbeat_interfaces that an instance depends on, and with
// linkbeat_use_polling those that instances run on. How they are asked is the shell's.

import { interfacesOf } from './addresses.ts';
import type { LinkbeatEntry } from './group.ts';
import type { VrrpConfig, VrrpInstance } from './keywords.ts';

export interface Linkbeat {
  readonly asked: readonly LinkbeatEntry[];
  /** Configured, and nobody depends on them. */
  readonly unused: readonly string[];
}

const dependsOn = (config: VrrpInstance): readonly string[] => [
  ...interfacesOf(config),
  ...(config.track_interface ?? []).map(({ name }) => name),
];

/** The interfaces that an instance or a group depends on, by name. */
export const linksThatCount = ({
  vrrp_instance: instances,
  vrrp_sync_group: groups = [],
}: Pick<VrrpConfig, 'vrrp_instance' | 'vrrp_sync_group'>): readonly string[] => [
  ...instances.flatMap(dependsOn),
  ...groups.flatMap(({ track_interface: tracked = [] }) => tracked.map(({ name }) => name)),
];

/** Each interface once; the last one of several lines counts. */
export function linkbeatOf({
  vrrp_instance: instances,
  vrrp_sync_group: groups = [],
  linkbeat_interfaces: entries = [],
  linkbeat_use_polling: all,
}: VrrpConfig): Linkbeat {
  const polled = new Map<string, LinkbeatEntry>();
  for (const { interface: name, linkbeat_use_polling: own } of instances)
    if (name !== undefined && (all === true || own === true)) polled.set(name, { interface: name });
  for (const entry of entries) polled.set(entry.interface, entry);
  const used = new Set(linksThatCount({ vrrp_instance: instances, vrrp_sync_group: groups }));
  return {
    asked: [...polled.values()].filter(({ interface: name }) => used.has(name)),
    unused: [...polled.keys()].filter((name) => !used.has(name)),
  };
}
