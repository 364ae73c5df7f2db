// Generic netlink: families that have a name and get their number when the kernel boots or loads a module.
//
//   0         1         2          4
//   +---------+---------+----------+------------------------
//   | command | version | reserved | attributes: len type ...
//   +---------+---------+----------+------------------------

import { decodeAttributes, encodeQuery, type Message, readCString, readU16 } from './netlink.ts';

export const GENL_HEADER = 4;

// include/uapi/linux/genetlink.h
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

export const genlHeader = (command: number, version = 1): Uint8Array =>
  Uint8Array.of(command, version, 0, 0);

/** For every family that the kernel has now. */
export const encodeFamiliesQuery = (): Uint8Array =>
  encodeQuery(GENL_ID_CTRL, genlHeader(CTRL_CMD_GETFAMILY), []);

/** Its name, and the type that its messages have. */
export function decodeFamily({
  body,
}: Message): { readonly name: string; readonly type: number } | undefined {
  const attributes = decodeAttributes(body, GENL_HEADER);
  const name = attributes.get(CTRL_ATTR_FAMILY_NAME);
  const type = attributes.get(CTRL_ATTR_FAMILY_ID);
  if (name === undefined || type === undefined || type.length < 2) return undefined;
  return { name: readCString(name), type: readU16(type) };
}
