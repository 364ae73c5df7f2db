// Runs inside: a director with two real servers and a sorry server, once with ours and once with keepalived, through the
// same story; what IPVS holds after each event. Judges nothing; story.test.ts does.

import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { Ipvs } from '../../src/net/ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
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

export interface Moment {
  readonly what: string;
  readonly ours: readonly string[];
  readonly keepalived: readonly string[];
  /** Milliseconds from the event to the last change of each table; 0 where nothing changed. */
  readonly took: Readonly<Record<Kind, number>>;
}

export interface Story {
  readonly moments: readonly Moment[];
  readonly timeouts: readonly [string, string];
  readonly logs: Readonly<Record<Kind, string>>;
}

/** A server of HTTP in a namespace that can be made to misbehave. */
class Backend {
  status = 200;
  readonly #name: string;
  readonly #namespace: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(name: string, namespace: string) {
    this.#name = name;
    this.#namespace = namespace;
    this.open();
  }

  open(): void {
    const server = createServer((_, answer) => {
      answer.writeHead(this.status, { connection: 'close' });
      answer.end(this.#name);
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // Without a name of a host the socket is made at once, and stays where it was made.
    inNamespace(this.#namespace, () => server.listen(80));
    this.#server = server;
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

class Site {
  readonly kind: Kind;
  readonly director: string;
  readonly backends: readonly Backend[];
  readonly daemon: Daemon;
  changedAt = 0;
  readonly #ipvs: Ipvs;
  #seen = '';

  constructor(kind: Kind, config: string) {
    this.kind = kind;
    this.director = `${kind}-d`;
    addNamespace(this.director);
    for (const n of [1, 2]) addAddress(this.director, 'lo', `203.0.113.${n}/32`);
    this.backends = [1, 2, 3].map((n) => {
      const server = `${kind}-s${n}`;
      addNamespace(server);
      addCable([this.director, `s${n}`], [server, 'eth0']);
      addAddress(this.director, `s${n}`, `10.2.${n}.1/24`);
      addAddress(server, 'eth0', `10.2.${n}.2/24`);
      return new Backend(`server ${n}`, server);
    });
    this.#ipvs = inNamespace(this.director, () => Ipvs.open());
    // What somebody else put there, and what lvs_flush is for.
    within(this.director, 'ipvsadm', '-A', '-t', '198.51.100.1:22', '-s', 'wlc');
    this.daemon = new Daemon(kind, this.director, config, ['-C']);
  }

  look(): void {
    const table = this.#ipvs
      .services()
      .map(({ key }) => [
        key,
        this.#ipvs.destinations(key).map(({ destination, to }) => [destination, to]),
      ]);
    const seen = JSON.stringify(table);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.changedAt = performance.now();
  }

  get served(): boolean {
    return this.#seen.includes('10.2.1.2');
  }
}

export interface Chapter {
  readonly what: string;
  /** Index of a backend, and what becomes of it. */
  readonly backend?: readonly [number, 'open' | 'close' | number];
  readonly reload?: string;
  /** What IPVS should hold then, as ipvsadm saves it, sorted. */
  readonly table: readonly string[];
}

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
  const [ours, keepalived] = sites;
  const moments: Moment[] = [];
  const settle = async (what: string, table: readonly string[]): Promise<void> => {
    const from = performance.now();
    let lookAt = from;
    await until(what, () => {
      for (const site of sites) site.look();
      if (performance.now() < lookAt) return false;
      // A program each time would leave the servers no time to answer.
      lookAt = performance.now() + 400;
      return sites.every(({ director }) => savedTable(director).join() === table.join());
    }).catch(() => undefined);
    moments.push({
      what,
      ours: savedTable(ours.director),
      keepalived: savedTable(keepalived.director),
      took: {
        ours: Math.max(0, ours.changedAt - from),
        keepalived: Math.max(0, keepalived.changedAt - from),
      },
    });
  };
  await until('both have their services', () => {
    for (const site of sites) site.look();
    return sites.every(({ served }) => served);
  });
  await settle('start', start);
  for (const { what, backend, reload, table } of chapters) {
    if (backend !== undefined) {
      const [at, how] = backend;
      for (const { backends } of sites) {
        const one = backends[at] as Backend;
        if (typeof how === 'number') one.status = how;
        else one[how]();
      }
    }
    if (reload !== undefined) await Promise.all(sites.map(({ daemon }) => daemon.reload(reload)));
    await settle(what, table);
  }
  const timeouts = sites.map(({ director }) =>
    within(director, 'ipvsadm', '-L', '--timeout').trim(),
  ) as [string, string];
  await Promise.all(sites.map(({ daemon }) => daemon.stop()));
  await settle('stop', []);
  return {
    moments,
    timeouts,
    logs: { ours: ours.daemon.text, keepalived: keepalived.daemon.text },
  };
}
