// Verdicts in words: what went wrong, and whether it was on our side.

import type { Verdict } from './checker.ts';

type Down = Extract<Verdict, { readonly up: false }>;

export const down = (reason: string): Down => ({ up: false, reason });

/** It was ours: the server may be well. */
export const unable = (reason: string): Down => ({ up: false, reason, local: true });

/** Of so many datagrams that came, none was the answer. */
export const silence = (heard: number): Down =>
  down(heard === 0 ? 'no answer' : `no answer, but ${heard} datagrams that are none`);

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'port unreachable',
  EHOSTUNREACH: 'host unreachable',
  EHOSTDOWN: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENETDOWN: 'network down',
  ENOPROTOOPT: 'protocol unreachable',
  EMSGSIZE: 'message too long',
  EADDRNOTAVAIL: 'no such source address',
  EADDRINUSE: 'source port in use',
  ENODEV: 'no such interface',
  EMFILE: 'no descriptor left',
  ENFILE: 'no descriptor left',
  EACCES: 'not permitted',
  EPERM: 'not permitted',
};

/** Refused by a connection, a bind or a send, and yet what the other end or the network said. */
const THEIRS: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENOPROTOOPT']);

interface Refusal {
  readonly code?: string | undefined;
  readonly syscall?: string | undefined;
  readonly message: string;
}

/** For a datagram (net/datagram.ts). What is received as an error came from the network. */
export function refused({ code = '', syscall, message }: Refusal): Down {
  const reason = WORDS[code] ?? message;
  return syscall === 'recvmsg' || THEIRS.has(code) ? down(reason) : unable(reason);
}
