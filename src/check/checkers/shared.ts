// What checkers that speak over TCP have in common: how a connection that failed becomes a verdict. It decides nothing
// about what was said on it.

import { isOurs } from '../../net/stream.ts';
import type { Verdict } from '../checker.ts';
import { down, unable, wordsOf } from '../verdict.ts';

/** What a connection meets, beside what any socket does. */
const WORDS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'no such source address, or no port left',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ETIMEDOUT: 'timeout connecting',
};

/**
 * The verdict for an Error of a stream (net/stream.ts); `words` says it where it was the other end. Anything else is our
 * own bug and is thrown on.
 */
export function failed(error: unknown, words?: string): Extract<Verdict, { up: false }> {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  const refused = error as NodeJS.ErrnoException;
  const reason = wordsOf(refused, WORDS);
  return isOurs(refused) ? unable(reason) : down(words ?? reason);
}
