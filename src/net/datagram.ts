// One question in a datagram and what comes back to it, until the asker has heard enough. Node's own dgram reads the
// socket; the addon opens it, for Node knows neither marks nor devices nor ping sockets. It knows no protocol beyond
// which socket to ask for, and decides nothing but that the time is over.

import { createSocket } from 'node:dgram';
import { family, type Ip } from '../lib/ip.ts';
import type { Recall } from '../lib/recall.ts';
import type { Duration } from '../lib/time.ts';
import { native } from './native.ts';
import { permitPings } from './ping.ts';

export interface Question<Answer> {
  readonly protocol: 'udp' | 'ping';
  readonly address: Ip;
  /** Means nothing to a ping socket. */
  readonly port: number;
  readonly bindAddress?: Ip;
  /** Of a ping socket: the identifier of the echo. */
  readonly bindPort?: number;
  /** SO_BINDTODEVICE; also the zone of link-local addresses. */
  readonly device?: string;
  /** SO_MARK; 0 is none. */
  readonly mark: number;
  readonly timeout: Duration;
  readonly bytes: Uint8Array;
  /** Each datagram that the other end sends, whole; undefined waits for another one. It must not throw. */
  readonly heard: (bytes: Uint8Array) => Answer | undefined;
  /** The time is over, or `heard` made nothing of so many datagrams that it is not asked again. */
  readonly silence: (heard: number) => Answer;
  /** The system refused a call, or (`syscall` is 'recvmsg') the network sent the question back. */
  readonly failed: (error: NodeJS.ErrnoException) => Answer;
}

const UDP = 17;
const ICMP = 1;
const ICMP6 = 58;

/** So many datagrams that are no answer are looked at: whoever sends more gets no more of our time. */
const PATIENCE = 1000;

/** setTimeout takes no more: longer is for ever. */
const LONGEST = 0x7fff_ffff;

/** Settles once, with the first answer there is; the socket is closed by then. Aborted, it answers with silence. */
export function ask<Answer>(question: Question<Answer>, signal: Recall): Promise<Answer> {
  const { heard, silence, failed, timeout } = question;
  if (signal.aborted) return Promise.resolve(silence(0));
  return new Promise((resolve) => {
    let fd: number;
    try {
      fd = openSocket(question);
    } catch (error) {
      resolve(failed(error as NodeJS.ErrnoException));
      return;
    }
    const socket = createSocket(family(question.address) === 4 ? 'udp4' : 'udp6');
    let settled = false;
    let count = 0;
    const settle = (answer: Answer): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      socket.close();
      resolve(answer);
    };
    const giveUp = (): void => settle(silence(count));
    // What arrived while the loop was held up is read before the time is over.
    const over = (): void => void setImmediate(giveUp);
    const milliseconds = Math.ceil(timeout / 1000);
    const timer = milliseconds > LONGEST ? undefined : setTimeout(over, milliseconds);
    signal.addEventListener('abort', giveUp);
    socket.on('error', (error: NodeJS.ErrnoException) => settle(failed(error)));
    socket.on('message', (bytes) => {
      if (settled) return;
      count += 1;
      const answer = heard(bytes);
      if (answer !== undefined) settle(answer);
      else if (count >= PATIENCE) giveUp();
    });
    // From here on the descriptor is the socket's.
    socket.bind({ fd, exclusive: true });
  });
}

/** Connected, and the question has left: an answer waits in the socket until it is listened to. */
function openSocket(question: Question<unknown>): number {
  const { address, port, bindAddress, bindPort, device, mark, bytes } = question;
  const isPing = question.protocol === 'ping';
  if (isPing) permitPings();
  const fd = native.datagramSocket({
    protocol: isPing ? (family(address) === 4 ? ICMP : ICMP6) : UDP,
    to: address,
    port,
    ...(bindAddress === undefined ? {} : { source: bindAddress }),
    ...(bindPort === undefined ? {} : { sourcePort: bindPort }),
    ...(device === undefined ? {} : { device }),
    ...(mark === 0 ? {} : { mark }),
  });
  try {
    native.send(fd, [{ bytes }]);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}
