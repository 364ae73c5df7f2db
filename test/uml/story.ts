// Runs inside: a director with real servers and a sorry server, once with ours and once with keepalived, through the same
// story; what IPVS holds after each event, what it was told meanwhile, and how often servers were asked until then. Judges
// nothing; story.test.ts does.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { IpvsTimeouts } from '../../src/lib/ipvs.ts';
import { toSeconds } from '../../src/lib/time.ts';
import { Ipvs } from '../../src/net/ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import { type Row, rowOf, rowsOf, sameRows } from './rows.ts';
import { type Heard, Tap } from './tap.ts';
import {
  addAddress,
  addCable,
  addNamespace,
  Daemon,
  type Kind,
  savedTable,
  until,
  within,
} from './world.ts';

/** The table, and what led to it. */
export interface Scene {
  /** As ipvsadm saves it, sorted. */
  readonly table: readonly string[];
  /** tcp, tcpfin and udp, in seconds. */
  readonly timeouts: readonly number[];
  readonly heard: readonly Heard[];
  /** How often each server was asked, while IPVS did not hold yet what it should. */
  readonly asked: readonly number[];
}

export interface Moment {
  readonly what: string;
  readonly scenes: Readonly<Record<Kind, Scene>>;
}

export interface Story {
  readonly moments: readonly Moment[];
  readonly logs: Readonly<Record<Kind, string>>;
}

export type Certificate = 'good' | 'expired';
export type Deed = 'open' | 'close' | 'hang' | number;

export interface Chapter {
  readonly what: string;
  /** Index of a server, and what becomes of it; a number is the status that it answers with. */
  readonly server?: readonly [number, Deed];
  /** What every server shows from now on. */
  readonly certificate?: Certificate;
  /** What the script says that gives a weight. */
  readonly status?: number;
  readonly reload?: string;
  /** What IPVS should hold then, as ipvsadm saves it, sorted. */
  readonly table: readonly string[];
  /** tcp, tcpfin and udp, in seconds; looked at where given. */
  readonly timeouts?: readonly number[];
  /** Nothing should change: it is over when each server that serves has been asked so many times more. */
  readonly calm?: number;
}

const TLS_PORT = 443;

function certificate(name: Certificate): { readonly key: Buffer; readonly cert: Buffer } {
  const [key, cert] = ['key', 'pem'].map((end) =>
    readFileSync(join(process.env.KEEPALIVED_PROJECT ?? '', `test/fixtures/tls/${name}.${end}`)),
  ) as [Buffer, Buffer];
  return { key, cert };
}

/** A server of HTTP and HTTPS in a namespace that can be made to misbehave. */
class Backend {
  asked = 0;
  serves = false;
  readonly #name: string;
  readonly #namespace: string;
  readonly #arrived: () => void;
  readonly #sockets = new Set<Socket>();
  readonly #tls: TlsServer;
  #status: number | undefined = 200;
  #server: Server | undefined;

  constructor(name: string, namespace: string, arrived: () => void) {
    this.#name = name;
    this.#namespace = namespace;
    this.#arrived = arrived;
    // It lives on when the other one dies: what becomes of the certificate is its only story.
    this.#tls = createTlsServer(certificate('good'), (_, answer) => {
      answer.writeHead(200, { connection: 'close' });
      answer.end(name);
    });
    inNamespace(namespace, () => this.#tls.listen(TLS_PORT));
    this.become('open');
  }

  become(deed: Deed): void {
    if (deed === 'close') this.#close();
    else if (deed === 'open') this.#open();
    else this.#status = deed === 'hang' ? undefined : deed;
  }

  show(name: Certificate): void {
    this.#tls.setSecureContext(certificate(name));
  }

  #open(): void {
    const server = createServer((_, answer) => {
      if (this.#status === undefined) return;
      answer.writeHead(this.#status, { connection: 'close' });
      answer.end(this.#name);
    });
    server.on('connection', (socket) => {
      this.asked += 1;
      this.#arrived();
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // Without a name of a host the socket is made at once, and stays where it was made.
    inNamespace(this.#namespace, () => server.listen(80));
    this.#server = server;
    this.serves = true;
  }

  #close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.serves = false;
  }
}

class Site {
  readonly kind: Kind;
  readonly director: string;
  readonly backends: readonly Backend[];
  readonly daemon: Daemon;
  readonly tap: Tap;
  readonly ipvs: Ipvs;
  asked: number[] = [];
  #expected: readonly Row[] | undefined;

  constructor(kind: Kind, config: string) {
    this.kind = kind;
    this.director = `${kind}-d`;
    addNamespace(this.director);
    mkdirSync(`/tmp/${kind}`);
    this.say(5);
    this.backends = [1, 2, 3].map((n) => {
      const server = `${kind}-s${n}`;
      addNamespace(server);
      addCable([this.director, `s${n}`], [server, 'eth0']);
      addAddress(this.director, `s${n}`, `10.2.${n}.1/24`);
      addAddress(server, 'eth0', `10.2.${n}.2/24`);
      return new Backend(`server ${n}`, server, () => this.#arrived(n - 1));
    });
    this.ipvs = inNamespace(this.director, () => Ipvs.open());
    // What somebody else put there, and what lvs_flush is for.
    within(this.director, 'ipvsadm', '-A', '-t', '198.51.100.1:22', '-s', 'wlc');
    this.tap = new Tap(this.director);
    this.daemon = new Daemon(kind, this.director, this.written(config), ['-C']);
  }

  /** Each has a script of its own. */
  written(config: string): string {
    return config.replaceAll('KIND', this.kind);
  }

  /** The script's next status. */
  say(status: number): void {
    writeFileSync(`/tmp/${this.kind}/weight`, `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 });
  }

  expect(rows: readonly Row[]): void {
    this.#expected = rows;
    this.asked = this.backends.map(() => 0);
  }

  get isRight(): boolean {
    if (this.#expected === undefined) return true;
    if (!sameRows(rowsOf(this.ipvs), this.#expected)) return false;
    this.#expected = undefined;
    return true;
  }

  /** A server is asked again: has IPVS what it should by now? */
  #arrived(at: number): void {
    if (!this.isRight) this.asked[at] = (this.asked[at] ?? 0) + 1;
  }
}

const inSeconds = ({ tcp, tcpfin, udp }: IpvsTimeouts): number[] =>
  [tcp, tcpfin, udp].map((time) => (time === undefined ? 0 : toSeconds(time)));

export async function main({
  config,
  start,
  chapters,
}: {
  readonly config: string;
  readonly start: readonly string[];
  readonly chapters: readonly Chapter[];
}): Promise<Story> {
  const sites = [new Site('ours', config), new Site('keepalived', config)] as const;
  await Promise.all(sites.map(({ tap }) => tap.listening()));
  const told: { what: string; scenes: Record<Kind, Omit<Scene, 'heard'>> }[] = [];
  const begin = (table: readonly string[]): void => {
    for (const site of sites) {
      site.tap.mark();
      site.expect(table.map(rowOf));
    }
  };
  const settle = async ({ what, table, timeouts, calm = 0 }: Chapter): Promise<void> => {
    const before = sites.map(({ backends }) => backends.map(({ asked }) => asked));
    // keepalived takes a server that fails in again at a reload, until its check has failed anew: both are right at once.
    const tables = (): string[][] => sites.map(({ director }) => savedTable(director));
    let last: string[][] | undefined;
    const same = (): boolean => {
      last = tables();
      return last.every((lines) => isDeepStrictEqual(lines, table));
    };
    await until(
      what,
      () =>
        sites.every(
          ({ isRight, ipvs, backends }, i) =>
            isRight &&
            (timeouts === undefined || `${inSeconds(ipvs.timeouts())}` === `${timeouts}`) &&
            backends.every(
              ({ asked, serves }, n) =>
                !serves || n === 2 || asked >= (before[i]?.[n] as number) + calm,
            ),
        ) && same(),
    ).catch(() => undefined);
    const [first, second] = last ?? tables();
    const scene = ({ ipvs, asked }: Site, table: readonly string[] = []): Omit<Scene, 'heard'> => ({
      table,
      timeouts: inSeconds(ipvs.timeouts()),
      asked,
    });
    const [ours, keepalived] = sites;
    told.push({
      what,
      scenes: { ours: scene(ours, first), keepalived: scene(keepalived, second) },
    });
    for (const site of sites) if (table.length === 0) site.ipvs.close();
  };
  for (const site of sites) site.expect(start.map(rowOf));
  await settle({ what: 'start', table: start });
  for (const chapter of chapters) {
    const { server, certificate, status, reload, table } = chapter;
    begin(table);
    for (const site of sites) {
      if (server !== undefined) site.backends[server[0]]?.become(server[1]);
      if (certificate !== undefined) for (const backend of site.backends) backend.show(certificate);
      if (status !== undefined) site.say(status);
    }
    if (reload !== undefined)
      await Promise.all(sites.map((site) => site.daemon.reload(site.written(reload))));
    await settle(chapter);
  }
  begin([]);
  await Promise.all(sites.map(({ daemon }) => daemon.stop()));
  await settle({ what: 'stop', table: [] });
  const [ours, keepalived] = await Promise.all(sites.map(({ tap }) => tap.end()));
  return {
    moments: told.map(({ what, scenes }, i) => ({
      what,
      scenes: {
        ours: { ...scenes.ours, heard: ours?.[i] ?? [] },
        keepalived: { ...scenes.keepalived, heard: keepalived?.[i] ?? [] },
      },
    })),
    logs: { ours: sites[0].daemon.text, keepalived: sites[1].daemon.text },
  };
}
