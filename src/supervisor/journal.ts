// The journal: a file that says which addresses this daemon may have put on interfaces, which routes and rules its instances
// may have put into tables, which interfaces it may have made and what it may have set, so that whoever starts after a crash of everything removes them, also those that the
// configuration no longer has. It is written before a child may add any.

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { parseIp } from '../lib/ip.ts';
import type { MadeLink, Setting } from '../lib/link.ts';
import { type JournalEntry, type Leavings, NOTHING_LEFT } from '../vrrp/event.ts';
import type { RouteEntry, RoutingEntries, RuleEntry } from '../vrrp/routing.ts';

interface Content extends Partial<Leavings> {
  /** Addresses do not survive a boot, and another namespace has others. */
  readonly boot: string;
  readonly namespace: string;
}

export class Journal {
  readonly #path: string;
  readonly #refused: (error: Error) => void;
  readonly #place: Pick<Content, 'boot' | 'namespace'>;
  #left: Leavings;

  /**
   * Call it inside the namespace that the addresses are in. `refused` hears why the file could not be written: the
   * daemon goes on, and only a start after everything was killed will know less.
   */
  constructor(path: string, refused: (error: Error) => void) {
    this.#path = path;
    this.#refused = refused;
    this.#place = {
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      namespace: readlinkSync('/proc/self/ns/net'),
    };
    this.#left = this.#read();
  }

  get entries(): readonly JournalEntry[] {
    return this.#left.addresses;
  }

  get links(): readonly MadeLink[] {
    return this.#left.links;
  }

  /** What was set, as it was before. */
  get settings(): readonly Setting[] {
    return this.#left.settings;
  }

  /** Routes and rules. */
  get routing(): RoutingEntries {
    return this.#left.routing;
  }

  /** Before a configuration with these addresses is given to a child: what was there before stays until `settle`. */
  extend({ addresses, links, settings, routing: { routes, rules } }: Leavings): void {
    const was = this.#left.routing;
    const left = {
      addresses: union(this.#left.addresses, addresses, keyOf),
      links: union(this.#left.links, links, JSON.stringify),
      settings: union(this.#left.settings, settings, placeOf),
      routing: {
        routes: union(was.routes, routes, JSON.stringify),
        rules: union(was.rules, rules, JSON.stringify),
      },
    };
    if (JSON.stringify(left) !== JSON.stringify(this.#left)) this.#write(left);
  }

  /** A child runs with these and has removed all others; what was noted of a setting first stands. */
  settle({ addresses, links, settings, routing }: Leavings): void {
    const places = new Set(settings.map(placeOf));
    this.#write({
      addresses,
      links,
      routing,
      settings: this.#left.settings.filter(
        (was) => places.has(placeOf(was)) || places.has(placeOf({ ...was, interface: '*' })),
      ),
    });
  }

  /** Nothing is left on any interface. */
  remove(): void {
    this.#left = NOTHING_LEFT;
    try {
      rmSync(this.#path, { force: true });
    } catch (error) {
      this.#refused(error as Error);
    }
  }

  /** Whatever cannot be read, or was not written by this user for this place, says nothing. */
  #read(): Leavings {
    try {
      const fd = openSync(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        if (fstatSync(fd).uid !== process.geteuid?.()) return NOTHING_LEFT;
        const content = JSON.parse(readFileSync(fd, 'utf8')) as Content;
        const { boot, namespace, addresses = [], links = [], settings = [] } = content;
        const { routes, rules } = content.routing ?? NOTHING_LEFT.routing;
        const here = boot === this.#place.boot && namespace === this.#place.namespace;
        if (!here) return NOTHING_LEFT;
        return {
          addresses: addresses.filter(isEntry),
          links: links.filter(isLink),
          settings: settings.filter(isSetting),
          routing: { routes: routes.filter(isRoute), rules: rules.filter(isRule) },
        };
      } finally {
        closeSync(fd);
      }
    } catch {
      return NOTHING_LEFT;
    }
  }

  /** In one move: a crash leaves the old file or the new one. */
  #write(left: Leavings): void {
    this.#left = left;
    const draft = `${this.#path}.new`;
    const content: Content = { ...this.#place, ...left };
    try {
      rmSync(draft, { force: true });
      writeFileSync(draft, JSON.stringify(content), { flag: 'wx', mode: 0o600 });
      renameSync(draft, this.#path);
    } catch (error) {
      this.#refused(error as Error);
    }
  }
}

export const keyOf = ({ address, prefix, dev }: JournalEntry): string =>
  `${address}/${prefix} ${dev}`;

const placeOf = ({ family, interface: at = '', name }: Setting): string =>
  `${family}/${at}/${name}`;

/** Of two with one key the first. */
function union<T>(some: readonly T[], more: readonly T[], key: (one: T) => string): readonly T[] {
  const known = new Set(some.map(key));
  const fresh = more.filter((one) => !known.has(key(one)));
  return fresh.length === 0 ? some : [...some, ...fresh];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const isLink = (link: unknown): link is MadeLink =>
  isObject(link) &&
  typeof link.name === 'string' &&
  typeof link.parent === 'string' &&
  (link.kind === 'macvlan' || link.kind === 'ipvlan');

/** Written into a message for the kernel one day: what is no address must not end a process then. */
const isIp = (value: unknown): boolean => typeof value === 'string' && parseIp(value) === value;
const isNetwork = (value: unknown): boolean =>
  value === undefined ||
  (isObject(value) && isIp(value.address) && typeof value.prefix === 'number');
const isRoute = (route: unknown): route is RouteEntry =>
  isObject(route) &&
  (route.family === 4 || route.family === 6) &&
  isIp(route.destination) &&
  typeof route.prefix === 'number' &&
  typeof route.type === 'number' &&
  [route.via, route.src].every((one) => one === undefined || isIp(one)) &&
  isNetwork(route.from);
const isRule = (rule: unknown): rule is RuleEntry =>
  isObject(rule) &&
  (rule.family === 4 || rule.family === 6) &&
  typeof rule.priority === 'number' &&
  typeof rule.action === 'number' &&
  isNetwork(rule.from) &&
  isNetwork(rule.to);

/** The names become part of a path. */
const isSetting = (setting: unknown): setting is Setting =>
  isObject(setting) &&
  (setting.family === 'ipv4' || setting.family === 'ipv6') &&
  (setting.interface === undefined ||
    (typeof setting.interface === 'string' && /^(?!\.{1,2}$)[^/]+$/.test(setting.interface))) &&
  typeof setting.name === 'string' &&
  /^[a-z0-9_]+$/.test(setting.name) &&
  typeof setting.value === 'number';

function isEntry(entry: unknown): entry is JournalEntry {
  if (typeof entry !== 'object' || entry === null) return false;
  const { address, prefix, dev } = entry as Record<keyof JournalEntry, unknown>;
  return typeof address === 'string' && typeof prefix === 'number' && typeof dev === 'string';
}
