// Verdicts in words: what went wrong, and whether it was on our side.

import type { Verdict } from './checker.ts';

type Down = Extract<Verdict, { readonly up: false }>;

export const down = (reason: string): Down => ({ up: false, reason });

/** It was ours: the server may be well. */
export const unable = (reason: string): Down => ({ up: false, reason, local: true });

/** Of so many datagrams that came, none was the answer. */
export const silence = (heard: number): Down =>
  down(heard === 0 ? 'no answer' : `no answer, but ${heard} datagrams that are none`);

/** What a kernel refuses any socket, in words. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'not permitted',
  EADDRINUSE: 'source port in use',
  EADDRNOTAVAIL: 'no such source address',
  // As a blackhole answers, or a scope that is missing.
  EINVAL: 'no usable route',
  EHOSTDOWN: 'host unreachable',
  EHOSTUNREACH: 'host unreachable',
  EMFILE: 'no descriptor left',
  EMSGSIZE: 'message too long',
  ENETDOWN: 'network down',
  ENETUNREACH: 'network unreachable',
  ENFILE: 'no descriptor left',
  ENODEV: 'no such interface',
  EPERM: 'not permitted',
};

/** `own` are the words of one kind of socket, which come first. What Node adds of our own end says nothing. */
export const wordsOf = (
  { code = '', message }: Refusal,
  own: Readonly<Record<string, string>>,
): string => own[code] ?? WORDS[code] ?? message.replace(/ - Local \(.*\)$/, '');

/** What a datagram meets. */
const OF_DATAGRAMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'port unreachable',
  ENOPROTOOPT: 'protocol unreachable',
};

/** Refused by a connection, a bind or a send, and yet what the other end or the network said. */
const THEIRS: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENOPROTOOPT']);

interface Refusal {
  readonly code?: string | undefined;
  readonly syscall?: string | undefined;
  readonly message: string;
}

/** For a datagram (net/datagram.ts). What is received as an error came from the network. */
export function refused(refusal: Refusal): Down {
  const { code = '', syscall } = refusal;
  const reason = wordsOf(refusal, OF_DATAGRAMS);
  return syscall === 'recvmsg' || THEIRS.has(code) ? down(reason) : unable(reason);
}
