// Reads Ethernet frames: VRRP adverts, ARP, neighbour advertisements. A second implementation on purpose:
// it shares no line with src/vrrp, so that an error there cannot hide itself here.

export interface Frame {
  /** Microseconds since the lab's epoch, from the kernel's receive timestamp. */
  readonly at: number;
  readonly bytes: Buffer;
  readonly from: string;
  readonly to: string;
  readonly message: Advert | Arp | NeighbourAdvertisement | Other;
}

export interface Advert {
  readonly kind: 'advert';
  readonly version: number;
  readonly family: 4 | 6;
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  readonly vrid: number;
  readonly priority: number;
  readonly addresses: readonly string[];
  /** Seconds, as the wire says. */
  readonly interval: number;
  readonly authType: number;
  readonly checksumGood: boolean;
  /** The VRRP message without the IP header. */
  readonly payload: Buffer;
}

export interface Arp {
  readonly kind: 'arp';
  readonly operation: number;
  readonly senderMac: string;
  readonly sender: string;
  readonly targetMac: string;
  readonly target: string;
}

export interface NeighbourAdvertisement {
  readonly kind: 'na';
  readonly source: string;
  readonly destination: string;
  readonly target: string;
  readonly flags: number;
  readonly linkAddress: string | undefined;
}

export interface Other {
  readonly kind: 'other';
  readonly etherType: number;
}

export const isAdvert = (frame: Frame): frame is Frame & { message: Advert } =>
  frame.message.kind === 'advert';

/** The virtual address that a frame announces: gratuitous ARP, or an unsolicited NA to all nodes. */
export function announced({ message }: Frame): string | undefined {
  if (message.kind === 'arp' && message.sender === message.target) return message.sender;
  if (message.kind === 'na' && message.destination === 'ff02::1') return message.target;
  return undefined;
}

export function decodeFrame(at: number, bytes: Buffer): Frame {
  const etherType = bytes.length >= 14 ? bytes.readUInt16BE(12) : 0;
  const body = bytes.subarray(14);
  let message: Frame['message'] = { kind: 'other', etherType };
  try {
    if (etherType === 0x0806) message = decodeArp(body);
    else if (etherType === 0x0800) message = decode4(body) ?? message;
    else if (etherType === 0x86dd) message = decode6(body) ?? message;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // truncated: remains `other`
  }
  return { at, bytes, from: mac(bytes, 6), to: mac(bytes, 0), message };
}

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// |         hardware 1            |         protocol 0x0800       |
// |    6          |     4         |         operation             |
// | sender MAC (6), sender IP (4), target MAC (6), target IP (4)  |
function decodeArp(body: Buffer): Arp {
  return {
    kind: 'arp',
    operation: body.readUInt16BE(6),
    senderMac: mac(body, 8),
    sender: ip4(body, 14),
    targetMac: mac(body, 18),
    target: ip4(body, 24),
  };
}

function decode4(packet: Buffer): Advert | undefined {
  const headerLength = (packet.readUInt8(0) & 15) * 4;
  if (packet.readUInt8(9) !== 112) return undefined;
  const payload = packet.subarray(headerLength, packet.readUInt16BE(2));
  const pseudo = Buffer.concat([
    packet.subarray(12, 20),
    Buffer.from([0, 112, payload.length >> 8, payload.length & 255]),
  ]);
  const addresses = { source: ip4(packet, 12), destination: ip4(packet, 16) };
  return decodeAdvert(payload, pseudo, { ...addresses, family: 4, hopLimit: packet.readUInt8(8) });
}

function decode6(packet: Buffer): Advert | NeighbourAdvertisement | undefined {
  const next = packet.readUInt8(6);
  const payload = packet.subarray(40, 40 + packet.readUInt16BE(4));
  const addresses = { source: ip6(packet, 8), destination: ip6(packet, 24) };
  if (next === 58 && payload.readUInt8(0) === 136) {
    const option = payload.length >= 32 && payload.readUInt8(24) === 2;
    return {
      kind: 'na',
      ...addresses,
      target: ip6(payload, 8),
      flags: payload.readUInt8(4) >> 5,
      linkAddress: option ? mac(payload, 26) : undefined,
    };
  }
  if (next !== 112) return undefined;
  const pseudo = Buffer.concat([
    packet.subarray(8, 40),
    Buffer.from([0, 0, payload.length >> 8, payload.length & 255, 0, 0, 0, 112]),
  ]);
  return decodeAdvert(payload, pseudo, { ...addresses, family: 6, hopLimit: packet.readUInt8(7) });
}

// |Version| Type  | Virtual Rtr ID|   Priority    |  Count        |
// v2: | Auth Type |   Adver Int s |          Checksum             |     v3: |rsvd| Max Adver Int, cs | Checksum |
// | addresses ...                                                 |     v2: | authentication data (8)          |
function decodeAdvert(
  payload: Buffer,
  pseudo: Buffer,
  header: Pick<Advert, 'source' | 'destination' | 'family' | 'hopLimit'>,
): Advert {
  const version = payload.readUInt8(0) >> 4;
  const size = header.family === 4 ? 4 : 16;
  const count = payload.readUInt8(3);
  const addresses = Array.from({ length: count }, (_, i) =>
    size === 4 ? ip4(payload, 8 + i * 4) : ip6(payload, 8 + i * 16),
  );
  const covered = version === 2 ? payload : Buffer.concat([pseudo, payload]);
  return {
    kind: 'advert',
    ...header,
    version,
    vrid: payload.readUInt8(1),
    priority: payload.readUInt8(2),
    addresses,
    interval: version === 2 ? payload.readUInt8(5) : (payload.readUInt16BE(4) & 0xfff) / 100,
    authType: version === 2 ? payload.readUInt8(4) : 0,
    checksumGood: sum(covered) === 0xffff,
    payload,
  };
}

/** Ones' complement sum of 16-bit words; 0xffff over data that contains its right checksum. */
function sum(data: Buffer): number {
  let total = 0;
  for (let i = 0; i < data.length; i++) {
    total += i % 2 === 0 ? data.readUInt8(i) << 8 : data.readUInt8(i);
  }
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

export const mac = (bytes: Buffer, at: number): string =>
  (
    bytes
      .subarray(at, at + 6)
      .toString('hex')
      .match(/../g) ?? []
  ).join(':');

export const ip4 = (bytes: Buffer, at: number): string =>
  Array.from({ length: 4 }, (_, i) => bytes.readUInt8(at + i)).join('.');

/** RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups as `::`. */
export function ip6(bytes: Buffer, at: number): string {
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + i * 2).toString(16));
  const runs = [...words.join(':').matchAll(/(?<![0-9a-f])0(:0)+(?![0-9a-f])/g)];
  const longest = runs.sort((a, b) => b[0].length - a[0].length || a.index - b.index)[0];
  const text = words.join(':');
  if (longest === undefined) return text;
  const head = text.slice(0, longest.index).replace(/:$/, '');
  const tail = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${head}::${tail}`;
}
