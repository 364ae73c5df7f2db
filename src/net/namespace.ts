// Work inside another network namespace: this thread enters, works synchronously, and returns. Processes it starts meanwhile
// are born there.

import { closeSync, openSync } from 'node:fs';
import { native } from './native.ts';

/** CLONE_NEWNET. */
const NETWORK = 0x40000000;

/** Throws what the system refuses on entering; ENOENT where there is no such namespace. */
export const inNamespace = <T>(name: string | undefined, work: () => T): T =>
  name === undefined ? work() : inNamespaceAt(`/run/netns/${name}`, work);

/**
 * net_namespace_ipvs: absent, that of this process; '', the one that the daemon was started in: the parent's `originPath`.
 * Where the parent is at this moment may be another: it starts its children in net_namespace.
 */
export const inIpvsNamespace = <T>(name: string | undefined, origin: string, work: () => T): T =>
  name === '' ? inNamespaceAt(origin, work) : inNamespace(name, work);

const OWN = '/proc/self/ns/net';
let origin: number | undefined;

/** Where other processes find the namespace that this one was started in, whatever it works in meanwhile. */
export function originPath(): string {
  origin ??= openSync(OWN, 'r');
  return `/proc/${process.pid}/fd/${origin}`;
}

/** In the namespace of which this is a file. Throws what the system refuses on entering. */
export function inNamespaceAt<T>(path: string, work: () => T): T {
  // Before the first departure.
  originPath();
  const home = openSync(OWN, 'r');
  try {
    native.enterNamespace(path, NETWORK);
    try {
      return work();
    } finally {
      native.enterNamespace(`/proc/self/fd/${home}`, NETWORK);
    }
  } finally {
    closeSync(home);
  }
}
