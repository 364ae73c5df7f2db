// The child's end of the channel to its parent. Delivers orders one at a time in order, and ends the process's
// interest in the world when the parent is gone. Judges nothing it carries.

import type { Order, Report } from './messages.ts';

export interface Channel {
  /** Never blocks and never throws: with the parent gone, a report has no reader. */
  report(report: Report): void;
  /** Lets the process end; no order is delivered afterwards. */
  close(): void;
}

/** `onOrder` also gets a `stop` when the parent has gone without giving one. */
export function openChannel(onOrder: (order: Order) => void): Channel {
  if (process.send === undefined) throw new Error('not started by a parent');
  let open = true;
  const deliver = (message: unknown): void => {
    if (open) onOrder(message as Order);
  };
  const orphaned = (): void => deliver({ type: 'stop' });
  process.on('message', deliver);
  process.on('disconnect', orphaned);
  return {
    report(report) {
      if (process.connected) process.send?.(report, undefined, undefined, ignore);
    },
    close() {
      open = false;
      process.off('message', deliver);
      process.off('disconnect', orphaned);
      if (process.connected) process.disconnect();
    },
  };
}

/** A failed send means that the parent has just gone, which `disconnect` tells too. */
const ignore = (): void => {};
