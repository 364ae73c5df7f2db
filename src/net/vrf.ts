// The interfaces of the namespace that the calling thread is in: routing tables of VRF devices, MAC addresses, MTUs.
// For whoever reads a configuration: it opens a socket for the question and closes it again.

import type { Link } from '../lib/link.ts';
import { native } from './native.ts';
import { decodeMessages, NETLINK_ROUTE } from './netlink.ts';
import { decodeLink, encodeLinkDump } from './rt-link.ts';

/** By name. */
export const vrfTables = (): ReadonlyMap<string, number> =>
  new Map(links().flatMap(({ name, vrf }) => (vrf === undefined ? [] : [[name, vrf] as const])));

/** By name; the MAC of a device that has none is ''. */
export const linksByName = (): ReadonlyMap<string, Link> =>
  new Map(links().map((link) => [link.name, link]));

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
