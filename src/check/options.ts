// What one attempt of each kind of check is given: everything decided, as plain data, so that two checks that are the
// same can be seen to be the same. Named by the keywords.

import type { Script } from '../config/value.ts';
import type { Duration } from '../lib/time.ts';
import type { Connection } from './checker.ts';

/** TCP_CHECK and PING_CHECK need nothing but a place to go to. */
export interface PlainOptions {
  readonly connection: Connection;
}

/** One page of HTTP_GET or SSL_GET. Several pages of a checker are asked for one after the other, each as an attempt of its own. */
export interface HttpOptions extends PlainOptions {
  /** SSL_GET. */
  readonly tls?: TlsOptions;
  readonly http_protocol: '1.0' | '1.0C' | '1.0c' | '1.1';
  readonly path: string;
  /** Of the page, else of the checker, else of the real server, else of the service. */
  readonly virtualhost?: string;
  /** MD5, 32 hex digits. */
  readonly digest?: string;
  /** Which answers are good: first and last of each range. */
  readonly status_code: readonly (readonly [number, number])[];
  readonly regex?: RegexOptions;
}

export interface TlsOptions {
  readonly enable_sni: boolean;
  readonly sni_name?: string;
  readonly tls_compliant: boolean;
  /** The block SSL: names of files. */
  readonly context: {
    readonly password?: string;
    readonly ca?: string;
    readonly certificate?: string;
    readonly key?: string;
  };
}

export interface RegexOptions {
  readonly pattern: string;
  readonly regex_no_match: boolean;
  readonly regex_options: readonly string[];
  readonly regex_min_offset?: number;
  readonly regex_max_offset?: number;
  readonly regex_stack?: readonly [number, number];
}

export interface SmtpOptions extends PlainOptions {
  readonly helo_name: string;
}

export interface DnsOptions extends PlainOptions {
  readonly type: 'A' | 'NS' | 'CNAME' | 'SOA' | 'MX' | 'TXT' | 'AAAA' | 'RRSIG' | 'DNSKEY';
  readonly name: string;
}

export interface UdpOptions extends PlainOptions {
  /** Hex digits; absent: anything. */
  readonly payload?: string;
  /** An answer must come. Hex digits that it begins with, `x` for any; empty for any answer. */
  readonly require_reply?: string;
  readonly min_reply_length: number;
  readonly max_reply_length: number;
}

export interface MiscOptions {
  readonly script: Script;
  /** How long it may run; it is ended then, and has failed. */
  readonly timeout: Duration;
  /** Exit statuses from 2 to 255 are good, and less 2 the weight. */
  readonly misc_dynamic: boolean;
}

/** One attempt: which checker, and what it is given. */
export type Target =
  | { readonly kind: 'TCP_CHECK' | 'PING_CHECK'; readonly options: PlainOptions }
  | { readonly kind: 'HTTP_GET' | 'SSL_GET'; readonly options: HttpOptions }
  | { readonly kind: 'SMTP_CHECK'; readonly options: SmtpOptions }
  | { readonly kind: 'DNS_CHECK'; readonly options: DnsOptions }
  | { readonly kind: 'UDP_CHECK'; readonly options: UdpOptions }
  | { readonly kind: 'MISC_CHECK'; readonly options: MiscOptions };
