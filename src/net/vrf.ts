// The VRF devices of the namespace that the calling thread is in, and their routing tables. For whoever reads a
// configuration: it opens a socket for the question and closes it again.

import { native } from './native.ts';
import { decodeMessages, NETLINK_ROUTE } from './netlink.ts';
import { decodeLink, encodeLinkDump } from './rt-link.ts';

/** By name. */
export function vrfTables(): ReadonlyMap<string, number> {
  const fd = native.netlinkSocket(NETLINK_ROUTE, 0, 1 << 20);
  try {
    return new Map(
      decodeMessages(native.dump(fd, encodeLinkDump())).flatMap((message) => {
        const link = decodeLink(message);
        return link?.vrf === undefined ? [] : [[link.name, link.vrf] as const];
      }),
    );
  } finally {
    native.close(fd);
  }
}
