// Signals that mean nothing to any process of ours and would end or stop it by their default: it lives on, as keepalived does.
// Programs that it starts get the defaults back. What the processor or the kernel raises for a fault is left alone.

import { native } from './native.ts';

const FIRST_REAL_TIME = 34;
const LAST_REAL_TIME = 64;

/** SIGQUIT, SIGABRT, SIGALRM, SIGSTKFLT, those of a terminal, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO, SIGPWR; all of real time. */
const SHRUGGED: readonly number[] = [
  ...[3, 6, 14, 16, 20, 21, 22, 24, 26, 27, 29, 30],
  ...Array.from({ length: LAST_REAL_TIME - FIRST_REAL_TIME + 1 }, (_, i) => FIRST_REAL_TIME + i),
];

/** To be called before handlers are installed for some of them; handlers that are there already stay. */
export function shrug(): void {
  for (const signal of SHRUGGED) native.shrugSignal(signal);
}
