// A child's end of the line to its parent: orders in, reports out. The parent's death and SIGTERM are the same order
// as `stop`, so a child knows one way to end. It interprets nothing else.

import type { Log } from '../log.ts';
import type { VrrpConfig } from '../vrrp/keywords.ts';
import type { Letter, Order, Report } from './messages.ts';
import { readParcel } from './parcel.ts';

/** What main.ts gives a child. */
export interface ChildContext {
  readonly log: Log;
  /** Inherited: a byte written here tells the parent that the loop hangs (native.deadman). */
  readonly deadman: number;
}

export interface Channel {
  report(report: Report): void;
}

/** Where the parent puts the dead-man pipe; 3 is Node's own channel. */
export const DEADMAN_FD = 4;

/**
 * Call once, as soon as orders can be taken; those that came earlier are delivered then. `stop` may arrive more than
 * once, and before `configure`.
 */
export function openChannel(onOrder: (order: Order) => void): Channel {
  const stop = (): void => onOrder({ type: 'stop' });
  process.on('SIGTERM', stop);
  process.on('disconnect', stop);
  process.on('message', (letter) => onOrder(open(letter as Letter)));
  return {
    report(report): void {
      // A parent that has died is told nothing; `disconnect` says the rest.
      if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
    },
  };
}

/** The parcel read last: a spare has read before what it is then configured with. */
let known: { readonly path: string; readonly config: VrrpConfig } | undefined;

function open(letter: Letter): Order {
  switch (letter.type) {
    case 'prepare':
    case 'reload':
      return { ...letter, config: read(letter.parcel) };
    case 'configure': {
      const { parcel } = letter;
      return { ...letter, config: known?.path === parcel ? known.config : read(parcel) };
    }
    default:
      return letter;
  }
}

function read(path: string): VrrpConfig {
  const config = readParcel(path) as VrrpConfig;
  known = { path, config };
  return config;
}
