// TCP_CHECK: the server is well if it accepts a connection. Nothing is said on it.

import { reach } from '../../net/stream.ts';
import type { Check } from '../checker.ts';
import type { PlainOptions } from '../options.ts';
import { failed } from './shared.ts';

export const checkTcp: Check<PlainOptions> = async ({ connection }, signal) => {
  try {
    await reach(connection, connection.timeout, signal);
    return { up: true };
  } catch (error) {
    return failed(error);
  }
};
