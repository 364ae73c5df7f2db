// How packets get to the servers of a virtual server, and what that allows: one family but through a tunnel, one port but
// with NAT. Says nothing by itself.

import { type Family, family, familyNamed } from '../lib/ip.ts';
import { entriesOf, type References } from './references.ts';
import type { RealServer, VirtualRows } from './rules.ts';
import { lastOf } from './table.ts';
import type { GroupEntry, Method, Service } from './value.ts';

/** Some server has no method of its own. */
export const needsMethod = (given: VirtualRows, reals: readonly RealServer[]): boolean =>
  reals.some(({ lvs_method: own }) => own === undefined) ||
  (given.sorry_server !== undefined && given.sorry_server_lvs_method === undefined);

/** What of a group is not of the family that its service says, or its servers without a tunnel. */
export function familyClash(
  service: Service,
  end: Family | undefined,
  references: References,
): string | undefined {
  if (!('group' in service) || end === undefined) return undefined;
  const families = new Set(entriesOf(service, references).flatMap(familiesOf));
  if (families.size > 1) return `${service.group}: virtual server group with IPv4 & IPv6`;
  const [only = end] = families;
  return only === end ? undefined : `${service.group}: address family`;
}

/** A mark has one where it is said. */
export const familiesOf = (entry: GroupEntry): readonly Family[] => {
  const own = 'address' in entry ? family(entry.address) : familyNamed(entry.family);
  return own === undefined ? [] : [own];
};

/** Packets go as they came, with the port that they came to: but for NAT, which is meant where nothing is said. */
export const keepsPort = (method: Method | undefined): boolean =>
  method !== undefined && method.kind !== 'NAT';

/** Only NAT can change a port. Behind a group each entry has its own (table.ts). */
export function portOf(port: number, method: Method | undefined, service: Service): number {
  if (!keepsPort(method) || 'group' in service) return port;
  return 'fwmark' in service ? 0 : service.port;
}

export interface PortClash {
  readonly keyword: 'real_server' | 'sorry_server';
  readonly message: string;
}

interface Bound {
  readonly port: number;
  /** As keepalived writes it; absent: the sorry server. */
  readonly name?: string;
}

/** What keepalived says of ports that will not be used. `name` is that of the service. */
export function portClashes(
  name: string,
  service: Service,
  given: VirtualRows,
  reals: readonly RealServer[],
  sorryMethod: Method | undefined,
  references: References,
): readonly PortClash[] {
  const protocol = given.protocol?.toLowerCase() ?? 'none';
  const { sorry_server: sorry, lvs_method: usual } = given;
  const servers: Bound[] = reals
    .filter(({ lvs_method: own }) => keepsPort(own ?? usual))
    .map(({ address, port }) => ({ port, name: `[${address}]:${protocol}:${port}` }));
  if (sorry !== undefined && keepsPort(sorryMethod ?? usual)) servers.push({ port: sorry.port });
  const differ = (port: number): readonly Bound[] =>
    servers.filter((server) => server.port !== 0 && server.port !== port);
  const clash = ({ name: real }: Bound, ofReal: (real: string) => string, ofSorry: string) =>
    real === undefined
      ? ({ keyword: 'sorry_server', message: ofSorry } as const)
      : ({ keyword: 'real_server', message: ofReal(real) } as const);
  if ('address' in service)
    return differ(service.port).map((server) =>
      clash(
        server,
        (real) =>
          `WARNING - virtual server ${name} and real server ${real} ports don't match - resetting`,
        `WARNING - virtual server ${name} and sorry server ports don't match - resetting`,
      ),
    );
  const behindMark = (end: string, of: string) =>
    differ(0).map((server) =>
      clash(
        server,
        (real) =>
          `WARNING - fwmark virtual server ${name}, real server ${real} has port specified - ${end}`,
        `WARNING - ${of} ${name}, sorry server has port specified - ${end}`,
      ),
    );
  if ('fwmark' in service) return behindMark('clearing', 'virtual server');
  const entries = entriesOf(service, references);
  return [
    ...(hasMark(entries) ? behindMark('port will be ignored', 'fwmark virtual server') : []),
    ...entries.flatMap((entry) =>
      'fwmark' in entry
        ? []
        : differ(entry.port).map((server) =>
            clash(
              server,
              (real) =>
                `virtual server ${name}:${rangeText(entry)} and real server ${real} ports don't match`,
              `WARNING - virtual server ${name}, sorry server has port specified - port will be ignored`,
            ),
          ),
    ),
  ];
}

export const hasMark = (entries: readonly GroupEntry[]): boolean =>
  entries.some((entry) => 'fwmark' in entry);

function rangeText(entry: Exclude<GroupEntry, { readonly fwmark: number }>): string {
  const { address, port } = entry;
  const last = lastOf(entry);
  return `[${last === address ? address : `${address}-${last}`},${port}]`;
}
