// IP addresses as text in one canonical spelling (RFC 5952 for IPv6), so that equality is ===, JSON and
// logs need no conversion, and a recorded event can be read. Bytes appear only at the wire.

export type Ip = string & { readonly __brand: 'Ip' };
export type Family = 4 | 6;

/** Of the words that configurations use; undefined where there is none. */
export const familyNamed = (name: 'inet' | 'inet6' | undefined): Family | undefined =>
  name === undefined ? undefined : name === 'inet6' ? 6 : 4;

export const family = (ip: Ip): Family => (ip.includes(':') ? 6 : 4);

/** The canonical address, or undefined where the text is not an address. No prefix, no zone. */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(':')) return parse4(text)?.join('.') as Ip | undefined;
  const bytes = parse6(text);
  return bytes === undefined ? undefined : ipFromBytes(bytes);
}

/** As inet_aton(3) reads it, without blanks: one to four numbers as C writes them, of which the last one fills what is left. */
export function ipFromNumbers(text: string): Ip | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || !parts.every((part) => /^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(part)))
    return undefined;
  const numbers = parts.map((part) => Number(part.replace(/^0(?=[0-7])/, '0o')));
  const last = numbers.pop() as number;
  const left = 4 - numbers.length;
  if (numbers.some((number) => number > 255) || last >= 256 ** left) return undefined;
  const rest = Array.from(
    { length: left },
    (_, i) => Math.floor(last / 256 ** (left - 1 - i)) % 256,
  );
  return [...numbers, ...rest].join('.') as Ip;
}

/** 4 or 16 bytes in network order. */
export function ipBytes(ip: Ip): Uint8Array {
  const bytes = ip.includes(':') ? parse6(ip) : parse4(ip);
  if (bytes === undefined) throw new TypeError(`not an address: ${ip}`);
  return Uint8Array.from(bytes);
}

export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return bytes.join('.') as Ip;
  if (bytes.length !== 16) throw new TypeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  return format6(bytes) as Ip;
}

/** Order of addresses as unsigned integers, the tie-break of RFC 9568 6.4.3; IPv4 before IPv6. */
export function compareIp(a: Ip, b: Ip): number {
  const x = ipBytes(a);
  const y = ipBytes(b);
  if (x.length !== y.length) return x.length - y.length;
  for (let i = 0; i < x.length; i++) {
    const difference = (x[i] as number) - (y[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** fe80:: address made of a MAC address (RFC 4291 appendix A); undefined where it is none of six bytes. */
export function linkLocalOf(mac: string): Ip | undefined {
  const bytes = mac.split(':').map((part) => Number.parseInt(part, 16));
  if (bytes.length !== 6 || bytes.some(Number.isNaN)) return undefined;
  const [a = 0, b = 0, c = 0, ...rest] = bytes;
  return ipFromBytes(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, ...rest));
}

/** fe80::/10 (RFC 4291 2.5.6). */
export function isLinkLocal6(ip: Ip): boolean {
  if (family(ip) !== 6) return false;
  const [first = 0, second = 0] = ipBytes(ip);
  return first === 0xfe && (second & 0xc0) === 0x80;
}

export function isMulticast(ip: Ip): boolean {
  const first = ipBytes(ip)[0] as number;
  return family(ip) === 4 ? first >= 224 && first <= 239 : first === 0xff;
}

function parse4(text: string): number[] | undefined {
  if (!/^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(text)) return undefined;
  const numbers = text.split('.').map(Number);
  return numbers.every((n) => n <= 255) ? numbers : undefined;
}

function parse6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const words = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(words.flatMap((w) => [w >> 8, w & 0xff]));
}

/** The 16-bit groups of one side of `::`; a dotted quad may stand at the very end of the address. */
function groups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const words: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const quad = parse4(part);
      if (quad === undefined) return undefined;
      const [a, b, c, d] = quad as unknown as [number, number, number, number];
      words.push((a << 8) | b, (c << 8) | d);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      words.push(Number.parseInt(part, 16));
    }
  }
  return words;
}

function format6(bytes: Uint8Array): string {
  const words = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number),
  );
  // ::ffff:a.b.c.d keeps its dotted form, as inet_ntop prints it.
  if (words.slice(0, 5).every((w) => w === 0) && words[5] === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`;
  const zeros = longestZeroRun(words);
  const hex = words.map((w) => w.toString(16));
  if (zeros.length < 2) return hex.join(':');
  return `${hex.slice(0, zeros.start).join(':')}::${hex.slice(zeros.start + zeros.length).join(':')}`;
}

function longestZeroRun(words: readonly number[]): {
  readonly start: number;
  readonly length: number;
} {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [i, word] of words.entries()) {
    length = word === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  }
  return best;
}
