// HTTP_GET and SSL_GET: one page is asked for, and its status, its digest and a pattern in it decide. The certificate is
// not judged, as keepalived does not judge it. It follows no redirect and decodes nothing.

import { createHash, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Duration, scale } from '../../lib/time.ts';
import { hostOf, type PageHead, readPage, requestText } from '../../net/http.ts';
import { search } from '../../net/search.ts';
import { Stream } from '../../net/stream.ts';
import type { Check, Verdict } from '../checker.ts';
import type { HttpOptions, RegexOptions, TlsOptions } from '../options.ts';
import { type Pattern, translatePattern } from '../pattern.ts';
import { down, unable } from '../verdict.ts';
import { failed } from './shared.ts';

/** A body may have so many bytes: whoever sends without end fails. */
const BODY_LIMIT = 64 << 20;
/** So much of a body is kept to be searched. */
const SEARCH_BYTES = 1 << 20;
/** A whole answer may take so many times what one wait on it may. */
const PATIENCE = 10;

export const checkHttp: Check<HttpOptions> = async (options, signal) => {
  const { connection, tls } = options;
  const { timeout } = connection;
  let stage: 'connect' | 'handshake' | 'answer' | 'body' = 'connect';
  let stream: Stream | undefined;
  try {
    const context = tls === undefined ? undefined : contextOf(tls);
    if (typeof context === 'string') return unable(context);
    stream = new Stream(connection, signal);
    await stream.connected(timeout);
    if (tls !== undefined && context !== undefined) {
      stage = 'handshake';
      const servername = nameOf(tls, options.virtualhost);
      await stream.secure(
        { secureContext: context, rejectUnauthorized: false, ...servername },
        timeout,
      );
    }
    stage = 'answer';
    stream.write(requestText(requestOf(options)));
    const page = new Page(options);
    await readPage(
      tls === undefined ? stream : untilCut(stream),
      {
        head: (head) => {
          stage = 'body';
          page.head(head);
        },
        body: (piece) => page.body(piece),
      },
      {
        idle: timeout,
        whole: scale(timeout, PATIENCE),
        bytes: BODY_LIMIT,
        now: () => performance.now() * 1000,
      },
    );
    if (tls?.tls_compliant === true) await goodbye(stream, timeout);
    return page.verdict();
  } catch (error) {
    if (error instanceof Decided) return error.verdict;
    return failed(error, wordsFor(stage, error as NodeJS.ErrnoException, tls !== undefined));
  } finally {
    stream?.close();
  }
};

/**
 * Whatever ends TLS ends the answer, as for keepalived 2.2.7: what is reset or spoilt behind a close alert, or without one,
 * counts by what has come before it (and its length is told in the log); pinned by test/diff/checker.test.ts.
 */
const untilCut = (stream: Stream): Pick<Stream, 'read'> => ({
  read: (timeout) =>
    stream.read(timeout).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ETIMEDOUT' || error.code === 'ABORT_ERR') throw error;
      return undefined;
    }),
});

/** keepalived's words for what went wrong, and where. */
function wordsFor(stage: string, { code }: NodeJS.ErrnoException, secure: boolean): string {
  const late = code === 'ETIMEDOUT';
  if (stage === 'connect') return late ? 'Timeout connecting' : 'Connection failed';
  if (stage === 'handshake')
    return late ? 'Timeout connecting' : 'SSL handshake/communication error connecting';
  if (late) return `Timeout ${secure ? 'SSL' : stage === 'body' ? 'HTTP' : 'WEB'} read`;
  if (code === 'ETIME') return 'the answer takes too long';
  if (code === 'EMSGSIZE' && stage === 'body') return `more than ${BODY_LIMIT} bytes`;
  if (code === 'EMSGSIZE' || code === 'ENODATA') return 'Read, no data received';
  return 'Read error';
}

const requestOf = ({ connection, path, virtualhost, http_protocol }: HttpOptions) => ({
  path,
  host: virtualhost ?? hostOf(connection.address, connection.port),
  version: http_protocol,
});

/** The page cannot become good any more. */
class Decided extends Error {
  readonly verdict: Verdict;

  constructor(verdict: Verdict) {
    super();
    this.verdict = verdict;
  }
}

/** What is kept of an answer while it comes. */
class Page {
  readonly #options: HttpOptions;
  /** Where a digest is asked for. */
  readonly #hash: Hash | undefined;
  /** Bytes that still belong to the digest: those beyond Content-Length do not. */
  #hashed = Number.POSITIVE_INFINITY;
  /** Bytes of the body, and those that were announced. */
  #came = 0;
  #told: number | undefined;
  readonly #pieces: Buffer[] = [];
  #kept = 0;
  #whole = true;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#hash = options.digest === undefined ? undefined : createHash('md5');
  }

  head({ status, contentLength }: PageHead): void {
    if (!this.#options.status_code.some(([first, last]) => status >= first && status <= last))
      throw new Decided(down(`HTTP status code error: ${status === 0 ? 'none' : status}`));
    if (contentLength === undefined) return;
    this.#told = contentLength;
    this.#hashed = contentLength;
  }

  body(piece: Buffer): void {
    const { regex } = this.#options;
    this.#came += piece.length;
    if (this.#hash !== undefined && this.#hashed > 0) {
      this.#hash.update(piece.subarray(0, this.#hashed));
      this.#hashed -= piece.length;
    }
    if (regex === undefined) return;
    const kept = piece.subarray(0, SEARCH_BYTES - this.#kept);
    this.#kept += kept.length;
    if (kept.length > 0) this.#pieces.push(kept);
    if (kept.length < piece.length) this.#whole = false;
  }

  /** One of another length than it said is good for keepalived, which says so in the log. */
  verdict(): Verdict {
    const length = { came: this.#came, told: this.#told ?? this.#came };
    return { ...this.#judged(), length };
  }

  #judged(): Verdict {
    const { digest, regex } = this.#options;
    if (digest !== undefined && this.#hash !== undefined) {
      const found = this.#hash.digest('hex');
      if (found !== digest.toLowerCase()) return down(`MD5 digest error: ${found}`);
    }
    return regex === undefined ? { up: true } : this.#searched(regex);
  }

  #searched(regex: RegexOptions): Verdict {
    const pattern = patternOf(regex);
    const bytes = Buffer.concat(this.#pieces);
    const text = textOf(bytes, pattern.rule.utf);
    if (text === undefined) return down('Regex match failed: not UTF-8');
    const from = regex.regex_min_offset ?? 0;
    const at = from > text.length ? -1 : search(pattern.compiled, text, from);
    if (at === undefined) return down('Regex match failed: the search takes too long');
    const line = pattern.rule.firstline ? text.indexOf('\n', from) : -1;
    const last = Math.min(
      regex.regex_max_offset ?? Number.POSITIVE_INFINITY,
      line < 0 ? Number.POSITIVE_INFINITY : line,
    );
    const found = at >= 0 && at <= last;
    if (!found && !this.#whole)
      return down(`Regex match failed: not in the first ${SEARCH_BYTES} bytes, and there are more`);
    return found === regex.regex_no_match ? down('Regex match failed') : { up: true };
  }
}

function textOf(bytes: Buffer, utf: boolean): string | undefined {
  if (!utf) return bytes.toString('latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

interface Compiled {
  readonly rule: Pattern;
  readonly compiled: RegExp;
}

const patterns = new WeakMap<RegexOptions, Compiled>();

/** The rules of the configuration have refused what cannot be translated. */
function patternOf(regex: RegexOptions): Compiled {
  const known = patterns.get(regex);
  if (known !== undefined) return known;
  const rule = translatePattern(regex.pattern, regex.regex_options);
  const made = { rule, compiled: new RegExp(rule.source, rule.flags) };
  patterns.set(regex, made);
  return made;
}

const contexts = new WeakMap<TlsOptions['context'], SecureContext>();

/** Text where a file cannot be used: why. */
function contextOf({ context }: TlsOptions): SecureContext | string {
  const known = contexts.get(context);
  if (known !== undefined) return known;
  const { ca, certificate, key, password } = context;
  try {
    const made = createSecureContext({
      ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
      ...(certificate === undefined ? {} : { cert: readFileSync(certificate) }),
      ...(key === undefined ? {} : { key: readFileSync(key) }),
      ...(password === undefined ? {} : { passphrase: password }),
    });
    contexts.set(context, made);
    return made;
  } catch (error) {
    return `SSL: ${(error as Error).message}`;
  }
}

/** An address is no name that TLS could carry (RFC 6066 3). */
function nameOf(
  { enable_sni, sni_name }: TlsOptions,
  virtualhost: string | undefined,
): { servername?: string } {
  const name = sni_name || virtualhost;
  const wanted = enable_sni || sni_name !== undefined;
  return !wanted || name === undefined || isIP(name) !== 0 ? {} : { servername: name };
}

/** What comes of it changes nothing. */
async function goodbye(stream: Stream, timeout: Duration): Promise<void> {
  await stream.end(timeout).catch(() => undefined);
}
