// One entry of IPVS's table in the words of ipvsadm, whoever tells of it: what `ipvsadm -Sn` prints, and what netlink says.

import type { ServiceKey } from '../../src/lib/ipvs.ts';
import type { Ipvs } from '../../src/net/ipvs.ts';

export interface Row {
  /** '-t 203.0.113.1:80'. */
  readonly service: string;
  /** Absent of the service itself. */
  readonly destination?: string;
  readonly weight?: number;
}

const FLAGS = { TCP: '-t', UDP: '-u', SCTP: '--sctp-service' } as const;

export const serviceName = (key: ServiceKey): string =>
  'mark' in key ? `-f ${key.mark}` : `${FLAGS[key.protocol]} ${key.address}:${key.port}`;

export const rowText = ({ service, destination, weight }: Row): string =>
  destination === undefined ? service : `${service} ${destination} ${weight}`;

/** Of a line of `ipvsadm -Sn`. */
export function rowOf(line: string): Row {
  const words = line.split(' ');
  const after = (word: string): string | undefined =>
    words.includes(word) ? words[words.indexOf(word) + 1] : undefined;
  const service = `${words[1]} ${words[2]}`;
  const destination = after('-r');
  return destination === undefined
    ? { service }
    : { service, destination, weight: Number(after('-w')) };
}

/** The table now, without starting a program. */
export const rowsOf = (ipvs: Ipvs): Row[] =>
  ipvs.services().flatMap(({ key }) => {
    const service = serviceName(key);
    const destinations = ipvs.destinations(key).map(({ destination, to }) => ({
      service,
      destination: `${destination.address}:${destination.port}`,
      weight: to.weight,
    }));
    return [{ service }, ...destinations];
  });

/** The same rows, in whatever order. */
export const sameRows = (a: readonly Row[], b: readonly Row[]): boolean =>
  a.map(rowText).sort().join() === b.map(rowText).sort().join();
