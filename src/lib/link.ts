// Network interfaces and their addresses as the kernel reports them; net/ reads them from netlink and the
// pure core sees them as facts.

import type { Ip } from './ip.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Lower-case, colon separated; '' where the device has none. */
  readonly mac: string;
  readonly mtu: number;
  /** ARPHRD_*: 1 is Ethernet, 772 loopback. */
  readonly hardware: number;
  /** IFF_UP: administratively up. */
  readonly up: boolean;
  /** IFF_RUNNING: has a carrier. */
  readonly running: boolean;
  /** IFF_MULTICAST. */
  readonly multicast: boolean;
  /** ifindex of the device a macvlan or VLAN stands on. */
  readonly parent?: number;
  /** net.ipv6.conf.NAME.forwarding, where the kernel told. */
  readonly forwarding6?: boolean;
  /** IFLA_INFO_KIND, for example 'macvlan'; absent on physical devices. */
  readonly kind?: string;
  /** Of a VRF device: its routing table. */
  readonly vrf?: number;
}

/** RTPROT_KEEPALIVED, the IFA_PROTO of what this program adds; kernels before 5.18 do not keep it. */
export const PROTOCOL = 18;

export interface LinkAddress {
  readonly index: number;
  readonly address: Ip;
  readonly prefix: number;
  /** rtnetlink scope: 0 global, 200 site, 253 link, 254 host. */
  readonly scope: number;
  /** IFA_F_SECONDARY: another address of the same subnet came first. */
  readonly secondary: boolean;
  /** IFA_F_TENTATIVE or IFA_F_DADFAILED: not usable as a source yet. */
  readonly tentative: boolean;
  readonly label?: string;
  readonly broadcast?: Ip;
  /** IFA_PROTO, where the kernel keeps it. */
  readonly protocol?: number;
}

/** One address as RTM_NEWADDR and RTM_DELADDR want it. */
export interface KernelAddress {
  readonly index: number;
  readonly address: Ip;
  readonly prefix: number;
  readonly scope: number;
  readonly label?: string;
  readonly broadcast?: Ip;
  readonly peer?: Ip;
  /** preferred lifetime 0: never chosen as a source (IPv6 /128 virtual addresses). */
  readonly deprecated?: boolean;
  /** Seconds until the address is deprecated; absent: never. */
  readonly preferred?: number;
  /** Leave it gone when somebody deletes it. */
  readonly no_track?: true;
  readonly noDad?: boolean;
  readonly home?: boolean;
  readonly manageTemporary?: boolean;
  readonly noPrefixRoute?: boolean;
  readonly autoJoin?: boolean;
  readonly optimistic?: boolean;
}
