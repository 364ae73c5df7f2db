// Runs inside: clients ask virtual addresses, and real servers answer, through a director with ours and through one with
// keepalived: who answers after each event, and what IPVS holds then. Judges nothing; traffic.test.ts does.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { Ipvs } from '../../src/net/ipvs.ts';
import { inNamespace } from '../../src/net/namespace.ts';
import { curl, dns, mail, sip } from './client.ts';
import { rowOf, rowsOf, sameRows, serviceName } from './rows.ts';
import { loadModules, Town, VIRTUAL } from './town.ts';
import { Daemon, type Kind, savedTable, until, within } from './world.ts';

/** Requests to each service after each event. */
export const TIMES = 6;

export type Answers = Readonly<Record<string, readonly string[]>>;

export interface Moment {
  readonly table: readonly string[];
  /** Who answered, by service as ipvsadm names it. */
  readonly answers: Answers;
}

export interface Chapter {
  readonly what: string;
  readonly deeds: readonly (readonly [number, 'kill' | 'start' | 'down' | 'up'])[];
  readonly table: readonly string[];
}

export interface Run {
  readonly moments: Readonly<Record<string, Moment>>;
  /** Connections that the kernel counted in the first of them, by service and real server. */
  readonly counted: Readonly<Record<string, number>>;
  /** Who sent the file, by how the data connection was made, and the connection entries after that. */
  readonly files: Answers;
  readonly entries: string;
  /** Who answered, by call; each from several addresses in turn. */
  readonly calls: Answers;
  /** Of ours: keepalived_check.json and `ipvsadm -Ln --stats --exact`, of one moment at the end. */
  readonly counters?: { readonly json: string; readonly listed: string };
  readonly log: string;
}

export type Runs = Readonly<Record<Kind, Run>>;

const JSON_SIGNAL = 36;
const JSON_FILE = '/tmp/keepalived_check.json';
const NAT = VIRTUAL[0] as string;

const repeated = (url: string): string[][] => Array.from({ length: TIMES }, () => [url]);

const requests = (client: string): Readonly<Record<string, () => Promise<string[]>>> => ({
  ...Object.fromEntries(
    VIRTUAL.map((address) => [
      `-t ${address}:80`,
      () => curl(client, ...repeated(`http://${address}/`)),
    ]),
  ),
  [`-t ${NAT}:443`]: () => curl(client, ...repeated(`https://${NAT}/name`)),
  [`-t ${NAT}:25`]: () => mail(client, TIMES, NAT),
  [`-u ${NAT}:53`]: () => dns(client, TIMES, NAT),
});

class Site {
  readonly town: Town;
  readonly ipvs: Ipvs;
  readonly #kind: Kind;
  readonly #config: string;
  #daemon: Daemon | undefined;
  readonly moments: Record<string, Moment> = {};

  constructor(kind: Kind, config: string) {
    this.town = new Town(kind);
    for (const n of [1, 2, 3]) {
      this.town.addServer(n);
      this.town.start(n, n === 3 ? 'web' : undefined);
    }
    this.ipvs = inNamespace(this.town.director, () => Ipvs.open());
    this.#kind = kind;
    this.#config = config;
  }

  /** Not before the servers serve: none of them has failed then. */
  async begin(): Promise<void> {
    for (const n of [1, 2])
      await until(`server ${n} of ${this.#kind} serves`, () => {
        const listening = within(this.town.server(n), 'ss', '-Hltn');
        return [21, 25, 53, 80, 443].every((port) => listening.includes(`:${port} `));
      });
    this.#daemon = new Daemon(this.#kind, this.town.director, this.#config, ['-C']);
  }

  get log(): string {
    return this.#daemon?.text ?? '';
  }

  async end(): Promise<void> {
    await this.#daemon?.stop();
    this.ipvs.close();
  }

  /** Until IPVS holds what it should; then every service is asked that has a server. */
  async visit(what: string, table: readonly string[]): Promise<void> {
    const rows = table.map(rowOf);
    await until(
      () => `${what}: the table\n${this.log}`,
      () => sameRows(rowsOf(this.ipvs), rows),
      60_000,
    );
    const answers: Record<string, string[]> = {};
    const asked = requests(this.town.client);
    for (const { service, destination } of rows)
      if (destination !== undefined && answers[service] === undefined && asked[service])
        answers[service] = await asked[service]();
    this.moments[what] = { table: savedTable(this.town.director), answers };
  }

  /** The kernel adds up every two seconds. */
  async counted(): Promise<Record<string, number>> {
    const { answers } = Object.values(this.moments)[0] as Moment;
    let counts: Record<string, number> = {};
    const sum = (service: string): number =>
      Object.entries(counts)
        .filter(([name]) => name.startsWith(`${service} `))
        .reduce((total, [, count]) => total + count, 0);
    await until(
      () => `the kernel’s counters: ${JSON.stringify(counts)}`,
      () => {
        counts = Object.fromEntries(
          this.ipvs
            .services()
            .flatMap(({ key }) =>
              this.ipvs
                .destinations(key)
                .map(({ destination, statistics }) => [
                  `${serviceName(key)} ${destination.address}`,
                  Number(statistics.connections),
                ]),
            ),
        );
        return Object.keys(answers).every((service) => sum(service) >= TIMES);
      },
    );
    return counts;
  }

  async counters(): Promise<NonNullable<Run['counters']>> {
    const list = (): string => within(this.town.director, 'ipvsadm', '-Ln', '--stats', '--exact');
    for (;;) {
      const listed = list();
      rmSync(JSON_FILE, { force: true });
      this.#daemon?.signal(JSON_SIGNAL);
      await until('the file', () => existsSync(JSON_FILE));
      // The kernel has not added up meanwhile.
      if (list() === listed) return { json: readFileSync(JSON_FILE, 'utf8'), listed };
    }
  }

  async files(): Promise<Record<string, string[]>> {
    const url = `ftp://${NAT}/name`;
    const from = ['--interface', '10.1.0.3'];
    const { client } = this.town;
    return {
      'active, PORT': await curl(client, [...from, '--disable-eprt', '--ftp-port', '-', url]),
      'active, EPRT': await curl(client, [...from, '--ftp-port', '-', url]),
      'passive, PASV': await curl(client, [...from, '--disable-epsv', url]),
      'passive, EPSV': await curl(client, [...from, url]),
    };
  }

  async calls(): Promise<Record<string, string[]>> {
    const calls: Record<string, string[]> = {};
    for (const from of ['10.1.0.2', '10.1.0.2', '10.1.0.3', '10.1.0.4'])
      for (const call of ['a', 'b', 'c', 'd'].map((name) => `${name}@test`)) {
        calls[call] ??= [];
        calls[call].push(await sip(this.town.client, NAT, from, call));
      }
    return calls;
  }
}

export async function main({
  config,
  start,
  chapters,
}: {
  readonly config: string;
  readonly start: readonly string[];
  readonly chapters: readonly Chapter[];
}): Promise<Runs> {
  loadModules();
  const play = async (kind: Kind): Promise<Run> => {
    const site = new Site(kind, config);
    const { town } = site;
    await site.begin();
    await site.visit('all is well', start);
    const counted = await site.counted();
    const [files, calls] = [await site.files(), await site.calls()];
    const entries = within(town.director, 'ipvsadm', '-Lnc');
    for (const { what, deeds, table } of chapters) {
      for (const [n, deed] of deeds)
        if (deed === 'kill' || deed === 'start') town[deed](n);
        else town.cable(n, deed);
      await site.visit(what, table);
    }
    const counters = kind === 'ours' ? { counters: await site.counters() } : {};
    await site.end();
    return { moments: site.moments, counted, files, entries, calls, ...counters, log: site.log };
  };
  const [ours, keepalived] = await Promise.all([play('ours'), play('keepalived')]);
  return { ours, keepalived };
}
