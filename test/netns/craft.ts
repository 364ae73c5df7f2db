// Makes VRRP adverts, right ones and every kind of wrong one, as whole Ethernet frames. Independent of src/vrrp,
// so that an error there cannot make its own test pass.

import { isIPv6 } from 'node:net';

export interface AdvertOptions {
  readonly version: number;
  readonly source: string;
  readonly destination: string;
  readonly vrid: number;
  readonly priority: number;
  readonly addresses: readonly string[];
  /** In the wire's unit: seconds in version 2, centiseconds in version 3. */
  readonly interval: number;
  readonly type?: number;
  readonly hopLimit?: number;
  readonly authType?: number;
  readonly password?: string;
  /** What the count field says, where that is not the truth. */
  readonly count?: number;
  /** Added to the right checksum. */
  readonly checksumError?: number;
  /** Bytes cut off (negative) or added (positive) at the end; the IP header says the true length. */
  readonly extra?: number;
  /** Added to what the IPv4 header says of its length. */
  readonly lengthError?: number;
  readonly sourceMac?: string;
  readonly destinationMac?: string;
}

export function craftAdvert(options: AdvertOptions): Buffer {
  const six = isIPv6(options.source);
  const source = ipToBytes(options.source);
  const destination = ipToBytes(options.destination);
  let body = craftBody(options, source, destination);
  const extra = options.extra ?? 0;
  body =
    extra < 0 ? body.subarray(0, body.length + extra) : Buffer.concat([body, Buffer.alloc(extra)]);
  const hopLimit = options.hopLimit ?? 255;
  const header = six
    ? Buffer.from([0x60, 0, 0, 0, ...word(body.length), 112, hopLimit, ...source, ...destination])
    : header4(body.length + (options.lengthError ?? 0), hopLimit, source, destination);
  const groupMac = six
    ? [0x33, 0x33, ...destination.subarray(12)]
    : [1, 0, 0x5e, (destination[1] ?? 0) & 0x7f, ...destination.subarray(2)];
  const to = options.destinationMac ? macToBytes(options.destinationMac) : Buffer.from(groupMac);
  const from = macToBytes(options.sourceMac ?? '02:00:00:00:00:ee');
  return Buffer.concat([to, from, Buffer.from(six ? [0x86, 0xdd] : [8, 0]), header, body]);
}

function craftBody(options: AdvertOptions, source: Buffer, destination: Buffer): Buffer {
  const { version, type = 1, vrid, priority, addresses, interval, authType = 0 } = options;
  const middle = version === 2 ? [authType, interval] : word(interval);
  const head = [(version << 4) | type, vrid, priority, options.count ?? addresses.length];
  const parts = [Buffer.from([...head, ...middle, 0, 0]), ...addresses.map(ipToBytes)];
  if (version === 2) {
    const password = Buffer.alloc(8);
    password.write(options.password ?? '', 'latin1');
    parts.push(password);
  }
  const body = Buffer.concat(parts);
  const length = word(body.length);
  const pseudo =
    version === 2
      ? Buffer.alloc(0)
      : Buffer.concat([
          source,
          destination,
          Buffer.from(source.length === 4 ? [0, 112, ...length] : [0, 0, ...length, 0, 0, 0, 112]),
        ]);
  const right = checksum(Buffer.concat([pseudo, body]));
  body.writeUInt16BE((right + (options.checksumError ?? 0)) & 0xffff, 6);
  return body;
}

function header4(length: number, ttl: number, source: Buffer, destination: Buffer): Buffer {
  const header = Buffer.from([0x45, 0xc0, ...word(length + 20), 0, 1, 0, 0, ttl, 112, 0, 0]);
  const whole = Buffer.concat([header, source, destination]);
  whole.writeUInt16BE(checksum(whole), 10);
  return whole;
}

const word = (value: number): [number, number] => [(value >> 8) & 255, value & 255];

const macToBytes = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');

function checksum(data: Buffer): number {
  let total = 0;
  data.forEach((byte, i) => {
    total += i % 2 === 0 ? byte * 256 : byte;
  });
  while (total > 0xffff) total = (total % 0x10000) + Math.floor(total / 0x10000);
  return ~total & 0xffff;
}

export function ipToBytes(text: string): Buffer {
  if (!isIPv6(text)) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return Buffer.from([...left, ...zeros, ...right].flatMap((x) => word(Number.parseInt(x, 16))));
}
