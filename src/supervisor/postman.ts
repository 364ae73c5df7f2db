// Mail about changes of state. A process of its own talks to the mail server, in the daemon's network namespace, so that a
// server that is slow, hangs or lies costs neither the VRRP child nor the parent anything; it ends when there is no more to send.

import type { ChildProcess } from 'node:child_process';
import { hostname, userInfo } from 'node:os';
import type { GlobalDefs } from '../config/globals.ts';
import { seconds } from '../lib/time.ts';
import { forkSelf, type SelfCommand } from './self.ts';

export interface Mail {
  readonly subject: string;
  readonly text: string;
}

/** The server and what every mail has in common; durations in milliseconds. */
export interface Relay {
  readonly host: string;
  readonly port: number;
  /** Our name in the greeting. */
  readonly name: string;
  readonly timeout: number;
  readonly from: string;
  readonly to: readonly string[];
}

/** Parent to mailer; answered by one Delivery for each. */
export interface Consignment {
  readonly relay: Relay;
  readonly mail: Mail;
}

/** `failure` is why it was not sent. */
export interface Delivery {
  readonly failure?: string;
}

const USUAL_TIMEOUT = seconds(30);

/** More than this wait for nobody: a server that is away for a day must not fill the memory. */
const LIMIT = 500;

/** Undefined where the configuration names no server or no recipient. */
export function relayOf(defs: GlobalDefs): Relay | undefined {
  const { smtp_server: server, notification_email: to } = defs;
  if (server === undefined || to.length === 0) return undefined;
  return {
    host: server.host,
    port: server.port,
    name: defs.smtp_helo_name ?? hostname(),
    timeout: (defs.smtp_connect_timeout ?? USUAL_TIMEOUT) / 1000,
    from: defs.notification_email_from ?? `${userInfo().username}@${hostname()}`,
    to,
  };
}

export class Postman {
  readonly #start: () => ChildProcess;
  readonly #report: (delivery: Delivery) => void;
  #mailer: ChildProcess | undefined;
  /** Mails that the mailer has and has not answered for. */
  #under = 0;

  /** `start` gives a new mailer process. */
  constructor(start: () => ChildProcess, report: (delivery: Delivery) => void) {
    this.#start = start;
    this.#report = report;
  }

  send(consignment: Consignment): void {
    if (this.#under >= LIMIT) {
      this.#report({ failure: `${LIMIT} mails wait already` });
      return;
    }
    try {
      this.#mailer ??= this.#begin();
    } catch (error) {
      this.#report({ failure: (error as Error).message });
      return;
    }
    this.#under++;
    this.#mailer.send(consignment, () => {});
  }

  close(): void {
    this.#mailer?.kill('SIGKILL');
  }

  #begin(): ChildProcess {
    const mailer = this.#start();
    mailer.on('message', (delivery) => this.#answered(mailer, delivery as Delivery));
    mailer.on('error', () => {});
    mailer.on('exit', (status, signal) => {
      if (this.#mailer !== mailer) return;
      this.#mailer = undefined;
      const lost = this.#under;
      this.#under = 0;
      if (lost > 0)
        this.#report({
          failure: `the mailer ended with ${signal ?? status}, ${lost} mails are lost`,
        });
    });
    return mailer;
  }

  #answered(mailer: ChildProcess, delivery: Delivery): void {
    if (this.#mailer !== mailer) return;
    this.#under--;
    this.#report(delivery);
    if (this.#under > 0) return;
    this.#mailer = undefined;
    mailer.disconnect();
  }
}

/** To be called in the namespace that the server is reached from. */
export const startMailer = (self: SelfCommand, words: readonly string[]): ChildProcess =>
  forkSelf(self, words, { name: 'mailer' }, ['ignore', 'ignore', 'inherit', 'ipc']);
