// One TCP connection that is made, spoken on and closed: from an address, port and interface, with a mark, and with a
// limit on every wait. TLS may be put on top. It knows no protocol above TLS and never tries again.

import { Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { family, type Ip, isLinkLocal6 } from '../lib/ip.ts';
import type { Recall } from '../lib/recall.ts';
import type { Duration } from '../lib/time.ts';
import { native } from './native.ts';

/** Where to, and from where; what is absent the kernel chooses. */
export interface Endpoint {
  readonly address: Ip;
  readonly port: number;
  readonly bindAddress?: Ip;
  readonly bindPort?: number;
  /** SO_BINDTODEVICE; also the zone of link-local addresses. */
  readonly device?: string;
  /** SO_MARK; 0 is none. */
  readonly mark: number;
}

/** Refusals of our own kernel, before anything has been heard of the other end. */
const OURS: ReadonlySet<string> = new Set([
  'EACCES',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EAGAIN',
  'EINVAL',
  'EMFILE',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOMEM',
  'ENOSPC',
  'EPERM',
]);

/** True where it was this machine that could not: no descriptor, no source address, no route. */
export const isOurs = (error: NodeJS.ErrnoException): boolean => OURS.has(error.code ?? '');

/** Why a wait ended without what it waited for. ETIMEDOUT, ECONNRESET, ABORT_ERR, codes of OpenSSL and the like. */
export const refusal = (code: string, syscall: string, text: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${syscall} ${code}: ${text}`), { code, syscall });

export const unwanted = (): NodeJS.ErrnoException =>
  refusal('ABORT_ERR', 'connect', 'no longer wanted');
const tooLate = (syscall: string): NodeJS.ErrnoException =>
  refusal('ETIMEDOUT', syscall, 'no answer in time');

/** `late` is called after so long; what came while this process stood still is read first. */
const limit = (timeout: Duration, late: () => void): NodeJS.Timeout =>
  setTimeout(() => setImmediate(late), timeout / 1000);

/** Nothing is said by it; connect() must follow in the same turn. Throws what the kernel refuses. */
function socketTo(to: Endpoint): Socket {
  const { address, mark, device, bindAddress: source, bindPort: sourcePort } = to;
  // Half open: without it Node says goodbye (a TLS alert) by itself when the other end has.
  if (mark === 0 && device === undefined && source === undefined && sourcePort === undefined)
    return new Socket({ allowHalfOpen: true });
  const fd = native.tcpSocket({
    family: family(address),
    ...(mark === 0 ? {} : { mark }),
    ...(device === undefined ? {} : { device }),
    ...(source === undefined ? {} : { source }),
    ...(sourcePort === undefined ? {} : { sourcePort }),
  });
  // libuv owns the descriptor from here on, and reads the socket already.
  return new Socket({ fd, allowHalfOpen: true });
}

function connect(socket: Socket, { address, port, device }: Endpoint): void {
  const zone = device !== undefined && isLinkLocal6(address) ? `%${device}` : '';
  socket.connect({ host: address + zone, port });
}

/** Made once: the trace of an Error costs as much as the rest of a close. */
const CLOSED = refusal('ECANCELED', 'close', 'closed');

/**
 * Every method that waits rejects with an Error that has `code` and `syscall` where the other end, the kernel, the
 * clock or the signal was against it; the stream is closed then. One wait at a time.
 */
export class Stream {
  #socket: Socket | TLSSocket;
  /** The same without TLS. */
  readonly #plain: Socket;
  #ended = false;
  #failure: NodeJS.ErrnoException | undefined;
  #wake: (() => void) | undefined;
  readonly #release: () => void;

  /** Throws what the kernel refuses at once: EMFILE, EADDRNOTAVAIL, EADDRINUSE, ENODEV, EPERM. */
  constructor(to: Endpoint, signal: Recall) {
    this.#plain = socketTo(to);
    this.#socket = this.#plain;
    this.#listen(this.#plain);
    connect(this.#socket, to);
    const abort = (): void => this.#fail(unwanted());
    signal.addEventListener('abort', abort);
    this.#release = () => signal.removeEventListener('abort', abort);
    if (signal.aborted) abort();
  }

  /** Until the other end has accepted. */
  connected(timeout: Duration): Promise<void> {
    return this.#until(timeout, 'connect', () => !this.#socket.connecting);
  }

  /** Until both ends have agreed on TLS. What was read before is part of it. */
  async secure(options: ConnectionOptions, timeout: Duration): Promise<void> {
    const plain = this.#plain;
    for (const event of EVENTS) plain.removeAllListeners(event);
    const secured = connectTls({ ...options, socket: plain });
    // The plain socket reports through the secured one.
    plain.on('error', () => {});
    this.#socket = secured;
    let agreed = false;
    this.#listen(secured);
    secured.once('secureConnect', () => {
      agreed = true;
      this.#wake?.();
    });
    await this.#until(timeout, 'handshake', () => agreed);
  }

  write(bytes: Uint8Array | string): void {
    this.#socket.write(bytes);
  }

  /** What has come, at least one byte; undefined once the other end has said all. */
  async read(timeout: Duration): Promise<Buffer | undefined> {
    let piece: Buffer | undefined;
    await this.#until(timeout, 'read', () => {
      piece = (this.#socket.read() as Buffer | null) ?? undefined;
      return piece !== undefined || this.#ended;
    });
    return piece;
  }

  /** Says that nothing more will be sent (a close alert of TLS included) and waits until that has left. */
  async end(timeout: Duration): Promise<void> {
    this.#socket.end();
    await this.#until(timeout, 'write', () => this.#socket.writableFinished);
  }

  /** Lets go at once; what has not been sent is not. Nothing is heard of the stream afterwards. */
  close(): void {
    this.#release();
    this.#failure ??= CLOSED;
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('error', (error) => {
      // What is refused behind the end changes nothing of what was said before it.
      if (!this.#ended) this.#fail(error);
    });
    socket.on('connect', () => this.#wake?.());
    socket.on('readable', () => this.#wake?.());
    socket.on('finish', () => this.#wake?.());
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', () => {
      const plain = this.#plain;
      if (socket.writableEnded || plain.destroyed) {
        end();
        return;
      }
      // libuv calls a reset behind a short read the end too. Writing nothing tells: the kernel refuses it with
      // ECONNRESET after a reset, and with EPIPE where the end had come before that. TLS would swallow the refusal.
      plain.write('', (error) => {
        if ((error as NodeJS.ErrnoException | null)?.code === 'ECONNRESET')
          this.#fail(error as NodeJS.ErrnoException);
        else end();
      });
    });
    socket.on('close', end);
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#failure ??= error;
    this.#release?.();
    this.#socket.destroy();
    this.#wake?.();
  }

  #until(timeout: Duration, syscall: string, done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false;
      // What has come before a failure is not asked for any more: the other end did not finish.
      const settle = (): void => {
        if (over) return;
        const failed = this.#failure;
        if (failed === undefined && !done()) {
          if (!this.#ended || syscall === 'read') return;
          this.#failure = refusal('ECONNRESET', syscall, 'the other end closed');
        }
        over = true;
        clearTimeout(timer);
        this.#wake = undefined;
        if (this.#failure === undefined) {
          resolve();
          return;
        }
        this.close();
        reject(this.#failure);
      };
      const timer = limit(timeout, () => {
        if (!over) this.#fail(tooLate(syscall));
      });
      this.#wake = settle;
      settle();
    });
  }
}

const EVENTS = ['error', 'connect', 'readable', 'finish', 'end', 'close'];
