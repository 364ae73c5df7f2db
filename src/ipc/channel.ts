// A child's end of the line to its parent: orders in, reports out. The parent's death and SIGTERM are the same order
// as `stop`, so a child knows one way to end. It interprets nothing else.

import type { Log } from '../log.ts';
import type { Letter, Order, Report } from './messages.ts';
import { ParcelReader } from './parcel.ts';

/** File creation mask where nobody says anything, as keepalived's. */
export const MASK = 0o177;

/** What main.ts gives a child. */
export interface ChildContext {
  readonly log: Log;
  /** Path of the network namespace that the parent was started in. */
  readonly origin: string;
  /** -u, which beats the configuration's. */
  readonly umask?: number;
  /** Inherited: a byte written here tells the parent that the loop hangs (native.deadman). */
  readonly deadman: number;
}

export interface Channel {
  report(report: Report): void;
}

/** What a child without a configuration can do: end, and show that it lives. */
export function obeyIdle(order: Order, channel: Channel, ended: (status: number) => void): void {
  if (order.type === 'stop') ended(0);
  else if (order.type === 'heartbeat') channel.report(order);
}

/** Where the parent puts the dead-man pipe; 3 is Node's own channel. */
export const DEADMAN_FD = 4;

/**
 * `O` are the orders of this kind of child. Call once, as soon as orders can be taken; those that came earlier are delivered then. `stop` may arrive more than
 * once, and before `configure`. `onParcel` is called before an order is read that comes with a configuration, which may take long.
 */
export function openChannel<O extends Order>(
  onOrder: (order: O) => void,
  onParcel?: () => void,
): Channel {
  const take = onOrder as (order: Order) => void;
  const stop = (): void => take({ type: 'stop' });
  process.on('SIGTERM', stop);
  process.on('disconnect', stop);
  process.on('message', (letter: Letter) => {
    if ('parcel' in letter) onParcel?.();
    take(open(letter));
  });
  return {
    report(report): void {
      // A parent that has died is told nothing; `disconnect` says the rest.
      if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
    },
  };
}

const parcels = new ParcelReader();

/** The parcel read last: a spare has read before what it is then configured with. */
let known: { readonly path: string; readonly config: unknown } | undefined;

/** What is in a parcel is what the parent has put there for this kind of child. */
function open(letter: Letter): Order {
  if (!('parcel' in letter)) return letter;
  const { parcel } = letter;
  const kept = letter.type === 'configure' && known?.path === parcel ? known.config : undefined;
  return { ...letter, config: kept ?? read(parcel) } as Order;
}

function read(path: string): unknown {
  const config = parcels.read(path);
  known = { path, config };
  return config;
}
