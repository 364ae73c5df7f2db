// `genhash`: asks a server for a page as HTTP_GET and SSL_GET do, and prints the MD5 that `digest` of such a checker must
// say. It verifies no certificate and follows no redirect.

import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { type Ip, parseIp } from '../lib/ip.ts';
import { Recallable } from '../lib/recall.ts';
import { type Duration, scale, seconds } from '../lib/time.ts';
import { hostOf, type PageRequest, readPage, requestText } from '../net/http.ts';
import { Stream } from '../net/stream.ts';
import { print } from '../print.ts';

interface Wanted {
  readonly server: Ip;
  readonly port: number;
  readonly url: string;
  readonly virtualhost?: string;
  readonly secure: boolean;
  readonly sni: boolean;
  readonly mark: number;
  readonly version: PageRequest['version'];
  readonly timeout: Duration;
  readonly verbose: boolean;
}

/** Letter, long name, and whether a word follows. */
const OPTIONS = [
  ['S', 'use-ssl', false],
  ['I', 'use-sni', false],
  ['s', 'server', true],
  ['p', 'port', true],
  ['u', 'url', true],
  ['V', 'use-virtualhost', true],
  ['v', 'verbose', false],
  ['h', 'help', false],
  ['m', 'fwmark', true],
  ['P', 'protocol', true],
  ['t', 'timeout', true],
] as const;

const usage = (name: string): string => `Usage: ${name} COMMAND [OPTIONS]
Commands:
   -s server-address -p port -u url
   -S -s server-address -p port -u url
   -h

Options:
Either long or short options are allowed.
   --use-ssl         -S       Use TLS.
   --use-sni         -I       Name the virtual host (-V) when TLS begins.
   --server          -s       Address of the server.
   --port            -p       Its port.
   --url             -u       What to ask for.
   --use-virtualhost -V       Name of the host asked for.
   --verbose         -v       Show what comes.
   --help            -h       Show this.
   --fwmark          -m       Mark of the packets.
   --protocol        -P       Version of HTTP: '1.0', '1.0c', '1.1'.
                                1.0c is 1.0 with 'Connection: close'
   --timeout         -t       Timeout in seconds
`;

/** As getopt_long reads them: letters together, values attached or not, long names cut short. Text: what is wrong. */
function readOptions(words: readonly string[]): Map<string, string> | string {
  const found = new Map<string, string>();
  const strays: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') strays.push(...rest.splice(0));
    else if (word.startsWith('--')) {
      const [name = '', attached] = word.slice(2).split(/=(.*)/s);
      const exact = OPTIONS.filter(([, long]) => long === name);
      const near = exact.length > 0 ? exact : OPTIONS.filter(([, long]) => long.startsWith(name));
      const [option] = near;
      if (option === undefined || near.length > 1) return `Unknown option ${word}`;
      const [letter, , takes] = option;
      const value = takes ? (attached ?? rest.shift()) : '';
      if (value === undefined) return `No argument for option ${word}`;
      found.set(letter, value);
    } else if (word.startsWith('-') && word.length > 1) {
      for (let at = 1; at < word.length; at++) {
        const option = OPTIONS.find(([letter]) => letter === word[at]);
        if (option === undefined) return `Unknown option -${word[at]}`;
        const attached = word.slice(at + 1);
        const value = option[2] ? attached || rest.shift() : '';
        if (value === undefined) return `No argument for option -${option[0]}`;
        found.set(option[0], value);
        if (option[2]) break;
      }
    } else strays.push(word);
  }
  return strays.length > 0 ? `Unexpected argument(s): ${strays.join(' ')}` : found;
}

const VERSIONS: Readonly<Record<string, PageRequest['version']>> = {
  '1.0': '1.0',
  '1.0c': '1.0C',
  '1.0C': '1.0C',
  '1.1': '1.1',
};

function numberIn(text: string, least: number, most: number): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
}

/** Text: what is wrong; empty where the usage says it. */
function wantedFrom(options: ReadonlyMap<string, string>): Wanted | string {
  const [address, portText, url] = [options.get('s'), options.get('p'), options.get('u')];
  const server = parseIp(address ?? '');
  if (address !== undefined && server === undefined)
    return `server should be an IP, not ${address}`;
  const port = numberIn(portText ?? '', 1, 65535);
  if (portText !== undefined && port === undefined) return `invalid port number '${portText}'`;
  const versionText = options.get('P') ?? '1.0';
  const version = VERSIONS[versionText];
  if (version === undefined) return `invalid HTTP protocol version '${versionText}'`;
  const timeout = numberIn(options.get('t') ?? '5', 1, 4294);
  if (timeout === undefined) return `invalid timeout '${options.get('t')}'`;
  const mark = numberIn(options.get('m') ?? '0', 0, 4294967295);
  if (mark === undefined) return `invalid fwmark '${options.get('m')}'`;
  if (options.has('h') || server === undefined || port === undefined || !url) return '';
  const virtualhost = options.get('V');
  return {
    ...{ server, port, url, version, mark, timeout: seconds(timeout) },
    ...(virtualhost === undefined ? {} : { virtualhost }),
    secure: options.has('S'),
    sni: options.has('I'),
    verbose: options.has('v'),
  };
}

const say = (text: string): void => print(1, text);

/** Returns the exit status: 0 where a digest was printed. `name` stands in the usage. */
export async function runGenhash(name: string, words: readonly string[]): Promise<number> {
  const options = readOptions(words);
  const wanted = typeof options === 'string' ? options : wantedFrom(options);
  if (typeof wanted === 'string') {
    print(2, `${wanted === '' ? '' : `${wanted}\n`}${usage(name)}`);
    return 1;
  }
  const begun = performance.now();
  const stage = { name: 'connect' };
  try {
    const digest = await fetchDigest(wanted, stage);
    if (wanted.verbose) {
      say(`\n${rule('    HTML hash resulting    ')}${dump(digest)}`);
      say(rule(' HTML hash final resulting '));
    }
    say(`${digest.toString('hex')}\n`);
    if (wanted.verbose) {
      const taken = Math.round((performance.now() - begun) * 1000);
      say(`\nGlobal response time for [${wanted.url}] = ${taken} usecs\n`);
    }
    return 0;
  } catch (error) {
    const refused = error as NodeJS.ErrnoException;
    if (refused.code === 'ENODATA' || refused.code === 'EMSGSIZE')
      print(2, 'no data received from remote webserver\n');
    else say(`${wordsFor(stage.name, refused, wanted.secure)}\n`);
    return 1;
  }
}

async function fetchDigest(wanted: Wanted, stage: { name: string }): Promise<Buffer> {
  const { server, port, mark, timeout, virtualhost, url, version, verbose } = wanted;
  const stream = new Stream({ address: server, port, mark }, new Recallable());
  try {
    await stream.connected(timeout);
    if (wanted.secure) {
      stage.name = 'handshake';
      const named = wanted.sni && virtualhost !== undefined && isIP(virtualhost) === 0;
      await stream.secure(
        { rejectUnauthorized: false, ...(named ? { servername: virtualhost } : {}) },
        timeout,
      );
    }
    stage.name = 'head';
    stream.write(requestText({ path: url, version, host: virtualhost ?? hostOf(server, port) }));
    const hash = createHash('md5');
    let left = Number.POSITIVE_INFINITY;
    let begun = false;
    await readPage(
      stream,
      {
        head: ({ bytes, contentLength }) => {
          stage.name = 'body';
          if (contentLength !== undefined) left = contentLength;
          if (!verbose) return;
          say(`${rule('    HTTP Header Buffer    ')}${dump(bytes)}`);
          say(`${rule(' HTTP Header Ascii Buffer ')}${bytes.toString('latin1')}\n`);
        },
        body: (piece) => {
          if (verbose && !begun) say(rule('        HTML Buffer        '));
          begun = true;
          const counted = piece.subarray(0, Math.max(left, 0));
          left -= piece.length;
          if (verbose) say(dump(counted));
          hash.update(counted);
        },
      },
      {
        idle: timeout,
        whole: scale(timeout, 1_000),
        bytes: Number.POSITIVE_INFINITY,
        now: () => performance.now() * 1000,
      },
    );
    return hash.digest();
  } finally {
    stream.close();
  }
}

/** OpenSSL gives its reason in a word or two; its message has addresses and lines of source too. */
function wordsFor(
  stage: string,
  { code, message, reason = message }: NodeJS.ErrnoException & { readonly reason?: string },
  secure: boolean,
): string {
  const late = code === 'ETIMEDOUT';
  if (stage === 'connect') {
    if (late) return 'Timeout connecting';
    return code === 'ECONNREFUSED' ? 'Connection failed' : `Connection failed: ${message}`;
  }
  if (stage === 'handshake')
    return late ? 'Timeout connecting' : `SSL connection failed: ${reason}`;
  if (late) return `Timeout ${secure ? 'SSL' : 'HTTP'} read`;
  return `Read error: ${message}`;
}

const DASHES = '-'.repeat(23);
const rule = (title: string): string => `${DASHES}[${title}]${DASHES}\n`;

/** Sixteen bytes a line: offset, twice eight in hexadecimal, and what can be printed. */
function dump(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 16) {
    const line = [...bytes.subarray(at, at + 16)];
    const cells = Array.from({ length: 16 }, (_, index) => {
      const byte = line[index];
      return byte === undefined ? '  ' : byte.toString(16).padStart(2, '0');
    });
    const shown = line.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.'));
    const hex = `${cells.slice(0, 8).join(' ')} - ${cells.slice(8).join(' ')}`;
    text += `${String(at).padStart(4, '0')}  ${hex}   ${shown.join('').padEnd(16)}\n`;
  }
  return text;
}
