// The frames with which a new master tells the segment where a virtual address now lives: gratuitous ARP
// (RFC 5227 3, RFC 9568 8.1.2) and unsolicited Neighbour Advertisements (RFC 4861 7.2.6). Whole Ethernet
// frames, because neither may go through the routing table. It knows nothing about when to send them.

import { internetChecksum } from '../lib/checksum.ts';
import { family, type Ip, ipBytes } from '../lib/ip.ts';

const BROADCAST = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

/** A gratuitous ARP for IPv4, an unsolicited NA for IPv6. `mac` is six bytes; `router` sets the NA's R flag. */
export function announcement(mac: Uint8Array, address: Ip, router: boolean): Uint8Array {
  return family(address) === 4
    ? gratuitousArp(mac, address)
    : unsolicitedAdvertisement(mac, address, router);
}

/** Six bytes of lower-case hexadecimal text with colons, or undefined where the text is no Ethernet address. */
export function macBytes(text: string): Uint8Array | undefined {
  const parts = text.split(':');
  if (parts.length !== 6 || !parts.every((part) => /^[0-9a-f]{2}$/i.test(part))) return undefined;
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}

// Ethernet (14 bytes) and RFC 826, a request in which both protocol addresses are ours. keepalived fills the
// target hardware address with ones, where RFC 5227 wants it ignored.
//
//  +-----------------------+-----------------------+-------+
//  |  ff:ff:ff:ff:ff:ff    |         mac           | 0806  |
//  +-------+-------+---+---+-------+---------------+-------+
//  | 0001  | 0800  | 6 | 4 | 0001  |
//  +-------+-------+---+---+-------+-------+
//  |    sender hardware    |    sender     |
//  +-----------------------+---------------+
//  |  ff:ff:ff:ff:ff:ff    |    target     |
//  +-----------------------+---------------+
export function gratuitousArp(mac: Uint8Array, address: Ip): Uint8Array {
  const frame = new Uint8Array(42);
  const ip = ipBytes(address);
  frame.set(BROADCAST, 0);
  frame.set(mac, 6);
  frame.set([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1], 12);
  frame.set(mac, 22);
  frame.set(ip, 28);
  frame.set(BROADCAST, 32);
  frame.set(ip, 38);
  return frame;
}

// Ethernet, IPv6 (RFC 8200 3) and a Neighbour Advertisement with a target link-layer address (RFC 4861 4.4, 4.6.1).
//
//  +-----------------------+-----------------------+-------+
//  |  33:33:00:00:00:01    |         mac           | 86dd  |
//  +---+-------------------+-------+---+---+-------+-------+
//  | 6000 0000             | len 32|58 |255|   source: the virtual address, 16
//  +-----------------------+-------+---+---+
//  |           destination ff02::1, 16
//  +---+---+-------+-----------------------+
//  |136| 0 | cksum | R 0 O  reserved       |   R: we forward, O: override
//  +---+---+-------+-----------------------+
//  |           target: the virtual address, 16
//  +---+---+-----------------------+
//  | 2 | 1 |         mac           |
//  +---+---+-----------------------+
export function unsolicitedAdvertisement(
  mac: Uint8Array,
  address: Ip,
  router: boolean,
): Uint8Array {
  const frame = new Uint8Array(86);
  const ip = ipBytes(address);
  frame.set([0x33, 0x33, 0, 0, 0, 1], 0);
  frame.set(mac, 6);
  frame.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255], 12);
  frame.set(ip, 22);
  frame.set([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 38);
  frame.set([136, 0, 0, 0, router ? 0xa0 : 0x20], 54);
  frame.set(ip, 62);
  frame.set([2, 1], 78);
  frame.set(mac, 80);
  // RFC 4443 2.3: source, destination, a 32-bit length and the next header, then the message.
  const sum = internetChecksum(
    frame.subarray(22, 54),
    Uint8Array.of(0, 0, 0, 32, 0, 0, 0, 58),
    frame.subarray(54),
  );
  frame[56] = sum >> 8;
  frame[57] = sum & 0xff;
  return frame;
}
