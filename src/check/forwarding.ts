// How packets get to the servers of a virtual server, and what that allows: one family but through a tunnel, one port but
// with NAT. Says nothing by itself.

import { family } from '../lib/ip.ts';
import type { References } from './references.ts';
import type { RealServer, VirtualRows } from './rules.ts';
import type { Service } from './value.ts';

/** Some server has no method of its own. */
export const needsMethod = (given: VirtualRows, reals: readonly RealServer[]): boolean =>
  reals.some(({ lvs_method: own }) => own === undefined) ||
  (given.sorry_server !== undefined && given.sorry_server_lvs_method === undefined);

/** What of a group cannot reach its servers: but through a tunnel both ends have one family. */
export function familyClash(
  service: Service,
  given: VirtualRows,
  reals: readonly RealServer[],
  references: References,
): string | undefined {
  if (!('group' in service)) return undefined;
  const plain = reals.find(({ lvs_method: own }) => (own ?? given.lvs_method)?.kind !== 'TUN');
  if (plain === undefined) return undefined;
  const entries = references.groups.get(service.group) ?? [];
  const families = new Set(entries.flatMap((e) => ('address' in e ? [family(e.address)] : [])));
  if (families.size > 1) return `${service.group}: virtual server group with IPv4 & IPv6`;
  const [only = family(plain.address)] = families;
  return only === family(plain.address) ? undefined : `${service.group}: address family`;
}

/** Only NAT can change a port. */
export function portOf(real: RealServer, service: Service, given: VirtualRows): number {
  const kind = (real.lvs_method ?? given.lvs_method)?.kind ?? 'NAT';
  return kind === 'NAT' || !('address' in service) ? real.port : service.port;
}
