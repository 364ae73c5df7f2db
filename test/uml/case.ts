// Runs inside: two directors between clients and real servers, VRRP in front, with a configuration of keepalived's user guide as
// it stands: who answers, who has the virtual addresses and what both tables hold, through a failover and back. Judges
// nothing; case.test.ts does.

import { createHash } from 'node:crypto';
import { createServer as createWeb, type Server as Web } from 'node:http';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Ipvs } from '../../src/net/ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import { curl, greeting } from './client.ts';
import { rowOf, rowsOf, sameRows } from './rows.ts';
import {
  addCable,
  addNamespace,
  batch,
  Daemon,
  type Kind,
  savedTable,
  sh,
  until,
  within,
} from './world.ts';

/** What a page of the user guide's servers holds here. */
export const pageOf = (path: string): string => `This is ${path}.\n`;
export const digestOf = (path: string): string =>
  createHash('md5').update(pageOf(path)).digest('hex');

export interface Tables {
  readonly whole: readonly string[];
  /** Without the pages that the checks want. */
  readonly sorry: readonly string[];
  /** Without the second web server. */
  readonly one: readonly string[];
}

export interface Study {
  readonly name: string;
  /** Of the first and the second director, as it stands. */
  readonly given: readonly [string, string];
  /** With the digests of the pages that are there. */
  readonly mended: readonly [string, string];
  /** Virtual address of the web, and all addresses that go with it. */
  readonly web: string;
  readonly moves: readonly string[];
  /** Services that greet with their name. */
  readonly others: readonly (readonly [address: string, port: number])[];
  readonly tables: Tables;
  /** What takes minutes as well: a server dies, and the configuration as it stands, whose pages nobody has. */
  readonly whole: boolean;
  /** Whose directors play it, all at the same time. */
  readonly kinds: readonly Kind[];
}

export interface Moment {
  readonly what: string;
  readonly tables: readonly (readonly string[])[];
  /** Who answered, by service. */
  readonly answers: Readonly<Record<string, readonly string[]>>;
  /** Which of the addresses that move each director has. */
  readonly held: readonly (readonly string[])[];
}

export type Runs = Readonly<
  Partial<Record<Kind, { readonly moments: readonly Moment[]; readonly log: string }>>
>;

const inner = (n: number): string => `192.168.100.${n}`;
const WEB = [2, 3, 100];
const SERVERS = [...WEB, 4, 5];
/** Persistence goes by the client's address: each request has its own. */
const CLIENTS = Array.from({ length: 100 }, (_, i) => `192.168.200.${100 + i}`);
const TIMES = 4;
/** Where a busy machine makes a check fail, its server comes back after one loop of 30 s for each page. */
const PATIENCE = 240_000;

class Site {
  daemons: readonly Daemon[] = [];
  readonly #kind: Kind;
  readonly #name: string;
  readonly #study: Study;
  readonly #web = new Map<number, Web>();
  readonly #servers: Server[] = [];
  readonly #tables: readonly Ipvs[];
  readonly #moments: Moment[] = [];
  #next = 0;

  constructor(kind: Kind, study: Study) {
    this.#kind = kind;
    this.#name = `${kind}-${study.name}`;
    this.#study = study;
    const [outside, inside, client] = ['o', 'i', 'c'].map((it) => this.#space(it));
    for (const lan of [outside, inside] as string[]) {
      addNamespace(lan);
      batch(lan, 'link add br0 type bridge', 'link set br0 up');
    }
    addNamespace(client as string);
    this.#plug(client as string, 'eth0', outside as string, 'client');
    batch(client as string, ...CLIENTS.map((address) => `address add ${address}/24 dev eth0`));
    for (const n of [1, 2]) {
      const director = this.#space(`d${n}`);
      addNamespace(director);
      this.#plug(director, 'eth0', outside as string, `d${n}`);
      this.#plug(director, 'eth1', inside as string, `d${n}`);
      batch(
        director,
        `address add 192.168.200.25${n}/24 dev eth0`,
        `address add ${inner(250 + n)}/24 dev eth1`,
      );
      within(director, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    }
    for (const n of SERVERS) this.#serve(n, inside as string);
    this.#tables = [1, 2].map((n) => inNamespace(this.#space(`d${n}`), () => Ipvs.open()));
  }

  async play(): Promise<readonly Moment[]> {
    const { given, mended, whole, tables } = this.#study;
    this.daemons = mended.map(
      (config, i) => new Daemon(this.#kind, this.#space(`d${i + 1}`), config),
    );
    await this.#visit('its pages are there', tables.whole, [1, 2], 1);
    this.#cable(1, 'down');
    await this.#visit('the first director is cut off', tables.whole, [2], 2);
    if (whole) {
      this.#web.get(3)?.close();
      await this.#visit('a server dies too', tables.one, [2], 2);
      this.#open(3);
      await this.#visit('and comes back', tables.whole, [2], 2);
    }
    this.#cable(1, 'up');
    await this.#visit('the first director is back', tables.whole, [1, 2], 1);
    if (whole) {
      await Promise.all(this.daemons.map((daemon, i) => daemon.reload(given[i] as string)));
      await this.#visit('as it stands', tables.sorry, [1, 2], 1);
    }
    await Promise.all(this.daemons.map((daemon) => daemon.stop()));
    return this.#moments;
  }

  #space = (what: string): string => `${this.#name}-${what}`;

  #plug(space: string, device: string, lan: string, port: string): void {
    addCable([space, device], [lan, port]);
    sh('ip', '-n', lan, 'link', 'set', port, 'master', 'br0');
  }

  #cable(n: number, state: 'up' | 'down'): void {
    for (const lan of ['o', 'i']) sh('ip', '-n', this.#space(lan), 'link', 'set', `d${n}`, state);
  }

  #serve(n: number, lan: string): void {
    const space = this.#space(`${n}`);
    addNamespace(space);
    this.#plug(space, 'eth0', lan, `s${n}`);
    batch(
      space,
      `address add ${inner(n)}/24 dev eth0`,
      `route add default via ${inner(10)}`,
      // In the mixed case this service is the other director's.
      ...(this.#study.name === 'mixed'
        ? [
            'rule add ipproto tcp sport 443 lookup 11',
            `route add default via ${inner(11)} table 11`,
          ]
        : []),
    );
    if (WEB.includes(n)) this.#open(n);
    for (const port of n === 100 ? [] : [25, 443]) {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.end(`220 s${n}\r\n`);
      });
      inNamespace(space, () => server.listen(port));
      this.#servers.push(server);
    }
  }

  #open(n: number): void {
    const web = createWeb(({ url = '' }, answer) => {
      const isPage = url.startsWith('/testurl');
      answer.writeHead(200, { connection: 'close' });
      answer.end(isPage ? pageOf(url) : `s${n}\n`);
    });
    inNamespace(this.#space(`${n}`), () => web.listen(80));
    this.#web.set(n, web);
  }

  /**
   * Until these directors' tables are so, and the addresses are with one of them; then clients ask. Where a check fails
   * meanwhile, as on a busy machine, its server is away for a loop: they ask again.
   */
  async #visit(
    what: string,
    table: readonly string[],
    directors: readonly number[],
    master: number,
  ): Promise<void> {
    const rows = table.map(rowOf);
    const log = (): string => this.daemons.map(({ text }) => text.slice(-2500)).join('\n--\n');
    const arrived = (): boolean =>
      directors.every((n) => sameRows(rowsOf(this.#tables[n - 1] as Ipvs), rows)) &&
      directors.every((n) => this.#held(n).length > 0 === (n === master)) &&
      this.#held(master).length === this.#study.moves.length;
    let moment: Moment;
    do {
      await until(() => `${what}: tables and addresses\n${log()}`, arrived, PATIENCE);
      const tables = directors.map((n) => savedTable(this.#space(`d${n}`)));
      const held = [1, 2].map((n) => this.#held(n));
      moment = { what, tables, held, answers: await this.#ask() };
    } while (!arrived());
    this.#moments.push(moment);
  }

  /** Who answers each service. */
  async #ask(): Promise<Moment['answers']> {
    const { web, others } = this.#study;
    const client = this.#space('c');
    const asked = Array.from({ length: TIMES }, () => [
      '--interface',
      this.#from(),
      `http://${web}/who`,
    ]);
    const answers: Record<string, string[]> = { [`${web}:80`]: await curl(client, ...asked) };
    for (const [address, port] of others) {
      const names = [];
      for (let i = 0; i < TIMES; i++)
        names.push(await greeting(client, address, port, this.#from()));
      answers[`${address}:${port}`] = names;
    }
    return answers;
  }

  /** An address that has not asked for a while. */
  #from(): string {
    return CLIENTS[this.#next++ % CLIENTS.length] as string;
  }

  #held(n: number): string[] {
    const all = inNamespace(this.#space(`d${n}`), () => networkInterfaces());
    const addresses = Object.values(all).flatMap((list = []) => list.map(({ address }) => address));
    return this.#study.moves.filter((address) => addresses.includes(address));
  }
}

export async function main(study: Study): Promise<Runs> {
  const play = async ([kind, site]: readonly [Kind, Site]) => {
    const moments = await site.play();
    return [kind, { moments, log: site.daemons.map(({ text }) => text).join('\n') }] as const;
  };
  // Building one takes seconds in which the servers of the other, which are in this process, would not answer.
  const sites = study.kinds.map((kind) => [kind, new Site(kind, study)] as const);
  return Object.fromEntries(await Promise.all(sites.map(play)));
}
