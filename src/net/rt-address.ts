// Addresses of interfaces through rtnetlink: struct ifaddrmsg and IFA_* attributes to LinkAddress and back.

import { family, type Ip, ipBytes, ipFromBytes } from '../lib/ip.ts';
import { type KernelAddress, type LinkAddress, PROTOCOL } from '../lib/link.ts';
import {
  AF_INET,
  AF_INET6,
  type Attribute,
  cString,
  decodeAttributes,
  encodeDump,
  encodeMessage,
  type Message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
  readCString,
  readU32,
  u32,
} from './netlink.ts';

const HEADER = 8;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;

const IFA_F_SECONDARY = 0x01;
const IFA_F_NODAD = 0x02;
const IFA_F_OPTIMISTIC = 0x04;
const IFA_F_DADFAILED = 0x08;
const IFA_F_HOMEADDRESS = 0x10;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_MANAGETEMPADDR = 0x100;
const IFA_F_NOPREFIXROUTE = 0x200;
const IFA_F_MCAUTOJOIN = 0x400;

const FOREVER = 0xffffffff;

export const encodeAddressDump = (): Uint8Array => encodeDump(RTM_GETADDR, HEADER);

export function decodeAddress({ body }: Message): LinkAddress | undefined {
  if (body.length < HEADER || (body[0] !== AF_INET && body[0] !== AF_INET6)) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const attributes = decodeAttributes(body, HEADER);
  // On a point-to-point link IFA_ADDRESS is the other end.
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (address === undefined) return undefined;
  const wide = attributes.get(IFA_FLAGS);
  const flags = wide === undefined ? view.getUint8(2) : readU32(wide);
  const label = attributes.get(IFA_LABEL);
  const broadcast = attributes.get(IFA_BROADCAST);
  const protocol = attributes.get(IFA_PROTO)?.[0];
  return {
    index: view.getInt32(4, true),
    address: ipFromBytes(address),
    prefix: view.getUint8(1),
    scope: view.getUint8(3),
    secondary: body[0] === AF_INET && (flags & IFA_F_SECONDARY) !== 0,
    tentative:
      (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) !== 0 && (flags & IFA_F_OPTIMISTIC) === 0,
    ...((flags & IFA_F_DADFAILED) !== 0 ? { duplicate: true as const } : {}),
    ...(label === undefined ? {} : { label: readCString(label) }),
    ...(broadcast === undefined ? {} : { broadcast: ipFromBytes(broadcast) }),
    ...(protocol === undefined ? {} : { protocol }),
  };
}

/** RTM_NEWADDR; EEXIST comes back where the address is there already. */
export function encodeNewAddress(
  address: KernelAddress,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  return encode(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address, sequence, acknowledge);
}

/** RTM_DELADDR; EADDRNOTAVAIL comes back where there is no such address. */
export function encodeDeleteAddress(
  address: KernelAddress,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  return encode(RTM_DELADDR, 0, address, sequence, acknowledge);
}

function encode(
  type: number,
  flags: number,
  address: KernelAddress,
  sequence: number,
  acknowledge: boolean,
): Uint8Array {
  const header = new Uint8Array(HEADER);
  const view = new DataView(header.buffer);
  view.setUint8(0, family(address.address) === 4 ? AF_INET : AF_INET6);
  view.setUint8(1, address.prefix);
  view.setUint8(3, address.scope);
  view.setInt32(4, address.index, true);
  return encodeMessage(
    type,
    flags | (acknowledge ? NLM_F_ACK : 0),
    sequence,
    header,
    type === RTM_NEWADDR ? newAttributes(address) : identity(address),
  );
}

/** What names an address: enough to delete it. */
function identity(address: KernelAddress): Attribute[] {
  const local: Ip = address.address;
  return [
    { type: IFA_LOCAL, bytes: ipBytes(local) },
    { type: IFA_ADDRESS, bytes: ipBytes(address.peer ?? local) },
  ];
}

function newAttributes(address: KernelAddress): Attribute[] {
  const flags =
    (address.noDad ? IFA_F_NODAD : 0) |
    (address.home ? IFA_F_HOMEADDRESS : 0) |
    (address.manageTemporary ? IFA_F_MANAGETEMPADDR : 0) |
    (address.noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0) |
    (address.autoJoin ? IFA_F_MCAUTOJOIN : 0) |
    (address.optimistic ? IFA_F_OPTIMISTIC : 0);
  const preferred = address.deprecated ? 0 : (address.preferred ?? FOREVER);
  return [
    ...identity(address),
    ...(flags === 0 ? [] : [{ type: IFA_FLAGS, bytes: u32(flags) }]),
    ...(address.label === undefined ? [] : [{ type: IFA_LABEL, bytes: cString(address.label) }]),
    ...(address.broadcast === undefined
      ? []
      : [{ type: IFA_BROADCAST, bytes: ipBytes(address.broadcast) }]),
    // Valid for ever; once it is no longer preferred the kernel does not choose it as a source.
    ...(preferred === FOREVER
      ? []
      : [{ type: IFA_CACHEINFO, bytes: cacheInfo(preferred, FOREVER) }]),
    { type: IFA_PROTO, bytes: Uint8Array.of(PROTOCOL) },
  ];
}

/** struct ifa_cacheinfo: preferred and valid lifetime in seconds, then two time stamps the kernel ignores. */
function cacheInfo(preferred: number, valid: number): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(u32(preferred), 0);
  bytes.set(u32(valid), 4);
  return bytes;
}
