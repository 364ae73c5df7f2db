// TCP_CHECK: the server is well if it accepts a connection. Nothing is said on it.

import { Stream } from '../../net/stream.ts';
import type { Check } from '../checker.ts';
import type { PlainOptions } from '../options.ts';
import { failed } from './shared.ts';

export const checkTcp: Check<PlainOptions> = async ({ connection }, signal) => {
  let stream: Stream | undefined;
  try {
    stream = new Stream(connection, signal);
    await stream.connected(connection.timeout);
    return { up: true };
  } catch (error) {
    return failed(error);
  } finally {
    stream?.close();
  }
};
