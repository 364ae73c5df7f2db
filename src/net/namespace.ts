// Work inside another network namespace: this thread enters, works synchronously, and returns. Processes it starts meanwhile
// are born there.

import { closeSync, openSync } from 'node:fs';
import { native } from './native.ts';

/** CLONE_NEWNET. */
const NETWORK = 0x40000000;

/** Throws what the system refuses on entering; ENOENT where there is no such namespace. */
export const inNamespace = <T>(name: string | undefined, work: () => T): T =>
  name === undefined ? work() : within(`/run/netns/${name}`, work);

/** In the namespace of a process. Throws what the system refuses on entering. */
export const inNamespaceOf = <T>(pid: number, work: () => T): T =>
  within(`/proc/${pid}/ns/net`, work);

/** net_namespace_ipvs: absent, that of this process; '', the one that the daemon was started in, where the parent is. */
export const inIpvsNamespace = <T>(name: string | undefined, work: () => T): T =>
  name === '' ? inNamespaceOf(process.ppid, work) : inNamespace(name, work);

function within<T>(path: string, work: () => T): T {
  const home = openSync('/proc/self/ns/net', 'r');
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
