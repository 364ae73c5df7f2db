// Network interfaces and their addresses as the kernel reports them; net/ reads them from netlink and the
// pure core sees them as facts.

import type { Family, Ip } from './ip.ts';

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
  /** IFF_NOARP: nobody asks for addresses there. */
  readonly noArp?: true;
  /** ifindex of the device a macvlan or VLAN stands on. */
  readonly parent?: number;
  /** net.ipv6.conf.NAME.forwarding, where the kernel told. */
  readonly forwarding6?: boolean;
  /** IFLA_INFO_KIND, for example 'macvlan'; absent on physical devices. */
  readonly kind?: string;
  /** Of a macvlan: private, bridge or vepa; absent for other modes. */
  readonly mode?: MadeLink['mode'];
  /** ifindex of the device that it is a part of: a bridge, a bond, a VRF. */
  readonly master?: number;
  /** Of a VRF device: its routing table. */
  readonly vrf?: number;
  /** How its link is asked for; absent: the kernel tells it. */
  readonly asked?: LinkQuestion;
}

/** By registers of the transceiver, by ethtool, or by the flags of the interface. */
export type LinkQuestion = 'MII' | 'ETHTOOL' | 'IOCTL';

/** An interface that this program makes on top of another one, and removes at its end. */
export interface MadeLink {
  readonly name: string;
  /** Name of the interface below. */
  readonly parent: string;
  readonly kind: 'macvlan' | 'ipvlan';
  readonly mode: 'private' | 'bridge' | 'vepa';
  /** Of the addresses that it is for. */
  readonly family: Family;
  /** Absent: that of the interface below. */
  readonly mac?: string;
  /** Interface group; absent: the default one. */
  readonly group?: number;
  /** What of net.{ipv4,ipv6}.conf it begins with, before it comes up. */
  readonly settings: readonly Omit<Setting, 'interface'>[];
  /** What it has whoever is master: what its adverts come from. */
  readonly addresses: readonly { readonly address: Ip; readonly prefix: number }[];
  /** Besides those a link-local address: that of the interface below. */
  readonly linkLocal?: true;
}

/**
 * It is what was asked for and stands on the right interface, whether it is up or not. Without one of that name (it has been
 * renamed) a MAC address that was asked for is enough.
 */
export const isThisLink = (
  link: Link,
  { kind, mode, mac }: MadeLink,
  parent: Pick<Link, 'index' | 'mac'> | undefined,
): boolean =>
  link.kind === kind &&
  link.mode === mode &&
  (parent === undefined ? mac !== undefined : link.parent === parent.index) &&
  link.mac === (mac ?? parent?.mac);

/** net.FAMILY.conf.INTERFACE.NAME, or net.FAMILY.NAME where it is of no interface. */
export interface Setting {
  readonly family: 'ipv4' | 'ipv6';
  /** A name, `all` or `default`. */
  readonly interface?: string;
  readonly name: string;
  readonly value: number;
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
  /** IFA_F_DADFAILED: nor will it ever be. */
  readonly duplicate?: true;
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
