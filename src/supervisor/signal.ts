// The signals that the parent acts on, from one place: those that Node can catch, and the two real-time ones that only the
// addon can. Nothing here says what they mean.

import { REAL_TIME } from '../ipc/signal.ts';
import { native } from '../net/native.ts';
import { type Record, readRecords } from '../net/record.ts';
import { shrug } from '../net/shrug.ts';

const CAUGHT = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
  SIGCHLD: 17,
} as const;
/** The least that the I/O thread takes. */
const RING = 1 << 18;

/** `hear` gets what else the I/O thread has to tell; it runs from here on. */
export function catchSignals(take: (signal: number) => void, hear: (record: Record) => void): void {
  shrug();
  for (const [name, number] of Object.entries(CAUGHT)) process.on(name, () => take(number));
  const ring = new Uint8Array(RING);
  native.start(
    (length) => {
      for (const record of readRecords(ring, length))
        if (record.kind === 'signal') take(record.signal);
        else hear(record);
      native.settle();
    },
    ring,
    { policy: 'other', priority: 0 },
  );
  for (const signal of REAL_TIME) native.catchSignal(signal);
}
