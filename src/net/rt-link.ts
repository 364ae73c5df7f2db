// Network interfaces through rtnetlink: struct ifinfomsg and IFLA_* attributes to Link, and orders that make an
// interface, raise it and remove it.

import type { Link, MadeLink } from '../lib/link.ts';
import {
  AF_INET6,
  type Attribute,
  cString,
  decodeAttributes,
  encodeAttributes,
  encodeDump,
  encodeMessage,
  type Message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  readCString,
  readU32,
  u16,
  u32,
} from './netlink.ts';

const HEADER = 16;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26;
const IFLA_GROUP = 27;
const IFLA_INET6_CONF = 2;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_VRF_TABLE = 1;
const IFLA_MACVLAN_MODE = 1;
const IFLA_IPVLAN_MODE = 1;
const IFLA_IPVLAN_FLAGS = 2;

const MACVLAN_MODES: Readonly<Record<MadeLink['mode'], number>> = {
  private: 1,
  vepa: 2,
  bridge: 4,
};
/** Flags beside the mode, which is L2 always. */
const IPVLAN_FLAGS: Readonly<Record<MadeLink['mode'], number>> = { bridge: 0, private: 1, vepa: 2 };
const IPVLAN_MODE_L2 = 0;

const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const IFF_NOARP = 0x80;
const IFF_MULTICAST = 0x1000;

export const encodeLinkDump = (): Uint8Array => encodeDump(RTM_GETLINK, HEADER);

/** undefined where the kernel left out the name, as for a bridge port's own message. */
export function decodeLink({ body }: Message): Link | undefined {
  if (body.length < HEADER) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  // Messages of another family (AF_BRIDGE) describe a port, not the interface.
  if (body[0] !== 0) return undefined;
  const attributes = decodeAttributes(body, HEADER);
  const name = attributes.get(IFLA_IFNAME);
  if (name === undefined) return undefined;
  const flags = view.getUint32(8, true);
  const parent = attributes.get(IFLA_LINK);
  const master = attributes.get(IFLA_MASTER);
  const info = attributes.get(IFLA_LINKINFO);
  const details = info === undefined ? undefined : decodeAttributes(info, 0);
  const kind = details?.get(IFLA_INFO_KIND);
  const data = details?.get(IFLA_INFO_DATA);
  const vrf = readVrf(kind, data);
  const mode = readMode(kind, data);
  const mtu = attributes.get(IFLA_MTU);
  const forwarding6 = readForwarding6(attributes.get(IFLA_AF_SPEC));
  return {
    index: view.getInt32(4, true),
    name: readCString(name),
    mac: formatMac(attributes.get(IFLA_ADDRESS) ?? new Uint8Array()),
    mtu: mtu === undefined ? 0 : readU32(mtu),
    hardware: view.getUint16(2, true),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    multicast: (flags & IFF_MULTICAST) !== 0,
    ...((flags & IFF_NOARP) === 0 ? {} : { noArp: true as const }),
    ...(forwarding6 === undefined ? {} : { forwarding6 }),
    ...(parent === undefined ? {} : { parent: readU32(parent) }),
    ...(kind === undefined ? {} : { kind: readCString(kind) }),
    ...(mode === undefined ? {} : { mode }),
    ...(master === undefined ? {} : { master: readU32(master) }),
    ...(vrf === undefined ? {} : { vrf }),
  };
}

function readMode(
  kind: Uint8Array | undefined,
  data: Uint8Array | undefined,
): MadeLink['mode'] | undefined {
  if (kind === undefined || data === undefined) return undefined;
  const attributes = decodeAttributes(data, 0);
  const find = (codes: Readonly<Record<MadeLink['mode'], number>>, code: number) =>
    (Object.keys(codes) as MadeLink['mode'][]).find((mode) => codes[mode] === code);
  const name = readCString(kind);
  const mode = attributes.get(IFLA_MACVLAN_MODE);
  if (name === 'macvlan' && mode !== undefined) return find(MACVLAN_MODES, readU32(mode));
  const flags = attributes.get(IFLA_IPVLAN_FLAGS);
  return name === 'ipvlan' && flags !== undefined ? find(IPVLAN_FLAGS, readU16(flags)) : undefined;
}

const readU16 = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint16(0, true);

/** RTM_NEWLINK for an interface on top of `parent`, and a part of `master` (0: of none); it is down. EEXIST comes back where the name is taken. */
export function encodeMakeLink(
  { name, kind, mode, mac, group }: MadeLink,
  parent: number,
  sequence: number,
  master = 0,
): Uint8Array {
  const data: readonly Attribute[] =
    kind === 'macvlan'
      ? [{ type: IFLA_MACVLAN_MODE, bytes: u32(MACVLAN_MODES[mode]) }]
      : [
          { type: IFLA_IPVLAN_MODE, bytes: u16(IPVLAN_MODE_L2) },
          { type: IFLA_IPVLAN_FLAGS, bytes: u16(IPVLAN_FLAGS[mode]) },
        ];
  const info = encodeAttributes([
    { type: IFLA_INFO_KIND, bytes: cString(kind) },
    { type: IFLA_INFO_DATA, bytes: encodeAttributes(data) },
  ]);
  return encodeMessage(
    RTM_NEWLINK,
    NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
    sequence,
    new Uint8Array(HEADER),
    [
      { type: IFLA_IFNAME, bytes: cString(name) },
      { type: IFLA_LINK, bytes: u32(parent) },
      ...(master === 0 ? [] : [{ type: IFLA_MASTER, bytes: u32(master) }]),
      ...(mac === undefined ? [] : [{ type: IFLA_ADDRESS, bytes: macBytes(mac) }]),
      ...(group === undefined ? [] : [{ type: IFLA_GROUP, bytes: u32(group) }]),
      { type: IFLA_LINKINFO, bytes: info },
    ],
  );
}

/** Sets IFF_UP, and makes it a part of another one (0: of none). ENODEV comes back where there is no such interface. */
export function encodeRaiseLink(index: number, sequence: number, master?: number): Uint8Array {
  const header = new Uint8Array(HEADER);
  const view = new DataView(header.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, IFF_UP, true);
  view.setUint32(12, IFF_UP, true);
  return encodeMessage(RTM_NEWLINK, NLM_F_ACK, sequence, header, [
    ...(master === undefined ? [] : [{ type: IFLA_MASTER, bytes: u32(master) }]),
  ]);
}

export function encodeRemoveLink(index: number, sequence: number): Uint8Array {
  const header = new Uint8Array(HEADER);
  new DataView(header.buffer).setInt32(4, index, true);
  return encodeMessage(RTM_DELLINK, NLM_F_ACK, sequence, header, []);
}

const macBytes = (mac: string): Uint8Array =>
  Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16));

function readVrf(kind: Uint8Array | undefined, data: Uint8Array | undefined): number | undefined {
  if (kind === undefined || data === undefined || readCString(kind) !== 'vrf') return undefined;
  const table = decodeAttributes(data, 0).get(IFLA_VRF_TABLE);
  return table === undefined ? undefined : readU32(table);
}

/** The first of the interface's IPv6 settings; absent where the interface has no IPv6. */
function readForwarding6(families: Uint8Array | undefined): boolean | undefined {
  const inet6 = families && decodeAttributes(families, 0).get(AF_INET6);
  const settings = inet6 && decodeAttributes(inet6, 0).get(IFLA_INET6_CONF);
  return settings === undefined ? undefined : readU32(settings) !== 0;
}

const formatMac = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(':');
