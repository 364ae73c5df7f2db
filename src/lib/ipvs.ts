// What IPVS holds, as values: services and their destinations, and the orders that change them. Named as ip_vs.h and
// ipvsadm(8) name them.

import type { Family, Ip } from './ip.ts';

export type ServiceKey =
  | { readonly protocol: 'TCP' | 'UDP' | 'SCTP'; readonly address: Ip; readonly port: number }
  | { readonly family: Family; readonly mark: number };

export interface IpvsService {
  readonly scheduler: string;
  /** IP_VS_SVC_F_*: persistent, one-packet, the flags of the scheduler. */
  readonly flags: number;
  /** Seconds; 0 where not persistent. */
  readonly timeout: number;
  /** Which clients are one: a mask for IPv4, a prefix length for IPv6. */
  readonly netmask: Ip | number;
  readonly engine?: string;
}

export interface DestinationKey {
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
      readonly checksum?: 'nocsum' | 'csum' | 'remcsum';
    };

export interface IpvsDestination {
  readonly forwarding: Forwarding;
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}

export type IpvsOrder =
  | {
      readonly type: 'addService' | 'editService';
      readonly key: ServiceKey;
      readonly service: IpvsService;
    }
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
    };
