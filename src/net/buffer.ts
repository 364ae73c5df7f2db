// How large a receive buffer is: what the configuration asks for, as far as the system lets everybody have it.

import { readFileSync } from 'node:fs';

const LIMIT = '/proc/sys/net/core/rmem_max';
/** A buffer that takes the answers to thousands of refused requests. */
export const ROOMY = 4 << 20;
/** The kernel doubles what it is asked for. */
const MOST = 2 ** 30 - 1;

/** Bytes; 0 asks for nothing, and gets what is usual here. With `force` the system's limit does not hold. */
export function bufferSize(asked: number, force: boolean): number {
  if (asked === 0) return ROOMY;
  return Math.min(asked, force ? MOST : limit());
}

function limit(): number {
  try {
    return Number.parseInt(readFileSync(LIMIT, 'latin1'), 10) || MOST;
  } catch {
    // older kernels show it in the first network namespace only
    return MOST;
  }
}
