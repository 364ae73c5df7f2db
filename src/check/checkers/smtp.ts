// SMTP_CHECK: a greeting, HELO, QUIT, as keepalived says them. Each answer is one line whose code must be the expected
// one, with a blank behind it; what else has come with that line is not looked at. No mail is sent.

import type { Duration } from '../../lib/time.ts';
import { Stream } from '../../net/stream.ts';
import type { Check } from '../checker.ts';
import type { SmtpOptions } from '../options.ts';
import { down } from '../verdict.ts';
import { failed } from './shared.ts';

/** keepalived 2.2.7 takes no longer line, its end included; pinned by test/diff/checker.test.ts. */
const LINE_LIMIT = 511;
/** A line may take so many times what one wait for a piece of it may. */
const PATIENCE = 10;

export const checkSmtp: Check<SmtpOptions> = async ({ connection, helo_name }, signal) => {
  const { timeout } = connection;
  let stream: Stream | undefined;
  let connected = false;
  try {
    stream = new Stream(connection, signal);
    await stream.connected(timeout);
    connected = true;
    if (!(await readLine(stream, timeout)).startsWith('220 ')) return down('Bad greeting banner');
    stream.write(`HELO ${helo_name}\r\n`);
    if (!(await readLine(stream, timeout)).startsWith('250 ')) return down('Bad HELO response');
    stream.write('QUIT\r\n');
    // What is said to that does not matter.
    await readLine(stream, timeout);
    return { up: true };
  } catch (error) {
    const late = (error as NodeJS.ErrnoException).code === 'ETIMEDOUT';
    if (connected) return failed(error, late ? 'Read timeout' : 'Read failure');
    return failed(error, late ? 'Connection timeout' : 'Could not connect');
  } finally {
    stream?.close();
  }
};

/** Up to a line end; a line that is too long is empty, as if it had said nothing. */
async function readLine(stream: Stream, timeout: Duration): Promise<string> {
  const begun = performance.now();
  let text = '';
  while (!text.includes('\n')) {
    if (text.length > LINE_LIMIT || performance.now() - begun > (PATIENCE * timeout) / 1000)
      return '';
    const piece = await stream.read(timeout);
    if (piece === undefined) throw Object.assign(new Error('the end'), { code: 'ENODATA' });
    text += piece.toString('latin1', 0, LINE_LIMIT + 1);
  }
  const line = text.slice(0, text.indexOf('\n') + 1);
  return line.length > LINE_LIMIT ? '' : line;
}
