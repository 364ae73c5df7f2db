// MD5 (RFC 1321) and HMAC-MD5 (RFC 2104), for VRRPv2's authentication header, which knows nothing better. MD5 is
// broken as a hash; nothing else here may use it.

const BLOCK = 64;
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const;
/** RFC 1321 3.4: the table of sines. */
const SINES = Int32Array.from({ length: 64 }, (_, i) =>
  Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32),
);

/** 16 bytes over all parts as if they were concatenated. */
export function md5(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const data = new Uint8Array((Math.floor((length + 8) / BLOCK) + 1) * BLOCK);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  data[length] = 0x80;
  const view = new DataView(data.buffer);
  view.setUint32(data.length - 8, length * 8, true);
  const sums = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let block = 0; block < data.length; block += BLOCK) mix(sums, view, block);
  const digest = new DataView(new ArrayBuffer(16));
  for (const [i, sum] of sums.entries()) digest.setInt32(i * 4, sum, true);
  return new Uint8Array(digest.buffer);
}

function mix(sums: Int32Array, view: DataView, block: number): void {
  let [a = 0, b = 0, c = 0, d = 0] = sums;
  for (let i = 0; i < 64; i++) {
    const round = i >> 4;
    const [chosen, word] =
      round === 0
        ? [(b & c) | (~b & d), i]
        : round === 1
          ? [(d & b) | (~d & c), (5 * i + 1) & 15]
          : round === 2
            ? [b ^ c ^ d, (3 * i + 5) & 15]
            : [c ^ (b | ~d), (7 * i) & 15];
    const sum = (a + chosen + (SINES[i] as number) + view.getInt32(block + word * 4, true)) | 0;
    const shift = SHIFTS[round * 4 + (i & 3)] as number;
    [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0];
  }
  for (const [i, value] of [a, b, c, d].entries()) sums[i] = (sums[i] as number) + value;
}

/** RFC 2104 2. `key` has no more than 64 bytes. */
export function hmacMd5(key: Uint8Array, data: Uint8Array): Uint8Array {
  const inner = new Uint8Array(BLOCK).fill(0x36);
  const outer = new Uint8Array(BLOCK).fill(0x5c);
  for (const [i, byte] of key.entries()) {
    inner[i] = 0x36 ^ byte;
    outer[i] = 0x5c ^ byte;
  }
  return md5(outer, md5(inner, data));
}
