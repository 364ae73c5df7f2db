// Tells the service manager how the daemon is (sd_notify(3)): a unit of Type=notify or notify-reload waits for it. Where
// nobody asked, nothing is sent.

import { native } from '../net/native.ts';

/** What the service manager can be told. */
export type Condition = 'ready' | 'reloading' | 'stopping';

const text = {
  ready: () => `READY=1\nMAINPID=${process.pid}`,
  // notify-reload tells answers from leftovers by the time.
  reloading: () => `RELOADING=1\nMONOTONIC_USEC=${Math.floor(native.now())}`,
  stopping: () => 'STOPPING=1',
} as const;

/** `socket` is NOTIFY_SOCKET. A service manager that cannot be reached changes nothing. */
export function tellServiceManager(socket: string | undefined, condition: Condition): void {
  if (socket === undefined || socket === '') return;
  try {
    native.sendLocal(socket, Buffer.from(text[condition]()));
  } catch {
    // It has gone, or it is too busy: what the daemon is for matters more.
  }
}
