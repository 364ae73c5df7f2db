// TCP_CHECK: the server is well if it accepts a connection. Nothing is said on it.

import type { Dials } from '../../net/dial.ts';
import type { Check } from '../checker.ts';
import type { PlainOptions } from '../options.ts';
import { failed } from './shared.ts';

/** `dials` hears from the I/O thread what becomes of connections. */
export const tcpCheck =
  (dials: Pick<Dials, 'reach'>): Check<PlainOptions> =>
  async ({ connection }, signal) => {
    try {
      await dials.reach(connection, connection.timeout, signal);
      return UP;
    } catch (error) {
      return failed(error);
    }
  };

const UP = { up: true } as const;
