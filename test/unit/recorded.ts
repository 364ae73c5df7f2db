// Recordings of keepalived 2.2.7's dumps in test/fixtures/corpus/dumps: the configuration that each belongs to, as we
// read it, and what depends on the run taken out of both sides. Asserts nothing.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InterfaceFacts } from '../../src/config/build.ts';
import { lex } from '../../src/config/lexer.ts';
import { buildConfiguration, type Config } from '../../src/keywords.ts';
import type { Link, LinkAddress } from '../../src/lib/link.ts';
import type { Facts } from '../../src/vrrp/event.ts';
import { ip } from '../sim/config.ts';

const corpus = join(import.meta.dirname, '../fixtures/corpus/files');
const dumps = join(import.meta.dirname, '../fixtures/corpus/dumps');

/** The numbers of the configurations that have a recording with this ending. */
export const recorded = (ending: '.data' | '.check.data'): readonly string[] =>
  readdirSync(dumps)
    .filter((name) => /^\d+(\..*)$/.exec(name)?.[1] === ending)
    .map((name) => name.slice(0, 3));

export const recording = (number: string, ending: '.data' | '.check.data'): readonly string[] =>
  readFileSync(join(dumps, `${number}${ending}`), 'utf8')
    .replace(/\n$/, '')
    .split('\n');

/** On the machine of the recordings. */
export function readCorpus(
  number: string,
  interfaces: ReadonlyMap<string, InterfaceFacts>,
): Config {
  const name = readdirSync(corpus).find((one) => one.startsWith(`${number}_`)) ?? '';
  return readConfiguration(join(corpus, name), interfaces);
}

/** What iproute2's files give. */
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['table local', 255],
  ['table main', 254],
  ['table default', 253],
  ['realm cosmos', 0],
  ['scope link', 253],
]);

/** A configuration of ours on that machine. */
export function readConfiguration(
  path: string,
  interfaces: ReadonlyMap<string, InterfaceFacts>,
): Config {
  const files = [{ name: path, path, directory: dirname(path), text: readFileSync(path, 'utf8') }];
  const { lines } = lex(files, {
    read: () => ({ files: [], problems: [] }),
    configId: 'vm',
    random: { seed: 1 },
  });
  const { config } = buildConfiguration(lines, {
    // What keepalived says where a host does not know its own name.
    hostname: '[unknown]',
    processors: 2,
    interfaces,
    user: (name) => (name === 'root' ? { uid: 0, gid: 0 } : undefined),
    group: (name) => (name === 'root' ? 0 : undefined),
    // It knew no other name than this.
    addressOf: (host) => (host === 'localhost' ? '127.0.0.1' : undefined),
    numberOf: (kind, name) => NUMBERS.get(`${kind} ${name}`),
    // It has this program, and /bin leads to /usr/bin.
    inspect: (command) =>
      /^(\/usr)?\/bin\/true$/.test(command)
        ? { path: '/usr/bin/true' }
        : { message: `Script ${command} cannot be accessed` },
  });
  assert.ok(config !== undefined, path);
  return config;
}

type Making = { -readonly [K in keyof Link]: Link[K] };

/** The machine as the section about interfaces tells of it, and those interfaces that keepalived had made on it. */
export function machineOf(dump: readonly string[]): Facts & { readonly made: readonly Link[] } {
  const links: Making[] = [];
  const addresses: LinkAddress[] = [];
  const made: Making[] = [];
  for (const line of dump.slice(dump.indexOf('------< Interfaces >------') + 1)) {
    const [, label = '', value = ''] =
      /^ +(Name|index|IPv4 address|IPv6 address|MAC|MTU|HW Type|State) = (.*)/.exec(line) ?? [];
    const link = links.at(-1);
    const [, kind, mode, below] =
      /^ +(VMAC|IPVLAN) type (?:L2 )?(\w+), underlying interface = (\S+),/.exec(line) ?? [];
    if (link !== undefined && kind !== undefined) {
      link.kind = kind === 'VMAC' ? 'macvlan' : 'ipvlan';
      link.mode = mode as Exclude<Link['mode'], undefined>;
      const parent = links.find(({ name }) => name === below);
      if (parent !== undefined) link.parent = parent.index;
    }
    if (link !== undefined && line.endsWith('I/f created by keepalived')) made.push(link);
    const [, question] = /^ +NIC \w+ (MII|ETHTOOL|refresh)/.exec(line) ?? [];
    if (link !== undefined && question !== undefined)
      link.asked = question === 'refresh' ? 'IOCTL' : (question as 'MII' | 'ETHTOOL');
    if (label === 'Name') {
      links.push({
        name: value,
        index: 0,
        mac: '',
        mtu: 1500,
        hardware: 1,
        up: true,
        running: true,
        multicast: true,
      });
    } else if (link === undefined) continue;
    else if (label === 'index') link.index = Number.parseInt(value, 10);
    else if (label === 'MAC') link.mac = value;
    else if (label === 'MTU') link.mtu = Number(value);
    else if (label === 'HW Type') link.hardware = value === 'LOOPBACK' ? 772 : 1;
    else if (label === 'State') {
      const words = value.split(', ');
      link.up = words.includes('UP');
      link.running = words.includes('RUNNING');
      link.multicast = !words.includes('no multicast');
    } else if (label !== '' && value !== '(none)') {
      const four = label === 'IPv4 address';
      addresses.push({
        index: link.index,
        address: ip(value),
        prefix: four ? 24 : 64,
        scope: four ? 0 : 253,
        secondary: false,
        tentative: false,
      });
    }
  }
  // What is only named in the configuration has no index.
  return { links: links.filter(({ index }) => index > 0), addresses, made };
}

/**
 * Times, versions, descriptors, passwords, and what keepalived reads from a pointer that points nowhere: the router that
 * is master while nobody is has the text of whatever address was written last.
 */
export const masked = (lines: readonly string[]): readonly string[] =>
  lines
    .filter((line) => line !== '' && !line.startsWith(' libnftnl version'))
    .map((line, at, all) =>
      line.startsWith('   Master router = ') && all[at + 1] === '   Master priority = 0'
        ? '   Master router = (nobody)'
        : line
            .replace(/(Last transition|Read timeout) = -?\d.*/, '$1 = TIME')
            .replace(/Password = .*/, 'Password = (hidden)')
            .replace(/fd_in -?\d+,? fd_out( =)? -?\d+/, 'fd_in, fd_out'),
    );
