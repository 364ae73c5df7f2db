// What checkers that speak over TCP have in common: how a connection that failed becomes a verdict. It decides nothing
// about what was said on it.

import { isOurs } from '../../net/stream.ts';
import type { Verdict } from '../checker.ts';

type Down = Extract<Verdict, { readonly up: false }>;

export const down = (reason: string): Down => ({ up: false, reason });

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'no route',
  EADDRNOTAVAIL: 'no such source address, or no port left',
  EADDRINUSE: 'source port in use',
  ENODEV: 'no such interface',
  EMFILE: 'no descriptor left',
  ENFILE: 'no descriptor left',
  ABORT_ERR: 'given up',
};

const LATE: Readonly<Record<string, string>> = {
  connect: 'timeout connecting',
  handshake: 'timeout in the TLS handshake',
  read: 'timeout reading',
  write: 'timeout writing',
};

/** The verdict for an Error of a stream (net/stream.ts). Anything else is our own bug and is thrown on. */
export function failed(error: unknown): Down {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  const refused = error as NodeJS.ErrnoException;
  const { code = '', syscall = '' } = refused;
  const late = code === 'ETIMEDOUT' ? LATE[syscall] : undefined;
  const reason = late ?? WORDS[code] ?? error.message;
  return isOurs(refused) ? { up: false, reason, local: true } : { up: false, reason };
}
