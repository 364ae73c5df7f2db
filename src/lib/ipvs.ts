// What IPVS holds, as values: services and their destinations, what the kernel counts, and the orders that change it.
// Named as ip_vs.h and ipvsadm(8) name them.

import type { Family, Ip } from './ip.ts';
import type { Duration } from './time.ts';

export type ServiceKey =
  | { readonly protocol: 'TCP' | 'UDP' | 'SCTP'; readonly address: Ip; readonly port: number }
  | { readonly family: Family; readonly mark: number };

/** IP_VS_SVC_F_*. What the two bits of a scheduler mean is for the scheduler: fallback and port of sh and mh. */
export const SERVICE_FLAG = {
  persistent: 0x01,
  onePacket: 0x04,
  scheduler1: 0x08,
  scheduler2: 0x10,
  scheduler3: 0x20,
} as const;

export interface IpvsService {
  readonly scheduler: string;
  /** The sum of SERVICE_FLAG. */
  readonly flags: number;
  /** Seconds; 0 where not persistent. */
  readonly timeout: number;
  /** Which clients are one: a mask for IPv4, a prefix length for IPv6. The kernel wants it of every service: 255.255.255.255 or 128. */
  readonly netmask: Ip | number;
  readonly engine?: string;
}

export interface DestinationKey {
  /** Of the other family than the service only where packets are tunnelled. */
  readonly address: Ip;
  /** 0 for the port of the packet (marks). */
  readonly port: number;
}

export type Forwarding =
  | { readonly method: 'NAT' | 'DR' }
  | {
      readonly method: 'TUN';
      readonly type: 'ipip' | 'gue' | 'gre';
      /** gue. */
      readonly port?: number;
      /** Absent for ipip, and the same as 'nocsum'. */
      readonly checksum?: 'nocsum' | 'csum' | 'remcsum';
    };

export interface IpvsDestination {
  readonly forwarding: Forwarding;
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}

/** Times after which a connection is forgotten, in whole seconds; what is absent stays as it is. */
export interface IpvsTimeouts {
  readonly tcp?: Duration;
  readonly tcpfin?: Duration;
  readonly udp?: Duration;
}

export type IpvsOrder =
  | {
      readonly type: 'addService' | 'editService';
      readonly key: ServiceKey;
      readonly service: IpvsService;
    }
  /** Its destinations go with it. */
  | { readonly type: 'removeService'; readonly key: ServiceKey }
  | {
      readonly type: 'addDestination' | 'editDestination';
      readonly key: ServiceKey;
      readonly destination: DestinationKey;
      readonly to: IpvsDestination;
    }
  | {
      readonly type: 'removeDestination';
      readonly key: ServiceKey;
      readonly destination: DestinationKey;
    }
  /** Every service goes, whoever put it there. */
  | { readonly type: 'flush' }
  | { readonly type: 'timeouts'; readonly timeouts: IpvsTimeouts }
  | { readonly type: 'startSync'; readonly daemon: SyncDaemon }
  | { readonly type: 'stopSync'; readonly role: SyncDaemon['role'] };

/** Since the entry was made; rates are a second's. All have 64 bits. */
export interface IpvsStatistics {
  readonly connections: bigint;
  readonly packetsIn: bigint;
  readonly packetsOut: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
  readonly connectionRate: bigint;
  readonly packetRateIn: bigint;
  readonly packetRateOut: bigint;
  readonly byteRateIn: bigint;
  readonly byteRateOut: bigint;
}

/** A service as the kernel tells of it. */
export interface ServiceEntry {
  readonly key: ServiceKey;
  readonly service: IpvsService;
  readonly statistics: IpvsStatistics;
}

/** A destination as the kernel tells of it. */
export interface DestinationEntry {
  readonly destination: DestinationKey;
  /** 'LOCAL' and 'BYPASS' are nothing that can be ordered. */
  readonly to: Omit<IpvsDestination, 'forwarding'> & {
    readonly forwarding: Forwarding | { readonly method: 'LOCAL' | 'BYPASS' };
  };
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly statistics: IpvsStatistics;
}

/** The kernel thread that tells other directors of connections, or hears of theirs. One of each role can run. */
export interface SyncDaemon {
  readonly role: 'master' | 'backup';
  readonly interface: string;
  /** 0-255; a backup hears only masters of its own number, or all with 0. */
  readonly id: number;
  /** Most bytes in a datagram; absent: what fits the MTU. */
  readonly maxlen?: number;
  /** Absent: 224.0.0.81. */
  readonly group?: Ip;
  /** Absent: 8848. */
  readonly port?: number;
  /** Absent: 1. */
  readonly ttl?: number;
}
