// Network interfaces from rtnetlink: struct ifinfomsg and IFLA_* attributes to Link.

import type { Link } from '../lib/link.ts';
import {
  AF_INET6,
  decodeAttributes,
  encodeDump,
  type Message,
  RTM_GETLINK,
  readCString,
  readU32,
} from './netlink.ts';

const HEADER = 16;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_LINKINFO = 18;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_CONF = 2;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_VRF_TABLE = 1;

const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
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
  const info = attributes.get(IFLA_LINKINFO);
  const details = info === undefined ? undefined : decodeAttributes(info, 0);
  const kind = details?.get(IFLA_INFO_KIND);
  const vrf = readVrf(kind, details?.get(IFLA_INFO_DATA));
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
    ...(forwarding6 === undefined ? {} : { forwarding6 }),
    ...(parent === undefined ? {} : { parent: readU32(parent) }),
    ...(kind === undefined ? {} : { kind: readCString(kind) }),
    ...(vrf === undefined ? {} : { vrf }),
  };
}

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
