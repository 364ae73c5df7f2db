// The process that talks to the mail server. It takes mails from the parent, answers for each, and ends with the connection.

import { createTransport } from 'nodemailer';
import type { Consignment, Delivery } from './postman.ts';

/** Mails under way at the same time; keepalived has no limit. */
const AT_ONCE = 20;

export function runMailer(): Promise<number> {
  const waiting: Consignment[] = [];
  let busy = 0;
  const next = (): void => {
    while (busy < AT_ONCE) {
      const consignment = waiting.shift();
      if (consignment === undefined) return;
      busy++;
      void deliver(consignment).then((delivery) => {
        busy--;
        if (process.connected) process.send?.(delivery, undefined, undefined, () => {});
        next();
      });
    }
  };
  return new Promise((resolve) => {
    process.on('message', (consignment) => {
      waiting.push(consignment as Consignment);
      next();
    });
    process.on('disconnect', () => resolve(0));
  });
}

/** In clear text, as keepalived: the server is usually the machine's own or next to it. */
async function deliver({ relay, mail }: Consignment): Promise<Delivery> {
  const { host, port, name, timeout, from, to } = relay;
  const transport = createTransport({
    host,
    port,
    name,
    secure: false,
    ignoreTLS: true,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
  });
  try {
    const headers = { 'X-Mailer': 'Keepalived' };
    await transport.sendMail({ from, to: [...to], headers, ...mail });
    return {};
  } catch (error) {
    return { failure: (error as Error).message };
  } finally {
    transport.close();
  }
}
