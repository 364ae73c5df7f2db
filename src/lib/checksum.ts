// The Internet checksum (RFC 1071): one's complement of the one's complement sum of 16-bit words.

/** Sum over several parts as if they were concatenated; each part but the last must have even length. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2)
      sum += ((part[i] as number) << 8) | (part[i + 1] as number);
    if (part.length % 2 === 1) sum += (part[part.length - 1] as number) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
