// Every program that the lab runs (tests in namespaces, benches, the demo) and the Debian package that brings it.
// scripts/test installs these packages (lab.test.ts compares); nothing here runs anything.

import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

export const programs = {
  keepalived: 'keepalived',
  '/usr/lib/frr/zebra': 'frr',
  '/usr/lib/frr/vrrpd': 'frr',
  tcpdump: 'tcpdump',
  ip: 'iproute2',
  bridge: 'iproute2',
  ping: 'iputils-ping',
  sysctl: 'procps',
  nft: 'nftables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  chrt: 'util-linux',
  mount: 'mount',
} as const;

/** What runs ours: KEEPALIVED_TEST_NODE names another than this process's own, for example scripts/sanitized-node. */
export const node = process.env.KEEPALIVED_TEST_NODE ?? process.execPath;

/** Under the sanitizers memory is neither locked nor given back, and everything is slower: no test of those then. */
export const sanitized = node.endsWith('sanitized-node');

export type Program = keyof typeof programs;

/** The packages to install, each once. */
export const packages: readonly string[] = [...new Set(Object.values(programs))];

/** Where `program` is, looked up as root's shell would; undefined where it is not installed. */
export function findProgram(program: Program): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin'];
  const places = isAbsolute(program) ? [program] : folders.map((folder) => join(folder, program));
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The path of `program`, or an error that names the package to install. */
export function requireProgram(program: Program, find = findProgram): string {
  const path = find(program);
  if (path === undefined) {
    throw new Error(`${program} is not installed: apt-get install ${programs[program]}`);
  }
  return path;
}
