// A history as text: one JSON value a line, bytes in hexadecimal. What a process was told can be kept in a file and
// told to the same code again.

import type { Instant } from './time.ts';

export interface Entry {
  /** When it happened, in microseconds. */
  readonly at: Instant;
  readonly value: unknown;
}

export function encodeEntry({ at, value }: Entry): string {
  return JSON.stringify({ at, value }, (_, part: unknown) =>
    part instanceof Uint8Array
      ? { hex: Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join('') }
      : part,
  );
}

/** Throws a SyntaxError where the line is not JSON. */
export function decodeEntry(line: string): Entry {
  return JSON.parse(line, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || !('hex' in part)) return part;
    const pairs = String(part.hex).match(/../g) ?? [];
    return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
  }) as Entry;
}
