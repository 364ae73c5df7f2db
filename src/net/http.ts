// One page over HTTP, as keepalived asks for it and reads it: the request byte for byte, the answer up to the end of the
// connection. What comes is handed on as it comes: nothing but the header is kept, and that is limited.
//
// It knows neither chunks nor encodings nor redirects: what stands on the wire after the header is the body, as
// keepalived's digests count it (RFC 9112 6.3 would end a body at its Content-Length; 2.2.7 waits for the connection
// to be closed and leaves out of the digest what is beyond).

import type { Duration } from '../lib/time.ts';
import { refusal, type Stream } from './stream.ts';

export interface PageRequest {
  readonly path: string;
  /** What the line Host says. */
  readonly host: string;
  readonly version: '1.0' | '1.0C' | '1.0c' | '1.1';
}

export interface PageLimits {
  /** Between two pieces of the answer. */
  readonly idle: Duration;
  /** The whole answer, in microseconds of `now`. */
  readonly whole: Duration;
  /** Bytes of the body. */
  readonly bytes: number;
  readonly now: () => number;
}

export interface PageHead {
  /** 0 where the first line tells none. */
  readonly status: number;
  readonly contentLength?: number;
  /** As it came, its empty line included. */
  readonly bytes: Buffer;
}

export interface PageSink {
  head(head: PageHead): void;
  body(piece: Buffer): void;
}

/** keepalived 2.2.7 gives up where the header has not ended within so many bytes; pinned by test/diff/checker.test.ts. */
export const HEAD_LIMIT = 4095;

export function requestText({ path, host, version }: PageRequest): string {
  const number = version === '1.1' ? '1.1' : '1.0';
  const close = version === '1.0' ? '' : 'Connection: close\r\n';
  return `GET ${path} HTTP/${number}\r\nUser-Agent: KeepAliveClient\r\n${close}Host: ${host}\r\n\r\n`;
}

/** What the line Host says where no virtual host is configured: always with the port, also the usual one. */
export const hostOf = (address: string, port: number): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

/**
 * Reads an answer to its end. Rejects as Stream does, with EMSGSIZE where the header is too long or the body has more
 * bytes than the limit, ETIME where the whole takes too long, ENODATA where the answer ended before its header did.
 */
export async function readPage(
  stream: Pick<Stream, 'read'>,
  sink: PageSink,
  limits: PageLimits,
): Promise<void> {
  const end = limits.now() + limits.whole;
  let head: Buffer | undefined = Buffer.alloc(0);
  let length = 0;
  for (;;) {
    const piece = await stream.read(limits.idle);
    if (piece === undefined) break;
    if (limits.now() > end) throw refusal('ETIME', 'read', 'the answer takes too long');
    let body: Buffer = piece;
    if (head !== undefined) {
      const before: Buffer = head;
      head = Buffer.concat([before, piece.subarray(0, HEAD_LIMIT + 4)]);
      const empty = head.indexOf('\r\n\r\n');
      const size = empty + 4;
      if (empty < 0 ? head.length > HEAD_LIMIT : size > HEAD_LIMIT)
        throw refusal('EMSGSIZE', 'read', 'the header is too long');
      if (empty < 0) continue;
      sink.head(readHead(head.subarray(0, size)));
      body = piece.subarray(size - before.length);
      head = undefined;
    }
    length += body.length;
    if (length > limits.bytes) throw refusal('EMSGSIZE', 'read', 'the body is too long');
    if (body.length > 0) sink.body(body);
  }
  if (head !== undefined) throw refusal('ENODATA', 'read', 'the answer ended before its header');
}

/**
 * The status is three digits between two single blanks; anything else is none, as for keepalived, which also knows the
 * length by this spelling only.
 */
function readHead(bytes: Buffer): PageHead {
  const text = bytes.toString('latin1');
  const status = Number(/^[^ ]* ([1-9]\d{2}) /.exec(text)?.[1] ?? 0);
  const length = /Content-Length:[ \t]*(\d+)/.exec(text)?.[1];
  return { status, ...(length === undefined ? {} : { contentLength: Number(length) }), bytes };
}
