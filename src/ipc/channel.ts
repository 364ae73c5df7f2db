// A child's end of the channel to its parent. When the parent is gone the child must stop: that is an order too.

import type { Order, Report } from './messages.ts';

export interface Channel {
  report(report: Report): void;
  close(): void;
}

export function openChannel(onOrder: (order: Order) => void): Channel {
  process.on('message', (order) => onOrder(order as Order));
  process.once('disconnect', () => onOrder({ type: 'stop' }));
  return {
    report: (report) => {
      // A parent that has just died is noticed through 'disconnect'; what cannot be told it does not matter.
      if (process.connected) process.send?.(report, undefined, undefined, () => {});
    },
    close: () => {
      if (process.connected) process.disconnect();
    },
  };
}
