// What signals ask a process for, and how a child hears those that are sent to it rather than to its parent.

import { native } from '../net/native.ts';
import type { Channel } from './channel.ts';
import type { DumpKind } from './messages.ts';

/** SIGUSR1, SIGUSR2, SIGRTMIN+2 and SIGRTMAX-1. Node has no names for the last two. */
export const DUMPS: ReadonlyMap<number, DumpKind> = new Map([
  [10, 'data'],
  [12, 'statistics'],
  [36, 'json'],
  [63, 'clear'],
]);
/** Those that only the addon can catch: its I/O thread tells of them. */
export const REAL_TIME: readonly number[] = [36, 63];

/** For a child that runs something and has an I/O thread. Those of real time come as records. */
export function heedSignals(channel: Channel, take: (signal: number) => void): void {
  process.on('SIGUSR1', () => take(10));
  process.on('SIGUSR2', () => take(12));
  process.on('SIGHUP', () => channel.report({ type: 'reload' }));
  for (const signal of REAL_TIME) native.catchSignal(signal);
}
