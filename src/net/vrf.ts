// The interfaces of the namespace that the calling thread is in: routing tables of VRF devices, and MAC addresses. For
// whoever reads a configuration: it opens a socket for the question and closes it again.

import type { Link } from '../lib/link.ts';
import { native } from './native.ts';
import { decodeMessages, NETLINK_ROUTE } from './netlink.ts';
import { decodeLink, encodeLinkDump } from './rt-link.ts';

/** By name. */
export const vrfTables = (): ReadonlyMap<string, number> =>
  new Map(links().flatMap(({ name, vrf }) => (vrf === undefined ? [] : [[name, vrf] as const])));

/** By name; '' of a device that has none. */
export const macs = (): ReadonlyMap<string, string> =>
  new Map(links().map(({ name, mac }) => [name, mac]));

function links(): readonly Link[] {
  const fd = native.netlinkSocket(NETLINK_ROUTE, 0, 1 << 20);
  try {
    return decodeMessages(native.dump(fd, encodeLinkDump())).flatMap(
      (message) => decodeLink(message) ?? [],
    );
  } finally {
    native.close(fd);
  }
}
