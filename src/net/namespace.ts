// Work inside another network namespace: this thread enters, works synchronously, and returns. Processes it starts meanwhile
// are born there.

import { closeSync, openSync } from 'node:fs';
import { native } from '../net/native.ts';

/** CLONE_NEWNET. */
const NETWORK = 0x40000000;

export const namespacePath = (name: string): string => `/run/netns/${name}`;

/** Throws what the system refuses on entering; ENOENT where there is no such namespace. */
export function inNamespace<T>(name: string | undefined, work: () => T): T {
  if (name === undefined) return work();
  const home = openSync('/proc/self/ns/net', 'r');
  try {
    native.enterNamespace(namespacePath(name), NETWORK);
    try {
      return work();
    } finally {
      native.enterNamespace(`/proc/self/fd/${home}`, NETWORK);
    }
  } finally {
    closeSync(home);
  }
}
